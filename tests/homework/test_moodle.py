"""What Moodle gives is read, and what it takes is written: samples made after its documentation."""

import csv
import io
import zipfile
from datetime import datetime
from time import time

import pytest

from lossnotes.homework import moodle
from lossnotes.homework.submissions import find, opened, read_students

ENTRIES = [
    "Ada Lovelace_1234567_assignsubmission_file_/softmax.ipynb",
    "Emmy Noether_1234568_assignsubmission_file/homework/Softmax (2).ipynb",
    "Kurt Gödel_1234569_assignsubmission_file_softmax.ipynb",
    "Alan_Mathison Turing_1234570_assignsubmission_onlinetext_/onlinetext.html",
    "O'Brien, Mary-Ann_1234571_assignsubmission_file_/x.ipynb",
    "__MACOSX/._x",
]
NAMES = ["Ada Lovelace", "Emmy Noether", "Kurt Gödel", "Alan_Mathison Turing", "O'Brien, Mary-Ann"]


@pytest.fixture
def archive(tmp_path):
    """The zip of "Download all submissions", each a day later than the one before."""
    path = tmp_path / "Analysis-Homework 1-1234.zip"
    with zipfile.ZipFile(path, "w") as file:
        for day, entry in enumerate(ENTRIES, 1):
            file.writestr(zipfile.ZipInfo(entry, (2026, 11, day, 12, 0, 0)), entry)
    return path


def test_a_notebook_belongs_to_the_name_before_the_number(archive):
    with opened(archive) as folder:
        found = find(folder)
        assert {name: len(paths) for name, paths in found.items()} == {
            name: int(name != "Alan_Mathison Turing") for name in NAMES
        }
        assert found["Kurt Gödel"][0].read_text() == ENTRIES[2]
        days = [paths[0].stat().st_mtime for paths in map(found.get, NAMES) if paths]
        assert [round((day - days[0]) / 86_400) for day in days] == [0, 1, 2, 4]


def test_a_list_of_participants_is_a_class(tmp_path):
    path = tmp_path / "participants.csv"
    path.write_text(
        '\ufeff"First name","Last name","ID number","Email address"\n'
        "Ada,Lovelace,s1,ada@example.org\nEmmy,Noether,s2,emmy@example.org\n"
    )
    students = read_students(path)
    assert students == ["Ada Lovelace", "Emmy Noether"]
    assert students.rows["Emmy Noether"]["ID number"] == "s2"


class Result:
    student, points, of = "Ada Lovelace", 7.5, 17


def test_the_worksheet_names_participants_by_their_number():
    came_as = {"Ada Lovelace": ENTRIES[0].split("/")[0]}
    text = moodle.worksheet([Result], came_as, None, str)
    (row,) = csv.DictReader(io.StringIO(text))
    assert (row["Identifier"], row["Full name"]) == ("Participant 1234567", "Ada Lovelace")
    assert (row["Grade"], row["Maximum Grade"]) == ("7.5", "17")
    assert abs(datetime.fromisoformat(row["Last modified (grade)"]).timestamp() - time()) < 60
    assert moodle.worksheet([Result], {"Ada Lovelace": "Ada Lovelace.ipynb"}, None, str) is None


WORKSHEET = """Identifier,"Full name",Status,"Last modified (submission)","Last modified (grade)"
"Participant 1234567","Ada Lovelace",Submitted,"Friday, 20 November 2026, 11:59 PM",-
"Participant 1234568","Emmy Noether",Submitted,"Saturday, 21 November 2026, 00:01",-
"Participant 1234569","Kurt Gödel","No submission",-,-
"""


@pytest.fixture
def class_(tmp_path):
    (tmp_path / "worksheet.csv").write_text(WORKSHEET)
    return read_students(tmp_path / "worksheet.csv")


def test_the_worksheet_that_is_downloaded_says_when_somebody_handed_in(class_):
    moments = [moodle.moment(row, row["Identifier"]) for row in class_.rows.values()]
    assert moments[:2] == [
        datetime(2026, 11, 20, 23, 59).timestamp(),
        datetime(2026, 11, 21, 0, 1).timestamp(),
    ]
    assert moments[2] is None and moodle.moment({}, "Participant 1") is None


def test_who_handed_nothing_in_has_a_grade_if_the_worksheet_is_the_class(class_):
    class_[:] = ["Ada Lovelace"]
    (row,) = csv.DictReader(io.StringIO(moodle.worksheet([Result], {}, class_, str)))
    assert (row["Identifier"], row["Grade"]) == ("Participant 1234567", "7.5")


def test_feedback_lies_in_folders_of_the_names_that_came():
    pages = [("Ada Lovelace_1234567_assignsubmission_file_", "a"), (ENTRIES[2], "b")]
    with zipfile.ZipFile(io.BytesIO(moodle.feedback(pages))) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == {
            "Ada Lovelace_1234567_assignsubmission_file_/feedback.html": b"a",
            "Kurt Gödel_1234569_assignsubmission_file_/feedback.html": b"b",
        }
