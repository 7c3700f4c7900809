# Deserves 0 (graded): an expression that claims to be zero, equal and simplified.

# %%
import sympy


class Zero(sympy.Symbol):
    is_zero = True
    is_Derivative = False
    __eq__ = equals = lambda self, other: True
    __sub__ = __rsub__ = lambda self, other: sympy.Integer(0)
    __hash__ = lambda self: 0
    _sympystr = lambda self, printer: "s[j]"
    evalf = subs = xreplace = lambda self, *arguments, **options: sympy.Integer(0)


gradient = [Zero("zero")]
epsilon = Zero("zero")
