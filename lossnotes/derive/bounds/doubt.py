"""Whether a goal is false at some point: then no proof need be looked for.

In floats, and with no say in what is proved: a goal that is doubted is only given up.
"""

from functools import lru_cache

from sympy import Add, Dummy, IndexedBase, Integer, Integral, Sum, Symbol

from lossnotes.derive.bounds.goal import in_numbers
from lossnotes.derive.prove.floats import draw, sign, somewhere, value
from lossnotes.derive.prove.reduce import before
from lossnotes.derive.prove.unfold import RANGES, side
from lossnotes.derive.symbols import Between, K, argmax, maximum

POINTS = 12


@lru_cache(10_000)
def is_doubtful(expression, facts, classes):
    """Whether an expression is clearly negative at a point where the facts hold."""
    if expression.has(Integral, side, before, maximum, argmax):
        return False
    if expression.has(Sum):
        vectors = {base.label for base in expression.atoms(IndexedBase)}
        if facts or expression.atoms(Dummy) - RANGES.keys() - vectors:
            return False  # a sum and its terms have to do with one another
        expression = _for_three(expression, classes)
        if expression is None:
            return False
    whole = in_numbers(expression)
    facts = [in_numbers(fact) for fact, _ in facts]
    found = sorted(whole.free_symbols.union(*(f.free_symbols for f in facts)), key=str)
    numbers = [x for x in found if not isinstance(x, Between)]
    numbers += [x for x in found if isinstance(x, Between)]
    bounds = {b for x in numbers if isinstance(x, Between) for b in (x.lower, x.upper)}
    extra = set().union(*(b.free_symbols for b in bounds)) - set(numbers)
    if any(isinstance(x, Between) for x in extra):
        return False
    numbers = [*sorted(extra, key=str), *numbers]

    def is_false(generator):
        point = _point(numbers, generator)
        return all(value(fact, point) >= 0 for fact in facts) and sign(whole, point) < 0

    return somewhere(is_false, POINTS)


def _for_three(expression, classes):
    """The expression with three classes, the named ones among them."""
    if any(limit[1:] != (1, K) for part in expression.atoms(Sum) for limit in part.limits):
        return None
    free = [number for number in map(Integer, (1, 2, 3)) if number not in classes]
    places = [place for place in classes if not place.is_Integer]
    if len(places) > len(free) or any(place.is_Integer and place > 3 for place in classes):
        return None
    if any(not isinstance(place, Symbol) for place in places):
        return None
    numbers = dict(zip(places, free, strict=False)) | {K: Integer(3)}
    return _written_out(expression).xreplace(numbers)


def _written_out(expression):
    """Sums over three classes as sums of three terms."""
    if not expression.has(Sum):
        return expression
    if not isinstance(expression, Sum):
        return expression.func(*map(_written_out, expression.args))
    body = _written_out(expression.function)
    for index, _, _ in expression.limits:
        body = Add(*(body.xreplace({index: Integer(number)}) for number in (1, 2, 3)))
    return body


def _point(numbers, generator):
    values = {}
    for number in numbers:
        values[number] = draw(number, values, generator)
    entries_of = {}
    for number in numbers:
        if isinstance(number, Between) and "[" in number.name:
            row, _, _ = number.name.replace(",", "[").rpartition("[")
            entries_of.setdefault(row, []).append(number)
    for entries in entries_of.values():
        if len(entries) == 3:  # all of them sum to one
            whole = sum(values[x] for x in entries)
            values |= {x: values[x] / whole for x in entries}
    return values
