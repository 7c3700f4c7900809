"""One numerator and one denominator, and the factors of what has none.

SymPy's `together` and `factor_list` look for denominators long where there are none.
"""

from sympy import Add, Mul, Poly, Pow, Rational, S, exp, factor_list, fraction, together


def as_fraction(expression):
    """The numerator and the denominator, without what they have in common."""
    plain = (part.is_Integer or part.is_Pow for part in expression.atoms(Pow, Rational))
    if all(plain) and is_whole(expression):
        return expression, S.One
    return fraction(together(expression))


def factored(polynomial):
    """The content and the pairs (factor, power) of a polynomial. Raises PolynomialError."""
    names = sorted(polynomial.free_symbols, key=str)
    if polynomial.is_Add and names and polynomial.is_polynomial(*names):
        poly = Poly(polynomial, *names)
        if poly.domain.is_ZZ or poly.domain.is_QQ:
            content, factors = poly.factor_list()
            return content, [(factor.as_expr(), power) for factor, power in factors]
    return factor_list(polynomial)


def numerator(expression):
    """What remains of an expression times all that it divides by; nothing is factored."""
    return _quotient(expression)[0]


def is_whole(expression):
    """Whether an expression divides by nothing but numbers."""
    return not _quotient(expression)[1]


def _quotient(expression):
    """The numerator, and the denominator as {base: power}."""
    if expression.is_Add:
        parts = [_quotient(term) for term in expression.args]
        common = {}
        for _, below in parts:
            for base, power in below.items():
                common[base] = max(power, common.get(base, power))
        if not common:
            return expression, common
        return Add(*(Mul(above, _product(common, below)) for above, below in parts)), common
    if expression.is_Mul:
        parts = [_quotient(factor) for factor in expression.args]
        whole = {}
        for _, below in parts:
            for base, power in below.items():
                whole[base] = whole.get(base, 0) + power
        return (Mul(*(above for above, _ in parts)), whole) if whole else (expression, whole)
    if isinstance(expression, exp):
        rate = expression.args[0].as_coeff_Mul()[0]
        return (S.One, {1 / expression: 1}) if rate.is_negative else (expression, {})
    if not expression.is_Pow:
        return expression, {}
    base, power = expression.args
    if not power.is_Integer:
        negative = power.as_coeff_Mul()[0].is_negative
        return (S.One, {1 / expression: 1}) if negative else (expression, {})
    above, below = _quotient(base)
    if power < 0:
        return _product(below, {}) ** -power, {above: -power}
    return above**power, {base: power * inner for base, inner in below.items()}


def _product(powers, less):
    return Mul(*(base ** (power - less.get(base, 0)) for base, power in powers.items()))
