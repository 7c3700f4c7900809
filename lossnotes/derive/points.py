"""Points of the declared domains, and the value of an expression there to any number of digits."""

import operator
import random
from dataclasses import dataclass
from functools import cache
from itertools import product

import mpmath
from mpmath import mp
from sympy import (
    Abs,
    And,
    Derivative,
    Function,
    Heaviside,
    Indexed,
    IndexedBase,
    Integer,
    KroneckerDelta,
    Max,
    Min,
    Not,
    Or,
    Piecewise,
    Sum,
    Symbol,
    Tuple,
    UnevaluatedExpr,
    log,
    preorder_traversal,
    srepr,
)
from sympy.core.function import AppliedUndef
from sympy.core.numbers import Infinity, NegativeInfinity
from sympy.core.relational import Relational

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
    margin_loss,
    maximum,
)

DIGITS = 50
CLASS_COUNTS = (2, 3, 5, 7)  # at the last one point only: what (K-2)(K-3)(K-5) hides shows there
SMALL = mp.mpf(2) ** -20
LARGE = 64  # binary digits of an exponent
RELATIONS = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class Undefined(ArithmeticError):
    """The expression has no real value at a point."""


class Excluded(ArithmeticError):
    """No claim is made at a point: a kink, a tie of an argmax, a number beyond all bounds."""


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
    return sorted(bases, key=_by_name), sorted(free, key=_by_name)


def _by_name(symbol):
    """By name, and symbols of one name by their assumptions."""
    return str(symbol), srepr(symbol), str(getattr(symbol, "upper", ""))


def indices_of(*expressions):
    """The free symbols that stand for a class."""
    return set().union(*map(_indices_of, expressions))


def _indices_of(expression):
    found = set()
    for part in preorder_traversal(expression):
        if isinstance(part, (Indexed, Entry)):
            found |= part.args[1].free_symbols
        elif isinstance(part, (KroneckerDelta, Others)):
            found |= set().union(*(argument.free_symbols for argument in part.args))
        elif isinstance(part, Quantity):
            found |= {argument for argument in part.args if isinstance(argument, Symbol)}
    limits = {limit[0] for part in expression.atoms(Sum) for limit in part.limits}
    bound = limits - expression.free_symbols - _differentiated(expression)
    return {x for x in found - bound if x.is_integer and isinstance(x, Symbol)} - {K}


def _differentiated(expression):
    """The i of d/ds_i, which SymPy does not count as free."""
    variables = [v for part in expression.atoms(Derivative) for v in part.variables]
    return set().union(*(variable.free_symbols for variable in variables))


def draw_points(*expressions, seed=14, special=False):
    """Random points of the domains: K = 2, 3, 5, 7, and every way in which classes may coincide.

    `special` adds the points where inequalities are tight or fail first: equal scores, equal
    distributions, small integers with many ties and zeros, and corners of the domains.
    What is defined by cases gets six times as many points, so that every case is met.
    A symbol without assumptions is taken for a real number; one that is not real is a ValueError.
    """
    bases, scalars = symbols_of(*expressions)
    indices = sorted(indices_of(*expressions), key=_by_name)
    scalars = [symbol for symbol in scalars if symbol not in indices]
    regions = any(map(_has_regions, expressions))
    generator = random.Random(seed)
    for classes in CLASS_COUNTS:
        choices = list(product(range(1, classes + 1), repeat=len(indices)))
        if len(choices) > 8:
            choices = _one_of_each_coincidence(choices, generator)
        while len(choices) < 3:
            choices = choices * 2
        if regions:
            choices = choices * 6
        last = classes == CLASS_COUNTS[-1]
        for choice in [generator.choice(choices)] if last else choices:
            values = {K: classes, **dict(zip(indices, choice, strict=True))}
            for symbol in scalars:
                values[symbol] = _draw_scalar(symbol, values, generator)
            for base in bases:
                values[base] = _draw_vector(base, classes, generator)
            yield Point(values)
        if special and not last:
            with mp.workdps(20 * DIGITS):  # so that these sum to one at any precision in use
                part = mp.mpf(1) / classes
            same = {type(base): values[base] for base in bases}
            vectors = {base: [_signed(part, base.label)] * classes for base in bases}
            numbers = {x: _signed(part, x) for x in scalars if _admits_fractions(x)}
            yield Point(values | vectors)
            yield Point(values | vectors | numbers)
            yield Point(values | {base: same[type(base)] for base in bases})
            for _ in range(4):
                corner = {symbol: _corner(symbol, values, generator) for symbol in scalars}
                vectors = {base: _vector_corner(base, classes, generator) for base in bases}
                yield Point(values | corner | vectors)


