"""Numerical confirmation: a gradient in code against the formula and against differences.

    confirm(log_loss, log_loss_grad, at=[{"s": [0.3, -1.2, 2.0], "y": 1}],
            symbolic=derivation.result)

Three things that share no code are compared: the NumPy gradient, the symbolic gradient at the
floats given, and a numerical derivative of the NumPy value. Classes count from 0 in code and
from 1 in symbols.
"""

import warnings
from dataclasses import dataclass
from html import escape
from inspect import signature
from math import ceil, floor, inf, isfinite, log10, log2

import numpy as np
from mpmath import mp
from sympy import Add, sympify

from lossnotes.derive.points import Point, Undefined, evaluate, indices_of, symbols_of
from lossnotes.derive.symbols import Classes, K, Probabilities

ULPS = 8  # allowed between the NumPy and the symbolic gradient, in ulps of the exact entry
DIGITS = 50 + 330  # fifty digits of whatever a float64 can hold beside a term of order one
LEVELS = 18  # halvings of the step of the differences


class ConfirmationError(AssertionError):
    """A gradient that is wrong; `check` is the comparison that refuses it most clearly."""

    def __init__(self, message, check):
        super().__init__(message)
        self.check = check


@dataclass(frozen=True)
class Confirmation:
    """What a confirmation compared, how well it agreed, and what it would have noticed."""

    points: int
    entries: int
    ulps: float | None  # worst error against the symbolic gradient, None without one
    where: str  # the point and the entry of that error
    disagreement: float  # worst disagreement with the differences, as a part of its tolerance
    power: float  # a factor 1 + power on the whole gradient would have been refused
    entry_power: float  # and so would one on any single entry, but for those unseen
    unseen: int  # entries, not zero, that might be missing and nobody would notice

    def _rows(self):
        yield "compared", f"{self.entries} entries at {self.points} points"
        if self.ulps is not None:
            bound = 2 ** max(1, ceil(log2(max(self.ulps, 1))))
            place = f" (worst: {self.where})" if bound > 2 else ""
            yield "error against the formula", f"<= {bound} ulps{place}"
        part = "1/2 of" if self.disagreement <= 0.5 else ""
        yield "error against differences", f"<= {part} their tolerance".replace("  ", " ")
        yield "a factor it would notice", f"1 + {self.power:.0e}"
        yield "in any single entry", f"1 + {self.entry_power:.0e}"
        if self.unseen:
            yield "entries too small to be seen", str(self.unseen)

    def __repr__(self):
        return "\n".join(["confirmed", *(f"  {name}: {value}" for name, value in self._rows())])

    def _repr_html_(self):
        rows = "\n".join(
            f'<tr><th scope="row">{escape(name)}</th><td>{escape(value)}</td></tr>'
            for name, value in self._rows()
        )
        caption = "<caption>Numerical confirmation</caption>"
        return f'<table class="confirmation">{caption}<tbody>\n{rows}\n</tbody></table>'


@dataclass(frozen=True)
class Check:
    """One entry of the gradient at one point (or entry - other) beside what it should be."""

    kind: str
    point: int
    entry: int
    other: int | None
    found: float
    expected: float
    residual: float  # found - expected, before rounding
    tolerance: float

    def change(self, gradients):
        """The entry (or difference of entries) of other gradients."""
        gradient = gradients[self.point]
        return gradient[self.entry] - (0 if self.other is None else gradient[self.other])

    def refuses(self, changes):
        """Whether the gradient plus the changes would be refused."""
        return not abs(self.residual + self.change(changes)) <= self.tolerance


