"""A student's function, tried against its definition; and what its errors look like."""

import math
from dataclasses import dataclass

import numpy as np

from lossnotes.homework.derivations import fraction
from lossnotes.homework.finding import AnswerError, NoAnswer, finding
from lossnotes.homework.probes import is_batch

LARGE = 30  # scores beyond this are called large
ALIKE = 1e-6  # errors that are told apart by their look are larger
LONGEST = 12  # entries of an array that is shown
NOTHING = "returns nothing"
TOLD = ("unstable for large scores", "shape", "missing mean", "sign", "transposed")  # of what hides


def check_function(question, answer, parameters, seed):
    """The points of every probe at whose inputs the function is right.

    `seed` is that of the probes which are shown and that of those which are hidden; of these
    nothing is told that a student's function could choose.
    """
    if not callable(answer):
        raise AnswerError(f"should be a function, and is a {type(answer).__name__}")
    shown, hidden = seed if isinstance(seed, tuple) else (seed, seed)
    points, says, mistakes, explained = 0, [], [], set()
    for probe in question.probes:
        worth = f"{probe.points:g} point{'s' * (probe.points != 1)}"
        seed = hidden if probe.hidden else shown
        examples = list(question.examples(probe, parameters, seed))
        # What is usual decides, not whether all entries happen to be tiny at inputs of one's own.
        usual = examples if seed == shown else question.examples(probe, parameters, shown)
        least = max(np.abs(expected).max(initial=0) for _, expected in usual)
        where, words, mistake = _tried(question, probe, answer, parameters, seed, examples, least)
        if mistake is None:
            points += probe.points
            says.append(f"- ✓ {probe.asks} ({worth}): right at {len(examples)} inputs.")
            continue
        mistakes.append(mistake)
        if probe.hidden:
            where = "it is wrong at inputs that are not shown."
            words = words if mistake in TOLD or mistake == words else ""
        if words and words in explained:
            words = "The same mistake."
        explained.add(words)
        says.append(f"- ✗ {probe.asks} ({worth}): {where} {words}".rstrip())
    if set(mistakes) == {NOTHING} and len(mistakes) == len(question.probes):
        return finding(
            question, 0, "missing", f"`{question.answer}` returns nothing yet.", "missing"
        )
    unseen = question.points - sum(probe.points for probe in question.probes)
    if unseen > 0:
        says.append(f"- {unseen:g} more of the points are given for inputs that you do not see.")
    status = "right" if not mistakes else "partly" if points else "wrong"
    return finding(question, points, status, "\n".join(says), mistakes[0] if mistakes else None)


def _tried(question, probe, answer, parameters, seed, examples, least):
    """Where the function is wrong, what it looks like, and the mistake; None if it is right."""
    try:
        found = [_call(question, answer, *each) for each in examples]
        trial = Trial(question, examples, found, least)
        if trial.worst_error <= question.tolerance:
            return None, None, None
        return trial.worst(), *trial.explain(question.hint(probe, parameters, seed, found))
    except NoAnswer as error:
        always = all(_returns_nothing(question, answer, *each) for each in examples)
        return str(error), "", NOTHING if always else "raises an error"
    except AnswerError as error:
        return str(error), "", "raises an error"


def _returns_nothing(question, answer, *example):
    try:
        _call(question, answer, *example)
    except AnswerError as error:
        return isinstance(error, NoAnswer)
    return False


def _call(question, answer, inputs, expected):
    """The value of the function as an array; the inputs are the student's own copies."""
    try:
        value = answer(*(array.copy()[()] for array in inputs))
        if value is None:
            raise NoAnswer("it returns nothing where numbers are asked for.")
        return _numbers(value, _most(inputs, expected), expected.shape)
    except AnswerError as error:
        raise type(error)(f"with {_given(question.arguments, inputs)} {error}") from None


def _most(inputs, expected):
    """How large an array may be that is looked at: as all that is expected, for all the inputs."""
    return 64 + 8 * max(expected.size, 1) * max((a.shape[0] for a in inputs if a.ndim), default=1)


def _numbers(value, most, shape):
    """The array of floats that a function returned. Raises AnswerError."""
    try:
        array = np.asarray(value)
    except ValueError as ragged:
        raise AnswerError(f"it returns no array of numbers: {ragged}.") from None
    if math.prod(max(size, 1) for size in array.shape) > most:
        many = " times ".join(map(str, array.shape))
        raise AnswerError(f"it returns {many} numbers, not an array of shape {shape}.")
    if array.dtype.kind == "O":  # one by one: NumPy would take None for a number
        try:
            return np.reshape([float(entry) for entry in array.flat], array.shape)
        except (TypeError, ValueError, OverflowError):
            pass
    elif array.dtype.kind in "fiub":
        return array.astype(float)
    raise AnswerError(f"it returns a {type(value).__name__} where numbers are asked for.")


