"""What is right about an answer, and the first thing that is wrong with it.

The same code serves the student, in the notebook, and the grader. There is no answer to compare
with: a derivation is followed line by line, a function is tried against its definition at fifty
digits, a number is put into the equation that it should solve.
"""

import re
from functools import lru_cache
from itertools import combinations, islice
from typing import Literal

import numpy as np
from mpmath import mp, nstr
from pydantic import BaseModel, ConfigDict
from sympy import Expr, Rational

from lossnotes.derive import compare, evaluate
from lossnotes.derive.points import draw_points, indices_of
from lossnotes.derive.symbols import K
from lossnotes.derive.values import Excluded, Undefined
from lossnotes.homework.expressions import ExpressionError, mentions, text
from lossnotes.homework.probes import ProbeError, is_batch, stand_in
from lossnotes.homework.questions import loosened, root_between, split

LINES = 60
ROUNDING = 1e-9  # two lines that differ by less do so because of decimal numbers
LARGE = 30  # scores beyond this are called large
FLIPPED = {"<=": ">=", ">=": "<=", "<": ">", ">": "<"}


class AnswerError(Exception):
    """An answer that is of the wrong kind, or a student's function that fails; says why."""


class Finding(BaseModel):
    """The points for one answer, and what to tell the student, as Markdown."""

    model_config = ConfigDict(frozen=True)

    question: str
    points: float
    of: float
    status: Literal["right", "wrong", "partly", "missing", "to read"]
    says: str
    mistake: str | None = None

    def __str__(self):
        return f"{self.question}: {self.status}, {self.points:g} of {self.of:g} points\n{self.says}"

    def _repr_markdown_(self):
        head = f"**{self.question}: {self.status}**, {self.points:g} of {self.of:g} points"
        return f"{head}\n\n{self.says}"


def check(question, answer, parameters, seed=0):
    """The Finding on an answer; None stands for one that is missing.

    The answer is a list of lines (texts or SymPy) for a derivation, a function of arrays, a number,
    or a text. `parameters` are the student's, and `seed` fixes where functions are tried.
    A function may raise AnswerError; any other exception passes through.
    """
    if answer is None or answer is Ellipsis or isinstance(answer, (str, list)) and not answer:
        return _finding(question, 0, "missing", f"There is no `{question.answer}` yet.", "missing")
    try:
        return CHECKS[question.kind](question, answer, parameters, seed)
    except AnswerError as error:
        return _finding(question, 0, "wrong", f"`{question.answer}`: {error}", "wrong kind")


def _finding(question, points, status, says, mistake=None):
    return Finding(
        question=question.name,
        points=points,
        of=question.points,
        status=status,
        says=says,
        mistake=mistake,
    )


# Derivations


def _derivation(question, answer, parameters, seed):
    lines = [answer] if isinstance(answer, (str, Expr)) else answer
    if not isinstance(lines, (list, tuple)):
        raise AnswerError(f"should be a list of lines, and is a {type(answer).__name__}")
    if len(lines) > LINES:
        raise AnswerError(f"has {len(lines)} lines; at most {LINES} are read")
    chain = [("=", question.parse(question.start, parameters))]
    for number, line in enumerate(map(text, lines), 1):
        relation, formula = split(line)
        try:
            expression = question.parse(formula, parameters)
        except ExpressionError as error:
            says = f"{_follow(number - 1)}**Line {number} cannot be read**: {_plain(error)}."
            return _finding(question, 0, "wrong", says, "unreadable line")
        before = chain[-1][1]
        failure = follows(before, relation, expression, _numbers(parameters), seed)
        if failure:
            says, mistake = failure.explain(before, relation, expression, number)
            hint = _hint(question, expression, parameters)
            says = _follow(number - 1) + says + (f"\n\n{hint}" if hint else "")
            return _finding(question, 0, "wrong", says, hint or mistake)
        chain.append((relation, expression))
    return _arrival(question, chain, parameters, seed)


def _follow(count):
    if count == 0:
        return ""
    return "Line 1 follows. " if count == 1 else f"Lines 1 to {count} follow. "


