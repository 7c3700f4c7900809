"""The question file of an assignment: what is asked, by definition and never by its answer.

assignment = load("homework/softmax/questions.toml")
parameters = assignment.parameters(secret, "Ada Lovelace")
Path("questions.json").write_text(assignment.public(parameters))
"""

import hmac
import json
import keyword
import re
import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal
from unicodedata import normalize

from mpmath import mp
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from sympy import IndexedBase, Symbol

from lossnotes.derive import Point, compare, evaluate
from lossnotes.derive.symbols import Between, Positives, Probabilities, Scores
from lossnotes.derive.values import Excluded, Undefined
from lossnotes.homework.expressions import ExpressionError, mentions, parse
from lossnotes.homework.probes import ProbeError, carried_out, example, stand_in

COLUMNS = ("student", "status", "points", "of", "to read", "reason")  # beside the questions
RELATIONS = ("<=", ">=", "<", ">", "=")
KINDS = {
    "real": lambda name: Symbol(name, real=True),
    "positive": lambda name: Symbol(name, positive=True),
    "integer": lambda name: Symbol(name, integer=True),
    "class": lambda name: Symbol(name, integer=True, positive=True),
    "reals": Scores,
    "positives": Positives,
    "probabilities": Probabilities,
}


class QuestionError(ValueError):
    """A mistake in a question file: one line that says where it is and what is wrong."""


