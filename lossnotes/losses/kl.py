"""The divergence of Kullback and Leibler, entropy and cross-entropy. Chapter: kl.

q is the target, p the prediction. Both are probability vectors (..., K): not negative, with a sum
that misses one by at most the square root of the dtype's epsilon (1.5e-8 in float64, 3.5e-4 in
float32). Leading axes broadcast. 0 log 0 = 0 throughout.
"""

import numpy as np

from lossnotes.losses import _arguments as arguments
from lossnotes.losses._arithmetic import accurate_sum, log_ratio, rounded


def entropy(q):
    """H(q) = -sum of q_i log q_i, in nats: from 0 at a one-hot q to log K at the uniform one.

    q: probability vectors (..., K). Result: (...,).
    Raises ValueError if q is not a probability vector.
    Source: lecture 14, in KL = cross-entropy - entropy. Chapter: kl.
    """
    q = arguments.probability_array("q", q)
    return _expected(q, lambda q: -np.log(q), q.dtype)


def kl_divergence(q, p):
    """KL(q||p) = sum of q_i log(q_i / p_i), in nats: >= 0, and 0 only for p = q.

    q, p: probability vectors (..., K). Result: (...,); +inf where p_i = 0 < q_i.
    Raises ValueError if either is not a probability vector.
    Where q has a little more or less in all than p, as the tolerance permits, the sum may come out
    below zero. No divergence does, and the result is 0 then.
    The terms q_i log(q_i / p_i) have both signs; the result is accurate to the last digits of the
    largest. Where p_i is close to q_i its term is taken apart into q_i log(q_i / p_i) - q_i + p_i,
    which is >= 0 and small, and q_i - p_i, which is exact.
    Source: lecture 14, Kullback-Leibler. Chapter: kl.
    """
    q, p, dtype = _target_and_prediction(q, p)
    q, p = q.astype(np.float64), p.astype(np.float64)
    with np.errstate(all="ignore"):
        z = (q - p) / (q + p)
        near = abs(z) < 0.1
        terms = np.where(near, _excess(q, p, z), np.where(q > 0, q * log_ratio(q, p), 0))
        differences = np.where(near, q - p, 0)
        total = accurate_sum(np.concatenate([terms, differences], axis=-1))
        return np.maximum(total, 0).astype(dtype)[()]


def kl_divergence_grad(q, p):
    """The gradient of `kl_divergence` in p, all K entries taken as free: -q_i / p_i.

    Result: (..., K); 0 where q_i = 0, -inf where p_i = 0 < q_i. Errors as in `kl_divergence`.
    Source: lecture 14, Kullback-Leibler. Chapter: kl.
    """
    return cross_entropy_grad(q, p)


def cross_entropy(q, p):
    """-sum of q_i log p_i = KL(q||p) + H(q), in nats: >= H(q).

    q, p: probability vectors (..., K). Result: (...,); +inf where p_i = 0 < q_i.
    Raises ValueError if either is not a probability vector.
    Source: Gordon-Rodriguez et al. (2020), eq. 1; the lecture asks for such a loss. Chapter: kl.
    """
    q, p, dtype = _target_and_prediction(q, p)
    return _expected(q, lambda q, p: -np.log(p), dtype, p)


def cross_entropy_grad(q, p):
    """The gradient of `cross_entropy` in p, all K entries taken as free: -q_i / p_i.

    Result: (..., K); 0 where q_i = 0, -inf where p_i = 0 < q_i. Errors as in `cross_entropy`.
    The same as `kl_divergence_grad`: the two differ by H(q), in which p does not occur.
    Source: lecture 14, "the loss wanted". Chapter: kl.
    """
    q, p, dtype = _target_and_prediction(q, p)
    q, p = q.astype(np.float64), p.astype(np.float64)
    with np.errstate(all="ignore"):
        return rounded(np.where(q > 0, -q / p, 0), dtype)


def _target_and_prediction(q, p):
    q, p = arguments.probability_array("q", q), arguments.probability_array("p", p)
    if q.shape[-1] != p.shape[-1]:
        raise ValueError(f"q has {q.shape[-1]} classes and p has {p.shape[-1]}")
    arguments.common_shape(q=q.shape, p=p.shape)
    return q, p, np.result_type(q, p)


def _excess(q, p, z):
    """q log(q / p) - q + p >= 0 by its series for small z = (q - p) / (q + p).

    It is (q + p) (z^2 + (1 + z) (artanh z - z)).
    """
    tail = sum(z ** (2 * n + 3) / (2 * n + 3) for n in range(8))
    return (q + p) * (z * z + (1 + z) * tail)


def _expected(q, quantity, dtype, *arrays):
    """Sum of q_i times the quantity at i, where classes with q_i = 0 do not count."""
    q, *arrays = (a.astype(np.float64) for a in (q, *arrays))
    with np.errstate(all="ignore"):
        terms = np.where(q > 0, q * quantity(q, *arrays), 0)
        return accurate_sum(terms).astype(dtype)[()]
