"""Proofs of inequalities for every K >= 2: each rule is an argument of the field, by its name."""

from dataclasses import replace

from sympy import Derivative, Dummy, Indexed, IndexedBase, Pow, S, Sum, exp, log, sympify

from lossnotes.derive.bounds import (
    elsewhere,
    gibbs,
    induction,
    kinks,
    monotone,
    signs,
    slopes,
    sums,
)
from lossnotes.derive.bounds.goal import Goal
from lossnotes.derive.bounds.search import FIRST, Search
from lossnotes.derive.prove import GIVES_UP, sizes_of
from lossnotes.derive.prove.cases import cases, joined, single_out
from lossnotes.derive.prove.signs import is_nonnegative, is_positive
from lossnotes.derive.prove.unfold import RANGES, unfold
from lossnotes.derive.symbols import (
    Entry,
    K,
    Probabilities,
    Scores,
    argmax,
    entry,
    maximum,
    softmax,
)
from lossnotes.derive.why import attempt, because, reasons

RULES = (
    signs.by_sign,
    signs.without_denominator,
    signs.by_linear_arithmetic,
    kinks.by_cases,
    signs.by_common_factor,
    signs.by_factors,
    monotone.by_weighted_means,
    slopes.by_roots,
    kinks.by_best_class,
    sums.row_by_row,
    monotone.by_squares_below,
    sums.by_cauchy_schwarz,
    sums.by_midpoint,
    sums.pairs_and_diagonal,
    sums.term_by_term,
    sums.pair_by_pair,
    sums.by_double_sums,
    monotone.by_ratios,
    monotone.by_tangents_of_logarithms,
    gibbs.by_gibbs,
    gibbs.by_best_distribution,
    monotone.by_growth,
    slopes.by_slope,
    signs.by_named_classes,
    monotone.by_one_logarithm,
    monotone.by_exponentials,
    monotone.by_logarithms,
    monotone.by_squares,
    signs.by_parts,
    induction.by_induction,
)


def proves_bound(left, relation, right):
    """True if `left relation right` is proved for every K >= 2; False says nothing."""
    left, right = sympify(left), sympify(right)
    if relation in (">=", ">"):
        left, relation, right = right, {">=": "<=", ">": "<"}[relation], left
    try:
        return attempt(_is_above, left, right, relation == "<")
    except GIVES_UP:
        return False


def proves_only_there(left, relation, right, where):
    """True if the bound is proved to be strict wherever `where` does not hold.

    `where` gives numbers and vectors, as in {p: q}; a number that only occurs there is any number,
    but the same one in all of them. False says nothing.
    """
    left, right = sympify(left), sympify(right)
    if relation == ">=":
        left, right = right, left
    where = {symbol: sympify(value) for symbol, value in where.items()}
    if any(value.has(*where) for value in where.values()):
        return False
    known = left.free_symbols | right.free_symbols  # those that cancel, too
    free = [symbol for value in where.values() for symbol in value.free_symbols - known]
    if len(set(free)) < len(free):
        return False
    try:
        gap, where = _with_probabilities(right - left, where)
        return all(attempt(_is_strict_unless, gap, *place, known) for place in where.items())
    except GIVES_UP:
        return False


def _with_probabilities(gap, where):
    """The gap with plain probabilities for each softmax: what holds for all holds for those.

    Where its scores stand in the gap besides, they are logarithms of it and one number more, as all
    scores are of their softmax.
    """
    for value in sorted(gap.atoms(softmax) | set(where.values()), key=str):
        if not isinstance(value, softmax) or value.has(*where):
            continue
        plain = Probabilities(Dummy(f"probabilities of {value}", positive=True))
        entries = {part for part in gap.atoms(Entry) if part.args[0] == value}
        names = {value: plain} | {part: entry(plain, part.args[1]) for part in entries}
        named = gap.xreplace(names)
        (scores,) = value.args
        if named.has(scores):
            vector = type(scores) is Scores and scores.shape in (None, (), (K,))
            if not vector or unfold(named).has(Derivative):
                continue
            named = at(named, {scores: log(plain) + Dummy("total", real=True)})
        gap = named
        where = {symbol: number.xreplace(names) for symbol, number in where.items()}
    return gap, where


def _is_strict_unless(gap, symbol, value, known):
    if isinstance(symbol, IndexedBase):
        return _is_above(S.Zero, gap, True, (symbol, value, known))
    places = elsewhere.beside(symbol, value)
    return places is not None and all(
        _is_above(S.Zero, at(gap, {symbol: place}), True) for place in places
    )


