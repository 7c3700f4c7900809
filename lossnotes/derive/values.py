"""The value of an expression at a point, to any number of digits, by its definition alone."""

import operator
import random
from collections import Counter
from functools import lru_cache, reduce

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
    Limit,
    Max,
    Min,
    Mod,
    Mul,
    Not,
    Or,
    Piecewise,
    Pow,
    Product,
    Sum,
    Symbol,
    Tuple,
    UnevaluatedExpr,
    nan,
    oo,
    zoo,
)
from sympy.core.function import AppliedUndef
from sympy.core.numbers import Infinity, NegativeInfinity
from sympy.core.relational import Relational

from lossnotes.derive.symbols import Complement, Entry, K, Others, Quantity, argmax, entry, maximum

LARGE = 64  # binary digits of an exponent, or as many as there are of a number
ASKED = Dummy("digits asked for")
SUMS = Dummy("sums that are known")
BOUND = Dummy("indices that sums around this place bind")
NOISE = Dummy("what rounding may do")
ZERO = Dummy("what counts as zero in a case")
NOTHING = frozenset()
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
    "sign": mp.sign,
    "side": mp.sign,  # see prove.unfold
    "floor": mp.floor,
    "ceiling": mp.ceil,
    "Mod": lambda x, step: x - step * mp.floor(mp.mpf(x) / step),
    "conjugate": mp.conj,
    "LambertW": mp.lambertw,
    "lowergamma": lambda a, x: mp.gammainc(a, 0, x),
    "uppergamma": lambda a, x: mp.gammainc(a, x),
}
CASES = ("Heaviside", "Max", "Min", "Abs", "sign", "side", "floor", "ceiling")
EXACT = (*CASES, "conjugate")


class Undefined(ArithmeticError):
    """The expression has no real value at a point."""


class Excluded(ArithmeticError):
    """No claim is made at a point: a kink, a tie of an argmax."""


class GivenUp(Excluded):
    """The value is out of reach: a number beyond all bounds, a quadrature, a limit."""


class Noise:
    """A change of the last digits of whatever was rounded, and of nothing that is exact.

    Where a result is right to a few digits only, it is another one each time.
    """

    def __init__(self, seed):
        self.random = random.Random(seed)

    def __call__(self, value):
        return value * (1 + 1000 * mp.eps * self.random.uniform(-1, 1))

    def of_sum(self, whole, terms):
        if not mp.isfinite(whole):
            return whole
        found = [term for term in terms if term]
        lost = whole and any(mp.mag(term) < mp.mag(whole) - mp.prec for term in found)
        largest = max(map(mp.mag, found), default=0)
        lost = lost or any(mp.mag(term) < largest - mp.prec for term in found)
        if lost and not whole:
            return mp.ldexp(self.random.uniform(-1, 1), int(largest - mp.prec))
        return self(whole) if lost or mp.fsum([*found, -whole]) else whole

    def of(self, function, arguments, value):
        """The value, changed if with more digits it is another one."""
        with mp.workprec(2 * mp.prec):
            exact = function(*arguments) == value
        return value if exact else self(value)


def evaluate(expression, point, noise=None, sums=None, zero=None):
    """The value at a point, at mpmath's working precision: real unless i is written. 0 log 0 = 0.

    A Derivative is computed by central differences with twice the digits, so that SymPy's rules of
    differentiation are checked and not trusted; an Integral by `quadrature`; a Limit near its end.
    Raises Undefined where there is no real value, Excluded at kinks and at ties of an argmax,
    GivenUp where e^x is out of reach, where no two rules of quadrature agree and where a limit does
    not settle, and ValueError for what this module cannot compute. With `noise` everything that is
    rounded is a little wrong. `sums`, a dict, keeps what sums are worth for further points that
    differ in their classes alone. What is so near to a case as `zero`, or nearer, is at it.
    """
    known = point.values | _imaginary(expression) | {SUMS: {}, BOUND: NOTHING}
    if zero is not None:
        known |= {ZERO: zero}
    if sums is not None:
        classes = {x for x, value in point.values.items() if isinstance(value, int)}
        known |= {SUMS: sums, BOUND: frozenset(classes)}
    value = _evaluate(expression, known if noise is None else known | {NOISE: noise})
    if isinstance(value, (list, frozenset)):
        raise Undefined(f"{expression} is not a number")
    if mp.isnan(value):
        raise Undefined(f"{expression} has no value at {point}")
    if isinstance(value, mp.mpc) and value.imag == 0:
        value = value.real
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
        Product: _product_over,
        Limit: _limit,
        KroneckerDelta: _delta,
        Piecewise: _piecewise,
    }
    if expression.func in rules:
        return rules[expression.func](expression)
    if isinstance(expression, (Function, Max, Min, Mod)) and not isinstance(
        expression, AppliedUndef
    ):
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
    whole = denominator & (denominator - 1) == 0

    def rational(values):
        number = mp.mpf(numerator) / denominator
        return number if whole or NOISE not in values else values[NOISE](number)

    return rational


