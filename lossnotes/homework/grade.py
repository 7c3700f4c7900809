"""Grades a folder of notebooks: scores, feedback and a report; what is finished is not done again.

Each notebook runs in a sandbox and answers with values; they are judged on this side of it.
"""

import atexit
import csv
import functools
import hashlib
import hmac
import io
import json
import os
import signal
import stat
import sys
import threading
import time
import unicodedata
from collections import deque
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, ProcessPoolExecutor, wait
from itertools import islice
from multiprocessing import get_context, parent_process
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ValidationError
from rich.console import Console
from rich.progress import Progress

import lossnotes
from lossnotes.homework.check import AnswerError, Finding, check
from lossnotes.homework.judge import UNCHECKED, Judge
from lossnotes.homework.questions import QuestionError, load
from lossnotes.homework.report import Report
from lossnotes.homework.sandbox import AnswerError as Unanswered
from lossnotes.homework.sandbox import Crashed, Limits, NoSandbox, Sandbox, Timeout

LARGEST = 10_000_000  # bytes of a notebook
WINDOW = 64  # submissions under way, so that memory does not grow with their number
WRITTEN = ("student", "question", "text", "points")  # the columns of written.csv
Status = Literal[
    "graded",  # its cells were run and its answers judged
    "timeout",  # its cells did not come to an end
    "crashed",  # its process ended before its answers were asked for
    "unreadable",  # no notebook could be read from it
    "too large",
    "not a notebook",
    "empty",  # a notebook without code
    "ambiguous",  # several notebooks of one student
    "missing",  # on the list of students, nothing handed in
    "unknown",  # not on the list of students
    "error",  # the grader failed, not the submission
]


class GradeError(Exception):
    """Why a folder cannot be graded."""


class Unreadable(Exception):
    """Why a submission cannot be run."""

    def __init__(self, status, reason):
        super().__init__(reason)
        self.status, self.reason = status, reason


class Result(BaseModel):
    """What became of one submission; `reason` says what a reader should know about it."""

    student: str
    status: Status
    reason: str = ""
    findings: dict[str, Finding] = {}
    written: dict[str, str] = {}  # the answers that are to be read
    errors: list[str] = []  # of cells
    points: float = 0
    of: float
    seconds: float = 0
    digest: str = ""


# What was handed in


def student_name(text):
    """The name of a student as a file, a list and a secret spell it alike."""
    text = text.encode("utf-8", "backslashreplace").decode()
    return unicodedata.normalize("NFC", text).strip()


def read_students(path):
    """The names on a list, one a line.

    Raises GradeError for a list that is unreadable or empty, and for a name that is there twice
    or cannot be the name of a folder.
    """
    try:
        lines = Path(path).read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise GradeError(f"{path}: the list of students cannot be read: {error}") from None
    numbers = {}
    for number, line in enumerate(lines, 1):
        if not (name := student_name(line)):
            continue
        if name in numbers:
            raise GradeError(f"{path}, line {number}: {name} is there in line {numbers[name]} too")
        if name.startswith(".") or "/" in name or not name.isprintable() or len(name) > 60:
            raise GradeError(
                f"{path}, line {number}: {name!r} cannot name a folder: at most 60 printable "
                "characters, no slash, no dot at the beginning"
            )
        numbers[name] = number
    if not numbers:
        raise GradeError(f"{path}: there is no student on the list")
    return list(numbers)


def find(folder):
    """What each student handed in: paths of notebooks, or of what is there instead of them.

    A notebook belongs to the student after whom it, or the folder it lies in, is named. Links are
    not followed. Raises GradeError if the folder is not there or empty.
    """
    handed_in = {}
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        raise GradeError(f"{folder}: the submissions cannot be read: {error.strerror}") from None
    for entry in entries:
        path = Path(entry.path)
        if entry.is_dir(follow_symlinks=False):
            if not entry.name.startswith("."):
                handed_in.setdefault(student_name(entry.name), []).extend(_notebooks(path))
        elif path.suffix == ".ipynb" and not entry.name.startswith("._"):
            handed_in.setdefault(student_name(path.stem), []).append(path)
        elif not entry.name.startswith("."):
            handed_in.setdefault(student_name(path.stem), [])
    if not handed_in:
        raise GradeError(f"{folder}: there is no submission in this folder")
    return handed_in


