import json
import os
import re
import zipfile

import pytest

from lossnotes.homework import submissions
from lossnotes.homework.submissions import (
    GradeError,
    Unreadable,
    choose,
    fetch,
    find,
    near,
    opened,
    read,
    read_students,
)


def put(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}")


def test_a_notebook_belongs_to_whom_it_or_its_folder_is_named_after(tmp_path):
    put(tmp_path, "Ada Lovelace.ipynb", "Emmy/softmax.ipynb", "Kurt/homework/1/final (2).ipynb")
    found = {name: [path.name for path in paths] for name, paths in find(tmp_path).items()}
    assert found == {
        "Ada Lovelace": ["Ada Lovelace.ipynb"],
        "Emmy": ["softmax.ipynb"],
        "Kurt": ["final (2).ipynb"],
    }


def test_a_name_is_the_same_however_its_accents_are_written(tmp_path):
    put(tmp_path, "Ame\u0301lie.ipynb", "Am\u00e9lie/a.ipynb")
    ((name, paths),) = find(tmp_path).items()
    assert name == "Am\u00e9lie" and len(paths) == 2


def test_a_name_that_is_no_text_is_a_name_still(tmp_path):
    (tmp_path / os.fsdecode(b"caf\xe9.ipynb")).write_text("{}")
    ((name, paths),) = find(tmp_path).items()
    assert name == r"caf\udce9" and fetch(paths) == b"{}"


def test_what_editors_and_systems_leave_behind_is_no_submission(tmp_path):
    put(tmp_path, ".DS_Store", "._ada.ipynb", ".ipynb_checkpoints/ada-checkpoint.ipynb")
    put(tmp_path, "ada/a.ipynb", "ada/._a.ipynb", "ada/.ipynb_checkpoints/a-checkpoint.ipynb")
    assert {name: len(paths) for name, paths in find(tmp_path).items()} == {"ada": 1}


def test_no_name_commands_a_terminal_or_turns_a_page_around(tmp_path):
    put(tmp_path, "\x1b[31mred\x07.ipynb", "\u202egpj.ipynb", "a\u2028b.ipynb", "two/\x1b[2J.ipynb")
    put(tmp_path, "two/b.ipynb")
    found = find(tmp_path)
    assert list(found) == ["?[31mred?", "a?b", "two", "?gpj"]
    with pytest.raises(
        Unreadable, match=re.escape("2 notebooks of the same time: ?[2J.ipynb, b.ipynb")
    ):
        fetch(found["two"])


def test_whoever_handed_in_something_else_is_there_too(tmp_path):
    put(tmp_path, "ada.pdf", "emmy/answers.txt", "kurt.pdf", "kurt.ipynb", " .ipynb")
    (tmp_path / "alan").mkdir()
    found = {name: len(paths) for name, paths in find(tmp_path).items()}
    assert found == {"ada": 0, "emmy": 0, "kurt": 1, "alan": 0, " .ipynb": 1}


def test_an_empty_or_missing_folder_is_said(tmp_path):
    with pytest.raises(GradeError, match="there is no submission in this folder"):
        find(tmp_path)
    with pytest.raises(GradeError, match="cannot be read: No such file"):
        find(tmp_path / "nowhere")


def status(do, *arguments):
    with pytest.raises(Unreadable) as stop:
        do(*arguments)
    return stop.value.status


def test_what_cannot_be_fetched_has_a_status(tmp_path, monkeypatch):
    put(tmp_path, "a.ipynb", "b.ipynb")
    link, pipe = tmp_path / "link.ipynb", tmp_path / "pipe.ipynb"
    link.symlink_to(tmp_path / "a.ipynb")
    os.mkfifo(pipe)
    assert status(fetch, []) == "not a notebook"
    assert status(fetch, [tmp_path / "a.ipynb", tmp_path / "b.ipynb"]) == "ambiguous"
    assert status(fetch, [link]) == status(fetch, [pipe]) == "unreadable"
    assert status(fetch, [tmp_path / "gone.ipynb"]) == "unreadable"
    monkeypatch.setattr(submissions, "LARGEST", 1)
    assert status(fetch, [tmp_path / "a.ipynb"]) == "too large"


@pytest.mark.parametrize(
    "data, expected",
    [
        (b"", "unreadable"),
        (b"\x00\xff\xfe\x89PNG", "unreadable"),
        (b"PK\x03\x04", "unreadable"),
        (b"[" * 100_000, "unreadable"),
        (b"[]", "unreadable"),
        (b'{"worksheets": []}', "unreadable"),
        (b'{"cells": 7}', "unreadable"),
        (b'{"cells": [7]}', "unreadable"),
        (b'{"cells": [{"cell_type": "code", "source": 7}]}', "unreadable"),
        (b'{"cells": [{"cell_type": "code", "source": [7]}]}', "unreadable"),
        (b'{"cells": [{"cell_type": "code", "source": "", "metadata": 7}]}', "unreadable"),
        (b'{"cells": []}', "empty"),
        (b'{"cells": [{"cell_type": "markdown", "source": "x"}]}', "empty"),
        (b'{"cells": [{"cell_type": "code", "source": [" ", "\\n"]}]}', "empty"),
    ],
    ids=lambda value: value.decode("latin1")[:50] if isinstance(value, bytes) else None,
)
def test_bytes_that_hold_no_code_have_a_status(data, expected):
    assert status(read, data) == expected


