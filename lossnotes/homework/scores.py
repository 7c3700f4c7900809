"""From results: scores, feedback, and what a person is to read and give points for."""

import csv
import hashlib
import io
import re
from collections import Counter
from datetime import datetime

from lossnotes.homework import canvas, moodle
from lossnotes.homework.feedback import late, page
from lossnotes.homework.finding import Finding
from lossnotes.homework.questions import COLUMNS
from lossnotes.homework.report import Report
from lossnotes.homework.submissions import GradeError, Roster, near

WRITTEN = ("student", "question", "text", "points", "comment")  # the columns of written.csv
# Where a cell begins, whatever separates them; the signs are there in full width, too.
FORMULA = re.compile(r"((?:^|[;,\t\r\n])\s*)(?=['=+\-@＝＋－＠])")


def conclude(assignment, results, out, class_):
    """Write scores.csv, feedback, report.html, what is new in written.csv, and what has changed.

    `results` is read once and one by one. For a course's system its own files are written, too.
    Returns how many results there are of each status; `changed` says how many scores are others
    than in the last run.
    """
    path = out / "written.csv"
    given, old = read_written(path, assignment, class_), _text(path)
    columns, separator = _rows(old).fieldnames or WRITTEN, _separator(old)
    to_read, scores = io.StringIO(newline=""), io.StringIO(newline="")
    new_rows = csv.DictWriter(to_read, columns, delimiter=separator, extrasaction="ignore")
    if not old:
        new_rows.writeheader()
    elif not old.endswith("\n"):
        to_read.write("\r\n")
    head = to_read.tell()
    table = csv.writer(scores)
    names = [question.name for question in assignment.questions]
    table.writerow([*COLUMNS[:-1], *names, COLUMNS[-1]])
    report, pages, short = Report(assignment), [], []
    for result in results:
        for name, text in result.written.items():
            if not given.knows(result.student, name, text):
                shown = class_.shown(result.student)
                row = map(cell, (shown, name, text, "", ""))
                new_rows.writerow(dict(zip(WRITTEN, row, strict=True)))
        given.correct(result, assignment)
        _be_late(result, assignment, class_.late.get(result.student, 0))
        table.writerow(_score(result, names))
        told = page(assignment, result)
        write(out / "feedback" / f"{file_name(result.student)}.html", told)
        if result.student in class_.came_as:
            pages.append((class_.came_as[result.student], told))
        report.add(result, class_.shown(result.student))
        short.append(result.model_copy(update={"findings": {}, "written": {}, "errors": []}))
    if to_read.tell() > head:
        write(path, old + to_read.getvalue())
    changes = list(_changes(_text(out / "scores.csv"), scores.getvalue()))
    write(out / "scores.csv", scores.getvalue())
    write(out / "report.html", report.html())
    if changes:
        now = f"{datetime.now():%Y-%m-%d %H:%M}"
        former = _text(out / "changes.csv")
        more = io.StringIO(newline="")
        head = [] if former else [("when", "student", "what", "before", "now")]
        csv.writer(more).writerows([*head, *((now, *change) for change in changes)])
        write(out / "changes.csv", former + more.getvalue())
    if worksheet := moodle.worksheet(short, class_.came_as, cell):
        write(out / "moodle.csv", worksheet)
        ours = [(entry, told) for entry, told in pages if moodle.owner(entry)]
        (out / "moodle_feedback.zip").write_bytes(moodle.feedback(ours))
    if isinstance(class_.roster, Roster):
        for_canvas = assignment.title, assignment.points, short, class_.roster, cell
        if gradebook := canvas.gradebook(*for_canvas):
            write(out / "canvas.csv", gradebook)
    statuses = Statuses(report.statuses)
    statuses.changed = len({student for student, *_ in changes})
    return statuses


class Statuses(Counter):
    """How many results there are of each status."""

    changed = 0


def _be_late(result, assignment, days):
    """Take off what being late costs."""
    if assignment.deadline and result.status == "graded":
        result.late = days
        result.lost = round(result.points * assignment.deadline.share(days), 2)
        result.points = round(result.points - result.lost, 2)
        if result.lost:
            result.reason = "; ".join(filter(None, [late(result).rstrip("."), result.reason]))


def _changes(old, new):
    """What differs between two tables of scores of the same students: (student, what, old, new)."""
    before = {row["student"]: row for row in _rows(old)}
    for row in _rows(new):
        former = before.get(row["student"], row)
        for name, value in row.items():
            told = name not in ("reason", "of", "to read") and former.get(name) != value
            if told and name in former:
                yield row["student"], name, former[name], value