def _notebooks(folder):
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (
            Path(place, name)
            for name in sorted(files)
            if name.endswith(".ipynb") and not name.startswith("._")
        )


def fetch(paths):
    """The bytes of the one notebook among the paths. Raises Unreadable."""
    if not paths:
        raise Unreadable("not a notebook", "no file with the ending .ipynb")
    if len(paths) > 1:
        names = ", ".join(student_name(path.name) for path in paths[:5])
        raise Unreadable("ambiguous", f"{len(paths)} notebooks: {names}")
    try:
        about = paths[0].lstat()
        if not stat.S_ISREG(about.st_mode):
            raise Unreadable("unreadable", "not a file of its own (a link, for example)")
        if about.st_size > LARGEST:
            size, limit = about.st_size / 1e6, LARGEST / 1e6
            raise Unreadable("too large", f"{size:.0f} MB, of which {limit:.0f} are read")
        return paths[0].read_bytes()
    except OSError as error:
        raise Unreadable("unreadable", error.strerror or "cannot be read") from None


def read(data):
    """The code cells of a notebook given as bytes: a list of (source, tags). Raises Unreadable."""
    try:
        cells = json.loads(data)["cells"]
        code = [cell for cell in cells if cell["cell_type"] == "code"]
        sources = [cell["source"] for cell in code]
        sources = ["".join(each) if isinstance(each, list) else each for each in sources]
        tags = [cell.get("metadata", {}).get("tags", []) for cell in code]
        if not all(isinstance(each, str) for each in sources):
            raise TypeError
    except (ValueError, RecursionError):
        raise Unreadable("unreadable", "the file is not JSON, so it is no notebook") from None
    except (TypeError, KeyError, AttributeError):
        raise Unreadable("unreadable", "the file is JSON, but no notebook (format 4)") from None
    if not any(source.strip() for source in sources):
        raise Unreadable("empty", "the notebook has no code")
    return list(zip(map(_clean, sources), tags, strict=True))


def _clean(text):
    return text.encode("utf-8", "replace").decode()


# One submission

_LOCK = threading.Lock()  # a worker of Dask has several threads, and they share one sandbox


@functools.cache
def _sandbox(limits, trusted):
    sandbox, judge = Sandbox(limits, trusted=trusted), Judge()
    atexit.register(sandbox.close)
    atexit.register(judge.close)
    return sandbox, judge


@functools.cache
def _library():
    """A digest of this library: what was graded by another one is graded again."""
    home = Path(lossnotes.__file__).parent
    files = sorted(home.rglob("*.py"))
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).digest()


def digest(path, secret, student, data, trusted=False):
    """What a score depends on, in one word."""
    questions = Path(path, "questions.toml").read_bytes()
    told = f"{student}\0{trusted}".encode()
    parts = [_library(), questions, secret, told, data]
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()


def draw(assignment, secret, student):
    """The parameters of a student, and the seed of the probes, which is one for the class.

    Without a secret the parameters are one for the class, too.
    """
    parameters = assignment.parameters(secret, student if secret else "")
    told = hmac.digest(secret, f"probes of {assignment.chapter}".encode(), "sha256")
    return parameters, int.from_bytes(told[:4])


def parameters_cell(parameters):
    """The source of the cell that gives a student their parameters."""
    return "\n".join(f"{name} = {value!r}" for name, value in parameters.items())