def _has_regions(expression):
    """Whether an expression is defined by cases."""
    return any(
        isinstance(part, (Abs, Heaviside, Max, Min, Piecewise, margin_loss))
        for part in preorder_traversal(expression)
    )


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
        return _between(symbol, values, mp.mpf(generator.uniform(0.01, 0.99)))
    return _draw_number(symbol, generator)


def _draw_vector(base, classes, generator):
    if isinstance(base, Probabilities):
        parts = 2**20  # dyadic fractions, so that they sum to one exactly
        cuts = [0, *sorted(generator.sample(range(1, parts), classes - 1)), parts]
        return [mp.mpf(b - a) / parts for a, b in zip(cuts, cuts[1:], strict=False)]
    return [_draw_number(base.label, generator) for _ in range(classes)]


def _draw_number(symbol, generator):
    if symbol.is_integer:
        return generator.choice(_integers(symbol))
    if symbol.is_real is False:
        raise ValueError(f"points are real, {symbol} is not")
    if symbol.is_nonnegative or symbol.is_nonpositive:
        return _signed(mp.mpf(generator.lognormvariate(0, 1)), symbol)
    return mp.mpf(generator.gauss(0, 2))


def _corner(symbol, values, generator):
    if isinstance(symbol, Classes):
        return values[symbol]
    if isinstance(symbol, Between):
        return _between(symbol, values, generator.choice([SMALL, 1 - SMALL]))
    return _corner_number(symbol, values[symbol], generator)


def _vector_corner(base, classes, generator):
    if isinstance(base, Probabilities):
        corner = [SMALL] * classes
        corner[generator.randrange(classes)] = 1 - (classes - 1) * SMALL
        return corner
    return [_corner_number(base.label, mp.mpf(1), generator) for _ in range(classes)]


def _corner_number(symbol, otherwise, generator):
    """A small integer of the domain, if it has one."""
    numbers = [number for number in _integers(symbol) if abs(number) <= 1]
    return mp.mpf(generator.choice(numbers)) if numbers else otherwise


@cache
def _integers(symbol):
    """The integers from -6 to 6 that fulfil the assumptions of a symbol."""
    return [number for number in range(-6, 7) if _fulfils(Integer(number), symbol.assumptions0)]


def _admits_fractions(symbol):
    """Whether a symbol may stand for 1/K."""
    return not (isinstance(symbol, (Between, Classes)) or symbol.is_integer)


def _signed(size, symbol):
    return -size if symbol.is_nonpositive else size


def _fulfils(number, assumptions):
    known = ((getattr(number, f"is_{name}", None), value) for name, value in assumptions.items())
    return all(found in (value, None) for found, value in known)


def _between(symbol, values, share):
    with mp.workdps(20 * DIGITS):
        lower, upper = (evaluate(bound, Point(values)) for bound in (symbol.lower, symbol.upper))
        return lower + (upper - lower) * share


def evaluate(expression, point):
    """The value at a point, at mpmath's working precision. Here 0 log 0 = 0.

    A Derivative is computed by central differences with three times the digits, so that SymPy's
    rules of differentiation are checked and not trusted. Raises Undefined where there is no real
    value, and Excluded at kinks, at ties of an argmax, and where e^x is out of reach.
    """
    value = _evaluate(expression, point.values)
    if isinstance(value, (list, frozenset)):
        raise Undefined(f"{expression} is not a number")
    if mp.isnan(value):
        raise Undefined(f"{expression} has no value at {point}")
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
        return values[expression.base][_place(expression, values)]
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
    if isinstance(expression, (Function, Max, Min)) and not isinstance(expression, AppliedUndef):
        arguments = [_evaluate(part, values) for part in expression.args]
        return _function(expression, arguments)
    raise Undefined(f"{expression} has no value: {type(expression).__name__} {expression.args}")


@cache
def _definition(quantity):
    return quantity.definition()


