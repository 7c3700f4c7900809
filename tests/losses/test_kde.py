"""Three references, all with more digits than a float64 holds.

For boxes the integrand is constant between the ends of the boxes. For Laplace kernels p is
A e^(-rate x) + B e^(rate x) between two neighbouring points, and for two Gaussians the ratio of
its terms is e^(linear): both have closed forms with a dilogarithm. mpmath's quadrature takes
Gaussians of any number, split where two of them are equal.
"""

import tracemalloc
from dataclasses import replace
from functools import cache
from itertools import combinations, pairwise

import mpmath
import numpy as np
import pytest
import scipy.stats
from mpmath import mpf

from lossnotes.losses import kde
from lossnotes.losses.kde import (
    Kernel,
    box,
    gaussian,
    kde_cross_entropy,
    kde_cross_entropy_and_grad,
    kde_cross_entropy_grad,
    kde_cross_entropy_hessian,
    laplace,
)
from lossnotes.losses.softmax import log_loss, log_loss_grad, softmax

FACTS = ([0.2, -0.1, 0.4], [0.0, 0.3, -0.5], (-0.1, 0.1))


def loss_and_derivatives(S, log_p, r, r_r):
    """-mean log p, S - mean r, and the Hessian, as floats."""
    points = range(len(S))
    gradient = [S[i] - r[i] for i in points]
    hessian = [
        [(gradient[i] if i == k else 0) - S[i] * S[k] + r_r[i, k] for k in points] for i in points
    ]
    return float(-log_p), np.array(gradient, float), np.array(hessian, float)


def exact_weights(s):
    e = [mpmath.exp(mpf(float(v)) - mpf(float(max(s)))) for v in s]
    return [v / mpmath.fsum(e) for v in e]


def exact_box(s, x, interval, width):
    with mpmath.workdps(60):
        S, (a, b) = exact_weights(s), map(mpf, interval)
        x, half = [mpf(float(v)) for v in x], mpf(width) / 2
        ends = [v + sign * half for v in x for sign in (-1, 1)]
        ends = sorted({a, b, *(end for end in ends if a < end < b)})
        N = len(x)
        log_p, r, r_r = mpf(0), np.zeros(N, object), np.zeros((N, N), object)
        for left, right in pairwise(ends):
            share = (right - left) / (b - a)
            covers = [abs((left + right) / 2 - v) < half for v in x]
            p = mpmath.fsum(S[i] for i in range(N) if covers[i])
            here = np.array([S[i] / p if covers[i] else mpf(0) for i in range(N)])
            log_p += share * mpmath.log(p / width)
            r, r_r = r + share * here, r_r + share * np.outer(here, here)
        return loss_and_derivatives(S, log_p, r, r_r)


def exact_two_exponentials(A, B, rate, left, right):
    """The integrals of log(A e^(-rate x) + B e^(rate x)), of the share f of B in it, and of f^2."""
    length = right - left
    if A == 0 or B == 0:
        height, slope = (B, rate) if A == 0 else (A, -rate)
        log_p = length * mpmath.log(height) + slope * (right**2 - left**2) / 2
        return log_p, length * (A == 0), length * (A == 0)

    def upto(x):
        E = B / A * mpmath.exp(2 * rate * x)
        log_p = x * mpmath.log(A) - rate * x**2 / 2 - mpmath.polylog(2, -E).real / (2 * rate)
        f = mpmath.log(1 + E) / (2 * rate)
        return np.array([log_p, f, f + 1 / (2 * rate * (1 + E))])

    return upto(right) - upto(left)


def exact_laplace(s, x, interval, rate):
    with mpmath.workdps(60):
        S, (a, b), rate = exact_weights(s), map(mpf, interval), mpf(rate)
        x = [mpf(float(v)) for v in x]
        N = len(x)
        log_p, r, r_r = mpmath.log(rate / 2), np.zeros(N, object), np.zeros((N, N), object)
        for left, right in pairwise(sorted({a, b, *(v for v in x if a < v < b)})):
            after = np.array([v > left for v in x])
            signs = [rate if later else -rate for later in after]
            terms = np.array(
                [w * mpmath.exp(k * (left - v)) for w, k, v in zip(S, signs, x, strict=True)]
            )
            A, B = mpmath.fsum(terms[~after]), mpmath.fsum(terms[after])
            log_here, f, f2 = exact_two_exponentials(A, B, rate, mpf(0), right - left)
            log_p += log_here / (b - a)
            shares = np.array(
                [t / (B if later else A) for t, later in zip(terms, after, strict=True)]
            )
            rest = right - left - f
            r = r + shares * np.where(after, f, rest) / (b - a)
            alike = np.where(after, f2, rest - f + f2)
            mixed = np.where(np.equal.outer(after, after), alike, f - f2)
            r_r = r_r + np.outer(shares, shares) * mixed / (b - a)
        return loss_and_derivatives(S, log_p, r, r_r)


