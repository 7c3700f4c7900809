"""Right answers in any form are right; wrong ones are told where they are wrong, and how."""

import re
import subprocess
import sys
import time
import tracemalloc
from fractions import Fraction
from unittest import mock

import numpy as np
import pytest
from mpmath import mp
from sympy import Derivative, Rational, Sum, exp, log

from lossnotes.derive import evaluate
from lossnotes.derive.points import draw_points
from lossnotes.derive.symbols import LSE, K, delta, i, j, k, s, softmax, y
from lossnotes.homework import Homework, derivations, worker
from lossnotes.homework.check import AnswerError, check, count_words
from lossnotes.homework.finding import CHARACTERS
from lossnotes.homework.questions import load

ASSIGNMENT = """
title = "The log loss at a temperature"

[parameters]
tau = { uniform = [1.5, 4.0], digits = 2 }
classes = { integer = [3, 9] }

[[questions]]
name = "gradient"
kind = "derivation"
points = 4
asks = "The gradient at temperature tau"
answer = "gradient"
start = "Derivative(tau*log(Sum(exp(s[i]/tau), (i, 1, K))) - s[y], s[j])"
without = ["Derivative"]
[[questions.mistakes]]
line = "softmax(s)[j] - delta(j, y)"
hint = "Where did the temperature go?"

[[questions]]
name = "hessian"
kind = "derivation"
points = 3
asks = "The Hessian"
answer = "hessian"
start = "Derivative(LSE(s), s[j], s[k])"
without = ["Derivative"]

[[questions]]
name = "jacobian"
kind = "derivation"
points = 1
asks = "The Jacobian of q times softmax"
answer = "jacobian"
start = "Derivative(q[j]*softmax(s)[j], s[k])"
without = ["Derivative"]

[[questions]]
name = "kink"
kind = "derivation"
points = 1
asks = "The gradient of the margin loss"
answer = "kink"
start = "Derivative(margin_loss(s, y), s[j])"
without = ["Derivative"]

[[questions]]
name = "slope"
kind = "derivation"
points = 1
asks = "The slope of a loss"
answer = "slope"
start = "Derivative(Sum(s[i]/h - log(1/h), (i, 1, K))/K, h)"
without = ["Derivative"]

[[questions]]
name = "theorem"
kind = "derivation"
points = 3
asks = "KL is not negative"
answer = "theorem"
start = "KL(q, p)"
goal = ">= 0"
via = ["-log(Sum(q[i]*(p[i]/q[i]), (i, 1, K)))"]

[[questions]]
name = "code"
kind = "function"
points = 4
asks = "The gradient in NumPy"
answer = "code"
arguments = ["s", "y"]
definition = "Derivative(tau*log(Sum(exp(s[i]/tau), (i, 1, K))) - s[y], s[j])"
[[questions.mistakes]]
definition = "softmax(s)[j] - delta(j, y)"
hint = "Where did the temperature go?"
[[questions.probes]]
asks = "ordinary scores"
points = 3
draws = 6
s = "normal(classes)"
y = "label(classes)"
[[questions.probes]]
asks = "large scores"
points = 1
hidden = true
s = "[3000, 0, 1, 2999, 5] + normal(5)"
y = "label(5)"

[[questions]]
name = "matrix"
kind = "function"
points = 2
asks = "The Jacobian of q times softmax in NumPy"
answer = "matrix"
arguments = ["s", "q"]
definition = "Derivative(q[j]*softmax(s)[j], s[k])"
[[questions.probes]]
asks = "four classes"
points = 2
s = "normal(4)"
q = "simplex(4)"

[[questions]]
name = "batch"
kind = "function"
points = 2
asks = "The mean loss of a batch"
answer = "batch"
arguments = ["s", "y"]
definition = "log_loss(s, y)"
mean = true
[[questions.probes]]
asks = "eight examples"
points = 2
s = "normal(8, 3)"
y = "label(8, 3)"

[[questions]]
name = "rows"
kind = "function"
points = 2
asks = "The log loss of every row"
answer = "rows"
arguments = ["s", "y"]
definition = "log_loss(s, y)"
[[questions.probes]]
asks = "eight examples"
points = 2
s = "normal(8, 3)"
y = "label(8, 3)"

[[questions]]
name = "root"
kind = "number"
points = 2
asks = "The gap at which the loss is tau"
answer = "root"
unknown = "x"
equation = ["log(1 + exp(x))", "tau"]
tolerance = 1e-4
[[questions.mistakes]]
equation = ["log(exp(x))", "tau"]
hint = "The 1 counts."

[[questions]]
name = "why"
kind = "written"
points = 2
asks = "Why?"
answer = "reason"
words = [3, 20]
"""


@pytest.fixture(scope="module")
def assignment(tmp_path_factory):
    path = tmp_path_factory.mktemp("temperature") / "questions.toml"
    path.write_text(ASSIGNMENT, encoding="utf-8")
    return load(path)


@pytest.fixture(scope="module")
def parameters(assignment):
    return assignment.parameters(b"of the tests", "Ada")


