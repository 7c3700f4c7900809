import math

import numpy as np
import pytest

from lossnotes.learning.backprop import DivergenceError
from lossnotes.learning.convergence import (
    best_step,
    condition_number,
    damped_newton,
    gradient_descent,
    newton,
    quadratic,
    quadratic_grad,
    rate,
    square_root,
    steps_to_leave,
)

A = np.array([[3.0, 1.0, 0.0], [1.0, 2.0, -0.5], [0.0, -0.5, 1.0]])
b = np.array([1.0, -2.0, 0.5])
minimum = -np.linalg.solve(A, b)


def slope(w):
    return quadratic_grad(w, A, b)


def twice(w):
    return 2 * w


def saddle(w):
    return w * [2.0, -2.0]


def saddle_hessian(w):
    return np.diag([2.0, -2.0])


def log_cosh(w):
    return float(np.logaddexp(w, -w).sum())


def log_cosh_hessian(w):
    return np.diag(1 / np.cosh(w) ** 2)


# The paths


def test_a_path_holds_the_start_and_every_step():
    path = gradient_descent(twice, np.array([3.0, -1.0]), 0.25, 3)
    assert path.tolist() == [[3, -1], [1.5, -0.5], [0.75, -0.25], [0.375, -0.125]]


def test_no_steps_leave_the_start_alone():
    assert gradient_descent(twice, 5.0, 0.1, 0).tolist() == [5]


@pytest.mark.parametrize(
    ("step", "path"), [(0.5, [1, 0, 0]), (0.75, [1, -0.5, 0.25]), (1.0, [1, -1, 1])]
)
def test_the_step_sizes_of_the_source_land_oscillate_and_cycle(step, path):
    assert gradient_descent(twice, 1.0, step, 2).tolist() == path


def test_several_paths_at_once_are_the_paths_one_by_one():
    starts = np.random.default_rng(0).normal(size=(4, 3))
    together = gradient_descent(slope, starts, 0.3, 5)
    for number, start in enumerate(starts):
        alone = gradient_descent(slope, start, 0.3, 5)
        np.testing.assert_allclose(together[:, number], alone, rtol=0, atol=1e-14)


def test_descent_leaves_its_start_unmodified():
    start = np.array([1.0, 2.0, 3.0])

    def careless(w):
        w += 1
        return w

    gradient_descent(careless, start, 0.1, 2)
    assert start.tolist() == [1, 2, 3]


def test_a_gradient_that_changes_its_argument_does_not_change_the_path():
    def careless(w):
        w *= 2
        return w

    expected = gradient_descent(twice, np.ones(2), 0.1, 4)
    assert np.array_equal(gradient_descent(careless, np.ones(2), 0.1, 4), expected)


# Rates


@pytest.mark.parametrize("step", [0.05, 0.3, 0.5, 0.55])
def test_no_step_leaves_more_of_the_distance_than_the_rate_says(step):
    start = np.random.default_rng(1).normal(size=3)
    errors = np.linalg.norm(gradient_descent(slope, start, step, 20) - minimum, axis=1)
    assert (errors[1:] <= rate(A, step) * errors[:-1] * (1 + 1e-12)).all()


def test_the_rate_is_reached_along_the_direction_that_is_worst():
    curvatures, directions = np.linalg.eigh(A)
    start = minimum + directions[:, 0]
    errors = np.linalg.norm(gradient_descent(slope, start, 0.1, 5) - minimum, axis=1)
    assert errors[5] == pytest.approx(rate(A, 0.1) ** 5, rel=1e-12)


def test_no_other_fixed_step_has_a_smaller_rate_than_the_best():
    others = np.linspace(0.01, 1, 400)
    assert min(rate(A, step) for step in others) > rate(A, best_step(A))


def test_the_best_rate_follows_from_the_condition_number():
    kappa = condition_number(A)
    assert rate(A, best_step(A)) == pytest.approx((kappa - 1) / (kappa + 1), rel=1e-13)


def test_the_rate_is_one_at_twice_the_inverse_of_the_largest_curvature():
    assert rate(A, 2 / np.linalg.eigvalsh(A)[-1]) == pytest.approx(1, rel=1e-14)


def test_after_scaling_one_step_suffices():
    root = square_root(A)
    scaled_slope = np.linalg.solve(root, b)

    def in_scaled(u):
        return u + scaled_slope

    last = gradient_descent(in_scaled, root @ [5.0, -7.0, 2.0], 1.0, 1)[-1]
    np.testing.assert_allclose(np.linalg.solve(root, last), minimum, rtol=0, atol=1e-14)


def test_the_square_root_squared_is_the_matrix():
    np.testing.assert_allclose(square_root(A) @ square_root(A), A, rtol=0, atol=1e-14)


def test_the_gradient_of_the_quadratic_is_its_difference_quotient():
    w, v = np.array([0.3, -1.0, 2.0]), np.array([1.0, 0.5, -2.0])
    central = (quadratic(w + v, A, b) - quadratic(w - v, A, b)) / 2
    assert quadratic_grad(w, A, b) @ v == pytest.approx(central, rel=1e-14)