def _arrival(question, chain, parameters, seed):
    """Every line follows: whether the last is what was asked for."""
    every = f"Every line follows ({len(chain) - 1})."
    result = chain[-1][1]
    left = [name for name in question.without if mentions(result, name)]
    if left:
        says = f"{every} But the last line still contains `{left[0]}`: go on until it is gone."
        return _finding(question, 0, "partly", says, "not finished")
    if question.goal is None:
        return _finding(question, question.points, "right", every)
    relation, goal = split(question.goal)
    goal = question.parse(goal, parameters)
    strongest = _strongest([relation for relation, _ in chain])
    if strongest is None:
        says = f"{every} But some lines go up and others go down, which relates no ends."
        return _finding(question, 0, "partly", says, "direction")
    if follows(result, "=", goal, _numbers(parameters), seed):
        says = f"{every} But the last line is not yet what was asked for, {_code(question.goal)}."
        return _finding(question, 0, "partly", says, "not finished")
    if strongest not in {"<=": "< <= =", ">=": "> >= ="}.get(relation, relation).split():
        says = f"{every} But together they say `{strongest}`, and `{relation}` was asked for."
        return _finding(question, 0, "partly", says, "relation")
    for line in question.via:
        via = loosened(question.parse(line, parameters))
        lines = (loosened(expression) for _, expression in chain[1:])
        if all(follows(via, "=", here, _numbers(parameters), seed) for here in lines):
            says = (
                f"{every} But one of them takes the step that was to be shown: put a line between."
            )
            return _finding(question, 0, "partly", says, "a step left out")
    return _finding(question, question.points, "right", every)


def _strongest(relations):
    """What a chain of relations says of its ends; None if they go up and down."""
    found = set(relations) - {"="}
    for weak, strict in (("<=", "<"), (">=", ">")):
        if found <= {weak, strict}:
            return "=" if not found else strict if strict in found else weak
    return None


def _hint(question, expression, parameters):
    for mistake in question.mistakes:
        wrong = question.parse(mistake.line, parameters)
        if not follows(wrong, "=", expression, _numbers(parameters), 0):
            return mistake.hint
    return None


def _numbers(parameters):
    """The exact numbers of the parameters that stand as symbols in formulas."""
    stood_in = ((stand_in(name, number), number) for name, number in parameters.items())
    return tuple((x, Rational(str(number))) for x, number in stood_in if x.is_Symbol)


class Failure:
    """Why a line does not follow: a witness, or the words of an error."""

    def __init__(self, witness=None, words=""):
        self.witness, self.words = witness, words

    def explain(self, before, relation, expression, number):
        """What to say, and the kind of mistake."""
        previous = "the start" if number == 1 else f"line {number - 1}"
        if self.witness is None:
            return (
                f"**Line {number} cannot be compared with {previous}**: {self.words}.",
                "no value",
            )
        point, left, right = self.witness
        says = (
            f"**Line {number} does not follow from {previous}.** At {_point(point)}:\n\n"
            f"| | | value |\n|---|---|---|\n"
            f"| {previous} | {_code(text(before))} | {_number(left)} |\n"
            f"| line {number} | {_code(text(expression))} | {_number(right)} |\n"
        )
        if relation != "=":
            says = says.replace("does not follow from", f"is not `{relation}` as claimed of")
        words, mistake = _looks_like(before, relation, expression, left, right)
        return f"{says}\n{words}" if words else says, mistake


def follows(left, relation, right, numbers, seed):
    """None if a line follows, else the Failure.

    First for all values of the parameters, which is found out once for all students, then for the
    numbers of this one. What is confirmed only at points is tried once more, where nobody knows.
    """
    failure = _failure(left, relation, right, seed)
    exact = dict(numbers)
    if failure and any(side.free_symbols & set(exact) for side in (left, right)):
        failure = _failure(left.xreplace(exact), relation, right.xreplace(exact), seed)
    return failure


@lru_cache(4096)
def _failure(left, relation, right, seed):
    try:
        verdict = compare(left, relation, right)
    except (ValueError, ArithmeticError, TypeError, AttributeError, RecursionError) as error:
        return Failure(words=_plain(error))
    if verdict.kind == "refuted":
        witness = verdict.witness
        return Failure((witness.point, witness.left, witness.right))
    return None if verdict.kind == "proved" else _second_look(left, relation, right, seed)


def _second_look(left, relation, right, seed):
    """Other numbers of classes, other points; and where one side has a value, both must have."""
    for point in draw_points(left, right, seed=seed, counts=(4, 6, 11)):
        with mp.workdps(40):
            values = [_value(side, point) for side in (left, right)]
            if values[0] is None:
                continue
            if values[1] is None:
                return Failure((point, values[0], mp.nan))
            gap = values[1] - values[0]
            small = mp.mpf(10) ** -25 * max(map(abs, values))
            holds = {"=": abs(gap) <= small, "<": gap > -small, ">": gap < small}[relation[0]]
            if not holds:
                return Failure((point, *values))
    return None


