"""What an expression is worth at a point, by plain loops: the judge of what the prover believes.

It shares no code with `lossnotes.derive`, whose classes it only recognises: every named quantity is
written here from its mathematical definition, a Derivative is a difference quotient, an Integral a
quadrature split at kinks, and points are drawn here. A claim is made where both sides have a value.
A jump (of Heaviside, sign, floor, a Piecewise) that is hit by accident has none; one that is hit at
a generic point, as s[i] - s[j] = 0 where i = j, has the value that is written.
"""

import operator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from time import process_time

import sympy
from mpmath import mp, mpc, mpf, nstr
from sympy import I, Indexed, IndexedBase, Symbol, Tuple
from sympy.core.relational import Relational
from sympy.logic.boolalg import BooleanFalse, BooleanTrue

from lossnotes.derive import symbols
from lossnotes.derive.symbols import K

DIGITS, MOST_DIGITS = 50, 500
SMALLEST = mpf(10) ** -200  # gap: what is smaller may be what cancels, even with most digits
NEAR = 5  # a point that is no farther out cannot make a gap of e^-1000
REACH = mpf(10) ** 9  # of an exponential
TERMS = 5000  # of a sum
ENTRY, TRACE, MEMO, GENERIC, COMPLEX = "entry", "trace", "memo", "generic", "complex"
EXACT = (int, Fraction)


class NoValue(ArithmeticError):
    """There is no value at a point, or none that this module can find."""


def value(expression, point, digits=DIGITS, imaginary=False):
    """The value of an expression at a point, to about so many digits."""
    expression = sympy.sympify(expression)
    with mp.workdps(digits):
        found = _compiled(expression)(_environment(point, imaginary or expression.has(I)))
        return _finite_or_infinite(_number(found))


def _environment(point, imaginary):
    values = {name: _rounded(number) for name, number in point.values.items()}
    return values | {MEMO: {}, TRACE: None, GENERIC: point.generic, COMPLEX: imaginary}


def _rounded(number):
    return tuple(map(_rounded, number)) if isinstance(number, tuple) else _number(number)


def _number(number):
    if isinstance(number, Fraction):
        return mpf(number.numerator) / number.denominator
    return number


def _finite_or_infinite(number):
    if not isinstance(number, int) and mp.isnan(number):
        raise NoValue("nan")
    return number


# Formulas: a function of the environment for each expression.


@lru_cache(50_000)
def _compiled(expression):
    if isinstance(expression, (Symbol, sympy.Dummy)):
        return _symbol(expression)
    if isinstance(expression, IndexedBase):
        return lambda env: _entry_at(env, expression, (env[ENTRY],)) if ENTRY in env else _fail()
    if isinstance(expression, sympy.Integer):
        return lambda env, number=int(expression): number
    if isinstance(expression, sympy.Rational):
        return lambda env, number=Fraction(expression.p, expression.q): number
    if isinstance(expression, sympy.Float):
        return lambda env: mpf(str(expression))
    if expression in CONSTANTS:
        return CONSTANTS[expression]
    for kind, build in KINDS:
        if isinstance(expression, kind):
            return build(expression)
    if type(expression) in FUNCTIONS:
        parts = [_compiled(part) for part in expression.args]
        function = FUNCTIONS[type(expression)]
        return lambda env: function(env, *(part(env) for part in parts))
    raise NoValue(f"nothing is known of {type(expression).__name__}")


def _fail(*_):
    raise NoValue("not a number")


def _symbol(symbol):
    def found(env):
        try:
            return env[symbol]
        except KeyError:
            raise NoValue(f"{symbol} has no value") from None

    return found


def _sum_of(numbers):
    numbers = list(numbers)
    if all(isinstance(number, EXACT) for number in numbers):
        return sum(numbers)
    total = mpf(0)
    for number in numbers:
        total = total + _number(number)
    return _finite_or_infinite(total)


def _product_of(numbers):
    """0 times infinity is 0, as in 0 log 0."""
    numbers = list(numbers)
    if any(number == 0 for number in numbers):
        return 0
    whole, rest = 1, mpf(1)
    for number in numbers:
        if isinstance(number, EXACT):
            whole = whole * number
        else:
            rest = rest * number
    return whole if all(isinstance(number, EXACT) for number in numbers) else _number(whole) * rest


def _power(env, base, exponent):
    _note(env, base if _is_negative(exponent) else 0)
    if base == 0:
        if isinstance(exponent, mpc) or exponent < 0:
            raise NoValue("division by zero")
        return 0 if exponent > 0 else 1
    if isinstance(exponent, int) and isinstance(base, EXACT) and abs(exponent) <= 40:
        return Fraction(base) ** exponent
    base, exponent = _number(base), _number(exponent)
    if isinstance(exponent, int):
        if abs(exponent) > REACH:
            raise NoValue("out of reach")
        return mpf(base) ** exponent if not isinstance(base, mpc) else base**exponent
    if mp.isinf(base) or mp.isinf(exponent):
        raise NoValue("a power of infinity")
    if not isinstance(base, mpc) and base < 0 and not mp.isint(exponent):
        _need_complex(env)
    if abs(exponent) * abs(mp.log(abs(base))) > REACH:
        raise NoValue("out of reach")
    return mp.power(base, exponent)


def _is_negative(number):
    return not isinstance(number, mpc) and number < 0


def _need_complex(env):
    if not env[COMPLEX]:
        raise NoValue("not real")


def _exp(env, x):
    x = _number(x)
    if x == mp.inf or x == -mp.inf:
        return mp.inf if x > 0 else mpf(0)
    if abs(x) > REACH:
        raise NoValue("out of reach")
    return mp.exp(x)


def _log(env, x, *base):
    if base:
        return _log(env, x) / _log(env, *base)
    _note(env, x)
    if x == 0:
        return -mp.inf
    if not isinstance(x, mpc) and x < 0:
        _need_complex(env)
    return mp.log(_number(x))


# What is not smooth leaves a trace: the sides on which its arguments lie.


def _note(env, mark):
    if env[TRACE] is not None:
        if not isinstance(mark, (int, str, mpc)):
            mark = (mark > 0) - (mark < 0)
        env[TRACE].append(mark if not isinstance(mark, mpc) else 0)


