"""Induction over K, for what depends on nothing but numbers and K: the sum of the first powers."""

from sympy import Add, Indexed, Integral, KroneckerDelta, S, Sum, exp, log

from lossnotes.derive.prove.reduce import before
from lossnotes.derive.prove.signs import ends, is_positive
from lossnotes.derive.prove.unfold import RANGES, side
from lossnotes.derive.prove.zero import vanishes
from lossnotes.derive.symbols import K, argmax, maximum
from lossnotes.derive.why import because

TWO = S(2)


def is_about_numbers(expression):
    """Whether K is only a number here and the end of sums of what depends on the index alone."""
    if not expression.has(K) or expression.has(
        Indexed, Integral, KroneckerDelta, maximum, argmax, side, before
    ):
        return False
    if K in ends(expression):
        return False
    return all(
        len(whole.limits) == 1 and whole.limits[0][1:] == (1, K) and not whole.function.has(K, Sum)
        for whole in expression.atoms(Sum)
    )


def following(expression):
    """The expression at K + 1, each sum with one more term."""
    longer = {whole: whole + _term(whole, K + 1) for whole in expression.atoms(Sum)}
    return _at(expression, K + 1, longer)


def at_number(expression, number):
    """The expression where K is a number, its sums written out."""
    sums = expression.atoms(Sum)
    return _at(
        expression,
        number,
        {whole: sum((_term(whole, S(n)) for n in range(1, number + 1)), S.Zero) for whole in sums},
    )


def _term(whole, place):
    return whole.function.xreplace({whole.limits[0][0]: place})


def _at(expression, number, sums):
    if expression in sums:
        return sums[expression]
    if expression == K:
        return number
    if not expression.args:
        return expression
    return expression.func(*(_at(part, number, sums) for part in expression.args))


def _of_logarithms(difference):
    """Of two positive numbers, one a product over classes: the difference of their logarithms."""
    terms = Add.make_args(difference)
    products = any(part.has(Sum) for part in difference.atoms(exp))
    if len(terms) == 2 and products:
        for one, other in (terms, terms[::-1]):
            if is_positive(one) and is_positive(-other):
                because("log of both sides")
                return log(one) - log(-other)
    return difference


def holds_for_all(difference, reduction):
    """Whether a difference of both sides is zero for two classes, and the same for one more."""
    difference = reduction.reduce(_of_logarithms(difference))
    if not is_about_numbers(difference) or difference.free_symbols & RANGES.keys():
        return False
    growth = reduction.reduce(following(difference) - difference)
    first = reduction.reduce(at_number(difference, TWO))
    if not (vanishes(first, reduction) and vanishes(growth, reduction)):
        return False
    because("induction over K")
    return True
