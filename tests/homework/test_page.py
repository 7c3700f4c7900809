"""What is typed in a page of the book is checked as in a notebook, and told as HTML."""

import json
import math
import subprocess
import sys

import pytest

from lossnotes.homework.build import build, solutions
from lossnotes.homework.grade import grade_one
from lossnotes.homework.new import new
from lossnotes.homework.page import checked, filled, html, opened
from lossnotes.workbench import Page

GRADIENT = {
    "kind": "derivation",
    "name": "p1",
    "asks": "The gradient",
    "start": "Derivative(log_loss(s, y), s[j])",
    "without": ["Derivative"],
}
SCORE = {
    "kind": "number",
    "name": "p2",
    "asks": "Nine to one",
    "unknown": "x",
    "equation": ["sigmoid(x)", "9/10"],
}


def told(question, typed, parameters=()):
    found = checked(question, typed, dict(parameters))
    return found["status"], found["html"]


def test_lines_that_follow_are_right_and_shown_as_they_were_read():
    typed = "Derivative(LSE(s) - s[y], s[j])\n\n# the chain rule\n= softmax(s)[j] - delta(j, y)"
    status, shown = told(GRADIENT, typed)
    assert (status, "All 2 lines follow" in shown) == ("right", True)
    assert r"&= \sigma_{j}\mathopen{}\left(s\right) - \delta_{j y}" in shown


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("= softmax(s)[j] - delta(j, y)\n= 2*softmax(s)[j] - 2*delta(j, y)", "<b>factor</b>"),
        ("delta(j, y) - softmax(s)[j]", "<b>sign</b>"),
        ("Derivative(LSE(s) - s[y], s[j])", "still stands in the last one"),
        ("= softmax(s)[j] - delta(j, y)\n\n= softmax(s)[j] - ", "<b>Line 2 cannot be read</b>"),
        ("sotfmax(s)[j]", "did you mean softmax"),
        ("softmax(s)[j] <= 1 =", "<b>Line 1 cannot be read</b>"),
    ],
)
def test_what_is_wrong_with_lines_is_named(typed, words):
    status, shown = told(GRADIENT, typed)
    assert status != "right"
    assert words in shown


@pytest.mark.parametrize("typed", ["log(9)", "2*log(3)", "2.1972245773362196", " log(9)  # odds"])
def test_a_number_may_be_a_formula(typed):
    assert told(SCORE, typed)[0] == "right"


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("-log(9)", "<b>sign</b>"),
        ("log(9", "<b>This cannot be read</b>"),
        ("log(p[j])", "has no value: a number is asked for"),
        ("s", "is a whole vector"),
        ("log(-9)", "this is no real number"),
        ("sqrt(-9)", "this is no real number"),
        ("log(9)/(3 - 3)", "divides by zero"),
        ("nobody", "is no name here"),
    ],
)
def test_what_is_wrong_with_a_number_is_named(typed, words):
    status, shown = told(SCORE, typed)
    assert status == "wrong"
    assert words in shown


def test_a_number_may_use_the_numbers_of_a_student():
    question = SCORE | {"equation": ["sigmoid(x/tau)", "9/10"]}
    assert told(question, "tau*log(9)", {"tau": 2.5})[0] == "right"
    assert told(question, "2.5*log(9)", {"tau": 2.5})[0] == "right"


def test_what_was_typed_is_no_markup():
    for question in (GRADIENT, SCORE):
        assert "<img" not in told(question, "<img src=x>")[1]


def test_formulas_between_dollars_are_set():
    assert html("The **sign** of $a < b$") == r"<p>The <b>sign</b> of \(a &lt; b\)</p>"


def test_nothing_typed_is_missing():
    assert told(SCORE, " ")[0] == told(GRADIENT, "\n")[0] == "missing"


def test_the_page_asks_for_it_in_json():
    answer = json.loads(Page().answer("checked", json.dumps(SCORE), "log(9)"))
    says = "<p>It solves the equation.</p>"
    assert answer == {"status": "right", "points": 1, "of": 1, "html": says}


