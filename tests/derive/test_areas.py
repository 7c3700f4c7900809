"""Integrals across kinks and to infinity, the gamma function, multiples in a delta; and slips."""

import pytest
from sympy import (
    Abs,
    Heaviside,
    Integral,
    Max,
    Min,
    Rational,
    cos,
    exp,
    factorial,
    gamma,
    log,
    oo,
    pi,
    sign,
    sin,
    sqrt,
    symbols,
)

from lossnotes.derive import equal
from lossnotes.derive.prove import proves_equal
from lossnotes.derive.symbols import Between, K, c, delta, h, i, j, k, s, sigmoid

from .lecture import over

t, u, x = symbols("t u x", real=True)
a = Between("a", 0, 1)
bell = exp(-(x**2) / 2)
gumbel = exp(-x - exp(-x))


def area(f, lower=-oo, upper=oo):
    return Integral(f, (x, lower, upper))


def nested(f):
    return Integral(Integral(f, (t, 0, 1)), (x, 0, 1))


TRUE = {
    "the density of Gumbel": (area(gumbel), 1),
    "its tail": (area(gumbel, 0), 1 - exp(-1)),
    "the density of the logistic law": (area(exp(-x) / (1 + exp(-x)) ** 2), 1),
    "the slope of softplus": (area(sigmoid(x), 0, c), log(1 + exp(c)) - log(2)),
    "the bell": (area(bell), sqrt(2 * pi)),
    "half a bell": (area(bell, 0), sqrt(pi / 2)),
    "a bell of any width, anywhere": (area(exp(-((x - c) ** 2) / (2 * h**2))), h * sqrt(2 * pi)),
    "its mean": (area(x * exp(-((x - c) ** 2) / 2)), c * sqrt(2 * pi)),
    "its variance": (area(x**2 * bell), sqrt(2 * pi)),
    "its fourth moment": (area(x**4 * bell), 3 * sqrt(2 * pi)),
    "its mean distance from zero": (area(Abs(x) * bell), 2),
    "the mean of waiting": (area(x * exp(-h * x), 0), 1 / h**2),
    "a factorial": (area(x**3 * exp(-x), 0), 6),
    "the density of Laplace": (area(exp(-Abs(x))), 2),
    "a hinge": (area(Max(0, x - c), c, c + 1), Rational(1, 2)),
    "a hinge with its kink anywhere": (
        area(Max(0, x - c), 0, 1),
        Max(0, 1 - c) ** 2 / 2 - Max(0, -c) ** 2 / 2,
    ),
    "a kink inside": (area(Abs(x - a), 0, 1), a**2 - a + Rational(1, 2)),
    "a step inside": (area(Heaviside(x - a), 0, 1), 1 - a),
    "a step anywhere": (area(sign(x - c), 0, 1), 1 - 2 * Max(0, Min(1, c))),
    "a step that falls": (area(Heaviside(1 - h * x), 0, 1), Min(1, 1 / h)),
    "the mean distance of two": (nested(Abs(x - t)), Rational(1, 3)),
    "the mean excess of one over another": (nested(Max(0, x - t)), Rational(1, 6)),
    "gamma of one more": (log(gamma(h + 1)), log(h) + log(gamma(h))),
    "gamma of two more": (gamma(h + 2), h * (h + 1) * gamma(h)),
    "gamma and the factorial": (gamma(K + 1), factorial(K)),
    "the log odds of a sigmoid": (log(sigmoid(c) / (1 - sigmoid(c))), c),
    "doubles in a delta": (delta(2 * j, 2 * k), delta(j, k)),
    "odd numbers in a delta": (delta(2 * j + 1, 2 * k + 1), delta(j, k)),
    "a delta of doubles picks": (over(i, delta(2 * i, 2 * j) * s[i]), s[j]),
}


@pytest.mark.parametrize("sides", TRUE.values(), ids=TRUE)
def test_an_equation_is_proved(sides):
    assert proves_equal(*sides)


@pytest.mark.parametrize("sides", TRUE.values(), ids=TRUE)
def test_twice_as_much_is_not_proved(sides):
    left, right = sides
    assert not proves_equal(left, 2 * right)


FALSE = {
    "a tail for the whole": (area(gumbel, 0), 1),
    "another rate": (area(exp(-3 * x - exp(-x))), 1),
    "half a bell for a whole": (area(bell, 0), sqrt(2 * pi)),
    "a bell that is moved": (area(exp(-(x**2) / 2 + c * x)), sqrt(2 * pi)),
    "the kink taken to be inside": (area(Abs(x - c), 0, 1), c**2 - c + Rational(1, 2)),
    "the step taken to be inside": (area(Heaviside(x - c), 0, 1), 1 - c),
    "the sign of the middle": (area(sign(x - c), 0, 1), sign(Rational(1, 2) - c)),
    "the hinge taken to be inside": (area(Max(0, x - c), 0, 1), (1 - c) ** 2 / 2),
    "ends taken to be in order": (area(Abs(x), t, 1), (1 - t**2) / 2),
    "an odd and an even number": (delta(2 * j, 2 * k + 1), delta(j, k)),
    "one double": (delta(2 * j, k), delta(j, k)),
    "two multiples": (delta(2 * j, 4 * k), delta(j, k)),
    "gamma and another factorial": (gamma(K), factorial(K)),
}


@pytest.mark.parametrize("sides", FALSE.values(), ids=FALSE)
def test_a_slip_is_refuted_and_the_prover_alone_does_not_prove_it(sides):
    assert not proves_equal(*sides)
    assert equal(*sides).kind == "refuted"


@pytest.mark.parametrize(
    "sides",
    [
        (area(1 / x, -1, 1), 0),
        (area(1 / x**2, -1, 1), -2),
        (area(exp(x) / (exp(x) - 1) ** 2, -1, 1), 1 / (exp(-1) - 1) - 1 / (exp(1) - 1)),
        (area(sign(x)), 0),
        (area(x), 0),
        (area(exp(-(x**2)) / x**2), -2 * sqrt(pi)),
        (area(exp(-c * x**2)), sqrt(pi / c)),
        (area(exp(-c * x**2)), sqrt(pi) / sqrt(c)),
        (area(exp(x), 0), -1),
        (area(x * exp(-c * x), 0), 1 / c**2),
        (area(bell, oo, -oo), sqrt(2 * pi)),
        (Integral(Abs(x), (x, 0, u), (u, -1, 1)), Rational(1, 3)),
    ],
    ids=str,
)
def test_an_area_that_is_none_or_unsure_is_not_proved(sides):
    assert not proves_equal(*sides)


def test_an_antiderivative_with_a_sine_and_an_exponential_is_confirmed_by_its_slope():
    assert proves_equal(area(exp(-x) * sin(x), 0, c), (1 - exp(-c) * (sin(c) + cos(c))) / 2)
    assert not proves_equal(area(exp(-x) * sin(x), 0, c), (1 - exp(-c) * (sin(c) - cos(c))) / 2)
