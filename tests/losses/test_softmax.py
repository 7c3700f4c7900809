import warnings

import numpy as np
import pytest

from lossnotes.losses.softmax import (
    log_loss,
    log_loss_and_grad,
    log_loss_grad,
    log_loss_hessian,
    log_softmax,
    softmax,
    softmax_jacobian,
)


def test_the_lectures_softmax_of_0_and_10():
    assert softmax([0, 10]) == pytest.approx([4.5398e-5, 0.9999546], rel=1e-5)


def test_two_classes_are_the_sigmoid():
    s = np.linspace(-5, 5, 11)
    scores = np.stack([np.zeros(11), s], axis=1)
    assert np.allclose(softmax(scores)[:, 1], 1 / (1 + np.exp(-s)), rtol=1e-15)


def test_the_lectures_log_loss():
    assert log_loss([0, 3, 0.2], 1) == pytest.approx(0.10490, abs=5e-6)


def test_the_lectures_small_log_loss_has_all_its_digits():
    # The sum of the other e^(s_i - 30), of which the square is below the last digit.
    right = np.exp(-30) + np.exp(-29.8)
    assert log_loss([0, 30, 0.2], 1) == pytest.approx(right, rel=1e-14)
    assert f"{log_loss([0, 30, 0.2], 1):.4e}" == "2.0787e-13"


@pytest.mark.parametrize("gap", [50, 700])
def test_the_loss_of_a_sure_model_is_small_and_not_zero(gap):
    assert log_loss([0.0, gap], 1) == pytest.approx(np.exp(-gap), rel=1e-15)
    assert log_loss_grad([0.0, gap], 1) == pytest.approx(np.exp(-gap) * np.array([1, -1]))


def test_the_losses_of_all_classes_and_of_the_shifted_scores():
    for shift in (0, 10):
        losses = log_loss(np.array([1, 5, 2]) + shift, [0, 1, 2])
        assert losses == pytest.approx([4.06588, 0.06588, 3.06588], abs=5e-6)


def test_gradient_is_softmax_minus_the_unit_vector():
    s = np.array([2.0, 1.0, 0.0])
    assert log_loss_grad(s, 0) == pytest.approx([-0.335, 0.245, 0.090], abs=5e-4)
    assert log_loss_grad(s, 0) == pytest.approx(softmax(s) - [1, 0, 0], rel=1e-14)


def test_a_one_hot_vector_is_its_label():
    s = np.random.default_rng(0).normal(0, 20, (50, 5))
    y = np.arange(50) % 5
    assert np.allclose(log_loss(s, np.eye(5)[y]), log_loss(s, y), rtol=1e-15, atol=0)
    assert np.allclose(log_loss_grad(s, np.eye(5)[y]), log_loss_grad(s, y), rtol=1e-15, atol=0)


def test_a_dense_vector_averages_the_losses_of_the_labels():
    s, q = np.array([0.0, 3.0, 0.2]), np.array([0.2, 0.3, 0.5])
    assert log_loss(s, q) == pytest.approx(q @ log_loss(s, [0, 1, 2]), rel=1e-15)
    assert log_loss_grad(s, q) == pytest.approx(softmax(s) - q, rel=1e-14)


def test_the_pair_is_the_loss_and_its_gradient():
    s, y = np.random.default_rng(0).normal(size=(6, 3)), np.arange(6) % 3
    value, gradient = log_loss_and_grad(s, y)
    assert np.array_equal(value, log_loss(s, y))
    assert np.array_equal(gradient, log_loss_grad(s, y))


def test_log_softmax_is_minus_the_loss_of_each_class():
    s = np.array([0, 30, 0.2])
    np.testing.assert_array_max_ulp(log_softmax(s), -log_loss(s, [0, 1, 2]), 4)


def test_hessian_is_the_jacobian_whatever_the_label():
    s = np.array([0.0, 3.0, 0.2])
    assert np.array_equal(log_loss_hessian(s, 1), softmax_jacobian(s))
    assert np.array_equal(log_loss_hessian(s, [0.25, 0.25, 0.5]), softmax_jacobian(s))


def test_jacobian_is_p_times_delta_minus_p():
    s = np.array([0.0, 3.0, 0.2])
    p = softmax(s)
    assert np.allclose(softmax_jacobian(s), np.diag(p) - np.outer(p, p), rtol=1e-13, atol=0)


def test_a_class_ruled_out_has_probability_zero_and_infinite_loss():
    s = [-np.inf, 1.0, 1.0]
    assert softmax(s).tolist() == [0, 0.5, 0.5]
    assert log_softmax(s)[0] == -np.inf
    assert log_loss(s, [0, 1]) == pytest.approx([np.inf, np.log(2)])
    assert log_loss_grad(s, 0).tolist() == [-1, 0.5, 0.5]
    assert softmax_jacobian(s).tolist() == [[0, 0, 0], [0, 0.25, -0.25], [0, -0.25, 0.25]]


@pytest.mark.parametrize("rows", [1, 100_000])
def test_a_class_ruled_out_warns_nobody(rows):
    s = np.tile([-np.inf, 1e308, -1e308], (rows, 1))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        value, gradient = log_loss_and_grad(s, 1)
        softmax_jacobian(s)
        log_softmax(s)
    assert value[-1] == 0 and gradient[-1].tolist() == [0, 0, 0]


def test_a_class_ruled_out_and_not_wanted_costs_nothing():
    assert log_loss([-np.inf, 1.0, 1.0], [0, 0.5, 0.5]) == pytest.approx(np.log(2))
    assert log_loss([-np.inf, 1.0, 1.0], [0.5, 0, 0.5]) == np.inf


