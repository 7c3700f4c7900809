"""The value of an expression at a point, to any number of digits, by its definition alone."""

import operator
from functools import lru_cache
from math import prod

import mpmath
from mpmath import mp
from sympy import (
    Add,
    And,
    Derivative,
    Dummy,
    Function,
    I,
    Indexed,
    IndexedBase,
    Integer,
    Integral,
    KroneckerDelta,
    Max,
    Min,
    Mul,
    Not,
    Or,
    Piecewise,
    Pow,
    Sum,
    Symbol,
    Tuple,
    UnevaluatedExpr,
    lambdify,
    nan,
    zoo,
)
from sympy.core.function import AppliedUndef
from sympy.core.numbers import Infinity, NegativeInfinity
from sympy.core.relational import Relational

from lossnotes.derive.symbols import Complement, Entry, K, Others, Quantity, argmax, entry, maximum

LARGE = 64  # binary digits of an exponent
ASKED = Dummy("digits asked for")
SUMS = Dummy("sums over all classes that are known")
RULES = 8  # each Gauss rule has 1.25 times the nodes of the one before
EVALUATIONS = 100_000  # of an integrand, by one rule
SMOOTH = (Add, Mul, Pow, Function, UnevaluatedExpr)
INFINITE = (Infinity, NegativeInfinity)
RELATIONS = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
FUNCTIONS = {
    "log": lambda x: mp.log(x) if x != 0 else -mp.inf,
    "Heaviside": lambda x, at_zero: int(x > 0) if x != 0 else at_zero,
    "Max": max,
    "Min": min,
    "Abs": abs,
}


class Undefined(ArithmeticError):
    """The expression has no real value at a point."""


class Excluded(ArithmeticError):
    """No claim is made at a point: a kink, a tie of an argmax, a number beyond all bounds."""


def evaluate(expression, point, sums=None):
    """The value at a point, at mpmath's working precision: real unless i is written. 0 log 0 = 0.

    A Derivative is computed by central differences with twice the digits, so that SymPy's rules of
    differentiation are checked and not trusted; a definite Integral by Gauss's rules, of more and
    more nodes until two agree. Raises Undefined where there is no real value, Excluded at kinks, at
    ties of an argmax, where e^x is out of reach and where no two rules agree, and ValueError for
    what this module cannot compute, such as an Integral to infinity.
    `sums`, a dict, keeps sums over all classes for further points that differ in classes alone.
    """
    known = {SUMS: {} if sums is None else sums}
    value = _evaluate(expression, point.values | _imaginary(expression) | known)
    if isinstance(value, (list, frozenset)):
        raise Undefined(f"{expression} is not a number")
    if mp.isnan(value):
        raise Undefined(f"{expression} has no value at {point}")
    return mp.mpf(value) if isinstance(value, int) else value


@lru_cache(10_000)
def _imaginary(expression):
    return {I: mp.mpc(0, 1)} if expression.has(I) else {}


def _evaluate(expression, values):
    return _formula(expression)(values)


@lru_cache(100_000)
def _formula(expression):
    """The function that computes an expression from the values of its symbols."""
    if isinstance(expression, (Symbol, IndexedBase)) or expression == I:
        return _known(expression)
    if expression.is_Rational:
        return _rational(expression.p, expression.q)
    if expression.is_Float:
        return lambda values: mp.mpf(expression._mpf_)
    if isinstance(expression, INFINITE):
        return lambda values: mp.inf if expression > 0 else -mp.inf
    if expression.is_NumberSymbol:
        return lambda values: expression._to_mpmath(mp.prec)
    if expression in (nan, zoo):
        return _without_value(expression)
    if isinstance(expression, UnevaluatedExpr):
        return _formula(expression.args[0])
    if isinstance(expression, (maximum, argmax)):
        return _maximum(expression)
    if isinstance(expression, (Quantity, Entry)):
        return _formula(_definition(expression))
    rules = {
        Add: _sum_of_terms,
        Mul: _product,
        Pow: _power,
        Indexed: _indexed,
        Sum: _sum,
        Derivative: _derivative,
        Integral: _integral,
        KroneckerDelta: _delta,
        Piecewise: _piecewise,
    }
    if expression.func in rules:
        return rules[expression.func](expression)
    if isinstance(expression, (Function, Max, Min)) and not isinstance(expression, AppliedUndef):
        return _function(expression)
    raise _unknown(expression)


