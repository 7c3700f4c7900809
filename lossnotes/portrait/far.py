"""Rows: what a loss does far out, where the label is far behind and where it is far ahead."""

from mpmath import mp
from sympy import Derivative, Rational, Symbol

from lossnotes.derive.symbols import K, one_hot
from lossnotes.portrait import search
from lossnotes.portrait.table import Row, formula

TINY = mp.mpf(10) ** -8
FAR = 60
DIGITS = 80  # of a slope that may be as small as e^-120
SMALL = Rational(1, 10**6)
FARTHER = Symbol("t", positive=True)


def lost(loss):
    """The slope in the label's score where it is far behind: none where the loss forgets."""
    return _row(loss, "far behind", -1)


def won(loss):
    """The slope in the label's score where it is far ahead: exactly zero where the loss stops."""
    return _row(loss, "far ahead", 1)


def _row(loss, name, side):
    slope = Derivative(loss.value, loss.s[1])
    places = [[side * far] + [0] * (loss.sizes[0] - 1) for far in (FAR, 2 * FAR)]
    near, far = (search.number(loss, slope, place, DIGITS) for place in places)
    if near is None or far is None:
        return Row(name, None, "no slope was found")
    found = f"the slope is {mp.nstr(near, 5)} at {side * FAR} and {mp.nstr(far, 5)} at twice that"
    if near == far == 0:
        answer, says = "stops" if side > 0 else "forgets", "the slope is zero"
    elif abs(far) < TINY and abs(near) < TINY:
        answer = "fades"
        says = f"the slope is a millionth at most in size; {mp.nstr(near, 5)} at {side * FAR}"
    elif abs(near - far) < TINY * abs(far):
        if (answer := _limit(loss, slope, side)) is None:
            return Row(name, None, f"{found}{loss.at_numbers}")
        says = f"the slope is {formula(answer)}, up to a millionth"
    elif abs(far) > 1.5 * abs(near):
        answer, says = "grows", f"the slope never falls in size; {found}"
    else:
        return Row(name, None, f"{found}{loss.at_numbers}")
    ray = loss.with_scores(side * (FAR + FARTHER) * one_hot(loss.y))
    for at, place in loss.places(ray):
        if checked := _claim(loss, side * Derivative(at, FARTHER), answer):
            beyond = f"where the score of the label is beyond {side * FAR}{place}"
            return Row(name, answer, f"{beyond} and the others are zero, {says}", (checked,))
    return Row(name, None, f"{found}{loss.at_numbers}, and elsewhere it is otherwise")


def _claim(loss, along, answer):
    if answer in ("stops", "forgets"):
        return loss.claim(along, "=", 0)
    if answer == "fades":
        return loss.claim(along**2, "<=", SMALL**2, prove=False)
    if answer == "grows":
        return loss.claim(Derivative(along**2, FARTHER), ">=", 0, prove=False)
    return loss.claim((along - answer) ** 2, "<=", SMALL**2, prove=False)


def _limit(loss, slope, side):
    """A slope that stays, as a simple number a, or as a + b / K for each number of classes."""
    far = [search.number(loss, slope, [side * 2 * FAR] + [0] * (n - 1), DIGITS) for n in loss.sizes]
    a, b = search.nice(1000 * far[0]), 0
    if len(far) > 1 and far[1] is not None and abs(far[1] - far[0]) > TINY:
        b = search.nice(6000 * (far[0] - far[1]))  # far = a + b / K at K = 2 and at K = 3
        a = search.nice(1000 * (3 * far[1] - 2 * far[0]))
    return None if a is None or b is None else (a + b / K) / 1000
