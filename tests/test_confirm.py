"""Confirmation notices wrong gradients, passes right ones, and says what it would have noticed."""

import math
import warnings
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from mpmath import mp
from sympy import Sum, Symbol, log

from lossnotes import confirm as module
from lossnotes.confirm import ConfirmationError, confirm
from lossnotes.derive import symbols as paper
from lossnotes.derive import values
from lossnotes.derive.symbols import A, K, argmax, delta, epsilon, i, j, k, p, q, s, softmax, y
from lossnotes.losses import softmax as in_numpy

POINTS = [([0.3, -1.2, 2.0], 1), ([0.1, 1.2, -2.0, 0.5], 2), ([0.3, 0.4], 0)]
P_J = softmax(s)[j]
SYMBOLIC = P_J - delta(j, y)
INF = np.inf


def log_loss(s, y):
    gaps = s - s[y]
    if y == gaps.argmax():
        return np.log1p(np.exp(np.delete(gaps, y)).sum())
    return gaps.max() + np.log(np.exp(gaps - gaps.max()).sum())


def log_loss_grad(s, y):
    powers = np.exp(s - s.max())
    gradient = powers / powers.sum()
    gradient[y] = -np.delete(gradient, y).sum()
    return gradient


def target_loss(s, y):
    return log_loss(s, 0) + s[0] - (s * y).sum()


def target_loss_grad(s, y):
    powers = np.exp(s - s.max())
    return powers / powers.sum() - y


def cross_entropy(q, p):
    if abs(p.sum() - 1) > 1e-8 or (p < 0).any():
        raise ValueError("p is no probability vector")
    return -(q * np.log(p)).sum()


def cross_entropy_grad(q, p):
    return -q / p


def margin_loss(s, y):
    return max(0, 1 - s[y].max() + s[~y].max())


def margin_loss_grad(s, y):
    classes = np.arange(len(s))
    best, rival = np.where(y, s, -INF).argmax(), np.where(y, -INF, s).argmax()
    return (margin_loss(s, y) > 0) * ((classes == rival) * 1.0 - (classes == best))


MARGIN = delta(j, argmax(s, ~A)) - delta(j, argmax(s, A))
MASKED = [
    ([0.2, 0.3, 0.5], [True, True, False]),
    ([0.2, 0.9, 0.1, 0.7], [True, False, False, True]),
]


def squared_log_error(h, y):
    return (np.log(h) - np.log(y)) ** 2


def squared_log_error_grad(h, y):
    return 2 * np.log(h / y) / h


def scaled(gradient, factor):
    return lambda s, y: gradient(s, y) * factor


def wrong_once(label, entry, by):
    def wrong(s, y):
        gradient = log_loss_grad(s, y)
        gradient[entry % s.size] *= 1 + by * (y == label)
        return gradient

    return wrong


both = pytest.mark.parametrize("symbolic", [SYMBOLIC, None], ids=["formula", "differences"])


# What is right is confirmed


@both
def test_a_correct_gradient_is_confirmed(symbolic):
    result = confirm(log_loss, log_loss_grad, POINTS, symbolic)
    assert (result.points, result.entries, result.unseen) == (3, 9, 0)


@both
@pytest.mark.parametrize("y", [0, 1])
def test_scores_of_700_raise_neither_errors_nor_warnings(symbolic, y):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        confirm(log_loss, log_loss_grad, [([-700.0, 700.0, 0.3], y), ([700.0, -0.1], 1)], symbolic)


def test_a_gradient_of_e_to_the_minus_700_is_confirmed_to_its_last_digits():
    assert confirm(log_loss, log_loss_grad, [([700.0, 0.0], 0)], SYMBOLIC).ulps < 2


def test_a_logit_of_minus_infinity_is_a_logit_like_any_other():
    confirm(log_loss, log_loss_grad, [([-INF, 0.3, 2.0], 1)], SYMBOLIC)


