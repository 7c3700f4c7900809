"""Formulas as text, read by a whitelist of names and never by `eval`; and written as text.

    parse("exp(s[j])/Sum(exp(s[i]), (i, 1, K)) - delta(j, y)")

What is read is small enough to be judged: a text that would keep SymPy busy, such as 9**9**9, is
refused before SymPy sees it. Decimal numbers are exact: 2.37 is 237/100, and 0.333333333333333,
which is all that is left of a third once Python has divided, is 1/3.
"""

import ast
import difflib
import math
import re
from fractions import Fraction
from functools import lru_cache
from math import comb, prod

from sympy import (
    Abs,
    Add,
    Derivative,
    E,
    Expr,
    Heaviside,
    I,
    Indexed,
    IndexedBase,
    Integer,
    Integral,
    KroneckerDelta,
    Max,
    Min,
    Mul,
    NumberSymbol,
    Pow,
    Rational,
    Sum,
    Symbol,
    Tuple,
    UnevaluatedExpr,
    cos,
    cosh,
    exp,
    factorial,
    log,
    nan,
    oo,
    pi,
    preorder_traversal,
    sin,
    sinh,
    sqrt,
    tan,
    tanh,
    zoo,
)
from sympy.calculus.accumulationbounds import AccumBounds
from sympy.printing.str import StrPrinter

from lossnotes.derive import symbols
from lossnotes.derive.symbols import (
    Classes,
    Complement,
    Entry,
    K,
    Others,
    VectorQuantity,
    argmax,
    entry,
    margin_loss,
)

LENGTH = 20_000  # characters
DEPTH = 60  # parts within parts
NODES = 2_000  # names, numbers and operations
CHAIN = 700  # operations each of which has to do with the result of the one before
DIGITS = 40  # of one number
BITS = 1_000  # of a number that is computed
POWER = 100  # the largest number as an exponent
ORDER = 4  # of a derivative
WORK = 400_000  # operations to compute one value
TERMS = 10_000  # when everything is multiplied out
KINKS = 4  # different Max, Min, Abs, Heaviside
CLASSES = 5  # different classes in deltas
SAMPLE = 7  # the number of classes at which the work is estimated

NUMBER = re.compile(r"(\d*)\.?(\d*)(?:[eE]([+-]?\d+))?")
SYNTAX = re.compile(r"[^\w\s]|\b(?:if|else|not|and|or|in|is|for|lambda)\b")
OPENING, CLOSING = "([{", ")]}"
FREE = {name: getattr(symbols, name) for name in "i j k y s eta lam q p c h epsilon A K".split()}
CONSTANTS = {"pi": pi, "E": E, "I": I, "oo": oo}

