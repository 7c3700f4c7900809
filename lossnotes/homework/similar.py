"""What answers of several students have in common that is not common: for a person to look at.

Nothing is run. Code is compared as Python reads it, with other names for its variables, and lines
of derivations without spaces; the numbers of a student stand for their parameters.
"""

import ast
import csv
import io
import re
from collections import defaultdict

from lossnotes.homework import marks
from lossnotes.homework.submissions import Unreadable, fetch, read_marked

COLUMNS = ("question", "what", "students", "text")
LONG = 40  # characters of a line, or of code, that two may write by chance if it is shorter
RARE = 0.1  # the share of a class: what more of them wrote is what is usual


def similar(assignment, handed_in, secret, found=None):
    """Rows of COLUMNS. `found` are the findings on each student, by name, where they are known."""
    groups, rows = defaultdict(set), []
    tags = {marks.mark(secret, assignment.chapter, name).student: name for name in [*handed_in, ""]}
    everybody = {name: assignment.parameters(secret, name) for name in handed_in}
    for name, paths in handed_in.items():
        try:
            cells, mark = read_marked(fetch(paths))
        except Unreadable:
            continue
        other = tags.get(mark.student) if mark else None
        if other and other != name:
            rows.append(("", "the notebook of another", f"{name}; {other}", ""))
        trees = list(filter(None, map(_read, (source for source, _ in cells))))
        rows += _old_numbers(name, trees, everybody)
        for key in _answers(assignment, trees, everybody[name]):
            groups[key].add(name)
    for (question, what, text), names in groups.items():
        if not 2 <= len(names) <= max(3, RARE * len(handed_in)):
            continue
        wrong = found and any(_is_wrong(found.get(name, {}).get(question)) for name in names)
        if what == "the same line":
            if not wrong:
                continue
            what = "the same line in a wrong answer"
        rows.append((question, what, "; ".join(sorted(names)), text[:300]))
    return sorted(rows)


def table(rows, cell):
    """The rows as a table."""
    written = io.StringIO(newline="")
    csv.writer(written).writerows([COLUMNS, *(map(cell, row) for row in rows)])
    return written.getvalue()


def _read(source):
    try:
        return ast.parse(re.sub(r"(?m)^\s*[%!].*$", "", source))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _answers(assignment, trees, parameters):
    """What a student has answered, in a form in which copies are the same."""
    questions = {question.answer: question for question in assignment.questions}
    for node in (node for tree in trees for node in tree.body):
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            question = questions.get(getattr(node.targets[0], "id", None))
            if question and question.kind == "derivation":
                lines = [_line(text, parameters) for text in _texts(node.value)]
                if len(lines) > 1 and sum(map(len, lines)) >= LONG:
                    yield question.name, "the same derivation", "\n".join(lines)
                for line in lines:
                    if len(line) >= LONG / 2:
                        yield question.name, "the same line", line
            elif question and question.kind == "written":
                text = " ".join(" ".join(_texts(node.value)).split())
                if len(text) >= LONG:
                    yield question.name, "the same text", text
        elif isinstance(node, ast.FunctionDef) and node.name in questions:
            code = _code(node, parameters)
            if len(code) >= LONG:
                yield questions[node.name].name, "the same code", code


def _texts(node):
    found = (part.value for part in ast.walk(node) if isinstance(part, ast.Constant))
    return [text for text in found if isinstance(text, str) and text.strip()]


def _line(text, parameters):
    """A line without spaces, its leading equals sign, and with names for the student's numbers."""
    for name, number in parameters.items():
        text = re.sub(rf"(?<![\w.]){re.escape(str(number))}(?![\w.])", name, text)
    return re.sub(r"\s+", "", text).lstrip("=")


class _Renamed(ast.NodeTransformer):
    """Variables by the order in which they occur, numbers of the student by their names."""

    def __init__(self, parameters):
        self.names, self.numbers = {}, {number: name for name, number in parameters.items()}

    def _name(self, name):
        return self.names.setdefault(name, f"v{len(self.names)}")

    def visit_Name(self, node):
        return ast.Name(self._name(node.id), node.ctx)

    def visit_arg(self, node):
        return ast.arg(self._name(node.arg))

    def visit_Constant(self, node):
        if type(node.value) in (int, float) and node.value in self.numbers:
            return ast.Name(self._name(self.numbers[node.value]), ast.Load())
        return node


def _code(function, parameters):
    body = function.body
    if ast.get_docstring(function) is not None:
        body = body[1:]
    bare = ast.Module([ast.FunctionDef("f", function.args, body or [ast.Pass()], [], lineno=0)], [])
    try:
        return ast.unparse(ast.fix_missing_locations(_Renamed(parameters).visit(bare)))
    except RecursionError:
        return ""


def _old_numbers(name, trees, everybody):
    """Where all the numbers of another student stand in a notebook, and not all of its own."""
    numbers = {
        part.value
        for tree in trees
        for part in ast.walk(tree)
        if isinstance(part, ast.Constant) and type(part.value) in (int, float)
    }
    own = set(everybody[name].values())
    if own <= numbers:
        return
    for other, theirs in everybody.items():
        theirs = set(theirs.values())
        if other != name and theirs != own and theirs <= numbers and len(theirs) > 1:
            yield "", "the numbers of another", f"{name}; {other}", str(everybody[other])


def _is_wrong(finding):
    return finding is not None and finding.points < finding.of and finding.status != "to read"
