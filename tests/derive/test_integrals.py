"""What is true of integrals is proved, and what is false is proved by nobody and refuted."""

from unittest import mock

import pytest
from mpmath import mp
from sympy import (
    Abs,
    Add,
    Derivative,
    Heaviside,
    I,
    Integral,
    Mul,
    Rational,
    Sum,
    cos,
    cosh,
    erf,
    exp,
    factorial,
    log,
    oo,
    pi,
    sin,
    sinh,
    sqrt,
    symbols,
)

from lossnotes.derive import Derivation, Point, StepError, compare, equal, evaluate, prove
from lossnotes.derive.prove import proves_equal
from lossnotes.derive.prove.signs import is_positive
from lossnotes.derive.quadrature import _gauss
from lossnotes.derive.symbols import (
    Between,
    K,
    Positives,
    c,
    divided_difference,
    epsilon,
    eta,
    h,
    i,
    j,
    k,
    lam,
    mean,
    normalizer,
    p,
    s,
    softmax,
)

from .mutants import mutants_of

t, u, v = symbols("t u v", real=True)
one, two, three = (eta[number] for number in (1, 2, 3))


def closed(*eta):
    return Add(*(exp(a) / Mul(*(a - b for b in eta if b != a)) for a in eta))


def over_segment(f):
    return Integral(f, (t, 0, 1))


TRUE = {
    "a constant comes out": (over_segment(c * exp(t**2)), c * over_segment(exp(t**2))),
    "a sum splits": (
        over_segment(exp(t**2) + cos(t**2)),
        over_segment(exp(t**2)) + over_segment(cos(t**2)),
    ),
    "a variable has any name": (over_segment(exp(t**2)), Integral(exp(u**2), (u, 0, 1))),
    "integrands that are equal": (
        over_segment(1 / (1 + exp(t * c))),
        over_segment(exp(-t * c) / (1 + exp(-t * c))),
    ),
    "a power of any degree": (over_segment(t ** (K - 2)), 1 / (K - 1)),
    "a factorial": (over_segment(t ** (K - 2) / factorial(K - 2)), 1 / factorial(K - 1)),
    "a cosine": (over_segment(cos(c * t)), sin(c) / c),
    "a logarithm": (Integral(1 / t, (t, 1, 2)), log(2)),
    "a power of a probability": (
        over_segment(epsilon**t * (1 - epsilon) ** (1 - t)),
        (2 * epsilon - 1) / log(epsilon / (1 - epsilon)),
    ),
    "a power of an entry": (
        over_segment(p[1] ** t * p[2] ** (1 - t)),
        (p[1] - p[2]) / log(p[1] / p[2]),
    ),
    "a derivative under the integral sign": (
        Derivative(over_segment(log(Sum(exp(t * s[i]), (i, 1, K)))), s[j]),
        over_segment(t * softmax(t * s)[j]),
    ),
    "a derivative by a limit": (Derivative(Integral(exp(t**2), (t, 0, c)), c), exp(c**2)),
    "a variable in its own limit": (Integral(c, (c, 0, c)), c**2 / 2),
    "an iterated integral": (Integral(t * u, (u, 0, 1 - t), (t, 0, 1)), Rational(1, 24)),
    "the normaliser of two": (normalizer(one, two), closed(one, two)),
    "the normaliser of three": (normalizer(one, two, three), closed(one, two, three)),
    "the normaliser at a tie": (normalizer(c, c, c), exp(c) / 2),
    "the normaliser moves with its arguments": (
        normalizer(one + c, two + c),
        exp(c) * normalizer(one, two),
    ),
    "its gradient is the mean": (
        Derivative(log(normalizer(one, two)), one),
        mean(one, two)[1],
    ),
    "the means sum to one": (mean(one, two)[1] + mean(one, two)[2], 1),
    "the mean of two": (mean(c, 0)[1], 1 / (1 - exp(-c)) - 1 / c),
    "the divided difference of three": (
        divided_difference(one, two, three),
        closed(one, two, three),
    ),
    "it is symmetric": (divided_difference(one, two, three), divided_difference(two, three, one)),
}


@pytest.mark.parametrize("sides", TRUE.values(), ids=TRUE)
def test_what_is_true_of_integrals_is_proved(sides):
    assert equal(*sides).kind == "proved"


@pytest.mark.parametrize("name", [name for name in TRUE if "three" not in name])
def test_and_with_a_slip_it_is_neither_proved_nor_confirmed(name):
    left, right = TRUE[name]
    for wrong in (2 * right, right + c):
        assert not proves_equal(left, wrong)
        assert equal(left, wrong).kind == "refuted"


