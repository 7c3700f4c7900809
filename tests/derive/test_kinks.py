"""A case that begins a little too early or too late is right almost everywhere, and is refuted."""

import pytest
from sympy import (
    Abs,
    Derivative,
    Eq,
    Heaviside,
    Integral,
    Limit,
    Max,
    Min,
    Or,
    Piecewise,
    Rational,
    Sum,
    Symbol,
    ceiling,
    exp,
    floor,
    log,
    oo,
    sign,
    sin,
)

from lossnotes.derive import compare
from lossnotes.derive.kinks import beside_kinks
from lossnotes.derive.prove import unfold
from lossnotes.derive.symbols import K, Others, Scores, epsilon, h, i, j, margin, maximum, p, s, y

x = Symbol("x", real=True)


@pytest.mark.parametrize(
    ("left", "relation", "right"),
    [
        (Heaviside(1 - margin(s, y)), "=", Heaviside(margin(s, y) - 1)),
        (Heaviside(1 - margin(s, y)), "=", Heaviside(1.01 - margin(s, y))),
        (Heaviside(x), "<=", Heaviside(x - 0.001)),
        (Max(0, x), "=", Max(0, x) + Heaviside(x) * Heaviside(0.001 - x)),
        (Abs(x), "=", x * (2 * Heaviside(x + 0.001) - 1)),
        (Heaviside(maximum(s, Others(y))), "=", Heaviside(maximum(s, Others(y)) - 0.01)),
    ],
)
def test_a_case_that_changes_at_another_place_is_refuted(left, relation, right):
    assert compare(left, relation, right).kind == "refuted"


t = Symbol("t", real=True)
LATE = Rational(1, 1000)


@pytest.mark.parametrize(
    "formula",
    [
        lambda at: sign(x - at),
        lambda at: floor(x - at),
        lambda at: Piecewise((x**2, Or(x < at, x > 3)), (x**2 + 1, True)),
        lambda at: Sum(sign(s[i] - x - at), (i, 1, K)),
        lambda at: Sum(floor(s[i] - at), (i, 1, K)),
        lambda at: Sum(Max(0, 1 + at - s[i]), (i, 1, K)),
        lambda at: Integral(Heaviside(t - x - at), (t, 0, 1)),
        lambda at: Heaviside(x - 10**5 - 10**4 * at),
    ],
    ids=range(8),
)
def test_every_kind_of_kink_that_comes_late_is_found_bound_or_free(formula):
    assert compare(formula(0), "=", formula(LATE)).kind == "refuted"


def test_a_claim_is_tried_on_the_kink_itself():
    verdict = compare(Heaviside(x - Rational(1, 2), 0), "=", Heaviside(x - Rational(1, 2), 1))
    assert verdict.kind == "refuted" and verdict.witness.point.values[x] == 0.5


def test_nothing_is_claimed_on_the_kink_of_a_derivative():
    assert compare(Derivative(Abs(x), x), "=", 2 * Heaviside(x) - 1)


def test_what_is_the_same_on_both_sides_of_its_kinks_is_not_refuted():
    assert compare(Heaviside(1 - margin(s, y)), "=", Heaviside(2 - 2 * margin(s, y)))


def test_points_lie_on_both_sides_of_a_kink():
    signs = {point.values[x] > 0.5 for point in beside_kinks(Heaviside(x - 0.5), x)}
    assert signs == {True, False}


def test_a_formula_without_kinks_has_no_points_beside_them():
    assert list(beside_kinks(x**2, x)) == []


THIRD = Rational(1, 3)


