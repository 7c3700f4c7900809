"""Tsallis entropies, their predictions and their losses. Chapter: fenchel_young.

The entropy of order alpha leads from Shannon's, alpha = 1, to Gini's, alpha = 2. Its prediction is
the q that maximises q.s + H_alpha(q): softmax, entmax, sparsemax. Its loss is by how much the
target misses that maximum.

Between the ends p_i = (1 - beta w_i)^(1 / beta), and 0 from w_i = 1 / beta on, where beta is
alpha - 1 and w_i the distance of the score i from the score that would have probability one. That
score is found by Newton's method, and all else is computed from the w_i without differences.
"""

from math import factorial
from numbers import Real

import numpy as np

from lossnotes.losses import _arguments as arguments
from lossnotes.losses._arithmetic import (
    accurate_sum,
    balanced_sum,
    difference,
    others,
    rounded,
)
from lossnotes.losses._rows import by_blocks
from lossnotes.losses.kl import entropy
from lossnotes.losses.softmax import log_softmax, softmax

TERMS = 24  # of a power series in |x| <= 2: the last is below 2^24 / 26! = 4e-20


def tsallis_entropy(q, alpha):
    """H_alpha(q) = (1 - sum of q_i^alpha) / (alpha (alpha - 1)); Shannon's entropy at alpha = 1.

    q: probability vectors (..., K). alpha: a number from 1 to 2; at 2 it is Gini's,
    sum of q_i (1 - q_i) / 2. Result: (...,), from 0 at a one-hot q to
    (1 - K^(1 - alpha)) / (alpha (alpha - 1)) at the uniform one.
    Raises ValueError if q is not a probability vector, or alpha is outside 1..2.
    Computed as the sum of q_i (1 - q_i^(alpha - 1)), so that a vector close to one-hot keeps its
    digits. Source: Tsallis (1988), with the factor of Peters et al. (2019). Chapter: fenchel_young.
    """
    beta = _order(alpha) - 1
    if beta == 0:
        return entropy(q)
    q = arguments.probability_array("q", q)
    wide = q.astype(np.float64)
    with np.errstate(all="ignore"):
        lacking = np.where(wide < 0.5, 1 - wide, others(wide))  # 1 - q_i
        log_q = np.where(wide < 0.5, np.log(wide), np.log1p(-lacking))
        terms = np.where(wide > 0, -wide * np.expm1(beta * log_q), 0)
    return rounded(accurate_sum(terms) / (beta * (1 + beta)), q.dtype)[()]


def sparsemax(s):
    """The probability vector nearest to s: p_i = max(0, s_i - tau), where tau makes the sum one.

    s: scores (..., K). Result: (..., K), from 0 to 1, and exactly 0 for scores that lie one or more
    below the largest. tau is found in finitely many steps: no search, no tolerance.
    Raises ValueError for NaN, +inf, a missing class axis, and rows of -inf only.
    Source: Martins and Astudillo (2016). Chapter: fenchel_young.
    """
    return entmax(s, 2)


def entmax(s, alpha):
    """The q that maximises q.s + H_alpha(q), where H_alpha is `tsallis_entropy`.

    s: scores (..., K). alpha: a number from 1 to 2: softmax at 1, sparsemax at 2. Result: (..., K),
    from 0 to 1; for alpha > 1 exactly 0 for scores that lie 1 / (alpha - 1) or more below the
    largest, and perhaps for others.
    Errors as in `sparsemax`; and for alpha outside 1..2. For alpha > 1 every entry is accurate to
    the last digit of one.
    Source: Peters, Niculae and Martins (2019). Chapter: fenchel_young.
    """
    s, alpha = _scores(s), _order(alpha)
    if alpha == 1:
        return softmax(s)
    return rounded(_by_rows(s, alpha)[0], s.dtype)


def entmax_loss(s, y, alpha):
    """max over p of (p.s + H_alpha(p)), minus y.s + H_alpha(y): what the target misses.

    s: scores (..., K). y: integer labels (...,), then it is 0 if s_y is at least 1 / (alpha - 1)
    above all other scores; or probability vectors (..., K), then it is 0 where they are the
    prediction. alpha: a number from 1 to 2; at 1 it is the log loss of a label, and KL(y||softmax)
    of a vector. Leading axes broadcast. Result: (...,), >= 0; +inf where a class with y_i > 0 has
    the score -inf.
    Raises ValueError for bad scores (see `sparsemax`), alpha outside 1..2, labels outside 0..K-1,
    vectors y that are not probabilities.
    Computed as a sum of terms >= 0, one a class, so that a small loss keeps its digits.
    Source: Blondel, Martins and Niculae (2020). Chapter: fenchel_young.
    """
    s, alpha = _scores(s), _order(alpha)
    q, dtype = _targets(s, y)
    p, log_p, beyond = _by_rows(s, alpha)
    with np.errstate(all="ignore"):
        terms = _divergence(q, p, log_p, alpha) + np.where(q > 0, q * beyond, 0)
    return rounded(balanced_sum(terms), dtype)[()]


