"""What the signs of the parts tell."""

from sympy import Add, Dummy, Mul, S, Sum, ceiling, cos, floor, log, pi, sin
from sympy.polys.polyerrors import PolynomialError

from lossnotes.derive.bounds.goal import in_numbers, moved, named, numerator, without_named_classes
from lossnotes.derive.prove.linear import contradict
from lossnotes.derive.prove.quotient import factored
from lossnotes.derive.prove.signs import is_nonnegative, is_positive
from lossnotes.derive.prove.unfold import side
from lossnotes.derive.symbols import Between
from lossnotes.derive.why import because

MANY = 6  # numbers in an expression that is taken apart into factors
LARGE = 70  # operations of an expression that is not taken apart into factors


def by_sign(goal, holds):
    """The signs of the parts."""
    found = (is_positive if goal.strict else is_nonnegative)(in_numbers(goal.expression))
    if found:
        because("the signs of the parts")
    return found


def with_turns(expression):
    """A number of known sign for each sine or cosine that keeps one between its zeros."""
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


def without_denominator(goal, holds):
    """A quotient has the sign of its numerator where its denominator is positive."""
    top = numerator(goal)
    if top is None or top == goal.expression:
        return False
    because("both sides times a positive denominator")
    return holds(goal.here(goal.reduce(top)))


def by_linear_arithmetic(goal, holds):
    """The facts are linear inequalities, and the opposite contradicts them."""
    if goal.expression.has(side):
        return False
    expression = in_numbers(goal.expression)
    facts = [(in_numbers(fact), strict) for fact, strict in goal.facts]
    for number in expression.free_symbols.union(*(fact.free_symbols for fact, _ in facts)):
        if isinstance(number, Between):
            facts += [(number - number.lower, True), (number.upper - number, True)]
        elif number.is_positive:
            facts.append((number, True))
        elif number.is_nonnegative:
            facts.append((number, False))
    if not contradict([*facts, (-expression, not goal.strict)]):
        return False
    because("linear arithmetic")
    return True


def by_factors(goal, holds):
    """A product has the sign that its factors tell; a square has none."""
    expression = goal.expression
    if expression.count_ops() > LARGE:
        return False
    names = {}
    polynomial = named(expression, names)
    if len(polynomial.free_symbols) > MANY:
        return False
    try:
        content, factors = factored(polynomial)
    except PolynomialError:
        return False
    if not factors or (len(factors) == 1 and factors[0][1] == 1):
        return False
    back = {name: part for part, name in names.items()}
    if content.is_negative:
        factors, content = [(-factors[0][0], factors[0][1]), *factors[1:]], -content
        if factors[0][1] % 2 == 0:
            return False
    open_, flip = [], False
    for factor, power in factors:
        factor = factor.xreplace(back)
        known = in_numbers(factor)
        if is_positive(known):
            continue
        if is_positive(-known):
            flip ^= bool(power % 2)
            continue
        if power % 2 == 0:
            if goal.strict:
                return False
            continue
        open_.append(factor)
    because("a square is not negative" if any(p % 2 == 0 for _, p in factors) else "its factors")
    if not open_:
        return not flip
    if len(open_) == 1:
        return holds(goal.here(-open_[0] if flip else open_[0]))
    if len(open_) == 2:
        a, b = open_[0], -open_[1] if flip else open_[1]
        return (
            (holds(goal.to(a)) and holds(goal.to(b)))
            or (holds(goal.to(-a)) and holds(goal.to(-b)))
            or (
                not (goal.strict or expression.has(Sum, side)) and _have_one_sign(goal, a, b, holds)
            )
        )
    return False


def _have_one_sign(goal, a, b, holds):
    """Whether b is not negative where a is not, and not positive where a is not."""
    if moved(a, S.Zero) is None:
        a, b = b, a
    return all(holds(given) for sign in (1, -1) for given in goal.given(sign * a, False, sign * b))


def by_parts(goal, holds):
    """A sum of parts none of which is negative."""
    parts = Add.make_args(goal.expression)
    if not 1 < len(parts) <= 6:
        return False
    unsure = [p for p in parts if not is_nonnegative(in_numbers(p))]
    strict = any(is_positive(in_numbers(p)) for p in parts)
    if not unsure or len(unsure) == len(parts):
        return False
    because("what is positive may be left out")
    return holds(goal.here(Add(*unsure), goal.strict and not strict))


def by_named_classes(goal, holds):
    """The terms of the classes that are named, taken out of the sums."""
    expression = without_named_classes(goal.expression, goal.sure_classes)
    if expression is None:
        return False
    because("the terms of the named classes apart from the rest of the sum")
    return holds(goal.to(goal.reduce(expression)))


def by_common_factor(goal, holds):
    """A positive factor that all terms share is left out."""
    terms = Add.make_args(goal.expression)
    if len(terms) < 2:
        return False
    shared = None
    for term in terms:
        factors = {f for f in Mul.make_args(term) if not f.is_number and not isinstance(f, log)}
        shared = factors if shared is None else shared & factors
    shared = [factor for factor in shared if is_positive(in_numbers(factor))]
    if not shared:
        return False
    because("a positive factor left out")
    return holds(goal.here(Add(*(term / Mul(*shared) for term in terms))))