def confirm(value, gradient, at, symbolic=None, wrt=None):
    r"""Confirm that `gradient` is the derivative of `value` at the points `at`.

    value(*arguments)     a NumPy function with a scalar result
    gradient(*arguments)  its derivative with respect to the argument `wrt` (default: the first),
                          of that argument's shape: (K,), or () for a scalar
    at                    points, each a dict of arguments or a tuple in the order of `value`
    symbolic              the j-th entry of the gradient; its symbols are named like the parameters.
                          A mask stands for its only set of classes; a vector without a symbol
                          of its name for the only vector without a parameter.

    The gradient may differ from `symbolic` by 8 ulps of the exact entry, and by what one ulp in
    each of the floats given would change; from the differences by their error estimate.
    Precision is that of the argument, float32 or float64.

    Raises ConfirmationError, with the worst point, if it differs by more, and ValueError for bad
    input and for a confirmation that could not have failed.
    """
    points = [_arguments(value, point) for point in at]
    if not points:
        raise ValueError("at holds no points, so that nothing is confirmed")
    wrt = wrt or next(iter(points[0]))
    for function in (value, gradient):
        if list(signature(function).parameters) != list(points[0]):
            raise ValueError(f"gradient has parameters {list(signature(gradient).parameters)}, "
                             f"value has {list(points[0])}")  # fmt: skip
    if wrt not in points[0]:
        raise ValueError(f"wrt={wrt!r} is no parameter of value: {list(points[0])}")
    for point in points:
        point[wrt] = _differentiable(wrt, point[wrt])
    gradients = [_gradient(gradient, point, wrt) for point in points]
    formula = None if symbolic is None else Formula(symbolic, points[0], wrt)
    checks = []
    for number, (point, found) in enumerate(zip(points, gradients, strict=True)):
        if formula:
            checks += _against_formula(formula, number, point, found)
        simplex = formula is not None and formula.on_simplex
        checks += _against_differences(value, number, point, wrt, found, simplex)
    worst = max(checks, key=lambda check: abs(check.residual) / check.tolerance)
    if worst.refuses([np.zeros_like(found) for found in gradients]):
        raise ConfirmationError(_complaint(worst, checks, points), worst)
    _refuse_mutants(checks, points, gradients, formula)
    return _confirmation(checks, points, gradients)


def _arguments(value, point):
    """The arguments of one point by name, in the order of the parameters."""
    parameters = signature(value)
    try:
        named = isinstance(point, dict)
        bound = parameters.bind(**point) if named else parameters.bind(*point)
    except TypeError as error:
        raise ValueError(f"at: the point {point} does not fit value{parameters}: {error}") from None
    bound.apply_defaults()
    return {
        name: np.array(given) if isinstance(given, (list, tuple)) else given
        for name, given in bound.arguments.items()
    }


def _differentiable(name, given):
    array = np.array(given)
    if array.dtype not in (np.float32, np.float64):
        if array.dtype.kind not in "iu":
            raise ValueError(f"{name} has dtype {array.dtype}, not float32 or float64")
        array = array.astype(np.float64)
    if array.ndim > 1:
        raise ValueError(f"{name} has shape {array.shape}: give one example a point, not a batch")
    if np.isnan(array).any():
        raise ValueError(f"{name} holds a NaN: {array}")
    return array


def _call(function, point):
    copies = {
        name: given.copy()[()] if isinstance(given, np.ndarray) else given
        for name, given in point.items()
    }
    return np.asarray(function(*copies.values()))


def _gradient(gradient, point, wrt):
    found = _call(gradient, point)
    if found.shape != point[wrt].shape:
        raise ValueError(f"gradient has shape {found.shape}, {wrt} has {point[wrt].shape}")
    if not np.isfinite(found).all():
        raise ValueError(f"gradient is not finite: {found} at {_shown(point)}")
    return found.astype(np.float64).ravel()


def _shown(point):
    return ", ".join(f"{name} = {_short(given)}" for name, given in point.items())


def _short(given):
    return np.array2string(given, separator=", ") if isinstance(given, np.ndarray) else str(given)


