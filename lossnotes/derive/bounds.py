"""Proofs of inequalities for every K, by the five arguments that the book needs."""

from sympy import (
    Add,
    Dummy,
    Function,
    Indexed,
    Mul,
    Sum,
    ceiling,
    cos,
    exp,
    floor,
    log,
    pi,
    sin,
    sympify,
)

from lossnotes.derive.prove import Reduction, proves_equal, unfold
from lossnotes.derive.prove.signs import is_positive
from lossnotes.derive.symbols import Between, K, entry, maximum


def proves_bound(left, relation, right):
    """True if `left relation right` is proved for every K >= 2; False says nothing."""
    left, right = sympify(left), sympify(right)
    if relation in (">=", ">"):
        left, relation, right = right, {">=": "<=", ">": "<"}[relation], left
    difference = _with_signs(right - left)
    if difference.is_positive or (relation == "<=" and difference.is_nonnegative):
        return True
    return _below(unfold(left), unfold(right), strict=relation == "<")


def _with_signs(expression):
    """A symbol of known sign for each cos or sin of a multiple of an angle between two bounds."""
    signs = {}
    for part in expression.atoms(cos, sin):
        (multiple,) = part.args
        angle = next(iter(multiple.free_symbols), None)
        if not isinstance(angle, Between) or not (multiple / angle).is_number:
            continue
        quarter = pi / 2 if isinstance(part, cos) else 0
        ends = [multiple.xreplace({angle: end}) + quarter for end in (angle.lower, angle.upper)]
        if not all(end.is_number for end in ends):
            continue
        half_turns = {floor(min(ends) / pi), ceiling(max(ends) / pi) - 1}
        if len(half_turns) == 1:  # the sine keeps one sign from 0 to pi, the other from pi to 2 pi
            signs[part] = (-1) ** half_turns.pop() * Dummy(positive=True)
    return expression.xreplace(signs)


def _below(left, right, strict):
    if not strict and proves_equal(left, right):
        return True
    left, right = _without_common_terms(left, right)
    return (
        _one_term_below_the_sum(left, right)
        or (not strict and _sum_below_its_largest_term(left, right))
        or (not strict and _jensen(left, right))
        or _constants_below(left, right, strict)
        or (not strict and _squares_below(left, right))
        or (_logarithms_of_positives(left, right) and _below(exp(left), exp(right), strict))
    )


def _logarithms_of_positives(left, right):
    """exp can be applied to both sides: it grows, and undoes the logarithms that are there."""
    logs = [side for side in (left, right) if isinstance(side, log)]
    return bool(logs) and all(is_positive(side.args[0]) for side in logs)


def _without_common_terms(left, right):
    """a + c < b + c if and only if a < b."""
    common = set(Add.make_args(left)) & set(Add.make_args(right))
    return left - Add(*common), right - Add(*common)


def at(expression, where):
    """The expression with vectors and numbers replaced; {s: c} makes every score equal to c."""

    def replaced(part):
        if part in where:
            return where[part]
        if isinstance(part, Indexed):
            return entry(where.get(part.base, part.base), replaced(part.indices[0]))
        return part.func(*map(replaced, part.args)) if part.args else part

    return replaced(unfold(expression))


def _constants_below(left, right, strict):
    """The difference is a number, or a quantity whose sign its assumptions tell."""
    difference = Reduction().reduce(right - left)
    return bool(difference.is_positive if strict else difference.is_nonnegative)


def _squares_below(left, right):
    """0 <= sum_i f_i, for nonnegative f_i: a square with a positive weight is one."""
    difference = right - left
    return isinstance(difference, Sum) and bool(difference.function.is_nonnegative)


def _at_largest(sum_):
    """The summand at the class of the largest score, if it grows with the score."""
    (index, lower, upper) = sum_.limits[0]
    body = sum_.function
    scores = [part for part in body.atoms(Indexed) if index in part.free_symbols]
    if len(sum_.limits) > 1 or (lower, upper) != (1, K) or len(scores) != 1:
        return None
    functions = [part for part in body.atoms(Function) if index in part.free_symbols]
    if not body.is_finite or not all(isinstance(part, (exp, log)) for part in functions):
        return None  # a jump or a pole: the slope does not tell
    (score,) = scores
    slope = body.diff(score)
    if score.indices != (index,) or not slope.is_nonnegative:
        return None
    return body.xreplace({score: maximum(score.base)})


def _one_term_below_the_sum(left, right):
    """f(max s) < sum f(s_i), for positive growing f: one term of a sum of at least two."""
    if not isinstance(right, Sum) or not right.function.is_positive:
        return False
    largest = _at_largest(right)
    return largest is not None and proves_equal(left, largest)


def _sum_below_its_largest_term(left, right):
    """sum f(s_i) <= K f(max s), for growing f: no term exceeds the largest."""
    if not isinstance(left, Sum):
        return False
    largest = _at_largest(left)
    return largest is not None and proves_equal(K * largest, right)


def _jensen(left, right):
    """sum_i w_i log(x_i) <= log(sum_i w_i x_i), for weights that are positive and sum to one."""
    if not isinstance(left, Sum) or not isinstance(right, log):
        return False
    logs = [factor for factor in Mul.make_args(left.function) if isinstance(factor, log)]
    if len(logs) != 1:
        return False
    (concave,) = logs
    weight = left.function / concave
    mean = Sum(weight * concave.args[0], *left.limits)
    return bool(
        weight.is_positive
        and is_positive(concave.args[0])
        and proves_equal(Sum(weight, *left.limits), 1)
        and proves_equal(mean, right.args[0])
    )
