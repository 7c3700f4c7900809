"""Numbers that are searched for before anything is claimed of them."""

import random

from mpmath import mp
from sympy import Rational

from lossnotes.derive.points import integrations
from lossnotes.derive.values import Excluded, Undefined

MARGINS = (0, 0.5, -0.5, 1, -1, 2, -2, 4, -4, 8, -8, 20, -20)
RANDOM = 20
FAR = (30, 300, 3000)
CLIMB, WIDEST = 200, 4.0  # steps, and how wide they may get
FAILS = (Excluded, Undefined, ZeroDivisionError, OverflowError, ValueError)


def scores(loss):
    """Lists of scores, the label being class 1: over the margins, ties, and at random."""
    generator = random.Random(3)
    dear = integrations(loss.value) > 0
    for size in loss.sizes:
        for margin in MARGINS[:: 3 if dear else 1]:
            yield [margin] + [0] * (size - 1)
        for _ in range(4 if dear else RANDOM):
            yield [round(generator.gauss(0, 3), 3) for _ in range(size)]


def number(loss, expression, values, digits=15):
    """A real number, or None."""
    try:
        found = loss.number(expression, values, digits=digits)
    except FAILS:
        return None
    return None if isinstance(found, mp.mpc) else found


def values(loss, expression, points=None):
    """Pairs of a number and where it was found."""
    for point in scores(loss) if points is None else points:
        if (found := number(loss, expression, point)) is not None and mp.isfinite(found):
            yield found, point


def rays(loss, sign):
    """Scores far out, with the label ahead (sign 1) or behind."""
    for size in loss.sizes:
        for far in FAR[: 1 if integrations(loss.value) else None]:
            yield [sign * far] + [0] * (size - 1)
            yield [0, -sign * far] + [0] * (size - 2)


def nice(value):
    """The simple fraction that a number is to nine digits, or None."""
    for denominator in range(1, 13):
        above = mp.nint(value * denominator)
        if abs(value * denominator - above) < mp.mpf(10) ** -9:
            return Rational(int(above), denominator)
    return None


def best(loss, expression, found, sign, within=list):
    """The largest of sign times the values found, and where, after some climbing from there.

    `within` moves scores to where they are allowed.
    """
    generator = random.Random(5)
    value, place = max(found, key=lambda pair: sign * pair[0])
    size = 1.0
    for _ in range(0 if integrations(loss.value) else CLIMB):
        other = within([x + size * generator.gauss(0, 1) for x in place])
        higher = number(loss, expression, other)
        if higher is not None and mp.isfinite(higher) and sign * higher > sign * value:
            value, place, size = higher, other, min(1.5 * size, WIDEST)
        else:
            size *= 0.9
    return mp.chop(value, mp.mpf(10) ** -12), place


def where_tried(loss):
    """In words, where numbers were searched for."""
    return f"with {' and '.join(map(str, loss.sizes))} classes and label 1{loss.at_numbers}"


def rounded(value, up):
    """A decimal fraction of six digits that is not below (or not above) a number."""
    part = mp.ceil(value * 10**6) if up else mp.floor(value * 10**6)
    return Rational(int(part), 10**6)
