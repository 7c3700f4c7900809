"""Practice: what a question file asks under `[[practice]]` stands in the page of its chapter.

Without JavaScript it reads as text: a start, a goal, hints and a solution, folded. With it the
lines are typed below and checked (`_static/workbench/practice.js`).
"""

import json
from html import escape
from pathlib import Path

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.errors import ExtensionError
from sympy import Symbol

from lossnotes.derive.display import latex
from lossnotes.homework import page
from lossnotes.homework.asked import split
from lossnotes.homework.questions import QuestionError, read
from lossnotes.workbench import judged

ROOT = Path(__file__).parents[1]


def insert_practice(app, doctree):
    """A section before the exercises, if the chapter has an assignment with practice in it."""
    chapter = Path(app.env.docname).name
    file = ROOT / "homework" / chapter / "questions.toml"
    if not file.is_file():
        return
    app.env.note_dependency(str(file))
    try:
        practice = read(file).practice
    except QuestionError as error:
        raise ExtensionError(str(error)) from None
    exercises = [
        section
        for section in doctree.findall(nodes.section)
        if section[0].astext() == "Exercises"
    ]
    if practice and exercises:
        place = exercises[0].parent
        place.insert(place.index(exercises[0]), section(chapter, practice))


def section(chapter, practice):
    """The section of a chapter."""
    found = nodes.section(
        "", nodes.title("", "Practice"), ids=["practice"], names=["practice"]
    )
    how = pending_xref(
        "",
        nodes.inline("", "as on the page “Is it true?”"),
        refdomain="std",
        reftype="ref",
        reftarget="workbench",
        refexplicit=True,
        refdoc="",
        refwarn=True,
    )
    found += nodes.paragraph(
        "",
        "",
        nodes.Text(
            "Go on from each start, a line after the other, until what is asked for is reached. "
            "In the page your lines are checked by what grades homework. They are typed "
        ),
        how,
        nodes.Text("."),
    )
    for number, question in enumerate(practice, 1):
        found += nodes.raw("", exercise(chapter, number, question), format="html")
    return found


def exercise(chapter, number, question):
    """HTML of one exercise; its formulas stand between \\( and \\)."""
    public = json.dumps(question.public({}))
    parts = [
        f'<div class="practice" id="practice-{number}" data-chapter="{chapter}" '
        f'data-question="{escape(public)}">',
        f"<h3>{number}. {escape(question.asks)}</h3>",
        page.html(question.text),
        KINDS[question.kind](question),
        *(
            f'<details class="hint"><summary>Hint {n}</summary>{page.html(hint)}</details>'
            for n, hint in enumerate(question.hints, 1)
        ),
    ]
    if question.solution:
        parts += [
            f'<details class="solution"><summary>Solution of practice {number}</summary>',
            SOLUTIONS[question.kind](question),
            "</details>",
        ]
    return "\n".join([*parts, "</div>"])


def derivation(question):
    start = latex(question.parse(question.start))
    told = f"<p>Start:</p>\n{typed(start, question.start)}\n"
    if question.goal:
        relation, goal = split(question.goal)
        goal = f"{page.SIGNS[relation]} {latex(question.parse(goal))}"
        return (
            f"{told}<p>Goal{lines(question)}:</p>\n{typed(goal, question.goal)}"
        )
    gone = " or ".join(GONE.get(name, name) for name in question.without)
    return f"{told}<p>Goal: a line in which no {gone} is left to be done{lines(question)}.</p>"


GONE = {"Derivative": "derivative", "Integral": "integral", "Sum": "sum"}


def lines(question):
    if question.lines == 1:
        return ""
    return f", in {COUNTS.get(question.lines, question.lines)} lines or more"


COUNTS = {2: "two", 3: "three", 4: "four"}


def typed(formula, text):
    """A formula, and how it is typed."""
    return rf'<div class="given">\[{formula}\]<code>{escape(text)}</code></div>'


def number(question):
    unknown = Symbol(question.unknown, real=True)
    left, right = (
        latex(question.parse(side, **{question.unknown: unknown}))
        for side in question.equation
    )
    asked = rf"<p>Find \({question.unknown}\) such that</p>"
    return rf'{asked}<div class="given">\[{left} = {right}\]</div>'


def derived(question):
    """The lines of the solution, each with its ground and its verdict."""
    shown = judged(chain(question), question.vocabulary())
    return f'<div class="output text_html">{shown}</div>'


def chain(question):
    lines = (
        line if line.startswith(page.RELATIONS) else f"= {line}"
        for line in question.solution
    )
    return "\n".join([question.start, *lines])


def solved(question):
    value = question.solved({})
    formula = latex(question.parse(question.solution))
    about = "" if value == int(value) else rf" \approx {value:.6g}"
    return rf"<p>\({question.unknown} = {formula}{about}\)</p>"


KINDS = {"derivation": derivation, "number": number}
SOLUTIONS = {"derivation": derived, "number": solved}


def setup(app):
    app.connect(
        "doctree-read", insert_practice, priority=400
    )  # before the contents are listed
    return {"parallel_read_safe": True, "parallel_write_safe": True}
