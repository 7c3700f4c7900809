"""A goal that is false at a point is given up; and the rules need no doubt to be right."""

import pytest
from sympy import Abs, log

from lossnotes.derive import bounds
from lossnotes.derive.bounds import proves_bound, search
from lossnotes.derive.symbols import CE, KL, Positives, entropy, h, i, maximum, p, q

from . import test_gibbs, test_means, test_norms, test_rows
from .lecture import over

x = Positives("x")
distance = over(i, Abs(p[i] - q[i]))

HOPELESS = {
    "false where all entries are small": (CE(x, p), ">=", entropy(x)),
    "false with a largest entry": (maximum(Abs(p - q)), "<=", distance / 3),
    "strict, and an equation at equal shares": (distance**2 / 2, "<", KL(p, q)),
    "strict, and an equation where all scores are zero": test_norms.FALSE["one score alone"],
    "false for two vectors that differ by a constant": test_norms.FALSE[
        "log-sum-exp is not a contraction"
    ],
    "false where half the weight is on either end": test_means.FALSE["Popoviciu, a fifth"],
}


@pytest.mark.parametrize("claim", HOPELESS.values(), ids=HOPELESS)
def test_no_rule_is_tried_for_a_claim_that_is_false_at_a_cheap_point(claim, monkeypatch):
    tried = []
    monkeypatch.setattr(bounds, "RULES", (lambda goal, holds: tried.append(goal),))
    assert not proves_bound(*claim)
    assert not tried


def test_rounding_where_a_claim_is_an_equation_is_no_doubt():
    assert proves_bound(0, "<=", log(over(i, p[i] * (p[i] / q[i]) ** h)) / h)


SHARP = {
    test_gibbs: (
        "another label",
        "what is compared with does not sum to one",
        "one class too few",
        "shares that may be negative",
        "a little more",
        "backwards",
        "backwards, with one class that costs less",
    ),
    test_means: (
        "weights exchanged",
        "strict, where both are the same",
        "a weight above one",
        "a weight above one, and what is added",
        "another power of one of the two",
        "a mean that need not be the midpoint",
        "weights that do not sum to one",
        "a power that may exceed one",
        "what does not sum to one",
        "the other power of K",
        "Jensen backwards",
        "Popoviciu, a fifth",
    ),
    test_norms: (
        "log-sum-exp is not a contraction",
        "differences with their sign",
        "one class too few",
        "the mean",
        "signs that cancel",
        "the sum without a class, of which there is one",
        "the larger square of a negative number",
        "squares of a sum that cancels",
        "signs in one factor",
        "squares of what need not be below one",
        "half of what is below one",
        "a number above one",
        "what is told on one side, on the other",
    ),
    test_rows: (
        "two rows that are the same",
        "strict, at equal shares",
        "one row for all",
        "columns sum to anything",
        "a sum that may have no rows",
        "another distribution in the logarithm",
        "the square of a sum",
    ),
}


@pytest.mark.parametrize(
    "claim",
    [pytest.param(file.FALSE[name], id=name) for file, names in SHARP.items() for name in names],
)
def test_no_rule_leads_from_what_is_false_to_what_is_proved(claim, monkeypatch):
    doubts = search.is_doubtful
    monkeypatch.setattr(search, "is_doubtful", lambda goal: goal.depth and doubts(goal))
    assert not proves_bound(*claim)
