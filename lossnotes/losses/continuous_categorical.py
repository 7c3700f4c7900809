"""The continuous categorical: a likelihood for targets on the simplex.

    p(y; eta) = e^(eta . y) / I(eta),    I(eta) = the integral of e^(eta . y) over the simplex

for y with y_k >= 0 and sum one, integrated over y_1 .. y_(K-1). The parameter is eta = log lambda;
adding a number to all of eta does not change p. An eta_k = -inf, a zero lambda, confines y to the
face y_k = 0 of the simplex, and the integral to that face.

The closed form of I loses all its digits beyond a few classes. `Quadrature` computes it as a
contour integral, to the last digits for any K.
Source: Gordon-Rodriguez et al. (2020), eqs. 5 and 6. Chapter: continuous_categorical.
"""

import math
import operator

import numpy as np

from lossnotes.losses import _arguments as arguments
from lossnotes.losses._arithmetic import rounded

# The path of the quadrature and its nodes; the chapter shows how angle and step were found. Nodes
# are computed 18 at a time, until the last of them weighs no more than NEGLIGIBLE. The fourth time
# it does: each factor of the integrand falls along the path.
ANGLE = np.deg2rad(55)
SIN, COS = np.sin(ANGLE), np.cos(ANGLE)
STEP = 0.065
STEP_IN_WIDTHS = 0.55  # of the integrand, where it is narrow
NODES = 18
MOST_NODES = 4 * NODES
NEGLIGIBLE = 1e-17
# The product over the classes. GROUP factors are a polynomial, PIECE polynomials are multiplied.
# At the last node a factor is near 80, and 80^128 does not overflow.
GROUP = 4
PIECE = 32
SMALL = 500  # scores; below, calls cost more than nodes, and all nodes are computed at once
CACHED = 2**14  # complex numbers to work on at a time, a quarter of a megabyte


def log_normalizer(eta):
    """log I(eta): -log C(lambda) of the source, and from -inf to inf.

    eta: log lambda (..., K), where -inf is allowed; an eta_k that is lower than another by more
    than the largest float counts as -inf. Result: (...,).
    In float64 its error is below 1e-15 of the larger of 1, |max eta| and log I itself.
    Raises ValueError for NaN, +inf, a missing class axis, and rows of -inf only.
    Source: Gordon-Rodriguez et al. (2020), eq. 6. Chapter: continuous_categorical.
    """
    eta = _parameters(eta)
    result = np.empty(eta.shape[:-1])
    for block, quadrature in _quadratures(eta):
        result.reshape(-1)[block] = quadrature.top + quadrature.log_integral
    return result.astype(eta.dtype)[()]


def mean(eta):
    """E[y], the gradient of log I: positive, with the sum one up to rounding. It is not lambda.

    eta: log lambda (..., K). Result: (..., K), 0 where eta_k = -inf.
    In float64 each entry has a relative error below 5e-15, or as large as the last digit of eta
    makes it: that is more for thousands of classes that balance one class far above them.
    Errors as in `log_normalizer`.
    Source: Gordon-Rodriguez et al. (2020) give the density. Chapter: continuous_categorical.
    """
    eta = _parameters(eta)
    return _means(eta).astype(eta.dtype)


def covariance(eta):
    """The covariance of y, the Hessian of log I and of `nll`.

    eta: log lambda (..., K). Result: (..., K, K), symmetric, with rows of sum zero.
    No entry off the diagonal is positive, so that it is positive semidefinite.
    In float64 the error of entry jk is below 1e-14 of the standard deviations of y_j and y_k.
    Errors as in `log_normalizer`.
    Source: Gordon-Rodriguez et al. (2020) give the density. Chapter: continuous_categorical.
    """
    eta = _parameters(eta)
    classes = eta.shape[-1]
    result = np.empty((*eta.shape, classes))
    for block, quadrature in _quadratures(eta, entries=classes**2):
        result.reshape(-1, classes, classes)[block] = quadrature.covariance()
    return rounded(result, eta.dtype)


def log_prob(y, eta):
    """log p(y; eta) = eta . y - log I(eta), the logarithm of a density on the simplex.

    y: probability vectors (..., K), or integer labels (...,) for its corners.
    eta: log lambda (..., K). Leading axes broadcast.
    Result: (...,), from -inf (where y_k > 0 and eta_k = -inf) to inf.
    Raises ValueError as `log_normalizer` does, and for a y that is not on the simplex.
    Source: Gordon-Rodriguez et al. (2020), eq. 5. Chapter: continuous_categorical.
    """
    return 0 - nll(eta, y)