def test_a_batch_of_quadratics_has_the_leading_shape():
    assert quadratic(np.zeros((4, 2, 3)), A, b).shape == (4, 2)
    assert quadratic_grad(np.zeros((4, 2, 3)), A, b).shape == (4, 2, 3)


# Newton


def test_newton_needs_one_step_on_a_quadratic():
    path = newton(slope, lambda w: A, [5.0, -7.0, 2.0], 1)
    np.testing.assert_allclose(path[1], minimum, rtol=0, atol=1e-14)


def test_half_a_newton_step_goes_half_the_way():
    path = newton(slope, lambda w: A, [5.0, -7.0, 2.0], 1, step=0.5)
    np.testing.assert_allclose(path[1], (path[0] + minimum) / 2, rtol=0, atol=1e-14)


def test_newton_jumps_to_a_saddle():
    assert newton(saddle, saddle_hessian, [1.0, 0.5], 1)[1].tolist() == [0, 0]


def test_newton_diverges_on_a_convex_function_and_says_at_which_step():
    with pytest.raises(DivergenceError, match=r"step 3: w\[0\] = .* has diverged") as caught:
        newton(np.tanh, log_cosh_hessian, [1.5], 10)
    assert (caught.value.step, caught.value.parameter) == (3, "w[0]")


def test_newton_doubles_the_digits():
    errors = abs(newton(np.tanh, log_cosh_hessian, [0.5], 3)[:, 0])
    assert errors[2] < errors[1] ** 2 and errors[3] < errors[2] ** 2


def test_damped_newton_converges_where_newton_diverges():
    path = damped_newton(log_cosh, np.tanh, log_cosh_hessian, [1.5], 10)
    assert abs(path[-1, 0]) < 1e-15


def test_damped_newton_never_raises_the_value():
    path = damped_newton(log_cosh, np.tanh, log_cosh_hessian, [5.0, -3.0], 12)
    values = [log_cosh(w) for w in path]
    assert (np.diff(values) <= 1e-15).all() and values[-1] < values[0]


def test_damped_newton_is_newton_where_a_full_step_lowers_the_value():
    pure = newton(np.tanh, log_cosh_hessian, [0.5], 3)
    assert np.array_equal(damped_newton(log_cosh, np.tanh, log_cosh_hessian, [0.5], 3), pure)


def test_a_damped_step_is_the_longest_halving_that_lowers_the_value():
    full = newton(np.tanh, log_cosh_hessian, [1.5], 1)
    damped = damped_newton(log_cosh, np.tanh, log_cosh_hessian, [1.5], 1)
    assert log_cosh(full[1]) > log_cosh(full[0]) > log_cosh(full.mean(axis=0))
    assert damped[1] == full.mean(axis=0)


def test_damped_newton_halves_as_often_as_it_takes():
    def flat_far_out(w):
        return float(np.logaddexp(0, w).sum() - 0.9 * w.sum())

    def flat_slope(w):
        return 1 / (1 + np.exp(-w)) - 0.9

    def flat_bend(w):
        return np.diag(1 / (2 + 2 * np.cosh(w)))

    path = damped_newton(flat_far_out, flat_slope, flat_bend, [100.0], 25)
    assert path[-1, 0] == pytest.approx(math.log(9), rel=1e-12)


def test_damped_newton_refuses_a_direction_that_is_not_finite():
    with pytest.raises(DivergenceError, match="step 1: Newton's direction is not finite"):
        damped_newton(lambda w: 0.0, lambda w: w * np.nan, log_cosh_hessian, [1.0], 3)


def test_damped_newton_refuses_a_direction_that_leads_uphill():
    with pytest.raises(DivergenceError, match="step 1: Newton's direction leads uphill"):
        damped_newton(lambda w: w[0] ** 2 - w[1] ** 2, saddle, saddle_hessian, [0.1, 1.0], 3)


def test_damped_newton_refuses_a_gradient_that_is_not_that_of_the_value():
    with pytest.raises(DivergenceError, match="does not fall as its gradient says"):
        damped_newton(lambda w: -log_cosh(w), np.tanh, log_cosh_hessian, [1.0], 3)


def test_a_value_that_never_falls_is_refused_though_its_promise_is_lost_in_rounding():
    with pytest.raises(DivergenceError, match="does not fall as its gradient says"):
        damped_newton(lambda w: 1.0, np.tanh, log_cosh_hessian, [1.0], 3)


def test_a_singular_hessian_is_reported_with_its_step():
    with pytest.raises(DivergenceError, match="step 1: the Hessian is singular") as caught:
        newton(twice, lambda w: np.zeros((2, 2)), [1.0, 1.0], 3)
    assert (caught.value.step, caught.value.parameter) == (1, "w")


# DivergenceError