def test_cells_are_read_from_lines_or_one_text_with_their_tags():
    cells = [
        {"cell_type": "code", "source": ["a = 1\n", "b = 2"], "metadata": {"tags": ["parameters"]}},
        {"cell_type": "markdown", "source": "no code"},
        {"cell_type": "code", "source": "c = '\ud800'", "metadata": {"tags": 7}},
    ]
    data = json.dumps({"cells": cells}).encode()
    assert read(data) == [("a = 1\nb = 2", ["parameters"]), ("c = '?'", [])]


def test_a_list_of_students_is_read_line_by_line(tmp_path):
    path = tmp_path / "students.txt"
    path.write_text("\ufeffAda Lovelace\n\n  Ame\u0301lie \r\n")
    assert read_students(path) == ["Ada Lovelace", "Am\u00e9lie"]


@pytest.mark.parametrize("title", ["", "Name\n"])
def test_a_name_may_have_a_comma(tmp_path, title):
    path = tmp_path / "students.txt"
    path.write_text(f"{title}Lovelace, Ada\nNoether, Emmy\n")
    assert read_students(path) == ["Lovelace, Ada", "Noether, Emmy"]


@pytest.mark.parametrize(
    "text, says",
    [
        ("", "no student on the list"),
        ("ada\nemmy\nada\n", "line 3: ada is there in line 1 too"),
        ("../ada", "line 1: '../ada' cannot name a folder"),
        ("a/b", "cannot name a folder"),
        ("a\x1bb", "cannot name a folder"),
        ("a" * 61, "cannot name a folder"),
        ("Vorname,Nachname,E-Mail\nAda,Lovelace,a@x.org", "line 1: a table without a title"),
        ("Nom;Prénom\nLovelace;Ada", "line 1: a table without a title"),
        ("name,id\nLovelace, Ada,7", "line 2: more cells than there are titles"),
    ],
    ids=["empty", "twice", "dots", "slash", "control", "long", "titles", "two titles", "cells"],
)
def test_a_list_with_a_mistake_is_refused(tmp_path, text, says):
    path = tmp_path / "students.txt"
    path.write_text(text)
    with pytest.raises(GradeError, match=says):
        read_students(path)


def test_a_list_that_cannot_be_read_is_said(tmp_path):
    (tmp_path / "students.txt").write_bytes(b"caf\xe9")
    for name in ("students.txt", "nobody.txt"):
        with pytest.raises(GradeError, match=f"{name}: the list of students cannot be read"):
            read_students(tmp_path / name)


NAMED = {  # as browsers, systems and people name files
    "Ada.ipynb.txt": "Ada",
    "Emmy.IPYNB": "Emmy",
    "Ed (1).ipynb": "Ed",
    "Kurt.ipynb.json": "Kurt",
    "Ada Lovelace .ipynb": "Ada Lovelace",
    "Alan (2)/x (3).ipynb": "Alan",
}


@pytest.mark.parametrize("name", NAMED)
def test_what_a_browser_adds_to_a_name_is_not_part_of_it(tmp_path, name):
    put(tmp_path, name, "__MACOSX/._x.ipynb", "desktop.ini", "Thumbs.db")
    assert {name: len(paths) for name, paths in find(tmp_path).items()} == {NAMED[name]: 1}


def test_a_name_with_a_number_is_a_name_if_the_class_has_it(tmp_path):
    put(tmp_path, "Ed (1).ipynb")
    assert list(find(tmp_path, ["Ed (1)"])) == ["Ed (1)"]


def test_the_newest_of_several_notebooks_is_taken_and_of_one_time_none(tmp_path):
    put(tmp_path, "Ed.ipynb", "Ed (1).ipynb", "Ed/other.ipynb")
    for age, name in enumerate(["Ed (1).ipynb", "Ed.ipynb", "Ed/other.ipynb"]):
        os.utime(tmp_path / name, (1e9 - 60 * age, 1e9 - 60 * age))
    (paths,) = find(tmp_path).values()
    assert choose(paths).name == "Ed (1).ipynb"
    os.utime(tmp_path / "Ed/other.ipynb", (1e9, 1e9))
    assert status(fetch, paths) == "ambiguous"


def test_of_copies_of_one_time_the_last_is_the_newest(tmp_path):
    put(tmp_path, *(f"Ed/work{copy}.ipynb" for copy in ("", " (1)", " (10)", " (9)")))
    put(tmp_path, "Ada/work-2.ipynb", "Ada/work-1.ipynb")
    for path in tmp_path.rglob("*.ipynb"):
        os.utime(path, (1e9, 1e9))
    chosen = {name: choose(paths).name for name, paths in find(tmp_path).items()}
    assert chosen == {"Ada": "work-2.ipynb", "Ed": "work (10).ipynb"}