@both
def test_a_value_that_loses_its_digits_does_not_refuse_a_correct_gradient(symbolic):
    def naive(s, y):
        return np.log(np.exp(s).sum()) - s[y]

    confirm(naive, log_loss_grad, [([24.2, -14.3, -38.8], 0), ([0.0, 50.0], 0)], symbolic)


@pytest.mark.parametrize("scale", [0.1, 1, 10, 100])
def test_the_differences_never_come_near_their_tolerance_for_correct_gradients(scale):
    rng = np.random.default_rng(14)
    points = [(scale * rng.normal(size=4), label) for label in (0, 1, 2, 3) for _ in range(5)]
    assert confirm(log_loss, log_loss_grad, points).disagreement < 0.5


def test_a_difference_that_cancels_may_be_as_wrong_as_its_rounded_inputs():
    points = [([0.2, 0.9, 0.5], [0.2226, 0.4482, 0.3292])]
    result = confirm(target_loss, target_loss_grad, points, softmax(s)[j] - q[j])
    assert result.entries == 3


@pytest.mark.parametrize("symbolic", [-q[j] / p[j], None])
def test_the_differences_stay_among_the_vectors_of_probabilities(symbolic):
    points = [([0.2, 0.3, 0.5], [0.5, 0.25, 0.25]), ([0.2, 0.8], [0.999999, 0.000001])]
    assert confirm(cross_entropy, cross_entropy_grad, points, symbolic, wrt="p").unseen == 0


@pytest.mark.parametrize("symbolic", [MARGIN, None])
def test_a_mask_is_the_only_set_of_classes(symbolic):
    assert confirm(margin_loss, margin_loss_grad, MASKED, symbolic)


def test_a_kink_nearby_is_no_obstacle():
    points = [([0.2, 0.2 + gap, -5.0], np.array([True, False, False])) for gap in (0.01, -0.01)]
    assert confirm(margin_loss, margin_loss_grad, points).power < 1e-10


@pytest.mark.parametrize("h", [1e-6, 0.3, 5, 1e5])
def test_the_argument_may_be_a_positive_number(h):
    formula = 2 * (log(paper.h) - log(Symbol("y", positive=True))) / paper.h
    assert confirm(squared_log_error, squared_log_error_grad, [(h, 1.5)], formula).unseen == 0


def test_a_target_vector_is_the_only_vector_without_a_namesake():
    points = [{"y": [0.2, 0.3, 0.5], "s": [0.2, 0.9, 0.5]}]
    assert confirm(target_loss, target_loss_grad, points, softmax(s)[j] - q[j]).ulps


def test_a_value_that_normalises_its_argument_is_differenced_among_probabilities():
    def forgiving(q, p):
        return cross_entropy(q, p / p.sum())

    points = [([0.2, 0.3, 0.5], [0.5, 0.25, 0.25])]
    assert confirm(forgiving, cross_entropy_grad, points, -q[j] / p[j], wrt="p")


def test_an_impossible_class_does_not_blind_the_differences():
    def value(q, p):
        return cross_entropy(q[p > 0], p[p > 0])

    def gradient(q, p):
        return -q / np.where(p > 0, p, 1)

    assert confirm(value, gradient, [([0.0, 0.5, 0.5], [0.0, 0.25, 0.75])], wrt="p").unseen == 0


def test_the_rounding_noise_of_the_value_is_measured():
    def cancelling(s):
        return ((s + 1e4) ** 2 - 2e4 * s - 1e8).sum()

    assert confirm(cancelling, lambda s: 2 * s, [([0.3, 1.1],)]).power > 1e-10


def test_a_steep_value_is_trusted_no_further_than_its_argument_is_rounded():
    def steep(s):
        return 1e6 * (s - 1023) ** 2

    assert confirm(steep, lambda s: 2e6 * (s - 1023), [(s,) for s in (1023.7, 1023.3, 511.9)])


def test_a_step_outside_the_domain_warns_nobody():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        confirm(squared_log_error, squared_log_error_grad, [(0.3, 1.5)])


