"""A verdict is proved, confirmed or refuted, and a refutation can be checked by hand."""

import os
import subprocess
import sys
from contextlib import contextmanager
from unittest import mock

import pytest
from mpmath import mp
from sympy import (
    Abs,
    Derivative,
    Function,
    Integral,
    Rational,
    Sum,
    Symbol,
    cos,
    cosh,
    exp,
    floor,
    gamma,
    log,
    oo,
    pi,
    sign,
    sin,
    sinh,
    sqrt,
    sympify,
    tan,
)

from lossnotes.derive import Verdict, compare, descent, equal, evaluate, verdict
from lossnotes.derive.points import draw_points
from lossnotes.derive.symbols import (
    CE,
    LSE,
    Between,
    K,
    Positives,
    Scores,
    c,
    delta,
    h,
    i,
    j,
    k,
    maximum,
    one_hot,
    p,
    q,
    s,
    softmax,
    y,
)
from lossnotes.derive.verdict import strict_unless

t, x, z = Symbol("t", real=True), Positives("x"), Positives("z")


def test_an_equation_proved_says_so():
    assert str(equal(LSE(s + c), c + LSE(s))) == "proved"


def test_what_has_no_proof_is_confirmed_and_says_at_how_many_points():
    found = equal(gamma(h) * gamma(h + Rational(1, 2)), 2 ** (1 - 2 * h) * sqrt(pi) * gamma(2 * h))
    assert found and str(found) == f"confirmed at {found.points} points" and found.points >= 10


def test_a_refutation_is_false_and_shows_the_point_and_both_values():
    found = equal(s[j], s[y])
    assert not found
    assert str(found).startswith("refuted at K = 2")
    assert "left = " in str(found) and "right = " in str(found)


@pytest.mark.parametrize(
    ("left", "relation", "right"),
    [
        (s[j], "=", s[y]),
        (Derivative(LSE(s), s[j]), "=", softmax(s)[y]),
        (LSE(s), "<=", s[j]),
        (c**2, ">", 0),
        (exp(-1000), "=", 0),
    ],
    ids=str,
)
def test_at_a_witness_the_sides_really_fail_the_claim(left, relation, right):
    witness = compare(left, relation, right).witness
    with mp.workdps(80):
        values = [evaluate(side, witness.point) for side in map(sympify, (left, right))]
    fails = {
        "=": values[0] != values[1],
        "<=": values[0] > values[1],
        ">": values[0] <= values[1],
    }
    assert fails[relation]
    assert [mp.almosteq(a, b) for a, b in zip(values, (witness.left, witness.right), strict=True)]


def test_a_side_without_a_value_refutes_where_the_other_has_one():
    found = equal(log(c), log(abs(c)))
    assert not found and mp.isnan(found.witness.left)


def test_points_without_a_value_on_both_sides_are_left_out():
    assert equal(log(c) + 1 - 1, log(2 * c) - log(2))


def test_a_claim_that_can_be_tried_nowhere_is_an_error():
    with pytest.raises(ValueError, match="no point"):
        equal(log(-exp(c)), log(-exp(c)) + 1)


def test_a_claim_about_an_unknown_function_is_an_error_that_names_it():
    with pytest.raises(ValueError, match="no value is known for f"):
        equal(Function("f")(c), Function("f")(c) + 1)


def test_an_unknown_relation_is_an_error_that_lists_the_known():
    with pytest.raises(ValueError, match="relation must be one of =, <=, >=, <, >, not '=='"):
        compare(c, "==", c)


def test_infinity_equals_itself_and_no_number():
    assert equal(CE(p, one_hot(y)), oo)
    assert not equal(CE(p, one_hot(y)), 7)
    assert not equal(log(delta(j, y)), 0)


def test_infinities_are_not_compared_with_one_another():
    with pytest.raises(ValueError, match="no numbers"):
        equal(oo, oo)


def test_a_number_between_others_is_where_it_should_be():
    share, beyond = Between("e", 0, h), Between("f", h, 2 * h)
    assert compare(share, "<", beyond).kind == "proved"
    assert compare(share * (h - share), "<=", h**2 / 4)
    assert not compare(share, "<", 3)
    assert not compare(share + h, "<", beyond)


def test_a_bound_that_fails_only_where_vectors_are_nearly_equal_is_refuted():
    """sqrt((1 - x) / x) is proper for two classes, and for no more."""
    risk = Sum(q[i] * sqrt((1 - p[i]) / p[i]), (i, 1, K))
    least = risk.xreplace({p: q})
    assert compare(risk, ">=", least).kind == "refuted"


