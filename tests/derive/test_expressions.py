"""Texts become formulas by a whitelist; what would keep SymPy busy is refused before it starts."""

import re
import time
from unittest import mock

import pytest
from sympy import (
    Derivative,
    E,
    Float,
    Heaviside,
    IndexedBase,
    Integral,
    Max,
    Rational,
    Sum,
    Symbol,
    UnevaluatedExpr,
    exp,
    expand,
    log,
    pi,
    sqrt,
    sympify,
)

from lossnotes.derive import equal
from lossnotes.derive.derivation import SIGNS
from lossnotes.derive.expressions import (
    CALCULUS,
    FUNCTIONS,
    INSTEAD,
    ExpressionError,
    identifier,
    mentions,
    parse,
    text,
)
from lossnotes.derive.symbols import (
    CE,
    KL,
    LSE,
    A,
    K,
    Others,
    Positives,
    argmax,
    c,
    delta,
    entropy,
    epsilon,
    eta,
    i,
    j,
    k,
    lam,
    log_loss,
    margin,
    maximum,
    mean,
    one_hot,
    p,
    q,
    s,
    smooth,
    softmax,
    y,
)
from lossnotes.homework.finding import plain

from .lecture import BOUNDS, IDENTITIES

FORMULAS = [
    sympify(side)
    for claim in [*IDENTITIES.values(), *BOUNDS.values()]
    for side in claim
    if side not in SIGNS
]
m = Symbol("m", integer=True, positive=True)
t, u = Symbol("t", real=True), Symbol("u", real=True)
READ = {
    "exp(s[j])/Sum(exp(s[i]), (i, 1, K)) - delta(j, y)": exp(s[j]) / Sum(exp(s[i]), (i, 1, K))
    - delta(j, y),
    "softmax(s)[j]*(KroneckerDelta(j, k) - softmax(s)[k])": softmax(s)[j]
    * (delta(j, k) - softmax(s)[k]),
    "Derivative(LSE(s) - s[y], s[j])": Derivative(LSE(s) - s[y], s[j]),
    "diff(LSE(s), s[j], s[k])": Derivative(LSE(s), s[j], s[k]),
    "Derivative(exp(c), (c, 2))": Derivative(exp(c), (c, 2)),
    "Derivative(exp(c), c, 2)": Derivative(exp(c), (c, 2)),
    "Sum(q[m]*log(p[m]), (m, 1, K))": Sum(q[m] * log(p[m]), (m, 1, K)),
    "Sum(Sum(s[i], (i, 1, j)), (j, 1, K))": Sum(s[i], (i, 1, j), (j, 1, K)),
    "Sum(s[i]*s[j], (i, 1, j), (j, 1, K))": Sum(s[i] * s[j], (i, 1, j), (j, 1, K)),
    "Integral(exp(t*c), (t, 0, 1))": Integral(exp(t * c), (t, 0, 1)),
    "Integral(Integral(u, (u, 0, 1)) + Integral(u**2, (u, 0, t)), (t, 0, 1))": Integral(
        Integral(u, (u, 0, 1)) + Integral(u**2, (u, 0, t)), (t, 0, 1)
    ),
    "KL(q, softmax(s)) + entropy(q)": KL(q, softmax(s)) + entropy(q),
    "KL(p, 1/K)": KL(p, 1 / K),
    "CE((1 - c, c), softmax((0, c)))": CE((1 - c, c), softmax((0, c))),
    "log_loss(s/2, smooth(y, epsilon))": log_loss(s / 2, smooth(y, epsilon)),
    "softmax(s + log(lam))[j] + softmax((0, c))[2]": softmax(s + log(lam))[j] + softmax((0, c))[2],
    "(s + c)[j]": s[j] + c,
    "mean(eta[1], eta[2])[1]": mean(eta[1], eta[2])[1],
    "maximum(s, Others(y)) - maximum(s, ~A) + margin(s, A)": maximum(s, Others(y))
    - maximum(s, ~A)
    + margin(s, A),
    "s[argmax(s, Others(y))]": s[argmax(s, Others(y))],
    "Max(0, 1 - margin(s, y))*Heaviside(c)": Max(0, 1 - margin(s, y)) * Heaviside(c),
    "ln(E**2) + sqrt(2) - log(8, 2)": log(E**2) + sqrt(2) - log(8, 2),
    "lambda[i]*lam[j]": lam[i] * lam[j],
    "s[K] − 2·s[1]": s[K] - 2 * s[1],
    "q[i]*UnevaluatedExpr(p[i]/q[i])": q[i] * UnevaluatedExpr(p[i] / q[i]),
    "2.37*c + 0.5": Rational(237, 100) * c + Rational(1, 2),
    "Rational(1, 3)": Rational(1, 3),
    "1e-3": Rational(1, 1000),
    "sigmoid(c) + sigmoid(s)[j]": 1 / (1 + exp(-c)) + 1 / (1 + exp(-s[j])),
    "λ[j]*η[j]·ε + π": lam[j] * eta[j] * epsilon + pi,
    "–s[j]\u200b⋅ε÷2": -s[j] * epsilon / 2,
    "2*s[j]² − (1 - p[j])¹⁰": 2 * s[j] ** 2 - (1 - p[j]) ** 10,
    "s[j]  # of this class\n + s[k] \\\n - 1\n": s[j] + s[k] - 1,
}