def test_gradients_beyond_1e300_or_below_1e_300_warn_nobody():
    formula = 2 * (log(paper.h) - log(Symbol("y", positive=True))) / paper.h
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        confirm(squared_log_error, squared_log_error_grad, [(1e300, 1.5)], formula)
        points = [([0.5, 0.5], [1e-300, 1.0])]
        confirm(cross_entropy, cross_entropy_grad, points, -q[j] / p[j], wrt="p")


def test_parameters_beside_scores_and_label_meet_symbols_of_their_name():
    def value(s, y, epsilon=0.1):
        return (1 - epsilon) * log_loss(s, y) + epsilon * np.mean([log_loss(s, i) for i in (0, 1)])

    def gradient(s, y, epsilon=0.1):
        smooth = (1 - epsilon) * (np.arange(2) == y) + epsilon / 2
        return target_loss_grad(s, smooth)

    assert confirm(value, gradient, [([0.3, 1.1], 0)], softmax(s)[j] - paper.smooth(y, epsilon)[j])


def test_an_integer_that_is_no_label_counts_as_it_is():
    n = Symbol("n", integer=True, positive=True)

    def value(s, n):
        return n * (s**2).sum() / 2

    assert confirm(value, lambda s, n: n * s, [([0.3, 1.1], 3)], n * s[j])


def test_large_steps_that_agree_by_chance_do_not_mislead_the_differences():
    def wave(s):  # every difference over a step of 1, 1/2, 1/4 or 1/8 is zero
        return np.sin(8 * np.pi * s)

    assert confirm(wave, lambda s: 8 * np.pi * np.cos(8 * np.pi * s), [(0.01,)]).power < 1e-6


# Whatever the scale

FUNCTIONS = {  # with their derivatives
    "exp": (np.exp, np.exp),
    "log": (np.log, lambda u: 1 / u),
    "inverse": (lambda u: 1 / u, lambda u: -1 / u**2),
    "square": (lambda u: u**2, lambda u: 2 * u),
    "bell": (lambda u: np.exp(-u * u), lambda u: -2 * u * np.exp(-u * u)),
    "softplus": (lambda u: np.logaddexp(0, u), lambda u: 1 / (1 + np.exp(-u))),
    "sine on top": (lambda u: 1e3 + np.sin(u), np.cos),
    "naive softplus": (lambda u: np.log(1 + np.exp(u)), lambda u: 1 / (1 + np.exp(-u))),
    "waves": (lambda u: np.sin(50 * u) + u, lambda u: 50 * np.cos(50 * u) + 1),
    "hinge": (lambda u: max(0.0, 1 + u), lambda u: 1.0 * (u > -1)),
}


def scales(count=200):
    """A function, where it is asked for, the scale of its argument and of its value."""
    rng = np.random.default_rng(15)
    for _ in range(count):
        name = rng.choice(list(FUNCTIONS))
        u, (t, c) = rng.lognormal(0, 1.5), 10.0 ** rng.uniform(-12, 12, 2)
        yield name, min(u, 30) * t, t, c


def scaled_problem(name, t, c, factor=1.0):
    value, slope = FUNCTIONS[name]
    return lambda x: c * value(x / t), lambda x: factor * c / t * slope(x / t)


def test_right_gradients_pass_at_every_scale_and_wrong_ones_do_not():
    for name, x, t, c in scales():
        power = confirm(*scaled_problem(name, t, c), [(x,)]).power
        for factor in (1 + 2 * power, 1 - 2 * power, 0.0, -1.0):
            with pytest.raises(ConfirmationError):
                confirm(*scaled_problem(name, t, c, factor), [(x,)])


def test_at_every_scale_the_differences_see_a_factor_of_1_plus_1e_5():
    powers = [confirm(*scaled_problem(name, t, c), [(x,)]).power for name, x, t, c in scales()]
    assert max(powers) <= 1e-5
    assert np.median(powers) <= 1e-12


