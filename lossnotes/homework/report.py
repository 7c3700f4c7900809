"""The report on a class: one page that needs nothing but itself."""

import statistics
from collections import Counter
from html import escape

MISTAKES, LOOKS = 20, 500  # rows shown

STYLE = """
:root { color-scheme: light dark; --paper: #fdfcf9; --ink: #1f1d1a; --quiet: #6a665f;
  --line: #dcd8cf; --blue: 27 108 168; --on-full: #fff }
@media (prefers-color-scheme: dark) {
  :root { --paper: #191817; --ink: #e8e5de; --quiet: #a5a099; --line: #3a3835;
    --blue: 126 190 240; --on-full: #10161b } }
* { box-sizing: border-box }
body { margin: 0 auto; padding: 1.5rem 1rem 4rem; max-width: 46rem; background: var(--paper);
  color: var(--ink); font: 1rem/1.5 "Source Serif 4", Charter, Georgia, serif }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .3rem }
h2 { font-size: 1.2rem; margin: 2.5rem 0 .5rem }
p, figure { margin: .4rem 0 }
.quiet, figcaption, th { color: var(--quiet) }
figcaption { font-size: .9rem; margin-top: .8rem }
.totals { display: flex; align-items: flex-end; gap: 2px; height: 11rem; margin: 1rem 0 1.6rem }
.totals div { flex: 1; text-align: center; font-size: .8rem; line-height: 1.3; min-width: 0 }
.totals i { display: block; background: rgb(var(--blue)); border-top: 1px solid var(--ink) }
.question { margin: .9rem 0 }
.question b { font-weight: 600 }
.question div { display: flex; justify-content: space-between; gap: 1rem }
.question .mean { white-space: nowrap }
.question .bar { gap: 0; border: 1px solid var(--ink); margin-top: .2rem }
.bar span { text-align: center; font-size: .85rem; line-height: 1.6rem; height: 1.6rem;
  min-width: 0; overflow: hidden; border-left: 1px solid var(--paper) }
.bar span:first-child { border-left: 0 }
.bar .full, .bar .part { background: rgb(var(--blue) / var(--shade)) }
.bar .full { color: var(--on-full) }
.bar .absent {
  background: repeating-linear-gradient(45deg, transparent 0 5px, var(--line) 5px 8px) }
table { border-collapse: collapse; width: 100%; font-size: .95rem }
th { text-align: left; font-weight: 400; border-bottom: 1px solid var(--ink) }
td, th { padding: .25rem .8rem .25rem 0; vertical-align: top; white-space: nowrap }
td.long { white-space: normal; overflow-wrap: anywhere; min-width: 6rem }
td { border-bottom: 1px solid var(--line) }
td:last-child, th:last-child { padding-right: 0 }
.number { text-align: right }
"""


