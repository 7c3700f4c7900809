"""Numerical confirmation: a gradient in code against the formula and against differences.

    confirm(log_loss, log_loss_grad, [([0.3, -1.2, 2.0], 1)], symbolic=derivation.result)

Three things that share no code are compared: the NumPy gradient, the symbolic gradient at exactly
the floats given, and a numerical derivative of the NumPy value. Classes count from 0 in code and
from 1 in symbols.
"""

import warnings
from dataclasses import dataclass, replace
from html import escape
from inspect import Parameter, Signature, signature
from math import ceil, frexp, inf, isfinite, ldexp, log2, log10

import numpy as np
from mpmath import mp
from sympy import Add, IndexedBase, expand_mul, sympify

from lossnotes.derive.points import Point, indices_of, symbols_of
from lossnotes.derive.symbols import Classes, K, Probabilities, VectorQuantity
from lossnotes.derive.values import Excluded, Undefined, evaluate

ULPS = 8  # how far the NumPy gradient may be from the exact one
DIGITS = 380  # fifty of whatever a float64 can hold beside a term of order one, such as e^-700
LEAP = 8  # from one step to the next, where the differences have settled
COLUMNS = 30  # of an extrapolation: one more would add 4^-31 of a difference, less than an ulp
VISIBLE = 0.1  # a relative error that must be refused wherever something counts as seen


class ConfirmationError(AssertionError):
    """A gradient that is wrong; `check` is the comparison that refuses it most clearly."""

    def __init__(self, message, check):
        super().__init__(message)
        self.check = check


@dataclass(frozen=True)
class Confirmation:
    """What was compared, how well it agreed, and what would have been noticed."""

    points: int
    entries: int  # without those that are zero, and of which nothing could be seen
    ulps: float | None  # worst error against the symbolic gradient; None without one
    where: str  # the point and the entry of that error
    disagreement: float | None  # worst one with the differences, as a part of its tolerance;
    # None where they are too coarse to tell the gradient from zero
    power: float  # a factor 1 + power on the whole gradient would have been refused,
    entry_power: float  # and this one on any single entry at any single point,
    unseen: int  # except for so many entries, which could be zero and nobody would notice

    def _rows(self):
        yield "compared", f"{_count(self.entries, 'entry', 'entries')} at {_count(self.points)}"
        if self.ulps is not None:  # in powers of two: the last digits differ between machines
            bound = 2 ** max(1, ceil(log2(max(self.ulps, 1))))
            place = f", worst at {self.where}" if bound > 2 else ""
            yield "from the formula", f"at most {bound} ulps{place}"
        if self.disagreement is None:
            yield "from the differences", "nothing to be seen: their error hides the gradient"
        else:
            part = "half" if self.disagreement <= 0.5 else "all"
            yield "from the differences", f"at most {part} of their own error"
        factor = self._factor(self.power)
        yield "would notice", f"{factor} on the whole gradient, perhaps no smaller error"
        if self.entry_power < inf:
            yield "in one entry alone", self._factor(self.entry_power)
        if self.unseen:
            yield "too small to be seen", _count(self.unseen, "entry", "entries")

    def _factor(self, power):
        """The next power of ten, and without a formula the next odd one.

        Most differences find twelve digits, some a little more on one machine than on another.
        """
        exponent = ceil(log10(power))
        if self.ulps is None and exponent % 2 == 0:
            exponent += 1
        return f"a factor 1 + {10.0**exponent:.0e}"

    def __repr__(self):
        return "\n".join(["confirmed", *(f"  {name}: {value}" for name, value in self._rows())])

    def _repr_html_(self):
        rows = "\n".join(
            f'<tr><th scope="row">{name}</th><td>{escape(value)}</td></tr>'
            for name, value in self._rows()
        )
        caption = "<caption>Numerical confirmation</caption>"
        return f'<table class="confirmation">{caption}<tbody>\n{rows}\n</tbody></table>'


def _count(number, one="point", many="points"):
    return f"{number} {one if number == 1 else many}"


@dataclass(frozen=True)
class Check:
    """An entry of the gradient at a point, or entry - other, beside what it should be."""

    kind: str
    point: int
    entry: int
    other: int | None
    found: float
    expected: float
    residual: float  # found - expected, before rounding
    tolerance: float

    def of(self, gradients):
        gradient = gradients[self.point]
        return gradient[self.entry] - (0 if self.other is None else gradient[self.other])

    def refuses(self, changes):
        """Whether the gradients with these changes added would be refused."""
        return not abs(self.residual + self.of(changes)) <= self.tolerance

    @property
    def distance(self):
        return abs(self.residual) / self.tolerance

    @property
    def certain(self):
        """The smallest change that is refused whatever its sign: rounding may use up one half."""
        return 2 * self.tolerance


