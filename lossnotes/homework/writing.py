"""How a formula is written: as it was typed, because SymPy simplifies what it reads.

The order of terms and factors and the names in sums are no way to write, nor are zeros, ones and
brackets, nor a number in the place of its parameter.
"""

import ast
from collections import Counter
from dataclasses import dataclass
from fractions import Fraction

from lossnotes.derive.expressions import CALCULUS, FUNCTIONS, syntax

MEANT = CALCULUS | {name: function for name, (function, _) in FUNCTIONS.items()}
ONE_NAME = {name: next(n for n, f in MEANT.items() if f is MEANT[name]) for name in MEANT}
UNORDERED = {"delta", "Max", "Min"}
ONE = ast.Constant(1)
OF_THE_BOOK = "the "  # before a name that stands for nothing else


@dataclass(frozen=True)
class Writing:
    """A formula in one text for all that write it alike, with its terms and its factors."""

    text: str
    terms: Counter
    factors: Counter


def writing(text, stands_for):
    """The Writing of a typed formula; `stands_for` are texts in the place of names and numbers."""
    known = {}
    for part, other in stands_for.items():
        known[part] = Meaning(known).visit(syntax(other))
    writer, tree = Writer(known), syntax(text)
    terms = writer.terms(tree, {})
    return Writing(_joined(terms), terms, writer.product(*writer.factors(tree, {}), {}))


class Meaning(ast.NodeTransformer):
    """What a name stands for: names before it are put in, its own is that of the book (s = s/2)."""

    def __init__(self, known):
        self.known = known

    def visit_Name(self, node):
        return self.known.get(node.id) or ast.Name(OF_THE_BOOK + node.id)

    def visit_Call(self, node):
        return ast.Call(node.func, [self.visit(argument) for argument in node.args], [])


class Writer:
    """Writes a syntax tree; `bound` are the names that a sum or an integral has given."""

    def __init__(self, stands_for):
        self.stands_for = stands_for

    def write(self, node, bound):
        return _joined(self.terms(node, bound))

    def terms(self, node, bound):
        """How often each term occurs, a text that begins with its sign."""
        found, left = Counter(), [(1, node)]
        while left:  # a long sum is deep in the tree
            sign, node = left.pop()
            if _is_sum(node):
                other = sign if _is(node, ast.Add) else -sign
                left += [(sign, node.left), (other, node.right)]
                continue
            turned, factors = self.factors(node, bound)
            if [power for power, _ in factors] == [1] and _is_sum(factors[0][1]):
                left.append((sign * turned, factors[0][1]))
            elif not any(_is_number(part, 0) for _, part in factors):
                product = "*".join(sorted(self.product(1, factors, bound).elements()))
                found[("+" if sign * turned > 0 else "-") + (product or "1")] += 1
        return found

    def factors(self, node, bound):
        """The sign of a product, and its parts with 1, or with -1 where they divide.

        A quotient below another remains one, and so does a minus within: to turn them is a step.
        """
        sign, found, left = 1, [], [(1, node)]
        while left:
            power, node = left.pop()
            node = self.meant(node, bound)
            if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
                sign = -sign if _is_minus(node) else sign
                left.append((power, node.operand))
            elif _is(node, ast.Mult) or _is(node, ast.Div) and power == 1:
                second = power if _is(node, ast.Mult) else -1
                (found if _begins_with_minus(node.right) else left).append((second, node.right))
                left.append((power, node.left))
            elif not _is_number(node, 1):
                found.append((power, node))
        return sign, found

    def product(self, sign, factors, bound):
        """How often each factor occurs, as text."""
        texts = (
            self.part(node, bound) if power == 1 else f"1/{self.part(node, bound)}"
            for power, node in factors
        )
        return Counter(texts) + Counter({"(-1)": 1} if sign < 0 else {})

    def meant(self, node, bound):
        """What stands there: a name and a number for something else, and some say no more."""
        if isinstance(node, ast.Name) and node.id not in bound and node.id in self.stands_for:
            return self.stands_for[node.id]
        if isinstance(node, ast.Constant):
            number = Fraction(str(node.value))
            if number in self.stands_for:
                return self.stands_for[number]
            if number.denominator > 1:
                above, below = map(ast.Constant, number.as_integer_ratio())
                return ast.BinOp(above, ast.Div(), below)
        if _is_sum(node) and _is_number(node.right, 0):
            return self.meant(node.left, bound)
        if _is(node, ast.Pow):
            if _is_number(node.right, 1):
                return self.meant(node.left, bound)
            if _is_minus(node.right):
                power = ast.BinOp(node.left, ast.Pow(), node.right.operand)
                return ast.BinOp(ONE, ast.Div(), power)
        if isinstance(node, ast.Call) and node.func.id == "UnevaluatedExpr":
            return self.meant(node.args[0], bound)
        if isinstance(node, ast.Call) and node.func.id == "Rational":
            return ast.BinOp(node.args[0], ast.Div(), (*node.args, ONE)[1])
        return node

    def part(self, node, bound):
        """The text of what is neither a sum nor a product, and of those in brackets."""
        if isinstance(node, ast.Name):
            name = node.id.removeprefix(OF_THE_BOOK)
            return bound.get(name, name)
        if isinstance(node, ast.Constant):
            return str(node.value)
        if isinstance(node, ast.Subscript):
            return f"{self.part(node.value, bound)}[{self.write(node.slice, bound)}]"
        if isinstance(node, (ast.Tuple, ast.List)):
            return f"({''.join(f'{self.write(each, bound)}, ' for each in node.elts)})"
        if isinstance(node, ast.Call):
            return self.call(ONE_NAME[node.func.id], node.args, bound)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Invert):
            return f"~{self.part(node.operand, bound)}"
        if _is(node, ast.Pow):
            return f"({self.write(node.left, bound)})**({self.write(node.right, bound)})"
        return f"({self.write(node, bound)})"

    def call(self, name, arguments, bound):
        if name not in ("Sum", "Integral"):
            written = [self.write(each, bound) for each in arguments]
            return f"{name}({', '.join(sorted(written) if name in UNORDERED else written)})"
        body, *ranges = arguments
        limits, inner = [], dict(bound)
        for limit in reversed(ranges):
            variable, *ends = limit.elts
            ends = [self.write(end, inner) for end in ends]
            own = variable.id.removeprefix(OF_THE_BOOK)
            inner[own] = f"_{len(inner) + 1}"
            limits.insert(0, f"({', '.join([inner[own], *ends])})")
        return f"{name}({', '.join([self.write(body, inner), *limits])})"


def _joined(terms):
    return "".join(sorted(terms.elements())).removeprefix("+") or "0"


def _is(node, operation):
    return isinstance(node, ast.BinOp) and isinstance(node.op, operation)


def _is_sum(node):
    return _is(node, (ast.Add, ast.Sub))


def _is_minus(node):
    return isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub)


def _begins_with_minus(product):
    while _is(product, (ast.Mult, ast.Div)):
        product = product.left
    return _is_minus(product)


def _is_number(node, number):
    return isinstance(node, ast.Constant) and node.value == number
