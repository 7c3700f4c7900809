"""Points of the declared domains of the symbols in an expression."""

import random
from dataclasses import dataclass
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
    Max,
    Min,
    Piecewise,
    Sum,
    Symbol,
    preorder_traversal,
    srepr,
)

from lossnotes.derive.symbols import (
    Between,
    Classes,
    Entry,
    K,
    Others,
    Probabilities,
    Quantity,
    ScalarQuantity,
    margin_loss,
    maximum,
)
from lossnotes.derive.values import evaluate

DIGITS = 50
CLASS_COUNTS = (2, 3, 5, 7)  # at the last one point only: what (K-2)(K-3)(K-5) hides shows there
SMALL = mp.mpf(2) ** -20


@dataclass(frozen=True)
class Point:
    """A number for each symbol: K, classes from 1 to K, parameters, and vectors of length K."""

    values: dict

    def __hash__(self):
        return self._hash

    @cached_property
    def _hash(self):
        fixed = ((x, tuple(v) if isinstance(v, list) else v) for x, v in self.values.items())
        return hash(frozenset(fixed))

    def __str__(self):
        order = sorted(self.values.items(), key=lambda item: (item[0] != K, str(item[0])))
        return ", ".join(f"{symbol} = {_shown(value)}" for symbol, value in order)


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
        bases |= {part for part in preorder_traversal(expression) if isinstance(part, IndexedBase)}
        free |= {part for part in expression.free_symbols if isinstance(part, Symbol)}
    free -= {base.label for base in bases} | {K}
    return tuple(sorted(bases, key=_by_name)), tuple(sorted(free, key=_by_name))


def _by_name(symbol):
    """By name, and symbols of one name by their assumptions."""
    return str(symbol), srepr(symbol), str(getattr(symbol, "upper", ""))


def indices_of(*expressions):
    """The free symbols that stand for a class."""
    return set().union(*map(_indices_of, expressions))


@lru_cache(10_000)
def _indices_of(expression):
    found = set()
    for part in preorder_traversal(expression):
        if isinstance(part, (Indexed, Entry)):
            found |= part.args[1].free_symbols
        elif isinstance(part, (KroneckerDelta, Others)):
            found |= set().union(*(argument.free_symbols for argument in part.args))
        elif isinstance(part, Quantity):
            found |= {argument for argument in part.args if isinstance(argument, Symbol)}
    limits = {limit[0] for part in expression.atoms(Sum) for limit in part.limits}
    bound = limits - expression.free_symbols - _differentiated(expression)
    return {x for x in found - bound if x.is_integer and isinstance(x, Symbol)} - {K}


def _differentiated(expression):
    """The i of d/ds_i, which SymPy does not count as free."""
    variables = [v for part in expression.atoms(Derivative) for v in part.variables]
    return set().union(*(variable.free_symbols for variable in variables))


def draw_points(*expressions, seed=14, special=False, counts=CLASS_COUNTS):
    """Random points of the domains: K in `counts`, and every way in which classes may coincide.

    `special` adds the points where inequalities are tight or fail first: equal scores, equal
    distributions, small integers with many ties and zeros, and corners of the domains.
    What is defined by cases gets six times as many points, so that every case is met; an iterated
    integral, which costs as much as a thousand other values, one for each K.
    A symbol without assumptions is taken for a real number; one that is not real is a ValueError.
    """
    bases, scalars = symbols_of(*expressions)
    indices = tuple(sorted(indices_of(*expressions), key=_by_name))
    scalars = tuple(symbol for symbol in scalars if symbol not in indices)
    regions = any(map(_has_regions, expressions))
    fewest = 1 if max(map(integrations, expressions)) > 1 else 3
    return _draw(bases, scalars, indices, regions, fewest, seed, special, counts)


@lru_cache(1000)
def _draw(bases, scalars, indices, regions, fewest, seed, special, counts):
    """The points as a tuple: claims about the same symbols share them."""
    return tuple(_draws(bases, scalars, indices, regions, fewest, seed, special, counts))


def _draws(bases, scalars, indices, regions, fewest, seed, special, counts):
    generator = random.Random(seed)
    for classes in counts:
        choices = list(product(range(1, classes + 1), repeat=len(indices)))
        if len(choices) > 8:
            choices = _one_of_each_coincidence(choices, generator)
        while len(choices) < fewest:
            choices = choices * 2
        if regions:
            choices = choices * 6
        last = classes == counts[-1]
        for choice in [generator.choice(choices)] if last else choices:
            values = {K: classes, **dict(zip(indices, choice, strict=True))}
            for symbol in scalars:
                values[symbol] = _draw_scalar(symbol, values, generator)
            for base in bases:
                values[base] = _draw_vector(base, classes, generator)
            yield Point(values)
        if special and not last:
            with mp.workdps(20 * DIGITS):  # so that these sum to one at any precision in use
                part = mp.mpf(1) / classes
            same = {type(base): values[base] for base in bases}
            vectors = {base: [_signed(part, base.label)] * classes for base in bases}
            numbers = {x: _signed(part, x) for x in scalars if _admits_fractions(x)}
            yield Point(values | vectors)
            yield Point(values | vectors | numbers)
            yield Point(values | {base: same[type(base)] for base in bases})
            for _ in range(4):
                corner = {symbol: _corner(symbol, values, generator) for symbol in scalars}
                vectors = {base: _vector_corner(base, classes, generator) for base in bases}
                yield Point(values | corner | vectors)


@lru_cache(10_000)
def _has_regions(expression):
    """Whether an expression is defined by cases."""
    return any(
        isinstance(part, (Abs, Heaviside, Max, Min, Piecewise, margin_loss))
        for part in preorder_traversal(expression)
    )


@lru_cache(10_000)
def integrations(expression):
    """How many integrals stand within one another, those in definitions included."""
    if isinstance(expression, Integral):
        return len(expression.limits) + integrations(expression.function)
    if isinstance(expression, (ScalarQuantity, Entry)) and not isinstance(expression, maximum):
        return integrations(expression.definition())
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
    return [number for number in range(-6, 7) if _fulfils(Integer(number), symbol.assumptions0)]


def _admits_fractions(symbol):
    """Whether a symbol may stand for 1/K."""
    return not (isinstance(symbol, (Between, Classes)) or symbol.is_integer)


def _signed(size, symbol):
    return -size if symbol.is_nonpositive else size


def _fulfils(number, assumptions):
    known = ((getattr(number, f"is_{name}", None), value) for name, value in assumptions.items())
    return all(found in (value, None) for found, value in known)


def _between(symbol, values, share):
    with mp.workdps(20 * DIGITS):
        lower, upper = (evaluate(bound, Point(values)) for bound in (symbol.lower, symbol.upper))
        return lower + (upper - lower) * share
