"""Weighted means with any weight, and the variance of what lies between two ends."""

import pytest
from sympy import Rational, Symbol, log

from lossnotes.derive import compare
from lossnotes.derive.bounds import proves_bound
from lossnotes.derive.symbols import (
    Between,
    K,
    Positives,
    Scores,
    expectation,
    h,
    i,
    j,
    maximum,
    p,
    q,
    s,
)

from .lecture import over

v, x, z = Scores("v"), Positives("x"), Positives("z")
w, u = Between("w", 0, 1), Symbol("u", positive=True)
overlap = over(i, q[i] ** w * p[i] ** (1 - w))
beyond = over(i, q[i] ** (1 + h) * p[i] ** (-h))
variance = over(i, p[i] * s[i] ** 2) - over(i, p[i] * s[i]) ** 2
width = maximum(s) + maximum(-s)

TRUE = {
    "two numbers": (u**w * h ** (1 - w), w * u + (1 - w) * h),
    "Bernoulli": (x[j] ** w, w * x[j] + 1 - w),
    "the overlap of two distributions": (overlap, 1),
    "Renyi's divergence": (0, log(overlap) / (w - 1)),
    "Renyi's divergence beyond one": (0, log(beyond) / h),
    "the divergences of Amari": (0, (1 - overlap) / (w * (1 - w))),
    "and beyond one": (0, (beyond - 1) / (h * (1 + h))),
    "the powers of probabilities": (over(i, p[i] ** w), K ** (1 - w)),
    "Renyi's entropy": (log(over(i, p[i] ** w)) / (1 - w), log(K)),
    "Tsallis' entropy": ((over(i, p[i] ** w) - 1) / (1 - w), (K ** (1 - w) - 1) / (1 - w)),
    "Hoelder": (
        over(i, x[i] * z[i]),
        over(i, x[i] ** (1 / w)) ** w * over(i, z[i] ** (1 / (1 - w))) ** (1 - w),
    ),
    "Jensen for a power below one": (over(i, p[i] * x[i] ** w), over(i, p[i] * x[i]) ** w),
    "Jensen for a power above one": (
        over(i, p[i] * x[i]) ** (1 + h),
        over(i, p[i] * x[i] ** (1 + h)),
    ),
    "Popoviciu": (variance, width**2 / 4),
    "Popoviciu for a softmax": (
        expectation(v**2, s) - expectation(v, s) ** 2,
        (maximum(v) + maximum(-v)) ** 2 / 4,
    ),
    "Popoviciu for equal weights": (
        over(i, s[i] ** 2) / K - (over(i, s[i]) / K) ** 2,
        width**2 / 4,
    ),
}


@pytest.mark.parametrize("claim", TRUE.values(), ids=TRUE)
def test_a_bound_is_proved(claim):
    left, right = claim
    assert proves_bound(left, "<=", right)


FALSE = {
    "weights exchanged": (u**w * h ** (1 - w), "<=", (1 - w) * u + w * h),
    "strict, where both are the same": (u**w * h ** (1 - w), "<", w * u + (1 - w) * h),
    "a little less": (u**w * h ** (1 - w), "<=", Rational(99, 100) * (w * u + (1 - w) * h)),
    "a little less of one": (u**w * h ** (1 - w), "<=", w * u * Rational(99, 100) + (1 - w) * h),
    "a weight above one": (u ** (1 + w) * h ** (-w), "<=", (1 + w) * u - w * h),
    "a weight above one, and what is added": (
        u ** (1 + h) * x[j] ** (-h),
        "<=",
        (1 + h) * u + x[j],
    ),
    "another power of one of the two": (
        u ** (2 * w) * h ** (1 - w),
        "<=",
        w * u + (1 - w) * h,
    ),
    "weights that do not sum to one": (u**w * h ** (-w), "<=", w * u + (1 - w) * h),
    "a power that may exceed one": (x[j] ** h, "<=", h * x[j] + 1 - h),
    "the same distribution": (overlap, "<", 1),
    "weights that do not belong together": (over(i, q[i] ** w * p[i] ** w), "<=", 1),
    "any weights": (over(i, q[i] ** h * p[i] ** (1 - h)), "<=", 1),
    "what does not sum to one": (over(i, x[i] ** w * p[i] ** (1 - w)), "<=", 1),
    "the other power of K": (over(i, p[i] ** w), "<=", K**w),
    "powers of equal probabilities": (over(i, p[i] ** w), "<", K ** (1 - w)),
    "Jensen backwards": (over(i, p[i] * x[i]) ** w, "<=", over(i, p[i] * x[i] ** w)),
    "Popoviciu, a fifth": (variance, "<=", width**2 / 5),
    "all scores alike": (variance, "<", width**2 / 4),
    "a mean that need not be the midpoint": (
        (over(i, p[i] * s[i]) - (maximum(s) - maximum(-s)) / 2) ** 2,
        "<=",
        0,
    ),
    "the sum in place of the width": (variance, "<=", (maximum(s) - maximum(-s)) ** 2 / 4),
    "the mean of other weights": (
        over(i, p[i] * s[i] ** 2) - over(i, q[i] * s[i]) ** 2,
        "<=",
        width**2 / 4,
    ),
}


@pytest.mark.parametrize("claim", FALSE.values(), ids=FALSE)
def test_a_neighbour_that_is_false_is_refuted_and_the_prover_alone_does_not_prove_it(claim):
    assert not proves_bound(*claim)
    assert compare(*claim).kind == "refuted"