def _without_value(expression):
    def value(values):
        raise Undefined(f"{expression} is not a real number")

    return value


@lru_cache(10_000)
def _definition(quantity):
    return quantity.definition()


def _sum_of_terms(expression):
    terms = [_formula(term) for term in expression.args]

    def total(values):
        found = [term(values) for term in terms]
        whole = mp.fsum(found)
        return whole if NOISE not in values else values[NOISE].of_sum(whole, found)

    return total


def _product(expression):
    parts = [_formula(factor) for factor in expression.args]

    def product(values):
        factors = [part(values) for part in parts]
        if not all(factors):
            return mp.zero
        whole = _times(*factors)
        return whole if NOISE not in values else values[NOISE].of(_times, factors, whole)

    return product


def _times(*factors):
    return reduce(operator.mul, factors)


def _power(expression):
    base, exponent = map(_formula, expression.args)

    def power(values):
        x, n = base(values), exponent(values)
        if x == 0 and n < 0:
            raise Undefined("division by zero")
        if n and mp.mag(n) > _reach():
            raise GivenUp("a power that is beyond all bounds")
        value = mp.convert(x) ** n
        if NOISE in values:
            value = values[NOISE].of(mp.power, (x, n), value)
        return _real(value, values)

    return power


def _reach():
    return max(LARGE, mp.prec)


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

    def value(values):
        found = values[vector]
        for number in place(values):
            found = found[number]
        return found

    return value


def _place(indexed):
    """Where an entry stands in the list of its vector's entries, or in a list of such lists."""
    numbers = [_class(index) for index in indexed.indices]

    def place(values):
        found, inside = [], values[indexed.base]
        for number in numbers:
            here = number(values)
            if not isinstance(inside, list):
                raise Undefined(f"{indexed} has more indices than {indexed.base}")
            if not 1 <= here <= len(inside):
                raise Undefined(f"there is no class {here} among {len(inside)}")
            found.append(here - 1)
            inside = inside[here - 1]
        if isinstance(inside, list):
            raise Undefined(f"{indexed} has fewer indices than {indexed.base}")
        return found

    return place


def _sum(expression):
    return _over_range(expression, mp.fsum)


def _product_over(expression):
    return _over_range(expression, mp.fprod)


def _over_range(expression, combined):
    """A sum or a product. It is computed once for all values of what it does not mention."""
    *inner, (index, lower, upper) = expression.limits  # the last is the outermost
    body = _formula(expression.func(expression.function, *inner) if inner else expression.function)
    first, last = _class(lower), _class(upper)
    bounds = {x for limit in expression.limits for bound in limit[1:] for x in bound.atoms(Symbol)}
    mentioned = _mentioned(expression) - ({limit[0] for limit in expression.limits} - bounds)
    this = object()

    def total(values):
        outside = values | {BOUND: values[BOUND] | {index}}
        span = range(first(values), last(values) + 1)
        terms = [body(outside | {index: number}) for number in span]
        whole = combined(terms)
        if NOISE not in values:
            return whole
        return values[NOISE].of_sum(whole, terms) if combined == mp.fsum else values[NOISE](whole)

    def remembered(values):
        key = (this, *[(x, values[x]) for x in values[BOUND] & mentioned])
        sums = values[SUMS]
        if key not in sums:
            sums[key] = total(values)
        return sums[key]

    return remembered


def _mentioned(expression):
    """Every symbol that occurs, as an index or in a derivative too: SymPy calls fewer free."""
    return frozenset(expression.atoms(Symbol)) | expression.free_symbols


def _integral(expression):
    from lossnotes.derive.quadrature import quadrature

    return quadrature(expression)


def _limit(expression):
    """The value so near to the end that more digits would not change it."""
    body, variable, end, direction = expression.args
    function, target = _formula(body), _formula(end)
    sides = {"+": (1,), "-": (-1,)}.get(str(direction), (1, -1))
    if end in (oo, -oo):
        sides = (1 if end == oo else -1,)

    def limit(values):
        digits = mp.dps
        found = []
        # What counts as zero at a kink is farther from it than a limit looks.
        values = {name: value for name, value in values.items() if name != ZERO}
        with mp.workdps(4 * digits):
            for side in sides:
                for places in (digits + 5, digits + 8):
                    large = mp.mpf(10) ** places
                    if not variable.is_integer:  # at whole numbers cos(2 pi x) is always one
                        large += places * mp.sqrt(2)
                    near = side * large if end in (oo, -oo) else target(values) + side / large
                    found.append(function(values | {variable: near, SUMS: {}}))
            sizes = [mp.mpf(1), *map(abs, found)]
            if max(abs(value - found[0]) for value in found) > mp.mpf(10) ** -digits * max(sizes):
                raise GivenUp(f"the limit of {body} for {variable} to {end} does not settle")
        return +found[-1]

    return limit


