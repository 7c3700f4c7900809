"""Losses of a predicted probability vector: which of them ask for the truth. Chapter: proper.

p is the prediction, a probability vector (..., K). y is what happens: integer labels (...,), or
probability vectors (..., K), and then the loss is the expected one, the sum of y_i times the loss
of class i, where classes with y_i = 0 do not count. Leading axes broadcast, so one row p and
y = arange(K) gives the loss of every class. A sum may miss one by the square root of the dtype's
epsilon (1.5e-8 in float64, 3.5e-4 in float32). In a gradient all K entries of p are taken as free.
"""

import numpy as np

from lossnotes.losses import _arguments as arguments
from lossnotes.losses._arithmetic import accurate_sum, difference, others, rounded
from lossnotes.losses.loss_design import geometric_mean


def surprisal(p, y):
    """-log p_y, in nats: 0 for what was certain, +inf for what was ruled out. Proper and local.

    Divide by log 2 for bits. For vectors y it is the cross-entropy of y and p.
    p, y: see the module. Result: (...,).
    Raises ValueError if p or y is not a probability vector, for labels outside 0..K-1.
    Source: Shannon (1948). Chapter: proper.
    """
    return _expected(p, y, _surprisals)


def surprisal_grad(p, y):
    """The gradient of `surprisal` in p: -1 / p_y at the label, 0 elsewhere; -y_i / p_i for vectors.

    Result: (..., K), -inf where p_i = 0 < y_i. Errors as in `surprisal`. Chapter: proper.
    """
    p, q, dtype = _prediction_and_target(p, y)
    with np.errstate(all="ignore"):
        return rounded(np.where(q > 0, -q / p, 0), dtype)


def perplexity(p, y):
    """exp(mean of -log p_y), the mean over the last axis of y: as many equally likely classes.

    It is one over the geometric mean of the probabilities of what happened.
    p: (..., N, K). y: integer labels (..., N), N >= 1. Result: (...,), >= 1; +inf where some p_y
    is 0. Raises ValueError as `surprisal`, and where y has no axis to take the mean over.
    Source: Jelinek et al. (1977). Chapter: proper.
    """
    p = arguments.probability_array("p", p)
    y = arguments.label_array(y, p.shape[-1], p)
    shape = arguments.common_shape(p=p.shape[:-1], y=y.shape)
    if not shape or shape[-1] == 0:
        raise ValueError(f"y has shape {y.shape}; a mean needs a last axis that is not empty")
    p = np.broadcast_to(p, shape + p.shape[-1:])
    of_label = np.take_along_axis(p, np.broadcast_to(y, shape)[..., None], axis=-1)[..., 0]
    impossible = (of_label == 0).any(axis=-1)
    mean = geometric_mean(np.where(impossible[..., None], 1, of_label).astype(np.float64))
    with np.errstate(over="ignore"):
        return np.where(impossible, np.inf, 1 / mean).astype(p.dtype)[()]


def brier_loss(p, y):
    """The sum of (p_i - delta_iy)^2: from 0 to 2. Proper, and not local.

    p, y: see the module. Result: (...,). For vectors y it is the squared distance of p and y, plus
    1 - (sum of y_i^2). scikit-learn's `brier_score_loss` is half of it for two classes.
    Errors as in `surprisal`. Source: Brier (1950). Chapter: proper.
    """
    return _expected(p, y, lambda p: (1 - p) ** 2 + others(p * p))


def brier_loss_grad(p, y):
    """The gradient of `brier_loss` in p: 2 (p_i - delta_iy), or 2 (p_i - y_i) for vectors y.

    Result: (..., K), from -2 to 2. Errors as in `surprisal`. Chapter: proper.
    """
    p, q, dtype = _prediction_and_target(p, y)
    minus_one = np.full(q.shape[:-1] + (1,), -1.0)
    beyond_one = accurate_sum(np.concatenate([q, minus_one], axis=-1))[..., None]
    return rounded(2 * ((p - q) + p * beyond_one), dtype)


