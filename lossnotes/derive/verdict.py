"""Whether one expression equals, or bounds, another: proved, confirmed at points, or refuted."""

from dataclasses import dataclass
from functools import lru_cache
from itertools import chain

from mpmath import mp, nstr
from sympy import Derivative, sympify
from sympy.polys.polyerrors import BasePolynomialError

from lossnotes.derive.bounds import proves_bound, proves_only_there
from lossnotes.derive.claim import understood
from lossnotes.derive.conditions import conditions
from lossnotes.derive.descent import (
    bottoms,
    bottoms_farther_out,
    descend,
    is_at,
    multiples,
)
from lossnotes.derive.kinks import beside_kinks, kinks_far_out, on_kinks
from lossnotes.derive.parts import parts_of
from lossnotes.derive.points import (
    DIGITS,
    Point,
    affordable,
    coincidences,
    draw_points,
    far_out,
    integrations,
    is_about_sizes,
    is_inside,
    many_classes,
    named_numbers,
    nearly_alike,
    one_at_a_time,
)
from lossnotes.derive.prove import Stopped, proves_equal
from lossnotes.derive.symbols import K
from lossnotes.derive.values import Excluded, GivenUp, Noise, Undefined, evaluate
from lossnotes.derive.why import attempt, reasons

SLOWEST = 5  # of the numbers of classes: its many points wait until there is no proof
DIGITS_OF_ITERATED = 30  # integrals, which cost as much as a thousand other values
FEW_DIGITS = (15, 25)  # which must agree, where a bound holds by a margin
HOLDS = {
    "=": lambda gap: gap == 0,
    "<=": lambda gap: gap >= 0,
    ">=": lambda gap: gap <= 0,
    "<": lambda gap: gap > 0,
    ">": lambda gap: gap < 0,
}
MISUNDERSTOOD = (
    ArithmeticError,
    AttributeError,
    BasePolynomialError,
    IndexError,
    KeyError,
    NotImplementedError,
    RecursionError,
    TypeError,
)
NOT_STRICT = {"<": "<=", ">": ">="}
SEEDS = (1, 2)  # of what rounding may do, where it is asked whether a failure is more than that


@dataclass(frozen=True)
class Witness:
    """A point at which a claim fails, with the values of both sides; `claim` holds the sides."""

    point: Point
    left: object
    right: object
    claim: tuple = ()

    def __str__(self):
        left, right = self.shown()
        return f"at {self.point}: left = {left}, right = {right}"

    def shown(self):
        """Both values as texts, with as many digits as it takes to tell them apart."""
        for digits in (12, 20, 40, DIGITS, 2 * DIGITS):
            left, right = nstr(self.left, digits), nstr(self.right, digits)
            if left != right:
                break
        return left, right

    def check(self):
        """Compute both sides again: whether the claim fails at the point.

        Raises ValueError for a witness that does not know its claim.
        """
        if not self.claim:
            raise ValueError("this witness does not know its claim: it has only the values")
        trial = Trial(*self.claim)
        trial.at(self.point, 2 * DIGITS)
        return trial.witness is not None


@dataclass(frozen=True)
class Verdict:
    """`kind` is "proved", "confirmed" or "refuted". A verdict is true unless refuted.

    `given_up` counts the points where a side was out of reach, or had no value because of where the
    point was chosen. A proof holds `where` both sides have a value: sentences, such as "c is not
    1". `why` holds what the proof used, in that order; where none was looked for, why not.
    """

    kind: str
    points: int
    witness: Witness | None = None
    given_up: int = 0
    why: tuple = ()
    where: tuple = ()

    def __bool__(self):
        return self.kind != "refuted"

    def __str__(self):
        if self.kind == "proved":
            return "proved" + (f" where {' and '.join(self.where)}" if self.where else "")
        if self.kind == "confirmed":
            given_up = f", {self.given_up} given up" if self.given_up else ""
            return f"confirmed at {self.points} point{'s' * (self.points != 1)}{given_up}"
        return f"refuted {self.witness}"


def equal(left, right):
    """Whether left = right: the verdict of `compare` on an equation."""
    return compare(left, "=", right)