def exact_two_gaussians(s, x, interval, width):
    with mpmath.workdps(60):
        S, (a, b), width = exact_weights(s), map(mpf, interval), mpf(width)
        x = [mpf(float(v)) for v in x]
        middle, rate = (x[0] + x[1]) / 2, (x[1] - x[0]) / (2 * width**2)
        log_p, f, f2 = exact_two_exponentials(*S, rate, a - middle, b - middle)
        log_p -= ((b - middle) ** 3 - (a - middle) ** 3) / (6 * width**2)
        log_p = log_p / (b - a) - mpmath.log(width * mpmath.sqrt(2 * mpmath.pi))
        log_p -= ((x[1] - x[0]) / width) ** 2 / 8
        f, f2 = f / (b - a), f2 / (b - a)
        r_r = np.array([[1 - 2 * f + f2, f - f2], [f - f2, f2]])
        return loss_and_derivatives(S, log_p, [1 - f, f], r_r)


def exact_gaussians(s, x, interval, width):
    """By quadrature, in pieces that double from where two of the terms are equal."""
    with mpmath.workdps(30):
        S, (a, b), width = exact_weights(s), map(mpf, interval), mpf(width)
        x, N = [mpf(float(v)) for v in x], len(x)
        ends = {a, b}
        for (u, v), (S_u, S_v) in zip(combinations(x, 2), combinations(S, 2), strict=True):
            bend = width**2 / (v - u)
            equal = (u + v) / 2 - mpmath.log(S_v / S_u) * bend
            ends |= {equal + k * bend for k in (0, 2, 8, 32, 128, -2, -8, -32, -128)}
        rule = mpmath.calculus.quadrature.GaussLegendre(mpmath.mp).calc_nodes(5, 120)
        log_p, r, r_r = mpf(0), np.zeros(N, object), np.zeros((N, N), object)
        for left, right in pairwise(sorted(end for end in ends if a <= end <= b)):
            for node, weight in rule:
                at = (left + right) / 2 + node * (right - left) / 2
                weight *= (right - left) / 2 / (b - a)
                logs = [
                    mpmath.log(w) - ((at - v) / width) ** 2 / 2 for w, v in zip(S, x, strict=True)
                ]
                e = np.array([mpmath.exp(log - max(logs)) for log in logs])
                here = e / mpmath.fsum(e)
                log_p += weight * (max(logs) + mpmath.log(mpmath.fsum(e)))
                r, r_r = r + weight * here, r_r + weight * np.outer(here, here)
        log_p -= mpmath.log(width * mpmath.sqrt(2 * mpmath.pi))
        return loss_and_derivatives(S, log_p, r, r_r)


def points(N, spread, seed):
    rng = np.random.default_rng(seed)
    return spread * rng.normal(size=N), rng.uniform(-1.2, 1.2, N), (-1.0, 0.75)


NEAR_THE_END = ([0.0, 0.0], [0.0, 1.0], (0.0, 0.5001))  # the second takes over at 0.5
CASES = {
    "box 2.5, 1 point": (box, 2.5, exact_box, ([3.0], [0.1], (-1.0, 1.0))),
    "box 2.5, 8 points": (box, 2.5, exact_box, points(8, 1, 0)),
    "box 2, gap 700": (box, 2, exact_box, ([0.0, -700.0, 1.0], [-0.8, 0.7, 0.0], (-1.0, 1.5))),
    "box 2, gap 5000": (box, 2, exact_box, ([0, -5e3, -5001], [-0.5, 0.2, 0.75], (-1.0, 1.5))),
    "laplace 5, the facts": (laplace, 5, exact_laplace, FACTS),
    "laplace 0.5": (laplace, 0.5, exact_laplace, points(5, 1, 1)),
    "laplace 13": (laplace, 13, exact_laplace, points(12, 2, 2)),
    "laplace 13, one point": (laplace, 13, exact_laplace, points(1, 1, 3)),
    "laplace 13, far away": (laplace, 13, exact_laplace, ([0, 1], [500.0, 501.0], (-1.0, 1.0))),
    "laplace 1e-6": (laplace, 1e-6, exact_laplace, points(6, 1, 20)),
    "laplace 300": (laplace, 300, exact_laplace, points(12, 1, 21)),
    "laplace 300, gaps": (laplace, 300, exact_laplace, points(12, 30, 22)),
    "laplace 13, twice": (laplace, 13, exact_laplace, ([0, 1, 2], [0.3, 0.3, -0.1], (-1.0, 1.0))),
    "laplace 1e4": (laplace, 1e4, exact_laplace, points(4, 1, 4)),
    "laplace 1e4, gaps": (laplace, 1e4, exact_laplace, points(4, 700, 5)),
    "laplace 1e6, gaps": (laplace, 1e6, exact_laplace, points(4, 1e5, 6)),
    "gaussian 2": (gaussian, 2, exact_two_gaussians, points(2, 1, 7)),
    "gaussian 0.1": (gaussian, 0.1, exact_two_gaussians, points(2, 1, 8)),
    "gaussian 0.1, gaps": (gaussian, 0.1, exact_two_gaussians, points(2, 30, 9)),
    "gaussian 0.01": (gaussian, 0.01, exact_two_gaussians, NEAR_THE_END),
    "gaussian 1e-4": (gaussian, 1e-4, exact_two_gaussians, NEAR_THE_END),
    "gaussian 0.01, far away": (
        (gaussian, 0.01, exact_two_gaussians, ([0.0, 0.5], [-1000.0, 1000.0], (-1.0, 1.0)))
    ),
    "gaussian 0.2, 3 points": (gaussian, 0.2, exact_gaussians, points(3, 1, 10)),
    "gaussian 0.01, 3 points": (gaussian, 0.01, exact_gaussians, points(3, 700, 11)),
}


