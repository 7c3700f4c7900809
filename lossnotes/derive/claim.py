"""What a reader typed, as a claim about numbers: what every symbol is, and vectors by entries.

Decimal numbers are what was typed: 0.1 is 1/10. A symbol without assumptions is a real number, or a
class where it stands as an index. The entries of vectors are compared at a class that is free.
"""

from functools import lru_cache

from sympy import (
    Add,
    Derivative,
    Expr,
    Float,
    Idx,
    Indexed,
    IndexedBase,
    Integral,
    KroneckerDelta,
    Limit,
    MatrixBase,
    MatrixExpr,
    Mul,
    Piecewise,
    Product,
    Rational,
    Sum,
    Symbol,
    Tuple,
    nan,
    oo,
    sympify,
    zoo,
)
from sympy.core.function import AppliedUndef
from sympy.core.relational import Relational
from sympy.logic.boolalg import BooleanAtom, BooleanFunction

from lossnotes.derive.parts import parts, parts_of
from lossnotes.derive.symbols import (
    Between,
    Classes,
    Complement,
    Entry,
    K,
    Others,
    Quantity,
    ScalarQuantity,
    Scores,
    Vector,
    VectorQuantity,
    entry,
    log_loss,
    margin,
    margin_loss,
    one_hot,
    smooth,
    smooth_others,
)

TRUTHS = (Relational, BooleanAtom, BooleanFunction)
PLAIN = Symbol("x").assumptions0
LABELS = {log_loss: 1, margin: 1, margin_loss: 1, one_hot: 0, smooth: 0, smooth_others: 0}
NAMES = "jkilmnabd"
INFINITIES = (oo, -oo, zoo)


def understood(left, right):
    """Both sides as expressions of numbers, in symbols that say what they are.

    Raises ValueError, with a sentence, for whatever is not a number or a vector.
    """
    left, right = map(_expression, (left, right))
    if left in INFINITIES and right in INFINITIES:
        raise ValueError(f"{left} and {right} are no numbers: infinities cannot be compared")
    left, right = _with_bound_indices_apart(*_with_assumptions(left, right))
    return _by_entries(left, right)


# Numbers


def _expression(side):
    """The side as an expression, with rational numbers for decimal ones."""
    if isinstance(side, str):
        raise ValueError(f"{side!r} is text: build the formula from symbols, without quotes")
    try:
        side = sympify(side, strict=True)
    except (ValueError, TypeError, AttributeError) as error:
        kind = type(side).__name__
        raise ValueError(f"a claim is about numbers, and {side!r} is a {kind}") from error
    return _read(side)


@lru_cache(10_000)  # the left side of a step was the right side of the last
def _read(side):
    _refuse(side)
    decimals = {part: _as_typed(part) for part in parts_of(Float, side)}
    return _with_names_apart(side.xreplace(decimals) if decimals else side)


def _as_typed(number):
    """The decimal fraction that is shortest among those of this value."""
    text = repr(float(number)) if number._prec <= 53 else str(number)
    return Rational(text) if number.is_finite else number


def _refuse(side):
    """Raise for whatever is no number, with what to do instead."""
    if isinstance(side, TRUTHS):
        raise ValueError(
            f"{side} is true or false, and no number: state the relation between the sides"
        )
    if isinstance(side, (MatrixBase, MatrixExpr)):
        raise ValueError(f"{side} is a matrix of SymPy: compare entries, such as X[i, j]")
    if isinstance(side, (Classes, Complement, Others)):
        raise ValueError(f"{side} is a set of classes, and no number")
    if side is nan:
        raise ValueError("nan is no number")
    if not isinstance(side, (Expr, IndexedBase)):
        raise ValueError(f"a claim is about numbers, and {side} is a {type(side).__name__}")
    conditions = {
        relation
        for part in parts_of(Piecewise, side)
        for piece in part.args
        for relation in parts(piece.cond)
    }
    for part in parts(side):
        if isinstance(part, TRUTHS) and part not in conditions:
            raise ValueError(f"{part} is true or false: write Piecewise((1, {part}), (0, True))")
        if isinstance(part, AppliedUndef):
            raise ValueError(
                f"no value is known for {part.func}: {part}. Write its formula in its place"
            )
        if isinstance(part, (MatrixBase, MatrixExpr)):
            raise ValueError(f"{part} is a matrix of SymPy: write its entries, such as X[i, j]")
        if isinstance(part, Symbol) and not part.is_commutative:
            raise ValueError(f"{part} does not commute: a claim is about real numbers")
        if isinstance(part, Derivative):
            vectors = [v for v in part.variables if isinstance(v, IndexedBase)]
            if len(vectors) + is_vector(part.expr) > 1:
                raise ValueError(
                    f"{part} is a matrix: take the derivative by entries, {_hint(part)}"
                )


