"""Signs: what the signs of the parts tell about a whole. Nothing else is known about numbers.

SymPy's assumptions are used for symbols, numbers and functions of one argument. Everything that
depends on K is tried with K - 2, which is not negative.
"""

from functools import lru_cache

from sympy import (
    Dummy,
    I,
    Integral,
    Pow,
    Sum,
    Symbol,
    atan,
    cos,
    cosh,
    erf,
    exp,
    expand,
    log,
    sin,
    sinh,
    tanh,
    together,
)

from lossnotes.derive.prove.floats import is_negative_somewhere
from lossnotes.derive.prove.quotient import is_whole
from lossnotes.derive.symbols import Between, K

BEYOND_TWO = Symbol("K - 2", integer=True, nonnegative=True)
MOST = 4  # numbers between two bounds whose ends are tried together


class Unnamed(Between):
    """A number between two ends that no claim can name: it is told from others by what it is of."""

    def __new__(cls, name, lower, upper, of):
        symbol = super().__new__(cls, name, lower, upper)
        symbol.of = of
        return symbol

    def _hashable_content(self):
        return super()._hashable_content() + (self.of,)

    def __getnewargs_ex__(self):
        return (self.name, self.lower, self.upper, self.of), {}


def from_two(expression):
    """The expression with K - 2, whose sign is known, in place of K."""
    return expression.xreplace({K: BEYOND_TWO + 2})


def is_positive(expression):
    """Whether an expression is positive for K >= 2, as far as the signs of its parts tell."""
    return _is_above_zero(expression, True)


def is_nonnegative(expression):
    """Whether an expression is not negative for K >= 2, as far as the signs of its parts tell."""
    return _is_above_zero(expression, False)


@lru_cache(10_000)
def _is_above_zero(expression, strict):
    expression = perhaps_zero(expression)
    if is_negative_somewhere(expression):
        return False
    plain = from_two(expression)
    if _says(expression, strict) or _says(plain, strict):
        return True
    expanded = expand(plain)
    if _says(expanded, strict):
        return True
    if expression.has(I):
        return False
    return bool(
        _over_positive(expression, is_positive if strict else is_nonnegative)
        or _at_the_ends(expanded, strict)
        or _known(expression, strict)
    )


def _says(expression, strict):
    """Whether SymPy says that an expression is positive, or not negative."""
    return bool(expression.is_positive if strict else expression.is_nonnegative)


def perhaps_zero(expression):
    """The expression with what SymPy takes for positive, and may be zero, as a number that may.

    e^x is zero where x is the logarithm of zero, and a sum where it has no terms.
    """
    found = {
        part: _not_negative(part)
        for part in expression.atoms(exp, Pow)
        if any(not is_positive(one.args[0]) for one in part.exp.atoms(log))
    }
    found |= {
        part: _not_negative(part) if part.function.is_nonnegative else _unknown(part)
        for part in expression.atoms(Sum)
        if not all(has_terms(limit) for limit in part.limits)
    }
    return expression.xreplace(found) if found else expression


def has_terms(limit):
    """Whether a sum is sure to have a term: from 1 to a size it has."""
    _, lower, upper = limit
    return lower == 1 and is_size(upper)


def is_size(end):
    """Whether an end is a number of classes, or of samples: a whole number that is not zero."""
    return bool(end.is_Symbol and end.is_integer and end.is_positive)


@lru_cache(1000)
def _unknown(part):
    return Dummy(str(part), real=True)


@lru_cache(1000)
def _not_negative(part):
    """The same symbol each time."""
    return Dummy(str(part), nonnegative=True)


def ends(expression):
    """The symbols that tell where the intervals of the numbers in an expression end."""
    found, left = set(), {x for x in expression.free_symbols if isinstance(x, Between)}
    while left:
        number = left.pop()
        new = (number.lower.free_symbols | number.upper.free_symbols) - found
        found |= new
        left |= {x for x in new if isinstance(x, Between)}
    return found


def is_nonzero(expression):
    """Whether an expression is sure not to be zero."""
    return is_positive(expression) or is_positive(-expression)


def _over_positive(expression, sign):
    """A quotient has the sign of its numerator where its denominator is positive."""
    if not expression.is_Add or is_whole(expression):
        return False
    numerator, denominator = together(expression).as_numer_denom()
    return denominator != 1 and is_positive(denominator) and sign(numerator)


