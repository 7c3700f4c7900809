"""Numerical confirmation: a gradient in code against the formula and against differences.

    confirm(log_loss, log_loss_grad, [([0.3, -1.2, 2.0], 1)], symbolic=derivation.result)

Three things that share no code are compared: the NumPy gradient, the symbolic gradient at exactly
the floats given, and a numerical derivative of the NumPy value. Classes count from 0 in code and
from 1 in symbols.
"""

import warnings
from dataclasses import dataclass
from html import escape
from inspect import signature
from math import ceil, floor, inf, isfinite, log2, log10

import numpy as np
from mpmath import mp
from sympy import Add, IndexedBase, expand_mul, sympify

from lossnotes.derive.points import Point, indices_of, symbols_of
from lossnotes.derive.symbols import Classes, K, Probabilities, VectorQuantity
from lossnotes.derive.values import Undefined, evaluate

ULPS = 8  # how far the NumPy gradient may be from the exact one
DIGITS = 380  # fifty of whatever a float64 can hold beside a term of order one, such as e^-700


class ConfirmationError(AssertionError):
    """A gradient that is wrong; `check` is the comparison that refuses it most clearly."""

    def __init__(self, message, check):
        super().__init__(message)
        self.check = check


@dataclass(frozen=True)
class Confirmation:
    """What was compared, how well it agreed, and what would have been noticed."""

    points: int
    entries: int
    ulps: float | None  # worst error against the symbolic gradient; None without one
    where: str  # the point and the entry of that error
    disagreement: float  # worst disagreement with the differences, as a part of its tolerance
    power: float  # a factor 1 + power on the whole gradient would have been refused,
    entry_power: float  # and this one on any single entry at any single point,
    unseen: int  # except for so many entries, which could be zero and nobody would notice

    def _rows(self):
        yield "compared", f"{_count(self.entries, 'entry', 'entries')} at {_count(self.points)}"
        if self.ulps is not None:  # in powers of two: the last digits differ between machines
            bound = 2 ** max(1, ceil(log2(max(self.ulps, 1))))
            place = f", worst at {self.where}" if bound > 2 else ""
            yield "from the formula", f"at most {bound} ulps{place}"
        part = "half the tolerance" if self.disagreement <= 0.5 else "the tolerance"
        yield "from the differences", f"at most {part}"
        yield "would notice", f"a factor 1 + {self.power:.0e}"
        yield "in one entry alone", f"a factor 1 + {self.entry_power:.0e}"
        if self.unseen:
            yield "too small to be seen", _count(self.unseen, "entry", "entries")

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
    change; from the extrapolated differences their error estimate, and 8 ulps. The precision is
    that of the argument, float32 or float64. Where the value only takes vectors of probabilities,
    the differences stay among them, and see the gradient up to a constant only.

    Raises ConfirmationError, with the worst point, for a wrong gradient; ValueError for bad input,
    a kink, and a confirmation that could not have failed because a mutant of the gradient passes.
    """
    points = [_arguments(value, point) for point in at]
    if not points:
        raise ValueError("at holds no points, so that nothing is confirmed")
    names = list(signature(value).parameters)
    if list(signature(gradient).parameters) != names:
        raise ValueError(f"gradient{signature(gradient)} does not have the parameters {names}")
    wrt = wrt or names[0]
    if wrt not in names:
        raise ValueError(f"wrt: {wrt} is none of the parameters {names}")
    points = [point | {wrt: _argument(wrt, point[wrt])} for point in points]
    gradients = [_gradient(gradient, point, wrt) for point in points]
    formulas = [symbolic is not None and Formula(symbolic, point, wrt) for point in points]
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
    return _confirmation(checks, points, gradients, np.finfo(points[0][wrt].dtype).dtype)


def _arguments(value, point):
    parameters = signature(value)
    if not isinstance(point, (dict, tuple, list)):
        raise ValueError(f"at: the point {point} is neither a dict nor a tuple of arguments")
    try:
        bound = parameters.bind(**point) if isinstance(point, dict) else parameters.bind(*point)
    except TypeError as error:
        raise ValueError(f"at: the point {point} does not fit value{parameters}: {error}") from None
    bound.apply_defaults()
    return {
        name: np.array(given) if isinstance(given, (list, tuple)) else given
        for name, given in bound.arguments.items()
    }


def _argument(name, given):
    array = np.array(given)
    if array.dtype.kind in "iu":
        array = array.astype(np.float64)
    if array.dtype not in (np.float32, np.float64):
        raise ValueError(f"{name} has dtype {array.dtype}, not float32 or float64")
    if array.ndim > 1:
        raise ValueError(f"{name} has shape {array.shape}: give one example a point, not a batch")
    if np.isnan(array).any():
        raise ValueError(f"{name} holds a NaN: {array}")
    return array


def _call(function, point):
    copies = (np.array(given)[()] if np.ndim(given) else given for given in point.values())
    return np.asarray(function(*copies))


def _gradient(gradient, point, wrt):
    found = _call(gradient, point)
    if found.shape != point[wrt].shape:
        raise ValueError(f"gradient has shape {found.shape}, but {wrt} {point[wrt].shape}")
    if found.dtype.kind not in "fiu" or not np.isfinite(found).all():
        raise ValueError(f"gradient is {found}, not finite and real, at {_shown(point)}")
    return found.astype(np.float64).ravel()


def _shown(point):
    return ", ".join(f"{name} = {np.asarray(given).tolist()}" for name, given in point.items())


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

    def at(self, entry, numbers=None, expression=None, digits=DIGITS):
        """The entry, evaluated with so many digits."""
        place = {self.index: entry + 1} if self.index else {}
        point = Point((numbers or self.numbers) | place)
        with mp.workdps(digits):
            try:
                found = evaluate(self.expression if expression is None else expression, point)
            except (Undefined, ValueError) as error:
                raise ValueError(f"symbolic has no value at {point}: {error}") from None
        if not isfinite(float(found)):
            raise ValueError(f"symbolic is {found} at {point}")
        return mp.mpf(found)

    def spread(self, entry, exact):
        """How much the entry changes in all when each float moves by an ulp."""
        base, digits = self.at(entry, digits=50), 50
        if abs(base - exact) >= abs(exact) / 10**25:  # something cancels
            base, digits = exact, DIGITS
        return sum(
            float(abs(self.at(entry, moved, digits=digits) - base)) for moved in self._moved()
        )

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
    for entry, got in enumerate(found):
        exact = formula.at(entry)
        tolerance = ULPS * _ulp(exact, formula.dtype) + formula.spread(entry, exact)
        with mp.workdps(DIGITS):
            residual = float(mp.mpf(got) - exact)
        yield Check("formula", number, entry, None, got, float(exact), residual, tolerance)


def _against_differences(value, number, point, wrt, found, on_simplex):
    x = point[wrt]
    other = int(np.argmax(x)) if on_simplex else None
    for entry in range(x.size):
        if entry == other:
            continue
        direction = np.zeros(x.size)
        direction[entry] = 1
        if on_simplex:
            direction[other] = -1
        line = Line(value, point, wrt, direction.reshape(x.shape))
        slope, error = _slope(line, np.finfo(x.dtype).eps, on_simplex)
        got = found[entry] - (found[other] if on_simplex else 0)
        tolerance = error + ULPS * _ulp(slope, x.dtype)
        yield Check("differences", number, entry, other, got, slope, got - slope, tolerance)


def _on_simplex(value, point, wrt):
    """Whether the argument is a probability vector and has to remain one."""
    x = point[wrt]
    if x.ndim == 0 or (x < 0).any() or abs(x.sum() - 1) > 1e-5:
        return False
    try:
        _call(value, point | {wrt: x + x.dtype.type(0.5)})
    except ValueError:
        return True
    return False


@dataclass(frozen=True)
class Line:
    """The value at x + t direction, as a function of t."""

    value: object
    point: dict
    wrt: str
    direction: np.ndarray

    def __call__(self, t):
        """The value, NaN where it is refused."""
        x = self.point[self.wrt]
        moved = (x + t * self.direction).astype(x.dtype)
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            try:
                found = _call(self.value, self.point | {self.wrt: moved})
            except ValueError:
                if t == 0:
                    raise
                return np.nan
        if found.shape:
            raise ValueError(f"value has shape {found.shape}: a scalar is needed")
        if found.dtype.kind == "f" and found.dtype.itemsize < x.dtype.itemsize:
            raise ValueError(f"value has dtype {found.dtype}, but {self.wrt} {x.dtype}")
        return float(found)

    def room(self):
        """The way to the nearest zero of an entry that moves."""
        return np.abs(self.point[self.wrt][self.direction != 0]).min()

    def size(self):
        """The largest finite number in the argument."""
        x = self.point[self.wrt]
        return float(np.abs(x[np.isfinite(x)]).max(initial=0.0))


@np.errstate(over="ignore")
def _slope(line, eps, on_simplex):
    """The derivative at t = 0 by Ridders' extrapolation of central differences, and its error.

    The error is twice what the last extrapolation changed, and rounding: of the value, which is
    trusted to an ulp of itself or of the argument, whichever is larger, and of x + t.
    """
    centre, size = line(0.0), line.size()
    if not isfinite(centre):
        raise ValueError(f"value is {centre} at {_shown(line.point)}")
    first, room = 1.0, line.room()
    if on_simplex or not isfinite(line(first) + line(-first)):
        if not 0 < room < inf:
            return 0.0, inf
        first = min(1.0, 2.0 ** floor(log2(room / 2)))
    levels = 1 - int(log2(eps) / 3)  # beyond, rounding outweighs what a smaller step gains
    candidates, previous, jumps, largest = [], [], [], max(abs(centre), size)
    noise = _noise(line, first * 4.0**-levels)
    for h in first * 2.0 ** -np.arange(levels):
        above, below = line(h), line(-h)
        if not isfinite(above + below):
            previous = []
            continue
        row = [(above - below) / (2 * h)]
        for k, coarse in enumerate(previous, start=1):
            row.append(row[-1] + (row[-1] - coarse) / (4**k - 1))
        largest = max(largest, abs(above), abs(below))
        steepest = max(abs(above - centre), abs(below - centre)) / h
        rounding = 2 * (eps * (largest + steepest * size) + noise) / h
        for k in range(1, len(row)):
            change = max(abs(row[k] - row[k - 1]), abs(row[k] - previous[k - 1]))
            candidates.append((2 * change + rounding, row[k]))
        slack = abs(row[0] - previous[0]) + rounding if previous else inf
        previous = row
        jumps.append(abs(above - 2 * centre + below) / h)
    # across a kink the slope jumps, however small the step; elsewhere the jump shrinks with it
    if len(jumps) > 4 and jumps[-1] > max(jumps[-5] / 2, 100 * rounding):
        raise ValueError(f"value has a kink at {_shown(line.point)}: no derivative to confirm")
    if not candidates:
        return 0.0, inf
    # large steps may agree by chance: the smallest is crude, but not misled
    error, slope = min(
        (error + max(0.0, abs(slope - row[0]) - slack), slope) for error, slope in candidates
    )
    return slope, error


def _noise(line, spacing):
    """The rounding noise of the value, from the fourth differences of seven neighbours."""
    values = np.array([line(place * spacing) for place in range(-3, 4)])
    return np.sqrt(np.mean(np.diff(values, 4) ** 2) / 70) if np.isfinite(values).all() else 0.0


def _complaint(worst, checks, points):
    entry = f"entry {worst.entry}" + ("" if worst.other is None else f" minus entry {worst.other}")
    lines = [f"the gradient is wrong at {_shown(points[worst.point])}, {entry}:"]
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
                -np.array(
                    [float(formula.at(entry, expression=term)) for entry in range(len(found))]
                )
                for formula, found in zip(formulas, gradients, strict=True)
            ],
        )


@np.errstate(over="ignore")
def _confirmation(checks, points, gradients, dtype):
    formula = [check for check in checks if check.kind == "formula"]
    errors = [abs(check.residual) / _ulp(check.expected, dtype) for check in formula]
    worst = formula[int(np.argmax(errors))] if formula else None
    factors, of_entries = [], {}  # the relative changes that are certain to be refused
    for check in checks:
        change = 2 * check.tolerance  # the residual, which is rounding noise, may use up one
        if check.of(gradients):
            factors.append(change / abs(check.of(gradients)))
        for entry in {check.entry, check.other} - {None}:
            size, place = abs(gradients[check.point][entry]), (check.point, entry)
            if size:
                of_entries[place] = min(change / size, of_entries.get(place, inf))
    seen = [factor for factor in of_entries.values() if factor < 1]
    return Confirmation(
        points=len(points),
        entries=sum(map(len, gradients)),
        ulps=max(errors, default=None),
        where=f"{_shown(points[worst.point])}, entry {worst.entry}" if worst else "",
        disagreement=max((c.distance for c in checks if c.kind == "differences"), default=0.0),
        power=10.0 ** ceil(log10(min(factors))),
        entry_power=10.0 ** ceil(log10(max(seen, default=1.0))),
        unseen=len(of_entries) - len(seen),
    )
