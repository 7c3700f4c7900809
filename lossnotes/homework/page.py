"""Homework and practice in a page of the book: what is typed is checked by `check`, as elsewhere.

Needs sympy and mpmath only.
"""

import re
from contextlib import suppress

from lossnotes.derive.display import latex
from lossnotes.derive.expressions import ExpressionError
from lossnotes.homework.asked import CLASSES, RELATIONS, split
from lossnotes.homework.check import check
from lossnotes.homework.finding import finding, plain
from lossnotes.homework.markdown import markdown

SIGNS = dict(zip(RELATIONS, (r"\le", r"\ge", "<", ">", "="), strict=True))


def checked(asked, typed, parameters):
    """The finding on what was typed, for the page: its status, and HTML of what it says.

    `asked` is the question as a student has it, a dictionary. Formulas are LaTeX in it.
    """
    question = CLASSES[asked["kind"]](**asked)
    found = ANSWERS[question.kind](question, typed, parameters)
    return {"status": found.status, "html": as_read(question, typed, parameters) + html(found.says)}


def html(words):
    """HTML of Markdown in which formulas stand between dollars."""
    return re.sub(r"\$([^$]+)\$", r"\\(\1\\)", markdown(words))


def lines_of(typed):
    """The lines of a derivation that are not empty."""
    return [line for line in typed.splitlines() if line.strip()]


def as_read(question, typed, parameters):
    """HTML of a derivation as far as its lines can be read, set as mathematics."""
    if question.kind != "derivation":
        return ""
    rows = [f"& {latex(question.parse(question.start, parameters))}"]
    with suppress(ExpressionError):
        for line in lines_of(typed):
            relation, formula = split(line)
            rows.append(rf"&{SIGNS[relation]} {latex(question.parse(formula, parameters))}")
    body = " \\\\\n".join(rows)
    return rf"<p>\[\begin{{aligned}} {body} \end{{aligned}}\]</p>" if rows[1:] else ""


def _derivation(question, typed, parameters):
    return check(question, lines_of(typed), parameters)


def _number(question, typed, parameters):
    if not typed.strip():
        return check(question, None, parameters)
    try:
        number = question.number(typed, parameters)
    except ExpressionError as error:
        says = f"**This cannot be read**: {plain(error)}."
        return finding(question, 0, "wrong", says, "unreadable")
    return check(question, number, parameters)


ANSWERS = {"derivation": _derivation, "number": _number}