@pytest.mark.parametrize("t", [1e-8, 1e-4, 1e4, 1e12])
def test_scores_over_a_temperature_are_seen_whatever_it_is(t):
    points = [([0.3 * t, -1.2 * t, 2.0 * t], 1), ([2e4 * t, 19999 * t, -3 * t], 1)]

    def gradient(s, y):
        return log_loss_grad(s / t, y) / t

    assert confirm(lambda s, y: log_loss(s / t, y), gradient, points).power <= 1e-10
    with pytest.raises(ConfirmationError):
        confirm(lambda s, y: log_loss(s / t, y), scaled(gradient, 1 + 1e-9), points)


@pytest.mark.parametrize("distance", [1e-2, 1e-5, 1e-8, 1e-11])
@pytest.mark.parametrize("scale", [1e-6, 1, 1e6])
def test_a_hinge_is_seen_up_to_its_kink(distance, scale):
    def hinge(x):
        return max(0.0, scale - x)

    def slope(x):
        return -1.0 * (x < scale)

    assert confirm(hinge, slope, [(scale * (1 - distance),)]).power <= 1e-3
    with pytest.raises(ConfirmationError):
        confirm(hinge, lambda x: 0.999 * slope(x), [(scale * (1 - distance),)])
    with pytest.raises(ValueError, match="could not have failed"):
        confirm(hinge, slope, [(scale * (1 + distance),)])
    with pytest.raises(ValueError, match="kink"):
        confirm(hinge, slope, [(scale,)])


def test_a_wrong_gradient_beside_a_kink_is_refused_on_its_flat_side():
    with pytest.raises(ConfirmationError):
        confirm(lambda x: max(0.0, 1 - x), lambda x: -0.5, [(1 + 1e-8,), (0.5,)])


def test_what_nobody_can_see_is_no_confirmation():
    with pytest.raises(ValueError, match="could not have failed: no error smaller than a factor"):
        confirm(lambda x: 1e17 + x, lambda x: 1.0, [(37.0,)])


def test_an_entry_without_any_difference_is_not_compared():
    def value(p):
        if abs(p.sum() - 1) > 1e-8:
            raise ValueError("p is no probability vector")
        return (p**2).sum() / 2

    result = confirm(value, lambda p: p, [([0.0, 0.25, 0.75],)])
    assert (result.entries, result.unseen) == (2, 0)


def test_differences_that_see_nothing_say_so_beside_a_formula():
    def naive(s, y):
        return np.log(np.exp(s).sum()) - s[y]

    result = confirm(naive, log_loss_grad, [([50.0, 0.0], 0)], SYMBOLIC)
    assert result.disagreement is None
    assert "from the differences: nothing to be seen" in repr(result)


# Whatever the signature


def squares(x, *, weight=1.0):
    return weight * (x**2).sum()


def squares_grad(x, *, weight=1.0):
    return 2 * weight * x


class Squares:
    def __call__(self, x, weight):
        return squares(x, weight=weight)

    def slope(self, x, weight):
        return squares_grad(x, weight=weight)


def by_name(**given):
    return squares(given["x"], weight=given["weight"])


def by_name_grad(**given):
    return squares_grad(given["x"], weight=given["weight"])


X = [0.3, -1.2]
SIGNATURES = {
    "keyword-only": (squares, squares_grad, {"x": X, "weight": 3.0}),
    "keyword-only, by default": (squares, squares_grad, (X,)),
    "keywords": (by_name, by_name_grad, {"x": X, "weight": 3.0}),
    "partial": (partial(squares, weight=3.0), partial(squares_grad, weight=3.0), (X,)),
    "one of them partial": (partial(squares, weight=3.0), squares_grad, (X,)),
    "bound": (Squares().__call__, Squares().slope, (X, 3.0)),
    "an object": (Squares(), Squares().slope, (X, 3.0)),
    "arguments": (lambda *given: squares(given[0]), lambda *given: 2 * given[0], (X, 3.0)),
    "more arguments": (lambda x, *given: squares(x), lambda x, *given: 2 * x, (X, 3.0, 4.0)),
    "positional-only": (lambda x, /: squares(x), lambda z, /: 2 * z, (X,)),
    "a ufunc": (np.log, np.reciprocal, (0.3,)),
    "a ufunc by name": (np.log, lambda x: 1 / x, (0.3,)),
    "a builtin": (math.exp, math.exp, (0.3,)),
    "a builtin without signature": (math.log, lambda x: 1 / x, (0.3,)),
    "a builtin of two": (math.log, lambda x, base: 1 / x / np.log(base), (0.3, 2.0)),
}