def nll(eta, y):
    """-log p(y; eta) = log I(eta) - eta . y, the loss of a prediction eta for a soft label y.

    A shift of eta does not change it. Arguments and errors as in `log_prob`, in the order of the
    other losses; result: (...,). A density may exceed one, so that the loss may be negative.
    Source: Gordon-Rodriguez et al. (2020), eq. 7. Chapter: continuous_categorical.
    """
    return _nll(eta, y, value=True)[0]


def nll_grad(eta, y):
    """The gradient of `nll` in eta: mean(eta) - y, or mean(eta) - e_y for labels.

    Result: (..., K), from -1 to 1, of sum zero up to rounding: the entry of the largest eta, where
    mean - y would cancel, is minus the sum of the others.
    Arguments and errors as in `nll`; finite also where the loss is not.
    Chapter: continuous_categorical.
    """
    return _nll(eta, y, grad=True)[1]


def nll_and_grad(eta, y):
    """(nll(eta, y), nll_grad(eta, y)) for little more than the price of one.

    Arguments, shapes and errors as there. Chapter: continuous_categorical.
    """
    return _nll(eta, y, value=True, grad=True)


def sample(eta, size, rng):
    """Points of the simplex, drawn from the density p(y; eta) exactly.

    eta: log lambda (..., K). size: an integer or a tuple. rng: a numpy Generator.
    Result: (*size, ..., K) in float64.
    By rejection: y is a vector of independent exponentials with the rates tau - eta_k, given that
    their sum is one. Either all are drawn but the top one, which fills up the sum, or all are, and
    divided by their sum. The one that is accepted more often takes a few trials a point.
    Raises ValueError as `log_normalizer` does, and for a size or an rng that is none.
    Chapter: continuous_categorical.
    """
    eta = _parameters(eta).astype(np.float64)
    size = _size(size)
    if not isinstance(rng, np.random.Generator):
        raise ValueError(f"rng = {rng!r} is not a numpy.random.Generator")
    count = math.prod(size)
    result = np.empty((count, *eta.shape))
    for index in np.ndindex(eta.shape[:-1]):
        result[:, *index] = _sample_row(eta[index], count, rng)
    return result.reshape(*size, *eta.shape)


def fit(mean):
    """The eta whose mean is the given one: the maximum likelihood, for the average of data.

    mean: probability vectors (..., K). Result: (..., K), shifted to max eta = 0; -inf where the
    mean is 0. Its mean is the given one up to a relative error of 1e-14, in float64.
    Raises ValueError if `mean` is not a probability vector, and where an entry is so small that
    eta = -1 / mean is beyond the floats of its dtype.
    Laplace's method says which eta is near. Each entry is then multiplied by what the method says
    for the mean that it has over what it says for the mean that it should have, until that brings
    it no closer. The first error is about a hundredth; each correction leaves .03 of it or less.
    Chapter: continuous_categorical.
    """
    target = arguments.probability_array("mean", mean)
    too_small = (target > 0) & (target < 4 / np.finfo(target.dtype).max)
    arguments.refuse_first("mean", too_small, target, "is too small: eta would be infinite")
    rows = target.reshape(-1, target.shape[-1]).astype(np.float64)
    eta = _fit_rows(rows / rows.sum(axis=1, keepdims=True))
    return eta.reshape(target.shape).astype(target.dtype)


def _parameters(eta):
    eta = arguments.score_array("eta", eta)
    arguments.check_scores("eta", eta)
    arguments.check_some_class_possible("eta", eta)
    return eta


def _nll(eta, y, value=False, grad=False):
    eta = _parameters(eta)
    classes = eta.shape[-1]
    y = arguments.target_array(y, eta)
    dtype = eta.dtype
    if y.dtype.kind == "f":
        dtype = np.result_type(eta, y)
    else:
        y = (np.arange(classes) == y[..., None]).astype(np.float64)
    arguments.common_shape(eta=eta.shape[:-1], y=y.shape[:-1])
    log_integral, expected = np.empty(eta.shape[:-1]), np.empty(eta.shape if grad else 0)
    for block, quadrature in _quadratures(eta):
        log_integral.reshape(-1)[block] = quadrature.log_integral
        if grad:
            expected.reshape(-1, classes)[block] = quadrature.mean()
    values = gradients = None
    if value:
        with np.errstate(all="ignore"):  # 0 times the infinite gap of a zero lambda
            gap = eta.max(axis=-1, keepdims=True) - eta.astype(np.float64)
            y_gap = np.where(y > 0, y * gap, 0).sum(axis=-1)
        values = (y_gap + log_integral).astype(dtype)[()]
    if grad:
        gradients = expected - y
        top = np.broadcast_to(eta.argmax(axis=-1)[..., None], (*gradients.shape[:-1], 1))
        np.put_along_axis(gradients, top, 0, axis=-1)
        np.put_along_axis(gradients, top, 0 - gradients.sum(axis=-1, keepdims=True), axis=-1)
        gradients = rounded(gradients, dtype)
    return values, gradients