@pytest.mark.parametrize(
    "left, relation, right",
    [
        (log(h), "<=", (h - 1) * (1 + Rational(1, 10**7))),
        (h**h, ">=", exp(-exp(-1)) + Rational(1, 10**9)),
        (sin(c) * sin(h), "<=", 1 - Rational(1, 10**10)),
        (Sum(1 / i, (i, 1, K)), "<=", 7),
    ],
    ids=str,
)
def test_a_bound_that_is_false_by_a_hair_or_for_many_classes_is_refuted(left, relation, right):
    assert compare(left, relation, right).kind == "refuted"


@pytest.mark.parametrize(
    "left, right, where",
    [
        ((c - 1) ** 2 * (c - 2) ** 2, 0, {c: 1}),
        (1 - cos(c), 0, {c: 0}),
        (Sum(s[i] ** 2, (i, 1, K)), Sum(s[i], (i, 1, K)) ** 2 / K, {s: h}),
        (
            Sum(x[i] ** 2, (i, 1, K)) * Sum(z[i] ** 2, (i, 1, K)),
            Sum(x[i] * z[i], (i, 1, K)) ** 2,
            {x: z},
        ),
    ],
    ids=str,
)
def test_a_case_of_equality_that_is_not_the_only_one_is_refuted(left, right, where):
    assert not strict_unless(left, ">=", right, where)


def test_a_case_of_equality_may_be_any_multiple():
    left, right = Sum(x[i] ** 2, (i, 1, K)) * Sum(z[i] ** 2, (i, 1, K)), Sum(x[i] * z[i], (i, 1, K))
    assert strict_unless(left, ">=", right**2, {x: h * z})


def test_a_case_of_equality_has_one_number_for_all_vectors():
    v = Scores("v")
    spread = sum(Sum(x[i] ** 2, (i, 1, K)) - Sum(x[i], (i, 1, K)) ** 2 / K for x in (s, v))
    assert strict_unless(spread, ">=", 0, {s: c, v: c}).kind == "refuted"


def test_a_number_of_the_claim_is_not_free_in_a_link_that_is_without_it():
    link = (LSE(s), "<=", maximum(s) + log(K))
    verdict = strict_unless(link[0] + c, "<=", link[2] + c, {s: c}, [link])
    assert verdict.kind == "refuted"


@pytest.mark.parametrize("power", [20, 45, 60, 85])
def test_a_difference_far_below_a_float_is_found(power):
    assert not equal(c + sympify(10) ** -power, c)


def test_a_tiny_number_is_not_zero():
    assert not equal(exp(-100), 0)
    assert compare(exp(-100), ">", 0)


def test_what_cancels_is_not_refuted():
    assert equal(cosh(60 * c) ** 2 - sinh(60 * c) ** 2, 1)
    assert equal(log(exp(100 * h) + 1) - 100 * h, log(1 + exp(-100 * h)))


def test_a_factor_that_vanishes_at_the_first_class_counts_is_found():
    assert not equal((K - 2) * (K - 3) * (K - 5) * c, 0)


@pytest.mark.parametrize("one", [s[j] + delta(j, y) * c, LSE(s) * s[k]], ids=str)
def test_a_term_that_shows_only_where_classes_coincide_is_found(one):
    assert not equal(one + delta(j, k) * delta(k, y), one)


def test_symbols_without_assumptions_are_real_numbers():
    x = Symbol("x")
    assert equal((x + 1) ** 2, x**2 + 2 * x + 1).kind == "proved"
    assert not equal(abs(x), x)


