import numpy as np
import pytest

from lossnotes.losses.kl import entropy
from lossnotes.losses.label_smoothing import (
    optimal_gap,
    smooth,
    smoothed_log_loss,
    smoothed_log_loss_grad,
)
from lossnotes.losses.softmax import log_loss


def test_uniform_mixes_the_label_with_the_uniform_vector():
    assert smooth(1, 4, 0.1) == pytest.approx([0.025, 0.925, 0.025, 0.025], rel=1e-15)


def test_others_gives_epsilon_to_every_other_class():
    assert smooth(1, 4, 0.1, convention="others") == pytest.approx([0.1, 0.7, 0.1, 0.1], rel=1e-15)


def test_epsilon_of_others_is_epsilon_of_uniform_over_k():
    y = np.arange(8)
    assert np.array_equal(smooth(y, 8, 0.1), smooth(y, 8, 0.1 / 8, convention="others"))


def test_the_optimal_gap_for_ten_classes():
    assert optimal_gap(10, 0.1) == pytest.approx(np.log(91), rel=1e-15)
    assert optimal_gap(10, 0.1) == pytest.approx(4.511, abs=5e-4)
    assert optimal_gap(10, 0.01, "others") == pytest.approx(np.log(91), rel=1e-15)


@pytest.mark.parametrize(("epsilon", "convention"), [(0.1, "uniform"), (0.01, "others")])
def test_at_the_optimal_gap_the_gradient_vanishes_and_the_loss_is_the_entropy(epsilon, convention):
    s = optimal_gap(10, epsilon, convention) * (np.arange(10) == 3)
    assert np.abs(smoothed_log_loss_grad(s, 3, epsilon, convention)).max() < 1e-16
    target = smooth(3, 10, epsilon, convention)
    assert smoothed_log_loss(s, 3, epsilon, convention) == pytest.approx(entropy(target), rel=1e-15)


def test_a_model_more_sure_than_the_target_is_pulled_back():
    s = np.array([8.0, 0.0, 0.0])
    assert smoothed_log_loss_grad(s, 0, 0.1)[0] > 0


def test_without_smoothing_it_is_the_log_loss():
    s = np.array([0.0, 3.0, 0.2])
    for convention in ("uniform", "others"):
        assert smoothed_log_loss(s, 1, 0, convention) == pytest.approx(log_loss(s, 1), rel=1e-15)
    assert optimal_gap(3, 0) == np.inf


@pytest.mark.parametrize(
    ("epsilon", "convention"),
    [(-0.1, "uniform"), (1, "uniform"), (np.nan, "uniform"), ("a", "uniform"), (1 / 3, "others")],
)
def test_an_epsilon_outside_its_range_is_named(epsilon, convention):
    with pytest.raises(ValueError, match="epsilon = .* is not in"):
        smooth(0, 3, epsilon, convention)
    with pytest.raises(ValueError, match="epsilon = .* is not in"):
        smoothed_log_loss([0.0, 1.0, 2.0], 0, epsilon, convention)
    with pytest.raises(ValueError, match="epsilon = .* is not in"):
        optimal_gap(3, epsilon, convention)


def test_an_unknown_convention_is_refused():
    with pytest.raises(ValueError, match="convention = 'unifrom'"):
        smooth(0, 3, 0.1, "unifrom")
    with pytest.raises(ValueError, match="convention = .'uniform'. is neither"):
        smooth(0, 3, 0.1, ["uniform"])


def test_a_label_outside_the_classes_is_named():
    with pytest.raises(ValueError, match=r"y\[1\] = 3 is not a label"):
        smoothed_log_loss_grad(np.zeros((2, 3)), [0, 3], 0.1)


def test_shapes_follow_scores_and_labels():
    assert smooth([[0, 1]], 3, 0.1).shape == (1, 2, 3)
    assert smoothed_log_loss(np.zeros((2, 3)), [0, 1], 0.1).shape == (2,)
    assert smoothed_log_loss_grad(np.zeros((2, 3)), [0, 1], 0.1).shape == (2, 3)
