"""No submission scores above what it deserves, changes another's score, or stops the run.

`hostile/` holds one submission a file; its first line says the score that it deserves, and whether
the right answers, those of `honest.py`, come before or after what it does.
"""

import csv
import functools
import json
import os
import re
import subprocess
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from lossnotes.homework import grade as module
from lossnotes.homework.grade import draw, grade, grade_one
from lossnotes.homework.judge import Judge
from lossnotes.homework.questions import load
from lossnotes.homework.sandbox import Limits

HERE = Path(__file__).parent / "hostile"
HOSTILE = {path.stem: path.read_text() for path in sorted(HERE.glob("*.py"))}
DESERVES = re.compile(
    r"# Deserves (\d+) \((\w+)\)(?:, with the right answers (before|after) it)?: "
)
LIMITS = Limits(seconds=4, memory=1 << 30, space=4 << 20)
HASTY = replace(LIMITS, seconds=1)  # for those that use whatever time there is
WITHOUT_END = {name for name in HOSTILE if name.startswith("endless")}
WITHOUT_END |= {"deaf", "expression_in_the_notebook"}


def cells(text):
    return [cell.strip() for cell in text.split("# %%\n")[1:]]


def notebook(sources):
    """A notebook, as bytes."""
    made = [{"cell_type": "code", "metadata": {}, "outputs": [], "source": s} for s in sources]
    return json.dumps({"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}).encode()


def submission(name):
    """The notebook of a hostile submission, the points and the status that it deserves."""
    points, status, honest = DESERVES.match(HOSTILE[name]).groups()
    sources, right = cells(HOSTILE[name]), cells(HOSTILE["honest"])
    sources = {"before": right + sources, "after": sources + right, None: sources}[honest]
    return notebook(sources), float(points), status


HONEST = notebook(cells(HOSTILE["honest"]))


@pytest.fixture(scope="module", autouse=True)
def patience(sandbox):
    """Derivations that SymPy does not finish are given up earlier than in a real course."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "Judge", functools.partial(Judge, seconds=1, memory=1 << 30))
        yield


def one(name, data, limits=LIMITS):
    return grade_one(HERE, b"secret", name, data, limits)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_submission_gets_what_it_deserves_and_so_does_the_next(name):
    data, points, status = submission(name)
    limits = HASTY if name in WITHOUT_END else LIMITS
    one("honest", HONEST, limits)  # whose answers the hostile one may look for
    result = one(name, data, limits)
    assert (result.points, result.status) == (points, status), result
    assert not re.search(r"[\x00-\x08\x1b\ud800-\udfff]", result.model_dump_json())
    reached = [error for error in result.errors if "SystemError" in error or "Assertion" in error]
    assert reached == []  # so they say where something should have been refused, and was not
    after = one("honest", HONEST, limits)
    assert (after.points, after.status, after.errors) == (10, "graded", [])
    places = [HERE, *HERE.parents, Path.cwd(), Path.home(), *map(Path, ("/tmp", "/dev/shm"))]
    assert not [place for place in places if (place / "escaped").exists()]


def test_what_is_hidden_is_told_to_nobody():
    found = one("tells", submission("tells_inputs")[0]).findings["q2"]
    assert (found.points, "told" in found.says) == (3, False)
    assert "not shown" in found.says and "`s = " not in found.says


def test_what_is_hidden_differs_from_one_submission_to_the_next():
    question = load(HERE / "questions.toml").questions[1]
    seeds = [
        draw(load(HERE / "questions.toml"), b"secret", "Ada", data)[1] for data in (b"1", b"2")
    ]
    assert seeds[0][0] == seeds[1][0] and seeds[0][1] != seeds[1][1]
    inputs = [next(question.examples(question.probes[1], {}, seed[1]))[0] for seed in seeds]
    assert not (inputs[0][0] == inputs[1][0]).any()


def test_at_least_thirty_are_hostile():
    assert len(HOSTILE) - 1 >= 30


# Broken


def with_source(source):
    return json.dumps({"cells": [{"cell_type": "code", "source": source}]}).encode()


def with_metadata(metadata):
    cell = {"cell_type": "code", "source": "x = 1", "metadata": metadata}
    return json.dumps({"cells": [cell]}).encode()


BROKEN = {
    "nothing": (b"", "unreadable"),
    "spaces": (b" \n", "unreadable"),
    "half a notebook": (HONEST[: len(HONEST) // 2], "unreadable"),
    "bytes": (bytes(range(256)) * 100, "unreadable"),
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(1000), "unreadable"),
    "an archive": (b"PK\x03\x04" + bytes(1000), "unreadable"),
    "Python": (HOSTILE["honest"].encode(), "unreadable"),
    "half a character": (b'{"cells": ["\xc3', "unreadable"),
    "very deep": (b"[" * 100_000, "unreadable"),
    "deep and closed": (b'{"cells": ' + b"[" * 50_000 + b"]" * 50_000 + b"}", "unreadable"),
    "a list": (b"[]", "unreadable"),
    "a number": (b"9" * 10_000, "unreadable"),
    "no cells": (b"{}", "unreadable"),
    "cells of numbers": (b'{"cells": [1, 2]}', "unreadable"),
    "cells in a dictionary": (b'{"cells": {"a": 1}}', "unreadable"),
    "a source of numbers": (with_source([1]), "unreadable"),
    "a source that is null": (with_source(None), "unreadable"),
    "a source in a dictionary": (with_source({"a": "b"}), "unreadable"),
    "metadata that are null": (with_metadata(None), "unreadable"),
    "the third format": (b'{"worksheets": [{"cells": []}], "nbformat": 3}', "unreadable"),
    "no code": (notebook([]), "empty"),
    "empty code": (notebook(["", "\n"]), "empty"),
    "comments": (notebook(["# nothing"]), "graded"),
    "no Python": (notebook(["x = = 1"]), "graded"),
    "a null character": (notebook(["x = '\0'"]), "graded"),
    "half a surrogate": (notebook(["x = '\ud800'"]), "graded"),
    "tags that are a number": (with_metadata({"tags": 3}), "graded"),
    "a thousand cells": (notebook(["1"] * 1000), "graded"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_submission_gets_a_status_and_a_reason(name):
    data, status = BROKEN[name]
    result = one(name, data)
    assert (result.status, result.points) == (status, 0)
    assert result.reason
    assert one("honest", HONEST).points == 10


# A class

NAMES = {  # what lies in the folder, and what becomes of it
    "Ada Lovelace.ipynb": (HONEST, "graded", 10),
    "Żółć 名前.ipynb": (HONEST, "graded", 10),
    "Zo\u0308e.ipynb": (HONEST, "graded", 10),  # ö of two characters
    "-rf.ipynb": (HONEST, "graded", 10),
    "=1+1.ipynb": (HONEST, "graded", 10),
    "..  ..ipynb": (HONEST, "graded", 10),
    "%2e%2e%2fescaped.ipynb": (HONEST, "graded", 10),
    "'; touch escaped; '.ipynb": (HONEST, "graded", 10),
    "<script>alert(1)<'script>.ipynb": (submission("segfault")[0], "crashed", 0),
    'two\nlines,"quoted".ipynb': (HONEST, "graded", 10),
    "x" * 240 + ".ipynb": (HONEST, "graded", 10),
    b"half \xff.ipynb": (HONEST, "graded", 10),
    "folder of one/deep/er/notebook.ipynb": (HONEST, "graded", 10),
    "scores.csv": (b"student,points\nx,10\n", "not a notebook", 0),
    "renamed.pdf": (HONEST, "not a notebook", 0),
    "no ending": (HONEST, "not a notebook", 0),
    "picture.ipynb": (b"\x89PNG\r\n\x1a\n", "unreadable", 0),
    "empty.ipynb": (b"", "unreadable", 0),
    "fork bomb.ipynb": (submission("fork_bomb")[0], "graded", 10),
    "exits.ipynb": (submission("exits")[0], "crashed", 0),
    "reads others.ipynb": (submission("reads_references")[0], "graded", 0),
    "forges.ipynb": (submission("forged_points")[0], "crashed", 0),
    "markup.ipynb": (submission("markup")[0], "graded", 6),
    "leaves files.ipynb": (submission("left_files")[0], "graded", 10),
}


def deep(folder, depth):
    """Folders within folders, more than a path can tell."""
    folder.mkdir()
    here = os.open(folder, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir("a", dir_fd=here)
        there = os.open("a", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = there
    os.close(here)


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """A class in which everything happens."""
    here = tmp_path_factory.mktemp("class")
    submissions, out = here / "submissions", here / "grades"
    for name, (data, _, _) in NAMES.items():
        path = submissions / os.fsdecode(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    (submissions / "link.ipynb").symlink_to(submissions / "Ada Lovelace.ipynb")
    (submissions / "passwords.ipynb").symlink_to("/etc/passwd")
    (submissions / "linked folder").symlink_to(submissions / "folder of one")
    (submissions / "folder of one/around").symlink_to(submissions)
    (submissions / "a folder.ipynb").mkdir()
    deep(submissions / "deep", 1100)
    (submissions / "two notebooks").mkdir()
    (submissions / "two notebooks/one.ipynb").write_bytes(HONEST)
    (submissions / "two notebooks/two.ipynb").write_bytes(HONEST)
    os.mkfifo(submissions / "pipe.ipynb")
    with open(submissions / "huge.ipynb", "wb") as file:
        file.truncate(10**10)
    before = everything(here)
    statuses = grade(
        HERE, submissions, out, executor=lambda: ThreadPoolExecutor(2), secret=b"secret"
    )
    with open(out / "scores.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    yield here, out, before, statuses, rows
    subprocess.run(["rm", "-rf", submissions / "deep"], check=True)  # Python does not come down


def everything(folder):
    """The files in a folder that is not followed through links, with their sizes."""
    waiting, found = [folder], {}
    while waiting:
        for entry in os.scandir(waiting.pop()):
            if entry.is_dir(follow_symlinks=False):
                waiting += [entry.path] if len(entry.path) < 1000 else []
            else:
                found[entry.path] = entry.stat(follow_symlinks=False).st_size
    return found


def test_every_submission_has_a_row_with_its_status_and_its_points(graded):
    *_, statuses, rows = graded
    wanted = [(status, float(points)) for _, status, points in NAMES.values()]
    wanted += [("unreadable", 0.0)] * 3  # two links and a pipe
    wanted += [("not a notebook", 0.0)] * 3  # a folder without one, a link to one, a deep one
    wanted += [("ambiguous", 0.0), ("too large", 0.0)]
    assert sorted((row["status"], float(row["points"])) for row in rows) == sorted(wanted)
    assert Counter(row["status"] for row in rows) == statuses
    assert all(row["reason"] for row in rows if row["status"] != "graded")


def test_grading_writes_into_its_own_folder_alone(graded):
    here, out, before, *_ = graded
    after = everything(here)
    assert {path: after[path] for path in before} == before
    assert all(Path(path).is_relative_to(out) for path in after.keys() - before.keys())


def test_no_cell_of_the_scores_is_a_formula(graded):
    *_, rows = graded
    assert not [cell for row in rows for cell in row.values() if cell[:1] in ("=", "+", "-", "@")]


def test_no_markup_of_a_submission_reaches_the_report(graded):
    _, out, *_ = graded
    report = (out / "report.html").read_text()
    assert "alert(1)" in report  # it is there, as text
    assert not re.search(r"<script>\s*alert|<img[^>]*onerror", report)
