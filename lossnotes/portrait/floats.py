"""Rows: what floating-point numbers make of the formula as it was typed.

Every operation is rounded once, as a program does that follows the formula: a named quantity by its
definition, a sum from its first term on. SymPy keeps the terms of a sum in an order of its own.
"""

import math
import struct
from dataclasses import dataclass

from mpmath import mp
from sympy import (
    Add,
    E,
    Heaviside,
    Indexed,
    Integer,
    KroneckerDelta,
    Max,
    Min,
    Mul,
    Pow,
    Sum,
    exp,
    log,
)

from lossnotes.derive.symbols import LSE, Entry, K, Quantity, entry, log_loss, maximum, softmax
from lossnotes.portrait import search
from lossnotes.portrait.table import Row

MARGINS = (
    -700,
    -300,
    -100,
    -88,
    -50,
    -37,
    -20,
    -10,
    -1,
    0,
    1,
    10,
    17,
    20,
    37,
    50,
    88,
    100,
    300,
    700,
)
DIGITS = {"float64": 15, "float32": 6}  # that a number of the format holds
EXACT = 400  # digits of the exact value, which may be beside e^-700
FUNCTIONS = {"Abs": abs, "sign": lambda x: (x > 0) - (x < 0)} | {
    name: getattr(math, name) for name in "sin cos tan tanh sinh cosh sqrt".split()
}


class Broken(ArithmeticError):
    """No finite number comes out."""


def float64(loss):
    """The digits that are lost in double precision, margins from -700 to 700."""
    return _row(loss, "float64")


def float32(loss):
    """The digits that are lost in single precision, margins from -700 to 700."""
    return _row(loss, "float32")


def suggestion(loss):
    """A rule of the library that saves digits, if one applies; tried like the formula itself."""
    rules = []
    typed = loss.typed
    if any(isinstance(part.args[0], Entry) for part in typed.atoms(log)) or typed.has(
        log_loss, LSE
    ):
        rules.append("log_softmax(s)[y] for the logarithm of a probability")
    if _complements(typed):
        rules.append("the sum of the other probabilities for 1 - p_y")
    if not rules:
        return Row("suggested form", None, "no rule of lossnotes.losses.softmax applies")
    before = [_lost(loss, margin, "float64", False) for margin in MARGINS]
    after = [_lost(loss, margin, "float64", True) for margin in MARGINS]
    worst = max((x for x in after if x is not None), default=None)
    if worst is None or sum(filter(None, after)) >= sum(filter(None, before)):
        return Row("suggested form", None, "the rules that apply save no digits")
    says = f"{' and '.join(rules)}: then at most {worst} of 15 digits were lost in float64"
    return Row("suggested form", True, says, (Measured(len(MARGINS)),))


@dataclass(frozen=True)
class Measured:
    """The verdict of numbers computed at so many margins: nothing is claimed elsewhere."""

    margins: int
    kind = "computed"
    witness = None

    @property
    def verdict(self):
        return self

    def __bool__(self):
        return True

    def __str__(self):
        return f"computed at {self.margins} margins"


def _row(loss, form):
    lost = {margin: _lost(loss, margin, form, False) for margin in MARGINS}
    known = {margin: digits for margin, digits in lost.items() if digits is not None}
    if not known:
        return Row(form, None, "its values could not be computed")
    broken = [margin for margin, digits in known.items() if digits > DIGITS[form]]
    usable = [digits for digits in known.values() if digits <= DIGITS[form]]
    says = f"of {DIGITS[form]} digits the formula as typed lost at most {max(usable, default=0)}"
    if none_left := [m for m, digits in known.items() if digits == DIGITS[form]]:
        says += f" (all at the margins {', '.join(map(str, none_left))})"
    if broken:
        says += f"; no finite number came out at the margins {', '.join(map(str, broken))}"
    worst = max(known.values())
    says += f"{loss.at_numbers}, the other scores being zero"
    return Row(form, worst <= 2, says, (Measured(len(known)),))


def _lost(loss, margin, form, careful):
    """The digits lost at a margin: one more than there are where nothing finite comes out."""
    size = max(loss.sizes[0], 2)
    point = [margin] + [0] * (size - 1)
    exact = search.number(loss, loss.value, point, EXACT)
    if exact is None or not mp.isfinite(exact):
        return None
    most = DIGITS[form]
    machine = Machine(loss, point, form, careful)
    try:
        found = machine.value(loss.fixed(loss.value.xreplace({loss.y: Integer(1)})), {})
    except (Broken, ArithmeticError, ValueError):
        return most + 1
    except (TypeError, KeyError):
        return None
    if not math.isfinite(found):
        return most + 1
    smallest = {"float64": mp.mpf(2) ** -1022, "float32": mp.mpf(2) ** -126}[form]
    if abs(exact) < smallest:  # below what the format holds: nothing is lost if it says so
        return 0 if abs(found) <= 2 * smallest else most
    with mp.workdps(EXACT):
        error = abs(mp.mpf(found) - exact) / abs(exact)
        if error == 0:
            return 0
        right = int(mp.floor(-mp.log10(error)))
    return min(most, max(0, most - right))