def confirm(value, gradient, at, symbolic=None, wrt=None):
    """Confirm that `gradient` is the derivative of `value` at the points `at`.

    value      a NumPy function with a scalar result
    gradient   of the same parameters: its derivative by the parameter `wrt` (default: the first),
               of that argument's shape, (K,) or (); one example a point, no batches
    at         points, each a dict of arguments or a tuple in the order of the parameters
    symbolic   the j-th entry of the gradient, without Derivative, its symbols named like the
               parameters; a lone set of classes may stand for the mask, and a lone vector for
               the one vector argument left, whatever they are called

    From `symbolic` an entry may be 8 ulps away, and what moving each float given by an ulp would
    change; from the extrapolated differences their error estimate, and 8 ulps. Their steps go from
    the scale of the argument down to a few of its ulps, whatever that is. The precision is that of
    the argument, float32 or float64. Where the value only takes vectors of probabilities, the
    differences stay among them, and see the gradient up to a constant only.

    Raises ConfirmationError, with the worst point, for a wrong gradient; ValueError for bad input,
    a kink, and a confirmation that could not have failed because a mutant of the gradient passes,
    or because it would not have noticed an error of a tenth.
    """
    points = [Arguments(value, gradient, point) for point in at]
    if not points:
        raise ValueError("at holds no points, so that nothing is confirmed")
    wrt = wrt or next(iter(points[0].named), None)
    for point in points:
        point.choose(wrt)
    gradients = [_gradient(gradient, point, wrt) for point in points]
    formulas = [symbolic is not None and Formula(symbolic, point.named, wrt) for point in points]
    checks = []
    for number, (point, found) in enumerate(zip(points, gradients, strict=True)):
        formula = formulas[number]
        if formula:
            checks += _against_formula(formula, number, found)
        on_simplex = _on_simplex(value, point, wrt) or (formula and formula.on_simplex)
        checks += _against_differences(value, number, point, wrt, found, on_simplex)
    worst = max(checks, key=lambda check: check.distance, default=None)
    if worst and worst.distance > 1:
        raise ConfirmationError(_complaint(worst, checks, points), worst)
    for name, changes in _mutants(gradients, formulas):
        if not _refused(checks, changes):
            raise ValueError(f"the confirmation could not have failed: {name} passes as well")
    return _confirmation(checks, points, gradients, np.finfo(points[0].named[wrt].dtype).dtype)


class Arguments:
    """A point: what value and gradient are called with.

    places     the names of the arguments that are passed one after another
    keywords   the names of those that are passed by name
    named      every argument by its name, those included that value has by default
    """

    def __init__(self, value, gradient, point):
        if not isinstance(point, (dict, tuple, list)):
            raise ValueError(f"at: the point {point} is neither a dict nor a tuple of arguments")
        arguments = () if isinstance(point, dict) else tuple(map(_array, point))
        by_name = {n: _array(v) for n, v in point.items()} if isinstance(point, dict) else {}
        ours, theirs = _signature("value", value), _signature("gradient", gradient)
        try:
            ours.bind(*arguments, **by_name)
        except TypeError as error:
            raise ValueError(f"at: the point {point} does not fit value{ours}: {error}") from None
        self.places, self.keywords = _places(ours, len(arguments)), tuple(by_name)
        given = dict(zip(self.places, arguments, strict=True)) | by_name
        given = {name: given[name] for name in ours.parameters if name in given} | given
        defaults = {
            name: parameter.default
            for name, parameter in ours.parameters.items()
            if name not in given and parameter.default is not Parameter.empty
        }
        self.named = given | {name: _array(default) for name, default in defaults.items()}
        for name, array in self.named.items():
            if np.ma.isMaskedArray(array):
                raise ValueError(f"{name} is a masked array: its mask would be lost")
        self.for_gradient = [  # what value has by default, and gradient has not
            name
            for name, default in defaults.items()
            if name in theirs.parameters and theirs.parameters[name].default is not default
        ]
        try:
            theirs.bind(*arguments, **by_name, **dict.fromkeys(self.for_gradient))
            fits = _same_order(ours, theirs, len(arguments))
        except TypeError:
            fits = False
        if not fits:
            raise ValueError(f"gradient{theirs} does not have the parameters {[*given]}")

    def choose(self, wrt):
        """Make the argument `wrt` an array of floats."""
        if wrt not in self.named:
            raise ValueError(f"wrt: {wrt} is none of the parameters {[*self.named]}")
        self.named[wrt] = _argument(wrt, self.named[wrt])

    def passed_to(self, function, **changed):
        """What the function answers, as an array, with some arguments changed or added."""
        arguments = {
            name: np.array(given)[()] if isinstance(given, np.ndarray) else given
            for name, given in (self.named | changed).items()
        }
        passed = (arguments[name] for name in self.places)
        by_name = {*self.keywords, *changed} - {*self.places}
        answer = function(*passed, **{name: arguments[name] for name in by_name})
        if np.ma.isMaskedArray(answer):
            raise ValueError(f"the answer {answer} is a masked array: its mask would be lost")
        return np.asarray(answer)

    def __str__(self):
        return ", ".join(
            f"{name} = {given.tolist() if isinstance(given, np.ndarray) else given}"
            for name, given in self.named.items()
        )


