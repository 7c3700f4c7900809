"""Integrals by Gauss's rules, of more and more nodes until two agree, from kink to kink.

The nodes of two rules may all miss a narrow peak, as of e^(-x^2 / h^2) for a small h: therefore the
range is also cut where the exponent of an exponential is greatest, and a rule is believed only if
the polynomial through its values passes through those at both ends of its piece as well.

Where no two of them agree, an integrand may grow without bound at an end, as log x does at zero:
then x = end + h e^(-u) leads from there to the middle, and the double exponential rule takes u.
"""

from functools import lru_cache
from itertools import chain

from mpmath import mp
from sympy import (
    Add,
    Dummy,
    Function,
    I,
    Indexed,
    IndexedBase,
    Integer,
    KroneckerDelta,
    Mul,
    Pow,
    Sum,
    Symbol,
    UnevaluatedExpr,
    exp,
    floor,
    lambdify,
)
from sympy.core.function import AppliedUndef

from lossnotes.derive.parts import parts_of
from lossnotes.derive.switches import switches
from lossnotes.derive.symbols import Entry, K, Quantity, ScalarQuantity, argmax, maximum
from lossnotes.derive.values import (
    ASKED,
    BOUND,
    FUNCTIONS,
    INFINITE,
    NOISE,
    SUMS,
    GivenUp,
    _class,
    _definition,
    _evaluate,
    _formula,
    _real,
)

RULES = 8  # each Gauss rule has 1.25 times the nodes of the one before
EVALUATIONS = 100_000  # of an integrand, by one rule
HALVINGS = 10  # of the step of the double exponential rule
FEWEST = 2  # of them before two sums can be taken to agree
HOPELESS = 6  # of them without a fall of the change
SAMPLES = 16  # places where a switch is looked at, in search of its changes of side
KNOWN_EVERYWHERE = (I, ASKED, BOUND, NOISE)
SMOOTH = (Add, Mul, Pow, Function, UnevaluatedExpr)


def quadrature(expression):
    """The function that computes an integral from the values of its symbols."""
    if any(len(limit) != 3 for limit in expression.limits):
        raise ValueError(f"no value is known for Integral without limits: {expression}")
    infinite = any(limit.has(*INFINITE) for limit in expression.limits)
    if infinite and len(expression.limits) > 1:
        raise ValueError(f"no value is known for Integral to infinity, iterated: {expression}")
    method = _to_infinity if infinite else _between
    mentioned = (*expression.atoms(Symbol, IndexedBase), *KNOWN_EVERYWHERE)
    if expression.atoms(Quantity, Entry):
        mentioned = (*mentioned, K)  # of their definitions

    def integral(values):
        given = ((x, _frozen(values[x])) for x in mentioned if x in values)
        value = method(expression, tuple(given), mp.dps)
        if value is None:
            raise GivenUp(f"the quadrature of {expression} does not converge")
        return value

    return integral


def _frozen(value):
    return tuple(map(_frozen, value)) if isinstance(value, list) else value


def _thawed(value):
    return [_thawed(x) for x in value] if isinstance(value, tuple) else value


