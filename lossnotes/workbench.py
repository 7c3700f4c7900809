"""What a page of the book asks of the Python in it: cells, claims, portraits, answers.

Needs sympy and mpmath only. What comes back is HTML, with formulas between \\( and \\).
"""

import ast
import errno
import json
import re
from contextlib import redirect_stdout
from copy import copy
from functools import lru_cache
from html import escape
from io import StringIO

from sympy import Basic, IndexedBase

from lossnotes.derive import Derivation, StepError
from lossnotes.derive.derivation import SIGNS
from lossnotes.derive.display import latex
from lossnotes.derive.expressions import ExpressionError, parse
from lossnotes.portrait import ROWS, Portrait, read

RELATIONS = ("<=", ">=", "==", "≤", "≥", "=", "<", ">")
PLAIN = {"==": "=", "≤": "<=", "≥": ">="}
MISWRITTEN = {"=>": ">=", "=<": "<="}
BRACKETS = {"(": 1, "[": 1, ")": -1, "]": -1}
# What no browser has, by what Python says of it: threads, and the text of compiled code.
NOT_IN_PAGE = {
    "can't start new thread": "ThreadPoolExecutor",
    "could not get source code": "getsource",
}
NO_KEYBOARD = (
    "<p>A cell cannot ask for input in the page. "
    "Write the answer into the code, in place of <code>input()</code>.</p>"
)
LONGEST = 100_000  # characters that a cell may print, or show of a value
SHOWN = (("html", "_repr_html_"), ("latex", "_repr_latex_"))


# Cells


class Printed(StringIO):
    """What a cell prints, until it is too much for a page."""

    def write(self, text):
        room = LONGEST - self.tell()
        super().write(text[:room])
        if len(text) > room:
            raise TooMuch(f"a cell prints at most {LONGEST} characters, and was stopped")
        return len(text)


class TooMuch(Exception):
    """More than a page can show."""


class Page:
    """The cells of a chapter, run in the same names, one after the other.

    What is not in the page, such as NumPy, cannot be imported. Then the names that it would have
    brought are `missing`, and so is what is made of them: statements that read such a name are left
    out. A derivation that a cell has shown can be gone on with.
    """

    def __init__(self):
        self.begin()

    def begin(self):
        """Forget all that cells have made."""
        self.names = {"__name__": "__main__"}
        self.missing = set()
        self.derivations = {}
        self.shown = None

    def answer(self, question, *arguments):
        """The answer to a question of the page, as JSON: `question` is one of the methods below."""
        return json.dumps(getattr(self, question)(*arguments))

    def run(self, cell, source):
        """Run a cell. What it shows: pairs of a kind and a text, in which formulas are LaTeX.

        The kinds are "text", "html", "latex" and "error". `lacks` are the missing names because of
        which statements were left out, `goes_on` says that a derivation was shown.
        """
        printed, outputs, lacks, self.shown = Printed(), [], set(), None
        try:
            with redirect_stdout(printed):
                for statement in ast.parse(source).body:
                    lacks |= self._do(statement)
                if self.shown is not None:
                    outputs.append(_displayed(self.shown))
        except (Exception, SystemExit, KeyboardInterrupt) as error:
            outputs.append(("error", _told(error)))
        if printed.getvalue():
            outputs.insert(0, ("text", printed.getvalue()))
        goes_on = isinstance(self.shown, Derivation)
        if goes_on:
            self.derivations[cell] = self.shown
        return {"outputs": outputs, "lacks": sorted(lacks), "goes_on": goes_on}

    def go_on(self, cell, line):
        """HTML of the derivation of a cell with one more line, or of why it does not follow."""
        derivation = self.derivations[cell]
        if not split(line)[0][0]:
            line = f"= {line}"
        try:
            (_, *links) = chain(f"0\n{line}", self._symbols())
        except ExpressionError as error:
            return {"html": _unread(str(error).removeprefix("line 2: ")), "follows": False}
        derivation, failure = _continued(derivation, links)
        self.derivations[cell] = derivation
        return {"html": failure or derivation._repr_html_(), "follows": not failure}

    def _do(self, statement):
        """Do a statement; the missing names because of which it is left out."""
        self.shown = None
        reads, makes = _names(statement)
        lacks = reads & self.missing
        try:
            if not lacks:
                self._execute(statement)
                self.missing -= makes
                return set()
        except ImportError as error:  # told when one of its names is read
            if not isinstance(error, ModuleNotFoundError) and error.name != "lossnotes":
                raise
        except NameError as error:
            if error.name not in self.missing:
                raise
            lacks = {error.name}
        except (OSError, RuntimeError) as error:
            if str(error) not in NOT_IN_PAGE:
                raise
            lacks = {NOT_IN_PAGE[str(error)]}
        self.missing |= makes
        return lacks

    def _execute(self, statement):
        if isinstance(statement, ast.Expr):
            self.shown = eval(compile(ast.Expression(statement.value), "cell", "eval"), self.names)
        else:
            exec(compile(ast.Module([statement], []), "cell", "exec"), self.names)

    def _symbols(self):
        """The formulas that cells have given names to."""
        formulas = (Basic, IndexedBase)
        return {name: value for name, value in self.names.items() if isinstance(value, formulas)}

    @staticmethod
    def understood(text):
        """HTML of what was typed, as it was read."""
        return understood(text)

    @staticmethod
    def judged(text):
        """HTML of what was typed, with its verdicts."""
        return judged(text)

    @staticmethod
    def portrayed(text, number):
        """HTML of one row of the portrait of the loss that was typed."""
        return portrayed(text, number)

    @staticmethod
    def checked(question, typed, parameters="{}", tried=0):
        """What is found of the answer to a question, as `lossnotes.homework.page` tells it."""
        from lossnotes.homework import page  # which the cells of a chapter do not need

        return page.checked(json.loads(question), typed, json.loads(parameters), tried)

    @staticmethod
    def opened(notebook, questions):
        """What a page shows of a homework."""
        from lossnotes.homework import page

        return page.opened(notebook, questions)

    @staticmethod
    def filled(notebook, questions, answers):
        """The notebook of a homework with the answers that were typed."""
        from lossnotes.homework import page

        return page.filled(notebook, questions, json.loads(answers))