@pytest.fixture(scope="module")
def found(assignment, parameters):
    """What is found on an answer to a question, as the grader asks."""
    questions = {question.name: question for question in assignment.questions}

    def found(name, answer):
        return check(questions[name], answer, parameters, seed=7)

    found.hidden = questions.get
    return found


# Derivations


def gradients(tau):
    """Right answers to `gradient`, in other forms, with other names, in another order."""
    return [
        ["softmax(s/tau)[j] - delta(j, y)"],
        ["exp(s[j]/tau)/Sum(exp(s[i]/tau), (i, 1, K)) - delta(j, y)"],
        ["-KroneckerDelta(y, j) + exp(s[j]/tau)/Sum(exp(s[m]/tau), (m, 1, K))"],
        ["exp(s[j]/tau - LSE(s/tau)) - one_hot(y)[j]"],
        ["1/Sum(exp((s[k] - s[j])/tau), (k, 1, K)) - delta(j, y)"],
        [f"exp(s[j]/{tau})/Sum(exp(s[i]/{tau}), (i, 1, K)) - delta(j, y)"],
        [softmax(s / tau)[j] - delta(j, y)],
        [exp(s[j] / tau) / Sum(exp(s[i] / tau), (i, 1, K)) - delta(y, j)],
        ["Derivative(tau*LSE(s/tau), s[j]) - delta(j, y)", "= softmax(s/tau)[j] - delta(j, y)"],
        [
            "tau*Derivative(log(Sum(exp(s[i]/tau), (i, 1, K))), s[j]) - delta(j, y)",
            "tau*Derivative(Sum(exp(s[i]/tau), (i, 1, K)), s[j])/Sum(exp(s[i]/tau), (i, 1, K))"
            " - delta(j, y)",
            "tau*(exp(s[j]/tau)/tau)/Sum(exp(s[i]/tau), (i, 1, K)) - delta(j, y)",
            "exp(s[j]/tau)/Sum(exp(s[i]/tau), (i, 1, K)) - delta(j, y)",
            "softmax(s/tau)[j] - delta(j, y)",
        ],
        [
            "Derivative(tau*log(Sum(exp(s[i]/tau), (i, 1, K))) - s[y], s[j])",
            *["softmax(s/tau)[j] − delta(y, j)"],
        ],
        "softmax(s/tau)[j] - delta(j, y)",
    ]


@pytest.mark.parametrize("number", range(12))
def test_a_right_derivation_in_any_form_scores_full(found, parameters, number):
    finding = found("gradient", gradients(parameters["tau"])[number])
    assert (finding.status, finding.points, finding.mistake) == ("right", 4, None), finding


THEOREMS = [
    [">= -log(Sum(q[i]*(p[i]/q[i]), (i, 1, K)))", "-log(Sum(p[i], (i, 1, K)))", "-log(1)"],
    [">= -log(Sum(p[i], (i, 1, K)))", "= 0"],
    ["-Sum(q[i]*log(p[i]/q[i]), (i, 1, K))", ">= -log(Sum(p[i], (i, 1, K)))", "0"],
    ["CE(q, p) - entropy(q)", ">= -log(Sum(p[k], (k, 1, K)))", "0"],
    [
        "Sum(q[i]*log(q[i]), (i, 1, K)) - Sum(q[i]*log(p[i]), (i, 1, K))",
        "≥ -log(Sum(p[i], (i, 1, K)))",
        "0",
    ],
    ["KL(q, p)", ">= log(1/Sum(p[i], (i, 1, K)))", "= 0"],
    ["-Sum(q[i]*log(p[i]/q[i]), (i, 1, K))", ">=-log(Sum(q[i]*p[i]/q[i], (i, 1, K)))", "==0"],
    [">= -log(Sum(exp(log(p[i])), (i, 1, K)))", "0"],
    [">= -log(Sum(p[i], (i, 1, K)))", "-log(Sum(q[i], (i, 1, K)))", "0"],
    ["-expectation(log(p/q), log(q))", ">= -log(Sum(p[i], (i, 1, K)))", "0"],
]


@pytest.mark.parametrize("number", range(len(THEOREMS)))
def test_a_right_chain_of_inequalities_scores_full(found, number):
    finding = found("theorem", THEOREMS[number])
    assert (finding.status, finding.points) == ("right", 3), finding


