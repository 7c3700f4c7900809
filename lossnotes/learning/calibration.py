"""How sure a classifier may be: reliability, temperature, shares of classes. Chapter: calibration.

s are scores (..., K), p predictions (..., K): probability vectors. y are integer labels (...,), of
examples that the classifier was not trained on wherever something is measured or fitted here.
The confidence in a prediction is its largest probability; it is right if the first class that has
it is the label.
"""

import numpy as np

from lossnotes.losses import _arguments as arguments
from lossnotes.losses._arithmetic import rounded
from lossnotes.losses.softmax import log_loss, log_loss_grad


def reliability(p, y, bins=10):
    """How often predictions are right that are so sure: (count, confidence, right) of each bin.

    p: probability vectors (..., K). y: integer labels (...,), at least one. bins: M >= 1 intervals
    of confidence ((i - 1)/M, i/M], as in scikit-learn's `calibration_curve`.
    Result: three arrays (M,): the number of predictions in a bin, the mean of their confidence and
    the share of them that is right. Both are NaN in an empty bin.
    Raises ValueError for what is no probability vector, no label, or no number of bins.
    Source: Guo et al. (2017), reliability diagrams. Chapter: calibration.
    """
    sure, right, bins = _confidence_and_success(p, y, bins)
    place = np.searchsorted(np.linspace(0, 1, bins + 1)[1:-1], sure)
    count, confidence, successes = (
        np.bincount(place, weights, minlength=bins) for weights in (None, sure, right)
    )
    with np.errstate(invalid="ignore"):
        return count, confidence / count, successes / count


def expected_calibration_error(p, y, bins=10):
    """The mean over all predictions of |share that is right - mean confidence| in their bin.

    Result: from 0 to 1. It depends on the bins: never smaller if a bin is divided.
    Arguments and errors as in `reliability`.
    Source: Guo et al. (2017), section 2. Chapter: calibration.
    """
    count, confidence, right = reliability(p, y, bins)
    some = count > 0
    return float((count * abs(right - confidence))[some].sum() / count.sum())


def tempered_log_loss(s, y, t):
    """The log loss of s / t: LSE(s / t) - s_y / t.

    s, y: as in `log_loss`. t: the temperature, a positive number. Result: (...,), >= 0.
    s / t is rounded first, so that a loss as small as e^-g is off by up to g / 2 ulps.
    Raises ValueError as `log_loss` does, and for another t.
    Source: Guo et al. (2017), temperature scaling. Chapter: calibration.
    """
    s, t = arguments.score_array("s", s), _positive("t", t)
    return rounded(np.asarray(log_loss(s.astype(np.float64) / t, y)), s.dtype)[()]


def tempered_log_loss_grad(s, y, t):
    """The derivative of `tempered_log_loss` in t: (s_y - mean of s under softmax(s / t)) / t^2.

    Result: (...,). Positive where the label's score is above the mean score that softmax expects:
    there a lower temperature lowers the loss. Arguments and errors as there. Chapter: calibration.
    """
    s, t = arguments.score_array("s", s), _positive("t", t)
    slope = -_slope(_gaps(s), y, 1 / t) / t**2
    return rounded(slope, s.dtype)[()]


def fit_temperature(s, y):
    """The temperature t > 0 with the smallest mean log loss of s / t: a float.

    s: finite scores (..., K) of examples that were held out. y: their integer labels (...,).
    In 1/t the mean loss is convex, so the one root of its derivative is the minimum; it is halved
    in, to the last digit. There the labels' mean score is the mean score that softmax expects.
    Raises ValueError for bad scores and labels, and where there is no such t: if every label has
    the largest score, each lower t is better; if the labels' scores are on average no larger than
    the others, each higher one.
    Source: Guo et al. (2017), temperature scaling. Chapter: calibration.
    """
    s = arguments.score_array("s", s, at_least=2)
    arguments.refuse_first("s", ~np.isfinite(s), s, "is not a finite score")
    y = arguments.label_array(y, s.shape[-1], s)
    if y.shape != s.shape[:-1] or not y.size:
        raise ValueError(f"y has shape {y.shape}; a label for each of {s.shape[:-1]} is needed")
    gaps = _gaps(s)
    if not np.take_along_axis(gaps, y[..., None], axis=-1).any():
        raise ValueError("every label has the largest score: each lower temperature is better")

    def slope(u):
        return _slope(gaps, y, u).mean()

    if slope(0) >= 0:
        raise ValueError(
            "the labels' scores are on average no larger than the others: each higher temperature "
            "is better"
        )
    high = 1 / -gaps.min()
    while slope(high) < 0:
        high *= 2
    low = high / 2
    while slope(low) >= 0:
        low /= 2
    while low < (middle := (low + high) / 2) < high:
        low, high = (middle, high) if slope(middle) < 0 else (low, middle)
    return float(1 / middle)


