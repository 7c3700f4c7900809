"""What it means that a case of equality does not hold: then a bound must be strict.

A number is above or below its value. Of a vector some entry is not the one stated. Where a number c
is free, as in s_i = c for all i, the scores s are not all alike: whatever c is, one is not c.
"""

from sympy import Dummy, IndexedBase, S, Symbol

from lossnotes.derive.prove.signs import Unnamed, has_value, is_positive
from lossnotes.derive.prove.unfold import ANY_CLASS, unfold
from lossnotes.derive.symbols import Between, Classes, K, entry


def beside(number, value):
    """What a number may be where it is not the value, as expressions; None if that is not known."""
    beyond, share = Dummy("beyond", positive=True), Unnamed("share", 0, 1, number)
    if number.is_integer or isinstance(number, Classes) or not has_value(unfold(value)):
        return None
    if isinstance(number, Between):
        lower, upper = number.lower, number.upper
        if not (is_positive(value - lower) and is_positive(upper - value)):
            return None
        below = Unnamed(f"{number} below {value}", lower, value, number)
        return below, Unnamed(f"{number} above {value}", value, upper, number)
    if number.is_positive:
        return (value * share, value + beyond) if is_positive(value) else None
    if number.assumptions0 == Symbol("x", real=True).assumptions0:
        return value - beyond, value + beyond
    return None


def gaps(vector, value, known, largest):
    """Numbers at ANY_CLASS each of which is not zero somewhere, and one that is not the same
    everywhere, or None; None in place of both if that is not known.

    `known` are the symbols of the claim: any other number of the value is free.
    """
    if vector.shape not in (None, (), (K,)):
        return None
    gap = vector[ANY_CLASS] - unfold(entry(value, ANY_CLASS))
    if not has_value(gap):
        return None
    labels = {base.label for base in value.atoms(IndexedBase)}
    free = list(value.free_symbols - known - labels - {K, ANY_CLASS})
    if not free:
        return (gap,), None
    (c,) = free if len(free) == 1 else (None,)
    if c is None or type(c) is not Symbol or gap.diff(c) != -1:
        return None
    alike = gap.xreplace({c: S.Zero})
    if not (
        c.assumptions0 == Symbol("c", real=True).assumptions0
        or (alike == vector[ANY_CLASS] and c.assumptions0 == vector.label.assumptions0)
    ):
        return None  # the number may not be what the entries have in common
    highest = [
        number
        for number, within, others in largest
        if alike == vector[ANY_CLASS] and within == vector and others is None
    ]
    return tuple(alike - number for number in highest), alike
