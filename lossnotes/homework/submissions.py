"""What was handed in: who, which notebook, which cells. Names are data and decide nothing else."""

import contextlib
import csv
import difflib
import io
import json
import os
import re
import stat
import tempfile
import time
import unicodedata
import zipfile
from pathlib import Path, PurePosixPath

from lossnotes.homework import canvas, marks, moodle

LARGEST = 10_000_000  # bytes of a notebook
DEEPEST, MOST = 20, 10_000  # folders within folders, and entries, in which a notebook is looked for
NEWER = 2  # seconds: a zip tells no less
ENDING = re.compile(r"\.ipynb(\.txt|\.json)?$", re.IGNORECASE)  # a browser may add its own
COPY = re.compile(r" \(\d+\)$")  # the second file of a name
JUNK = {"__macosx", "thumbs.db", "desktop.ini"}
KEY = re.compile(r"\b(id|sid|login|number|also|identifier|user(name)?)\b|mail", re.IGNORECASE)
NAMES = ("name", "student", "full name", "student name")


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
    return printable(" ".join(unicodedata.normalize("NFC", text).split(" ")).strip())


class Roster(list):
    """The names of a class; `rows` has what else its list says of each, column by column."""

    def __init__(self, rows):
        super().__init__(rows)
        self.rows = rows
        self._squeezed, self._keys = {}, {}
        for name, row in rows.items():
            for key in {value for title, value in row.items() if KEY.search(title)}:
                self._keys[key] = None if key in self._keys else name  # of two it is nobody's
            parts = [name, *(row.get(column, "") for column in row if column.lower() in NAMES)]
            for key in {squeezed(part) for part in parts}:
                self._squeezed.setdefault(key, []).append(name)

    def whose(self, name, number=None):
        """The student of a name or number, as a course's system writes them; the name if nobody's.

        What stands in a column for numbers, addresses or other names decides; of a name that comes
        with a number no more than the case, the spaces and the commas may differ.
        """
        if known := self._keys.get(number):
            return known
        if name in self.rows:
            return name
        if known := self._keys.get(name):
            return known
        same = self._squeezed.get(squeezed(name), ())
        return same[0] if number and len(same) == 1 else name


def squeezed(name):
    """The letters and digits of a name alone, as Canvas writes them."""
    plain = unicodedata.normalize("NFKD", name.casefold())
    return "".join(letter for letter in plain if letter.isalnum())


def near(name, names):
    """Words about the name of a class that is most like another one; none if no one is."""
    keys = {squeezed(known): known for known in names}
    words = {" ".join(sorted(re.findall(r"\w+", known.casefold()))): known for known in names}
    turned = " ".join(sorted(re.findall(r"\w+", name.casefold())))
    close = difflib.get_close_matches(squeezed(name), keys, 1, 0.75)
    found = words.get(turned) or (keys[close[0]] if close else None)
    return f"; did you mean {found}?" if found else ""


def read_students(path):
    """The Roster on a list: one name a line, or a table with a column of that title.

    Tables of Moodle and Canvas are read as they are. Raises GradeError for a list that is
    unreadable or empty, and for a name that is there twice or cannot be the name of a folder.
    """
    try:
        text = Path(path).read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise GradeError(f"{path}: the list of students cannot be read: {error}") from None
    numbers, rows = {}, {}
    for number, written, row in _listed(path, text):
        if not (name := student_name(written)):
            continue
        if name in numbers:
            raise GradeError(f"{path}, line {number}: {name} is there in line {numbers[name]} too")
        if name[0] == "." or "/" in name or not written.isprintable() or len(name) > 60:
            raise GradeError(
                f"{path}, line {number}: {written!r} cannot name a folder: at most 60 printable "
                "characters, no slash, no dot at the beginning"
            )
        numbers[name], rows[name] = number, row
    if not numbers:
        raise GradeError(f"{path}: there is no student on the list")
    return Roster(rows)


