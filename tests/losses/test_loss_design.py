import numpy as np
import pytest

from lossnotes.losses.loss_design import (
    geometric_mean,
    one_hot,
    squared_log_error,
    squared_log_error_grad,
)


def test_one_hot_vectors_are_rows_of_the_identity():
    assert np.array_equal(one_hot([[0, 2], [1, 1]], 3), np.eye(3)[[[0, 2], [1, 1]]])


def test_the_best_constant_for_1_10_100_is_10_and_not_37():
    y, h = np.array([1.0, 10.0, 100.0]), np.linspace(1, 100, 991)
    loss = squared_log_error(h[:, None], y).sum(axis=1)
    assert h[loss.argmin()] == pytest.approx(10) == geometric_mean(y)
    assert h[((h[:, None] - y) ** 2).sum(axis=1).argmin()] == pytest.approx(37)


def test_the_loss_is_convex_up_to_e_times_the_target_only():
    h = np.array([0.99, 1.01]) * np.e * 5
    slope_change = squared_log_error_grad(h + 1e-3, 5) - squared_log_error_grad(h - 1e-3, 5)
    assert slope_change[0] > 0 > slope_change[1]


def test_gradient_vanishes_at_the_target():
    assert squared_log_error_grad(3.0, 3.0) == 0


def test_targets_of_very_different_size_do_not_overflow():
    assert squared_log_error(1e300, 1e-300) == pytest.approx((600 * np.log(10)) ** 2, rel=1e-15)


def test_geometric_mean_of_huge_and_tiny_numbers_does_not_overflow():
    assert geometric_mean([1e300, 1e300, 1e-300]) == pytest.approx(1e100, rel=1e-15)


@pytest.mark.parametrize("bad", [0.0, -1.0, np.nan, np.inf])
def test_numbers_that_are_not_positive_are_named(bad):
    with pytest.raises(ValueError, match=r"h\[1\] = .* is not positive"):
        squared_log_error([1.0, bad], 1.0)
    with pytest.raises(ValueError, match=r"y\[0\] = .* is not positive"):
        squared_log_error_grad(1.0, [bad])
    with pytest.raises(ValueError, match=r"y\[1\] = .* is not positive"):
        geometric_mean([1.0, bad])


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"h \(2,\) and y \(3,\)"):
        squared_log_error([1.0, 2.0], [1.0, 2.0, 3.0])


@pytest.mark.parametrize("classes", [1, 2.5, True, "3"])
def test_a_class_count_that_is_none_is_refused(classes):
    with pytest.raises(ValueError, match="classes = "):
        one_hot(0, classes)


@pytest.mark.parametrize("bad", [-1, 3])
def test_a_label_outside_the_classes_is_named(bad):
    with pytest.raises(ValueError, match=rf"y\[1\] = {bad} is not a label"):
        one_hot([0, bad], 3)