def _value(side, point):
    try:
        return evaluate(side, point)
    except (Undefined, Excluded, ZeroDivisionError):
        return None


def _looks_like(before, relation, expression, left, right):
    """What the mistake looks like: words for the student, and a key."""
    if relation != "=":
        return _other_relation(before, relation, expression)
    if abs(left - right) <= ROUNDING * abs(left):
        words = "They differ by rounding only: write exact numbers, as text, such as `'s[j]/2.5'`."
        return words, "decimal numbers"
    points, values = [], []
    for point in islice(draw_points(before, expression), 24):
        with mp.workdps(30):
            pair = [_value(side, point) for side in (before, expression)]
        if None not in pair:
            points.append(point.values)
            values.append(pair)
    return (
        _factor(points, values)
        or _exchanged(before, expression)
        or _where(points, values, before, expression)
        or _constant(values)
        or _inequality(before, expression)
        or ("", "does not follow")
    )


def _inequality(before, expression):
    for relation, words in (("<=", "at most"), (">=", "at least")):
        if not _failure(before, relation, expression, 0):
            return f"It is not equal, but {words} this: did you mean `{relation}`?", "relation"
    return None


def _other_relation(before, relation, expression):
    if not _failure(before, FLIPPED[relation], expression, 0):
        return f"The other way round it is true: `{FLIPPED[relation]}`.", "direction"
    weak = relation + "="
    if relation in "<>" and not _failure(before, weak, expression, 0):
        return f"They can be equal: only `{weak}` is true.", "relation"
    return "", "does not follow"


def _factor(points, values):
    ratios = [right / left for left, right in values if left != 0]
    if not ratios or any(left == 0 != right for left, right in values):
        return None
    if _same(ratios):
        if _same([ratios[0], mp.mpf(-1)]):
            return (
                "It looks like the **sign**: the values are those of the line before times −1.",
                "sign",
            )
        factor = _fraction(ratios[0])
        words = f"It looks like a **factor**: every value is {factor} times the one before."
        return words, f"factor {factor}"
    sizes = [point[K] for point in points]
    for power, name in ((1, "K"), (-1, "1/K")):
        sized = [left * mp.mpf(n) ** power for (left, _), n in zip(values, sizes, strict=True)]
        if all(_same([a, b]) for a, (_, b) in zip(sized, values, strict=True)):
            words = f"It looks like a **factor**: every value is {name} times the one before."
            return words, f"factor {name}"
    return None


def _same(numbers):
    return all(abs(x - numbers[0]) <= mp.mpf(10) ** -20 * abs(numbers[0]) for x in numbers)


def _fraction(number):
    """A number as a student would write it."""
    from fractions import Fraction

    simple = Fraction(str(nstr(number, 20))).limit_denominator(1000)
    if abs(simple - Fraction(str(nstr(number, 20)))) < Fraction(1, 10**12):
        return str(simple)
    return nstr(number, 4)


def _exchanged(before, expression):
    """j in the place of k."""
    for a, b in combinations(sorted(indices_of(before, expression), key=str), 2):
        exchanged = expression.subs({a: b, b: a}, simultaneous=True)
        if not _failure(before, "=", exchanged, 0):
            return f"It looks **transposed**: with {a} and {b} exchanged it is right.", "transposed"
    return None


def _where(points, values, before, expression):
    """Wrong only where two classes coincide, or only where they do not."""
    right = [abs(a - b) <= mp.mpf(10) ** -20 * max(abs(a), abs(b)) for a, b in values]
    for a, b in combinations(sorted(indices_of(before, expression), key=str), 2):
        coincide = [point[a] == point[b] for point in points]
        if len(set(coincide)) == 1:
            continue
        for same, here, there in ((True, "=", "≠"), (False, "≠", "=")):
            if all(ok for ok, c in zip(right, coincide, strict=True) if c is not same):
                words = f"The two agree wherever {a} {there} {b}, and differ where {a} {here} {b}."
                return words, f"wrong where {a} {here} {b}"
    return None


def _constant(values):
    gaps = [right - left for left, right in values]
    if gaps and abs(gaps[0]) > 0 and _same(gaps):
        more = f"{_number(abs(gaps[0]))} too {'large' if gaps[0] > 0 else 'small'}"
        return f"It looks like a **constant**: the line is {more} everywhere.", "constant"
    return None


# Functions


