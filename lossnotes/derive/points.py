"""Points of the declared domains, and the value of an expression there to any number of digits."""

import random
from dataclasses import dataclass
from functools import cache
from itertools import product

import mpmath
from mpmath import mp
from sympy import (
    Derivative,
    Function,
    Heaviside,
    Indexed,
    IndexedBase,
    KroneckerDelta,
    Max,
    Min,
    Piecewise,
    Sum,
    Symbol,
    UnevaluatedExpr,
    log,
    preorder_traversal,
)
from sympy.core.numbers import Infinity, NegativeInfinity

from lossnotes.derive.symbols import (
    Between,
    Classes,
    Complement,
    Entry,
    K,
    Others,
    Probabilities,
    Quantity,
    argmax,
    entry,
    maximum,
)

DIGITS = 50
CLASS_COUNTS = (2, 3, 5)


class Undefined(ArithmeticError):
    """The expression has no real value at a point."""


@dataclass(frozen=True)
class Point:
    """A number for each symbol: K, classes from 1 to K, parameters, and vectors of length K."""

    values: dict

    def __str__(self):
        order = sorted(self.values.items(), key=lambda item: (item[0] != K, str(item[0])))
        return ", ".join(f"{symbol} = {_shown(value)}" for symbol, value in order)


def _shown(value):
    if isinstance(value, list):
        return "(" + ", ".join(_shown(entry) for entry in value) + ")"
    if isinstance(value, frozenset):
        return "{" + ", ".join(map(str, sorted(value))) + "}"
    return str(value) if isinstance(value, int) else mpmath.nstr(value, 6)


def symbols_of(*expressions):
    """The free vectors and the free scalars of the expressions, in a fixed order."""
    bases, free = set(), set()
    for expression in expressions:
        bases |= {part for part in preorder_traversal(expression) if isinstance(part, IndexedBase)}
        free |= {part for part in expression.free_symbols if isinstance(part, Symbol)}
    free -= {base.label for base in bases} | {K}
    return sorted(bases, key=str), sorted(free, key=str)


def indices_of(*expressions):
    """The free symbols that stand for a class."""
    found, bound = set(), set()
    for expression in expressions:
        limits = {limit[0] for part in expression.atoms(Sum) for limit in part.limits}
        bound |= limits - expression.free_symbols
        for part in preorder_traversal(expression):
            if isinstance(part, (Indexed, Entry)):
                found |= part.args[1].free_symbols
            elif isinstance(part, (KroneckerDelta, Others)):
                found |= set().union(*(argument.free_symbols for argument in part.args))
            elif isinstance(part, Quantity):
                found |= {argument for argument in part.args if isinstance(argument, Symbol)}
    return {x for x in found - bound if x.is_integer and isinstance(x, Symbol)} - {K}


def draw_points(*expressions, seed=14, special=False):
    """Random points of the domains: K = 2, 3, 5, and every way in which classes may coincide.

    `special` adds the points where inequalities are tight: equal scores, equal distributions.
    """
    bases, scalars = symbols_of(*expressions)
    indices = sorted(indices_of(*expressions), key=str)
    scalars = [symbol for symbol in scalars if symbol not in indices]
    generator = random.Random(seed)
    for classes in CLASS_COUNTS:
        choices = list(product(range(1, classes + 1), repeat=len(indices)))
        if len(choices) > 8:
            choices = _one_of_each_coincidence(choices, generator)
        while len(choices) < 4:
            choices = choices * 2
        for choice in choices:
            values = {K: classes, **dict(zip(indices, choice, strict=True))}
            for symbol in scalars:
                values[symbol] = _draw_scalar(symbol, values, generator)
            for base in bases:
                values[base] = _draw_vector(base, classes, generator)
            yield Point(values)
        if special and bases:
            equal = {base: [mp.mpf(1) / classes] * classes for base in bases}
            same = {type(base): values[base] for base in bases}
            yield Point(values | equal)
            yield Point(values | {base: same[type(base)] for base in bases})


def _one_of_each_coincidence(choices, generator):
    """One choice of classes for each pattern of equal and different ones."""
    generator.shuffle(choices)
    patterns = {tuple(choice.index(label) for label in choice): choice for choice in choices}
    return [patterns[pattern] for pattern in sorted(patterns)]


def _draw_scalar(symbol, values, generator):
    if isinstance(symbol, Classes):
        classes = list(range(1, values[K] + 1))
        return frozenset(generator.sample(classes, generator.randint(1, values[K] - 1)))
    if isinstance(symbol, Between):
        lower, upper = (evaluate(bound, Point(values)) for bound in (symbol.lower, symbol.upper))
        return lower + (upper - lower) * mp.mpf(generator.uniform(0.01, 0.99))
    if symbol.is_integer:
        return generator.randint(1, 6) if symbol.is_positive else generator.randint(-6, 6)
    number = mp.mpf(generator.gauss(0, 2))
    if symbol.is_negative:
        return -mp.mpf(generator.lognormvariate(0, 1))
    return mp.mpf(generator.lognormvariate(0, 1)) if symbol.is_nonnegative else number