def grade_one(path, secret, student, data, limits=None, trusted=False):
    """Grade one notebook, given as bytes, for the assignment in the folder `path`.

    Returns a Result, whatever the notebook is or does. Raises QuestionError for a mistake in the
    question file and NoSandbox where student code cannot be locked in, unless `trusted`.
    """
    assignment = load(Path(path, "questions.toml"))
    start = time.perf_counter()
    result = Result(
        student=student,
        status="graded",
        of=assignment.points,
        digest=digest(path, secret, student, data, trusted),
    )
    try:
        cells = read(data)
        with _LOCK:
            _judge(result, assignment, secret, cells, *_sandbox(limits or Limits(), trusted))
    except Unreadable as stop:
        result.status, result.reason = stop.status, str(stop)
    except (Timeout, Crashed) as stop:
        result.status = "timeout" if isinstance(stop, Timeout) else "crashed"
        result.reason = str(stop)
    except (QuestionError, NoSandbox):
        raise
    except Exception as error:  # whatever it is, the others are graded
        result.status, result.reason = "error", _clean(f"{type(error).__name__}: {error}")
    result.points = sum(finding.points for finding in result.findings.values())
    result.seconds = round(time.perf_counter() - start, 3)
    return result


def _judge(result, assignment, secret, cells, sandbox, judge):
    """Ask for every answer and judge it: functions last, because each may be the end of the run."""
    parameters, seed = draw(assignment, secret, result.student)
    findings, written, lines = {}, {}, {}
    waiting = deque(sorted(assignment.questions, key=lambda each: each.kind == "function"))
    while waiting:
        question = None
        try:
            with sandbox.run([source for source, _ in cells]) as answers:
                result.errors = [f"cell {cell}: {error}" for cell, error in answers.errors]
                while waiting:
                    question = waiting.popleft()
                    answer, reason = _ask(answers, question)
                    if question.kind == "derivation" and answer is not None:
                        lines[question.name] = answer
                        continue
                    if question.kind == "written" and answer is not None:
                        written[question.name] = answer
                    findings[question.name] = _finding(question, answer, parameters, seed, reason)
                    if question.kind == "function" and answer and answer.stopped:
                        raise answer.stopped
        except (Timeout, Crashed) as stop:
            if question is None:  # its cells, not an answer
                raise
            if question.name not in findings:
                findings[question.name] = _finding(question, None, parameters, seed, str(stop))
    for question in assignment.questions:
        if question.name in lines:
            finding = judge.check(question, lines[question.name], parameters, seed)
            findings[question.name] = finding
    result.findings = {each.name: findings[each.name] for each in assignment.questions}
    result.written = written

    declared = [source.strip() for source, tags in cells if "parameters" in tags]
    if declared and declared != [parameters_cell(parameters)]:
        result.reason = "the parameters in the notebook are not those of this student"
    elif not any(finding.points for finding in findings.values()):
        result.reason = ": ".join(["no points", *result.errors[:1]])
    elif unchecked := [name for name in lines if findings[name].mistake == UNCHECKED]:
        result.reason = f"{', '.join(unchecked)}: {UNCHECKED}"


def _finding(question, answer, parameters, seed, reason):
    """What `check` finds, and why there is no answer."""
    finding = check(question, answer, parameters, seed)
    return finding.model_copy(update={"says": f"{finding.says} {reason}".strip()})


class _Function:
    """A function in the sandbox; remembers what ended the sandbox when it was called."""

    def __init__(self, call):
        self.call, self.stopped = call, None

    def __call__(self, *arrays):
        if self.stopped is None:
            try:
                return self.call(*arrays)
            except Unanswered as error:
                raise AnswerError(str(error)) from None
            except (Timeout, Crashed) as stop:
                self.stopped = stop
        raise AnswerError(str(self.stopped))


def _ask(answers, question):
    """The answer to a question, or None and why there is none."""
    try:
        if question.kind == "derivation":
            return answers.lines(question.answer), ""
        if question.kind == "function":
            return _Function(answers.function(question.answer)), ""
        if question.kind == "number":
            return answers.number(question.answer), ""
        return answers.text(question.answer), ""
    except Unanswered as error:
        return None, str(error)


# A class


