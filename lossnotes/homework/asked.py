"""What is asked, as a student's notebook has it: no step to be shown, no known mistake, no probe
that is hidden. Steps and mistakes are there as fingerprints, which recognise and do not tell.

Needs sympy and mpmath only; functions need NumPy, too.
"""

import contextlib
import json
import re
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

from mpmath import mp
from sympy import Derivative as Differentiated
from sympy import Integer, Integral, Rational, Symbol

from lossnotes.derive import Point, compare, evaluate
from lossnotes.derive.expressions import ExpressionError, parse, text, uncommented
from lossnotes.derive.prove import Reduction, sizes_of, unfold
from lossnotes.derive.symbols import Between, Positives, Probabilities, Scores
from lossnotes.derive.values import Excluded, Undefined
from lossnotes.homework import fingerprints
from lossnotes.homework.writing import writing

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


def stand_in(name, number):
    """What stands for a parameter in formulas: a symbol, but for a whole number itself."""
    if isinstance(number, int):
        return Integer(number)
    if 0 < number < 1:
        return Between(name, 0, 1)
    return Symbol(name, positive=True) if number > 0 else Symbol(name, real=True)


def split(line):
    """A line's relation, "=" where none is written, and its formula."""
    line = line.strip().replace("≤", "<=").replace("≥", ">=")
    for relation in ("==", *RELATIONS):
        if line.startswith(relation):
            return relation.replace("==", "="), line[len(relation) :].strip()
    return "=", line


def says_something(line):
    """Whether a line is more than a remark."""
    return bool(uncommented(line).strip())


class Formulas:
    """What every question can do with its `names` and `symbols`."""

    def parse(self, text, parameters=None, **more):
        """The formula in the names of this question.

        A parameter is a symbol, so that what is found out holds for every student; but whole
        numbers, which may stand for classes, are put in.
        """
        return parse(text, self.vocabulary(parameters) | more)

    def vocabulary(self, parameters=None):
        """What the names of this question stand for, beside those of the book."""
        names = {name: stand_in(name, number) for name, number in (parameters or {}).items()}
        for name, kind in self.symbols.items():
            names[name] = symbol(name, kind, names)
        for name, short_for in self.names.items():
            names[name] = parse(short_for, names, vector=True)
        return names


class Derivations(Formulas):
    """What is recognised in a derivation: known mistakes, and the steps to be shown."""

    def numbers(self, parameters):
        """Pairs of a parameter's symbol and its number."""
        found = ((stand_in(name, number), number) for name, number in parameters.items())
        return tuple((x, number) for x, number in found if x.is_Symbol)

    def hint(self, expression, parameters):
        """The hint of the known mistake that a line is, in whatever form; None if it is none."""
        numbers = self.numbers(parameters)
        known = list(self.known(parameters))
        return next(iter(fingerprints.matching(expression, known, numbers)), None)

    def shows_all_steps(self, lines, parameters):
        """Whether each of the steps to be shown is among the lines."""
        wanted, numbers = dict(enumerate(self.asked_steps(parameters))), self.numbers(parameters)
        for line in lines:
            candidates = [(mark, place) for place, mark in wanted.items()]
            for place in fingerprints.matching(fingerprints.as_step(line), candidates, numbers):
                del wanted[place]
        return not wanted

    def goes_beyond(self, start, expression, parameters):
        """Whether a line does something to the derivatives and integrals in the start, if any."""
        if not start.has(Differentiated, Integral):
            return True
        numbers = self.numbers(parameters)
        mark = fingerprints.Fingerprint(fingerprints.as_step(start), numbers)
        step = fingerprints.as_step(expression)
        return not fingerprints.matching(step, [(mark, start)], numbers)

    def writing(self, expression, parameters):
        """The fingerprint of how a line is written: a number may stand for its parameter."""
        return fingerprints.of_writing(generalized(expression, parameters))

    def typing(self, formula, parameters):
        """How a line is typed: its Writing, with names and numbers as in `writing`."""
        general = exact_and_general(tuple(parameters.items()))[1]
        numbers = {Fraction(n.p, n.q): text(symbol) for n, symbol in general.items() if n > 0}
        whole = {
            name: str(number) for name, number in parameters.items() if isinstance(number, int)
        }
        return writing(formula, numbers | whole | self.names)


class Functions(Formulas):
    """What is tried of a function, and at which inputs."""

    def argument(self, name):
        """The symbol of an argument."""
        if name in self.symbols:
            return symbol(name, self.symbols[name], {})
        return parse(name, vector=True)

    def examples(self, probe, parameters, seed, definition=None):
        """(inputs, expected) for each draw of a probe; classes and labels from 0, as in code."""
        from lossnotes.homework.probes import example

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


class Numbers(Formulas):
    """The equation that a number solves."""

    def gap(self, equation, parameters):
        """left - right of an equation as a function of the unknown, None where it has no value."""
        unknown = Symbol(self.unknown, real=True)
        named = {self.unknown: unknown}
        sides = [carried_out(self.parse(side, parameters, **named)) for side in equation]
        numbers = {stand_in(n, v): v for n, v in parameters.items()}
        known = {x: mp.mpf(v) for x, v in numbers.items() if x.is_Symbol}
        if strange := set().union(*(side.free_symbols for side in sides)) - {unknown, *known}:
            raise ExpressionError(f"{min(map(str, strange))} has no value in the equation")
        return _gap(*sides, unknown, tuple(known.items()))

    def number(self, text, parameters):
        """The number that a text such as `log(9)/2` stands for. Raises ExpressionError."""
        numbers = ((stand_in(name, number), number) for name, number in parameters.items())
        known = {x: mp.mpf(number) for x, number in numbers if x.is_Symbol}
        formula = self.parse(text, parameters)
        if strange := free_symbols(formula) - known.keys():
            raise ExpressionError(f"{min(map(str, strange))} has no value: a number is asked for")
        try:
            return float(evaluate(formula, Point(known)))
        except (Undefined, Excluded, ArithmeticError, TypeError):
            raise ExpressionError("this is no real number") from None

    def inside(self, x):
        """Whether a number is in the range in which the unknown is asked for."""
        return self.range is None or self.range[0] <= x <= self.range[1]


