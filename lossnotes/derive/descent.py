"""Where a bound fails, or is an equality: its gap is made as small as it will go."""

import random
from fractions import Fraction
from functools import partial

from mpmath import mp
from sympy import IndexedBase, Integer, sympify

from lossnotes.derive.points import (
    DIGITS,
    EFFORT,
    Point,
    far_scalar,
    integrations,
    names_of,
    symbols_of,
    work,
)
from lossnotes.derive.symbols import Between, Classes, K, Probabilities, entry
from lossnotes.derive.values import Excluded, Undefined, evaluate

STARTS = (2, 3, 5, 3)  # numbers of classes
STEPS = 90  # from each start, where they are cheap
FEWEST = 15
LOW = 15  # digits, while it goes down
HIGH = 60  # digits, while the bottom is looked for
COARSE = 30  # digits of integrals, as long as the gap is not small
CLOSE = 1e-3  # a small gap
NEWTON = 40  # steps to the bottom
NEAR = 1e-6  # how far a point may be from a case of equality and be at it
REACH = 12  # how far a number, or the logarithm of one, is moved
MOST = 8  # numbers that are moved at a time
FEW = 2  # numbers of which bottoms are looked for from starts farther out
FARTHER = 12  # such starts


def descend(left, right, seed=3):
    """Points at which left <= right fails to a few digits, found by making right - left small."""
    names = names_of(left, right)
    if not (names.scalars or names.bases):
        return
    generator = random.Random(seed)
    for classes in STARTS:
        steps = max(FEWEST, min(STEPS, EFFORT // work((left, right), classes)))
        drawn = names.draw(classes, generator)
        start = _coordinates(drawn)
        if not start:
            return
        yield from _downhill(left, right, drawn, start, steps, generator)


def _coordinates(drawn):
    """The numbers of a point that may be moved, as (symbol, place)."""
    return [
        (symbol, place)
        for symbol, value in drawn.items()
        if _is_a_number(symbol, value)
        for place in _places(value)
    ]


def _is_a_number(symbol, value):
    if symbol == K or isinstance(symbol, Classes) or isinstance(value, (int, frozenset)):
        return False
    return not getattr(symbol, "label", symbol).is_integer


def _places(value):
    """The places of a list of lists, as tuples."""
    if not isinstance(value, list):
        return [()]
    return [(n, *inner) for n, part in enumerate(value) for inner in _places(part)]


def _downhill(left, right, drawn, coordinates, steps, generator):
    """Random directions, of which those that go down are followed with longer and longer steps."""
    here = [0.0] * len(coordinates)
    free = _Free(drawn, coordinates)
    lowest, step, way = _gap(left, right, free.point(here)), 1.0, None
    for turn in range(steps):
        if way is None:
            way = [generator.gauss(0, 1) for _ in here]
            if turn % 3:
                kept = generator.randrange(len(here))
                way = [x if n == kept else 0.0 for n, x in enumerate(way)]
        there = [x + step * y for x, y in zip(here, way, strict=True)]
        gap = _gap(left, right, free.point(there))
        if gap is not None and (lowest is None or gap < lowest):
            here, lowest, step = there, gap, min(2 * step, 1e6)
        else:
            way, step = None, step / 2 if step > 0.01 else 4.0
        if lowest is not None and lowest < 0:
            yield Point(free.values(here, 20 * DIGITS), "far")
            return


def _gap(left, right, values):
    with mp.workdps(LOW):
        try:
            a, b = (evaluate(side, values) for side in (left, right))
            gap = b - a
        except (Undefined, Excluded, ArithmeticError):
            return None
        if isinstance(gap, mp.mpc) or not mp.isfinite(gap):
            return None
        return None if abs(gap) < 1e-12 * max(abs(a), abs(b)) else gap


def bottoms(left, right, seed=4, counts=(2, 3, 2, 3), number=None, most=MOST):
    """Points at which right - left is least, as far as Newton's steps from random points tell."""
    names = names_of(left, right)
    generator = random.Random(seed)
    for classes in counts:
        drawn = names.draw(classes, generator, number=number)
        coordinates = _coordinates(drawn)
        if coordinates and len(coordinates) <= most:
            if work((left, right), classes) * len(coordinates) ** 2 <= EFFORT:
                yield from _bottom(left, right, drawn, coordinates)


def bottoms_farther_out(left, right):
    """The same for claims about a few numbers, from starts farther out."""
    return bottoms(left, right, 4, (2,) * FARTHER, partial(far_scalar, scale=1), FEW)


def _bottom(left, right, drawn, coordinates):
    """Newton's steps, each shortened until it goes down; the last point, also with round numbers.

    The matrix of second differences is moved by a multiple of one, so that it need have no inverse.
    Integrals have fewer digits as long as the gap is large.
    """
    free = _Free(drawn, coordinates)
    dear = max(map(integrations, (left, right)))
    here, damping = [mp.mpf(0)] * len(coordinates), mp.mpf(1)
    with mp.workdps(COARSE if dear else HIGH):
        step = mp.mpf(10) ** (-mp.dps // 4)

        def gap(moves):
            if max(map(abs, moves)) > REACH:
                return None  # what is small far out is not an equality
            return _gap_or_none(left, right, free.values(moves, HIGH))

        lowest = gap(here)
        for _ in range(NEWTON):
            if mp.dps < HIGH and lowest is not None and lowest < CLOSE:
                mp.dps = HIGH
                step, lowest = mp.mpf(10) ** (-HIGH // 4), gap(here)
            if lowest is None or lowest == 0:
                break
            slopes, curvatures = _differences(gap, here, lowest, step)
            if slopes is None or damping > 1e20:
                break
            size = max(1, *map(abs, curvatures)) * damping
            matrix = curvatures + size * mp.eye(len(here))
            try:
                way = mp.lu_solve(matrix, slopes)
            except ZeroDivisionError:
                damping *= 10
                continue
            there = [x - y for x, y in zip(here, way, strict=True)]
            found = gap(there)
            if found is not None and found < lowest:
                here, lowest, damping = there, found, max(damping / 30, mp.mpf(10) ** -40)
            else:
                damping *= 10
        values = free.values(here, HIGH)
        fractions = {x: _rounded(x, v) for x, v in values.items()}
    yield Point(values)
    yield Point(fractions)


def _differences(gap, here, lowest, step):
    """The slopes and the curvatures of a gap; None where a neighbour has no value."""
    count = len(here)

    def moved(*places):
        return gap([x + step * places.count(n) for n, x in enumerate(here)])

    one = [moved(a) for a in range(count)]
    two = [[moved(a, b) if b <= a else None for b in range(count)] for a in range(count)]
    if None in one or any(two[a][b] is None for a in range(count) for b in range(a + 1)):
        return None, None
    curvatures, slopes = mp.matrix(count, count), mp.matrix(count, 1)
    for a in range(count):
        for b in range(a + 1):
            curvature = (two[a][b] - one[a] - one[b] + lowest) / step**2
            curvatures[a, b] = curvatures[b, a] = curvature
        slopes[a] = (one[a] - lowest) / step - curvatures[a, a] * step / 2
    return slopes, curvatures


def _gap_or_none(left, right, values):
    try:
        a, b = (evaluate(side, Point(values)) for side in (left, right))
    except (Undefined, Excluded, ArithmeticError):
        return None
    gap = b - a
    return None if isinstance(gap, mp.mpc) or not mp.isfinite(gap) else gap


def _rounded(symbol, value):
    """A number that is nearly a simple fraction as that fraction; no probability is touched."""
    if isinstance(symbol, Probabilities) or isinstance(value, (int, frozenset)):
        return value
    if isinstance(value, list):
        return [_rounded(symbol, x) for x in value]
    near = Fraction(float(value)).limit_denominator(64)
    near = mp.mpf(near.numerator) / near.denominator
    return near if abs(near - value) < 1e-9 else value


def multiples(where, points):
    """Points at which the entries are twice those of a case of equality, or one more."""
    vectors = {x: v for x, v in where.items() if isinstance(x, IndexedBase)}
    for point in points:
        for factor, shift in ((2, 0), (1, 1)):
            try:
                moved = {
                    vector: [
                        factor * evaluate(sympify(entry(value, Integer(n))), point) + shift
                        for n in range(1, len(point.values[vector]) + 1)
                    ]
                    for vector, value in vectors.items()
                    if not isinstance(vector, Probabilities)
                }
            except (Undefined, Excluded, ArithmeticError, LookupError, ValueError):
                continue
            if moved:
                yield Point(point.values | moved)


def is_at(where, point):
    """Whether a case of equality holds at a point, to a few digits, for some value of what is free.

    None if that cannot be said.
    """
    found = {}
    for symbol, value in where.items():
        vector = isinstance(symbol, IndexedBase)
        free = {x for x in symbols_of(value)[1] if x not in point.values}
        if free and (len(free) > 1 or not vector or any(value.diff(x).has(x) for x in free)):
            return None
        values = Point(point.values | dict.fromkeys(free, mp.mpf(0)))
        places = range(1, len(point.values[symbol]) + 1) if vector else [1]

        def at_each(number, values=values, places=places):
            return [evaluate(sympify(entry(number, Integer(n))), values) for n in places]

        try:
            entries = at_each(symbol)
            gaps = [x - a for x, a in zip(entries, at_each(value), strict=True)]
            for x in free:
                slopes = at_each(value.diff(x))
                found.setdefault(x, _best_factor(gaps, slopes))
                gaps = [gap - found[x] * slope for gap, slope in zip(gaps, slopes, strict=True)]
                if x.is_positive and found[x] <= 0:
                    return False
        except (Undefined, Excluded, ArithmeticError, LookupError):
            return None
        if max(map(abs, gaps)) > NEAR * max(1, *map(abs, entries)):
            return False
    return True


def _best_factor(numbers, slopes):
    """The x for which x times the slopes is nearest to the numbers."""
    weight = mp.fdot(slopes, slopes)
    return mp.fdot(numbers, slopes) / weight if weight else mp.zero


class _Free:
    """Points of the domains by numbers that are free: logarithms and the like, beyond a start."""

    def __init__(self, drawn, coordinates):
        self.drawn, self.coordinates = drawn, coordinates

    def point(self, moves):
        return Point(self.values(moves, LOW), "far")

    def values(self, moves, digits):
        values = {x: _copy(v) for x, v in self.drawn.items()}
        rows = {}
        with mp.workdps(digits):
            for (symbol, place), move in zip(self.coordinates, moves, strict=True):
                label = getattr(symbol, "label", symbol)
                old = _get(self.drawn[symbol], place)
                if isinstance(symbol, Probabilities):
                    new = old * mp.exp(mp.mpf(move))
                    rows[symbol, place[:-1]] = True
                elif isinstance(symbol, Between):
                    new = self._between(symbol, old, move, values)
                elif label.is_nonnegative or label.is_nonpositive:
                    new = old * mp.exp(mp.mpf(move))
                else:
                    new = old + mp.mpf(move)
                if place:
                    _get(values[symbol], place[:-1])[place[-1]] = new
                else:
                    values[symbol] = new
            for symbol, place in rows:
                row = _get(values[symbol], place)
                whole = mp.fsum(row)
                row[:] = [x / whole for x in row]
        return values

    def _between(self, symbol, old, move, moved):
        ends = symbol.lower, symbol.upper
        lower, upper = (evaluate(end, Point(self.drawn)) for end in ends)
        share = (old - lower) / (upper - lower)
        odds = share / (1 - share) * mp.exp(mp.mpf(move))
        lower, upper = (evaluate(end, Point(moved)) for end in ends)
        return lower + (upper - lower) * odds / (1 + odds)


def _get(value, place):
    for number in place:
        value = value[number]
    return value


def _copy(value):
    return [_copy(x) for x in value] if isinstance(value, list) else value
