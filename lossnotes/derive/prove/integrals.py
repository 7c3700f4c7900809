"""Integrals that can be carried out: by an antiderivative that the reduction itself confirms.

An integral is split where a kink is; that below a Gaussian, times any power, is known.
"""

from functools import lru_cache

from sympy import (
    Add,
    Dummy,
    Function,
    Integral,
    Max,
    Min,
    Mul,
    Piecewise,
    Poly,
    Pow,
    Rational,
    S,
    Symbol,
    exp,
    expand,
    factor,
    gamma,
    integrate,
    log,
    oo,
    powsimp,
)

from lossnotes.derive.prove.reduce import Reduction
from lossnotes.derive.prove.signs import is_continuous, is_nonnegative, is_nonzero, is_positive
from lossnotes.derive.prove.unfold import KNOWN, RANGES, side, unfold
from lossnotes.derive.prove.zero import is_zero
from lossnotes.derive.why import because

LONG = 30  # operations of a sum whose factors are not looked for


class Integration(Reduction):
    """The normal form in which the integrals are carried out that can be."""

    def _integral_of_term(self, term, variable, lower, upper):
        outside, inside = term.as_independent(variable, as_Add=False)
        kink = _kink_between(inside, variable, lower, upper)
        if kink is not None:
            return outside * self._on_both_sides(inside, variable, lower, upper, *kink)
        if (area := _gaussian(inside, variable, lower, upper)) is not None:
            because("the Gaussian integral")
            return outside * self.reduce(area)
        for whole in (antiderivative(inside, variable), *by_substitution(inside, variable)):
            if whole is not None and self._is_antiderivative(whole, inside, variable):
                because("an antiderivative, whose slope is the integrand")
                return outside * self.reduce(
                    at(whole, variable, upper) - at(whole, variable, lower)
                )
        return super()._integral_of_term(term, variable, lower, upper)

    def _on_both_sides(self, inside, variable, lower, upper, kink, place, rises):
        """The integral up to where a gap is zero, and from there on."""
        because("the integral is split at the kink")
        parts = [
            (inside.xreplace({kink: -rises}), lower, place),
            (inside.xreplace({kink: rises}), place, upper),
        ]
        return Add(*(self._integral(Integral(part, (variable, *ends))) for part, *ends in parts))

    def _is_antiderivative(self, whole, integrand, variable):
        """SymPy is not trusted: the slope must be the integrand, and there must be no pole."""
        inside = {variable: Dummy("x", real=True, positive=variable.is_nonnegative)}
        slope = self.reduce(whole.xreplace(inside).diff(inside[variable]))
        return is_continuous(whole, variable) and is_zero(
            slope - self.reduce(integrand.xreplace(inside))
        )


def _kink_between(integrand, variable, lower, upper):
    """(kink, place, side beyond it) for a gap that is zero once; the place is one of the interval.

    It is the nearer end where the gap is zero outside.
    """
    if lower == oo or upper == -oo:
        return None
    if not (lower == -oo or upper == oo or is_nonnegative(upper - lower)):
        return None
    for kink in sorted(integrand.atoms(side), key=str):
        (gap,) = kink.args
        speed = gap.diff(variable)
        if speed.has(variable) or not is_nonzero(speed) or gap.has(side):
            continue
        place = expand(variable - gap / speed)
        if place.has(variable):
            continue
        ends = [end for end in (lower, upper) if end.is_finite]
        if lower.is_finite and not is_nonnegative(place - lower):
            place = unfold(Max(lower, place)) if len(ends) == 1 else None
        if place is None or (upper.is_finite and not is_nonnegative(upper - place)):
            first = variable - gap / speed if place is None else place
            place = unfold(Max(lower, Min(upper, expand(first))))
        return kink, place, S.One if is_positive(speed) else S.NegativeOne
    return None