def test_another_name_of_a_student_stands_in_another_column(tmp_path):
    table = "name,login,group id\nAda Lovelace,al99,7\nEmmy Noether,,7\nKurt Gödel,kg,7\n"
    (tmp_path / "class.csv").write_text(table)
    put(tmp_path, "in/al99.ipynb", "in/Emmy Noether.ipynb", "in/7.ipynb")
    students = read_students(tmp_path / "class.csv")
    assert set(find(tmp_path / "in", students)) == {"Ada Lovelace", "Emmy Noether", "7"}


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("Ada Lovelac", "Ada Lovelace"),
        ("ada lovelace", "Ada Lovelace"),
        ("Lovelace Ada", "Ada Lovelace"),
        ("Lovelace, Ada", "Ada Lovelace"),
        ("Kurt Godel", "Kurt Gödel"),
        ("Alan Turing", None),
    ],
)
def test_a_name_that_nearly_matches_is_suggested(name, meant):
    words = near(name, ["Ada Lovelace", "Kurt Gödel"])
    assert words == (f"; did you mean {meant}?" if meant else "")


MOODLE = (
    "Wei Zhang_111_assignsubmission_file_/x.ipynb",
    "Wei Zhang_222_assignsubmission_file_/x.ipynb",
)
CANVAS = "zhangwei_111_9001_x.ipynb", "zhangwei_222_9002_x.ipynb"


@pytest.mark.parametrize("names", [MOODLE, CANVAS], ids=["Moodle", "Canvas"])
def test_two_students_of_one_name_are_two(tmp_path, names):
    put(tmp_path / "all", *names)
    found = find(tmp_path / "all")
    assert len(found) == 2 and all(re.search("111|222", name) for name in found)
    (tmp_path / "class.csv").write_text(
        "name,ID,Identifier\nWei Zhang,222,Participant 222\nWei Zhang (2),111,Participant 111\n"
    )
    found = find(tmp_path / "all", read_students(tmp_path / "class.csv"))
    whose = {name: str(path.relative_to(tmp_path)) for name, (path,) in found.items()}
    assert "222" in whose["Wei Zhang"] and "111" in whose["Wei Zhang (2)"]


def test_who_has_a_name_that_two_have_may_stand_in_another_column(tmp_path):
    put(tmp_path / "all", *MOODLE)
    (tmp_path / "class.csv").write_text(
        "name;also\n"
        "Wei Zhang;Wei Zhang, Participant 222\n"
        "Wei Zhang (2);Wei Zhang, Participant 111\n"
    )
    found = find(tmp_path / "all", read_students(tmp_path / "class.csv"))
    assert [*found] == ["Wei Zhang (2)", "Wei Zhang"]


def test_one_student_may_hand_in_several_files(tmp_path):
    put(tmp_path, MOODLE[0], "Wei Zhang_111_assignsubmission_onlinetext_/x.html", "Wei Zhang.ipynb")
    assert [*find(tmp_path)] == ["Wei Zhang"]


def test_a_folder_that_is_too_deep_or_too_full_costs_itself_only(tmp_path, monkeypatch):
    monkeypatch.setattr(submissions, "MOST", 50)
    put(tmp_path, "ada.ipynb", *(f"full/{number}.txt" for number in range(60)))
    put(tmp_path, "deep/" + "a/" * 30 + "x.ipynb", "kurt/" + "a/" * 10 + "x.ipynb")
    found = find(tmp_path)
    assert status(fetch, found["full"]) == "unreadable"
    assert status(fetch, found["deep"]) == "not a notebook"
    assert fetch(found["ada"]) == fetch(found["kurt"]) == b"{}"


def test_a_number_of_thousands_of_digits_costs_nothing():
    cell = b'{"cell_type": "code", "source": "x = 1", "metadata": {"n": %s}}' % (b"9" * 5000)
    assert read(b'{"cells": [%s], "metadata": {"big": %s}}' % (cell, b"8" * 9000))[0][0] == "x = 1"


def test_no_entry_of_a_zip_leads_elsewhere(tmp_path):
    path = tmp_path / "all.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("../up.ipynb", "/top.ipynb", "ada/../../x.ipynb", "a/" * 900 + "deep.ipynb"):
            archive.writestr(name, "{}")
        archive.writestr("huge.ipynb", bytes(submissions.LARGEST + 1), zipfile.ZIP_DEFLATED)
        archive.writestr("n" * 5000 + ".ipynb", "{}")
    with opened(path) as folder:
        found = find(folder)
        assert {"up", "top", "ada", "a", "huge"} <= set(found)
        assert status(fetch, found["huge"]) == "too large"
        assert status(fetch, found["a"]) == "not a notebook"
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["all.zip"]


def test_what_is_no_zip_is_said(tmp_path):
    (tmp_path / "all.zip").write_text("no")
    with (
        pytest.raises(GradeError, match="neither a folder nor a zip"),
        opened(tmp_path / "all.zip"),
    ):
        pass
