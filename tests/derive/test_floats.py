"""Floats tell what need not be proved: never what is true."""

import pytest
from sympy import Dummy, I, Integer, Integral, Rational, Sum, Symbol, cos, exp, log, sqrt

from lossnotes.derive.prove.floats import (
    is_negative_somewhere,
    is_nonzero_somewhere,
    with_error,
)
from lossnotes.derive.symbols import Between, K, i, p, q, s

a, b = (Symbol(name, positive=True) for name in "ab")
x = Symbol("x", real=True)
share = Between("share", 0, 1 / K)


@pytest.mark.parametrize("gap", [a - b, x, s[i], log(a), a - 1, K - 3, share - 1, p[i] - q[i]])
def test_what_is_negative_at_some_point_is_seen(gap):
    assert is_negative_somewhere(gap)


@pytest.mark.parametrize(
    "gap",
    [
        (a - b) ** 2,
        a * (b + 1) - a * b - a,  # zero, which rounding hides
        (a - b) * (exp(x) * exp(-x) - 1),
        exp(x) - 1 - x,
        K - 2,
        1 - K * share,
        1 - p[i],
        -Symbol("n", nonpositive=True),
    ],
)
def test_what_is_never_negative_is_not_dismissed(gap):
    assert not is_negative_somewhere(gap)


@pytest.mark.parametrize(
    "gap", [-Sum(p[i], (i, 1, K)), -Integral(a, (a, 0, 1)), I - 9, Dummy() - 9, log(-a)]
)
def test_nothing_is_said_of_what_has_no_value_in_floats(gap):
    assert not is_negative_somewhere(gap)


@pytest.mark.parametrize("gap", [a - b, x * s[i], log(a) - log(b), sqrt(a) - a, 1 / (a - b), K - 2])
def test_what_is_not_zero_at_some_point_is_seen(gap):
    assert is_nonzero_somewhere(gap)


@pytest.mark.parametrize(
    "gap",
    [
        a * (b + 1) - a * b - a,
        (a - b) * (exp(x) * exp(-x) - 1),
        exp(50) * (log(exp(50) + 1) - 50) - exp(50) * log(1 + exp(-50)),  # all that is left is lost
        cos(exp(x + 40) + exp(40)) - cos(exp(40) * (exp(x) + 1)),
        exp(-900) * a,  # zero in floats
    ],
)
def test_what_rounding_may_have_made_of_zero_is_not_taken_for_another_number(gap):
    assert not is_nonzero_somewhere(gap)


def test_what_rounding_does_is_bounded():
    quotient = (exp(a) - exp(b)) / (a - b)
    found, off = with_error(quotient, {a: 1 + 2.0**-30, b: 1.0})
    exact = quotient.xreplace({a: 1 + Rational(1, 2**30), b: Integer(1)}).evalf(30)
    assert 1e-9 < abs(found - exact) < off < 1e-4
