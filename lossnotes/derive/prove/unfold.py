"""Definitions in place of names, derivatives carried out, everything with cases as a `side`.

`side(x)` is -1, 0 or 1, as x is negative, zero or positive. Max, Min, Abs, sign, Heaviside and
Piecewise are exact combinations of sides, at the kink too:

    |x| = x side(x)      max(a, b) = (a + b + (b - a) side(b - a)) / 2
    Heaviside(x, h) = (1 + side(x)) / 2 + (h - 1/2) (1 - side(x)^2)

The slope of a side is zero, but for the kink itself: what it is there is said in `_breaks` and
`_with_values_at_kinks`.
"""

from functools import lru_cache
from itertools import combinations, combinations_with_replacement, count

from sympy import (
    Abs,
    Add,
    And,
    Derivative,
    Dummy,
    Eq,
    Function,
    Ge,
    Gt,
    Heaviside,
    I,
    Indexed,
    Integral,
    KroneckerDelta,
    Le,
    Lt,
    Max,
    Min,
    Mul,
    Ne,
    Not,
    Or,
    Piecewise,
    Pow,
    Product,
    Rational,
    S,
    Subs,
    Sum,
    Symbol,
    Tuple,
    UnevaluatedExpr,
    exp,
    igcd,
    log,
    oo,
    sign,
)
from sympy.logic.boolalg import BooleanFalse, BooleanTrue

from lossnotes.derive.prove.signs import is_continuous, is_nonzero, is_positive
from lossnotes.derive.symbols import (
    Entry,
    K,
    Quantity,
    argmax,
    entry,
    maximum,
)
from lossnotes.derive.why import because, reasons, remembered

KNOWN = 10_000  # forms of expressions that are kept: those of one step return in the next
RANGES = {}  # of the indices that sums bind, by their names
ANY_CLASS = Dummy("any class", integer=True, positive=True)
HALF = Rational(1, 2)


class side(Function):
    """-1, 0 or 1: on which side of zero its argument is."""

    is_integer = True

    @classmethod
    def eval(cls, gap):
        if gap.is_Rational:
            return sign(gap)

    def fdiff(self, argindex=1):
        return S.Zero


@remembered(KNOWN)
def unfold(expression):
    """Named quantities by their definitions, derivatives carried out, bound indices renamed."""
    if isinstance(expression, UnevaluatedExpr):
        return unfold(expression.args[0])
    if isinstance(expression, (maximum, argmax)):
        return _plain_maximum(expression)
    if isinstance(expression, (Quantity, Entry)):
        because("the definition of " + type(_named(expression)).__name__)
        return unfold(expression.definition())
    if isinstance(expression, Derivative):
        return _unfold_derivative(expression)
    if isinstance(expression, Sum):
        whole = _unfold_sum(expression)
        return whole.doit() if all(_written_out(limit) for limit in whole.limits) else whole
    if isinstance(expression, Product):
        return _unfold_product(expression)
    if isinstance(expression, Integral):
        return _unfold_integral(expression)
    if isinstance(expression, Indexed) and any(place.has(argmax) for place in expression.indices):
        return expression.base[tuple(map(unfold, expression.indices))]
    if not expression.args or isinstance(expression, Indexed):
        return expression
    if isinstance(expression, Piecewise):
        return _unfold_piecewise(expression)
    parts = [unfold(part) for part in expression.args]
    if isinstance(expression, KroneckerDelta) and len(parts) == 2:
        return KroneckerDelta(*_without_common_steps(*parts))
    if isinstance(expression, (Max, Min, Abs, sign, Heaviside)) and not expression.has(I):
        return _sided(expression, parts)
    return expression.func(*parts)