def test_a_page_needs_neither_numpy_nor_pydantic():
    program = """
import sys
for name in ("numpy", "pydantic", "nbformat", "nbconvert", "typer", "rich"):
    sys.modules[name] = None
from lossnotes.homework.page import checked
print(checked({"kind": "number", "name": "p", "asks": "", "unknown": "x", "equation": ["x", "2"]},
              "2", {})["status"])
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert run.stdout == "right\n", run.stderr


# A notebook in the page

SECRET = b"a secret of more than thirty-two bytes"
ANSWERS = {
    "q1": "= Derivative(LSE(s/tau) - s[y]/tau, s[j])\n\n= (softmax(s/tau)[j] - delta(j, y))/tau",
    "q2": """def log_loss_grad(s, y):
    powers = np.exp((s - s.max()) / tau)
    return (powers / powers.sum() - (np.arange(len(s)) == y)) / tau""",
    "q3": "-tau*log(exp(1/10) - 1)",
    "q4": 'A "high" temperature\nmakes all alike: größer, and \\ smaller. ' + 20 * "word ",
}


@pytest.fixture(scope="module")
def chapter(tmp_path_factory):
    return new(tmp_path_factory.mktemp("course") / "hinge")


@pytest.fixture(scope="module")
def handed_out(chapter):
    """The notebook and the questions of Ada, as texts."""
    out = chapter.parent / "out"
    (folder,) = build(chapter, out, secret=SECRET, students=["Ada"], trusted=True)
    return (folder / "hinge.ipynb").read_text(), (folder / "questions.json").read_text()


def test_what_is_typed_in_the_page_is_graded_like_a_notebook(chapter, handed_out):
    (folder,) = solutions(chapter, chapter.parent / "solved", secret=SECRET, students=["Ada"])
    solved = (folder / "hinge_solution.ipynb").read_bytes()
    typed = filled(*handed_out, ANSWERS).encode()
    results = [grade_one(chapter, SECRET, "Ada", one, trusted=True) for one in (solved, typed)]
    points = [{name: f.points for name, f in result.findings.items()} for result in results]
    assert points[0] == points[1] == {"q1": 4, "q2": 4, "q3": 2, "q4": 0}
    assert [result.reason for result in results] == ["", ""]


def test_a_notebook_that_is_opened_again_has_what_was_typed(handed_out):
    again = opened(filled(*handed_out, ANSWERS), handed_out[1])
    typed = [cell["typed"] for cell in again["cells"] if "question" in cell]
    tau = again["parameters"]["tau"]
    assert typed[0] == ANSWERS["q1"].replace("\n\n", "\n")
    assert typed[1] == ANSWERS["q2"]
    assert float(typed[2]) == pytest.approx(-tau * math.log(math.exp(0.1) - 1))
    assert typed[3] == ANSWERS["q4"].strip()


def test_nothing_else_of_the_notebook_changes(handed_out):
    before, after = (json.loads(one) for one in (handed_out[0], filled(*handed_out, ANSWERS)))
    changed = [a["id"] for a, b in zip(before["cells"], after["cells"], strict=True) if a != b]
    assert len(changed) == 4
    assert filled(*handed_out, {}) == json.dumps(before, indent=1, ensure_ascii=False) + "\n"


def test_a_page_shows_texts_code_and_a_place_for_each_answer(handed_out):
    shown = opened(*handed_out)
    kinds = [next(iter(cell)) for cell in shown["cells"]]
    assert kinds.count("question") == 4
    assert [cell["question"] for cell in shown["cells"] if "question" in cell] == [0, 1, 2, 3]
    assert [cell["typed"] for cell in shown["cells"] if "question" in cell][::2] == ["", ""]
    assert not any("hw.check(" in cell.get("code", "") for cell in shown["cells"])


def test_the_last_cell_that_answers_counts_as_when_it_is_run(handed_out):
    book = json.loads(handed_out[0])
    own = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
    book["cells"].append(own | {"source": "a = 1; gradient = ['= 0']; b = 2"})
    cells = opened(json.dumps(book), handed_out[1])["cells"]
    assert [cell["typed"] for cell in cells if cell.get("question") == 0] == ["= 0"]
    after = json.loads(filled(json.dumps(book), handed_out[1], {"q1": "= 1"}))
    assert after["cells"][-1]["source"] == ["a = 1; gradient = [\n", '    "= 1"\n', "]; b = 2"]


@pytest.mark.parametrize(
    ("typed", "source"),
    [
        ("", "lead = ..."),
        ("1/4", "lead = 0.25"),
        ("np.sqrt(2)", "lead = np.sqrt(2)"),
        ("a quarter", 'lead = "a quarter"'),
    ],
)
def test_a_number_that_cannot_be_read_is_not_lost(handed_out, typed, source):
    book = json.loads(filled(*handed_out, {"q3": typed}))
    assert [source] in [cell["source"] for cell in book["cells"]]


def test_files_that_belong_to_nothing_are_named(handed_out):
    notebook, questions = handed_out
    assert "no notebook" in opened("{}", questions)["error"]
    assert "no notebook" in opened("no JSON", questions)["error"]
    assert "questions.json" in opened(notebook, notebook)["error"]
    other = json.dumps({"cells": []})
    assert "no place for gradient" in opened(other, questions)["error"]


@pytest.fixture
def function(handed_out):
    """The question for a function, and the numbers of Ada."""
    public = json.loads(handed_out[1])
    return public["questions"][1], public["parameters"]


def test_where_numpy_is_not_there_a_function_is_read_and_not_run(function, monkeypatch):
    monkeypatch.setitem(sys.modules, "numpy", None)
    assert told(function[0], "def f(:")[0] == "wrong"
    status, shown = told(function[0], "def f():\n    raise SystemExit")
    assert (status, "when it is graded" in shown) == ("to read", True)


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        (("", ""), "right", "✓"),
        (("return (", "return -("), "wrong", "sign"),
        (("return (", "return 1/0 + ("), "wrong", "it raises ZeroDivisionError"),
        (("s.max()", "shift(s)"), "wrong", "it raises NameError: name 'shift' is not defined"),
        (("def log", "1/0\ndef log"), "wrong", "<b>It cannot be run</b>: ZeroDivisionError"),
        (("def log", "exit()\ndef log"), "wrong", "<b>It cannot be run</b>: SystemExit"),
        (("grad(s", "gradient(s"), "missing", "There is no <code>log_loss_grad</code> yet."),
        (("def log_loss_grad(", "log_loss_grad = 3\ndef other("), "wrong", "and is a int"),
        (("def log_loss_grad(s, y)", "if y"), "wrong", "Line 3 cannot be read"),
        (("s.max()", "s.max(:"), "wrong", "Line 2 cannot be read"),
    ],
)
def test_where_numpy_is_there_a_function_is_tried(function, change, status, words):
    question, parameters = function
    found, shown = told(question, ANSWERS["q2"].replace(*change), parameters)
    assert (found, words in shown.replace("&#x27;", "'")) == (status, True), shown


def test_each_other_wrong_answer_unlocks_a_hint():
    question = GRADIENT | {"hints": ["first", "second"]}
    assert "Hint" not in checked(question, "0", {}, 0)["html"]
    assert "Hint 2" not in checked(question, "0", {}, 1)["html"]
    assert "Hint 2: second" in checked(question, "0", {}, 2)["html"]
    assert "Hint" not in checked(question, "softmax(s)[j] - delta(j, y)", {}, 2)["html"]


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("# A title\nand words\nin two lines", "<h2>A title</h2>\n<p>and words in two lines</p>"),
        ("so $a_1 * b$ and $c * d_1$", r"<p>so \(a_1 * b\) and \(c * d_1\)</p>"),
        (
            "thus\n$$\na < b\n$$\nis",
            '<p>thus</p>\n<div class="math">\\[\na &lt; b\n\\]</div>\n<p>is</p>',
        ),
        ("```python\nx = `$1$`\n```", "<pre>x = `$1$`\n</pre>"),
        ("in `$HOME` and `$USER`", "<p>in <code>$HOME</code> and <code>$USER</code></p>"),
        ("1. one,\ntwo\n2. three", "<ol><li>one, two</li><li>three</li></ol>"),
        ("", ""),
    ],
)
def test_the_texts_of_a_notebook_are_shown(words, shown):
    assert html(words) == shown