def _hint(derivative):
    vector = next(v for v in derivative.variables if isinstance(v, IndexedBase))
    return f"such as {vector}[j] and {vector}[k]"


# Names


def _with_names_apart(expression):
    """Bound symbols without assumptions get them, and names that nothing around them has."""
    if not expression.args or isinstance(expression, Symbol):
        return expression
    if isinstance(expression, (Sum, Product, Integral, Limit)):
        return _renamed(expression)
    parts = [_with_names_apart(part) for part in expression.args]
    return expression.func(*parts) if tuple(parts) != expression.args else expression


def _renamed(expression):
    """A sum or an integral, its variables renamed from the innermost outwards."""
    if isinstance(expression, Limit):
        body, variable, end, direction = expression.args
        fresh = _fresh(variable, (body, end), real=True)
        body = _with_names_apart(body).xreplace({variable: fresh})
        return Limit(body, fresh, _with_names_apart(end), str(direction))
    body, limits = _with_names_apart(expression.function), []
    for variable, *ends in expression.limits:
        outer = [_with_names_apart(end) for end in ends]
        if isinstance(expression, Integral):
            assumed = {"real": True}
        else:
            first = bool(outer and outer[0].is_positive)
            assumed = {"integer": True} | ({"positive": True} if first else {})
        fresh = _fresh(variable, (body, *(e for limit in limits for e in limit)), **assumed)
        body = body.xreplace({variable: fresh})
        limits = [
            [limit[0], *(e.xreplace({variable: fresh}) for e in limit[1:])] for limit in limits
        ]
        limits.append([fresh, *outer])
    return expression.func(body, *map(tuple, limits))


def _fresh(variable, around, **assumed):
    """The variable as it should be: under its own name, unless another symbol has that already."""
    if not _is_plain(variable):
        return variable
    names = {symbol for part in around for symbol in part.atoms(Symbol)} - {variable}
    for name in (str(variable), *NAMES, *(f"{variable}{n}" for n in range(1, 100))):
        if all(other.name != name for other in names):
            return Symbol(name, **assumed)
    raise ValueError(f"no name is left for {variable}")


def _is_plain(symbol):
    return isinstance(symbol, Idx) or (type(symbol) is Symbol and symbol.assumptions0 == PLAIN)


def _with_assumptions(left, right):
    """Free symbols without assumptions are classes where they are indices, else real numbers."""
    found, bases = parts_of((Symbol, Idx), left, right), parts_of(IndexedBase, left, right)
    labels = {base.label for base in bases}
    indices = _indices(left) | _indices(right)
    for index in indices:
        if not _is_plain(index) and isinstance(index, Symbol) and index.is_integer is not True:
            raise ValueError(
                f"the index {index} is not known to be a whole number: "
                f"write Symbol('{index}', integer=True, positive=True)"
            )
    names = {}
    for symbol in found - labels:
        if _is_plain(symbol):
            is_index = symbol in indices or isinstance(symbol, Idx)
            assumed = {"integer": True, "positive": True} if is_index else {"real": True}
            names[symbol] = K if str(symbol) == "K" else Symbol(str(symbol), **assumed)
    for base in bases:
        if type(base) is IndexedBase and _is_plain(base.label):
            names[base] = Scores(str(base.label), shape=base.shape)
    if not names:
        return left, right
    return _replaced(left, names), _replaced(right, names)