@dataclass(kw_only=True)
class Question:
    """What the questions of a notebook have in common."""

    kind: str
    name: str
    asks: str
    points: float = 1
    answer: str = "answer"
    names: dict = field(default_factory=dict)
    symbols: dict = field(default_factory=dict)
    mistakes: list = field(default_factory=list)  # of {"hint": ..., "fingerprints": [...]}
    hints: list = field(default_factory=list)

    def known(self, parameters):
        """Pairs of the fingerprints of a known mistake and its hint."""
        return [(mistake["fingerprints"], mistake["hint"]) for mistake in self.mistakes]


@dataclass(kw_only=True)
class Derivation(Question, Derivations):
    start: str
    without: list = field(default_factory=list)
    goal: str | None = None
    lines: int = 1
    partial: float = 0
    steps: list = field(default_factory=list)  # a fingerprint is a digest a point
    writings: list = field(default_factory=list)

    def asked_steps(self, parameters):
        return self.steps

    def asked_writings(self, parameters):
        return self.writings


@dataclass(kw_only=True)
class Probe:
    """Inputs of one kind: an entry for each argument of the function says how it is drawn."""

    asks: str
    points: float
    specs: dict
    draws: int = 4
    hidden: bool = False


@dataclass(kw_only=True)
class Function(Question, Functions):
    arguments: list
    definition: str
    probes: list
    mean: bool = False
    tolerance: float = 1e-10

    def __post_init__(self):
        self.probes = [Probe(**probe) for probe in self.probes]

    def hint(self, probe, parameters, seed, found):
        """The hint of the known mistake that has the values found, at the inputs of a probe."""
        ours = fingerprints.of_arrays(found, probe.asks)
        return next((hint for marks, hint in self.known(parameters) if ours & {*marks}), None)


@dataclass(kw_only=True)
class Number(Question, Numbers):
    unknown: str
    equation: list
    range: list | None = None
    tolerance: float = 1e-6

    def hint(self, x, parameters):
        """The hint of the known mistake of which a number is the result."""
        ours = fingerprints.of_number(float(x), self.tolerance)
        return next((hint for marks, hint in self.known(parameters) if ours & {*marks}), None)


@dataclass(kw_only=True)
class Written(Question):
    words: list = field(default_factory=lambda: [1, 300])


CLASSES = {"derivation": Derivation, "function": Function, "number": Number, "written": Written}


@dataclass(kw_only=True)
class Public:
    """An assignment as a student has it."""

    title: str
    chapter: str
    parameters: dict
    questions: list

    def __post_init__(self):
        self.questions = [CLASSES[question["kind"]](**question) for question in self.questions]


def load_public(path):
    """The assignment in a student's questions.json. Raises QuestionError."""
    try:
        return Public(**json.loads(Path(path).read_text(encoding="utf-8-sig")))
    except (OSError, UnicodeDecodeError) as error:
        raise QuestionError(f"{path}: cannot be read: {error}") from None
    except (ValueError, TypeError, LookupError):
        reason = "is not as it was handed out: take the file that came with the notebook"
        raise QuestionError(f"{path}: it {reason}") from None


def symbol(name, kind, names):
    """The symbol of a name that a question declares."""
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
def carried_out(definition):
    """The definition without names, derivatives and deltas in sums, if that is confirmed.

    It has the same values, found twenty times faster.
    """
    unfolded = unfold(definition)
    forms = [unfolded]
    if not unfolded.has(Integral):
        forms.insert(0, Reduction(ranges=sizes_of(unfolded)).reduce(unfolded))
    for form in forms:
        with contextlib.suppress(ValueError):  # no point has a value, of those that are tried
            if compare(definition, "=", form):
                return form
    return definition


@lru_cache(1024)
def _gap(left, right, unknown, known):
    """One function for one equation, so that its roots are looked for once."""

    def gap_at(x):
        point = Point(dict(known) | {unknown: x})
        try:
            return evaluate(left, point) - evaluate(right, point)
        except (Undefined, Excluded, ArithmeticError):
            return None

    return gap_at


@lru_cache(64)
def exact_and_general(parameters):
    """The number of every parameter that has a symbol, and what its simple functions stand for."""
    stood_in = ((stand_in(name, number), number) for name, number in parameters)
    exact = {symbol: Rational(str(number)) for symbol, number in stood_in if symbol.is_Symbol}
    general = {
        sign * number**power: sign * symbol**power
        for x, value in exact.items()
        for number, symbol in ((1 - value, 1 - x), (value, x))
        for power in (-2, 2, -1, 1)
        for sign in (1, -1)
        if number not in (0, 1, -1)
    }
    return exact, general


def generalized(expression, parameters):
    """The expression with symbols for the numbers of the parameters and their simple functions."""
    general = exact_and_general(tuple(parameters.items()))[1]
    numbers = expression.atoms(Rational) & general.keys()
    return expression.xreplace({number: general[number] for number in numbers})


@lru_cache(1024)
def free_symbols(formula):
    return formula.free_symbols


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


def solves(gap, x, tolerance):
    """Whether there is a root within the tolerance, relative to the number."""
    width = abs(x) * tolerance if x else mp.mpf(tolerance)
    return root_between(gap, x - width, x + width) is not None