def _without_common_steps(a, b):
    """The two places of a delta without the whole number that both are beyond: j + 1 and k + 1;
    nor that of which both are multiples: 2 j and 2 k.
    """
    (steps_a, rest_a), (steps_b, rest_b) = a.as_coeff_Add(), b.as_coeff_Add()
    if steps_a.is_Integer and steps_b.is_Integer and steps_a * steps_b > 0 and rest_a * rest_b != 0:
        because("both places of a delta moved alike")
        steps = min(steps_a, steps_b, key=abs)
        a, b = a - steps, b - steps
    (times_a, part_a), (times_b, part_b) = a.primitive(), b.primitive()
    if times_a.is_Integer and times_b.is_Integer and 1 < (times := igcd(times_a, times_b)):
        if not (a.is_number or b.is_number):
            because("both places of a delta are multiples alike")
            return times_a / times * part_a, times_b / times * part_b
    return a, b


def _named(expression):
    return expression.args[0] if isinstance(expression, Entry) else expression


def _sided(expression, parts):
    """What is defined by cases, in terms of the sides of its unfolded parts."""
    if isinstance(expression, (Max, Min)):
        towards = HALF if isinstance(expression, Max) else -HALF
        parts = sorted(parts, key=lambda part: (part != 0, str(part)))
        while len(parts) > 1:  # in pairs: a part is there three times in what comes of it
            first, other, *rest = parts
            gap = other - first
            parts = [*rest, (first + other) / 2 + towards * gap * side(gap)]
        return parts[0]
    gap, *at_zero = parts
    if isinstance(expression, Abs):
        return gap * side(gap)
    if isinstance(expression, sign):
        return side(gap)
    return (1 + side(gap)) / 2 + (at_zero[0] - HALF) * (1 - side(gap) ** 2)


def _unfold_derivative(expression):
    body = unfold(expression.expr)
    body = body.xreplace({part: _directed(part) for part in body.atoms(side)})
    numbers = set().union(*(variable.free_symbols for variable in expression.variables))
    if not all(_has_the_slope_inside(integral, numbers) for integral in body.atoms(Integral)):
        return Derivative(body, *expression.variables, evaluate=False)
    kinks, derivative = [], body
    for variable in expression.variables:
        slope = derivative.diff(variable)
        kinks += _breaks(derivative, slope, variable)
        meeting = _where_kinks_meet(derivative, variable)
        derivative = _with_values_at_kinks(slope, derivative.atoms(side), variable) + meeting
    if derivative.has(Derivative, Subs):
        return body.diff(*expression.variables)
    because("the rules of differentiation", *(("kink", *kink) for kink in kinks))
    return unfold(derivative)


def _directed(part):
    """A side, so that of two gaps of which one is the other times a number, one is left."""
    content, gap = part.args[0].primitive()
    if gap.could_extract_minus_sign():
        content, gap = -content, -gap
    return sign(content) * side(gap)


def _where_kinks_meet(body, variable):
    """What is unknown of a slope where two kinks meet that stand in one product.

    In a sum each of the two has the mean of its own slopes there; in a product it has not.
    """
    moving = [part for part in body.atoms(side) if part.args[0].diff(variable) != 0]
    bound = [part for part in moving if part.free_symbols & RANGES.keys()]
    unknown = Dummy("slope") if bound and _meets_itself(body, bound) else S.Zero
    for one, other in combinations(sorted(moving, key=str), 2):
        if one.has(other) or other.has(one):
            smooth = False
        else:
            smooth = _is_continuous_at(one, body) and _is_continuous_at(other, body)
        if not smooth and _may_meet(one, other) and _stand_in_one_product(one, other, body):
            at_both = [
                1 - part**2 for part in (one, other) if not part.free_symbols & RANGES.keys()
            ]
            unknown += Dummy("slope") * Mul(*at_both)
    return unknown


def _meets_itself(body, kinks):
    """Whether kinks inside a sum are multiplied by those of another class."""
    wholes = [*_largest(body, kinks)]
    if any(isinstance(w, Product) or _meets_itself(w.function, kinks) for w in wholes):
        return True
    names = {whole: Dummy() for whole in wholes}
    plain = body.xreplace(names)
    jumping = {
        names[whole]
        for whole in wholes
        if not all(_is_continuous_at(kink, whole.function) for kink in kinks if whole.has(kink))
    }
    pairs = combinations_with_replacement(names.values(), 2)
    return any(plain.diff(*pair) != 0 for pair in pairs if jumping & {*pair})