def _unknown(expression):
    return ValueError(f"no value is known for {type(expression).__name__}: {expression}")


def _known(symbol):
    def value(values):
        try:
            return values[symbol]
        except KeyError:
            raise _unknown(symbol) from None

    return value


def _rational(numerator, denominator):
    if denominator == 1:
        return lambda values: numerator
    return lambda values: mp.mpf(numerator) / denominator


def _without_value(expression):
    def value(values):
        raise Undefined(f"{expression} is not a real number")

    return value


@lru_cache(10_000)
def _definition(quantity):
    return quantity.definition()


def _sum_of_terms(expression):
    terms = [_formula(term) for term in expression.args]
    return lambda values: mp.fsum([term(values) for term in terms])


def _product(expression):
    parts = [_formula(factor) for factor in expression.args]

    def product(values):
        factors = [part(values) for part in parts]
        return prod(factors, start=mp.one) if all(factors) else mp.zero

    return product


def _power(expression):
    base, exponent = map(_formula, expression.args)

    def power(values):
        x, n = base(values), exponent(values)
        if x == 0 and n < 0:
            raise Undefined("division by zero")
        if mp.mag(n) > LARGE:
            raise Excluded(f"a power of {mp.nstr(n, 6)}")
        return _real(mp.power(x, n), values)

    return power


def _real(value, values):
    """The value, which may be complex only where i is written."""
    if isinstance(value, mp.mpc) and I not in values:
        raise Undefined("a complex number")
    return value


def _class(index):
    """The function that computes the number of a class."""
    number = _formula(index)

    def whole(values):
        found = number(values)
        if isinstance(found, int):
            return found
        if not mp.isint(found):
            raise Undefined(f"{index} is no whole number")
        return int(found)

    return whole


def _delta(expression):
    a, b = map(_class, expression.args)
    return lambda values: int(a(values) == b(values))


def _indexed(expression):
    vector, place = expression.base, _place(expression)
    return lambda values: values[vector][place(values)]


def _place(indexed):
    """Where an entry stands in the list of its vector's entries."""
    number = _class(indexed.indices[0])

    def place(values):
        if len(indexed.indices) != 1:
            raise Undefined(f"{indexed} is no entry of a vector")
        found = number(values)
        if not 1 <= found <= values[K]:
            raise Undefined(f"there is no class {found} among {values[K]}")
        return found - 1

    return place


def _sum(expression):
    *inner, (index, lower, upper) = expression.limits  # the last is the outermost
    body = _formula(expression.func(expression.function, *inner) if inner else expression.function)
    first, last = _class(lower), _class(upper)

    def total(values):
        span = range(first(values), last(values) + 1)
        return mp.fsum([body(values | {index: number}) for number in span])

    def remembered(values):
        found = values[SUMS].get(expression)
        if found is None:
            found = values[SUMS][expression] = total(values)
        return found

    return total if _depends_on_a_class(expression) else remembered


def _depends_on_a_class(expression):
    return any(symbol.is_integer and symbol != K for symbol in expression.free_symbols)


def _integral(expression):
    if any(len(limit) != 3 or limit.has(*INFINITE) for limit in expression.limits):
        raise ValueError(f"no value is known for Integral without finite limits: {expression}")

    def integral(values):
        given = ((x, tuple(v) if isinstance(v, list) else v) for x, v in values.items())
        return _quadrature(expression, tuple(item for item in given if item[0] != SUMS), mp.dps)

    return integral


