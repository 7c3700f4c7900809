"""Whether a goal is false at some point: then no proof need be looked for.

In floats, and with no say in what is proved: a goal that is doubted is only given up.
"""

import math
from functools import lru_cache

from sympy import Add, Dummy, Function, Indexed, IndexedBase, Integer, Integral, Sum, Symbol, Tuple

from lossnotes.derive.bounds.goal import in_numbers, plain
from lossnotes.derive.prove.floats import CLEAR, Unknown, draw, sign, somewhere, value
from lossnotes.derive.prove.reduce import before
from lossnotes.derive.prove.unfold import RANGES, side, unfold
from lossnotes.derive.symbols import Between, K, Others, argmax, entry, maximum

POINTS = 12
CLASSES = tuple(map(Integer, (1, 2, 3)))
# Points at which many claims are equations: (from vector to vector, from class to class, size)
CHOSEN = ((0, 0, 1), (0, 0, 0.1), (1, 0, 1), (0, 1, 1))
TURNS = {1: -1, 2: 1}
LEAST = 0.04  # of what a share is to have there


class at_best(Function):
    """Of scores, and as many values: the value that stands where the largest score does."""


def is_doubtful(goal):
    """Whether a goal is clearly false at a point where its facts hold."""
    never_zero = goal.strict and not goal.apart and goal.uneven is None
    return _is_false(goal.expression, goal.facts, goal.classes, bool(goal.told), never_zero)


@lru_cache(10_000)
def _is_false(expression, facts, classes, told, never_zero):
    """Whether an expression is negative at a point; or zero at one of those that are chosen."""
    if expression.has(Integral, before):
        return False
    gaps, apart = [gap for gap, _ in facts], []
    if expression.has(Sum, maximum, argmax):
        vectors = {base.label for base in expression.atoms(IndexedBase)}
        dummies = set().union(*(part.atoms(Dummy) for part in (expression, *gaps)))
        if facts and told or dummies - RANGES.keys() - vectors:
            return False  # a sum and its terms have to do with one another
        try:
            expression, gaps, apart = _for_three(expression, gaps, classes)
        except Unknown:
            return False
    whole, *parts = map(_in_numbers, (expression, *gaps, *apart))
    facts = [(gap, strict) for gap, (_, strict) in zip(parts, facts, strict=False)]
    apart = parts[len(facts) :]
    kinks = sorted(set().union(*(part.atoms(side, at_best) for part in (whole, *parts))), key=_size)
    numbers = _in_order(whole.free_symbols.union(*(part.free_symbols for part in parts)))
    if numbers is None:
        return False

    def is_false(point, chosen=False):
        for kink in kinks:
            found = [value(part, point) for part in kink.args]
            point[kink] = _side(*found) if isinstance(kink, side) else _value_at_best(found)
        if any(value(fact, point) < 0 for fact, _ in facts):
            return False
        if any(value(gap, point) <= 0 for gap in apart):
            return False
        found = sign(whole, point)
        if not chosen:
            return found < 0
        size = abs(value(whole, point))
        if found < 0:
            return size > CLEAR  # the logarithm of a sum that is one may be -1e-16
        if any(strict and sign(fact, point) <= 0 for fact, strict in facts):
            return False
        return never_zero and found == 0 and math.isfinite(size)

    chosen = iter(CHOSEN)
    return somewhere(
        lambda _: is_false(_chosen(numbers, *next(chosen)), chosen=True), len(CHOSEN)
    ) or somewhere(lambda generator: is_false(_point(numbers, generator)), POINTS)


def _side(number):
    return (number > 0) - (number < 0)


def _value_at_best(found):
    count = len(found) // 2
    return found[found.index(max(found[:count])) + count]


def _size(kink):
    return kink.count_ops(), str(kink)


def _in_numbers(expression):
    """The expression in plain symbols; of kinks the arguments are."""
    if not expression.has(side, at_best):
        return in_numbers(expression)
    return expression.xreplace({part: plain(part) for part in expression.atoms(Indexed)})


