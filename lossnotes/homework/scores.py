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
LATE = ("student", "handed in", "days", "count as", "comment")  # and of late.csv
MOMENT = "%Y-%m-%d at %H:%M"  # no spreadsheet takes it for a date, which it would write anew
CANVAS = "late, says Canvas: by how many days stands in late.csv or nowhere"
FOR_ALL = "the notebook for everybody was handed in, not the student's own"
# Where a cell begins, whatever separates them; the signs are there in full width, too.
FORMULA = re.compile(r"((?:^|[;,\t\r\n])\s*)(?=['=+\-@＝＋－＠])")


def conclude(assignment, results, out, class_):
    """Write scores.csv, feedback, report.html, new rows of written.csv and late.csv, and changes.

    `results` is read once and one by one. For a course's system its own files are written, too.
    Returns the Statuses of the results.
    """
    given = read_written(out / "written.csv", assignment, class_)
    to_read, late = Growing(out / "written.csv", WRITTEN), Growing(out / "late.csv", LATE)
    days = read_late(out / "late.csv", class_)
    scores = io.StringIO(newline="")
    table = csv.writer(scores)
    names = [question.name for question in assignment.questions]
    table.writerow([*COLUMNS[:-1], *names, COLUMNS[-1]])
    report, statuses, pages, short = Report(assignment), Statuses(), [], []
    for result in results:
        shown = class_.shown(result.student)
        for name, text in result.written.items():
            if not given.knows(result.student, name, text):
                to_read.add(shown, name, text, "", "")
        if result.student in class_.with_all:
            result.remark(FOR_ALL)
        given.correct(result, assignment)
        if assignment.deadline and result.status == "graded":
            moment = class_.moments[result.student]
            if more := days.take_off(result, assignment.deadline, moment):
                late.add(shown, *more, "", "")
            if moment is None and (result.student, "") not in days.counted:
                statuses.untimed += 1
                if canvas.is_late(class_.came_as[result.student]):
                    result.remark(CANVAS)
        statuses.to_read += sum(each.status == "to read" for each in result.findings.values())
        table.writerow(_score(result, names))
        told = page(assignment, result)
        write(out / "feedback" / f"{file_name(result.student)}.html", told)
        if result.student in class_.came_as:
            pages.append((class_.came_as[result.student], told))
        report.add(result, shown)
        short.append(result.model_copy(update={"findings": {}, "written": {}, "errors": []}))
    to_read.save()
    late.save(even_if_empty=statuses.untimed)
    _forget_pages(out, class_.names)
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
    if worksheet := moodle.worksheet(short, class_.came_as, class_.roster, cell):
        write(out / "moodle.csv", worksheet)
        ours = [(entry, told) for entry, told in pages if moodle.owner(entry)]
        (out / "moodle_feedback.zip").write_bytes(moodle.feedback(ours))
    if isinstance(class_.roster, Roster):
        for_canvas = assignment.title, assignment.points, short, class_.roster, cell
        if gradebook := canvas.gradebook(*for_canvas):
            write(out / "canvas.csv", gradebook)
    statuses.update(report.statuses)
    statuses.changed = len({student for student, *_ in changes})
    return statuses


class Statuses(Counter):
    """How many results there are of each status.

    changed: scores that are others than in the last run; to_read: answers that count as 0 until
    then; untimed: submissions of which nobody says when they were handed in.
    """

    changed = to_read = untimed = 0


class Growing:
    """A table that a person fills in: rows are added to it, and what stands there stays."""

    def __init__(self, path, columns):
        self.path, self.columns, self.old = path, columns, _text(path)
        self.new = io.StringIO(newline="")
        there, separator = _rows(self.old).fieldnames or columns, _separator(self.old)
        self.rows = csv.DictWriter(self.new, there, delimiter=separator, extrasaction="ignore")
        if not self.old:
            self.rows.writeheader()
        elif not self.old.endswith("\n"):
            self.new.write("\r\n")
        self.head = self.new.tell()

    def add(self, *cells):
        self.rows.writerow(dict(zip(self.columns, map(cell, cells), strict=True)))

    def save(self, even_if_empty=False):
        if self.new.tell() > self.head or (even_if_empty and not self.old):
            write(self.path, self.old + self.new.getvalue())


