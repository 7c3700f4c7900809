"""The parts of an expression, each once: whoever asks for them again need not walk through it."""

from functools import lru_cache

from sympy import Basic


@lru_cache(10_000)
def parts(expression):
    """The expression and all that stands in it, in this order, from left to right."""
    found, left = {}, [expression]
    while left:
        part = left.pop()
        if part not in found:
            found[part] = None
            left += [inner for inner in reversed(part.args) if isinstance(inner, Basic)]
    return tuple(found)


def parts_of(kinds, *expressions):
    """The parts of some kinds of all the expressions, as a set."""
    return {
        part for expression in expressions for part in parts(expression) if isinstance(part, kinds)
    }
