from itertools import repeat

import numpy as np
import pytest

from lossnotes.learning.backprop import DivergenceError
from lossnotes.learning.convergence import gradient_descent
from lossnotes.learning.sgd import (
    best_momentum,
    constant,
    decaying,
    minibatch_variance,
    minibatches,
    momentum,
    momentum_rate,
    noise_floor,
    sgd,
)

VALLEY = np.array([1.0, 25.0])


def slope(w):
    return VALLEY * w


def towards(w, x):
    return w - x


def companion_rate(step, curvature, beta):
    """The rate by another way: the eigenvalues of a step as a matrix."""
    matrix = [[1 + beta - step * curvature, -beta], [1, 0]]
    return abs(np.linalg.eigvals(matrix)).max()


def distances(schedule, steps, start=5.0, size=1000, seed=0):
    rng = np.random.default_rng(seed)
    draws = (rng.normal(size=size) for _ in range(steps))
    return [np.mean(w**2) for w in sgd(towards, np.full(size, start), schedule, draws)]


# Momentum


def test_without_momentum_a_path_is_gradient_descent():
    path = momentum(slope, [1.0, 1.0], 0.02, 0.0, 5)
    expected = (1 - 0.02 * VALLEY) ** np.arange(6)[:, np.newaxis]
    assert path == pytest.approx(expected, rel=1e-14)


def test_a_change_is_a_part_of_the_last_one_and_a_step_downhill():
    path = momentum(slope, [-10.0, 1.5], 0.04, 0.6, 20)
    changes = np.diff(path, axis=0, prepend=path[:1])
    expected = 0.6 * changes[:-1] - 0.04 * slope(path[:-1])
    assert changes[1:] == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_a_constant_gradient_is_followed_in_steps_that_grow_tenfold():
    path = momentum(lambda w: np.array(-1.0), 0.0, 0.1, 0.9, 500)
    changes = np.diff(path)
    assert changes[0] == pytest.approx(0.1) and changes[-1] == pytest.approx(1.0)
    assert changes[6] == pytest.approx(0.1 * (1 - 0.9**7) / (1 - 0.9))


def test_the_weight_of_an_old_gradient_is_a_power_of_beta():
    path = [0.0, *sgd(lambda w, g: g, np.array(0.0), constant(1), [1.0] + 10 * [0.0], 0.9)]
    changes = np.diff(path)
    assert changes[10] / changes[0] == pytest.approx(0.9**10)


def test_the_rate_is_the_spectral_radius_of_a_step():
    rng = np.random.default_rng(0)
    for step, curvature, beta in rng.uniform([0.01, 0.01, 0], [2, 3, 0.99], (200, 3)):
        expected = companion_rate(step, curvature, beta)
        assert momentum_rate(step, curvature, beta) == pytest.approx(expected, rel=1e-12)


def test_the_rate_is_the_root_of_beta_on_the_whole_floor():
    products = np.linspace((1 - 0.8) ** 2 + 1e-9, (1 + 0.8) ** 2 - 1e-9, 50)
    assert momentum_rate(1.0, products, 0.64) == pytest.approx(0.8, rel=1e-14)
    outside = momentum_rate(1.0, [0.039, 3.25], 0.64)
    assert (outside > 0.8).all()


@pytest.mark.parametrize("beta", [0.0, 0.5, 0.9])
def test_momentum_converges_up_to_its_limit_and_not_beyond(beta):
    limit = 2 * (1 + beta)
    assert momentum_rate(0.999 * limit, 1.0, beta) < 1 < momentum_rate(1.001 * limit, 1.0, beta)


def test_a_run_has_the_rate_that_theory_gives():
    path = momentum(lambda w: w, 1.0, 0.02, 0.5, 400)
    measured = (path[400] / path[200]) ** (1 / 200)
    assert measured == pytest.approx(momentum_rate(0.02, 1.0, 0.5), rel=1e-10)


def test_the_best_pair_has_the_rate_of_polyak_at_both_ends():
    step, beta = best_momentum(1, 100)
    assert np.sqrt(beta) == pytest.approx(9 / 11)
    assert momentum_rate(step, [1.0, 10.0, 100.0], beta) == pytest.approx(9 / 11, rel=1e-6)


def test_no_other_pair_is_better_than_the_best():
    steps, betas = np.geomspace(1e-3, 0.2, 60), np.linspace(0, 0.98, 60)
    best = np.sqrt(best_momentum(1, 100)[1])
    rates = [momentum_rate(step, [1.0, 100.0], beta).max() for step in steps for beta in betas]
    assert best <= min(rates) < best + 0.02


def test_equal_curvatures_need_no_memory():
    assert best_momentum(4, 4) == (0.25, 0.0)


