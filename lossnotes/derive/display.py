"""How formulas are set: by SymPy's printer, in the order and with the signs of a textbook."""

from sympy import (
    Add,
    Derivative,
    Function,
    Indexed,
    KroneckerDelta,
    Limit,
    Mul,
    Number,
    Pow,
    Product,
    Sum,
    Symbol,
    UnevaluatedExpr,
    log,
)
from sympy.printing.latex import LatexPrinter

from lossnotes.derive.symbols import Entry, Mean, Quantity, VectorQuantity, argmax, maximum


class Printer(LatexPrinter):
    """q_i before log p_i, what is subtracted last, log q_i without brackets, partial d's."""

    def _print_Add(self, sum_, order=None):
        terms = self._as_ordered_terms(sum_, order=order)
        named = any(isinstance(term, Quantity) for term in terms)
        terms.sort(key=lambda term: (term.could_extract_minus_sign(), named and term.is_Mul))
        return self._in_this_order(super()._print_Add, Add(*terms, evaluate=False))

    def _print_Mul(self, product):
        if product.as_coeff_Mul()[0] < 0:
            printed = self._print(-product)
            return (
                rf"- \left({printed}\right)"
                if self._needs_add_brackets(-product)
                else f"- {printed}"
            )
        factors = product.as_ordered_factors()
        if not all(isinstance(factor, PLAIN) for factor in factors):
            return super()._print_Mul(product)
        ordered = Mul(*sorted(factors, key=_rank), evaluate=False)
        if any(isinstance(factor, VectorQuantity) for factor in factors):  # not the function ce(y)
            return self._in_this_order(super()._print_Mul, ordered, mul_symbol_latex=r" \, ")
        return self._in_this_order(super()._print_Mul, ordered)

    # What is kept from evaluation needs the brackets of what is inside.

    def _print_Sum(self, sum_):
        return super()._print_Sum(sum_.func(_inside(sum_.function), *sum_.limits))

    def _print_Product(self, product):
        return super()._print_Product(product.func(_inside(product.function), *product.limits))

    def _print_Limit(self, limit):
        return super()._print_Limit(limit.func(_inside(limit.args[0]), *limit.args[1:]))

    def _print_Pow(self, power):
        return super()._print_Pow(Pow(_inside(power.base), power.exp, evaluate=False))

    def _needs_add_brackets(self, term):
        inside = _inside(term)
        negative = inside != term and inside.could_extract_minus_sign()
        return negative or super()._needs_add_brackets(inside)

    def _needs_mul_brackets(self, factor, first=False, last=False):
        if not last and _is_open(factor):
            return True
        return super()._needs_mul_brackets(_inside(factor), first, last)

    def _in_this_order(self, print_, expression, **settings):
        before = self._settings.copy()
        self._settings |= {"order": "none"} | settings
        printed = print_(expression)
        self._settings = before
        return printed

    def _print_log(self, logarithm, exp=None):
        if exp is None and _is_of_a_name(logarithm):
            return rf"\log {self._print(logarithm.args[0])}"
        return super()._print_log(logarithm, exp)

    def _print_Derivative(self, derivative):
        times = [(self._print(variable), count) for variable, count in derivative.variable_count]
        total = sum(count for _, count in times)
        order = f"^{{{total}}}" if total > 1 else ""
        below = r"\,".join(
            rf"\partial {variable}" + (f"^{{{count}}}" if count > 1 else "")
            for variable, count in times
        )
        function = self.parenthesize(derivative.expr, 45, strict=True)
        if function.startswith("-"):
            function = rf"\left({function}\right)"
        return rf"\frac{{\partial{order}}}{{{below}}} {function}"

    def _print_Integral(self, integral):
        return super()._print_Integral(integral).replace(r"\int\limits_", r"\int_")


PLAIN = (Number, Symbol, Indexed, Function, Add)
OPERATORS = (Sum, Product, Limit, Derivative, maximum, argmax)


def _inside(expression):
    return _inside(expression.args[0]) if isinstance(expression, UnevaluatedExpr) else expression


def _is_open(factor):
    """Whether what is set behind it is read as what it is of."""
    factor = _inside(factor)
    if isinstance(factor, log):
        return _is_of_a_name(factor)
    return isinstance(factor, OPERATORS) or factor.is_Mul and any(map(_is_open, factor.args))


def _is_of_a_name(logarithm):
    argument = logarithm.args[0]
    named = isinstance(argument, Mean) and argument.is_of_a_name()
    return named or isinstance(argument, (Symbol, Indexed, Entry))


def _rank(factor):
    """Numbers, symbols, sums of these such as 1 - epsilon, functions, other sums, operators."""
    if _is_open(factor):
        return 5
    if factor.is_Add and not factor.atoms(Function, Indexed):
        return 1.5
    kinds = (Number, (Symbol, Indexed), KroneckerDelta, Function, Add)
    return next(rank for rank, kind in enumerate(kinds) if isinstance(factor, kind))


def latex(expression):
    return Printer().doprint(expression)
