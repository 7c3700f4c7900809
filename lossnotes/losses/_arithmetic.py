"""Arithmetic that keeps its last digits: what the formulas of the chapters are computed with.

float32 input is computed in float64 and rounded once, at the end. NumPy's exponential in float32
takes half the time. But it errs by up to 2.5 ulps, and then entries of the log loss's gradient are
off by more than 4.

In float64 the difference of two scores is itself rounded, and exp would magnify that: e^d for
d = -300 loses two digits to the rounding of d alone. So the rounding error of a difference is
computed too, which is exact (Knuth, The Art of Computer Programming 2, 4.2.2, theorem B).
"""

import numpy as np


def difference(a, b):
    """a - b in two parts: the rounded difference and its rounding error, exact together."""
    d = np.asarray(a - b)
    minus_b = np.asarray(d - a)
    error = np.asarray(d - minus_b)  # (a - (d - minus_b)) - (b + minus_b), without temporaries
    np.subtract(a, error, out=error)
    minus_b += b
    error -= minus_b
    return d, error


def exp_difference(a, b, rest=None):
    """e^(a - b) in float64, for a <= b; `rest` is what the rounding of a and b has left out."""
    if a.dtype == np.float32:  # the rounding of a float64 difference is far below float32's
        e = np.subtract(a, b, dtype=np.float64)
        return np.exp(e, out=e)
    d, error = difference(a, b)
    e = np.exp(d, out=d)
    if rest is not None:
        error += rest
    np.fmax(error, -1, out=error)  # a = -inf has the error NaN, and e = 0 wants a number
    error *= e
    e += error
    return e


def rounded(x, dtype):
    """x in the dtype of a result, where what is too small for it is 0 and never -0."""
    return x.astype(dtype) + 0


def log_ratio(a, b):
    """log(a / b) for positive a and b, accurate also where a is close to b."""
    small, large = np.minimum(a, b), np.maximum(a, b)
    ratio = small / large
    size = np.where(
        ratio >= 0.5,
        np.log1p((large - small) / small),  # the difference is exact up to a factor of two
        np.where(ratio > 1e-300, -np.log(ratio), np.log(large) - np.log(small)),
    )
    return np.copysign(size, a - b)


def balanced_sum(v):
    """The sum over the last axis by halves: an entry takes part in log2 K additions.

    NumPy's own adds up to 16 entries one after another, or all of them where a column is a class.
    Where they are equal every addition errs in the same direction, by up to 16 ulps in all.
    """
    while v.shape[-1] > 1:
        half = v.shape[-1] // 2
        sums = v[..., :half] + v[..., half : 2 * half]
        if v.shape[-1] % 2:
            sums[..., -1] += v[..., -1]
        v = sums
    return v[..., 0].copy()


def accurate_sum(v):
    """The sum over the last axis, as accurate as if it were computed with twice the digits."""
    error = 0
    while v.shape[-1] > 1:
        half = v.shape[-1] // 2
        pairs, odd = v[..., : 2 * half], v[..., 2 * half :]
        v, rounding = difference(pairs[..., :half], -pairs[..., half:])
        error = error + rounding.sum(axis=-1)
        v = np.concatenate([v, odd], axis=-1)
    total = v[..., 0]
    return total + np.where(np.isfinite(total), error, 0)


def accurate_square(x):
    """x^2 for |x| < 1e19 in two parts: the rounded square and its rounding error."""
    high = x.astype(np.float32).astype(np.float64)  # 24 bits, so that its square is exact
    low = x - high
    return difference(high * high, -(2 * high + low) * low)


def others(v):
    """For each entry of the non-negative (..., K) the sum of all others.

    Taking an entry from the total is accurate unless it is nearly all of it. Only the largest
    can be, so the others of the largest are summed.
    """
    largest = v.argmax(axis=-1, keepdims=True)
    rest = v.copy()
    np.put_along_axis(rest, largest, 0, axis=-1)
    below = accurate_sum(rest)[..., None]
    result = below + (np.take_along_axis(v, largest, axis=-1) - v)
    np.put_along_axis(result, largest, below, axis=-1)
    return result
