"""How formulas are set: as SymPy sets them, with the weight before the logarithm."""

from sympy import Function, Indexed, Mul, Symbol
from sympy.printing.latex import LatexPrinter


class Printer(LatexPrinter):
    """SymPy's LaTeX, with the factors of a product in the order of print: 2 q_i log p_i."""

    def _print_Mul(self, product):
        factors = product.as_ordered_factors()
        if all(factor.is_Number or isinstance(factor, PLAIN) for factor in factors):
            ordered = sorted(factors, key=_rank)
            before, self._settings["order"] = self._settings["order"], "none"
            printed = super()._print_Mul(Mul(*ordered, evaluate=False))
            self._settings["order"] = before
            return printed
        return super()._print_Mul(product)


PLAIN = (Symbol, Indexed, Function)


def _rank(factor):
    return 0 if factor.is_Number else 1 if isinstance(factor, (Symbol, Indexed)) else 2


def latex(expression):
    return Printer().doprint(expression)
