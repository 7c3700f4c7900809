"""Values are right to the last digits, and absent where there is none."""

from contextlib import contextmanager
from unittest import mock

import mpmath
import pytest
from mpmath import mp
from mpmath.libmp import libelefun
from sympy import (
    Abs,
    And,
    Derivative,
    Eq,
    Function,
    Heaviside,
    I,
    Integral,
    Limit,
    Max,
    Min,
    Piecewise,
    Rational,
    Sum,
    Tuple,
    cos,
    cosh,
    exp,
    gamma,
    log,
    nsimplify,
    oo,
    pi,
    sin,
    sqrt,
    symbols,
    tanh,
)

from lossnotes.derive import Point, evaluate, quadrature
from lossnotes.derive.points import draw_points
from lossnotes.derive.quadrature import _double_exponential, _integrand
from lossnotes.derive.symbols import (
    CE,
    LSE,
    A,
    K,
    Others,
    Positives,
    argmax,
    c,
    delta,
    entropy,
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
from lossnotes.derive.values import Excluded, GivenUp, Undefined

THREE = Point(
    {K: 3, s: [mp.mpf(1), mp.mpf(3), mp.mpf(2)], j: 1, y: 2, c: mp.mpf(-2), A: frozenset({1, 3})}
)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        (maximum(s), 3),
        (maximum(s, Others(y)), 2),
        (maximum(s, A), 2),
        (maximum(s, ~A), 3),
        (argmax(s), 2),
        (argmax(s, Others(y)), 3),
        (s[argmax(-s)], 1),
        (Max(0, c), 0),
        (Min(0, c), -2),
        (Abs(c), 2),
        (Heaviside(c), 0),
        (Heaviside(c + 2), 0.5),
        (delta(j, y), 0),
        (Sum(i * delta(i, y), (i, 1, K)), 2),
        (Sum(s[i], (i, 2, 3)), 5),
        (Sum(s[i], (i, 3, 1)), 0),
        (Sum(Sum(s[i] * s[k], (k, 1, i)), (i, 1, K)), 25),
        (Sum(s[i] * s[k], (k, 1, i), (i, 1, K)), 25),
        (Piecewise((1, c > 0), (7, True)), 7),
        (Piecewise((1, And(c < 0, Eq(j, 1))), (7, True)), 1),
        (maximum(Tuple(1, 5, 3, 4)), 5),
        (gamma(5), 24),
    ],
)
def test_a_value_by_hand(expression, value):
    assert evaluate(expression, THREE) == value


def test_zero_log_zero_is_zero():
    assert evaluate(entropy(one_hot(y)), THREE) == 0


def test_a_certain_event_believed_impossible_costs_infinitely_much():
    point = Point({K: 2, p: [mp.mpf(1) / 2] * 2, y: 1})
    assert evaluate(CE(p, one_hot(y)), point) == mp.inf


@pytest.mark.parametrize(
    "expression",
    [
        s[0],
        s[4],
        s[j + 3],
        s[y / 4],
        log(c),
        gamma(c),
        sqrt(c),
        1 / (c + 2),
        s,
        A,
        oo - exp(exp(c)) * oo,
        Sum(c**i, (i, 1, oo)),
        Derivative(s[j], j),
        Piecewise((1, c > 0)),
        Max(log(c), 0),
    ],
    ids=str,
)
def test_what_has_no_real_value_is_undefined(expression):
    with pytest.raises(Undefined):
        evaluate(expression, THREE)


@pytest.mark.parametrize(
    "expression",
    [
        Derivative(Max(0, c + 2), c),
        Derivative(Abs(c + 2), c),
        exp(exp(exp(-50 * c))),
        tanh(exp(exp(-50 * c))),
        2 ** exp(-50 * c),
    ],
    ids=str,
)
def test_kinks_and_numbers_out_of_reach_are_left_out(expression):
    with pytest.raises(Excluded):
        evaluate(expression, THREE)


def test_the_argmax_of_a_tie_is_left_out_but_not_the_maximum():
    tie = Point({K: 2, s: [mp.mpf(1)] * 2})
    assert evaluate(maximum(s), tie) == 1
    with pytest.raises(Excluded):
        evaluate(argmax(s), tie)


def test_a_derivative_is_right_to_fifty_digits_and_does_not_ask_sympy():
    class Wrong(Function):
        def _eval_derivative(self, variable):
            return 7

    with mp.workdps(50):
        point = Point({K: 2, s: [mp.mpf(1), mp.mpf(-1)], j: 1, c: mp.mpf(1)})
        exact = mp.e / (mp.e + 1 / mp.e)
        assert abs(evaluate(Derivative(LSE(s), s[j]), point) - exact) < 1e-49
        curvature = evaluate(Derivative(LSE(s), s[j], s[j]), point)
        assert abs(curvature - exact * (1 - exact)) < 1e-49
    Wrong.__name__ = "exp"
    assert abs(evaluate(Derivative(Wrong(c), c), point) - mpmath.e) < 1e-14


