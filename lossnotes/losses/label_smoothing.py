"""Label smoothing: the log loss of labels that are not quite sure. Chapter: label_smoothing.

Two conventions for epsilon are in use.
"uniform": (1 - epsilon) e_y + epsilon u with u = (1/K, ..., 1/K), for 0 <= epsilon < 1
           (Gordon-Rodriguez et al. 2020).
"others":  epsilon for each other class, 1 - (K - 1) epsilon for the right one, for
           0 <= epsilon < 1/K (the notes of CMU 11-785).
The same target has epsilon_others = epsilon_uniform / K.
"""

import math
from fractions import Fraction

import numpy as np

from lossnotes.losses import _arguments as arguments
from lossnotes.losses._arithmetic import rounded
from lossnotes.losses.softmax import log_loss, log_loss_grad


def smooth(y, classes, epsilon, convention="uniform"):
    """The smoothed target: the label's vector moved towards the uniform one.

    y: integer labels (...,). classes: K >= 2. epsilon, convention: see the module.
    Result: float64 probability vectors (..., K).
    Raises ValueError for labels outside 0..K-1, an epsilon outside its range, another convention.
    Source: Gordon-Rodriguez et al. (2020), y^LS; notes of CMU 11-785. Chapter: label_smoothing.
    """
    classes = arguments.class_count(classes)
    y = arguments.label_array(y, classes)
    right, other = (float(weight) for weight in _weights(classes, epsilon, convention))
    return np.where(np.arange(classes) == y[..., None], right, other)


def smoothed_log_loss(s, y, epsilon, convention="uniform"):
    """The log loss of the smoothed target: the sum of q_i (LSE(s) - s_i), q = smooth(y).

    s: scores (..., K). y: integer labels (...,). epsilon, convention: see the module.
    Result: (...,), at least the entropy of q.
    Raises ValueError as `log_loss` and `smooth` do.
    Source: Gordon-Rodriguez et al. (2020); notes of CMU 11-785. Chapter: label_smoothing.
    """
    s, q = _scores_and_target(s, y, epsilon, convention)
    return log_loss(s.astype(np.float64), q).astype(s.dtype)[()]


def smoothed_log_loss_grad(s, y, epsilon, convention="uniform"):
    """The gradient of `smoothed_log_loss` in s: softmax(s) - smooth(y).

    Result: (..., K). It vanishes where the label leads every other class by `optimal_gap`.
    Arguments and errors as in `smoothed_log_loss`. Chapter: label_smoothing.
    """
    s, q = _scores_and_target(s, y, epsilon, convention)
    return rounded(log_loss_grad(s.astype(np.float64), q), s.dtype)


def optimal_gap(classes, epsilon, convention="uniform"):
    """By how much the label's score leads every other at the minimum of the smoothed loss.

    It is log(q_y / q_other): log(1 + K (1 - epsilon) / epsilon) for "uniform" and
    log((1 - (K - 1) epsilon) / epsilon) for "others"; inf for epsilon = 0. Result: a float > 0.
    Arguments and errors as in `smooth`.
    Source: Gordon-Rodriguez et al. (2020) give the target. Chapter: label_smoothing.
    """
    right, other = _weights(arguments.class_count(classes), epsilon, convention)
    if other == 0:
        return math.inf
    lead = right / other - 1
    if lead > 2**1000:  # beyond the floats, as for epsilon = 1e-320
        return math.log(lead.numerator) - math.log(lead.denominator)
    return math.log1p(lead)


def _scores_and_target(s, y, epsilon, convention):
    s = arguments.score_array("s", s, at_least=2)
    y = arguments.label_array(y, s.shape[-1], s)
    return s, smooth(y, s.shape[-1], epsilon, convention)


def _weights(classes, epsilon, convention):
    """The probability of the right class and of each other one, as exact fractions."""
    limits = {"uniform": 1, "others": 1 / classes}
    if convention not in list(limits):
        raise ValueError(f"convention = {convention!r} is neither 'uniform' nor 'others'")
    limit = limits[convention]
    try:
        inside = 0 <= epsilon < limit
    except (TypeError, ValueError):
        inside = False
    if not inside:
        raise ValueError(
            f"epsilon = {epsilon!r} is not in [0, {limit}), its range for the convention "
            f"{convention!r} and {classes} classes"
        )
    other = Fraction(float(epsilon))
    if convention == "uniform":
        other /= classes
    return 1 - (classes - 1) * other, other
