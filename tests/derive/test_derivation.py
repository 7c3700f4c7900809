"""A derivation takes the steps that follow, refuses the others, and shows what it has checked."""

import subprocess
import sys
from unittest import mock

import pytest
from mpmath import mp
from sympy import Derivative, Integer, Sum, exp, log

from lossnotes.derive import Derivation, StepError, evaluate, verdict
from lossnotes.derive.symbols import (
    KL,
    LSE,
    K,
    Scores,
    c,
    delta,
    entropy,
    i,
    j,
    log_loss,
    maximum,
    q,
    s,
    softmax,
    y,
)

from .lecture import over

v = Scores("v")


def gradient():
    chain = Derivation(Derivative(log_loss(s, y), s[j]))
    chain.step(Derivative(LSE(s) - s[y], s[j]), "the log loss, written out")
    return chain.step(softmax(s)[j] - delta(j, y), "the gradient of LSE is the softmax")


def test_a_chain_of_true_steps_is_proved():
    chain = gradient()
    assert chain.proved
    assert [step.relation for step in chain.steps] == ["=", "="]
    assert chain.result == softmax(s)[j] - delta(j, y)


def test_a_step_that_does_not_follow_is_refused_with_a_witness_where_the_sides_differ():
    chain = gradient()
    wrong = softmax(s)[j] + delta(j, y)
    with pytest.raises(StepError, match="step 3 does not follow") as caught:
        chain.step(wrong, "a sign")
    witness = caught.value.verdict.witness
    with mp.workdps(50):
        left, right = (evaluate(side, witness.point) for side in (chain.result, wrong))
    assert abs(left - right) > 1
    assert mp.almosteq(left, witness.left) and mp.almosteq(right, witness.right)


def test_a_refused_step_leaves_the_derivation_as_it_was():
    chain = gradient()
    before = list(chain.steps), chain.result, repr(chain)
    with pytest.raises(StepError):
        chain.step(softmax(s)[y] - delta(j, y), "an index")
    assert (chain.steps, chain.result, repr(chain)) == before


def test_a_step_is_checked_against_the_one_before_and_not_against_the_start():
    chain = Derivation(maximum(s)).step(LSE(s), "one term of the sum", "<")
    with pytest.raises(StepError):
        chain.step(maximum(s), "back again")


@pytest.mark.parametrize(
    ("relations", "together"),
    [("=", "="), ("= <=", "<="), ("<= < =", "<"), (">= =", ">="), ("> >=", ">")],
)
def test_a_chain_supports_its_strongest_relation(relations, together):
    chain = Derivation(c)
    for relation in relations.split():
        change = {"=": 0, "<": 1, "<=": 1, ">": -1, ">=": -1}[relation]
        chain.step(chain.result + change, "a number", relation)
    assert chain.relation == together


def test_a_chain_up_and_down_relates_nothing():
    chain = Derivation(c).step(c + 1, "up", "<").step(c, "down", ">")
    with pytest.raises(ValueError, match="mixes"):
        _ = chain.relation


def test_a_strict_step_is_refused_where_equality_is_possible():
    chain = Derivation(LSE(s))
    with pytest.raises(StepError):
        chain.step(maximum(s) + log(K), "no term exceeds the largest", "<")
    assert chain.steps == []


def test_a_chain_of_equations_has_no_case_of_equality():
    with pytest.raises(ValueError, match="no case of equality"):
        gradient().equality({s: c})


def test_it_shows_each_step_with_its_ground_and_verdict():
    shown = gradient()._repr_html_()
    assert shown.count("<tr>") == 2
    assert "the gradient of LSE is the softmax" in shown
    assert shown.count("proved") >= 2


def test_what_is_shown_as_latex_is_made_from_what_was_checked():
    chain = Derivation(over(i, q[i])).step(1, "q sums to one")
    assert r"\sum_{i=1}^{K} q_{i}" in chain._repr_latex_().replace("{q}_", "q_")
    assert "= 1" in chain.statement


def test_a_confirmed_step_is_not_shown_as_proved():
    chain = Derivation(log(exp(c) + 1)).step(c, "it lies above its asymptote", ">")
    assert chain.proved is (chain.steps[0].verdict.kind == "proved")
    assert str(chain.steps[0].verdict) in chain._repr_html_()


def test_importing_the_derivations_imports_no_numpy():
    program = (
        "import sys, lossnotes.derive, lossnotes.derive.symbols; print('numpy' in sys.modules)"
    )
    found = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "False"


def test_a_case_of_equality_that_leaves_out_a_shift_is_refused():
    floor = Derivation(log_loss(s, q)).step(KL(q, softmax(s)) + entropy(q), "two definitions")
    floor.step(entropy(q), "the divergence is not negative", ">=")
    with pytest.raises(StepError, match="not exactly"):
        floor.equality({s: log(q)})
    assert floor.equality({s: log(q) + c}).equality_case.attained.kind == "proved"


def test_equality_that_is_proved_to_be_nowhere_else_is_if_and_only_if():
    chain = Derivation(entropy(q)).step(log(K), "the uniform distribution is the least sure", "<=")
    chain.equality({q: 1 / K})
    assert chain.equality_case.only_there.kind == "proved"
    assert "with equality if and only if q = 1/K" in repr(chain)
    assert "if and only if" in chain._repr_html_()


def test_equality_that_is_only_tried_elsewhere_is_not_called_if_and_only_if():
    with mock.patch.object(verdict, "proves_only_there", return_value=False):
        chain = Derivation(entropy(q)).step(log(K), "the uniform distribution", "<=")
        chain.equality({q: 1 / K})
    assert chain.equality_case.only_there.kind == "confirmed"
    text = "with equality where q = 1/K, and nowhere else found    [if: proved"
    assert text in repr(chain)
    shown = [repr(chain), chain._repr_latex_(), chain._repr_html_()]
    assert all("nowhere else found" in form and "if and only if" not in form for form in shown)


def more_than_one():
    """Zero at 1, and at the roots of 2, which no random point and no corner is."""
    square = (c**2 - 2) ** 2 * (c - 1) ** 2
    return Derivation(c**4 + 4 * c - square).step(c**4 + 4 * c, "a square is not negative", "<=")


def test_an_equality_elsewhere_is_found_where_the_gap_is_least():
    with pytest.raises(StepError, match="not exactly"):
        more_than_one().equality({c: 1})
    nothing = mock.Mock(return_value=())
    with mock.patch.multiple(verdict, bottoms=nothing, bottoms_farther_out=nothing):
        assert more_than_one().equality({c: 1}).equality_case.only_there.kind == "confirmed"


def test_a_proof_unfolds_to_what_it_used():
    chain = Derivation(LSE(s + c)).step(c + LSE(s), "a shift comes out")
    (why,) = [step.verdict.why for step in chain.steps]
    assert why and all(fact in chain._repr_html_() for fact in why)
    assert "<details>" in chain._repr_html_()


@pytest.mark.parametrize(
    "bound",
    [
        Sum(s[i] ** 2, (i, 1, K)) * Sum(v[i] ** 2, (i, 1, K)),
        Sum((i - 4) ** 2 * s[i] ** 2, (i, 1, K)),
    ],
    ids=["another vector is zero", "one entry is not"],
)
def test_equality_where_one_vector_is_simple_and_others_are_not_is_found(bound):
    with pytest.raises(StepError):
        Derivation(bound).step(Integer(0), "squares", ">=").equality({s: 0})
