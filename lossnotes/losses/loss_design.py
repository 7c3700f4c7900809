"""Labels as vectors, and a loss for targets of a large range. Chapter: loss_design."""

import numpy as np

from lossnotes.losses import _arguments as arguments
from lossnotes.losses._arithmetic import log_ratio, rounded


def one_hot(y, classes):
    """The unit vectors e_y: one at the label, zero elsewhere.

    y: integer labels (...,) from 0 to classes - 1. Result: float64 (..., classes).
    Raises ValueError for labels outside that range and for classes < 2.
    Source: lecture 14, "representing labels". Chapter: loss_design.
    """
    classes = arguments.class_count(classes)
    return np.eye(classes)[arguments.label_array(y, classes)]


def squared_log_error(h, y):
    """(log h - log y)^2, a loss for positive numbers of very different size.

    h, y: positive numbers, of shapes that broadcast. Result: >= 0, of the common shape; zero where
    h = y. Its best constant h for several y is their geometric mean. Not convex for h > e y.
    Raises ValueError for numbers that are not positive and finite.
    Source: lecture 14, loss design. Chapter: loss_design.
    """
    h, y = _positive("h", h), _positive("y", y)
    dtype = np.result_type(h, y)
    return np.square(_log_ratio(h, y)).astype(dtype)[()]


def squared_log_error_grad(h, y):
    """The derivative of `squared_log_error` in h: 2 (log h - log y) / h.

    Result: any real number, of the common shape. Errors as there. Chapter: loss_design.
    """
    h, y = _positive("h", h), _positive("y", y)
    dtype = np.result_type(h, y)
    with np.errstate(over="ignore"):
        return rounded(2 * _log_ratio(h, y) / h, dtype)[()]


def geometric_mean(y):
    """(y_1 ... y_n)^(1/n) over the last axis: the best constant for `squared_log_error`.

    y: positive numbers (..., n). Result: (...,). Raises ValueError as `squared_log_error`.
    The best constant for the squared error is the arithmetic mean, `numpy.mean`.
    Source: lecture 14, loss design. Chapter: loss_design.
    """
    y = _positive("y", y)
    if y.ndim == 0 or y.shape[-1] == 0:
        raise ValueError(f"y has shape {y.shape}; a mean needs a last axis that is not empty")
    # y = f 2^k: the powers of two are counted exactly, only the logarithms of f are averaged.
    f, k = np.frexp(y.astype(np.float64))
    whole, part = np.divmod(k.sum(axis=-1), y.shape[-1])
    mean = np.exp(np.log(f).mean(axis=-1)) * np.exp2(part / y.shape[-1])
    return np.ldexp(mean, whole).astype(y.dtype)[()]


def _positive(name, values):
    values = arguments.real_array(name, values)
    arguments.refuse_first(
        name, ~((values > 0) & (values < np.inf)), values, "is not positive and finite"
    )
    return values


def _log_ratio(h, y):
    arguments.pairwise_shape(h=h.shape, y=y.shape)
    with np.errstate(all="ignore"):
        return log_ratio(h.astype(np.float64), y.astype(np.float64))
