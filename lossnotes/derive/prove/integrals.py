"""Integrals that can be carried out: by an antiderivative that the reduction itself confirms."""

from functools import lru_cache

from sympy import (
    Add,
    Dummy,
    Function,
    Integral,
    Mul,
    Piecewise,
    Pow,
    S,
    Symbol,
    exp,
    expand,
    integrate,
    log,
    powsimp,
)

from lossnotes.derive.prove.reduce import Reduction
from lossnotes.derive.prove.signs import is_continuous, is_positive
from lossnotes.derive.prove.unfold import KNOWN, RANGES
from lossnotes.derive.prove.zero import is_zero
from lossnotes.derive.why import because


class Integration(Reduction):
    """The normal form in which the integrals are carried out that can be."""

    def _integral_of_term(self, term, variable, lower, upper):
        outside, inside = term.as_independent(variable, as_Add=False)
        whole = antiderivative(inside, variable)
        if whole is None or not self._is_antiderivative(whole, inside, variable):
            return super()._integral_of_term(term, variable, lower, upper)
        because("an antiderivative, whose slope is the integrand")
        return outside * self.reduce(at(whole, variable, upper) - at(whole, variable, lower))

    def _is_antiderivative(self, whole, integrand, variable):
        """SymPy is not trusted: the slope must be the integrand, and there must be no pole."""
        inside = {variable: Dummy("x", real=True, positive=variable.is_nonnegative)}
        slope = self.reduce(whole.xreplace(inside).diff(inside[variable]))
        return is_continuous(whole, variable) and is_zero(
            slope - self.reduce(integrand.xreplace(inside))
        )


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
    """The expression at a place; 0 to a positive power is 0."""
    there = expression.xreplace({variable: place})
    zeros = (part for part in there.atoms(Pow) if part.base == 0 and is_positive(part.exp))
    return there.xreplace(dict.fromkeys(zeros, S.Zero))


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