@pytest.mark.parametrize(("value", "gradient", "point"), SIGNATURES.values(), ids=SIGNATURES)
def test_functions_of_every_signature_are_confirmed(value, gradient, point):
    assert confirm(value, gradient, [point]).power < 1e-10
    with pytest.raises(ConfirmationError):
        confirm(value, lambda *a, **b: 1.001 * gradient(*a, **b), [point])


def test_what_the_value_has_by_default_meets_the_gradient_and_the_formula():
    def value(s, c=3.0):
        return c * (s**2).sum() / 2

    assert confirm(value, lambda s, c: c * s, [(X,)], paper.c * s[j]).ulps < 2
    assert confirm(value, lambda s, c: (s**2).sum() / 2, [(X,)], wrt="c").power < 1e-10


def test_a_float_of_the_other_byte_order_is_a_float():
    assert confirm(squares, squares_grad, [(np.array(X, ">f8"),)]).power < 1e-10


# What is wrong is refused


@both
def test_a_gradient_off_by_1e_10_is_noticed(symbolic):
    # torch.autograd.gradcheck, by its default rtol of 1e-3, passes it
    with pytest.raises(ConfirmationError):
        confirm(log_loss, scaled(log_loss_grad, 1 + 1e-10), POINTS, symbolic)


WRONG = {
    "sign": lambda s, y: -log_loss_grad(s, y),
    "sign of one entry": lambda s, y: log_loss_grad(s, y) * np.where(np.arange(s.size) == 1, -1, 1),
    "one-hot part missing": lambda s, y: log_loss_grad(s, y) + (np.arange(s.size) == y),
    "softmax missing": lambda s, y: -1.0 * (np.arange(s.size) == y),
    "zero": lambda s, y: 0 * s,
    "one entry zero": lambda s, y: log_loss_grad(s, y) * (np.arange(s.size) != 0),
    "next label": lambda s, y: log_loss_grad(s, (y + 1) % s.size),
    "reversed": lambda s, y: log_loss_grad(s, y)[::-1],
    "centred twice": lambda s, y: log_loss_grad(s, y) - 1e-9,
    "mean instead of sum": lambda s, y: log_loss_grad(s, y) / s.size,
    "one entry off": lambda s, y: log_loss_grad(s, y) + 1e-10 * (np.arange(s.size) == s.size - 1),
    "wrong for four classes": lambda s, y: log_loss_grad(s, y) * (1 + 1e-10 * (s.size == 4)),
    "wrong for the last label": lambda s, y: log_loss_grad(s, y) * (1 + 1e-10 * (y == 2)),
    "wrong where a score exceeds 1.9": lambda s, y: log_loss_grad(s, y) * (1 + 1e-9 * (s > 1.9)),
    "temperature": lambda s, y: log_loss_grad(s * (1 + 1e-9), y),
    "float32 inside": lambda s, y: log_loss_grad(s.astype(np.float32), y),
}


@both
@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG.keys())
def test_a_wrong_gradient_is_refused(wrong, symbolic):
    with pytest.raises(ConfirmationError):
        confirm(log_loss, wrong, POINTS, symbolic)