def _signature(name, function):
    if not callable(function):
        raise ValueError(f"{name} is {function!r}, not a function")
    try:
        return signature(function)
    except ValueError:  # as of some functions that are not written in Python
        return Signature([Parameter("argument", Parameter.VAR_POSITIONAL)])


def _in_order(of):
    """The parameters that may be passed one after another."""
    kinds = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
    return [parameter for parameter in of.parameters.values() if parameter.kind in kinds]


def _places(of, count):
    """The names of the first arguments: those of an *args are args[0], args[1], ..."""
    names = [parameter.name for parameter in _in_order(of)]
    rest = [name for name, p in of.parameters.items() if p.kind is Parameter.VAR_POSITIONAL]
    return [*names, *(f"{name}[{i}]" for name in rest for i in range(count - len(names)))][:count]


def _same_order(ours, theirs, count):
    """Whether the first arguments mean the same to both, by the names that they have there."""
    pairs = zip(_in_order(ours)[:count], _in_order(theirs)[:count], strict=False)
    nameless = Parameter.POSITIONAL_ONLY
    return all(a.name == b.name or nameless in (a.kind, b.kind) for a, b in pairs)


def _array(given):
    try:
        return np.array(given) if isinstance(given, (list, tuple)) else given
    except ValueError:  # rows that differ in length
        return given


def _argument(name, given):
    array = np.array(given)
    if array.dtype.kind in "iu":
        array = array.astype(np.float64)
    array = array.astype(array.dtype.newbyteorder("="))
    if array.dtype not in (np.float32, np.float64):
        raise ValueError(f"{name} has dtype {array.dtype}, not float32 or float64")
    if array.ndim > 1:
        raise ValueError(f"{name} has shape {array.shape}: give one example a point, not a batch")
    if np.isnan(array).any():
        raise ValueError(f"{name} holds a NaN: {array}")
    return array


def _gradient(gradient, point, wrt):
    missing = {name: point.named[name] for name in point.for_gradient}
    found, shape = point.passed_to(gradient, **missing), point.named[wrt].shape
    if found.shape != shape:
        raise ValueError(f"gradient has shape {found.shape}, but {wrt} {shape}")
    if found.dtype.kind not in "fiu" or not np.isfinite(found).all():
        raise ValueError(f"gradient is {found}, not finite and real, at {point}")
    return found.astype(np.float64).ravel()


def _ulp(number, dtype):
    return float(np.spacing(np.abs(dtype.type(float(number)))))


