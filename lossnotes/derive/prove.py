"""Proofs for every K: an equation is proved when its difference reduces to zero.

The reduction knows five things about sums over the classes. A Kronecker delta inside picks one
term. What does not depend on the index comes out. A constant sums to K times itself. A probability
vector sums to one. A sum that remains is an atom, equal to any other with the same summand. What
is left is a rational function of atoms, and is zero when its numerator expands to zero.

It treats integrals alike: they are taken apart into terms, and a term is carried out where SymPy
has an antiderivative whose slope, by the same reduction, is the integrand and which has no pole.
What remains are atoms; those over one range are also compared by their integrands.
"""

from functools import lru_cache
from itertools import count, product
from math import prod

from sympy import (
    QQ,
    QQ_I,
    Add,
    Derivative,
    Dummy,
    Function,
    Heaviside,
    I,
    Indexed,
    Integral,
    KroneckerDelta,
    Max,
    Min,
    Mul,
    Piecewise,
    Pow,
    S,
    Subs,
    Sum,
    Symbol,
    Tuple,
    UnevaluatedExpr,
    exp,
    expand,
    expand_log,
    factorial,
    fraction,
    integrate,
    log,
    powsimp,
    ring,
    sympify,
    together,
)

from lossnotes.derive.symbols import (
    Between,
    Entry,
    K,
    Others,
    Probabilities,
    Quantity,
    argmax,
    entry,
    maximum,
)

BEYOND_TWO = Symbol("K - 2", integer=True, nonnegative=True)
KNOWN = 10_000  # forms of expressions that are kept: those of one step return in the next
BOUND = [Symbol(f"_{depth}", integer=True, positive=True) for depth in range(8)]
INDICES = [Dummy(f"i_{depth}", integer=True, positive=True) for depth in range(32)]


def proves_equal(left, right):
    """True if left = right is proved for every K; False says nothing."""
    left, right = unfold(sympify(left)), unfold(sympify(right))
    difference = _single_out(left - right)
    integrals = [side.has(Integral) for side in (left, right)]
    reductions = [Reduction] * (all(integrals) or not any(integrals)) + [Integration] * any(
        integrals
    )
    return all(
        any(
            _vanishes(_made(reduction, distinct).reduce(difference.xreplace(renamed)))
            for reduction in reductions
        )
        for renamed, distinct in _cases(difference)
    )


@lru_cache(KNOWN)
def unfold(expression):
    """Named quantities by their definitions, derivatives carried out, bound indices renamed."""
    if isinstance(expression, UnevaluatedExpr):
        return unfold(expression.args[0])
    if isinstance(expression, (maximum, argmax)):
        return _shift_out(expression)
    if isinstance(expression, (Quantity, Entry)):
        return unfold(expression.definition())
    if isinstance(expression, Derivative):
        derivative = unfold(expression.expr).diff(*expression.variables)
        return derivative if derivative.has(Derivative, Subs) else unfold(derivative)
    if isinstance(expression, Sum):
        whole = _unfold_sum(expression)
        return whole.doit() if all(_written_out(limit) for limit in whole.limits) else whole
    if isinstance(expression, Integral):
        return _unfold_integral(expression)
    if not expression.args or isinstance(expression, Indexed):
        return expression
    return expression.func(*(unfold(part) for part in expression.args))


def _unfold_sum(expression):
    """The innermost sum has the first index: SymPy is slow with symbols that are new to it."""
    body = unfold(expression.function)
    indices = [limit[0] for limit in expression.limits]
    taken = body.atoms(Dummy) - set(indices)
    free = (index for index in INDICES if index not in taken)
    fresh = {index: next(free) for index in indices}
    return Sum(body.xreplace(fresh), *(limit.xreplace(fresh) for limit in expression.limits))


