"""Points beside the places where a formula that is defined by cases goes from one to the next.

A step that comes a hundredth too late is right almost everywhere: at random points nobody sees it.
"""

from functools import lru_cache
from itertools import islice, pairwise, product

from mpmath import mp
from sympy import IndexedBase, Integer, floor

from lossnotes.derive.points import (
    DIGITS,
    EFFORT,
    Point,
    draw_points,
    far_out,
    indices_of,
    is_inside,
    work,
)
from lossnotes.derive.switches import free_switches, switches
from lossnotes.derive.symbols import Between, Classes, K, Probabilities, argmax, entry
from lossnotes.derive.values import Excluded, Undefined, evaluate

HALVINGS = 20
FURTHER = 50  # halvings more, from here to far out
LINES = 40  # between points, at most
NEIGHBOURS = 64  # choices of the classes that have nothing to do with a change, at most
EIGHTHS = 8
SECANTS = 12  # steps to where a switch is zero


def beside_kinks(left, right, seed=0, halvings=HALVINGS):
    """On the lines between random points, both sides of every place where a case changes.

    They are as far apart as two random points, halved so many times.

    There every class is tried that has nothing to do with the change, such as the j of d/ds_j.
    """
    if not switches(left) | switches(right):
        return
    drawn = draw_points(left, right, seed=seed, counts=(2, 4, 5))
    lines = [(a, b) for a, b in pairwise(drawn) if a.values[K] == b.values[K]]
    yield from _along(_spread(lines, left, right), left, right, halvings)


def kinks_far_out(left, right):
    """Both sides of the kinks that lie on the way from random points to some far out."""
    if not switches(left) | switches(right):
        return
    near = {}
    for point in draw_points(left, right, counts=(2, 3, 4, 5)):
        near.setdefault(point.values[K], point)
    lines = [(near[b.values[K]], b) for b in far_out(left, right) if b.values[K] in near]
    yield from _along(_spread(lines, left, right), left, right, HALVINGS + FURTHER)


def on_kinks(left, right):
    """The very places where a case changes, to more digits than are looked at."""
    if not switches(left) | switches(right):
        return
    drawn = draw_points(left, right, seed=1, counts=(2, 3, 4))
    for point in islice(drawn, 0, None, 3):
        classes = point.values[K]
        point = _coarse(point)
        for switch in _ordered(left, right, classes):
            if not isinstance(switch, (argmax, floor)):
                with mp.workdps(3 * DIGITS):
                    found = list(_on(switch, point))
                yield from found