def grade(path, submissions, out, *, executor, secret=b"", students=None, trusted=False):
    """Grade every notebook in the folder `submissions` for the assignment in the folder `path`.

    Into the folder `out` go `results/`, a file for each submission as soon as it is graded,
    `scores.csv`, `feedback/`, `written.csv` for the answers that are to be read, and
    `report.html`. What a former run finished is kept if nothing that its score depends on has
    changed.

    Parameters
    ----------
    executor : function without arguments that makes a `concurrent.futures` executor
        Called again when the executor breaks.
    secret : bytes
        From which the parameters were drawn; empty if they are one for the class.
    students : list of str, optional
        The names of the class: who is not there is missing, who is not on it unknown.

    Returns how many submissions there are of each status.
    Raises QuestionError, GradeError and NoSandbox.
    """
    assignment = load(Path(path, "questions.toml"))
    out = Path(out)
    read_written(out / "written.csv", assignment)
    handed_in = find(submissions)
    names = sorted(handed_in.keys() | set(students or ()))
    with Progress(console=Console(stderr=True), disable=not sys.stderr.isatty()) as progress:
        bar = progress.add_task(f"Grading {assignment.chapter}", total=len(names))

        def finished(result):
            _write(_place(out, result.student), result.model_dump_json(indent=1))
            progress.advance(bar)

        def jobs():
            for name in names:
                result = Result(student=name, status="missing", of=assignment.points)
                try:
                    if name not in handed_in:
                        raise Unreadable("missing", "nothing was handed in")
                    if students and name not in students:
                        raise Unreadable("unknown", "not on the list of students")
                    data = fetch(handed_in[name])
                except Unreadable as stop:
                    result.status, result.reason = stop.status, str(stop)
                    finished(result)
                    continue
                former = _former(_place(out, name))
                if former and former.digest == digest(path, secret, name, data, trusted):
                    progress.advance(bar)
                else:
                    yield path, secret, name, data, None, trusted

        for job, result in _run(jobs(), executor):
            if result is None:
                *_, name, data, _, _ = job
                result = Result(
                    student=name,
                    status="error",
                    reason="the grading process died, alone with this submission, too",
                    of=assignment.points,
                )
            elif result.digest != digest(*job[:4], trusted):
                raise GradeError("the workers have another lossnotes or another question file")
            finished(result)
    results = [_place(out, name) for name in names]
    return _conclude(assignment, results, out)


def _run(jobs, executor):
    """Each job with its Result, as they come; with None if it kills its process.

    When a process dies, any of the jobs under way may be the reason: each is tried again, alone.
    """
    pool, under_way, suspects, lonely = executor(), {}, deque(), None
    try:
        while True:
            if not suspects:
                following = list(islice(jobs, WINDOW - len(under_way)))
            elif not under_way:
                following = [lonely := suspects.popleft()]
            else:
                following = []
            for job in following:
                try:
                    future = pool.submit(grade_one, *job)
                except BrokenExecutor:
                    pool = executor()
                    future = pool.submit(grade_one, *job)
                under_way[future] = job
            if not under_way:
                return
            broken = False
            for future in wait(under_way, return_when=FIRST_COMPLETED).done:
                job, result = under_way.pop(future), None
                try:
                    result = future.result()
                except Exception as death:
                    broken = broken or isinstance(death, BrokenExecutor)
                    # Dask's own word for it; its pool goes on with the other workers.
                    if not broken and type(death).__name__ != "KilledWorker":
                        raise
                    if job is not lonely:
                        suspects.append(job)
                        continue
                yield job, result
            if broken:
                suspects.extend(under_way.values())
                under_way.clear()
                pool = executor()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def processes(workers):
    """A pool of processes on this machine, which end with it."""
    return ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_begin)


def _begin():
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # is for the parent, which tells us
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent():
    parent_process().join()
    os._exit(1)


# What is left in the folder


def _place(out, student):
    """The file of a student's result. A name is data: it may be too long for a file."""
    name = student
    if len(name.encode()) > 200:
        name = f"{name[:40]} {hashlib.sha256(name.encode()).hexdigest()[:16]}"
    return out / "results" / f"{name}.json"


