"""Every function against mpmath: the worst error is printed, and at most 4 ulps.

The reference is the definition, written naively and evaluated for exactly the given floats with
360 digits (90 for float32): 50 beyond the smallest normal number, so that it cannot cancel. An
ulp is the spacing of the function's dtype at the exact result. Where a quantity is a difference
and cancels (LSE near 0, the signed sum of KL, softmax(s) - y for dense y) it is the spacing at
the largest term.
Excluded: results below the smallest normal number, which have fewer digits to get right.
"""

from functools import cache
from typing import NamedTuple

import mpmath
import numpy as np
import pytest
from mpmath import mpf

from lossnotes.losses.kl import (
    cross_entropy,
    cross_entropy_grad,
    entropy,
    kl_divergence,
    kl_divergence_grad,
)
from lossnotes.losses.label_smoothing import (
    optimal_gap,
    smooth,
    smoothed_log_loss,
    smoothed_log_loss_grad,
)
from lossnotes.losses.logsumexp import logsumexp
from lossnotes.losses.loss_design import geometric_mean, squared_log_error, squared_log_error_grad
from lossnotes.losses.margin import margin, margin_loss
from lossnotes.losses.proper import (
    absolute_loss,
    brier_loss,
    brier_loss_grad,
    focal_loss,
    focal_loss_grad,
    perplexity,
    spherical_loss,
    spherical_loss_grad,
    surprisal,
    surprisal_grad,
)
from lossnotes.losses.softmax import (
    log_loss,
    log_loss_grad,
    log_loss_hessian,
    log_softmax,
    softmax,
    softmax_jacobian,
)

DIGITS = {np.float64: 360, np.float32: 90}
ULPS = 4
ROWS = {2: 30, 3: 30, 10: 20, 100: 3, 1000: 1}  # rows of each scale, by the number of classes
SCALES = (0.01, 1, 30, 300)
EPSILON = 0.1


def exact(values):
    return [mpf(float(v)) for v in values]


@cache
def score_rows(dtype):
    """Rows of scores: random, tied, nearly tied, one above equal others, gaps to 700, -inf."""
    rng = np.random.default_rng(1)
    rows = [rng.normal(0, a, k) for k, n in ROWS.items() for a in SCALES for _ in range(n)]
    rows += [np.zeros(k) for k in ROWS] + [np.full(3, -np.log(3.0)), np.full(10, 0.1)]
    for gap in (1e-15, 1e-7, 1e-3, 30, 50, 87, 700):
        for k in (2, 3, 10):
            rows.append(rng.normal(0, 0.1, k) + gap * (np.arange(k) == 1))
            rows.append(0.1 - gap * (np.arange(k) == 1))
    rows += [gap * np.eye(k)[0] for gap in (0.3, 0.877, 14.1, 120.3) for k in (63, 100, 128)]
    rows += [np.array([0, 30, 0.2]), np.array([-np.inf, 0.3, 2.0, -np.inf])]
    return [row.astype(dtype) for row in rows]


class Right(NamedTuple):
    """The exact scores of a row, its probabilities, its LSE and the loss of each class."""

    s: list
    p: list
    lse: mpf
    losses: list


@cache
def score_references(dtype):
    """The rows of scores, each with what is right for it."""
    references = []
    for row in score_rows(dtype):
        s = exact(row)
        e = [mpmath.exp(x) for x in s]
        total = mpmath.fsum(e)
        lse = mpmath.log(total)
        references.append((row, Right(s, [x / total for x in e], lse, [lse - x for x in s])))
    return references


@cache
def probability_rows(dtype):
    """Pairs (q, p): dense, one-hot q, p close to q, very unequal entries."""
    rng = np.random.default_rng(2)
    pairs = []
    for k, n in {2: 40, 3: 40, 10: 24, 100: 6, 1000: 2}.items():
        for scale in (0.01, 1, 5, 20):
            for i in range(n):
                q, p = (softmax(rng.normal(0, scale, k)) for _ in range(2))
                if i % 3 == 1:
                    q = np.eye(k)[i % k]
                if i % 3 == 2:
                    p = q * (1 + rng.normal(0, 10.0 ** -(i % 8 + 1), k))
                    p /= p.sum()
                tiny = np.finfo(dtype).tiny
                pairs.append((q.astype(dtype), np.maximum(p, tiny).astype(dtype)))
    for k in (63, 100, 128):  # many equal terms, of which every addition errs in one direction
        for rest in 10.0 ** -np.arange(1, 12, 2):
            q = np.where(np.arange(k) == 0, 1 - rest, rest / (k - 1))
            pairs.append((q.astype(dtype), np.full(k, 1 / k, dtype)))
    return pairs


