"""Row: which known losses a loss becomes, at which values of its parameters."""

from mpmath import mp
from sympy import Integer, Limit, Rational, nan, oo, zoo

from lossnotes.derive.symbols import Between
from lossnotes.portrait import search
from lossnotes.portrait.table import Row, formula

NEAR = Rational(1, 10**9)
SPECIAL = (Integer(0), Integer(1), Integer(2), Rational(1, 2))


def special_cases(loss):
    """Equal to a known loss, up to a factor and a constant, perhaps in a limit of a parameter."""
    claims, parts = [], []
    for words, value in _cases(loss):
        for name, known in loss.known.items():
            if found := _multiple(loss, value, known):
                factor, constant = found
                checked = loss.claim(value, "=", factor * known + constant)
                if not checked:
                    continue
                claims.append(checked)
                times = "" if factor == 1 else f"{formula(factor)} times "
                plus = "" if constant == 0 else f" plus {formula(constant)}"
                parts.append(f"{words}{times}{name}{plus}")
    if not claims:
        return Row("special cases", None, f"none of {', '.join(loss.known)} was found in it")
    return Row("special cases", True, "; ".join(parts), tuple(claims))


def _cases(loss):
    """The loss itself, and at special values of each parameter, in words."""
    yield "it is ", loss.value
    for parameter in loss.numbers:
        ends = (parameter.lower, parameter.upper) if isinstance(parameter, Between) else ()
        for special in dict.fromkeys([*SPECIAL, *ends]):
            inside = (
                not ends
                or (special - ends[0]).is_nonnegative
                and (ends[1] - special).is_nonnegative
            )
            if not inside:
                continue
            value = loss.value.subs(parameter, special)
            if value.has(nan, zoo, oo):
                side = "-" if ends and special == ends[1] else "+"
                value = Limit(loss.value, parameter, special, side)
                yield f"as {formula(parameter)} goes to {formula(special)} it becomes ", value
            else:
                yield f"at {formula(parameter)} = {formula(special)} it is ", value


def _multiple(loss, value, known):
    """The factor and the constant by which a loss is a known one, found at two points."""
    size = loss.sizes[0]
    places = [[x] + [0] * (size - 1) for x in (0.25, -1.5, 2.5)]
    if isinstance(value, Limit):
        body, parameter, end, side = value.args
        value = body.xreplace({parameter: end + (NEAR if str(side) == "+" else -NEAR)})
    ours = [search.number(loss, value, place, 40) for place in places]
    theirs = [search.number(loss, known, place, 40) for place in places]
    if None in ours or None in theirs or theirs[0] == theirs[1]:
        return None
    with mp.workdps(40):
        slope = (ours[1] - ours[0]) / (theirs[1] - theirs[0])
        constant = ours[0] - slope * theirs[0]
        if abs(slope * theirs[2] + constant - ours[2]) > mp.mpf(10) ** -7:
            return None
        found = [_simple(slope), _simple(constant)]
    return None if None in found or found[0] == 0 else tuple(found)


def _simple(value):
    for denominator in (1, 2, 3, 4):
        if abs(value * denominator - mp.nint(value * denominator)) < mp.mpf(10) ** -7:
            return Rational(int(mp.nint(value * denominator)), denominator)
    return None
