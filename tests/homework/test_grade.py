import csv
import functools
import json
import logging
import operator
import os
import re
import signal
import subprocess
import sys
import threading
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from multiprocessing import active_children
from pathlib import Path

import pytest

from lossnotes.homework import grade as grading
from lossnotes.homework import marks
from lossnotes.homework.grade import Result, grade, grade_one, processes, run_all
from lossnotes.homework.judge import UNCHECKED, Judge
from lossnotes.homework.questions import Deadline, load
from lossnotes.homework.sandbox import Limits, Sandbox, Timeout
from lossnotes.homework.submissions import GradeError, read_students

here = functools.partial(ThreadPoolExecutor, 1)  # an executor that starts no process


def one(small, cells, notebook, **more):
    return grade_one(small, b"", "ada", notebook(*cells), trusted=True, **more)


def points(result):
    return [finding.points for finding in result.findings.values()]


@pytest.fixture(scope="module")
def judge():
    judge = Judge()
    yield judge
    judge.close()


# One submission


def test_a_right_submission_gets_all_points_but_those_a_person_gives(small, solved, notebook):
    result = one(small, solved, notebook)
    assert (result.status, result.reason, result.points, result.of) == ("graded", "", 6, 8)
    assert points(result) == [2, 3, 1, 0]
    assert result.findings["q4"].status == "to read"
    assert result.written == {"q4": "because it is so"}


def test_a_failing_cell_is_told_and_costs_only_its_own_answers(small, solved, notebook):
    result = one(small, [*solved[:2], "1/0", *solved[2:]], notebook)
    assert result.points == 6
    assert result.errors == ["cell 3: ZeroDivisionError: division by zero"]


def test_a_missing_answer_is_told_why(small, solved, notebook):
    result = one(small, [*solved[:3], "root = 2 * scael"], notebook)
    assert result.findings["q3"].status == "missing"
    assert "NameError" in result.errors[0]


def test_an_answer_of_the_wrong_kind_is_not_called_missing(small, solved, notebook):
    found = one(small, [*solved[:3], "root = [2 * scale]"], notebook).findings["q3"]
    assert (found.status, found.mistake) == ("wrong", "wrong kind")
    assert "There is no" not in found.says and "root is a list, not a number" in found.says


def test_an_answer_that_is_none_is_missing(small, solved, notebook):
    found = one(small, [*solved[:3], "root = None"], notebook).findings["q3"]
    assert found.status == "missing" and "root is None" in found.says


def test_what_a_function_forges_is_no_markup(small, solved, notebook):
    forged = """
import os
calls = []
def square(x):
    if not calls:
        os.write(3, b'{"nothing": "**all** points"}\\n')
    calls.append(x)
    return x
"""
    found = one(small, [solved[0], forged], notebook).findings["q2"]
    assert found.points == 0 and "**all**" not in found.says


def test_who_reads_the_questions_finds_those_of_the_student(small, solved, notebook):
    solved[3] = "import json\nroot = 2 * json.load(open('questions.json'))['parameters']['scale']"
    result = one(small, solved, notebook)
    assert (points(result), result.errors) == ([2, 3, 1, 0], [])


def test_who_does_not_read_the_questions_finds_none(small, solved, notebook):
    result = one(small, [*solved, "import os\nassert os.listdir() == []"], notebook)
    assert result.errors == []


def test_zero_points_always_have_a_reason(small, notebook):
    assert one(small, ["x = 1"], notebook).reason == "no points"
    assert one(small, ["1/0"], notebook).reason.startswith("no points: cell 1: ZeroDivision")


def test_a_function_without_end_costs_its_own_question_only(small, solved, notebook):
    solved[2] = "def square(x):\n    while True: pass"
    result = one(small, solved, notebook, limits=Limits(seconds=1))
    assert result.status == "graded" and points(result) == [2, 0, 1, 0]


def test_a_function_that_ends_its_process_costs_its_own_question_only(small, solved, notebook):
    solved[2] = "import os\ndef square(x): os._exit(0)"
    result = one(small, solved, notebook)
    assert result.status == "graded" and points(result) == [2, 0, 1, 0]
    assert "exit code 0" in result.findings["q2"].says


def test_a_function_keeps_the_points_it_had_before_it_ended_its_process(small, solved, notebook):
    solved[2] = "import os\ndef square(x):\n    return scale * x**2 if abs(x) < 9 else os._exit(0)"
    assert points(one(small, solved, notebook)) == [2, 2, 1, 0]


def test_after_one_function_has_ended_the_process_the_next_is_asked_all_the_same(
    small, solved, notebook
):
    file = small / "questions.toml"
    first = file.read_text().split("[[questions]]\n")[2]
    second = first.replace('"q2"', '"q5"').replace('"square"', '"again"')
    file.write_text(f"{file.read_text()}\n[[questions]]\n{second}")
    solved[2] = "import os\ndef square(x): os._exit(0)\ndef again(x): return scale * x**2"
    assert points(one(small, solved, notebook)) == [2, 0, 1, 0, 3]


def test_what_was_found_in_a_first_run_is_kept_when_the_second_one_fails(
    small, solved, notebook, judge, monkeypatch
):
    runs = []

    class Twice(Sandbox):
        def run(self, cells, files):
            runs.append(cells)
            if len(runs) > 1:
                raise Timeout("it took longer than 20 seconds")
            return super().run(cells, files)

    file = small / "questions.toml"
    first = file.read_text().split("[[questions]]\n")[2]
    second = first.replace('"q2"', '"q5"').replace('"square"', '"again"')
    file.write_text(f"{file.read_text()}\n[[questions]]\n{second}")
    solved[2] = "import os\ndef square(x): os._exit(0)\ndef again(x): return scale * x**2"
    with Twice(trusted=True) as twice:
        monkeypatch.setattr(grading, "_sandbox", lambda *_: (twice, judge))
        result = one(small, solved, notebook)
    assert len(runs) == 2 and points(result) == [2, 0, 1, 0, 0]
    assert "it took longer than 20 seconds" in result.findings["q5"].says


