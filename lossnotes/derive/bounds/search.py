"""The search for a proof that an expression is not negative, or is positive.

A goal is an expression with what is known of its numbers. The rules are tried in a fixed order; a
rule either settles a goal or replaces it by others that imply it. The number of goals is bounded,
so that the outcome depends on no clock.
"""

from dataclasses import dataclass, field

from sympy import I

from lossnotes.derive.bounds.doubt import is_doubtful
from lossnotes.derive.bounds.goal import in_numbers
from lossnotes.derive.why import attempt

GOALS = 85  # that are looked at for one claim; a long one counts several times
LONG = 24  # operations, times the numbers in them, for which a goal without proof counts twice
FEW = 3  # of these numbers
FIRST = 50  # of these, where another way is tried after the first
DEPTH = 7  # goals that stand for one another


class Spent(Exception):
    """There is one goal more than may be looked at."""


@dataclass
class Search:
    """The rules, what was looked at already, and how much may still be looked at."""

    rules: tuple
    left: int = GOALS
    open: set = field(default_factory=set)
    failed: dict = field(default_factory=dict)

    def holds(self, goal):
        """Whether one of the rules proves the goal."""
        if goal.expression.has(I):
            return False  # every rule speaks of real numbers
        if goal.expression.is_number and attempt(self.rules[0], goal, self.holds):
            return True
        key = goal.expression, goal.strict, goal.facts, goal.told, goal.apart, goal.uneven
        if goal.depth > DEPTH or key in self.open:
            return False
        if self.failed.get(key, DEPTH + 1) <= goal.depth:
            return False
        if is_doubtful(goal):
            return False
        if self.left <= 0:
            if self.open:
                raise Spent
            return False
        self.left -= 1
        self.open.add(key)
        try:
            found = any(self._settles(rule, goal) for rule in self.rules)
        finally:
            self.open.discard(key)
        if not found:
            numbers = min(FEW, len(in_numbers(goal.expression).free_symbols))
            self.left -= goal.expression.count_ops() * numbers // LONG
            self.failed[key] = goal.depth
        return found

    def _settles(self, rule, goal):
        """Whether a rule proves the goal.

        Once all is spent, the goals end but for the first: a rule that asks for no other may still
        prove that.
        """
        try:
            return attempt(rule, goal, self.holds)
        except Spent:
            if len(self.open) > 1:
                raise
            return False
