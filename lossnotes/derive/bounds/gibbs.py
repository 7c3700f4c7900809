"""Gibbs' inequality, for distributions that are given by a formula: no other fits a target better.

    -sum_i w_i log m_i >= -sum_i w_i log (w_i M / W),        W = sum_i w_i,  M = sum_i m_i
    sum_i p_i log p_i + sum_i p_i c_i >= -log sum_i exp(-c_i),        sum_i p_i = 1

for positive w, m and p. In both the mean of the logarithm of m / w, weighted by w, is at most the
logarithm of its mean; the second is the first for the best p, which is m = exp(-c).
"""

from dataclasses import replace

from sympy import Add, Indexed, KroneckerDelta, Mul, S, Sum, exp, log

from lossnotes.derive.bounds.goal import in_numbers, multiplied_out
from lossnotes.derive.bounds.sums import LARGE, body_at, distributions, named_places, single_sums
from lossnotes.derive.prove.signs import is_positive
from lossnotes.derive.prove.unfold import ANY_CLASS
from lossnotes.derive.prove.zero import vanishes
from lossnotes.derive.symbols import K, delta
from lossnotes.derive.why import because

DEEPEST = 3  # goals between a claim and what is looked at


def by_gibbs(goal, holds):
    """Logarithms whose weights have one sign, at their best: at the shares of the weights."""
    expression = multiplied_out(goal.expression)
    if not expression.has(log) or expression.count_ops() > LARGE or goal.depth > DEEPEST:
        return False
    (place,) = goal.any_classes(1) or (None,)
    if place is None:
        return False
    for inside, weight in _weights(goal, expression, place).items():
        weight = -weight
        if not _is_positive_everywhere(goal, inside, place):
            continue
        if not _is_positive_everywhere(goal, weight, place):
            continue
        whole, total = (goal.reduce(Sum(part, (place, 1, K))) for part in (inside, weight))
        best = log(weight) + log(whole) - log(total)
        rest = goal.reduce(expression + Sum(weight * (log(inside) - best), (place, 1, K)))
        if rest == goal.expression:
            continue
        because("Gibbs' inequality")
        strict = goal.strict and not _differ(goal, inside / whole - weight / total, place)
        if holds(goal.to(rest, strict)):
            return True
    return False


def _differ(goal, gap, place):
    """Whether a gap between two distributions is known not to be zero at every class."""
    known = [one.xreplace({ANY_CLASS: place}) for one in goal.apart]
    return any(
        vanishes(goal.reduce(one + sign * gap), goal.reduction) for one in known for sign in (1, -1)
    )


def by_best_distribution(goal, holds):
    """A negative entropy and a mean of costs that tell named classes apart: at their least."""
    expression = multiplied_out(goal.expression)
    (place,) = goal.any_classes(1) or (None,)
    if not expression.has(log) or expression.count_ops() > LARGE or goal.depth > DEEPEST:
        return False
    if place is None:
        return False
    for inside, weight in _weights(goal, expression, place).items():
        if not isinstance(inside, Indexed) or inside not in distributions(expression, place):
            continue
        scale = weight / inside
        if scale.has(place, inside.base) or not is_positive(in_numbers(scale)):
            continue
        beside = goal.reduce(expression - scale * Sum(inside * log(inside), (place, 1, K)))
        cost, rest = _mean_cost(goal, beside, inside, place)
        if not cost.has(KroneckerDelta):
            continue
        best = exp(-cost / scale)
        whole = Sum(best, (place, 1, K))
        because("Gibbs' inequality")
        strict = goal.strict and not _differ(goal, inside - best / whole, place)
        if holds(goal.to(goal.reduce(rest - scale * log(whole)), strict)):
            return True
    return False


def _mean_cost(goal, expression, share, place):
    """(c, rest) with expression = sum_i p_i c_i + rest; p_i is the share of a place."""
    cost, rest = S.Zero, S.Zero
    for term in Add.make_args(multiplied_out(expression)):
        sums = [part for part in single_sums(term) if part.has(share.base)]
        here = [
            one for one in goal.sure_classes if share.xreplace({place: one}) in Mul.make_args(term)
        ]
        if len(sums) == 1 and not (term / sums[0]).has(Sum):
            cost += term / sums[0] * body_at(sums[0], place) / share
        elif not sums and here:
            cost += term / share.xreplace({place: here[0]}) * delta(place, here[0])
        else:
            rest += term
    return multiplied_out(cost), rest


def _weights(goal, expression, place):
    """{m: w} for the logarithms of the classes, as sum_i w_i log m_i; both at a place."""
    found, apart = {}, []
    sums = single_sums(expression)
    for term in Add.make_args(expression):
        whole = next((part for part in sums if term.has(part)), None)
        if whole is None:
            apart.append(term)
            continue
        factor = term / whole
        if factor.has(Sum):
            continue
        for part in Add.make_args(multiplied_out(body_at(whole, place))):
            logs = [f for f in Mul.make_args(part) if isinstance(f, log) and f.has(place)]
            if len(logs) == 1:
                (inside,) = logs[0].args
                found[inside] = found.get(inside, S.Zero) + factor * part / logs[0]
    for term in apart:
        for inside in found:
            for here in named_places(goal):
                one = log(inside.xreplace({place: here}))
                if one in Mul.make_args(term) and here in goal.sure_classes:
                    found[inside] += delta(place, here) * term / one
    return found


def _is_positive_everywhere(goal, number, place):
    """Whether a number is positive at each class that is named, and at any other."""
    other = replace(goal, classes=(*goal.classes, place))
    return is_positive(in_numbers(other.reduce(number))) and all(
        is_positive(in_numbers(goal.reduce(number.xreplace({place: here}))))
        for here in named_places(goal)
    )
