import re
import shutil
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from lossnotes.__main__ import app
from lossnotes.homework import grade as grading
from lossnotes.homework import sandbox as room


@pytest.fixture
def call(small, monkeypatch):
    """The command, in the folder above `homework/`: its exit code, what it prints and complains."""
    monkeypatch.chdir(small.parents[1])

    def call(*words):
        result = CliRunner().invoke(app, ["homework", *words])
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result.exit_code, result.stdout, result.stderr

    return call


def test_an_assignment_is_built_handed_in_and_graded(call, small):
    assert call("build", "small", "--trusted") == (
        0,
        "small for everybody: handout/small. The solution passes, the blank notebook fails. "
        "Keep homework/secret: nothing can be graded without.\n",
        "",
    )
    code, said, _ = call("grade", "small", "handout", "--trusted", "--workers", "1")
    assert (code, said) == (0, "1 graded: grades/small/scores.csv, grades/small/report.html\n")
    scores = (small.parents[1] / "grades" / "small" / "scores.csv").read_text()
    assert scores.splitlines()[1] == "small,graded,0,8,,0,0,0,0,no points"


def test_a_class_has_numbers_of_its_own_and_its_solutions_pass(call, small, notebook, solved):
    home = small.parents[1]
    (home / "class.txt").write_text("ada\nemmy\nkurt\n")
    code, said, _ = call("build", "small", "--students", "class.txt", "--trusted", "--out", "out")
    assert (code, said[:24]) == (0, "small for 3 students: ou")
    for name in ("ada", "emmy"):
        handed_out = (home / "out" / name / "small.ipynb").read_text()
        scale = handed_out.split('"scale = ')[1].split('"')[0]
        (home / "out" / name / "small.ipynb").write_bytes(notebook(f"scale = {scale}", *solved[1:]))
    shutil.rmtree(home / "out" / "kurt")
    words = "grade", "small", "out", "--trusted", "--workers", "1"
    assert call(*words, "--students", "class.txt")[0] == 0
    rows = (home / "grades" / "small" / "scores.csv").read_text().splitlines()[1:]
    assert [row.split(",")[:3] for row in rows] == [
        ["ada", "graded", "6"],
        ["emmy", "graded", "6"],
        ["kurt", "missing", "0"],
    ]
    said = call(*words)[1]
    assert "2 answers are still to be read, and count as 0: grades/small/written.csv" in said


def test_a_column_that_was_added_to_the_class_is_not_lost_by_the_next_build(call, small):
    kept = small.parent / "class.csv"
    (small.parents[1] / "class.txt").write_text("ada\nemmy\n")
    build = "build", "small", "--students", "class.txt", "--trusted"
    assert "Keep homework/secret and homework/class.csv:" in call(*build)[1]
    kept.write_text("name,also\nada,al99\nemmy,\n")
    code, _, error = call(*build)
    assert code == 1 and "homework/class.csv has columns that class.txt has not: also" in error
    assert "al99" in kept.read_text()


@pytest.mark.parametrize(
    "words, says",
    [
        (["build", "smal"], "no assignment 'smal'; ./homework has broken, small"),
        (["grade", "smal", "handed_in"], "no assignment 'smal'; ./homework has broken, small"),
        (["grade", "small", "nowhere"], "nowhere: the submissions cannot be read: No such file"),
        (["grade", "small", "nothing"], "nothing: there is no submission in this folder"),
        (["build", "small", "--students", "none.txt"], "none.txt: there is no student on the list"),
        (["grade", "small", "handed_in", "--students", "class.txt"], "homework/secret: the secret"),
        (["grade", "small", "handed_in", "--secret", "none.txt"], "none.txt: a secret has"),
        (["grade", "small", "handed_in", "--scheduler", "nobody"], "no Dask scheduler answers at"),
        (["build", "small", "--out", "class.txt/x"], "[Errno 20] Not a directory: 'class.txt/x"),
        (["build", "broken"], "homework/broken/questions.toml: "),
        (["build", "wrong"], "homework/wrong, the solution: q3 gets 0 of 1 points: "),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_mistake_of_the_instructor_is_one_line_and_a_failure(call, small, words, says):
    home = small.parents[1]
    (home / "nothing").mkdir()
    (home / "handed_in").mkdir()
    (home / "handed_in" / "ada.ipynb").write_text("{")
    (home / "none.txt").write_text("\n")
    (home / "class.txt").write_text("ada\n")
    for name in ("broken", "wrong"):
        (home / "homework" / name).mkdir()
    questions = (small / "questions.toml").read_text()
    (home / "homework" / "broken" / "questions.toml").write_text("title = 'no questions'")
    (home / "homework" / "wrong" / "questions.toml").write_text(questions)
    wrong = (small / "small.ipynb").read_text().replace("2 * scale", "3 * scale")
    (home / "homework" / "wrong" / "wrong.ipynb").write_text(wrong)
    code, said, complaint = call(*words, "--trusted")
    assert code == 1 and said == ""
    assert complaint.startswith(f"lossnotes: {says}") and complaint.count("\n") == 1


def test_without_a_sandbox_it_refuses_unless_trusted(call, monkeypatch):
    def refuse(*_, **__):
        raise room.NoSandbox("bwrap is missing")

    monkeypatch.setattr(grading, "Sandbox", refuse)
    monkeypatch.setattr(grading, "_sandbox", grading._sandbox.__wrapped__)  # none of another test
    code, said, complaint = call("build", "small")
    assert (code, said) == (1, "")
    assert complaint == (
        "lossnotes: bwrap is missing. With --trusted notebooks run without one: only if you "
        "trust them.\n"
    )


def test_ctrl_c_says_how_to_go_on(call, monkeypatch):
    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("lossnotes.__main__.grade", stop)
    assert call("grade", "small", "x") == (
        1,
        "",
        "lossnotes: stopped. What is finished is kept; the same command goes on.\n",
    )


def test_ctrl_c_while_it_is_loaded_is_one_line_too():
    stop = """
import sys

class Stop:
    def find_spec(name, path=None, target=None):
        if name == "typer":
            raise KeyboardInterrupt

sys.meta_path.insert(0, Stop)
import lossnotes.__main__
"""
    done = subprocess.run([sys.executable, "-c", stop], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "lossnotes: stopped before anything was done.\n"


def test_help_says_what_hides_the_hidden_probes(call):
    _, said, _ = call("grade", "--help")
    words = " ".join(re.findall(r"\w+", said))
    assert "hidden probes are drawn without it anybody can compute what is hidden" in words


@pytest.mark.parametrize("missing", ["typer", "pydantic", "nbformat", "rich"])
def test_without_its_extra_the_command_says_what_to_install(missing):
    hide = f"import sys; sys.modules[{missing!r}] = None; import lossnotes.__main__"
    done = subprocess.run([sys.executable, "-c", hide], capture_output=True, text=True)
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr == f'lossnotes: {missing} is missing: pip install "lossnotes[homework]"\n'
