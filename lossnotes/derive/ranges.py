"""How far the indices run: those of classes from 1 to K, those of a batch from 1 to N.

A bound index has its range in its sum. A free one has that of the place where it stands: an axis of
a vector or matrix whose shape is known, or a delta beside a bound index. Otherwise it is a class.
"""

from functools import lru_cache

from sympy import Indexed, IndexedBase, KroneckerDelta, Sum, Symbol, preorder_traversal

from lossnotes.derive.symbols import Entry, K, Others, Quantity


def axis_sizes(base):
    """The sizes of the axes of a vector or matrix; a vector without a shape has K entries."""
    return tuple(base.shape) if base.shape else None


@lru_cache(10_000)
def ranges(*expressions):
    """For each free index the sizes that it must not exceed, as a dict of frozensets."""
    bound, found, axes = {}, {}, {}
    parts = [part for expression in expressions for part in preorder_traversal(expression)]
    sizes_known = {K}.union(*(part.shape or () for part in parts if isinstance(part, IndexedBase)))
    for part in parts:
        if isinstance(part, Sum):
            bound.update({i: upper for i, _, upper in part.limits})
    for _ in range(2):  # the second time the axes are known
        for part in parts:
            if isinstance(part, Indexed):
                sizes = axis_sizes(part.base)
                if sizes is None and len(part.indices) == 1:
                    sizes = (K,)
                for axis, index in enumerate(part.indices):
                    place = axes.setdefault((part.base, axis), set())
                    if sizes is not None and axis < len(sizes):
                        place.add(sizes[axis])
                    elif bound.get(index) in sizes_known:
                        place.add(bound[index])
                    if isinstance(index, Symbol) and index not in bound:
                        found.setdefault(index, set()).update(place)
            elif isinstance(part, KroneckerDelta):
                for a, b in (part.args, part.args[::-1]):
                    if bound.get(a) in sizes_known and isinstance(b, Symbol) and b not in bound:
                        found.setdefault(b, set()).add(bound[a])
            elif isinstance(part, (Entry, Others)):
                index = part.args[-1]
                if isinstance(index, Symbol) and index not in bound:
                    found.setdefault(index, set()).add(K)
            elif isinstance(part, Quantity):
                for index in part.args:
                    if isinstance(index, Symbol) and index.is_integer and index not in bound:
                        found.setdefault(index, set()).add(K)
    return {
        index: frozenset(sizes or {K}) for index, sizes in found.items() if index not in sizes_known
    }
