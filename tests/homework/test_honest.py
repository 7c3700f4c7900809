"""A right answer in another form, by another library or in another order is right."""

from pathlib import Path

import nbformat
import pytest

from lossnotes.homework.check import check
from lossnotes.homework.grade import grade_one
from lossnotes.homework.questions import load

HOSTILE = Path(__file__).parent / "hostile"  # whose questions are asked here, too
pytestmark = pytest.mark.usefixtures("sandbox")


def finding(question, *cells):
    """What is found on one answer of a notebook with these cells."""
    cells = [nbformat.v4.new_code_cell(cell) for cell in cells]
    data = nbformat.writes(nbformat.v4.new_notebook(cells=cells)).encode()
    result = grade_one(HOSTILE, b"secret", "Emmy", data)
    assert result.errors == []
    return result.findings[question]


DERIVATIONS = {  # of the gradient of LSE(s) - s[y]
    "a quantity of the book": '["softmax(s)[j] - delta(j, y)"]',
    "written out": '["exp(s[j])/Sum(exp(s[i]), (i, 1, K)) - delta(j, y)"]',
    "by SymPy": "[softmax(s)[j] - delta(j, y)]",
    "written out by SymPy": "[exp(s[j]) / Sum(exp(s[k]), (k, 1, K)) - KroneckerDelta(y, j)]",
    "an exponent": '["exp(s[j] - LSE(s)) - delta(j, y)"]',
    "one fraction": (
        '["(exp(s[j]) - delta(j, y)*Sum(exp(s[i]), (i, 1, K)))/Sum(exp(s[k]), (k, 1, K))"]'
    ),
    "upside down": '["1/Sum(exp(s[i] - s[j]), (i, 1, K)) - delta(j, y)"]',
    "shifted": '["exp(s[j] - c)/Sum(exp(s[i] - c), (i, 1, K)) - delta(j, y)"]',
    "a difference turned round": '["-(one_hot(y)[j] - softmax(s)[j])"]',
    "in steps": (
        '["Derivative(LSE(s), s[j]) - delta(j, y)",'
        ' "= Derivative(log(Sum(exp(s[i]), (i, 1, K))), s[j]) - delta(j, y)",'
        ' "= softmax(s)[j] - delta(j, y)"]'
    ),
    "from the start": '["Derivative(LSE(s) - s[y], s[j])", "softmax(s)[j] - delta(j, y)"]',
    "a tuple of both kinds": '("= exp(s[j] - LSE(s)) - delta(j, y)", softmax(s)[j] - delta(j, y))',
}


@pytest.mark.parametrize("lines", DERIVATIONS.values(), ids=DERIVATIONS)
def test_a_derivation_may_take_any_form(lines):
    symbols = "from sympy import *\nfrom lossnotes.derive.symbols import *"
    found = finding("q1", symbols, f"gradient = {lines}")
    assert (found.status, found.points) == ("right", 4), found.says


FUNCTIONS = {
    "shifted": """
def slope(s, y):
    p = np.exp(s - np.max(s))
    p /= p.sum()
    p[y] -= 1
    return p
""",
    "by logarithms": """
def slope(s, y):
    return np.exp(s - np.logaddexp.reduce(s)) - np.eye(len(s))[y]
""",
    "without NumPy": """
import math
def slope(scores, right):
    top = max(scores)
    weights = [math.exp(score - top) for score in scores]
    return [w / sum(weights) - (k == right) for k, w in enumerate(weights)]
""",
    "a lambda": """
slope = lambda s, y: 1 / np.exp(s[None] - s[:, None]).sum(1) - (np.arange(s.size) == y)
np.seterr(over="ignore")
""",
    "an object": """
class Slope:
    def __call__(self, s, y):
        return probabilities(s) - np.eye(4)[y]
slope = Slope()
def probabilities(s):
    weights = np.exp(s - s.max())
    return weights / weights.sum()
""",
    "a partial function": """
import functools
def power(base, s, y):
    weights = base ** (s - s.max())
    return weights / weights.sum() - np.eye(4)[y]
slope = functools.partial(power, np.e)
""",
    "in long numbers": """
def slope(s, y):
    weights = np.exp(s.astype(np.longdouble) - s.max())
    return weights / weights.sum() - np.eye(4)[y]
""",
    "a tuple": """
def slope(s, y, *, axis=0):
    weights = np.exp(s - s.max(axis))
    return tuple(weights / weights.sum(axis) - np.eye(4)[int(y)])
""",
    "in place": """
def slope(s, y):
    s -= s.max()
    np.exp(s, out=s)
    s /= s.sum()
    s[y] -= 1
    return s
""",
    "by a decorator": """
def batched(function):
    return lambda s, y: function(s[None], np.array([y]))[0]
@batched
def slope(s, y):
    weights = np.exp(s - s.max(-1, keepdims=True))
    return weights / weights.sum(-1, keepdims=True) - np.eye(s.shape[-1])[y]
""",
    "by SymPy": """
import sympy
def slope(s, y):
    weights = [sympy.exp(sympy.Float(score, 40)) for score in s]
    return [w / sum(weights) - int(k == y) for k, w in enumerate(weights)]
""",
}