def test_a_submission_that_answers_nothing_takes_too_long_twice_and_not_more(
    small, notebook, monkeypatch
):
    stops = []

    def deaf(answers, question):
        stops.append(question.name)
        raise Timeout("it took longer than 20 seconds")

    monkeypatch.setattr(grading, "_ask", deaf)
    result = one(small, ["x = 1"], notebook)
    assert len(stops) == 2 and result.status == "graded"
    assert all("longer than 20 seconds" in finding.says for finding in result.findings.values())


@pytest.mark.parametrize(
    "cell, status",
    [
        ("import os; os._exit(3)", "crashed"),
        ("while True: pass", "graded"),
        ("import time; time.sleep(99)", "timeout"),
    ],
    ids=["ends", "loops", "waits"],
)
def test_cells_that_do_not_come_to_an_end_have_a_status(small, notebook, cell, status):
    result = one(small, [cell], notebook, limits=Limits(seconds=1))
    assert result.status == status and result.reason and result.points == 0


def test_the_numbers_of_somebody_else_are_noticed(small, solved, notebook):
    right, wrong = (solved[0], "parameters"), ("scale = 77", "parameters")
    assert one(small, [right, *solved[1:]], notebook).reason == ""
    copied = one(small, [wrong, *solved[1:]], notebook)
    assert copied.reason == "the parameters in the notebook are not those of this student"
    assert points(copied) == [2, 0, 0, 0]


@pytest.mark.parametrize("more", ["  # mine", "\nprint(scale)", "\r\n", "\nscale, 1\nx = 2"])
def test_who_writes_beside_their_numbers_still_has_them(small, solved, notebook, more):
    cell = solved[0] + more, "parameters"
    assert one(small, [cell, *solved[1:]], notebook).reason == ""


def test_a_mistake_of_the_grader_is_the_status_of_one_and_not_the_end(
    small, solved, notebook, monkeypatch
):
    def mistaken(*_):
        raise KeyError("\ud800")

    monkeypatch.setattr(grading, "check", mistaken)
    result = one(small, solved, notebook)
    assert result.status == "error" and "KeyError" in result.reason
    assert Result.model_validate_json(result.model_dump_json()) == result


# The judge


def test_a_judge_checks_what_check_checks(small, judge):
    question = load(small / "questions.toml").questions[0]
    found = [judge.check(question, [line], {}, 0).status for line in ("softmax(s)[j]", "s[j]")]
    assert found == ["right", "wrong"]


@pytest.mark.parametrize("limit", [{"seconds": 0.001}, {"memory": 1}], ids=["time", "memory"])
def test_a_derivation_beyond_the_limits_ends_the_judge_and_not_the_run(small, judge, limit):
    question = load(small / "questions.toml").questions[0]
    lines = ["exp(s[j] + 1)/Sum(exp(s[i] + 1), (i, 1, K))"]
    narrow = Judge(**limit)
    assert narrow.check(question, lines, {}, 0).mistake == UNCHECKED
    narrow.seconds, narrow.memory = judge.seconds, judge.memory
    assert narrow.check(question, lines, {}, 0).status == "right"
    narrow.close()


def test_a_mistake_in_the_check_ends_the_judge_and_not_the_run(small, judge):
    question = load(small / "questions.toml").questions[0]
    found = judge.check(question, ["softmax(s)[j]"], None, 0)
    assert (found.points, found.mistake) == (0, UNCHECKED)
    assert "could not be checked to the end: `AttributeError: 'NoneType'" in found.says
    assert judge.check(question, ["softmax(s)[j]"], {}, 0).status == "right"


def test_a_mistake_in_the_check_costs_its_own_question_only_and_asks_for_a_look(
    small, solved, notebook, judge, monkeypatch
):
    class Mistaken(Judge):
        def check(self, question, lines, parameters, seed):
            return super().check(question, lines, None, seed)

    mistaken = Mistaken()
    with Sandbox(trusted=True) as box:
        monkeypatch.setattr(grading, "_sandbox", lambda *_: (box, mistaken))
        result = one(small, solved, notebook)
        nothing_else = one(small, solved[:2], notebook)
    assert result.status == "graded" and points(result) == [0, 3, 1, 0]
    assert result.reason == "q1: not checked to the end, needs a look"
    assert nothing_else.reason == "no points; q1: not checked to the end, needs a look"


# A class


@pytest.fixture
def class_(small, solved, notebook, tmp_path):
    """Where the submissions of a small class are, and where their grades go."""
    folder = tmp_path / "submissions"
    folder.mkdir()
    (folder / "ada.ipynb").write_bytes(notebook(*solved))
    (folder / "emmy").mkdir()
    (folder / "emmy" / "x.ipynb").write_bytes(notebook(solved[0], 'gradient = ["s[j]"]'))
    (folder / "kurt.ipynb").write_text("{")
    return folder, tmp_path / "grades"


def run(small, class_, **more):
    return grade(small, *class_, executor=here, trusted=True, **more)


def table(path):
    with open(path, newline="") as file:
        return {row["student"]: row for row in csv.DictReader(file)}