def _names(statement):
    """The names that a statement reads from outside, and those that it makes."""
    loads, stores, own = set(), set(), set()
    for part in ast.walk(statement):
        if isinstance(part, ast.Name):
            (loads if isinstance(part.ctx, ast.Load) else stores).add(part.id)
        elif isinstance(part, ast.alias):
            stores.add(part.asname or part.name.partition(".")[0])
        elif isinstance(part, (ast.FunctionDef, ast.ClassDef)):
            stores.add(part.name)
        elif isinstance(part, ast.arg):
            own.add(part.arg)
        if isinstance(part, (ast.comprehension, ast.For)):
            own |= {name.id for name in ast.walk(part.target) if isinstance(name, ast.Name)}
    return loads - own, stores


def _displayed(value):
    for kind, method in SHOWN:
        if hasattr(value, method):
            return kind, getattr(value, method)()
    text = repr(value)
    left = len(text) - LONGEST
    return "text", text if left <= 0 else f"{text[:LONGEST]} … and {left} characters more"


def _told(error):
    """An error as a reader needs it: no trace of what surrounds the cell."""
    if isinstance(error, StepError):
        return _refuted(error)
    name, message = type(error).__name__, str(error)
    if isinstance(error, SyntaxError):
        name, message = f"{name} in line {error.lineno}", error.msg
    if isinstance(error, OSError) and error.errno == errno.EIO:  # whoever reads a keyboard
        return NO_KEYBOARD
    return f"<p>{escape(f'{name}: {message}')}</p>"


def _refuted(error):
    """A step that does not follow, and a point at which it fails, as mathematics."""
    witness = error.verdict.witness
    left, relation, right = witness.claim
    claim = rf"\(\displaystyle {latex(left)} {SIGNS[relation]} {latex(right)}\)"
    point = ", ".join(
        rf"\({latex(symbol)} = {_in_latex(number)}\)"
        for symbol, number in witness.point.shown().items()
    )
    sides = " and ".join(
        f"the {side} side "
        + (f"is \\({_in_latex(number)}\\)" if number != "nan" else "has no value")
        for side, number in zip(("left", "right"), witness.shown(), strict=True)
    )
    at = f"at {point} " if point else ""
    return f'<p><strong class="refuted">refuted</strong>: {claim} fails, since {at}{sides}.</p>'


def _in_latex(number):
    """1.5e-7 as a product, and the braces of a set."""
    powers = re.sub(r"e([+-]?\d+)", lambda found: rf" \cdot 10^{{{int(found[1])}}}", number)
    return powers if "{" not in number else rf"\{{{number[1:-1]}\}}"


