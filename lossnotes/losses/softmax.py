"""Softmax and the log loss. Chapter: softmax.

Everything is computed from the weights e_i = e^(s_i - max s), never from p_y - 1 or LSE(s) - s_y:
those cancel where the prediction is good, which is where one looks. Where no score is large, the
loss of a label takes the exponentials of the scores themselves, which saves the subtraction.
"""

import numpy as np

from lossnotes.losses import _arguments as arguments
from lossnotes.losses._arithmetic import (
    accurate_square,
    accurate_sum,
    balanced_sum,
    difference,
    exp_difference,
    others,
    rounded,
)
from lossnotes.losses._rows import FEW, Weights, by_blocks

REACH = 345  # of scores whose exponentials, and the ratios of these, are floats of full precision
LEAST, MOST = np.exp([-REACH, REACH])


def softmax(s):
    """The gradient of LSE, p_i = e^(s_i) / (sum of e^(s_j)): probabilities from scores.

    s: scores (..., K). Result: (..., K), from 0 to 1, with the sum one up to rounding.
    Raises ValueError for NaN, +inf, a missing class axis, and rows of -inf only, where it is 0/0.
    Source: lecture 14, softmax as the gradient of LSE. Chapter: softmax.
    """
    s = _scores(s)
    rows = s.reshape(-1, s.shape[-1])
    result = np.empty_like(rows)

    def compute(block):
        weights = Weights(rows[block])
        result[block] = weights.e / weights.total[:, None]

    by_blocks(compute, *rows.shape)
    return result.reshape(s.shape)


def log_softmax(s):
    """log softmax(s)_i = s_i - LSE(s): from -inf to 0.

    s: scores (..., K). Result: (..., K). Errors as in `softmax`.
    Source: lecture 14, log loss. Chapter: softmax.
    """
    s = _scores(s)
    rows = s.reshape(-1, s.shape[-1])
    result = np.empty_like(rows)

    def compute(block):
        weights = Weights(rows[block])
        gap = np.subtract(weights.top[:, None], rows[block], dtype=np.float64)
        result[block] = 0 - (gap + weights.excess[:, None])

    by_blocks(compute, *rows.shape)
    return result.reshape(s.shape)


def softmax_jacobian(s):
    """dp_i / ds_j = p_i (delta_ij - p_j), the Jacobian of softmax and the Hessian of LSE.

    s: scores (..., K). Result: (..., K, K), symmetric, positive semidefinite, rows of sum zero.
    Errors as in `softmax`. Source: lecture 14 (the gradient of the gradient). Chapter: softmax.
    """
    s = _scores(s)
    return rounded(_jacobian(s), s.dtype)


def log_loss(s, y):
    """-log softmax(s)_y = LSE(s) - s_y: between max(0, -m) and max(0, -m) + log K, m the margin.

    s: scores (..., K). y: integer labels (...,), or probability vectors (..., K), and then the loss
    is the mean of that over y, the sum of y_i (LSE(s) - s_i). Leading axes broadcast, so one row of
    scores and y = arange(K) gives the loss of every class.
    Result: (...,), >= 0; +inf where a class with y_i > 0 has the score -inf.
    Raises ValueError for bad scores (see `softmax`), labels outside 0..K-1, vectors y that are not
    probabilities.
    Source: lecture 14, log loss. Chapter: softmax.
    """
    return _log_loss(s, y, value=True)[0]


def log_loss_grad(s, y):
    """The gradient of `log_loss` in s: softmax(s) - e_y, or softmax(s) - y for vectors y.

    Result: (..., K), from -1 to 1, of sum zero up to rounding.
    Accurate in every entry: that of the label is minus the sum of the other probabilities; for
    vectors y entry i is y's mass elsewhere times p_i, minus y_i times the probability elsewhere.
    Errors as in `log_loss`. Source: lecture 14, log loss. Chapter: softmax.
    """
    return _log_loss(s, y, grad=True)[1]


def log_loss_and_grad(s, y):
    """(log_loss(s, y), log_loss_grad(s, y)) for the price of one: both need the same exponentials.

    Arguments, shapes and errors as in `log_loss`. Chapter: softmax.
    """
    return _log_loss(s, y, value=True, grad=True)


def log_loss_hessian(s, y):
    """The second derivatives of `log_loss` in s: the Jacobian of softmax, whatever y is.

    Result: (..., K, K), positive semidefinite with the null vector (1, ..., 1).
    Arguments and errors as in `log_loss`. Source: lecture 14, log loss. Chapter: softmax.
    """
    s = _scores(s)
    y = arguments.target_array(y, s)
    if y.dtype.kind == "f":
        shape = arguments.common_shape(s=s.shape, y=y.shape)
        minus_one = np.full(y.shape[:-1] + (1,), -1.0)
        beyond_one = accurate_sum(np.concatenate([y, minus_one], axis=-1))
        hessian = _jacobian(np.broadcast_to(s, shape), np.broadcast_to(beyond_one, shape[:-1]))
        return rounded(hessian, np.result_type(s, y))
    shape = arguments.common_shape(s=s.shape[:-1], y=y.shape) + s.shape[-1:]
    return rounded(np.broadcast_to(_jacobian(s), shape + s.shape[-1:]), s.dtype)


def _scores(s):
    s = arguments.score_array("s", s)
    arguments.check_scores("s", s)
    arguments.check_some_class_possible("s", s)
    return s