GOOD = "exp(s[j]/tau)/Sum(exp(s[i]/tau), (i, 1, K)) - delta(j, y)"
WRONG_LINES = {
    "the sign": ("gradient", [GOOD, f"-({GOOD})"], "sign", "Line 1 follows. **Line 2 does not"),
    "a factor": ("gradient", [f"2*({GOOD})"], "factor 2", "2 times what it should be"),
    "a fraction": ("gradient", [f"({GOOD})/3"], "factor 1/3", "1/3 times"),
    "the number of classes": ("gradient", [f"({GOOD})/K"], "factor 1/K", "1/K times"),
    "a constant": ("gradient", [f"{GOOD} + 1/2"], "constant", "1/2 too large"),
    "the delta lost": ("gradient", ["softmax(s/tau)[j]"], "wrong where j = y", "agree where j ≠ y"),
    "the delta everywhere": ("gradient", ["softmax(s/tau)[j] - 1"], "wrong where j ≠ y", "j = y"),
    "tau forgotten once": ("gradient", [f"({GOOD})/tau"], "tau misplaced", "`tau` were 1"),
    "a known mistake": (
        "gradient",
        ["softmax(s)[j] - delta(j, y)"],
        "Where did the temperature go?",
        "Where did the temperature go?",
    ),
    "two classes only": (
        "hessian",
        ["softmax(s)[j]*(1 - softmax(s)[j])*(2*delta(j, k) - 1)"],
        "wrong where K > 2",
        "agree where K = 2",
    ),
    "transposed": (
        "jacobian",
        ["q[k]*softmax(s)[k]*(delta(j, k) - softmax(s)[j])"],
        "transposed",
        "with j and k exchanged",
    ),
    "rounded": (
        "hessian",
        ["1.00000000001*softmax(s)[j]*(delta(j, k) - softmax(s)[k])"],
        "decimal numbers",
        "exact numbers",
    ),
    "nothing in common": (
        "hessian",
        ["softmax(s)[j]**2"],
        "does not follow",
        "they differ at K = ",
    ),
    "not finished": (
        "gradient",
        ["Derivative(tau*LSE(s/tau), s[j]) - delta(j, y)"],
        "not finished",
        "`Derivative` still stands",
    ),
    "an inequality for an equation": ("gradient", ["<= 9"], "relation", "`<=`, and `=`"),
    "the other direction": (
        "theorem",
        ["<= -log(Sum(p[i], (i, 1, K)))", "0"],
        "direction",
        "`>=` holds instead",
    ),
    "an equation for an inequality": (
        "theorem",
        ["-log(Sum(p[i], (i, 1, K)))", "0"],
        "relation",
        "not equal",
    ),
    "up and down": ("theorem", [">= 0", "<= KL(q, p)", ">= 0"], "direction", "not related"),
    "too little": ("theorem", [">= -1"], "not finished", "not yet what was asked for"),
    "too much": ("theorem", ["> -1", ">= 0"], "direction", "`>=` does not hold"),
    "the theorem itself": ("theorem", [">= 0"], "a step left out", "put a line between"),
    "no value": ("gradient", ["log(-exp(s[j]))"], "no value", "no value"),
    "not readable": (
        "gradient",
        [GOOD, "2 softmax(s/tau)[j]"],
        "unreadable line",
        "Line 2 cannot be",
    ),
    "a vector": ("gradient", ["softmax(s/tau) - one_hot(y)"], "unreadable line", "whole vector"),
    "too large": ("gradient", ["9**9**9"], "unreadable line", "too high a power"),
    "no lines": ("gradient", 7, "wrong kind", "should be a list of lines"),
    "too many lines": ("gradient", [GOOD] * 61, "wrong kind", "at most 60"),
}


@pytest.mark.parametrize("slip", WRONG_LINES)
def test_a_wrong_derivation_scores_nothing_and_is_told_why(found, slip):
    name, lines, mistake, words = WRONG_LINES[slip]
    finding = found(name, lines)
    assert (finding.points, finding.mistake) == (0, mistake), finding
    assert finding.status in ("wrong", "partly") and words in finding.says


def test_the_witness_has_the_point_both_lines_as_typed_and_both_values(found):
    says = found("hessian", ["softmax(s)[j] * 1", "softmax(s)[k]"]).says
    assert says.startswith("**Line 1 does not follow from the start**: they differ at K = 2, j = ")
    start, line = (row for row in says.splitlines() if row.startswith(("| the start", "| line 1")))
    assert "`Derivative(LSE(s), s[j], s[k])`" in start and "`softmax(s)[j] * 1`" in line
    assert float(start.split("|")[3]) != float(line.split("|")[3])


TRICKS = {
    "no value where it is wrong": "softmax(s)[j]*(1 - softmax(s)[k])"
    " + (1 - delta(j, k))*exp(exp(exp(99*(1 - delta(j, k)))))",
    "wrong for other numbers of classes only": "softmax(s)[j]*(delta(j, k) - softmax(s)[k])"
    " + (K - 2)*(K - 3)*(K - 5)*(K - 7)",
    "a quotient of differences": "10**50*(softmax(s + one_hot(k)/10**50)[j] - softmax(s)[j])",
    "a finer one": "10**200*(softmax(s + one_hot(k)/10**200)[j] - softmax(s)[j])",
    "a difference in the middle": "10**50*(softmax(s + one_hot(k)/10**50)[j]"
    " - softmax(s - one_hot(k)/10**50)[j])/2",
}


@pytest.mark.parametrize("trick", TRICKS)
def test_a_trick_that_fools_random_points_scores_nothing(found, trick):
    assert found("hessian", [TRICKS[trick]]).points == 0


