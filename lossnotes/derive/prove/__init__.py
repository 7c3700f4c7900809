"""Proofs of equations for every K: the difference of both sides reduces to zero.

What a proof rests on, and nothing else:

1. The definitions in `symbols.py`, and that a symbol is what its assumptions and its class say: a
   score is real, probabilities are positive and sum to one, there are at least two classes.
2. SymPy's arithmetic, its rules of differentiation, and the signs that it tells of symbols, numbers
   and functions of one argument. Its simplifiers, antiderivatives and limits are not trusted.
3. The rules of this room: `unfold` (definitions, sides of kinks), `reduce` (sums over classes),
   `cases` (which classes coincide), `zero` (a rational function of atoms that is multiplied out),
   `integrals` (antiderivatives that the reduction confirms, between kinks, and the area below a
   Gaussian), `signs`, `linear`, and `induction` over K for what depends on nothing but numbers and
   K.

A proof holds wherever both sides have a value. Where a denominator may vanish the verdict says so.

That a case of equality is the only one (`bounds.proves_only_there`) rests on this besides:

4. What it means that the case does not hold (`bounds/elsewhere.py`): a number is above or below its
   value; a vector has an entry, at some class, that is not the one stated; and where a number is
   free, which it is only if it stands nowhere in the claim and in one case alone, two entries that
   differ. All cases are stated together, so the bound must be strict where any one of them fails.
5. A sum is positive if no term is negative and that of the class in question is positive, at each
   class that is named and at any other (`bounds/sums.py`).
"""

from itertools import islice

from sympy import I, Integral, sympify
from sympy.core.facts import InconsistentAssumptions
from sympy.polys.polyerrors import PolynomialError

from lossnotes.derive.prove.cases import MOST, cases, joined, single_out, tell_nothing
from lossnotes.derive.prove.induction import holds_for_all
from lossnotes.derive.prove.integrals import Integration
from lossnotes.derive.prove.reduce import Reduction
from lossnotes.derive.prove.signs import has_real_parts, is_nonzero
from lossnotes.derive.prove.unfold import unfold
from lossnotes.derive.prove.zero import vanishes
from lossnotes.derive.ranges import ranges
from lossnotes.derive.why import attempt, because, reasons, remembered

# What SymPy raises where its own rules fail: then nothing is proved.
GIVES_UP = (InconsistentAssumptions, PolynomialError, NotImplementedError, RecursionError)

__all__ = ["Integration", "Reduction", "Stopped", "proves_equal", "sizes_of", "unfold"]


class Stopped(Exception):
    """A proof that would take too long; the message says why."""


def proves_equal(left, right):
    """True if left = right is proved for every K; False says nothing. Raises Stopped."""
    left, right = sympify(left), sympify(right)
    try:
        return attempt(_proves_equal, left, right)
    except GIVES_UP:
        return False


def sizes_of(*unfolded):
    """The sizes that the free indices do not exceed, when no bound index has their name."""
    return tuple(sorted(ranges(*unfolded).items(), key=str))


def _proves_equal(left, right):
    with reasons() as used:
        unfolded = unfold(left), unfold(right)
    if any(side.has(I) and not has_real_parts(side) for side in unfolded):
        return False
    sizes = sizes_of(*unfolded)
    because(*(fact for fact in used if isinstance(fact, str)))
    excluded = frozenset(fact[1:] for fact in used if not isinstance(fact, str))
    difference = single_out(unfolded[0] - unfolded[1])
    integrals = [side.has(Integral) for side in unfolded]
    reductions = [Reduction] * (all(integrals) or not any(integrals))
    reductions += [Integration] * any(integrals)
    if tell_nothing(difference) and _holds(reductions, difference, {}, sizes, excluded):
        return True
    every = list(islice(cases(difference), MOST + 1))
    if len(every) > MOST:
        raise Stopped(f"its classes may coincide in more than {MOST} ways: no proof was looked for")
    if len(every) > 1:
        because("each way in which the classes may coincide")
    return all(
        _holds(reductions, difference, renamed, joined(sizes, renamed), excluded, distinct)
        for renamed, distinct in every
    ) or attempt(holds_for_all, difference, made(Reduction, frozenset(), sizes))


def _holds(reductions, difference, renamed, sizes, excluded, distinct=frozenset()):
    return any(
        attempt(_vanishes, made(reduction, distinct, sizes), difference, renamed, excluded)
        for reduction in reductions
    )


def _vanishes(reduction, difference, renamed, excluded):
    excluded = {
        reduction.reduce(gap.xreplace(renamed))
        for gap, jumps in excluded
        if any(is_nonzero(reduction.reduce(jump.xreplace(renamed))) for jump in jumps)
    }
    return vanishes(reduction.reduce(difference.xreplace(renamed)), reduction, excluded)


@remembered(64)
def made(reduction, distinct, sizes):
    return reduction(distinct, sizes)