def _function(question, answer, parameters, seed):
    if not callable(answer):
        raise AnswerError(f"should be a function, and is a {type(answer).__name__}")
    points, says, mistakes = 0, [], []
    for probe in question.probes:
        examples = list(question.examples(probe, parameters, seed))
        words, mistake = _try(question, answer, probe, examples, parameters, seed)
        worth = f"{probe.points:g} point{'s' * (probe.points != 1)}"
        if words is None:
            points += probe.points
            says.append(f"- ✓ {probe.asks}: right at {len(examples)} inputs ({worth})")
        else:
            says.append(f"- ✗ {probe.asks} ({worth}): {words}")
            mistakes.append(mistake)
    unseen = question.points - sum(probe.points for probe in question.probes)
    if unseen > 0:
        says.append(f"- {unseen:g} more of the points are given when the homework is graded")
    status = "right" if not mistakes else "partly" if points else "wrong"
    return _finding(question, points, status, "\n".join(says), mistakes[0] if mistakes else None)


def _try(question, answer, probe, examples, parameters, seed):
    """None if a function is right at all examples, else what it looks like, and the mistake."""
    found, errors = [], []
    scale = _scale(*(expected for _, expected in examples))
    for inputs, expected in examples:
        try:
            value = _array(answer(*(array.copy()[()] for array in inputs)))
        except AnswerError as error:
            return f"at {_inputs(question, inputs)} {error}", "raises an error"
        found.append(value)
        errors.append(_error(value, expected, scale))
    worst = int(np.argmax(errors))
    if errors[worst] <= question.tolerance:
        return None, None
    inputs, expected = examples[worst]
    hint = _function_hint(question, probe, found, parameters, seed)
    words, mistake = _resembles(question, examples, found)
    where = f"at {_inputs(question, inputs)} it returns `{_shown(found[worst])}`"
    size = _how_wrong(found[worst], expected, scale)
    says = f"{where}{size}. {hint or words}"
    return says.strip(), hint or mistake


def _array(value):
    array = np.asarray(value)
    if array.dtype.kind not in "fiub":
        kind = "None" if value is None else f"a {type(value).__name__}"
        raise AnswerError(f"it returns {kind}, where numbers are asked for")
    return array.astype(float)


def _error(value, expected, scale=None):
    """The largest error of an entry, relative to the largest entry."""
    if value.shape != expected.shape or not np.isfinite(value).all():
        return np.inf
    return np.abs(value - expected).max(initial=0) / (scale or _scale(expected))


def _scale(*arrays):
    """The largest entry; 1 where all are zero."""
    largest = max(np.abs(array).max(initial=0) for array in arrays)
    return largest if largest > 1e-290 else 1


def _how_wrong(value, expected, scale):
    if value.shape != expected.shape:
        return f", of shape {value.shape} where {expected.shape} is asked for"
    if not np.isfinite(value).all():
        return ""
    error = np.abs(value - expected)
    place = np.unravel_index(error.argmax(), error.shape)
    entry = f"entry {list(map(int, place))} " if place else ""
    relative = f"{error.max() / scale:.1g}"
    return (
        f", {entry}off by {error.max():.2g} ({relative} of the largest entry)"
        if place
        else (f", off by {error.max():.2g} (relatively {relative})")
    )


def _function_hint(question, probe, found, parameters, seed):
    for mistake in question.mistakes:
        try:
            wrong = question.examples(probe, parameters, seed, mistake.definition)
            pairs = zip(found, (expected for _, expected in wrong), strict=True)
            if all(_error(value, expected) <= question.tolerance for value, expected in pairs):
                return mistake.hint
        except ProbeError:
            continue
    return None


def _resembles(question, examples, found):
    """What all the errors of a function have in common."""
    wanted = [expected for _, expected in examples]
    large = max(np.abs(a).max() for xs, _ in examples for a in xs if a.size) > LARGE
    sizes = [(value.shape, expected.shape) for value, expected in zip(found, wanted, strict=True)]
    if any(given != asked for given, asked in sizes):
        return _shape(question, examples, found)
    if not all(np.isfinite(value).all() for value in found):
        if large:
            words = "It overflows: **unstable for large scores**. Subtract the largest first."
            return words, "unstable for large scores"
        return "Some entries are not finite.", "not finite"

    def alike(change):
        pairs = zip(found, wanted, strict=True)
        return all(_error(value, change(expected)) <= 1e-6 for value, expected in pairs)

    if alike(lambda e: -e):
        return "It looks like the **sign**: with the other sign it is right.", "sign"
    if all(e.ndim >= 2 and e.shape[-1] == e.shape[-2] for e in wanted) and alike(
        lambda e: np.swapaxes(e, -1, -2)
    ):
        return "It looks **transposed**: exchange rows and columns.", "transposed"
    return (
        _common_factor(question, examples, found, alike)
        or _inaccurate(found, wanted, large)
        or _shifted(found, wanted)
        or _one_entry(question, examples, found)
        or ("", "wrong values")
    )


