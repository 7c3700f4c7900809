"""Where a formula that is defined by cases goes from one to the next.

A switch is a number whose sign tells which case applies, or, under `floor`, its whole part.
"""

from functools import lru_cache
from itertools import combinations

from sympy import (
    Abs,
    Derivative,
    Heaviside,
    Integer,
    Integral,
    Limit,
    Max,
    Min,
    Mod,
    Piecewise,
    Product,
    Sum,
    ceiling,
    floor,
    sign,
)
from sympy.core.relational import Relational

from lossnotes.derive.claim import is_vector
from lossnotes.derive.parts import parts
from lossnotes.derive.symbols import Entry, K, ScalarQuantity, argmax, entry, maximum


@lru_cache(10_000)
def switches(expression):
    """Expressions whose sign, or whose class or whole part, tells which case applies.

    What a sum or an integral binds is free in them: see `bound_switches`.
    """
    found = set()
    for part in parts(expression):
        if isinstance(part, (Heaviside, Abs, sign)):
            found.add(part.args[0])
        elif isinstance(part, (Max, Min)):
            found |= {a - b for a, b in combinations(part.args, 2)}
        elif isinstance(part, Piecewise):
            conditions = (piece.cond for piece in part.args)
            for relation in (r for c in conditions for r in c.atoms(Relational)):
                found.add(relation.args[0] - relation.args[1])
        elif isinstance(part, (floor, ceiling)):
            found.add(floor(part.args[0], evaluate=False))
        elif isinstance(part, Mod):
            found.add(floor(part.args[0] / part.args[1], evaluate=False))
        elif isinstance(part, (maximum, argmax)):
            found.add(argmax(*part.args))
        elif isinstance(part, (ScalarQuantity, Entry)):
            found |= switches(part.definition())
    numbers = set()
    for switch in found:
        numbers |= {entry(switch, Integer(n)) for n in (1, 2)} if is_vector(switch) else {switch}
    return frozenset(x for x in numbers if not x.is_number)


def _mentions(switch, variable):
    """Whether a variable is free; SymPy does not count the i of d/ds_i."""
    moved = (v for part in switch.atoms(Derivative) for v in part.variables)
    return variable in switch.free_symbols.union(*(v.free_symbols for v in moved))


def _bound_in(part):
    """What a part binds, with the ends of each."""
    if isinstance(part, Limit):
        return [part.args[1:3]]
    return part.limits if isinstance(part, (Sum, Product, Integral)) else []


@lru_cache(10_000)
def free_switches(expression, classes):
    """The switches at a number of classes, without what is bound.

    A class that a sum binds is the first, the second or the last; the variable of an integral is at
    one of its ends, where a kink enters, and that of a limit where it goes.
    """
    limits = {}
    for part in parts(expression):
        named = isinstance(part, (ScalarQuantity, Entry)) and not isinstance(part, maximum)
        for inner in parts(part.definition()) if named else [part]:
            for variable, *ends in _bound_in(inner):
                limits.setdefault(variable, []).append((type(inner), *ends))
    found = set(switches(expression))
    for variable, places in limits.items():
        for switch in [switch for switch in found if _mentions(switch, variable)]:
            if variable not in expression.free_symbols:
                found.remove(switch)
            for kind, *ends in places:
                if kind in (Integral, Limit):
                    found |= {switch.xreplace({variable: end}) for end in ends if end.is_finite}
                    continue
                last = ends[-1].xreplace({K: Integer(classes)})
                last = last if last.is_Integer else Integer(classes)
                for number in {Integer(1), Integer(2), last}:
                    found.add(switch.xreplace({variable: number}))
    return frozenset(x for x in found if not x.is_number)