def _is_above(left, right, strict, unless=None):
    difference = signs.with_turns(right - left)
    if (is_positive if strict else is_nonnegative)(difference):
        because("the signs of the parts")
        return True
    with reasons() as used:
        difference = single_out(unfold(right) - unfold(left))
    because(*(fact for fact in used if isinstance(fact, str)))
    search = Search(RULES)
    if not unless and (shares := _in_shares(difference)) is not None:
        first = Search(RULES, FIRST)
        if attempt(_is_proved, first, shares, strict):
            because("the scores of a softmax told by its probabilities")
            return True
        search.left -= FIRST - first.left
    return _is_proved(search, difference, strict, unless)


def _in_shares(difference):
    """A difference with a softmax of scores, in its probabilities; None if there is none.

    All scores are the logarithms of their softmax, and one number more.
    """
    bodies = {
        part.base.function.args[0]
        for part in difference.atoms(Pow)
        if part.exp.is_negative
        and isinstance(part.base, Sum)
        and isinstance(part.base.function, exp)
    }
    scores = {body.base for body in bodies if isinstance(body, Indexed)}
    if len(scores) != 1 or len(bodies) != 1:
        return None
    (scores,) = scores
    if type(scores) is not Scores or scores.shape not in (None, (), (K,)):
        return None
    if any(part.has(scores) for part in difference.atoms(maximum, argmax)):
        return None
    plain = Probabilities(Dummy(f"softmax({scores})", positive=True))
    return at(difference, {scores: log(plain) + Dummy("total", real=True)})


def _is_proved(search, difference, strict, unless=None):
    sizes = sizes_of(difference)
    difference, largest = kinks.best_classes(difference)
    gaps = elsewhere.gaps(*unless, largest) if unless else ((), None)
    if gaps is None:
        return False
    return all(
        _holds(search, difference, strict, joined(sizes, renamed), largest, gaps, renamed, distinct)
        for renamed, distinct in cases(difference, _named(difference))
    )


def _named(expression):
    """The classes at which there are entries, where these are few."""
    found = {
        index
        for part in expression.atoms(Indexed)
        for index in part.indices
        if not index.free_symbols & RANGES.keys()
    }
    return found if len(found) <= 3 else set()


def _holds(search, difference, strict, sizes, largest, gaps, renamed, distinct):
    largest = tuple(
        (number.xreplace(renamed), vector, within and within.xreplace(renamed))
        for number, vector, within in largest
    )
    classes = tuple(sorted(distinct, key=str))
    goal = Goal(difference.xreplace(renamed), strict, (), classes, sizes, largest)
    best = [(gap.xreplace(renamed), place) for gap, place in kinks.reached(largest)]
    best += [(gap, None) for gap in kinks.at_least_the_mean(largest)]
    places = dict.fromkeys([*classes, *(place for _, place in best if place is not None)])
    facts = tuple((gap, False) for gap, _ in best) + tuple(
        (gap, False)
        for place in places
        for gap in kinks.exceeds(goal, place, [other for other in classes if other != place])
    )
    apart, uneven = gaps
    apart = tuple(goal.reduce(gap.xreplace(renamed)) for gap in apart)
    uneven = uneven and uneven.xreplace(renamed)
    expression = goal.reduce(goal.expression)
    return search.holds(
        replace(goal, expression=expression, facts=facts, apart=apart, uneven=uneven)
    )


def at(expression, where):
    """The expression with vectors and numbers replaced; {s: c} makes every score equal to c."""

    def replaced(part):
        if part in where:
            return where[part]
        if isinstance(part, Indexed):
            return _entry_of(where.get(part.base, part.base), *map(replaced, part.indices))
        return part.func(*map(replaced, part.args)) if part.args else part

    return replaced(unfold(expression))


def _entry_of(value, *indices):
    """The entry of a vector, or of a matrix; a number is the same in every entry."""
    if len(indices) == 1:
        return entry(value, *indices)
    if isinstance(value, IndexedBase):
        return value[indices]
    if value.atoms(IndexedBase) - {part.base for part in value.atoms(Indexed)}:
        raise ValueError(f"{value} has no entries for a matrix: give a matrix, or a number")
    return value


__all__ = ["at", "proves_bound", "proves_only_there"]