def _listed(path, text):
    """The number of a line, the name in it, and all of it by columns."""
    first = text.partition("\n")[0]
    separator = max(",;\t", key=first.count)
    titles = [title.strip().lower() for title in first.split(separator)]
    titles = [title.strip('"') for title in titles]
    last = next((title for title in ("last name", "surname") if title in titles), None)
    if not {*NAMES} & {*titles} and not (last and "first name" in titles):
        if first.count(separator) > (separator == ","):  # "Lovelace, Ada" is a name
            raise GradeError(
                f"{path}, line 1: a table without a title that is known: call the column of names "
                '"name", or two columns "first name" and "last name"'
            )
        for number, line in enumerate(text.splitlines(), 1):
            yield number, line.strip(), {}
        return
    table = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    columns = next(table)
    for cells in table:
        if len(cells) > len(columns) == 1:
            cells = [separator.join(cells)]
        elif len(cells) > len(columns):
            raise GradeError(f"{path}, line {table.line_num}: more cells than there are titles")
        row = {k.strip(): v.strip() for k, v in zip(columns, cells, strict=False)}
        lower = {column.lower(): value for column, value in row.items()}
        name = next((lower[title] for title in NAMES if title in lower), None)
        if name is None:
            name = f"{lower['first name']} {lower[last]}"
        if name not in ("Points Possible", "Student, Test"):  # rows of Canvas's own
            yield table.line_num, name, row


class Submissions(dict):
    """Paths of notebooks by student, and as what each came: the name of a file or a folder."""

    def __init__(self):
        self.came_as = {}


def find(folder, roster=()):
    """What each student handed in: paths of notebooks, or why there is none (an Unreadable).

    A notebook belongs to the student after whom it, or the folder it lies in, is named; names that
    Moodle and Canvas give are understood. Links are not followed.
    Raises GradeError if the folder is not there or empty.
    """
    handed_in, found, numbers = Submissions(), [], {}
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        raise GradeError(f"{folder}: the submissions cannot be read: {error.strerror}") from None
    for entry in entries:
        if _is_junk(entry.name):
            continue
        is_folder = entry.is_dir(follow_symlinks=False)
        stem = entry.name if is_folder else _stem(entry.name)
        known = moodle.owner(stem) or canvas.owner(stem) or moodle.owner(entry.name)
        name, number = known or (stem, None)
        name = _whose(name, number, roster) or entry.name
        numbers.setdefault(name, set()).add(number)
        found.append((entry, is_folder, name, number))
    for entry, is_folder, name, number in found:
        if len(numbers[name] - {None}) > 1:  # several of one name: nobody's grade is another's
            name = _whose(f"{name}, {number}" if number else name, None, roster)
        paths = handed_in.setdefault(name, [])
        if is_folder:
            paths += _notebooks(entry.path)
        elif ENDING.search(entry.name):
            paths.append(Path(entry.path))
        if paths or name not in handed_in.came_as:
            handed_in.came_as[name] = entry.name
    if not handed_in:
        raise GradeError(f"{folder}: there is no submission in this folder")
    return handed_in


def _is_junk(name):
    """What systems and editors leave behind."""
    return name.startswith((".", "~$")) and name[:2] != ".." or name.lower() in JUNK


def _stem(name):
    return ENDING.sub("", name) if ENDING.search(name) else Path(name).stem


def _whose(name, number, roster):
    name = student_name(name)
    if isinstance(roster, Roster):
        name = roster.whose(name, number)
    return name if name in roster else COPY.sub("", name)


def _notebooks(folder):
    """The notebooks in a folder, however it is made; one Unreadable if it cannot be looked into."""
    found, waiting, seen = [], [(folder, 0)], 0
    try:
        while waiting:
            place, depth = waiting.pop()
            for entry in sorted(os.scandir(place), key=lambda entry: entry.name):
                seen += 1
                if seen > MOST:
                    reason = f"more than {MOST} files and folders"
                    return [Unreadable("unreadable", reason)]
                if _is_junk(entry.name):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    if depth < DEEPEST:
                        waiting.append((entry.path, depth + 1))
                elif ENDING.search(entry.name):
                    found.append(Path(entry.path))
    except OSError as error:
        return [Unreadable("unreadable", f"its folder cannot be read: {error.strerror}")]
    return sorted(found)


