"""Points of the declared domains of the symbols in an expression."""

import math
import random
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from itertools import product

import mpmath
from mpmath import mp
from sympy import (
    Abs,
    Derivative,
    Heaviside,
    Indexed,
    IndexedBase,
    Integer,
    Integral,
    KroneckerDelta,
    Limit,
    Max,
    Min,
    Piecewise,
    Product,
    Rational,
    Sum,
    Symbol,
    ceiling,
    floor,
    pi,
    sign,
    sqrt,
    srepr,
)
from sympy.core.relational import Relational

from lossnotes.derive.parts import parts, parts_of
from lossnotes.derive.ranges import LABELS, ends_of, ranges, shapes
from lossnotes.derive.symbols import (
    Between,
    Classes,
    Entry,
    K,
    Others,
    Probabilities,
    ScalarQuantity,
    margin_loss,
    maximum,
)
from lossnotes.derive.values import _definition, evaluate

DIGITS = 50
CASES = (Abs, Heaviside, Max, Min, Piecewise, ceiling, floor, margin_loss, sign)
CLASS_COUNTS = (2, 3, 5, 7)  # at the last one point only: what (K-2)(K-3)(K-5) hides shows there
SMALL = mp.mpf(2) ** -20
SIZES = (1, 2, 3, 4, 6, 9, 12)  # of a batch
MORE_CLASSES = (4, 6, 8, 9, 12, 33, 100)
CLASSES_ALONE = (*range(2, 24), 33, 50, 51, 64, 100, 101, 128, 333, 1000)
SCALES = (1, 2, 3, 6, 9, 15, -3, -9, -15)  # powers of ten
FEWEST = 6  # points of a claim whose values are dear
CHOICES = 3_000  # of classes for the indices of a claim
MOST_CLASSES = 100  # that are tried because a claim names them
EFFORT = 3_000  # numbers to be computed in one kind of trial of a claim
NOT_WHOLE = (Rational(1, 2), sqrt(2), pi)  # digits do not tell which of these a number is


@dataclass(frozen=True)
class Point:
    """A number for each symbol: sizes such as K, classes, parameters, vectors and matrices.

    `kind` tells points that were chosen for what happens there: "corner" (also ties, of simple
    numbers), "kink" and "far".
    """

    values: dict
    kind: str = field(default="", compare=False)

    def __hash__(self):
        return self._hash

    @cached_property
    def _hash(self):
        return hash(frozenset((x, _frozen(value)) for x, value in self.values.items()))

    def rounded(self):
        """The point with its numbers to the digits in use: 7/3 is the 7/3 of a formula then."""
        return Point({symbol: _to_the_digits(x) for symbol, x in self.values.items()}, self.kind)

    def __str__(self):
        return ", ".join(f"{symbol} = {value}" for symbol, value in self.shown().items())

    def shown(self):
        """Each symbol's number as text, K first."""
        order = sorted(self.values.items(), key=lambda item: (item[0] != K, str(item[0])))
        return {symbol: _shown(value) for symbol, value in order}


def _frozen(value):
    return tuple(map(_frozen, value)) if isinstance(value, list) else value


def _to_the_digits(value):
    if isinstance(value, list):
        return [_to_the_digits(x) for x in value]
    return value if isinstance(value, (int, frozenset)) else +value


def _shown(value):
    if isinstance(value, list):
        return "(" + ", ".join(_shown(entry) for entry in value) + ")"
    if isinstance(value, frozenset):
        return "{" + ", ".join(map(str, sorted(value))) + "}"
    return str(value) if isinstance(value, int) else mpmath.nstr(value, 6)


@lru_cache(10_000)
def symbols_of(*expressions):
    """The free vectors and the free scalars of the expressions, in a fixed order."""
    bases, free = set(), set()
    for expression in expressions:
        bases |= parts_of(IndexedBase, expression)
        free |= {part for part in _free_symbols(expression) if isinstance(part, Symbol)}
    free -= {base.label for base in bases} | {K} | sizes_of(*expressions)
    return tuple(sorted(bases, key=_by_name)), tuple(sorted(free, key=_by_name))


