"""Momentum, schedules and mini-batches: descent along gradients that know only a part of the data.

    change_k = beta change_(k-1) - step_k gradient(w_(k-1), batch_k),    w_k = w_(k-1) + change_k

with k = 1, 2, ... the iteration, change_0 = 0 and step_k = schedule(k). Without beta this is
stochastic gradient descent; with one batch that holds everything, gradient descent.
Source: DL, momentum, SGD and mini-batches. Chapter: sgd.
"""

from itertools import repeat

import numpy as np

from lossnotes.learning.backprop import FAR, DivergenceError
from lossnotes.losses._arguments import entry, real_array, refuse_first


def constant(step):
    """The schedule k -> step, for a positive step. Raises ValueError for another. Chapter: sgd."""
    step = _positive("step", step)
    return lambda k: step


def decaying(step, power=1.0):
    """The schedule k -> step / k^power, for a positive step and power; k counts from 1.

    The steps sum to infinity for power <= 1, their squares to a finite number for power > 1/2.
    Raises ValueError for a step or a power that is not positive and finite.
    Source: DL 125, 126; Robbins and Monro 1951. Chapter: sgd.
    """
    step, power = _positive("step", step), _positive("power", power)
    return lambda k: step / k**power


def sgd(gradient, w, schedule, batches, beta=0.0):
    """Yield w after each step: one step a batch, with momentum if beta is not 0.

    gradient: a function of w and a batch, with a result of the shape of w.
    w: the start, an array of any shape; it is not modified, nor is what was yielded.
    schedule: a function of k = 1, 2, ..., with a positive result, such as `constant(step)`.
    batches: an iterable of whatever `gradient` takes for a batch.
    beta: from 0 to 1, 1 excluded: the part of the last change that is made again.
    Raises ValueError for bad arguments, and DivergenceError, which names the step and the first
    bad entry, as soon as a weight is NaN or beyond 1e12: what has diverged is no result.
    Source: DL 118, 125. Chapter: sgd.
    """
    return _steps(gradient, _finite("w", w), schedule, batches, _beta(beta))


def _steps(gradient, w, schedule, batches, beta):
    change = np.zeros_like(w)
    for k, batch in enumerate(batches, start=1):
        step = _positive(f"schedule({k})", schedule(k))
        try:
            with np.errstate(over="ignore", invalid="ignore"):
                slope = np.asarray(gradient(w, batch), dtype=w.dtype)
                if slope.shape != w.shape:
                    raise ValueError(f"gradient has shape {slope.shape}, but w {w.shape}")
                change = beta * change - step * slope
                before, w = w, w + change
        except DivergenceError as error:
            raise DivergenceError(error.what, error.parameter, k) from None
        _refuse_divergence(k, before, slope, w)
        yield w


def _refuse_divergence(k, before, slope, w):
    """w is not finite wherever the gradient is not."""
    if np.abs(w).max(initial=0) <= FAR:
        return
    finite = np.isfinite(slope)
    name, found, kept = ("w", w, np.abs(w) <= FAR) if finite.all() else ("gradient", slope, finite)
    index = tuple(np.argwhere(~kept)[0])
    parameter = entry("w", index)
    what = f"{entry(name, index)} = {found[index]}, from {parameter} = {before[index]:.6g}"
    raise DivergenceError(what, parameter, k)


def momentum(gradient, w, step, beta, steps):
    """The path of w under momentum, with one step size: an array (steps + 1, *w.shape).

    gradient: a function of w, with a result of its shape. Row 0 of the path is w, row k is where
    step k ends. The other arguments and the errors are as in `sgd`; beta = 0 is gradient descent.
    Source: DL 118; Polyak 1964. Chapter: sgd.
    """
    w, steps = _finite("w", w), _size("steps", steps, 0)
    path = sgd(lambda w, _: gradient(w), w, constant(step), repeat(None, steps), beta)
    return np.array([w, *path])