class Model(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class Parameter(Model):
    """How a number is drawn for each student: uniform, rounded to digits; or an integer."""

    uniform: tuple[float, float] | None = None
    digits: int = Field(2, ge=0, le=6)
    integer: tuple[int, int] | None = None

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

    hint: str
    line: str | None = None
    definition: str | None = None
    equation: tuple[str, str] | None = None


class Common(Model):
    name: str
    points: float = Field(gt=0)
    asks: str
    answer: str
    names: dict[str, str] = {}
    symbols: dict[str, str] = {}
    mistakes: list[Mistake] = []

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

    def parse(self, text, parameters=None, **more):
        """The formula in the names of this question.

        A parameter is a symbol, so that what is found out holds for every student; but whole
        numbers, which may stand for classes, are put in.
        """
        names = {name: stand_in(name, number) for name, number in (parameters or {}).items()}
        for name, kind in self.symbols.items():
            names[name] = _symbol(name, kind, names)
        for name, short_for in self.names.items():
            names[name] = parse(short_for, names, vector=True)
        return parse(text, names | more)


class Derivation(Common):
    kind: Literal["derivation"]
    start: str
    without: list[str] = []
    goal: str | None = None
    via: list[str] = []

    @model_validator(mode="after")
    def _one_end(self):
        if bool(self.without) == (self.goal is not None):
            raise ValueError("a derivation has either without = [...] or a goal")
        if self.via and self.goal is None:
            raise ValueError("via needs a goal")
        if self.goal is not None and not self.goal.strip().startswith(RELATIONS):
            raise ValueError(f"goal: {self.goal!r} begins with none of {', '.join(RELATIONS)}")
        return self

    def problem(self, parameters):
        """What is wrong with the formulas, or None."""
        start = self.parse(self.start, parameters)
        if self.without and not any(mentions(start, name) for name in self.without):
            return f"without: {' or '.join(self.without)} does not stand in the start"
        for mistake in self.mistakes:
            self.parse(mistake.line, parameters)
        if self.goal is not None:
            relation, goal = split(self.goal)
            goal = self.parse(goal, parameters)
            if not compare(start, relation, goal):
                return f"goal: {compare(start, relation, goal)}"
            for text in self.via:
                line = loosened(self.parse(text, parameters))
                if any(compare(loosened(end), "=", line) for end in (start, goal)):
                    return f"via: {text} equals the start or the goal, and would never be missed"


class Probe(BaseModel):
    """Inputs of one kind: an entry for each argument of the function says how it is drawn."""

    model_config = ConfigDict(extra="allow", allow_inf_nan=False)

    asks: str
    points: float = Field(gt=0)
    draws: int = Field(4, ge=1, le=50)
    hidden: bool = False

    @property
    def specs(self):
        return {name: str(spec) for name, spec in self.model_extra.items()}


class Function(Common):
    kind: Literal["function"]
    arguments: list[str] = Field(min_length=1)
    definition: str
    mean: bool = False
    tolerance: float = Field(1e-10, gt=0, lt=1)
    probes: list[Probe]

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

    def argument(self, name):
        """The symbol of an argument."""
        if name in self.symbols:
            return _symbol(name, self.symbols[name], {})
        return parse(name, vector=True)

    def examples(self, probe, parameters, seed, definition=None):
        """(inputs, expected) for each draw of a probe; classes and labels from 0, as in code."""
        arguments = tuple(self.argument(name) for name in self.arguments)
        given = {name: v for name, v in parameters.items() if name not in self.arguments}
        formula = self.parse(definition or self.definition, given)
        specs = tuple(probe.specs[name] for name in self.arguments)
        words = set(re.findall(r"\w+", " ".join(specs)))
        used = tuple(
            (name, number)
            for name, number in parameters.items()
            if name in words or name in given and stand_in(name, number) in free_symbols(formula)
        )
        for number in range(probe.draws):
            one = (str(seed), self.name, probe.asks, number)
            yield example(formula, arguments, self.mean, specs, used, one)

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


class Number(Common):
    kind: Literal["number"]
    unknown: str
    equation: tuple[str, str]
    tolerance: float = Field(1e-6, gt=0, lt=1)

    def gap(self, equation, parameters):
        """left - right of an equation as a function of the unknown, None where it has no value."""
        unknown = Symbol(self.unknown, real=True)
        named = {self.unknown: unknown}
        sides = [carried_out(self.parse(side, parameters, **named)) for side in equation]
        numbers = {stand_in(n, v): v for n, v in parameters.items()}
        known = {x: mp.mpf(v) for x, v in numbers.items() if x.is_Symbol}

        def gap_at(x):
            try:
                left, right = (evaluate(side, Point(known | {unknown: x})) for side in sides)
                return left - right
            except (Undefined, Excluded, ArithmeticError):
                return None

        if strange := set().union(*(side.free_symbols for side in sides)) - {unknown, *known}:
            raise ExpressionError(f"{min(map(str, strange))} has no value in the equation")
        return gap_at

    def problem(self, parameters):
        for equation in (self.equation, *(mistake.equation for mistake in self.mistakes)):
            if not _has_root(self.gap(equation, parameters)):
                return f"equation: {equation[0]} = {equation[1]} has no root"


class Written(Common):
    kind: Literal["written"]
    words: tuple[int, int] = (1, 300)

    def problem(self, parameters):
        if not 0 < self.words[0] <= self.words[1]:
            return f"words: {list(self.words)} is no range"


Question = Annotated[Derivation | Function | Number | Written, Field(discriminator="kind")]


class Assignment(Model):
    """An assignment as its author wrote it; `load` adds the chapter."""

    title: str
    chapter: str
    draws: dict[str, Parameter] = Field({}, alias="parameters")
    questions: list[Question] = Field(min_length=1)

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
        """What a student is given, as JSON: questions and numbers, without the hidden probes."""
        questions = [question.model_dump(exclude_defaults=True) for question in self.questions]
        for question in questions:
            if question["kind"] == "function":
                question["probes"] = [p for p in question["probes"] if not p.get("hidden")]
        public = {
            "title": self.title,
            "chapter": self.chapter,
            "parameters": parameters,
            "questions": questions,
        }
        return json.dumps(public, indent=1, ensure_ascii=False)


class Public(Model):
    """An assignment as a student has it."""

    title: str
    chapter: str
    parameters: dict[str, float | int] = {}
    questions: list[Question]


def load(path):
    """The assignment in a question file, with every formula tried. Raises QuestionError."""
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise QuestionError(f"{path}: cannot be read: {error}") from None
    return _load(text, str(path), path.resolve().parent.name)


@lru_cache(16)
def _load(text, path, chapter):
    try:
        found = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise QuestionError(f"{path}: this is no TOML: {error}") from None
    try:
        assignment = Assignment(**found, chapter=chapter)
    except (ValidationError, TypeError) as error:
        raise QuestionError(f"{path}{_first(error, found)}") from None
    _refuse_repeated(assignment, path)
    _refuse_names(assignment, path)
    parameters = assignment.parameters(b"", "")
    for question in assignment.questions:
        try:
            problem = question.problem(parameters)
        except (ExpressionError, ProbeError, ValueError) as error:
            problem = str(error)
        if problem:
            raise QuestionError(f"{path}, {question.name}: {problem}")
    return assignment


def load_public(path):
    """The assignment in a student's questions.json. Raises QuestionError."""
    try:
        return Public.model_validate_json(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise QuestionError(f"{path}: cannot be read: {error}") from None
    except ValidationError as error:
        raise QuestionError(f"{path}{_first(error, {})}") from None


def _refuse_repeated(assignment, path):
    for field in ("name", "answer"):
        seen = set()
        for question in assignment.questions:
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
    if place[:1] == ["questions"] and len(place) > 1:
        questions = found.get("questions", [])
        known = isinstance(questions, list) and isinstance(questions[int(place[1])], dict)
        name = questions[int(place[1])].get("name") if known else None
        where = f", {name or 'question ' + str(int(place[1]) + 1)}"
        place = [
            part
            for part in place[2:]
            if part not in ("derivation", "function", "number", "written")
        ]
    return f"{where}: {'.'.join(place)}{': ' if place else ''}{message}"


def _symbol(name, kind, names):
    if kind in KINDS:
        return KINDS[kind](name)
    if kind.startswith("between(") and kind.endswith(")"):
        bounds = kind[len("between(") : -1].split(",")
        if len(bounds) == 2:
            lower, upper = (parse(bound, names) for bound in bounds)
            if (upper - lower).is_nonpositive:
                raise ExpressionError(f"symbols: {name} is {kind!r}, which is empty")
            return Between(name, lower, upper)
    raise ExpressionError(f"symbols: {name} is {kind!r}, not {', '.join(KINDS)} or between(a, b)")


@lru_cache(1024)
def free_symbols(formula):
    return formula.free_symbols


def loosened(expression):
    """Probabilities that need not sum to one: so log(sum_i p_i) is told from zero."""
    vectors = {base for base in expression.atoms(IndexedBase) if isinstance(base, Probabilities)}
    return expression.xreplace({base: Positives(base.name) for base in vectors})


def split(line):
    """A line's relation, "=" where none is written, and its formula."""
    line = line.strip().replace("≤", "<=").replace("≥", ">=")
    for relation in ("==", *RELATIONS):
        if line.startswith(relation):
            return relation.replace("==", "="), line[len(relation) :].strip()
    return "=", line


def _has_root(gap):
    """Whether left - right changes its sign without a jump, from 10^-9 to 10^9 on either side."""
    grid = [mp.mpf(10) ** (mp.mpf(n) / 20) for n in range(-180, 181)]
    grid += [1 - x for x in grid if x < 1]
    grid = sorted([*grid, *(-x for x in grid), mp.mpf(0)])
    found = [(x, gap(x)) for x in grid]
    return any(
        value == 0
        or other is not None
        and value * other < 0
        and root_between(gap, x, z) is not None
        for (x, value), (z, other) in zip(found, found[1:], strict=False)
        if value is not None
    )


def root_between(gap, low, high):
    """The place between two where a function changes its sign; None if it jumps there."""
    at_low, at_high = gap(low), gap(high)
    if at_low is None or at_high is None or at_low * at_high > 0:
        return None
    if 0 in (at_low, at_high):
        return low if at_low == 0 else high
    size = min(abs(at_low), abs(at_high))
    for _ in range(30):
        middle = (low + high) / 2
        value = gap(middle)
        if value is None:
            return None
        if value * at_low > 0:
            low, at_low = middle, value
        else:
            high, at_high = middle, value
    return middle if abs(at_low - at_high) <= size else None
