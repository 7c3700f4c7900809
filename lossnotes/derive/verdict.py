"""Whether one expression equals, or bounds, another: proved, confirmed at points, or refuted."""

from dataclasses import dataclass
from functools import lru_cache
from itertools import chain

from mpmath import mp, nstr
from sympy import sympify

from lossnotes.derive.bounds import proves_bound
from lossnotes.derive.kinks import beside_kinks
from lossnotes.derive.points import DIGITS, Point, draw_points, integrations
from lossnotes.derive.prove import proves_equal
from lossnotes.derive.symbols import K
from lossnotes.derive.values import Excluded, Undefined, evaluate

SLOWEST = 5  # of the numbers of classes: its many points wait until there is no proof
DIGITS_OF_ITERATED = 30  # integrals, which cost as much as a thousand other values
HOLDS = {
    "=": lambda gap: gap == 0,
    "<=": lambda gap: gap >= 0,
    ">=": lambda gap: gap <= 0,
    "<": lambda gap: gap > 0,
    ">": lambda gap: gap < 0,
}


@dataclass(frozen=True)
class Witness:
    """A point at which a claim fails, with the values of both sides."""

    point: Point
    left: object
    right: object

    def __str__(self):
        left, right = (nstr(value, 12) for value in (self.left, self.right))
        return f"at {self.point}: left = {left}, right = {right}"


@dataclass(frozen=True)
class Verdict:
    """`kind` is "proved", "confirmed" or "refuted". A verdict is true unless refuted."""

    kind: str
    points: int
    witness: Witness | None = None

    def __bool__(self):
        return self.kind != "refuted"

    def __str__(self):
        if self.kind == "proved":
            return "proved"
        if self.kind == "confirmed":
            return f"confirmed at {self.points} points"
        return f"refuted {self.witness}"


def equal(left, right):
    """Whether left = right: the verdict of `compare` on an equation."""
    return compare(left, "=", right)


def compare(left, relation, right, special=True):
    """The verdict on `left relation right`, for every point of the domains of their symbols.

    First the claim is tried at random points, K in 2, 3, 7: one failure refutes it. The sides agree
    if all of 50 digits do but ten, of 30 where integrals are iterated. Inequalities are also tried
    where they are tight and in corners of the domains, unless `special` is false. Points of which
    nothing is claimed are left out: kinks, ties of an argmax. Then a proof for every K is sought.
    What survives without one and a second trial, for K = 5 too, with twice the digits and on both
    sides of each kink, is "confirmed", and no more than that: a claim that first fails at K = 11,
    one that is false by less than a relative 10^-90, an inequality that fails in a small region
    only, survives as well.
    Raises ValueError for an unknown relation, or where no point has values on both sides.
    """
    if relation not in HOLDS:
        raise ValueError(f"relation must be one of {', '.join(HOLDS)}, not {relation!r}")
    left, right = sympify(left), sympify(right)
    special = special and relation != "="
    iterated = max(integrations(left), integrations(right)) > 1
    digits = DIGITS_OF_ITERATED if iterated else DIGITS
    drawn = draw_points(left, right, special=special)
    quick = [point for point in drawn if point.values[K] != SLOWEST]
    points, witness, _ = _try_points(left, relation, right, quick, digits)
    if points and not witness and _proves(left, relation, right):
        return Verdict("proved", points)
    if not witness:
        everywhere = chain(drawn, beside_kinks(left, right))
        points, witness, excluded = _try_points(left, relation, right, everywhere, 2 * digits)
    if not points:
        reason = f": {excluded}" if excluded else ""
        raise ValueError(f"no point has a value on both sides of {left} {relation} {right}{reason}")
    return Verdict("refuted" if witness else "confirmed", points, witness)


def _proves(left, relation, right):
    return proves_equal(left, right) if relation == "=" else proves_bound(left, relation, right)


def _try_points(left, relation, right, points, digits):
    """How many points had values, a witness against the claim, and why a point was left out."""
    tried, reason = 0, None
    for point in points:
        try:
            values = _values(left, right, point, digits)
            if values == (None, None):
                continue
            tried += 1
            if None in values:
                shown = (mp.nan if value is None else value for value in values)
                return tried, Witness(point, *shown), None
            holds = HOLDS[relation]
            if not holds(_gap(values)) or not _is_clear(values):
                gap = 0 if _is_rounding(left, right, point, digits, values) else _gap(values)
                if not holds(gap):
                    return tried, Witness(point, *values), None
        except Excluded as excluded:
            reason = excluded
    return tried, None, reason


def _values(left, right, point, digits):
    """Both sides at a point; None for one that has no value there."""
    return tuple(_value_or_none(side, point, digits) for side in (left, right))


@lru_cache(10_000)  # the right side of a step is the left side of the next
def _value_or_none(side, point, digits):
    try:
        with mp.workdps(digits):
            return evaluate(side, point)
    except (Undefined, ZeroDivisionError):
        return None


def _gap(values):
    """right - left; equal infinities have none."""
    left, right = values
    with mp.workdps(16 * DIGITS):
        return 0 if left == right else right - left


def _is_clear(values):
    """Whether one side is larger by far more than any rounding."""
    return abs(_gap(values)) > max(mp.mpf(10) ** -20, *map(abs, values)) / 1000


def _is_rounding(left, right, point, digits, values):
    """Whether the sides agree but for the last ten digits, or more digits make their gap vanish.

    The second is for what cancels: 1e-50 instead of 0 is rounding if 400 digits make it 1e-400,
    while e^-200 stays. It also saves a difference of two numbers near 1e300.
    """
    gap, small = abs(_gap(values)), mp.mpf(10) ** (10 - digits)
    if mp.isinf(gap) or gap <= small * max(map(abs, values)):
        return not mp.isinf(gap)
    more = 2 if integrations(left) or integrations(right) else 8  # a quadrature takes its time
    finer = _values(left, right, point, more * digits)
    return None not in finer and abs(_gap(finer)) <= small * gap