def _derivative(expression):
    """Central differences of any order; each point of their grid is looked at once.

    A difference of order n loses 3/4 n of the digits: so many more are used, by all orders alike.
    """
    function, mentioned = _formula(expression.expr), _mentioned(expression.expr)
    variables = tuple(expression.variables)
    different = tuple(dict.fromkeys(variables))
    places = [_place(variable) if isinstance(variable, Indexed) else None for variable in different]
    orders = [different.index(variable) for variable in variables]

    def derivative(values):
        digits = mp.dps
        bound = [(x, values[x]) for x in values[BOUND] & mentioned]
        grid = values[SUMS].setdefault((function, len(orders), *bound), {})
        values = {ASKED: digits} | values  # one rule for a quadrature and its neighbours will do
        moved = [
            (variable.base, *place(values)) if place else (variable,)
            for variable, place in zip(different, places, strict=True)
        ]
        with mp.workdps((1 + len(orders)) * digits):
            step = mp.mpf(10) ** (-3 * digits // 4)

            def value(place):
                steps = Counter()
                for number, count in zip(moved, place, strict=True):
                    steps[number] += count
                there = frozenset(item for item in steps.items() if item[1])
                if there not in grid:
                    near = values | {SUMS: {}}
                    for (symbol, *inside), count in there:
                        near[symbol] = _with_shift(near[symbol], inside, count * step)
                    grid[there] = function(near)
                return grid[there]

            def slope(orders, place):
                if not orders:
                    return value(place)
                first, *others = orders
                below, here, above = (
                    slope(others, (*place[:first], place[first] + way, *place[first + 1 :]))
                    for way in (-1, 0, 1)
                )
                size = mp.sqrt(step) * max(1, abs(here))
                if abs(above - 2 * here + below) > step * size or abs(above - below) > size:
                    raise Excluded(f"a kink of {expression.expr}")
                return (above - below) / (2 * step)

            return slope(orders, (0,) * len(different))

    return derivative


def _with_shift(value, place, shift):
    """A number, or a list or list of lists with the number at a place, moved."""
    if not place:
        return value + shift
    first, *rest = place
    moved = list(value)
    moved[first] = _with_shift(moved[first], rest, shift)
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
        if ZERO in values and abs(left - right) <= values[ZERO]:
            left = right
        return RELATIONS[condition.rel_op](left, right)
    return bool(condition)


def _function(expression):
    arguments = [_formula(argument) for argument in expression.args]
    name = expression.func.__name__
    function, exact, cases = _rule(name), name in EXACT, name in CASES

    def value(values):
        found = [argument(values) for argument in arguments]
        if ZERO in values and cases:
            found = [_at_a_whole_number(x, values[ZERO]) for x in found]
        result = function(*found) if exact else _computed(function, mp.prec, *found)
        if NOISE in values and not exact:
            result = values[NOISE].of(function, found, result)
        return _real(result, values)

    return value


@lru_cache(100_000)
def _computed(function, precision, *arguments):
    """A value of a function. Both sides of a claim, and neighbours of a point, have many alike."""
    return function(*arguments)


def _at_a_whole_number(number, nearly):
    if isinstance(number, mp.mpc) or not mp.isfinite(number):
        return number
    near = mp.nint(number)
    return near if abs(number - near) <= nearly else number


def _exp(x):
    """e^x. mpmath takes powers of e for whole numbers, which is slow where these are large."""
    if mp.mag(x) < LARGE or not mp.isint(x):
        return mp.exp(x)
    half = mp.mpf(1) / 2
    with mp.workprec(mp.prec + int(mp.mag(x))):
        value = mp.exp(x + half) / mp.exp(half)
    return +value


@lru_cache(1000)
def _rule(name):
    """The function of numbers for which a function of SymPy stands."""
    if name in FUNCTIONS:
        return FUNCTIONS[name]
    if not hasattr(mpmath, name):
        raise ValueError(f"no value is known for the function {name}")
    function = _exp if name == "exp" else getattr(mpmath, name)

    def within_reach(*arguments):
        if any(_reach() < mp.mag(argument) < mp.inf for argument in arguments):
            raise GivenUp(f"{name} of a number beyond all bounds")
        try:
            return function(*arguments)
        except ValueError as pole:
            raise Undefined(f"{name} of {mp.nstr(arguments[0], 6)}: {pole}") from pole

    return within_reach
