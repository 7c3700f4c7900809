"""Whether one expression equals, or bounds, another: proved, confirmed at points, or refuted."""

from dataclasses import dataclass

from mpmath import mp, nstr
from sympy import sympify

from lossnotes.derive.bounds import proves_bound
from lossnotes.derive.points import DIGITS, Excluded, Point, Undefined, draw_points, evaluate
from lossnotes.derive.prove import proves_equal

AGREEING_DIGITS = 40

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

    First the claim is tried at random points, K in 2, 3, 5, 7: one failure refutes it. What the
    two sides differ by counts as rounding only if it all but vanishes, by a factor of 10^40, when
    50 digits are doubled. Inequalities are also tried where they are tight and in corners of the
    domains, unless `special` is false. Points of which nothing is claimed are left out: kinks,
    ties of an argmax. Then a proof for every K is sought. What survives without one is
    "confirmed", and no more than that: a claim that first fails at K = 11, one that is false by
    less than 10^-90, an inequality that fails in a small region only, survives as well.
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
    for point in draw_points(left, right, special=special):
        try:
            coarse, fine = (_values(left, right, point, times * DIGITS) for times in (1, 2))
        except Excluded:
            continue
        if fine == (None, None):
            continue
        tried += 1
        if None in fine or None in coarse or not HOLDS[relation](_gap(coarse, fine)):
            return tried, Witness(point, *(mp.nan if value is None else value for value in fine))
    return tried, None


def _values(left, right, point, digits):
    """Both sides at a point; None for one that has no value there."""
    with mp.workdps(digits):
        return tuple(_value_or_none(side, point) for side in (left, right))


def _value_or_none(side, point):
    try:
        return evaluate(side, point)
    except (Undefined, ZeroDivisionError):
        return None


def _gap(coarse, fine):
    """right - left; 0 if that is rounding, which shrinks with the digits and nothing else does."""
    with mp.workdps(2 * DIGITS):
        before, after = (0 if left == right else right - left for left, right in (coarse, fine))
        if mp.isinf(after) or mp.isinf(before):
            return after
        rounding = max(abs(before), mp.mpf(10) ** -DIGITS * max(map(abs, fine)))
        return 0 if abs(after) <= mp.mpf(10) ** -AGREEING_DIGITS * rounding else after
