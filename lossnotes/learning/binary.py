"""Two classes, one score: binary cross-entropy, and the squared error beside it. Chapter: binary.

p is the predicted probability of the second class and q its target: labels are the integers 0
and 1, soft targets are floats from 0 to 1. s is the score, with p = sigmoid(s); -inf and +inf are
scores like any others. 0 log 0 = 0. Shapes broadcast.

p - q cancels where the prediction is good. So it is computed as (1 - q) p - q (1 - p), and 1 - p
as the sigmoid of -s. For labels one of the two terms is zero, and nothing cancels.
"""

import numpy as np

from lossnotes.losses import _arguments as arguments
from lossnotes.losses._arithmetic import rounded


def sigmoid(s):
    """1 / (1 + e^-s), the softmax of the scores (0, s) at its second entry.

    s: scores of any shape. Result: from 0 to 1, of that shape.
    Raises ValueError for NaN.
    Source: notes of CMU 11-785, sigmoid. Chapter: binary.
    """
    s = _scores(s)
    return _sigmoid(s.astype(np.float64)).astype(s.dtype)[()]


def sigmoid_grad(s):
    """The derivative of `sigmoid`, sigmoid(s) sigmoid(-s): from 0 to 1/4, at s = 0.

    It is the second derivative of `binary_cross_entropy` as well, whatever the target.
    Shapes and errors as in `sigmoid`. Source: notes of CMU 11-785, sigmoid. Chapter: binary.
    """
    s = _scores(s)
    size = s.astype(np.float64)
    return (_sigmoid(size) * _sigmoid(-size)).astype(s.dtype)[()]


def binary_cross_entropy(s, q):
    """-q log p - (1 - q) log(1 - p) with p = sigmoid(s), in nats: at least the entropy of q.

    s: scores, q: targets, of shapes that broadcast. Result: >= 0, of the common shape; +inf where
    an infinite score rules out what has a positive target. The same as the log loss of the scores
    (0, s), and log(1 + e^s) - q s.
    Raises ValueError for a NaN score and for a target outside [0, 1].
    Source: notes of CMU 11-785, binary cross-entropy. Chapter: binary.
    """
    s, q, dtype = _scores_and_targets(s, q)
    with np.errstate(all="ignore"):
        excess = np.log1p(np.exp(-abs(s)))
        of_zero, of_one = np.maximum(s, 0) + excess, np.maximum(-s, 0) + excess
        return (_weighted(1 - q, of_zero) + _weighted(q, of_one)).astype(dtype)[()]


def binary_cross_entropy_grad(s, q):
    """The derivative of `binary_cross_entropy` in s: sigmoid(s) - q, from -1 to 1.

    Arguments, shapes and errors as there. Source: notes of CMU 11-785. Chapter: binary.
    """
    s, q, dtype = _scores_and_targets(s, q)
    return rounded(_error(s, q), dtype)[()]


def binary_cross_entropy_of_p(p, q):
    """-q log p - (1 - q) log(1 - p), in nats, as a function of the prediction.

    p, q: numbers from 0 to 1, of shapes that broadcast. Result: >= 0, of the common shape; +inf
    where p = 0 < q or p = 1 > q.
    Raises ValueError for a prediction or a target outside [0, 1].
    Source: notes of CMU 11-785, Div(y, d) with y = p and d = q. Chapter: binary.
    """
    p, q, dtype = _predictions_and_targets(p, q)
    with np.errstate(all="ignore"):
        value = _weighted(q, -np.log(p)) + _weighted(1 - q, -np.log1p(-p))
    return value.astype(dtype)[()]


def binary_cross_entropy_of_p_grad(p, q):
    """The derivative of `binary_cross_entropy_of_p` in p: (p - q) / (p (1 - p)).

    Result: -1/p for q = 1 and 1/(1 - p) for q = 0. At the ends p = 0 and p = 1 it is the one-sided
    derivative: +1 at p = q = 0, -1 at p = q = 1, infinite where the value is.
    Arguments, shapes and errors as there. Source: notes of CMU 11-785. Chapter: binary.
    """
    p, q, dtype = _predictions_and_targets(p, q)
    with np.errstate(all="ignore"):
        inside = (p - q) / p / (1 - p)
        slope = np.where(q == 1, -1 / p, np.where(q == 0, 1 / (1 - p), inside))
    return rounded(slope, dtype)[()]


def squared_error(s, q):
    """(p - q)^2 / 2 with p = sigmoid(s): from 0 to 1/2. Not convex in s.

    Arguments, shapes and errors as in `binary_cross_entropy`.
    Source: notes of CMU 11-785, L2 beside cross-entropy. Chapter: binary.
    """
    s, q, dtype = _scores_and_targets(s, q)
    return (_error(s, q) ** 2 / 2).astype(dtype)[()]


def squared_error_grad(s, q):
    """The derivative of `squared_error` in s: (p - q) p (1 - p) with p = sigmoid(s).

    For labels at most 4/27 in size, and tiny for a sure prediction, right or wrong.
    Arguments, shapes and errors as in `binary_cross_entropy`. Chapter: binary.
    """
    s, q, dtype = _scores_and_targets(s, q)
    e = np.exp(-abs(s))
    denominator = 1 + e
    rounding = e - (denominator - 1)  # three factors would feel it three times
    pull = (1 - q) * np.where(s < 0, e, 1) - q * np.where(s < 0, 1, e)
    slope = pull * e / denominator**3 * (1 - 3 * rounding / denominator)
    return rounded(slope, dtype)[()]


def _sigmoid(s):
    e = np.exp(-abs(s))
    return np.where(s < 0, e, 1) / (1 + e)


def _error(s, q):
    """sigmoid(s) - q, without loss where q is 0 or 1."""
    return (1 - q) * _sigmoid(s) - q * _sigmoid(-s)


def _weighted(weight, value):
    """The product, with 0 times infinity = 0."""
    return np.where(weight > 0, weight * value, 0)


def _scores(s):
    s = arguments.real_array("s", s)
    arguments.refuse_first("s", np.isnan(s), s, "is not a score")
    return s


def _probabilities(name, values):
    values = arguments.real_array(name, values)
    inside = (values >= 0) & (values <= 1)
    arguments.refuse_first(name, ~inside, values, "is not in [0, 1]")
    return values


def _scores_and_targets(s, q):
    return _with_targets("s", _scores(s), q)


def _predictions_and_targets(p, q):
    return _with_targets("p", _probabilities("p", p), q)


def _with_targets(name, values, q):
    """Both in float64, and the dtype of the result: labels do not widen it."""
    labels = arguments.any_array("q", q).dtype.kind in "iu"
    q = _probabilities("q", q)
    arguments.pairwise_shape(**{name: values.shape, "q": q.shape})
    dtype = values.dtype if labels else np.result_type(values, q)
    return values.astype(np.float64), q.astype(np.float64), dtype
