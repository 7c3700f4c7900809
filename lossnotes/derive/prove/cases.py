"""Every way in which the classes that a claim names may coincide."""

from itertools import combinations

from sympy import Indexed, KroneckerDelta, Max, Pow

from lossnotes.derive.prove.reduce import apart, before
from lossnotes.derive.prove.unfold import RANGES, side, unfold
from lossnotes.derive.symbols import K, Others, entry, maximum

FEW = 4  # classes whose every coincidence is looked at first
MOST = 250  # ways in which classes coincide that are looked at


def single_out(expression):
    """max over all classes = max(s_y, max over the others), for each y that is singled out."""
    for single in sorted(expression.atoms(maximum), key=str):
        vector, *within = single.args
        if within and isinstance(within[0], Others):
            y = within[0].args[0]
            if y.free_symbols & RANGES.keys():
                continue
            both = unfold(Max(entry(vector, y), single, evaluate=False))
            expression = expression.xreplace({maximum(vector): both})
    return expression


def cases(expression, also=()):
    """Every way in which the classes named in deltas coincide: (renaming, distinct classes)."""
    classes = {*also, *in_deltas(expression), *_in_denominators(expression)}
    for blocks in partitions(sorted(classes, key=str)):
        yield (
            {member: block[0] for block in blocks for member in block[1:]},
            frozenset(block[0] for block in blocks),
        )


def tell_nothing(expression):
    """Whether the cases may be left out: there are many, and no denominator is zero in one."""
    return len(in_deltas(expression)) > FEW and not _in_denominators(expression)


def in_deltas(expression):
    """The classes that deltas, and sets of all others, name."""
    deltas = expression.atoms(KroneckerDelta, before)
    classes = {argument for delta in deltas for argument in delta.args}
    classes |= {others.args[0] for others in expression.atoms(Others)}
    return {place for place in classes if not place.free_symbols & RANGES.keys()}


def _in_denominators(expression):
    """The classes of two entries of a vector, where something else holds if these are the same."""
    classes = set()
    for part in expression.atoms(Pow, side):
        if part.is_Pow and (part.exp.is_nonnegative or part.base.is_positive):
            continue
        named = {entry for entry in part.args[0].atoms(Indexed)}
        if len({entry.base for entry in named}) == len(named):
            continue
        classes |= {
            index
            for one, other in combinations(sorted(named, key=str), 2)
            if one.base == other.base
            for index in one.indices + other.indices
            if not index.free_symbols & RANGES.keys()
        }
    return classes


def joined(sizes, renamed):
    """The sizes of the free indices, where those that coincide exceed none of either."""
    found = {index: set(known) for index, known in sizes}
    for member, representative in renamed.items():
        known = found.pop(member, {K})
        found[representative] = found.get(representative, {K}) | known
    return tuple(sorted(((i, frozenset(known)) for i, known in found.items()), key=str))


def partitions(items):
    """The partitions of classes into blocks that coincide, but for those that never do."""
    if not items:
        yield []
        return
    first, rest = items[0], items[1:]
    for blocks in partitions(rest):
        yield [[first], *blocks]
        for index, block in enumerate(blocks):
            if any(apart(first, other) for other in block):
                continue
            # A symbol comes first in its block, so that it stands for the whole of it.
            yield [
                *blocks[:index],
                sorted([first, *block], key=lambda e: (bool(e.args), str(e))),
                *blocks[index + 1 :],
            ]