@lru_cache(10_000)
def _free_symbols(expression):
    return expression.free_symbols


@lru_cache(10_000)
def sizes_of(*expressions):
    """The sizes other than K: how many samples a batch has."""
    found = set().union(*ranges(*expressions).values())
    found |= {size for shape in shapes(*expressions).values() for axis in shape for size in axis}
    return frozenset(size for size in found if isinstance(size, Symbol)) - {K}


@lru_cache(10_000)
def _by_name(symbol):
    """By name, and symbols of one name by their assumptions."""
    return str(symbol), srepr(symbol), str(getattr(symbol, "upper", ""))


def indices_of(*expressions):
    """The free symbols that stand for a class."""
    return set().union(*map(_indices_of, expressions))


@lru_cache(10_000)
def _indices_of(expression):
    found = set()
    for part in parts(expression):
        if isinstance(part, (Indexed, Entry)):
            found |= set().union(*(index.free_symbols for index in part.args[1:]))
        elif isinstance(part, (KroneckerDelta, Others)):
            found |= set().union(*(argument.free_symbols for argument in part.args))
        if isinstance(part, (ScalarQuantity, Entry)) and not isinstance(part, maximum):
            found |= _indices_of(_definition(part))
    sums, free = parts_of((Sum, Product), expression), _free_symbols(expression)
    found = found.union(LABELS & free, *map(ends_of, sums))
    limits = {limit[0] for part in sums for limit in part.limits}
    bound = limits - free - _differentiated(expression)
    sizes = {K} | sizes_of(expression)
    return {x for x in found - bound if x.is_integer and isinstance(x, Symbol)} - sizes


def _differentiated(expression):
    """The i of d/ds_i, which SymPy does not count as free."""
    variables = [v for part in parts_of(Derivative, expression) for v in part.variables]
    return set().union(*(variable.free_symbols for variable in variables))


def draw_points(*expressions, seed=14, special=False, counts=CLASS_COUNTS):
    """Random points of the domains: K in `counts`, and every way in which classes may coincide.

    `special` adds the points where inequalities are tight or fail first: equal scores, equal
    distributions, small integers with many ties and zeros, and corners of the domains.
    What is defined by cases gets six times as many points, so that every case is met; an iterated
    integral, which costs as much as a thousand other values, one for each K.
    A symbol without assumptions is taken for a real number; one that is not real is a ValueError.
    """
    fewest = 1 if max(map(integrations, expressions)) > 1 else 3
    regions = any(map(_has_regions, expressions))
    return _draw(names_of(*expressions), regions, fewest, seed, special, counts)


@dataclass(frozen=True)
class Names:
    """The symbols of a claim, by what is drawn for them."""

    sizes: tuple
    indices: tuple  # pairs (index, its sizes)
    scalars: tuple
    bases: tuple  # pairs (vector or matrix, the sizes of its axes)
    between: tuple = ()  # numbers whose ends depend on others, which come before them

    def draw(self, classes, generator, choice=None, number=None, vector=None):
        """A point: a number of classes, the sizes, the classes chosen, numbers and vectors."""
        number, vector = number or _draw_scalar, vector or _draw_vector
        values = {K: classes}
        for size in self.sizes:
            others = [n for n in SIZES if n != classes]
            values[size] = generator.choice(others)
        if choice is None:
            choice = [generator.randint(1, self.most(i, values)) for i in range(len(self.indices))]
        for place, ((index, _), label) in enumerate(zip(self.indices, choice, strict=True)):
            values[index] = min(label, self.most(place, values))
        for symbol in self.scalars:
            values[symbol] = number(symbol, values, generator)
        for base, shape in self.bases:
            values[base] = _matrix(base, shape, values, generator, vector)
        for symbol in self.between:
            values[symbol] = number(symbol, values, generator)
        return values

    def most(self, place, values):
        """The largest class that an index may be."""
        return min(_size(size, values) for size in self.indices[place][1])