def test_every_submission_has_a_row_with_status_and_reason(small, class_):
    students = ["ada", "kurt", "alan"]
    statuses = run(small, class_, students=students)
    rows = table(class_[1] / "scores.csv")
    found = {name: (row["status"], row["points"], row["reason"]) for name, row in rows.items()}
    assert found == {
        "ada": ("graded", "6", ""),
        "alan": ("missing", "0", "nothing was handed in"),
        "emmy": ("unknown", "0", "not on the list of students"),
        "kurt": ("unreadable", "0", "the file is not JSON, so it is no notebook"),
    }
    assert statuses == {"graded": 1, "missing": 1, "unknown": 1, "unreadable": 1}


def test_the_points_of_questions_are_there_but_for_what_is_to_be_read(small, class_):
    run(small, class_)
    rows = table(class_[1] / "scores.csv")
    assert [rows["ada"][q] for q in ("q1", "q2", "q3", "q4", "to read")] == [
        "2",
        "3",
        "1",
        "",
        "q4",
    ]
    assert [rows["emmy"][q] for q in ("q1", "q4", "to read")] == ["0", "0", ""]


def test_everybody_has_feedback(small, class_):
    run(small, class_)
    feedback = {path.stem: path.read_text() for path in (class_[1] / "feedback").iterdir()}
    assert set(feedback) == {"ada", "emmy", "kurt"}
    assert "<b>6 of 8 points</b>" in feedback["ada"] and ">to be read<" in feedback["ada"]
    assert "Line 1 does not follow" in feedback["emmy"]
    assert "<b>Not graded: unreadable.</b> the file is not JSON" in feedback["kurt"]


def test_no_markup_of_a_submission_reaches_its_feedback(small, class_, notebook):
    bad = "<img src=x onerror=alert(1)> [x](javascript:alert(1))\\n\\n# q9 (5 of 5)"
    cells = [f"raise ValueError('{bad}')", f"def square(x): raise ValueError('{bad}')"]
    cells += [f"root = type('{bad[:30]}', (), {{}})()"]
    (class_[0] / "<b>bold<b> [x](javascript:1).ipynb").write_bytes(notebook(*cells))
    (class_[0] / "two").mkdir()
    for name in ("<i>one.ipynb", "[x](javascript:1).ipynb"):
        (class_[0] / "two" / name).write_bytes(notebook(*cells))
    run(small, class_)
    for path in (class_[1] / "feedback").iterdir():
        text = path.read_text().partition("<body>")[2]
        tags = set(re.findall(r"<(\w+)([^>]*)", text))
        assert {name for name, _ in tags} <= {
            *"main h1 h2 p b span ul li code em table tr th td".split()
        }
        assert {more for _, more in tags} <= {"", ' class="quiet"'}
    bold = (class_[1] / "feedback" / "<b>bold<b> [x](javascript:1).html").read_text()
    assert bold.count("&lt;img") == 3


def test_the_same_inputs_give_the_same_scores(small, class_, tmp_path):
    run(small, class_)
    run(small, (class_[0], tmp_path / "again"))
    for name in ("scores.csv", "written.csv", "report.html"):
        assert (class_[1] / name).read_bytes() == (tmp_path / "again" / name).read_bytes()


def graded_again(small, class_, monkeypatch, **more):
    """The students whose notebooks a run looks at."""
    seen = []

    def noted(path, secret, student, *rest):
        seen.append(student)
        return grade_one(path, secret, student, *rest)

    monkeypatch.setattr(grading, "grade_one", noted)
    run(small, class_, **more)
    return sorted(seen)


def test_what_is_finished_is_not_done_again(small, class_, monkeypatch):
    run(small, class_)
    before = (class_[1] / "scores.csv").read_bytes()
    assert graded_again(small, class_, monkeypatch) == []
    assert (class_[1] / "scores.csv").read_bytes() == before


def test_a_new_submission_is_graded_and_the_others_are_not(small, class_, solved, notebook,
                                                           monkeypatch):  # fmt: skip
    run(small, class_)
    (class_[0] / "emmy" / "x.ipynb").write_bytes(notebook(*solved))
    assert graded_again(small, class_, monkeypatch) == ["emmy"]
    assert table(class_[1] / "scores.csv")["emmy"]["points"] == "6"


def test_what_scores_depend_on_grades_everybody_again(small, class_, monkeypatch):
    run(small, class_)
    file = small / "questions.toml"
    file.write_text(file.read_text().replace('points = 2\nasks = "The', 'points = 4\nasks = "The'))
    assert graded_again(small, class_, monkeypatch) == ["ada", "emmy", "kurt"]
    assert table(class_[1] / "scores.csv")["ada"]["points"] == "8"
    assert graded_again(small, class_, monkeypatch, secret=b"another" * 9) == [
        "ada",
        "emmy",
        "kurt",
    ]


def test_a_damaged_result_is_graded_again(small, class_, monkeypatch):
    run(small, class_)
    (class_[1] / "results" / "ada.json").write_text('{"student": "ada", "sta')
    assert graded_again(small, class_, monkeypatch) == ["ada"]


def test_workers_with_another_question_file_are_found_out(small, class_, monkeypatch):
    monkeypatch.setattr(
        grading, "grade_one", lambda *job: grade_one(*job).model_copy(update={"digest": "old"})
    )
    with pytest.raises(GradeError, match="another lossnotes or another question file"):
        run(small, class_)


def test_a_name_longer_than_a_file_name_has_its_result(small, class_, solved, notebook):
    name = "é" * 120
    (class_[0] / f"{name}.ipynb").write_bytes(notebook(*solved))
    run(small, class_)
    assert table(class_[1] / "scores.csv")[name]["points"] == "6"


