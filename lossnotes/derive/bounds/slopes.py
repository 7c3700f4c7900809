"""What the slope of a function of one number tells: where it is least, and how much it is there."""

from dataclasses import replace

from sympy import (
    Dummy,
    I,
    Poly,
    Pow,
    Rational,
    S,
    exp,
    expand,
    log,
    oo,
)
from sympy.polys.polyerrors import PolynomialError

from lossnotes.derive.bounds.goal import in_numbers, named
from lossnotes.derive.prove.floats import is_nonzero_somewhere
from lossnotes.derive.prove.integrals import at
from lossnotes.derive.prove.quotient import factored, numerator
from lossnotes.derive.prove.signs import (
    BEYOND_TWO,
    ends,
    fresh,
    is_continuous,
    is_nonnegative,
    is_positive,
)
from lossnotes.derive.prove.unfold import side
from lossnotes.derive.prove.zero import vanishes
from lossnotes.derive.symbols import Between, K
from lossnotes.derive.why import attempt, because

MOST = 3  # numbers in which a slope is looked at
LARGE = 64  # operations of an expression whose slope is looked at
MANY = 6  # numbers in a slope that is taken apart into factors
LONG = 50  # operations of a slope that is taken apart into factors


def by_roots(goal, holds):
    """A polynomial in one number has no root where it is to be positive, by Sturm's count."""
    expression = _in_positives(in_numbers(goal.expression))
    numbers = expression.free_symbols
    if len(numbers) > 2 or not numbers or not expression.is_polynomial(*numbers):
        return False
    polynomial = Poly(expression, *numbers)
    if not all(c.is_Rational for c in polynomial.coeffs()):
        return False
    if len(numbers) == 2:
        a, b = sorted(numbers, key=str)
        if not (polynomial.is_homogeneous and a.is_positive and b.is_positive):
            return False
        ratio = Dummy("ratio", positive=True)
        expression, numbers = expression.xreplace({a: ratio, b: S.One}), {ratio}
        polynomial = Poly(expression, ratio)
    (number,) = numbers
    lower, upper = domain(number)
    if not all(end.is_Rational or end.is_infinite for end in (lower, upper)):
        return False
    values = (polynomial.eval(inside) for inside in _inside(lower, upper))
    if polynomial.degree() < 1 or next((value for value in values if value), -1) < 0:
        return False
    for factor, power in polynomial.factor_list()[1]:
        if not goal.strict and power % 2 == 0:
            continue
        roots = factor.count_roots(None if lower == -oo else lower, None if upper == oo else upper)
        if lower.is_finite and not (goal.strict and _is_closed(number)):
            roots -= factor.eval(lower) == 0
        if upper.is_finite:
            roots -= factor.eval(upper) == 0
        if roots:
            return False
    because("a polynomial without a root there")
    return True


def _in_positives(expression):
    """Positive functions as positive numbers: what holds for all of these holds for them."""
    names = {}
    found = named(expression, names)
    return found.xreplace({name: fresh(part) for part, name in names.items()})


def domain(number):
    """The interval of a number: K is at least 2."""
    if isinstance(number, Between):
        return number.lower, number.upper
    if number == K:
        return S(2), oo
    if number.is_positive or number.is_nonnegative:
        return S.Zero, oo
    return -oo, oo


def _is_closed(number):
    """Whether the lower end belongs to the interval."""
    return not isinstance(number, Between) and (number == K or not number.is_positive)


def _inside(lower, upper):
    """Some numbers of an interval: one of them may be a root."""
    for share in (Rational(1, 2), Rational(1, 3)):
        if lower.is_finite and upper.is_finite:
            yield lower + share * (upper - lower)
        elif lower.is_finite:
            yield lower + 2 * share
        else:
            yield upper - 2 * share if upper.is_finite else 1 - 2 * share


def by_slope(goal, holds):
    """The sign of the slope, or of the curvature, tells where a function of one number is least."""
    expression = in_numbers(goal.expression)
    if goal.expression.has(side) or expression.count_ops() > LARGE:
        return False
    numbers = [
        x for x in sorted(expression.free_symbols, key=_simplest) if _is_smooth(expression, x)
    ]
    numbers = [x for x in numbers if x == K or not x.is_integer or x == BEYOND_TWO]
    tied = ends(expression)  # where such a number moves, another may leave its interval
    return any(
        attempt(argument, _wherever(goal, x, expression), x, holds)
        for x in [x for x in numbers if x not in tied][:MOST]
        for argument in (_least_at_an_end, _least_where_flat)
    )


def _wherever(goal, number, expression):
    """The goal, without the facts that may not hold where the number moves."""
    facts = tuple((fact, strict) for fact, strict in goal.facts if not in_numbers(fact).has(number))
    return replace(goal, expression=expression, facts=facts, told=())


def _simplest(number):
    """Entries and sums first: they stand for what a claim is about, other numbers for its scale."""
    return not isinstance(number, (Dummy, Between)), str(number)