@pytest.mark.parametrize("words", READ)
def test_a_text_is_read_as_the_formula_that_it_writes(words):
    assert parse(words) == READ[words]


@pytest.mark.parametrize("number", [1 / 3, 1 / 5.25, 1 / 2.37, 2.37**2, 0.1 + 0.2, 5 / 7 * 3])
def test_a_number_that_python_has_rounded_is_the_fraction_it_came_from(number):
    exact = {1 / 2.37: Rational(100, 237), 2.37**2: Rational(237, 100) ** 2}
    expected = exact.get(number, Rational(str(round(number * 21, 9))) / 21)
    assert parse(str(Float(number) * c)) == expected * c
    assert parse(repr(number)) == expected


def test_a_number_that_is_no_fraction_stays_as_it_is_written():
    assert parse("1.41421356237309") == Rational("1.41421356237309")


def test_names_are_added_to_those_of_the_book_and_come_first():
    tau = Symbol("tau", positive=True)
    names = {"tau": tau, "p": softmax(s), "y": Positives("y"), "beta": tau}
    assert parse("p[j]/tau + y[j]", names) == softmax(s)[j] / tau + Positives("y")[j]
    assert parse("β*τ", names) == tau**2


def test_an_index_of_a_sum_may_have_any_name():
    known = Symbol("tau", positive=True)
    assert parse("Sum(s[tau], (tau, 1, K))", {"tau": known}).limits[0][0].is_integer


@pytest.mark.parametrize("formula", FORMULAS, ids=range(len(FORMULAS)))
def test_every_formula_of_the_lecture_survives_being_written_and_read(formula):
    names = {identifier(symbol.name): symbol for symbol in formula.atoms(Symbol)}
    names |= {identifier(vector.name): vector for vector in formula.atoms(IndexedBase)}
    read = parse(text(formula), names)
    assert read == formula or expand(read - formula) == 0


