"""Proofs for every K: an equation is proved when its difference reduces to zero.

The reduction knows five things about sums over the classes. A Kronecker delta inside picks one
term. What does not depend on the index comes out. A constant sums to K times itself. A probability
vector sums to one. A sum that remains is an atom, equal to any other with the same summand. What
is left is a rational function of atoms, and is zero when its numerator expands to zero.
"""

from itertools import product

from sympy import (
    Add,
    Derivative,
    Dummy,
    Function,
    Heaviside,
    Indexed,
    KroneckerDelta,
    Max,
    Min,
    Mul,
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
    fraction,
    log,
    sympify,
    together,
)

from lossnotes.derive.symbols import (
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
BOUND = [Symbol(f"_{depth}", integer=True, positive=True) for depth in range(8)]


def proves_equal(left, right):
    """True if left = right is proved for every K; False says nothing."""
    difference = _single_out(unfold(sympify(left)) - unfold(sympify(right)))
    return all(
        _vanishes(difference.xreplace(renamed), distinct)
        for renamed, distinct in _cases(difference)
    )


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
        fresh = {limit[0]: Dummy("i", integer=True, positive=True) for limit in expression.limits}
        limits = [limit.xreplace(fresh) for limit in expression.limits]
        whole = Sum(unfold(expression.function.xreplace(fresh)), *limits)
        return whole.doit() if all(_written_out(limit) for limit in limits) else whole
    if not expression.args or isinstance(expression, Indexed):
        return expression
    return expression.func(*(unfold(part) for part in expression.args))


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
            {block[0] for block in blocks},
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
    """Whether an expression is positive for K >= 2, as far as the signs of its terms tell."""
    return bool(expand(expression.xreplace({K: BEYOND_TWO + 2})).is_positive)


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


def _vanishes(difference, distinct):
    """Whether the normal form is zero, on each side of every kink."""
    reduced = Reduction(distinct).reduce(difference)
    steps = sorted(reduced.atoms(Heaviside), key=str)
    return all(
        _is_zero(reduced.xreplace(dict(zip(steps, sides, strict=True))))
        for sides in product((S.Zero, S.One), repeat=len(steps))
    )


def _is_zero(reduced):
    atoms = {
        part: Dummy(positive=part.is_positive, real=True)
        for part in reduced.atoms(Sum, Indexed, maximum, argmax, Max)
    }
    numerator, _ = fraction(together(expand_log(reduced.xreplace(atoms))))
    return expand(numerator) == 0


class Reduction:
    """The normal form of an expression, given classes that are known to be distinct."""

    def __init__(self, distinct=frozenset()):
        self.distinct = distinct

    def reduce(self, expression):
        if isinstance(expression, Sum):
            return self._sum(expression)
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