def _is_smooth(expression, number):
    """Whether an expression is smooth in a number, all over its interval."""
    return is_continuous(expression, number)


def _least_at_an_end(goal, number, holds):
    """What grows is least at the lower end, what falls at the upper one."""
    lower, upper = domain(number)
    slope = goal.reduce(goal.expression.diff(number))
    if slope == 0:
        return False
    for end, rising in ((lower, slope), (upper, -slope)):
        if not end.is_finite:
            continue
        value = _value(goal.expression, number, end)
        if value is None:
            continue
        open_end = end == upper or not _is_closed(number)
        if not attempt(holds, goal.to(goal.reduce(value), goal.strict and not open_end)):
            continue
        if holds(goal.to(rising, goal.strict and open_end)):
            because("its slope has one sign, and it is not negative at the end where it is least")
            return True
    return False


def _least_where_flat(goal, number, holds):
    """What is convex is least where its slope vanishes; so is what falls before and grows after."""
    expression = goal.expression
    slope = goal.reduce(expression.diff(number))
    for place in flat_places(slope, expression, number):
        lower, upper = domain(number)
        if not _is_in(place, lower, upper):
            continue
        there = slope.xreplace({number: place})
        if is_nonzero_somewhere(there) or not vanishes(goal.reduce(there), goal.reduction):
            continue
        value = _value(expression, number, place)
        if value is None or not attempt(holds, goal.to(goal.reduce(value))):
            continue
        curvature = goal.reduce(slope.diff(number))
        if attempt(holds, goal.to(curvature, False)):
            because("it is convex, and not negative where its slope vanishes")
            return True
        beyond = Dummy("beyond", positive=True)
        after = {number: place + beyond}
        before = {number: place - beyond}
        if lower == 0 and number.is_positive and is_positive(place):
            share = Between(f"share of {number} {goal.depth} {len(str(expression))}", 0, 1)
            if expression.has(share):
                continue
            before = {number: place * share}
        if attempt(holds, goal.to(goal.reduce(slope.xreplace(after)), False)) and attempt(
            holds, goal.to(goal.reduce(-slope.xreplace(before)), False)
        ):
            because("it falls, then grows, and is not negative between")
            return True
    return False


def _is_in(place, lower, upper):
    above = lower == -oo or is_nonnegative(place - lower)
    below = upper == oo or is_nonnegative(upper - place)
    return above and below


def flat_places(slope, expression, number):
    """Where the slope may vanish: the roots of its factors, and what is often the answer."""
    found = [root for factor in factors_of(numerator(slope)) for root in _roots(factor, number)]
    others = sorted(expression.free_symbols - {number}, key=str)
    usual = [S.Zero, S.One, Rational(1, 2), *others]
    return [place for place in dict.fromkeys([*found, *usual]) if not place.has(number)]


def factors_of(expression):
    """The factors of an expression that is a polynomial of what it has, if not long."""
    if expression.count_ops() > LONG:
        return []
    names = {}
    polynomial = named(expression, names)
    if len(polynomial.free_symbols) > MANY:
        return []
    try:
        _, factors = factored(polynomial)
    except PolynomialError:
        return []
    back = {name: part for part, name in names.items()}
    return [factor.xreplace(back) for factor, _ in factors]


def _roots(factor, number):
    """The root of what is linear in one function of the number, or in the number itself."""
    inside = {
        part
        for part in factor.atoms(exp, log, Pow, type(number))
        if part.has(number) and factor.coeff(part) != 0
    }
    for part in inside:
        slope = factor.coeff(part)
        rest = expand(factor - slope * part)
        if slope.has(number) or rest.has(number):
            continue
        value = -rest / slope
        if part == number:
            yield value
        elif isinstance(part, Pow):
            if part.base == number and not part.exp.has(number) and is_positive(value):
                yield value ** (1 / part.exp)
        else:
            inner = part.args[0]
            rate = inner.diff(number)
            if rate == 0 or rate.has(number):
                continue
            if isinstance(part, exp) and is_positive(value):
                yield expand(number + (log(value) - inner) / rate)
            elif isinstance(part, log):
                yield expand(number + (exp(value) - inner) / rate)


def _value(expression, number, place):
    """The value at a place where the expression is continuous, or None."""
    there = at(expression, number, place)
    if there.has(S.ComplexInfinity, S.NaN, oo, -oo, I):
        return None
    if not all(is_positive(part.args[0]) for part in there.atoms(log)):
        return None
    for part in expression.atoms(log):
        if part.has(number) and not is_positive(at(part.args[0], number, place)):
            return None
    for part in expression.atoms(Pow):
        base, power = at(part.base, number, place), at(part.exp, number, place)
        if is_positive(base) or (power.is_Integer and power.is_nonnegative):
            continue
        if is_nonnegative(base) and is_positive(power) and not part.exp.has(number):
            continue
        return None
    return there
