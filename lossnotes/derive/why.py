"""Why a step is proved: the facts that were used, in the order of their use.

A function that uses a fact says so with `because`. What is remembered from an earlier call brings
the facts that were used then.
"""

from contextlib import contextmanager
from functools import lru_cache, wraps

_open = []


@contextmanager
def reasons():
    """The facts used in the block, as a dict: in the order of their first use, each once."""
    used = {}
    _open.append(used)
    try:
        yield used
    finally:
        _open.pop()


def because(*facts):
    """Note that facts are used."""
    if _open:
        _open[-1].update(dict.fromkeys(facts))


def attempt(argument, *args):
    """The result of an argument; what it used counts only if the result is true."""
    with reasons() as used:
        found = argument(*args)
    if found:
        because(*used)
    return found


def remembered(size):
    """lru_cache for functions that use facts."""

    def decorate(function):
        @lru_cache(size)
        def cached(*args):
            with reasons() as used:
                result = function(*args)
            return result, tuple(used)

        @wraps(function)
        def again(*args):
            result, used = cached(*args)
            because(*used)
            return result

        again.cache_clear, again.cache_info = cached.cache_clear, cached.cache_info
        return again

    return decorate
