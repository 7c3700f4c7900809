"""Inputs at which a student's function is tried, and the exact values that it should have there."""

import ast
import json
import math
from functools import lru_cache
from hashlib import sha256
from itertools import product

import numpy as np
from mpmath import mp
from sympy import (
    Abs,
    Add,
    Dummy,
    Heaviside,
    IndexedBase,
    KroneckerDelta,
    Max,
    Min,
    Mul,
    Pow,
    exp,
    log,
)

from lossnotes.derive import Point, evaluate
from lossnotes.derive.points import indices_of, integrations
from lossnotes.derive.symbols import Classes, K, Positives
from lossnotes.derive.values import Excluded, Undefined
from lossnotes.homework.asked import carried_out, stand_in

DIGITS = 50
MOST_DIGITS = 400  # fifty of whatever a float64 can hold beside a term of order one
LARGEST = 100_000  # numbers in one argument


class ProbeError(ValueError):
    """A probe that cannot be drawn, or a definition that has no value there."""


def _simplex(rng, *shape):
    return rng.dirichlet(np.ones(shape[-1]), shape[:-1])


def _sparse(rng, *shape):
    """Probability vectors, half of whose entries are exactly zero."""
    q = np.sort(rng.random(shape)) * (np.arange(shape[-1]) >= shape[-1] // 2)
    return rng.permuted(q / q.sum(-1, keepdims=True), axis=-1)


def _mask(rng, *shape):
    """Sets of classes, neither empty nor all of them."""
    order = rng.permuted(np.broadcast_to(np.arange(shape[-1]), shape), axis=-1)
    return order < rng.integers(1, shape[-1], shape[:-1])[..., np.newaxis]


SAMPLERS = {
    "normal": lambda rng, *shape: rng.normal(size=shape),
    "uniform": lambda rng, low, high, *shape: rng.uniform(low, high, shape),
    "integer": lambda rng, low, high, *shape: rng.integers(low, high + 1, shape),
    "label": lambda rng, *shape: rng.integers(shape[-1], size=shape[:-1]),
    "simplex": _simplex,
    "sparse": _sparse,
    "mask": _mask,
    "constant": lambda rng, value, *shape: np.full(shape, value),
    "exp": lambda rng, x: np.exp(x),
    "log": lambda rng, x: np.log(x),
}
ARITHMETIC = {ast.Add: np.add, ast.Sub: np.subtract, ast.Mult: np.multiply, ast.Div: np.divide}


def draw(spec, parameters, rng):
    """The array that a text such as "1000 * normal(4, 5)" describes."""
    try:
        with np.errstate(all="ignore"):
            drawn = np.asarray(_draw(ast.parse(spec.strip(), mode="eval").body, parameters, rng))
        finite = np.isfinite(drawn).all()
    except ProbeError:
        raise
    except (SyntaxError, TypeError, ValueError, IndexError, ArithmeticError) as error:
        raise ProbeError(f"{spec!r} describes no input: {error}") from None
    except (RecursionError, MemoryError):
        raise ProbeError(f"{spec!r} describes no input: it is too large") from None
    if not finite:
        raise ProbeError(f"{spec!r} describes no input: not all of it is finite")
    return drawn.astype(float) if drawn.dtype.kind == "f" else drawn


def _draw(node, parameters, rng):
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        return node.value
    if isinstance(node, ast.Name) and node.id in parameters:
        return parameters[node.id]
    if isinstance(node, ast.List):
        return np.array([_draw(part, parameters, rng) for part in node.elts])
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_draw(node.operand, parameters, rng)
    if isinstance(node, ast.BinOp) and type(node.op) in ARITHMETIC:
        sides = (_draw(side, parameters, rng) for side in (node.left, node.right))
        return ARITHMETIC[type(node.op)](*sides)
    if isinstance(node, ast.Call) and getattr(node.func, "id", None) in SAMPLERS:
        sampler = SAMPLERS[node.func.id]
        arguments = [_draw(part, parameters, rng) for part in node.args]
        shape = arguments[sampler.__code__.co_argcount - 1 :]
        if math.prod(shape) > LARGEST:
            raise ProbeError(f"{ast.unparse(node)!r} has more than {LARGEST:,} numbers")
        return sampler(rng, *arguments)
    raise ProbeError(f"{ast.unparse(node)!r} is unknown; known are {', '.join(SAMPLERS)}")


@lru_cache(16_384)
def example(definition, arguments, mean, specs, parameters, seed):
    """Inputs drawn as `specs` say, and the exact values of the definition as an array of floats.

    arguments (symbols) and specs (texts) are in the order of the function's arguments; parameters
    are pairs of a name and its number; the seed is a tuple of numbers and texts.
    Raises ProbeError where the definition has no finite value.
    """
    rng = np.random.default_rng(int(sha256(json.dumps(seed).encode()).hexdigest(), 16))
    inputs = tuple(draw(spec, dict(parameters), rng) for spec in specs)
    for symbol, array, spec in zip(arguments, inputs, specs, strict=True):
        array.flags.writeable = False
        positive = isinstance(symbol, Positives) or symbol.is_positive and array.dtype.kind == "f"
        if positive and (array < 0).any():
            raise ProbeError(f"{symbol} is positive, but not all that {spec!r} describes")
    expected = values(definition, arguments, mean, inputs, parameters)
    expected.flags.writeable = False
    return inputs, expected


def values(definition, arguments, mean, inputs, parameters):
    """The definition at NumPy inputs: over its free indices, row by row in a batch."""
    rows = {
        array.shape[0]
        for symbol, array in zip(arguments, inputs, strict=True)
        if is_batch(symbol, array)
    }
    if len(rows) > 1:
        raise ProbeError(f"the arguments have {' and '.join(map(str, sorted(rows)))} rows")
    if not rows:
        return _row(definition, arguments, inputs, parameters)
    every = [
        _row(
            definition,
            arguments,
            [a[n] if is_batch(x, a) else a for x, a in zip(arguments, inputs, strict=True)],
            parameters,
        )
        for n in range(*rows)
    ]
    return np.asarray(np.mean(every, axis=0) if mean else every)


def is_batch(symbol, array):
    """Whether an argument holds one value of its symbol for each of several examples."""
    return array.ndim > (1 if isinstance(symbol, (IndexedBase, Classes)) else 0)


def _row(definition, arguments, inputs, parameters):
    sizes = {array.shape[-1] for array in inputs if array.ndim}
    sizes |= {int(array) for x, array in zip(arguments, inputs, strict=True) if x == K}
    if len(sizes) > 1:
        raise ProbeError(f"the arguments have {' and '.join(map(str, sorted(sizes)))} classes")
    classes = sizes.pop() if sizes else 2
    free, constants, formula = _plan(definition, tuple(arguments))
    with mp.workdps(_digits(definition, inputs, parameters)):
        point = {x: _exact(x, array) for x, array in zip(arguments, inputs, strict=True)}
        point |= {stand_in(name, number): mp.mpf(str(number)) for name, number in parameters}
        point[K] = classes
        point |= {symbol: _value(part, point) for part, symbol in constants}
        found = np.empty((classes,) * len(free))
        for place in product(range(classes), repeat=len(free)):
            here = {index: n + 1 for index, n in zip(free, place, strict=True)}
            found[place] = float(_value(formula, point | here))
    if not np.isfinite(found).all():
        raise ProbeError(f"the value at {Point(point)} is not finite")
    return found


def _value(formula, point):
    try:
        return evaluate(formula, Point(point))
    except KeyError as missing:
        raise ProbeError(f"{missing} is no argument, and has no value") from None
    except (Undefined, Excluded, ArithmeticError, TypeError) as error:
        raise ProbeError(f"there is no value at {Point(point)}: {error}") from None


def _digits(definition, inputs, parameters):
    """Fifty, and those that a difference of scores may cancel once they are exponents."""
    if integrations(definition):
        return DIGITS
    floats = [array for array in inputs if array.dtype.kind == "f"]
    spread = max((np.ptp(a) if a.ndim else abs(a) for a in floats), default=0)
    factor = max((max(abs(n), 1 / abs(n)) for _, n in parameters if n), default=1)
    return min(DIGITS + int(spread * factor), MOST_DIGITS)


@lru_cache(1024)
def _plan(definition, arguments):
    """Free indices, parts that do not depend on them with a symbol for each, and what is left."""
    free = tuple(sorted(indices_of(definition) - set(arguments), key=str))
    constants = {}
    formula = _set_apart(carried_out(definition), set(free), constants)
    return free, tuple(constants.items()), formula


def _set_apart(part, free, constants):
    if part.is_Atom:
        return part
    if not part.has(*free):
        assumption = {"integer": True, "positive": True} if part.is_integer else {"real": True}
        return constants.setdefault(part, Dummy(**assumption))
    if isinstance(part, (Add, Mul, Pow, exp, log, Heaviside, KroneckerDelta, Max, Min, Abs)):
        return part.func(*(_set_apart(inner, free, constants) for inner in part.args))
    return part


def _exact(symbol, array):
    """Classes count from 1 in formulas, and from 0 in arrays."""
    if isinstance(symbol, Classes):
        return frozenset((np.flatnonzero(array) + 1).tolist())
    if symbol == K:
        return int(array)
    if symbol.is_integer and symbol.is_positive and array.dtype.kind in "iu":
        return int(array) + 1
    return [mp.mpf(x) for x in array.tolist()] if array.ndim else mp.mpf(array.item())