class Formula:
    """A symbolic gradient at a point: its symbols stand for arguments."""

    def __init__(self, symbolic, point, wrt):
        self.expression, self.dtype = sympify(symbolic), point[wrt].dtype
        if isinstance(self.expression, VectorQuantity):
            raise ValueError(f"symbolic is the vector {self.expression}: give its entry [j]")
        vectors, scalars = symbols_of(self.expression)
        self.labels = indices_of(self.expression)
        names, unnamed = self._meet([*vectors, *scalars], point)
        self.index = unnamed.pop() if point[wrt].ndim and len(unnamed) == 1 else None
        if unnamed or (self.index and self.index not in self.labels):
            unknown = ", ".join(map(str, unnamed or [self.index]))
            raise ValueError(f"symbolic has {unknown}, which no argument of {[*point]} fits")
        self.on_simplex = any(
            isinstance(symbol, Probabilities) and name == wrt for symbol, name in names.items()
        )
        sizes = [np.size(given) for given in point.values() if np.ndim(given)]
        self.numbers = {K: point.get("classes", sizes[0] if sizes else 1)}
        for symbol, name in names.items():
            self.numbers[symbol] = self._number(symbol, name, point[name])

    @staticmethod
    def _meet(symbols, point):
        """The argument of each symbol, and the symbols left without."""
        names = {}
        kinds = {name: _kind(given) for name, given in point.items()}
        for symbol in symbols:
            if kinds.get(str(symbol)) == _kind_of_symbol(symbol):
                names[symbol] = str(symbol)
        for kind in ("vector", "mask"):
            alone = [s for s in symbols if s not in names and _kind_of_symbol(s) == kind]
            left = [n for n in kinds if n not in names.values() and kinds[n] == kind]
            if len(alone) == len(left) == 1:
                names[alone[0]] = left[0]
        return names, [symbol for symbol in symbols if symbol not in names]

    def _number(self, symbol, name, given):
        if isinstance(symbol, Classes):
            return frozenset(int(i) + 1 for i in np.flatnonzero(given))
        if np.ndim(given):
            return [mp.mpf(float(number)) for number in given]
        if not symbol.is_integer:
            return mp.mpf(float(given))
        label = symbol in self.labels
        if given != int(given) or (label and not 0 <= given < self.numbers[K]):
            raise ValueError(f"{name} = {given} is no class from 0 to {self.numbers[K] - 1}")
        return int(given) + label

    def at(self, entries, numbers=None, expression=None, digits=DIGITS):
        """The entries, evaluated with so many digits; sums over all classes only once."""
        expression, sums = self.expression if expression is None else expression, {}
        return [
            self._evaluated(
                expression,
                Point((numbers or self.numbers) | ({self.index: k + 1} if self.index else {})),
                sums,
                digits,
            )
            for k in entries
        ]

    @staticmethod
    def _evaluated(expression, point, sums, digits):
        with mp.workdps(digits):
            try:
                found = evaluate(expression, point, sums=sums)
            except (Excluded, Undefined, ValueError) as error:
                raise ValueError(f"symbolic has no value at {point}: {error}") from None
        if not isfinite(float(found)):
            raise ValueError(f"symbolic is {found} at {point}")
        return mp.mpf(found)

    def spreads(self, exact):
        """How much each entry changes in all when each float moves by an ulp."""
        entries, spreads = range(len(exact)), [0.0] * len(exact)
        rough = self.at(entries, digits=50)
        cancelling = [k for k in entries if abs(rough[k] - exact[k]) >= abs(exact[k]) / 10**25]
        others = [k for k in entries if k not in cancelling]
        for some, base, digits in ((others, rough, 50), (cancelling, exact, DIGITS)):
            for moved in self._moved() if some else ():
                for k, found in zip(some, self.at(some, moved, digits=digits), strict=True):
                    spreads[k] += float(abs(found - base[k]))
        return spreads

    def _moved(self):
        for symbol, number in self.numbers.items():
            for place, part in enumerate(number if isinstance(number, list) else [number]):
                if isinstance(part, mp.mpf) and part and mp.isfinite(part):
                    with mp.workdps(DIGITS):
                        moved = part + _ulp(part, self.dtype)
                    if isinstance(number, list):
                        moved = [*number[:place], moved, *number[place + 1 :]]
                    yield self.numbers | {symbol: moved}


def _kind(given):
    array = np.asarray(given)
    if array.ndim == 0:
        return "scalar"
    return "mask" if array.dtype == bool else "vector"


def _kind_of_symbol(symbol):
    if isinstance(symbol, IndexedBase):
        return "vector"
    return "mask" if isinstance(symbol, Classes) else "scalar"


def _against_formula(formula, number, found):
    values = formula.at(range(len(found)))
    spreads = formula.spreads(values)
    for entry, (got, exact, spread) in enumerate(zip(found, values, spreads, strict=True)):
        tolerance = ULPS * _ulp(exact, formula.dtype) + spread
        with mp.workdps(DIGITS):
            residual = float(mp.mpf(got) - exact)
        yield Check("formula", number, entry, None, got, float(exact), residual, tolerance)


