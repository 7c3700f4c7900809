"""Submissions as Moodle hands them out, and grades and feedback as it takes them back.

"Download all submissions" gives a zip with a folder for each student, or a file,
    Ada Lovelace_1234567_assignsubmission_file_/softmax.ipynb
    Ada Lovelace_1234567_assignsubmission_file_softmax.ipynb
The "grading worksheet" is a table with the column Identifier, "Participant 1234567". The one that
is uploaded needs it, the grade and "Last modified (grade)", by their titles in the language of the
site, and changes what else it has. "Upload multiple feedback files in a zip" takes folders of the
same names. (docs.moodle.org, "Assignment settings" and "Using Assignment"; Moodle's
mod/assign/feedback/offline.)
"""

import contextlib
import csv
import io
import re
import zipfile
from datetime import datetime

NAME = re.compile(r"(?s)(?P<name>.+?)_(?P<id>\d+)_assignsubmission_[a-z]+(_(?P<file>.*))?")
COLUMNS = ("Identifier", "Full name", "Grade", "Maximum Grade", "Last modified (grade)")
SUBMITTED = "Last modified (submission)"  # of the worksheet that is downloaded
MOMENTS = ("%A, %d %B %Y, %I:%M %p", "%A, %d %B %Y, %H:%M")


def owner(entry):
    """Name and identifier of the student after whom Moodle has named a file, or None."""
    match = NAME.fullmatch(entry)
    return match and (match["name"], f"Participant {match['id']}")


def folder(entry):
    """The folder in which a student finds their feedback."""
    match = NAME.fullmatch(entry)
    return entry[: len(entry) - len(match["file"] or "")] if match else entry


def moment(row, identifier):
    """When a student handed in, by their row of the worksheet that is downloaded; else None.

    In the worksheet of another assignment a student has another identifier.
    """
    for form in MOMENTS if row.get("Identifier") == identifier else ():
        with contextlib.suppress(ValueError):
            return datetime.strptime(row.get(SUBMITTED, ""), form).timestamp()
    return None


def worksheet(results, came_as, roster, cell):
    """The grading worksheet for those whom Moodle has given a number; None if there are none.

    `came_as` says how a student's folder or file was called, `roster` may be the worksheet that
    was downloaded, `cell` makes a text safe in a table.
    """
    rows, listed = [], getattr(roster, "rows", {})
    if any(
        (known := owner(entry)) and listed.get(name, {}).get("Identifier") not in (None, known[1])
        for name, entry in came_as.items()
    ):
        listed = {}  # the worksheet of another assignment
    now = datetime.now().astimezone().isoformat(timespec="seconds")
    for result in results:
        known = owner(came_as.get(result.student, ""))
        if number := known and known[1] or listed.get(result.student, {}).get("Identifier"):
            grade = [f"{result.points:g}", f"{result.of:g}"]
            rows.append([number, cell(result.student), *grade, now])
    if not rows:
        return None
    table = io.StringIO(newline="")
    csv.writer(table).writerows([COLUMNS, *rows])
    return table.getvalue()


def feedback(pages):
    """The bytes of a zip with a page for each student; `pages` are pairs of an entry and a page."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for entry, page in pages:
            file.writestr(zipfile.ZipInfo(f"{folder(entry)}/feedback.html"), page)
    return archive.getvalue()