def compare(left, relation, right, special=True, prove=True):
    """The verdict on `left relation right`, for every point of the domains of their symbols.

    First the claim is tried at random points, K in 2, 3, 7: one failure refutes it. The sides agree
    if all of 50 digits do but ten, of 30 where integrals are iterated. Inequalities are also tried
    where they are tight and in corners of the domains, unless `special` is false. Points of which
    nothing is claimed are left out: kinks, ties of an argmax. Then a proof for every K is sought,
    unless `prove` is false.
    What has none is tried where it could fail (`hard_points`), and a bound besides where vectors
    are nearly equal, at points that are not counted. What survives that is "confirmed",
    and no more: a claim that first fails at K = 11 where K is tried up to 9, one that is false by
    less than a relative 10^-90, an inequality that fails in a small region only, survives as well.
    Vectors are compared entry by entry. Raises ValueError, with a sentence, for an unknown
    relation, for what is no claim about numbers, and where no point has values on both sides.
    """
    if relation not in HOLDS:
        raise ValueError(f"relation must be one of {', '.join(HOLDS)}, not {relation!r}")
    try:
        return _compare(*understood(left, right), relation, special, prove)
    except MISUNDERSTOOD as error:
        reason = str(error) or type(error).__name__
        raise ValueError(f"SymPy cannot work with {left} {relation} {right}: {reason}") from error


def strict_unless(left, relation, right, where, links=()):
    """The verdict on a bound that is an equality nowhere but at `where`, as in {p: q}.

    `links` are bounds of which this one is made: it is strict where one of them is. Random points
    first, then a proof; where there is none, the special points and those at which the gap is
    least, looked for from many starts.
    """
    strict = {"<=": "<", ">=": ">"}.get(relation, relation)
    claim = understood(left, right)
    where = {symbol: sympify(value) for symbol, value in where.items()}
    trial = Trial(claim[0], strict, claim[1])
    trial.through(affordable(draw_points(*claim), *claim), DIGITS)
    if trial.tried and not trial.witness:
        with reasons() as used:
            proved = _proves_only_there(*claim, relation, where, links)
        if proved:
            why = tuple(fact for fact in used if isinstance(fact, str))
            return Verdict("proved", trial.tried, why=why)
    found = compare(left, strict, right, special=False)
    if not found:
        return found
    left, right = claim
    sides = (left, right) if relation in ("<", "<=") else (right, left)
    special = (point for point in draw_points(left, right, special=True) if point.kind)
    trial = Trial(left, strict, right)
    trial.through(_away(where, chain(special, bottoms(*sides))), DIGITS)
    beside = Trial(left, strict, right)  # more points, which are not counted
    if not trial.witness:
        drawn = draw_points(left, right, counts=(2, 3))
        further = chain(one_at_a_time(*claim), bottoms_farther_out(*sides), multiples(where, drawn))
        beside.through(_away(where, further), DIGITS)
    if witness := trial.witness or beside.witness:
        return Verdict("refuted", trial.tried, witness)
    return Verdict("confirmed", found.points + trial.tried, given_up=found.given_up)


def _away(where, points):
    """The points at which a case of equality does not hold."""
    return (Point(point.values) for point in points if is_at(where, point) is False)


def _proves_only_there(left, right, relation, where, links):
    """Whether the bound, or a link that mentions what is given in the claim, is proved strict."""
    given = set().union(*(value.free_symbols for value in where.values()))
    given &= left.free_symbols | right.free_symbols  # any number in a link without it
    bounds = dict.fromkeys((*links, (left, relation, right)))
    return any(
        given <= bound[0].free_symbols | bound[2].free_symbols
        and attempt(proves_only_there, *bound, where)
        for bound in bounds
    )


