"""Descent by the gradient and by the curvature, and how fast it arrives. Chapter: convergence.

A path is an array (steps + 1, ...) of weights, its first row the start. A path that runs away is
not returned: `DivergenceError` says at which step, and which weight.
Curvatures are the eigenvalues of a symmetric matrix A, the Hessian of a quadratic.
"""

import math
import operator

import numpy as np

from lossnotes.learning.backprop import FAR, DivergenceError
from lossnotes.losses._arguments import any_array

ENOUGH = 1e-4  # the part of the fall that the slope promises which a damped step has to deliver
ROUNDING = 1e-13  # of the value: a smaller fall than that cannot be seen in it


def gradient_descent(gradient, start, step, steps):
    """w <- w - step gradient(w), so many times.

    gradient: a function of w with a result of its shape. start: w of any shape, say (N,), or
    (P, N) for P paths at once. step: positive. Result: the path (steps + 1, *start.shape).
    Raises DivergenceError when a weight is NaN or beyond 1e12; ValueError for a bad argument.
    Source: notes of CMU 11-785, convergence. Chapter: convergence.
    """
    step = _positive("step", step)

    def move(w, number):
        return w - step * _answer("gradient", gradient, w, w.shape)

    return _path(move, _real("start", start), steps)


def newton(gradient, hessian, start, steps, step=1.0):
    """w <- w - step A(w)^-1 gradient(w), so many times: to where the gradient would be zero.

    gradient, hessian: functions of w (N,) with results (N,) and (N, N). step: positive.
    Result: the path (steps + 1, N). Near a point without slope and with an invertible Hessian it
    goes there, to a minimum, a saddle or a maximum alike. From farther away it may diverge.
    Raises DivergenceError as `gradient_descent` does, and for a singular Hessian; ValueError for a
    bad argument.
    Source: notes of CMU 11-785, convergence. Chapter: convergence.
    """
    step, start = _positive("step", step), _vector("start", start)

    def move(w, number):
        return w + step * _newton_direction(gradient, hessian, w, number)[1]

    return _path(move, start, steps)


def damped_newton(value, gradient, hessian, start, steps):
    """Newton's direction, halved until the value falls by enough.

    value: a function of w (N,) with a number as result; the rest, and the result, as in `newton`.
    A step is accepted if it delivers 1e-4 of the fall that the slope promises, or if the promise is
    below the rounding of the value.
    Raises DivergenceError also where Newton's direction does not lead downhill, as near a saddle.
    Source: Nocedal and Wright (2006), backtracking. Chapter: convergence.
    """
    start = _vector("start", start)

    def move(w, number):
        slope, direction = _newton_direction(gradient, hessian, w, number)
        here, promise = value(w.copy()), float(slope @ direction)
        if promise > 0:
            raise DivergenceError(f"Newton's direction leads uphill at {w}", "w", number)
        if not np.isfinite(promise):
            raise DivergenceError(f"Newton's direction is not finite at {w}", "w", number)
        length, there = 1.0, w + direction
        if -promise <= ROUNDING * (1 + abs(here)):
            return there
        while not np.array_equal(there, w):
            if value(there.copy()) - here <= ENOUGH * length * promise:
                return there
            length /= 2
            there = w + length * direction
        raise DivergenceError("the value does not fall as its gradient says", "w", number)

    return _path(move, start, steps)


def quadratic(w, A, b):
    """w . A w / 2 + b . w, for w of shape (..., N). Result: (...,).

    A: symmetric (N, N). b: (N,). Raises ValueError for other shapes, NaN and an A that is not
    symmetric. Source: notes of CMU 11-785, convergence. Chapter: convergence.
    """
    w, A, b = _quadratic(w, A, b)
    return ((w @ A) * w).sum(axis=-1) / 2 + w @ b


def quadratic_grad(w, A, b):
    """A w + b, the gradient of `quadratic`. Result: the shape of w. Errors as there.

    Chapter: convergence.
    """
    w, A, b = _quadratic(w, A, b)
    return w @ A + b


def rate(A, step):
    """max |1 - step lambda| over the curvatures: what a step leaves of the distance, at most.

    A: symmetric (N, N). step: positive. Result: at least 0. Descent on the quadratic converges to
    the minimum from every start if it is below 1, and, for a positive definite A, only then.
    Raises ValueError for another A or step. Chapter: convergence.
    """
    return float(abs(1 - _positive("step", step) * np.linalg.eigvalsh(_symmetric(A))).max())


def best_step(A):
    """2 / (lambda_min + lambda_max), the fixed step with the smallest rate.

    A: symmetric (N, N) and positive definite, else ValueError. Chapter: convergence.
    """
    curvatures = _positive_curvatures(A)
    return float(2 / (curvatures[0] + curvatures[-1]))


