"""What a student's notebook uses: `hw.check("q2")` says what is right and what is not."""

import sys
from html import escape

from sympy import Basic

from lossnotes.derive.expressions import text
from lossnotes.homework.asked import load_public
from lossnotes.homework.check import check
from lossnotes.homework.finding import AnswerError, Finding, hinted

THERE = ("lossnotes", "lossnotes.homework", "lossnotes.homework.notebook", "lossnotes.derive")


class Homework:
    """The questions of a homework, from the file beside the notebook.

    Of the library only `lossnotes.derive` is there when homework is graded. So nothing else can be
    imported in the notebook, either.
    """

    def __init__(self, path="questions.json"):
        self._public = load_public(path)
        self._tried = {}  # wrong answers, of which each unlocks one hint more
        if not any(isinstance(finder, NotThere) for finder in sys.meta_path):
            sys.meta_path.insert(0, NotThere())
        refuse_library(sys._getframe(1).f_globals)

    def check(self, name=None):
        """The finding on one question, by its name, or on all of them.

        The answers are the variables of the notebook that the questions name. The points that are
        given for more inputs, when the homework is graded, are not among those shown.
        Then checks are not run, so no cell may depend on what they return.
        """
        answers = sys._getframe(1).f_globals
        refuse_library(answers)
        questions = {question.name: question for question in self._public.questions}
        if name is None:
            return Findings([self._check(question, answers) for question in questions.values()])
        if name not in questions:
            raise ValueError(f"name must be one of {', '.join(questions)}, not {name!r}")
        return self._check(questions[name], answers)

    def _check(self, question, answers):
        answer = answers.get(question.answer)
        if question.kind == "derivation" and isinstance(answer, (list, tuple)):
            answer = [
                text(line) if isinstance(line, Basic) else line for line in answer
            ]  # as the grader gets it
        if question.kind == "function" and callable(answer):
            answer = guarded(answer)
        finding = check(question, answer, self._public.parameters)
        tried = self._tried.setdefault(question.name, set())
        if finding.status in ("wrong", "partly"):
            tried.add(_as_written(answers.get(question.answer)))
        return hinted(finding, question.hints, len(tried))

    def __repr__(self):
        names = ", ".join(question.name for question in self._public.questions)
        return f"{self._public.title}: {names}"


def _as_written(answer):
    code = getattr(answer, "__code__", None)
    return repr((code.co_code, code.co_consts) if code else answer)


class NotThere:
    """The first finder: a notebook imports no part of the library that the grader has not."""

    def find_spec(self, name, path=None, target=None):
        if name.startswith("lossnotes.") and not is_there(name) and _by_the_notebook():
            raise not_there(name)


def is_there(name):
    return name in THERE or name.startswith("lossnotes.derive.")


def not_there(name):
    reason = f"{name}: write it yourself, the library is not there when homework is graded"
    return ModuleNotFoundError(reason, name=name)


def _by_the_notebook():
    """Whether it is a cell that imports, and not the library or its tests."""
    frame = sys._getframe(2)
    while frame and frame.f_globals.get("__name__", "").startswith("importlib"):
        frame = frame.f_back
    return frame is not None and frame.f_globals.get("__name__") == "__main__"


def refuse_library(names):
    """ModuleNotFoundError if something of the library is among a notebook's variables."""
    if names.get("__name__") != "__main__":
        return
    for thing in list(names.values()):
        if isinstance(thing, Finding):  # Jupyter keeps in _ what a cell has shown
            continue
        home = getattr(thing, "__module__", None)
        for name in (home, getattr(thing, "__name__", None)):
            if isinstance(name, str) and name.startswith("lossnotes.") and not is_there(name):
                raise not_there(name)


class Findings(list):
    """Findings on several questions, shown as a table."""

    def __init__(self, findings: list[Finding]):
        super().__init__(findings)

    def __repr__(self):
        return "\n\n".join(map(str, self))

    def _repr_html_(self):
        rows = "\n".join(
            f"<tr><td>{escape(one.question)}</td><td>{one.status}</td>"
            f"<td>{one.points:g} of {one.of:g}</td><td>{escape(one.mistake or '')}</td></tr>"
            for one in self
        )
        head = "<tr><th>question</th><th>status</th><th>points</th><th>looks like</th></tr>"
        return f"<table><thead>{head}</thead><tbody>\n{rows}\n</tbody></table>"


def guarded(function):
    """The function, whose errors are findings and no tracebacks."""

    def call(*arguments):
        try:
            return function(*arguments)
        except Exception as error:
            raise AnswerError(f"it raises {type(error).__name__}: {error}") from error

    return call
