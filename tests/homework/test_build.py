import json
import re
import shutil
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import nbformat
import pytest

from lossnotes.homework.build import BuildError, build, read_secret, solutions

ROOT = Path(__file__).parents[2]

SECRET = b"a secret of more than thirty-two bytes"


def handed_out(folder):
    notebook = nbformat.read(folder / "small.ipynb", as_version=4)
    return [cell.source for cell in notebook.cells]


def change(folder, old, new):
    path = folder / "small.ipynb"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_what_is_handed_out_is_the_source_without_solutions(small, tmp_path):
    (folder,) = build(small, tmp_path / "out", trusted=True)
    stubs = ["gradient = ...", "def square(x): ...", "root = ...", "reason = ..."]
    assert handed_out(folder)[1:] == stubs


def test_outputs_are_not_handed_out(small, tmp_path):
    source = nbformat.read(small / "small.ipynb", as_version=4)
    source.cells[1].outputs = [nbformat.v4.new_output("stream", text="softmax")]
    source.cells[1].execution_count = 7
    nbformat.write(source, small / "small.ipynb")
    (folder,) = build(small, tmp_path / "out", trusted=True)
    cells = nbformat.read(folder / "small.ipynb", as_version=4).cells
    assert [(cell.outputs, cell.execution_count) for cell in cells] == [([], None)] * 5


def test_the_public_questions_hold_no_hidden_probe(small, tmp_path):
    (folder,) = build(small, tmp_path / "out", trusted=True)
    public = json.loads((folder / "questions.json").read_text())
    assert [probe["asks"] for probe in public["questions"][1]["probes"]] == ["small numbers"]


def test_each_student_has_the_same_numbers_in_notebook_and_questions(small, tmp_path):
    students = [f"student {n}" for n in range(3)]
    folders = build(small, tmp_path / "out", secret=SECRET, students=students, trusted=True)
    assert [folder.name for folder in folders] == students
    for folder in folders:
        public = json.loads((folder / "questions.json").read_text())
        assert handed_out(folder)[0] == f"scale = {public['parameters']['scale']}"


def test_numbers_differ_between_students_and_not_between_runs(small, tmp_path):
    students = [f"student {n}" for n in range(4)]
    runs = [
        [handed_out(folder)[0] for folder in build(small, tmp_path / out, secret=SECRET,
                                                   students=students, trusted=True)]
        for out in ("first", "second")
    ]  # fmt: skip
    assert runs[0] == runs[1] and len(set(runs[0])) > 1


