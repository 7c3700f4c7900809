"""Whether a goal is false at some point: then no proof need be looked for.

In floats, and with no say in what is proved: a goal that is doubted is only given up.
"""

import math
from functools import lru_cache
from random import Random

from sympy import Dummy, Integer, Integral, Sum, Symbol, lambdify

from lossnotes.derive.bounds.goal import in_numbers
from lossnotes.derive.prove.reduce import before
from lossnotes.derive.prove.unfold import RANGES, side
from lossnotes.derive.symbols import Between, K, argmax, maximum

POINTS = 12
CLEAR = 1e-7  # of the size of the terms


@lru_cache(10_000)
def is_doubtful(expression, facts, classes):
    """Whether an expression is clearly negative at a point where the facts hold."""
    if expression.has(Integral, side, before, maximum, argmax):
        return False
    if expression.has(Sum):
        if facts or expression.atoms(Dummy) - RANGES.keys():
            return False  # a sum and its terms have to do with one another
        expression = _for_three(expression, classes)
        if expression is None:
            return False
    whole = in_numbers(expression)
    facts = [in_numbers(fact) for fact, _ in facts]
    numbers = sorted(whole.free_symbols.union(*(f.free_symbols for f in facts)), key=str)
    bounds = {b for x in numbers if isinstance(x, Between) for b in (x.lower, x.upper)}
    numbers = [x for x in numbers if not isinstance(x, Between)] + [
        x for x in numbers if isinstance(x, Between)
    ]
    extra = set().union(*(b.free_symbols for b in bounds)) - set(numbers)
    if any(isinstance(x, Between) for x in extra):
        return False
    numbers = [*sorted(extra, key=str), *numbers]
    terms = whole.args if whole.is_Add else (whole,)
    try:
        function = lambdify(numbers, [*terms], "math", dummify=True)
        given = lambdify(numbers, facts, "math", dummify=True)
    except (TypeError, ValueError, NotImplementedError, SyntaxError):
        return False
    generator = Random(14)
    for _ in range(POINTS):
        try:
            point = _point(numbers, generator)
            if min(given(*point), default=0) < 0:
                continue
            values = function(*point)
            if sum(values) < -CLEAR * sum(map(abs, values)):
                return True
        except (ArithmeticError, ValueError, TypeError, NameError):
            continue
    return False


def _for_three(expression, classes):
    """The expression with three classes, the named ones among them."""
    if any(limit[1:] != (1, K) for part in expression.atoms(Sum) for limit in part.limits):
        return None
    if len(classes) > 3 or any(not isinstance(place, Symbol) for place in classes):
        return None
    numbers = {place: Integer(number + 1) for number, place in enumerate(classes)} | {K: Integer(3)}
    return expression.xreplace(numbers).replace(
        lambda part: isinstance(part, Sum), lambda part: part.doit()
    )


def _point(numbers, generator):
    values = {}
    for number in numbers:
        values[number] = _draw(number, values, generator)
    for base in {x.name.split("[")[0] for x in numbers if isinstance(x, Between) and "[" in x.name}:
        entries = [x for x in numbers if x.name.startswith(f"{base}[")]
        if len(entries) == 3:  # all of them sum to one
            whole = sum(values[x] for x in entries)
            values |= {x: values[x] / whole for x in entries}
    return [values[number] for number in numbers]


def _draw(number, values, generator):
    if isinstance(number, Between):
        lower, upper = (float(b.xreplace(values)) for b in (number.lower, number.upper))
        return lower + (upper - lower) * generator.random() ** generator.choice((1, 4, 0.25))
    if number == K or number.is_integer:
        return generator.choice((2.0, 3.0, 4.0, 7.0, 30.0))  # no powers of many digits
    size = math.exp(generator.gauss(0, 1.5))
    if number.is_positive or number.is_nonnegative:
        return size
    return generator.choice((-1, 1)) * size