@cache
def exact(name):
    _, size, reference, problem = CASES[name]
    return reference(*problem, size)


def errors(name):
    """Of the loss, in units of the larger of 1 and itself, of the gradient and of the Hessian."""
    make, size, _, (s, x, interval) = CASES[name]
    loss, gradient, hessian = exact(name)
    value = kde_cross_entropy(s, x, interval, make(size))
    return np.array(
        [
            abs(value - loss) / max(1, abs(loss)),
            abs(kde_cross_entropy_grad(s, x, interval, make(size)) - gradient).max(),
            abs(kde_cross_entropy_hessian(s, x, interval, make(size)) - hessian).max(),
        ]
    )


def worst_errors():
    return np.max([errors(name) for name in CASES], axis=0)


# The integral


@pytest.mark.parametrize("name", CASES)
def test_loss_gradient_and_hessian_are_those_of_the_reference(name, record_property):
    measured = errors(name)
    record_property("measured", "kde, {}: {:.0e} {:.0e} {:.0e}".format(name, *measured))
    assert measured.max() <= 2e-14


def coarse(monkeypatch):
    monkeypatch.setattr(kde, "TOLERANCE", 1e-3)


def four_nodes_once(monkeypatch):
    monkeypatch.setattr(kde, "TOLERANCE", np.inf)
    nodes, weights = kde._lobatto(4)
    monkeypatch.setattr(kde, "UNIT_NODES", nodes)
    monkeypatch.setattr(kde, "UNIT_WEIGHTS", weights)


def blind_to_the_ends(monkeypatch):
    nodes, weights = np.polynomial.legendre.leggauss(13)
    monkeypatch.setattr(kde, "UNIT_NODES", nodes)
    monkeypatch.setattr(kde, "UNIT_WEIGHTS", weights / 2)


def wrong_weights(monkeypatch):
    monkeypatch.setattr(kde, "softmax", lambda s: softmax(0.999 * s))


@pytest.mark.parametrize(
    ("spoil", "least"),
    [(coarse, 1e-9), (four_nodes_once, 1e-2), (blind_to_the_ends, 1e-4), (wrong_weights, 1e-5)],
)
def test_the_references_would_notice_a_worse_quadrature(spoil, least, monkeypatch):
    spoil(monkeypatch)
    assert worst_errors()[1] > least


def test_the_sources_interval():
    gradient = kde_cross_entropy_grad(*FACTS, laplace(5))
    assert gradient == pytest.approx([-0.39916, 0.08698, 0.31218], abs=5e-6)


def test_151_bins_are_within_2_4_millionths():
    error = abs(
        kde_cross_entropy_grad(*FACTS, laplace(5), bins=151)
        - kde_cross_entropy_grad(*FACTS, laplace(5))
    )
    assert 2.3e-6 < error.max() < 2.4e-6


def test_twice_as_many_bins_have_a_quarter_of_the_error():
    s, x, interval = points(5, 1, 12)
    integral = kde_cross_entropy(s, x, interval, gaussian(0.1))
    fine, finer = (kde_cross_entropy(s, x, interval, gaussian(0.1), n) for n in (500, 1000))
    assert (fine - integral) / (finer - integral) == pytest.approx(4, rel=1e-3)


@pytest.mark.parametrize("make", [box, laplace, gaussian])
def test_derivatives_are_those_of_the_loss(make):
    s, x, interval = points(4, 1, 13)
    kernel = make(2.5)
    step = 1e-5 * np.eye(4)

    def slope(f):
        return (f(s + step, x, interval, kernel) - f(s - step, x, interval, kernel)) / 2e-5

    gradient = kde_cross_entropy_grad(s, x, interval, kernel)
    hessian = kde_cross_entropy_hessian(s, x, interval, kernel)
    assert gradient == pytest.approx(slope(kde_cross_entropy), abs=1e-10)
    assert hessian == pytest.approx(slope(kde_cross_entropy_grad), abs=1e-10)
    assert abs(softmax(s) - gradient).max() > 0.01  # the responsibilities are seen


# One bin: the examples of the source


def test_one_bin_with_half_the_weight_each():
    gradient = kde_cross_entropy_grad([0, 0], [0, 1], (-0.5, 0.5), laplace(1), bins=1)
    assert gradient == pytest.approx([-0.23106, 0.23106], abs=5e-6)