def _spread(lines, left, right):
    """As many of the lines as their effort allows, from all of them."""
    many = max(6, min(LINES, EFFORT // work((left, right), 3)))
    return lines[:: max(1, len(lines) // many)]


def _along(lines, left, right, halvings):
    indices = indices_of(left, right)
    for a, b in lines:
        b = Point(b.values | {x: v for x, v in a.values.items() if _stays(x, v, indices)}, b.kind)
        for switch in _ordered(left, right, a.values[K]):
            try:
                for point in _both_sides(switch, a, b, halvings):
                    others = sorted(indices - switch.free_symbols, key=str)
                    classes = range(1, a.values[K] + 1)
                    choices = product(classes, repeat=len(others))
                    for choice in islice(choices, NEIGHBOURS):
                        yield Point(
                            point.values | dict(zip(others, choice, strict=True)), point.kind
                        )
            except (Undefined, Excluded, ArithmeticError):
                continue


def _stays(symbol, value, indices):
    return symbol in indices or isinstance(value, (int, frozenset))


@lru_cache(10_000)
def _ordered(left, right, classes):
    return sorted(free_switches(left, classes) | free_switches(right, classes), key=str)


def _both_sides(switch, a, b, halvings):
    """Both sides of a change on the line from a to b, which is cut into 2^halvings parts.

    Found by regula falsi, as the heights of most switches are nearly straight along a line; an end
    that stays for a second time counts half.
    """
    if _shape(a) != _shape(b):
        return
    here, there = (evaluate(switch, point) for point in (a, b))
    case = _case(switch, here)
    if case == _case(switch, there):
        return
    height = _height(switch, here, there)
    low, high, was_before = 0, 2**halvings, None
    above, below = (evaluate(height, point) for point in (a, b))
    while high - low > 1:
        place = low + min(max(int((high - low) * _share(above, below)), 1), high - low - 1)
        point = _between(a, b, place, halvings)
        found, is_before = evaluate(height, point), _case(switch, evaluate(switch, point)) == case
        stayed = 2 if is_before == was_before else 1
        if is_before:
            low, above, below = place, found, below / stayed
        else:
            high, below, above = place, found, above / stayed
        was_before = is_before
    yield _between(a, b, low, halvings)
    yield _between(a, b, high, halvings)


def _height(switch, here, there):
    """What is zero where a switch leaves the case that it has here for that which it has there."""
    if isinstance(switch, argmax):
        return entry(switch.args[0], Integer(here)) - entry(switch.args[0], Integer(there))
    if isinstance(switch, floor):
        return switch.args[0] - Integer(int(here) + (there > here))
    return switch


def _share(above, below):
    """How far the way between two heights is to where it is zero, if it is straight."""
    heights = above, below
    if all(isinstance(x, mp.mpf) and mp.isfinite(x) for x in heights) and above * below < 0:
        return above / (above - below)
    return 0.5


def _shape(point):
    return {x: len(v) for x, v in point.values.items() if isinstance(v, list)}


def _case(switch, number):
    """The sign of a switch that is a number, or its class, or its whole part."""
    return number if isinstance(switch, (argmax, floor)) else mp.sign(number)


def _between(a, b, place, halvings):
    """The point at a place of the line from a to b; classes and sets stay."""

    def mixed(x, y):
        if isinstance(x, list):
            return [mixed(*pair) for pair in zip(x, y, strict=True)]
        return x if isinstance(x, (int, frozenset)) else x + share * (y - x)

    with mp.workdps(20 * DIGITS):  # so that probabilities sum to one still
        share = mp.ldexp(place, -halvings)
        values = {symbol: mixed(x, b.values[symbol]) for symbol, x in a.values.items()}
    return Point(values, b.kind)


def _coarse(point):
    """The point with its numbers rounded to eighths, where these are in the domain."""

    def rounded(value, least):
        if isinstance(value, list):
            return [rounded(x, least) for x in value]
        return mp.nint(value * EIGHTHS) / EIGHTHS or least / EIGHTHS

    free = {}
    for symbol, value in point.values.items():
        label = getattr(symbol, "label", symbol)
        if not (isinstance(symbol, (Between, Probabilities, Classes)) or label.is_integer):
            free[symbol] = rounded(value, -mp.one if label.is_nonpositive else mp.one)
    return Point(point.values | free, "corner")


def _on(switch, point):
    """The point with one number moved to where the switch is zero."""
    numbers = (switch.free_symbols | switch.atoms(IndexedBase)) & point.values.keys()
    for symbol in sorted(numbers, key=str):
        value = point.values[symbol]
        if isinstance(value, (int, frozenset)) or (
            isinstance(value, list) and isinstance(value[0], list)
        ):
            continue
        for place in range(len(value)) if isinstance(value, list) else [None]:
            try:
                found = _moved_to_zero(switch, point, symbol, place)
            except (Undefined, Excluded, ArithmeticError):
                continue
            if found is not None:
                yield found
                return


def _moved_to_zero(switch, point, symbol, place):
    old = point.values[symbol]
    start = old if place is None else old[place]

    def moved(number):
        value = number
        if place is not None:
            value = list(old)
            value[place] = number
            if isinstance(symbol, Probabilities):
                value[place - 1] += start - number
        return Point(point.values | {symbol: value}, "kink")

    number, step, nearly = start, mp.mpf(1) / EIGHTHS, mp.mpf(10) ** (-2 * DIGITS - EIGHTHS)
    for _ in range(SECANTS):  # most are straight: then the first one is there
        here, beyond = (evaluate(switch, moved(x)) for x in (number, number + step))
        if abs(here) <= nearly:
            places = 2 ** -int(mp.log(nearly, 2))
            there = moved(mp.nint(number * places) / places)  # what is nearly an end is the end
            return there if is_inside(there) else None
        if beyond == here:
            return None
        change = -here * step / (beyond - here)
        number, step = number + change, min(step, abs(change) / EIGHTHS + nearly**2)
    return None
