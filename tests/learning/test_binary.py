import warnings
from functools import cache

import mpmath
import numpy as np
import pytest
from mpmath import mpf

from lossnotes.learning.binary import (
    binary_cross_entropy,
    binary_cross_entropy_grad,
    binary_cross_entropy_of_p,
    binary_cross_entropy_of_p_grad,
    sigmoid,
    sigmoid_grad,
    squared_error,
    squared_error_grad,
)
from lossnotes.losses.kl import cross_entropy
from lossnotes.losses.softmax import log_loss, log_loss_grad, softmax

OF_SCORES = [
    binary_cross_entropy,
    binary_cross_entropy_grad,
    squared_error,
    squared_error_grad,
]
OF_PREDICTIONS = [binary_cross_entropy_of_p, binary_cross_entropy_of_p_grad]


# What the notes say


def test_the_loss_is_infinite_where_the_prediction_is_sure_and_wrong():
    assert binary_cross_entropy_of_p([0, 1], [1, 0]).tolist() == [np.inf, np.inf]


def test_the_loss_is_zero_where_the_prediction_is_sure_and_right():
    assert binary_cross_entropy_of_p([0, 1], [0, 1]).tolist() == [0, 0]


def test_the_derivative_in_p_is_1_and_minus_1_where_the_prediction_is_right():
    assert binary_cross_entropy_of_p_grad([0, 1], [0, 1]).tolist() == [1, -1]


def test_the_derivative_in_p_is_infinite_where_the_prediction_is_sure_and_wrong():
    assert binary_cross_entropy_of_p_grad([0, 1], [1, 0]).tolist() == [-np.inf, np.inf]


def test_the_derivative_in_the_score_vanishes_where_the_prediction_becomes_right():
    assert binary_cross_entropy_grad([-np.inf, np.inf], [0, 1]).tolist() == [0, 0]


def test_the_pull_of_the_two_losses_differs_by_a_factor_of_150_at_minus_5():
    ratio = binary_cross_entropy_grad(-5, 1) / squared_error_grad(-5, 1)
    assert ratio == pytest.approx(1 / sigmoid_grad(-5), rel=1e-14)
    assert round(ratio) == 150


def test_the_pull_of_the_two_losses_differs_by_a_factor_of_at_least_4():
    s = np.linspace(-20, 20, 401)
    ratio = binary_cross_entropy_grad(s, 1) / squared_error_grad(s, 1)
    assert ratio.min() == pytest.approx(4, rel=1e-14) and ratio.argmin() == 200


def test_the_squared_error_bends_downwards_at_minus_3_and_cross_entropy_upwards():
    h = 1e-4
    slopes = squared_error_grad([-3 + h, -3 - h], 1)
    assert (slopes[0] - slopes[1]) / (2 * h) == pytest.approx(-0.0369, abs=5e-5)
    assert sigmoid_grad(-3) == pytest.approx(0.0452, abs=5e-5)


def test_the_slope_of_the_squared_error_is_steepest_at_minus_log_2():
    s = -np.log(2) + np.linspace(-1, 1, 201)
    slopes = squared_error_grad(s, 1)
    assert slopes.argmin() == 100 and slopes[100] == pytest.approx(-4 / 27, rel=1e-15)


# Beside part one


def test_the_sigmoid_is_the_softmax_of_0_and_s():
    s = np.linspace(-30, 30, 61)
    pairs = np.stack([0 * s, s], axis=-1)
    assert np.allclose(sigmoid(s), softmax(pairs)[:, 1], rtol=1e-15, atol=0)


@pytest.mark.parametrize("y", [0, 1])
def test_the_loss_of_a_label_is_the_log_loss_of_0_and_s(y):
    s = np.linspace(-30, 30, 61)
    pairs = np.stack([0 * s, s], axis=-1)
    assert np.allclose(binary_cross_entropy(s, y), log_loss(pairs, y), rtol=1e-15, atol=0)
    slopes = log_loss_grad(pairs, y)[:, 1]
    assert np.allclose(binary_cross_entropy_grad(s, y), slopes, rtol=1e-15, atol=0)


def test_the_loss_of_a_prediction_is_the_cross_entropy_of_two_classes():
    p, q = np.array([0.1, 0.5, 0.9]), np.array([0.3, 0.0, 1.0])
    both = cross_entropy(np.stack([1 - q, q], axis=-1), np.stack([1 - p, p], axis=-1))
    assert binary_cross_entropy_of_p(p, q) == pytest.approx(both, rel=1e-15)


def test_the_loss_of_a_score_is_the_loss_of_its_sigmoid():
    s, q = np.linspace(-5, 5, 11), np.linspace(0, 1, 11)
    assert np.allclose(binary_cross_entropy(s, q), binary_cross_entropy_of_p(sigmoid(s), q))