def test_the_worst_point_is_named_with_its_entry_and_the_three_values():
    def wrong(s, y):
        return log_loss_grad(s, y) + (y == 2) * np.array([0, 0, 0.5, 0.25][: s.size])

    with pytest.raises(ConfirmationError) as refusal:
        confirm(log_loss, wrong, POINTS, SYMBOLIC)
    message, check = str(refusal.value), refusal.value.check
    assert (check.point, check.entry) == (1, 2)
    assert "s = [0.1, 1.2, -2.0, 0.5], y = 2, entry 2" in message
    assert all(kind in message for kind in ("in NumPy", "by the formula", "by the differences"))


def test_a_wrong_formula_is_refused_beside_a_correct_gradient():
    with pytest.raises(ConfirmationError, match="by the formula"):
        confirm(log_loss, log_loss_grad, POINTS, SYMBOLIC * (1 + Symbol("c") * 0 + 1e-12))


def test_a_gradient_and_a_formula_that_share_a_mistake_are_refused():
    with pytest.raises(ConfirmationError, match="by the differences"):
        confirm(log_loss, scaled(log_loss_grad, 2), POINTS, 2 * SYMBOLIC)


def test_no_right_digit_far_from_the_label_is_refused_where_the_formula_has_them_all():
    with pytest.raises(ConfirmationError, match="by the formula"):
        confirm(
            log_loss,
            lambda s, y: target_loss_grad(s, np.arange(2) == y),
            [([50.0, 0], 0)],
            SYMBOLIC,
        )


def test_a_constant_added_to_a_gradient_by_probabilities_is_refused_by_the_formula():
    with pytest.raises(ConfirmationError, match="by the formula"):
        points = [([0.2, 0.8], [0.5, 0.5])]
        confirm(cross_entropy, lambda q, p: 1 - q / p, points, -q[j] / p[j], wrt="p")


def test_a_gradient_by_probabilities_off_by_1e_10_is_noticed():
    with pytest.raises(ConfirmationError, match="entry 1 minus entry 0"):
        points = [([0.2, 0.8], [0.7, 0.3])]
        confirm(cross_entropy, lambda q, p: -q / p * (1 + 1e-10), points, wrt="p")


@both
def test_single_precision_is_judged_by_its_own_ulps(symbolic):
    points = [(np.array(s, np.float32), y) for s, y in POINTS]
    assert confirm(log_loss, log_loss_grad, points, symbolic).power > 1e-8
    with pytest.raises(ConfirmationError):
        confirm(log_loss, scaled(log_loss_grad, np.float32(1.01)), points, symbolic)


@pytest.mark.parametrize(("ulps", "refused"), [(9, False), (10, True)])
def test_the_formula_allows_8_ulps_and_one_for_the_float_given(ulps, refused):
    def gradient(s):
        return s + ulps * np.spacing(s)

    def confirmed():
        return confirm(lambda s: (s**2).sum() / 2, gradient, [([1.5, 3.0],)], s[j])

    if refused:
        with pytest.raises(ConfirmationError, match="by the formula"):
            confirmed()
    else:
        assert confirmed().ulps == ulps


# What could not have failed is an error


def test_no_points_confirm_nothing():
    with pytest.raises(ValueError, match="no points"):
        confirm(log_loss, log_loss_grad, [])


def test_gradients_of_zero_confirm_nothing():
    points = [([5.0, 0.0], np.array([True, False]))]
    with pytest.raises(ValueError, match="could not have failed: a gradient of zeros"):
        confirm(margin_loss, margin_loss_grad, points)


def test_a_constant_value_confirms_nothing():
    with pytest.raises(ValueError, match="could not have failed"):
        confirm(lambda s: 1.0, lambda s: 0 * s, [([1.0, 2.0],)])


def test_a_term_that_is_zero_at_every_point_confirms_nothing():
    def value(s, h, c):
        return h * (s**2 / 2 + c * s).sum()

    with pytest.raises(ValueError, match=r"without the term c\*h"):
        points = [([1.0, 2.0], 3.0, 0.0)]
        confirm(value, lambda s, h, c: h * (s + c), points, paper.h * (s[j] + paper.c))


