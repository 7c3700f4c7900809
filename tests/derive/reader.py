"""What a formula on the page is worth at a point, read as a person reads it.

It knows the LaTeX alone: no SymPy, and no line of `lossnotes.derive`. A sum, a product, a maximum
or a derivative is of all that follows it up to the next plus or minus, a logarithm without brackets
is of the rest of its term too, and a power belongs to what stands directly before it.
"""

import re
from math import factorial, log, prod

import numpy as np

TOKEN = re.compile(
    r"\\(?:left|right)\\?.|\\mathopen\{\}|\\mathrm\{\w+\}|\\operatorname\{\w+\}|\\[A-Za-z]+|\\.|\d+|\S"
)
SPACES = {r"\,", r"\!", r"\ "}
SIGNS = {"+": 1, "-": -1}
CLOSING = {r"\right)", r"\right]", r"\right|", "}", ",", r"\Vert", "]"}
STEP = 1e-4


def read(tex, **values):
    """The value of a formula: vectors are arrays, and classes count from 1."""
    reader = Reader(tex)
    formula = reader.sum()
    if reader.tokens != [None]:
        raise SyntaxError(f"{tex} is not read beyond {reader.tokens}")
    return float(formula(values))


class Reader:
    """Each method takes one kind of part from the tokens, as a function of the values."""

    def __init__(self, tex):
        self.tokens = [token for token in TOKEN.findall(tex) if token not in SPACES] + [None]

    @property
    def next(self):
        return self.tokens[0]

    def take(self, *expected):
        token = self.tokens.pop(0)
        if expected and token not in expected:
            raise SyntaxError(f"{token} instead of {expected}")
        return token

    def has(self, token):
        return self.next == token and bool(self.take())

    def sum(self):
        terms = [(SIGNS[self.take()] if self.next in SIGNS else 1, self.term())]
        while self.next in SIGNS:
            terms.append((SIGNS[self.take()], self.term()))
        return lambda values: sum(sign * term(values) for sign, term in terms)

    def term(self):
        factors = [self.factor()]
        while self.next not in {None, *SIGNS, *CLOSING}:
            factors.append(self.factor())
        return lambda values: prod(factor(values) for factor in factors)

    def rest_of_term(self):
        """What an operator is of; it may begin with a minus."""
        sign = -1 if self.has("-") else 1
        term = self.term()
        return lambda values: sign * term(values)

    def factor(self):
        base = self.atom()
        while self.next in {"^", "!", "_"}:
            base = self.behind(self.take(), base)
        return base

    def behind(self, mark, base):
        if mark == "!":
            return lambda values: factorial(int(base(values)))
        self.take("{")
        if mark == "^":
            exponent = self.until("}")
            return lambda values: base(values) ** exponent(values)
        if self.next in MEANS:
            mean = MEANS[self.take()]
            self.take("}")
            return lambda values: mean(base(values))
        index = self.until("}")
        return lambda values: _at(base(values), index(values))

    def until(self, closing):
        inside = self.sum()
        self.take(closing)
        return inside

    def list_until(self, closing):
        parts = [self.sum()]
        while self.next in {",", r"\Vert"}:
            self.take()
            parts.append(self.sum())
        self.take(closing)
        return lambda values: [part(values) for part in parts]

    def atom(self):
        token = self.take()
        if token is None or token in CLOSING:
            raise SyntaxError(f"nothing before {token}")
        if token in READ:
            return READ[token](self)
        if token in NAMED and (called := self.called(token)):
            return called
        if token.isdigit():
            return lambda values: int(token)
        return lambda values: values[token.removeprefix("\\")]

    def called(self, name):
        """A named quantity with its arguments; nothing, if the name is a letter of its own."""
        before, marks = self.tokens[:], {}
        while self.next in {"^", "_"}:
            mark = self.take()
            self.take("{")
            marks[mark] = self.until("}")
        if not self.has(r"\mathopen{}"):
            self.tokens = before
            return None
        self.take(r"\left(")
        arguments = self.list_until(r"\right)")

        def value(values):
            found = NAMED[name](*arguments(values))
            if "_" in marks:
                found = _at(found, marks["_"](values))
            return found ** marks["^"](values) if "^" in marks else found

        return value

    def fraction(self):
        self.take("{")
        if self.next == r"\partial":
            return self.derivative()
        above = self.until("}")
        self.take("{")
        below = self.until("}")
        return lambda values: above(values) / below(values)

    def derivative(self):
        self.take(r"\partial")
        self.take("}")
        self.take("{")
        self.take(r"\partial")
        name = self.take()
        self.take("}")
        of = self.rest_of_term()

        def slope(values):
            there = (of(values | {name: values[name] + side * STEP}) for side in (1, -1))
            return np.subtract(*there) / (2 * STEP)

        return slope

    def range(self):
        """The index below an operator, and which classes it runs over."""
        self.take("_")
        self.take("{")
        index, sign = self.take(), self.take("}", "=", r"\ne")
        if sign == "}":
            return index, lambda values: range(1, values["K"] + 1)
        end = self.until("}")
        if sign == r"\ne":
            return index, lambda values: [
                number for number in range(1, values["K"] + 1) if number != end(values)
            ]
        self.take("^")
        self.take("{")
        last = self.until("}")
        return index, lambda values: range(end(values), last(values) + 1)

    def operator(self, combined):
        index, numbers = self.range()
        of = self.rest_of_term()
        return lambda values: combined(
            {number: of(values | {index: number}) for number in numbers(values)}
        )

    def largest(self):
        if self.next == "_":
            return self.operator(lambda scores: max(scores.values()))
        self.take(r"\left(")
        parts = self.list_until(r"\right)")
        return lambda values: max(parts(values))

    def logarithm(self):
        of = self.atom() if self.tokens[:2] == ["{", r"\left("] else self.term()
        return lambda values: np.log(of(values))

    def one_thing(self):
        """Braces cannot be seen, so that nothing is kept together by them."""
        thing = self.atom()
        self.take("}")
        return thing

    def bracket(self):
        self.take(r"\left(")
        return self.until(r"\right)")

    def exponential(self):
        self.take(r"\left[")
        nodes = self.list_until(r"\right]")
        return lambda values: _divided_difference(nodes(values))

    def expectation(self):
        self.take("_")
        self.take("{")
        scores = self.until("}")
        self.take(r"\left[")
        of = self.until(r"\right]")
        return lambda values: _softmax(scores(values)) @ of(values)

    def kronecker(self):
        self.take("_")
        self.take("{")
        left = self.atom()
        self.has(",")
        right = self.until("}")
        return lambda values: int(left(values) == right(values))

    def root(self):
        order = self.until("]") if self.has("[") else lambda values: 2
        self.take("{")
        of = self.until("}")
        return lambda values: of(values) ** (1 / order(values))

    def step(self):
        of = self.bracket()
        return lambda values: np.heaviside(of(values), 0.5)

    def e(self):
        if called := self.called("e"):
            return called
        self.take("^")
        self.take("{")
        power = self.until("}")
        return lambda values: np.exp(power(values))