def _shape(question, examples, found):
    """Values of another shape: which of them, turned or averaged, would be right."""
    pairs = [(value, expected) for value, (_, expected) in zip(found, examples, strict=True)]

    def right(change):
        try:
            return all(_error(change(value), expected) <= 1e-6 for value, expected in pairs)
        except (ValueError, IndexError):
            return False

    if question.mean and right(lambda v: v.mean(axis=0)):
        return (
            "It looks like a **missing mean**: average over the rows of the batch.",
            "missing mean",
        )
    if right(np.transpose):
        return "It looks **transposed**: exchange rows and columns.", "transposed"
    for rows, name in ((np.mean, "the mean"), (np.sum, "the sum")):
        if all(
            _error(value, rows(expected, axis=0)) <= 1e-6
            for value, expected in pairs
            if expected.ndim
        ):
            return (
                f"You return {name} over the rows: one result for each is asked for.",
                f"{name} taken",
            )
    if all(value.size == expected.size for value, expected in pairs):
        if right(lambda v: v.reshape(pairs[0][1].shape)):
            return "The values are right, their **shape** is not.", "shape"
    return "Look at the **shape** of what you return.", "shape"


def _common_factor(question, examples, found, alike):
    both = [(v.ravel(), e.ravel()) for v, (_, e) in zip(found, examples, strict=True)]
    value, expected = (np.concatenate(parts) for parts in zip(*both, strict=True))
    length = expected @ expected
    factor = value @ expected / length if length > 0 else 0
    if abs(factor - 1) < 1e-6 or factor == 0:
        return None
    rows = {
        len(a)
        for xs, _ in examples
        for x, a in zip(question.arguments, xs, strict=True)
        if is_batch(question.argument(x), a)
    }
    if alike(lambda e: factor * e):
        if question.mean and len(rows) == 1 and abs(factor - max(rows)) < 1e-6 * factor:
            words = f"It is {max(rows)} times too large: a **missing mean**, sum instead of mean."
            return words, "missing mean"
        shown = _fraction(mp.mpf(factor)) if abs(factor) < 1e6 else f"{factor:.4g}"
        for base in (2, 10):
            if abs(factor * np.log(base) - 1) < 1e-6:
                return f"It looks like the logarithm to base {base}.", f"logarithm to base {base}"
        return (
            f"It looks like a **factor**: all is {shown} times what it should be.",
            f"factor {shown}",
        )
    return None


def _inaccurate(found, wanted, large):
    error = max(_error(value, expected) for value, expected in zip(found, wanted, strict=True))
    if large:
        words = "It is right for small scores only, if at all: **unstable for large scores**."
        return words, "unstable for large scores"
    if error < 1e-3:
        return f"About {-np.log10(error):.0f} digits are right: more are asked for.", "inaccurate"
    return None


def _shifted(found, wanted):
    if all(
        e.ndim and np.ptp(v - e) <= 1e-9 * (1 + np.abs(e).max())
        for v, e in zip(found, wanted, strict=True)
    ):
        return "All entries of a result are off by the same amount: a **constant**.", "constant"
    return None


def _one_entry(question, examples, found):
    """Wrong at the label only, or on the diagonal only."""
    off = [np.abs(v - e) > 1e-6 * _scale(e) for v, (_, e) in zip(found, examples, strict=True)]
    labels = [
        a
        for name, a in zip(
            question.arguments, zip(*(xs for xs, _ in examples), strict=True), strict=True
        )
        if question.argument(name).is_integer
        and all(x.ndim == 0 and x.dtype.kind in "iu" for x in a)
    ]
    if labels and all(
        o.ndim == 1 and not np.delete(o, int(y)).any() for o, y in zip(off, labels[0], strict=True)
    ):
        return "Only the entry of the right class is wrong.", "wrong where j = y"
    if labels and all(o.ndim == 1 and not o[int(y)] for o, y in zip(off, labels[0], strict=True)):
        return "Only the entry of the right class is right.", "wrong where j ≠ y"
    square = all(o.ndim == 2 and o.shape[0] == o.shape[1] for o in off)
    if square and all(not o[~np.eye(len(o), dtype=bool)].any() for o in off):
        return "Only the diagonal is wrong.", "the diagonal"
    if square and all(not np.diag(o).any() for o in off):
        return "Only the diagonal is right.", "off the diagonal"
    return None