def _against_differences(value, number, point, wrt, found, on_simplex):
    x = point.named[wrt]
    other = int(np.argmax(x)) if on_simplex else None
    for entry in range(x.size):
        if entry == other:
            continue
        direction = np.zeros(x.size)
        direction[entry] = 1
        if on_simplex:
            direction[other] = -1
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            line = Line(value, point, wrt, direction.reshape(x.shape))
            slope, error = _slope(line, on_simplex)
        got = found[entry] - (found[other] if on_simplex else 0)
        tolerance = error + ULPS * _ulp(slope, x.dtype)
        yield Check("differences", number, entry, other, got, slope, got - slope, tolerance)


def _on_simplex(value, point, wrt):
    """Whether the argument is a probability vector and has to remain one."""
    x = point.named[wrt]
    if x.ndim == 0 or (x < 0).any() or abs(x.sum() - 1) > 1e-5:
        return False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            point.passed_to(value, **{wrt: x + x.dtype.type(0.5)})
        except ValueError:
            return True
    return False


class Line:
    """The value at x + t direction, as a function of t."""

    def __init__(self, value, point, wrt, direction):
        self.value, self.point, self.wrt, self.direction = value, point, wrt, direction
        self.x = point.named[wrt]
        self.eps = float(np.finfo(self.x.dtype).eps)
        self.least = float(np.finfo(self.x.dtype).smallest_subnormal)
        self.size = float(np.abs(self.x[np.isfinite(self.x)]).max(initial=0.0))
        room = np.abs(self.x[self.direction != 0]).min()
        self.room = float(room) if isfinite(room) else 0.0  # the way to the nearest zero
        self.centre = self(0.0)
        if not isfinite(self.centre):
            raise ValueError(f"value is {self.centre} at {point}")
        self.levels, self.noise, self.heard = [], 0.0, False

    def __call__(self, t):
        """The value, NaN where there is none."""
        moved = (self.x + t * self.direction).astype(self.x.dtype)
        try:
            found = self.point.passed_to(self.value, **{self.wrt: moved})
        except (ValueError, ArithmeticError):
            if t == 0:
                raise
            return np.nan
        if found.shape:
            raise ValueError(f"value has shape {found.shape}: a scalar is needed")
        if found.dtype.kind == "f" and found.dtype.itemsize < self.x.dtype.itemsize:
            raise ValueError(f"value has dtype {found.dtype}, but {self.wrt} {self.x.dtype}")
        if found.dtype.kind not in "fiu" and t == 0:
            raise ValueError(f"value is {found[()]!r} at {self.point}: a real number is needed")
        return float(found) if found.dtype.kind in "fiu" else np.nan

    def steps(self, on_simplex):
        """The largest and the smallest step: the scale of what changes has to be between them.

        The largest is that of the argument, at least one, or half the way to the end of the
        simplex; the smallest is a few ulps of the entry that moves. None where there is no way.
        """
        numbers, room = np.abs(self.x[np.isfinite(self.x)]), self.room
        if not room:
            if on_simplex:
                return None
            room = min(1.0, numbers[numbers > 0].min(initial=1.0))
        largest = room / 2 if on_simplex else min(4 * max(1.0, self.size), 2.0**1020)
        smallest = max(16 * self.eps * room, float(np.finfo(self.x.dtype).tiny))
        return _power_of_two(largest), _power_of_two(smallest)

    def level(self, h):
        """The central difference with the step h."""
        above, below = self(h), self(-h)
        steepest = max(abs(above - self.centre), abs(below - self.centre)) / h
        largest = max(abs(self.centre), abs(above), abs(below))
        found = Level(
            h=h,
            slope=(above - below) / (2 * h),
            steepest=steepest,
            jump=abs(above - 2 * self.centre + below) / h,
            rounding=2 * (self.eps * (largest + steepest * self.room) + self.least) / h,
        )
        if isfinite(above + below):
            self.levels.append(found)
        return found

    def listen(self, h):
        """Measure the rounding noise by the fourth differences of neighbours of x + h and x - h.

        It is taken there, because x itself may be beside a kink. Where neighbours differ by little
        more than the noise it is hardly seen, and what is known remains. At first this is what an
        ulp of the argument changes at the steepest place that was met: digits may have been lost.
        """
        spacing = h / 1234.5678901234567  # odd: multiples of a power of two are rounded alike
        sides = [[self(side * (h - k * spacing)) for k in range(7)] for side in (-1, 1)]
        sides = [side for side in sides if np.isfinite(side).all() and np.ptp(side)]
        noise = max((float(np.abs(np.diff(side, 4)).max()) / 8 for side in sides), default=0.0)
        apart = min((float(np.abs(np.diff(side)).min()) for side in sides), default=0.0)
        if apart > 64 * max(noise, self.noise if self.heard else 0.0):
            self.noise, self.heard = noise, True
        elif not self.heard:
            steepest = max(level.steepest for level in self.levels)
            self.noise = max(self.noise, noise, self.eps * self.size * steepest)

    def rounding(self, level):
        """What rounding may do to a difference, that of the value included."""
        return level.rounding + 4 * self.noise / level.h


