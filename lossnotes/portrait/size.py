"""Rows: how small and how large a loss is, and where it exceeds the 0-1 loss."""

from dataclasses import dataclass
from itertools import product

from mpmath import mp
from sympy import Derivative, Heaviside, Integer, Rational, Symbol, nan, oo, zoo

from lossnotes.derive.symbols import Between, K, margin, one_hot
from lossnotes.portrait import search
from lossnotes.portrait.loss import SHARE
from lossnotes.portrait.table import Row, formula, is_small

TINY = mp.mpf(10) ** -9
FARTHER = Symbol("t", positive=True)


def below(loss):
    """Whether the loss is bounded below; 0 is claimed where nothing smaller was found."""
    name = "bounded below"
    if unbounded := grows(loss, sign=-1):
        return Row(
            name, False, f"{unbounded.words}, it is at most {unbounded.bound}", unbounded.claims
        )
    found = [*search.values(loss, loss.value), *_far(loss)]
    if not found:
        return Row(name, None, "no value was found")
    least, where = search.best(loss, loss.value, found, -1)
    smallest = f"no value below {mp.nstr(least, 6)} was found {search.where_tried(loss)}"
    if least < -TINY:
        bound = search.nice(least)
        whole = bound is not None and is_small(loss.value) and loss.claim(loss.value, ">=", bound)
        if not whole or whole.kind != "proved":
            return Row(name, None, f"{smallest}; no bound is shown")
        return Row(name, bound, f"it is at least {formula(bound)}", (whole,))
    f = loss.of_share
    small = f is not None or is_small(loss.value)
    checked = loss.claim(loss.value if f is None else f, ">=", 0, prove=small)
    if not checked:
        return Row(name, None, f"it is negative somewhere; {smallest}")
    at = ", ".join(mp.nstr(mp.mpf(x), 4) for x in where)
    says = f"it is not negative; the least value found {search.where_tried(loss)} is "
    says += f"{mp.nstr(least, 6)}, at the scores ({at})"
    return Row(name, True, says, (checked,))


def above(loss):
    """Whether the loss is bounded above, and by what."""
    name = "bounded above"
    if unbounded := grows(loss):
        return Row(
            name, False, f"{unbounded.words}, it is at least {unbounded.bound}", unbounded.claims
        )
    f = loss.of_share
    if f is not None:
        end = f.subs(SHARE, 0)
        if not end.has(zoo, oo, -oo, nan) and (checked := loss.claim(f, "<=", end)):
            return Row(name, end, f"at most {formula(end)}, its value at $p_y$ = 0", (checked,))
    found = [*search.values(loss, loss.value), *_far(loss)]
    if not found:
        return Row(name, None, "no value was found")
    most, _ = search.best(loss, loss.value, found, 1)
    bound = search.nice(most)
    of_scores = loss.of_probabilities is None
    value = loss.value if of_scores else loss.of_probabilities
    checked = bound is not None and loss.claim(
        loss.fixed(value), "<=", bound, prove=not of_scores or is_small(value)
    )
    if not checked or checked.kind != "proved":
        says = f"no value above {mp.nstr(most, 6)} was found {search.where_tried(loss)}"
        return Row(name, None, f"{says}; no bound is shown")
    return Row(name, bound, f"at most {formula(bound)}{loss.at_numbers}", (checked,))


def zero_one(loss):
    """The factor with which the loss is at least 1 wherever another class is ahead or level."""
    name = "above the 0-1 loss"
    f = loss.of_share
    if f is not None:
        least = f.subs(SHARE, Rational(1, 2))
        half = Between("p", 0, Rational(1, 2))
        wrong = loss.claim(f.xreplace({SHARE: half}), ">=", least)
        sign = loss.claim(f, ">=", 0)
        if wrong and sign and loss.fixed(least).is_positive:
            says = f"times {formula(1 / least)} it is at least 1 where $p_y$ is at most 1/2"
            return Row(name, 1 / least, f"{says}, and nowhere negative", (wrong, sign))
    points = [
        point
        for point in [*search.scores(loss), *search.rays(loss, -1)]
        if point[0] <= max(point[1:])
    ]
    found = list(search.values(loss, loss.value, points))
    if not found:
        return Row(name, None, "no value was found")
    lowest, _ = search.best(loss, loss.value, found, -1, _behind)
    least = search.nice(mp.nint(lowest * 10**5) / 10**5)
    if least is None or mp.mpf(least.p) / least.q > lowest + TINY:
        least = search.rounded(lowest - mp.mpf(10) ** -5, up=False)
    zero = least <= Rational(1, 10**6)
    factor = Integer(1000) if zero else 1 / least
    step = Heaviside(-margin(loss.s, loss.y), 1)
    fixed = loss.fixed(loss.value)
    checked = None
    if loss.classes == K and (zero or is_small(fixed, fixed)):
        checked = loss.claim(fixed, ">=", step / factor, prove=is_small(fixed, fixed))
    if zero and checked is not None and not checked:
        says = f"even {factor} times the loss is below 1 where another class is ahead"
        return Row(name, False, says + loss.at_numbers, (checked,))
    if not checked or checked.kind != "proved":
        says = (
            f"where another class is ahead or level, no value below {mp.nstr(lowest, 6)} was found"
        )
        return Row(name, None, f"{says} {search.where_tried(loss)}; no factor is shown")
    says = f"times {formula(factor)} it is at least 1 where another class is ahead or level"
    return Row(name, factor, f"{says}{loss.at_numbers}", (checked,))


def _behind(place):
    """Scores with the label, class 1, behind or level."""
    return [min(place[0], max(place[1:])), *place[1:]]


def _far(loss):
    for sign in (1, -1):
        yield from search.values(loss, loss.value, search.rays(loss, sign))


@dataclass(frozen=True)
class Growth:
    """The claim that a loss, or a derivative along a ray, outgrows a multiple of the distance."""

    words: str
    bound: str
    claims: tuple


def grows(loss, order=0, sign=1):
    """The Growth of sign times the loss, or of the size of a derivative along a ray; or None."""
    for n, side in product((1, 2), (1, -1)):
        near, far = ([0] * loss.sizes[0] for _ in range(2))
        near[n - 1], far[n - 1] = side * 300, side * 3000
        entry = Derivative(loss.value, *[loss.s[n]] * order) if order else loss.value
        low, high = (search.number(loss, entry, point) for point in (near, far))
        if low is None or high is None:
            continue
        way = mp.sign(high) if order else sign
        if not way * high > max(2 * way * low, 10):
            continue
        slope = search.rounded(min(way * low / 300, way * high / 3000, 2) / 2, up=False)
        if slope <= 0:
            continue
        ray = loss.with_scores(side * (300 + FARTHER) * one_hot(n), loss.of(Integer(1)))
        way = int(way) * (side if order == 1 else 1)
        bound = way * slope * FARTHER / (loss.classes if loss.classes == K else 1)
        for at, place in loss.places(ray):
            along = Derivative(at, *[FARTHER] * order) if order else at
            if checked := loss.claim(along, ">=" if way > 0 else "<=", bound, prove=False):
                words = f"where the score of class {n} is {formula(side * (300 + FARTHER))}"
                words += f"{place}, the label 1 and all other scores zero"
                says = f"{formula(bound)} for every {formula(FARTHER)} > 0"
                return Growth(words, says, (checked,))
    return None
