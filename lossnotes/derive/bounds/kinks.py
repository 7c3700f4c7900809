"""Max, Min and Abs by cases, and the largest score as that of a class."""

from dataclasses import replace

from sympy import Dummy, S, Sum, Tuple, cancel, expand, fraction

from lossnotes.derive.bounds.goal import in_numbers, moved, named, slope_in
from lossnotes.derive.prove.linear import contradict
from lossnotes.derive.prove.signs import is_nonnegative, is_positive
from lossnotes.derive.prove.unfold import RANGES, side, unfold
from lossnotes.derive.prove.zero import vanishes
from lossnotes.derive.symbols import K, Others, Probabilities, Vector, argmax, entry, maximum
from lossnotes.derive.why import attempt, because

MOST = 4  # kinks whose sides are tried together


def by_cases(goal, holds):
    """On each side of a kink, and at it."""
    sides = sorted(
        (
            part
            for part in goal.expression.atoms(side)
            if not part.args[0].has(side) and part.free_symbols <= goal.expression.free_symbols
        ),
        key=lambda part: (moved(part.args[0], S.Zero) is None, str(part)),
    )
    if not sides or len(goal.expression.atoms(side)) > MOST:
        return False
    kink = sides[0]
    (gap,) = kink.args
    if _holds_for_both_signs(goal, kink, holds):
        return True
    because("on each side of the kink")
    for value in (1, -1):
        now = (in_numbers(value * gap), value < 0)
        if value < 0 and is_nonnegative(-now[0]) or is_positive(-now[0]):
            continue
        if contradict([*((in_numbers(fact), strict) for fact, strict in goal.facts), now]):
            continue
        there = goal.reduce(goal.expression.xreplace({kink: S(value)}))
        if not all(map(holds, goal.given(value * gap, value < 0, there))):
            return False
    return _holds_at(goal, kink, holds)


def _holds_for_both_signs(goal, kink, holds):
    """Whether a claim about one number holds whatever the side is: a sign is between -1 and 1.

    A sign in a sign, which is not linear, is a second number.
    """
    expression, sign = goal.expression, Dummy(real=True)
    kinks = expression.atoms(side)
    numbers = set().union(*(in_numbers(part.args[0]).free_symbols for part in kinks))
    if len(numbers) > 1 or len(kinks) > 2 or expression.has(Sum):
        return False
    if expression.xreplace({kink: sign}).diff(sign, 2) != 0:
        return False
    return all(
        attempt(holds, goal.here(goal.reduce(expression.xreplace({kink: S(value)}))))
        for value in (1, -1)
    )


def _holds_at(goal, kink, holds):
    """Where the gap is zero the claim is that of the closed side, if nothing jumps there."""
    slope = expand(
        goal.expression.xreplace({kink: S.One}) - goal.expression.xreplace({kink: S.Zero})
    )
    (gap,) = kink.args
    names = {}
    ratio = cancel(named(slope, names) / named(gap, names))
    if fraction(ratio)[1].is_number:
        return True
    change = moved(gap, S.Zero)
    if change is None:
        return False
    if vanishes(goal.reduce(slope.xreplace(change)), goal.reduction):
        return True
    there = goal.expression.xreplace({kink: S.Zero})
    return holds(goal.here(there).where(change))


def by_best_class(goal, holds):
    """Where the largest of what is computed from scores is to be small: it is that of some class,
    a named one or another.
    """
    if len(goal.classes) > 1:
        return False
    for number, vector, within in goal.largest:
        if not isinstance(number, maximum) or within is not None:
            continue
        slope = in_numbers(slope_in(goal.expression, number))
        if slope == 0 or not is_nonnegative(-slope):
            continue
        because("the largest is that of the best class")
        best = argmax(vector)
        others = tuple(one for one in goal.largest if one[0] != number)
        here = goal.to(goal.expression, largest=others)
        return all(
            holds(
                replace(here, classes=tuple(dict.fromkeys((*goal.classes, place)))).where(
                    {number: unfold(entry(vector, place))}
                )
            )
            for place in dict.fromkeys((*goal.classes, best))
        )
    return False


def best_classes(expression):
    """The largest score is that of a class, the argmax; of other maxima it is only known that
    no entry exceeds them. Returns the expression and the triples of `Goal.largest`.
    """
    changes, largest = {}, []
    for part in sorted(expression.atoms(maximum, argmax), key=str):
        vector, *within = part.args
        within = within[0] if within else None
        if isinstance(vector, Tuple) or (
            within is not None and within.free_symbols & RANGES.keys()
        ):
            continue
        if isinstance(part, argmax):
            if not isinstance(vector, Vector):
                continue
            best = vector[part]
        elif isinstance(vector, Vector):
            best = changes[part] = vector[argmax(*part.args)]
            because("the largest score is that of the best class")
        else:
            best = part
        if (best, vector, within) not in largest:
            largest.append((best, vector, within))
    return expression.xreplace(changes), tuple(largest)


def reached(largest):
    """The facts that the largest entries are reached, each at its argmax."""
    for number, vector, within in largest:
        best = argmax(vector) if within is None else argmax(vector, within)
        value = unfold(entry(vector, best))
        if value != number and not value.has(side):
            yield value - number, best


def at_least_the_mean(largest):
    """The facts that the largest of K numbers with a known sum is at least their mean."""
    for number, vector, within in largest:
        if isinstance(vector, Probabilities) and not vector.shape and within is None:
            yield number - 1 / K


def exceeds(goal, place, others=()):
    """The facts that no entry at a class exceeds the largest; `others` are known to be apart.

    |x| is at least x, and at least -x; no other kink is known to lie above its sides.
    """
    for number, vector, within in goal.largest:
        inside = within is None or (isinstance(within, Others) and within.args[0] in others)
        value = entry(vector, place)
        if not inside or value == number:
            continue
        value = expand(unfold(value))
        kinks = value.atoms(side)
        if not kinks:
            yield number - value
        elif len(kinks) == 1:
            (kink,) = kinks
            slope = value.coeff(kink)
            straight = not expand(value - slope * kink).has(kink)
            if straight and cancel(slope / kink.args[0]).is_positive:
                for sign in (1, -1):
                    yield expand(number - value.xreplace({kink: S(sign)}))