# Written answers


def fill_in(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_points_that_a_person_gives_are_added_and_kept(small, class_):
    run(small, class_)
    written = class_[1] / "written.csv"
    fill_in(written, "ada,q4,because it is so,", "ada,q4,because it is so,1.5")
    filled_in = written.read_bytes()
    for _ in range(2):
        run(small, class_)
        row = table(class_[1] / "scores.csv")["ada"]
        assert (row["points"], row["q4"], row["to read"]) == ("7.5", "1.5", "")
    assert written.read_bytes() == filled_in
    told = (class_[1] / "feedback" / "ada.html").read_text()
    assert "<span>1.5 of 2</span>" in told and "to be read" not in told


def test_an_answer_that_has_changed_is_to_be_read_again(small, class_, solved, notebook):
    run(small, class_)
    written = class_[1] / "written.csv"
    fill_in(written, "ada,q4,because it is so,", "ada,q4,because it is so,1.5")
    (class_[0] / "ada.ipynb").write_bytes(notebook(*solved[:-1], 'reason = "it must be so"'))
    run(small, class_)
    assert table(class_[1] / "scores.csv")["ada"]["to read"] == "q4"
    assert [line.split(",") for line in written.read_text().splitlines()[1:]] == [
        ["ada", "q4", "because it is so", "1.5", ""],
        ["ada", "q4", "it must be so", "", ""],
    ]


def test_what_a_spreadsheet_has_saved_in_its_own_way_is_read(small, class_):
    run(small, class_)
    (class_[1] / "written.csv").write_bytes(
        "\ufeffstudent;question;text;points;remark\nada;q4;because  it is so;1,5;good".encode()
    )
    (class_[0] / "alan.ipynb").write_bytes((class_[0] / "ada.ipynb").read_bytes())
    run(small, class_)
    rows = table(class_[1] / "scores.csv")
    assert (rows["ada"]["q4"], rows["alan"]["to read"]) == ("1.5", "q4")
    lines = (class_[1] / "written.csv").read_text().splitlines()
    assert lines[1:] == ["ada;q4;because  it is so;1,5;good", "alan;q4;because it is so;;"]


def rows_of(class_, *rows):
    """Rows added to written.csv, as a person would."""
    path = class_[1] / "written.csv"
    path.write_text(path.read_text() + "".join(f"{row}\n" for row in rows))


def test_the_points_of_any_question_are_changed_with_a_reason_that_the_student_reads(small, class_):
    run(small, class_)
    rows_of(class_, "emmy,q1,,1.5,The *idea* is right.", "kurt,q3,,1,On paper.", "ada,q4,,2,Good!")
    run(small, class_)
    rows = table(class_[1] / "scores.csv")
    assert [rows["emmy"][name] for name in ("points", "q1")] == ["1.5", "1.5"]
    assert [rows["kurt"][name] for name in ("points", "q3", "status")] == ["1", "1", "unreadable"]
    assert [rows["ada"][name] for name in ("points", "q4", "to read")] == ["8", "2", ""]
    emmy, kurt, ada = (
        (class_[1] / "feedback" / f"{name}.html").read_text() for name in ("emmy", "kurt", "ada")
    )
    assert "The <em>idea</em> is right." in emmy and "points from 0 to 1.5" in emmy
    assert "On paper." in kurt and "Good!" in ada and "to be read" not in ada


def test_a_comment_to_a_written_answer_reaches_the_student(small, class_):
    run(small, class_)
    fill_in(class_[1] / "written.csv", "it is so,,", "it is so,1,<b>Why</b> so?")
    run(small, class_)
    told = (class_[1] / "feedback" / "ada.html").read_text()
    assert "4 words, read by a person." in told and "&lt;b&gt;Why&lt;/b&gt; so?" in told


UNHEARD = {
    "adaa,q4,because it is so,1,": "line 3: nobody is called 'adaa'; did you mean ada?",
    "ada,q9,because it is so,1,": "line 3: there is no question 'q9'; there are q1, q2, q3, q4",
    "ada,q1,,1,": "line 3: the points of q1 are changed: say why, as a comment",
    "ada,q1,,3,why": "line 3: points must be a number from 0 to 2, not '3'",
    "ada,q1,,1,why\nada,q1,,2,why": "line 4: q1 of ada is there in line 3 too",
}


@pytest.mark.parametrize("row", UNHEARD)
def test_a_row_that_says_nothing_of_anybody_is_an_error(small, class_, row):
    run(small, class_)
    before = (class_[1] / "scores.csv").read_text()
    rows_of(class_, row)
    with pytest.raises(GradeError, match=re.escape(UNHEARD[row])):
        run(small, class_)
    assert (class_[1] / "scores.csv").read_text() == before


@pytest.mark.parametrize("wrong", ["3", "-1", "nan", "two"])
def test_points_out_of_range_are_refused_before_anything_is_graded(
    small, class_, monkeypatch, wrong
):
    run(small, class_)
    fill_in(class_[1] / "written.csv", "because it is so,", f"because it is so,{wrong}")
    with pytest.raises(
        GradeError, match=f"line 2: points must be a number from 0 to 2, not '{wrong}"
    ):
        graded_again(small, class_, monkeypatch)


def test_a_written_file_without_its_columns_is_refused(small, class_):
    run(small, class_)
    fill_in(class_[1] / "written.csv", "points", "mark")
    with pytest.raises(GradeError, match="the first line must name the columns"):
        run(small, class_)


def test_no_cell_of_a_table_is_a_formula_for_a_spreadsheet(small, class_, solved, notebook):
    data = notebook(*solved[:-1], "reason = '=1+1 is a formula'")
    (class_[0] / "=cmd.ipynb").write_bytes(data)
    for _ in range(2):
        run(small, class_)
    with open(class_[1] / "written.csv", newline="") as file:
        rows = list(csv.reader(file))[1:]
    assert rows[0] == ["'=cmd", "q4", "'=1+1 is a formula", "", ""] and len(rows) == 2
    assert "'=cmd" in table(class_[1] / "scores.csv")


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_formula_is_none_whatever_separates_the_cells(small, class_, solved, notebook, separator):
    names = "a;=HYPERLINK(1)", "＝1+1", "＋1", "a, @b", " =1", "a;\t-1"
    for name in names:
        data = notebook(*solved[:-1], f"reason = {f'so it is {name}'!r} + chr(10) + '＝2+2 or not'")
        (class_[0] / f"{name}.ipynb").write_bytes(data)
    run(small, class_)
    for name in ("scores.csv", "written.csv"):
        text = (class_[1] / name).read_text()
        cells = [cell.strip(' "') for cell in re.split(f"[{separator}\n]", text)]
        assert len(cells) > len(names)
        assert not [cell for cell in cells if cell.startswith(tuple("=+-@＝＋－＠"))]


def test_two_names_are_two_rows_though_one_looks_like_the_other_made_safe(
    small, class_, solved, notebook
):
    for name in ("-1", "'-1"):
        (class_[0] / f"{name}.ipynb").write_bytes(notebook(*solved))
    run(small, class_)
    assert {"'-1", "''-1"} < set(table(class_[1] / "scores.csv"))
    fill_in(class_[1] / "written.csv", "\n'-1,q4,because it is so,", "\n'-1,q4,because it is so,2")
    run(small, class_)
    rows = table(class_[1] / "scores.csv")
    assert (rows["'-1"]["q4"], rows["''-1"]["q4"]) == ("2", "")


# By whom, for whom and when

SECRET = b"a secret of more than thirty-two bytes"


def marked(notebook, secret, chapter, student, cells):
    """A notebook that says of its build what `build` writes into it."""
    data = json.loads(notebook(*cells))
    data["metadata"]["lossnotes"] = marks.as_metadata(secret, chapter, student)
    return json.dumps(data).encode()


@pytest.fixture
def handed_in(small, class_, solved, notebook):
    """Put a notebook that was built for somebody into the class."""

    def handed_in(name, secret=SECRET, chapter="small", student=None):
        whose = name if student is None else student
        scale = load(small / "questions.toml").parameters(secret, whose)["scale"]
        cells = [f"scale = {scale}", *solved[1:]]
        data = marked(notebook, secret, chapter, whose, cells)
        (class_[0] / f"{name}.ipynb").write_bytes(data)

    return handed_in


def test_a_secret_that_does_not_fit_stops_before_anything_is_graded(small, class_, handed_in):
    handed_in("ada")
    handed_in("alan")
    for secret in (b"", b"another secret, but as long as ours"):
        with pytest.raises(GradeError, match="the notebooks were handed out with a"):
            run(small, class_, secret=secret)
    assert not class_[1].exists()
    run(small, class_, secret=SECRET)
    assert table(class_[1] / "scores.csv")["alan"]["points"] == "6"


def test_one_notebook_that_does_not_fit_is_one_to_look_at(small, class_, handed_in):
    handed_in("ada")
    handed_in("alan", secret=b"another secret, but as long as ours")
    handed_in("emil", student="ada")
    handed_in("eve", chapter="margin")
    run(small, class_, secret=SECRET)
    rows = table(class_[1] / "scores.csv")
    assert rows["ada"]["reason"] == ""
    assert "with another secret" in rows["alan"]["reason"]
    assert "to another student" in rows["emil"]["reason"]
    assert "for another assignment" in rows["eve"]["reason"]


def test_numbers_for_everybody_are_those_of_everybody(small, class_, handed_in):
    handed_in("ada", student="")
    run(small, class_, secret=SECRET)
    assert table(class_[1] / "scores.csv")["ada"]["points"] == "6"


def test_of_a_name_that_is_unknown_the_notebook_says_whose_it_is(small, class_, handed_in):
    handed_in("al99", student="alan")
    run(small, class_, secret=SECRET, students=["ada", "alan", "kurt", "emmi"])
    rows = table(class_[1] / "scores.csv")
    assert "the notebook was handed out to alan" in rows["al99"]["reason"]
    assert "did you mean emmi?" in rows["emmy"]["reason"]


def test_the_notebook_for_everybody_is_noticed_where_others_have_their_own(
    small, class_, handed_in
):
    handed_in("ada", student="")
    handed_in("emil")
    run(small, class_, secret=SECRET)
    rows = table(class_[1] / "scores.csv")
    assert "the notebook for everybody was handed in" in rows["ada"]["reason"]
    assert rows["emil"]["reason"] == ""


def test_no_name_stands_in_the_mark():
    said = json.dumps(marks.as_metadata(SECRET, "small", "Ada Lovelace"))
    assert "Ada" not in said and "Lovelace" not in said
    assert marks.as_metadata(SECRET, "small", "Zo\u0308e") == marks.as_metadata(
        SECRET, "small", "Zöe"
    )


@pytest.mark.parametrize(
    "nonsense",
    [None, 7, "x", [], {}, {"chapter": 1}, {"chapter": "small", "course": 1, "student": []}],
)
def test_a_mark_that_is_none_is_none(nonsense):
    assert marks.read(nonsense) is None


def test_a_day_late_costs_what_the_assignment_says(small, class_):
    deadline = "[deadline]\ndue = 2026-11-20T23:59:00\nfree = 1\nloss = 0.25\n\n[parameters]"
    file = small / "questions.toml"
    file.write_text(file.read_text().replace("[parameters]", deadline))
    due = datetime(2026, 11, 20, 23, 59).timestamp()
    found = {}
    for late in (-5, 60, 86_400 + 60, 3 * 86_400 - 60, 50 * 86_400):
        os.utime(class_[0] / "ada.ipynb", (due + late, due + late))
        run(small, class_)
        row = table(class_[1] / "scores.csv")["ada"]
        found[late] = float(row["points"]), row["reason"]
    assert [points for points, _ in found.values()] == [6, 6, 4.5, 3, 0]
    assert found[86_460][1] == "2 days late: 1.5 points less"
    assert "50 days late: 6 points less." in (class_[1] / "feedback" / "ada.html").read_text()


@pytest.fixture
def due(small):
    """The moment at which the small assignment is due."""
    file = small / "questions.toml"
    deadline = "[deadline]\ndue = 2026-11-20T23:59:00\nloss = 0.25\n\n[parameters]"
    file.write_text(file.read_text().replace("[parameters]", deadline))
    return datetime(2026, 11, 20, 23, 59).timestamp()


def days_of(name, class_):
    """The rows of late.csv about somebody: days, and as how many they count."""
    with open(class_[1] / "late.csv", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["student"] == name]
    return [(row["days"], row["count as"]) for row in rows]


def test_who_was_ill_is_as_late_as_a_person_says(small, class_, due):
    os.utime(class_[0] / "ada.ipynb", (due + 60, due + 60))
    for _ in range(2):
        run(small, class_)
    assert days_of("ada", class_) == [("1", "")]
    assert table(class_[1] / "scores.csv")["ada"]["points"] == "4.5"
    with open(class_[1] / "late.csv", "a") as file:
        file.write("ada,,,0,She was ill.\n")
    run(small, class_)
    os.utime(class_[0] / "ada.ipynb", (due + 86_460, due + 86_460))
    run(small, class_)
    assert table(class_[1] / "scores.csv")["ada"]["points"] == "6"
    assert days_of("ada", class_) == [("1", ""), ("", "0"), ("2", "")]


def test_days_that_count_for_one_moment_count_for_no_other(small, class_, due):
    os.utime(class_[0] / "ada.ipynb", (due + 60, due + 60))
    run(small, class_)
    fill_in(class_[1] / "late.csv", ",1,,", ",1,0,The server was down.")
    run(small, class_)
    assert table(class_[1] / "scores.csv")["ada"]["points"] == "6"
    os.utime(class_[0] / "ada.ipynb", (due + 86_460, due + 86_460))
    run(small, class_)
    assert table(class_[1] / "scores.csv")["ada"]["points"] == "3"


@pytest.mark.parametrize(
    "row, says",
    [
        ("ada,,,-1,x", "days must be a whole number from 0 on, not '-1'"),
        ("ada,,,1.5,x", "days must be a whole number"),
        ("ada,,,0,", "the days of ada are changed: say why"),
        ("adda,,,0,x", "nobody is called 'adda'; did you mean ada?"),
        ("ada,21.11.2026 10:00,1,0,x", "a moment is written as 2026-11-30 at 23:59"),
    ],
)
def test_a_row_about_lateness_that_says_nothing_clear_is_named(small, class_, due, row, says):
    class_[1].mkdir()
    (class_[1] / "late.csv").write_text(f"student,handed in,days,count as,comment\n{row}\n")
    with pytest.raises(GradeError, match=f"late.csv, line 2: {says}"):
        run(small, class_)


def test_days_that_are_changed_twice_are_not_chosen_from(small, class_, due):
    class_[1].mkdir()
    (class_[1] / "late.csv").write_text(
        "student,handed in,days,count as,comment\nada,,,0,ill\nada,,,3,not ill\n"
    )
    with pytest.raises(GradeError, match="the days of ada are changed in line 2 too"):
        run(small, class_)


def test_an_hour_that_comes_twice_makes_no_day(monkeypatch):
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        deadline = Deadline(due=datetime(2026, 10, 24, 23, 59))
        assert deadline.days(datetime(2026, 10, 25, 23, 30).timestamp()) == 1
        assert deadline.days(datetime(2026, 10, 25, 23, 59, 30).timestamp()) == 2
    finally:
        monkeypatch.undo()
        time.tzset()


def test_who_names_a_file_as_canvas_does_has_the_time_of_the_file(small, class_, due):
    (class_[0] / "ada.ipynb").rename(class_[0] / "ada_1_2_x.ipynb")
    os.utime(class_[0] / "ada_1_2_x.ipynb", (due + 60, due + 60))
    assert run(small, class_).untimed == 0
    assert table(class_[1] / "scores.csv")["ada"]["points"] == "4.5"


ZIPPED = {
    "Ada Lovelace_1234567_assignsubmission_file_/small.ipynb": "Ada Lovelace",
    "lovelaceada_LATE_501_90001_small.ipynb": "lovelaceada",
}


@pytest.fixture
def from_moodle(class_, solved, notebook):
    """Ada's notebook as Moodle gives it, and a worksheet in which she has an identifier."""

    def from_moodle(identifier):
        path, worksheet = (class_[0].parent / name for name in ("all.zip", "worksheet.csv"))
        worksheet.write_text(
            "Identifier,Full name,Last modified (submission)\n"
            f'{identifier},Ada Lovelace,"Sunday, 22 November 2026, 11:58 PM"\n'
        )
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr([*ZIPPED][0], notebook(*solved))
        return (path, class_[1]), read_students(worksheet)

    return from_moodle


@pytest.mark.parametrize("entry", ZIPPED)
def test_the_time_of_a_download_makes_nobody_late(small, class_, due, solved, notebook, entry):
    path = class_[0].parent / "all.zip"
    with zipfile.ZipFile(path, "w") as archive:
        asked_for = zipfile.ZipInfo(entry, (2026, 11, 28, 12, 0, 0))
        archive.writestr(asked_for, notebook(*solved))
    statuses, name = run(small, (path, class_[1])), ZIPPED[entry]
    row = table(class_[1] / "scores.csv")[name]
    assert statuses.untimed == 1 and row["points"] == "6"
    assert ("late, says Canvas" in row["reason"]) == ("LATE" in entry)
    with open(class_[1] / "late.csv", "a") as file:
        file.write(f"{name},,,2,As its page says.\n")
    assert run(small, (path, class_[1])).untimed == 0
    assert table(class_[1] / "scores.csv")[name]["points"] == "3"


def test_the_worksheet_of_moodle_says_who_is_late(small, class_, due, from_moodle):
    handed_in, students = from_moodle("Participant 1234567")
    run(small, handed_in, students=students)
    assert days_of("Ada Lovelace", class_) == [("2", "")]
    assert table(class_[1] / "scores.csv")["Ada Lovelace"]["points"] == "3"


def test_the_worksheet_of_another_assignment_says_nothing(small, class_, due, from_moodle):
    handed_in, students = from_moodle("Participant 901")
    assert run(small, handed_in, students=students).untimed == 1
    assert "Participant 1234567,Ada Lovelace,6," in (class_[1] / "moodle.csv").read_text()


@pytest.mark.parametrize("name", ["late.csv", "written.csv"])
def test_an_empty_line_before_the_titles_loses_no_row(small, class_, due, name):
    class_[1].mkdir()
    titles, row = {
        "late.csv": ("student,handed in,days,count as,comment", "adda,,,0,ill"),
        "written.csv": ("student,question,text,points,comment", "adda,q1,,1,a slip"),
    }[name]
    (class_[1] / name).write_text(f"\n\n{titles}\n{row}\n")
    with pytest.raises(GradeError, match="nobody is called 'adda'"):
        run(small, class_)


def test_the_page_of_a_name_that_is_gone_goes_too(small, class_):
    run(small, class_)
    (class_[0] / "kurt.ipynb").rename(class_[0] / "kurt goedel.ipynb")
    run(small, class_)
    pages = {path.stem for path in (class_[1] / "feedback").glob("*.html")}
    assert pages == {"ada", "emmy", "kurt goedel"}


def test_notebooks_of_another_assignment_are_not_graded_for_this_one(small, class_, handed_in):
    for name in ("ada", "emil"):
        handed_in(name, chapter="margin")
    with pytest.raises(GradeError, match="handed out for another assignment: margin"):
        run(small, class_, secret=SECRET)
    assert not class_[1].exists()


def test_scores_that_change_are_listed_with_what_they_were(small, class_):
    assert run(small, class_).changed == 0
    assert run(small, class_).changed == 0 and not (class_[1] / "changes.csv").exists()
    file = small / "questions.toml"
    mended = file.read_text().replace('definition = "scale*x**2"', 'definition = "scale*x**3"')
    file.write_text(mended)
    assert run(small, class_).changed == 1
    with open(class_[1] / "changes.csv", newline="") as changes:
        rows = [list(row.values())[1:] for row in csv.DictReader(changes)]
    assert rows == [["ada", "points", "6", "3"], ["ada", "q2", "3", "0"]]


def test_who_reads_sees_codes_for_names_and_gives_points_by_them(small, class_):
    run(small, class_, secret=SECRET, anonymous=True)
    written = (class_[1] / "written.csv").read_text()
    code = grading.Class([], secret=SECRET).code("ada")
    assert "ada" not in written and f"{code},q4,because it is so," in written
    assert "kurt" not in (class_[1] / "report.html").read_text()
    fill_in(class_[1] / "written.csv", "it is so,,", "it is so,2,Well said.")
    run(small, class_, secret=SECRET)
    assert table(class_[1] / "scores.csv")["ada"]["q4"] == "2"


def test_attempts_are_counted_and_each_unlocks_a_hint(small, class_, notebook):
    file = small / "questions.toml"
    hints = 'answer = "gradient"\nhints = ["Chain rule.", "What is the sum?"]'
    file.write_text(file.read_text().replace('answer = "gradient"', hints))
    for number in range(2):
        cells = f"# {number}", 'gradient = ["s[j]"]'
        (class_[0] / "emmy" / "x.ipynb").write_bytes(notebook(*cells))
        for _ in range(2):
            run(small, class_)
        told = (class_[1] / "feedback" / "emmy.html").read_text()
        assert ("Chain rule." in told, "What is the sum?" in told) == (True, number == 1)


def test_from_moodle_and_back(small, class_, solved, notebook, tmp_path):
    entry = "Ada Lovelace_1234567_assignsubmission_file_"
    path = tmp_path / "all.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{entry}/small.ipynb", notebook(*solved))
    run(small, (path, class_[1]))
    worksheet = (class_[1] / "moodle.csv").read_text().splitlines()
    assert worksheet[1].startswith("Participant 1234567,Ada Lovelace,6,8,")
    with zipfile.ZipFile(class_[1] / "moodle_feedback.zip") as archive:
        assert archive.namelist() == [f"{entry}/feedback.html"]