def test_two_matches_are_not_softmax_cross_entropy():
    s = np.array([0.0, 1.0, 2.0])
    gradient = kde_cross_entropy_grad(s, [9, 0, 0.1], (-1, 1), box(1), bins=1)
    assert gradient == pytest.approx([0.0900, -0.0242, -0.0658], abs=5e-5)
    assert abs(gradient - (softmax(s) - [0, 1, 1])).max() > 0.1


@pytest.mark.parametrize("bins", [None, 1, 7])
@pytest.mark.parametrize("gap", [1, 50, 700])
def test_exactly_one_match_is_softmax_cross_entropy(bins, gap):
    s, x = np.array([0.0, gap, 0.5]), [5.0, 0.0, 9.0]
    loss, gradient = kde_cross_entropy_and_grad(s, x, (-0.25, 0.25), box(1), bins)
    assert loss == pytest.approx(log_loss(s, 1), rel=2e-15, abs=0)
    assert gradient == pytest.approx(log_loss_grad(s, 1), rel=2e-15, abs=0)


def test_the_hessian_may_be_indefinite():
    s, x = [0.0, 0.0, 0.0], [9.0, 0.0, 0.0]  # r is shared by two points, S by three
    eigenvalues = np.linalg.eigvalsh(kde_cross_entropy_hessian(s, x, (-0.5, 0.5), box(1)))
    assert eigenvalues == pytest.approx([-1 / 6, 0, 1 / 3], abs=1e-15)


@pytest.mark.parametrize("bins", [None, 151])
def test_a_hessian_is_symmetric_with_rows_of_sum_zero(bins):
    s, x, interval = points(30, 1, 14)
    hessian = kde_cross_entropy_hessian(s, x, interval, laplace(13), bins)
    assert np.array_equal(hessian, hessian.T)
    assert abs(hessian.sum(axis=1)).max() <= 1e-16


@pytest.mark.parametrize("kernel", [box(3), laplace(13), gaussian(0.1)])
def test_bins_are_the_formula_of_the_source(kernel):
    s, x, (a, b) = points(6, 1, 15)
    middles = a + (np.arange(20) + 0.5) * (b - a) / 20
    K = kernel(middles[:, None] - x)
    p = K @ softmax(s)
    loss, gradient = kde_cross_entropy_and_grad(s, x, (a, b), kernel, bins=20)
    assert loss == pytest.approx(-np.log(p).mean(), rel=1e-14)
    r = softmax(s) * K / p[:, None]
    assert gradient == pytest.approx((softmax(s) - r).mean(axis=0), abs=1e-15)


# Invariances


@pytest.mark.parametrize("bins", [None, 31])
@pytest.mark.parametrize("c", [1e-300, 0.5, 7.0, 1e300])
def test_a_multiple_of_the_kernel_shifts_the_loss_and_leaves_the_gradient(c, bins):
    s, x, interval = points(5, 1, 16)
    kernel = laplace(3)
    multiple = replace(kernel, name="c K", log_inside=lambda t: np.log(c) + kernel.log(t))
    loss, gradient = kde_cross_entropy_and_grad(s, x, interval, kernel, bins)
    shifted, same = kde_cross_entropy_and_grad(s, x, interval, multiple, bins)
    assert shifted == pytest.approx(loss - np.log(c), rel=1e-14)
    assert same == pytest.approx(gradient, abs=1e-13)


@pytest.mark.parametrize("bins", [None, 31])
def test_a_shift_of_all_scores_changes_nothing(bins):
    s, x, interval = points(5, 1, 17)
    s = np.round(s * 1024) / 1024  # so that the shift itself is exact
    loss, gradient = kde_cross_entropy_and_grad(s, x, interval, gaussian(0.1), bins)
    shifted, same = kde_cross_entropy_and_grad(s + 512, x, interval, gaussian(0.1), bins)
    assert shifted == loss and np.array_equal(same, gradient)


def test_a_shift_of_points_and_interval_changes_nothing():
    s, x, (a, b) = points(5, 1, 18)
    x = np.round(x * 1024) / 1024
    here = kde_cross_entropy_grad(s, x, (a, b), gaussian(0.01))
    assert np.array_equal(
        here, kde_cross_entropy_grad(s, x + 2**20, (a + 2**20, b + 2**20), gaussian(0.01))
    )


def test_another_unit_of_length_shifts_the_loss():
    s, x, (a, b) = points(5, 1, 19)
    loss, gradient = kde_cross_entropy_and_grad(s, x, (a, b), gaussian(0.1))
    scaled, same = kde_cross_entropy_and_grad(s, 1024 * x, (1024 * a, 1024 * b), gaussian(102.4))
    assert scaled == pytest.approx(loss + np.log(1024), rel=1e-14)
    assert same == pytest.approx(gradient, abs=1e-14)


def test_two_points_at_one_place_share_their_weight():
    together = kde_cross_entropy_grad([np.log(3), 0.5], [0.1, 0.6], (0, 1), laplace(9))
    apart = kde_cross_entropy_grad([0, np.log(2), 0.5], [0.1, 0.1, 0.6], (0, 1), laplace(9))
    assert apart[:2] == pytest.approx(together[0] * np.array([1 / 3, 2 / 3]), abs=1e-15)