# What each function takes: v a vector, n a number, c a class, a set of classes A, or "v|c" either;
# "*" repeats the last. What comes out is a number unless it is one of VECTORS.
FUNCTIONS = {
    "exp": (exp, "e"),
    "log": (log, "e n?"),
    "ln": (log, "e"),
    "sqrt": (sqrt, "e"),
    "sigmoid": (lambda x: 1 / (1 + exp(-x)), "e"),
    "sin": (sin, "e"),
    "cos": (cos, "e"),
    "tan": (tan, "e"),
    "sinh": (sinh, "e"),
    "cosh": (cosh, "e"),
    "tanh": (tanh, "e"),
    "Abs": (Abs, "e"),
    "abs": (Abs, "e"),
    "Heaviside": (Heaviside, "n n?"),
    "Max": (Max, "n n*"),
    "max": (Max, "n n*"),
    "Min": (Min, "n n*"),
    "min": (Min, "n n*"),
    "factorial": (factorial, "n"),
    "UnevaluatedExpr": (UnevaluatedExpr, "n"),
    "Rational": (lambda a, b=1: a / b, "n n?"),
    "delta": (KroneckerDelta, "c c"),
    "KroneckerDelta": (KroneckerDelta, "c c"),
    "Others": (Others, "c"),
    "Complement": (Complement, "A"),
    "LSE": (symbols.LSE, "v"),
    "softmax": (symbols.softmax, "v"),
    "one_hot": (symbols.one_hot, "c"),
    "smooth": (symbols.smooth, "c n"),
    "smooth_others": (symbols.smooth_others, "c n"),
    "AM": (symbols.AM, "v"),
    "GM": (symbols.GM, "v"),
    "entropy": (symbols.entropy, "v"),
    "KL": (symbols.KL, "v|n v|n"),
    "CE": (symbols.CE, "v|n v|n"),
    "expectation": (symbols.expectation, "v v"),
    "log_loss": (symbols.log_loss, "v v|c"),
    "maximum": (symbols.maximum, "v A?"),
    "argmax": (symbols.argmax, "v A?"),
    "margin": (symbols.margin, "v A|c"),
    "margin_loss": (symbols.margin_loss, "v A|c"),
    "normalizer": (symbols.normalizer, "n n*"),
    "mean": (symbols.mean, "n n*"),
    "divided_difference": (symbols.divided_difference, "n n*"),
}
CALCULUS = {
    "Sum": Sum,
    "Integral": Integral,
    "integrate": Integral,
    "Derivative": Derivative,
    "diff": Derivative,
}
LETTERS = {"τ": "tau", "λ": "lam", "η": "eta", "ε": "epsilon", "ϵ": "epsilon", "π": "pi"}
LETTERS |= {"α": "alpha", "β": "beta", "γ": "gamma", "κ": "kappa", "μ": "mu", "ν": "nu", "ρ": "rho"}
MINUS, TIMES, OVER, NOTHING = "−–", "·⋅×∗", "÷∕", "\u200b\u2060\ufeff"
OF_PAGES = {MINUS: "-", TIMES: "*", OVER: "/", NOTHING: ""}  # what is copied from there
SIGNS = str.maketrans(
    {sign: plain for signs, plain in OF_PAGES.items() for sign in signs} | LETTERS
)
RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")  # as a phone types a square
WORDS = {
    "v": "a vector",
    "n": "a number",
    "e": "a number",
    "c": "a class",
    "A": "a set of classes",
}


MEANINGLESS = (TypeError, ValueError, AttributeError, ArithmeticError, LookupError, RecursionError)


class ExpressionError(ValueError):
    """A text that is no formula, or none that can be judged; the message says where and why."""


def parse(text, names=None, vector=False):
    """The SymPy expression that a text stands for; `names` adds to the book's symbols.

    It is a number, unless a whole `vector` is welcome.
    Raises ExpressionError for anything else, and for what is too large to be judged.
    """
    return _parse(text, tuple(sorted((names or {}).items(), key=lambda item: item[0])), vector)


@lru_cache(4096)
def _parse(text, names, vector):
    source = _source(text)
    tree = _tree(source)
    if sum(1 for _ in ast.walk(tree)) > 3 * NODES:
        raise ExpressionError(f"the formula is too long: at most {NODES} names and operations")
    read = Reader(source).any if vector else Reader(source).scalar
    expression = read(tree, FREE | CONSTANTS | dict(names), 0)
    _refuse_the_unwieldy(expression)
    return expression


def syntax(text):
    """The syntax tree of a formula, before SymPy simplifies it. Raises ExpressionError."""
    return _tree(_source(text))


def uncommented(text):
    """The text without remarks, and without the ends of lines that go on."""
    return re.sub(r"#.*|\\\n", " ", text)


def _source(text):
    """What is read of a text: one line, in the signs of Python."""
    if len(text) > LENGTH:
        raise ExpressionError(f"{len(text)} characters are too many: at most {LENGTH} are read")
    said = uncommented(text)
    if re.search(r"\S\s*\n\s*[<>=≤≥]", said):
        raise ExpressionError(
            "there are several lines in one text: write each as a text of its own in the list"
        )
    one_line = " ".join(said.split())
    source = re.sub(r"\blambda\b", "lam", one_line.translate(SIGNS))
    source = re.sub("[⁰¹²³⁴-⁹]+", lambda found: f"**{found[0].translate(RAISED)}", source)
    if not source:
        raise ExpressionError("there is no formula")
    return source


def _tree(source):
    if _is_too_deep(source):
        raise ExpressionError(
            f"the formula is too long, or nested too deeply: at most {CHAIN} operations in a row"
        )
    try:
        return ast.parse(source, mode="eval").body
    except SyntaxError as error:
        raise ExpressionError(f"{_place(source, error)}{_advice(source)}") from None
    except (ValueError, RecursionError, MemoryError):
        raise ExpressionError("this is no formula, or it is nested too deeply") from None


