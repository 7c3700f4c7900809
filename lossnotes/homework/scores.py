"""From results: scores, feedback, and what a person is to read and give points for."""

import csv
import hashlib
import io
import re
from dataclasses import replace

from lossnotes.homework.finding import code
from lossnotes.homework.questions import COLUMNS
from lossnotes.homework.report import Report
from lossnotes.homework.submissions import GradeError

WRITTEN = ("student", "question", "text", "points")  # the columns of written.csv
UNSEEN = object()
# Where a cell begins, whatever separates them; the signs are there in full width, too.
FORMULA = re.compile(r"((?:^|[;,\t\r\n])\s*)(?=['=+\-@＝＋－＠])")


def conclude(assignment, results, out):
    """Write scores.csv, feedback, report.html, and what is new in written.csv.

    `results` is read once and one by one. Returns how many there are of each status.
    """
    path = out / "written.csv"
    given, old = read_written(path, assignment), _text(path)
    columns, separator = _rows(old).fieldnames or WRITTEN, _separator(old)
    to_read, scores = io.StringIO(newline=""), io.StringIO(newline="")
    new_rows = csv.DictWriter(to_read, columns, delimiter=separator)
    if not old:
        new_rows.writeheader()
    elif not old.endswith("\n"):
        to_read.write("\r\n")
    table = csv.writer(scores)
    names = [question.name for question in assignment.questions]
    table.writerow([*COLUMNS[:-1], *names, COLUMNS[-1]])
    report = Report(assignment)
    for result in results:
        for name, text in result.written.items():
            row = dict(zip(WRITTEN, (_cell(result.student), name, _cell(text), ""), strict=True))
            points = given.setdefault(_key(row), UNSEEN)
            if points is UNSEEN:
                new_rows.writerow(row)
            elif points is not None:
                finding = result.findings[name]
                status = "right" if points == finding.of else "partly" if points else "wrong"
                result.findings[name] = replace(finding, points=points, status=status)
                result.points += points
        table.writerow(_score(result, names))
        place = out / "feedback" / f"{file_name(result.student)}.md"
        write(place, feedback(assignment, result))
        report.add(result)
    if UNSEEN in given.values():
        write(path, old + to_read.getvalue())
    write(out / "scores.csv", scores.getvalue())
    write(out / "report.html", report.html())
    return report.statuses


def _score(result, names):
    """The row of a submission; what is still to be read has no points yet."""
    findings = result.findings
    to_read = [name for name in names if name in findings and findings[name].status == "to read"]
    points = [
        f"{findings[name].points:g}" if name in findings and name not in to_read else ""
        for name in names
    ]
    known = f"{result.points:g}", f"{result.of:g}", " ".join(to_read)
    return [_cell(result.student), result.status, *known, *points, _cell(result.reason)]


def feedback(assignment, result):
    """What a student is told, as Markdown."""
    lines = [f"# {assignment.title}: {code(result.student)}", ""]
    if result.status != "graded":
        lines += [f"**Not graded: {result.status}.** {code(result.reason, 500)}", ""]
    lines += [f"**{result.points:g} of {result.of:g} points**", ""]
    for question in assignment.questions:
        if finding := result.findings.get(question.name):
            of = f"{finding.points:g} of {finding.of:g}"
            score = "to be read" if finding.status == "to read" else of
            lines += [f"## {question.name}: {question.asks} ({score})", "", finding.says, ""]
    if result.errors:
        failed = (f"- {code(error, 500)}" for error in result.errors)
        lines += ["## Cells that failed", "", *failed, ""]
    return "\n".join(lines)


def read_written(path, assignment):
    """The points given to written answers; None where they are still to be given.

    Raises GradeError for a file that is damaged, or points out of range.
    """
    most = {each.name: each.points for each in assignment.questions if each.kind == "written"}
    rows = _rows(_text(path))
    if not set(WRITTEN) <= set(rows.fieldnames or WRITTEN):
        raise GradeError(f"{path}: the first line must name the columns {', '.join(WRITTEN)}")
    given = {}
    try:
        for row in rows:
            question, points = row["question"], (row["points"] or "").strip().replace(",", ".")
            if points and question in most:
                given[_key(row)] = _points(points, most[question])
            else:
                given[_key(row)] = None
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


def _key(row):
    student, question, text, _ = (row[name] or "" for name in WRITTEN)
    return student, question, " ".join(text.split())


def _cell(text):
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
