"""Whether one expression equals, or bounds, another: proved, confirmed at points, or refuted."""

from dataclasses import dataclass

from mpmath import mp, nstr
from sympy import sympify

from lossnotes.derive.bounds import proves_bound
from lossnotes.derive.points import DIGITS, Point, Undefined, draw_points, evaluate
from lossnotes.derive.prove import proves_equal

AGREEING_DIGITS = 40

HOLDS = {
    "=": lambda left, right, error: abs(left - right) <= error,
    "<=": lambda left, right, error: left - right <= error,
    ">=": lambda left, right, error: right - left <= error,
    "<": lambda left, right, error: right - left > error,
    ">": lambda left, right, error: left - right > error,
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

    First the claim is tried at random points, K in 2, 3, 5, with 50 digits: one failure refutes
    it. Inequalities are also tried where they are tight, at equal scores and equal distributions,
    unless `special` is false. Then a proof for every K is sought. What survives without one is
    "confirmed".
    Raises ValueError for an unknown relation, or where no point has values on both sides.
    """
    if relation not in HOLDS:
        raise ValueError(f"relation must be one of {', '.join(HOLDS)}, not {relation!r}")
    left, right = sympify(left), sympify(right)
    points, witness = _try_points(left, relation, right, special and relation != "=")
    if witness:
        return Verdict("refuted", points, witness)
    if points == 0:
        raise ValueError(f"no point has a value on both sides of {left} {relation} {right}")
    proved = proves_equal(left, right) if relation == "=" else proves_bound(left, relation, right)
    return Verdict("proved" if proved else "confirmed", points)


def _try_points(left, relation, right, special):
    tried = 0
    with mp.workdps(DIGITS):
        for point in draw_points(left, right, special=special):
            values = [_value_or_none(side, point) for side in (left, right)]
            if values == [None, None]:
                continue
            tried += 1
            if None in values:
                return tried, Witness(point, *(mp.nan if v is None else v for v in values))
            error = mp.mpf(10) ** -AGREEING_DIGITS * max(1, *map(abs, values))
            if not HOLDS[relation](*values, error):
                return tried, Witness(point, *values)
    return tried, None


def _value_or_none(side, point):
    try:
        return evaluate(side, point)
    except (Undefined, ZeroDivisionError):
        return None
