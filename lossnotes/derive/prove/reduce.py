"""The normal form of an expression: a rational function of sums, entries and functions of these.

Of a sum the reduction knows: a Kronecker delta picks one term, what does not depend on the index
comes out, a constant sums to so many times itself, a probability vector sums to one, powers of the
index have closed sums, a sum up to k is one over all in which k is not yet reached. What remains is
an atom, with its indices renamed, in the order that is first of all.
"""

from itertools import count, permutations

from sympy import (
    Add,
    Dummy,
    Function,
    Indexed,
    Integral,
    KroneckerDelta,
    Mul,
    Pow,
    Product,
    S,
    Sum,
    Symbol,
    Tuple,
    binomial,
    exp,
    expand,
    expand_func,
    expand_log,
    expand_power_base,
    expand_power_exp,
    factorial,
    fraction,
    gamma,
    log,
    nan,
    oo,
    summation,
    zoo,
)
from sympy.polys.polyerrors import PolynomialError

from lossnotes.derive.prove.names import put, renamed
from lossnotes.derive.prove.quotient import as_fraction, factored
from lossnotes.derive.prove.signs import is_positive, is_size
from lossnotes.derive.prove.unfold import KNOWN, RANGES, index_names, side
from lossnotes.derive.symbols import K, Others, Probabilities, argmax
from lossnotes.derive.why import because, remembered

INFINITE = (zoo, nan, oo, -oo)
ORDERS = 4  # indices whose every order is tried
OPEN = "o"  # the letter of the indices over which a sum is being made: no finished one has it
LARGE = 60  # operations in a number whose factors are not looked for


class before(Function):
    """1 where the first number is below the second, else 0."""

    is_integer = is_nonnegative = True

    @classmethod
    def eval(cls, first, second):
        if first == second:
            return S.Zero
        if (second - first).is_number:
            return S.One if second > first else S.Zero


def apart(a, b):
    """Two classes that never coincide: different numbers; y and the best of the others."""
    if (a - b).is_Integer:
        return a != b
    return any(
        isinstance(best, argmax) and len(best.args) > 1 and best.args[1] == Others(other)
        for best, other in ((a, b), (b, a))
    )


def _opened(whole):
    """The body and limits of a sum or product, its indices by names that no finished one has."""
    taken = whole.atoms(Dummy)

    def name(_, *ends):
        new = next(name for name in index_names(*ends, OPEN) if name not in taken)
        taken.add(new)
        return new

    return renamed(whole.function, whole.limits, name)


def _closed(kind, body, limits):
    """A sum or product that remains, its indices by the first names that are free."""
    taken = body.atoms(Dummy).union(*(end.atoms(Dummy) for limit in limits for end in limit[1:]))

    def name(_, *ends):
        new = next(name for name in index_names(*ends) if name not in taken)
        taken.add(new)
        return new

    return kind(*renamed(body, limits, name))