def _compare(left, right, relation, special, prove):
    bound = special and relation != "="
    iterated = max(integrations(left), integrations(right)) > 1
    digits = DIGITS_OF_ITERATED if iterated else DIGITS
    drawn = affordable(draw_points(left, right, special=bound), left, right)
    trial = Trial(left, relation, right)
    trial.through((point for point in drawn if point.values[K] != SLOWEST), digits)
    if is_about_sizes(left, right) and not trial.witness:  # these points cost less than a proof
        trial.through(many_classes(left, right), digits)
    sought = prove and (special or relation == "=")
    why = ()
    if sought and trial.tried and not trial.witness:
        try:
            with reasons() as used:
                proved = _proves(left, relation, right)
        except Stopped as stopped:
            proved, why = False, (str(stopped),)
        if proved:
            why = tuple(fact for fact in used if isinstance(fact, str))
            return Verdict("proved", trial.tried, why=why, where=conditions(left, right))
    if not trial.witness:
        trial = Trial(left, relation, right)
        trial.through(chain(drawn, beside_kinks(left, right)), 2 * digits)
        if trial.tried and not trial.witness:
            trial.through(hard_points(left, relation, right, special), digits)
        beside = Trial(left, relation, right)  # more points, which are not counted
        if trial.tried and not trial.witness:
            beside.through(named_numbers(left, right), digits)
        if bound and trial.tried and not (trial.witness or beside.witness):
            sides = (left, right) if relation in ("<", "<=") else (right, left)
            least = (Point(point.values, "far") for point in bottoms(*sides, counts=(2,)))
            beside.through(chain(nearly_alike(left, right), least), digits)
        trial.witness = trial.witness or beside.witness
    if not trial.tried:
        reason = f": {trial.reason}" if trial.reason else ""
        raise ValueError(f"no point has a value on both sides of {left} {relation} {right}{reason}")
    if trial.witness:
        return Verdict("refuted", trial.tried, trial.witness, trial.given_up)
    return Verdict("confirmed", trial.tried, given_up=trial.given_up, why=why)


def hard_points(left, relation, right, special):
    """Where a claim that holds at random points could still fail.

    Many classes; each pattern of those that are named; numbers far out; both sides of the kinks on
    the way there. If special, also the kinks themselves, corners, and where a bound is smallest.
    """
    yield from many_classes(left, right)
    yield from coincidences(left, right)
    yield from far_out(left, right)
    yield from kinks_far_out(left, right)
    if special:
        yield from on_kinks(left, right)
        if relation == "=":
            drawn = draw_points(left, right, special=True)
            yield from (point for point in drawn if point.kind)
        else:
            sides = (left, right) if relation in ("<", "<=") else (right, left)
            yield from descend(*sides)
            if relation in NOT_STRICT:  # where nothing is left of the gap, to all digits
                yield from (Point(point.values, "kink") for point in bottoms(*sides))


def _proves(left, relation, right):
    return proves_equal(left, right) if relation == "=" else proves_bound(left, relation, right)