REFUSED = {
    "9**9**9": "too high a power",
    "9**(9**9)": "too high a power",
    "2**1001": "too high a power",
    "(2**100)**100": "too large a number",
    "sqrt(2)**(2**60)": "too high a power",
    "(10**40)**40": "too large a number",
    "exp(log(7)*10**9)": "too high a power",
    "E**(10**9*log(7)*K)": "too high a power",
    "exp(exp(20))": "too large a number",
    "2**sin(exp(exp(20)))": "too large a number",
    "Heaviside(exp(exp(exp(exp(9)))) - 1)": "too large a number",
    "factorial(10**6)": "factorial",
    "factorial(factorial(20))": "factorial",
    "1e999999": "too many digits",
    "9" * 50: "too many digits",
    "(" * 5000 + "1" + ")" * 5000: "nested too deeply",
    "-" * 19_000 + "1": "",
    "1+" * 9_000 + "1": "",
    "s[j]*" * 2_500 + "1": "too long",
    "s[j] + " * 5_000 + "1": "characters",
    "(s[1] + s[2] + s[3] + s[4] + s[5])**90": "multiplied out",
    "*".join(f"(s[{n}] + s[{n + 1}])" for n in range(1, 30)): "multiplied out",
    " + ".join(f"1/(s[{n}] + s[{n + 1}])" for n in range(1, 20)): "multiplied out",
    "Sum(s[i], (i, 1, 10**9))": "is no class",
    "Sum(s[i], (i, 1, K**9))": "is no class",
    "Sum(s[i], (i, 1, 2*K*K))": "is no class",
    "Sum(1, (i, 1, K), (j, 1, K), (k, 1, K), (m, 1, K), (n, 1, K), (u, 1, K), (v, 1, K))": "long",
    "Derivative(LSE(s), (s[j], 100))": "too high an order",
    "Derivative(LSE(s), (s[j], K))": "too high an order",
    "Derivative(LSE(s), s[j], 10**9)": "no variable",
    "Integral(exp(a*b*d*u), (a, 0, 1), (b, 0, 1), (d, 0, 1), (u, 0, 1))": "too long",
    "normalizer(1, 2, 3, 4, 5, 6)": "too long",
    "softmax(" * 15 + "s" + ")" * 15 + "[j]": "too long",
    " + ".join(f"Max(s[{n}], 0)" for n in range(1, 9)): "kinks",
    " + ".join(f"delta(j, {n})" for n in range(1, 9)): "classes",
    "s[K**K**K]": "is no class",
    "s[s[j]]": "is no class",
    "s[j/2]": "is no class",
    "s[1.5]": "is no class",
    "delta(s[j], y)": "is no class",
    "__import__('os').system('true')": "point",
    "().__class__.__bases__[0]": "point",
    "s.__class__": "point",
    "exp.__globals__": "point",
    "(lambda: 1)()": "cannot be read",
    "[x for x in s]": "no part of a formula",
    "f'{s}'": "no part of a formula",
    "'text'": "no real number",
    "1j": "no real number",
    "True": "no real number",
    "0xff": "no real number",
    "None": "no real number",
    "...": "no real number",
    "{1: 2}": "no part of a formula",
    "(x := 1)": "",
    "1 if K else 2": "no part of a formula",
    "s[1:2]": "no part of a formula",
    "exp(x=1)": "names its arguments",
    "exp(*s)": "no part of a formula",
    "print(1)": "no function here",
    "eval('1')": "no function here",
    "exp": "needs its arguments",
    "exp()": "1 argument",
    "KL(q)": "2 arguments",
    "x": "is no name here",
    "s_j": "s[j]",
    "delta_jy": "delta(...)",
    "np.exp(s[j])": "write exp alone",
    "sum(s)": "Sum(s[i], (i, 1, K))",
    "Eq(s[j], 1)": "right side",
    "s[j]^2": "**",
    "2s[j]": "*",
    "c h": "*",
    "1/(c h)": "*",
    "s[j] = 1": "equals sign",
    "s[j] < 1": "begin a line",
    "": "no formula",
    "s": "whole vector",
    "softmax(s)": "whole vector",
    "2*softmax(s) + 1": "whole vector",
    "A": "set of classes",
    "A + 1": "set of classes",
    "~s": "no operation",
    "c[j]": "no vector",
    "LSE(c)": "a vector",
    "LSE(s[j])": "a vector",
    "margin(s, s)": "should be",
    "mean(eta[1], eta[2])[j]": "from 1 to 2",
    "mean(eta[1], eta[2])[3]": "from 1 to 2",
    "(1, 2) + 1": "list",
    "1/0": "zero",
    "0**(-1)": "zero",
    "s[j]/(s[j] - s[j])": "zero",
    "log(0)": "no value",
    "oo - oo": "no value",
    "tan(pi/2)": "no value",
    "Max(c, I)": "no meaning",
    "Integral(Integral(u*c, (u, 0, 1)), (u, 0, 1))": "twice",
    "Integral(u*c, (u, 0, 1), (u, 0, 1))": "twice",
    "Sum(s[i])": "range",
    "Sum(s[i], i)": "range",
    "Sum(s[i], (2, 1, K))": "no name",
    "Sum(s[i], (i, 1, 5000))": "is no class",
    "Derivative(c)": "by what",
    "Derivative(c, 2)": "no variable",
    "Derivative(s[j], j)": "no variable",
    "Derivative(s[j], s)": "whole vector",
    "Derivative(c, c**2)": "no variable",
}


@pytest.mark.parametrize("number", range(len(REFUSED)))
def test_what_is_no_formula_is_refused_fast_and_with_a_reason(number):
    words, reason = list(REFUSED.items())[number]
    begin = time.process_time()
    with pytest.raises(ExpressionError) as refusal:
        parse(words)
    assert reason in str(refusal.value) and len(str(refusal.value)) < 600
    assert time.process_time() - begin < 1


DEEP = {
    "brackets": "(" * 5000 + "c" + ")" * 5000,
    "brackets that are not closed": "(" * 5000,
    "signs": "-" * 5000 + "c",
    "terms": "c" + "+c" * 5000,
    "factors in brackets": "*".join(["(c+1)"] * 2500),
    "powers": "c" + "**c" * 5000,
    "entries of entries": "s" + "[1]" * 5000,
    "parts of parts": "s" + ".a" * 5000,
    "cases": "1 if 1 else " * 1600 + "1",
    "negations": "not " * 4000 + "c",
    "lists": "[1," * 4000,
}