def _unfold_integral(expression):
    """From the innermost variable outwards: one in its own limits is another of that name."""
    body, limits = expression.function, []
    for variable, *ends in expression.limits:
        signs = [
            sign
            for sign in ("positive", "nonnegative")
            if len(ends) == 2 and all(getattr(end, f"is_{sign}") for end in ends)
        ]
        fresh = {variable: Dummy("x", real=True, **dict.fromkeys(signs, True))}
        body = body.xreplace(fresh)
        limits = [limit.xreplace(fresh) for limit in limits]
        limits.append(Tuple(fresh[variable], *map(unfold, ends)))
    return Integral(unfold(body), *limits)


def _written_out(limit):
    """Whether a sum has as many terms as its limits say; SymPy gives a meaning to 3..1 as well."""
    _, lower, upper = limit
    return lower.is_Integer and upper.is_Integer and lower <= upper


def _shift_out(expression):
    """max (s + c) = c + max s, and the place of the maximum does not move."""
    vector, *within = expression.args
    if isinstance(vector, Tuple):
        return expression
    parts = Add.make_args(vector)
    shift = Add(*(part for part in parts if entry(part, BOUND[0]) == part))
    if shift == 0:
        return expression
    if shift == vector:
        return shift if isinstance(expression, maximum) else expression
    rest = expression.func(vector - shift, *within)
    return shift + rest if isinstance(expression, maximum) else rest


def _single_out(expression):
    """max over all classes = max(s_y, max over the others), for each y that is singled out."""
    for single in expression.atoms(maximum):
        vector, *within = single.args
        if isinstance(vector, Tuple):
            continue
        if within and isinstance(within[0], Others):
            both = Max(entry(vector, within[0].args[0]), single)
            expression = expression.xreplace({maximum(vector): both})
    return expression


def _cases(expression):
    """Every way in which the classes named in deltas coincide: (renaming, distinct classes)."""
    bound = {limit[0] for part in expression.atoms(Sum) for limit in part.limits}
    classes = {
        argument
        for delta in expression.atoms(KroneckerDelta)
        for argument in delta.args
        if not argument.free_symbols & bound
    }
    classes |= {others.args[0] for others in expression.atoms(Others)}
    classes |= {
        entry.indices[0]
        for part in expression.atoms(Pow, Heaviside)
        if not (part.is_Pow and (part.exp.is_nonnegative or part.base.is_positive))
        for entry in part.args[0].atoms(Indexed)
        if not entry.free_symbols & bound
    }
    for blocks in _partitions(sorted(classes, key=str)):
        if any(_apart(a, b) for block in blocks for a in block for b in block if a != b):
            continue
        yield (
            {member: block[0] for block in blocks for member in block[1:]},
            frozenset(block[0] for block in blocks),
        )


def _partitions(items):
    if not items:
        yield []
        return
    first, rest = items[0], items[1:]
    for blocks in _partitions(rest):
        yield [[first], *blocks]
        for index, block in enumerate(blocks):
            # A symbol comes first in its block, so that it stands for the whole of it.
            yield [
                *blocks[:index],
                sorted([first, *block], key=lambda e: (bool(e.args), str(e))),
                *blocks[index + 1 :],
            ]


def is_positive(expression):
    """Whether an expression is positive for K >= 2, as far as the signs of its parts tell."""
    expression = expand(expression.xreplace({K: BEYOND_TWO + 2}))
    return bool(expression.is_positive) or any(
        _is_positive_between(expression, symbol) for symbol in expression.atoms(Between)
    )


def _is_positive_between(expression, symbol):
    """A straight line is positive between two ends where it is not negative, nor zero at both."""
    ends = [expression.xreplace({symbol: end}) for end in (symbol.lower, symbol.upper)]
    straight = expression.is_polynomial(symbol) and not expression.diff(symbol, 2)
    return straight and all(e.is_nonnegative for e in ends) and any(e.is_positive for e in ends)


def _is_class(place):
    """Whether a place is sure to be one of 1..K, for every K >= 2; j + 1 and 3 are not."""
    return place == K or isinstance(place, (Symbol, argmax)) or place in (1, 2)


def _apart(a, b):
    """Two classes that never coincide: different numbers; y and the best of the others."""
    if a.is_Integer and b.is_Integer:
        return True
    return any(
        isinstance(best, argmax) and len(best.args) > 1 and best.args[1] == Others(other)
        for best, other in ((a, b), (b, a))
    )