# Schedules


def test_a_schedule_counts_from_one():
    assert [constant(0.1)(k) for k in (1, 2, 10)] == [0.1, 0.1, 0.1]
    assert [decaying(0.5, 2)(k) for k in (1, 2, 10)] == [0.5, 0.125, 0.005]
    seen = []
    list(sgd(towards, 1.0, lambda k: seen.append(k) or 0.1, [0.0, 0.0, 0.0]))
    assert seen == [1, 2, 3]


def test_steps_of_one_over_k_average_the_examples():
    x = np.random.default_rng(1).normal(size=1000)
    path = np.array(list(sgd(towards, 5.0, decaying(1.0), x)))
    assert path == pytest.approx(np.cumsum(x) / np.arange(1, 1001), abs=1e-13)


def test_a_constant_step_ends_on_the_floor_of_noise():
    assert noise_floor(0.1, 1.0, 1.0) == pytest.approx(0.0526, abs=5e-5)
    late = np.mean(distances(constant(0.1), 2000)[200:])
    assert late == pytest.approx(noise_floor(0.1, 1.0, 1.0), rel=0.02)


def test_a_fast_decay_stops_far_from_the_goal():
    path = list(sgd(towards, 5.0, decaying(0.5, 2), repeat(0.0, 10_000)))
    assert path[-1] == pytest.approx(5 * np.sinc(np.sqrt(0.5)), abs=5e-4)
    assert path[-1] == pytest.approx(1.79, abs=5e-3)


def test_momentum_does_not_lower_the_floor_of_noise():
    rng = np.random.default_rng(2)
    draws = (rng.normal(size=1000) for _ in range(2000))
    path = sgd(towards, np.zeros(1000), constant(0.1), draws, beta=0.9)
    late = np.mean([np.mean(w**2) for k, w in enumerate(path) if k > 300])
    assert late == pytest.approx(noise_floor(0.1, 1.0, 1.0, beta=0.9), rel=0.03)
    assert noise_floor(0.1, 1.0, 1.0, beta=0.9) > 9 * noise_floor(0.1, 1.0, 1.0)


def test_the_floor_scales_with_curvature_and_variance():
    assert noise_floor(0.05, 2.0, 12.0) == pytest.approx(3 * noise_floor(0.1, 1.0, 1.0))


# Mini-batches


def test_a_pass_takes_every_example_once():
    batches = list(minibatches(107, 10, np.random.default_rng(0)))
    assert [len(batch) for batch in batches] == 10 * [10] + [7]
    assert sorted(np.concatenate(batches)) == list(range(107))


def test_a_pass_is_in_random_order_and_the_same_for_the_same_seed():
    first, again, other = (
        np.concatenate(list(minibatches(100, 9, np.random.default_rng(seed)))) for seed in (0, 0, 1)
    )
    assert (first == again).all() and (first != other).any() and (first != np.arange(100)).any()


@pytest.mark.parametrize("replace", [True, False])
@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_the_variance_of_a_batch_is_that_over_all_batches(size, replace):
    """Not simulated: every batch of five examples is looked at."""
    gradients = np.array([[0.3, 1.0], [-1.2, 1.0], [2.0, -4.0], [0.1, 0.0], [5.0, 2.0]])
    grid = np.indices((5,) * size).reshape(size, -1).T
    if not replace:
        grid = [row for row in grid if len(set(row)) == size]
    means = np.array([gradients[row].mean(axis=0) for row in grid])
    expected = minibatch_variance(gradients, size, replace)
    assert means.var(axis=0) == pytest.approx(expected, rel=1e-12, abs=1e-15)


def test_the_whole_set_has_no_noise_and_a_sample_of_the_world_has():
    rng = np.random.default_rng(3)
    worlds = rng.normal(size=(4000, 100))
    assert minibatch_variance(worlds[0], 100, replace=False) == 0
    assert worlds.mean(axis=1).var() == pytest.approx(1 / 100, rel=0.1)


# Arguments, and what diverges


def test_the_start_and_what_was_yielded_are_not_modified():
    start = np.array([1.0, 2.0])
    path = momentum(slope, start, 0.02, 0.5, 3)
    yielded = list(sgd(lambda w, _: slope(w), start, constant(0.02), range(3), 0.5))
    assert start.tolist() == [1, 2]
    assert np.array_equal(path[1:], yielded) and np.array_equal(path[0], start)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_dtype_of_the_start_is_kept(dtype):
    path = momentum(slope, np.ones(2, dtype), 0.02, 0.5, 3)
    assert path.dtype == dtype


def test_a_matrix_of_weights_has_a_path_of_matrices():
    assert momentum(lambda w: w, np.ones((2, 3)), 0.1, 0.5, 4).shape == (5, 2, 3)