def _size(size, values):
    return values[size] if size in values else int(evaluate(size, Point(values)))


def _matrix(base, shape, values, generator, vector):
    """A vector, or a list of rows."""
    *outer, inner = (max(_size(size, values) for size in axis) for axis in shape)
    if not outer:
        return vector(base, inner, generator)
    rows = shape[:-1]
    return [
        _matrix(base, (*rows[1:], shape[-1]), values, generator, vector) for _ in range(outer[0])
    ]


@lru_cache(10_000)
def names_of(*expressions):
    between = _between_others(*expressions)
    expressions += tuple(end for symbol in between for end in (symbol.lower, symbol.upper))
    bases, scalars = symbols_of(*expressions)
    indices = tuple(sorted(indices_of(*expressions), key=_by_name))
    runs, shaped = ranges(*expressions), shapes(*expressions)
    return Names(
        tuple(sorted(sizes_of(*expressions), key=_by_name)),
        tuple((index, tuple(sorted(runs.get(index, {K}), key=str))) for index in indices),
        tuple(symbol for symbol in scalars if symbol not in (*indices, *between)),
        tuple((base, shaped.get(base) or _declared(base)) for base in bases),
        between,
    )


def _between_others(*expressions):
    """The numbers whose ends depend on other symbols, each after those that its ends need."""
    found = {}

    def visit(symbol):
        ends = symbol.lower, symbol.upper
        for other in sorted(ends[0].atoms(Between) | ends[1].atoms(Between), key=_by_name):
            visit(other)
        if (ends[0].free_symbols | ends[1].free_symbols) - {K}:
            found[symbol] = True

    for expression in expressions:
        for symbol in sorted(parts_of(Between, expression), key=_by_name):
            visit(symbol)
    return tuple(found)


def is_inside(point):
    """Whether each number lies in the domain of its symbol."""
    return all(_is_in_its_domain(symbol, value, point) for symbol, value in point.values.items())


def _is_in_its_domain(symbol, value, point):
    if isinstance(value, list):
        return all(_is_in_its_domain(symbol, x, point) for x in value)
    if isinstance(value, frozenset):
        return True
    if isinstance(symbol, Between):
        with mp.workdps(20 * DIGITS):
            return evaluate(symbol.lower, point) < value < evaluate(symbol.upper, point)
    return _fulfils(value, getattr(symbol, "label", symbol))


def _declared(base):
    return tuple((size,) for size in base.shape) if base.shape else ((K,),)


@lru_cache(1000)
def _draw(names, regions, fewest, seed, special, counts):
    """The points as a tuple: claims about the same symbols share them."""
    return tuple(_draws(names, regions, fewest, seed, special, counts))


def _draws(names, regions, fewest, seed, special, counts):
    generator = random.Random(seed)
    for classes in counts:
        choices = _choices(classes, len(names.indices), generator)
        if len(choices) > 8:
            choices = _one_of_each_coincidence(choices, generator)
        while len(choices) < fewest:
            choices = choices * 2
        if regions:
            choices = choices * 6
        last = classes == counts[-1]
        for choice in [generator.choice(choices)] if last else choices:
            values = names.draw(classes, generator, choice)
            yield Point(values)
        if special and not last:
            yield from _special(names, values, generator)


def _choices(classes, count, generator):
    """Every choice of classes for some indices, or as many of them as can be looked through."""
    if classes**count <= CHOICES:
        return list(product(range(1, classes + 1), repeat=count))
    return [tuple(generator.choices(range(1, classes + 1), k=count)) for _ in range(CHOICES)]