def _largest(body, kinks):
    """The sums and products in a body that have kinks and stand in no other."""
    if not body.has(*kinks):
        return
    if isinstance(body, (Sum, Product)):
        yield body
        return
    for part in body.args:
        yield from _largest(part, kinks)


def _is_continuous_at(kink, body):
    jump = body.xreplace({kink: S.One}) - body.xreplace({kink: S.NegativeOne})
    return _where_it_is_zero(kink.args[0], jump).expand() == 0


def _may_meet(one, other):
    """Whether no number that is not zero is left of a gap where another one is zero."""
    for part, far in ((one, other), (other, one)):
        gap = far.args[0].xreplace({part: S.Zero})
        if is_nonzero(_where_it_is_zero(part.args[0], gap).expand()):
            return False
    return True


def _stand_in_one_product(one, other, body):
    if one.has(other) or other.has(one):
        return True
    first, second = Dummy(), Dummy()
    return body.xreplace({one: first, other: second}).diff(first, second) != 0


def _breaks(body, slope, variable):
    """Kinks as (gap, jumps): where a gap is zero, and one of its jumps is not, there is no slope.

    A jump that is the speed of a straight gap is not zero on the kink if what is left of it is not.
    """
    for part in sorted(body.atoms(side), key=str):
        (gap,) = part.args
        speed = gap.diff(variable)
        if speed == 0 or gap.free_symbols & RANGES.keys():
            continue
        jump = (slope.xreplace({part: S.One}) - slope.xreplace({part: S.NegativeOne})).expand()
        straight = jump != 0 and (jump / speed).is_number and speed.diff(variable) == 0
        yield gap, (jump, gap - speed * variable) if straight else (jump,)


def _with_values_at_kinks(slope, kinks, variable, over=frozenset()):
    """The slope with its value at the kinks that move, if it has one there.

    There it is the mean of what it is on both sides: of a side 0, of its square 1. That holds for
    what crosses zero; where a gap stands still, and is not straight, the value is not known.
    """
    if isinstance(slope, Sum):
        bound = frozenset(limit[0] for limit in slope.limits)
        body = _with_values_at_kinks(slope.function, kinks, variable, bound)
        return slope.func(body, *slope.limits)
    if slope.has(Sum) and not isinstance(slope, side):
        slope = slope.func(
            *(_with_values_at_kinks(part, kinks, variable, None) for part in slope.args)
        )
    if over is None:
        return slope
    for part in kinks:
        bound = part.free_symbols & RANGES.keys()
        if bound & over if over else not bound:
            slope += _beyond_its_formula(slope, part, variable)
    return slope


def _beyond_its_formula(slope, kink, variable):
    """What a slope is more at a kink than its formula says."""
    (gap,) = kink.args
    speed = gap.diff(variable)
    below, at, above = (slope.xreplace({kink: S(value)}) for value in (-1, 0, 1))
    if speed == 0 or above == at == below:
        return S.Zero
    picked = Mul(*(f for f in Mul.make_args(speed) if isinstance(f, KroneckerDelta)))
    moves = picked if (speed / picked).is_Rational else picked * side(speed / picked) ** 2
    mean = _where_it_is_zero(gap, ((above + below) / 2 - at)).expand()
    unknown = S.Zero if speed.diff(variable) == 0 else Dummy("slope") * (picked - moves)
    return (1 - kink**2) * (mean * moves + unknown)


def _where_it_is_zero(gap, expression):
    """The expression with one number of the gap told by the others, where that is simple."""
    for number in sorted(gap.atoms(Symbol, Indexed), key=str):
        speed = gap.diff(number)
        if speed.is_Rational and speed != 0 and not number.is_integer:
            return expression.xreplace({number: number - gap / speed})
    return expression