class Formula:
    """A symbolic gradient whose symbols stand for arguments."""

    def __init__(self, symbolic, point, wrt):
        self.expression, self.wrt = sympify(symbolic), wrt
        vectors, scalars = symbols_of(self.expression)
        self.labels = indices_of(self.expression)
        self.symbols = {}
        left = {name: given for name, given in point.items() if np.ndim(given) == 1}
        for symbol in [*vectors, *scalars]:
            if str(symbol) in point and not isinstance(symbol, Classes):
                self.symbols[symbol] = str(symbol)
                left.pop(str(symbol), None)
        masks = [name for name, given in left.items() if given.dtype == bool]
        dense = [name for name, given in left.items() if given.dtype != bool]
        self._meet([symbol for symbol in scalars if isinstance(symbol, Classes)], masks)
        self._meet([vector for vector in vectors if vector not in self.symbols], dense)
        free = [symbol for symbol in [*vectors, *scalars] if symbol not in self.symbols]
        self.index = free.pop() if len(free) == 1 and free[0] in self.labels else None
        if free or (self.index and not point[wrt].ndim):
            names = free or [self.index]
            raise ValueError(f"symbolic has {names}, no parameter of value: {list(point)}")
        self.on_simplex = any(
            isinstance(symbol, Probabilities) and name == wrt
            for symbol, name in self.symbols.items()
        )

    def _meet(self, symbols, names):
        if len(symbols) == len(names) == 1:
            self.symbols[symbols[0]] = names[0]

    def numbers(self, point):
        """The number of each symbol; classes count from 1."""
        found = {K: point.get("classes", point[self.wrt].size)}
        for symbol, name in self.symbols.items():
            given = point[name]
            if isinstance(symbol, Classes):
                found[symbol] = frozenset(int(i) + 1 for i in np.flatnonzero(given))
            elif np.ndim(given):
                found[symbol] = [mp.mpf(float(number)) for number in given]
            elif symbol.is_integer:
                found[symbol] = int(given) + (symbol in self.labels)
            else:
                found[symbol] = mp.mpf(float(given))
        return found

    def at(self, numbers, entry, expression=None):
        place = {self.index: entry + 1} if self.index else {}
        try:
            return evaluate(self.expression if expression is None else expression,
                            Point(numbers | place))  # fmt: skip
        except (Undefined, ValueError) as error:
            raise ValueError(f"symbolic has no value: {error}") from None

    def spread(self, numbers, entry, dtype):
        """How much the entry changes when each float moves by an ulp."""
        exact = self.at(numbers, entry)
        changes = (abs(self.at(moved, entry) - exact) for moved in _nudged(numbers, dtype))
        return float(mp.fsum(changes))


def _nudged(numbers, dtype):
    for symbol, number in numbers.items():
        if isinstance(number, mp.mpf):
            yield numbers | {symbol: number + _ulp(number, dtype)}
        elif isinstance(number, list):
            for place, part in enumerate(number):
                if part and mp.isfinite(part):
                    vector = [*number]
                    vector[place] += _ulp(part, dtype)
                    yield numbers | {symbol: vector}


def _ulp(number, dtype):
    return float(np.spacing(np.abs(dtype.type(float(number)))))


def _against_formula(formula, number, point, found):
    dtype = point[formula.wrt].dtype
    with mp.workdps(DIGITS):
        numbers = formula.numbers(point)
        for entry, got in enumerate(found):
            exact = formula.at(numbers, entry)
            tolerance = ULPS * _ulp(exact, dtype) + formula.spread(numbers, entry, dtype)
            residual = float(mp.mpf(got) - exact)
            yield Check("formula", number, entry, None, got, float(exact), residual, tolerance)


def _against_differences(value, number, point, wrt, found, simplex):
    x = point[wrt]
    simplex = x.ndim and (simplex or _confined(value, point, wrt))
    largest = int(np.argmax(x)) if simplex else None
    for entry in range(x.size):
        if entry == largest:
            continue
        direction = np.zeros(x.size)
        direction[entry] = 1
        if simplex:
            direction[largest] = -1
        line = _line(value, point, wrt, direction.reshape(x.shape))
        room = min(x.flat[entry], x.flat[largest]) if simplex else abs(x.flat[entry])
        slope, error = _slope(line, room, simplex, np.finfo(x.dtype).eps)
        got = found[entry] - (found[largest] if simplex else 0)
        tolerance = error + ULPS * _ulp(slope, x.dtype)
        residual = got - slope if isfinite(error) else 0.0
        yield Check("differences", number, entry, largest, got, slope, residual, tolerance)


def _confined(value, point, wrt):
    """Whether the argument is a probability vector, which must keep its sum."""
    x = point[wrt]
    if (x < 0).any() or abs(x.sum() - 1) > 1e-5:
        return False
    try:
        _call(value, point | {wrt: x + x.dtype.type(0.5)})
    except ValueError:
        return True
    return False


def _line(value, point, wrt, direction):
    """t -> the value at x + t direction (NaN where refused), and how far x + t was rounded."""
    x = point[wrt]

    def at(t):
        moved = (x + t * direction).astype(x.dtype)
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            try:
                result = _call(value, point | {wrt: moved})
            except ValueError:
                if t == 0:
                    raise
                return np.nan, 0.0
            off = np.where(np.isfinite(x), (moved - x) - t * direction, 0.0)
        if result.shape:
            raise ValueError(f"value has shape {result.shape}, it must be a scalar")
        return float(result), float(np.abs(off).max())

    return at


