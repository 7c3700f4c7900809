"""What a student is told: one page that needs nothing but itself."""

from html import escape

from lossnotes.homework.markdown import markdown
from lossnotes.homework.report import STYLE

OWN = """
h2 { border-top: 1px solid var(--line); padding-top: .8rem }
h2 span { float: right; font-weight: 400; color: var(--quiet) }
code { font-size: .9em; overflow-wrap: anywhere }
td { white-space: normal }
details { margin: .4rem 0 } summary { cursor: pointer; color: var(--quiet) }
blockquote { margin: .6rem 0; padding-left: .8rem; border-left: 3px solid rgb(var(--blue)) }
"""


def page(assignment, result):
    """The page of a result, as HTML."""
    title = escape(assignment.title)
    parts = [
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{title}: feedback</title>\n<style>{STYLE}{OWN}</style>\n</head>\n<body>\n<main>",
        f'<h1>{title}</h1>\n<p class="quiet">{escape(result.student)}</p>',
    ]
    if result.status != "graded":
        reason = escape(result.reason)
        parts.append(f"<p><b>Not graded: {result.status}.</b> {reason}</p>")
    parts.append(f"<p><b>{result.points:g} of {result.of:g} points</b></p>")
    if result.lost:
        parts.append(f"<p>{escape(late(result))}</p>")
    for question in assignment.questions:
        if finding := result.findings.get(question.name):
            parts += _question(question, finding, result.comments.get(question.name))
            parts += _hints(question, finding, result.attempts)
    if result.errors:
        errors = "".join(f"<li><code>{escape(error)}</code></li>" for error in result.errors)
        parts.append(f"<h2>Cells that failed</h2>\n<ul>{errors}</ul>")
    return "\n".join([*parts, "</main>\n</body>\n</html>\n"])


def late(result):
    """Words about what being late has cost."""
    days = f"{result.late} day{'s' * (result.late != 1)} late"
    return f"{days}: {result.lost:g} points less."


def _question(question, finding, comment):
    score = f"{finding.points:g} of {finding.of:g}"
    score = "to be read" if finding.status == "to read" else score
    head = f"{escape(question.name)}: {escape(question.asks)} <span>{score}</span>"
    said = [f"<blockquote>{markdown(comment)}</blockquote>"] if comment else []
    return [f"<h2>{head}</h2>", markdown(finding.says), *said]


def _hints(question, finding, attempts):
    """One hint more with each attempt, for who has not all the points yet."""
    if finding.points >= finding.of or finding.status == "to read":
        return []
    return [
        f"<details><summary>Hint {n}</summary>{markdown(hint)}</details>"
        for n, hint in enumerate(question.hints[:attempts], 1)
    ]