@pytest.mark.parametrize("f", [softmax, log_softmax, softmax_jacobian])
def test_a_row_without_any_class_is_refused(f):
    with pytest.raises(ValueError, match=r"s\[1\] = .* rules out every class"):
        f([[0.0, 1.0], [-np.inf, -np.inf]])


@pytest.mark.parametrize("f", [log_loss, log_loss_grad, log_loss_hessian, log_loss_and_grad])
@pytest.mark.parametrize(
    ("s", "y", "why"),
    [
        ([[0.0, np.nan]], 0, r"^s\[0, 1\] = nan"),
        ([[0.0, 1.0], [np.inf, 0.0]], 0, r"^s\[1, 0\] = inf"),
        ([[0.0, 1.0], [-np.inf, -np.inf]], 0, r"^s\[1\] .* rules out"),
        ([0.0, 1.0], 2, "^y = 2 is not a label: they run from 0 to 1"),
        ([0.0, 1.0], [0, -1], r"^y\[1\] = -1 is not a label"),
        ([0.0, 1.0], 1.0, r"^y has dtype float64 and shape \(\)"),
        ([0.0, 1.0], [0.2, 0.3, 0.5], r"^y has dtype float64 and shape \(3,\)"),
        ([0.0, 1.0], True, "^y has dtype bool"),
        ([0.0, 1.0], [[0.5, 0.5], [0.5, 0.6]], r"^y\[1\] sums to 1.1"),
        ([0.0, 1.0], [-0.5, 1.5], r"^y\[0\] = -0.5 is not a probability"),
        (np.zeros((2, 2)), [[0], [0, 1]], "^y is not an array"),
        (np.zeros((2, 3)), [0, 1, 2], r"shapes do not fit together: s \(2,\) and y \(3,\)"),
        (0.0, 0, r"^s has shape \(\)"),
    ],
)
def test_bad_input_is_named(f, s, y, why):
    with pytest.raises(ValueError, match=why):
        f(s, y)


def test_leading_axes_broadcast():
    s, y = np.zeros((5, 1, 3)), np.array([0, 1])
    assert log_loss(s, y).shape == (5, 2)
    assert log_loss_grad(s, y).shape == (5, 2, 3)
    assert log_loss_hessian(s, y).shape == (5, 2, 3, 3)


@pytest.mark.parametrize("classes", [10, 100])
def test_blocks_and_threads_give_what_single_rows_give(classes):
    rng = np.random.default_rng(0)
    s, y = rng.normal(0, 5, (30_000, classes)), rng.integers(0, classes, 30_000)
    value, gradient = log_loss_and_grad(s, y)
    for i in range(0, 30_000, 5_000):
        assert value[i] == log_loss(s[i], y[i])
        assert np.array_equal(gradient[i], log_loss_grad(s[i], y[i]))


@pytest.mark.parametrize("classes", [33, 63, 64, 100, 1000])
def test_many_equal_scores_do_not_add_up_their_rounding(classes):
    gap = np.linspace(0.001, 30, 200)
    s = gap[:, None] * (np.arange(classes) == 0)
    rest = (classes - 1) * np.exp(-gap)
    assert log_loss(s, 0) == pytest.approx(np.log1p(rest), rel=8e-16, abs=0)
    assert log_loss_grad(s, 0)[:, 0] == pytest.approx(-rest / (1 + rest), rel=8e-16, abs=0)


def test_the_sum_of_a_vector_that_misses_one_scales_its_hessian():
    s, q = np.array([0.0, 3.0, 0.2]), np.array([0.2, 0.3, 0.5 + 1e-8])
    right = softmax_jacobian(s) * (1 + 1e-8)
    assert np.allclose(log_loss_hessian(s, q), right, rtol=1e-15, atol=0)


@pytest.mark.parametrize("f", [log_loss, log_loss_grad, log_loss_hessian])
def test_scores_and_vectors_of_two_dtypes_give_the_wider(f):
    s, q = np.array([0, 3, 0.2]), np.array([0.25, 0.25, 0.5])
    assert f(s.astype(np.float32), q).dtype == f(s, q.astype(np.float32)).dtype == np.float64


def test_one_class_is_certain():
    assert softmax([2.0]).tolist() == [1]
    assert log_loss([2.0], 0) == 0 and log_loss_grad([2.0], 0).tolist() == [0]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("classes", [2, 10, 200])
def test_scores_within_reach_and_beyond_it_have_the_same_loss_and_gradient(dtype, classes):
    s = np.random.default_rng(0).normal(0, 100, (50, classes)).clip(-345, 345).astype(dtype)
    y = np.arange(50) % classes
    beyond = np.vstack([s, np.full((1, classes), 346, dtype)]), np.append(y, 0)
    (value, gradient), (far, of_far) = log_loss_and_grad(s, y), log_loss_and_grad(*beyond)
    np.testing.assert_array_max_ulp(value, far[:-1], 8)
    np.testing.assert_array_max_ulp(gradient, of_far[:-1], 8)


def test_scores_at_the_end_of_the_reach_neither_overflow_nor_vanish():
    s = np.array([[345.0, -345.0, 0.0], [-345.0, -345.0, 345.0]])
    value, gradient = log_loss_and_grad(s, [1, 2])
    assert value == pytest.approx([690, 2 * np.exp(-690)], rel=1e-15, abs=0)
    assert gradient[1] == pytest.approx(np.exp(-690) * np.array([1, 1, -2]), rel=1e-15, abs=0)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_bad_score_is_named_by_its_place_in_the_whole_array(bad, dtype):
    s = np.full((30_000, 10), -np.inf, dtype)  # several blocks
    s[:, 0] = 0
    s[29_999, 4] = bad
    with pytest.raises(ValueError, match=rf"s\[29999, 4\] = {bad}"):
        log_loss(s, 0)