# Processes that die


def test_a_job_that_kills_its_process_is_found_and_the_others_are_done():
    jobs = [(operator.neg, n) for n in range(12)]
    jobs.insert(5, (os._exit, 1))
    done = list(run_all(operator.call, iter(jobs), functools.partial(processes, 2)))
    assert sorted(result for _, result in done if result is not None) == list(range(-11, 1))
    assert [job for job, result in done if result is None] == [(os._exit, 1)]


def test_an_exception_of_a_job_is_not_taken_for_a_death():
    with pytest.raises(ZeroDivisionError):
        list(run_all(operator.call, iter([(operator.truediv, 1, 0)]), here))


def test_ctrl_c_is_for_the_grader_and_not_for_its_processes():
    former = signal.getsignal(signal.SIGINT)
    with processes(1) as pool:
        known = active_children()
        future = pool.submit(operator.neg, 1)
        (child,) = set(active_children()) - set(known)
        os.kill(child.pid, signal.SIGINT)  # it is still being imported
        assert future.result() == -1
    assert signal.getsignal(signal.SIGINT) is former


def test_a_process_that_dies_while_its_jobs_are_cancelled_is_no_error(monkeypatch):
    failed, known = [], active_children()
    monkeypatch.setattr(threading, "excepthook", failed.append)
    jobs = [(operator.neg, 1), (time.sleep, 60), *((operator.neg, n) for n in range(9))]
    results = run_all(operator.call, iter(jobs), functools.partial(processes, 1))
    next(results)
    (child,) = set(active_children()) - set(known)
    manager = next(each for each in threading.enumerate() if "Manager" in type(each).__name__)
    results.close()
    child.kill()
    manager.join(20)
    assert not manager.is_alive() and failed == []


