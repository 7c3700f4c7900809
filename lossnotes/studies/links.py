"""From scores to the prediction that a loss compares with its target. Chapters: smoothing, mimic.

Every loss of these studies has the gradient link(eta) - y, so its link is all that training needs.
eta are scores (n, K), float32 or float64, arrays of NumPy or of whatever else has its interface:
these functions are compiled, too. Results have eta's shape and dtype.
"""

import math

NODES = 49
STEP, ANGLE = 0.09, math.radians(55)  # see the module on the continuous categorical
COS, SIN = math.cos(ANGLE), math.sin(ANGLE)
NEWTON = 8


def softmax(eta):
    """The link of cross-entropy: e^eta_k / sum of e^eta_i."""
    xp = eta.__array_namespace__()
    powers = xp.exp(eta - eta.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def exact(eta):
    """The link of the continuous categorical: its mean, by the quadrature of its chapter.

    The same sum as in `continuous_categorical.mean`, of as many nodes for every row and without
    its care for many classes: to be used up to K = 20. Relative error below 1e-5 in float32.
    """
    xp = eta.__array_namespace__()
    gap = eta.max(axis=1, keepdims=True) - eta
    beyond = xp.maximum(1.0 + 0 * gap[:, :1], eta.shape[1] - gap.sum(axis=1, keepdims=True))
    for _ in range(NEWTON):
        r = 1 / (beyond + gap)
        total, squares = r.sum(axis=1, keepdims=True), (r * r).sum(axis=1, keepdims=True)
        beyond = beyond + (total - 1) * total / squares
    r = 1 / (beyond + gap)
    rho, squares = 2 * beyond, (r * r).sum(axis=1, keepdims=True)
    step = xp.minimum(0 * beyond + STEP, 0.4 / (rho * SIN * xp.sqrt(squares)))
    u = step * xp.arange(NODES, dtype=eta.dtype)
    sinh, cosh = xp.sinh(u), xp.cosh(u)
    x, y = rho * COS * (1 - cosh), rho * SIN * sinh  # z = x + iy
    p, q = 1.0 + 0 * x, 0 * x  # the product of all 1 + z r_k is p + iq
    for k in range(eta.shape[1]):
        a, b = 1 + x * r[:, k : k + 1], y * r[:, k : k + 1]
        p, q = p * a - q * b, p * b + q * a
    size = xp.exp(x) / (p * p + q * q)
    c, s = xp.cos(y), xp.sin(y)
    c, s = c * p + s * q, s * p - c * q  # of e^iy / (p + iq), over its length
    w, v = size * (c * SIN * cosh - s * COS * sinh), size * (s * SIN * cosh + c * COS * sinh)
    half = xp.where(xp.arange(NODES) == 0, 0.5, 1.0).astype(eta.dtype)
    w, v = w * half, v * half
    means = []
    for k in range(eta.shape[1]):
        a, b = 1 + x * r[:, k : k + 1], y * r[:, k : k + 1]
        means.append(r[:, k] * ((w * a + v * b) / (a * a + b * b)).sum(axis=1))
    means = xp.stack(means, axis=1)
    return means / means.sum(axis=1, keepdims=True)


def published(eta):
    """What Gordon-Rodriguez et al. (2020) train with, and which rows it keeps (n, 1).

    The mean by the closed form of the normaliser, the sum over k of e^eta_k divided by the product
    of all eta_k - eta_i, in eta's own precision; the last entry is what the others leave of one. A
    row in which some entry is not positive, as where two scores tie, falls back on softmax. So it
    is in the authors' code, which also rescales the scores.
    """
    xp = eta.__array_namespace__()
    own = xp.eye(eta.shape[1], dtype=bool)
    gaps = xp.where(own, 1.0, eta[:, :, None] - eta[:, None, :])
    inverse = xp.where(own, 0.0, 1 / gaps)
    terms = xp.exp(eta - eta.max(axis=1, keepdims=True)) / gaps.prod(axis=2)
    slopes = terms * (1 - inverse.sum(axis=2)) + (terms[:, :, None] * inverse).sum(axis=1)
    means = (slopes / terms.sum(axis=1, keepdims=True))[:, :-1]
    means = xp.concatenate([means, 1 - means.sum(axis=1, keepdims=True)], axis=1)
    kept = (means > 0).all(axis=1, keepdims=True)
    return xp.where(kept, means, softmax(eta)), kept