def _vanishes(reduced):
    """Whether a normal form is zero, on each side of every kink that no sum runs across."""
    within = {part: Dummy() for part in reduced.atoms(Sum, Integral)}
    steps = sorted(reduced.xreplace(within).atoms(Heaviside), key=str)
    return all(
        _is_zero(reduced.xreplace(dict(zip(steps, sides, strict=True))))
        for sides in product((S.Zero, S.One), repeat=len(steps))
    )


def _is_zero(reduced):
    found = reduced.atoms(Sum, Integral, Indexed, maximum, argmax, Max)
    atoms = {part: _name(place, part.is_positive) for place, part in enumerate(found)}
    numerator, _ = fraction(together(expand_log(reduced.xreplace(atoms))))
    if _polynomial(numerator) == 0:
        return True
    numerator = expand(numerator)
    return numerator == 0 or _integrands_vanish(numerator, atoms)


@lru_cache(1000)
def _name(place, positive):
    """The same symbols each time: SymPy is slow with those that are new to it."""
    return Dummy(positive=positive, real=True)


def _polynomial(expression):
    """The expression multiplied out: a ring does that several times faster than SymPy's expand."""
    found = list(dict.fromkeys(_generators(expression)))
    if not found:
        return expression
    names = [f"x{place}" for place in range(len(found))]
    _, *elements = ring(names, QQ_I if expression.has(I) else QQ)
    known = dict(zip(found, elements, strict=True))

    def multiplied_out(part):
        if part.is_Add:
            return sum(map(multiplied_out, part.args))
        if part.is_Mul:
            return prod(map(multiplied_out, part.args))
        base, power = _as_power(part)
        if power != 1:
            return multiplied_out(base) ** power
        return known.get(part, part)

    return multiplied_out(expression)


def _generators(expression):
    if expression.is_Add or expression.is_Mul:
        for part in expression.args:
            yield from _generators(part)
    elif _as_power(expression)[1] != 1:
        yield from _generators(_as_power(expression)[0])
    elif not expression.is_Rational and expression != I:
        yield expression


def _as_power(expression):
    """x^n for a whole n as (x, n), exp(n x) as (exp(x), n), and all else as (itself, 1)."""
    base, power = expression.args if expression.is_Pow else (expression, S.One)
    if isinstance(expression, exp):
        power, rest = expression.args[0].as_coeff_Mul()
        base = exp(rest)
    return (base, int(power)) if power.is_Integer and power > 0 else (expression, 1)


def _integrands_vanish(numerator, atoms):
    """Whether a sum of multiples of integrals is zero: for each range, that of the integrands."""
    integrals = {dummy: part for part, dummy in atoms.items() if isinstance(part, Integral)}
    ranges = {}
    for term in Add.make_args(numerator):
        inside = [dummy for dummy in term.free_symbols if dummy in integrals]
        if len(inside) != 1 or (term / inside[0]).has(inside[0]):
            return False
        integral = integrals[inside[0]]
        summands = ranges.setdefault(integral.limits, [])
        summands.append(term.xreplace({inside[0]: integral.function}))
    names = {dummy: part for part, dummy in atoms.items()}
    return bool(integrals) and all(
        _is_zero(Reduction().reduce(Add(*terms).xreplace(names))) for terms in ranges.values()
    )


def _expand_in(variable, expression):
    """Expanded, but for the denominators that do not depend on the variable."""
    constants = {
        part: Dummy()
        for part in expression.atoms(Pow)
        if not part.has(variable) and part.exp.is_negative
    }
    names = {dummy: part for part, dummy in constants.items()}
    return expand(expression.xreplace(constants)).xreplace(names)