@cache
def probability_references(dtype):
    """Each of the pairs (q, p) with its exact entries and their logarithms."""
    return [
        [(v, numbers := exact(v), [mpmath.log(x) for x in numbers]) for v in pair]
        for pair in probability_rows(dtype)
    ]


def labels_to_try(row):
    return {0, int(row.argmax()), int(row.argmin()), len(row) - 1}


def targets_to_try(row, dtype):
    """Probability vectors, each with its exact entries."""
    return targets_with_label(len(row), int(row.argmax()), dtype)


@cache
def targets_with_label(k, label, dtype):
    dense = softmax(np.random.default_rng(k).normal(0, 2, k))
    confident = np.where(np.arange(k) == label, 1 - 1e-6, 1e-6 / (k - 1))
    targets = [q.astype(dtype) for q in (dense, confident, np.eye(k)[label])]
    return [(q, exact(q)) for q in targets]


def entries(row):
    """All classes of a short row, some of a long one."""
    k = len(row)
    return range(k) if k <= 3 else {0, k // 2, k - 1, int(row.argmax()), int(row.argmin())}


# Each generator yields (computed, exact) or (computed, exact, largest term).


def of_logsumexp(f, dtype):
    for row, right in score_references(dtype):
        yield f(row), right.lse, abs(max(right.s))


def of_softmax(f, dtype):
    for row, right in score_references(dtype):
        yield from zip(f(row), right.p, strict=True)


def of_log_softmax(f, dtype):
    for row, right in score_references(dtype):
        yield from zip(f(row), [-loss for loss in right.losses], strict=True)


def of_jacobian(f, dtype):
    for row, right in score_references(dtype):
        jacobian = f(row)
        for i in entries(row):
            for j in entries(row):
                yield jacobian[i, j], right.p[i] * ((i == j) - right.p[j])


def of_log_loss(f, dtype):
    for row, right in score_references(dtype):
        for y in labels_to_try(row):
            yield f(row, y), right.losses[y]


def of_log_loss_grad(f, dtype):
    for row, right in score_references(dtype):
        for y in labels_to_try(row):
            computed = f(row, y)
            for i in entries(row):
                yield computed[i], right.p[i] - (i == y)


def mean(weights, values):
    """The mean of values, some of which may be infinite where the weight is zero."""
    pairs = zip(weights, values, strict=True)
    return mpmath.fdot(pair for pair in pairs if pair[0])


def of_log_loss_of_vectors(f, dtype):
    for row, right in score_references(dtype):
        for q, weights in targets_to_try(row, dtype):
            yield f(row, q), mean(weights, right.losses)


def of_log_loss_grad_of_vectors(f, dtype):
    for row, right in score_references(dtype):
        for q, weights in targets_to_try(row, dtype):
            yield from difference_from_target(f(row, q), right.p, weights, entries(row))


def difference_from_target(computed, p, q, entries):
    mass = mpmath.fsum(q)
    for i in entries:
        largest = max((mass - q[i]) * p[i], q[i] * (1 - p[i]))
        yield computed[i], mass * p[i] - q[i], largest


def smoothed(classes, y, epsilon, convention):
    epsilon = mpf(epsilon)
    if convention == "uniform":
        epsilon /= classes
    return [1 - (classes - 1) * epsilon if i == y else epsilon for i in range(classes)]


def settings(classes):
    yield EPSILON, "uniform"
    yield EPSILON / classes, "others"
    yield np.nextafter(1 / classes, 0), "others"


def of_smooth(f, dtype):
    for classes in ROWS:
        for epsilon, convention in settings(classes):
            computed = f(1, classes, epsilon, convention)
            yield from zip(computed, smoothed(classes, 1, epsilon, convention), strict=True)


def of_optimal_gap(f, dtype):
    for classes in ROWS:
        for epsilon, convention in [*settings(classes), (1e-300, "uniform"), (5e-324, "others")]:
            q = smoothed(classes, 0, epsilon, convention)
            yield f(classes, epsilon, convention), mpmath.log(q[0] / q[1])


def of_smoothed_log_loss(f, dtype):
    for row, right in score_references(dtype):
        for epsilon, convention in settings(len(row)):
            q = smoothed(len(row), 1, epsilon, convention)
            yield f(row, 1, epsilon, convention), mpmath.fdot(q, right.losses)


def of_smoothed_log_loss_grad(f, dtype):
    for row, right in score_references(dtype):
        for epsilon, convention in settings(len(row)):
            q = smoothed(len(row), 1, epsilon, convention)
            yield from difference_from_target(
                f(row, 1, epsilon, convention), right.p, q, entries(row)
            )


def of_entropy(f, dtype):
    for (q, weights, logs), _ in probability_references(dtype):
        yield f(q), -mean(weights, logs)


def of_kl_divergence(f, dtype):
    for (q, weights, logs), (p, _, logs_p) in probability_references(dtype):
        triples = zip(weights, logs, logs_p, strict=True)
        terms = [a * (log_a - log_b) for a, log_a, log_b in triples if a]
        exact_sum = max(mpf(0), mpmath.fsum(terms))  # q and p sum to one up to rounding only
        yield f(q, p), exact_sum, max(abs(t) for t in terms)


def of_cross_entropy(f, dtype):
    for (q, weights, _), (p, _, logs_p) in probability_references(dtype):
        yield f(q, p), -mean(weights, logs_p)


def of_gradient_in_p(f, dtype):
    for (q, weights, _), (p, exact_p, _) in probability_references(dtype):
        pairs = zip(weights, exact_p, strict=True)
        yield from zip(f(q, p), [-a / b for a, b in pairs], strict=True)


GAMMA = 2.5


def length(p):
    return mpmath.sqrt(mpmath.fsum(p, squared=True))


def distances(p, y):
    return [1 - x if i == y else x for i, x in enumerate(p)]


def squared_distance(p, y):
    return mpmath.fsum(distances(p, y), squared=True)


def absolute_distance(p, y):
    return mpmath.fsum(distances(p, y), absolute=True)


def forgiven(p, y):
    """The focal loss; mpmath finds 0^0 = 1, as it should be for a certain class."""
    return -((1 - p[y]) ** GAMMA) * mpmath.log(p[y])


def forgiven_slope(x):
    if x == 1:
        return mpf(0)
    return GAMMA * (1 - x) ** (GAMMA - 1) * mpmath.log(x) - (1 - x) ** GAMMA / x


def spherical_slopes(p, y, classes):
    norm = length(p)
    return [(p[y] * p[i] / norm**2 - (i == y)) / norm for i in classes]


def slope_of_label(slope):
    """The gradient of a loss that depends on the probability of the label alone."""

    def slopes(p, y, classes):
        return [slope(p[y]) if i == y else mpf(0) for i in classes]

    return slopes


# The loss of class y, and some entries of its gradient.
PROPER = {
    surprisal: lambda p, y: -mpmath.log(p[y]),
    brier_loss: squared_distance,
    spherical_loss: lambda p, y: 1 - p[y] / length(p),
    absolute_loss: absolute_distance,
    focal_loss: forgiven,
}
PROPER_GRAD = {
    surprisal_grad: slope_of_label(lambda x: -1 / x),
    brier_loss_grad: lambda p, y, classes: [2 * (p[i] - (i == y)) for i in classes],
    spherical_loss_grad: spherical_slopes,
    focal_loss_grad: slope_of_label(forgiven_slope),
}


def with_gamma(f, p, y):
    return f(p, y, GAMMA) if f in (focal_loss, focal_loss_grad) else f(p, y)


def of_label(f, dtype):
    """The loss of a label, or its gradient."""
    for _, (row, p, _) in probability_references(dtype):
        for y in labels_to_try(row):
            found = with_gamma(f, row, y)
            if f in PROPER:
                yield found, PROPER[f](p, y)
                continue
            some = list(entries(row))
            yield from zip(found[some], PROPER_GRAD[f](p, y, some), strict=True)


def of_expectation(f, dtype):
    """The mean loss of a vector, or its gradient, where terms of both signs may cancel."""
    for (target, q, _), (row, p, _) in probability_references(dtype):
        if len(q) > 10:
            continue
        found, labels = with_gamma(f, row, target), [y for y, weight in enumerate(q) if weight]
        if f in PROPER:
            yield found, mpmath.fsum(q[y] * PROPER[f](p, y) for y in labels)
            continue
        some = list(entries(row))
        slopes = [PROPER_GRAD[f](p, y, some) for y in labels]
        for i, column in zip(some, zip(*slopes, strict=True), strict=True):
            terms = [q[y] * slope for y, slope in zip(labels, column, strict=True)]
            yield found[i], mpmath.fsum(terms), max(map(abs, terms))


def of_perplexity(f, dtype):
    for k in (1, 3, 100):
        of_class = np.random.default_rng(k).dirichlet(np.full(5, 0.3), k).astype(dtype)
        of_class = np.maximum(of_class, np.finfo(dtype).tiny)
        y = np.arange(k) % 5
        chosen = exact(of_class[np.arange(k), y])
        yield f(of_class, y), mpmath.root(mpmath.fprod(chosen), k) ** -1


def of_margin(f, dtype):
    for row in score_rows(dtype):
        s = exact(row)
        for y in labels_to_try(row):
            yield f(row, y), s[y] - max(s[:y] + s[y + 1 :])


def of_margin_loss(f, dtype):
    for row in [*score_rows(dtype), *hinges(dtype)]:
        s = exact(row)
        for y in labels_to_try(row):
            yield f(row, y), max(mpf(0), 1 - (s[y] - max(s[:y] + s[y + 1 :])))


def hinges(dtype):
    """Margins that are almost one."""
    for x in np.random.default_rng(3).normal(0, 1, 200).astype(dtype):
        yield np.array([x, x + dtype(1)], dtype)


def of_hessian_of_vectors(f, dtype):
    for row, right in score_references(dtype):
        for q, weights in targets_to_try(row, dtype)[:2]:
            hessian, mass = f(row, q), mpmath.fsum(weights)
            for i in list(entries(row))[:3]:
                for j in entries(row):
                    yield hessian[i, j], mass * right.p[i] * ((i == j) - right.p[j])


def hessian_of_label(s):
    return log_loss_hessian(s, 1)


@cache
def positive_pairs(dtype):
    rng = np.random.default_rng(4)
    h = np.exp(rng.normal(0, [[0.01], [1], [15]], (3, 300))).astype(dtype)
    factor = np.exp(rng.choice([1e-6, 0.1, 1, 20], h.shape) * rng.normal(0, 1, h.shape))
    y = np.clip(h * factor, 1e-37, 1e37).astype(dtype)
    y[0] = (h[0] * rng.uniform(1.99, 2.01, 300)).astype(dtype)
    return list(zip(h.ravel(), y.ravel(), strict=True))


def of_squared_log_error(f, dtype):
    for h, y in positive_pairs(dtype):
        yield f(h, y), mpmath.log(mpf(float(h)) / mpf(float(y))) ** 2


def of_squared_log_error_grad(f, dtype):
    for h, y in positive_pairs(dtype):
        yield f(h, y), 2 * mpmath.log(mpf(float(h)) / mpf(float(y))) / mpf(float(h))


def of_geometric_mean(f, dtype):
    rng = np.random.default_rng(5)
    for n in (1, 2, 3, 10, 100):
        for scale in (0.01, 1, 20):
            y = np.exp(rng.normal(0, scale, n)).astype(dtype)
            yield f(y), mpmath.root(mpmath.fprod(exact(y)), n)


CHECKS = {
    squared_log_error: of_squared_log_error,
    squared_log_error_grad: of_squared_log_error_grad,
    geometric_mean: of_geometric_mean,
    margin: of_margin,
    margin_loss: of_margin_loss,
    entropy: of_entropy,
    kl_divergence: of_kl_divergence,
    kl_divergence_grad: of_gradient_in_p,
    cross_entropy: of_cross_entropy,
    cross_entropy_grad: of_gradient_in_p,
    perplexity: of_perplexity,
    **dict.fromkeys([*PROPER, *PROPER_GRAD], of_label),
    logsumexp: of_logsumexp,
    softmax: of_softmax,
    log_softmax: of_log_softmax,
    softmax_jacobian: of_jacobian,
    hessian_of_label: of_jacobian,
    log_loss: of_log_loss,
    log_loss_grad: of_log_loss_grad,
    smoothed_log_loss: of_smoothed_log_loss,
    smoothed_log_loss_grad: of_smoothed_log_loss_grad,
}


def worst_error(check, f, dtype):
    """The worst error of `f` in ulps, and of how many numbers."""
    tiny, worst, count = mpf(float(np.finfo(dtype).tiny)), 0, 0
    for computed, expected, *largest_term in check(f, dtype):
        scale = max(abs(expected), *largest_term) if largest_term else abs(expected)
        count += 1
        if mpmath.isinf(expected) or (expected == 0 and not largest_term):
            assert float(computed) == float(expected)
        elif scale >= tiny:
            if not np.isfinite(computed):
                return np.inf, count
            ulp = float(np.spacing(dtype(float(scale))))
            worst = max(worst, float(abs(float(computed) - expected) / ulp))
    return worst, count


def assert_accurate(name, check, f, dtype, record_property):
    with mpmath.workdps(DIGITS[dtype]):
        worst, count = worst_error(check, f, dtype)
    line = f"{name:32} {dtype.__name__}  worst of {count:5} numbers: {worst:.2f} ulps"
    record_property("measured", line)
    assert worst <= ULPS


dtypes = pytest.mark.parametrize("dtype", [np.float64, np.float32], ids=lambda d: d.__name__)


@dtypes
@pytest.mark.parametrize("f", CHECKS, ids=lambda f: f.__name__)
def test_worst_error_is_at_most_4_ulps(f, dtype, record_property):
    assert_accurate(f.__name__, CHECKS[f], f, dtype, record_property)


@pytest.mark.parametrize(
    ("f", "check"), [(smooth, of_smooth), (optimal_gap, of_optimal_gap)], ids=lambda f: f.__name__
)
def test_worst_error_from_epsilon_alone_is_at_most_4_ulps(f, check, record_property):
    assert_accurate(f.__name__, check, f, np.float64, record_property)


@dtypes
@pytest.mark.parametrize(
    ("f", "check"),
    [
        (log_loss, of_log_loss_of_vectors),
        (log_loss_grad, of_log_loss_grad_of_vectors),
        (log_loss_hessian, of_hessian_of_vectors),
        *((f, of_expectation) for f in [*PROPER, *PROPER_GRAD]),
    ],
    ids=lambda f: f.__name__,
)
def test_worst_error_for_probability_vectors_is_at_most_4_ulps(f, check, dtype, record_property):
    assert_accurate(f"{f.__name__}, vectors", check, f, dtype, record_property)


def naive_log_loss(s, y):
    return logsumexp(s) - s[y]


def naive_gradient(s, y):
    gradient = softmax(s)
    gradient[y] -= 1
    return gradient


def naive_softmax(s):
    weights = np.exp(s - s.max())
    return weights / weights.sum()


def naive_jacobian(s):
    p = softmax(s)
    return np.diag(p) - np.outer(p, p)


def naive_kl_divergence(q, p):
    return np.sum(q[q > 0] * np.log(q[q > 0] / p[q > 0]))


def naive_margin_loss(s, y):
    return np.maximum(0, 1 - margin(s, y))


def naive_squared_log_error(h, y):
    return (np.log(h) - np.log(y)) ** 2


@dtypes
@pytest.mark.parametrize(
    ("naive", "check"),
    [
        (naive_log_loss, of_log_loss),
        (naive_gradient, of_log_loss_grad),
        (naive_softmax, of_softmax),
        (naive_jacobian, of_jacobian),
        (naive_kl_divergence, of_kl_divergence),
        (naive_margin_loss, of_margin_loss),
        (naive_squared_log_error, of_squared_log_error),
    ],
    ids=lambda f: f.__name__,
)
def test_the_textbook_formula_fails_this_check(naive, check, dtype):
    with mpmath.workdps(DIGITS[dtype]):
        worst, _ = worst_error(check, naive, dtype)
    assert worst > ULPS