def _is_too_deep(source):
    """Whether the syntax tree may be too deep: Python in a page ends where its stack does."""
    rows = [0]  # operations so far, in each bracket that is open
    for sign in SYNTAX.findall(source):
        if sign == ",":
            rows[-1] = 0
        elif sign not in CLOSING:
            rows[-1] += 1
            if sign in OPENING:
                rows.append(0)
            if sum(rows) > CHAIN:
                return True
        elif len(rows) > 1:
            rows.pop()
    return False


def _place(source, error):
    column = max(0, (error.offset or 1) - 1)
    return f"this cannot be read at {_shortened(source[column:]) or 'its end'!r}"


def _advice(source):
    """What to do about a text that is no formula."""
    if re.search(r"\\[A-Za-z]+|\^\{|_\{|\$", source):
        example = "exp(s[j])/Sum(exp(s[i]), (i, 1, K))"
        return f": this looks like LaTeX; a formula is written as in {example}"
    if match := re.search(r"([A-Za-z]\w*(?:\([^()]*\)))_(\w+)", source):
        return f": an entry is written {match[1]}[{match[2]}]"
    if re.search(r"[A-Za-z]{2,}\s+[A-Za-z]{2,}\s+[A-Za-z]{2,}", source) or source.endswith("."):
        return ": these are words; a remark is written after a #"
    if re.search(r"(?<![<>=])=(?!=)", source):
        return ": write only what comes after the equals sign"
    if re.search(r"\d[A-Za-z(]|[)\w]\s+[\w(]|\)[\w(]", source):
        return ": write a '*' for every product"
    return ""


def _shortened(text, length=40):
    return text if len(text) <= length else text[: length - 3] + "..."