def _draw_vector(base, classes, generator):
    if isinstance(base, Probabilities):
        parts = 2**20  # dyadic fractions, so that they sum to one exactly
        cuts = [0, *sorted(generator.sample(range(1, parts), classes - 1)), parts]
        return [mp.mpf(b - a) / parts for a, b in zip(cuts, cuts[1:], strict=False)]
    if base[1].is_positive:
        return [mp.mpf(generator.lognormvariate(0, 1)) for _ in range(classes)]
    return [mp.mpf(generator.gauss(0, 2)) for _ in range(classes)]


def evaluate(expression, point):
    """The value at a point, at mpmath's working precision. Here 0 log 0 = 0.

    A Derivative is computed by central differences with three times the digits, so that SymPy's
    rules of differentiation are checked and not trusted. Raises Undefined where there is no value.
    """
    value = _evaluate(expression, point.values)
    if not isinstance(value, int) and (isinstance(value, mp.mpc) or mp.isnan(value)):
        raise Undefined(f"{expression} has no real value at {point}")
    return value


def _evaluate(expression, values):
    if expression in values:
        return values[expression]
    if expression.is_Rational:
        return mp.mpf(expression.p) / expression.q
    if expression.is_Float:
        return mp.mpf(expression._mpf_)
    if isinstance(expression, (Infinity, NegativeInfinity)):
        return mp.inf if expression > 0 else -mp.inf
    if expression.is_NumberSymbol:
        return expression._to_mpmath(mp.prec)
    if expression.is_Add:
        return mp.fsum(_evaluate(part, values) for part in expression.args)
    if expression.is_Mul:
        factors = [_evaluate(part, values) for part in expression.args]
        return mp.mpf(0) if 0 in factors else mp.fprod(factors)
    if expression.is_Pow:
        return _power(*(_evaluate(part, values) for part in expression.args))
    if isinstance(expression, Indexed):
        return values[expression.base][_class(expression.indices[0], values) - 1]
    if isinstance(expression, Sum):
        return _sum(expression, values)
    if isinstance(expression, Derivative):
        return _derivative(expression.expr, expression.variables, values)
    if isinstance(expression, KroneckerDelta):
        return mp.mpf(_class(expression.args[0], values) == _class(expression.args[1], values))
    if isinstance(expression, (maximum, argmax)):
        return _maximum(expression, values)
    if isinstance(expression, (Quantity, Entry)):
        return _evaluate(_definition(expression), values)
    if isinstance(expression, UnevaluatedExpr):
        return _evaluate(expression.args[0], values)
    if isinstance(expression, Piecewise):
        return _piecewise(expression, values)
    if isinstance(expression, (Function, Max, Min)):
        arguments = [_evaluate(part, values) for part in expression.args]
        return _function(expression, arguments)
    raise Undefined(f"{expression} has no value: {type(expression).__name__} {expression.args}")


@cache
def _definition(quantity):
    return quantity.definition()


def _class(index, values):
    return int(_evaluate(index, values))


def _power(base, exponent):
    if base == 0 and exponent < 0:
        raise Undefined("division by zero")
    return mp.power(base, exponent)


def _sum(expression, values):
    (index, lower, upper), *outer = expression.limits
    body = expression.func(expression.function, *outer) if outer else expression.function
    span = range(_class(lower, values), _class(upper, values) + 1)
    return mp.fsum(_evaluate(body, values | {index: number}) for number in span)


def _derivative(expression, variables, values):
    variable, rest = variables[-1], variables[:-1]
    digits = mp.dps
    with mp.workdps(3 * digits):
        step = mp.mpf(10) ** -digits
        inner = Derivative(expression, *rest) if rest else expression
        above, below = (
            _evaluate(inner, _moved(variable, values, shift)) for shift in (step, -step)
        )
        return (above - below) / (2 * step)


def _moved(variable, values, shift):
    if isinstance(variable, Indexed):
        vector = list(values[variable.base])
        vector[_class(variable.indices[0], values) - 1] += shift
        return values | {variable.base: vector}
    return values | {variable: values[variable] + shift}


def _maximum(expression, values):
    vector, *within = expression.args
    classes = range(1, values[K] + 1)
    if within and isinstance(within[0], Others):
        classes = [i for i in classes if i != _class(within[0].args[0], values)]
    elif within and isinstance(within[0], Complement):
        classes = [i for i in classes if i not in values[within[0].args[0]]]
    elif within:
        classes = sorted(values[within[0]])
    scores = {i: _evaluate(entry(vector, i), values) for i in classes}
    best = max(scores, key=scores.get)
    return best if isinstance(expression, argmax) else scores[best]


def _piecewise(expression, values):
    for branch, condition in expression.args:
        if condition == True:  # noqa: E712 - SymPy's true is not Python's
            return _evaluate(branch, values)
        left, right = (_evaluate(side, values) for side in condition.args)
        if condition.func(left, right):
            return _evaluate(branch, values)
    raise Undefined(f"no branch of {expression} applies")


def _function(expression, arguments):
    if isinstance(expression, log):
        return mp.log(arguments[0]) if arguments[0] != 0 else -mp.inf
    if isinstance(expression, Heaviside):
        return mp.mpf(arguments[0] > 0)
    if isinstance(expression, Max):
        return max(arguments)
    if isinstance(expression, Min):
        return min(arguments)
    name = {"Abs": "fabs"}.get(expression.func.__name__, expression.func.__name__)
    if not hasattr(mpmath, name):
        raise Undefined(f"no value is known for the function {name}")
    return getattr(mpmath, name)(*arguments)
