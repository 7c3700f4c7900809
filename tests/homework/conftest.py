"""What the tests of homework share."""

import os

import nbformat
import pytest

from lossnotes.homework.questions import load
from lossnotes.homework.sandbox import NoSandbox, Sandbox


@pytest.fixture(scope="session")
def sandbox():
    """A locked sandbox. A machine that has to offer one says so in its environment."""
    try:
        box = Sandbox()
    except NoSandbox as reason:
        if os.environ.get("LOSSNOTES_REQUIRE_SANDBOX") == "1":
            pytest.fail(str(reason))
        pytest.skip(str(reason))
    with box:
        yield box


QUESTIONS = """
title = "A small assignment"

[parameters]
scale = { integer = [2, 9] }

[[questions]]
name = "q1"
kind = "derivation"
points = 2
asks = "The gradient of LSE"
answer = "gradient"
start = "Derivative(LSE(s), s[j])"
without = ["Derivative"]

[[questions]]
name = "q2"
kind = "function"
points = 3
asks = "A scaled square"
answer = "square"
arguments = ["x"]
symbols = { x = "real" }
definition = "scale*x**2"
[[questions.probes]]
asks = "small numbers"
points = 2
x = "normal()"
[[questions.probes]]
asks = "large numbers"
points = 1
hidden = true
x = "1000 * normal()"

[[questions]]
name = "q3"
kind = "number"
points = 1
asks = "A root"
answer = "root"
unknown = "x"
equation = ["x**3", "8*scale**3"]

[[questions]]
name = "q4"
kind = "written"
points = 2
asks = "A reason"
answer = "reason"
words = [3, 20]
"""
SOLUTIONS = {
    "gradient = ...": 'gradient = ["softmax(s)[j]"]',
    "def square(x): ...": "def square(x):\n    return scale * x**2",
    "root = ...": "root = 2 * scale",
    "reason = ...": 'reason = "because it is so"',
}


def make_notebook(*cells):
    """The bytes of a notebook; a cell is its source, or its source and its tag."""
    notebook = nbformat.v4.new_notebook()
    for number, cell in enumerate(cells):
        source, *tags = (cell,) if isinstance(cell, str) else cell
        code = nbformat.v4.new_code_cell(source, id=f"c{number}", metadata={"tags": tags})
        notebook.cells.append(code)
    return nbformat.writes(notebook).encode()


@pytest.fixture(scope="session")
def notebook():
    return make_notebook


@pytest.fixture
def small(tmp_path):
    """The folder of a small assignment."""
    folder = tmp_path / "homework" / "small"
    folder.mkdir(parents=True)
    (folder / "questions.toml").write_text(QUESTIONS)
    cells = [("scale = 4", "parameters")]
    for stub, solution in SOLUTIONS.items():
        cells += [stub, (solution, "solution")]
    (folder / "small.ipynb").write_bytes(make_notebook(*cells))
    return folder


@pytest.fixture
def solved(small):
    """The cells of a right submission, with the parameters of everybody."""
    scale = load(small / "questions.toml").parameters(b"", "")["scale"]
    return [f"scale = {scale}", *SOLUTIONS.values()]
