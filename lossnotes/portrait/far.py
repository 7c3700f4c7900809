"""Rows: what a loss does far out, where the label is far behind and where it is far ahead."""

from mpmath import mp
from sympy import Derivative, Symbol

from lossnotes.derive.symbols import one_hot
from lossnotes.portrait import search
from lossnotes.portrait.table import Row, formula

TINY = mp.mpf(10) ** -8
FAR = 60
DIGITS = 80  # of a slope that may be as small as e^-120
FARTHER = Symbol("t", positive=True)


def lost(loss):
    """The slope where the label is far behind: zero where lost examples are forgotten."""
    return _row(loss, "far behind", -1)


def won(loss):
    """The slope where the label is far ahead: exactly zero where the loss stops."""
    return _row(loss, "far ahead", 1)


def _row(loss, name, side):
    slope = Derivative(loss.value, loss.s[1])
    places = [[side * far] + [0] * (loss.sizes[0] - 1) for far in (FAR, 2 * FAR)]
    near, far = (search.number(loss, slope, place, DIGITS) for place in places)
    if near is None or far is None:
        return Row(name, None, "no slope was found")
    ray = loss.fixed(loss.with_scores(side * (FAR + FARTHER) * one_hot(loss.y)))
    along = side * Derivative(ray, FARTHER)
    small = search.rounded(TINY * 1000, up=True)
    if near == far == 0:
        checked = loss.claim(along, "=", 0)
        answer = "stops" if side > 0 else "forgets"
        says = "beyond the margin 60 the slope is zero" if side > 0 else "its slope is zero there"
    elif abs(far) < TINY and abs(near) < TINY:
        checked = loss.claim(along**2, "<=", small**2, prove=False)
        answer = "fades"
        says = "the slope goes to zero" + (
            " and the loss forgets lost examples" if side < 0 else " and the loss never quite stops"
        )
    elif abs(near - far) < TINY * abs(far):
        value = search.nice(far)
        if value is None:
            return Row(name, None, f"the slope is about {mp.nstr(far, 6)}{loss.at_numbers}")
        checked = loss.claim((along - value) ** 2, "<=", small**2, prove=False)
        answer = value
        says = f"the slope goes to {formula(value)}"
    elif abs(far) > 1.5 * abs(near):
        checked = loss.claim(along**2, ">=", search.rounded(abs(near) / 2, up=False) ** 2, False)
        answer = "grows"
        says = (
            f"the slope grows: {mp.nstr(near, 5)} at {side * FAR}, "
            f"{mp.nstr(far, 5)} at {2 * side * FAR}"
        )
    else:
        return Row(
            name, None, f"the slope is {mp.nstr(near, 5)} and then {mp.nstr(far, 5)}: not decided"
        )
    if not checked:
        return Row(name, None, "the slope that was found does not hold everywhere")
    return Row(name, answer, f"{says}{loss.at_numbers}, with the other scores at zero", (checked,))