def _class(index, values):
    number = _evaluate(index, values)
    if isinstance(number, int):
        return number
    if not mp.isint(number):
        raise Undefined(f"{index} is no whole number")
    return int(number)


def _place(indexed, values):
    """Where an entry stands in the list of its vector's entries."""
    if len(indexed.indices) != 1:
        raise Undefined(f"{indexed} is no entry of a vector")
    number = _class(indexed.indices[0], values)
    if not 1 <= number <= values[K]:
        raise Undefined(f"there is no class {number} among {values[K]}")
    return number - 1


def _power(base, exponent):
    if base == 0 and exponent < 0:
        raise Undefined("division by zero")
    if mp.mag(exponent) > LARGE:
        raise Excluded(f"a power of {mp.nstr(exponent, 6)}")
    return _real(mp.power(base, exponent))


def _real(value):
    if isinstance(value, mp.mpc):
        raise Undefined("a complex number")
    return value


def _sum(expression, values):
    *inner, (index, lower, upper) = expression.limits  # the last is the outermost
    body = expression.func(expression.function, *inner) if inner else expression.function
    span = range(_class(lower, values), _class(upper, values) + 1)
    return mp.fsum(_evaluate(body, values | {index: number}) for number in span)


def _derivative(expression, variables, values):
    variable, rest = variables[-1], variables[:-1]
    digits = mp.dps
    with mp.workdps(3 * digits):
        step = mp.mpf(10) ** -digits
        inner = Derivative(expression, *rest) if rest else expression
        below, here, above = (
            _evaluate(inner, _moved(variable, values, shift)) for shift in (-step, 0, step)
        )
        if abs(above - 2 * here + below) > step * mp.sqrt(step) * max(1, abs(here)):
            raise Excluded(f"a kink of {expression}")
        return (above - below) / (2 * step)


def _moved(variable, values, shift):
    if isinstance(variable, Indexed):
        vector = list(values[variable.base])
        vector[_place(variable, values)] += shift
        return values | {variable.base: vector}
    return values | {variable: values[variable] + shift}


def _maximum(expression, values):
    vector, *within = expression.args
    classes = range(1, (len(vector) if isinstance(vector, Tuple) else values[K]) + 1)
    if within and isinstance(within[0], Others):
        classes = [i for i in classes if i != _class(within[0].args[0], values)]
    elif within and isinstance(within[0], Complement):
        classes = [i for i in classes if i not in values[within[0].args[0]]]
    elif within:
        classes = sorted(values[within[0]])
    scores = {i: _evaluate(entry(vector, i), values) for i in classes}
    highest = max(scores.values())
    if isinstance(expression, maximum):
        return highest
    best, *tied = (i for i, score in scores.items() if score == highest)
    if tied:
        raise Excluded(f"a tie of {expression}")
    return best


def _piecewise(expression, values):
    for branch, condition in expression.args:
        if _holds(condition, values):
            return _evaluate(branch, values)
    raise Undefined(f"no branch of {expression} applies")


def _holds(condition, values):
    if isinstance(condition, (And, Or, Not)):
        parts = (_holds(part, values) for part in condition.args)
        return {And: all, Or: any, Not: lambda parts: not next(parts)}[condition.func](parts)
    if isinstance(condition, Relational):
        left, right = (_evaluate(side, values) for side in condition.args)
        return RELATIONS[condition.rel_op](left, right)
    return bool(condition)


def _function(expression, arguments):
    if isinstance(expression, log):
        return _real(mp.log(arguments[0])) if arguments[0] != 0 else -mp.inf
    if isinstance(expression, Heaviside):
        return mp.mpf(arguments[0] > 0) if arguments[0] != 0 else arguments[1]
    if isinstance(expression, Max):
        return max(arguments)
    if isinstance(expression, Min):
        return min(arguments)
    name = {"Abs": "fabs"}.get(expression.func.__name__, expression.func.__name__)
    if not hasattr(mpmath, name):
        raise Undefined(f"no value is known for the function {name}")
    if name != "fabs" and any(LARGE < mp.mag(argument) < mp.inf for argument in arguments):
        raise Excluded(f"{name} of {mp.nstr(arguments[0], 6)}")
    return _real(getattr(mpmath, name)(*arguments))