def _antiderivative(integrand, variable):
    """What SymPy finds for powers, exponentials and logarithms of polynomials, or None.

    The rates of exponentials are given names, so that SymPy need not ask which of them vanish.
    """
    integrand = powsimp(integrand, combine="exp")
    rates, named = {}, {}
    for part in integrand.atoms(exp):
        rate = expand(part.args[0]).coeff(variable)
        rest = expand(part.args[0] - rate * variable)
        if rest.has(variable):
            return None
        name = rates.setdefault(rate, Symbol(f"rate {len(rates)}", nonzero=True))
        named[part] = exp(name * variable) * exp(rest)
    common = Symbol("x", **variable.assumptions0)
    shape = integrand.xreplace(named).xreplace({variable: common})
    if not all(
        part.is_polynomial(common) or isinstance(part, (exp, log)) or not part.has(common)
        for factor in Mul.make_args(shape)
        for part in (factor.as_base_exp()[0], *factor.atoms(Function))
    ):
        return None
    found = _integrate(shape, common)
    names = {name: rate for rate, name in rates.items()} | {common: variable}
    return None if found.has(Integral) else found.xreplace(names)


@lru_cache(KNOWN)
def _integrate(integrand, variable):
    cases = integrate(integrand, variable)
    return cases.replace(Piecewise, lambda *pieces: pieces[0][0])


def _is_continuous(expression, variable):
    """Whether an expression has a value for every value of a real variable, or of its signs."""
    if not expression.has(variable) or expression == variable:
        return True
    if not all(_is_continuous(part, variable) for part in expression.args):
        return False
    if isinstance(expression, log):
        return is_positive(expression.args[0])
    if isinstance(expression, Pow):
        base, power = expression.args
        whole = power.is_Integer or base.is_nonnegative
        return is_positive(base) or bool(whole and power.is_nonnegative)
    return isinstance(expression, (Add, Mul, exp))


def _at(expression, variable, place):
    """The expression at a place; 0 to a positive power is 0."""
    there = expression.xreplace({variable: place})
    zeros = (part for part in there.atoms(Pow) if part.base == 0 and is_positive(part.exp))
    return there.xreplace(dict.fromkeys(zeros, S.Zero))