# Kernels


@pytest.mark.parametrize(
    ("kernel", "peer"),
    [
        (box(0.3), scipy.stats.uniform(-0.15, 0.3)),
        (laplace(13), scipy.stats.laplace(scale=1 / 13)),
        (gaussian(0.3), scipy.stats.norm(scale=0.3)),
    ],
    ids=["box", "laplace", "gaussian"],
)
def test_kernels_are_the_densities_of_scipy(kernel, peer):
    t = np.array([-30.0, -0.5, -0.1, 0.0, 1e-9, 0.14, 0.16, 3.0])
    assert kernel(t) == pytest.approx(peer.pdf(t), rel=1e-14)
    assert kernel.log(t) == pytest.approx(peer.logpdf(t), rel=1e-14)


def test_far_points_keep_their_logarithm():
    assert gaussian(1e-3).log(1.0) == pytest.approx(-500_000 + np.log(1e3) - np.log(2 * np.pi) / 2)
    assert gaussian(1e-3)(1.0) == 0
    assert laplace(1e5).log(-1.0) == pytest.approx(-1e5 + np.log(5e4))
    assert box(2).log(1.5) == -np.inf


def test_a_kernel_of_ones_own_may_vanish_at_its_ends():
    hat = Kernel("hat", lambda t: np.log1p(-abs(t)), breakpoints=(0,), support=(-1, 1))
    assert kde_cross_entropy([0.0], [0.0], (-1, 1), hat) == pytest.approx(1, abs=1e-12)
    # Two hats, one beside the other, make a roof: p = 1/2 between them.
    loss = kde_cross_entropy([0.0, 0.0], [0.0, 1.0], (0, 1), hat)
    assert loss == pytest.approx(np.log(2), abs=1e-15)


def test_a_kernel_of_ones_own_may_have_heavy_tails():
    width = 1e-3
    cauchy = Kernel("Cauchy", lambda t: -np.log1p((t / width) ** 2), breakpoints=(0,))
    with mpmath.workdps(30):
        w, S = mpf(width), mpf(10) ** -5
        split = sorted(
            {
                mpf(0),
                mpf(1),
                *(mpf(1) / 2 + k * w for k in (-50, -9, -2, -0.5, 0, 0.5, 2, 9, 50)),
                2 * w,
                9 * w,
                50 * w,
                200 * w,
            }
        )
        K = [lambda t, x=x: 1 / (1 + ((t - x) / w) ** 2) for x in (0, mpf(1) / 2)]
        r = mpmath.quad(lambda t: S * K[1](t) / ((1 - S) * K[0](t) + S * K[1](t)), split)
    s = np.log([1 - 1e-5, 1e-5])
    gradient = kde_cross_entropy_grad(s, [0.0, 0.5], (0, 1), cauchy)
    assert gradient[1] == pytest.approx(float(S - r), rel=1e-12)


def test_a_kernel_shows_its_name():
    assert [str(kernel) for kernel in (box(2), laplace(13), gaussian(0.5))] == [
        "box(2.0)",
        "laplace(13.0)",
        "gaussian(0.5)",
    ]


@pytest.mark.parametrize(("width", "x"), [(1e-5, 0.3), (3e-10, 0.3), (1e-3, 1000.0)])
def test_rounding_errors_are_not_taken_for_bends(width, x):
    close = [x, x + 1e-9]
    gradient = kde_cross_entropy_grad([0.0, 0.0], close, (0.0, 1.0), gaussian(width))
    exact = exact_two_gaussians([0.0, 0.0], close, (0.0, 1.0), width)[1]
    assert gradient == pytest.approx(exact, abs=np.spacing(x) / np.ptp(close))


def test_the_least_loss_of_a_box_of_width_one_is_zero():
    assert str(kde_cross_entropy([5.0], [0.0], (-0.5, 0.5), box(1))) == "0.0"


# Points that are not there, places that no point covers


@pytest.mark.parametrize("bins", [None, 31])
def test_a_score_of_minus_infinity_removes_the_point(bins):
    s, x, interval = points(5, 1, 20)
    s[2] = -np.inf
    kept = [0, 1, 3, 4]
    loss, gradient = kde_cross_entropy_and_grad(s, x, interval, laplace(5), bins)
    hessian = kde_cross_entropy_hessian(s, x, interval, laplace(5), bins)
    rest = s[kept], x[kept], interval, laplace(5), bins
    assert loss == pytest.approx(kde_cross_entropy(*rest), rel=1e-15)
    assert gradient[kept] == pytest.approx(kde_cross_entropy_grad(*rest), abs=1e-16)
    assert gradient[2] == 0 and not hessian[2].any() and not hessian[:, 2].any()