def adjust_scores(s, old, new):
    """s + log new - log old: the scores, where the shares of the classes change from old to new.

    s: scores (..., K). old, new: the shares of the classes, probability vectors (K,). Right if the
    examples of each class stay what they were. Result: (..., K); -inf where a new share is zero.
    Raises ValueError for what is no score or no probability vector, and for an old share of zero:
    of a class that was never seen nothing can be said.
    Source: Saerens et al. (2002); Menon et al. (2021). Chapter: calibration.
    """
    s = arguments.score_array("s", s)
    arguments.check_scores("s", s)
    old, new = (_shares(name, part, s) for name, part in (("old", old), ("new", new)))
    arguments.refuse_first("old", old == 0, old, "is the share of a class that was never seen")
    with np.errstate(divide="ignore"):
        return (s + np.log(new) - np.log(old)).astype(s.dtype)


def weighted_log_loss(s, y, weights):
    """weights_y (LSE(s) - s_y); for vectors y the sum of y_i weights_i (LSE(s) - s_i).

    s, y: as in `log_loss`. weights: (K,), positive. Result: (...,), >= 0.
    For a vector y it is smallest at softmax(s)_j = y_j weights_j / (sum of y_i weights_i).
    Raises ValueError as `log_loss` does, and for weights that are not K positive numbers.
    Chapter: calibration.
    """
    s, factor, target, dtype = _weighted_target(s, y, weights)
    return rounded(np.asarray(factor * log_loss(s, target)), dtype)[()]


def weighted_log_loss_grad(s, y, weights):
    """The gradient of `weighted_log_loss` in s: w softmax(s)_j - y_j weights_j, w its sum over j.

    For labels it is weights_y (softmax(s) - e_y). Result: (..., K), with the sum zero.
    Arguments and errors as there. Chapter: calibration.
    """
    s, factor, target, dtype = _weighted_target(s, y, weights)
    return rounded(factor[..., None] * log_loss_grad(s, target), dtype)


def _confidence_and_success(p, y, bins):
    if isinstance(bins, (bool, np.bool_)) or not isinstance(bins, (int, np.integer)) or bins < 1:
        raise ValueError(f"bins = {bins!r} is not a positive integer")
    p = arguments.probability_array("p", p)
    y = arguments.label_array(y, p.shape[-1], p)
    if y.shape != p.shape[:-1] or not y.size:
        raise ValueError(f"y has shape {y.shape}; a label for each of {p.shape[:-1]} is needed")
    sure, right = p.max(axis=-1), p.argmax(axis=-1) == y
    return sure.ravel().astype(np.float64), right.ravel(), int(bins)


def _gaps(s):
    """s_i - max s in float64: what softmax and its loss see of the scores."""
    arguments.check_scores("s", s)
    arguments.check_some_class_possible("s", s)
    s = s.astype(np.float64)
    return s - s.max(axis=-1, keepdims=True)


def _slope(gaps, y, u):
    """The derivative in u of the log loss of u s: the mean of s under softmax(u s), minus s_y."""
    with np.errstate(invalid="ignore", over="ignore"):
        pull = log_loss_grad(u * gaps, y)
        return np.where(pull == 0, 0, pull * gaps).sum(axis=-1)


def _shares(name, shares, s):
    shares = arguments.probability_array(name, shares, s.shape[-1])
    if shares.ndim != 1:
        raise ValueError(f"{name} has shape {shares.shape}; a share for each class is needed, (K,)")
    return shares.astype(np.float64)


def _weighted_target(s, y, weights):
    """Scores, what the log loss is multiplied by, its target, and the dtype of the result."""
    s = arguments.score_array("s", s)
    weights = arguments.real_array("weights", weights).astype(np.float64)
    if weights.shape != s.shape[-1:]:
        raise ValueError(f"weights has shape {weights.shape}; {s.shape[-1:]} is needed")
    inside = (weights > 0) & (weights < np.inf)
    arguments.refuse_first("weights", ~inside, weights, "is not a positive number")
    y = arguments.target_array(y, s)
    if y.dtype.kind != "f":
        return s.astype(np.float64), weights[y], y, s.dtype
    weighted = y * weights
    factor = weighted.sum(axis=-1)
    return s.astype(np.float64), factor, weighted / factor[..., None], np.result_type(s, y)


def _positive(name, number):
    if not (np.ndim(number) == 0 and np.isreal(number) and 0 < number < np.inf):
        raise ValueError(f"{name} = {number} is not a positive number")
    return float(number)
