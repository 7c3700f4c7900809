"""Recognises a formula, a number or an array without holding it: by a digest of its values.

From a digest nothing can be read; only who has the same formula, in whatever form, has the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from math import floor, log10

from mpmath import mp, nstr
from sympy import (
    Abs,
    Add,
    Derivative,
    Expr,
    Heaviside,
    Indexed,
    IndexedBase,
    Integer,
    Integral,
    Max,
    Min,
    Mul,
    Piecewise,
    Pow,
    Rational,
    Sum,
    log,
    sin,
)

from lossnotes.derive import Point, evaluate
from lossnotes.derive.points import draw_points, indices_of, symbols_of
from lossnotes.derive.symbols import Between, K, Positives, Probabilities, argmax, margin_loss
from lossnotes.derive.values import Excluded, Undefined

POINTS, OF_CASES = 4, 40  # where a formula has a value for each of its cases, each is to be met
CLASSES = (5, 2, 3, 7)  # the number of classes, at one point and the next
CASES = (Abs, Heaviside, Max, Min, Piecewise, argmax, margin_loss)
DIGITS, EQUAL = 40, 15  # computed, and compared
ALIKE = 1e-5  # arrays whose entries differ by less, relative to the largest, are the same


@dataclass(frozen=True)
class Fingerprint(Sequence):
    """The digests of a formula's values at points; `numbers` are pairs of a symbol and its own.

    Each is computed when it is looked at: what differs at the first is not looked at again.
    """

    expression: Expr
    numbers: tuple

    def __len__(self):
        cases = self.expression.has(*CASES)
        return OF_CASES if cases else POINTS

    def __getitem__(self, point):
        if point >= len(self):
            raise IndexError(point)
        return _at(self, point)


@lru_cache(16_384)
def _at(fingerprint, point):
    return _digest([point, _value(fingerprint.expression, point, dict(fingerprint.numbers))])


def matching(expression, candidates, numbers):
    """Those of the candidates, pairs of a fingerprint and a thing, that are the expression."""
    ours = Fingerprint(expression, numbers)
    for point in range(OF_CASES):
        if all(point >= len(mark) for mark, _ in candidates):
            break
        digest = _at(ours, point)
        candidates = [
            (mark, thing)
            for mark, thing in candidates
            if point >= len(mark) or mark[point] == digest
        ]
    return [thing for _, thing in candidates]


def as_step(expression):
    """A line with each derivative and integral that still stands in it taken for an unknown.

    So two lines differ, though they are equal once all is carried out. Sums and factors may stand
    inside or before it. The derivative of a variable is no step, and that of its power or its
    logarithm is one only where it stands for all to be carried out.
    """
    return undone(loosened(expression))


def undone(expression):
    """The same where probabilities sum to one."""
    inner = (part.args[0] for part in expression.atoms(Derivative, Integral))
    return _unknown(expression) + (0 if all(map(_is_plain, inner)) else 1)


@lru_cache(4096)
def of_writing(expression):
    """The digest of how a formula is written, but for the order of terms and the names of sums."""
    return _digest([str(expression.as_dummy())])


def of_number(x, tolerance):
    """Two digests, of which two numbers have one in common if they differ by the tolerance."""
    if not x:
        return {_digest(["0"])}
    place = log10(abs(x)) / log10(1 + 4 * tolerance)
    sign = "-" if x < 0 else ""
    return {_digest([f"{sign}{floor(place + half)}", half]) for half in (0, 0.5)}


def of_arrays(arrays, name):
    """Two digests, of which arrays of nearly the same numbers have one in common, or both."""
    largest = max((float(abs(array).max()) for array in arrays if array.size), default=0)
    if not largest < 1e290:
        return set()
    unit = ALIKE * 10 ** floor(log10(largest)) if largest > 1e-290 else 1
    shapes = [array.shape for array in arrays]
    entries = [x / unit for array in arrays for x in array.ravel().tolist()]
    return {_digest([name, shapes, half, *(floor(x + half) for x in entries)]) for half in (0, 0.5)}


def loosened(expression):
    """Probabilities that need not sum to one: so log(sum_i p_i) is told from zero."""
    vectors = {base for base in expression.atoms(IndexedBase) if isinstance(base, Probabilities)}
    return expression.xreplace({base: Positives(base.name) for base in vectors})


def _digest(parts):
    return sha256(repr(list(parts)).encode()).hexdigest()[:16]


def _value(expression, number, numbers):
    """The value at a point whose coordinates depend on nothing but the name of each symbol."""
    bases, scalars = symbols_of(expression)
    indices = indices_of(expression)
    values = {K: (classes := CLASSES[number % len(CLASSES)])}
    for index in indices:
        values[index] = 1 + _place(index.name) * (number + 1) % classes
    with mp.workdps(DIGITS):
        known = {x: mp.mpf(str(n)) for x, n in numbers.items()}
        values |= {x: known[x] for x in scalars if x in known}
        for symbol in scalars:
            if symbol not in values:
                values[symbol] = _draw(symbol, number, values | known)
        for base in bases:
            values[base] = _draw(base, number, values)
        try:
            return nstr(evaluate(expression, Point(values)) + 0, EQUAL)
        except (Undefined, Excluded, ZeroDivisionError):
            return "none"


def _place(name):
    """The classes named y, j, k, i differ from one another."""
    place = "yjki".find(name)
    return place if place >= 0 else sum(name.encode())


def _draw(symbol, number, values):
    seed = int(sha256(f"{number} {symbol}".encode()).hexdigest()[:8], 16)
    if isinstance(symbol, Between):
        lower, upper = (evaluate(end, Point(values)) for end in (symbol.lower, symbol.upper))
        return lower + (upper - lower) * (seed % 997 + 1) / 999
    part = symbol[1] if isinstance(symbol, IndexedBase) else symbol
    (point, *_) = draw_points(part, seed=seed, counts=(CLASSES[number % len(CLASSES)],))
    return point.values[symbol]


def _unknown(expression):
    """A function of what is differentiated or integrated in place of the result."""
    if isinstance(expression, (Derivative, Integral)):
        expression = _drawn_out(expression)
    if isinstance(expression, Derivative):
        by = sorted(map(str, expression.variables))
        return sin(17 * expression.expr + 1 + int(_digest(by)[:4], 16) % 997)
    if isinstance(expression, Integral):
        places = {x: low + (high - low) * Rational(3, 8) for x, low, high in expression.limits}
        ends = [end for _, *ends in expression.limits for end in ends]
        return sin(17 * expression.function.xreplace(places) + 13 * Add(*ends) + Mul(*ends) + 3)
    if not expression.args or not expression.has(Derivative, Integral):
        return expression
    return expression.func(*map(_unknown, expression.args))


def _drawn_out(expression):
    """A derivative or integral with sums and constant factors before it, or carried out."""
    inner, ranges = expression.args[0], expression.args[1:]
    names = {part for variable in ranges for part in variable.atoms(IndexedBase)}
    names |= {variable[0] for variable in ranges if variable[0].is_Symbol}
    if isinstance(inner, Add):
        return Add(*(expression.func(term, *ranges) for term in inner.args))
    if isinstance(inner, Mul):
        constant = [part for part in inner.args if not part.has(*names)]
        if constant:
            rest = Mul(*(part for part in inner.args if part not in constant))
            return Mul(*constant, expression.func(rest, *ranges))
    if isinstance(inner, Sum) and not any(limit[0] in names for limit in inner.limits):
        return Sum(expression.func(inner.function, *ranges), *inner.limits)
    if isinstance(expression, Derivative):
        if not inner.has(*names):
            return Integer(0)
        if _is_plain(inner) or isinstance(inner, (Pow, log)) and all(map(_is_plain, inner.args)):
            return inner.diff(*expression.variables)
    return expression


def _is_plain(part):
    return part.is_Symbol or isinstance(part, Indexed) or part.is_number
