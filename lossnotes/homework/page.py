"""Homework and practice in a page of the book: what is typed is checked by `check`, as elsewhere.

Needs sympy and mpmath only, and NumPy to try a function. What comes back is HTML, with formulas
between \\( and \\).
"""

import ast
import json
import re
from contextlib import suppress
from html import escape

from lossnotes.derive.display import latex
from lossnotes.derive.expressions import ExpressionError
from lossnotes.homework.asked import CLASSES, RELATIONS, Public, says_something, split
from lossnotes.homework.check import check
from lossnotes.homework.finding import finding, hinted, plain
from lossnotes.homework.markdown import markdown
from lossnotes.homework.notebook import guarded

SIGNS = dict(zip(RELATIONS, (r"\le", r"\ge", "<", ">", "="), strict=True))


def checked(asked, typed, parameters, tried=0):
    """What is found of what was typed: status, points, and HTML of what is said.

    `asked` is the question as a student has it, a dictionary; `tried` counts the wrong answers, of
    which each unlocks one hint more.
    """
    question = CLASSES[asked["kind"]](**asked)
    found = ANSWERS[question.kind](question, typed, parameters)
    says = hinted(found, question.hints, tried).says
    return {
        "status": found.status,
        "points": found.points,
        "of": found.of,
        "html": as_read(question, typed, parameters) + html(says),
    }


def html(words):
    """HTML of Markdown with headings, code between fences, and formulas between dollars."""
    kept = []

    def keep(found):
        fence, display, formula = found.groups()
        place = f"\0{len(kept)}\0"
        if formula is not None:
            kept.append(rf"\({escape(formula)}\)")
            return place
        if display is not None:
            kept.append(rf'<div class="math">\[{escape(display)}\]</div>')
        elif fence is not None:
            kept.append(f"<pre>{escape(fence)}</pre>")
        else:  # code, in which all is text
            return found[0]
        return f"\n\n{place}\n\n"

    text = re.sub(r"^(#+ .*)$", r"\n\1\n", FORMULAS.sub(keep, words), flags=re.MULTILINE)
    blocks = filter(None, re.split(r"\n\s*\n", text.strip()))
    joined = (re.sub(r"\n(?!\||- |\d+\. )", " ", block.strip()) for block in blocks)
    shown = "\n".join(_heading(block) or _alone(block) or markdown(block) for block in joined)
    return re.sub("\0(\\d+)\0", lambda found: kept[int(found[1])], shown)


FORMULAS = re.compile(
    r"^```\w*\n(.*?)^```$|`[^`]*`|\$\$(.+?)\$\$|\$([^$]+)\$", re.DOTALL | re.MULTILINE
)


def _heading(block):
    """HTML of a heading, one level below those of the page; None if a block is none."""
    if found := re.fullmatch(r"(#{1,4}) (.+)", block):
        level = len(found[1]) + 1
        return markdown(found[2]).replace("<p>", f"<h{level}>").replace("</p>", f"</h{level}>")


def _alone(block):
    """A formula or code in lines of its own, which is no paragraph."""
    return block if re.fullmatch("\0\\d+\0", block) else None


# What is typed


def lines_of(typed):
    """The lines of a derivation that are not empty."""
    return [line for line in typed.splitlines() if line.strip()]


def as_read(question, typed, parameters):
    """HTML of a derivation as far as its lines can be read, set as mathematics."""
    if question.kind != "derivation":
        return ""
    rows = [f"& {latex(question.parse(question.start, parameters))}"]
    with suppress(ExpressionError):
        for line in filter(says_something, lines_of(typed)):
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


def _function(question, typed, parameters):
    """A function is tried if NumPy is there, by its name and that of the student's numbers."""
    try:
        code = compile(typed, "answer", "exec")
    except SyntaxError as error:
        says = f"**Line {error.lineno} cannot be read**: {plain(error.msg)}."
        return finding(question, 0, "wrong", says, "unreadable")
    try:
        import numpy as np
    except ModuleNotFoundError:
        says = "This can be read as Python. Functions need NumPy, which is not in this page: they "
        says += "are tried in the notebook, and when it is graded."
        return finding(question, 0, "to read", says)
    names = {"np": np, **parameters}
    try:
        exec(code, names)
    except (Exception, SystemExit) as error:
        says = f"**It cannot be run**: {plain(f'{type(error).__name__}: {error}')}."
        return finding(question, 0, "wrong", says, "raises an error")
    answer = names.get(question.answer)
    return check(question, guarded(answer) if callable(answer) else answer, parameters)