class Reduction:
    """The normal form of an expression, given classes that are known to be distinct."""

    def __init__(self, distinct=frozenset()):
        self.distinct = distinct
        self.reduce = lru_cache(KNOWN)(self._reduce)

    def _reduce(self, expression):
        if isinstance(expression, Sum):
            return self._sum(expression)
        if isinstance(expression, Integral):
            return self._integral(expression)
        if isinstance(expression, KroneckerDelta):
            return self._delta(expression)
        if not expression.args or isinstance(expression, (Indexed, argmax)):
            return expression
        expression = expression.func(*(self.reduce(part) for part in expression.args))
        if isinstance(expression, (Max, Min)):
            return self._max(expression)
        if isinstance(expression, Heaviside):
            return self._heaviside(expression.args[0])
        if isinstance(expression, (exp, log)) and expression.has(KroneckerDelta):
            expression = self._off_and_on(expression)
        if isinstance(expression, log):
            return self._log(expression)
        if isinstance(expression, exp):
            return expand(expression, deep=False, power_exp=True, power_base=False)
        if isinstance(expression, factorial):
            return self._factorial(expression)
        if isinstance(expression, Function):
            return self._exponential(expression)
        return expression

    def _delta(self, delta):
        a, b = delta.args
        known = {a, b} <= self.distinct or _apart(a, b)
        return KroneckerDelta(0, 1) if known and a != b else delta

    def _off_and_on(self, expression):
        """f(delta) = f(0) + delta (f(1) - f(0)), where both are finite."""
        for delta in expression.atoms(KroneckerDelta):
            off, on = (expression.xreplace({delta: value}) for value in (S.Zero, S.One))
            if delta.free_symbols <= expression.free_symbols and S.ComplexInfinity not in (off, on):
                return self.reduce(off) + delta * (self.reduce(on) - self.reduce(off))
        return expression

    def _sum(self, expression):
        if any((lower, upper) != (1, K) for _, lower, upper in expression.limits):
            return expression
        body = expression.function
        for index, _, _ in expression.limits:
            terms = Add.make_args(expand(self.reduce(body)))
            body = Add(*(self._sum_of_term(term, index) for term in terms))
        return body

    def _sum_of_term(self, term, index):
        outside, inside = term.as_independent(index, as_Add=False)
        for factor in Mul.make_args(inside):
            base, power = factor.as_base_exp()
            if isinstance(base, KroneckerDelta) and index in base.args and power.is_positive:
                (place,) = set(base.args) - {index}
                if not _is_class(place):
                    continue
                return outside * self.reduce((inside / factor).xreplace({index: place}))
        if inside == 1:
            return K * outside
        if isinstance(inside, Indexed) and isinstance(inside.base, Probabilities):
            if inside.indices == (index,):
                return outside
        used = inside.atoms(Symbol) & set(BOUND) - {index}
        bound = next(symbol for symbol in BOUND if symbol not in used)
        return outside * Sum(inside.xreplace({index: bound}), (bound, 1, K))

    def _integral(self, expression):
        body = expression.function
        for variable, *ends in expression.limits:  # the first is the innermost
            if len(ends) != 2:
                return expression
            body = body.replace(
                lambda part, x=variable: part.is_Pow and part.exp.has(x) and is_positive(part.base),
                lambda part: exp(part.exp * log(part.base)),
            )
            terms = Add.make_args(_expand_in(variable, self.reduce(body)))
            ends = [expand(self.reduce(end)) for end in ends]
            body = Add(*(self._integral_of_term(term, variable, *ends) for term in terms))
        return body

    def _integral_of_term(self, term, variable, lower, upper):
        outside, inside = term.as_independent(variable, as_Add=False)
        names = (Symbol(f"_x{depth}", **variable.assumptions0) for depth in count())
        name = next(name for name in names if not inside.has(name))
        return outside * Integral(inside.xreplace({variable: name}), (name, lower, upper))

    def _log(self, expression):
        """log of a product is a sum of logs; a common denominator comes out first."""
        numerator, denominator = fraction(together(expression.args[0]))
        if denominator != 1 and is_positive(denominator):
            expression = log(numerator) - log(denominator)
        return expand_log(expression)

    def _exponential(self, expression):
        """tanh and its kin in exponentials."""
        rewritten = expression.rewrite(exp)
        return expression if rewritten.has(expression.func) else self.reduce(rewritten)

    def _factorial(self, expression):
        """n! = n (n - 1)!, down to (K - 2)!."""
        (n,) = expression.args
        steps = n - (K - 2)
        if not (steps.is_Integer and steps.is_positive):
            return expression
        return Mul(*(n - step for step in range(steps))) * factorial(K - 2)

    def _max(self, expression):
        """Max(a, b) = a + (b - a) Heaviside(b - a), and the same for Min."""
        if len(expression.args) != 2:
            return expression
        a, b = sorted(expression.args, key=lambda part: (part != 0, str(part)))
        gap = expand(b - a)
        return a + gap * self._heaviside(gap if isinstance(expression, Max) else -gap)

    def _heaviside(self, gap):
        """Heaviside(-x) = 1 - Heaviside(x): where x = 0 is a kink, at which no claim is made."""
        gap = expand(gap)
        return 1 - Heaviside(-gap) if gap.could_extract_minus_sign() else Heaviside(gap)


@lru_cache(64)
def _made(reduction, distinct):
    return reduction(distinct)


class Integration(Reduction):
    """The normal form in which the integrals are carried out that can be."""

    def _integral_of_term(self, term, variable, lower, upper):
        outside, inside = term.as_independent(variable, as_Add=False)
        whole = _antiderivative(inside, variable)
        if whole is None or not self._is_antiderivative(whole, inside, variable):
            return super()._integral_of_term(term, variable, lower, upper)
        return outside * self.reduce(_at(whole, variable, upper) - _at(whole, variable, lower))

    def _is_antiderivative(self, whole, integrand, variable):
        """SymPy is not trusted: the slope must be the integrand, and there must be no pole."""
        inside = {variable: Dummy("x", real=True, positive=variable.is_nonnegative)}
        slope = self.reduce(whole.xreplace(inside).diff(inside[variable]))
        return _is_continuous(whole, variable) and _is_zero(
            slope - self.reduce(integrand.xreplace(inside))
        )