def _write(path, text):
    """Write a file at once: whoever reads it finds the old one or the new one, whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.unfinished")
    unfinished.write_text(text, "utf-8")
    unfinished.replace(path)


def _former(path):
    try:
        return Result.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None


def read_written(path, assignment):
    """The points given to written answers: a dict from (student, question, text) to points.

    Raises GradeError for a file that is damaged, or points out of range.
    """
    most = {each.name: each.points for each in assignment.questions if each.kind == "written"}
    rows = _rows(_text(path))
    if not set(WRITTEN) <= set(rows.fieldnames or WRITTEN):
        raise GradeError(f"{path}: the first line must name the columns {', '.join(WRITTEN)}")
    given = {}
    try:
        for row in rows:
            student, question, text, points = (row[name] or "" for name in WRITTEN)
            points = points.strip().replace(",", ".")
            if points and not _is_from_0_to(most.get(question, 0), points):
                raise GradeError(
                    f"{path}, line {rows.line_num}: the points of {student} for {question} must be "
                    f"a number from 0 to {most.get(question, 0):g}, not {points!r}"
                )
            given[_key(student, question, text)] = float(points) if points else None
    except csv.Error as error:
        raise GradeError(f"{path}, line {rows.line_num}: {error}") from None
    return given


def _text(path):
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            return file.read()
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise GradeError(f"{path} cannot be read: {error}") from None


def _rows(text):
    first = text.partition("\n")[0]
    separator = max(",;\t", key=first.count)  # a spreadsheet may choose its own
    return csv.DictReader(io.StringIO(text, newline=""), delimiter=separator)


def _is_from_0_to(most, points):
    try:
        return 0 <= float(points) <= most
    except ValueError:
        return False


def _key(student, question, text):
    return student, question, " ".join(text.split())


def _cell(text):
    """Text that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def _conclude(assignment, places, out):
    """From the results: scores, feedback, what is to be read, and the report."""
    path = out / "written.csv"
    given, old = read_written(path, assignment), _text(path)
    columns = _rows(old).fieldnames or WRITTEN
    to_read, scores = io.StringIO(newline=""), io.StringIO(newline="")
    new_rows = csv.DictWriter(to_read, columns, delimiter=_rows(old).reader.dialect.delimiter)
    if not old:
        new_rows.writeheader()
    table = csv.writer(scores)
    names = [question.name for question in assignment.questions]
    table.writerow(["student", "status", "points", "of", "to read", *names, "reason"])
    report = Report(assignment)
    for place in places:
        result = Result.model_validate_json(place.read_bytes())
        student = _cell(result.student)
        for name, text in result.written.items():
            key = _key(student, name, _cell(text))
            finding = result.findings[name]
            if key not in given:
                row = dict(zip(WRITTEN, (student, name, _cell(text), ""), strict=True))
                new_rows.writerow(row)
            elif given[key] is not None:
                result.findings[name] = finding.model_copy(
                    update={"points": given[key], "status": _status(given[key], finding.of)}
                )
                result.points += given[key]
        table.writerow(_score(result, names))
        _write(out / "feedback" / place.with_suffix(".md").name, feedback(assignment, result))
        report.add(result)
    if added := to_read.getvalue():
        _write(path, old + ("" if not old or old.endswith("\n") else "\n") + added)
    _write(out / "scores.csv", scores.getvalue())
    _write(out / "report.html", report.html())
    return report.statuses


def _status(points, of):
    return "right" if points == of else "partly" if points else "wrong"


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
    lines = [f"# {assignment.title}: {result.student}", ""]
    if result.status != "graded":
        lines += [f"**Not graded: {result.status}.** {result.reason}", ""]
    lines += [f"**{result.points:g} of {result.of:g} points**", ""]
    for question in assignment.questions:
        if finding := result.findings.get(question.name):
            of = f"{finding.points:g} of {finding.of:g}"
            score = "to be read" if finding.status == "to read" else of
            lines += [f"## {question.name}: {question.asks} ({score})", "", finding.says, ""]
    if result.errors:
        lines += ["## Cells that failed", "", *(f"- {error}" for error in result.errors), ""]
    return "\n".join(lines)