@pytest.mark.parametrize("bins", [None, 10])
def test_a_place_that_no_point_covers_makes_the_loss_infinite(bins):
    assert kde_cross_entropy([0, 0], [0, 1], (0, 1), box(0.5), bins) == np.inf
    assert kde_cross_entropy([0, 0], [0, 1], (0, 1), box(1.1), bins) < np.inf


@pytest.mark.parametrize("bins", [None, 10])
def test_a_point_that_is_not_there_covers_nothing(bins):
    assert kde_cross_entropy([0, -np.inf], [0, 1], (0, 1), box(1.1), bins) == np.inf
    assert kde_cross_entropy([0, -2000], [0, 1], (0, 1), box(1.1), bins) < np.inf


def test_an_infinite_loss_leaves_the_other_rows_alone():
    losses = kde_cross_entropy([[0, -np.inf], [0, 0]], [0, 1], (0, 1), box(1))
    assert losses[0] == np.inf
    assert losses[1] == pytest.approx(np.log(2), rel=1e-15)


@pytest.mark.parametrize("bins", [None, 10])
@pytest.mark.parametrize("f", [kde_cross_entropy_grad, kde_cross_entropy_hessian])
def test_where_the_loss_is_infinite_its_derivatives_are_refused(f, bins):
    s = [[[0, 0], [0, -np.inf]]]
    with pytest.raises(ValueError, match=r"s\[0, 1\] has no point that covers x = 10\.[5-9]"):
        f(s, [10, 11], (10, 11), box(1), bins)


@pytest.mark.parametrize("width", [0.1, 0.2, 0.3, 1 / 7])
def test_boxes_side_by_side_leave_no_gap(width):
    x = (np.arange(50) + 0.5) * width
    interval = (0.0, 50 * width)
    for bins in (None, 50, 100, 150):  # 100: midpoints away from the seams; 50: in the middle
        loss = kde_cross_entropy(np.zeros(50), x, interval, box(width), bins)
        assert loss == pytest.approx(np.log(50 * width), rel=1e-13)
    shifted = x - width / 2, (0.0, 49 * width)  # every second midpoint is a seam
    assert kde_cross_entropy(np.zeros(50), *shifted, box(width), 49) < np.inf


def test_a_gap_that_is_wider_than_rounding_is_one():
    assert kde_cross_entropy([0, 0], [0, 1 + 1e-12], (0, 1), box(1)) == np.inf


# Shapes, dtypes, memory


def test_leading_axes_broadcast():
    s, x = np.zeros((4, 1, 3)), np.zeros((2, 3))
    interval = (np.zeros((5, 1, 1)), 1.0)
    for bins in (None, 3):
        assert kde_cross_entropy(s, x, interval, gaussian(1), bins).shape == (5, 4, 2)
        assert kde_cross_entropy_grad(s, x, interval, gaussian(1), bins).shape == (5, 4, 2, 3)
        assert kde_cross_entropy_hessian(s, x, interval, gaussian(1), bins).shape == (5, 4, 2, 3, 3)
        assert kde_cross_entropy(np.zeros((0, 3)), x[0], (0, 1), box(3), bins).shape == (0,)
    assert isinstance(kde_cross_entropy([0.0], [0.0], (0, 1), box(3)), np.float64)


@pytest.mark.parametrize("bins", [None, 151])
@pytest.mark.parametrize("kernel", [box(4), laplace(13), gaussian(0.1)])
def test_rows_in_a_batch_are_what_they_are_alone(kernel, bins):
    rng = np.random.default_rng(0)
    s, x = 3 * rng.normal(size=(60, 20)), rng.uniform(-1, 1, (60, 20))
    a, b = rng.uniform(-1, 0, 60), rng.uniform(0.1, 1, 60)
    loss, gradient = kde_cross_entropy_and_grad(s, x, (a, b), kernel, bins)
    hessian = kde_cross_entropy_hessian(s, x, (a, b), kernel, bins)
    for i in (0, 31, 59):
        row = s[i], x[i], (a[i], b[i]), kernel, bins
        assert loss[i] == pytest.approx(kde_cross_entropy(*row), rel=1e-14)
        assert gradient[i] == pytest.approx(kde_cross_entropy_grad(*row), abs=1e-15)
        assert hessian[i] == pytest.approx(kde_cross_entropy_hessian(*row), abs=1e-15)


def peak_megabytes(call):
    tracemalloc.start()
    call()
    peak = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    return peak


def test_many_bins_are_taken_in_blocks():
    s, x, interval = points(70, 1, 21)
    result = []
    peak = peak_megabytes(
        lambda: result.append(kde_cross_entropy_grad(s, x, interval, laplace(3), 200_000))
    )
    exactly = kde_cross_entropy_grad(s, x, interval, laplace(3))
    assert result[0] == pytest.approx(exactly, abs=1e-10)
    assert peak < 20