def condition_number(A):
    """lambda_max / lambda_min, at least 1.

    A: symmetric (N, N) and positive definite, else ValueError. Chapter: convergence.
    """
    curvatures = _positive_curvatures(A)
    return float(curvatures[-1] / curvatures[0])


def square_root(A):
    """The symmetric A^(1/2), with which w' = A^(1/2) w makes every curvature one.

    A: symmetric (N, N) and positive definite, else ValueError. Result: (N, N).
    Source: notes of CMU 11-785, convergence. Chapter: convergence.
    """
    _positive_curvatures(A)
    curvatures, directions = np.linalg.eigh(_symmetric(A))
    return (directions * np.sqrt(curvatures)) @ directions.T


def steps_to_leave(distance, curvature, step, radius):
    """The first k with distance (1 + step curvature)^k >= radius: how long a saddle holds.

    distance: from the ridge, at the start, at least 0. curvature: downwards, positive.
    step, radius: positive. Result: an integer, or inf on the ridge itself.
    Raises ValueError for other numbers. Chapter: convergence.
    """
    factor = 1 + _positive("step", step) * _positive("curvature", curvature)
    radius = _positive("radius", radius)
    if not (np.isfinite(distance) and distance >= 0):
        raise ValueError(f"distance = {distance} is not a finite number of at least 0")
    if distance == 0:
        return math.inf
    return max(0, math.ceil((math.log(radius) - math.log(distance)) / math.log(factor)))


def _path(move, start, steps):
    try:
        steps = operator.index(steps)
    except TypeError:
        raise ValueError(f"steps = {steps!r} is not an integer") from None
    if steps < 0:
        raise ValueError(f"steps = {steps} is negative")
    path = np.empty((steps + 1, *start.shape))
    path[0] = start
    with np.errstate(over="ignore", invalid="ignore"):  # reported below, with the step
        for number in range(1, steps + 1):
            path[number] = move(path[number - 1], number)
            _stop_if_far(path[number], number)
    return path


def _stop_if_far(w, number):
    if not np.abs(w).max(initial=0) <= FAR:
        place = tuple(int(i) for i in np.argwhere(~(np.abs(w) <= FAR))[0])
        name = f"w[{', '.join(map(str, place))}]" if place else "w"
        raise DivergenceError(f"{name} = {w[place]:.3g} has diverged", name, number)


def _newton_direction(gradient, hessian, w, number):
    slope = _answer("gradient", gradient, w, w.shape)
    curvature = _answer("hessian", hessian, w, (w.size, w.size))
    try:
        return slope, -np.linalg.solve(curvature, slope)
    except np.linalg.LinAlgError:
        raise DivergenceError(f"the Hessian is singular at {w}", "w", number) from None


def _quadratic(w, A, b):
    A = _symmetric(A)
    w, b = _real("w", w), _vector("b", b)
    if w.ndim == 0 or w.shape[-1] != len(A) or len(b) != len(A):
        raise ValueError(f"the shapes do not fit together: w {w.shape}, A {A.shape}, b {b.shape}")
    return w, A, b


def _positive_curvatures(A):
    curvatures = np.linalg.eigvalsh(_symmetric(A))
    if not curvatures[0] > 0:
        raise ValueError(f"A is not positive definite: it has the curvature {curvatures[0]:.3g}")
    return curvatures


def _symmetric(A):
    A = _real("A", A)
    if A.ndim != 2 or A.shape[0] != A.shape[1] or not A.size:
        raise ValueError(f"A has shape {A.shape}; a square matrix is needed")
    if not np.array_equal(A, A.T):
        i, j = np.argwhere(A != A.T)[0]
        raise ValueError(f"A is not symmetric: A[{i}, {j}] = {A[i, j]}, A[{j}, {i}] = {A[j, i]}")
    return A


def _real(name, values):
    array = any_array(name, values)
    if array.dtype.kind not in "iuf":
        raise ValueError(f"{name} has dtype {array.dtype}; real numbers are needed")
    array = array.astype(np.float64)
    if not np.isfinite(array).all():
        place = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        raise ValueError(f"{name}{list(place) if place else ''} = {array[place]} is not finite")
    return array


def _vector(name, values):
    array = _real(name, values)
    if array.ndim != 1:
        raise ValueError(f"{name} has shape {array.shape}; a vector (N,) is needed")
    return array


def _answer(name, function, w, shape):
    array = np.asarray(function(w.copy()), dtype=np.float64)
    if array.shape != shape:
        raise ValueError(f"{name} answers with shape {array.shape}, not {shape}")
    return array


def _positive(name, number):
    if not (np.ndim(number) == 0 and np.isreal(number) and 0 < number < np.inf):
        raise ValueError(f"{name} = {number} is not a positive number")
    return float(number)