def test_divergence_names_the_step_and_the_entry():
    with pytest.raises(DivergenceError, match=r"^step 40: w\[1\] = 10995\d+"):
        momentum(lambda w: [1, 100] * w, np.ones(2), 0.03, 0.0, 2000)
    with pytest.raises(DivergenceError, match=r"^step 3: w = -1\.5e\+308, from w = 1$") as info:
        list(sgd(lambda w, g: g, 1.0, constant(1), [0.0, 0.0, 1.5e308, 0.0], 0.9))
    assert (info.value.step, info.value.parameter) == (3, "w")


def test_the_bound_is_that_of_gradient_descent():
    ends = []
    for descend in (
        lambda steps: momentum(lambda w: 2 * w, 1.0, 1.01, 0.0, steps),
        lambda steps: gradient_descent(lambda w: 2 * w, 1.0, 1.01, steps),
    ):
        with pytest.raises(DivergenceError) as info:
            descend(10_000)
        ends.append(info.value.step)
        descend(ends[-1] - 1)
    assert ends[0] == ends[1]


def test_a_nan_is_reported_in_the_step_in_which_it_appears():
    with pytest.raises(DivergenceError, match=r"^step 2: gradient\[1, 0\] = nan, from w\[1, 0\]"):
        list(sgd(lambda w, x: w * x, np.ones((2, 2)), constant(0.1), [1, [[1], [np.nan]], 1]))


def test_the_step_is_added_to_what_a_network_reports():
    def gradient(w, batch):
        if batch == 2:
            raise DivergenceError("behind W1 a result is not finite", "W1")
        return w

    with pytest.raises(DivergenceError, match="^step 3: behind W1") as info:
        list(sgd(gradient, np.ones(2), constant(0.1), range(5)))
    assert info.value.parameter == "W1"


def fine(w, _=None):
    return w


@pytest.mark.parametrize(
    ("call", "why"),
    [
        (lambda: constant(0), "^step = 0.0 is not positive"),
        (lambda: constant(np.nan), "^step = nan is not positive"),
        (lambda: decaying(-1.0), "^step = -1.0 is not positive"),
        (lambda: decaying(1.0, 0), "^power = 0.0 is not positive"),
        (lambda: sgd(fine, 1.0, constant(1), [0], beta=1), "^beta = 1.0 is not from 0"),
        (lambda: sgd(fine, 1.0, constant(1), [0], beta=-0.1), "^beta = -0.1 is not from 0"),
        (lambda: sgd(fine, [1.0, np.inf], constant(1), [0]), r"^w\[1\] = inf is not finite"),
        (lambda: sgd(fine, ["a"], constant(1), [0]), "^w has dtype"),
        (lambda: list(sgd(fine, 1.0, lambda k: 2 - k, [0, 0])), r"^schedule\(2\) = 0.0 is not"),
        (lambda: list(sgd(lambda w, _: [w, w], 1.0, constant(1), [0])), r"^gradient has shape"),
        (lambda: momentum(fine, 1.0, -0.1, 0.5, 3), "^step = -0.1 is not positive"),
        (lambda: momentum(fine, 1.0, 0.1, 0.5, -3), "^steps = -3 is not a whole number"),
        (lambda: momentum_rate(0.1, 1.0, 1.5), "^beta = 1.5 is not from 0"),
        (lambda: best_momentum(0, 1), "^smallest = 0.0 is not positive"),
        (lambda: best_momentum(2, 1), "^smallest = 2.0 is larger than largest = 1.0"),
        (lambda: noise_floor(2.0, 1.0, 1.0), "^step = 2.0 is too large: from 2 on w diverges"),
        (lambda: noise_floor(0.1, 1.0, -1.0), "^variance = -1.0 is not positive"),
        (lambda: minibatches(10, 11, np.random.default_rng(0)), "^size = 11 is not a whole"),
        (lambda: minibatches(10, 0, np.random.default_rng(0)), "^size = 0 is not a whole"),
        (lambda: minibatch_variance(np.ones(3), 4, False), "^size = 4 is not a whole"),
        (lambda: minibatch_variance(np.ones(3), 2.5, True), "^size = 2.5 is not a whole"),
        (lambda: minibatch_variance([1.0, np.nan], 1, True), r"^gradients\[1\] = nan is not"),
        (lambda: minibatch_variance(2.0, 1, True), r"^gradients has shape \(\)"),
    ],
)
def test_bad_input_is_named(call, why):
    with pytest.raises(ValueError, match=why):
        call()


def test_a_batch_with_replacement_may_be_larger_than_the_set():
    assert minibatch_variance([0.0, 2.0], 10, replace=True) == pytest.approx(0.1)
