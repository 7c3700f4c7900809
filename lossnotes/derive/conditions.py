"""What must hold so that both sides of a claim have a value, in words.

A denominator must not vanish, a logarithm and a power need a positive number. Where the signs of
the parts, or the domains of the symbols, say that this is so, nothing is said.
"""

import re
from functools import lru_cache
from itertools import product

from sympy import (
    Add,
    Dummy,
    Indexed,
    KroneckerDelta,
    Pow,
    S,
    Sum,
    Symbol,
    cos,
    cot,
    csc,
    factor_list,
    log,
    preorder_traversal,
    sec,
    sin,
    tan,
    together,
)
from sympy.polys.polyerrors import PolynomialError
from sympy.printing.str import StrPrinter

from lossnotes.derive.prove import unfold
from lossnotes.derive.prove.signs import Unnamed, is_nonnegative, is_nonzero, is_positive
from lossnotes.derive.prove.unfold import RANGES, side
from lossnotes.derive.symbols import K, is_share

MOST = 3  # conditions that a reader will read
LONG = 50  # letters of one


def conditions(left, right):
    """Sentences, such as "c is not 1"; none where both sides have a value everywhere."""
    found = {}
    for expression in (left, right):
        for sentence in _conditions(unfold(expression)):
            found.setdefault(sentence)
    short = len(found) <= MOST and all(len(sentence) <= LONG for sentence in found)
    return tuple(found) if short else ("both sides have a value",)


@lru_cache(10_000)
def _conditions(expression):
    found = {}
    for part in preorder_traversal(expression):
        if isinstance(part, log):
            base, needed, words = part.args[0], is_positive, "positive"
        elif isinstance(part, Pow) and part.exp.is_integer:
            if is_nonnegative(part.exp):
                continue
            base, needed, words = part.base, is_nonzero, None
        elif isinstance(part, (tan, sec, cot, csc)):
            below = cos if isinstance(part, (tan, sec)) else sin
            base, needed, words = below(part.args[0]), is_nonzero, None
        elif isinstance(part, Pow):
            strict = not is_positive(part.exp)
            needed = is_positive if strict else is_nonnegative
            base, words = part.base, "positive" if strict else "not negative"
        else:
            continue
        if base.is_number or _has_variable_of_an_integral(base) or _is_sure(base, needed):
            continue
        if words:
            found[_sentence(base, f"is {words}")] = None
        else:
            found |= dict.fromkeys(_not_zero(base))
    return tuple(found)


def _has_variable_of_an_integral(base):
    return any(isinstance(x, Dummy) and x not in RANGES for x in base.free_symbols)


def _is_sure(base, needed):
    """Whether the domains tell: a probability is below one, a sum of positives exceeds a part."""
    if needed(base):
        return True
    if needed is is_nonnegative and any(base == kink.args[0] * kink for kink in base.atoms(side)):
        return True  # |x|
    if base.has(KroneckerDelta):  # 0 log 0 is 0
        deltas = base.atoms(KroneckerDelta)
        if needed is not is_positive or len(deltas) > MOST:
            return False
        ways = product((S.Zero, S.One), repeat=len(deltas))
        there = [base.xreplace(dict(zip(deltas, way, strict=True))) for way in ways]
        return all(value == 0 or needed(value) for value in there) and there[-1] != 0
    shares = {
        entry: Unnamed("share", 0, 1, entry) for entry in base.atoms(Indexed) if is_share(entry)
    }
    if shares and needed(base.xreplace(shares)):
        return True
    numerator = together(base).as_numer_denom()[0]
    for whole in base.atoms(Sum):
        if len(whole.limits) != 1 or not is_positive(whole.function):
            continue
        index, lower, upper = whole.limits[0]
        if (lower, upper) != (1, K):
            continue
        for place in base.free_symbols - {K}:
            if place.is_integer:
                one = whole.function.xreplace({index: place})
                if is_positive(whole) and needed(
                    (numerator.xreplace({whole: one + Dummy(positive=True)})).expand()
                ):
                    return True
    return False


def _not_zero(base):
    """A sentence for each factor that may vanish."""
    try:
        factors = [factor for factor, _ in factor_list(base)[1]]
    except PolynomialError:
        factors = [base]
    for factor in map(_without_logarithms, factors):
        if factor.could_extract_minus_sign():
            factor = -factor
        if not _is_sure(factor, is_nonzero):
            yield _apart(factor)


def _without_logarithms(factor):
    """A sum of logarithms is zero where the product of their numbers is one."""
    product = S.One
    for term in Add.make_args(factor):
        power, logarithm = term.as_coeff_Mul()
        if not power.is_Integer or not isinstance(logarithm, log):
            return factor
        product *= logarithm.args[0] ** power
    return together(product - 1).as_numer_denom()[0].expand()


def _apart(factor):
    """One number apart from another, such as s_j from s_k; else the factor apart from 0."""
    numbers = {x for x in factor.atoms(Indexed)}
    inside = set().union(*(x.free_symbols for x in numbers))
    numbers |= {x for x in factor.free_symbols if isinstance(x, Symbol)} - inside
    for number in sorted(numbers, key=str):
        rest = factor - number * factor.diff(number) if not factor.has(Sum) else None
        slope = factor.diff(number)
        if rest is not None and slope.is_number and not rest.expand().has(number):
            if len(numbers) == 1 or len(Add.make_args(factor)) == 2:
                return _sentence(number, "is not", (-rest / slope).expand())
    return _sentence(factor, "is not 0")


class _Words(StrPrinter):
    """s_j and x^2, as they are said."""

    def _print_Sum(self, whole):
        over = " and ".join(self._print(limit[0]) for limit in whole.limits)
        return f"the sum of {self.parenthesize(whole.function, 30)} over {over}"

    def _print_side(self, kink):
        return f"(the sign of {self._print(kink.args[0])})"

    def _print_Pow(self, power, rational=False):
        return super()._print_Pow(power, rational).replace("**", "^")

    def _print_Dummy(self, dummy):
        return dummy.name


def _sentence(*parts):
    """Parts in words; every bound index has a short name, and what holds of it holds of all."""
    expressions = [part for part in parts if not isinstance(part, str)]
    taken = {x.name for part in expressions for x in part.free_symbols if x not in RANGES}
    names = iter(name for name in "iklmn" if name not in taken)
    bound = sorted({x for part in expressions for x in part.atoms(Dummy)}, key=str)
    shown = {x: Symbol(next(names, x.name)) for x in bound}
    said = " ".join(
        part if isinstance(part, str) else _Words().doprint(part.xreplace(shown)) for part in parts
    )
    said = re.sub(r"(\w+)\[([^\[\]]+)\]", r"\1_\2", said)
    free = {x for part in expressions for x in part.free_symbols}
    over = [str(shown[x]) for x in bound if x in free]
    return f"{said} for every {' and '.join(over)}" if over else said