def test_a_derivative_of_a_high_order_has_fifty_digits():
    point = Point({K: 3, s: [mp.mpf(1), mp.mpf(2) / 5, mp.mpf(-2)], j: 2, k: 3})
    exponential = exp(2 * s[j] + 3 * s[k])
    with mp.workdps(50):
        found = evaluate(Derivative(exponential, (s[j], 4), (s[k], 2)), point)
        assert abs(found / evaluate(144 * exponential, point) - 1) < mp.mpf(10) ** -48


def test_the_grid_of_a_derivative_grows_by_two_places_an_order():
    looked_at = mock.Mock(wraps=mp.exp)
    with mock.patch.object(mp, "exp", looked_at):
        for order in (2, 4, 6):
            looked_at.reset_mock()
            evaluate(Derivative(exp(c + order), (c, order)), Point({c: mp.mpf(1)}))
            assert looked_at.call_count == 2 * order + 1


def test_what_is_near_a_point_is_looked_at_once_by_all_the_terms_of_a_sum():
    third = Sum(Derivative(LSE(s), s[i], s[j], s[k]), (i, 1, K), (j, 1, K), (k, 1, K))
    looked_at = mock.Mock(wraps=mp.log)
    with mock.patch.object(mp, "log", looked_at):
        evaluate(third, Point({K: 3, s: [mp.mpf(n) / 7 for n in range(3)]}))
    ways = [(a, b, d) for a in range(-3, 4) for b in range(-3, 4) for d in range(-3, 4)]
    assert looked_at.call_count == sum(abs(a) + abs(b) + abs(d) <= 3 for a, b, d in ways) < 27**2


def test_an_exponential_is_computed_once_for_all_formulas_at_a_point():
    point = Point({K: 4, s: [mp.mpf(n) / 1009 for n in (1, 2, 3, 4)], j: 1})
    looked_at = mock.Mock(wraps=mp.exp)
    with mock.patch.object(mp, "exp", looked_at):
        for _ in range(2):
            evaluate(LSE(s) - LSE(2 * s) + softmax(s)[j], point)
    assert looked_at.call_count == 6  # of 1, 2, 3, 4, 6 and 8 of these parts


@pytest.mark.parametrize("number", [3**60, -(3**60), 3**600, 2**900])
def test_an_exponential_of_a_large_whole_number_has_all_digits_and_no_power_is_taken(number):
    with mp.workdps(400):
        expected = mp.exp(number)
        with mock.patch.object(libelefun, "mpf_pow_int", side_effect=AssertionError):
            found = evaluate(exp(c), Point({c: mp.mpf(number)}))
        assert abs(found - expected) <= 2 * mp.eps * expected


def test_a_derivative_by_a_probability_moves_that_entry_alone():
    point = Point({K: 2, q: [mp.mpf(1) / 4, mp.mpf(3) / 4], j: 1})
    assert abs(evaluate(Derivative(Sum(q[i], (i, 1, K)), q[j]), point) - 1) < 1e-14


def test_a_bound_index_hides_a_free_one_of_its_name():
    point = Point({K: 2, s: [mp.mpf(1), mp.mpf(5)], i: 1})
    assert evaluate(s[i] * Sum(s[i], (i, 1, K)), point) == 6


def test_numbers_are_exact_as_the_digits_ask():
    with mp.workdps(50):
        third = evaluate(Rational(1, 3) * h / h, Point({h: mp.mpf(1)}))
        assert abs(3 * third - 1) < mp.mpf(10) ** -49


def test_a_sum_of_an_entry_of_softmax_is_one_at_every_point():
    vector = Positives("x")
    for point in draw_points(vector[j]):
        assert abs(evaluate(Sum(softmax(vector)[i], (i, 1, K)), point) - 1) < 1e-14


@pytest.mark.parametrize(
    "expression",
    [
        Function("j")(c),
        Function("unheard")(c),
        Integral(h, h),
    ],
    ids=str,
)
def test_what_cannot_be_computed_is_an_error_that_names_it(expression):
    """It is not taken for something without a value: that would refute a true equation."""
    with pytest.raises(ValueError, match="no value is known for (j|unheard|Integral)"):
        evaluate(expression, THREE)


def test_numbers_are_complex_only_where_i_is_written():
    assert evaluate(exp(I * pi) + I * c, THREE).imag == -2
    assert evaluate(cos(I * c) - cosh(c), THREE) == 0


t, u = symbols("t u", real=True)
INTEGRALS = {
    "a polynomial": (Integral(t**2, (t, 0, c)), Rational(-8, 3)),
    "an exponential": (Integral(exp(c * t), (t, 0, 1)), (1 - exp(-2)) / 2),
    "a logarithm of a sum": (Integral(log(Sum(exp(t), (i, 1, K))), (t, 0, 1)), log(3) + 0.5),
    "a named quantity": (Integral(LSE(t * s) - t * LSE(s), (t, 1, 1)), 0),
    "what cancels": (Integral(t**3, (t, -1, 1)), 0),
    "an inner limit that depends": (Integral(t * u, (u, 0, 1 - t), (t, 0, 1)), Rational(1, 24)),
    "a variable in its own limit": (Integral(c, (c, 0, c)), 2),
    "a bound variable beside a free one": (c + Integral(c, (c, 0, 1)), Rational(-3, 2)),
    "a square root of a positive": (Integral(sqrt(1 + t), (t, 0, 3)), Rational(14, 3)),
}