@pytest.mark.parametrize("bins", [None, 9])
def test_float32_in_float32_out(bins):
    s, x = np.array([0.2, -0.1], np.float32), np.array([0.0, 0.3], np.float32)
    rest = (0, 1), laplace(5), bins
    for f in (kde_cross_entropy, kde_cross_entropy_grad, kde_cross_entropy_hessian):
        single, double = f(s, x, *rest), f(s.astype(float), x.astype(float), *rest)
        assert single.dtype == np.float32 and double.dtype == np.float64
        assert np.array_equal(single, double.astype(np.float32))


def test_value_and_gradient_together_are_those_apart():
    for bins in (None, 9):
        loss, gradient = kde_cross_entropy_and_grad(*FACTS, laplace(5), bins)
        assert loss == kde_cross_entropy(*FACTS, laplace(5), bins)
        assert np.array_equal(gradient, kde_cross_entropy_grad(*FACTS, laplace(5), bins))


def test_inputs_are_not_changed():
    s, x = np.array([[0.2, -np.inf, 0.0]]), np.array([0.0, 0.3, -0.5])
    s.flags.writeable = x.flags.writeable = False
    before = s.copy(), x.copy()
    (
        kde_cross_entropy_and_grad(s, x, (-1, 1), gaussian(1)),
        kde_cross_entropy_hessian(s, x, (-1, 1), box(4)),
    )
    assert np.array_equal(s, before[0]) and np.array_equal(x, before[1])


def by_quadrature(rate):
    """The same Laplace kernel, which no closed form knows."""
    kernel = laplace(rate)
    return replace(kernel, log_inside=lambda t: kernel.log_inside(t))


@pytest.mark.parametrize("rate", [0.5, 13, 300])
def test_the_closed_form_is_the_integral_by_quadrature(rate):
    rng = np.random.default_rng(18)
    s, x = 3 * rng.normal(size=(4, 60)), rng.uniform(-1.5, 1.5, (4, 60))
    s[1, ::3], s[2, 5], x[3, 1::2] = -np.inf, 40, x[3, ::2]
    loss, gradient = kde_cross_entropy_and_grad(s, x, (-1, [1, 2, 3, 4]), laplace(rate))
    same, alike = kde_cross_entropy_and_grad(s, x, (-1, [1, 2, 3, 4]), by_quadrature(rate))
    assert loss == pytest.approx(same, rel=1e-14)
    assert gradient == pytest.approx(alike, abs=1e-14)


@pytest.mark.parametrize("spread", [0, 1, 30, 3000])
def test_the_hessian_box_by_box_is_that_by_panels(spread, monkeypatch):
    rng = np.random.default_rng(23)
    s, x = spread * rng.normal(size=(3, 40)), rng.uniform(-1, 1, (3, 40))
    s[:, 0] += 0.5 * spread
    s[1, 1::3], x[2, 1::2], x[:, :3] = -np.inf, x[2, ::2], [-0.9, 0.1, 0.8]
    by_panels = kde_cross_entropy_hessian(s, x, (-1, 1), box(2))
    monkeypatch.setattr(kde, "MANY", 1)
    box_by_box = kde_cross_entropy_hessian(s, x, (-1, 1), box(2))
    assert np.array_equal(box_by_box, box_by_box.swapaxes(1, 2))
    assert abs(box_by_box - by_panels).max() < 1e-14


@pytest.mark.parametrize("name", [name for name in CASES if name.startswith("box")])
def test_box_by_box_all_is_as_in_the_reference(name, monkeypatch):
    monkeypatch.setattr(kde, "MANY", 1)
    assert errors(name).max() <= 2e-14


@pytest.mark.parametrize("spread", [0, 1, 30, 3000])
def test_loss_and_gradient_box_by_box_are_those_by_panels(spread, monkeypatch):
    rng = np.random.default_rng(24)
    s, x = spread * rng.normal(size=(3, 40)), rng.uniform(-1, 1, (3, 40))
    s[1, 1::3], x[2, 1::2], x[:, :3] = -np.inf, x[2, ::2], [-0.9, 0.1, 0.8]
    s[:, 0] += 0.5 * spread
    loss, gradient = kde_cross_entropy_and_grad(s, x, (-1, 1), box(2))
    monkeypatch.setattr(kde, "MANY", 1)
    same, alike = kde_cross_entropy_and_grad(s, x, (-1, 1), box(2))
    assert same == pytest.approx(loss, rel=1e-14)
    assert alike == pytest.approx(gradient, abs=1e-14)


def test_a_gap_between_many_boxes_is_found(monkeypatch):
    monkeypatch.setattr(kde, "MANY", 1)
    assert kde_cross_entropy([0, 0], [-1, 1], (-1, 1), box(1)) == np.inf
    with pytest.raises(ValueError, match="no point that covers x = "):
        kde_cross_entropy_grad([0, 0], [-1, 1], (-1, 1), box(1))


def test_the_hessian_box_by_box_sums_no_panel_for_every_pair(monkeypatch):
    numbers, cumsum = [], np.cumsum
    monkeypatch.setattr(np, "cumsum", lambda x: numbers.append(np.size(x)) or cumsum(x))
    monkeypatch.setattr(kde, "MANY", 1)

    def cost(N):
        numbers.clear()
        kde_cross_entropy_hessian(*points(N, 1, 19), box(4))
        return sum(numbers)

    assert 0 < cost(200) / cost(50) < 18


