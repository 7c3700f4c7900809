"""The question file of an assignment: what is asked, by definition and never by its answer.

assignment = load("homework/softmax/questions.toml")
parameters = assignment.parameters(secret, "Ada Lovelace")
Path("questions.json").write_text(assignment.public(parameters))
"""

import hmac
import json
import keyword
import math
import tomllib
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal
from unicodedata import normalize

from mpmath import mp
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from lossnotes.derive import compare
from lossnotes.derive.expressions import ExpressionError, mentions
from lossnotes.homework import asked, fingerprints
from lossnotes.homework.asked import (
    RELATIONS,
    QuestionError,
    load_public,
    root_between,
    split,
)
from lossnotes.homework.check import check
from lossnotes.homework.functions import ALIKE, Trial
from lossnotes.homework.probes import ProbeError

__all__ = ["Assignment", "QuestionError", "load", "load_public", "root_between", "split"]

COLUMNS = ("student", "status", "points", "of", "to read", "reason")  # beside the questions


class Model(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class Parameter(Model):
    """How a number is drawn for each student: uniform, rounded to digits; or an integer."""

    uniform: tuple[float, float] | None = Field(
        None, description="A number between these two.", examples=["uniform = [1.5, 4.0]"]
    )
    digits: int = Field(
        2, description="To how many decimals it is rounded.", examples=["digits = 1"], ge=0, le=6
    )
    integer: tuple[int, int] | None = Field(
        None, description="A whole number between these two.", examples=["integer = [3, 9]"]
    )

    @model_validator(mode="after")
    def _one_range(self):
        if (self.uniform is None) == (self.integer is None):
            raise ValueError("a parameter is either uniform = [a, b] or integer = [a, b]")
        low, high = self.uniform or self.integer
        if not low <= high:
            raise ValueError(f"the range [{low}, {high}] is empty")
        if self.uniform and round(low, self.digits) * round(high, self.digits) <= 0:
            raise ValueError(f"the range [{low}, {high}] holds 0, to {self.digits} digits")
        return self

    def draw(self, share):
        """The number at a share of the range, between 0 and 1."""
        if self.integer:
            low, high = self.integer
            return low + int(share * (high - low + 1))
        low, high = self.uniform
        return round(low + share * (high - low), self.digits)


class Mistake(Model):
    """A known wrong answer, by the line, definition or equation that it fulfils."""

    hint: str = Field(
        description="What the student is told.", examples=['hint = "Where did the temperature go?"']
    )
    line: str | None = Field(
        None,
        description="In a derivation: the wrong line, in any form.",
        examples=['line = "softmax(s)[j]"'],
    )
    definition: str | None = Field(
        None,
        description="Of a function: what it computes.",
        examples=['definition = "softmax(s)[j]"'],
    )
    equation: tuple[str, str] | None = Field(
        None, description="Of a number: what it solves.", examples=['equation = ["exp(x)", "2"]']
    )


class Common(Model, asked.Formulas):
    """What every question says."""

    name: str = Field(
        description="What `hw.check` and the tables call it.", examples=['name = "q1"']
    )
    points: float = Field(description="For all of it.", examples=["points = 4"], gt=0)
    asks: str = Field(
        description="One line for tables and feedback.",
        examples=['asks = "The gradient of the log loss"'],
    )
    answer: str = Field(
        description="The variable of the notebook that holds the answer.",
        examples=['answer = "gradient"'],
    )
    names: dict[str, str] = Field(
        {}, description="Short names for formulas.", examples=['names = { m = "(p + q)/2" }']
    )
    symbols: dict[str, str] = Field(
        {},
        description="Names beside those of the book, with their domains.",
        examples=['symbols = { t = "positives" }'],
    )
    mistakes: list[Mistake] = Field(
        [],
        description="Known wrong answers; students get only fingerprints of them.",
        examples=["[[questions.mistakes]]"],
    )
    hints: list[str] = Field(
        [],
        description="Told one by one: one more for each other wrong answer.",
        examples=['hints = ["Which rule?", "The chain rule."]'],
    )

    @model_validator(mode="after")
    def _is_well_formed(self):
        if not self.name.isidentifier() or self.name in COLUMNS:
            raise ValueError(f"name: {self.name!r} is no name of a column, or of another one")
        if not self.answer.isidentifier() or keyword.iskeyword(self.answer):
            raise ValueError(f"answer: {self.answer!r} is no name of a variable")
        field = {"derivation": "line", "function": "definition", "number": "equation"}
        wanted = field.get(self.kind)
        for mistake in self.mistakes:
            given = [name for name in field.values() if getattr(mistake, name) is not None]
            if given != [wanted]:
                raise ValueError(f"mistakes: a mistake of a {self.kind} has a {wanted} and a hint")
        return self

    def public(self, parameters):
        """The question as a student has it, in the words of `asked`."""
        hidden = {"mistakes", "via", "form", "probes", "text", "solution"}
        return self.model_dump(exclude_defaults=True, exclude=hidden) | {"mistakes": []}


class Derivation(Common, asked.Derivations):
    """Lines that are followed one by one."""

    kind: Literal["derivation"] = Field(
        description="A list of lines, each of which follows from the one before.",
        examples=['kind = "derivation"'],
    )
    start: str = Field(
        description="From which the first line follows.",
        examples=['start = "Derivative(LSE(s), s[j])"'],
    )
    without: list[str] = Field(
        [],
        description="What may not stand in the last line. Either this or a goal.",
        examples=['without = ["Derivative"]'],
    )
    goal: str | None = Field(
        None, description="The end, with its relation.", examples=['goal = "<= log(K)"']
    )
    via: list[str] = Field(
        [],
        description="Steps to be shown, in any form; with `without`, before all is carried out.",
        examples=['via = ["Derivative(Sum(exp(s[i]), (i, 1, K)), s[j])*exp(-LSE(s))"]'],
    )
    form: list[str] = Field(
        [],
        description="Lines to be written just so, but for the order of terms.",
        examples=['form = ["softmax(s)[j]"]'],
    )
    lines: int = Field(
        1,
        description="How many lines there must be, of which no two are written alike.",
        examples=["lines = 3"],
        ge=1,
        le=20,
    )
    partial: float = Field(
        0,
        description="The share for lines that follow when not all is right.",
        examples=["partial = 0.5"],
        ge=0,
        lt=1,
    )

    @model_validator(mode="after")
    def _one_end(self):
        if bool(self.without) == (self.goal is not None):
            raise ValueError("a derivation has either without = [...] or a goal")
        if self.goal is not None and not self.goal.strip().startswith(RELATIONS):
            raise ValueError(f"goal: {self.goal!r} begins with none of {', '.join(RELATIONS)}")
        return self

    def known(self, parameters):
        """Pairs of the fingerprint of a known mistake and its hint."""
        for mistake in self.mistakes:
            yield self._mark(self.parse(mistake.line, parameters), parameters), mistake.hint

    def asked_steps(self, parameters):
        """The fingerprints of the lines to be shown."""
        lines = (self.parse(line, parameters) for line in self.via)
        return [self._mark(fingerprints.as_step(line), parameters) for line in lines]

    def _mark(self, line, parameters):
        return fingerprints.Fingerprint(line, self.numbers(parameters))

    def asked_writings(self, parameters):
        """The fingerprints of the lines that are to be written in one form."""
        return [self.writing(self.parse(line, parameters), parameters) for line in self.form]

    def public(self, parameters):
        mistakes = [
            {"hint": hint, "fingerprints": list(mark)} for mark, hint in self.known(parameters)
        ]
        steps = {"steps": list(map(list, self.asked_steps(parameters)))} if self.via else {}
        writings = {"writings": self.asked_writings(parameters)} if self.form else {}
        return super().public(parameters) | {"mistakes": mistakes} | steps | writings

    def problem(self, parameters):
        """What is wrong with the formulas, or None."""
        start = self.parse(self.start, parameters)
        if self.without and not any(mentions(start, name) for name in self.without):
            return f"without: {' or '.join(self.without)} does not stand in the start"
        for mistake in self.mistakes:
            self.parse(mistake.line, parameters)
        ends = [start]
        if self.goal is not None:
            relation, goal = split(self.goal)
            goal = self.parse(goal, parameters)
            if wrong := _refuted(start, relation, goal):
                return f"goal: {wrong}"
            ends.append(goal)
        for text in self.via:
            line = self.parse(text, parameters)
            if self.goal is None and (wrong := _refuted(start, "=", line)):
                return f"via: {text} does not follow: {wrong}"
            if any(self._is_missed_never(line, end, parameters) for end in ends):
                ends = "the last line" if self.goal is None else "the start or the goal"
                return f"via: {text} equals {ends}, and would never be missed"
        for text in self.form:
            line = self.parse(text, parameters)
            if self.goal is None and (wrong := _refuted(start, "=", line)):
                return f"form: {text} does not follow: {wrong}"

    def _is_missed_never(self, line, end, parameters):
        pairs = [(fingerprints.as_step(line), fingerprints.loosened(end))]
        if self.goal is None:  # of which nobody knows how its last line is written
            pairs.append((fingerprints.undone(line), end))
        numbers = self.numbers(parameters)
        return any(
            fingerprints.matching(step, [(self._mark(last, parameters), last)], numbers)
            for step, last in pairs
        )


def _refuted(left, relation, right):
    """Where a line does not follow, in words; None if it does wherever it was tried.

    An equality is proved in less time than it takes to try it at all points. To prove a bound takes
    seconds: that is done for the lines of the solution, when the assignment is built.
    """
    verdict = compare(left, relation, right, prove=relation == "=")
    return None if verdict else str(verdict)


class Probe(BaseModel):
    """Inputs of one kind: an entry for each argument of the function says how it is drawn."""

    model_config = ConfigDict(extra="allow", allow_inf_nan=False)

    asks: str = Field(description="One line for feedback.", examples=['asks = "large scores"'])
    points: float = Field(
        description="For a function that is right at all of these inputs.",
        examples=["points = 1"],
        gt=0,
    )
    draws: int = Field(
        4, description="How many inputs are drawn.", examples=["draws = 6"], ge=1, le=50
    )
    hidden: bool = Field(
        False,
        description="Whether students see neither that they are tried nor the inputs.",
        examples=["hidden = true"],
    )

    @property
    def specs(self):
        return {name: str(spec) for name, spec in self.model_extra.items()}


class Function(Common, asked.Functions):
    """A function that is tried against its definition."""

    kind: Literal["function"] = Field(
        description="A function of numbers and arrays.", examples=['kind = "function"']
    )
    arguments: list[str] = Field(
        description="Their names in the definition, in order.",
        examples=['arguments = ["s", "y"]'],
        min_length=1,
    )
    definition: str = Field(
        description="What it computes, over the free indices. Students get it.",
        examples=['definition = "Derivative(log_loss(s, y), s[j])"'],
    )
    mean: bool = Field(
        False,
        description="Whether a batch gives the mean over its rows, and not a row each.",
        examples=["mean = true"],
    )
    tolerance: float = Field(
        1e-10,
        description="The largest error, relative to the largest entry.",
        examples=["tolerance = 1e-8"],
        gt=0,
        lt=1,
    )
    probes: list[Probe] = Field(
        description="At which inputs it is tried; their points add up to those of the question.",
        examples=["[[questions.probes]]"],
    )

    @model_validator(mode="after")
    def _probes_fit(self):
        for place, probe in enumerate(self.probes):
            if missing := set(self.arguments) - set(probe.specs):
                raise ValueError(f"probes.{place}: says nothing of {', '.join(sorted(missing))}")
            if unknown := set(probe.specs) - set(self.arguments):
                raise ValueError(f"probes.{place}: unknown key {', '.join(sorted(unknown))}")
            if probe.asks in [other.asks for other in self.probes[:place]]:
                raise ValueError(f"probes.{place}: asks {probe.asks!r} occurs twice")
        return self

    def hint(self, probe, parameters, seed, found):
        """The hint of the known mistake whose definition has the values found."""
        for mistake in self.mistakes:
            try:
                examples = list(self.examples(probe, parameters, seed, mistake.definition))
            except ProbeError:
                continue
            if Trial(self, examples, found).worst_error <= ALIKE:
                return mistake.hint
        return None

    def public(self, parameters):
        seen = [probe for probe in self.probes if not probe.hidden]
        probes = [
            {"specs": probe.specs, **probe.model_dump(include={"asks", "points", "draws"})}
            for probe in seen
        ]
        mistakes = [
            {
                "hint": mistake.hint,
                "fingerprints": sorted(
                    set().union(*(self._fingerprints(mistake, p, parameters) for p in seen))
                ),
            }
            for mistake in self.mistakes
        ]
        return super().public(parameters) | {"probes": probes, "mistakes": mistakes}

    def _fingerprints(self, mistake, probe, parameters):
        try:
            examples = list(self.examples(probe, parameters, 0, mistake.definition))
        except ProbeError:
            return set()
        return fingerprints.of_arrays([values for _, values in examples], probe.asks)

    def problem(self, parameters):
        total = sum(probe.points for probe in self.probes)
        if abs(total - self.points) > 1e-9:
            return f"points: the probes have {total:g} together, the question has {self.points:g}"
        if all(probe.hidden for probe in self.probes):
            return "probes: all are hidden, so that a student would see none"
        for mistake in self.mistakes:
            self.parse(mistake.definition, parameters)
        for probe in self.probes:
            next(iter(self.examples(probe, parameters, 0)))


class Number(Common, asked.Numbers):
    """A number that is put into its equation."""

    kind: Literal["number"] = Field(
        description="A number that solves an equation.", examples=['kind = "number"']
    )
    unknown: str = Field(description="Its name in the equation.", examples=['unknown = "x"'])
    equation: tuple[str, str] = Field(
        description="Both sides. Students get it.", examples=['equation = ["log(1 + x)", "tau"]']
    )
    range: tuple[float, float] | None = Field(
        None,
        description="Where it must lie; needed if there are several roots.",
        examples=["range = [0, 1]"],
    )
    tolerance: float = Field(
        1e-6,
        description="How far from the root it may be, relative to itself.",
        examples=["tolerance = 1e-4"],
        gt=0,
        lt=1,
    )

    def hint(self, x, parameters):
        """The hint of the known mistake of which a number is the result."""
        for mistake in self.mistakes:
            if asked.solves(self.gap(mistake.equation, parameters), x, self.tolerance):
                return mistake.hint
        return None

    def public(self, parameters):
        mistakes = []
        for mistake in self.mistakes:
            roots = all_roots(self.gap(mistake.equation, parameters))
            found = (fingerprints.of_number(float(x), self.tolerance) for x in roots)
            mistakes.append({"hint": mistake.hint, "fingerprints": sorted(set().union(*found))})
        return super().public(parameters) | {"mistakes": mistakes}

    def problem(self, parameters):
        if self.range and not self.range[0] < self.range[1]:
            return f"range: {list(self.range)} is empty"
        equations = (*(mistake.equation for mistake in self.mistakes), self.equation)
        for equation in equations:
            roots = all_roots(self.gap(equation, parameters))
            if not roots:
                return f"equation: {equation[0]} = {equation[1]} has no root"
        inside = [mp.nstr(x, 6) for x in roots if self.inside(x)]
        if not inside:
            return f"range: no root is in {list(self.range)}, but {', '.join(map(str, roots))}"
        if len(inside) > 1 and self.range is None:
            return (
                f"equation: it has {len(inside)} roots, {', '.join(inside)}: "
                "give the range of those that are right"
            )


class Written(Common):
    """An answer in words."""

    kind: Literal["written"] = Field(
        description="A text that a person reads.", examples=['kind = "written"']
    )
    words: tuple[int, int] = Field(
        (1, 300),
        description="How long it should be; said to the student, and no more.",
        examples=["words = [30, 120]"],
    )

    def problem(self, parameters):
        if not 0 < self.words[0] <= self.words[1]:
            return f"words: {list(self.words)} is no range"


Question = Annotated[Derivation | Function | Number | Written, Field(discriminator="kind")]


class Practice(Model):
    """What a question has that stands in the page of its chapter, and is never graded."""

    points: float = Field(1, description="As of a question.", examples=["points = 2"], gt=0)
    answer: str = Field("answer", description="As of a question.", examples=['answer = "gradient"'])
    text: str = Field(
        "",
        description="What is asked, in sentences, with formulas between dollars.",
        examples=['text = "Divide by $e^{s_y}$ first."'],
    )

    def problem(self, parameters):
        """What is wrong with the formulas or the solution, or None."""
        problem = super().problem(parameters)
        if problem or not self.solution:
            return problem
        found = check(self, self.solved(parameters), parameters)
        if found.status != "right":
            return f"solution: {found.says}"


class PracticeDerivation(Practice, Derivation):
    """Lines to be found in the page."""

    solution: list[str] = Field(
        [],
        description="The lines, a ground after each `#`. It is in the page, folded: leave it out, "
        "and it is not.",
        examples=['solution = ["= softmax(s)[j] - delta(j, y)  # chain rule"]'],
    )

    def solved(self, parameters):
        """The solution as an answer."""
        return self.solution


class PracticeNumber(Practice, Number):
    """A number to be found in the page."""

    solution: str = Field(
        "",
        description="The number, as a formula. It is in the page, folded: leave it out, and it is "
        "not.",
        examples=['solution = "log(9)"'],
    )

    def public(self, parameters):
        """As of a number, whose answer is called as it is in the equation."""
        return super().public(parameters) | {"answer": self.unknown}

    def solved(self, parameters):
        """The solution as an answer."""
        return self.number(self.solution, parameters)


Practised = Annotated[PracticeDerivation | PracticeNumber, Field(discriminator="kind")]


class Deadline(Model):
    """When an assignment is due, and what each day begun after that costs."""

    due: datetime = Field(
        description="The last moment in time. When a notebook was handed in says its file; who was "
        "ill, and what Moodle and Canvas leave out, stands in `late.csv`.",
        examples=["due = 2026-11-30T23:59:00"],
    )
    free: int = Field(
        0, description="Days begun after it that cost nothing.", examples=["free = 2"], ge=0
    )
    loss: float = Field(
        0.1,
        description="The share of the points that each further day costs.",
        examples=["loss = 0.25"],
        ge=0,
        le=1,
    )

    def days(self, moment):
        """How many days after it has begun, at a time in seconds of the epoch."""
        due = self.due.astimezone().replace(tzinfo=None) if self.due.tzinfo else self.due
        return max(0, math.ceil((datetime.fromtimestamp(moment) - due) / timedelta(days=1)))

    def share(self, days):
        """The share of the points that is lost after so many days."""
        return min(1, self.loss * max(0, days - self.free))


class Assignment(Model):
    """An assignment as its author wrote it; `load` adds the chapter."""

    title: str = Field(
        description="Of the assignment.", examples=['title = "Labels that may be wrong"']
    )
    chapter: str
    draws: dict[str, Parameter] = Field(
        {},
        description="Numbers that each student has for themselves.",
        alias="parameters",
        examples=["[parameters]"],
    )
    deadline: Deadline | None = Field(None, description="When it is due.", examples=["[deadline]"])
    questions: list[Question] = Field(
        description="One after the other.", examples=["[[questions]]"], min_length=1
    )
    practice: list[Practised] = Field(
        [],
        description="Exercises in the page of the chapter, which nobody grades.",
        examples=["[[practice]]"],
    )

    @property
    def points(self):
        return sum(question.points for question in self.questions)

    def parameters(self, secret, student):
        """The numbers of one student: the same every time, and of use to nobody else."""
        return {
            name: draw.draw(self._share(secret, student, name)) for name, draw in self.draws.items()
        }

    def _share(self, secret, student, name):
        message = json.dumps([self.chapter, normalize("NFC", student), name]).encode()
        return int.from_bytes(hmac.digest(secret, message, "sha256")[:7]) / 2**56

    def public(self, parameters):
        """What a student is given, as JSON: what `asked.load_public` reads."""
        public = {
            "title": self.title,
            "chapter": self.chapter,
            "parameters": parameters,
            "questions": [question.public(parameters) for question in self.questions],
        }
        return json.dumps(public, indent=1, ensure_ascii=False)


def load(path, practice=True):
    """The assignment in a question file, with every formula tried. Raises QuestionError.

    Without `practice` those of the exercises, which nobody grades, are not.
    """
    return _tried(*_text(path), practice)


def read(path):
    """The same where `load` has tried the formulas before, which takes seconds."""
    return _read(*_text(path))


def _text(path):
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise QuestionError(f"{path}: cannot be read: {error}") from None
    return text, str(path), path.resolve().parent.name


@lru_cache(16)
def _read(text, path, chapter):
    try:
        found = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise QuestionError(f"{path}: this is no TOML: {error}") from None
    try:
        assignment = Assignment(**found, chapter=chapter)
    except (ValidationError, TypeError) as error:
        raise QuestionError(f"{path}{_first(error, found)}") from None
    _refuse_repeated(assignment, path)
    _refuse_names(assignment, path)
    return assignment


@lru_cache(16)
def _tried(text, path, chapter, practice):
    assignment = _read(text, path, chapter)
    parameters = assignment.parameters(b"", "")
    asked_of_all = [(question, parameters) for question in assignment.questions]
    exercises = [(each, {}) for each in assignment.practice] if practice else []
    for question, numbers in asked_of_all + exercises:
        try:
            problem = question.problem(numbers)
        except (ExpressionError, ProbeError, ValueError) as error:
            problem = str(error)
        if problem:
            raise QuestionError(f"{path}, {question.name}: {problem}")
    return assignment


def _refuse_repeated(assignment, path):
    fields = {
        "name": [*assignment.questions, *assignment.practice],
        "answer": assignment.questions,
    }
    for field, questions in fields.items():
        seen = set()
        for question in questions:
            value = getattr(question, field)
            if value in seen:
                raise QuestionError(f"{path}, {question.name}: {field} {value!r} occurs twice")
            seen.add(value)


def _refuse_names(assignment, path):
    """A parameter is a variable of the notebook, and must be none that something else is, too."""
    answers = {question.answer for question in assignment.questions}
    for name in assignment.draws:
        if not name.isidentifier() or keyword.iskeyword(name):
            raise QuestionError(f"{path}: parameters: {name!r} is no name of a variable")
        if name in answers or name == "np":
            other = "an answer" if name in answers else "NumPy"
            raise QuestionError(f"{path}: parameters: {name} is the name of {other}, too")


def _first(error, found):
    """The first of pydantic's complaints, in one line, with the question's name."""
    if isinstance(error, TypeError):
        return ": chapter is the name of the folder, and not to be given"
    complaint = error.errors()[0]
    place = [str(part) for part in complaint["loc"]]
    message = complaint["msg"].removeprefix("Value error, ")
    if complaint["type"] == "extra_forbidden":
        place, message = place[:-1], f"unknown key {place[-1]!r}"
    where = ""
    if place[0] in ("questions", "practice") and len(place) > 1:
        questions = found.get(place[0], [])
        known = isinstance(questions, list) and isinstance(questions[int(place[1])], dict)
        name = questions[int(place[1])].get("name") if known else None
        where = f", {name or place[0].removesuffix('s') + ' ' + str(int(place[1]) + 1)}"
        place = [
            part
            for part in place[2:]
            if part not in ("derivation", "function", "number", "written")
        ]
    return f"{where}: {'.'.join(place)}{': ' if place else ''}{message}"


@lru_cache(1024)
def all_roots(gap):
    """Where left - right changes its sign without a jump, from 10^-9 to 10^9 on either side."""
    found, roots = [(x, gap(x)) for x in _grid()], []
    for (x, value), (z, other) in zip(found, found[1:], strict=False):
        if value == 0:
            roots.append(x)
        elif value is not None and other is not None and value * other < 0:
            roots.append(root_between(gap, x, z))
    return tuple(x for x in roots if x is not None)


@lru_cache(1)
def _grid():
    """Where signs are compared, in order."""
    # At no number that an author chooses: at a root itself the sign is one of rounding.
    grid = [mp.mpf(10) ** ((n + mp.mpf("0.337")) / 20) for n in range(-181, 181)]
    grid += [1 - x for x in grid if x < 1]
    return sorted([*grid, *(-x for x in grid), mp.mpf(0)])