def _in_order(found):
    """The numbers, each after those of its ends; None if these have ends themselves."""
    found = sorted(found, key=str)
    numbers = [x for x in found if not isinstance(x, Between)]
    numbers += [x for x in found if isinstance(x, Between)]
    bounds = {b for x in numbers if isinstance(x, Between) for b in (x.lower, x.upper)}
    extra = set().union(*(b.free_symbols for b in bounds)) - set(numbers)
    if any(isinstance(x, Between) for x in extra):
        return None
    return [*sorted(extra, key=str), *numbers]


def _for_three(expression, gaps, classes):
    """The expression and the gaps with three classes, the named ones among them; and what is
    positive where the best class is none of the others.
    """
    best = [place for place in classes if isinstance(place, argmax)]
    named = [place for place in classes if not isinstance(place, argmax)]
    free = [number for number in CLASSES if number not in named]
    places = [place for place in named if not place.is_Integer]
    if len(places) > len(free) or any(place.is_Integer and place > 3 for place in named):
        raise Unknown(expression)
    if any(not isinstance(place, Symbol) for place in places):
        raise Unknown(expression)
    numbers = dict(zip(places, free, strict=False)) | {K: Integer(3)}
    apart = [
        maximum(*place.args) - entry(place.args[0], other)
        for place in best
        for other in named
        if Others(other) not in place.args
    ]
    expression, *parts = (
        _written_out(part.xreplace(numbers)) for part in (expression, *gaps, *apart)
    )
    return expression, parts[: len(gaps)], parts[len(gaps) :]


def _written_out(expression):
    """What is of three classes as that of three entries."""
    if not expression.has(Sum, maximum, argmax):
        return expression
    if isinstance(expression, maximum):
        vector = expression.args[0]
        return _at_best(expression.args, lambda number: unfold(entry(vector, number)))
    if isinstance(expression, Indexed) and isinstance(expression.indices[-1], argmax):
        *row, best = expression.indices
        return _at_best(best.args, lambda number: expression.base[*row, number])
    if isinstance(expression, argmax):
        raise Unknown(expression)
    if not isinstance(expression, Sum):
        return expression.func(*map(_written_out, expression.args))
    body = expression.function
    for index, *ends in expression.limits:
        if ends != [1, 3]:
            raise Unknown(expression)
        body = Add(*(body.xreplace({index: number}) for number in CLASSES))
    return _written_out(body)


def _at_best(best, value_of):
    """The value of the class whose entry is the largest, of a vector and perhaps of `Others`."""
    vector, *within = best
    if isinstance(vector, Tuple) or not all(isinstance(others, Others) for others in within):
        raise Unknown(vector)
    left_out = [others.args[0] for others in within]
    if not set(left_out) <= set(CLASSES):
        raise Unknown(vector)
    numbers = [number for number in CLASSES if number not in left_out]
    scores = [unfold(entry(vector, number)) for number in numbers]
    return at_best(*scores, *map(value_of, numbers))


def _chosen(numbers, by_vector, by_class, size):
    """A point that is even, or the same for all vectors."""
    names = sorted({number.name.partition("[")[0] for number in numbers})
    values, scores = {}, {}
    for number in numbers:
        name, _, place = number.name.rstrip("]").partition("[")
        *_, place = place.split(",")
        turn = TURNS.get(int(place), 0) if place.strip().isdigit() else 0
        score = scores[number] = by_vector * names.index(name) + by_class * turn
        if isinstance(number, Between):
            lower, upper = (value(end, values) for end in (number.lower, number.upper))
            values[number] = (lower + upper) / 2
        elif number.is_integer:
            values[number] = 3.0
        else:
            known = number.is_positive or number.is_nonnegative
            values[number] = size * math.exp(score) if known else float(score)
    return _with_shares(values, {x: score**2 + LEAST for x, score in scores.items()})


def _point(numbers, generator):
    values = {}
    for number in numbers:
        values[number] = draw(number, values, generator)
    return _with_shares(values, values)


def _with_shares(values, weights):
    """The values, in which the entries of three classes sum to one, by their weights."""
    entries_of = {}
    for number in values:
        if isinstance(number, Between) and "[" in number.name:
            row, _, _ = number.name.replace(",", "[").rpartition("[")
            entries_of.setdefault(row, []).append(number)
    for entries in entries_of.values():
        if len(entries) == 3:
            whole = sum(weights[x] for x in entries)
            values |= {x: weights[x] / whole for x in entries}
    return values