@pytest.mark.parametrize(("fewest", "mistake"), [(4, "no value"), (0, "the ends differ")])
def test_a_term_without_value_but_at_the_public_point_hides_nothing(
    found, monkeypatch, fewest, mistake
):
    monkeypatch.setattr(derivations, "FEWEST", fewest)
    derivations._failure.cache_clear()
    start = Derivative(LSE(s), s[j], s[k])
    point = next(iter(draw_points(start)))
    size = f"1e290*(s[1] - {Rational(float(point.values[s][0]))})**2"
    hidden = f"exp({size} + 1) - E*exp({size})"  # zero, but SymPy computes it nowhere else
    with mp.workdps(160):
        digits = str(evaluate(start, point)).removeprefix("0.")
    constant = " + ".join(f"0.{digits[n : n + 30]}/10**{n}" for n in (0, 30, 60, 90))
    lines = [f"Derivative(LSE(s), s[j], s[k]) + {hidden}", f"{constant} + {hidden}"]
    finding = found("hessian", [*lines, constant])
    assert (finding.points, finding.mistake) == (0, mistake), finding


BARELY_WRONG = [
    "+ 1e-299",
    "*(1 - 1e-250)",
    "+ s[j]*(K-2)*(K-3)*(K-4)*(K-5)*(K-6)*(K-7)*(K-11)",
    "+ Heaviside(s[j] - 200)",
    "+ Heaviside(-s[j] - 10**6)",
    "+ exp(-exp(1000*(s[j] + 50)))",
    "+ Max(0, K - 50)",
    "+ Max(0, K - 1000)",
    "+ delta(K, 64)*s[j]",
    "+ Max(0, s[j] - 10**12)",
    "+ Max(0, exp(s[j]/10) - 10**9)",
    "+ Heaviside(s[j] - 100)*Heaviside(101 - s[j])",
    "+ exp(-10**10)*s[j]",
]


@pytest.mark.parametrize("trick", BARELY_WRONG)
def test_a_line_that_is_wrong_where_nobody_looks_scores_nothing(found, trick):
    assert found("gradient", [f"({GOOD}){trick}"]).points == 0


STRANGE = {
    "a wrong slope by a parameter": ("slope", "0"),
    "its reciprocal": ("slope", "1/h"),
    "a variable named as a part of an integral": (
        "gradient",
        "Integral(s[j]*constant0, (constant0, 0, 1))",
    ),
}


@pytest.mark.parametrize("line", STRANGE)
def test_a_wrong_line_is_wrong_however_strange(found, line):
    name, formula = STRANGE[line]
    finding = found(name, [formula])
    assert finding.status == "wrong" and "they differ at K = " in finding.says


def test_what_is_wrong_is_said_even_if_the_reason_cannot_be_found(found, monkeypatch):
    monkeypatch.setattr(derivations, "_looks_like", mock.Mock(side_effect=NotImplementedError))
    finding = found("gradient", ["softmax(s)[y]"])
    assert (finding.mistake, finding.status) == ("does not follow", "wrong")
    assert "they differ at K = " in finding.says


def test_what_cannot_be_compared_costs_this_question_only(found, monkeypatch):
    monkeypatch.setattr(derivations, "compare", mock.Mock(side_effect=SyntaxError("lam")))
    finding = found("gradient", ["softmax(s)[y] + 1"])
    assert finding.mistake == "no value" and "SyntaxError: lam" in finding.says


def test_a_step_a_little_beside_its_kink_is_seen(found):
    rest = "*(delta(j, argmax(s, Others(y))) - delta(j, y))"
    assert found("kink", ["Heaviside(1 - margin(s, y))" + rest]).points == 1
    finding = found("kink", ["Heaviside(101/100 - margin(s, y))" + rest])
    assert (finding.points, finding.mistake) == (0, "a kink")


def test_a_difference_of_two_losses_is_no_gradient_beside_a_kink(found):
    loss = "Max(0, 1 + maximum(s {0} one_hot(j)/2**26, Others(y)) - s[y] {1} delta(j, y)/2**26)"
    difference = f"({loss.format('+', '-')} - {loss.format('-', '+')})*2**25"
    finding = found("kink", [difference])
    assert (finding.points, finding.mistake) == (0, "a kink"), finding


def test_what_is_no_calculus_is_not_finished(found):
    small = "tau*(LSE((s + I*one_hot(j)/10**90)/tau) - LSE((s - I*one_hot(j)/10**90)/tau))"
    for line in (f"Integral(2*t*({GOOD}), (t, 0, 1))", f"{small}*10**90/(2*I) - delta(j, y)"):
        finding = found("gradient", [line])
        assert (finding.points, finding.mistake) == (0, "not finished"), finding


@pytest.mark.parametrize("answer", [None, ..., [], "", ["..."], [...], [None], [""], ["# soon"]])
def test_an_answer_that_is_not_there_is_missing(found, answer):
    assert found("gradient", answer).status == "missing"