# The power is reported and true


@both
def test_twice_the_reported_power_is_refused(symbolic):
    result = confirm(log_loss, log_loss_grad, POINTS, symbolic)
    for factor in (1 + 2 * result.power, 1 - 2 * result.power):
        with pytest.raises(ConfirmationError):
            confirm(log_loss, scaled(log_loss_grad, factor), POINTS, symbolic)


@both
def test_twice_the_reported_power_is_refused_in_each_entry_alone(symbolic):
    power = confirm(log_loss, log_loss_grad, POINTS, symbolic).entry_power
    for scores, label in POINTS:
        for entry in range(len(scores)):
            with pytest.raises(ConfirmationError):
                confirm(log_loss, wrong_once(label, entry, 2 * power), POINTS, symbolic)


def test_without_a_formula_the_power_at_ordinary_points_is_1e_11():
    result = confirm(log_loss, log_loss_grad, POINTS)
    assert result.power <= 1e-11 and result.entry_power <= 1e-10


def test_entries_too_small_to_be_seen_are_counted():
    points = [([700.0, 0.0, 0.0], 1)]
    assert confirm(log_loss, log_loss_grad, points).unseen == 1
    assert confirm(log_loss, log_loss_grad, points, SYMBOLIC).unseen == 0


def test_numbers_below_the_normal_ones_are_confirmed():
    steep = np.full(2, 1e300)
    points = [([1e-310, 2e-310],)]
    assert confirm(lambda x: steep @ x, lambda x: steep, points).points == 1
    with pytest.raises(ConfirmationError):
        confirm(lambda x: steep @ x, lambda x: 2 * steep, points)


# Bad input is named

BAD = {
    "gradient has shape": dict(gradient=lambda s, y: log_loss_grad(s, y)[:2]),
    "gradient is": dict(gradient=lambda s, y: s * np.nan),
    "does not have the parameters": dict(gradient=lambda x, y: x),
    "value has shape": dict(value=lambda s, y: s),
    "value has dtype float32": dict(value=lambda s, y: np.float32(s[0])),
    "value is nan": dict(value=lambda s, y: s[0] * np.nan),
    "s holds a NaN": dict(at=[([np.nan, 1.0], 0)]),
    "not a batch": dict(at=[(np.zeros((2, 3)), 0)]),
    "s has dtype": dict(at=[([True, False], 0)]),
    "does not fit value": dict(at=[{"s": [0.0, 1.0]}]),
    "neither a dict nor a tuple": dict(at=[3]),
    "value is 3, not a function": dict(value=3),
    "gradient is None, not a function": dict(gradient=None),
    "value is .*'high'.* at s": dict(value=lambda s, y: "high"),
    "s is a masked array": dict(at=[(np.ma.array([0.0, 1.0]), 0)]),
    "y is a masked array": dict(at=[([0.0, 1.0], np.ma.array(0))]),
    "the answer .* is a masked array": dict(
        gradient=lambda s, y: np.ma.array(log_loss_grad(s, y), mask=s > 0)
    ),
    "gradient.* does not have the parameters": dict(gradient=lambda y, s: s),
    "wrt: p": dict(wrt="p"),
    "symbolic has j, k": dict(symbolic=softmax(s)[j] - delta(k, y)),
    "symbolic has c": dict(symbolic=SYMBOLIC + paper.c),
    "symbolic has p": dict(symbolic=softmax(s)[j] - p[j]),
    "symbolic has A": dict(symbolic=MARGIN),
    "is the vector": dict(symbolic=softmax(s)),
    "symbolic has no value": dict(symbolic=log(-softmax(s)[j])),
    "no class from 0 to 1": dict(at=[([0.3, 0.4], -1)], symbolic=SYMBOLIC),
    "kink": dict(value=lambda s, y: abs(s - 0.3).sum(), at=[([0.3, 1.0], 0)]),
}


