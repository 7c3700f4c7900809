"""Rows: what a loss does far out, where the label is far behind and where it is far ahead."""

from mpmath import mp
from sympy import Derivative, Rational, Symbol

from lossnotes.derive.symbols import one_hot
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
    ray = loss.fixed(loss.with_scores(side * (FAR + FARTHER) * one_hot(loss.y)))
    along = side * Derivative(ray, FARTHER)
    beyond = f"where the score of the label is beyond {side * FAR}{loss.at_numbers}"
    if near == far == 0:
        checked = loss.claim(along, "=", 0)
        answer, says = "stops" if side > 0 else "forgets", "the slope is zero"
    elif abs(far) < TINY and abs(near) < TINY:
        checked = loss.claim(along**2, "<=", SMALL**2, prove=False)
        answer = "fades"
        says = f"the slope is a millionth at most in size; {mp.nstr(near, 5)} at {side * FAR}"
    elif abs(near - far) < TINY * abs(far):
        if (value := search.nice(1000 * far)) is None:
            return Row(name, None, f"{found}{loss.at_numbers}")
        answer = value / 1000
        checked = loss.claim((along - answer) ** 2, "<=", SMALL**2, prove=False)
        says = f"the slope is {formula(answer)}, up to a millionth"
    elif abs(far) > 1.5 * abs(near):
        checked = loss.claim(Derivative(along**2, FARTHER), ">=", 0, prove=False)
        answer, says = "grows", f"the slope never falls in size; {found}"
    else:
        return Row(name, None, f"{found}{loss.at_numbers}")
    if not checked:
        return Row(name, None, f"{found}{loss.at_numbers}, and elsewhere it is otherwise")
    return Row(name, answer, f"{beyond} and the others are zero, {says}", (checked,))