class Reader:
    """Reads a syntax tree. What is read is a pair of the expression and its kind."""

    def __init__(self, source):
        self.source = source

    def refuse(self, node, why):
        raise ExpressionError(f"{_shortened(ast.get_source_segment(self.source, node))!r} {why}")

    def any(self, node, names, depth):
        return self.read(node, names, depth)[0]

    def scalar(self, node, names, depth):
        expression, kind = self.read(node, names, depth)
        if kind == "v":
            self.refuse(node, "is a whole vector; write one entry of it, such as s[j]")
        if kind == "A":
            self.refuse(node, "is a set of classes and no number")
        return expression

    def read(self, node, names, depth):
        if depth > DEPTH:
            raise ExpressionError("the formula is nested too deeply")
        read = getattr(self, f"_{type(node).__name__}", None)
        if read is None:
            self.refuse(node, _why_not(node))
        try:
            expression, kind = read(node, names, depth + 1)
            if kind == "n" and expression.is_number:
                _refuse_large(expression)
        except OverflowError:
            self.refuse(node, "is too large a number, or too small a one")
        except MEANINGLESS as error:
            if isinstance(error, ExpressionError):
                raise
            self.refuse(node, f"has no meaning: {error}")
        if expression in (nan, zoo) or isinstance(expression, AccumBounds):
            self.refuse(node, "has no value")
        return expression, kind

    def _Constant(self, node, names, depth):
        literal = ast.get_source_segment(self.source, node).replace("_", "")
        match = NUMBER.fullmatch(literal)
        if not match or type(node.value) not in (int, float):
            self.refuse(node, "is no real number")
        whole, part, power = match.groups()
        if len(whole + part) > DIGITS or abs(int(power or 0)) > 10 * DIGITS:
            self.refuse(node, f"has too many digits: at most {DIGITS} are read")
        return _exact(Fraction(literal), whole + part), "n"

    def _Name(self, node, names, depth):
        if node.id in names:
            return names[node.id], _kind(names[node.id])
        if node.id in FUNCTIONS or node.id in CALCULUS:
            self.refuse(node, f"needs its arguments, {node.id}(...)")
        base, _, index = node.id.partition("_")
        if base in FUNCTIONS:
            self.refuse(node, f"is no name here; a function is written {base}(...)")
        if base in names:
            self.refuse(node, f"is no name here; an entry is written {base}[{index}]")
        known = ", ".join(sorted(set(names) - set(CONSTANTS)))
        close = difflib.get_close_matches(node.id, [*names, *FUNCTIONS], 1)
        meant = f"; did you mean {close[0]}?" if close else ""
        self.refuse(node, f"is no name here{meant}; known are {known}, and the book's functions")

    def _UnaryOp(self, node, names, depth):
        expression, kind = self.read(node.operand, names, depth)
        if isinstance(node.op, ast.Invert) and kind == "A":
            return Complement(expression), "A"
        if isinstance(node.op, (ast.USub, ast.UAdd)) and kind != "A":
            return (-expression if isinstance(node.op, ast.USub) else expression), kind
        self.refuse(node, "is no operation of formulas")

    def _BinOp(self, node, names, depth):
        parts, kinds = [], []
        while isinstance(node, ast.BinOp):  # a long sum is deep in the tree, to the left
            right, kind = self.read(node.right, names, depth)
            parts.append((node, right))
            kinds.append(kind)
            node = node.left
        expression, kind = self.read(node, names, depth)
        kinds.append(kind)
        if "A" in kinds:
            self.refuse(node, "is a set of classes and no number")
        for operation, right in reversed(parts):
            expression = self._operate(operation, expression, right)
        return expression, "v" if "v" in kinds else "n"

    def _operate(self, node, left, right):
        if any(isinstance(side, Tuple) for side in (left, right)):
            self.refuse(node, "calculates with a list; write its entries")
        if isinstance(node.op, ast.Add):
            return left + right
        if isinstance(node.op, ast.Sub):
            return left - right
        if isinstance(node.op, ast.Mult):
            return left * right
        if isinstance(node.op, ast.Div):
            if right == 0:
                self.refuse(node, "divides by zero")
            return left / right
        if isinstance(node.op, ast.Pow):
            return self._power(node, left, right)
        if isinstance(node.op, ast.BitXor):
            self.refuse(node, "is no power; a power is written with '**'")
        self.refuse(node, "is no operation of formulas")

    def _power(self, node, base, exponent):
        if exponent.is_number and not (exponent.is_real and abs(exponent) <= POWER):
            self.refuse(node, f"is too high a power: at most {POWER}")
        if isinstance(base, Rational) and exponent.is_Rational:
            if base == 0 and exponent < 0:
                self.refuse(node, "divides by zero")
            if _bits(base) * abs(exponent) > BITS:
                self.refuse(node, "is too large a number")
        if base == E:
            self._refuse_power_of_logarithm(node, exponent)
        return base**exponent

    def _refuse_power_of_logarithm(self, node, exponent):
        """SymPy makes 7**(10**9) of exp(10**9*log(7)), and writes it out."""
        large = any(abs(number) > POWER for number in exponent.atoms(Rational))
        if large and exponent.has(log):
            self.refuse(node, f"is too high a power: at most {POWER}")

    def _Tuple(self, node, names, depth):
        return Tuple(*(self.scalar(part, names, depth) for part in node.elts)), "v"

    _List = _Tuple

    def _Subscript(self, node, names, depth):
        vector, kind = self.read(node.value, names, depth)
        if kind != "v":
            self.refuse(node.value, "is no vector, and has no entries")
        index = self._class(node.slice, names, depth)
        listed = isinstance(vector, (Tuple, symbols.mean))
        size = len(vector.args)
        if listed and not (index.is_Integer and 1 <= index <= size):
            self.refuse(node, f"has entries with numbers from 1 to {size}")
        return entry(vector, index), "n"

    def _class(self, node, names, depth):
        """A class: an index, a number, one of them moved by a number, an argmax."""
        index = self.scalar(node, names, depth)
        if isinstance(index, argmax) or index.is_Symbol and index.is_integer:
            return index
        shift, rest = index.as_coeff_Add()
        if abs(shift) > 10 * SAMPLE or not shift.is_Integer:
            self.refuse(node, "is no class")
        for term in rest.as_ordered_terms() if rest != 0 else []:
            factor, symbol = term.as_coeff_Mul()
            if not (symbol.is_Symbol and symbol.is_integer and factor in (1, -1, 2, -2)):
                self.refuse(node, "is no class; classes are i, j, k, y, 1, 2, K ...")
        return index

    def _Call(self, node, names, depth):
        if not isinstance(node.func, ast.Name):
            self.refuse(node, _why_not(node.func))
        name = node.func.id
        if node.keywords:
            self.refuse(node, "names its arguments, which have no names here")
        if name in ("Sum", "Integral", "integrate"):
            return self._over(CALCULUS[name], node, names, depth), "n"
        if name in ("Derivative", "diff"):
            return self._derivative(node, names, depth), "n"
        if name in FUNCTIONS and name not in names:
            return self._function(name, node, names, depth)
        if name in names:
            self.refuse(node, f"calls {name}, which is no function; write a '*' for a product")
        if name == "Eq":
            self.refuse(node, "is an equation; write only its right side")
        if name in INSTEAD:
            self.refuse(node, f"is written with a formula such as {INSTEAD[name]}")
        self.refuse(node, f"calls {name}, which is no function here{_known(name, {})}")

    def _function(self, name, node, names, depth):
        function, takes = FUNCTIONS[name]
        takes = takes.split()
        if takes[-1].endswith("*"):
            takes = takes[:-1] + [takes[-1][:-1]] * min(8, len(node.args) - len(takes) + 1)
        least = sum(not kind.endswith("?") for kind in takes)
        if not least <= len(node.args) <= len(takes):
            self.refuse(node, f"should have {least} argument{'s' * (least != 1)}")
        arguments, kinds = [], []
        for part, kind in zip(node.args, takes, strict=False):
            argument, found = self._argument(part, kind.rstrip("?"), names, depth)
            arguments.append(argument)
            kinds.append(found)
        if name == "factorial" and not (arguments[0] - K).is_Integer:
            if not (arguments[0].is_Integer and 0 <= arguments[0] <= POWER):
                self.refuse(
                    node, "is too large; only K - 1, K - 2 ... and small numbers have a factorial"
                )
        if name == "exp":
            self._refuse_power_of_logarithm(node, arguments[0])
        result = function(*arguments)
        if takes[0] == "e":
            return result, kinds[0]
        return result, _kind(result)

    def _argument(self, node, wanted, names, depth):
        if wanted == "c":
            return self._class(node, names, depth), "c"
        argument, kind = self.read(node, names, depth)
        for want in wanted.split("|"):
            if want == kind or want == "e" and kind in "nv":
                return argument, kind
            if want == "c" and kind == "n":
                return self._class(node, names, depth), "c"
        self.refuse(node, f"should be {' or '.join(WORDS[want] for want in wanted.split('|'))}")

    def _over(self, operation, node, names, depth):
        """Sum or Integral. The last range is the outermost, and the others may depend on it."""
        if len(node.args) < 2:
            self.refuse(node, "needs a range, such as (i, 1, K)")
        body, *ranges = node.args
        limits, inner = [], dict(names)
        for limit in reversed(ranges):
            if not isinstance(limit, ast.Tuple) or len(limit.elts) != 3:
                self.refuse(limit, "is no range; a range is written (i, 1, K)")
            name, *ends = limit.elts
            if not isinstance(name, ast.Name):
                self.refuse(name, "is no name for an index")
            read = self._class if operation is Sum else self.scalar
            ends = [read(end, inner, depth) for end in ends]
            known = inner.get(name.id)
            if operation is Sum:
                if not (isinstance(known, Symbol) and known.is_integer and ends[0].is_positive):
                    known = Symbol(name.id, integer=True, positive=ends[0].is_positive or None)
                if _span(ends) > 100:
                    self.refuse(limit, "is too long a range")
            elif (
                not isinstance(known, Symbol)
                or known.is_integer
                or not all(end.is_extended_nonnegative for end in ends)
            ):
                known = Symbol(name.id, real=True)
            inner[name.id] = known
            limits.append((known, *ends))
        inside = self.scalar(body, inner, depth)
        taken = [limit[0] for part in inside.atoms(Integral) for limit in part.limits]
        own = [limit[0] for limit in limits]
        if operation is Integral and (len(set(own)) < len(own) or set(own) & set(taken)):
            self.refuse(node, "integrates by one name twice; choose another for one of them")
        return operation(inside, *reversed(limits))

    def _derivative(self, node, names, depth):
        if len(node.args) < 2:
            self.refuse(node, "does not say by what, as in Derivative(LSE(s), s[j])")
        expression = self.scalar(node.args[0], names, depth)
        variables = []
        for by in node.args[1:]:
            times = 1
            if isinstance(by, ast.Tuple) and len(by.elts) == 2:
                by, count = by.elts
                times = self.scalar(count, names, depth)
            elif isinstance(by, ast.Constant) and variables:  # SymPy's Derivative(f, x, 2)
                variables += variables[-1:] * (min(by.value, ORDER + 1) - 1)
                continue
            variable = self.scalar(by, names, depth)
            if not isinstance(variable, (Indexed, Symbol)) or variable.is_integer:
                self.refuse(by, "is no variable; derivatives are by s[j], p[j], c ...")
            if times not in range(ORDER + 1):
                self.refuse(node, f"is of too high an order, more than {ORDER}")
            variables += [variable] * int(times)
        if len(variables) > ORDER:
            self.refuse(node, f"is of too high an order, more than {ORDER}")
        if any(by.is_Symbol and by not in expression.free_symbols for by in variables):
            return Integer(0)
        return Derivative(expression, *variables)