def test_a_path_that_runs_away_is_reported_at_its_first_step_beyond_the_bound():
    with pytest.raises(DivergenceError, match=r"step \d+: w = ") as caught:
        gradient_descent(twice, 1.0, 1.01, 10_000)
    assert caught.value.step == math.ceil(math.log(1e12) / math.log(1.02))
    gradient_descent(twice, 1.0, 1.01, caught.value.step - 1)


def test_the_weight_that_runs_away_is_named():
    with pytest.raises(DivergenceError, match=r"w\[2, 1\]") as caught:
        gradient_descent(
            lambda w: w * [1.0, 30.0], np.eye(3)[:, :2] + [[0, 0], [0, -1], [0, 1]], 0.1, 99
        )
    assert caught.value.parameter == "w[2, 1]"


def test_nan_in_the_gradient_is_reported():
    with pytest.raises(DivergenceError, match=r"step 1: w\[1\] = nan"):
        gradient_descent(lambda w: w * [1, np.nan], [1.0, 1.0], 0.1, 5)


# Saddles


@pytest.mark.parametrize("distance", [1e-1, 1e-6, 1e-12, 0.3])
def test_a_saddle_holds_as_long_as_theory_says(distance):
    steps = steps_to_leave(distance, 2.0, 0.1, 1.0)
    heights = gradient_descent(saddle, [1.0, distance], 0.1, steps)[:, 1]
    assert heights[-2] < 1 <= heights[-1]


def test_the_source_of_the_claim_leaves_after_76_steps():
    assert steps_to_leave(1e-6, 2.0, 0.1, 1.0) == 76


def test_on_the_ridge_a_saddle_holds_forever():
    assert steps_to_leave(0, 2.0, 0.1, 1.0) == math.inf
    assert gradient_descent(saddle, [1.0, 0.0], 0.1, 500)[-1, 1] == 0


def test_who_starts_outside_has_left():
    assert steps_to_leave(2.0, 2.0, 0.1, 1.0) == 0


# Bad input


@pytest.mark.parametrize("bad", [0, -0.1, np.nan, np.inf, [0.1, 0.1]])
def test_a_step_that_is_no_positive_number_is_refused(bad):
    with pytest.raises(ValueError, match=r"^step = .* is not a positive number"):
        gradient_descent(twice, 1.0, bad, 3)


@pytest.mark.parametrize("bad", [-1, 2.5])
def test_a_number_of_steps_that_is_none_is_refused(bad):
    with pytest.raises(ValueError, match="^steps = "):
        gradient_descent(twice, 1.0, 0.1, bad)


@pytest.mark.parametrize(
    ("start", "why"),
    [([1.0, np.nan], r"start\[1\] = nan is not finite"), (["a"], "start has dtype")],
)
def test_a_start_that_is_no_place_is_refused(start, why):
    with pytest.raises(ValueError, match=why):
        gradient_descent(twice, start, 0.1, 3)


def test_newton_refuses_a_start_that_is_no_vector():
    with pytest.raises(ValueError, match=r"^start has shape \(2, 1\); a vector"):
        newton(twice, lambda w: np.eye(2), [[1.0], [2.0]], 1)


@pytest.mark.parametrize("bad", [-1e-6, np.nan, np.inf])
def test_a_distance_that_is_none_is_refused(bad):
    with pytest.raises(ValueError, match="^distance = "):
        steps_to_leave(bad, 2.0, 0.1, 1.0)


def test_a_gradient_of_another_shape_is_refused():
    with pytest.raises(ValueError, match=r"gradient answers with shape \(1,\), not \(2,\)"):
        gradient_descent(lambda w: w[:1], np.ones(2), 0.1, 3)


def test_a_hessian_of_another_shape_is_refused():
    with pytest.raises(ValueError, match=r"hessian answers with shape \(2,\), not \(2, 2\)"):
        newton(twice, twice, np.ones(2), 3)


@pytest.mark.parametrize("function", [condition_number, best_step, square_root])
def test_a_matrix_that_is_not_positive_definite_is_refused(function):
    with pytest.raises(ValueError, match="A is not positive definite: it has the curvature -1"):
        function(np.diag([2.0, -1.0]))


@pytest.mark.parametrize(
    ("A", "why"),
    [
        ([[1.0, 2.0], [0.0, 1.0]], r"not symmetric: A\[0, 1\] = 2.0, A\[1, 0\] = 0.0"),
        (np.ones((2, 3)), "shape"),
        ([1.0, 2.0], "shape"),
        ([[np.nan]], r"A\[0, 0\] = nan"),
    ],
)
def test_a_matrix_that_is_none_of_curvatures_is_refused(A, why):
    with pytest.raises(ValueError, match=why):
        condition_number(A)


def test_shapes_that_do_not_fit_are_named():
    with pytest.raises(ValueError, match=r"w \(2,\), A \(3, 3\), b \(3,\)"):
        quadratic([1.0, 2.0], A, b)