class Reduction:
    """The normal form of an expression, given classes that are known to be distinct.

    `ranges` are the sizes that the free indices do not exceed; another number may exceed each.
    """

    def __init__(self, distinct=frozenset(), ranges=()):
        self.distinct = distinct
        self.ranges = dict(ranges)
        self.reduce = remembered(KNOWN)(self._reduce)

    def _reduce(self, expression):
        if isinstance(expression, Sum):
            return self._sum(expression)
        if isinstance(expression, Product):
            return self._product(expression)
        if isinstance(expression, Integral):
            return self._integral(expression)
        if isinstance(expression, KroneckerDelta):
            return self._delta(expression)
        if not expression.args or isinstance(expression, (Indexed, argmax)):
            return expression
        expression = expression.func(*(self.reduce(part) for part in expression.args))
        nonlinear = isinstance(expression, (exp, log, side)) or (
            expression.is_Pow and not expression.exp.is_nonnegative
        )
        if nonlinear and expression.has(KroneckerDelta):
            expression = self._off_and_on(expression)
        if isinstance(expression, side):
            return self._side(expression.args[0])
        if isinstance(expression, log):
            return self._log(expression)
        if isinstance(expression, exp):
            return self._exp(expression)
        if expression.is_Pow:
            return self._power(expression)
        if isinstance(expression, factorial):
            return self._factorial(expression)
        if isinstance(expression, gamma):
            return self._gamma(expression)
        if isinstance(expression, binomial) and expression.args[1].is_Integer:
            return self.reduce(expand_func(expression))
        if isinstance(expression, before):
            last, index = expression.args
            return S.Zero if RANGES.get(index) == (1, last) else expression
        if isinstance(expression, Function):
            return self._exponential(expression)
        return expression

    # Classes

    def _delta(self, delta):
        a, b = delta.args
        if a == b:
            return S.One
        if ({a, b} <= self.distinct) or apart(a, b):
            return S.Zero
        return delta

    def _off_and_on(self, expression):
        """f(delta) = f(0) + delta (f(1) - f(0)), where both are finite."""
        for delta in sorted(expression.atoms(KroneckerDelta), key=str):
            off, on = (expression.xreplace({delta: value}) for value in (S.Zero, S.One))
            finite = not off.has(*INFINITE) and not on.has(*INFINITE)
            if finite and delta.free_symbols <= expression.free_symbols:
                off, on = self.reduce(off), self.reduce(on)
                if off.has(*INFINITE) or on.has(*INFINITE):
                    return expression
                because("a delta is 0 or 1")
                return off + delta * (on - off)
        return expression

    def is_in_range(self, place, size):
        """Whether a place is sure to be one of 1..size; j + 1 and 3 are not."""
        if place in (1, size) or (place == 2 and size == K):
            return True
        if isinstance(place, argmax):
            return size == K
        if place in RANGES:
            return RANGES[place] == (1, size)
        is_class = isinstance(place, Symbol) and place.is_integer
        return bool(is_class) and size in self.ranges.get(place, ())

    # Sums

    def _sum(self, expression):
        body, *limits = _opened(expression)
        body = self.reduce(body)
        for limit in limits:  # the first is the innermost
            body = self._sum_within(body, *limit)
        return body

    def _product(self, expression):
        body, *limits = _opened(expression)
        return _closed(Product, self.reduce(body), limits)

    def _sum_within(self, body, index, lower, upper):
        """A sum between any limits by sums from 1 to a size."""
        lower, upper = expand(lower), expand(upper)
        start = lower - 1
        if start.is_Integer and start > 0:
            if (K - upper).is_Integer and K - upper <= 2 - start:  # never the wrong way round
                whole = self._sum_within(body, index, S.One, upper)
                first = Add(*(self._at(body, index, S(place)) for place in range(1, lower)))
                because("the first terms apart")
                return whole - first
        elif start.is_Integer and start == 0:
            size = upper if is_size(upper) and not self._range_of(upper) else None
            if size is not None:
                return self._over_all(body, index, size)
            if (K - upper).is_Integer and 0 < K - upper <= 2:
                last = Add(*(self._at(body, index, K - n) for n in range(K - upper)))
                because("the last terms apart")
                return self._over_all(body, index, K) - last
            for end, offset in ((upper, 0), (upper + 1, 1)):
                size = self._range_of(end)
                if size is not None:
                    reached = before(index, end) if offset else 1 - before(end, index)
                    return self._over_all(body * reached, index, size)
        else:
            for end, offset in ((lower, 0), (start, 1)):
                size = self._range_of(end)
                if size is not None and size == upper:
                    reached = before(end, index) if offset else 1 - before(index, end)
                    return self._over_all(body * reached, index, size)
        return _closed(Sum, body, [(index, lower, upper)])

    def _range_of(self, place):
        """The size up to which an index runs, or None if it is none or has several."""
        if place in RANGES:
            lower, upper = RANGES[place]
            return upper if lower == 1 and not upper.free_symbols & RANGES.keys() else None
        sizes = self.ranges.get(place, ())
        return next(iter(sizes)) if len(sizes) == 1 else None

    def _at(self, body, index, place):
        return self.reduce(put(body, index, place))

    def _over_all(self, body, index, size):
        names = index_names(S.One, size, OPEN)
        new = next(name for name in names if not body.has(name) or name == index)
        body = body.xreplace({index: new})
        terms = Add.make_args(expand(body))
        return Add(*(self._sums(term, ((new, size),)) for term in terms))

    def _sums(self, term, indices):
        """The sum of a product over all of some indices, each with its size."""
        if not indices:
            return term
        factors = Mul.make_args(term)
        for place, (index, size) in enumerate(indices):
            rest = indices[:place] + indices[place + 1 :]
            inside = [factor for factor in factors if factor.has(index)]
            if not inside:
                because(f"what does not depend on the index sums to {size} times itself")
                return size * self._sums(term, rest)
            for factor in inside:
                base, power = factor.as_base_exp()
                if isinstance(base, KroneckerDelta) and index in base.args and power.is_positive:
                    (other,) = set(base.args) - {index}
                    if other.has(index) or not self.is_in_range(other, size):
                        continue
                    because("the delta picks one term")
                    return self._sums_of_terms(self._at(term / factor, index, other), rest)
            if len(inside) == 1 and self._sums_to_one(inside[0], index, size):
                because("the probabilities sum to one")
                return self._sums(term / inside[0], rest)
            if len(indices) == 1 and all(f.as_base_exp()[0] == index for f in inside):
                power = Mul(*inside).as_base_exp()[1]
                if power.is_Integer and 0 < power < 9:
                    because("the sum of the first powers")
                    return Mul(*(set(factors) - set(inside))) * summation(
                        index**power, (index, 1, size)
                    )
        for factor in factors:
            base, power = factor.as_base_exp()
            if isinstance(base, Sum) and power in (1, 2) and base.has(*dict(indices)):
                if all(RANGES.get(i) == (1, size) and size.is_Symbol for i, _, size in base.limits):
                    return self._sums_of_terms(*self._flattened(term, base, indices))
        return self._named(factors, indices)

    def _sums_of_terms(self, body, indices):
        return Add(*(self._sums(part, indices) for part in Add.make_args(expand(body))))

    def _sums_to_one(self, factor, index, size):
        if not (isinstance(factor, Indexed) and isinstance(factor.base, Probabilities)):
            return False
        sizes = factor.base.shape or (K,)
        if len(sizes) != len(factor.indices) or sizes[-1] != size:
            return False
        *rows, last = factor.indices
        return last == index and not any(row.has(index) for row in rows)

    def _flattened(self, term, inner, indices):
        """A sum inside a sum over its own indices too, one power less."""
        taken = term.atoms(Dummy) | dict(indices).keys()
        body, more = inner.function, []
        for index, lower, upper in inner.limits:
            names = index_names(lower, upper, OPEN)
            new = next(name for name in names if name not in taken)
            taken = taken | {new}
            body = body.xreplace({index: new})
            more.append((new, upper))
        return self.reduce(term / inner * body), indices + tuple(more)

    def _named(self, factors, indices):
        """Factors that share no index apart; each group of indices named in the first order."""
        groups = []
        for factor in factors:
            used = {index for index, _ in indices if factor.has(index)}
            joined = [group for group in groups if group[0] & used] if used else []
            outside = not used
            if outside:
                groups.append((set(), [factor]))
                continue
            groups = [group for group in groups if group not in joined]
            groups.append(
                (
                    used.union(*(group[0] for group in joined)),
                    [factor, *(f for group in joined for f in group[1])],
                )
            )
        result = S.One
        for used, parts in groups:
            body = Mul(*parts)
            result *= self._canonical(body, [pair for pair in indices if pair[0] in used])
        return result

    def _canonical(self, body, indices):
        if not indices:
            return body
        indices = sorted(indices, key=lambda pair: str(pair[1]))
        if len(indices) == 2 and (pairs := self._half_of_all_pairs(body, indices)) is not None:
            return pairs
        bound = {index for index, _ in indices}
        taken = body.atoms(Dummy) - bound
        names = {}
        for _, size in indices:
            names.setdefault(size, (name for name in index_names(S.One, size) if name not in taken))
        wanted = [(next(names[size]), size) for _, size in indices]
        forms = []
        orders = permutations(indices) if len(indices) <= ORDERS else [indices]
        for order in orders:
            if any(size != target for (_, size), (_, target) in zip(order, wanted, strict=True)):
                continue
            renamed = {index: new for (index, _), (new, _) in zip(order, wanted, strict=True)}
            forms.append(body.xreplace(renamed))
        body = min(forms, key=str)
        return Sum(body, *(Tuple(name, 1, size) for name, size in wanted))

    def _half_of_all_pairs(self, body, indices):
        """The pairs a < b and the pairs b < a are together all that differ.

        Of a summand and its exchange the one that comes first is kept.
        """
        (a, size_a), (b, size_b) = indices
        order = before(a, b) if body.has(before(a, b)) else before(b, a)
        if size_a != size_b or order not in Mul.make_args(body):
            return None
        rest = body / order
        exchanged = rest.xreplace({a: b, b: a})
        if rest.has(before):
            return None
        symmetric = expand(exchanged - rest) == 0
        standing = rest if order == before(a, b) else exchanged
        if not symmetric and str(standing) <= str(standing.xreplace({a: b, b: a})):
            return None
        because("the pairs i < j are half of all that differ")
        indices = tuple(indices)
        diagonal = self._sums_of_terms(self._at(rest, a, b), indices[1:])
        different = self._sums(rest, indices) - diagonal
        if symmetric:
            return different / 2
        return different - self._sums(exchanged * order, indices)

    # Integrals

    def _integral(self, expression):
        body = expression.function
        for variable, *ends in expression.limits:  # the first is the innermost
            if len(ends) != 2:
                return expression
            body = self.reduce(body).replace(
                lambda part, x=variable: part.is_Pow and part.exp.has(x) and is_positive(part.base),
                lambda part: exp(part.exp * log(part.base)),
            )
            terms = Add.make_args(expand_in(variable, body))
            ends = [expand(self.reduce(end)) for end in ends]
            body = Add(*(self._integral_of_term(term, variable, *ends) for term in terms))
        return body

    def _integral_of_term(self, term, variable, lower, upper):
        outside, inside = term.as_independent(variable, as_Add=False)
        names = (Symbol(f"_x{depth}", **variable.assumptions0) for depth in count())
        name = next(name for name in names if not inside.has(name))
        return outside * Integral(inside.xreplace({variable: name}), (name, lower, upper))

    # Functions

    def _side(self, gap):
        """The side of a product is the product of the sides; a positive factor has none."""
        gap = expand(gap)
        if gap.has(*INFINITE):
            return side(gap)
        if gap == 0:
            return S.Zero
        if is_positive(gap):
            return S.One
        if is_positive(-gap):
            return S.NegativeOne
        numerator, denominator = as_fraction(gap)
        if denominator != 1 and is_positive(denominator):
            return self._side(numerator)
        content, factors = S.One, [(gap, 1)]
        if gap.count_ops() <= LARGE:
            try:
                content, factors = factored(gap)
            except PolynomialError:
                pass
        result = S.NegativeOne if content.is_negative else S.One
        for factor, power in factors:
            if self._is_surely_positive(factor):
                continue
            if factor.could_extract_minus_sign():
                factor, result = expand(-factor), result * (-1) ** power
            if not self._is_surely_positive(factor):
                result *= side(_of_exponentials(factor)) ** (1 if power % 2 else 2)
        return result

    def _log(self, expression):
        """log of a product is a sum of logs; a common denominator comes out first."""
        (number,) = expression.args
        numerator, denominator = as_fraction(number)
        divides = denominator != 1 or fraction(number)[1] != 1
        if divides and is_positive(denominator):
            expression = log(numerator) - log(denominator)
        return expand_log(expression)

    def _exp(self, expression):
        """exp(a + b) = exp(a) exp(b), and exp(a log x) = x^a for positive x."""
        result = S.One
        for term in Add.make_args(expand(expression.args[0])):
            logs = [f for f in Mul.make_args(term) if isinstance(f, log) and is_positive(f.args[0])]
            if len(logs) == 1:
                result *= self._power(Pow(logs[0].args[0], term / logs[0]))
            else:
                result *= exp(term)
        return result

    def _power(self, expression):
        """Positive factors of a base have the power each; a sum of exponents is a product."""
        if not expression.is_Pow:
            return self.reduce(expression)
        base, power = expression.args
        if power.is_Integer and not base.is_Pow:
            return expression
        if base.is_Add:
            numerator, denominator = as_fraction(base)
            if denominator != 1 and is_positive(denominator):
                return self._power(numerator**power) * self._power(denominator ** (-power))
        power = expand(power)
        if power.is_Add and self._is_surely_positive(base):
            return Mul(*(expand_power_base(Pow(base, term)) for term in power.args))
        return expand_power_exp(expand_power_base(Pow(base, power)))

    def _is_surely_positive(self, base):
        """Whether a number is positive; a sum of positive terms exceeds one of them."""
        if is_positive(base):
            return True
        for whole in base.atoms(Sum):
            (index, lower, size), *more = whole.limits
            if more or (lower, size) != (1, K) or not is_positive(whole.function):
                continue
            for place in base.free_symbols - {K}:
                if place.is_integer and place not in RANGES and self.is_in_range(place, K):
                    one = whole.function.xreplace({index: place})
                    if is_positive(expand(base.xreplace({whole: one + Dummy(positive=True)}))):
                        return True
        return False

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

    def _gamma(self, expression):
        """gamma(x + 1) = x gamma(x) for positive x, and gamma(n) = (n - 1)!."""
        (number,) = expression.args
        if (number - K).is_Integer:
            return self._factorial(factorial(number - 1))
        steps, rest = number.as_coeff_Add()
        if not (steps.is_Integer and 0 < steps < LARGE and is_positive(rest)):
            return expression
        because("gamma(x + 1) = x gamma(x)")
        return Mul(*(rest + step for step in range(steps))) * gamma(rest)


def _of_exponentials(gap):
    """exp(a) - exp(b) lies on the side of a - b."""
    terms = Add.make_args(gap)
    if len(terms) != 2:
        return gap
    logs = [expand_log(log(term if is_positive(term) else -term)) for term in terms]
    if any(one.has(log) for one in logs) or is_positive(terms[0]) == is_positive(terms[1]):
        return gap
    if not all(is_positive(term) or is_positive(-term) for term in terms):
        return gap
    return expand((logs[0] - logs[1]) * (1 if is_positive(terms[0]) else -1))


def expand_in(variable, expression):
    """Expanded, but for the denominators that do not depend on the variable."""
    constants = {
        part: Dummy()
        for part in expression.atoms(Pow)
        if not part.has(variable) and part.exp.is_negative
    }
    names = {dummy: part for part, dummy in constants.items()}
    return expand(expression.xreplace(constants)).xreplace(names)
