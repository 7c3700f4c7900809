"""Floats tell what need not be proved: never what is true."""

import pytest
from sympy import Dummy, I, Integral, Sum, Symbol, exp, log

from lossnotes.derive.prove.floats import is_negative_somewhere
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