FALSE = {
    "a factor dropped": (over_segment(t * exp(c * t)), over_segment(exp(c * t))),
    "the wrong upper limit": (Integral(exp(t), (t, 0, 2)), exp(1) - 1),
    "the wrong lower limit": (Integral(exp(t), (t, h, 2)), exp(2) - 1),
    "a sign": (over_segment(exp(c * t)), (1 - exp(c)) / c),
    "ranges that differ": (over_segment(exp(t**2)), Integral(exp(t**2), (t, 1, 2))),
    "a product of integrals": (over_segment(t * exp(t)), over_segment(t) * over_segment(exp(t))),
    "a square of an integral": (over_segment(exp(t**2)) ** 2, over_segment(exp(2 * t**2))),
    "a limit that depends, forgotten": (
        Integral(t * u, (u, 0, 1 - t), (t, 0, 1)),
        Integral(t * u, (u, 0, 1), (t, 0, 1)),
    ),
    "a derivative by a limit, forgotten": (
        Derivative(Integral(exp(c * t), (t, 0, c)), c),
        Integral(t * exp(c * t), (t, 0, c)),
    ),
    "the wrong class": (
        Derivative(over_segment(log(Sum(exp(t * s[i]), (i, 1, K)))), s[j]),
        over_segment(t * softmax(t * s)[k]),
    ),
    "a tie that is none": (normalizer(one, two), exp(one)),
    "the volume of the wrong dimension": (over_segment(t ** (K - 2)), 1 / K),
    "lambda for the mean": (
        mean(log(lam[1]), log(lam[2]))[1],
        lam[1] / (lam[1] + lam[2]),
    ),
}


@pytest.mark.parametrize("sides", FALSE.values(), ids=FALSE)
def test_what_is_false_of_integrals_is_refuted_and_not_proved(sides):
    assert not proves_equal(*sides)
    found = equal(*sides)
    assert found.kind == "refuted" and found.witness


POLES = {
    "a pole inside": (Integral(1 / t, (t, -1, 2)), log(2)),
    "a double pole inside": (Integral(1 / t**2, (t, -1, 1)), -2),
    "a pole at an end": (Integral(1 / t**2, (t, 0, 1)), -1),
    "a power that may have a pole": (over_segment(t**c), 1 / (c + 1)),
    "a logarithm of what may be negative": (Integral(1 / (t + c), (t, 0, 1)), log((1 + c) / c)),
}


@pytest.mark.parametrize("sides", POLES.values(), ids=POLES)
def test_across_a_pole_nothing_is_integrated(sides):
    assert not proves_equal(*sides)


NOT_INSIDE = {
    "a peak that is lost": (c**3 / t**2 * exp(-(c**2) / t), (t, 0, 1)),
    "its mirror image": (c**3 * exp(-(c**2) * t), (t, 1, oo)),
}


@pytest.mark.parametrize("name", NOT_INSIDE)
def test_the_slope_of_an_integral_need_not_be_the_integral_of_slopes(name):
    body, limit = NOT_INSIDE[name]
    inside = Integral(body.diff(c), limit)
    assert not proves_equal(Derivative(Integral(body, limit), c), inside)


def test_an_integral_that_nowhere_converges_is_an_error_that_names_it():
    with pytest.raises(ValueError, match=r"no point .*quadrature of Integral\(1/t, .*converge"):
        equal(over_segment(1 / t), 7)


UNBOUNDED = {
    log(t): -1,
    log(1 - t): -1,
    log(t) ** 2: 2,
    1 / sqrt(t * (1 - t)): pi,
    log(Abs(t - Rational(1, 3))): log(4) / 3 - log(3) - 1,
}


@pytest.mark.parametrize(("integrand", "area"), UNBOUNDED.items(), ids=str)
def test_an_area_below_what_grows_without_bound_has_its_value(integrand, area):
    assert equal(over_segment(integrand), area)


def test_and_no_other_value_and_backwards_the_opposite():
    assert equal(Integral(log(t), (t, 1, 0)), 1)
    assert equal(over_segment(log(t)), -1 + Rational(1, 10**12)).kind == "refuted"


@pytest.mark.parametrize("slow", [1, 0.99, 0.9, 0.6], ids="t^-{}".format)
def test_an_area_that_is_not_found_to_the_last_digits_is_given_up(slow):
    with pytest.raises(ValueError, match="converge"):
        compare(over_segment(t ** -Rational(str(slow))), "<=", 10**6)


def test_a_step_is_not_taken_out_of_the_integral_that_runs_across_it():
    half = Rational(1, 2)
    assert not proves_equal(over_segment(Heaviside(t - half) * (t - half)), 0)


def test_nor_out_of_a_sum():
    positive = Sum(Heaviside(s[i]) * s[i], (i, 1, K))
    negative = Sum((1 - Heaviside(s[i])) * s[i], (i, 1, K))
    assert not proves_equal(positive * negative, 0)
    assert not equal(positive * negative, 0)


def test_the_integrator_of_sympy_is_not_trusted():
    with mock.patch.object(prove.integrals, "_integrate", lambda integrand, variable: variable**2):
        assert not proves_equal(over_segment(t**2), 1)


def test_a_straight_line_between_bounds_is_positive():
    assert is_positive(1 - epsilon) and is_positive(2 - epsilon) and is_positive(epsilon + h)
    assert not is_positive(1 - 2 * epsilon)
    assert not is_positive(1 - Between("e", 0, 2))
    assert not is_positive(epsilon * (epsilon - 1) + 0)