def _side(env, x):
    """The sign of what a jump depends on."""
    if isinstance(x, mpc):
        if x.imag != 0:
            raise NoValue("a complex number has no sign")
        x = x.real
    if x == 0:
        if not env[GENERIC]:
            raise NoValue("a jump that was hit by accident")
        side = 0
    elif not isinstance(x, EXACT) and abs(x) < mpf(10) ** (-mp.dps * 3 // 4):
        raise NoValue("too near a jump")
    else:
        side = 1 if x > 0 else -1
    _note(env, side)
    return side


def _heaviside(env, x, at_zero):
    side = _side(env, x)
    return at_zero if side == 0 else int(side > 0)


def _sign(env, x):
    if isinstance(x, mpc) and x.imag != 0:
        return x / abs(x)
    return _side(env, x)


def _floor(env, x):
    if isinstance(x, mpc):
        raise NoValue("the floor of a complex number")
    if isinstance(x, EXACT):
        if not isinstance(x, int) and x.denominator == 1:
            x = int(x)
        _note(env, int(x // 1))
        return int(x // 1)
    if abs(x) > REACH:
        raise NoValue("out of reach")
    nearest = int(mp.nint(x))
    gap = abs(x - nearest)
    if gap == 0 and not env[GENERIC]:
        raise NoValue("a jump that was hit by accident")
    if 0 < gap < mpf(10) ** (-mp.dps // 2):
        raise NoValue("too near a jump")
    _note(env, int(mp.floor(x)))
    return int(mp.floor(x))


def _abs(env, x):
    if not isinstance(x, mpc):
        _note(env, x)
    return abs(x)


def _largest(env, *numbers):
    if any(isinstance(number, mpc) for number in numbers):
        raise NoValue("complex numbers have no order")
    numbers = [_number(number) for number in numbers]
    largest = max(numbers)
    _note(env, numbers.index(largest))
    return largest


def _smallest(env, *numbers):
    return -_largest(env, *(-number for number in numbers))


def _smooth(function):
    def at(env, *numbers):
        numbers = [_number(number) for number in numbers]
        if any(abs(number) > REACH for number in numbers):
            raise NoValue("out of reach")
        try:
            found = function(*numbers)
        except (ValueError, ZeroDivisionError) as pole:
            raise NoValue("a pole") from pole
        if isinstance(found, mpc) and found.imag != 0:
            _need_complex(env)
        return found

    return at


FUNCTIONS = {
    sympy.exp: _exp,
    sympy.log: _log,
    sympy.Heaviside: _heaviside,
    sympy.sign: _sign,
    sympy.floor: _floor,
    sympy.ceiling: lambda env, x: -_floor(env, -x),
    sympy.Abs: _abs,
    sympy.Max: _largest,
    sympy.Min: _smallest,
    sympy.re: lambda env, x: x.real if isinstance(x, mpc) else x,
    sympy.im: lambda env, x: x.imag if isinstance(x, mpc) else 0,
    sympy.conjugate: lambda env, x: mp.conj(x) if isinstance(x, mpc) else x,
    sympy.factorial: _smooth(mp.factorial),
    sympy.gamma: _smooth(mp.gamma),
    sympy.loggamma: _smooth(mp.loggamma),
    sympy.binomial: _smooth(mp.binomial),
    sympy.erf: _smooth(mp.erf),
    sympy.sin: _smooth(mp.sin),
    sympy.cos: _smooth(mp.cos),
    sympy.tan: _smooth(mp.tan),
    sympy.sinh: _smooth(mp.sinh),
    sympy.cosh: _smooth(mp.cosh),
    sympy.tanh: _smooth(mp.tanh),
    sympy.atan: _smooth(mp.atan),
    sympy.asin: _smooth(mp.asin),
    sympy.acos: _smooth(mp.acos),
}
CONSTANTS = {
    I: lambda env: mpc(0, 1),
    sympy.pi: lambda env: +mp.pi,
    sympy.E: lambda env: +mp.e,
    sympy.EulerGamma: lambda env: +mp.euler,
    sympy.oo: lambda env: mp.inf,
    -sympy.oo: lambda env: -mp.inf,
    sympy.nan: _fail,
    sympy.zoo: _fail,
}


# Conditions


def _condition(condition):
    if isinstance(condition, (BooleanTrue, BooleanFalse)):
        return lambda env: bool(condition)
    parts = [
        (_condition if not isinstance(condition, Relational) else _compiled)(part)
        for part in condition.args
    ]
    if isinstance(condition, sympy.Not):
        return lambda env: not parts[0](env)
    if isinstance(condition, (sympy.And, sympy.Or)):
        combined = all if isinstance(condition, sympy.And) else any
        return lambda env: combined([part(env) for part in parts])
    if not isinstance(condition, Relational):
        raise NoValue(f"nothing is known of {type(condition).__name__}")
    compared = {
        "==": operator.eq,
        "!=": operator.ne,
        "<": operator.lt,
        "<=": operator.le,
        ">": operator.gt,
        ">=": operator.ge,
    }[condition.rel_op]
    left, right = parts

    def holds(env):
        gap = _sum_of([left(env), -right(env)])
        if condition.rel_op in ("==", "!=") and isinstance(gap, EXACT):
            return compared(gap, 0)
        return compared(_side(env, gap), 0)

    return holds


def _piecewise(expression):
    branches = [(_compiled(branch), _condition(condition)) for branch, condition in expression.args]

    def chosen(env):
        for branch, holds in branches:
            if holds(env):
                return branch(env)
        raise NoValue("no branch applies")

    return chosen


# Vectors and classes


def _whole(number):
    number = _number(number)
    if isinstance(number, int):
        return number
    if isinstance(number, mpc) or mp.isinf(number) or not mp.isint(number):
        raise NoValue("not a whole number")
    return int(number)


def _entry_at(env, base, places):
    found = env.get(base)
    if found is None:
        raise NoValue(f"{base} has no value")
    for place in places:
        place = _whole(place)
        if not isinstance(found, tuple) or not 1 <= place <= len(found):
            raise NoValue("no such entry")
        found = found[place - 1]
    if isinstance(found, tuple):
        raise NoValue("a row is not a number")
    return found


def _indexed(expression):
    places = [_compiled(place) for place in expression.indices]
    return lambda env: _entry_at(env, expression.base, [place(env) for place in places])


def _delta(expression):
    a, b = map(_compiled, expression.args)

    def equal(env):
        gap = _sum_of([a(env), -b(env)])
        if not isinstance(gap, EXACT) and 0 < abs(gap) < mpf(10) ** (-mp.dps * 3 // 4):
            raise NoValue("nearly equal")
        return int(gap == 0)

    return equal


def _entries(vector):
    """The list of the entries of a vector expression."""
    if isinstance(vector, Tuple):
        parts = [_compiled(part) for part in vector]
        return lambda env: [part(env) for part in parts]
    entry = _compiled(vector)
    return lambda env: [entry({**env, ENTRY: place}) for place in range(1, env[K] + 1)]


def _remembered(build):
    """Computed once for the values that all names in an expression have: bound ones, too."""

    def with_memory(expression):
        function = build(expression)
        names = sorted(expression.atoms(Symbol, IndexedBase), key=str)

        def known(env):
            values = [env.get(name) for name in names]
            key = (
                expression,
                mp.prec,
                env.get(ENTRY) if isinstance(expression, symbols.VectorQuantity) else None,
                *(id(item) if isinstance(item, tuple) else item for item in values),
            )
            if key not in env[MEMO]:
                trace = None if env[TRACE] is None else []
                found = function({**env, TRACE: trace})
                env[MEMO][key] = found, trace, values  # the values stay alive, and so do their ids
            found, trace, _ = env[MEMO][key]
            if env[TRACE] is not None:
                if trace is None:
                    function({**env, TRACE: (trace := [])})
                    env[MEMO][key] = found, trace, values
                env[TRACE].extend(trace)
            return found

        return known

    return with_memory


def _range_of(within):
    """The classes that a maximum is taken over."""
    if isinstance(within, symbols.Others):
        other = _compiled(within.args[0])

        def all_but_one(env, classes):
            excluded = _whole(other(env))
            if excluded not in classes:
                raise NoValue("no such class")
            return [place for place in classes if place != excluded]

        return all_but_one
    if isinstance(within, symbols.Complement):
        inner = _range_of(within.args[0])
        return lambda env, classes: [c for c in classes if c not in inner(env, classes)]
    return lambda env, classes: [c for c in classes if c in env[within]]


def _maximum(expression):
    vector, *within = expression.args
    entries = _entries(vector)
    chosen = _range_of(within[0]) if within else lambda env, classes: classes

    def best(env):
        scores = entries(env)
        places = chosen(env, list(range(1, len(scores) + 1)))
        if not places:
            raise NoValue("the maximum of nothing")
        largest = _largest(env, *(scores[place - 1] for place in places))
        if isinstance(expression, symbols.maximum):
            return largest
        margin = abs(largest) * mpf(10) ** (-mp.dps // 2)
        first, *others = [c for c in places if abs(_number(scores[c - 1]) - largest) <= margin]
        if others:
            raise NoValue("a tie")
        return first

    return best


def _exps(env, numbers):
    return [_exp(env, number) for number in numbers]


def _times_log(env, weight, number):
    return 0 if weight == 0 else _product_of([weight, _log(env, number)])


def _quotient(a, b):
    if b == 0:
        raise NoValue("division by zero")
    if isinstance(a, EXACT) and isinstance(b, EXACT):
        return Fraction(a) / b
    return _number(a) / _number(b)


def _kl(env, q, p):
    return _sum_of(
        0 if a == 0 else _times_log(env, a, _ratio(a, b)) for a, b in zip(q, p, strict=True)
    )


def _ratio(a, b):
    return mp.inf if b == 0 else _quotient(a, b)


def _ce(env, q, p):
    return -_sum_of(_times_log(env, a, b) for a, b in zip(q, p, strict=True))


def _softmax(env, numbers):
    parts = _exps(env, numbers)
    total = _sum_of(parts)
    return [_quotient(part, total) for part in parts]


def _distinct(numbers):
    if len({mpf(_number(number)) for number in numbers}) < len(numbers):
        raise NoValue("division by zero")
    return numbers


def _divided_difference(nodes):
    """Opitz: a corner of the exponential of the matrix with the nodes and ones beside them."""
    size, matrix = len(nodes), mp.zeros(len(nodes))
    for place, node in enumerate(nodes):
        matrix[place, place] = _number(node)
        if place + 1 < size:
            matrix[place, place + 1] = 1
    if any(abs(_number(node)) > 200 for node in nodes):
        raise NoValue("out of reach")
    with mp.extradps(60):
        return mp.expm(matrix)[0, size - 1]


OF_VECTORS = {  # functions of the lists of entries of all arguments
    symbols.LSE: lambda env, s: _log(env, _sum_of(_exps(env, s))),
    symbols.AM: lambda env, y: _quotient(_sum_of(y), env[K]),
    symbols.GM: lambda env, y: _exp(env, _quotient(_sum_of(_log(env, x) for x in y), env[K])),
    symbols.entropy: lambda env, q: -_sum_of(_times_log(env, x, x) for x in q),
    symbols.KL: _kl,
    symbols.CE: _ce,
    symbols.expectation: lambda env, v, s: _sum_of(
        _product_of(pair) for pair in zip(_softmax(env, s), v, strict=True)
    ),
}
OF_NUMBERS = {
    symbols.sigmoid: lambda env, t: _quotient(1, 1 + _exp(env, -t)),
    symbols.normalizer: lambda env, *eta: _divided_difference(eta),
    symbols.divided_difference: lambda env, *eta: _divided_difference(_distinct(eta)),
}


def _of_vectors(expression):
    function = OF_VECTORS[type(expression)]
    parts = [_entries(part) for part in expression.args]
    sizes = {len(part) for part in expression.args if isinstance(part, Tuple)}

    def found(env):
        if not sizes:
            return function(env, *(part(env) for part in parts))
        (size,) = sizes
        lists = [part({**env, K: size})[:size] for part in parts]
        return function(env, *lists)

    return found


def _of_numbers(expression):
    parts = [_compiled(part) for part in expression.args]
    function = OF_NUMBERS[type(expression)]
    return lambda env: function(env, *(part(env) for part in parts))


def _log_loss(expression):
    scores, target = expression.args
    if isinstance(target, (IndexedBase, symbols.VectorQuantity)):
        weights, numbers = _entries(target), _entries(scores)
        return lambda env: _ce(env, weights(env), _softmax(env, numbers(env)))
    probability = _vector(symbols.softmax(scores))
    label = _compiled(target)
    return lambda env: -_log(env, probability(env, _whole(label(env))))


def _margin(expression):
    scores, right = expression.args
    if isinstance(right, symbols.Classes):
        best = _maximum(symbols.maximum(scores, right))
        rival = _maximum(symbols.maximum(scores, symbols.Complement(right)))
    else:
        entries, label = _entries(scores), _compiled(right)
        rival = _maximum(symbols.maximum(scores, symbols.Others(right)))

        def best(env):
            return entries(env)[_whole(label(env)) - 1]

    return lambda env: _sum_of([_number(best(env)), -rival(env)])


def _margin_loss(expression):
    margin = _margin(expression)
    return lambda env: _largest(env, 0, 1 - margin(env))


def _vector(quantity):
    """A named vector as a function of the environment and a class."""
    if isinstance(quantity, symbols.softmax):
        entries = _entries(quantity.args[0])
        return lambda env, place: _at(_softmax(env, entries(env)), place)
    parts = [_compiled(part) for part in quantity.args]
    if isinstance(quantity, symbols.one_hot):
        return lambda env, place: int(parts[0](env) == _among(env, place))
    if isinstance(quantity, symbols.smooth):

        def smooth(env, place):
            label, share = (part(env) for part in parts)
            rest = _quotient(share, env[K])
            return 1 - share + rest if label == _among(env, place) else rest

        return smooth
    if isinstance(quantity, symbols.smooth_others):

        def smooth_others(env, place):
            label, share = (part(env) for part in parts)
            return 1 - (env[K] - 1) * _number(share) if label == _among(env, place) else share

        return smooth_others
    if isinstance(quantity, symbols.mean):

        def mean(env, place):
            eta = [part(env) for part in parts]
            return _divided_difference([*eta, _at(eta, place)]) / _divided_difference(eta)

        return mean
    raise NoValue(f"nothing is known of {type(quantity).__name__}")


def _at(numbers, place):
    if not 1 <= place <= len(numbers):
        raise NoValue("no such class")
    return numbers[place - 1]


def _among(env, place):
    if not 1 <= place <= env[K]:
        raise NoValue("no such class")
    return place


def _vector_quantity(expression):
    vector = _vector(expression)
    return lambda env: vector(env, env[ENTRY]) if ENTRY in env else _fail()


def _entry(expression):
    quantity, index = expression.args
    vector, place = _vector(quantity), _compiled(index)
    return lambda env: vector(env, _whole(place(env)))


# Sums, products, derivatives, integrals


def _over_a_range(combined):
    def build(expression):
        function = _compiled(expression.function)
        for limit in expression.limits:  # the first is the innermost
            function = _over(combined, function, *limit)
        return function

    return build


def _over(combined, function, index, *ends):
    if len(ends) != 2:
        return _fail
    lower, upper = map(_compiled, ends)

    def total(env):
        first, last = (_whole(end(env)) for end in (lower, upper))
        if last - first > TERMS:
            raise NoValue("too many terms")
        return combined(function({**env, index: place}) for place in range(first, last + 1))

    return total


def _derivative(expression):
    function = _compiled(expression.expr)
    variables = expression.variables

    def slope(env):
        digits = mp.dps
        places = [
            [_whole(_compiled(index)(env)) for index in variable.indices]
            if isinstance(variable, Indexed)
            else None
            for variable in variables
        ]
        with mp.workdps(2 * digits + len(variables) * (digits // 2 + 5)):
            step = mpf(10) ** -(digits // 2 + 5)
            found = _difference(function, list(zip(variables, places, strict=True)), env, step)
        return +found  # rounded: mpmath's log of 1/4 + 10^-60 with all its digits is near 0

    return slope


def _difference(function, variables, env, step):
    if not variables:
        return _number(function(env))
    *others, (variable, places) = variables
    below, here, above = (
        _difference(function, others, _moved(env, variable, places, shift), step)
        for shift in (-step, 0, step)
    )
    if any(mp.isinf(found) for found in (below, here, above)):
        raise NoValue("the slope of an infinity")
    if abs(above - 2 * here + below) > step * mp.sqrt(step) * max(1, abs(here)):
        raise NoValue("a kink")
    return (above - below) / (2 * step)


def _moved(env, variable, places, shift):
    if not isinstance(variable, Indexed):
        if variable == K or variable not in env:
            raise NoValue("no slope")
        return {**env, variable: _number(env[variable]) + shift}
    _entry_at(env, variable.base, places)
    return {**env, variable.base: _moved_entry(env[variable.base], places, shift)}


def _moved_entry(entries, places, shift):
    first, *rest = places
    moved = list(entries)
    old = moved[first - 1]
    moved[first - 1] = _moved_entry(old, rest, shift) if rest else _number(old) + shift
    return tuple(moved)


def _integral(expression):
    function = _compiled(expression.function)
    for limit in expression.limits:
        function = _definite(function, *limit)
    return function


def _definite(function, variable, *ends):
    if len(ends) != 2:
        return _fail
    lower, upper = map(_compiled, ends)

    def area(env):
        a, b = (mpf(_number(end(env))) for end in (lower, upper))
        _note(env, _side({**env, TRACE: None, GENERIC: True}, b - a))
        if a == b:
            return mpf(0)
        if b < a:
            return -_area(function, variable, b, a, env)
        return _area(function, variable, a, b, env)

    return area


def _area(function, variable, a, b, env):
    def traced(place):
        trace = []
        found = function({**env, variable: place, TRACE: trace})
        return found, tuple(trace)

    def plain(place):
        return _number(function({**env, variable: place, TRACE: None}))

    if mp.isinf(a) or mp.isinf(b):
        return _quadrature(plain, a, b)
    breaks, marks = _breaks(traced, a, b)
    if env[TRACE] is not None:
        env[TRACE].append(str(marks))
    return _sum_of(_quadrature(plain, *ends) for ends in pairwise(breaks))


def _breaks(traced, a, b):
    """The ends of the pieces on which the trace does not change, and the traces themselves."""
    cells = 11
    shares = [(number + mpf("0.3819660112501")) / cells for number in range(cells)]
    beside = [mpf("0.7") / 10**power for power in (2, 4, 6)]  # a kink may be close to an end
    shares = sorted([*shares, *beside, *(1 - share for share in beside)])
    places = [a + (b - a) * share for share in shares]
    marks = [traced(place)[1] for place in places]
    breaks, kept = [a], [marks[0]]
    for (left, right), (before, after) in zip(pairwise(places), pairwise(marks), strict=True):
        for _ in range(6):
            if before == after:
                break
            low, high, found = left, right, after
            while high - low > (b - a) * mpf(10) ** (2 - mp.dps):
                middle = (low + high) / 2
                try:
                    mark = traced(middle)[1]
                except NoValue:  # on the kink itself
                    low = high = middle
                    break
                if mark == before:
                    low = middle
                else:
                    high, found = middle, mark
            breaks.append((low + high) / 2)
            kept.append(found)
            left, before = high + (b - a) * mpf(10) ** (3 - mp.dps), found
        else:
            raise NoValue("too many kinks")
    return [*breaks, b], kept


def _quadrature(function, a, b, halvings=5):
    """Gauss's rules on halves, until two agree; where they never do, the tanh-sinh rule."""
    if not (mp.isinf(a) or mp.isinf(b)):
        rough, fine = (_gauss_sum(function, a, b, count) for count in (14, 22))
        if abs(fine[0] - rough[0]) <= mpf(10) ** -13 * fine[1]:
            return fine[0]
        if halvings and abs(fine[0] - rough[0]) <= mpf(10) ** -3 * fine[1]:
            middle = (a + b) / 2
            ends = [(a, middle), (middle, b)]
            return sum(_quadrature(function, *half, halvings - 1) for half in ends)
    try:
        found, error = mp.quad(function, [a, b], error=True, maxdegree=7)
    except (ValueError, ZeroDivisionError) as singular:
        raise NoValue("a singular integrand") from singular
    if not abs(found) < mp.inf or error > mpf(10) ** -12 * max(1, abs(found)):
        raise NoValue("the quadrature does not converge")
    return found


def _gauss_sum(function, a, b, count):
    middle, half = (a + b) / 2, (b - a) / 2
    total = size = mpf(0)
    for node, weight in _gauss_rule(count, mp.prec):
        found = function(middle + half * node)
        total, size = total + weight * found, size + weight * abs(found)
    return half * total, half * size


@lru_cache(200)
def _gauss_rule(count, precision):
    rule = []
    for number in range(count):
        x = mp.cos(mp.pi * (number + mpf(3) / 4) / (count + mpf(1) / 2))
        for _ in range(12):
            before, here = mpf(1), x
            for n in range(1, count):
                before, here = here, ((2 * n + 1) * x * here - n * before) / (n + 1)
            slope = count * (x * here - before) / (x * x - 1)
            x -= here / slope
            if abs(here / slope) < mp.eps * 100:
                break
        rule.append((x, 2 / ((1 - x * x) * slope * slope)))
    return rule


def _substituted(expression):
    inner = _compiled(expression.expr)
    there = dict(zip(expression.variables, map(_compiled, expression.point), strict=True))
    return lambda env: inner({**env, **{old: new(env) for old, new in there.items()}})


def _by_parts(combined):
    def build(expression):
        parts = [_compiled(part) for part in expression.args]
        return lambda env: combined(part(env) for part in parts)

    return build


def _of_parts(function):
    def build(expression):
        parts = [_compiled(part) for part in expression.args]
        return lambda env: function(env, *(part(env) for part in parts))

    return build


KINDS = [
    (sympy.Add, _by_parts(_sum_of)),
    (sympy.Mul, _by_parts(_product_of)),
    (sympy.Pow, _of_parts(_power)),
    (Indexed, _indexed),
    (sympy.Sum, _remembered(_over_a_range(_sum_of))),
    (sympy.Product, _remembered(_over_a_range(_product_of))),
    (sympy.Derivative, _remembered(_derivative)),
    (sympy.Integral, _remembered(_integral)),
    (sympy.KroneckerDelta, _delta),
    (sympy.Piecewise, _piecewise),
    (sympy.Subs, _substituted),
    (sympy.UnevaluatedExpr, lambda expression: _compiled(expression.args[0])),
    (symbols.Entry, _remembered(_entry)),
    (tuple(OF_VECTORS), _remembered(_of_vectors)),
    (tuple(OF_NUMBERS), _remembered(_of_numbers)),
    (symbols.log_loss, _remembered(_log_loss)),
    (symbols.margin, _remembered(_margin)),
    (symbols.margin_loss, _remembered(_margin_loss)),
    ((symbols.maximum, symbols.argmax), _remembered(_maximum)),
    (symbols.VectorQuantity, _remembered(_vector_quantity)),
]


# Points


@dataclass(frozen=True)
class Point:
    """A number for each name; a generic one makes nothing equal that need not be."""

    values: dict
    generic: bool

    def __str__(self):
        order = sorted(self.values.items(), key=lambda item: (item[0] != K, str(item[0])))
        return ", ".join(f"{name} = {_shown(found)}" for name, found in order)


def _shown(found):
    if isinstance(found, tuple):
        return "(" + ", ".join(map(_shown, found)) + ")"
    if isinstance(found, frozenset):
        return "{" + ", ".join(map(str, sorted(found))) + "}"
    return str(found) if isinstance(found, int) else nstr(_number(found), 8)


@dataclass
class Names:
    """What is free: vectors with their number of indices, numbers, indices with what they do not
    exceed (the classes K, the rows N of a matrix), and such N."""

    vectors: dict
    numbers: set
    indices: dict
    sizes: set

    def add_vector(self, base, indices):
        self.vectors[base] = max(indices, self.vectors.get(base, 1))
        for side in base.shape or ():
            self.sizes |= side.free_symbols


def names_of(*expressions):
    names = Names({}, set(), {}, set())
    for expression in expressions:
        _collect(expression, {}, names, None)
    for label in {symbols.i, symbols.j, symbols.k, symbols.y} & names.numbers:
        names.indices.setdefault(label, {K})  # classes, wherever they stand
    names.sizes.discard(K)
    for size in names.sizes:
        names.indices.pop(size, None)
    names.indices.pop(K, None)
    names.numbers -= {K, *names.sizes, *names.indices}
    return names


def _collect(part, bound, names, end):
    """Add what is free in a part; `end` is that of the index for which the part stands."""

    def inside(expression, also=None, index=None):
        _collect(expression, bound | (also or {}), names, index)

    if isinstance(part, IndexedBase):
        names.add_vector(part, 1)
    elif isinstance(part, Symbol):
        if part not in bound:
            names.numbers.add(part)
            if end is not None:
                names.indices.setdefault(part, set()).add(end)
    elif isinstance(part, Indexed):
        names.add_vector(part.base, len(part.indices))
        sizes = part.base.shape or (K,) * len(part.indices)
        for index, size in zip(part.indices, sizes, strict=False):
            inside(index, index=size)
    elif isinstance(part, symbols.Entry):
        inside(part.args[0])
        inside(part.args[1], index=K)
    elif isinstance(part, sympy.KroneckerDelta):
        for index, other in (part.args, part.args[::-1]):
            is_index = all(symbol.is_integer for symbol in part.free_symbols)
            inside(index, index=bound.get(other, K) if is_index else None)
    elif isinstance(part, symbols.Others):
        inside(part.args[0], index=K)
    elif isinstance(part, (symbols.one_hot, symbols.smooth, symbols.smooth_others)):
        inside(part.args[0], index=K)
        for other in part.args[1:]:
            inside(other)
    elif isinstance(part, (symbols.log_loss, symbols.margin, symbols.margin_loss)):
        inside(part.args[0])
        is_set = isinstance(part.args[1], (symbols.Classes, IndexedBase))
        inside(part.args[1], index=None if is_set else K)
    elif isinstance(part, (sympy.Sum, sympy.Product, sympy.Integral)):
        also = {}
        for variable, *ends in reversed(part.limits):  # the last is the outermost
            for limit in ends:
                inside(limit, also)
            whole = len(ends) == 2 and ends[0] == 1 and isinstance(ends[1], Symbol)
            also[variable] = ends[1] if whole else K
        inside(part.function, also)
    elif isinstance(part, sympy.Subs):
        for new in part.point:
            inside(new)
        inside(part.expr, dict.fromkeys(part.variables, K))
    elif isinstance(part, sympy.Derivative):
        inside(part.expr)
        for variable in part.variables:
            inside(variable)
    else:
        for argument in part.args:
            inside(argument, index=end)


SIZES = (2, 2, 3, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)
STYLES = ("near", "near", "near", "small", "far", "edge", "mixed", "whole", "ties")


def draw_point(rng, *expressions, largest=12, styles=STYLES):
    """A random point of the domains of all that is free in the expressions."""
    names = names_of(*expressions)
    size = rng.choice([size for size in SIZES if size <= largest])
    if largest > 12 and rng.random() < 0.04:
        size = 33
    style = rng.choice(styles)
    values = {K: size}
    for name in _in_order(names.sizes):
        values[name] = rng.randint(1, 5)
    places = []
    for label in _in_order(names.indices):
        last = min(values.get(end, size) for end in names.indices[label])
        values[label] = _draw_class(rng, label, places, last)
        places.append(values[label])
    for name in _in_order(names.numbers):
        values[name] = _draw_scalar(rng, name, values, style)
    for base in _in_order(names.vectors):
        values[base] = _draw_vector(rng, base, names.vectors[base], values, style)
    if style == "ties":
        _tie(rng, values)
    return Point(values, style not in ("whole", "ties"))


def _in_order(names):
    """By name, and those of one name by what is known of them: the same in each process."""
    return sorted(names, key=lambda name: (str(name), type(name).__name__, *map(str, _facts(name))))


def _facts(name):
    yield sorted((getattr(name, "label", name)).assumptions0.items())
    yield from (getattr(name, "lower", ""), getattr(name, "upper", ""))


def _draw_class(rng, label, others, size):
    near = [place + shift for place in others for shift in (-2, -1, 0, 0, 0, 1, 2)]
    choices = [*range(1, size + 1)] * rng.choice([1, 1, 0])
    choices += [1, size, *(place for place in near if 1 <= place <= size)] * rng.choice([0, 1])
    choices = [place for place in choices or range(1, size + 1) if _admits(label, place)]
    if not choices:
        raise NoValue("no class has the properties that are assumed")
    return rng.choice(choices)


def _admits(symbol, number):
    """Whether a number has what is assumed of a symbol."""
    facts = {
        "positive": number > 0,
        "negative": number < 0,
        "nonnegative": number >= 0,
        "nonpositive": number <= 0,
        "nonzero": number != 0,
        "zero": number == 0,
        "even": number % 2 == 0,
        "odd": number % 2 == 1,
        "prime": number in (2, 3, 5, 7, 11, 13),
    }
    return all(symbol.assumptions0.get(name) in (None, fact) for name, fact in facts.items())


def _draw_scalar(rng, symbol, values, style):
    if isinstance(symbol, symbols.Classes):
        places = range(1, values[K] + 1)
        return frozenset(rng.sample(places, rng.randint(1, values[K] - 1)))
    if isinstance(symbol, symbols.Between):
        with mp.workdps(MOST_DIGITS):
            known = Point({K: values[K]}, True)
            lower, upper = (value(end, known, mp.dps) for end in (symbol.lower, symbol.upper))
            if not lower < upper:
                raise NoValue("an empty interval")
            return lower + (upper - lower) * _number(_share(rng, style))
    return _draw_number(rng, symbol, style)


def _share(rng, style):
    share = Fraction(rng.randrange(1, 2**40), 2**40)
    if style in ("far", "edge"):
        return rng.choice([share / 2**12, 1 - share / 2**12, share / 2**50, 1 - share / 2**50])
    return Fraction(1, 2) if style == "whole" else share


def _draw_number(rng, symbol, style):
    if symbol.is_integer:
        reach = 60 if style in ("far", "edge") else 6
        choices = [number for number in range(-reach, 2 * reach + 1) if _admits(symbol, number)]
        if not choices:
            raise NoValue("no number has the properties that are assumed")
        return rng.choice(choices)
    if symbol.is_real is False:
        raise NoValue("not real")
    if symbol.is_zero:
        return 0
    if style in ("whole", "ties") and rng.random() < 0.8:
        choices = [number for number in (-2, -1, 0, 0, 1, 1, 2) if _admits(symbol, number)]
        return rng.choice(choices or [1])
    if style == "mixed":
        style = rng.choice(["near", "small", "far"])
    size = {
        "near": abs(rng.gauss(0, 1.5)),
        "small": 10 ** rng.uniform(-9, -1),
        "far": 10 ** rng.uniform(0.5, 2.7),
        "edge": 10 ** rng.uniform(1.5, 2.7),
        "whole": rng.expovariate(1),
        "ties": rng.expovariate(1),
    }[style]
    if symbol.is_nonnegative and style in ("far", "edge") and rng.random() < 0.5:
        size = 10 ** rng.uniform(-17, 0)
    size = Fraction(max(size, 1e-30))
    if symbol.is_nonnegative:
        return size
    if symbol.is_nonpositive:
        return -size
    return rng.choice([-1, 1]) * size


def _draw_vector(rng, base, indices, values, style):
    sides = base.shape or (K,) * indices
    *rows, columns = (values.get(side, side) for side in sides)
    if rows:
        return tuple(_draw_row(rng, base, int(columns), style) for _ in range(int(rows[0])))
    return _draw_row(rng, base, int(columns), style)


def _draw_row(rng, base, size, style):
    if isinstance(base, symbols.Probabilities):
        return _draw_probabilities(rng, size, style)
    return tuple(_draw_number(rng, base.label, style) for _ in range(size))


def _draw_probabilities(rng, size, style):
    if style == "whole":
        return (Fraction(1, size),) * size
    whole = 2**60  # dyadic fractions, so that they sum to one exactly
    if style in ("far", "mixed"):
        weights = [10 ** rng.uniform(-15, 0) for _ in range(size)]
    elif style == "edge":
        weights = [10 ** rng.uniform(-18, -6) for _ in range(size)]
        weights[rng.randrange(size)] = 1
    else:
        weights = [rng.expovariate(1) + 1e-6 for _ in range(size)]
    parts = [max(1, int(weight / sum(weights) * whole)) for weight in weights]
    parts[parts.index(max(parts))] += whole - sum(parts)
    return tuple(Fraction(part, whole) for part in parts)


def _tie(rng, values):
    """Vectors of one kind are made equal, or all their entries, or numbers equal to these."""
    vectors = [name for name in values if isinstance(name, IndexedBase)]
    for place, base in enumerate(vectors):
        twins = [twin for twin in vectors[:place] if _is_twin(twin, base)]
        if twins and rng.random() < 0.7:
            values[base] = values[rng.choice(twins)]
        elif not isinstance(base, symbols.Probabilities) and rng.random() < 0.5:
            values[base] = (values[base][0],) * len(values[base])
    for name in values:
        if vectors and isinstance(values[name], Fraction) and rng.random() < 0.5:
            number = values[rng.choice(vectors)][0]
            if not isinstance(number, tuple) and _admits(name, number) and _lies_in(name, number):
                values[name] = number


def _is_twin(one, other):
    return (
        isinstance(one, symbols.Probabilities) == isinstance(other, symbols.Probabilities)
        and one.label.assumptions0 == other.label.assumptions0
        and one.shape == other.shape
    )


def _lies_in(symbol, number):
    return not isinstance(symbol, symbols.Between) and not symbol.is_integer


# Claims


@dataclass(frozen=True)
class Counterexample:
    point: Point
    left: object
    right: object

    def __str__(self):
        left, right = (nstr(side, 15) for side in (self.left, self.right))
        return f"at {self.point}: left = {left}, right = {right}"


def refute(left, relation, right, rng, points=20, seconds=1):
    """A point at which `left relation right` is clearly wrong, or None; and how many had values.

    No further point is drawn after so many seconds of processor time.
    """
    left, right = sympy.sympify(left), sympy.sympify(right)
    sums = max(map(_depth, (left, right)))
    largest = {0: 33, 1: 33, 2: 12}.get(sums, 5)
    tried, end, nearest = 0, process_time() + seconds, None
    for number in range(points):
        if process_time() > end:
            break
        try:
            if nearest and number % 3 == 2:
                point = _neighbour(rng, nearest[1])
            else:
                point = draw_point(rng, left, right, largest=largest)
            found = judge(left, relation, right, point)
            if relation != "=":
                gap = _relative_gap(left, right, point)
                nearest = min(nearest or (gap, point), (gap, point), key=lambda pair: pair[0])
        except NoValue:
            continue
        tried += 1
        if found is not None:
            return found, tried
    return None, tried


def refute_elsewhere(left, relation, right, where, rng, points=20, seconds=1):
    """A point at which a bound is no strict one although `where` does not hold, or None; as above.

    `where` gives numbers and vectors, as in {p: q}; a number that only occurs there is any number.
    """
    left, right = sympy.sympify(left), sympy.sympify(right)
    where = {name: sympy.sympify(number) for name, number in where.items()}
    case = _Case(where, left, right)
    strict = relation[0]
    tried, end, attempts = 0, process_time() + seconds, 0
    while tried < points and attempts < 4 * points and process_time() < end:
        attempts += 1
        try:
            names = left, right, *where, *where.values()
            point = draw_point(rng, *names, largest=8, styles=("near", "near", "whole", "mixed"))
            for change in rng.choice(CHANGES):
                point = change(case, rng, point)
            if case.holds(point) is not False:
                continue
            found = judge(left, strict, right, point)
        except NoValue:
            continue
        tried += 1
        if found is not None:
            return found, tried
    return None, tried


class _Case:
    """Where a bound is said to be an equality, with the sides of the bound."""

    def __init__(self, where, left, right):
        self.where, self.left, self.right = where, left, right
        known = names_of(left, right, *where).numbers | {K}
        self.free = {name: names_of(number).numbers - known for name, number in where.items()}

    def entries(self, name, point):
        """What the entries of a vector should be; a number is a list of one."""
        with mp.workdps(MOST_DIGITS):
            env = _environment(point, False)
            if isinstance(name, IndexedBase):
                return [_number(entry) for entry in _entries(self.where[name])(env)]
            return [_number(_compiled(self.where[name])(env))]

    def holds(self, point):
        """Whether the case holds, for some value of what is free; None if that is not clear."""
        numbers, answers = {}, []
        for name, free in self.free.items():
            if len(free) > 1:
                return None
            if not free:
                answers.append(_all_vanish(*self._gaps(name, point)))
                continue
            (free,) = free
            number, answer = self._number(name, free, point)
            answers.append(answer)
            numbers.setdefault(free, []).append(number)
        if False in answers:
            return False
        if None in answers:
            return None
        for same in numbers.values():
            size = max(1, *map(abs, same)) if len(same) > 1 else 1
            answers.append(_all_vanish([number - same[0] for number in same], size))
        return False if False in answers else None if None in answers else True

    def _gaps(self, name, point):
        """How far entries are from what they should be, and the size of both."""
        should, found = self.entries(name, point), point.values[name]
        found = found if isinstance(name, IndexedBase) else [found]
        with mp.workdps(MOST_DIGITS):
            found = [_number(entry) for entry in found]
            gaps = [a - b for a, b in zip(found, should, strict=True)]
            return gaps, max(1, *map(abs, found), *map(abs, should))

    def _number(self, name, free, point):
        """The number for which the case holds for one name, and whether there is one."""
        lines = [
            self._gaps(name, Point({**point.values, free: number}, True)) for number in (0, 1, 2)
        ]
        with mp.workdps(MOST_DIGITS):
            size = max(size for _, size in lines)
            zero, one, two = (gaps for gaps, _ in lines)
            slopes = [b - a for a, b in zip(zero, one, strict=True)]
            bends = [c - 2 * b + a for a, b, c in zip(zero, one, two, strict=True)]
            if not _all_vanish(bends, size) or slopes[0] == 0:
                return None, None
            number = -zero[0] / slopes[0]
            answer = _all_vanish([a + number * b for a, b in zip(zero, slopes, strict=True)], size)
        if answer and not _is_in_domain(free, number, point.values):
            answer = False
        return number, answer


def _all_vanish(gaps, size):
    """Whether numbers are all zero, to many digits; None if they are too small to tell."""
    largest = max(map(abs, gaps)) / size
    return True if largest < mpf(10) ** -100 else None if largest < mpf(10) ** -9 else False


def _is_in_domain(name, number, values):
    """Whether a number is one that a symbol may be."""
    if isinstance(name, symbols.Between):
        known = Point(values, True)
        lower, upper = (value(end, known, MOST_DIGITS) for end in (name.lower, name.upper))
        return lower < number < upper
    label = getattr(name, "label", name)
    if label.is_integer and not mp.isint(number):
        return False
    return _admits(label, number)


# Points at which a bound may be an equality

SIMPLE = [Fraction(0), Fraction(1), Fraction(-1), Fraction(1, 2), Fraction(2), Fraction(-1, 2)]


def _as_it_is(case, rng, point):
    return point


def _near_the_case(case, rng, point):
    """The case holds for some of its names, and for the others something like it."""
    values, names = dict(point.values), sorted(case.where, key=str)
    rng.shuffle(names)
    changed = rng.choice([1, 1, len(names)])
    for place, name in enumerate(names):
        should = case.entries(name, Point(values, point.generic))
        with mp.workdps(MOST_DIGITS):
            if not isinstance(name, IndexedBase):
                (found,) = should if place >= changed else [_beside(rng, *should, values)]
                if not _is_in_domain(name, found, values):
                    raise NoValue("outside the domain")
                values[name] = found
                continue
            found = should if place >= changed else _nearly(rng, should, values)
            values[name] = _in_the_domain(name, found)
    return Point(values, False)


def _nearly(rng, entries, values):
    """A vector that has something in common with another."""
    number = _number(rng.choice([*SIMPLE, *_fractions(values)]))
    one, other, last = (rng.randrange(len(entries)) for _ in range(3))
    way, changed = rng.randrange(7), list(entries)
    if way == 0:
        return [entry + number for entry in entries]
    if way == 1:
        return [entry * number for entry in entries]
    if way == 2:
        return [number] * len(entries)
    if way == 3:
        changed[one] = entries[one] + number
    elif way == 4:
        changed[one], changed[other] = entries[other], entries[one]
    elif way == 5:
        changed[one] = number
    else:
        place = rng.choice([0, -1, last])
        changed[place] = entries[place] * 2 + 1
    return changed


def _fractions(values):
    """The numbers that stand in a point, entries of vectors among them."""
    found = [number for number in values.values() if isinstance(number, (Fraction, mpf))]
    vectors = [entries for entries in values.values() if isinstance(entries, tuple)]
    return found + [part for part in sum(vectors, ()) if isinstance(part, (Fraction, mpf))]


def _in_the_domain(base, entries):
    """The entries of a vector; probabilities are made to sum to one. Raises NoValue."""
    if isinstance(base, symbols.Probabilities):
        if min(entries) <= 0:
            raise NoValue("no probabilities")
        total = sum(entries)
        return tuple(_number(entry) / total for entry in entries)
    if not all(_is_in_domain(base, _number(entry), {}) for entry in entries):
        raise NoValue("outside the domain")
    return tuple(entries)


def _beside(rng, number, values):
    change = _number(rng.choice([*SIMPLE, Fraction(1, 100), *_fractions(values)]))
    return rng.choice([number + change, number * change, change, -number])


def _with_a_simple_number(case, rng, point):
    """A number is a simple one, or one that is written in the claim, or equal to another."""
    written = [*case.left.atoms(sympy.Rational), *case.right.atoms(sympy.Rational)]
    written = [Fraction(r.p, r.q) for r in sorted(written)]
    choices = [*SIMPLE, *written, *(-r for r in written), *_fractions(point.values)]
    moved = _one_number(rng, point)
    number = _number(rng.choice(choices))
    if moved is None or not _is_in_domain(moved[0], number, point.values):
        return point
    return _with(point, *moved, number)


def _one_number(rng, point):
    """The name of a number, or of a vector with the place of an entry; None if there is none."""
    names = [
        (name, place)
        for name, found in point.values.items()
        if not isinstance(name, symbols.Probabilities)
        for place in (range(len(found)) if isinstance(found, tuple) else [None])
        if isinstance(found if place is None else found[place], (Fraction, mpf))
    ]
    return rng.choice(sorted(names, key=str)) if names else None


def _with(point, name, place, number):
    if place is not None:
        found = point.values[name]
        number = (*found[:place], number, *found[place + 1 :])
    return Point({**point.values, name: number}, False)


def _with_all_alike(case, rng, point):
    """All entries of a vector are one number, or those of another vector."""
    names = [n for n, found in point.values.items() if isinstance(found, tuple) and found]
    if not names:
        return point
    name = rng.choice(sorted(names, key=str))
    size, twins = len(point.values[name]), [twin for twin in names if twin != name]
    with mp.workdps(MOST_DIGITS):
        if twins and rng.random() < 0.4:
            found = point.values[rng.choice(sorted(twins, key=str))]
        else:
            found = (rng.choice([point.values[name][0], *SIMPLE[:2]]),) * size
        if isinstance(name, symbols.Probabilities) and found == (0,) * size:
            return point
        return Point({**point.values, name: _in_the_domain(name, found)}, False)


def _at_a_bottom(case, rng, point):
    """A number is moved to where the gap is least: the best of several, then Newton's steps."""
    moved = _one_number(rng, point)
    if moved is None:
        return point

    def gap(number):
        return _gap(_sides(case.left, case.right, _with(point, *moved, number), mp.dps))

    way = rng.choice([1, 1, -1])
    starts = [way * mpf(n) / 3 for n in range(1, 16)]
    starts = [number for number in starts if _is_in_domain(moved[0], number, point.values)]
    levels = []
    for number in starts:
        try:
            levels.append((gap(number), number))
        except NoValue:
            continue
    if not levels:
        return point
    _, here = min(levels)
    for digits in (*[DIGITS] * 6, 120, 250, 500, MOST_DIGITS * 3 // 2):
        with mp.workdps(digits):
            step = mpf(10) ** (-digits // 4)
            below, level, above = (gap(here + shift) for shift in (-step, 0, step))
            bend = (above - 2 * level + below) / step**2
            if mp.isnan(bend) or bend <= 0 or mp.isinf(bend):
                return point
            here = here - (above - below) / (2 * step) / bend
            if not _is_in_domain(moved[0], here, point.values):
                return point
    near_an_end = [here - mpf(10) ** -9, here + mpf(10) ** -9]
    if not all(_is_in_domain(moved[0], number, point.values) for number in near_an_end):
        return point  # that is where the gap vanishes, but no point of the domain
    return _with(point, *moved, here)


CHANGES = [
    [_as_it_is],
    [_near_the_case],
    [_near_the_case],
    [_near_the_case],
    [_near_the_case, _with_a_simple_number],
    [_with_a_simple_number],
    [_with_a_simple_number, _with_a_simple_number],
    [_with_all_alike],
    [_with_all_alike, _with_a_simple_number],
    [_with_all_alike, _with_all_alike],
    [_with_all_alike, _with_a_simple_number, _with_a_simple_number],
    [_near_the_case, _with_a_simple_number, _with_a_simple_number],
    [_at_a_bottom],
    [_at_a_bottom],
]


def _relative_gap(left, right, point):
    sides = _sides(left, right, point, DIGITS)
    size = max(abs(side) for side in sides)
    if mp.isinf(size) or size == 0:
        return mp.inf
    return abs(_gap(sides)) / size


def _neighbour(rng, point):
    """A point near one at which a bound is nearly tight."""
    values = dict(point.values)
    for name, found in point.values.items():
        if isinstance(name, symbols.Probabilities):
            values[name] = _neighbour_of_probabilities(rng, found)
        elif isinstance(found, tuple) and not isinstance(found[0], tuple):
            values[name] = tuple(_neighbour_of_number(rng, number) for number in found)
        elif isinstance(found, Fraction):
            values[name] = _neighbour_of_number(rng, found)
    return Point(values, point.generic)


def _neighbour_of_number(rng, number):
    if isinstance(number, int) or rng.random() < 0.5:
        return number
    return number * Fraction(2 ** rng.gauss(0, rng.choice([0.01, 0.3, 2])))


def _neighbour_of_probabilities(rng, parts):
    a, b = rng.randrange(len(parts)), rng.randrange(len(parts))
    share = Fraction(rng.randrange(2**20), 2**21) * parts[a] * (a != b)
    moved = list(parts)
    moved[a], moved[b] = moved[a] - share, moved[b] + share
    return tuple(moved)


@lru_cache(5000)
def _depth(expression):
    """How many sums stand within one another; a derivative is as costly as one."""
    inner = max(map(_depth, expression.args), default=0)
    if isinstance(expression, (sympy.Sum, sympy.Product)):
        return inner + len(expression.limits)
    if isinstance(expression, sympy.Derivative):
        return inner + len(expression.variables) - 1
    return inner + isinstance(expression, (symbols.Quantity, symbols.Entry))


FAILS = {
    "<=": lambda gap: gap < 0,
    ">=": lambda gap: gap > 0,
    "<": lambda gap: gap < 0,
    ">": lambda gap: gap > 0,
    "=": lambda gap: gap != 0,
}


def judge(left, relation, right, point):
    """A Counterexample if the claim is clearly wrong at a point, else None. Raises NoValue."""
    integral = left.has(sympy.Integral) or right.has(sympy.Integral)
    first = _sides(left, right, point, DIGITS)
    if not _fails(relation, first, integral):
        return None
    second = _sides(left, right, point, MOST_DIGITS)
    gap, finer = _gap(first), _gap(second)
    if mp.isinf(gap) or mp.isinf(finer):
        slopes = left.has(sympy.Derivative) or right.has(sympy.Derivative)
        wrong = gap == finer and not slopes  # the log of a slope of e^-2000 looks like that of 0
    elif gap == 0 or relation in ("<", ">") and not _is_clear(first, integral):
        wrong = not integral and _is_equality(left, right, point)
    else:
        wrong = abs(gap - finer) <= abs(gap) / 1000 and SMALLEST < abs(gap) < mp.inf
    return Counterexample(point, *second) if wrong else None


def _sides(left, right, point, digits):
    imaginary = left.has(I) or right.has(I)
    return tuple(value(side, point, digits, imaginary) for side in (left, right))


def _gap(sides):
    left, right = sides
    with mp.workdps(2 * MOST_DIGITS):
        return mpf(0) if left == right else _finite_or_infinite(mp.mpmathify(right) - left)


def _is_clear(sides, integral):
    smallest = mpf(10) ** (-8 if integral else -35)
    size = max(abs(side) for side in sides)
    if integral:
        size = max(size, 1)
    return mp.isinf(size) or abs(_gap(sides)) > smallest * size


def _fails(relation, sides, integral):
    gap = _gap(sides)
    if isinstance(gap, mpc):
        if relation != "=":
            raise NoValue("complex numbers have no order")
        return _is_clear(sides, integral)
    if not _is_clear(sides, integral):
        return relation in ("<", ">")
    return FAILS[relation](gap)


def _is_equality(left, right, point):
    """Whether both sides are the same to hundreds of digits, at a point that is not far out."""
    numbers = [
        number
        for found in point.values.values()
        if not isinstance(found, frozenset)
        for number in (found if isinstance(found, tuple) else (found,))
    ]
    if any(abs(number) > NEAR for number in numbers if not isinstance(number, int)):
        return False
    sides = _sides(left, right, point, MOST_DIGITS)
    if any(mp.mag(side) > MOST_DIGITS for side in sides):
        return False  # what two numbers differ by may be far below the last digit of either
    size = max(1, *(abs(side) for side in sides))
    return abs(_gap(sides)) <= size * mpf(10) ** (20 - MOST_DIGITS)
