import numpy as np
import pytest

from lossnotes.losses.kl import cross_entropy, kl_divergence
from lossnotes.losses.proper import (
    absolute_loss,
    brier_loss,
    brier_loss_grad,
    focal_loss,
    focal_loss_grad,
    perplexity,
    spherical_loss,
    spherical_loss_grad,
    surprisal,
    surprisal_grad,
)

P = np.array([0.2, 0.5, 0.3])
LOSSES = [surprisal, brier_loss, spherical_loss, absolute_loss]
PROPER = [surprisal, brier_loss, spherical_loss]


def focal(p, y):
    return focal_loss(p, y, 2)


def focal_grad(p, y):
    return focal_loss_grad(p, y, 2)


PAIRS = [
    (surprisal, surprisal_grad),
    (brier_loss, brier_loss_grad),
    (spherical_loss, spherical_loss_grad),
    (focal, focal_grad),
]


def others_vectors(q, count=2000):
    return np.random.default_rng(7).dirichlet(np.ones(len(q)), count)


def test_surprisal_of_a_fair_coin_is_one_bit():
    assert surprisal([0.5, 0.5], 0) == np.log(2)


def test_perplexity_of_equally_likely_classes_is_their_number():
    assert perplexity(np.full(8, 0.125), [3, 1, 4]) == pytest.approx(8, rel=1e-15)


def test_perplexity_is_the_exponential_of_the_mean_surprisal():
    p = others_vectors([1, 1, 1], 50)
    y = np.arange(50) % 3
    assert perplexity(p, y) == pytest.approx(np.exp(surprisal(p, y).mean()))


def test_one_event_that_was_ruled_out_makes_perplexity_infinite():
    assert perplexity([1.0, 0.0], [[0, 0], [0, 1]]).tolist() == [1, np.inf]


def test_perplexity_without_examples_is_refused():
    for y in (0, []):
        with pytest.raises(ValueError, match="a mean needs a last axis that is not empty"):
            perplexity(P, y)


def test_losses_of_the_three_classes_by_hand():
    assert brier_loss(P, [0, 1, 2]) == pytest.approx([0.98, 0.38, 0.78])
    assert spherical_loss(P, [0, 1, 2]) == pytest.approx(1 - P / np.sqrt(0.38))
    assert absolute_loss(P, [0, 1, 2]) == pytest.approx([1.6, 1, 1.4])
    assert focal_loss(P, [0, 1, 2], 2) == pytest.approx(-((1 - P) ** 2) * np.log(P))


@pytest.mark.parametrize("loss", [*LOSSES, focal])
def test_a_certain_prediction_that_is_right_costs_nothing(loss):
    assert loss([0.0, 1.0, 0.0], 1) == 0


def test_a_certain_prediction_that_is_wrong_costs_the_most():
    p = [1.0, 0.0, 0.0]
    assert [loss(p, 1) for loss in (*LOSSES, focal)] == [np.inf, 2, 1, 2, np.inf]


@pytest.mark.parametrize("loss", [*LOSSES, focal])
def test_the_loss_of_a_vector_is_the_mean_over_its_classes(loss):
    q = np.array([0.1, 0.2, 0.7])
    assert loss(P, q) == pytest.approx(q @ loss(P, np.arange(3)), rel=1e-14)


@pytest.mark.parametrize("loss", [surprisal, focal])
def test_a_class_that_does_not_happen_may_be_ruled_out(loss):
    assert loss([0.5, 0.5, 0.0], [0.5, 0.5, 0.0]) < np.inf


@pytest.mark.parametrize("loss", PROPER)
def test_no_prediction_is_better_than_the_truth(loss):
    q = np.array([0.5, 0.3, 0.2])
    assert (loss(others_vectors(q), q) > loss(q, q)).all()


@pytest.mark.parametrize("loss", [absolute_loss, focal])
def test_a_loss_that_is_not_proper_prefers_another_prediction(loss):
    q = np.array([0.5, 0.3, 0.2])
    assert (loss(others_vectors(q), q) < loss(q, q)).any()


