"""An autograder for Gradescope: a zip that grades with the same code and writes results.json.

    lossnotes homework gradescope softmax

There each submission has a container of its own. Where it offers no lock (see `sandbox.py`), the
notebook runs as the user nobody, who reads neither questions nor secret and writes no result.
(gradescope-autograders.readthedocs.io, "Autograder Specifications".)
"""

import io
import json
import os
import sys
import zipfile
from importlib.metadata import version
from pathlib import Path

import lossnotes
from lossnotes.homework.grade import grade_one
from lossnotes.homework.questions import load, read
from lossnotes.homework.sandbox import NoSandbox
from lossnotes.homework.submissions import Unreadable, fetch, find, read_students

NEEDED = "numpy sympy mpmath pydantic nbformat typer pyseccomp rich ipython".split()
SETUP = """#!/usr/bin/env bash
set -eu
apt-get update
apt-get install -y --no-install-recommends python3 python3-venv bubblewrap libseccomp2
python3 -m venv /autograder/venv
/autograder/venv/bin/pip install --no-input {packages}
chmod 700 /autograder/source/homework
"""
RUN = """#!/usr/bin/env bash
cd /autograder/source
exec /autograder/venv/bin/python -m lossnotes.homework.gradescope /autograder
"""


def autograder(path, secret, students=None):
    """The bytes of the zip for the assignment in a folder; `students` is the file of the class."""
    chapter = load(Path(path, "questions.toml")).chapter
    home = Path(lossnotes.__file__).parent
    packages = " ".join(f"{name}=={version(name)}" for name in NEEDED)
    files = {"setup.sh": SETUP.format(packages=packages), "run_autograder": RUN}
    files[f"homework/{chapter}/questions.toml"] = Path(path, "questions.toml").read_text("utf-8")
    files["homework/secret"] = secret.decode()
    if students:
        files["homework/class.csv"] = Path(students).read_text("utf-8-sig")
    for file in sorted(home.rglob("*.py")):
        if "losses" not in file.parts and "learning" not in file.parts:
            files[f"lossnotes/{file.relative_to(home)}"] = file.read_text("utf-8")
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, text in files.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = (
                0o755 << 16 if name in ("setup.sh", "run_autograder") else 0o644 << 16
            )
            packed.writestr(entry, text)
    return archive.getvalue()


def main(home):
    """Grade the one submission that Gradescope has put into its folder."""
    home = Path(home)
    try:
        results = _results(home)
    except Unreadable as stop:
        results = {"score": 0, "output": f"{stop.status}: {stop}"}
    (home / "results" / "results.json").write_text(json.dumps(results), "utf-8")


def _results(home):
    (path,) = (home / "source" / "homework").glob("*/questions.toml")
    secret = (home / "source" / "homework" / "secret").read_bytes().strip()
    student = _student(home)
    handed_in = find(home / "submission")
    notebooks = [path for paths in handed_in.values() for path in paths]
    data = fetch(notebooks)
    try:
        result = grade_one(path.parent, secret, student, data)
    except NoSandbox:
        trusted = "nobody" if os.geteuid() == 0 else True
        result = grade_one(path.parent, secret, student, data, trusted=trusted)
    tests = [
        {
            "name": f"{question.name}: {question.asks}",
            "score": result.findings[question.name].points,
            "max_score": question.points,
            "output": result.findings[question.name].says,
            "output_format": "md",
        }
        for question in read(path).questions
        if question.name in result.findings
    ]
    told = [result.reason, *result.errors]
    return {
        "score": result.points,
        "output": "\n".join(filter(None, told)),
        "execution_time": result.seconds,
        "tests": tests,
    }


def _student(home):
    """Who has handed in, as the class spells it: by the address or number, else by the name."""
    users = json.loads((home / "submission_metadata.json").read_text("utf-8"))["users"]
    user = users[0]
    class_ = home / "source" / "homework" / "class.csv"
    if not class_.exists():
        return user["name"]
    students = read_students(class_)
    known = (students.whose(user["name"], user.get(key)) for key in ("email", "sid"))
    if name := next((name for name in known if name in students), None):
        return name
    raise Unreadable("unknown", f"{user['name']} is not on the list of students")


if __name__ == "__main__":
    main(*sys.argv[1:])