def _power_of_two(number):
    """The largest one that is not above the number."""
    return ldexp(0.5, frexp(number)[1])


@dataclass(frozen=True)
class Level:
    """A central difference: its step, itself, and how it was found."""

    h: float
    slope: float
    steepest: float  # of the slopes to both sides
    jump: float  # from the slope on one side to that on the other
    rounding: float  # what an ulp of the value, and of the argument, may do to the slope


@dataclass(frozen=True)
class Estimate:
    """A derivative by extrapolation, of central differences down to the level `last`."""

    slope: float
    error: float
    last: Level

    def explains(self, level, rounding):
        """Whether a difference with a smaller step says the same."""
        truncation = abs(self.last.slope - self.slope)  # which is smaller for smaller steps
        return not abs(level.slope - self.slope) > self.error + truncation + 2 * rounding

    def contradicts(self, other):
        """Whether it is another slope, and not noise that resembles one."""
        return abs(self.slope - other.slope) > 4 * self.error + other.error

    def despite(self, level):
        """The same, where what the level says is noise that nobody expected."""
        noise = abs(level.slope - self.slope) * level.h
        return replace(self, error=max(self.error, noise / self.last.h))


def _slope(line, on_simplex):
    """The derivative at t = 0 and its error, by Ridders' extrapolation of central differences.

    Nobody knows the scale on which the value changes. So the steps begin with that of the
    argument, and where the differences have settled, smaller and smaller ones have to say the
    same, down to a few ulps. One that does not begins anew: large steps have agreed by chance.
    """
    steps = line.steps(on_simplex)
    estimate = steps and _extrapolated(line, *steps)
    if not estimate:
        return 0.0, inf
    smallest, h = steps[1], line.levels[-1].h / LEAP
    while h >= smallest:
        level = line.level(h)
        if not estimate.explains(level, level.rounding):
            line.listen(h)
        if not estimate.explains(level, line.rounding(level)):
            heard = line.noise, line.heard
            line.noise, line.heard = 0.0, False
            finer = _extrapolated(line, h, smallest)
            if finer and finer.contradicts(estimate):
                estimate = finer  # and what was heard were perhaps the waves between large steps
            else:
                estimate, (line.noise, line.heard) = estimate.despite(level), heard
        h = line.levels[-1].h / LEAP
    if _has_kink(line):
        raise ValueError(f"value has a kink at {line.point}: no derivative to confirm")
    return estimate.slope, estimate.error


def _extrapolated(line, h, smallest):
    """Ridders' extrapolation: h is halved until rounding outweighs what a smaller step gains.

    The error is twice what the last extrapolation changed, and rounding: of the value, which is
    trusted to an ulp of itself and to what an ulp of the argument changes, and its noise.
    None where nothing can be extrapolated.
    """
    found, previous, first = [], [], len(line.levels)
    least = inf  # error in `found`
    while h >= smallest:
        level = line.level(h)
        row = [level.slope]
        for k, coarse in enumerate(previous[:COLUMNS], start=1):
            row.append(row[-1] + (row[-1] - coarse) / (4**k - 1))
        for k in range(1, len(row)):
            change = max(abs(row[k] - row[k - 1]), abs(row[k] - previous[k - 1]))
            found.append(Estimate(row[k], 2 * change, level))
            least = min(least, 2 * change + level.rounding)
        if least < level.rounding:
            settled = (e for e in found if e.error + e.last.rounding < level.rounding)
            if any(estimate.explains(level, level.rounding) for estimate in settled):
                break
        previous, h = row if isfinite(level.slope) else [], h / 2
    if not found:
        return None
    line.listen(line.levels[-1].h)

    def with_rounding(estimate):
        return estimate.error + line.rounding(estimate.last)

    for estimate in sorted(found, key=with_rounding):
        estimate = replace(estimate, error=with_rounding(estimate))
        finer = [level for level in line.levels[first:] if level.h < estimate.last.h]
        if all(estimate.explains(level, line.rounding(level)) for level in finer):
            return estimate  # and no large steps that agree by chance