def _inputs(question, inputs):
    given = zip(question.arguments, inputs, strict=True)
    return ", ".join(f"`{name} = {_shown(array)}`" for name, array in given)


def _shown(array):
    with np.printoptions(precision=4, threshold=12, edgeitems=2, suppress=False, linewidth=10**6):
        return re.sub(r"\s+", " ", np.array2string(np.asarray(array), separator=", "))


# Numbers


def _number_answer(question, answer, parameters, seed):
    try:
        x = mp.mpf(float(answer))
    except (TypeError, ValueError, OverflowError):
        raise AnswerError(f"should be a number, and is a {type(answer).__name__}") from None
    if not mp.isfinite(x):
        raise AnswerError("is not finite")
    gap = question.gap(question.equation, parameters)
    with mp.workdps(50):
        if _solves(gap, x, question.tolerance):
            return _finding(question, question.points, "right", "It solves the equation.")
        for mistake in question.mistakes:
            if _solves(question.gap(mistake.equation, parameters), x, question.tolerance):
                return _finding(question, 0, "wrong", mistake.hint, mistake.hint)
        words, mistake = _near(question, gap, x)
        return _finding(
            question, 0, "wrong", f"{_at_number(question, parameters, x)} {words}", mistake
        )


def _solves(gap, x, tolerance):
    """Whether there is a root within the tolerance, relative to the number."""
    width = abs(x) * mp.mpf(tolerance) if x else mp.mpf(tolerance)
    return root_between(gap, x - width, x + width) is not None


def _at_number(question, parameters, x):
    gap = question.gap(question.equation, parameters)(x)
    shown = _code(f"{question.equation[0]} = {question.equation[1]}")
    if gap is None:
        return f"With {question.unknown} = {_number(x)} the equation {shown} has no value."
    side = "larger" if gap > 0 else "smaller"
    return (
        f"With {question.unknown} = {_number(x)} the left side of {shown} "
        f"is {side} than the right one, by {_number(abs(gap))}."
    )


def _near(question, gap, x):
    near = [
        (-x, "It looks like the **sign**.", "sign"),
        (1 - x, "It looks like the complement: 1 minus your number is right.", "complement"),
        (x / 100, "It looks like a percentage: divide by 100.", "factor 100"),
        (x * 100, "It looks like a fraction of 100.", "factor 1/100"),
        (2 * x, "It looks like a **factor**: you give half of what it should be.", "factor 1/2"),
        (x / 2, "It looks like a **factor**: you give twice what it should be.", "factor 2"),
        (x * mp.log(2), "It looks like the logarithm to base 2.", "logarithm to base 2"),
        (x * mp.log(10), "It looks like the logarithm to base 10.", "logarithm to base 10"),
        (1 / x if x else x, "It looks like the reciprocal.", "reciprocal"),
    ]
    if _solves(gap, x, min(0.02, 1000 * question.tolerance)):
        return f"You are close: give it to a relative {question.tolerance:g}.", "inaccurate"
    for other, words, mistake in near:
        if _solves(gap, other, max(question.tolerance, 1e-3)):
            return words, mistake
    return "", "wrong number"


# Words


def _written(question, answer, parameters, seed):
    if not isinstance(answer, str):
        raise AnswerError(f"should be a text, and is a {type(answer).__name__}")
    count = len(answer.split())
    if not count:
        return _finding(question, 0, "missing", f"There is no `{question.answer}` yet.", "missing")
    low, high = question.words
    asked = "" if low <= count <= high else f" Between {low} and {high} are asked for."
    return _finding(question, 0, "to read", f"{count} words, to be read by a person.{asked}")


def _code(formula):
    """A formula of whatever origin as Markdown code, of bounded length."""
    plain = re.sub(r"[\s`|]+", " ", str(formula))
    return f"`{plain if len(plain) <= 160 else plain[:157] + '...'}`"


def _plain(error):
    return re.sub(r"[\s`|<>]+", " ", str(error))[:300].rstrip(". ")


def _point(point):
    return str(point)


def _number(value):
    if mp.isnan(value):
        return "none"
    return nstr(value, 6)


CHECKS = {
    "derivation": _derivation,
    "function": _function,
    "number": _number_answer,
    "written": _written,
}