def choose(paths):
    """The one notebook among the paths, or the newest of several. Raises Unreadable."""
    for path in paths:
        if isinstance(path, Unreadable):
            raise path
    if not paths:
        raise Unreadable("not a notebook", "no file with the ending .ipynb")
    try:
        *others, newest = sorted(paths, key=_time)
        if not others or _time(newest) - _time(others[-1]) >= NEWER:
            return newest
        # A system counts what is handed in again under one name, and an archive may lose its time.
        copies = {_copy(path): path for path in paths}
        if len({name for name, _ in copies}) == 1 and len(copies) == len(paths):
            return copies[max(copies)]
    except OSError as error:
        raise Unreadable("unreadable", error.strerror or "cannot be read") from None
    names = ", ".join(student_name(path.name) for path in sorted(paths)[:5])
    raise Unreadable("ambiguous", f"{len(paths)} notebooks of the same time: {names}")


def _copy(path):
    """The name of a file without what counts its copies, and that count."""
    stem = _stem(path.name)
    count = re.search(r"(?: \((\d+)\)|-(\d+))$", stem)
    return (stem[: count.start()], int(count[1] or count[2])) if count else (stem, 0)


def _time(path):
    return path.lstat().st_mtime


def fetch(paths):
    """The bytes of the notebook that is chosen. Raises Unreadable."""
    path = choose(paths)
    try:
        about = path.lstat()
        if not stat.S_ISREG(about.st_mode):
            raise Unreadable("unreadable", "not a file of its own (a link, for example)")
        if about.st_size > LARGEST:
            size, limit = about.st_size / 1e6, LARGEST / 1e6
            raise Unreadable("too large", f"{size:.0f} MB, of which {limit:.0f} are read")
        return path.read_bytes()
    except OSError as error:
        raise Unreadable("unreadable", error.strerror or "cannot be read") from None


@contextlib.contextmanager
def opened(path):
    """A folder of submissions; a zip is unpacked for the time being. Raises GradeError."""
    if not Path(path).is_file():
        yield path
        return
    try:
        with tempfile.TemporaryDirectory(prefix="lossnotes-") as folder:
            with zipfile.ZipFile(path) as archive:
                for entry in archive.infolist():
                    _unpack(archive, entry, Path(folder))
            yield folder
    except zipfile.BadZipFile:
        raise GradeError(f"{path}: neither a folder nor a zip of submissions") from None


def _unpack(archive, entry, folder):
    """One entry, with its time, in a place of its own: a name is data and leads nowhere else."""
    parts = [part for part in PurePosixPath(entry.filename).parts if part not in ("/", "..")]
    if not parts:
        return
    place = folder.joinpath(*(part[:200] for part in parts[: DEEPEST + 1]))
    with contextlib.suppress(OSError):
        if entry.is_dir() or len(parts) > DEEPEST + 1:
            place.mkdir(parents=True, exist_ok=True)
            return
        place.parent.mkdir(parents=True, exist_ok=True)
        with open(place, "xb") as file:
            if entry.file_size > LARGEST:
                file.truncate(entry.file_size)  # too large, which is all that is to be seen
            else:
                with contextlib.suppress(Exception), archive.open(entry) as packed:
                    file.write(packed.read(LARGEST))  # a damaged file is an unreadable notebook
        moment = time.mktime((*entry.date_time, 0, 0, -1))
        os.utime(place, (moment, moment))


def read(data):
    """The code cells of a notebook given as bytes: a list of (source, tags). Raises Unreadable."""
    return read_marked(data)[0]


def read_marked(data):
    """The code cells, and what the notebook says of its build (see `marks`), or None."""
    try:
        # A number of five thousand digits, which is none of ours, is read as infinity.
        whole = json.loads(data, parse_int=float)
        cells = whole["cells"]
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
    about = whole.get("metadata")
    mark = about.get("lossnotes") if isinstance(about, dict) else None
    return list(zip(map(readable, sources), tags, strict=True)), marks.read(mark)


def readable(text):
    """The text without half characters, which no file can hold."""
    return text.encode("utf-8", "replace").decode()
