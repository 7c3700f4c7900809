"""Bounds that hold for two classes, and gain with each class more."""

from sympy import Pow, S, factorial

from lossnotes.derive.bounds.monotone import by_logarithms
from lossnotes.derive.prove.induction import TWO, at_number, following, is_about_numbers
from lossnotes.derive.prove.unfold import RANGES
from lossnotes.derive.symbols import K
from lossnotes.derive.why import attempt, because

MOST = 3  # numbers of classes that are looked at one by one
DEEPEST = 2  # goals between a claim and what is shown by induction


def by_induction(goal, holds):
    """It holds for the first few K, and from there on it grows with each class more."""
    if goal.facts or goal.classes or not is_about_numbers(goal.expression):
        return False
    if goal.depth > DEEPEST or goal.expression.free_symbols - RANGES.keys() != {K}:
        return False
    powers = any(part.exp.has(K) for part in goal.expression.atoms(Pow))
    if (powers or goal.expression.has(factorial)) and attempt(by_logarithms, goal, holds):
        return True
    growth = following(goal.expression) - goal.expression
    for number in range(TWO, TWO + MOST):
        first = goal.reduce(at_number(goal.expression, S(number)))
        if not holds(goal.to(first)):
            return False
        later = growth.xreplace({K: K + number - 2}) if number > 2 else growth
        if not later.has(K) or not attempt(holds, goal.to(goal.reduce(later), False)):
            continue
        because("induction over K")
        return True
    return False
