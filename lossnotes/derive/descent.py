"""Where a bound fails, if anywhere: the gap between its sides is made as small as it will go."""

import random

from mpmath import mp

from lossnotes.derive.points import DIGITS, EFFORT, Point, names_of, work
from lossnotes.derive.symbols import Between, Classes, K, Probabilities
from lossnotes.derive.values import Excluded, Undefined, evaluate

STARTS = (2, 3, 5, 3)  # numbers of classes
STEPS = 90  # from each start, where they are cheap
FEWEST = 15
LOW = 15  # digits, while it goes down


def descend(left, right, seed=3):
    """Points at which left <= right fails to a few digits, found by making right - left small."""
    names = names_of(left, right)
    if not (names.scalars or names.bases):
        return
    generator = random.Random(seed)
    for classes in STARTS:
        steps = max(FEWEST, min(STEPS, EFFORT // work((left, right), classes)))
        drawn = names.draw(classes, generator)
        start = [
            (symbol, place)
            for symbol, value in drawn.items()
            if _is_a_number(symbol, value)
            for place in _places(value)
        ]
        if not start:
            return
        yield from _downhill(left, right, drawn, start, steps, generator)


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
                    new = self._between(symbol, old, move)
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

    def _between(self, symbol, old, move):
        known = Point({K: self.drawn[K]} | {x: v for x, v in self.drawn.items() if x != symbol})
        lower, upper = (evaluate(bound, known) for bound in (symbol.lower, symbol.upper))
        share = (old - lower) / (upper - lower)
        odds = share / (1 - share) * mp.exp(mp.mpf(move))
        return lower + (upper - lower) * odds / (1 + odds)


def _get(value, place):
    for number in place:
        value = value[number]
    return value


def _copy(value):
    return [_copy(x) for x in value] if isinstance(value, list) else value