@dataclass(frozen=True)
class Trial:
    """The values that were found at the inputs of one probe, beside those that are expected."""

    question: object
    examples: list  # of (inputs, expected)
    found: list
    least: float = 0  # an entry that is usual for the probe

    @property
    def wanted(self):
        return [expected for _, expected in self.examples]

    @property
    def pairs(self):
        return list(zip(self.found, self.wanted, strict=True))

    @property
    def scale(self):
        """The largest entry; 1 where all are zero."""
        largest = max(self.least, *(np.abs(wanted).max(initial=0) for wanted in self.wanted))
        return largest if largest > 1e-290 else 1

    def error(self, value, expected):
        """The largest error of an entry, relative to the largest entry."""
        if value.shape != expected.shape or not np.isfinite(value).all():
            return np.inf
        return np.abs(value - expected).max(initial=0) / self.scale

    @property
    def errors(self):
        return [self.error(value, expected) for value, expected in self.pairs]

    @property
    def worst_error(self):
        return max(self.errors)

    def alike(self, change):
        """Whether the values found are those expected after a change to these."""
        return all(self.error(value, change(expected)) <= ALIKE for value, expected in self.pairs)

    def explain(self, hint):
        """What the errors look like, and the mistake."""
        return (hint, hint) if hint else self.looks_like()

    def worst(self):
        """The input at which it is most wrong, and by how much; in a batch, the row."""
        place = int(np.argmax(self.errors))
        inputs, expected = self.examples[place]
        value, names = self.found[place], self.question.arguments
        batch = [is_batch(self.question.argument(x), a) for x, a in zip(names, inputs, strict=True)]
        if value.shape != expected.shape:
            shapes = f"an array of shape {value.shape}, not {expected.shape}."
            return f"with {_given(names, inputs)} it returns {shapes}"
        gap = np.abs(np.where(np.isfinite(value), value - expected, np.inf))
        entry = tuple(map(int, np.unravel_index(gap.argmax(), gap.shape)))
        row = ""
        if any(batch) and not self.question.mean:
            row = f"in row {entry[0]} of a batch, "
            inputs = [a[entry[0]] if b else a for a, b in zip(inputs, batch, strict=True)]
            value, entry, gap = value[entry[0]], entry[1:], gap[entry[0]]
        says = f"{row}with {_given(names, inputs)} it returns {_shown(value, entry)}"
        if not np.isfinite(gap[entry]):
            return f"{says}."
        where = f"; entry {list(entry)} is off by" if entry else ", off by"
        return f"{says}{where} {gap[entry]:.2g}."

    def looks_like(self):
        """What all the errors have in common, for the student and as a key."""
        if any(value.shape != expected.shape for value, expected in self.pairs):
            return self._shape()
        if not all(np.isfinite(value).all() for value in self.found):
            return self._overflow()
        return (
            self._sign()
            or self._transposed()
            or self._factor()
            or self._places()
            or self._unstable()
            or self._constant()
            or ("", "wrong values")
        )

    @property
    def large(self):
        return any(np.abs(a).max() > LARGE for inputs, _ in self.examples for a in inputs if a.size)

    def _overflow(self):
        if self.large:
            words = "It overflows: **unstable for large scores**. Take the largest off them first."
            return words, "unstable for large scores"
        return "Some of it is no finite number.", "not finite"

    def _unstable(self):
        if self.large and self.worst_error <= 0.1:
            words = "It loses its digits: **unstable for large scores**."
            return words, "unstable for large scores"
        if self.worst_error < 1e-3:
            digits = int(-np.log10(self.worst_error))
            return f"About {digits} digits are right, more are asked for.", "inaccurate"
        return None

    def _sign(self):
        if self.alike(np.negative):
            return "It looks like the **sign**: with the other sign it is right.", "sign"
        return None

    def _transposed(self):
        square = all(e.ndim >= 2 and e.shape[-1] == e.shape[-2] for e in self.wanted)
        if square and self.alike(lambda expected: np.swapaxes(expected, -1, -2)):
            return "It looks **transposed**: exchange rows and columns.", "transposed"
        return None

    def _factor(self):
        sides = zip(*self.pairs, strict=True)
        value, expected = (np.concatenate([a.ravel() for a in side]) for side in sides)
        length = expected @ expected
        factor = value @ expected / length if length else 0
        if abs(factor - 1) < ALIKE or not factor or not self.alike(lambda e: factor * e):
            return None
        rows = self._rows()
        if self.question.mean and rows and abs(factor / rows - 1) < ALIKE:
            return "It looks like a **missing mean**: a sum over the batch.", "missing mean"
        for base in (2, 10):
            if abs(factor * np.log(base) - 1) < ALIKE:
                words = f"It looks like the logarithm to base {base} in place of the natural one."
                return words, f"logarithm to base {base}"
        shown = fraction(factor)
        words = f"It looks like a **factor**: all of it is {shown} times what it should be."
        return words, f"factor {shown}"

    def _rows(self):
        """The number of rows of the batches, if it is the same in all."""
        names = self.question.arguments
        rows = {
            len(array)
            for inputs, _ in self.examples
            for name, array in zip(names, inputs, strict=True)
            if is_batch(self.question.argument(name), array)
        }
        return rows.pop() if len(rows) == 1 else None

    def _places(self):
        """Wrong only at the label or only elsewhere, only on the diagonal or only beside it."""
        off = [np.abs(value - expected) > ALIKE * self.scale for value, expected in self.pairs]
        marks = self._marks()
        if (
            marks is None
            or not any(map(np.any, off))
            or any(mark.shape != o.shape for mark, o in zip(marks, off, strict=True))
        ):
            return None
        name, mistake = (
            ("entry of the right class", "the right class")
            if off[0].ndim == 1
            else ("diagonal", "the diagonal")
        )
        wrong_inside = any((o & m).any() for o, m in zip(off, marks, strict=True))
        wrong_outside = any((o & ~m).any() for o, m in zip(off, marks, strict=True))
        if not wrong_outside:
            return f"Only the {name} is wrong.", f"wrong at {mistake}"
        if not wrong_inside:
            return f"Only the {name} is right.", f"right only at {mistake}"
        return None

    def _marks(self):
        """For each result a mask: of its diagonal, or of the entry at the label."""
        if all(e.ndim == 2 and e.shape[0] == e.shape[1] for e in self.wanted) and not self._rows():
            return [np.eye(len(expected), dtype=bool) for expected in self.wanted]
        for place, name in enumerate(self.question.arguments):
            symbol = self.question.argument(name)
            labels = [inputs[place] for inputs, _ in self.examples]
            if symbol.is_integer and all(a.ndim == 0 and a.dtype.kind in "iu" for a in labels):
                return [np.arange(e.size) == a for a, e in zip(labels, self.wanted, strict=True)]
        return None

    def _constant(self):
        if all(e.ndim and np.ptp(v - e) <= ALIKE * self.scale for v, e in self.pairs):
            words = "It looks like a **constant**: all entries are off by the same amount."
            return words, "constant"
        return None

    def _shape(self):
        """Which change of shape would make it right."""
        given = self.found
        if self.question.mean and self._is_right([v.mean(axis=0) if v.ndim else v for v in given]):
            return "It looks like a **missing mean**: average over the rows.", "missing mean"
        if self._is_right([v.T for v in given]):
            return "It looks **transposed**: exchange rows and columns.", "transposed"
        if all(e.ndim for e in self.wanted):
            for name, over_rows in (("mean", np.mean), ("sum", np.sum)):
                if all(self.error(v, over_rows(e, axis=0)) <= ALIKE for v, e in self.pairs):
                    words = f"It is the {name} over the rows: one result for each is asked for."
                    return words, f"{name} over the rows"
        if all(v.size == e.size for v, e in self.pairs) and self._is_right(
            [v.reshape(e.shape) for v, e in self.pairs]
        ):
            return "The values are right, only the **shape** is not.", "shape"
        return "Look at the **shape** of what you return.", "shape"

    def _is_right(self, values):
        return Trial(self.question, self.examples, values, self.least).worst_error <= ALIKE


def _given(names, inputs):
    return ", ".join(
        f"`{name} = {_digits(array)}`" for name, array in zip(names, inputs, strict=True)
    )


def _shown(value, entry):
    """The whole result if it is short, else the entry in question."""
    if value.size <= LONGEST:
        return f"`{_digits(value)}`"
    return f"an array whose entry {list(entry)} is `{value[entry]:.4g}`"


def _digits(array):
    numbers = {"float_kind": lambda x: f"{x:.4g}"}
    shown = np.array2string(
        np.asarray(array), separator=", ", threshold=LONGEST, edgeitems=2, formatter=numbers
    )
    return " ".join(shown.split())