def _has_the_slope_inside(integral, numbers):
    """Whether the slope of an integral is the integral of slopes.

    It is where the integrand is smooth, over a range that ends. The place of a kink must not move
    with the numbers: the area grows with it, though every summand has the slope zero.
    """
    if not integral.free_symbols & numbers:
        return True
    over = {limit[0] for limit in integral.limits}
    kinks = integral.atoms(side)
    if any(part.free_symbols & numbers and part.free_symbols & over for part in kinks):
        return False
    ends = [end for limit in integral.limits for end in limit[1:]]
    if any(end.has(oo, -oo) for end in ends):
        return False
    inner = [end for end in ends if end.free_symbols & over]  # integrands of the outer variables
    return all(_is_smooth(part, numbers, over) for part in (integral.function, *inner))


def _is_smooth(body, numbers, over):
    """Whether an integrand is smooth, between kinks that do not move."""
    kinks = body.atoms(side)
    body = body.xreplace({part: Dummy(real=True) for part in kinks})
    moved = (power for power in body.atoms(Pow) if power.base.free_symbols & numbers)
    if not all(power.exp.is_Integer or is_positive(power.base) for power in moved):
        return False
    entries = body.atoms(Indexed)
    scalars = over | {number for number in numbers if not number.is_integer}
    scalars -= {entry.base.label for entry in entries}
    return all(is_continuous(body, each) for each in entries | scalars)


def _unfold_sum(expression):
    """Each index gets a name of its own that tells its range; the innermost is renamed first."""
    limits = [Tuple(limit[0], *map(unfold, limit[1:])) for limit in expression.limits]
    # Others may have no term, or not that of i.
    of_all = all(limit[1:] == (1, K) for limit in limits)
    body = (unfold if of_all else _unfold_if_asked_for)(expression.function)
    taken = body.atoms(Dummy) | {part for limit in limits for part in limit.atoms(Dummy)}
    indices = {limit[0] for limit in limits}
    taken -= indices - _bound_in(body)
    for place, (index, *ends) in enumerate(limits):
        new = next(name for name in index_names(*ends) if name not in taken)
        taken.add(new)
        body = body.xreplace({index: new})
        limits[:place] = [Tuple(*limit).xreplace({index: new}) for limit in limits[:place]]
        limits[place] = Tuple(new, *ends)
    return expression.func(body, *limits)


def _unfold_if_asked_for(expression):
    """What need not be asked for: where it has no value, at a kink, the whole may have one."""
    with reasons() as used:
        unfolded = unfold(expression)
    kinks = [fact for fact in used if not isinstance(fact, str)]
    because(*(fact for fact in used if isinstance(fact, str)))
    jumps = [gap for _, gap, (jump, *_) in kinks if _where_it_is_zero(gap, jump).expand() != 0]
    return unfolded + Add(*(Dummy("slope") * (1 - side(gap) ** 2) for gap in jumps))


def index_names(lower, upper, letter="i"):
    """Names for an index from lower to upper, the same each time: SymPy is slow with new ones.

    An index is positive where the first one is.
    """
    return (index_name(f"{letter}_{depth}", lower, upper) for depth in count())


@lru_cache(None)
def index_name(name, lower, upper):
    name = Dummy(name, integer=True, positive=is_positive(lower) or None)
    RANGES[name] = (lower, upper)
    return name


def _bound_in(body):
    return {limit[0] for part in body.atoms(Sum, Product) for limit in part.limits}


def _unfold_product(expression):
    """A product of positive numbers is exp of the sum of their logarithms."""
    if not is_positive(_unfold_if_asked_for(expression.function)):
        return _unfold_sum(expression)
    return exp(unfold(Sum(log(expression.function), *expression.limits)))