@pytest.mark.parametrize(
    "right, wrong, says",
    [
        ("softmax(s)[j]", "softmax(s)[k]", "the solution: q1 gets 0 of 2 points"),
        ("scale * x**2", "4 * x**2", "the solution: q2 gets"),
        ("root = 2 * scale", "root = 2 * scael", "the solution: cell 7: NameError"),
        ("because it is so", "", "the solution: q4 gets 0 of 2 points: There is no `reason`"),
        ("root = ...", "root = 2 * scale", "the notebook handed out: q3 gets 1 of 1 points"),
        ("reason = ...", "reason = 'as it is'", "the notebook handed out: q4 gets 0 of 2 points"),
    ],
    ids=["derivation", "function", "number", "written", "given away", "written away"],
)
def test_what_contradicts_the_proof_is_said_and_nothing_is_written(
    small, tmp_path, right, wrong, says
):
    change(small, right, wrong)
    with pytest.raises(BuildError) as error:
        build(small, tmp_path / "out", trusted=True)
    assert says in str(error.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("lines", [1, 2])
def test_a_step_that_the_last_line_of_the_solution_shows_is_refused(small, tmp_path, lines):
    step = "log(Sum(p[i], (i, 1, K))*Sum(exp(s[i]), (i, 1, K)))"
    goal = f'goal = "= LSE(s)*Sum(p[i], (i, 1, K))"\nvia = ["{step}"]\nlines = {lines}'
    file = small / "questions.toml"
    text = file.read_text().replace('"Derivative(LSE(s), s[j])"', '"LSE(s)"')
    file.write_text(text.replace('without = ["Derivative"]', goal))
    solution = ["log(Sum(exp(s[i]), (i, 1, K)))", step]
    change(small, '[\\"softmax(s)[j]\\"]', json.dumps(solution).replace('"', '\\"'))
    with pytest.raises(BuildError, match="q1: via: the last line alone shows it"):
        build(small, tmp_path / "out", trusted=True)


def test_a_solution_that_fails_for_one_student_is_named_with_them(small, tmp_path):
    change(small, "root = 2 * scale", "root = 2 * min(scale, 8)")
    students = [f"student {n}" for n in range(20)]
    with pytest.raises(BuildError, match=r"the solution for student \d+: q3 gets 0 of 1"):
        build(small, tmp_path / "out", secret=SECRET, students=students, trusted=True)


@pytest.mark.parametrize(
    "old, new, says",
    [
        ('"parameters"', '"other"', "0 cells are tagged parameters, not 1"),
        ('"solution"', '"parameters"', "5 cells are tagged parameters, not 1"),
        ('"solution"', '"other"', "no cell is tagged solution"),
        ('"cells"', "cells", "is not a notebook"),
    ],
    ids=["no parameters", "too many", "no solution", "no notebook"],
)
def test_what_a_source_lacks_is_said(small, tmp_path, old, new, says):
    change(small, old, new)
    with pytest.raises(BuildError, match=says):
        build(small, tmp_path / "out", trusted=True)


def test_a_source_that_is_not_there_is_said(small, tmp_path):
    (small / "small.ipynb").unlink()
    with pytest.raises(BuildError, match="small.ipynb: No such file"):
        build(small, tmp_path / "out", trusted=True)


def test_a_new_secret_is_for_its_owner_alone_and_made_once(tmp_path):
    path = tmp_path / "homework" / "secret"
    secret = read_secret(path, create=True)
    assert len(secret) >= 32 and stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_secret(path, create=True) == read_secret(path) == secret


def test_a_secret_that_is_missing_or_short_is_refused(tmp_path):
    path = tmp_path / "secret"
    with pytest.raises(BuildError, match="secret: the secret .* cannot be read: No such file"):
        read_secret(path)
    path.write_text("short\n")
    with pytest.raises(BuildError, match="a secret has at least 32 bytes, this one 5"):
        read_secret(path)


def test_each_student_has_a_solution_with_their_numbers_after_the_deadline(small, tmp_path):
    students = [f"student {n}" for n in range(3)]
    folders = solutions(small, tmp_path / "out", secret=SECRET, students=students)
    handed = build(small, tmp_path / "handout", secret=SECRET, students=students, trusted=True)
    for folder, blank in zip(folders, handed, strict=True):
        solved = nbformat.read(folder / "small_solution.ipynb", as_version=4).cells
        assert solved[0].source == handed_out(blank)[0]
        assert "root = 2 * scale" in [cell.source for cell in solved]


@pytest.mark.parametrize("year, refused", [(2020, False), (2999, True)])
def test_there_is_no_solution_before_the_deadline(small, tmp_path, year, refused):
    file = small / "questions.toml"
    due = f"[deadline]\ndue = {year}-01-01T00:00:00\n\n[parameters]"
    file.write_text(file.read_text().replace("[parameters]", due))
    if refused:
        with pytest.raises(BuildError, match="solutions are for after the deadline"):
            solutions(small, tmp_path / "out")
        assert not (tmp_path / "out").exists()
    else:
        assert solutions(small, tmp_path / "out")


def test_the_library_that_students_install_holds_no_assignment(tmp_path):
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "lossnotes", tmp_path / "lossnotes")
    shutil.copytree(ROOT / "homework" / "softmax", tmp_path / "homework" / "softmax")
    make = "from setuptools.build_meta import build_wheel; build_wheel('dist')"
    subprocess.run([sys.executable, "-c", make], cwd=tmp_path, check=True, capture_output=True)
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert "lossnotes/homework/check.py" in names
    drawing = [name for name in names if re.fullmatch(r"lossnotes/(moving|pictures/\w+)\.js", name)]
    assert len(drawing) > 2
    library = {name for name in names if name.endswith(".py")} | set(drawing)
    assert [name for name in names if name not in library and "dist-info" not in name] == []