@lru_cache(1000)
def _between(expression, known, precision):
    """By Gauss's rules, of more and more nodes until two agree; None where that is not reached."""
    values = {x: _thawed(v) for x, v in known} | {SUMS: {}}
    digits = values.get(ASKED, precision)
    variables = [limit[0] for limit in expression.limits]
    integrand = _integrand(expression.function, variables, values)
    levels = _kinks_of_levels(expression)
    before = mp.nan
    for power in range(RULES):
        nodes = int((8 + digits // 3) * 1.25**power)
        if nodes ** len(variables) > EVALUATIONS:
            break
        rule = _gauss(nodes, mp.prec)
        value, size, found = _iterated(integrand, levels, (), values, rule)
        if abs(value - before) <= mp.mpf(10) ** (3 - digits) * size:
            if all(_meets_the_ends(*piece, rule, digits) for piece in found):
                return value
        before = value
    if len(levels) > 1:
        return None
    (((variable, *ends), kinks),) = levels
    ends = [mp.mpf(_evaluate(end, values)) for end in ends]
    value, nearly = mp.zero, mp.mpf(10) ** (3 - digits)
    for begin, end in _pieces(kinks, variable, *ends, values):
        half = (end - begin) / 2
        for origin, away, sign in ((begin, half, 1), (end, -half, -1)):
            part = _from_an_end(integrand, origin, away, values, nearly)
            if part is None:
                return None
            value += sign * part
    return value


def _from_an_end(integrand, end, away, values, nearly):
    """The integral from an end as far as `away`, or None where that is not known so nearly.

    With x = end + away e^(-u). It is taken to where e^(-u) is the square of the last digit; what
    lies beyond is about the last value, times how slowly the values fall. The step is halved until
    the next change does not matter, if changes fall on as they fell; where they do not, as across
    a pole, that is given up.
    """
    precision, total, whole, change = mp.prec, mp.zero, mp.zero, mp.zero
    for halvings in range(HALVINGS):
        places, found = _double_exponential(halvings, precision), []
        with mp.workprec(precision):
            for u, share, _ in places:
                mp.prec = 2 * precision + int(1.5 * u)  # the last has four times the digits
                step = away * share
                found.append(step * _real(integrand(end + step), values))
        if not halvings and places[0][0] * abs(found[0]) > nearly * max(map(abs, found)):
            return None
        total += mp.fdot((weight, part) for (_, _, weight), part in zip(places, found, strict=True))
        before, whole = whole, mp.ldexp(total, -halvings)
        change, earlier = abs(whole - before), change
        if halvings > FEWEST and change**2 <= nearly * abs(whole) * earlier:
            return whole
        if halvings >= HOPELESS and change > earlier / 2:
            return None
    return None


@lru_cache(100)
def _double_exponential(halvings, precision):
    """What a step of 2^-halvings adds in t, of which u = e^(t - e^(-t)): u, e^(-u) and du/dt.

    The first u is the largest, where e^(-u) is the square of the last digit. Integrals share them.
    """
    with mp.workprec(precision + 20):
        begin, end = -mp.log(precision), mp.log(2 * precision * mp.ln2)
        places = []
        for number in range(int(mp.ldexp(end - begin, halvings)) + 1):
            if number % 2 or not halvings:
                t = end - mp.ldexp(number, -halvings)
                u = mp.exp(t - mp.exp(-t))
                places.append((float(u), mp.exp(-u), u * (1 + mp.exp(-t))))
    return places


def _kinks_of_levels(expression):
    """The limits, each with the switches that depend on its variable, the innermost first.

    A kink of the inner integral is where one of the integrand passes an end of the inner range.
    """
    found = set(switches(expression.function))
    levels = []
    for variable, lower, upper in expression.limits:
        here = {switch for switch in found if switch.has(variable) and _of_a_number(switch)}
        here |= _peaks(expression.function, variable)
        levels.append(((variable, lower, upper), tuple(sorted(here, key=str))))
        found = {s.xreplace({variable: end}) for s in found for end in (lower, upper)}
        found |= {switch for end in (lower, upper) for switch in switches(end)}
    return levels


@lru_cache(1000)
def _peaks(integrand, variable):
    """The slopes of the exponents in an integrand, which are zero where an exponential peaks."""
    slopes = {exponent.diff(variable) for exponent in _exponents(integrand)}
    return frozenset(slope for slope in slopes if slope.has(variable))


@lru_cache(1000)
def _exponents(expression):
    found = {part.args[0] for part in parts_of(exp, expression)}
    for part in parts_of((ScalarQuantity, Entry), expression):
        if not isinstance(part, maximum):
            found |= _exponents(_definition(part))
    return frozenset(found)


def _of_a_number(switch):
    return not isinstance(switch, argmax)


def _iterated(integrand, levels, place, values, rule):
    """The integral by one rule, that of the absolute value, and what was found on each piece.

    `place` holds outer variables.
    """
    *inner, ((variable, lower, upper), kinks) = levels  # the last is the outermost
    lower, upper = (mp.mpf(_evaluate(bound, values)) for bound in (lower, upper))

    def height(here):
        return _real(integrand(here, *place), values)

    total, size, pieces = mp.zero, mp.zero, []
    for begin, end in _pieces(kinks, variable, lower, upper, values):
        middle, half = (end + begin) / 2, (end - begin) / 2
        places = [middle + half * node for node, *_ in rule]
        if inner:
            parts = [
                _iterated(
                    integrand, inner, (here, *place), values | {variable: here, SUMS: {}}, rule
                )
                for here in places
            ]
            found, sizes, below = zip(*parts, strict=True)
            pieces += chain.from_iterable(below)
        else:
            found = list(map(height, places))
            sizes = map(abs, found)
            pieces.append((height, begin, end, found))
        total += half * _weighed(rule, 1, found)
        size += abs(half) * _weighed(rule, 1, sizes)
    return total, size, pieces


def _weighed(rule, column, numbers):
    return mp.fdot((row[column], number) for row, number in zip(rule, numbers, strict=True))


def _meets_the_ends(height, begin, end, found, rule, digits):
    """Whether the polynomial through the values that a rule found has those at the ends as well.

    A little inside, for the cases of a kink; to a third of the digits, as a rule of n nodes has
    the integrals of polynomials of degree 2n, and polynomials of degree n.
    """
    largest = max(map(abs, found))
    for column, place, away in ((2, begin, end - begin), (3, end, begin - end)):
        try:
            with mp.workprec(2 * mp.prec):
                value = height(place + away * mp.eps ** (mp.mpf(1) / 4))
        except (ArithmeticError, ValueError):
            continue
        gap = abs(_weighed(rule, column, found) - value)
        if gap > mp.mpf(10) ** (-digits // 3) * max(largest, abs(value)):
            return False
    return True


def _pieces(kinks, variable, lower, upper, values):
    """The range from each kink to the next."""
    cuts = {cut for kink in kinks for cut in _cuts(kink, variable, lower, upper, values)}
    cuts = sorted(cuts, key=lambda cut: abs(cut - lower))
    ends, least = [lower], abs(upper - lower) * mp.eps * 1000
    for cut in cuts:
        if abs(cut - ends[-1]) > least and abs(upper - cut) > least:
            ends.append(cut)
    ends.append(upper)
    return list(zip(ends, ends[1:], strict=False))


def _cuts(kink, variable, lower, upper, values):
    """Where a switch changes its side, or its whole part, between two ends."""
    body = kink.args[0] if isinstance(kink, floor) else kink
    function = _formula(body)

    def at(place):
        return function(values | {variable: place, SUMS: {}})

    straight = body.is_polynomial(variable) and not body.diff(variable, 2)
    count = 1 if straight else SAMPLES
    places = [lower + (upper - lower) * mp.mpf(n) / count for n in range(count + 1)]
    heights = []
    for place in places:
        try:
            heights.append(at(place))
        except (ArithmeticError, ValueError):
            heights.append(mp.nan)
    for a, b, fa, fb in zip(places, places[1:], heights, heights[1:], strict=False):
        if mp.isnan(fa) or mp.isnan(fb):
            continue
        levels = [mp.zero]
        if isinstance(kink, floor):
            first, last = sorted((mp.floor(fa), mp.floor(fb)))
            levels = [first + n for n in range(1, min(int(last - first), 50) + 1)]
        for level in levels:
            if (fa - level) * (fb - level) < 0:
                yield _root(at, level, a, b, fa - level, fb - level)


def _root(function, level, a, b, fa, fb):
    """Where a function passes a level: by secants, of which each keeps the root inside."""
    for _ in range(4 * mp.dps):
        place = b - fb * (b - a) / (fb - fa)
        value = function(place) - level
        if value == 0 or abs(b - a) <= mp.eps * max(abs(a), abs(b)):
            return place
        if value * fb < 0:
            a, fa = b, fb
        else:
            fa /= 2
        if abs(place - b) <= mp.eps * max(abs(place), abs(a - b)):
            return place
        b, fb = place, value
    return b


@lru_cache(1000)
def _to_infinity(expression, known, precision):
    """By the double exponential rule, which reaches as far as there is anything to be found."""
    values = {x: _thawed(v) for x, v in known} | {SUMS: {}}
    ((variable, lower, upper),) = expression.limits
    ends = [mp.mpf(_evaluate(end, values)) for end in (lower, upper)]
    body = _formula(expression.function)

    beyond = {}  # in either direction, where there is nothing to be found any more

    def integrand(place):
        direction = mp.sign(place)
        if abs(place) >= beyond.get(direction, mp.inf):
            return mp.zero
        try:
            return _real(body(values | {variable: place, SUMS: {}}), values)
        except GivenUp:
            nearer = place / 2
            while abs(nearer) > 1:
                try:
                    value = body(values | {variable: nearer, SUMS: {}})
                except GivenUp:
                    nearer /= 2
                    continue
                if abs(value) < mp.eps**4:
                    beyond[direction] = abs(place)
                    return mp.zero
                break
            raise

    kinks = [
        kink
        for kink in switches(expression.function)
        if kink.has(variable) and _of_a_number(kink) and not isinstance(kink, floor)
    ]
    inside = [end if mp.isfinite(end) else mp.sign(end) * 10**6 for end in ends]
    switched = [*kinks, *_peaks(expression.function, variable)]
    cuts = {cut for kink in switched for cut in _cuts(kink, variable, *inside, values)}
    points = sorted({*ends, *cuts, *([mp.zero] if not any(map(mp.isfinite, ends)) else [])})
    value, error = mp.quad(integrand, points, error=True)
    if not error <= mp.mpf(10) ** (5 - precision) * max(abs(value), 1):
        return None
    return value if points[0] == ends[0] else -value


class NotSmooth(Exception):
    """An integrand that is not compiled."""


def _integrand(expression, variables, values):
    """A function of the variables, in which all that does not depend on them is a number."""
    constants = {}
    try:
        skeleton = _skeleton(expression, set(variables), values, constants)
    except NotSmooth:
        body = _formula(expression)
        return lambda *place: body(values | dict(zip(variables, place, strict=True)) | {SUMS: {}})
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
    if isinstance(expression, maximum):
        raise NotSmooth
    if isinstance(expression, (Quantity, Entry)):
        return _skeleton(_definition(expression), variables, values, constants)
    if isinstance(expression, Sum) and len(expression.limits) == 1:
        ((index, lower, upper),) = expression.limits
        span = range(_class(lower)(values), _class(upper)(values) + 1)
        parts = [expression.function.xreplace({index: Integer(number)}) for number in span]
        return Add(*(_skeleton(part, variables, values, constants) for part in parts))
    known = FUNCTIONS.keys() - {"log"}
    if (
        not isinstance(expression, SMOOTH)
        or isinstance(expression, (AppliedUndef, KroneckerDelta, Indexed))
        or expression.func.__name__ in known
    ):
        raise NotSmooth
    parts = (_skeleton(part, variables, values, constants) for part in expression.args)
    return expression.func(*parts)


@lru_cache(100)
def _gauss(count, precision):
    """The nodes of Gauss's rule on [-1, 1] with their weights.

    Those by which the values at the nodes give the values at -1 and at 1 come third and last.
    """
    rule = []
    with mp.workprec(precision + 10):
        for number in range((count + 1) // 2):
            node, step = mp.cos(mp.pi * (number + mp.mpf(3) / 4) / (count + mp.mpf(1) / 2)), 1
            if 2 * number + 1 == count:  # the middle itself, where there may be no value
                node = mp.zero
            while abs(step) > mp.eps ** (mp.mpf(2) / 3):  # the step after has all the digits
                value, slope = _legendre(count, node)
                step = value / slope
                node -= step
            slope = _legendre(count, node)[1]
            weight = 2 / ((1 - node**2) * slope**2)
            near, far = 1 / ((1 - node) * slope), (-1) ** (count - 1) / ((1 + node) * slope)
            rule += [(node, weight, far, near), (-node, weight, near, far)]
    return rule[:count] if count % 2 else rule


def _legendre(degree, x):
    """Legendre's polynomial at x, and its slope; in whole numbers of a last digit on the way."""
    bits = mp.prec + 10
    place = int(mp.ldexp(x, bits))
    before, value = 1 << bits, place
    for n in range(1, degree):
        before, value = value, ((2 * n + 1) * (place * value >> bits) - n * before) // (n + 1)
    before, value = (mp.ldexp(number, -bits) for number in (before, value))
    return value, degree * (x * value - before) / (x**2 - 1)