class Report:
    """What a class did, counted submission by submission."""

    def __init__(self, assignment):
        self.assignment = assignment
        self.statuses = Counter()
        self.totals = Counter()
        self.points = {each.name: Counter() for each in assignment.questions}
        self.mistakes = Counter()
        self.looks = []

    def add(self, result, shown=None):
        """Count a submission, of a student who is shown by their name or by another one."""
        self.statuses[result.status] += 1
        if result.status != "graded" or result.reason:
            self.looks.append((shown or result.student, result.status, result.reason))
        if result.status != "graded":
            return
        self.totals[result.points] += 1
        for name, finding in result.findings.items():
            absent = finding.status in ("missing", "to read")
            self.points[name][finding.status if absent else finding.points] += 1
            if finding.mistake and finding.status != "missing":
                self.mistakes[name, finding.mistake] += 1

    def html(self):
        """The page."""
        title = escape(self.assignment.title)
        missing = self.statuses["missing"]
        statuses = [f"{n} {each}" for each, n in self.statuses.most_common() if each != "missing"]
        handed_in = _count(self.statuses.total() - missing, "submission")
        said = [f"{handed_in}: {', '.join(statuses)}"] if statuses else [handed_in]
        said += [f"{_count(missing, 'name')} without one"] if missing else []
        parts = [
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{title}: report</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>",
            f"<h1>{title}</h1>",
            f'<p class="quiet">{escape(". ".join(said))}.</p>',
        ]
        if self.totals:
            parts += ["<h2>Points</h2>", *self._picture()]
        parts += ["<h2>Most common mistakes</h2>", *self._mistakes()]
        parts += ["<h2>Submissions that need a look</h2>", *self._looks()]
        return "\n".join([*parts, "</main>\n</body>\n</html>\n"])

    def _picture(self):
        graded = self.totals.total()
        totals = list(self.totals.elements())
        median, most = statistics.median(totals), self.assignment.points
        words = [f"Half of {graded} have at least {median:g} of {most:g} points."]
        rows = []
        for question in self.assignment.questions:
            counts = self.points[question.name]
            known = [points for points in counts.elements() if not isinstance(points, str)]
            mean = f"{statistics.fmean(known):.1f}" if known else "–"
            shares = ", ".join(
                f"{_label(points)}: {count / graded:.0%}" for points, count in _ordered(counts)
            )
            words.append(f"{question.name}: {shares}.")
            bar = "".join(_segment(*each, question.points, graded) for each in _ordered(counts))
            rows.append(
                f'<div class="question"><div><span><b>{escape(question.name)}</b> '
                f'{escape(question.asks)}</span><span class="mean quiet">'
                f'{mean} of {question.points:g}</span></div><div class="bar">{bar}</div></div>'
            )
        return [
            f'<figure role="img" aria-label="{escape(" ".join(words))}">',
            *_histogram(totals, most),
            *rows,
            "</figure>",
            f"<p>Half of the {graded} graded have at least {median:g} of {most:g} points.</p>",
            '<p class="quiet">Above: how many have how many points, in tenths of all. Below: for '
            "each question the shares of the class by points, and the mean. Striped: no answer, or "
            "still to be read.</p>",
        ]

    def _mistakes(self):
        if not self.mistakes:
            return ["<p>None.</p>"]
        graded = self.totals.total()
        return _table(
            ("question", "mistake", "students"),
            (
                (name, mistake, f"{count} ({count / graded:.0%})")
                for (name, mistake), count in self.mistakes.most_common(MISTAKES)
            ),
        )

    def _looks(self):
        if not self.looks:
            return ["<p>None.</p>"]
        rest = len(self.looks) - LOOKS
        more = [f"<p>And {rest} more, which are in scores.csv.</p>"] if rest > 0 else []
        return [*_table(("student", "status", "reason"), self.looks[:LOOKS]), *more]


def _count(n, noun):
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def _label(points):
    if isinstance(points, str):
        return {"missing": "no answer"}.get(points, points)
    return f"{points:g} points"


def _ordered(counts):
    """From full points to none, then those without."""
    known = sorted((each for each in counts if not isinstance(each, str)), reverse=True)
    return [(each, counts[each]) for each in [*known, "missing", "to read"] if each in counts]


def _segment(points, count, most, graded):
    """A piece of the bar: full points stand out, the label is left out where it does not fit."""
    if isinstance(points, str):
        kind, shade, label = "absent", 0, ""
    else:
        kind = "full" if points == most else "part"
        shade = 1 if points == most else 0.08 + 0.42 * points / most
        label = f"{points:g}" if count / graded > 0.04 else ""
    style = f"flex:{count} 0 0;--shade:{shade:.2f}"
    return f'<span class="{kind}" style="{style}" title="{_label(points)}: {count}">{label}</span>'


def _histogram(totals, most):
    """A column for each tenth of the points, the last for all of them."""
    bins = Counter(int(10 * points / most) for points in totals)
    highest = max(bins.values())
    columns = []
    for tenth in range(11):
        count = bins[tenth]
        label = f'{count}<i style="height:{count / highest * 8.5:.2f}rem"></i>{tenth * most / 10:g}'
        columns.append(f"<div>{label}</div>")
    return ['<div class="totals">', *columns, "</div>"]


def _table(columns, rows):
    """Rows of text, some of it long; a column named students holds numbers."""
    kinds = {"students": "number", "question": "short", "status": "short"}
    kinds = [kinds.get(name, "long") for name in columns]
    head = (f'<th scope="col" class="{k}">{n}</th>' for k, n in zip(kinds, columns, strict=True))
    body = (
        "".join(f'<td class="{k}">{escape(x)}</td>' for k, x in zip(kinds, row, strict=True))
        for row in rows
    )
    return [
        "<table>",
        f"<thead><tr>{''.join(head)}</tr></thead>",
        "<tbody>",
        *(f"<tr>{row}</tr>" for row in body),
        "</tbody>",
        "</table>",
    ]
