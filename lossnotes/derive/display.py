"""How formulas are set: by SymPy's printer, in the order and with the signs of a textbook."""

from sympy import Add, Function, Indexed, KroneckerDelta, Mul, Number, Symbol, UnevaluatedExpr
from sympy.printing.latex import LatexPrinter

from lossnotes.derive.symbols import Entry, Mean, Quantity, VectorQuantity


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

    def _needs_add_brackets(self, term):
        inside = _inside(term)
        negative = inside != term and inside.could_extract_minus_sign()
        return negative or super()._needs_add_brackets(inside)

    def _needs_mul_brackets(self, factor, first=False, last=False):
        return super()._needs_mul_brackets(_inside(factor), first, last)

    def _in_this_order(self, print_, expression, **settings):
        before = self._settings.copy()
        self._settings |= {"order": "none"} | settings
        printed = print_(expression)
        self._settings = before
        return printed

    def _print_log(self, logarithm, exp=None):
        argument = logarithm.args[0]
        if exp is None and isinstance(argument, (Symbol, Indexed, Entry, Mean)):
            return rf"\log {self._print(argument)}"
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


def _inside(expression):
    return expression.args[0] if isinstance(expression, UnevaluatedExpr) else expression


def _rank(factor):
    """Numbers, symbols, sums of these such as 1 - epsilon, functions, other sums."""
    if factor.is_Add and not factor.atoms(Function, Indexed):
        return 1.5
    kinds = (Number, (Symbol, Indexed), KroneckerDelta, Function, Add)
    return next(rank for rank, kind in enumerate(kinds) if isinstance(factor, kind))


def latex(expression):
    return Printer().doprint(expression)