def _has_kink(line):
    """Whether the slope jumps by the same, however small the step is.

    Where there is no kink the jump shrinks with the step, and where it is noise, it grows.
    """
    levels = sorted(line.levels, key=lambda level: -level.h)
    hidden = {level: 100 * line.rounding(level) for level in levels}
    visible = [level for level in levels if level.jump > hidden[level]]
    if not visible:
        return False
    last = visible[-1]
    coarser = [level.jump for level in levels if level.h >= 8 * last.h]
    if not coarser or not coarser[-1] / 2 <= last.jump <= 2 * coarser[-1]:
        return False
    return not any(level.h < last.h and hidden[level] < last.jump / 2 for level in levels)


def _complaint(worst, checks, points):
    entry = f"entry {worst.entry}" + ("" if worst.other is None else f" minus entry {worst.other}")
    lines = [f"the gradient is wrong at {points[worst.point]}, {entry}:"]
    lines += [
        f"  {float(check.found)!r} in NumPy, {float(check.expected)!r} by the {check.kind}, "
        f"apart by {abs(check.residual):.1e} where {check.tolerance:.1e} is allowed"
        for check in checks
        if (check.point, check.entry) == (worst.point, worst.entry)
    ]
    return "\n".join(lines)


def _refused(checks, changes):
    return any(check.refuses(changes) for check in checks)


def _mutants(gradients, formulas):
    """Wrong gradients: what each adds to the right one."""
    yield "a gradient of zeros", [-found for found in gradients]
    yield "a flipped sign", [-2 * found for found in gradients]
    terms = Add.make_args(expand_mul(formulas[0].expression)) if formulas[0] else ()
    for term in terms if len(terms) > 1 else ():
        yield (
            f"a gradient without the term {term}",
            [
                -np.array(formula.at(range(len(found)), expression=term), dtype=float)
                for formula, found in zip(formulas, gradients, strict=True)
            ],
        )


@np.errstate(over="ignore")
def _confirmation(checks, points, gradients, dtype):
    formula = [check for check in checks if check.kind == "formula"]
    differences = [check for check in checks if check.kind == "differences"]
    errors = [abs(check.residual) / _ulp(check.expected, dtype) for check in formula]
    worst = formula[int(np.argmax(errors))] if formula else None
    power = _power(checks, gradients)
    if power > VISIBLE:
        raise ValueError(
            "the confirmation could not have failed: no error smaller than a factor 1 + "
            f"{min(power, 1.0):.0e} would have been noticed"
        )
    blind = _power(differences, gradients) > VISIBLE
    of_entries, of_zeros = _powers_of_entries(checks, gradients)
    seen = [factor for factor in of_entries if factor <= VISIBLE]
    return Confirmation(
        points=len(points),
        entries=len(of_entries) + sum(factor <= VISIBLE for factor in of_zeros),
        ulps=max(errors, default=None),
        where=f"{points[worst.point]}, entry {worst.entry}" if worst else "",
        disagreement=None if blind else max(check.distance for check in differences),
        power=power,
        entry_power=max(seen, default=inf),
        unseen=len(of_entries) - len(seen),
    )


def _power(checks, gradients):
    """The smallest relative change of the whole gradient that is certain to be refused."""
    sizes = ((check.certain, abs(check.of(gradients))) for check in checks)
    return min((change / size for change, size in sizes if size), default=inf)


def _powers_of_entries(checks, gradients):
    """The same for each entry alone, and for those that are zero relative to the largest."""
    certain = {}
    for check in checks:
        for place in {(check.point, check.entry), (check.point, check.other)}:
            certain[place] = min(check.certain, certain.get(place, inf))
    largest = max(np.abs(found).max(initial=0.0) for found in gradients)
    sizes = {
        (point, entry): abs(number)
        for point, found in enumerate(gradients)
        for entry, number in enumerate(found)
    }
    changes = [(certain.get(place, inf), size) for place, size in sizes.items()]
    return (
        [change / size for change, size in changes if size],
        [change / largest for change, size in changes if not size],
    )