def test_a_verdict_is_the_same_in_every_process():
    program = """
from sympy import Symbol
from lossnotes.derive import equal
from lossnotes.derive.symbols import *
a, b = Symbol("a", real=True), Symbol("a", positive=True)
print(equal(a * s[j] + b * q[k] + Scores("q")[y], a * s[j] + b * q[k] + Positives("q")[y]))
"""
    answers = {
        subprocess.run(
            [sys.executable, "-c", program],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(answers) == 1 and answers.pop().startswith("refuted")


def test_a_prover_that_gives_up_proves_nothing():
    with mock.patch.object(verdict, "proves_equal", return_value=False):
        assert equal(LSE(s + c), c + LSE(s)).kind == "confirmed"


def test_a_prover_that_is_wrong_does_not_overrule_a_witness():
    with mock.patch.object(verdict, "proves_equal", return_value=True):
        assert equal(s[j], s[y]).kind == "refuted"


def test_what_is_said_of_the_number_of_classes_alone_is_tried_at_many_before_a_proof_is_sought():
    with mock.patch.object(verdict, "proves_bound", side_effect=AssertionError):
        found = compare(K**10, ">=", 3**K / sympify(1000))
    assert str(found).startswith("refuted at K = 50")


def test_only_a_refuted_verdict_is_false():
    assert [bool(Verdict(kind, 1)) for kind in ("proved", "confirmed", "refuted")] == [
        True,
        True,
        False,
    ]


def test_a_proof_says_where_both_sides_have_a_value():
    found = equal((c**2 - 1) / (c - 1), c + 1)
    assert str(found) == "proved where c is not 1"
    assert str(equal(1 / p[j], p[j] / p[j] ** 2)) == "proved"


def test_a_tangent_has_a_value_where_its_cosine_is_not_zero():
    assert equal(tan(c) * cos(c), sin(c)).where == ("cos(c) is not 0",)


def test_where_some_classes_coincide_and_others_do_not_a_logarithm_may_have_no_value():
    mixed = log(1 - 2 * delta(j, y) + 2 * delta(j, k))
    assert equal(mixed, mixed).where == ("both sides have a value",)
    assert equal(Sum(delta(i, y) * log(delta(i, y)), (i, 1, K)), 0).where == ()


def test_a_power_of_an_absolute_value_needs_no_condition():
    assert equal((c**2) ** (h / 2), Abs(c) ** h).where == ()
    assert equal(c**h * c, c ** (h + 1)).where == ("c is not negative",)


def test_a_witness_shows_as_many_digits_as_tell_its_sides_apart():
    left, right = str(equal(c, c + sympify(10) ** -30).witness).split(": left = ")[1].split(", ")
    assert left != right.removeprefix("right = ")


def test_a_condition_speaks_of_a_sign_in_words():
    found = equal(2 / (sign(c - 1) + 1), 4 / (2 * sign(c - 1) + 2))
    assert str(found) == "proved where (the sign of c - 1) + 1 is not 0"


@contextmanager
def digits_of_values():
    """To how many digits sides are computed."""
    found = []
    to_digits = verdict._value_or_none

    def noting(side, point, digits):
        found.append(digits)
        return to_digits(side, point, digits)

    with mock.patch.object(verdict, "_value_or_none", noting):
        yield found


def tried(left, relation, right):
    trial = verdict.Trial(left, relation, right)
    with digits_of_values() as found:
        trial.through(draw_points(left)[:3], 50)
    return trial.witness is None, max(found)


area = Integral(c**h, (c, 0, 1))


def test_a_bound_of_integrals_that_holds_by_a_margin_takes_few_digits():
    assert tried(area, "<=", sympify(1)) == (True, 25)


@pytest.mark.parametrize(("little", "found"), [(1, (True, 50)), (-1, (False, 100))])
def test_and_one_that_does_not_takes_all_of_them_and_may_fail_by_the_last(little, found):
    assert tried(area, "<=", 1 / (h + 1) + Rational(little, 10**30)) == found


@pytest.mark.parametrize(("bound", "most"), [(2, 30), (1, 60)])
def test_the_bottom_of_a_gap_of_integrals_has_all_digits_if_it_is_near_zero(bound, most):
    found = []
    with mock.patch.object(descent, "evaluate", lambda *x: found.append(mp.dps) or evaluate(*x)):
        list(descent.bottoms(area, sympify(bound), counts=(2,)))
    assert max(found) == most


def test_few_digits_that_cancel_decide_nothing():
    fifteen = 10**17 * (area - 1 / (h + 1))  # to 15 digits a number like 50
    both = 10**30 * (log(area) + log(h + 1))  # and to 25 one like 10^4
    for gap in (fifteen, both):
        for relation in ("<=", ">="):
            trial = verdict.Trial(gap, relation, sympify(0))
            assert not any(map(trial._holds_by_a_margin, draw_points(gap)[:3]))


@pytest.mark.parametrize("rare", [delta(j, 20), delta(K, 40), delta(floor(h), 17)], ids=str)
def test_what_happens_at_a_number_that_is_named_is_seen_there(rare):
    assert compare(rare, "=", 0).kind == "refuted"
