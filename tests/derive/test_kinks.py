"""A case that begins a little too early or too late is right almost everywhere, and is refuted."""

import pytest
from sympy import Abs, Heaviside, Max, Symbol

from lossnotes.derive import compare
from lossnotes.derive.kinks import beside_kinks
from lossnotes.derive.symbols import Others, margin, maximum, s, y

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


def test_what_is_the_same_on_both_sides_of_its_kinks_is_not_refuted():
    assert compare(Heaviside(1 - margin(s, y)), "=", Heaviside(2 - 2 * margin(s, y)))


def test_points_lie_on_both_sides_of_a_kink():
    signs = {point.values[x] > 0.5 for point in beside_kinks(Heaviside(x - 0.5), x)}
    assert signs == {True, False}


def test_a_formula_without_kinks_has_no_points_beside_them():
    assert list(beside_kinks(x**2, x)) == []