class Days:
    """How many days late somebody is, and as how many a person counts them."""

    def __init__(self):
        self.counted = {}  # days, by student and when they handed in; empty for whenever that was
        self.told = set()  # rows that are there: student, when, days

    def take_off(self, result, deadline, moment):
        """Take off what being late costs. When it was and how many days, if that is a new row."""
        when = "" if moment is None else f"{datetime.fromtimestamp(moment):{MOMENT}}"
        days = 0 if moment is None else deadline.days(moment)
        same_moment = self.counted.get((result.student, when), days)
        result.late = self.counted.get((result.student, ""), same_moment)
        result.lost = round(result.points * deadline.share(result.late), 2)
        result.points = round(result.points - result.lost, 2)
        if result.lost:
            result.remark(late(result).rstrip("."))
        return (when, str(days)) if days and (result.student, when, days) not in self.told else ()


def _forget_pages(out, names):
    """Remove the pages of results whose names are no longer there, as those that were mended."""
    for stem in {path.stem for path in out.glob("results/*.json")} - {*map(file_name, names)}:
        (out / "feedback" / f"{stem}.html").unlink(missing_ok=True)


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
            nothing = "was handed in" if result.status == "missing" else "was found in the notebook"
            says = former.says if former else f"Nothing {nothing}."
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
    given, lines = Given(), {}

    def take(student, row, line):
        points = row["points"].strip().replace(",", ".")
        text, comment = _plain(row.get("text", "")), row.get("comment", "").strip()
        if (name := row["question"].strip()) not in questions:
            known = ", ".join(questions)
            raise ValueError(f"there is no question {name!r}; there are {known}")
        points = _points(points, questions[name].points) if points else None
        written = questions[name].kind == "written"
        if written and text:
            given.answers[student, name, text] = points, comment
            return
        if (student, name) in lines:
            before = lines[student, name]
            raise ValueError(f"{name} of {student} is there in line {before} too")
        if points is not None and not comment:
            raise ValueError(f"the points of {name} are changed: say why, as a comment")
        lines[student, name] = line
        given.others[student, name] = points, comment

    _each(path, WRITTEN, {"student", "question", "points"}, class_, take)
    return given


def read_late(path, class_):
    """The Days in the file.

    Raises GradeError for a file that is damaged, a student who is none, a moment that is written in
    another way, and days that are no number or change something without a reason, or twice.
    """
    days, lines = Days(), {}

    def take(student, row, line):
        when = row["handed in"].strip()
        if when and not _is_moment(when):
            raise ValueError(f"a moment is written as 2026-11-30 at 23:59, and not as {when!r}")
        found, counted = _days(row["days"].strip()), _days(row["count as"].strip())
        if found is not None:
            days.told.add((student, when, found))
        if counted is not None:
            if not row["comment"].strip():
                raise ValueError(f"the days of {student} are changed: say why, as a comment")
            if (student, when) in lines:
                before = lines[student, when]
                raise ValueError(f"the days of {student} are changed in line {before} too")
            lines[student, when], days.counted[student, when] = line, counted

    _each(path, LATE, {*LATE}, class_, take)
    return days


def _is_moment(text):
    try:
        return bool(datetime.strptime(text, MOMENT))
    except ValueError:
        return False


def _days(text):
    if text and not (text.isascii() and text.isdecimal()):
        raise ValueError(f"days must be a whole number from 0 on, not {text!r}")
    return int(text) if text else None


def _each(path, columns, needed, class_, take):
    """Call `take` with student, row and line for each row of a table that a person fills in."""
    rows = _rows(_text(path))
    if not needed <= set(rows.fieldnames or columns):
        raise GradeError(f"{path}: the first line must name the columns {', '.join(columns)}")
    names = {cell(shown): name for name in class_.names for shown in (class_.code(name), name)}
    try:
        for row in rows:
            row = {name: value or "" for name, value in row.items() if isinstance(name, str)}
            if not any(value.strip() for value in row.values()):
                continue
            if row["student"] not in names:
                close = near(row["student"], class_.names)
                raise ValueError(f"nobody is called {row['student']!r}{close}")
            take(names[row["student"]], row, rows.line_num)
    except (csv.Error, ValueError) as error:
        raise GradeError(f"{path}, line {rows.line_num}: {error}") from None


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
            return file.read().lstrip("\r\n")  # the first line names the columns
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