def _slope(line, room, simplex, eps):
    """The derivative at 0 by Ridders' extrapolated central differences, and its error."""
    centre, _ = line(0.0)
    if not isfinite(centre):
        raise ValueError(f"value is {centre} at a point given")
    if simplex and not room:
        return 0.0, inf
    first = 1.0
    if simplex or not isfinite(line(-first)[0] + line(first)[0]):
        first = min(1.0, 2.0 ** floor(log2(room / 2))) if room else first
    best, previous, largest = (inf, 0.0), [], abs(centre)
    noise = _noise(line, first * 2.0**-LEVELS)
    for level in range(LEVELS):
        h = first / 2**level
        (above, off_above), (below, off_below) = line(h), line(-h)
        if not isfinite(above + below):
            previous = []
            continue
        row = [(above - below) / (2 * h)]
        for k, coarse in enumerate(previous, start=1):
            row.append(row[-1] + (row[-1] - coarse) / (4**k - 1))
        largest = max(largest, abs(above), abs(below))
        steep = max(abs(above - centre), abs(below - centre)) / h
        rounding = 4 * (eps * largest + noise + steep * max(off_above, off_below)) / h
        for k in range(1, len(row)):
            error = 2 * max(abs(row[k] - row[k - 1]), abs(row[k] - previous[k - 1])) + rounding
            best = min(best, (error, row[k]))
        previous = row
    return best[1], best[0]


def _noise(line, spacing):
    """The rounding noise of the value, from the fourth differences of seven near values."""
    near = np.array([line(step * spacing)[0] for step in range(-3, 4)])
    return float(np.sqrt(np.mean(np.diff(near, 4) ** 2) / 70)) if np.isfinite(near).all() else 0.0


def _complaint(worst, checks, points):
    entry = f"entry {worst.entry}" + ("" if worst.other is None else f" minus entry {worst.other}")
    lines = [f"the gradient is wrong at {_shown(points[worst.point])}, {entry}:"]
    for check in checks:
        if (check.point, check.entry) == (worst.point, worst.entry):
            lines.append(
                f"  {check.found!r} in NumPy, {check.expected!r} by the {check.kind}, "
                f"apart by {abs(check.residual):.1e}, allowed {check.tolerance:.1e}"
            )
    return "\n".join(lines).replace("np.float64", "")


def _refused(checks, changes):
    return any(check.refuses(changes) for check in checks)


def _refuse_mutants(checks, points, gradients, formula):
    """Try wrong gradients; one that passes means that the confirmation could not have failed."""
    mutants = {
        "a flipped sign": [-2 * found for found in gradients],
        "zero": [-found for found in gradients],
    }
    terms = Add.make_args(formula.expression) if formula else ()
    for term in terms if len(terms) > 1 else ():
        with mp.workdps(DIGITS):
            mutants[f"a gradient without the term {term}"] = [
                np.array([-float(formula.at(formula.numbers(point), entry, term))
                          for entry in range(found.size)])
                for point, found in zip(points, gradients, strict=True)
            ]  # fmt: skip
    for name, changes in mutants.items():
        if not _refused(checks, changes):
            raise ValueError(f"a confirmation that could not fail: {name} passes at these points")


def _confirmation(checks, points, gradients):
    formula = [check for check in checks if check.kind == "formula"]
    differences = [check for check in checks if check.kind == "differences"]
    ulps, worst = None, None
    if formula:
        dtype = next(iter(points[0].values())).dtype
        ulps, worst = max(
            ((abs(check.residual) / _ulp(check.expected, dtype), check) for check in formula),
            key=lambda pair: pair[0],
        )
    needed = {}  # the relative change of each entry that some check would refuse
    for check in checks:
        for entry in {check.entry, check.other} - {None}:
            size = abs(gradients[check.point][entry])
            if size:
                place = check.point, entry
                delta = (check.tolerance + abs(check.residual)) / size
                needed[place] = min(needed.get(place, inf), delta)
    seen = [delta for delta in needed.values() if delta < 1]
    power = _power_of_ten(min(seen))
    while not all(_refused(checks, [sign * power * found for found in gradients])
                  for sign in (1, -1)):  # fmt: skip
        power *= 10
    return Confirmation(
        points=len(points),
        entries=sum(found.size for found in gradients),
        ulps=ulps,
        where=f"{_shown(points[worst.point])}, entry {worst.entry}" if worst else "",
        disagreement=max(abs(check.residual) / check.tolerance for check in differences),
        power=power,
        entry_power=_power_of_ten(max(seen)),
        unseen=len(needed) - len(seen),
    )


def _power_of_ten(number):
    return 10.0 ** ceil(log10(number))
