"""A new assignment, which builds as it is: one question of each kind, to be replaced."""

from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

QUESTIONS = """# Every key is explained in homework/reference.md.
title = "The log loss at a temperature"

[parameters]
tau = { uniform = [1.5, 4.0], digits = 2 }

[[questions]]
name = "q1"
kind = "derivation"
points = 4
asks = "The gradient"
answer = "gradient"
start = "Derivative(log_loss(s/tau, y), s[j])"
without = ["Derivative"]
via = ["Derivative(LSE(s/tau) - s[y]/tau, s[j])"]
lines = 2
partial = 0.5
[[questions.mistakes]]
line = "softmax(s/tau)[j] - delta(j, y)"
hint = "The scores are divided before anything else happens to them. The chain rule knows."

[[questions]]
name = "q2"
kind = "function"
points = 4
asks = "The gradient in NumPy"
answer = "log_loss_grad"
arguments = ["s", "y"]
definition = "Derivative(log_loss(s/tau, y), s[j])"
[[questions.probes]]
asks = "ordinary scores"
points = 3
s = "normal(5)"
y = "label(5)"
[[questions.probes]]
asks = "scores in the thousands"
points = 1
hidden = true
s = "uniform(3000, 3006, 5)"
y = "label(5)"

[[questions]]
name = "q3"
kind = "number"
points = 2
asks = "The lead at which the loss is 1/10"
answer = "lead"
unknown = "x"
equation = ["log(1 + exp(-x/tau))", "1/10"]
tolerance = 1e-4

[[questions]]
name = "q4"
kind = "written"
points = 2
asks = "What a high temperature does"
answer = "reason"
words = [20, 100]
"""

CELLS = [
    """# The log loss at a temperature

Replace each `...` by your answer, and run the cell below it. `hw.check` says how far you are.
It is not run when you are graded, so no cell may depend on what it returns.
A derivation is a list of lines; each is a text and must follow from the one before.""",
    ("import numpy as np\n\nfrom lossnotes.homework import Homework\n\nhw = Homework()",),
    "This number is yours. Leave it as it is.",
    ("tau = 2.5", "parameters"),
    """## Question 1

*4 points.* Derive the gradient of `log_loss(s/tau, y)` in `s[j]`. One of your lines must be the
derivative, still to be done, of a difference in which the logarithm of a sum is `LSE(s/tau)`.""",
    ("gradient = ...",),
    (
        """gradient = [
    "= Derivative(LSE(s/tau) - s[y]/tau, s[j])",
    "= (softmax(s/tau)[j] - delta(j, y))/tau",
]""",
        "solution",
    ),
    ('hw.check("q1")',),
    """## Question 2

*4 points.* Write a function `log_loss_grad(s, y)`: it takes scores of shape `(K,)` and a class,
from 0, and returns the gradient of question 1. Large scores may not overflow.""",
    ("def log_loss_grad(s, y): ...",),
    (
        """def log_loss_grad(s, y):
    powers = np.exp((s - s.max()) / tau)
    return (powers / powers.sum() - (np.arange(len(s)) == y)) / tau""",
        "solution",
    ),
    ('hw.check("q2")',),
    """## Question 3

*2 points.* There are two classes, and the right one leads by $x$. For which `lead` is the loss
$\\log(1 + e^{-x/\\tau})$ equal to 1/10? Four digits are enough.""",
    ("lead = ...",),
    ("lead = -tau * np.log(np.expm1(0.1))", "solution"),
    ('hw.check("q3")',),
    """## Question 4

*2 points.* What does a high temperature do to the gradient of an example that is wrong by far?
Write 20 to 100 words in the text `reason`.""",
    ("reason = ...",),
    (
        '''reason = """
A high temperature makes all probabilities more alike, so that the prediction minus the target is a
moderate number for every class, and the gradient is divided by the temperature besides.
"""''',
        "solution",
    ),
    ('hw.check("q4")',),
]


def new(folder):
    """Write an assignment into a folder that is not there yet. Raises FileExistsError."""
    folder = Path(folder)
    folder.mkdir(parents=True)
    cells = [
        new_markdown_cell(cell, id=f"cell{n}")
        if isinstance(cell, str)
        else new_code_cell(cell[0], id=f"cell{n}", metadata={"tags": list(cell[1:])})
        for n, cell in enumerate(CELLS)
    ]
    (folder / "questions.toml").write_text(QUESTIONS, "utf-8")
    nbformat.write(new_notebook(cells=cells), folder / f"{folder.name}.ipynb")
    return folder