INSTEAD = {  # of what other libraries call by other names
    "sum": "Sum(s[i], (i, 1, K))",
    "mean": "Sum(s[i], (i, 1, K))/K",
    "average": "Sum(s[i], (i, 1, K))/K",
    "dot": "Sum(p[i]*s[i], (i, 1, K))",
    "log1p": "log(1 + c)",
    "expm1": "exp(c) - 1",
    "log2": "log(c)/log(2)",
    "log10": "log(c)/log(10)",
    "maximum": "Max(0, c)",
    "minimum": "Min(0, c)",
    "amax": "maximum(s)",
    "square": "c**2",
    "power": "c**2",
    "absolute": "Abs(c)",
    "logsumexp": "LSE(s)",
    "logaddexp": "LSE(s)",
    "expit": "sigmoid(c)",
    "eye": "delta(j, y)",
    "heaviside": "Heaviside(c)",
    "where": "Max(0, c)",
    "prod": "exp(Sum(log(p[i]), (i, 1, K)))",
}


def _why_not(node):
    if isinstance(node, ast.Compare):
        return "has a relation, which can only begin a line, as in '<= log(K)'"
    if isinstance(node, ast.Attribute):
        name = node.attr
        if name in INSTEAD:
            return f"is no name here; write a formula such as {INSTEAD[name]}"
        if name in FUNCTIONS or name in CALCULUS or name in CONSTANTS:
            return f"has a point; write {name} alone"
        return f"has a point, and {name} is no name here{_known(name, {})}"
    return "is no part of a formula"