@pytest.mark.parametrize(
    ("left", "relation", "right"),
    [
        (sign(x - THIRD) ** 2, "=", 1),
        (sign(s[j] - THIRD) ** 2, "=", 1),
        (Sum(sign(s[i] - THIRD) ** 2, (i, 1, K)), "=", K),
        (sign(p[j] - THIRD / 2) ** 2, "=", 1),
        (sign(epsilon - THIRD) ** 2, "=", 1),
        (Piecewise((0, Eq(x, THIRD)), (1, True)), "=", 1),
        (Heaviside(exp(x) - 2, 1), "=", Heaviside(exp(x) - 2, 0)),
        (
            Derivative(Max(0, x - THIRD) ** 2, x),
            "=",
            2 * Max(0, x - THIRD) + 1 - sign(x - THIRD) ** 2,
        ),
        (Abs(x - THIRD), ">", 0),
        (Abs(s[j] - THIRD), ">", 0),
        (Max(0, h - THIRD) + Max(0, THIRD - h), ">", 0),
        ((h - THIRD) ** 2, ">", 0),
        ((s[j] - THIRD) ** 2, ">", 0),
    ],
    ids=range(13),
)
def test_what_fails_at_the_kink_alone_is_refuted_wherever_that_is(left, relation, right):
    assert compare(left, relation, right).kind == "refuted"


@pytest.mark.parametrize(
    "claim",
    [
        (Heaviside(3 * x - 1), "=", Heaviside(x - THIRD)),
        (sign(exp(x) - 2), "=", sign(x - log(2))),
        (Derivative(Sum(h * sign(s[i]), (i, 1, K)), s[j]), "<=", 0),
        (Abs(x - THIRD) + exp(-100 * h), ">", 0),
    ],
    ids=range(4),
)
def test_what_holds_at_the_kink_is_not_refuted_there(claim):
    assert compare(*claim)


whole, odd = Scores("n", integer=True), Scores("o", odd=True)
below, apart = Symbol("m", negative=True), Symbol("x", real=True, nonzero=True)


@pytest.mark.parametrize(
    "claim",
    [
        (whole[j] ** 2, ">=", whole[j]),
        (Abs(2 * whole[j] - 1), ">=", 1),
        (
            Sum(floor(whole[i] / 2) + ceiling(whole[i] / 2), (i, 1, K)),
            "=",
            Sum(whole[i], (i, 1, K)),
        ),
        (Abs(odd[j]), ">=", 1),
        (sign(sin(below) + below - 2), "=", -1),
        (sign(apart**3 + apart) ** 2, "=", 1),
        (sign((1 - epsilon) ** 3 + 1 - epsilon), "=", 1),
    ],
    ids=range(7),
)
def test_a_kink_outside_the_domain_refutes_nothing(claim):
    assert compare(*claim)


def test_a_kink_at_the_end_of_a_domain_refutes_what_includes_the_end():
    least = Symbol("n", nonnegative=True)
    assert compare(sign(sin(least) + least) ** 2, "=", 1).kind == "refuted"


@pytest.mark.parametrize(
    ("left", "limit"), [(Abs(x) / (x + 1), 1), (Max(x, h) - x, 0), (Abs(x - h) / (x - h), 1)]
)
def test_the_kinks_of_what_a_limit_is_taken_of_are_not_looked_for_in_its_variable(left, limit):
    assert compare(Limit(left, x, oo), "=", limit)
    assert not compare(Limit(left, x, oo), "=", limit + h)


@pytest.mark.parametrize("direction", "+-")
def test_a_limit_from_one_side_looks_nearer_than_what_counts_as_zero(direction):
    at_zero = 1 if direction == "+" else 0
    limit = Limit(Heaviside(t - x), t, 0, direction)
    assert compare(limit, "=", Heaviside(-x, at_zero)).kind == "confirmed"
    assert compare(limit, "=", Heaviside(-x, 1 - at_zero)).kind == "refuted"


def test_a_slope_that_bends_at_the_end_of_a_range_is_not_refuted_there():
    slope = Derivative(Integral(Max(0, t - x), (t, 0, 1)), x)
    assert compare(slope, "=", -Max(0, Min(1, 1 - x))).kind == "confirmed"
    assert compare(slope, "=", -Max(0, Min(1, LATE + 1 - x))).kind == "refuted"


def test_what_comes_of_the_largest_of_many_grows_no_faster_than_their_cube():
    many = x, t, h, s[1], s[2], s[j], s[y], s[1] + x
    few, all_ = (unfold(Max(*many[:n])).count_ops() for n in (4, 8))
    assert all_ < 2**3 * few
