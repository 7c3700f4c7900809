"""What is typed in a page of the book is checked as in a notebook, and told as HTML."""

import json
import subprocess
import sys

import pytest

from lossnotes.homework.page import checked, html
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
    typed = "Derivative(LSE(s) - s[y], s[j])\n\n= softmax(s)[j] - delta(j, y)"
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
    assert answer == {"status": "right", "html": "<p>It solves the equation.</p>"}


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