@pytest.mark.parametrize("remark", ["", "  ", "# chain rule", "# one\n# two"])
def test_a_line_that_says_nothing_costs_nothing(found, parameters, remark):
    *_, lines = (lines for lines in gradients(parameters["tau"]) if isinstance(lines, list))
    for place in range(len(lines) + 1):
        finding = found("gradient", [*lines[:place], remark, *lines[place:]])
        assert (finding.status, finding.points) == ("right", 4), finding
    assert found("gradient", [remark]).status == "missing"


def test_a_line_has_its_number_in_the_list(found):
    says = found("gradient", ["# first", "softmax(s/tau)[j] - delta(j, y)", "", "s[j]"]).says
    assert says.startswith("Line 2 follows. **Line 4 does not follow from line 2**")


def test_five_lines_are_checked_in_less_than_a_second_and_again_in_no_time(found, parameters):
    lines = gradients(parameters["tau"])[9]
    begin = time.process_time()
    found("gradient", lines)
    first = time.process_time()
    found("gradient", lines)
    assert first - begin < 1 and time.process_time() - first < 0.02


# Functions


def gradient(s, y, tau):
    e = np.exp((s - s.max()) / tau)
    p = e / e.sum()
    p[y] -= 1
    return p


def losses(s, y):
    top = s.max(axis=-1)
    lse = top + np.log(np.exp(s - top[:, None]).sum(axis=-1))
    return lse - s[np.arange(len(y)), y]


def jacobian(s, q):
    p = gradient(s, 0, 1) + (np.arange(len(s)) == 0)
    return (q * p)[:, None] * (np.eye(len(s)) - p)


def as_loops(s, y, tau):
    weights = [2.718281828459045 ** ((x - max(s)) / tau) for x in s]
    return [w / sum(weights) - (place == y) for place, w in enumerate(weights)]


def in_place(s, y, tau):
    s -= s.max()
    s /= tau
    np.exp(s, out=s)
    s /= s.sum()
    s[y] -= 1
    return s


class Model:
    def __init__(self, tau):
        self.tau = tau

    def __call__(self, s, y):
        return gradient(s, y, self.tau)


def functions(tau):
    """Right answers to `code`, written in other ways."""
    return [
        lambda s, y: gradient(s, y, tau),
        lambda s, y: as_loops(s, y, tau),
        lambda scores, label: tuple(as_loops(scores, label, tau)),
        lambda s, y: in_place(s, y, tau),
        Model(tau),
        lambda s, y: np.exp(s / tau - np.logaddexp.reduce(s / tau)) - np.eye(len(s))[y],
        lambda s, y: gradient(s - 17, y, tau).astype(np.longdouble),
        lambda s, y: (
            1 / np.exp((s[None, :] - s[:, None]).clip(None, 700 * tau) / tau).sum(1)
            - (np.arange(s.size) == y)
        ),
        lambda *arguments: gradient(*arguments, tau),
        lambda s, y: -(np.eye(s.size)[int(y)] - gradient(s, y, tau) - np.eye(s.size)[y]),
    ]


@pytest.mark.parametrize("number", range(10))
def test_a_right_function_however_written_scores_full(found, parameters, number):
    finding = found("code", functions(parameters["tau"])[number])
    assert (finding.status, finding.points, finding.mistake) == ("right", 4, None), finding


def test_right_functions_of_batches_and_matrices_score_full(found):
    assert found("matrix", jacobian).points == 2
    assert found("rows", losses).points == 2
    assert found("batch", lambda s, y: losses(s, y).mean()).points == 2


def naive(s, y, tau):
    with np.errstate(all="ignore"):
        p = np.exp(s / tau) / np.exp(s / tau).sum()
    p[y] -= 1
    return p


def fails(s, y, tau):
    raise AnswerError("it raises ValueError: shapes do not fit.")


