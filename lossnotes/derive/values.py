"""The value of an expression at a point, to any number of digits, by its definition alone."""

import operator
from functools import cache, lru_cache

import mpmath
from mpmath import mp
from sympy import (
    Add,
    And,
    Derivative,
    Dummy,
    Function,
    Heaviside,
    I,
    Indexed,
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
    log,
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


class Undefined(ArithmeticError):
    """The expression has no real value at a point."""


class Excluded(ArithmeticError):
    """No claim is made at a point: a kink, a tie of an argmax, a number beyond all bounds."""


def evaluate(expression, point):
    """The value at a point, at mpmath's working precision: real unless i is written. 0 log 0 = 0.

    A Derivative is computed by central differences with three times the digits, so that SymPy's
    rules of differentiation are checked and not trusted; a definite Integral by Gauss's rules, of
    more and more nodes until two agree. Raises Undefined where there is no real value, Excluded at
    kinks, at ties of an argmax, where e^x is out of reach and where no two rules agree, and
    ValueError for what this module cannot compute, such as an Integral to infinity.
    """
    imaginary = {I: mp.mpc(0, 1)} if expression.has(I) else {}
    value = _evaluate(expression, point.values | imaginary | {SUMS: {}})
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
        return mp.fprod(factors) if all(factors) else mp.mpf(0)
    if expression.is_Pow:
        return _real(_power(*(_evaluate(part, values) for part in expression.args)), values)
    if isinstance(expression, Indexed):
        return values[expression.base][_place(expression, values)]
    if isinstance(expression, Sum):
        return _sum(expression, values)
    if isinstance(expression, Derivative):
        return _derivative(expression.expr, expression.variables, values)
    if isinstance(expression, Integral):
        return _integral(expression, values)
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
        return _real(_function(expression, arguments), values)
    if expression in (nan, zoo):
        raise Undefined(f"{expression} is not a real number")
    raise ValueError(f"no value is known for {type(expression).__name__}: {expression}")


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
    return mp.power(base, exponent)


def _real(value, values):
    """The value, which may be complex only where i is written."""
    if isinstance(value, mp.mpc) and I not in values:
        raise Undefined("a complex number")
    return value


def _sum(expression, values):
    if not _depends_on_a_class(expression):
        known = values[SUMS]
        if expression not in known:
            known[expression] = _sum_up(expression, values)
        return known[expression]
    return _sum_up(expression, values)


@cache
def _depends_on_a_class(expression):
    return any(symbol.is_integer and symbol != K for symbol in expression.free_symbols)


def _sum_up(expression, values):
    *inner, (index, lower, upper) = expression.limits  # the last is the outermost
    body = expression.func(expression.function, *inner) if inner else expression.function
    span = range(_class(lower, values), _class(upper, values) + 1)
    return mp.fsum(_evaluate(body, values | {index: number}) for number in span)


def _integral(expression, values):
    limits = expression.limits
    if any(len(limit) != 3 or limit.has(*INFINITE) for limit in limits):
        raise ValueError(f"no value is known for Integral without finite limits: {expression}")
    known = ((x, tuple(v) if isinstance(v, list) else v) for x, v in values.items() if x != SUMS)
    return _quadrature(expression, tuple(known), mp.dps)


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


@cache
def _compiled(expression, arguments):
    return lambdify(arguments, expression, "mpmath")


def _skeleton(expression, variables, values, constants):
    """The expression with a symbol for each part that is free of the variables."""
    if expression in variables:
        return expression
    if not expression.free_symbols & variables:
        constant = Symbol(f"constant{len(constants)}")
        constants[constant] = _evaluate(expression, values)
        return constant
    if isinstance(expression, (Quantity, Entry)):
        return _skeleton(_definition(expression), variables, values, constants)
    if isinstance(expression, Sum) and len(expression.limits) == 1:
        ((index, lower, upper),) = expression.limits
        span = range(_class(lower, values), _class(upper, values) + 1)
        parts = [expression.function.xreplace({index: Integer(number)}) for number in span]
        return Add(*(_skeleton(part, variables, values, constants) for part in parts))
    if not isinstance(expression, (Add, Mul, Pow, Function, UnevaluatedExpr)) or isinstance(
        expression, AppliedUndef
    ):
        kind = type(expression).__name__
        raise ValueError(f"no value is known for Integral of a {kind}: {expression}")
    parts = (_skeleton(part, variables, values, constants) for part in expression.args)
    return expression.func(*parts)


@cache
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


def _derivative(expression, variables, values):
    variable, rest = variables[-1], variables[:-1]
    digits = mp.dps
    values = {ASKED: digits} | values  # one rule for a quadrature and its neighbours will do
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
        return values | {variable.base: vector, SUMS: {}}
    return values | {variable: values[variable] + shift, SUMS: {}}


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
        return mp.log(arguments[0]) if arguments[0] != 0 else -mp.inf
    if isinstance(expression, Heaviside):
        return mp.mpf(arguments[0] > 0) if arguments[0] != 0 else arguments[1]
    if isinstance(expression, Max):
        return max(arguments)
    if isinstance(expression, Min):
        return min(arguments)
    name = {"Abs": "fabs"}.get(expression.func.__name__, expression.func.__name__)
    if not hasattr(mpmath, name):
        raise ValueError(f"no value is known for the function {name}: {expression}")
    if name != "fabs" and any(LARGE < mp.mag(argument) < mp.inf for argument in arguments):
        raise Excluded(f"{name} of {mp.nstr(arguments[0], 6)}")
    try:
        return getattr(mpmath, name)(*arguments)
    except ValueError as pole:
        raise Undefined(f"{name} of {mp.nstr(arguments[0], 6)}: {pole}") from pole