# Lines, as they are typed


def split(line):
    """The parts of a line: pairs of a relation, "" before the first, and a formula.

        split("log_loss(s, y) <= log(K) + 1") == [("", "log_loss(s, y)"), ("<=", "log(K) + 1")]

    A relation inside brackets is a part of its formula.
    """
    parts, relation, start, depth, here = [], "", 0, 0, 0
    while here < len(line):
        depth += BRACKETS.get(line[here], 0)
        found = next((sign for sign in RELATIONS if line.startswith(sign, here)), "")
        if found and not depth:
            parts.append((relation, line[start:here].strip()))
            relation, start = PLAIN.get(found, found), here + len(found)
        here += len(found) or 1
    parts.append((relation, line[start:].strip()))
    return parts[1:] if parts[0] == ("", "") and len(parts) > 1 else parts


def chain(text, names=None):
    """What was typed, as triples of a relation, an expression and the remark after a `#`.

    The first has no relation, all others have one: each line goes on from the one before. `names`
    adds to the book's symbols. Raises ExpressionError, which says in which line.
    """
    links = []
    for number, line in enumerate(text.splitlines(), 1):
        formulas, _, remark = line.partition("#")
        if not formulas.strip():
            continue
        for wrong, right in MISWRITTEN.items():
            if wrong in formulas:
                raise ExpressionError(f"line {number}: {wrong} is written {right}")
        for relation, formula in split(formulas):
            if bool(relation) != bool(links):
                raise ExpressionError(f"line {number}: {WANTING[bool(links)]}")
            try:
                expression = parse(formula, names, vector=True)
            except ExpressionError as error:
                raise ExpressionError(f"line {number}: {error}") from None
            links.append((relation, expression, remark.strip()))
    if not links:
        raise ExpressionError("there is no formula yet")
    return links


WANTING = {
    False: "the first formula has nothing before it to which it could be compared",
    True: "begin with =, <=, >=, < or >, which say how the line goes on from the one before",
}


def understood(text, names=None):
    """HTML of what was typed, as it was read."""
    try:
        (_, start, _), *links = chain(text, names)
    except ExpressionError as error:
        return _unread(error)
    rows = [f"& {SIGNS[relation]} {latex(expression)}" for relation, expression, _ in links]
    body = " \\\\\n".join(rows)
    return rf"<p>\[\begin{{aligned}} {latex(start)} {body} \end{{aligned}}\]</p>"


def judged(text, names=None):
    """HTML of a claim or a derivation: verdicts, up to the first line that does not follow."""
    try:
        (_, start, _), *links = chain(text, names)
    except ExpressionError as error:
        return _unread(error)
    if not links:
        return (
            "<p>One formula claims nothing: write = and another one, or &lt;= and a bound. "
            "If it is a loss, ask for its portrait.</p>"
        )
    derivation, failure = _continued(Derivation(start), links)
    return (derivation._repr_html_() if derivation.steps else "") + failure


def _continued(derivation, links):
    """The derivation, with the lines that follow; and HTML of why the next does not."""
    derivation = copy(derivation)
    derivation.steps = list(derivation.steps)
    for relation, expression, remark in links:
        try:
            derivation.step(expression, remark, relation)
        except StepError as error:
            return derivation, _refuted(error)
        except ValueError as error:
            return derivation, f"<p>{escape(str(error))}</p>"
    return derivation, ""


# Portraits


def portrayed(text, number):
    """HTML of a portrait with one row, and how many rows there are; none where no loss was typed.

    A row may take seconds in a page, so that it is asked for alone. What stands after a `#` are
    the domains of parameters, as in "(1 - softmax(s)[y]**a)/a  # 0 < a < 1".
    """
    try:
        loss = _loss(text)
    except ValueError as error:
        return {"html": _unread(error), "rows": 0}
    return {"html": Portrait(loss, (ROWS[number](loss),))._repr_html_(), "rows": len(ROWS)}


@lru_cache(1)
def _loss(text):
    lines = [line.partition("#") for line in text.splitlines()]
    formula = " ".join(formula for formula, _, _ in lines).strip()
    if any(relation for relation, _ in split(formula)):
        raise ExpressionError("a loss is one formula, and this is a claim")
    return read(formula, where=",".join(domains for _, _, domains in lines))


def _unread(error):
    return f"<p>Not understood: {escape(str(error))}.</p>"
