"""Submissions as Canvas hands them out, and grades as its gradebook takes them back.

"Download submissions" gives a zip of files, whose names begin with the student's, last name first
and letters only, and the numbers of the student and the submission:
    lovelaceada_12345_67890_softmax.ipynb
    lovelaceada_LATE_12345_67890_softmax.ipynb
The gradebook is a table that begins with the columns below; the one that is imported needs them,
and a column for the assignment, with EX for who is excused. (Canvas guides, "How do I import grades
in the Gradebook?".)
"""

import csv
import io
import re

NAME = re.compile(r"(?s)(?P<name>[^_]+)_(?P<late>LATE_)?(?P<id>\d+)_\d+_(?P<file>.+)")
COLUMNS = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")


def owner(entry):
    """Name and number of the student after whom Canvas has named a file, or None."""
    match = NAME.fullmatch(entry)
    return match and (match["name"], match["id"])


def is_late(entry):
    """Whether Canvas says in the name of a file that it came late; it does not say by how much."""
    match = NAME.fullmatch(entry)
    return bool(match and match["late"])


def gradebook(title, of, results, roster, cell):
    """The table for the gradebook, of a class whose list came from there; None if it did not.

    `roster` has a row of that table for each student, `cell` makes a text safe in a table.
    """
    if not all(set(COLUMNS[:2]) <= roster.rows.get(name, {}).keys() for name in roster):
        return None
    rows = [[*COLUMNS, cell(title)], ["    Points Possible", "", "", "", "", f"{of:g}"]]
    for result in results:
        if row := roster.rows.get(result.student):
            known = [cell(row.get(column, "")) for column in COLUMNS]
            ours = re.compile(re.escape(title) + r"( \(\d+\))?")
            excused = any(row[column] == "EX" for column in row if ours.fullmatch(column))
            rows.append([*known, "EX" if excused else f"{result.points:g}"])
    table = io.StringIO(newline="")
    csv.writer(table).writerows(rows)
    return table.getvalue()
