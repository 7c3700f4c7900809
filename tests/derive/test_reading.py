"""What is printed is what was checked: who reads the page gets the value of the expression."""

import numpy as np
import pytest
from sympy import (
    Derivative,
    Heaviside,
    Max,
    Mul,
    Product,
    Sum,
    UnevaluatedExpr,
    exp,
    factorial,
    log,
    sqrt,
)

from lossnotes.derive.display import latex
from lossnotes.derive.symbols import (
    AM,
    CE,
    GM,
    KL,
    LSE,
    K,
    Others,
    Positives,
    Scores,
    argmax,
    c,
    delta,
    divided_difference,
    entropy,
    epsilon,
    expectation,
    h,
    i,
    j,
    k,
    log_loss,
    margin,
    maximum,
    one_hot,
    p,
    q,
    s,
    sigmoid,
    smooth,
    softmax,
    y,
)

from .oracle import Point, value
from .reader import read

v, a, b = Scores("v"), Positives("a"), Positives("b")
NUMBERS = {
    **{K: 3, i: 1, j: 2, k: 3, y: 2, c: 0.7, h: 1.3, epsilon: 0.2},
    **{s: (0.4, -1.1, 0.9), v: (-0.3, 1.7, 0.2), a: (0.6, 1.9, 1.1), b: (2.3, 0.7, 1.6)},
    **{p: (0.5, 0.2, 0.3), q: (0.1, 0.6, 0.3)},
}
POINT = Point(NUMBERS, generic=True)
BY_NAME = {
    str(name): np.array(number) if name in (s, v, a, b, p, q) else number
    for name, number in NUMBERS.items()
}


def kept(expression):
    return UnevaluatedExpr(expression)


def over(index, term):
    return Sum(term, (index, 1, K))


PARTS = [
    *(c, s[i], c - h, c * s[j], -c, log(c), log(a[i]), log(1 + h), exp(c), sqrt(h)),
    *(LSE(s), entropy(p), KL(q, p), CE(q, p), expectation(v, s), log_loss(s, y), margin(s, y)),
    *(AM(a), AM(a**2), AM(s + v), GM(a), GM(a + b), log(GM(a)), log(GM(a + b)), sigmoid(c)),
    *(softmax(s)[i], one_hot(y)[j], smooth(y, epsilon)[j], log(softmax(s)[j]), log(1 + a[j])),
    *(maximum(s), maximum(s, Others(i)), maximum(s - s[i]), maximum(s * v), maximum(v * s[i])),
    *(argmax(s), argmax(v * s[i]), s[argmax(v)], maximum(v + maximum(s)), Max(c, h)),
    *(over(i, s[i]), over(i, s[i] - c), over(k, maximum(s - s[k])), over(k, -p[k])),
    *(over(i, kept(s[i] - c)), over(i, maximum(s, Others(i))), over(k, kept(c * s[k]))),
    *(Product(a[i], (i, 1, K)), Product(kept(a[i] + 1), (i, 1, K)), factorial(k)),
    *(Derivative(c**2, c), Derivative(h**2 - h, h), Derivative(c * maximum(s + c), c)),
    *(delta(j, y), 1 - delta(i, j), Heaviside(c), divided_difference(c, h)),
    *(kept(s[i] - c), kept(log(c)), kept(maximum(s)), kept(c * maximum(v)), kept(-c)),
]
PARTNERS = [c, c - h, log(c), GM(a), maximum(v), Derivative(c**2, c), over(i, s[i]), kept(-c)]
CONTEXTS = {
    "alone": lambda x: x,
    "square": lambda x: x**2,
    "one through": lambda x: 1 / x**2,
    "root": lambda x: sqrt(1 + x**2),
    "exponent": lambda x: exp(x / 9),
    "logarithm": lambda x: log(x**2 + 3),
    "negative": lambda x: -x,
    "half": lambda x: x / 2,
    "quotient": lambda x: (x + c) / x,
    "summed": lambda x: over(i, q[i] * x),
    "sum": lambda x: over(i, kept(x - q[i])),
    "derivative": lambda x: Derivative(kept(x) * c, c),
    "largest": lambda x: maximum(s * x),
    "largest of a sum": lambda x: maximum(s + x),
    "named": lambda x: LSE(s * x),
    "mean": lambda x: AM(a * x),
}
PAIRS = {
    "product": lambda x, z: x * z,
    "as written": lambda x, z: Mul(x, z, evaluate=False),
    "the other way round": lambda x, z: Mul(z, x, evaluate=False),
    "difference": lambda x, z: x - z,
}


def is_read(expression):
    meant = float(value(expression, POINT))
    return abs(read(latex(expression), **BY_NAME) - meant) < 1e-6 * (1 + abs(meant))


@pytest.mark.parametrize("context", CONTEXTS.values(), ids=CONTEXTS)
def test_a_formula_is_read_as_it_was_meant(context):
    assert [part for part in PARTS if not is_read(context(part))] == []


@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)
def test_two_formulas_together_are_read_as_they_were_meant(pair):
    both = (pair(part, other) for part in PARTS for other in PARTNERS)
    assert [expression for expression in both if not is_read(expression)] == []