def _special(names, values, generator):
    """Where inequalities are tight or fail first, near a point."""
    scalars, bases = names.scalars, [base for base, _ in names.bases]
    with mp.workdps(20 * DIGITS):  # so that these sum to one at any precision in use
        part = mp.mpf(1) / values[K]
        vectors = {base: _filled(values[base], _near(part, base.label), base) for base in bases}
    numbers = {x: _signed(part, x) for x in scalars if _admits_fractions(x)}
    alike = {(type(base), _dimensions(values[base])): values[base] for base in bases}
    same = {base: alike[type(base), _dimensions(values[base])] for base in bases}
    yield Point(values | vectors, kind="corner")
    yield Point(values | vectors | numbers, kind="corner")
    yield Point(values | same, kind="corner")
    for _ in range(4):
        corner = {symbol: _corner(symbol, values, generator) for symbol in scalars}
        vectors = {
            base: _matrix(base, shape, values, generator, _vector_corner)
            for base, shape in names.bases
        }
        yield Point(values | corner | vectors, kind="corner")


def _dimensions(value):
    return (len(value), *_dimensions(value[0])) if isinstance(value, list) else ()


def _near(part, symbol):
    """A part of one, or what is next to it in the domain of a symbol."""
    if symbol.is_integer:
        return min(_integers(symbol), key=lambda number: abs(number - part))
    return _signed(part, symbol)


def _filled(value, part, base):
    """A list with one number everywhere, or what makes a row of probabilities sum to one."""
    if isinstance(value[0], list):
        return [_filled(row, part, base) for row in value]
    if isinstance(base, Probabilities):
        part = mp.mpf(1) / len(value)
    return [part] * len(value)


def is_about_sizes(*expressions):
    """Whether a claim is about numbers of classes and samples, and numbers between these."""
    names = names_of(*expressions)
    return not (names.indices or names.scalars or names.bases)


def many_classes(*expressions, seed=5):
    """Points with even and large numbers of classes; of claims in K alone, to 1000."""
    names = names_of(*expressions)
    generator = random.Random(seed)
    alone = is_about_sizes(*expressions)
    spent = 0
    for classes in CLASSES_ALONE if alone else MORE_CLASSES:
        price = work(expressions, classes)
        times = 1 if alone or price > 1000 or classes > 12 else 2
        spent += times * price
        if spent > (4 if alone else 2) * EFFORT and classes > 4:
            return
        for _ in range(times):
            yield Point(names.draw(classes, generator))