@lru_cache(1000)
def _quadrature(expression, known, precision):
    """Gauss's rules, of more and more nodes until two of them agree."""
    values = {x: list(v) if isinstance(v, tuple) else v for x, v in known} | {SUMS: {}}
    digits = values.get(ASKED, precision)
    variables = [limit[0] for limit in expression.limits]
    integrand = _integrand(expression.function, variables, values)
    before = mp.nan
    for power in range(RULES):
        nodes = int((8 + digits // 3) * 1.25**power)
        if nodes ** len(variables) > EVALUATIONS:
            break
        rule = _gauss(nodes, mp.prec)
        value, size = _iterated(integrand, expression.limits, (), values, rule)
        if abs(value - before) <= mp.mpf(10) ** (3 - digits) * size:
            return value
        before = value
    raise Excluded(f"the quadrature of {expression} does not converge")


def _iterated(integrand, limits, place, values, rule):
    """The integral by one rule, and that of the absolute value; `place` holds outer variables."""
    *inner, (variable, lower, upper) = limits  # the last is the outermost
    lower, upper = (mp.mpf(_evaluate(bound, values)) for bound in (lower, upper))
    middle, half = (upper + lower) / 2, (upper - lower) / 2
    places = [middle + half * node for node, _ in rule]
    if inner:
        parts = [
            _iterated(integrand, inner, (here, *place), values | {variable: here, SUMS: {}}, rule)
            for here in places
        ]
    else:
        found = [_real(integrand(here, *place), values) for here in places]
        parts = [(value, abs(value)) for value in found]
    total, size = (
        mp.fdot((weight, part) for (_, weight), part in zip(rule, column, strict=True))
        for column in zip(*parts, strict=True)
    )
    return half * total, abs(half) * size


def _integrand(expression, variables, values):
    """A function of the variables, in which all that does not depend on them is a number."""
    constants = {}
    skeleton = _skeleton(expression, set(variables), values, constants)
    function = _compiled(skeleton, (*variables, *constants))
    return lambda *place: function(*place, *constants.values())


@lru_cache(1000)
def _compiled(expression, arguments):
    return lambdify(arguments, expression, "mpmath", dummify=True)  # x may be called exp


@lru_cache(1000)
def _constant(number):
    """The same symbol each time, so that a formula that is compiled is found again."""
    return Dummy(f"constant{number}")


def _skeleton(expression, variables, values, constants):
    """The expression with a symbol for each part that is free of the variables."""
    if expression in variables:
        return expression
    if not expression.free_symbols & variables:
        constant = _constant(len(constants))
        constants[constant] = _evaluate(expression, values)
        return constant
    if isinstance(expression, (Quantity, Entry)):
        return _skeleton(_definition(expression), variables, values, constants)
    if isinstance(expression, Sum) and len(expression.limits) == 1:
        ((index, lower, upper),) = expression.limits
        span = range(_class(lower)(values), _class(upper)(values) + 1)
        parts = [expression.function.xreplace({index: Integer(number)}) for number in span]
        return Add(*(_skeleton(part, variables, values, constants) for part in parts))
    if not isinstance(expression, SMOOTH) or isinstance(expression, AppliedUndef):
        kind = type(expression).__name__
        raise ValueError(f"no value is known for Integral of a {kind}: {expression}")
    parts = (_skeleton(part, variables, values, constants) for part in expression.args)
    return expression.func(*parts)


@lru_cache(100)
def _gauss(count, precision):
    """The nodes of Gauss's rule on [-1, 1] with their weights."""
    rule = []
    with mp.workprec(precision + 10):
        for number in range((count + 1) // 2):
            node, step = mp.cos(mp.pi * (number + mp.mpf(3) / 4) / (count + mp.mpf(1) / 2)), 1
            while abs(step) > mp.eps ** (mp.mpf(2) / 3):  # the step after has all the digits
                value, slope = _legendre(count, node)
                step = value / slope
                node -= step
            slope = _legendre(count, node)[1]
            weight = 2 / ((1 - node**2) * slope**2)
            rule += [(node, weight), (-node, weight)]
    return rule[:count] if count % 2 else rule


def _legendre(degree, x):
    """Legendre's polynomial at x, and its slope."""
    before, value = mp.mpf(1), x
    for n in range(1, degree):
        before, value = value, ((2 * n + 1) * x * value - n * before) / (n + 1)
    return value, degree * (x * value - before) / (x**2 - 1)


def _derivative(expression):
    slope = _formula(expression.expr)
    for variable in expression.variables:
        slope = _slope(slope, variable, expression.expr)
    return slope


def _slope(function, variable, expression):
    """The slope of a function of the values by central differences."""
    moved = _moved_entry(variable) if isinstance(variable, Indexed) else _moved_number(variable)

    def slope(values):
        digits = mp.dps
        values = {ASKED: digits} | values  # one rule for a quadrature and its neighbours will do
        with mp.workdps(2 * digits):
            step = mp.mpf(10) ** (-3 * digits // 4)
            below, here, above = (
                function(values | {SUMS: {}} | moved(values, shift)) for shift in (-step, 0, step)
            )
            if abs(above - 2 * here + below) > step * mp.sqrt(step) * max(1, abs(here)):
                raise Excluded(f"a kink of {expression}")
            return (above - below) / (2 * step)

    return slope


def _moved_number(symbol):
    return lambda values, shift: {symbol: values[symbol] + shift}


def _moved_entry(indexed):
    place = _place(indexed)

    def moved(values, shift):
        vector = list(values[indexed.base])
        vector[place(values)] += shift
        return {indexed.base: vector}

    return moved


def _maximum(expression):
    vector, *within = expression.args
    chosen = _chosen(within[0]) if within else lambda values, classes: classes

    def highest(values):
        classes = range(1, (len(vector) if isinstance(vector, Tuple) else values[K]) + 1)
        scores = {i: _score(vector, i)(values) for i in chosen(values, classes)}
        largest = max(scores.values())
        if isinstance(expression, maximum):
            return largest
        best, *tied = (i for i, score in scores.items() if score == largest)
        if tied:
            raise Excluded(f"a tie of {expression}")
        return best

    return highest


def _chosen(within):
    """The function that picks the classes that a maximum is taken over, in their order."""
    if isinstance(within, Others):
        other = _class(within.args[0])
        return lambda values, classes: [i for i in classes if i != other(values)]
    if isinstance(within, Complement):
        return lambda values, classes: [i for i in classes if i not in values[within.args[0]]]
    return lambda values, classes: sorted(values[within])


@lru_cache(1000)
def _score(vector, number):
    return _formula(entry(vector, Integer(number)))


def _piecewise(expression):
    def value(values):
        for branch, condition in expression.args:
            if _holds(condition, values):
                return _evaluate(branch, values)
        raise Undefined(f"no branch of {expression} applies")

    return value


def _holds(condition, values):
    if isinstance(condition, (And, Or, Not)):
        parts = (_holds(part, values) for part in condition.args)
        return {And: all, Or: any, Not: lambda parts: not next(parts)}[condition.func](parts)
    if isinstance(condition, Relational):
        left, right = (_evaluate(side, values) for side in condition.args)
        return RELATIONS[condition.rel_op](left, right)
    return bool(condition)


def _function(expression):
    arguments = [_formula(argument) for argument in expression.args]
    function = _rule(expression)
    return lambda values: _real(function(*(argument(values) for argument in arguments)), values)


def _rule(expression):
    """The function of numbers for which a function of SymPy stands."""
    name = expression.func.__name__
    if name in FUNCTIONS:
        return FUNCTIONS[name]
    if not hasattr(mpmath, name):
        raise ValueError(f"no value is known for the function {name}: {expression}")
    function = getattr(mpmath, name)

    def within_reach(*arguments):
        if any(LARGE < mp.mag(argument) < mp.inf for argument in arguments):
            raise Excluded(f"{name} of {mp.nstr(arguments[0], 6)}")
        try:
            return function(*arguments)
        except ValueError as pole:
            raise Undefined(f"{name} of {mp.nstr(arguments[0], 6)}: {pole}") from pole

    return within_reach
