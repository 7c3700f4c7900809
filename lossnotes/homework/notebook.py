"""What a student's notebook uses: `hw.check("q2")` says what is right and what is not."""

import sys
from html import escape

from lossnotes.homework.asked import load_public
from lossnotes.homework.check import check
from lossnotes.homework.expressions import text
from lossnotes.homework.finding import AnswerError, Finding


class Homework:
    """The questions of a homework, from the file beside the notebook. It holds no solution."""

    def __init__(self, path="questions.json"):
        self.public = load_public(path)

    def check(self, name=None):
        """The finding on one question, by its name, or on all of them.

        The answers are the variables of the notebook that the questions name. The points that are
        given for more inputs, when the homework is graded, are not among those shown.
        """
        answers = sys._getframe(1).f_globals
        questions = {question.name: question for question in self.public.questions}
        if name is None:
            return Findings([self._check(question, answers) for question in questions.values()])
        if name not in questions:
            raise ValueError(f"name must be one of {', '.join(questions)}, not {name!r}")
        return self._check(questions[name], answers)

    def _check(self, question, answers):
        answer = answers.get(question.answer)
        if question.kind == "derivation" and isinstance(answer, (list, tuple)):
            answer = [text(line) for line in answer]  # as the grader gets it
        if question.kind == "function" and callable(answer):
            answer = guarded(answer)
        return check(question, answer, self.public.parameters)

    def __repr__(self):
        names = ", ".join(question.name for question in self.public.questions)
        return f"{self.public.title}: {names}"


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