class Machine:
    """Computes an expression in rounded numbers; `careful` follows the rules of the library."""

    def __init__(self, loss, point, form, careful):
        self.loss, self.point, self.form, self.careful = loss, point, form, careful
        self.others = loss.point_of(len(point))

    def rounded(self, number):
        number = float(number)
        if self.form == "float64":
            return number
        try:
            return struct.unpack("f", struct.pack("f", number))[0]
        except OverflowError:
            return math.copysign(math.inf, number)

    def value(self, part, bound):
        return self.rounded(self._value(part, bound))

    def _value(self, part, bound):
        if part in bound:
            return bound[part]
        if part.is_number and not part.args:
            return float(part)
        if part == K:
            return len(self.point)
        if isinstance(part, Indexed):
            index = int(self.value(part.indices[0], bound))
            if part.base == self.loss.s:
                return self.point[index - 1]
            return float(self.others[part.base][index - 1])
        if self.careful and (special := self._carefully(part, bound)) is not None:
            return special
        if isinstance(part, maximum):
            return self._maximum(part, bound)
        if isinstance(part, (Quantity, Entry)):
            return self.value(part.definition(), bound)
        if isinstance(part, Sum):
            return self._sum(part, bound)
        if isinstance(part, Add):
            return self._added([self.value(x, bound) for x in part.args])
        if isinstance(part, Mul):
            above, below = part.as_numer_denom()
            if below != 1:
                bottom = self.value(below, bound)
                if bottom == 0:
                    raise Broken
                return self.value(above, bound) / bottom
            whole = 1.0
            for factor in part.args:
                whole = self.rounded(whole * self.value(factor, bound))
            return whole
        if isinstance(part, exp) or part.is_Pow and part.base == E:
            try:
                return math.exp(self.value(part.exp, bound))
            except OverflowError:
                return math.inf
        return self._function(part, bound)

    def _function(self, part, bound):
        if isinstance(part, Heaviside):
            return float(self.value(part.args[0], bound) > 0)
        found = [self.value(x, bound) for x in part.args]
        if isinstance(part, Pow):
            if found[0] == 0 and found[1] < 0:
                raise Broken
            return found[0] ** found[1]
        if isinstance(part, log):
            if found[0] == 0:
                return -math.inf
            return math.log(found[0])
        if isinstance(part, (Max, Min)):
            return (max if isinstance(part, Max) else min)(found)
        if isinstance(part, KroneckerDelta):
            return float(found[0] == found[1])
        return FUNCTIONS[type(part).__name__](*found)

    def _sum(self, whole, bound):
        index, lower, upper = whole.limits[0]
        first, last = (int(self.value(x, bound)) for x in (lower, upper))
        terms = (self.value(whole.function, bound | {index: n}) for n in range(first, last + 1))
        return self._added(terms)

    def _added(self, terms):
        whole = 0.0
        for term in terms:
            whole = self.rounded(whole + term)
        return whole

    def _maximum(self, part, bound):
        vector, *within = part.args
        classes = range(1, len(self.point) + 1)
        if within:
            other = int(self.value(within[0].args[0], bound))
            classes = [n for n in classes if n != other]
        return max(self.value(entry(vector, Integer(n)), bound) for n in classes)

    def _carefully(self, part, bound):
        """log p_j from the largest score, and 1 - p_j from the other classes; else None."""
        own = softmax(self.loss.s)
        if isinstance(part, log_loss) and not isinstance(part.args[1], Quantity):
            return self.value(-log(softmax(part.args[0])[part.args[1]]), bound)
        if isinstance(part, log) and isinstance(part.args[0], Entry):
            if part.args[0].args[0] == own:
                label = int(self.value(part.args[0].args[1], bound))
                weights = [math.exp(x - self.point[label - 1]) for x in self.point]
                rest = [w for n, w in enumerate(weights, 1) if n != label]
                return -math.log1p(math.fsum(rest))
        if isinstance(part, Entry) and part.args[0] == own:
            return self._probabilities()[int(self.value(part.args[1], bound)) - 1]
        if isinstance(part, Add):
            for one, entry_ in _complements(part):
                if part == one - entry_ and entry_.args[0] == own:
                    label = int(self.value(entry_.args[1], bound))
                    return math.fsum(
                        p for n, p in enumerate(self._probabilities(), 1) if n != label
                    )
        return None

    def _probabilities(self):
        top = max(self.point)
        weights = [math.exp(x - top) for x in self.point]
        return [w / math.fsum(weights) for w in weights]


def _complements(expression):
    """Pairs (1, p_j) for each 1 - p_j in an expression."""
    return [
        (Integer(1), -part.args[1])
        for part in expression.atoms(Add)
        if len(part.args) == 2 and part.args[0] == 1 and isinstance(-part.args[1], Entry)
    ]
