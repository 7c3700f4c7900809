"""What was handed in: who, which notebook, which cells. Names are data and decide nothing else."""

import json
import os
import stat
import unicodedata
from pathlib import Path

LARGEST = 10_000_000  # bytes of a notebook


class GradeError(Exception):
    """Why a folder cannot be graded."""


class Unreadable(Exception):
    """Why a submission cannot be run."""

    def __init__(self, status, reason):
        super().__init__(reason)
        self.status, self.reason = status, reason


def printable(text, keep=""):
    """The text with question marks for what is not seen, but may command who shows it.

    A terminal obeys escapes, a page turns around at a mark of direction, a file ends a line.
    """
    unseen = ("Cc", "Cf", "Cs", "Zl", "Zp")
    return "".join("?" if unicodedata.category(c) in unseen and c not in keep else c for c in text)


def student_name(text):
    """The name of a student as a file, a list and a secret spell it alike."""
    text = text.encode("utf-8", "backslashreplace").decode()
    return printable(unicodedata.normalize("NFC", text).strip())


def read_students(path):
    """The names on a list, one a line.

    Raises GradeError for a list that is unreadable or empty, and for a name that is there twice
    or cannot be the name of a folder.
    """
    try:
        lines = Path(path).read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise GradeError(f"{path}: the list of students cannot be read: {error}") from None
    numbers = {}
    for number, line in enumerate(lines, 1):
        if not (name := student_name(line)):
            continue
        if name in numbers:
            raise GradeError(f"{path}, line {number}: {name} is there in line {numbers[name]} too")
        line = line.strip()
        if name[0] == "." or "/" in name or not line.isprintable() or len(name) > 60:
            raise GradeError(
                f"{path}, line {number}: {line!r} cannot name a folder: at most 60 printable "
                "characters, no slash, no dot at the beginning"
            )
        numbers[name] = number
    if not numbers:
        raise GradeError(f"{path}: there is no student on the list")
    return list(numbers)


def find(folder):
    """What each student handed in: paths of notebooks, or of what is there instead of them.

    A notebook belongs to the student after whom it, or the folder it lies in, is named. Links are
    not followed. Raises GradeError if the folder is not there or empty.
    """
    handed_in = {}
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        raise GradeError(f"{folder}: the submissions cannot be read: {error.strerror}") from None
    for entry in entries:
        path = Path(entry.path)
        if entry.is_dir(follow_symlinks=False):
            if not entry.name.startswith("."):
                handed_in.setdefault(student_name(entry.name), []).extend(_notebooks(path))
        elif path.suffix == ".ipynb" and not entry.name.startswith("._"):
            handed_in.setdefault(student_name(path.stem) or path.name, []).append(path)
        elif not entry.name.startswith("."):
            handed_in.setdefault(student_name(path.stem) or path.name, [])
    if not handed_in:
        raise GradeError(f"{folder}: there is no submission in this folder")
    return handed_in


def _notebooks(folder):
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (
            Path(place, name)
            for name in sorted(files)
            if name.endswith(".ipynb") and not name.startswith("._")
        )


def fetch(paths):
    """The bytes of the one notebook among the paths. Raises Unreadable."""
    if not paths:
        raise Unreadable("not a notebook", "no file with the ending .ipynb")
    if len(paths) > 1:
        names = ", ".join(student_name(path.name) for path in paths[:5])
        raise Unreadable("ambiguous", f"{len(paths)} notebooks: {names}")
    try:
        about = paths[0].lstat()
        if not stat.S_ISREG(about.st_mode):
            raise Unreadable("unreadable", "not a file of its own (a link, for example)")
        if about.st_size > LARGEST:
            size, limit = about.st_size / 1e6, LARGEST / 1e6
            raise Unreadable("too large", f"{size:.0f} MB, of which {limit:.0f} are read")
        return paths[0].read_bytes()
    except OSError as error:
        raise Unreadable("unreadable", error.strerror or "cannot be read") from None


def read(data):
    """The code cells of a notebook given as bytes: a list of (source, tags). Raises Unreadable."""
    try:
        cells = json.loads(data)["cells"]
        code = [cell for cell in cells if cell["cell_type"] == "code"]
        sources = [cell["source"] for cell in code]
        sources = ["".join(each) if isinstance(each, list) else each for each in sources]
        tags = [cell.get("metadata", {}).get("tags") for cell in code]
        if not all(isinstance(each, str) for each in sources):
            raise TypeError
    except (ValueError, RecursionError):
        raise Unreadable("unreadable", "the file is not JSON, so it is no notebook") from None
    except (TypeError, KeyError, AttributeError):
        raise Unreadable("unreadable", "the file is JSON, but no notebook (format 4)") from None
    if not any(source.strip() for source in sources):
        raise Unreadable("empty", "the notebook has no code")
    tags = [each if isinstance(each, list) else [] for each in tags]
    return list(zip(map(readable, sources), tags, strict=True))


def readable(text):
    """The text without half characters, which no file can hold."""
    return text.encode("utf-8", "replace").decode()