def _gaussian(integrand, variable, lower, upper):
    """The area below x^k exp(-a x^2 + b x + c), a > 0, over all numbers; or over the positive."""
    exponents = [f.args[0] for f in Mul.make_args(integrand) if isinstance(f, exp)]
    exponent = expand(Add(*exponents))
    rest = integrand / Mul(*map(exp, exponents))
    if upper != oo or lower not in (-oo, S.Zero) or not rest.is_polynomial(variable):
        return None
    if not exponent.is_polynomial(variable) or exponent.diff(variable, 3) != 0:
        return None
    a = -exponent.diff(variable, 2) / 2
    if a.has(variable) or not is_positive(a):
        return None
    b, c = (exponent.diff(variable, order).xreplace({variable: S.Zero}) for order in (1, 0))
    if b != 0 and lower == 0:
        return None
    shifted = Poly(rest.xreplace({variable: variable + b / (2 * a)}), variable)
    moments = (
        factor * gamma(Rational(power + 1, 2)) / a ** Rational(power + 1, 2)
        for (power,), factor in shifted.terms()
        if lower == 0 or power % 2 == 0
    )
    return Add(*moments) * exp(c + b**2 / (4 * a)) / (2 if lower == 0 else 1)


def _factored_power(part):
    """A power of a sum as powers of its factors."""
    return factor(part.base) ** part.exp if part.count_ops() < LONG else part


def by_substitution(integrand, variable):
    """f'(x) exp(f(x)) is the slope of exp(f(x)), and f'(x) f(x)^n that of a power of f(x)."""
    sums = [part for part in integrand.atoms(Pow) if part.exp.is_negative and part.base.is_Add]
    if sums:
        integrand = powsimp(integrand.xreplace({part: _factored_power(part) for part in sums}))
    for part in Mul.make_args(integrand):
        base, power = part.as_base_exp()
        if isinstance(part, exp):
            inner, whole = part.args[0], part
        elif not power.has(variable) and base.has(variable):
            inner, whole = base, log(base) if power == -1 else base ** (power + 1) / (power + 1)
        else:
            continue
        scale = integrand / whole.diff(variable)
        if inner != variable and not scale.has(variable) and not scale.free_symbols & RANGES.keys():
            yield scale * whole


def antiderivative(integrand, variable):
    """What SymPy finds for powers, exponentials and logarithms of polynomials, or None.

    The rates of exponentials are given names, so that SymPy need not ask which of them vanish. One
    that is zero where two classes of a sum coincide is none that can be divided by.
    """
    integrand = powsimp(integrand, combine="exp")
    rates, named = {}, {}
    for part in integrand.atoms(exp):
        rate = expand(part.args[0]).coeff(variable)
        rest = expand(part.args[0] - rate * variable)
        if rest.has(variable) or (rate.free_symbols & RANGES.keys() and not is_positive(rate)):
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


def at(expression, variable, place):
    """The expression at a place; 0 to a positive power is 0.

    Far out what falls exponentially is zero, and so is any power times it.
    """
    if place in (oo, -oo):
        terms = Add.make_args(expand(expression))
        expression = Add(*(term for term in terms if not _falls(term, variable, place)))
    there = expression.xreplace({variable: place})
    zeros = (part for part in there.atoms(Pow) if part.base == 0 and is_positive(part.exp))
    return there.xreplace(dict.fromkeys(zeros, S.Zero))


def _falls(term, variable, place):
    """Whether a term is x^k exp(-a x^n ...) with a positive rate a towards an end."""
    exponents = [f.args[0] for f in Mul.make_args(term) if isinstance(f, exp)]
    exponent = Add(*exponents)
    rest = term / Mul(*map(exp, exponents))
    if not (rest.is_polynomial(variable) and exponent.is_polynomial(variable)):
        return False
    if not exponent.has(variable):
        return False
    towards = Poly(exponent.xreplace({variable: variable * (1 if place == oo else -1)}), variable)
    return is_positive(-towards.LC())


def integrands_vanish(numerator, atoms):
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
        is_zero(Reduction().reduce(Add(*terms).xreplace(names))) for terms in ranges.values()
    )
