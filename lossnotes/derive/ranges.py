"""How far the indices run: those of classes from 1 to K, those of a batch from 1 to N.

A bound index has its range in its sum. A free one has that of the place where it stands: an axis of
a vector or matrix whose shape is known, a delta beside a bound index, or an end of a sum that goes
on to the last class, or runs over entries. Otherwise it is a class; so are i, j, k and y wherever
they stand.
"""

from functools import lru_cache
from itertools import chain

from sympy import (
    Indexed,
    IndexedBase,
    KroneckerDelta,
    Product,
    Sum,
    Symbol,
)

from lossnotes.derive.parts import parts, parts_of
from lossnotes.derive.symbols import Entry, K, Others, Quantity, i, j, k, y

LABELS = frozenset((i, j, k, y))


def axis_sizes(base):
    """The sizes of the axes of a vector or matrix; a vector without a shape has K entries."""
    return tuple(base.shape) if base.shape else None


def ranges(*expressions):
    """For each free index the sizes that it must not exceed, as a dict of frozensets."""
    return {index: frozenset(sizes or {K}) for index, sizes in _found(*expressions)[0].items()}


def shapes(*expressions):
    """For each vector and matrix, for each of its axes, the sizes that are sure to suffice."""
    found = {}
    for (base, axis), sizes in _found(*expressions)[1].items():
        shape = found.setdefault(base, {})
        shape[axis] = frozenset(sizes or {K})
    return {base: tuple(shape[axis] for axis in sorted(shape)) for base, shape in found.items()}


def ends_of(whole):
    """The symbols at the ends of a sum that are classes, with the sizes that they do not exceed."""
    found = {}
    for index, lower, upper in whole.limits:
        sizes = _sizes_along(index, whole.function)
        last = {upper} if upper in {K} | sizes else set()
        for end, most in ((lower, sizes | last), (upper, sizes)):
            place = end.as_coeff_Add()[1]
            if place.is_Symbol and place.is_integer and place not in most and most:
                found.setdefault(place, set()).update(most)
    return found


def _sizes_along(index, body):
    """The sizes of the axes of vectors along which an index runs."""
    found = {K} if any(part.args[-1] == index for part in parts_of(Entry, body)) else set()
    for part in parts_of(Indexed, body):
        sizes = axis_sizes(part.base) or (K,) * (len(part.indices) == 1)
        found |= {size for size, place in zip(sizes, part.indices, strict=False) if place == index}
    return found


@lru_cache(10_000)
def _found(*expressions):
    """The sizes of the free indices, and those of the axes."""
    bound, found, axes = {}, {}, {}
    every = list(chain.from_iterable(map(parts, expressions)))
    known = {K}.union(*(part.shape or () for part in every if isinstance(part, IndexedBase)))
    sums = [part for part in every if isinstance(part, (Sum, Product))]
    indices = {limit[0] for part in sums for limit in part.limits}
    for part in sums:
        for index, lower, upper in part.limits:
            whole = lower == 1 and not upper.free_symbols & indices
            bound.setdefault(index, upper if whole else None)
            for end, sizes in ends_of(part).items():
                if end not in indices:
                    found.setdefault(end, set()).update(sizes)
    found |= {label: set() for label in LABELS - indices - found.keys() if label in every}
    for _ in range(2):  # the second time the axes are known
        for part in every:
            if isinstance(part, Indexed):
                sizes = axis_sizes(part.base)
                if sizes is None and len(part.indices) == 1:
                    sizes = (K,)
                for axis, index in enumerate(part.indices):
                    place = axes.setdefault((part.base, axis), set())
                    if sizes is not None and axis < len(sizes):
                        place.add(sizes[axis])
                    elif bound.get(index) is not None:
                        place.add(bound[index])
                    if isinstance(index, Symbol) and index not in bound:
                        found.setdefault(index, set()).update(place & known)
            elif isinstance(part, KroneckerDelta):
                for a, b in (part.args, part.args[::-1]):
                    if bound.get(a) in known and isinstance(b, Symbol) and b not in bound:
                        found.setdefault(b, set()).add(bound[a])
            elif isinstance(part, (Entry, Others)):
                index = part.args[-1]
                if isinstance(index, Symbol) and index not in bound:
                    found.setdefault(index, set()).add(K)
            elif isinstance(part, Quantity):
                for index in part.args:
                    if isinstance(index, Symbol) and index.is_integer and index not in bound:
                        found.setdefault(index, set()).add(K)
    return {index: sizes for index, sizes in found.items() if index not in known}, axes