def momentum_rate(step, curvature, beta):
    """By what factor a step of momentum shrinks the error on curvature w^2 / 2, in the long run.

    It is the larger modulus of the roots r of r^2 - (1 + beta - step curvature) r + beta = 0:
    sqrt(beta) if step curvature is between (1 - sqrt(beta))^2 and (1 + sqrt(beta))^2, and below
    one for every positive step curvature < 2 (1 + beta). Where the roots coincide the error shrinks
    as k rate^k. Arguments broadcast. Source: Polyak 1964. Chapter: sgd.
    Raises ValueError for a step that is not positive and a beta that is not in [0, 1).
    """
    step, beta = _positive("step", step), _beta(beta)
    middle = np.abs(1 + beta - step * np.asarray(curvature, dtype=float))
    apart = (middle - 2 * np.sqrt(beta)) * (middle + 2 * np.sqrt(beta))
    return np.where(apart > 0, (middle + np.sqrt(np.maximum(apart, 0))) / 2, np.sqrt(beta))[()]


def best_momentum(smallest, largest):
    """(step, beta) of the best rate sqrt(beta) for all curvatures from smallest to largest.

    step = 4 / (sqrt(largest) + sqrt(smallest))^2, and sqrt(beta) is the difference of these roots
    over their sum. Result: two floats. Raises ValueError unless 0 < smallest <= largest.
    Source: Polyak 1964. Chapter: sgd.
    """
    smallest, largest = _positive("smallest", smallest), _positive("largest", largest)
    if not smallest <= largest:
        raise ValueError(f"smallest = {smallest} is larger than largest = {largest}")
    low, high = np.sqrt(smallest), np.sqrt(largest)
    return float(4 / (high + low) ** 2), float(((high - low) / (high + low)) ** 2)


def noise_floor(step, curvature, variance, beta=0.0):
    """The mean of w^2 in the long run, on curvature w^2 / 2 with gradients of this variance.

        step variance (1 + beta) / (curvature (1 - beta) (2 (1 + beta) - step curvature))

    step, curvature, variance: positive. beta: from 0 to 1, 1 excluded. Result: a positive float.
    Raises ValueError where there is none: for step curvature >= 2 (1 + beta) w grows for ever.
    Source: DL 125. Chapter: sgd.
    """
    step, curvature = _positive("step", step), _positive("curvature", curvature)
    variance, beta = _positive("variance", variance), _beta(beta)
    left = 2 * (1 + beta) - step * curvature
    if not left > 0:
        limit = 2 * (1 + beta) / curvature
        raise ValueError(f"step = {step} is too large: from {limit:.6g} on w diverges")
    return step * variance * (1 + beta) / (curvature * (1 - beta) * left)


def minibatches(count, size, rng):
    """Yield arrays of `size` indices: one pass over 0..count-1 in random order.

    The last batch holds what is left. Raises ValueError unless 1 <= size <= count.
    Source: DL, mini-batches. Chapter: sgd.
    """
    size = _size("size", size, 1, count)
    order = rng.permutation(count)
    return (order[first : first + size] for first in range(0, count, size))


def minibatch_variance(gradients, size, replace):
    """The variance of the mean of a random mini-batch of `size` of these gradients, (N, ...).

    With replacement it is V / size, where V is the variance of the N gradients (their squared
    distance from the mean, over N); without, this times (N - size) / (N - 1). Result: (...).
    Raises ValueError for gradients that are not finite, and unless 1 <= size (<= N without
    replacement). Source: DL 139 to 143. Chapter: sgd.
    """
    gradients = _finite("gradients", gradients)
    if gradients.ndim == 0 or not len(gradients):
        raise ValueError(f"gradients has shape {gradients.shape}; N >= 1 are needed, (N, ...)")
    count = len(gradients)
    size = _size("size", size, 1, None if replace else count)
    factor = 1.0 if replace or count == 1 else (count - size) / (count - 1)
    return gradients.var(axis=0) / size * factor


def _positive(name, number):
    number = float(number)
    if not 0 < number < np.inf:
        raise ValueError(f"{name} = {number} is not positive and finite")
    return number


def _beta(beta):
    beta = float(beta)
    if not 0 <= beta < 1:
        raise ValueError(f"beta = {beta} is not from 0 to below 1")
    return beta


def _size(name, size, low, high=None):
    whole = isinstance(size, (int, np.integer)) and not isinstance(size, bool)
    if not whole or size < low or (high is not None and size > high):
        end = "on" if high is None else f"to {high}"
        raise ValueError(f"{name} = {size} is not a whole number from {low} {end}")
    return int(size)


def _finite(name, values):
    array = real_array(name, values)
    refuse_first(name, ~np.isfinite(array), array, "is not finite")
    return array
