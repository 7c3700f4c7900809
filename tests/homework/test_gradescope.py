"""What Gradescope unpacks grades as we do: its folders, made after its specification."""

import io
import json
import zipfile

import pytest

from lossnotes.homework.gradescope import autograder, main

SECRET = b"a secret of more than thirty-two bytes"


@pytest.fixture
def home(small, tmp_path):
    """The folder /autograder, before somebody hands in."""
    (tmp_path / "class.csv").write_text("name,email\nAda Lovelace,ada@example.org\n")
    home = tmp_path / "autograder"
    packed = autograder(small, SECRET, tmp_path / "class.csv")
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        archive.extractall(home / "source")
    for name in ("submission", "results"):
        (home / name).mkdir()
    return home


def hand_in(home, data, **user):
    (home / "submission" / "small.ipynb").write_bytes(data)
    (home / "submission_metadata.json").write_text(json.dumps({"users": [user]}))
    main(home)
    return json.loads((home / "results" / "results.json").read_text())


def test_the_zip_has_its_two_programs_and_no_solution(home):
    source = home / "source"
    assert (source / "run_autograder").read_text().startswith("#!/usr/bin/env bash")
    assert "pydantic==" in (source / "setup.sh").read_text()
    assert not list(source.rglob("*.ipynb")) and not (source / "lossnotes" / "losses").exists()


def test_a_submission_is_graded_with_a_test_for_each_question(
    sandbox, home, small, notebook, solved
):
    from lossnotes.homework.questions import load

    scale = load(small / "questions.toml").parameters(SECRET, "Ada Lovelace")["scale"]
    data = notebook(f"scale = {scale}", *solved[1:])
    results = hand_in(home, data, name="Augusta Ada", email="ada@example.org")
    assert results["score"] == 6
    assert [(test["score"], test["max_score"]) for test in results["tests"]] == [
        (2, 2),
        (3, 3),
        (1, 1),
        (0, 2),
    ]
    assert all(test["output_format"] == "md" for test in results["tests"])


def test_who_is_not_in_the_class_or_hands_in_no_notebook_is_told(home, notebook):
    results = hand_in(home, notebook("x = 1"), name="Eve", email="eve@example.org")
    assert results == {"score": 0, "output": "unknown: Eve is not on the list of students"}