def _unfold_integral(expression):
    """From the innermost variable outwards: one in its own limits is another of that name.

    A variable has the sign of its ends, as far as these show theirs without another variable.
    """
    body, limits = expression.function, []
    variables = {limit[0] for limit in expression.limits}
    for variable, *ends in expression.limits:
        known = len(ends) == 2 and not any(end.free_symbols & variables for end in ends)
        signs = [
            sign
            for sign in ("positive", "nonnegative")
            if known and all(getattr(end, f"is_{sign}") for end in ends)
        ]
        fresh = {variable: Dummy("x", real=True, **dict.fromkeys(signs, True))}
        body = body.xreplace(fresh)
        limits = [limit.xreplace(fresh) for limit in limits]
        limits.append(Tuple(fresh[variable], *map(unfold, ends)))
    return Integral(unfold(body), *limits)


def _unfold_piecewise(expression):
    """The first branch whose condition holds; one without a last resort is left alone."""
    pieces, left = [], S.One
    for branch, condition in expression.args:
        holds = _indicator(condition)
        if holds is None:
            break
        pieces.append(_unfold_if_asked_for(branch) * left * holds)
        left *= 1 - holds
    if holds is None or expression.args[-1][1] != True:  # noqa: E712 - SymPy's true is not Python's
        return expression.func(*(Tuple(_unfold_if_asked_for(e), c) for e, c in expression.args))
    return Add(*pieces)


def _indicator(condition):
    """1 where a condition holds, else 0; None if it is none that sides can tell."""
    if isinstance(condition, BooleanTrue):
        return S.One
    if isinstance(condition, BooleanFalse):
        return S.Zero
    if isinstance(condition, (And, Or, Not)):
        parts = [_indicator(part) for part in condition.args]
        if None in parts:
            return None
        if isinstance(condition, And):
            return Mul(*parts)
        if isinstance(condition, Not):
            return 1 - parts[0]
        return 1 - Mul(*(1 - part for part in parts))
    if not isinstance(condition, (Gt, Ge, Lt, Le, Eq, Ne)) or condition.has(I):
        return None
    left, right = map(unfold, condition.args)
    if isinstance(condition, (Eq, Ne)):
        same = (
            KroneckerDelta(left, right)
            if left.is_integer and right.is_integer and not (left - right).is_number
            else 1 - side(left - right) ** 2
        )
        return same if isinstance(condition, Eq) else 1 - same
    gap = left - right if isinstance(condition, (Gt, Ge)) else right - left
    strict = isinstance(condition, (Gt, Lt))
    return (1 + side(gap)) / 2 + (-HALF if strict else HALF) * (1 - side(gap) ** 2)


def _written_out(limit):
    """Whether a sum has as many terms as its limits say; SymPy gives a meaning to 3..1 as well."""
    _, lower, upper = limit
    return lower.is_Integer and upper.is_Integer and lower <= upper


def _plain_maximum(expression):
    """max (h s + c) = c + h max s for positive h, and the place of the maximum does not move."""
    sums = expression.atoms(Sum, Product, Integral)
    if sums:  # by the names of their own that all other sums have
        expression = expression.xreplace({part: unfold(part) for part in sums})
    vector, *within = expression.args
    if isinstance(vector, Tuple):
        return expression
    parts = Add.make_args(vector.expand())
    shift = Add(*(part for part in parts if entry(part, ANY_CLASS) == part))
    rest = vector - shift if shift != 0 else vector
    if rest == 0:
        return shift if isinstance(expression, maximum) else expression
    rest, scale = _scale(rest)
    if shift == 0 and scale == 1:
        return expression.func(_inner(vector), *within)
    because("what all scores share comes out of the maximum")
    moved = expression.func(_inner(rest), *within)
    return unfold(shift) + unfold(scale) * moved if isinstance(expression, maximum) else moved


def _scale(vector):
    """The positive factor that all entries share, as (what remains, factor)."""
    parts = Add.make_args(vector.expand())
    shared = None
    for part in parts:
        scalars = {
            factor
            for factor in Mul.make_args(part)
            if entry(factor, ANY_CLASS) == factor and is_positive(factor)
        }
        shared = scalars if shared is None else shared & scalars
    scale = Mul(*shared)
    return Add(*(part / scale for part in parts)), scale


def _inner(vector):
    """The entries of a vector by their definitions, so that equal vectors look alike."""
    return vector.expand() if vector.is_Add else vector