def _known(name, names):
    """What a name may have been meant for, and what functions there are, the usual ones first."""
    every = [*FUNCTIONS, *CALCULUS, *names]
    close = difflib.get_close_matches(name, every, 1)
    usual = "exp, log, sqrt, softmax, LSE, delta, Sum, Derivative, Integral, Max, Abs, Heaviside"
    others = ", ".join(sorted({*FUNCTIONS, *CALCULUS} - {*usual.split(", ")}))
    return f"{f'; did you mean {close[0]}?' if close else ''}; known are {usual}, {others}"


def _kind(thing):
    if isinstance(thing, (Classes, Complement, Others)):
        return "A"
    return "v" if _is_vector(thing) else "n"


def _is_vector(thing):
    if isinstance(thing, (IndexedBase, VectorQuantity, Tuple)):
        return True
    if isinstance(thing, (Indexed, Entry, symbols.ScalarQuantity, argmax, KroneckerDelta)):
        return False
    return any(map(_is_vector, thing.args)) and not isinstance(thing, (Sum, Integral, Derivative))


def _exact(number, digits):
    """The fraction that a decimal stands for; one of 15 digits has been rounded.

    SymPy leaves out zeros at the end of them: two or less, but for one number in a thousand.
    """
    significant = len(digits.lstrip("0"))
    if significant >= 13 and number.denominator > 1:
        simple = number.limit_denominator(10**6)
        if abs(simple - number) <= abs(number) * Fraction(1, 10**14):
            number = simple
    return Rational(number.numerator, number.denominator)


def _refuse_large(number):
    """OverflowError for a number that is too large for a float, such as exp(exp(20)).

    SymPy would spend all its time on the digits of its sine.
    """
    if isinstance(number, Rational):
        if _bits(number) > BITS:
            raise OverflowError
    elif not number.has(oo) and not _float(number):
        raise OverflowError


def _float(number):
    """About the size of a number, in floats."""
    if isinstance(number, (Rational, NumberSymbol)):
        return float(number)
    parts = [_float(part) for part in number.args]
    if isinstance(number, Add):
        return sum(map(abs, parts))
    if isinstance(number, Mul):
        return abs(prod(parts))
    if isinstance(number, exp):
        return math.exp(parts[0])
    if isinstance(number, Pow) and parts[0]:
        return abs(parts[0]) ** parts[1]
    return max(parts, default=1)


