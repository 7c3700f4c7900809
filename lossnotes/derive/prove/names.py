"""Bound names: a number is put in the place of an index, and no name of a sum catches it."""

from functools import lru_cache

from sympy import Dummy, Integral, Product, Sum, Symbol

from lossnotes.derive.prove.unfold import index_names

BINDERS = (Sum, Product, Integral)


def put(expression, index, place):
    """The expression with a place for an index, wherever that is free."""
    bound = _bound(expression)
    taken = bound and bound & {index, *place.atoms(Symbol)}
    return (_without(taken, expression) if taken else expression).xreplace({index: place})


@lru_cache(10_000)
def _bound(expression):
    return {limit[0] for part in expression.atoms(*BINDERS) for limit in part.limits}


def _without(taken, expression):
    """The expression in which nothing binds a name that is taken."""
    if not expression.args or not expression.has(*taken):
        return expression
    if not isinstance(expression, BINDERS):
        return expression.func(*(_without(taken, part) for part in expression.args))
    used = taken | expression.atoms(Dummy)

    def name(variable, *ends):
        if variable not in taken:
            return variable
        if isinstance(expression, Integral):
            return Dummy(variable.name, **variable.assumptions0)
        return next(name for name in index_names(*ends) if name not in used)

    body = _without(taken, expression.function)
    limits = [
        (index, *(_without(taken, end) for end in ends)) for index, *ends in expression.limits
    ]
    return expression.func(*renamed(body, limits, name))


def renamed(body, limits, name):
    """A body and its limits, each variable by the name that is made of its limit, outwards in.

    A variable stands for itself in the body and in the limits inside its own, and nowhere else.
    """
    limits = list(limits)
    for place in reversed(range(len(limits))):
        variable, *ends = limits[place]
        new = name(variable, *ends)
        inner = [n for n in range(place) if limits[n][0] == variable]  # its own from there on
        if not inner:
            body = put(body, variable, new)
        for n in range(max(inner, default=0), place):
            limits[n] = (limits[n][0], *(put(end, variable, new) for end in limits[n][1:]))
        limits[place] = (new, *ends)
    return body, *limits
