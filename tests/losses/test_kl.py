import numpy as np
import pytest

from lossnotes.losses.kl import (
    cross_entropy,
    cross_entropy_grad,
    entropy,
    kl_divergence,
    kl_divergence_grad,
)

HALF = [0.5, 0.5, 0, 0]


def test_the_lectures_near_prediction():
    assert kl_divergence(HALF, [0.6, 0.4, 0, 0]) == pytest.approx(0.5 * np.log(0.25 / 0.24))


def test_the_lectures_far_prediction():
    assert kl_divergence(HALF, [0.2, 0.1, 0.7, 0]) == pytest.approx(1.26286, abs=5e-6)


def test_a_one_hot_target_gives_the_log_loss():
    p = np.array([0.2, 0.1, 0.7])
    assert np.allclose(kl_divergence(np.eye(3), p), -np.log(p), rtol=1e-15)


def test_kl_is_not_symmetric():
    q, p = [0.9, 0.1], [0.5, 0.5]
    assert kl_divergence(q, p) == pytest.approx(0.368, abs=5e-4)
    assert kl_divergence(p, q) == pytest.approx(0.511, abs=5e-4)


def test_cross_entropy_is_kl_plus_entropy():
    q, p = [0.2, 0.3, 0.5], [0.6, 0.3, 0.1]
    assert cross_entropy(q, p) == pytest.approx(kl_divergence(q, p) + entropy(q), rel=1e-15)


def test_kl_of_equal_vectors_is_exactly_zero():
    q = np.random.default_rng(0).dirichlet(np.ones(7), 10)
    assert np.array_equal(kl_divergence(q, q), np.zeros(10))


def test_entropy_runs_from_zero_to_log_k():
    assert entropy([0, 1, 0]) == 0
    assert entropy(np.full(4, 0.25)) == pytest.approx(np.log(4))


def test_a_right_class_of_probability_zero_costs_infinity():
    assert kl_divergence([0.5, 0.5], [1.0, 0]) == np.inf
    assert cross_entropy([0.5, 0.5], [1.0, 0]) == np.inf
    assert kl_divergence_grad([0.5, 0.5], [1.0, 0]).tolist() == [-0.5, -np.inf]


def test_a_class_without_target_costs_nothing_whatever_its_probability():
    assert kl_divergence([1.0, 0], [1.0, 0]) == 0
    assert cross_entropy_grad([1.0, 0], [1.0, 0]).tolist() == [-1, 0]


def test_a_prediction_close_to_the_target_keeps_its_digits():
    # KL(q||q + d) = d^2 / (2 q_1 q_2) up to higher order: less than the rounding of one term.
    d = 2.0**-34
    assert kl_divergence([0.5, 0.5], [0.5 + d, 0.5 - d]) == pytest.approx(2 * d * d, rel=1e-15)


def test_a_tiny_target_beside_a_small_prediction_keeps_its_digits():
    q, p = [1.0, 1e-40], [1.0, 1e-80]
    assert kl_divergence(q, p) == pytest.approx(40e-40 * np.log(10), rel=1e-15, abs=0)
    assert kl_divergence(p, q) == 0  # where p has less in all, and the sum would be -92e-80


def test_a_tiny_prediction_does_not_overflow():
    assert kl_divergence([1.0, 0], [1e-310, 1.0]) == pytest.approx(310 * np.log(10))


def test_one_target_meets_many_predictions():
    p = np.random.default_rng(0).dirichlet(np.ones(4), (3, 2))
    assert kl_divergence(HALF, p).shape == (3, 2)
    assert kl_divergence_grad(HALF, p).shape == (3, 2, 4)


@pytest.mark.parametrize(
    "f", [kl_divergence, kl_divergence_grad, cross_entropy, cross_entropy_grad]
)
def test_vectors_that_are_no_probabilities_are_named(f):
    good = np.array([[0.5, 0.5], [0.5, 0.5]])
    for bad, why in [
        ([[0.5, 0.5], [0.5, 0.6]], r"\[1\] sums to 1.1"),
        ([[1.5, -0.5], [0.5, 0.5]], r"\[0, 1\] = -0.5 is not a prob"),
        ([[0.5, 0.5], [np.nan, 0.5]], r"\[1, 0\] = nan is not a prob"),
        ([[0.5, 0.5], [np.inf, 0.5]], r"\[1\] sums to inf"),
    ]:
        with pytest.raises(ValueError, match="^q" + why):
            f(bad, good)
        with pytest.raises(ValueError, match="^p" + why):
            f(good, bad)


def test_entropy_of_a_vector_that_is_no_probability_is_refused():
    with pytest.raises(ValueError, match=r"^q sums to 0.99"):
        entropy([0.33, 0.33, 0.33])


def test_vectors_of_different_length_are_refused():
    with pytest.raises(ValueError, match="q has 2 classes and p has 3"):
        kl_divergence([0.5, 0.5], [0.5, 0.5, 0])


def test_a_sum_that_misses_one_by_1e_7_is_accepted_in_single_precision_only():
    q = np.array([0.5, 0.5 + 1e-7])
    assert entropy(q.astype(np.float32)) > 0
    with pytest.raises(ValueError, match="^q sums to 1.0000"):
        entropy(q)
