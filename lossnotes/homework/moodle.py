"""Submissions as Moodle hands them out, and grades and feedback as it takes them back.

"Download all submissions" gives a zip with a folder for each student, or a file,
    Ada Lovelace_1234567_assignsubmission_file_/softmax.ipynb
    Ada Lovelace_1234567_assignsubmission_file_softmax.ipynb
The "grading worksheet" is a table with the column Identifier, "Participant 1234567"; the one that
is uploaded needs that column, and changes those that it has. "Upload multiple feedback files in a
zip" takes folders of the same names. (docs.moodle.org, "Assignment settings" and "Using
Assignment".)
"""

import csv
import io
import re
import zipfile

NAME = re.compile(r"(?s)(?P<name>.+?)_(?P<id>\d+)_assignsubmission_[a-z]+(_(?P<file>.*))?")
COLUMNS = ("Identifier", "Full name", "Grade", "Maximum Grade", "Feedback comments")


def owner(entry):
    """Name and number of the student after whom Moodle has named a folder or a file, or None."""
    match = NAME.fullmatch(entry)
    return match and (match["name"], match["id"])


def folder(entry):
    """The folder in which a student finds their feedback."""
    match = NAME.fullmatch(entry)
    return entry[: len(entry) - len(match["file"] or "")] if match else entry


def worksheet(results, came_as, cell):
    """The grading worksheet for those whose submissions came from Moodle; None if there are none.

    `came_as` says how a student's folder or file was called, `cell` makes a text safe in a table.
    """
    rows = []
    for result in results:
        if known := owner(came_as.get(result.student, "")):
            grade = [f"{result.points:g}", f"{result.of:g}"]
            rows.append([f"Participant {known[1]}", cell(result.student), *grade, ""])
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