@pytest.mark.parametrize(("integral", "value"), INTEGRALS.values(), ids=INTEGRALS)
def test_an_integral_has_fifty_digits(integral, value):
    with mp.workdps(50):
        exact = evaluate(nsimplify(value), THREE)
        assert abs(evaluate(integral, THREE) - exact) < mp.mpf(10) ** -47


@pytest.mark.parametrize("order", [1, 2])
def test_a_derivative_of_an_integral_has_fifty_digits(order):
    with mp.workdps(50):
        found = evaluate(Derivative(Integral(exp(c * t), (t, 0, 1)), (c, order)), THREE)
        exact = evaluate(Integral(t**order * exp(c * t), (t, 0, 1)), THREE)
        assert abs(found - exact) < mp.mpf(10) ** -47


@contextmanager
def counted_values():
    """How often an integrand is looked at."""
    looked_at = mock.Mock()

    def counting(*arguments):
        function = _integrand(*arguments)
        return lambda *place: looked_at() and function(*place)

    with mock.patch.object(quadrature, "_integrand", counting), mp.workdps(100):
        yield looked_at


def test_what_grows_without_bound_takes_two_thousand_values_for_a_hundred_digits():
    with counted_values() as looked_at:
        found = evaluate(Integral(log(t / 7), (t, 0, 7)), THREE)
        assert abs(found + 7) < mp.mpf(10) ** -96
    assert looked_at.call_count < 2000


def test_across_a_pole_a_rule_is_given_up_before_it_is_refined_to_the_end():
    with counted_values() as looked_at, pytest.raises(Excluded, match="does not converge"):
        evaluate(Integral(1 / (t - 1), (t, 0, 5)), THREE)
    assert looked_at.call_count < 2000


def test_a_halved_step_adds_the_places_between_those_that_are_known():
    with mp.workdps(30):
        coarse, fine = (
            {u for n in range(halvings) for u, _, _ in _double_exponential(n, mp.prec)}
            for halvings in (3, 4)
        )
        added = {u for u, _, _ in _double_exponential(3, mp.prec)}
        assert fine == coarse | added and not coarse & added
        assert abs(len(added) - len(coarse)) <= 1


@pytest.mark.parametrize(
    "integrand", [1 / t, t ** Rational(-3, 5), sin(1 / t), 1 / (3 * t + c)], ids=str
)
def test_an_integral_that_does_not_converge_is_left_out_and_named(integrand):
    with (
        mp.workdps(50),
        pytest.raises(Excluded, match=r"quadrature of Integral\(.* does not converge"),
    ):
        evaluate(Integral(integrand, (t, 0, 1)), THREE)


def test_a_narrow_hill_at_an_end_is_found():
    with mp.workdps(50):
        found = evaluate(Integral(exp(-((1000 * t) ** 2)) + 1, (t, 0, 1)), THREE)
        assert abs(found - 1 - mp.sqrt(mp.pi) / 2000) < mp.mpf(10) ** -47


def test_an_integrand_without_a_real_value_has_no_integral():
    with pytest.raises(Undefined):
        evaluate(Integral(log(t - 2), (t, 0, 1)), THREE)


def test_a_sum_that_is_remembered_depends_on_no_index_around_it():
    inner = Sum(Derivative(LSE(s), s[i]) * s[k], (k, 1, K))
    assert abs(evaluate(Sum(inner, (i, 1, K)), THREE) - 6) < 1e-14
    n, m = symbols("n m")
    assert evaluate(Sum(Sum(s[n] * s[m], (m, 1, K)), (n, 1, K)), THREE) == 36


def test_a_limit_is_the_value_beside_its_end():
    h_to_zero = Limit(h * log(1 + exp(-c / h)), h, 0, "+")
    assert abs(evaluate(h_to_zero, THREE) - 2) < 1e-14


def test_a_limit_that_does_not_settle_is_given_up():
    with pytest.raises(GivenUp, match="does not settle"):
        evaluate(Limit(cos(1 / h), h, 0, "+"), THREE)


def test_an_integral_reaches_to_infinity_and_across_kinks():
    with mp.workdps(50):
        assert abs(evaluate(Integral(exp(-t - exp(-t)), (t, -oo, oo)), THREE) - 1) < 1e-45
        inner = Integral(Abs(t - u), (u, 0, 1))
        assert abs(3 * evaluate(Integral(inner, (t, 0, 1)), THREE) - 1) < 1e-45


def test_a_limit_along_whole_numbers_alone_is_none():
    for body, end in ((cos(2 * pi * c), oo), (cos(2 * pi / c), 0)):
        with pytest.raises(GivenUp), mp.workdps(30):
            evaluate(Limit(body, c, end), THREE)