def test_what_a_prediction_loses_against_the_truth_is_a_divergence():
    q = np.array([0.5, 0.3, 0.2])
    assert surprisal(P, q) - surprisal(q, q) == pytest.approx(kl_divergence(q, P))
    assert brier_loss(P, q) - brier_loss(q, q) == pytest.approx(((P - q) ** 2).sum())


def test_surprisal_of_a_vector_is_cross_entropy():
    q = np.array([0.5, 0.3, 0.2])
    assert surprisal(P, q) == cross_entropy(q, P)


def test_focal_loss_with_exponent_zero_is_surprisal():
    p = others_vectors(P, 10)
    assert np.array_equal(focal_loss(p, 1, 0), surprisal(p, 1))
    assert np.array_equal(focal_loss_grad(p, 1, 0), surprisal_grad(p, 1))


def test_focal_loss_of_a_certain_class_has_no_slope_unless_its_exponent_is_zero():
    for gamma, slope in ((0, -1), (0.5, 0), (1, 0), (3, 0)):
        assert focal_loss_grad([1.0, 0.0], 0, gamma).tolist() == [slope, 0]


def test_a_large_exponent_does_not_magnify_rounding():
    expected = np.exp(500 * np.log1p(-1e-3)) * -np.log(1e-3)
    assert focal_loss([1e-3, 0.999], 0, 500) == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize(("loss", "grad"), PAIRS)
def test_gradients_agree_with_differences_along_the_simplex(loss, grad):
    step = 1e-6 * np.array([1, -2, 1])
    for y in (0, 1, np.array([0.1, 0.2, 0.7])):
        difference = (loss(P + step, y) - loss(P - step, y)) / 2
        assert grad(P, y) @ step == pytest.approx(difference, rel=1e-7)


@pytest.mark.parametrize("grad", [surprisal_grad, brier_loss_grad, spherical_loss_grad])
def test_at_the_truth_no_move_along_the_simplex_pays(grad):
    assert np.ptp(grad(P, P)) < 1e-15


def test_one_prediction_meets_every_label_and_one_label_every_prediction():
    p = others_vectors(P, 6).reshape(2, 3, 3)
    for loss in (*LOSSES, focal):
        assert loss(P, np.arange(3)).shape == (3,)
        assert loss(p, 1).shape == loss(p, P).shape == (2, 3)
    assert spherical_loss_grad(p, P).shape == (2, 3, 3)


@pytest.mark.parametrize("f", [*LOSSES, focal, *(grad for _, grad in PAIRS)])
def test_single_precision_stays(f):
    assert f(P.astype(np.float32), 1).dtype == np.float32
    assert f(P.astype(np.float32), P.astype(np.float32)).dtype == np.float32
    assert f(P.astype(np.float32), P).dtype == np.float64


@pytest.mark.parametrize("f", [*LOSSES, focal, *(grad for _, grad in PAIRS)])
def test_bad_input_is_named(f):
    for p, y, why in [
        ([0.5, 0.6], 0, "^p sums to 1.1"),
        ([1.5, -0.5], 0, r"^p\[1\] = -0.5 is not a probability"),
        (P, 3, "^y = 3 is not a label: they run from 0 to 2"),
        (P, [0.5, 0.5], "^y has dtype float64 and shape"),
        (P, [0.5, 0.5, 0.5], "^y sums to 1.5"),
        (np.tile(P, (2, 1)), [0, 1, 2], "the shapes do not fit together"),
    ]:
        with pytest.raises(ValueError, match=why):
            f(p, y)


@pytest.mark.parametrize("gamma", [-1, np.nan, np.inf, "2", None])
def test_an_exponent_that_is_negative_or_no_number_is_refused(gamma):
    for f in (focal_loss, focal_loss_grad):
        with pytest.raises(ValueError, match="^gamma = .* is not a finite number of at least 0"):
            f(P, 0, gamma)


def test_a_vector_whose_largest_entry_rounds_beyond_one_is_as_good_as_certain():
    p = [1 + 1e-9, 0.0]
    assert focal_loss(p, 0, 0.5) == 0 and focal_loss_grad(p, 0, 0.5).tolist() == [0, 0]