def _jacobian(s, beyond_one=0):
    """The Jacobian of softmax in float64, times 1 + beyond_one, (...,)."""
    rows = s.reshape(-1, s.shape[-1]).astype(np.float64)
    n, classes = rows.shape
    beyond_one = np.broadcast_to(beyond_one, s.shape[:-1]).reshape(-1, 1)
    jacobian = np.empty((n, classes, classes))
    diagonal = np.arange(classes)

    def compute(block):
        weights = Weights(rows[block])
        d, error = difference(rows[block], weights.top[:, None])
        square, lost = accurate_square(accurate_sum(weights.e)[:, None])
        error += (beyond_one[block] - lost / square) / 2
        products = exp_difference(  # e_i e_j as one exponential, rounded once
            d[:, :, None], -d[:, None, :], rest=error[:, :, None] + error[:, None, :]
        )
        products /= -square[:, :, None]
        products[:, diagonal, diagonal] = 0
        products[:, diagonal, diagonal] = -accurate_sum(products)  # every row has the sum zero
        jacobian[block] = products

    by_blocks(compute, n, classes**2)
    return jacobian.reshape(s.shape + s.shape[-1:])


def _log_loss(s, y, value=False, grad=False):
    s = arguments.score_array("s", s)
    y = arguments.target_array(y, s)
    compute_for = _for_vectors if y.dtype.kind == "f" else _for_labels
    return compute_for(s, y, value, grad)


def _for_labels(s, y, value, grad):
    shape = arguments.common_shape(s=s.shape[:-1], y=y.shape)
    classes = s.shape[-1]
    rows = np.broadcast_to(s, shape + (classes,)).reshape(-1, classes)
    labels = np.broadcast_to(y, shape).reshape(-1)
    values = np.empty(len(rows), s.dtype) if value else None
    gradients = np.empty(rows.shape, s.dtype) if grad else None

    def compute(block):
        parts = [None if v is None else v[block] for v in (rows, labels, values, gradients)]
        # To look through all scores beforehand costs time, and what is bad comes through neither.
        if not (_within_reach(*parts) or _beyond_reach(*parts)):
            _scores(s)  # raises, and names the place in the whole array

    by_blocks(compute, *rows.shape)
    if value:
        values = values.reshape(shape)[()]
    if grad:
        gradients = gradients.reshape(shape + (classes,))
    return values, gradients


def _within_reach(s, y, value, gradient):
    """From e^s itself, whether that was possible: s is exact, and nothing is taken from it.

    value (n,) and gradient (n, K) are filled, where they are not None. What is too small a float64
    beside the total is zero in float32.
    """
    single, classes = s.dtype == np.float32, s.shape[1]
    if not (single or s.min() >= -REACH):
        return False
    e = np.empty(s.shape) if single or gradient is None else gradient
    np.exp(s, out=e, dtype=np.float64)
    at_label = np.arange(0, e.size, classes) + y
    of_label = e.reshape(-1)[at_label]
    e.reshape(-1)[at_label] = 0
    if classes <= FEW:
        rest = balanced_sum(np.asfortranarray(e))
    else:
        rest = np.vecdot(e, np.ones(classes)) if single else balanced_sum(e)
    total = rest + of_label
    if not (of_label.min() >= LEAST and total.max() <= MOST):  # or NaN
        return False
    if value is not None:
        value[:] = np.log1p(rest / of_label)
    if gradient is not None:
        if single:
            np.multiply(e, (1 / total)[:, None], out=gradient, casting="same_kind")
        else:
            e /= total[:, None]
        elsewhere = (rest / total).astype(gradient.dtype)
        gradient.reshape(-1)[at_label] = 0 - elsewhere
    return True


def _beyond_reach(s, y, value, gradient):
    """The same from the weights, which is impossible for NaN, +inf and rows of -inf only."""
    weights = Weights(s)
    if not np.isfinite(weights.top).all():
        return False
    at_label = np.arange(len(y)), y
    if value is not None:
        gap = np.subtract(weights.top, s[at_label], dtype=np.float64)
        value[:] = gap + weights.excess
    if gradient is not None:
        elsewhere = (weights.others(y) / weights.total).astype(gradient.dtype)
        weights.e[at_label] = 0
        np.divide(weights.e, weights.total[:, None], out=gradient, casting="same_kind")
        gradient[at_label] = 0 - elsewhere
    return True


def _for_vectors(s, y, value, grad):
    s = _scores(s)
    dtype = np.result_type(s, y)
    shape = arguments.common_shape(s=s.shape, y=y.shape)
    rows = np.broadcast_to(s, shape).reshape(-1, shape[-1])
    targets = np.broadcast_to(y, shape).reshape(-1, shape[-1])
    values = np.empty(len(rows), dtype) if value else None
    gradients = np.empty(rows.shape, dtype) if grad else None

    def compute(block):
        s, y = rows[block], targets[block].astype(np.float64)
        weights = Weights(s)
        if value:
            gap = np.subtract(weights.top[:, None], s, dtype=np.float64)
            mean_gap = accurate_sum(np.where(y > 0, y * gap, 0))
            values[block] = mean_gap + accurate_sum(y) * weights.excess
        if grad:
            e, total = weights.e, weights.total[:, None]
            gradients[block] = rounded((others(y) * e - y * others(e)) / total, dtype)

    by_blocks(compute, *rows.shape)
    if value:
        values = values.reshape(shape[:-1])[()]
    if grad:
        gradients = gradients.reshape(shape)
    return values, gradients
