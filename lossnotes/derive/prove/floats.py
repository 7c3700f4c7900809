"""Values in floats, at random points: what is false there need not be tried to be proved.

No proof rests on them. A number has the sign that its assumptions say, and is free otherwise.
"""

import math
from functools import lru_cache
from random import Random

from sympy import Indexed, Symbol

from lossnotes.derive.symbols import Between, K, Probabilities

POINTS = 8
FEW = 2  # points, where zero is expected
CLEAR = 1e-7  # of the size of the terms
ROUNDING = 1e-15  # of a result: more than the last place of a function of `math`
LARGEST = 0.1  # error in the argument of a function
SMALLEST = 1e-300  # what may have become zero
FUNCTIONS = {name: getattr(math, name) for name in "exp log sin cos tan sinh cosh tanh".split()}
FAILS = (ArithmeticError, ValueError, TypeError)


class Unknown(ValueError):
    """An expression that has no value in floats, whatever its numbers are."""


def value(expression, numbers):
    """The value of an expression; `numbers` are those of its symbols and entries."""
    if expression in numbers:
        return numbers[expression]
    if expression.is_Rational:
        return expression.p / expression.q
    if expression.is_Add:
        return sum([value(part, numbers) for part in expression.args])
    if expression.is_Mul:
        return math.prod([value(part, numbers) for part in expression.args])
    if expression.is_Pow:
        base, power = expression.args
        return value(base, numbers) ** value(power, numbers)
    if expression.is_NumberSymbol:
        return float(expression)
    function = _function(expression)
    return function(value(expression.args[0], numbers))


def _function(expression):
    function = FUNCTIONS.get(expression.func.__name__)
    if function is None or len(expression.args) != 1:
        raise Unknown(expression)
    return function


def sign(expression, numbers):
    """1 or -1; 0 where it has none, or rounding may hide it."""
    if expression.is_Mul:
        return math.prod([sign(factor, numbers) for factor in expression.args])
    terms = expression.args if expression.is_Add else (expression,)
    found = [value(term, numbers) for term in terms]
    whole = sum(found)
    if not abs(whole) > CLEAR * sum(map(abs, found)):
        return 0
    return 1 if whole > 0 else -1


def with_error(expression, numbers):
    """The value of an expression, and how far off it may be by rounding."""
    if expression in numbers or not expression.args:
        found = value(expression, numbers)
        return found, 0 if expression in numbers or expression.is_Integer else _rounded(found)
    parts = [with_error(part, numbers) for part in expression.args]
    if expression.is_Add:
        found = sum(part for part, _ in parts)
        return found, sum(off + _rounded(part) for part, off in parts)
    if expression.is_Mul:
        found, off = 1, 0
        for factor, more in parts:
            off = abs(found) * more + off * (abs(factor) + more)
            found *= factor
            off += _rounded(found)
        return found, off
    if expression.is_Pow:
        (base, off), (power, more) = parts
        found = math.pow(base, power)
        ends = [math.pow(base + x, power + y) for x in (-off, off) for y in (-more, more)]
    else:
        function = _function(expression)
        ((argument, off),) = parts
        if off > LARGEST:
            raise ArithmeticError("no digit is sure")
        found = function(argument)
        ends = [function(argument - off), function(argument + off)]
    return found, 2 * max(abs(end - found) for end in ends) + _rounded(found)


def _rounded(number):
    return ROUNDING * abs(number) + SMALLEST


def draw(number, numbers, generator):
    """A number that fulfils the assumptions of a symbol, those of K and of `Between` too."""
    if isinstance(number, Between):
        lower, upper = (value(end, numbers) for end in (number.lower, number.upper))
        return lower + (upper - lower) * generator.random() ** generator.choice((1, 4, 0.25))
    if isinstance(number, Indexed) and isinstance(number.base, Probabilities):
        return generator.random()
    if number == K or number.is_integer:
        return generator.choice((2.0, 3.0, 4.0, 7.0, 30.0))  # no powers of many digits
    size = math.exp(generator.gauss(0, 1.5))
    if number.is_positive or number.is_nonnegative:
        return size
    return generator.choice((-1, 1)) * size


@lru_cache(10_000)
def is_negative_somewhere(expression):
    """Whether an expression is clearly negative at a point."""
    symbols = _numbers(expression)
    if not symbols:
        return False

    def is_negative(generator):
        numbers = {}
        for number in symbols:
            numbers[number] = draw(number, numbers, generator)
        return sign(expression, numbers) < 0

    return somewhere(is_negative, POINTS)


@lru_cache(10_000)
def is_nonzero_somewhere(expression):
    """Whether an expression is not zero at a point, whatever rounding has done there."""
    symbols = _numbers(expression)
    if symbols is None:
        return False

    def is_nonzero(generator):
        numbers = {}
        for number in symbols:
            numbers[number] = draw(number, numbers, generator)
        found, off = with_error(expression, numbers)
        return 2 * off < abs(found) < math.inf

    return somewhere(is_nonzero, FEW)


def somewhere(is_so, points):
    """Whether is_so(generator) at one of some points, those without a value left out."""
    generator = Random(14)
    for _ in range(points):
        try:
            if is_so(generator):
                return True
        except Unknown:
            return False
        except FAILS:
            continue
    return False


def _numbers(expression):
    """The symbols and entries, each after those of its ends; None if one is not plainly real."""
    found = {}

    def visit(part):
        if not isinstance(part, (Symbol, Indexed)):
            for inner in part.args:
                visit(inner)
        elif part not in found:
            if isinstance(part, Between):
                visit(part.lower)
                visit(part.upper)
            found[part] = True

    visit(expression)
    return tuple(found) if all(map(_is_plain, found)) else None


def _is_plain(number):
    """Whether the assumptions on a number are those that `draw` knows."""
    if number.is_integer:
        return not number.is_nonpositive and number.is_even is None
    return number.is_real and not number.is_nonpositive