def _at(vector, index):
    return vector[int(index) - 1]


def _softmax(s):
    return np.exp(s) / np.exp(s).sum()


def _sigma(x):
    return _softmax(x) if np.ndim(x) else 1 / (1 + np.exp(-x))


def _divided_difference(nodes):
    if len(nodes) == 1:
        return np.exp(nodes[0])
    left, right = _divided_difference(nodes[:-1]), _divided_difference(nodes[1:])
    return (left - right) / (nodes[0] - nodes[-1])


def _margin(s, y):
    return s[y - 1] - np.delete(s, y - 1).max()


def _one_hot(y):
    return np.eye(CLASSES)[y - 1]


CLASSES = 3
MEANS = {
    r"\mathrm{AM}": np.mean,
    r"\mathrm{GM}": lambda y: np.exp(np.log(y).mean()),
}
NAMED = {
    r"\operatorname{LSE}": lambda s: log(np.exp(s).sum()),
    r"\operatorname{KL}": lambda q, p: np.sum(q * np.log(q / p)),
    r"\operatorname{CE}": lambda q, p: -np.sum(q * np.log(p)),
    r"\sigma": _sigma,
    r"\ell": lambda s, y: -log(_softmax(s)[y - 1]),
    "H": lambda q: -np.sum(q * np.log(q)),
    "m": _margin,
    "e": _one_hot,
    "q": lambda y, epsilon: (1 - epsilon) * _one_hot(y) + epsilon / CLASSES,
}
READ = {
    "{": Reader.one_thing,
    r"\left(": lambda reader: reader.until(r"\right)"),
    r"\frac": Reader.fraction,
    r"\sqrt": Reader.root,
    r"\log": Reader.logarithm,
    r"\exp": Reader.exponential,
    "e": Reader.e,
    r"\operatorname{E}": Reader.expectation,
    r"\delta": Reader.kronecker,
    r"\theta": Reader.step,
    r"\max": Reader.largest,
    r"\operatorname{argmax}": lambda reader: reader.operator(lambda x: max(x, key=x.get)),
    r"\sum": lambda reader: reader.operator(lambda terms: sum(terms.values())),
    r"\prod": lambda reader: reader.operator(lambda terms: prod(terms.values())),
}