WRONG_FUNCTIONS = {
    "the sign": ("code", lambda s, y, tau: -gradient(s, y, tau), 0, "sign"),
    "a factor": ("code", lambda s, y, tau: gradient(s, y, tau) * 2, 0, "factor 2"),
    "a fraction": ("code", lambda s, y, tau: gradient(s, y, tau) / -3, 0, "factor -1/3"),
    "no delta": (
        "code",
        lambda s, y, tau: gradient(s, y, tau) + (np.arange(s.size) == y),
        0,
        "wrong at the right class",
    ),
    "a constant": ("code", lambda s, y, tau: gradient(s, y, tau) + 0.1, 0, "constant"),
    "a known mistake": (
        "code",
        lambda s, y, tau: gradient(s, y, 1),
        0,
        "Where did the temperature go?",
    ),
    "overflow": ("code", naive, 3, "unstable for large scores"),
    "few digits": (
        "code",
        lambda s, y, tau: gradient(s, y, tau).astype(np.float32),
        0,
        "inaccurate",
    ),
    "a column": ("code", lambda s, y, tau: gradient(s, y, tau)[:, None], 0, "shape"),
    "too short": ("code", lambda s, y, tau: gradient(s, y, tau)[1:], 0, "shape"),
    "a number": ("code", lambda s, y, tau: 0.5, 0, "shape"),
    "nothing": ("code", lambda s, y, tau: None, 0, "missing"),
    "a text": ("code", lambda s, y, tau: "0.5", 0, "raises an error"),
    "ragged": ("code", lambda s, y, tau: [[1], [1, 2]], 0, "raises an error"),
    "an error": ("code", fails, 0, "raises an error"),
    "noise": ("code", lambda s, y, tau: np.sin(s), 0, "wrong values"),
    "not finite": ("rows", lambda s, y: losses(s, y) + np.inf, 0, "not finite"),
    "transposed": ("matrix", lambda s, q: jacobian(s, q).T, 0, "transposed"),
    "the diagonal": ("matrix", lambda s, q: jacobian(s, q) + np.eye(4), 0, "wrong at the diagonal"),
    "only the diagonal": (
        "matrix",
        lambda s, q: np.diag(np.diag(jacobian(s, q))),
        0,
        "right only at the diagonal",
    ),
    "a sum for a mean": ("batch", lambda s, y: losses(s, y).sum(), 0, "missing mean"),
    "no mean": ("batch", losses, 0, "missing mean"),
    "a mean too many": ("rows", lambda s, y: losses(s, y).mean(), 0, "mean over the rows"),
    "a sum too many": ("rows", lambda s, y: losses(s, y).sum(), 0, "sum over the rows"),
    "another logarithm": ("rows", lambda s, y: losses(s, y) / np.log(2), 0, "logarithm to base 2"),
}


@pytest.mark.parametrize("slip", WRONG_FUNCTIONS)
def test_a_wrong_function_is_told_what_its_errors_look_like(found, parameters, slip):
    name, function, points, mistake = WRONG_FUNCTIONS[slip]
    tau = (parameters["tau"],) if name == "code" else ()
    finding = found(name, lambda *arguments: function(*arguments, *tau))
    assert (finding.points, finding.mistake) == (points, mistake), finding


def test_the_input_at_which_a_function_is_most_wrong_is_shown_and_by_how_much(found, parameters):
    def answer(s, y):
        value = losses(s, y)
        value[5] += 0.25
        return value

    says = found("rows", answer).says
    assert "in row 5 of a batch, with `s = [" in says and ", off by 0.25." in says


def test_the_same_mistake_is_explained_once(found, parameters):
    says = found("code", lambda s, y: -gradient(s, y, parameters["tau"])).says.splitlines()
    assert "**sign**" in says[0] and says[1].endswith("not shown. The same mistake.")


def test_another_error_is_not_called_the_same(found, parameters):
    def answer(s, y):
        raise AnswerError(f"it raises ValueError: {len(s)} classes and {s[0] > 100}")

    first, second = found("code", answer).says.splitlines()
    assert "classes and False" in first and "same" not in second


def test_the_inputs_are_copies(assignment, parameters):
    question = next(question for question in assignment.questions if question.name == "code")
    before = [s.copy() for (s, _), _ in question.examples(question.probes[0], parameters, 7)]
    check(question, lambda s, y: in_place(s, y, 1), parameters, 7)
    after = [s for (s, _), _ in question.examples(question.probes[0], parameters, 7)]
    assert all(map(np.array_equal, before, after))


def test_what_is_computed_of_an_answer_is_bounded_by_what_is_expected(found, parameters):
    tau = parameters["tau"]
    many = {
        "rows": lambda s, y: np.empty((0, 6 * 10**7)),
        "batch": lambda s, y: np.empty((0, 6 * 10**7)),
        "matrix": lambda s, q: np.broadcast_to(0.0, (10**5, 10**3)),
        "code": lambda s, y: np.broadcast_to(gradient(s, y, tau), (10**7, len(s))),
    }
    for name, function in many.items():
        tracemalloc.start()
        finding = found(name, function)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert finding.points == 0 and peak < 20e6, (name, peak)


def test_a_stub_is_no_answer(found):
    def stub(s, y): ...

    finding = found("code", stub)
    assert (finding.status, finding.mistake) == ("missing", "missing")
    assert found("code", lambda s, y: None if s[0] > 0 else 0 * s).status == "wrong"


def test_what_hides_tells_neither_inputs_nor_what_a_function_chooses(found, parameters):
    hidden = found.hidden("code")

    def tells(s, y):
        if abs(s).max() > 100:
            raise AnswerError(f"it raises ValueError: {s.tolist()}")
        return gradient(s, y, parameters["tau"])

    def scaled(s, y):
        large = abs(s).max() > 100
        return gradient(s, y, parameters["tau"]) * (s.max() if large else 1)

    for function in (tells, scaled):
        finding = check(hidden, function, parameters, seed=(7, 8))
        assert finding.points == 3
        last = finding.says.splitlines()[-1]
        assert last == "- ✗ large scores (1 point): it is wrong at inputs that are not shown."


def test_an_array_of_objects_is_one_of_numbers_as_it_is_for_the_grader(found, parameters):
    right = lambda s, y: [Fraction(x) for x in gradient(s, y, parameters["tau"])]  # noqa: E731
    assert found("code", right).points == 4