@pytest.mark.parametrize("source", FUNCTIONS.values(), ids=FUNCTIONS)
def test_a_function_may_be_written_in_any_way(source):
    found = finding("q2", "import numpy as np", source)
    assert (found.status, found.points) == ("right", 4), found.says


NUMBERS = {  # exp(2) - 1
    "by NumPy": "np.expm1(2)",
    "by Python": "math.exp(2) - 1",
    "by SymPy": "sympy.exp(2) - 1",
    "solved by SymPy": "sympy.solve(sympy.log(1 + sympy.Symbol('x')) - 2)[0]",
    "by mpmath": "mpmath.expm1(2)",
    "typed": "6.3890561",
    "a fraction": "fractions.Fraction('6.3890561')",
    "a decimal number": "decimal.Decimal('6.3890561')",
    "of single precision": "np.float32(np.e) ** 2 - 1",
    "an array": "np.asarray(np.expm1(2))",
    "an array of one": "np.array([np.expm1(2)])",
    "a table of one": "np.full((1, 1), np.expm1(2))",
    "a power": "math.e**2 - 1",
    "by halves": "[0.0, 10.0]\nfor _ in range(60):\n    middle = sum(epsilon) / 2\n"
    "    epsilon[math.log(1 + middle) > 2] = middle\nepsilon = middle",
}


@pytest.mark.parametrize("formula", NUMBERS.values(), ids=NUMBERS)
def test_a_number_may_come_from_anywhere(formula):
    libraries = "import decimal, fractions, math, mpmath, sympy\nimport numpy as np"
    found = finding("q3", libraries, f"epsilon = {formula}")
    assert (found.status, found.points) == ("right", 2), found.says


NO_NUMBERS = [
    "None",
    "...",
    "'6.389'",
    "True",
    "[6.389]",
    "6.389 + 1j",
    "np.ones(2)",
    "np.array(['6.389'])",
    "np.array([6.389], object)",
    "np.array([6.389 + 1j])",
    "np.array([True])",
    "sympy.Matrix([6.389])",
    "sympy.Symbol('x')",
]


@pytest.mark.parametrize("formula", [*NUMBERS.values(), *NO_NUMBERS])
def test_the_grader_takes_for_a_number_what_is_one_at_home(formula):
    cells = (
        "import decimal, fractions, math, mpmath, sympy\nimport numpy as np",
        f"epsilon = {formula}",
    )
    here = {}
    exec("\n".join(cells), here)
    at_home = check(load(HOSTILE / "questions.toml").questions[2], here["epsilon"], {})
    graded = finding("q3", *cells)
    assert (graded.status, graded.mistake) == (at_home.status, at_home.mistake)


TEXTS = {
    "a sentence": "'The gradient of LSE is the softmax.'",
    "several lines": '"""\nFirst,\nthe softmax.\n"""',
    "joined": "'Because it ' 'is so.'",
    "put together": "f'It is {2:.1f} times as large.'",
    "Greek": "'∂ℓ/∂s = σ(s) − e, weil Σσ = 1.'",
    "Markdown": "'**Because** $p_j - \\\\delta_{jy}$ sums to 0.'",
    "a formula at the beginning": "'= 0, because both sum to 1'",
    "quotes": "'It is \"right\", isn\\'t it?'",
    "another alphabet": "'因为 softmax 的 梯度'",
    "fifty words": "' '.join(['word'] * 50)",
    "of another type": "type('Text', (str,), {})('It is a text.')",
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_a_text_is_read_by_a_person(text):
    assert finding("q4", f"why = {text}").status == "to read"


def test_the_order_and_the_other_names_do_not_matter():
    cells = [
        "why = 'Both sum to one.'",
        "from numpy import exp as e, expm1, arange\nepsilon = float(expm1(2))",
        "def slope(x, label):\n    return soft(x) - (arange(len(x)) == label)",
        "import lossnotes.derive.symbols as book\nj, s, y = book.j, book.s, book.y",
        "gradient = [book.softmax(s)[j] - book.delta(y, j)]\ns = x = j = y = None",
        "def soft(x):\n    return e(x - max(x)) / sum(e(x - max(x)))",
    ]
    assert [finding(name, *cells).points for name in ("q1", "q2", "q3")] == [4, 4, 2]
