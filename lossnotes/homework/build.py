"""From the source of an assignment to what students get, with a proof that it can be solved.

The source is a notebook that runs from top to bottom: each cell that a student completes, then
the solution, in cells tagged `solution`. Without those it is the student's notebook. A cell tagged
`parameters` assigns the parameters; it is replaced by what is drawn for the student.
"""

import codecs
import copy
import os
import secrets
import sys
import time
from pathlib import Path

import nbformat
from rich.console import Console
from rich.progress import track

from lossnotes.homework import marks
from lossnotes.homework.grade import draw, grade_one, parameters_cell
from lossnotes.homework.questions import load

BLANK = ("missing", "wrong")  # what is found of an answer that was not given
SHOWN = ("not in the form asked for", "too few lines")  # what is missed only after the steps


class BuildError(Exception):
    """Why an assignment cannot be handed out."""


def read_secret(path, create=False):
    """The bytes of the course's secret; made, for its owner alone, if `create` says so."""
    path = Path(path)
    if create and not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "w") as file:
            file.write(secrets.token_hex(32) + "\n")
    try:
        secret = path.read_bytes().removeprefix(codecs.BOM_UTF8).strip()
    except OSError as error:
        raise BuildError(
            f"{path}: the secret from which the parameters were drawn cannot be read: "
            f"{error.strerror}"
        ) from None
    if len(secret) < 32:
        raise BuildError(f"{path}: a secret has at least 32 bytes, this one {len(secret)}")
    return secret


def build(path, out, *, secret=b"", students=None, trusted=False):
    """Write what students get into the folder `out`: a notebook and the public questions.

    For each of `students` a folder with their own parameters; without them one for everybody.
    Before anything is written the solution is graded for each of them, and must get all points
    but those of written questions, and the notebook handed out, which must get none. The last line
    of a solution must not be the step that is to be shown.

    Returns the folders written. Raises QuestionError, BuildError and NoSandbox.
    """
    assignment = load(Path(path, "questions.toml"))
    source = read_source(path, assignment)
    handouts = []
    console = Console(stderr=True)
    for student in track(
        students or [""], f"Building {assignment.chapter}", console=console,
        disable=not sys.stderr.isatty(),
    ):  # fmt: skip
        parameters, _ = draw(assignment, secret, student)
        solution = _with_parameters(source, parameters)
        mark = marks.as_metadata(secret, assignment.chapter, student)
        solution.metadata["lossnotes"] = mark
        blank = _without_solutions(solution)
        for notebook, what in ((solution, "the solution"), (blank, "the notebook handed out")):
            data = nbformat.writes(notebook).encode()
            result = grade_one(path, secret, student, data, trusted=trusted)
            problem = _problem(assignment, result, solved=notebook is solution)
            if not problem and notebook is solution and not handouts:
                data = nbformat.writes(_with_last_lines(solution, assignment)).encode()
                shortened = grade_one(path, secret, student, data, trusted=trusted)
                problem = _never_missed(assignment, shortened)
            if problem:
                whose = f" for {student}" if student else ""
                raise BuildError(f"{path}, {what}{whose}: {problem}")
        handouts.append((Path(out, student), blank, assignment.public(parameters)))
    for folder, blank, questions in handouts:
        folder.mkdir(parents=True, exist_ok=True)
        nbformat.write(blank, folder / f"{assignment.chapter}.ipynb")
        (folder / "questions.json").write_text(questions, "utf-8")
    return [folder for folder, _, _ in handouts]


def solutions(path, out, *, secret=b"", students=None):
    """Write the solution with each student's numbers into the folder `out`; returns the folders.

    Raises QuestionError and BuildError, the latter before the deadline, too.
    """
    assignment = load(Path(path, "questions.toml"))
    if assignment.deadline and time.time() < assignment.deadline.due.timestamp():
        raise BuildError(f"{path}: solutions are for after the deadline, {assignment.deadline.due}")
    source, folders = read_source(path, assignment), []
    for student in students or [""]:
        parameters, _ = draw(assignment, secret, student)
        folder = Path(out, student)
        folder.mkdir(parents=True, exist_ok=True)
        solved = _with_parameters(source, parameters)
        nbformat.write(solved, folder / f"{assignment.chapter}_solution.ipynb")
        folders.append(folder)
    return folders


def read_source(path, assignment):
    """The source notebook of the assignment, without outputs. Raises BuildError."""
    file = Path(path, f"{assignment.chapter}.ipynb")
    try:
        source = nbformat.read(file, as_version=4)
    except OSError as error:
        raise BuildError(f"{file}: {error.strerror}") from None
    except Exception as error:  # nbformat has no error of its own for this
        raise BuildError(f"{file} is not a notebook: {error}") from None
    needed = bool(assignment.draws)
    tagged = sum("parameters" in _tags(cell) for cell in source.cells)
    if tagged != needed:
        raise BuildError(f"{file}: {tagged} cells are tagged parameters, not {needed:d}")
    if not any("solution" in _tags(cell) for cell in source.cells):
        raise BuildError(f"{file}: no cell is tagged solution")
    return _without_outputs(source)


def _tags(cell):
    return cell.metadata.get("tags", [])


def _with_parameters(source, parameters):
    source = copy.deepcopy(source)
    for cell in source.cells:
        if "parameters" in _tags(cell):
            cell.source = parameters_cell(parameters)
    return source


def _without_outputs(source):
    for cell in source.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
            for shown in ("collapsed", "scrolled"):
                cell.metadata.pop(shown, None)
    return source


def _without_solutions(source):
    blank = copy.deepcopy(source)
    blank.cells = [cell for cell in blank.cells if "solution" not in _tags(cell)]
    return blank


def _with_last_lines(solution, assignment):
    """The solution with nothing but the last line, where a step is to be shown."""
    names = [q.answer for q in assignment.questions if q.kind == "derivation" and q.via]
    shortened = copy.deepcopy(solution)
    source = "\n".join(f"{name} = list({name})[-1:]" for name in names)
    shortened.cells.append(nbformat.v4.new_code_cell(source))
    return shortened


def _never_missed(assignment, result):
    """Which steps to be shown the last line shows."""
    for question in assignment.questions:
        finding = result.findings.get(question.name)
        asked = question.kind == "derivation" and question.via
        if asked and finding and (finding.status == "right" or finding.mistake in SHOWN):
            return (
                f"{question.name}: via: the last line alone shows it, so it would never be missed"
            )
    return None


def _problem(assignment, result, solved):
    """What contradicts that a notebook is solved, or that it is blank; None if nothing does."""
    if result.status != "graded":
        return f"{result.status}: {result.reason}"
    if result.errors:
        return result.errors[0]
    for question in assignment.questions:
        finding = result.findings[question.name]
        wanted = ("to read" if question.kind == "written" else "right",) if solved else BLANK
        if finding.status not in wanted:
            says = " ".join(finding.says.split())
            return f"{question.name} gets {finding.points:g} of {question.points:g} points: {says}"
    return None
