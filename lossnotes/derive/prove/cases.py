"""Every way in which the classes that a claim names may coincide."""

from itertools import combinations

from sympy import Indexed, KroneckerDelta, Max, Pow

from lossnotes.derive.prove.reduce import apart, before
from lossnotes.derive.prove.unfold import RANGES, side, unfold
from lossnotes.derive.symbols import K, Others, entry, maximum


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
    classes = set(also) | {
        argument
        for delta in expression.atoms(KroneckerDelta, before)
        for argument in delta.args
        if not argument.free_symbols & RANGES.keys()
    }
    classes |= {
        others.args[0]
        for others in expression.atoms(Others)
        if not others.free_symbols & RANGES.keys()
    }
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
    for blocks in partitions(sorted(classes, key=str)):
        yield (
            {member: block[0] for block in blocks for member in block[1:]},
            frozenset(block[0] for block in blocks),
        )


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
