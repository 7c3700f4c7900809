"""What Canvas gives is read, and what it takes is written: samples made after its documentation."""

import csv
import io

import pytest

from lossnotes.homework import canvas
from lossnotes.homework.submissions import find, read_students

GRADEBOOK = """Student,ID,SIS User ID,SIS Login ID,Section,Homework 0 (77)
    Points Possible,,,,,10
"Lovelace, Ada",501,s1,ada,"Section A, 1",9
"Gödel, Kurt",502,s2,kurt,"Section A, 1",
"Student, Test",503,,x,"Section A, 1",
"""
FILES = {
    "lovelaceada_501_90001_softmax.ipynb": "Lovelace, Ada",
    "godelkurt_LATE_502_90002_softmax-1.ipynb": "Gödel, Kurt",
    "noetheremmy_504_90003_softmax.ipynb": "noetheremmy",
}


@pytest.fixture
def class_(tmp_path):
    (tmp_path / "gradebook.csv").write_text(GRADEBOOK)
    return read_students(tmp_path / "gradebook.csv")


def test_the_gradebook_is_a_class_without_its_rows_for_points_and_tests(class_):
    assert class_ == ["Lovelace, Ada", "Gödel, Kurt"]


def test_a_number_says_whose_a_file_is(tmp_path, class_):
    (tmp_path / "handed_in").mkdir()
    for name in FILES:
        (tmp_path / "handed_in" / name).write_text(name)
    found = find(tmp_path / "handed_in", class_)
    assert {paths[0].name: name for name, paths in found.items()} == FILES


class Result:
    student, points = "Gödel, Kurt", 7.5


def test_the_gradebook_comes_back_with_its_columns_and_the_points(class_):
    text = canvas.gradebook("Labels", 17, [Result], class_, str)
    rows = list(csv.reader(io.StringIO(text)))
    assert rows[0] == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "Labels"]
    assert rows[1][0] == "    Points Possible" and rows[1][-1] == "17"
    assert rows[2:] == [["Gödel, Kurt", "502", "s2", "kurt", "Section A, 1", "7.5"]]


def test_who_is_excused_stays_so(tmp_path):
    (tmp_path / "gradebook.csv").write_text(
        GRADEBOOK.replace('"Section A, 1",\n"S', '"Section A, 1",EX\n"S')
    )
    class_ = read_students(tmp_path / "gradebook.csv")
    rows = list(csv.reader(io.StringIO(canvas.gradebook("Homework 0", 10, [Result], class_, str))))
    assert rows[2][-1] == "EX"
    rows = list(csv.reader(io.StringIO(canvas.gradebook("Homework", 10, [Result], class_, str))))
    assert rows[2][-1] == "7.5"


def test_a_file_says_whether_it_came_late():
    assert [canvas.is_late(name) for name in FILES] == [False, True, False]


def test_a_class_from_elsewhere_has_no_gradebook(tmp_path):
    (tmp_path / "class.txt").write_text("Lovelace, Ada\n")
    assert canvas.gradebook("x", 1, [], read_students(tmp_path / "class.txt"), str) is None