def spherical_loss(p, y):
    """1 - p_y / |p| with the Euclidean length |p|: from 0 to 1. Proper, and not local.

    It is computed as (sum of p_i^2 over i != y) / (|p| (|p| + p_y)), which does not cancel.
    p, y: see the module. Result: (...,). Errors as in `surprisal`.
    Source: Good (1971). Chapter: proper.
    """

    def of_each(p):
        length = np.sqrt(accurate_sum(p * p))[..., None]
        return others(p * p) / (length * (length + p))

    return _expected(p, y, of_each)


def spherical_loss_grad(p, y):
    """The gradient of `spherical_loss` in p: (p_y p_i / |p|^2 - delta_iy) / |p|, its mean over y.

    Result: (..., K). Errors as in `surprisal`. Chapter: proper.
    """
    p, q, dtype = _prediction_and_target(p, y)
    p, q = np.broadcast_arrays(p, q)
    square = accurate_sum(p * p)[..., None]
    return rounded((p * others(q * p) - q * others(p * p)) / (square * np.sqrt(square)), dtype)


def absolute_loss(p, y):
    """The sum of |p_i - delta_iy| = 2 (1 - p_y): from 0 to 2. Not proper: its best p is a corner.

    p, y: see the module. Result: (...,). Errors as in `surprisal`.
    Source: Ghosh et al. (2017), as the mean absolute error. Chapter: proper.
    """
    return _expected(p, y, lambda p: abs(1 - p) + others(p))


def focal_loss(p, y, gamma):
    """-(1 - p_y)^gamma log p_y: the surprisal for gamma = 0, and not proper for gamma > 0.

    p, y: see the module. gamma: a finite number >= 0. Result: (...,), >= 0; +inf where p_y = 0.
    Errors as in `surprisal`, and for another gamma. Source: Lin et al. (2017). Chapter: proper.
    """
    gamma = _exponent(gamma)
    return _expected(p, y, lambda p: _power_of_rest(p, gamma) * _surprisals(p))


def focal_loss_grad(p, y, gamma):
    """The gradient of `focal_loss` in p, zero at i != y; at the label
    -(1 - p_y)^gamma (1 / p_y + gamma (-log p_y) / (1 - p_y)).

    Result: (..., K), -inf where p_i = 0 < y_i. Errors as in `focal_loss`. Chapter: proper.
    """
    gamma = _exponent(gamma)
    p, q, dtype = _prediction_and_target(p, y)
    with np.errstate(all="ignore"):
        surprisal_per_rest = np.where(p < 1, _surprisals(p) / (1 - p), 1)
        slope = _power_of_rest(p, gamma) * (1 / p + gamma * surprisal_per_rest)
        return rounded(np.where(q > 0, -q * slope, 0), dtype)


def _prediction_and_target(p, y):
    """p and the vectors y, a label as its one-hot vector, in float64; and the result's dtype."""
    p = arguments.probability_array("p", p)
    y = arguments.target_array(y, p)
    dtype = np.result_type(p, y) if y.dtype.kind == "f" else p.dtype
    q = y if y.dtype.kind == "f" else np.eye(p.shape[-1])[y]
    arguments.common_shape(p=p.shape[:-1], y=q.shape[:-1])
    return p.astype(np.float64), q.astype(np.float64), dtype


def _expected(p, y, of_each):
    """The sum of y_i times the loss of class i, all of which `of_each` computes from p."""
    p, q, dtype = _prediction_and_target(p, y)
    with np.errstate(all="ignore"):
        return accurate_sum(np.where(q > 0, q * of_each(p), 0)).astype(dtype)[()]


def _surprisals(p):
    return 0 - np.log(p)


def _power_of_rest(p, gamma):
    """(1 - p)^gamma, where the rounding of 1 - p, which the power would magnify, is made good."""
    rest, error = difference(1.0, np.minimum(p, 1))
    return rest**gamma * (1 + np.where(rest > 0, gamma * error / rest, 0))


def _exponent(gamma):
    if not (isinstance(gamma, (int, float, np.integer, np.floating)) and 0 <= gamma < np.inf):
        raise ValueError(f"gamma = {gamma!r} is not a finite number of at least 0")
    return float(gamma)