def _with_bound_indices_apart(left, right):
    """Bound indices by names that no free one has: each has a range of its own."""
    sums = parts_of((Sum, Product), left, right)
    indices = {limit[0] for whole in sums for limit in whole.limits}
    for index in indices & (left.free_symbols | right.free_symbols):
        name = {index: Symbol(f"{index}'", **index.assumptions0)}
        apart = {
            whole: whole.xreplace(name)
            for whole in sums
            if any(limit[0] == index for limit in whole.limits)
            and not any(end.has(index) for limit in whole.limits for end in limit[1:])
        }
        left, right = left.xreplace(apart), right.xreplace(apart)
        sums = parts_of((Sum, Product), left, right)
    return left, right


def _replaced(expression, names):
    if expression in names:
        return names[expression]
    if not expression.args or isinstance(expression, IndexedBase):
        return expression
    parts = [_replaced(part, names) for part in expression.args]
    return expression.func(*parts) if tuple(parts) != expression.args else expression


@lru_cache(10_000)
def _indices(side):
    """The symbols that stand as an index, as a class or as a label."""
    found = set()
    for part in parts(side):
        if isinstance(part, Indexed):
            found |= _in(part.indices)
        elif isinstance(part, (Entry, Others)):
            found |= _in(part.args[-1:])
        elif isinstance(part, KroneckerDelta):
            found |= _in(part.args)
        elif type(part) in LABELS and isinstance(part.args[LABELS[type(part)]], Symbol):
            label = part.args[LABELS[type(part)]]
            found |= set() if isinstance(label, (Classes, Between)) else {label}
    return found


def _in(indices):
    """The symbols in some indices, but not those inside what picks a class, such as an argmax."""
    return {
        symbol
        for index in indices
        for term in Add.make_args(index)
        for symbol in Mul.make_args(term)
        if isinstance(symbol, (Symbol, Idx))
    }


# Vectors


@lru_cache(10_000)
def is_vector(expression):
    """Whether an expression has an entry for each class."""
    if isinstance(expression, (IndexedBase, VectorQuantity)):
        return True
    if isinstance(expression, (Indexed, Entry, ScalarQuantity, Quantity, KroneckerDelta)):
        return False
    if isinstance(expression, (Sum, Product, Integral, Limit)):
        return is_vector(expression.args[0])
    if isinstance(expression, Derivative):
        by = any(isinstance(variable, IndexedBase) for variable in expression.variables)
        return by or is_vector(expression.expr)
    if isinstance(expression, (Others, Complement)) or type(expression).__name__ == "argmax":
        return False
    return any(map(is_vector, expression.args))


def _by_entries(left, right):
    """The sides, or their entries at a class that is free where they are vectors."""
    for side in (left, right):
        if isinstance(side, Tuple):
            raise ValueError(f"{side} is a list of numbers: compare its entries one by one")
    vectors = [is_vector(side) for side in (left, right)]
    if not any(vectors):
        return left, right
    for side, vector in zip((left, right), vectors, strict=True):
        if not vector and side.free_symbols - {K}:
            other = right if side is left else left
            raise ValueError(
                f"{side} is a number and {other} is a vector: compare an entry, such as {other}[j]"
            )
        for base in side.atoms(IndexedBase):
            if base.shape and len(base.shape) > 1 and vector and _stands_open(base, side):
                raise ValueError(f"{base} is a matrix: compare its entries, such as {base}[i, j]")
    taken = {symbol.name for side in (left, right) for symbol in side.atoms(Symbol)}
    name = next(name for name in (*NAMES, *(f"j{n}" for n in range(100))) if name not in taken)
    index = Symbol(name, integer=True, positive=True)
    return entry_of(left, index), entry_of(right, index)


def _stands_open(base, expression):
    if expression == base:
        return True
    if isinstance(expression, (Indexed, Entry, ScalarQuantity)):
        return False
    return any(_stands_open(base, part) for part in expression.args)


def entry_of(expression, index):
    """The entry of a vector expression; derivatives by a whole vector are by its entries."""
    if not is_vector(expression):
        return expression
    if isinstance(expression, (IndexedBase, VectorQuantity)):
        return entry(expression, index)
    if isinstance(expression, Derivative):
        variables = [v[index] if isinstance(v, Vector) else v for v in expression.variables]
        return Derivative(entry_of(expression.expr, index), *variables)
    if isinstance(expression, (Sum, Product, Integral, Limit)):
        return expression.func(entry_of(expression.args[0], index), *expression.args[1:])
    return expression.func(*(entry_of(part, index) for part in expression.args))
