"""Points beside the places where a formula that is defined by cases goes from one to the next.

A step that comes a hundredth too late is right almost everywhere: at random points nobody sees it.
"""

from itertools import combinations, pairwise, product

from mpmath import mp
from sympy import Abs, Heaviside, Max, Min, preorder_traversal

from lossnotes.derive.points import Point, draw_points, indices_of
from lossnotes.derive.symbols import K, ScalarQuantity, argmax, maximum
from lossnotes.derive.values import Excluded, Undefined, evaluate

HALVINGS = 20


def beside_kinks(left, right, seed=0, halvings=HALVINGS):
    """On the lines between random points, both sides of every place where a case changes.

    They are as far apart as two random points, halved so many times.

    There every class is tried that has nothing to do with the change, such as the j of d/ds_j.
    """
    switches = sorted(_switches(left) | _switches(right), key=str)
    indices = indices_of(left, right)
    drawn = list(draw_points(left, right, seed=seed, counts=(2, 4, 5))) if switches else []
    for a, b in pairwise(drawn):
        if a.values[K] != b.values[K]:
            continue
        b = Point(b.values | {index: a.values[index] for index in indices})
        for switch in switches:
            try:
                for point in _both_sides(switch, a, b, halvings):
                    others = sorted(indices - switch.free_symbols, key=str)
                    classes = range(1, a.values[K] + 1)
                    for choice in product(classes, repeat=len(others)):
                        yield Point(point.values | dict(zip(others, choice, strict=True)))
            except (Undefined, Excluded, ArithmeticError):
                continue


def _switches(expression):
    """Expressions whose sign, or whose class, tells which case applies."""
    found = set()
    for part in preorder_traversal(expression):
        if isinstance(part, (Heaviside, Abs)):
            found.add(part.args[0])
        elif isinstance(part, (Max, Min)):
            found |= {a - b for a, b in combinations(part.args, 2)}
        elif isinstance(part, (maximum, argmax)):
            found.add(argmax(*part.args))
        elif isinstance(part, ScalarQuantity):
            found |= _switches(part.definition())
    return found


def _both_sides(switch, a, b, halvings):
    low, high = mp.mpf(0), mp.mpf(1)
    case = _case(switch, a)
    if case == _case(switch, b):
        return
    for _ in range(halvings):
        middle = (low + high) / 2
        if _case(switch, _between(a, b, middle)) == case:
            low = middle
        else:
            high = middle
    yield _between(a, b, low)
    yield _between(a, b, high)


def _case(switch, point):
    value = evaluate(switch, point)
    return value if isinstance(switch, argmax) else mp.sign(value)


def _between(a, b, share):
    """A point on the line from a to b; classes and sets stay."""

    def mixed(x, y):
        if isinstance(x, list):
            return [mixed(*pair) for pair in zip(x, y, strict=True)]
        return x if isinstance(x, (int, frozenset)) else x + share * (y - x)

    return Point({symbol: mixed(x, b.values[symbol]) for symbol, x in a.values.items()})