def _means(eta):
    result = np.empty(eta.shape)
    for block, quadrature in _quadratures(eta):
        result.reshape(-1, eta.shape[-1])[block] = quadrature.mean()
    return result


def _quadratures(eta, entries=None):
    """(block, the Quadrature of its rows) for slices that cover the rows of eta.

    entries: what a row takes of CACHED; by default its polynomials at all nodes of one time.
    """
    rows = np.ascontiguousarray(eta.reshape(-1, eta.shape[-1]), dtype=np.float64)
    entries = entries or NODES * min(-(-rows.shape[1] // GROUP), PIECE)
    step = max(1, CACHED // entries)
    for start in range(0, len(rows), step):
        block = slice(start, start + step)
        with np.errstate(all="ignore"):  # also while the caller computes with the quadrature:
            yield block, Quadrature(rows[block])  # infinities are meant, gaps to a zero lambda


class Quadrature:
    """I as a sum over nodes, for rows of eta (n, K).

        I(eta) = 1/(2 pi i) times the integral of e^(tau + z) / prod(tau + z - eta_k) dz
               = e^tau prod(r_k) times that of e^z / prod(1 + z r_k),   r_k = 1 / (tau - eta_k)

    along z(u) = rho (cos a - cos(a + iu)), which crosses the saddle at tau and turns to the left on
    both sides, around all eta_k. With equal steps of u the error falls exponentially.

    top           (n,)   max eta
    alone         (n,)   whether no other class is possible
    r             (n, K) the r_k; they sum to about one
    z, w          (n, N) nodes and their weights; the real parts of w sum to one
    log_integral  (n,)   log I(eta - top)

    Source: Trefethen and Weideman (2014), equal steps. Chapter: continuous_categorical.
    """

    def __init__(self, eta):
        self.top = eta.max(axis=1)
        gap = self.top[:, None] - eta
        beyond, self.r, squares = _saddle(gap)
        self.alone = (self.r > 0).sum(axis=1) == 1
        rho = 2 * beyond
        width = 1 / (rho * SIN * np.sqrt(squares))
        step = np.minimum(STEP, STEP_IN_WIDTHS * width)
        polynomials, shares = _polynomials(self.r)
        at_a_time = NODES if eta.size > SMALL else MOST_NODES
        z, w = [], []
        for first in range(0, MOST_NODES, at_a_time):
            half = np.arange(first, first + at_a_time) * (step / 2)
            sinh, cosh = np.sinh(half), np.cosh(half)  # of u / 2
            z.append(2j * rho * (sinh * (SIN * cosh + 1j * COS * sinh)))
            dz = SIN * (1 + 2 * sinh**2) + 1j * COS * (2 * sinh * cosh)  # / du, over i rho
            w.append(dz * _integrand(z[-1], polynomials, shares))
            if (abs(w[-1][:, -1]) < NEGLIGIBLE).all():
                break
        w[0][:, 0] /= 2  # the other nodes stand for their mirror images too
        self.z, self.w = np.concatenate(z, axis=1), np.concatenate(w, axis=1)
        total = self.w.real.sum(axis=1, keepdims=True)
        self.w /= total
        logs = np.log(np.where(self.r > 0, self.r, 1)).sum(axis=1)
        logs += (beyond + np.log(step * rho / np.pi * total))[:, 0]
        self.log_integral = np.where(self.alone, 0, logs)

    def mean(self):
        """The mean of y, (n, K): the sum over nodes of Re w r_k / (1 + z r_k)."""
        x, y, r = self.z.real, self.z.imag, self.r
        numerator = np.stack([self.w.real, x * self.w.real + y * self.w.imag], axis=1)
        denominator = np.stack([np.ones_like(x), 2 * x, x**2 + y**2], axis=1)  # |1 + z r|^2
        powers = np.stack([np.ones_like(r), r, r**2], axis=-1)
        result = np.empty_like(r)
        classes = max(1, 2 * CACHED // x.size)
        for first in range(0, r.shape[1], classes):
            some = slice(first, first + classes)
            terms = powers[:, some, :2] @ numerator
            terms /= powers[:, some] @ denominator
            result[:, some] = terms @ np.ones(x.shape[1])
        return np.where(self.alone[:, None], r > 0, r * result)

    def covariance(self):
        """The covariance of y, (n, K, K): the sum over nodes of Re w (R_j - mean_j)(R_k - mean_k).

        R_k = r_k / (1 + z r_k) and its mean share most digits where r_k is small. So r_k is taken
        from both beforehand. For j = k the sum is another; the rows sum to zero instead.
        """
        w, zr = self.w[..., None], self.z[..., None] * self.r[:, None]
        beyond_r = -self.r[:, None] * zr / (1 + zr)
        deviations = beyond_r - (w * beyond_r).real.sum(axis=1, keepdims=True)
        weighted = w * deviations
        left = np.concatenate([deviations.real, deviations.imag], axis=1)
        right = np.concatenate([weighted.real, -weighted.imag], axis=1)
        half = left.swapaxes(1, 2) @ (right / 2)
        result = half + half.swapaxes(1, 2)
        np.minimum(result, 0, out=result)
        diagonal = np.arange(self.r.shape[1])
        result[:, diagonal, diagonal] = 0
        result[:, diagonal, diagonal] = 0 - result.sum(axis=-1)
        return result


def _saddle(gap):
    """tau - max eta (n, 1), r_k = 1 / (tau - eta_k) (n, K), and the sum of their squares (n, 1).

    The saddle tau is where the r_k sum to one. Newton's method for the inverse of that sum rises
    towards it from 1, or from where K equal classes of the mean gap would have it. It need not go
    all the way: a tenth of the integrand's width is near enough.
    """
    beyond = np.maximum(1, gap.shape[1] - gap.sum(axis=1) / gap.shape[1])[:, None]
    while True:
        r = 1 / (beyond + gap)
        total, squares = r.sum(axis=1, keepdims=True), np.vecdot(r, r)[:, None]
        if not (total - 1 > 0.1 * np.sqrt(squares)).any():
            return beyond, r, squares
        beyond = beyond + (total - 1) * total / squares


def _polynomials(r):
    """The products of four factors 1 + z r_k each as polynomials in z, the same for every node.

    Their coefficients (n, P, G, 5), which are all positive: P pieces of G polynomials. And what
    share of the sum of r each piece has, (n, P, 1).
    """
    n, classes = r.shape
    pieces = -(-classes // (GROUP * PIECE))
    groups = -(-classes // (GROUP * pieces))
    padded = np.zeros((n, pieces * GROUP * groups))
    padded[:, :classes] = r
    padded = padded.reshape(n, pieces, GROUP, groups)
    a, b, c, d = (padded[:, :, factor] for factor in range(GROUP))
    (p1, p2), (q1, q2) = (a + b, a * b), (c + d, c * d)
    coefficients = [np.ones_like(a), p1 + q1, p2 + p1 * q1 + q2, p1 * q2 + p2 * q1, p2 * q2]
    sums = padded.sum(axis=(2, 3))
    shares = (sums / sums.sum(axis=1, keepdims=True))[..., None]
    return np.array(coefficients).transpose(1, 2, 3, 0), shares


def _integrand(z, polynomials, shares):
    """e^z / prod(1 + z r_k) at nodes z (n, N), piece by piece: no part of it overflows."""
    n, pieces, groups, _ = polynomials.shape
    powers = np.ones((n, 1, GROUP + 1, z.shape[1]), complex)
    for power in range(1, GROUP + 1):
        np.multiply(powers[:, 0, power - 1], z, out=powers[:, 0, power])
    result = 1
    at_a_time = max(1, CACHED // (groups * z.size))
    for first in range(0, pieces, at_a_time):
        some = slice(first, first + at_a_time)
        product = (polynomials[:, some] @ powers.view(float)).view(complex)
        while (length := product.shape[2]) > 1:
            product[:, :, : length // 2] *= product[:, :, -(length // 2) :]
            product = product[:, :, : -(length // 2)]
        parts = np.exp(z[:, None] * shares[:, some]) / product[:, :, 0]
        result = result * parts.prod(axis=1)
    return result


def _size(size):
    """A shape from an integer or a tuple of them."""
    lengths = size if isinstance(size, tuple) else (size,)
    try:
        shape = tuple(operator.index(length) for length in lengths)
    except TypeError:
        shape = (-1,)
    if min(shape, default=0) < 0:
        raise ValueError(f"size = {size!r} is neither a non-negative integer nor a tuple of them")
    return shape


def _sample_row(eta, count, rng):
    """Points (count, K) for one eta (K,), by that of two proposals which is accepted more often."""
    result = np.zeros((count, len(eta)))
    with np.errstate(all="ignore"):
        gap = eta.max() - eta
        log_integral = Quadrature(eta[None]).log_integral[0]
    order = np.argsort(gap, kind="stable")
    classes = order[gap[order] < np.inf]
    if len(classes) == 1:
        result[:, classes] = 1
        return result
    propose = max(
        _FilledUp(gap[classes], log_integral),
        _Divided(gap[classes], log_integral),
        key=lambda proposal: proposal.acceptance,
    )
    done = 0
    while done < count:
        trials = min(int((count - done) / propose.acceptance) + 10, max(1, 2**20 // len(eta)))
        accepted = propose(trials, rng)[: count - done]
        result[done : done + len(accepted), classes] = accepted
        done += len(accepted)
    return result


class _FilledUp:
    """All exponentials but the first are drawn, which fills up the sum.

    Rare where many classes are as large as the first: their sum seldom leaves it so little.
    """

    def __init__(self, gap, log_integral):
        gap = gap[1:]
        self.beyond = max(0, _saddle((gap - gap.min())[None])[0].item() - gap.min())
        self.rates = self.beyond + gap
        self.acceptance = np.exp(log_integral - self.beyond + np.log(self.rates).sum())

    def __call__(self, trials, rng):
        drawn = rng.standard_exponential((trials, len(self.rates))) / self.rates
        rest = 1 - drawn.sum(axis=1)
        accepted = (rest >= 0) & (rng.standard_exponential(trials) >= self.beyond * rest)
        return np.concatenate([rest[:, None], drawn], axis=1)[accepted]


class _Divided:
    """All exponentials are drawn and divided by their sum.

    This has the density (K - 1)! prod(rates) / u^K with u = rates . y, and p that of e^-u, up to a
    factor: so their ratio is u^K e^-u, at most K^K e^-K. Rare where one class is far the largest.
    """

    def __init__(self, gap, log_integral):
        K = len(gap)
        beyond = _saddle(gap[None])[0].item()
        self.rates = beyond + gap
        logs = log_integral - beyond + np.log(self.rates).sum()
        self.acceptance = np.exp(logs + math.lgamma(K) + K - K * math.log(K))

    def __call__(self, trials, rng):
        K = len(self.rates)
        drawn = rng.standard_exponential((trials, K))
        u = drawn.sum(axis=1)
        drawn /= self.rates
        total = drawn.sum(axis=1)
        u /= total
        accepted = rng.standard_exponential(trials) >= u - K - K * np.log(u / K)
        return drawn[accepted] / total[accepted, None]


def _fit_rows(target):
    """eta (n, K) with the means `target` (n, K); a row is left as soon as it comes no closer."""
    with np.errstate(all="ignore"):
        goal = _near_r(target)
        inverse = 1 / goal
    closest, best, left = inverse.copy(), np.full(len(target), np.inf), np.arange(len(target))
    while len(left):
        means, there = _means(-inverse), target[left] > 0
        with np.errstate(all="ignore"):
            error = abs(np.where(there, means / target[left], 1) - 1).max(axis=1)
            correction = np.where(there, _near_r(means) / goal[left], 1)
        closer = error < best[left]
        left, inverse = left[closer], inverse[closer]
        closest[left], best[left] = inverse, error[closer]
        inverse = inverse * correction[closer]
    return closest.min(axis=1, keepdims=True) - closest


def _near_r(mean):
    """About the r_k = 1 / (tau - eta_k) of an eta with this mean (n, K).

    By Laplace's method at the saddle I is about e^tau prod(r_k) / sqrt(2 pi S_2) with the sums S_j
    of r_k^j. The derivative of its logarithm, r_k - (r_k^3 - r_k^2 S_3 / S_2) / S_2, is near the
    mean, so that r_k is near the mean and what is taken off here.
    """
    square = mean * mean
    s2, s3 = np.vecdot(mean, mean)[:, None], np.vecdot(square, mean)[:, None]
    return mean * (1 + (square - mean * s3 / s2) / s2)