class Trial:
    """A claim, tried at points: how many had values, how many were given up, and a witness."""

    def __init__(self, left, relation, right):
        self.sides, self.relation = (left, right), relation
        self.tried = self.given_up = 0
        self.witness = self.reason = None

    def through(self, points, digits):
        """Try the claim at the points, until it fails."""
        for point in points:
            self.at(point, digits)
            if self.witness:
                return

    def at(self, point, digits):
        """Try the claim at a point, if it lies in the domains of all symbols."""
        if not is_inside(point):
            return
        try:
            fails = self._fails(point, digits)
        except GivenUp as reason:
            self.given_up, self.reason = self.given_up + 1, reason
        except Excluded as reason:
            self.reason = reason
        else:
            if fails is None:
                return
            self.tried += 1
            if fails:
                values = self._values(point, digits)
                shown = (mp.nan if value is None else value for value in values)
                left, right = self.sides
                self.witness = Witness(point, *shown, (left, self.relation, right))

    def _fails(self, point, digits):
        """Whether the claim fails at the point; None if neither side has a value."""
        if self._holds_by_a_margin(point):
            return False
        values = self._values(point, digits)
        if values == (None, None):
            return None
        if None in values:
            if point.kind:
                raise GivenUp("one side has no value at a special point")
            return True
        if point.kind == "kink" and self.relation not in NOT_STRICT:
            clear = abs(_gap(values)) > mp.mpf(10) ** (10 - digits // 2) * max(1, *map(abs, values))
            return clear and not HOLDS[self.relation](_gap(values))
        if point.kind == "far" or (point.kind and self.relation == "="):
            return self._fails_beyond_rounding(point, digits)
        holds = HOLDS[self.relation]
        if holds(_gap(values)) and (holds(0) or _is_clear(values)):
            return False
        gap = 0 if self._is_rounding(point, digits, values) else _gap(values)
        return not holds(gap)

    def _holds_by_a_margin(self, point):
        """Whether a bound of integrals, which are dear, is clear of equality to a few digits."""
        if self.relation == "=" or point.kind == "kink" or not any(map(integrations, self.sides)):
            return False
        try:
            found = [self._values(point, digits) for digits in FEW_DIGITS]
        except Excluded:
            return False
        if any(None in values for values in found):
            return False
        gaps = [_gap(values) for values in found]
        return (
            HOLDS[self.relation](gaps[0])
            and all(map(_is_clear, found))
            and abs(gaps[1] - gaps[0]) <= abs(gaps[0]) / 1000
        )

    def _fails_beyond_rounding(self, point, digits):
        """Whether the claim fails, and as clearly when everything that is rounded is changed.

        Far out 1 + e^-1000 is 1, which refutes nothing. A strict bound counts as one that is not.
        """
        holds = HOLDS[NOT_STRICT.get(self.relation, self.relation)]
        small, before = mp.mpf(10) ** (10 - digits), 0
        differences = any(side.has(Derivative) for side in self.sides)
        for precision in (digits, self._more(digits)):
            values = self._values(point, precision)
            if None in values:
                raise GivenUp("one side has no value at a special point")
            gap = _gap(values)
            if holds(gap) or abs(gap) <= small * max(*map(abs, values), before):
                return False
            if before and differences and abs(gap) <= before * mp.mpf(10) ** (-digits // 2):
                return False  # where a slope bends, a central difference is as wrong as its step
            before = abs(gap)
        shaken = [_gap(self._shaken(point, precision, seed)) for seed in SEEDS]
        if all(abs(other - gap) <= abs(gap) / 1000 for other in shaken):
            return True
        raise GivenUp("rounding hides which side is larger")

    def _shaken(self, point, digits, seed):
        with mp.workdps(digits):
            return tuple(evaluate(side, point, Noise(seed)) for side in self.sides)

    def _values(self, point, digits):
        """Both sides at a point; None for one that has no value there."""
        values = tuple(_value_or_none(side, point, digits) for side in self.sides)
        return values if self.relation == "=" else tuple(_real_or_none(x, digits) for x in values)

    def _is_rounding(self, point, digits, values):
        """Whether the sides agree but for the last ten digits, or more digits make them agree.

        The second is for what cancels: 1e-50 instead of 0 is rounding if 400 digits make it 1e-400,
        while e^-200 stays. It also saves a difference of two numbers near 1e300.
        """
        gap, small = abs(_gap(values)), mp.mpf(10) ** (10 - digits)
        if mp.isinf(gap) or gap <= small * max(map(abs, values)):
            return not mp.isinf(gap)
        finer = self._values(point, self._more(digits))
        return None not in finer and abs(_gap(finer)) <= small * gap

    def _more(self, digits):
        """More digits; a quadrature and a derivative of a derivative take their time."""
        dear = any(map(integrations, self.sides)) or max(map(_order, self.sides)) > 1
        return 2 * digits if dear else 8 * digits


@lru_cache(10_000)
def _order(side):
    """How often something is differentiated."""
    return max((len(part.variables) for part in parts_of(Derivative, side)), default=0)


@lru_cache(10_000)  # the right side of a step is the left side of the next
def _value_or_none(side, point, digits):
    try:
        with mp.workdps(digits):
            if point.kind == "kink":
                return evaluate(side, point.rounded(), zero=mp.mpf(10) ** (10 - digits))
            return evaluate(side, point)
    except (Undefined, ZeroDivisionError):
        return None


def _real_or_none(value, digits):
    """A number that can be larger or smaller than another."""
    if not isinstance(value, mp.mpc):
        return value
    return value.real if abs(value.imag) <= mp.mpf(10) ** (10 - digits) * abs(value) else None


def _gap(values):
    """right - left; equal infinities have none."""
    left, right = values
    with mp.workdps(16 * DIGITS):
        return 0 if left == right else right - left


def _is_clear(values):
    """Whether one side is larger by far more than any rounding."""
    return abs(_gap(values)) > max(mp.mpf(10) ** -20, *map(abs, values)) / 1000