def _bits(number):
    return max(int(number.p).bit_length(), int(number.q).bit_length())


def _span(ends):
    """How many terms a sum has where every index and K are seven."""
    lower, upper = (end.xreplace(dict.fromkeys(end.free_symbols, Integer(SAMPLE))) for end in ends)
    return max(int(upper - lower) + 1, 0) if (upper - lower).is_Integer else SAMPLE


def _refuse_the_unwieldy(expression):
    parts = list(preorder_traversal(expression))
    if len(parts) > NODES:
        raise ExpressionError(f"the formula is too long: {len(parts)} names and operations")
    kinks = {part for part in parts if isinstance(part, (Abs, Heaviside, Max, Min, margin_loss))}
    if len(kinks) > KINKS or any(len(kink.args) > KINKS for kink in kinks):
        raise ExpressionError(f"the formula has too many kinks: at most {KINKS}")
    named = {a for part in parts if isinstance(part, (KroneckerDelta, Others)) for a in part.args}
    if len(named) > CLASSES:
        raise ExpressionError(f"the formula singles out too many classes: at most {CLASSES}")
    if _work(expression) > WORK:
        raise ExpressionError("the formula takes too long to compute")
    if any(_terms(part)[0] > TERMS for part in parts if part.is_Add or part.is_Mul or part.is_Pow):
        raise ExpressionError("the formula has too many terms when it is multiplied out")


def _work(expression):
    """About how many operations a value takes: sums have seven terms, quadratures 30 nodes."""
    inner = 1 + sum(map(_work, expression.args))
    if isinstance(expression, Sum):
        return inner * prod(_span(limit[1:]) for limit in expression.limits)
    if isinstance(expression, Integral):
        return inner * 30 ** len(expression.limits)
    if isinstance(expression, Derivative):
        return inner * 10 ** len(expression.variables)
    if isinstance(expression, (symbols.normalizer, symbols.mean)):
        return inner * 30 ** (len(expression.args) - 1)
    if isinstance(expression, symbols.divided_difference):
        return inner * 2 ** len(expression.args)
    if isinstance(expression, (symbols.Quantity, symbols.maximum, argmax)):
        return inner * SAMPLE
    return inner


def _terms(expression):
    """How many terms a numerator has when all is multiplied out, and its denominator's factors."""
    if expression.is_Add:
        counted = [_terms(part) for part in expression.args]
        common = {}
        for _, below in counted:
            for base, power in below.items():
                common[base] = max(power, common.get(base, 0))
        missing = (
            {base: common[base] - below.get(base, 0) for base in common} for _, below in counted
        )
        sizes = (above * _size(rest) for (above, _), rest in zip(counted, missing, strict=True))
        return sum(sizes), common
    if expression.is_Mul:
        total, common = 1, {}
        for above, below in map(_terms, expression.args):
            total *= above
            for base, power in below.items():
                common[base] = common.get(base, 0) + power
        return total, common
    if expression.is_Pow and expression.exp.is_Integer:
        power = int(expression.exp)
        if power < 0:
            return _size(_terms(expression.base)[1]), {expression.base: -power}
        above, below = _terms(expression.base)
        return _power_of(above, power), {base: n * power for base, n in below.items()}
    return 1, {}


def _size(factors):
    return prod(_power_of(_terms(base)[0], power) for base, power in factors.items())


def _power_of(terms, power):
    return comb(terms + power - 1, power) if terms < TERMS else terms


class Printer(StrPrinter):
    """As `str`, but such that `parse` reads it."""

    def _print_Symbol(self, symbol):
        return identifier(symbol.name)

    def _print_KroneckerDelta(self, delta):
        return f"delta({', '.join(map(self._print, delta.args))})"

    def _print_UnevaluatedExpr(self, expression):
        return f"UnevaluatedExpr({self._print(expression.args[0])})"


def mentions(expression, name):
    """Whether a function of this name stands in an expression."""
    return any(type(part).__name__ == name for part in preorder_traversal(expression))


def identifier(name):
    r"""A name that Python can read: lam for lambda, lambda_max for \lambda_{\max}."""
    plain = re.sub(r"\W+", "_", name).strip("_")
    return "lam" if plain == "lambda" else plain


def text(expression):
    """The text of an expression, or of anything else; a text remains as it is."""
    return Printer().doprint(expression) if isinstance(expression, Expr) else str(expression)