def entmax_loss_grad(s, y, alpha):
    """The gradient of `entmax_loss` in s: entmax(s, alpha) minus the target.

    Result: (..., K), from -1 to 1, of sum zero up to rounding. The entry of a label is minus the
    sum of the other probabilities, and so on for vectors: nothing is lost where they agree.
    Errors as in `entmax_loss`. Source: Blondel et al. (2020). Chapter: fenchel_young.
    """
    s, alpha = _scores(s), _order(alpha)
    q, dtype = _targets(s, y)
    p = _by_rows(s, alpha)[0]
    return rounded(others(q) * p - q * others(p), dtype)


def _order(alpha):
    if isinstance(alpha, bool) or not isinstance(alpha, Real) or not 1 <= alpha <= 2:
        raise ValueError(f"alpha = {alpha!r} is not a number from 1 to 2")
    return float(alpha)


def _scores(s):
    s = arguments.score_array("s", s)
    arguments.check_scores("s", s)
    arguments.check_some_class_possible("s", s)
    return s


def _targets(s, y):
    """Probability vectors in float64, of the shape (..., K) of the losses; and their dtype."""
    y = arguments.target_array(y, s)
    classes = s.shape[-1]
    if y.dtype.kind == "f":
        shape = arguments.common_shape(s=s.shape, y=y.shape)
        return np.broadcast_to(y, shape).astype(np.float64), np.result_type(s, y)
    shape = arguments.common_shape(s=s.shape[:-1], y=y.shape)
    labels = np.broadcast_to(y, shape)[..., None]
    return (labels == np.arange(classes)).astype(np.float64), s.dtype


def _by_rows(s, alpha):
    """(p, log p, by how much a score lies below where its probability is 0), each (..., K)."""
    rows = s.reshape(-1, s.shape[-1]).astype(np.float64)
    results = np.empty((3, *rows.shape))

    def compute(block):
        results[:, block] = _of_shannon(rows[block]) if alpha == 1 else _solve(rows[block], alpha)

    by_blocks(compute, *rows.shape)
    return results.reshape(3, *s.shape)


def _of_shannon(s):
    return softmax(s), log_softmax(s), np.where(s == -np.inf, np.inf, 0)


def _solve(s, alpha):
    """Newton's method for v, the w of the largest score: the p_i of w_i = v + d_i sum to one.

    Their sum is convex in v and falls, so from v = 0 no step goes too far. For alpha = 2 it is made
    of straight lines, and the last step ends at the solution itself.
    """
    beta = alpha - 1
    best = np.arange(len(s)), s.argmax(axis=1)
    d, error = difference(s[best][:, None], s)
    error = np.where(d < np.inf, error, 0)
    v = np.zeros(len(s))
    while True:
        z, w = _powers(v, d, error, beta)
        log_p = np.where(z < 0.5, np.log(z), np.log1p(-beta * w)) / beta
        p = z if beta == 1 else np.exp(log_p)
        slope = np.where(p > 0, p / z, 0).sum(axis=1)
        rest = p.copy()
        rest[best] = 0
        excess = balanced_sum(rest) + np.expm1(log_p[best])
        further = np.maximum(v, v + excess / slope)
        if (further == v).all():
            return p, log_p, np.maximum(0, w - 1 / beta)
        v = further


def _powers(v, d, error, beta):
    """z = max(0, 1 - beta w), the power p^beta, and w = v + d with the rounding of both in z."""
    w, lost = difference(v[:, None], -d)
    lost = np.where(d < np.inf, lost + error, 0)
    product, missing = _product(beta, np.minimum(w, 2 / beta))
    return np.maximum(0, (1 - product) - (missing + beta * lost)), w


def _product(a, b):
    """a b in two parts: the rounded product and its rounding error (Dekker 1971)."""
    product = a * b
    a_high, b_high = (np.float64(np.float32(x)) for x in (a, b))
    a_low, b_low = a - a_high, b - b_high
    error = ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low
    return product, error


def _divergence(q, p, log_p, alpha):
    """(q^alpha - alpha p^beta q + beta p^alpha) / (alpha beta) >= 0, and 0 only at q = p.

    With x = log(p / q) it is q^alpha (expm1(alpha x) / alpha - expm1(beta x) / beta), which
    begins with x^2 / 2.
    """
    beta = alpha - 1
    x = np.where(q > 0, log_p - np.log(q), 0)
    near = np.where(abs(x) <= 1, x, 0)
    series, power = 0, near**2
    for n in range(TERMS):
        series = series + power * (alpha ** (n + 1) - beta ** (n + 1)) / factorial(n + 2)
        power = power * near
    growth = np.expm1(beta * np.minimum(x, 700)) / beta if beta else x
    far = (p**alpha - q**alpha) / alpha - q**alpha * growth
    return np.where(q == 0, p**alpha / alpha, np.where(abs(x) <= 1, q**alpha * series, far))