@pytest.mark.parametrize(("why", "changed"), BAD.items(), ids=BAD.keys())
def test_bad_input_is_named(why, changed):
    arguments = {"value": log_loss, "gradient": log_loss_grad, "at": POINTS} | changed
    with pytest.raises(ValueError, match=why):
        confirm(**arguments)


def test_the_points_are_not_modified():
    point = np.array([0.3, -1.2])

    def rude(s, y):
        gradient = log_loss_grad(s, y)
        s[:] = 0
        return gradient

    confirm(log_loss, rude, [(point, 0)])
    assert point.tolist() == [0.3, -1.2]


# What it costs


def test_a_formula_costs_a_sum_a_float_and_not_a_sum_for_every_pair(monkeypatch):
    summed, fsum = [], mp.fsum
    values._formula.cache_clear()  # a formula holds the function that sums
    monkeypatch.setattr(mp, "fsum", lambda terms: summed.append(1) or fsum(terms))

    def sums(K):
        summed.clear()
        scores = np.random.default_rng(0).normal(size=K)
        confirm(lambda s: log_loss(s, 0) + s[0], lambda s: target_loss_grad(s, 0), [(scores,)], P_J)
        return len(summed)

    assert sums(8) == 8 + 2 and sums(16) == 16 + 2


def test_a_sum_in_a_sum_is_found_once_where_both_have_one_letter(monkeypatch):
    summed, fsum = [], mp.fsum
    values._formula.cache_clear()
    monkeypatch.setattr(mp, "fsum", lambda terms: summed.append(len(terms)) or fsum(terms))
    slope = 2 * softmax(s)[j] * (softmax(s)[j] - Sum(softmax(s)[i] ** 2, (i, 1, K)))

    def gradient(s):
        p = in_numpy.softmax(s)
        return 2 * p * (p - p @ p)

    def terms(classes):
        summed.clear()
        scores = np.random.default_rng(0).normal(size=classes)
        confirm(lambda s: (in_numpy.softmax(s) ** 2).sum(), gradient, [(scores,)], slope)
        return sum(summed)

    assert terms(32) < 4**2 * terms(8)


# What a page shows


def test_the_text_is_the_same_whatever_the_last_digits():
    shown = repr(confirm(log_loss, log_loss_grad, POINTS, SYMBOLIC))
    nudged = repr(
        confirm(log_loss, lambda s, y: np.nextafter(log_loss_grad(s, y), 0), POINTS, SYMBOLIC)
    )
    assert shown == nudged
    assert shown.splitlines() == [
        "confirmed",
        "  compared: 9 entries at 3 points",
        "  from the formula: at most 2 ulps",
        "  from the differences: at most half of their own error",
        "  would notice: a factor 1 + 1e-14 on the whole gradient, perhaps no smaller error",
        "  in one entry alone: a factor 1 + 1e-14",
    ]


def test_what_differences_would_notice_reads_alike_on_machines_that_round_differently():
    here = confirm(log_loss, log_loss_grad, POINTS)
    shown = [repr(replace(here, power=p, entry_power=9 * p)) for p in (0.9e-12, 1.1e-12)]
    assert shown[0] == shown[1]
    assert "a factor 1 + 1e-11 on the whole gradient" in shown[0]
    assert "a factor 1 + 1e-09" in repr(replace(here, power=1.1e-11))


def test_an_error_of_more_than_two_ulps_shows_where():
    off = confirm(log_loss, scaled(log_loss_grad, 1 + 2.0**-50), POINTS, SYMBOLIC)
    assert "ulps, worst at s = [" in repr(off)


def test_a_notebook_shows_a_table_with_a_caption():
    html = confirm(log_loss, log_loss_grad, POINTS, SYMBOLIC)._repr_html_()
    assert html.startswith('<table class="confirmation"><caption>')
    assert html.count('<th scope="row">') == html.count("<td>") == 5


def test_the_allowance_is_the_one_the_docstring_states():
    assert f"{module.ULPS} ulps" in confirm.__doc__