@pytest.mark.parametrize("text", DEEP.values(), ids=DEEP)
def test_what_would_end_Python_in_a_page_is_refused_before_Python_reads_it(text):
    with mock.patch("ast.parse") as read, pytest.raises(ExpressionError, match="too deeply"):
        parse(text)
    assert not read.called


def test_a_long_sum_of_deep_terms_is_read():
    depth = "(" * 40 + "c" + ")" * 40
    assert parse("+".join([f"s[{n}]*{depth}" for n in range(1, 5)] * 40))


def test_a_derivative_by_what_does_not_occur_is_zero():
    assert parse("Derivative(q[j], c)") == 0


@pytest.mark.parametrize(
    "text, value",
    [
        ("Sum(abs(i), (i, -3, 3))", 12),
        ("Sum(0**i, (i, 0, 3))", 1),
        ("Integral(abs(h), (h, -1, 1))", 1),
        ("Integral(sqrt(epsilon**2), (epsilon, -2, 2))", 4),
    ],
)
def test_what_is_bound_has_the_signs_of_its_range(text, value):
    assert equal(parse(text), value)
    assert not equal(parse(text), 0)


def test_a_vector_is_welcome_where_it_is_asked_for():
    assert parse("softmax(s)", vector=True) == softmax(s)


def test_text_leaves_a_text_alone_and_writes_what_parse_reads():
    assert text("exp(s[j])") == "exp(s[j])"
    assert text(lam[i] * delta(i, j)) == "delta(i, j)*lam[i]"
    assert parse(text(q[i] * UnevaluatedExpr(p[i] / q[i]))) == q[i] * UnevaluatedExpr(p[i] / q[i])


def test_a_function_is_found_wherever_it_stands():
    assert mentions(parse("1 + exp(Derivative(LSE(s), s[j]))"), "Derivative")
    assert not mentions(parse("1 + exp(LSE(s))"), "Derivative")


def test_what_is_read_is_what_the_library_proves():
    assert equal(parse("Derivative(LSE(s), s[j])"), parse("softmax(s)[j]")).kind == "proved"
    assert not equal(parse("Derivative(LSE(s), s[j])"), parse("softmax(s)[k]"))
    assert parse("one_hot(y)[j]") == one_hot(y)[j] and parse("epsilon") == epsilon


ADVICE = {
    r"\\frac{e^{s_j}}{\\sum_i e^{s_i}}": "this looks like LaTeX",
    "$s_j$": "this looks like LaTeX",
    "softmax(s/tau)_j": "an entry is written softmax(s/tau)[j]",
    "the derivative of the softmax": "these are words",
    "softmax(s)[j] because it is so": "these are words",
    "s[j]\n= s[j]": "several lines in one text",
    "s[j]\n<= log(K)": "several lines in one text",
    "2 s[j]": "write a '*' for every product",
    "s[j]^2": "a power is written with '**'",
    "sofmax(s)[j]": "did you mean softmax?",
    "lamda[j]": "did you mean lam?",
    "np.exp(s[j])": "write exp alone",
    "exp(-10**10)*s[j]": "too small",
}


@pytest.mark.parametrize("text", ADVICE)
def test_what_is_no_formula_is_told_what_to_do(text):
    with pytest.raises(ExpressionError) as refusal:
        parse(text)
    assert ADVICE[text] in str(refusal.value)
    others = {*ADVICE.values()} - {ADVICE[text]}
    assert not [other for other in others if other in str(refusal.value)]


def test_of_unknown_functions_the_usual_ones_are_told_first_and_none_is_lost():
    with pytest.raises(ExpressionError) as refusal:
        parse("foo(s)")
    told = plain(str(refusal.value))
    assert all(f" {name}," in f"{told}," for name in (*FUNCTIONS, *CALCULUS))
    assert told.index("softmax") < told.index("divided_difference")


@pytest.mark.parametrize("name", sorted({*INSTEAD, *FUNCTIONS}))
def test_advice_for_a_function_of_numpy_is_a_formula_that_is_read(name):
    written = "formula such as (.+)$" if name in INSTEAD else "has a point; write (.+) alone$"
    with pytest.raises(ExpressionError) as refusal:
        parse(f"np.{name}(s)")
    (advice,) = re.findall(written, str(refusal.value))
    assert advice == name or parse(advice) is not None