def test_an_error_that_is_not_the_answer_passes_through(found):
    class Timeout(Exception):
        pass

    def answer(s, y):
        raise Timeout

    with pytest.raises(Timeout):
        found("code", answer)


def test_what_is_no_function_is_told_so(found):
    assert "should be a function, and is a list" in found("code", [1]).says


# Numbers and words


def numbers(tau):
    """Right answers to `root`, by other ways."""
    root = float(np.log(np.expm1(tau)))
    return [
        root,
        np.float64(root),
        np.array(root),
        np.array([root])[0],
        root * (1 + 9e-5),
        root * (1 - 9e-5),
        Fraction(root),
        round(root, 5),
        log(exp(tau) - 1).evalf(),
        np.float32(root),
    ]


@pytest.mark.parametrize("number", range(10))
def test_a_right_number_of_any_kind_scores_full(found, parameters, number):
    finding = found("root", numbers(parameters["tau"])[number])
    assert (finding.status, finding.points) == ("right", 2), finding


WRONG_NUMBERS = {
    "the sign": (lambda x: -x, "sign"),
    "half": (lambda x: x / 2, "factor 1/2"),
    "twice": (lambda x: x * 2, "factor 2"),
    "percent": (lambda x: x * 100, "factor 100"),
    "the complement": (lambda x: 1 - x, "complement"),
    "the reciprocal": (lambda x: 1 / x, "reciprocal"),
    "base 2": (lambda x: x / np.log(2), "logarithm to base 2"),
    "base 10": (lambda x: x / np.log(10), "logarithm to base 10"),
    "rounded": (lambda x: x * 1.002, "inaccurate"),
    "far away": (lambda x: x + 40, "wrong number"),
    "not a number": (lambda x: np.nan, "wrong kind"),
    "infinite": (lambda x: np.inf, "wrong kind"),
    "a text": (lambda x: str(x), "wrong kind"),
    "a list": (lambda x: [x], "wrong kind"),
    "complex": (lambda x: x + 1j, "wrong kind"),
}


@pytest.mark.parametrize("slip", WRONG_NUMBERS)
def test_a_wrong_number_is_told_what_it_looks_like(found, parameters, slip):
    change, mistake = WRONG_NUMBERS[slip]
    finding = found("root", change(numbers(parameters["tau"])[0]))
    assert (finding.points, finding.mistake) == (0, mistake), finding
    assert "exp" not in finding.says  # the equation would be half of the solution


RANGE = """
title = "A probability"

[[questions]]
name = "q1"
kind = "number"
points = 2
asks = "How probable?"
answer = "p"
unknown = "p"
equation = ["(1 - p)**2", "1/10"]
tolerance = 1e-4
range = [0, 1]
"""


def test_a_root_that_makes_no_sense_is_no_answer(tmp_path):
    (tmp_path / "questions.toml").write_text(RANGE, encoding="utf-8-sig")
    (question,) = load(tmp_path / "questions.toml").questions
    inside, outside = 1 - np.sqrt(0.1), 1 + np.sqrt(0.1)
    assert check(question, inside, {}).points == 2
    finding = check(question, outside, {})
    assert (finding.points, finding.mistake) == (0, "out of range")
    assert "from 0 to 1" in finding.says