angle = Between("a", pi / 4, pi / 2)


def test_an_addition_theorem_is_proved_in_complex_numbers():
    contour = cos(angle) - cos(angle + I * u)
    parts = cos(angle) * (1 - cosh(u)) + I * sin(angle) * sinh(u)
    assert equal(contour, parts).kind == "proved"
    assert not equal(contour, parts.xreplace({I: -I}))
    assert not equal(contour, cos(angle) * (1 - cosh(u)))


@pytest.mark.parametrize(
    ("left", "relation"),
    [(cos(angle), ">"), (sin(angle), ">"), (cos(2 * angle), "<"), (sin(2 * angle), ">")],
    ids=str,
)
def test_the_sign_of_a_cosine_between_bounds_is_proved(left, relation):
    assert compare(left, relation, 0).kind == "proved"


@pytest.mark.parametrize(
    ("left", "relation"),
    [(cos(angle), "<"), (sin(4 * angle), ">"), (cos(3 * angle), ">"), (cos(angle + c), ">")],
    ids=str,
)
def test_the_wrong_sign_of_a_cosine_is_refuted(left, relation):
    assert compare(left, relation, 0).kind == "refuted"


def test_no_mutant_of_a_derivation_with_integrals_survives():
    y = Positives("y")
    loss = log(normalizer(one, two)) - one * y[1] - two * y[2]
    chains = [
        Derivation(normalizer(one, two))
        .step(over_segment(exp(one * t + two * (1 - t))), "definition")
        .step(closed(one, two), "carried out"),
        Derivation(Derivative(loss, one)).step(mean(one, two)[1] - y[1], "under the integral"),
        Derivation(over_segment(t ** (K - 2))).step(1 / (K - 1), "carried out"),
    ]
    tried = 0
    for chain in chains:
        before = chain.start
        for step in chain.steps:
            for kind, mutant in mutants_of(step.expression, [before]):
                verdict = compare(before, "=", mutant)
                assert verdict.kind in ("refuted", "proved"), f"{kind}: {mutant}"
                if verdict.kind == "proved":
                    assert equal(mutant, step.expression).kind == "proved"
                tried += 1
            before = step.expression
    assert tried > 30


def test_a_wrong_step_with_an_integral_is_refused_with_its_witness():
    chain = Derivation(normalizer(one, two))
    with pytest.raises(StepError, match="refuted at K = 2"):
        chain.step(over_segment(exp(one * t + two * t)), "a slip")


def test_the_cosine_of_a_number_is_left_alone():
    assert compare(cos(1) * cos(angle), "<", 1)


def test_the_slope_of_an_area_whose_step_moves_is_not_that_of_its_summands():
    area = Integral(Heaviside(t - c), (t, 0, 1))
    assert not proves_equal(Derivative(area, c), 0)
    assert proves_equal(Derivative(Integral(Heaviside(t - h), (t, 0, c)), c), Heaviside(c - h))


@pytest.mark.parametrize("count", [13, 24, 114])
@pytest.mark.parametrize("digits", [15, 50, 200])
def test_a_rule_of_gauss_has_all_digits_and_an_odd_one_looks_at_the_middle(count, digits):
    with mp.workdps(digits):
        rule = _gauss(count, mp.prec)
    with mp.workdps(2 * digits):
        assert (count % 2 == 0) == all(node for node, *_ in rule)
        for power in (0, 2, 2 * count - 2):
            found = mp.fsum(weight * node**power for node, weight, *_ in rule)
            assert abs(found - mp.mpf(2) / (power + 1)) < mp.mpf(10) ** -digits / 10


@pytest.mark.parametrize("count", [13, 24])
def test_values_at_the_nodes_of_a_rule_give_those_at_the_ends(count):
    with mp.workdps(50):
        rule = _gauss(count, mp.prec)
        for end, column in ((-1, 2), (1, 3)):
            found = mp.fsum(row[column] * (2 + row[0]) ** (count - 1) for row in rule)
            assert abs(found - (2 + end) ** (count - 1)) < mp.mpf(10) ** -30


THIRD, FLAT = Rational(1, 3), Rational(10**4)
PEAKS = {
    "inside": (
        Integral(1 + exp(-(FLAT**2) * (t - THIRD) ** 2), (t, 0, 1)),
        1 + sqrt(pi) / FLAT * (erf(FLAT / 3) + erf(2 * FLAT / 3)) / 2,
    ),
    "at an end": (Integral(1 + exp(-(FLAT**2) * t), (t, 0, 1)), 1 + 1 / FLAT**2),
    "on a line": (Integral(exp(-(t**2)) + exp(-((t - FLAT) ** 2)), (t, -oo, oo)), 2 * sqrt(pi)),
}


@pytest.mark.parametrize("peak", PEAKS.values(), ids=PEAKS)
def test_a_narrow_peak_on_a_background_is_not_missed(peak):
    integral, value = peak
    with mp.workdps(30):
        assert abs(evaluate(integral - value, Point({K: 2}))) < 1e-20