def test_the_chain_rule_joins_the_two_derivatives():
    s, q = np.linspace(-5, 5, 11), np.linspace(0, 1, 11)
    chained = binary_cross_entropy_of_p_grad(sigmoid(s), q) * sigmoid_grad(s)
    assert np.allclose(binary_cross_entropy_grad(s, q), chained, rtol=1e-12)


# Digits


@pytest.mark.parametrize("gap", [50, 700])
def test_a_sure_and_right_score_has_a_small_loss_that_is_not_zero(gap):
    assert binary_cross_entropy(gap, 1) == pytest.approx(np.exp(-gap), rel=1e-15, abs=0)
    assert binary_cross_entropy_grad(gap, 1) == pytest.approx(-np.exp(-gap), rel=1e-15, abs=0)


@pytest.mark.parametrize("f", [*OF_SCORES, sigmoid, sigmoid_grad])
def test_an_infinite_score_is_a_score_like_any_other(f):
    far, infinite = (
        [f(s) if f in (sigmoid, sigmoid_grad) else f(s, [0, 1, 0.5]) for s in (size, -size)]
        for size in (1e308, np.inf)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not np.isnan(infinite).any()
    assert np.allclose(np.minimum(far, 1e300), np.minimum(infinite, 1e300))


DIGITS = {np.float64: 200, np.float32: 60}  # e^-350 beside 1, and then some
ULPS = 4


def scores(dtype):
    rng = np.random.default_rng(5)
    reach = {np.float64: 350, np.float32: 40}[dtype]  # squares stay normal numbers
    some = [rng.normal(0, scale, 60) for scale in (1e-8, 0.01, 1, 10)]
    some += [rng.uniform(-reach, reach, 60), [0, 30, -30, 1e-300, 36.7, -36.7]]
    return np.clip(np.concatenate(some), -reach, reach).astype(dtype)


def targets(dtype):
    soft = np.random.default_rng(6).random(3)
    return [(dtype(q),) for q in (0, 1, 0.5, *soft, 1e-6, 1 - 1e-6)]


def predictions(dtype):
    rng = np.random.default_rng(7)
    powers = 10.0 ** -rng.uniform(0, 15, 80)
    return np.concatenate([rng.random(80), powers, 1 - powers]).astype(dtype)


def error_of(s, q):
    """sigmoid(s) - q, its larger term, and the sigmoids of s and -s."""
    right, wrong = 1 / (1 + mpmath.exp(-s)), 1 / (1 + mpmath.exp(s))
    return right - q, max((1 - q) * right, q * wrong), right, wrong


# Each yields what is exact, and the largest term where that is larger.


def exact_sigmoid(s):
    return (1 / (1 + mpmath.exp(-s)),)


def exact_sigmoid_grad(s):
    return (1 / (1 + mpmath.exp(-s)) / (1 + mpmath.exp(s)),)


def exact_loss(s, q):
    return (mpmath.log(1 + mpmath.exp(s)) - q * s,)


def exact_loss_grad(s, q):
    return error_of(s, q)[:2]


def exact_squared_error(s, q):
    error, largest, _, _ = error_of(s, q)
    return error**2 / 2, abs(error) * largest


def exact_squared_error_grad(s, q):
    error, largest, right, wrong = error_of(s, q)
    return error * right * wrong, largest * right * wrong


def exact_loss_of_p(p, q):
    return (-(q and q * mpmath.log(p)) - ((1 - q) and (1 - q) * mpmath.log(1 - p)),)


def exact_loss_of_p_grad(p, q):
    return ((p - q) / (p * (1 - p)),)


EXACT = {
    sigmoid: exact_sigmoid,
    sigmoid_grad: exact_sigmoid_grad,
    binary_cross_entropy: exact_loss,
    binary_cross_entropy_grad: exact_loss_grad,
    squared_error: exact_squared_error,
    squared_error_grad: exact_squared_error_grad,
    binary_cross_entropy_of_p: exact_loss_of_p,
    binary_cross_entropy_of_p_grad: exact_loss_of_p_grad,
}


@cache
def comparisons(exact, dtype):
    """For each target the arguments, and of each place what is exact and the largest term."""
    places = predictions(dtype) if exact in (exact_loss_of_p, exact_loss_of_p_grad) else None
    places = scores(dtype) if places is None else places[(places > 0) & (places < 1)]
    some = [()] if exact in (exact_sigmoid, exact_sigmoid_grad) else targets(dtype)
    found = []
    for target in some:
        results = [exact(*(mpf(float(x)) for x in (place, *target))) for place in places]
        right = [(result[0], dtype(float(max(abs(result[0]), *result)))) for result in results]
        found.append(((places, *target), right))
    return found


def worst_error(f, exact, dtype):
    """The worst error of `f` in ulps, and of how many numbers."""
    worst, count = 0, 0
    for arguments, right in comparisons(exact, dtype):
        found = np.asarray(f(*arguments))
        assert found.dtype == dtype
        for number, (expected, scale) in zip(found, right, strict=True):
            if scale >= np.finfo(dtype).tiny:
                off = abs(float(number) - expected) / float(np.spacing(scale))
                worst, count = max(worst, float(off)), count + 1
    return worst, count


dtypes = pytest.mark.parametrize("dtype", [np.float64, np.float32], ids=lambda d: d.__name__)


@dtypes
@pytest.mark.parametrize("f", EXACT, ids=lambda f: f.__name__)
def test_worst_error_is_at_most_4_ulps(f, dtype, record_property):
    with mpmath.workdps(DIGITS[dtype]):
        worst, count = worst_error(f, EXACT[f], dtype)
    line = f"{f.__name__:32} {dtype.__name__}  worst of {count:5} numbers: {worst:.2f} ulps"
    record_property("measured", line)
    assert worst <= ULPS


def textbook_sigmoid_grad(s):
    p = 1 / (1 + np.exp(-s))
    return p * (1 - p)


def textbook_loss(s, q):
    p = 1 / (1 + np.exp(-s))
    return textbook_loss_of_p(p, q)


def textbook_gradient(s, q):
    return 1 / (1 + np.exp(-s)) - q


def textbook_squared_error(s, q):
    return textbook_gradient(s, q) ** 2 / 2


def textbook_squared_error_grad(s, q):
    return textbook_gradient(s, q) * textbook_sigmoid_grad(s)


def textbook_loss_of_p(p, q):
    return -q * np.log(p) - (1 - q) * np.log(1 - p)


def textbook_gradient_in_p(p, q):
    return -q / p + (1 - q) / (1 - p)


@dtypes
@pytest.mark.parametrize(
    ("textbook", "exact"),
    [
        (textbook_sigmoid_grad, exact_sigmoid_grad),
        (textbook_loss, exact_loss),
        (textbook_gradient, exact_loss_grad),
        (textbook_squared_error, exact_squared_error),
        (textbook_squared_error_grad, exact_squared_error_grad),
        (textbook_loss_of_p, exact_loss_of_p),
        (textbook_gradient_in_p, exact_loss_of_p_grad),
    ],
    ids=lambda f: f.__name__,
)
def test_the_textbook_formula_fails_this_check(textbook, exact, dtype):
    with np.errstate(all="ignore"), mpmath.workdps(DIGITS[dtype]):
        worst, _ = worst_error(textbook, exact, dtype)
    assert not worst <= ULPS


# Arguments


@pytest.mark.parametrize("f", OF_SCORES)
def test_shapes_broadcast(f):
    assert f(np.zeros((5, 1)), [0, 1]).shape == (5, 2)


@pytest.mark.parametrize("f", OF_SCORES)
def test_labels_do_not_widen_the_dtype_and_soft_targets_do(f):
    assert f(np.float32([0.0, 1.0]), [0, 1]).dtype == np.float32
    assert f(np.float32([0.0, 1.0]), [0.0, 1.0]).dtype == np.float64


@pytest.mark.parametrize("f", [*OF_SCORES, *OF_PREDICTIONS])
def test_arguments_are_not_modified(f):
    first, q = np.array([0.25, 0.75]), np.array([0.0, 0.5])
    f(first, q)
    assert first.tolist() == [0.25, 0.75] and q.tolist() == [0, 0.5]


@pytest.mark.parametrize("f", [*OF_SCORES, *OF_PREDICTIONS])
@pytest.mark.parametrize(
    ("q", "why"),
    [
        ([0, 2], r"^q\[1\] = 2.0 is not in \[0, 1\]"),
        (-0.1, r"^q = -0.1 is not in"),
        ([0.5, np.nan], r"^q\[1\] = nan is not in"),
        (True, "^q has dtype bool"),
        ([[0], [0, 1]], "^q is not an array"),
        ([0, 1, 0], r"shapes do not fit together: . \(2,\) and q \(3,\)"),
    ],
)
def test_a_bad_target_is_named(f, q, why):
    with pytest.raises(ValueError, match=why):
        f([0.5, 0.5], q)


@pytest.mark.parametrize("f", OF_SCORES)
def test_a_bad_score_is_named(f):
    with pytest.raises(ValueError, match=r"^s\[1\] = nan is not a score"):
        f([0.0, np.nan], 1)


@pytest.mark.parametrize("f", [sigmoid, sigmoid_grad])
def test_a_bad_score_alone_is_named(f):
    with pytest.raises(ValueError, match=r"^s\[0, 1\] = nan is not a score"):
        f([[0.0, np.nan]])


@pytest.mark.parametrize("f", OF_PREDICTIONS)
@pytest.mark.parametrize("bad", [-0.1, 1.1, np.nan])
def test_a_bad_prediction_is_named(f, bad):
    with pytest.raises(ValueError, match=rf"^p\[1\] = {bad} is not in \[0, 1\]"):
        f([0.5, bad], 1)