def test_lines_and_numbers_are_checked_without_numpy_and_pydantic():
    program = """
import sys
from lossnotes.homework.asked import Derivation, Number
from lossnotes.homework.check import check
common = {"points": 1, "asks": ""}
line = Derivation(kind="derivation", name="a", answer="a", start="Derivative(LSE(s), s[j])",
                  without=["Derivative"], **common)
root = Number(kind="number", name="b", answer="b", unknown="x", equation=["x**3", "8"], **common)
print(check(line, ["softmax(s)[j]"], {}).points, check(root, 2, {}).points)
print({"numpy", "pydantic"} & set(sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "1 1\nset()\n", done.stderr


def test_a_known_wrong_number_has_its_hint(found, parameters):
    assert found("root", parameters["tau"]).says == "The 1 counts."


@pytest.mark.parametrize("answer", ["three words here", "x " * 100, "ein Satz mit Umlauten: äöü"])
def test_words_are_left_to_a_person(found, answer):
    finding = found("why", answer)
    assert (finding.status, finding.points) == ("to read", 0)
    assert ("Between 3 and 20" in finding.says) == (len(answer.split()) > 20)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("因为 softmax 的梯度是概率减去目标", 13),
        ("ソフトマックスの勾配", 10),
        ("the loss - it falls -", 4),
        ("Zwei Wörter", 2),
        ("기울기는 확률입니다", 2),
        ("ฟังก์ชันการสูญเสีย", 5),
    ],
)
def test_words_are_counted_where_they_are_not_set_apart(text, count):
    assert count_words(text) == count


def test_a_strict_relation_that_is_an_equality_somewhere_is_not_called_rounding(found):
    finding = found("theorem", ["> -log(Sum(p[i], (i, 1, K)))", ">= 0"])
    assert finding.mistake == "relation" and "`>=` holds instead" in finding.says


def test_what_is_too_long_for_the_grader_is_too_long_at_home(found):
    assert CHARACTERS == worker.CHARACTERS
    for name, answer in {"why": "word " * 5000, "gradient": [f"{GOOD} # {'x' * 900}"] * 30}.items():
        finding = found(name, answer)
        assert finding.mistake == "wrong kind" and "20000 are the most" in finding.says


def test_no_words_are_no_answer(found):
    assert found("why", "  \n").status == "missing"
    assert found("why", 5).mistake == "wrong kind"


# In the notebook


@pytest.fixture
def homework(assignment, parameters, tmp_path):
    (tmp_path / "questions.json").write_text(assignment.public(parameters), encoding="utf-8")
    return Homework(tmp_path / "questions.json")


def ask(homework, name=None, **answers):
    """hw.check in a notebook with these variables."""
    namespace = {"hw": homework, "name": name, **answers}
    exec("finding = hw.check(name)", namespace)
    return namespace["finding"]


def test_a_notebook_is_checked_by_its_variables(homework, parameters):
    tau = parameters["tau"]
    assert ask(homework, "gradient", gradient=[softmax(s / tau)[j] - delta(j, y)]).points == 4
    assert ask(homework, "gradient").status == "missing"
    finding = ask(homework, "code", code=lambda s, y: gradient(s, y, tau))
    assert finding.points == 3 and "1 more of the points" in finding.says


def test_an_error_in_a_students_function_is_a_finding(homework):
    finding = ask(homework, "rows", rows=lambda s, y: s[99])
    assert finding.points == 0 and "it raises IndexError: index 99" in finding.says


def test_all_questions_are_shown_in_one_table(homework, parameters):
    findings = ask(homework, gradient=["<img src=x>"], reason="because it is so")
    assert [finding.status for finding in findings][:3] == ["wrong", "missing", "missing"]
    table = findings._repr_html_()
    assert table.count("<tr>") == 13 and "<img" not in table
    assert "gradient: wrong, 0 of 4 points" in repr(findings)


def test_an_unknown_question_is_an_error_that_names_the_known_ones(homework):
    with pytest.raises(ValueError, match="one of gradient, hessian"):
        homework.check("q9")


def test_what_a_student_types_is_shown_as_code_and_nothing_else(found):
    for line in ["`<b>x</b>`", "<script>alert(1)</script>", "s[j] | ![](x)"]:
        says = found("gradient", [line]).says
        outside = re.sub("`[^`]*`", "", says)
        assert says.count("`") % 2 == 0 and "<" not in outside and "![" not in outside


@pytest.mark.parametrize("line", ["10**10**10", "softmax(s)[j] <= 1 <= 2", "__import__('os')"])
def test_what_a_student_types_is_quoted_as_it_was_typed(line, found):
    assert f"`{line}`" in found("gradient", [line]).says


def in_notebook(homework, *cells):
    """The cells run as in a notebook with its `hw`."""
    namespace = {"__name__": "__main__", "hw": homework}
    for cell in cells:
        exec(cell, namespace)
    return namespace


@pytest.mark.parametrize(
    "cell",
    [
        "import lossnotes.losses.mimicry",
        "from lossnotes.losses.softmax import log_loss_grad",
        "from lossnotes.homework.check import check",
    ],
)
def test_what_the_grader_has_not_is_not_imported_at_home(homework, cell, monkeypatch):
    monkeypatch.setattr("sys.meta_path", [*sys.meta_path])
    with pytest.raises(ModuleNotFoundError, match="the library is not there when homework is gr"):
        in_notebook(homework, cell, "hw.check('gradient')")


def test_what_the_grader_has_is_imported_at_home(homework):
    cells = "from lossnotes.derive.symbols import *", "from lossnotes.homework import Homework"
    assert in_notebook(homework, *cells, "one = hw.check('gradient')")["one"].status == "missing"


def test_a_finding_that_a_cell_has_shown_stands_in_no_other_cells_way(homework):
    cells = "_ = hw.check('gradient')", "two = hw.check('hessian')"
    assert in_notebook(homework, *cells)["two"].status == "missing"


def test_a_hint_more_is_told_for_each_other_wrong_answer(homework):
    question = homework._public.questions[0]
    question.hints = ["The first.", "The second."]
    says = [
        ask(homework, "gradient", gradient=[line]).says
        for line in ("s[j]", "s[j]", "s[k]", "s[y]", GOOD)
    ]
    found = [[hint in text for hint in question.hints] for text in says]
    assert found == [[True, False], [True, False], [True, True], [True, True], [False, False]]


def test_sympy_lines_and_texts_are_the_same_lines(homework):
    line = Derivative(log(Sum(exp(s[i]), (i, 1, K))), s[j])
    assert (
        ask(homework, "hessian", hessian=[line]).says
        == ask(homework, "hessian", hessian=[str(line)]).says
    )
