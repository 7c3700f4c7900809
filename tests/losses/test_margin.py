import warnings

import numpy as np
import pytest

from lossnotes.losses.margin import margin, margin_loss, margin_loss_grad

DOG_OR_CAT = [True, True, False, False]


def test_the_lectures_example_won_by_a_little():
    s = [5, 4.2, 3]
    assert margin(s, 0) == pytest.approx(0.8)
    assert margin_loss(s, 0) == pytest.approx(0.2)


def test_the_lectures_example_lost():
    s = [0.5, 4.2, 3]
    assert margin(s, 0) == pytest.approx(-3.7)
    assert margin_loss(s, 0) == pytest.approx(4.7)


@pytest.mark.parametrize(
    ("s", "m"), [((5, 5, 0, 0), 5), ((0, 0, 3, 4), -4), ((0, 5, 0, 0), 5), ((5, 2, 4.5, 3), 0.5)]
)
def test_the_lectures_examples_with_two_right_classes(s, m):
    assert margin(s, DOG_OR_CAT) == m


def test_margins_of_all_classes_and_of_the_shifted_scores():
    for shift in (0, 10):
        assert margin(np.array([1, 5, 2]) + shift, [0, 1, 2]).tolist() == [-4, 3, -3]


def test_a_mask_with_one_class_is_that_class():
    s = np.random.default_rng(0).normal(size=(20, 4))
    y = np.arange(20) % 4
    mask = np.arange(4) == y[:, None]
    assert np.array_equal(margin_loss(s, mask), margin_loss(s, y))
    assert np.array_equal(margin_loss_grad(s, mask), margin_loss_grad(s, y))


def test_gradient_moves_the_right_class_and_its_strongest_rival():
    assert margin_loss_grad([0.5, 4.2, 3], 0).tolist() == [-1, 1, 0]


def test_gradient_with_a_set_moves_the_best_of_each_side():
    assert margin_loss_grad([1, 2, 4.5, 3], DOG_OR_CAT).tolist() == [0, -1, 1, 0]


def test_gradient_is_zero_beyond_the_margin_and_at_the_kink():
    assert margin_loss_grad([[3.0, 1.0], [2.0, 1.0]], 0).tolist() == [[0, 0], [0, 0]]


def test_the_first_of_tied_classes_takes_the_gradient():
    assert margin_loss_grad([0, 2, 2], 0).tolist() == [-1, 1, 0]
    assert margin_loss_grad([1, 1, 3, 3], DOG_OR_CAT).tolist() == [-1, 0, 1, 0]


def test_the_subgradient_at_a_tie_supports_the_loss_from_below():
    rng = np.random.default_rng(0)
    s = np.array([0.0, 2.0, 2.0])
    for t in s + rng.normal(size=(200, 3)):
        line = margin_loss(s, 0) + margin_loss_grad(s, 0) @ (t - s)
        assert margin_loss(t, 0) >= line - 1e-12


def test_a_score_of_minus_infinity_loses():
    assert margin([-np.inf, 1.0], [0, 1]).tolist() == [-np.inf, np.inf]
    assert margin_loss([-np.inf, 1.0], [0, 1]).tolist() == [np.inf, 0]
    assert margin_loss_grad([-np.inf, -np.inf, 1.0], 1).tolist() == [0, -1, 1]


def test_a_margin_between_two_minus_infinities_is_refused():
    with pytest.raises(ValueError, match=r"s\[1\] is -inf in right and wrong"):
        margin([[0, 1, 2], [-np.inf, -np.inf, -np.inf]], 0)


def test_a_mask_without_right_or_wrong_class_is_refused():
    with pytest.raises(ValueError, match=r"y\[1\] = .* has no right class"):
        margin(np.zeros((2, 2)), [[True, False], [False, False]])
    with pytest.raises(ValueError, match=r"y = .* has no wrong class"):
        margin(np.zeros(2), [True, True])


def test_a_mask_of_the_wrong_length_is_refused():
    with pytest.raises(ValueError, match="y is a mask of shape"):
        margin(np.zeros(3), [True, False])


def test_one_class_has_no_margin():
    with pytest.raises(ValueError, match="at least 2 classes"):
        margin([1.0], 0)


def test_labels_broadcast_over_scores():
    s = np.random.default_rng(0).normal(size=(5, 1, 3))
    assert margin(s, [0, 1, 2]).shape == (5, 3)
    assert margin_loss_grad(s, [0, 1, 2]).shape == (5, 3, 3)


def test_labels_of_another_shape_are_named_with_the_shape_they_have():
    with pytest.raises(ValueError, match=r"s \(2,\) and y \(3,\)"):
        margin(np.zeros((2, 3)), [0, 1, 2])
    with pytest.raises(ValueError, match="^y is not an array"):
        margin(np.zeros((2, 3)), [[0], [0, 1]])


def test_a_margin_beyond_the_floats_is_infinite_without_a_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert margin([1e308, -1e308], [0, 1]).tolist() == [np.inf, -np.inf]
        assert margin_loss([1e308, -1e308], [0, 1]).tolist() == [0, np.inf]