def coincidences(*expressions, seed=6):
    """Points for each pattern of the classes that are named, and for each small distance of two."""
    names = names_of(*expressions)
    if not names.indices:
        return
    generator = random.Random(seed)
    for classes in (4, 12):
        choices = list(product(range(1, classes + 1), repeat=min(len(names.indices), 3)))
        generator.shuffle(choices)
        limit = max(8, min(150, EFFORT // work(expressions, classes)))
        near = [c for c in choices if len(c) > 1 and abs(c[0] - c[1]) < 9]
        ends = [c for c in choices if set(c) <= {1, classes}]
        chosen = choices[:limit] if len(choices) > limit else choices
        if len(choices) > limit:
            chosen = [*ends[:8], *near[: limit // 2], *choices[: limit // 2]]
        for choice in chosen:
            rest = [generator.randint(1, classes) for _ in names.indices[3:]]
            yield Point(names.draw(classes, generator, [*choice, *rest]))


def named_numbers(*expressions, seed=9):
    """Points at which K, classes and numbers are the whole ones that a case names, or next to them.

    Of delta(j, 20) nobody sees at random points that it is not always zero.
    """
    names = names_of(*expressions)
    generator = random.Random(seed)
    cases = parts_of((KroneckerDelta, Relational), *expressions)
    named = {int(n) for case in cases for n in case.atoms(Integer) if 0 < n < MOST_CLASSES}
    for number in sorted({max(1, n + beside) for n in named for beside in (-1, 0, 1)}):
        scalars = {}
        for x in names.scalars:
            inside = mp.mpf(number) if x.is_integer else number + mp.mpf(1) / 2
            if not isinstance(x, (Between, Classes)) and _fulfils(inside, x):
                scalars[x] = int(inside) if x.is_integer else inside
        for classes in {max(2, number), number + 2}:
            if work(expressions, classes) <= EFFORT:
                choice = [number] * len(names.indices)
                yield Point(names.draw(classes, generator, choice) | scalars)
                for place in range(len(choice)):
                    others = [generator.randint(1, classes) for _ in choice]
                    others[place] = number
                    yield Point(names.draw(classes, generator, others) | scalars)


def one_at_a_time(*expressions, seed=10):
    """Points at which one vector is zero, or one entry of it alone is not; the others are drawn."""
    names = names_of(*expressions)
    generator = random.Random(seed)
    for classes in (2, 3, 5):
        for base, shape in names.bases:
            if len(shape) > 1:
                continue
            for place in range(-1, classes):
                values = names.draw(classes, generator)
                values[base] = [x if n == place else mp.zero for n, x in enumerate(values[base])]
                yield Point(values)


def far_out(*expressions, seed=7):
    """Points far from zero, near it and near the ends of domains, in some or all of the numbers."""
    names = names_of(*expressions)
    if not (names.scalars or names.bases):
        return
    generator = random.Random(seed)
    integrals = max(map(integrations, expressions))
    if integrals > 1:
        return
    scales = (1, -3) if integrals else SCALES
    times = max(1, min(6, EFFORT // (work(expressions, 3) * len(scales))))
    for turn in range(times):
        for scale in scales:
            classes = generator.choice((2, 3, 4))
            all_of_them = turn % 2 == 0

            def number(symbol, values, generator, scale=scale, everywhere=all_of_them):
                if not everywhere and generator.random() < 0.4:
                    return _draw_scalar(symbol, values, generator)
                return far_scalar(symbol, values, generator, scale)

            def vector(base, size, generator, scale=scale, everywhere=all_of_them):
                if not everywhere and generator.random() < 0.4:
                    return _draw_vector(base, size, generator)
                return _far_vector(base, size, generator, scale)

            yield Point(names.draw(classes, generator, number=number, vector=vector), kind="far")


def nearly_alike(*expressions, seed=8):
    """Points at which vectors are nearly equal to one another, or their entries are.

    A bound that is an equality there fails beside it if it is bent the wrong way.
    """
    names = names_of(*expressions)
    if not names.bases or max(map(integrations, expressions)) > 1:
        return
    generator = random.Random(seed)
    for turn in range(max(4, min(48, EFFORT // work(expressions, 4)))):
        classes, little = generator.choice((3, 4, 6)), generator.choice((0.3, 0.03))
        starts = {}

        def vector(base, size, generator, flat=turn % 4 == 0, starts=starts, little=little):
            kind = isinstance(base, Probabilities), base.label.is_nonnegative, size
            start = starts.setdefault(kind, _wide_vector(base, size, generator, flat))
            return _moved_a_little(base, start, generator, little)

        yield Point(names.draw(classes, generator, vector=vector), kind="far")


def _wide_vector(base, size, generator, flat):
    """Entries of very different sizes, or one number in all of them."""
    if flat:
        return [
            mp.one if isinstance(base, Probabilities) else _draw_number(base.label, generator)
        ] * size
    if isinstance(base, Probabilities):
        return [mp.exp(generator.gauss(0, 2)) for _ in range(size)]
    return [_draw_number(base.label, generator) for _ in range(size)]


def _moved_a_little(base, entries, generator, little):
    if base.label.is_integer:
        return entries
    moves = [generator.gauss(0, little) for _ in entries]
    if not (base.label.is_nonnegative or base.label.is_nonpositive):
        return [x + move for x, move in zip(entries, moves, strict=True)]
    with mp.workdps(20 * DIGITS):
        moved = [x * math.exp(move) for x, move in zip(entries, moves, strict=True)]
        whole = mp.fsum(moved) if isinstance(base, Probabilities) else 1
        return [x / whole for x in moved]


def far_scalar(symbol, values, generator, scale):
    if isinstance(symbol, Classes):
        return _draw_scalar(symbol, values, generator)
    if isinstance(symbol, Between):
        share = mp.mpf(10) ** -abs(scale)
        return _between(symbol, values, generator.choice([share, 1 - share]))
    return _far_number(symbol, generator, scale)


def _far_vector(base, size, generator, scale):
    if isinstance(base, Probabilities):
        with mp.workdps(20 * DIGITS):
            weights = [mp.mpf(10 ** -generator.uniform(0, abs(scale))) for _ in range(size)]
            weights[generator.randrange(size)] = mp.mpf(10) ** -abs(scale)
            weights[generator.randrange(size)] = mp.mpf(1)
            whole = mp.fsum(weights)
            return [weight / whole for weight in weights]
    largest = 3 if base.label.is_positive is None else 15  # scores to thousands
    scale = max(-largest, min(largest, scale))
    return [_far_number(base.label, generator, scale) for _ in range(size)]


def _far_number(symbol, generator, scale):
    if symbol.is_integer:
        far = [n for n in (7, 8, 10, 12, 20, 33, 50, 101) for n in (n, -n)]
        far = [n for n in far if _fulfils(n, symbol)]
        return generator.choice(far) if far else generator.choice(_integers(symbol))
    if symbol.is_nonnegative or symbol.is_nonpositive:
        return _signed(mp.mpf(10) ** scale * mp.mpf(generator.lognormvariate(0, 1)), symbol)
    return mp.mpf(10) ** scale * mp.mpf(generator.gauss(0, 1))


def affordable(points, *expressions):
    """As many of the points as the effort allows, from all of them."""
    price = sum(work(expressions, point.values[K]) for point in points)
    fewer = points[:: -(-price // (10 * EFFORT))]
    return fewer if len(fewer) >= FEWEST else points[:: max(1, len(points) // FEWEST)]


@lru_cache(10_000)
def work(expressions, classes):
    """About how many numbers are computed for the value of some expressions."""
    return sum(_work(expression, classes) for expression in expressions)


@lru_cache(10_000)
def _work(expression, classes):
    if isinstance(expression, (Sum, Product)):
        inside = _work(expression.function, classes)
        for _, lower, upper in expression.limits:
            ends = [upper.xreplace({K: Integer(classes)}), lower]
            known = all(end.is_Integer for end in ends)
            inside *= max(1, int(ends[0] - lower) + 1) if known else classes
        return inside + 1
    if isinstance(expression, Derivative):
        return 5 ** len(expression.variables) * _work(expression.expr, classes)
    if isinstance(expression, Integral):
        return 80 ** len(expression.limits) * _work(expression.function, classes)
    if isinstance(expression, Limit):
        return 10 * _work(expression.args[0], classes)
    if isinstance(expression, maximum):
        return classes * _work(expression.args[0], classes) + 1
    if isinstance(expression, (ScalarQuantity, Entry)):
        return _work(_definition(expression), classes)
    return 1 + sum(_work(part, classes) for part in expression.args)


@lru_cache(10_000)
def _has_regions(expression):
    """Whether an expression is defined by cases."""
    return any(isinstance(part, CASES) for part in parts(expression))


@lru_cache(10_000)
def integrations(expression):
    """How many integrals stand within one another, those in definitions included."""
    if isinstance(expression, Integral):
        return len(expression.limits) + integrations(expression.function)
    if isinstance(expression, Limit):
        return max(1, integrations(expression.args[0]))
    if isinstance(expression, (ScalarQuantity, Entry)) and not isinstance(expression, maximum):
        return integrations(_definition(expression))
    return max(map(integrations, expression.args), default=0)


def _one_of_each_coincidence(choices, generator):
    """One choice of classes for each pattern of equal and different ones."""
    generator.shuffle(choices)
    patterns = {tuple(choice.index(label) for label in choice): choice for choice in choices}
    return [patterns[pattern] for pattern in sorted(patterns)]


def _draw_scalar(symbol, values, generator):
    if isinstance(symbol, Classes):
        classes = list(range(1, values[K] + 1))
        return frozenset(generator.sample(classes, generator.randint(1, values[K] - 1)))
    if isinstance(symbol, Between):
        return _between(symbol, values, mp.mpf(generator.uniform(0.01, 0.99)))
    return _draw_number(symbol, generator)


def _draw_vector(base, classes, generator):
    if isinstance(base, Probabilities):
        parts = 2**20  # dyadic fractions, so that they sum to one exactly
        cuts = [0, *sorted(generator.sample(range(1, parts), classes - 1)), parts]
        return [mp.mpf(b - a) / parts for a, b in zip(cuts, cuts[1:], strict=False)]
    return [_draw_number(base.label, generator) for _ in range(classes)]


def _draw_number(symbol, generator):
    if symbol.is_integer:
        return generator.choice(_integers(symbol))
    if symbol.is_real is False:
        raise ValueError(f"points are real, {symbol} is not")
    if symbol.is_nonnegative or symbol.is_nonpositive:
        return _signed(mp.mpf(generator.lognormvariate(0, 1)), symbol)
    return mp.mpf(generator.gauss(0, 2))


def _corner(symbol, values, generator):
    if isinstance(symbol, Classes):
        return values[symbol]
    if isinstance(symbol, Between):
        return _between(symbol, values, generator.choice([SMALL, 1 - SMALL]))
    return _corner_number(symbol, values[symbol], generator)


def _vector_corner(base, classes, generator):
    if isinstance(base, Probabilities):
        corner = [SMALL] * classes
        corner[generator.randrange(classes)] = 1 - (classes - 1) * SMALL
        return corner
    return [_corner_number(base.label, mp.mpf(1), generator) for _ in range(classes)]


def _corner_number(symbol, otherwise, generator):
    """A small integer of the domain, if it has one."""
    numbers = [number for number in _integers(symbol) if abs(number) <= 1]
    return mp.mpf(generator.choice(numbers)) if numbers else otherwise


@lru_cache(1000)
def _integers(symbol):
    """The integers from -6 to 6 that fulfil the assumptions of a symbol."""
    return [number for number in range(-6, 7) if _fulfils(number, symbol)]


def _admits_fractions(symbol):
    """Whether a symbol may stand for 1/K."""
    return not (isinstance(symbol, (Between, Classes)) or symbol.is_integer)


def _signed(size, symbol):
    return -size if symbol.is_nonpositive else size


def _fulfils(number, symbol):
    """Whether a symbol may stand for a number, as far as its assumptions tell."""
    if _is_any_real(symbol):
        return True
    if mp.isint(number):
        return _may_be(Integer(int(number)), symbol)
    return any(_may_be(int(mp.sign(number)) * kind, symbol) for kind in NOT_WHOLE)


@lru_cache(10_000)
def _is_any_real(symbol):
    return symbol.assumptions0 == Symbol("x", real=True).assumptions0


@lru_cache(10_000)
def _may_be(number, symbol):
    assumptions = symbol.assumptions0.items()
    known = ((getattr(number, f"is_{name}", None), value) for name, value in assumptions)
    return all(found in (value, None) for found, value in known)


def _between(symbol, values, share):
    with mp.workdps(20 * DIGITS):
        lower, upper = (evaluate(bound, Point(values)) for bound in (symbol.lower, symbol.upper))
        return lower + (upper - lower) * share