@pytest.mark.parametrize(("kernel", "free"), [(laplace(13), 0), (box(4), 1)], ids=repr)
@pytest.mark.parametrize("gradient", [True, False])
def test_loss_and_gradient_cost_n_log_n(gradient, kernel, free, monkeypatch):
    """256 points are doubled 8 times and 4096 are 12 times; boxes side by side once for nothing."""
    numbers, exp = [], np.exp
    monkeypatch.setattr(np, "exp", lambda x, **rest: numbers.append(np.size(x)) or exp(x, **rest))
    solve = kde_cross_entropy_and_grad if gradient else kde_cross_entropy

    def cost(N):
        numbers.clear()
        solve(*points(N, 1, 19), kernel)
        return sum(numbers)

    assert cost(4096) / cost(256) < 16 * (12 - free) / (8 - free)


@pytest.mark.parametrize(("waves", "bins"), [(256, 151), (32, None)])
def test_many_waves_of_100_points_take_little_memory(waves, bins, record_property):
    rng = np.random.default_rng(0)
    s, x = rng.normal(size=(waves, 100)), rng.uniform(-1, 1, (waves, 100))
    peak = peak_megabytes(lambda: kde_cross_entropy_and_grad(s, x, (-1, 1), laplace(13), bins))
    record_property("measured", f"kde, {waves} x 100, bins={bins}: {peak:.0f} MB")
    assert peak < 40


# Bad input


@pytest.mark.parametrize(
    ("call", "why"),
    [
        (
            lambda: kde_cross_entropy([[0, 0], [0, np.nan]], [0, 1], (0, 1), box(4)),
            r"s\[1, 1\] = nan",
        ),
        (
            lambda: kde_cross_entropy([0, np.inf], [0, 1], (0, 1), box(4)),
            r"s\[1\] = inf is not a score",
        ),
        (
            lambda: kde_cross_entropy([-np.inf], [0], (0, 1), box(4)),
            r"s = .* rules out every class",
        ),
        (lambda: kde_cross_entropy(0.0, 0.0, (0, 1), box(4)), "s has shape"),
        (
            lambda: kde_cross_entropy([0, 0], [0, np.nan], (0, 1), box(4)),
            r"x\[1\] = nan is not finite",
        ),
        (
            lambda: kde_cross_entropy([0, 0], [0, np.inf], (0, 1), box(4)),
            r"x\[1\] = inf is not finite",
        ),
        (
            lambda: kde_cross_entropy([0, 0], [0], (0, 1), box(4)),
            r"s has shape \(2,\) and x \(1,\)",
        ),
        (
            lambda: kde_cross_entropy(np.zeros((2, 1)), np.zeros((3, 1)), (0, 1), box(4)),
            r"s \(2,\) and x \(3,\)",
        ),
        (lambda: kde_cross_entropy([0], [0], (1, 1), box(4)), r"interval = \(1.0, 1.0\) is not an"),
        (lambda: kde_cross_entropy([0], [0], ([0, 2], 1), box(4)), r"interval\[1\] = \(2.0, 1.0\)"),
        (lambda: kde_cross_entropy([0], [0], (0, np.nan), box(4)), r"interval = \(0.0, nan\)"),
        (lambda: kde_cross_entropy([0], [0], (0, np.inf), box(4)), r"interval = \(0.0, inf\)"),
        (lambda: kde_cross_entropy([0], [0], 1.0, box(4)), r"interval = 1.0 is not a pair"),
        (
            lambda: kde_cross_entropy([0], [0], (0, 1), box),
            "kernel = <function box.* is not a Kernel",
        ),
        (
            lambda: kde_cross_entropy([0], [0], (0, 1), box(4), 0),
            "bins = 0 is not a positive integer",
        ),
        (lambda: kde_cross_entropy([0], [0], (0, 1), box(4), 1.5), "bins = 1.5 is not"),
        (lambda: kde_cross_entropy([0], [0], (0, 1), box(4), True), "bins = True is not"),
        (lambda: box(0), "width = 0 is not a positive number"),
        (lambda: laplace(np.nan), "rate = nan is not"),
        (lambda: gaussian(np.inf), "width = inf is not"),
        (lambda: gaussian("wide"), "width = 'wide' is not"),
        (lambda: Kernel("none", np.abs, support=(1, 1)), r"support = \(1, 1\) is not"),
        (lambda: Kernel("none", np.abs, breakpoints=(np.inf,)), "breakpoints"),
        (lambda: kde_cross_entropy([0], [1], (0, 1), Kernel("odd", np.sqrt)), "kernel = odd has a"),
        (
            lambda: kde_cross_entropy([0], [0], (0, 1), Kernel("rough", lambda t: np.sin(1e9 * t))),
            "kernel = rough is not smooth",
        ),
    ],
)
def test_bad_input_is_named(call, why):
    with pytest.raises(ValueError, match=why):
        call()
