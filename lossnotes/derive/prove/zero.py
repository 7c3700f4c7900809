"""Whether a normal form is zero: multiplied out, on each side of every kink, and term by term."""

from functools import lru_cache
from math import lcm, prod

from sympy import (
    QQ,
    QQ_I,
    Add,
    Dummy,
    I,
    Indexed,
    Integral,
    Pow,
    Product,
    S,
    Sum,
    Symbol,
    exp,
    expand,
    expand_log,
    nan,
    oo,
    ring,
    zoo,
)

from lossnotes.derive.prove.floats import is_nonzero_somewhere
from lossnotes.derive.prove.linear import contradict
from lossnotes.derive.prove.quotient import numerator
from lossnotes.derive.prove.reduce import before
from lossnotes.derive.prove.signs import is_positive
from lossnotes.derive.prove.unfold import side
from lossnotes.derive.symbols import K, argmax, maximum
from lossnotes.derive.why import because

MOST = 6  # kinks whose sides are tried together


def vanishes(reduced, reduction, excluded=frozenset(), known=()):
    """Whether a normal form is zero, at every kink and on each side of it.

    At the kinks that are excluded one side of the claim has no derivative, and there is no claim.
    `known` are linear inequalities that hold.
    """
    if reduced.has(zoo, nan, oo, -oo):
        return False
    if is_zero(reduced):
        because("multiplied out, nothing is left of the difference")
        return True
    if _terms_vanish(reduced, reduction, excluded, known):
        return True
    sides = sorted((part for part in reduced.atoms(side) if _is_outer(part, reduced)), key=str)
    if not sides or len(sides) > MOST:
        return False
    kink = sides[0]
    (gap,) = kink.args
    for value in (1, -1, 0):
        now = known
        if value:
            now = (*known, (value * gap, True))
            if contradict(now):
                continue
            there = reduced.xreplace({kink: S(value)})
        elif gap in excluded or -gap in excluded:
            continue
        elif contradict((*known, (gap, False), (-gap, False))):
            continue
        else:
            there = _on(gap, reduced.xreplace({kink: S.Zero}))
        if not vanishes(reduction.reduce(there), reduction, excluded, now):
            return False
    because("on each side of the kink")
    return True


def _is_outer(part, whole):
    """Whether a kink is one of the whole: no sum or integral runs across it, none stands inside."""
    return not part.args[0].has(side) and part.free_symbols <= whole.free_symbols


def _on(gap, expression):
    """The expression where a gap is zero: one number that occurs in it is told by the others."""
    for number in sorted(gap.atoms(Symbol, Indexed), key=str):
        if isinstance(number, Symbol) and number.is_integer:
            continue
        name = Dummy()  # another entry of its vector is another number
        slope = gap.xreplace({number: name}).diff(name)
        if slope.is_Rational and slope != 0 and not expression.has(Sum, Product, Integral):
            return expression.xreplace({number: expand(number - gap / slope)})
    return expression


def _terms_vanish(reduced, reduction, excluded, known):
    """Whether sums over one index cancel term by term, for each class on its own."""
    if not any(len(whole.limits) == 1 for whole in reduced.atoms(Sum)):
        return False
    groups, rest = {}, S.Zero
    for term in Add.make_args(expand(numerator(reduced))):
        sums = list(term.atoms(Sum))
        if len(sums) != 1 or len(sums[0].limits) > 1 or (term / sums[0]).has(*sums):
            rest += term
            continue
        (whole,) = sums
        groups.setdefault(whole.limits, []).append(term / whole * whole.function)
    whole_range = next((limits for limits in groups if limits[0][1:] == (1, K)), None)
    if whole_range and not is_zero(rest):
        each = expand(rest).coeff(K, 1)
        groups[whole_range].append(each)  # K times as much is its sum
        rest -= K * each
    if not groups or not is_zero(rest):
        return False
    for limits, terms in groups.items():
        (index, _, size) = limits[0]
        free = Dummy(index.name, **index.assumptions0)
        body = Add(*terms).xreplace({index: free})
        if not vanishes(reduction.reduce(body), reduction, excluded, known):
            return False
    because("term by term")
    return True


def is_zero(reduced):
    """Whether a normal form is zero when it is multiplied out."""
    if reduced.has(zoo, nan, oo, -oo):
        return False
    reduced = reduced.xreplace(
        {
            part: maximum(*part.indices[0].args)
            for part in reduced.atoms(Indexed)
            if isinstance(part.indices[0], argmax) and part.indices[0].args[0] == part.base
        }
    )
    found = reduced.atoms(Sum, Product, Integral, Indexed, maximum, argmax, side, before)
    atoms = {
        part: _name(place, is_positive(part) or None, None if part.has(I) else True)
        for place, part in enumerate(sorted(found, key=_outermost))
    }
    plain = reduced.xreplace(atoms)
    integrals = any(isinstance(part, Integral) for part in atoms)
    if not integrals and is_nonzero_somewhere(plain):
        return False  # as it would be multiplied out
    whole = numerator(expand_log(plain))
    if _polynomial(whole) == 0:
        return True
    whole = expand(whole)
    if whole == 0:
        return True
    if integrals:
        from lossnotes.derive.prove.integrals import integrands_vanish

        return integrands_vanish(whole, atoms)
    return False


def _outermost(part):
    return not isinstance(part, (Sum, Product, Integral))


@lru_cache(1000)
def _name(place, positive, real):
    """The same symbols each time: SymPy is slow with those that are new to it."""
    return Dummy(positive=positive, real=real)


def _polynomial(expression):
    """The expression multiplied out: a ring does that several times faster than SymPy's expand."""
    found = list(_generators(expression))
    if not found:
        return expression
    parts = {}
    for base, power in found:
        parts[base] = lcm(parts.get(base, 1), int(power.q))
    names = [f"x{place}" for place in range(len(parts))]
    polynomials, *elements = ring(names, QQ_I if expression.has(I) else QQ)
    known = dict(zip(parts, elements, strict=True))

    def multiplied_out(part):
        if part.is_Add:
            return sum(map(multiplied_out, part.args))
        if part.is_Mul:
            return prod(map(multiplied_out, part.args))
        if part.is_Rational:
            return part
        if part == I:  # SymPy has no product of 1 + i and a polynomial
            return polynomials(part)
        base, power = _as_power(part)
        if base in known:
            return known[base] ** int(power * parts[base])
        return multiplied_out(base) ** int(power)

    return multiplied_out(expression)


def _generators(expression):
    """The pairs (base, power) that the expression is a polynomial in."""
    if expression.is_Add or expression.is_Mul:
        for part in expression.args:
            yield from _generators(part)
    elif not expression.is_Rational and expression != I:
        base, power = _as_power(expression)
        if power.is_Integer and (base.is_Add or base.is_Mul):
            yield from _generators(base)
        else:
            yield base, power


def _as_power(expression):
    """x^(n/m) as (x, n/m) and exp(n x / m) as (exp(x), n/m), all else as (itself, 1).

    A root stands only for a positive number.
    """
    base, power = expression.args if isinstance(expression, Pow) else (expression, S.One)
    if isinstance(expression, exp):
        power, rest = expression.args[0].as_coeff_Mul()
        base = exp(rest)
    if power.is_Rational and power > 0 and (power.is_Integer or base.is_positive):
        return base, power
    if isinstance(expression, Pow) and is_positive(base) and base != 1:
        power, rest = power.as_coeff_Mul()
        if power.is_Rational and power > 0 and rest != 1:
            return base**rest, power
    return expression, S.One