def _score(result, names):
    """The row of a submission; what is still to be read has no points yet."""
    findings = result.findings
    to_read = [name for name in names if name in findings and findings[name].status == "to read"]
    points = [
        f"{findings[name].points:g}" if name in findings and name not in to_read else ""
        for name in names
    ]
    known = f"{result.points:g}", f"{result.of:g}", " ".join(to_read)
    return [cell(result.student), result.status, *known, *points, cell(result.reason)]


class Given:
    """What a person has filled in: points and comments for answers, and other points for any."""

    def __init__(self):
        self.answers, self.others = {}, {}

    def knows(self, student, question, text):
        """Whether an answer has its row already."""
        return (student, question, _plain(cell(text))) in self.answers

    def correct(self, result, assignment):
        """Put into a result what is given for it."""
        for question in assignment.questions:
            name = question.name
            text = _plain(cell(result.written.get(name, "")))
            points, comment = self.answers.get((result.student, name, text), (None, ""))
            other = self.others.get((result.student, name))
            if other:
                points, comment = other
            if comment:
                result.comments[name] = comment
            if points is None:
                continue
            former = result.findings.get(name)
            says = former.says if former else "Nothing was found in the notebook."
            if former and former.status == "to read":
                says = says.replace("to be read by a person", "read by a person")
            elif former and former.points != points:
                says += f"\n\nA person has changed the points from {former.points:g} to {points:g}."
            status = "right" if points == question.points else "partly" if points else "wrong"
            result.findings[name] = Finding(
                name, points, question.points, status, says, former and former.mistake
            )
            result.points += points - (former.points if former else 0)


def read_written(path, assignment, class_):
    """What a person has Given, from the file.

    Raises GradeError for a file that is damaged, points out of range, a student or a question that
    is none, and points of another question that are changed without a reason.
    """
    questions = {each.name: each for each in assignment.questions}
    rows = _rows(_text(path))
    needed = {"student", "question", "points"}
    if not needed <= set(rows.fieldnames or WRITTEN):
        raise GradeError(f"{path}: the first line must name the columns {', '.join(WRITTEN)}")
    names = {cell(shown): name for name in class_.names for shown in (class_.code(name), name)}
    given, lines = Given(), {}
    try:
        for row in rows:
            row = {name: value or "" for name, value in row.items() if isinstance(name, str)}
            if not any(value.strip() for value in row.values()):
                continue
            points = row["points"].strip().replace(",", ".")
            text, comment = _plain(row.get("text", "")), row.get("comment", "").strip()
            if row["student"] not in names:
                close = near(row["student"], class_.names)
                raise ValueError(f"nobody is called {row['student']!r}{close}")
            if (name := row["question"].strip()) not in questions:
                known = ", ".join(questions)
                raise ValueError(f"there is no question {name!r}; there are {known}")
            points = _points(points, questions[name].points) if points else None
            written = questions[name].kind == "written"
            key = names[row["student"]], name
            if written and text:
                given.answers[*key, text] = points, comment
                continue
            if key in lines:
                raise ValueError(f"{name} of {key[0]} is there in line {lines[key]} too")
            if points is not None and not comment:
                raise ValueError(f"the points of {name} are changed: say why, as a comment")
            lines[key] = rows.line_num
            given.others[key] = points, comment
    except (csv.Error, ValueError) as error:
        raise GradeError(f"{path}, line {rows.line_num}: {error}") from None
    return given


def _points(text, most):
    try:
        points = float(text)
    except ValueError:
        points = -1
    if not 0 <= points <= most:
        raise ValueError(f"points must be a number from 0 to {most:g}, not {text!r}")
    return points


def _text(path):
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            return file.read()
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise GradeError(f"{path} cannot be read: {error}") from None


def _rows(text):
    return csv.DictReader(io.StringIO(text, newline=""), delimiter=_separator(text))


def _separator(text):
    """A spreadsheet may choose its own."""
    return max(",;\t", key=text.partition("\n")[0].count)


def _plain(text):
    """A text as a spreadsheet leaves it, in whatever way it breaks lines."""
    return " ".join(text.split())


def cell(text):
    """Text that no spreadsheet takes for a formula; two texts stay two."""
    return FORMULA.sub(r"\1'", text)


def file_name(student):
    """A name is data: it may be too long for a file."""
    if len(student.encode()) <= 200:
        return student
    return f"{student[:40]} {hashlib.sha256(student.encode()).hexdigest()[:16]}"


def write(path, text):
    """Write a file at once: whoever reads it finds the old one or the new one, whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.unfinished")
    unfinished.write_text(text, "utf-8")
    unfinished.replace(path)
