"""Cross-entropy of a kernel density estimate.

    L(s) = -1/(x_+ - x_-) times the integral over [x_-, x_+] of log density(x) dx,
    density(x) = sum of sigma_j(s) kernel(x - x_j),    sigma(s) = softmax(s)

for K points x_j, the memories, with scores s_j. The target is uniform on [x_-, x_+]. With the
responsibilities r_i(x) = sigma_i kernel(x - x_i) / density(x), and means taken over [x_-, x_+],

    gradient  sigma_i - mean r_i,
    Hessian   sigma_i (delta_ik - sigma_k) - mean r_i (delta_ik - r_k).

The means are integrated between the kernels' breakpoints, and each panel is halved until that
changes nothing. For where one point takes over from another, log density bends within 1/rate or
width^2 / distance, which may be a millionth of a panel. The rule is that of Gauss and Lobatto,
which looks at both ends: a Legendre rule misses a point that takes over just before the end.
The source writes z for s, S for sigma(s) and K for the kernel. BeepBoop is a robot in the game
Robocode: memories are earlier shots, at the angles x_j, and with the loss it learns their weights.
Source: RoboWiki, Understanding BeepBoop (Xor and Kev, 2022). Chapter: kde.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.polynomial.legendre import Legendre

from lossnotes.losses import _arguments as arguments
from lossnotes.losses._arithmetic import rounded
from lossnotes.losses._rows import BLOCK
from lossnotes.losses.softmax import log_softmax, softmax

NODES = 13  # of the rule in a panel
TOLERANCE = 1e-14  # of a panel's part in the means of log density, of r and of r^2
EPS = np.finfo(np.float64).eps
ROUNDING = 2 * EPS  # of log density, and so of r, in units of it and of its slope times the length
LIMIT = 1000  # panels a point that may be too coarse, or the kernel is not what it says
MANY = 200  # points, from which boxes are faster one by one than with all panels
NUDGE = 8 * EPS  # from a breakpoint into a panel, in units of where breakpoints are


@dataclass(frozen=True)
class Kernel:
    """A kernel, by its logarithm: log(exp()) would lose the points that are far away.

    name         how it is shown
    log_inside   a function of arrays x: log kernel(x) wherever x is in the support
    breakpoints  where the kernel or one of its derivatives jumps, or peaks above heavy tails
    support      (low, high), beyond which it is 0; its finite ends become breakpoints too
    constant     whether it is constant between breakpoints, so that one node a panel is exact

    kernel(x) is its value at any x, and kernel.log(x) the logarithm. A kernel of one's own:
    Kernel("hat", lambda x: np.log1p(-abs(x)), breakpoints=(0,), support=(-1, 1)).
    It need not integrate to one: a times it has the same gradient, and a loss less by log a.
    Raises ValueError for a support that is not an interval and breakpoints that are not finite.
    Source: Rosenblatt (1956), Parzen (1962). Chapter: kde.
    """

    name: str
    log_inside: Callable
    breakpoints: tuple = ()
    support: tuple = (-np.inf, np.inf)
    constant: bool = False

    def __post_init__(self):
        low, high = self.support
        if not low < high:
            raise ValueError(f"support = {self.support} is not an interval")
        breakpoints = {*self.breakpoints, *(end for end in self.support if np.isfinite(end))}
        if not np.isfinite(list(breakpoints)).all():
            raise ValueError(f"breakpoints = {self.breakpoints} are not all finite")
        object.__setattr__(self, "breakpoints", tuple(sorted(breakpoints)))

    def __repr__(self):
        return self.name

    def __call__(self, x):
        return np.exp(self.log(x))

    def log(self, x):
        low, high = self.support
        x = np.asarray(x, np.float64)
        with np.errstate(all="ignore"):
            logs = self.log_inside(x)
            if low > -np.inf or high < np.inf:
                logs = np.where((x >= low) & (x <= high), logs, -np.inf)
        return logs[()]


def box(width):
    """The kernel 1/width for |x| <= width/2 and 0 elsewhere.

    width: a positive number in the unit of x, else ValueError. Result: a `Kernel`, a function of x
    of any shape. BeepBoop aims with it. Source: RoboWiki, Understanding BeepBoop (Xor, 2022).
    Chapter: kde.
    """
    width = _positive("width", width)
    half = width / 2
    return Kernel(f"box({width})", Height(-np.log(width)), support=(-half, half), constant=True)


@dataclass(frozen=True)
class Height:
    """The logarithm of a constant; by its class the Hessian knows that supports are intervals."""

    log: float

    def __call__(self, x):
        return np.full(x.shape, self.log)


def laplace(rate):
    """The kernel (rate/2) e^(-rate |x|).

    rate: a positive number, one over a length in the unit of x, else ValueError. Result: a
    `Kernel`, a function of x of any shape. BeepBoop dodges with it, at the rate 13.
    Source: RoboWiki, Understanding BeepBoop (Xor, 2022). Chapter: kde.
    """
    rate = _positive("rate", rate)
    return Kernel(f"laplace({rate})", Exponentials(rate), breakpoints=(0,))


@dataclass(frozen=True)
class Exponentials:
    """log((rate/2) e^(-rate |x|)); by its class the integral knows its closed form."""

    rate: float

    @property
    def top(self):
        return np.log(self.rate) - np.log(2)

    def __call__(self, x):
        return self.top - self.rate * abs(x)


def gaussian(width):
    """The normal density e^(-(x/width)^2 / 2) / (width sqrt(2 pi)), of standard deviation width.

    width: a positive number in the unit of x, else ValueError. Result: a `Kernel`, a function of x
    of any shape. Source: Parzen (1962). Chapter: kde.
    """
    width = _positive("width", width)
    top = -np.log(width) - np.log(2 * np.pi) / 2
    return Kernel(f"gaussian({width})", lambda x: top - (x / width) ** 2 / 2)


def kde_cross_entropy(s, x, interval, kernel, bins=None):
    """The mean of -log(sum of sigma_j(s) kernel(x - x_j)) over [x_-, x_+], in nats.

    s: scores (..., K), where -inf is a point that is not there. x: points (..., K), finite.
    interval: (x_-, x_+), each a number or (...,), with x_- < x_+. Leading axes broadcast.
    kernel: `box(width)`, `laplace(rate)`, `gaussian(width)` or a `Kernel` of one's own.
    bins: None for the integral, or the number of equal bins whose midpoints stand for it.
    Result: (...,), from -log max kernel to inf. It is inf where a part of [x_-, x_+] is in no
    support of a point that is there (with bins: where a midpoint is not). What only rounding leaves
    between boxes side by side is no part.
    The error is below 1e-12 of the larger of 1 and |L|, whatever the gaps and distances.
    Raises ValueError for NaN, a score of inf, rows of -inf only, shapes that do not fit, an
    interval without x_- < x_+, a kernel or bins that are none, a kernel not smooth between
    breakpoints.
    Source: RoboWiki, Understanding BeepBoop (Xor, 2022). Chapter: kde.
    """
    return _solve(s, x, interval, kernel, bins, value=True)[0]


def kde_cross_entropy_grad(s, x, interval, kernel, bins=None):
    """The gradient of `kde_cross_entropy` in s: sigma_i - mean of r_i.

    Result: (..., K), from -1 to 1, of sum zero up to rounding. The error of the integral is below
    1e-12, and below what half an ulp in each x changes where that is more: points that are close
    to each other and many widths away.
    Arguments and errors as there. Where the loss is inf the gradient is 0/0, and a ValueError names
    the row and an x that no point covers. No number would do: 0 would end a descent at its worst
    point, and any other would depend on how the kernel is cut off.
    Source: RoboWiki, Understanding BeepBoop (Xor, 2022). Chapter: kde.
    """
    return _solve(s, x, interval, kernel, bins, gradient=True)[1]


def kde_cross_entropy_and_grad(s, x, interval, kernel, bins=None):
    """(kde_cross_entropy(...), kde_cross_entropy_grad(...)) for little more than the price of one.

    Arguments, shapes and errors as in `kde_cross_entropy_grad`. Chapter: kde.
    """
    return _solve(s, x, interval, kernel, bins, value=True, gradient=True)[:2]


def kde_cross_entropy_hessian(s, x, interval, kernel, bins=None):
    """The second derivatives of `kde_cross_entropy` in s: a difference of two covariances.

    Entry i, k is sigma_i (delta_ik - sigma_k) - mean of r_i (delta_ik - r_k). It may be indefinite.
    Result: (..., K, K), symmetric, with rows of sum zero; accurate as the gradient is.
    Arguments and errors as in `kde_cross_entropy_grad`.
    Source: RoboWiki, Understanding BeepBoop (Xor, 2022) has the gradient. Chapter: kde.
    """
    return _solve(s, x, interval, kernel, bins, hessian=True)[2]


def _positive(name, number):
    if not isinstance(number, (int, float, np.integer, np.floating)) or not 0 < number < np.inf:
        raise ValueError(f"{name} = {number!r} is not a positive number")
    return float(number)


def _bin_count(bins):
    if isinstance(bins, (bool, np.bool_)) or not isinstance(bins, (int, np.integer)) or bins < 1:
        raise ValueError(f"bins = {bins!r} is not a positive integer")
    return int(bins)


def _ends(interval):
    """a and b as float64 arrays, with low < high."""
    try:
        low, high = interval
    except (TypeError, ValueError):
        raise ValueError(f"interval = {interval!r} is not a pair (low, high)") from None
    low = arguments.real_array("low of the interval", low).astype(np.float64)
    high = arguments.real_array("high of the interval", high).astype(np.float64)
    shape = arguments.common_shape(low=low.shape, high=high.shape)
    with np.errstate(all="ignore"):
        bad = ~((low < high) & np.isfinite(high - low))
    if bad.any():
        index = tuple(np.argwhere(bad)[0])
        low, high = (np.broadcast_to(end, shape)[index] for end in (low, high))
        name = arguments.entry("interval", index)
        raise ValueError(f"{name} = ({low}, {high}) is not an interval: low < high, both finite")
    return low, high


def _rows(s, x, interval):
    """s and x as rows (n, K) of float64, low and high as (n,); the leading shape; the dtype."""
    s, x = arguments.score_array("s", s), arguments.score_array("x", x)
    arguments.check_scores("s", s)
    arguments.check_some_class_possible("s", s)
    arguments.refuse_first("x", ~np.isfinite(x), x, "is not finite")
    K = s.shape[-1]
    if x.shape[-1] != K:
        raise ValueError(f"s has shape {s.shape} and x {x.shape}; each needs one entry a point")
    low, high = _ends(interval)
    shape = arguments.common_shape(s=s.shape[:-1], x=x.shape[:-1], low=low.shape, high=high.shape)
    rows = [np.broadcast_to(v, (*shape, K)).reshape(-1, K).astype(np.float64) for v in (s, x)]
    ends = [np.broadcast_to(end, shape).reshape(-1) for end in (low, high)]
    return *rows, *ends, shape, np.result_type(s, x)


def _solve(s, x, interval, kernel, bins, value=False, gradient=False, hessian=False):
    if not isinstance(kernel, Kernel):
        raise ValueError(f"kernel = {kernel!r} is not a Kernel, such as box(1.0)")
    bins = None if bins is None else _bin_count(bins)
    s, x, low, high, shape, dtype = _rows(s, x, interval)
    n, K = s.shape
    values = np.empty(n) if value else None
    gradients = np.empty((n, K)) if gradient else None
    hessians = np.empty((n, K, K)) if hessian else None
    closed = bins is None and isinstance(kernel.log_inside, Exponentials) and not hessian
    numbers = max(bins, K) if bins else NODES * K * (1 if closed else len(kernel.breakpoints) + 1)
    step = max(1, BLOCK // numbers)
    for start in range(0, n, step):
        block = slice(start, start + step)
        mixture = _Mixture(s[block], x[block] - low[block, None], (high - low)[block], kernel)
        if closed:
            log_density, r, r_r = *mixture.means_of_exponentials(gradient), None
        else:
            nodes = mixture.midpoints(bins) if bins else mixture.panels()
            boxes = K >= MANY and bins is None and isinstance(kernel.log_inside, Height)
            means = mixture.means_of_boxes if boxes else mixture.means
            log_density, r, r_r = means(*nodes, gradient, hessian)
        if (gradient or hessian) and (log_density == -np.inf).any():
            bad = (log_density == -np.inf).argmax()
            name = arguments.entry("s", np.unravel_index(start + bad, shape))
            where = low[start + bad] + mixture.uncovered(bad, *nodes)
            raise ValueError(
                f"{name} has no point that covers x = {where}: the loss is inf and has no gradient"
            )
        if value:
            values[block] = 0 - log_density
        if gradient:
            gradients[block] = _gradient(mixture.sigma, r)
        if hessian:
            hessians[block] = _hessian(mixture.sigma, r_r)
    if value:
        values = values.reshape(shape).astype(dtype)[()]
    if gradient:
        gradients = rounded(gradients.reshape(*shape, K), dtype)
    if hessian:
        hessians = rounded(hessians.reshape(*shape, K, K), dtype)
    return values, gradients, hessians


def _gradient(sigma, r):
    """sigma - r; where both are nearly one, minus the sum of the others, which has digits."""
    gradient = sigma - r
    top = (sigma + r).argmax(axis=1)[:, None]
    np.put_along_axis(gradient, top, 0, axis=1)
    np.put_along_axis(gradient, top, 0 - gradient.sum(axis=1, keepdims=True), axis=1)
    return gradient


def _hessian(sigma, r_r):
    """The mean of r_i r_k less sigma_i sigma_k off the diagonal; the rows sum to zero."""
    hessian = r_r - sigma[:, :, None] * sigma[:, None, :]
    diagonal = np.arange(sigma.shape[1])
    hessian[:, diagonal, diagonal] = 0
    hessian[:, diagonal, diagonal] = 0 - hessian.sum(axis=2)
    return hessian


class _Mixture:
    """Rows of densities sum sigma_j kernel(x - x_j) on [0, length].

    s, points (n, K); length (n,). Nodes (P, m) belong to rows (P,).
    """

    def __init__(self, s, points, length, kernel):
        self.sigma, self.log_sigma = softmax(s), log_softmax(s)
        self.points, self.length, self.kernel = points, length, kernel
        self.nudge = NUDGE * (length + max((abs(c) for c in kernel.breakpoints), default=0))

    def logs(self, row, x, derivatives):
        """log density at nodes x (P, m), and the responsibilities (P, m, K)."""
        t = x[:, :, None] - self.points[row, None]
        for end in self.kernel.support:
            if np.isfinite(end):  # and t has missed it by rounding only
                t[abs(t - end) <= self.nudge[row, None, None] / 2] = end
        terms = self.kernel.log(t) + self.log_sigma[row, None]
        top = terms.max(axis=2)
        if not (top < np.inf).all():
            raise ValueError(f"kernel = {self.kernel} has a logarithm that is nan or inf")
        with np.errstate(all="ignore"):
            terms -= np.where(top == -np.inf, 0, top)[:, :, None]
            e = np.exp(terms, out=terms)
            total = e.sum(axis=2)
            log_density = top + np.log(total)
            if derivatives:
                e /= total[:, :, None]
        return log_density, e

    def uncovered(self, k, row, nodes, weights):
        """The first node of row k where the density is 0."""
        nodes = nodes[row == k]
        log_density, _ = self.logs(np.full(len(nodes), k), nodes, False)
        return nodes[log_density == -np.inf][0]

    def means_of_boxes(self, row, nodes, weights, gradient, hessian):
        """The same as `means` for a box: each covers panels one after another.

        So the density is a sum over points side by side, and the mean of r_i one over panels.
        """
        n, K = self.points.shape
        mean_log, mean_r = np.empty(n), np.zeros((n, K))
        mean_r_r = np.zeros((n, K, K)) if hessian else None
        for k in range(n):
            of_row = slice(*np.searchsorted(row, [k, k + 1]))
            at, share = nodes[of_row, 0], weights[of_row, 0]
            order = self.points[k].argsort()
            points, log_sigma = self.points[k, order], self.log_sigma[k, order]
            low, high = self.kernel.support
            begin = np.searchsorted(at, points + low - self.nudge[k] / 2)
            end = np.searchsorted(at, points + high + self.nudge[k] / 2, side="right")
            panel = np.arange(len(at))
            first, last = (np.searchsorted(v, panel, side="right") for v in (end, begin))
            log_density = np.add(*_window_logs(log_sigma, np.ones(K), first, last))
            mean_log[k] = share @ log_density + self.kernel.log_inside.log
            if gradient:
                top, rest = _window_logs(-log_density, share, begin, end)
                mean_r[k, order] = np.exp(log_sigma + top + rest)
            if hessian:
                pairs = self._pairs_of_boxes(log_sigma, log_density, share, begin, end)
                mean_r_r[k][np.ix_(order, order)] = pairs
        return mean_log, mean_r, mean_r_r

    def _pairs_of_boxes(self, log_sigma, log_density, share, begin, end):
        """The means of r_i r_k (K, K) for boxes in order, which cover the panels begin to end.

        Two boxes share the panels from where the right one begins to where the left one ends. So
        with i the one of more weight, the mean of r_i r_k is sigma_k / sigma_i times a partial sum
        of r_i^2 over the panels of i, from one end or the other, and there are K^2 in all.
        """
        of_pairs = np.zeros((len(log_sigma), len(log_sigma)))
        firsts, lasts = np.searchsorted(end, begin, "right"), np.searchsorted(begin, end)
        for i in np.flatnonzero((log_sigma > -np.inf) & (begin < end)):
            panels, left, right = (
                slice(begin[i], end[i]),
                slice(firsts[i], i),
                slice(i + 1, lasts[i]),
            )
            r = np.exp(log_sigma[i] - log_density[panels])
            squares = share[panels] * r * r
            with_left = np.cumsum(squares)[end[left] - begin[i] - 1]
            with_right = np.cumsum(squares[::-1])[end[i] - 1 - begin[right]]
            for side, shared in ((left, with_left), (right, with_right)):
                less = log_sigma[side] - log_sigma[i]
                of_pairs[i, side] = np.exp(np.minimum(less, 0)) * (less <= 0) * shared
        return np.maximum(of_pairs, of_pairs.T)

    def midpoints(self, bins):
        """Rows, midpoints and weights of bins of equal width."""
        n = len(self.length)
        nodes = self.length[:, None] * ((np.arange(bins) + 0.5) / bins)
        return np.arange(n), nodes, np.full((n, bins), 1 / bins)

    def means_of_exponentials(self, gradient):
        """The means of log density (n,) and r (n, K) for a Laplace kernel, in closed form.

        Between neighbours the density is e^left + e^right, where left falls and right rises with
        the slope `rate`. So its logarithm is the higher line and log(1 + e^-|gap|), whose integral
        is a dilogarithm, and the share of the right is the sigmoid of the gap, whose integral is a
        softplus. What a point has of the left and of the right follows from its neighbour.
        """
        rate, order = self.kernel.log_inside.rate, self.points.argsort(axis=1)
        points, log_sigma = (
            np.take_along_axis(v, order, axis=1) for v in (self.points, self.log_sigma)
        )
        length = self.length[:, None]
        left = _Side(log_sigma, points, rate)
        right = _Side(log_sigma[:, ::-1], -points[:, ::-1], rate)
        ends = np.clip(points, 0, length)
        begin, end = (np.concatenate(v, axis=1) for v in ((0 * length, ends), (ends, length)))
        none = np.full_like(length, -np.inf)
        of_left = np.concatenate([none, left.mass - rate * (ends - points)], axis=1)
        of_right = np.concatenate([right.mass[:, ::-1] - rate * (points - ends), none], axis=1)
        with np.errstate(all="ignore"):
            log_density, of_gap = _integrals(of_left, of_right, end - begin, rate)
            mean_log = (log_density / length).sum(axis=1) + self.kernel.log_inside.top
            if not gradient:
                return mean_log, None
            r = left.parts(of_gap[0][:, 1:]) + right.parts(of_gap[1][:, -2::-1])[:, ::-1]
        mean_r = np.empty_like(r)
        np.put_along_axis(mean_r, order, r / length, axis=1)
        return mean_log, mean_r

    def panels(self):
        """Rows, nodes and weights of the integral, in panels that are fine enough."""
        row, left, right = self.between_breakpoints()
        if self.kernel.constant:
            share = (right - left) / self.length[row]
            return row, ((left + right) / 2)[:, None], share[:, None]
        done = []
        while len(row):
            coarse = self.is_coarse(row, left, right)
            if coarse.sum() > LIMIT * self.points.size:
                raise ValueError(f"kernel = {self.kernel} is not smooth between its breakpoints")
            middle = (left + right) / 2
            halves = [np.concatenate(v) for v in ([row, row], [left, middle], [middle, right])]
            coarse = np.concatenate([coarse, coarse])
            done.append([v[~coarse] for v in halves])
            row, left, right = (v[coarse] for v in halves)
        row, left, right = (np.concatenate(v) for v in zip(*done, strict=True))
        order = np.lexsort((left, row))
        return row[order], *self.rule(row[order], left[order], right[order])

    def between_breakpoints(self):
        """Rows (P,), left ends and right ends of the panels between breakpoints."""
        n, K = self.points.shape
        breakpoints = self.points[:, :, None] + np.array(self.kernel.breakpoints)
        breakpoints = np.where((self.log_sigma > -np.inf)[:, :, None], breakpoints, 0)
        length = self.length[:, None]
        ends = np.concatenate([np.zeros((n, 1)), breakpoints.reshape(n, -1), length], axis=1)
        ends = np.sort(np.clip(ends, 0, length), axis=1)
        row, panel = np.nonzero(ends[:, 1:] > ends[:, :-1])
        return row, ends[row, panel], ends[row, panel + 1]

    def rule(self, row, left, right):
        """Nodes and weights (P, NODES) of panels, of weight one in a row."""
        width = right - left
        half = width / 2 - np.minimum(self.nudge[row], width / 16)
        nodes = ((left + right) / 2)[:, None] + half[:, None] * UNIT_NODES
        return nodes, (width / self.length[row])[:, None] * UNIT_WEIGHTS

    def is_coarse(self, row, left, right):
        """Which panels change the means of log density, r or r^2 when they are halved."""
        coarse = np.empty(len(row), bool)
        step = max(1, BLOCK // (NODES * self.points.shape[1]))
        for start in range(0, len(row), step):
            some = slice(start, start + step)
            coarse[some] = self._is_coarse(row[some], left[some], right[some])
        return coarse & (right - left > 16 * self.nudge[row])

    def _is_coarse(self, row, left, right):
        middle = (left + right) / 2
        log_density, r, r2, size, change = self.sums(row, left, right)
        with np.errstate(all="ignore"):
            for ends in ((left, middle), (middle, right)):
                log_density_half, r_half, r2_half, *_ = self.sums(row, *ends)
                log_density, r, r2 = log_density - log_density_half, r - r_half, r2 - r2_half
            error = np.maximum(abs(r).max(axis=1), abs(r2).max(axis=1))
            size *= (right - left) / self.length[row]
            rounding = ROUNDING * (size + change)
            coarse = abs(log_density) > TOLERANCE * (1 + size) + rounding
            return coarse | (error > TOLERANCE + rounding)

    def sums(self, row, left, right):
        """The parts of panels in the means of log density (P,), r and r^2 (P, K), and the size and
        the range of log density.
        """
        nodes, weights = self.rule(row, left, right)
        log_density, r = self.logs(row, nodes, True)
        mean_r = (weights[:, None] @ r)[:, 0]
        mean_r2 = (weights[:, None] @ np.square(r, out=r))[:, 0]
        with np.errstate(invalid="ignore"):
            mean_log = np.vecdot(weights, log_density)
            size, change = abs(log_density).max(axis=1), np.ptp(log_density, axis=1)
            return mean_log, mean_r, mean_r2, size, change

    def means(self, row, nodes, weights, gradient, hessian):
        """The means of log density (n,), r (n, K) and r_i r_k (n, K, K)."""
        n, K = self.points.shape
        mean_log, mean_r = np.zeros(n), np.zeros((n, K))
        mean_r_r = np.zeros((n, K, K)) if hessian else None
        m = max(1, min(nodes.shape[1], BLOCK // K))
        step = max(1, BLOCK // (m * K))
        for start in range(0, len(row), step):
            for first in range(0, nodes.shape[1], m):
                some = slice(start, start + step), slice(first, first + m)
                rows, w = row[some[0]], weights[some]
                log_density, r = self.logs(rows, nodes[some], gradient or hessian)
                starts = np.flatnonzero(np.diff(rows, prepend=-1))
                mean_log[rows[starts]] += np.add.reduceat(np.vecdot(w, log_density), starts)
                if gradient:
                    mean_r[rows[starts]] += np.add.reduceat((w[:, None] @ r)[:, 0], starts)
                if hessian:
                    r *= np.sqrt(w)[:, :, None]
                    for k, these in zip(rows[starts], np.split(r, starts[1:]), strict=True):
                        these = these.reshape(-1, K)
                        mean_r_r[k] += these.T @ these
        return mean_log, mean_r, mean_r_r


class _Side:
    """What the points (n, K), which rise, have at each of them of the exponentials to its left.

    mass    the logarithm of the sum over j <= i of sigma_j e^(-rate (x_i - x_j))
    own     the part of sigma_i in that sum
    before  the part of the others
    """

    def __init__(self, log_sigma, points, rate):
        top, total, step = np.maximum(log_sigma, NOWHERE), np.ones_like(log_sigma), 1
        with np.errstate(all="ignore"):
            while step < points.shape[1]:  # total e^top is the sum of 1, 2, 4, ... points
                here = top[:, step:]
                there = top[:, :-step] - rate * (points[:, step:] - points[:, :-step])
                higher = np.maximum(here, there)
                before = total[:, :-step] * np.exp(there - higher)
                total[:, step:] = total[:, step:] * np.exp(here - higher) + before
                top[:, step:] = higher
                step *= 2
            self.mass = np.where(top > NOWHERE / 2, top + np.log(total), -np.inf)
            there = self.mass > -np.inf
            self.own = np.where(there, np.exp(log_sigma - self.mass), 0)
            before = self.mass[:, :-1] - rate * np.diff(points) - self.mass[:, 1:]
            self.before = np.where(there[:, 1:], np.exp(before), 0)

    def parts(self, panels):
        """The integral that each point has, where panel i is to the right of point i."""
        total, passed, step = panels.copy(), self.before, 1
        while step < total.shape[1]:  # panels i to i + 1, i + 3, i + 7, ...
            total[:, :-step] += passed * total[:, step:]
            passed, step = passed[:, :-step] * passed[:, step:], 2 * step
        return self.own * total


def _window_logs(logs, weights, first, last):
    """The logarithm of the sum of weights e^logs over windows [first, last), in two parts.

    From the sums over 1, 2, 4, ... neighbours, so that nothing is subtracted.
    """
    top, total = np.full(len(first), NOWHERE), np.zeros(len(first))
    at, length, step = first.copy(), np.maximum(last - first, 0), 1
    logs = np.maximum(logs, NOWHERE)
    with np.errstate(all="ignore"):
        while True:
            some = np.flatnonzero(length & step)
            place = at[some]
            top[some], total[some] = _plus(top[some], total[some], logs[place], weights[place])
            at[some] += step
            if 2 * step > length.max():
                return top, np.log(total)
            logs, weights = _plus(logs[:-step], weights[:-step], logs[step:], weights[step:])
            step *= 2


def _plus(top, total, other_top, other_total):
    """total e^top + other_total e^other_top, as such a pair."""
    higher = np.maximum(top, other_top)
    total = total * np.exp(top - higher)
    return higher, total + other_total * np.exp(other_top - higher)


def _integrals(left, right, width, rate):
    """Over panels: the integrals of log density, and of the parts of left and right in the density.

    density = e^(left - rate u) + e^(right - rate (width - u)) for u from 0 to the width.
    """
    span = 2 * rate * width
    first, last = right - left - span / 2, right - left + span / 2
    until = np.clip(-first / (2 * rate), 0, width)  # the left is higher
    rest = width - until
    log_density = np.where(until > 0, (left - rate * until / 2) * until, 0)
    log_density += np.where(rest > 0, (right - rate * rest / 2) * rest, 0)
    log_density += (_dilogarithm(last) - _dilogarithm(first)) / (2 * rate)
    narrow = (span <= NARROW) & (width > 0)  # where dilogarithms would cancel, but few nodes do
    gap = -abs(right - left)[narrow, None] + span[narrow, None] / 2 * PANEL_NODES
    higher = (np.maximum(left, right) - span / 4)[narrow]
    log_density[narrow] = (higher + np.log1p(np.exp(gap)) @ PANEL_WEIGHTS) * width[narrow]
    parts, wide = [], span > 600  # where expm1 may overflow
    for begin, end in ((-last, -first), (first, last)):
        part = np.log1p(np.expm1(span) / (1 + np.exp(-begin)))
        grown = np.logaddexp(0, end[wide]) - np.logaddexp(0, begin[wide])
        part[wide] = np.where(begin[wide] < np.inf, grown, span[wide])
        parts.append(part / (2 * rate))
    return log_density, parts


def _dilogarithm(x):
    """The integral of log(1 + e^-|u|) from 0 to x, by Debye's series in log(1 + e^-|x|)."""
    t = np.log1p(np.exp(-abs(x)))
    square = t * t
    series = 0.0
    for coefficient in DEBYE[::-1]:
        series = series * square + coefficient
    return np.copysign(np.pi**2 / 12 - t * (1 + t / 4 + square * series), x)


def _lobatto(nodes):
    """Nodes and weights of the Gauss-Lobatto rule for the mean over [-1, 1]."""
    P = Legendre.basis(nodes - 1)
    x = np.concatenate([[-1.0], np.sort(P.deriv().roots().real), [1.0]])
    x = (x - x[::-1]) / 2
    return x, 1 / (nodes / 2 * (nodes - 1) * P(x) ** 2) / 2


UNIT_NODES, UNIT_WEIGHTS = _lobatto(NODES)
NARROW, NOWHERE = 0.5, -1e300
PANEL_NODES, PANEL_WEIGHTS = np.polynomial.legendre.leggauss(6)
PANEL_WEIGHTS = PANEL_WEIGHTS / 2
BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510)
DEBYE = [B / math.factorial(2 * k + 3) for k, B in enumerate(BERNOULLI)]