def _at_the_ends(expression, strict):
    """What is straight in each of some numbers has its least value at their ends.

    It is positive between them where it is negative at no end, and not zero at all of them.
    """
    between = sorted(expression.atoms(Between), key=str)
    if not between or len(between) > MOST:
        return False
    if not all(expression.is_polynomial(x) and not expression.diff(x, 2) for x in between):
        return False
    ends = [expression]
    for x in between:
        if any(bound.has(*between) for bound in (x.lower, x.upper)):
            return False
        ends = [expand(from_two(e.xreplace({x: end}))) for e in ends for end in (x.lower, x.upper)]
    if not all(end.is_nonnegative for end in ends):
        return False
    return not strict or any(end.is_positive for end in ends)


def _known(expression, strict):
    """log x - like x - 1; what is left of 1 when a sine or cosine is taken away."""
    sign = is_positive if strict else is_nonnegative
    coefficient, rest = expression.as_coeff_Mul()
    if isinstance(rest, log) and coefficient != 0:
        beyond = rest.args[0] - 1 if coefficient > 0 else 1 - rest.args[0]
        return is_positive(rest.args[0]) and sign(beyond)
    if expression.is_Pow:
        return is_positive(expression.base)
    if isinstance(rest, Integral) and coefficient > 0:
        return _is_integral_of_positives(rest)
    if rest.is_Mul:
        signs = [_sign(factor) for factor in rest.args] + [2 if coefficient > 0 else -2]
        if None in signs:
            return False
        negative = sum(one < 0 for one in signs) % 2
        return not negative and (not strict or all(abs(one) == 2 for one in signs))
    if expression.is_Add:
        parts = [_sign(part) for part in expression.args]
        if all(part is not None and part > 0 for part in parts):
            return not strict or 2 in parts
        turning = expression.atoms(sin, cos)
        if turning and not strict:
            unit = {part: Unnamed("turn", -1, 1, part) for part in turning}
            return is_nonnegative(expression.xreplace(unit))
    return False


def _is_integral_of_positives(integral):
    """Whether what is integrated is positive between the ends, and these are in their order."""
    body, limits = integral.function, list(integral.limits)
    while limits:
        variable, *ends = limits.pop()  # the last is the outermost
        if len(ends) != 2 or not is_positive(ends[1] - ends[0]):
            return False
        inside = {variable: Unnamed(f"{variable} {len(limits)}", *ends, variable)}
        body = body.xreplace(inside)
        limits = [limit.xreplace(inside) for limit in limits]
    return is_positive(body)


def _sign(factor):
    """2, 1, -1 or -2: positive, not negative, not positive, negative; None if it is not known."""
    for sign, value in ((is_positive, 2), (is_nonnegative, 1)):
        if sign(factor):
            return value
        if sign(-factor):
            return -value
    return None


SMOOTH = (exp, sin, cos, sinh, cosh, tanh, atan, erf, Sum)


def is_continuous(expression, variable):
    """Whether an expression has a value for every value of a real variable, or of its signs."""
    if not expression.has(variable) or expression == variable:
        return True
    if not all(is_continuous(part, variable) for part in expression.args):
        return False
    if isinstance(expression, log):
        return is_positive(expression.args[0])
    if expression.is_Pow:
        base, power = expression.args
        whole = power.is_Integer or is_nonnegative(base)
        return is_positive(base) or bool(
            whole and is_nonnegative(power) and not power.has(variable)
        )
    return expression.is_Add or expression.is_Mul or isinstance(expression, SMOOTH)


def has_value(expression):
    """Whether an expression of real numbers is sure to have a value: no zero is divided by."""
    if expression.has(I) or not all(is_positive(part.args[0]) for part in expression.atoms(log)):
        return False
    for part in expression.atoms(Pow):
        base, power = part.args
        if is_positive(base) or (power.is_Integer and (power.is_positive or is_nonzero(base))):
            continue
        return False
    return True


def has_real_parts(expression):
    """Whether its logarithms and roots are those of positive numbers.

    Those of others have a value where i is written, and no rule speaks of it.
    """
    bases = [part.args[0] for part in expression.atoms(log)]
    bases += [part.base for part in expression.atoms(Pow) if not part.exp.is_Integer]
    return all(map(is_positive, bases))


def fresh(expression):
    """A number with the sign of an expression, and with nothing else of it."""
    if is_positive(expression):
        return Dummy(positive=True)
    return Dummy(nonnegative=True) if is_nonnegative(expression) else Dummy(real=True)