def test_at_the_end_of_all_jobs_no_thread_writes_to_what_is_closed():
    before = {*threading.enumerate()}
    jobs = ((operator.neg, n) for n in range(3))
    assert len(list(run_all(operator.call, jobs, functools.partial(processes, 1)))) == 3
    left = [each for each in threading.enumerate() if each not in before]
    assert not [each for each in left if "Manager" in type(each).__name__]


def test_only_a_window_of_jobs_is_fetched_at_a_time():
    fetched, most = [], 0
    jobs = ((operator.neg, fetched.append(n) or n) for n in range(300))
    for number, _ in enumerate(run_all(operator.call, jobs, here)):
        most = max(most, len(fetched) - number)
    assert len(fetched) == 300 and most <= grading.WINDOW + 1


def until(holds, seconds=60):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it takes too long"
        time.sleep(0.02)


def descendants(pid):
    """The processes that a process has started, and those that they have."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, task.read_text().split()):
            found += [child, *descendants(child)]
    return found


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="no /proc to see processes in")
def test_a_killed_grader_leaves_no_process_and_keeps_what_was_finished(
    sandbox, small, solved, notebook, tmp_path
):
    folder, out = tmp_path / "submissions", tmp_path / "grades"
    folder.mkdir()
    for number in range(24):
        cell = f"import time; time.sleep(0.1)  # {number}"
        (folder / f"student {number:02}.ipynb").write_bytes(notebook(cell, *solved))
    command = [sys.executable, "-m", "lossnotes", "homework", "grade", "small", str(folder)]
    command += ["--out", str(out), "--workers", "2"]
    grader = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.DEVNULL)
    until(lambda: len(list(out.glob("results/*.json"))) >= 5)
    started = descendants(grader.pid)
    grader.kill()
    grader.wait()
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in started), 20)
    finished = {path: path.stat().st_mtime_ns for path in out.glob("results/*.json")}
    assert 5 <= len(finished) < 24 and not (out / "scores.csv").exists()

    alone = [*command[:-1], "1"]
    subprocess.run(alone, cwd=tmp_path, check=True, stdout=subprocess.DEVNULL)
    assert all(path.stat().st_mtime_ns == then for path, then in finished.items())
    rows = table(out / "scores.csv")
    assert len(rows) == 24 and {row["points"] for row in rows.values()} == {"6"}


def test_a_cluster_of_which_a_worker_is_killed_gives_the_same_scores(
    sandbox, small, solved, notebook, tmp_path
):
    distributed = pytest.importorskip("distributed")
    folder = tmp_path / "submissions"
    folder.mkdir()
    for number in range(20):
        wrong = solved if number % 3 else [*solved[:2], "root = 1"]
        cell = f"import time; time.sleep(0.1)  # {number}"
        (folder / f"student {number:02}.ipynb").write_bytes(notebook(cell, *wrong))
    out = tmp_path / "grades"
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=logging.CRITICAL
    ) as cluster:
        victim = cluster.workers[0].pid
        killed = []

        def kill():
            until(lambda: len(list(out.glob("results/*.json"))) >= 5)
            os.kill(victim, signal.SIGKILL)
            killed.append(len(list(out.glob("results/*.json"))))

        killer = threading.Thread(target=kill, daemon=True)
        killer.start()
        with distributed.Client(cluster.scheduler_address) as client:
            grade(small, folder, out, executor=client.get_executor)
        killer.join()
    assert killed[0] < 20
    on_this_machine = tmp_path / "here"
    grade(small, folder, on_this_machine, executor=functools.partial(processes, 1))
    for name in ("scores.csv", "written.csv", "report.html"):
        assert (out / name).read_bytes() == (on_this_machine / name).read_bytes()