ANSWERS = {
    "derivation": _derivation,
    "number": _number,
    "function": _function,
    "written": check,
}


# A notebook in the page


def opened(notebook, questions):
    """What a page shows of a student's notebook and questions: texts, code, and places to answer.

    "cells" are dictionaries: of "html"; of "code"; or of a "question", by its number, and what is
    "typed" as its answer so far. "error" is a sentence, if a file is not what it should be.
    """
    try:
        public = json.loads(questions)
        asked = Public(**public).questions
    except (ValueError, TypeError, LookupError):
        return {"error": "questions.json is not as it was handed out: take it anew."}
    try:
        cells = cells_of(json.loads(notebook))
    except (ValueError, TypeError, LookupError):
        return {"error": "This is no notebook: take the file that came with questions.json."}
    places = {name: number for number, name, _ in places_of(cells, asked)}
    if missing := [question.answer for question in asked if question.answer not in places]:
        return {"error": f"The notebook has no place for {missing[0]}: is it another homework's?"}
    shown = []
    for number, (kind, source) in enumerate(cells):
        if kind == "markdown":
            shown.append({"html": html(source)})
        elif kind == "code" and number not in places.values() and "hw.check(" not in source:
            shown.append({"code": source})
        for place, question in enumerate(asked):
            if places[question.answer] == number:
                shown.append({"question": place, "typed": typed_before(question, source)})
    return public | {"cells": shown}


def cells_of(notebook):
    """Pairs of a cell's kind and source."""
    return [(cell["cell_type"], "".join(cell["source"])) for cell in notebook["cells"]]


def places_of(cells, asked):
    """The last cell that gives a value to each answer: its number, the answer, the statement."""
    for question in asked:
        for number, (kind, source) in reversed([*enumerate(cells)]):
            found = kind == "code" and statement(source, question.answer)
            if found:
                yield number, question.answer, found
                break


def statement(source, name):
    """The last statement of a cell that defines a name or gives it a value, or None."""
    with suppress(SyntaxError):
        for part in reversed(ast.parse(source).body):
            if isinstance(part, ast.FunctionDef) and part.name == name:
                return part
            if isinstance(part, ast.Assign) and [ast.unparse(to) for to in part.targets] == [name]:
                return part


def typed_before(question, source):
    """The answer in a cell, as one would type it; empty if there is none."""
    if question.kind == "function":
        return source
    value = statement(source, question.answer).value
    if isinstance(value, ast.Constant) and value.value is ...:
        return ""
    if question.kind == "number":
        return ast.get_source_segment(source, value)
    try:
        given = ast.literal_eval(value)
        return given.strip() if isinstance(given, str) else "\n".join(given)
    except (ValueError, TypeError):
        return ""


def filled(notebook, questions, answers):
    """The notebook with what was typed, by the names of the questions; all else stays."""
    public, book = Public(**json.loads(questions)), json.loads(notebook)
    for question in public.questions:
        if question.name in answers:
            cells = cells_of(book)
            ((number, _, part),) = places_of(cells, [question])
            source, cell = cells[number][1], book["cells"][number]
            typed = answers[question.name]
            new = typed
            if question.kind != "function":
                value = as_python(question, typed, public.parameters)
                new = put(source, part, f"{question.answer} = {value}")
            cell["source"] = new.splitlines(keepends=True)
            cell["outputs"], cell["execution_count"] = [], None
    return json.dumps(book, indent=1, ensure_ascii=False) + "\n"


def put(source, part, new):
    """The source with a statement replaced."""
    lines = source.encode().splitlines(keepends=True)
    starts = [sum(map(len, lines[:number])) for number in range(len(lines))]
    begin = starts[part.lineno - 1] + part.col_offset
    end = starts[part.end_lineno - 1] + part.end_col_offset
    return (source.encode()[:begin] + new.encode() + source.encode()[end:]).decode()


def as_python(question, typed, parameters):
    """What was typed as a Python literal; a number that cannot be read stays as it is."""
    if not typed.strip():
        return "..."
    if question.kind == "derivation":
        return json.dumps(lines_of(typed), indent=4, ensure_ascii=False)
    if question.kind == "number":
        with suppress(ExpressionError):
            return repr(question.number(typed, parameters))
        with suppress(SyntaxError):
            ast.parse(typed.strip(), mode="eval")
            return typed.strip()
    return json.dumps(typed, ensure_ascii=False)
