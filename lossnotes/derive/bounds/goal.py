"""What is to be shown: that an expression is not negative, or positive, given some facts."""

from dataclasses import dataclass, replace
from functools import lru_cache

from sympy import (
    Add,
    Dummy,
    I,
    Indexed,
    Integral,
    Product,
    S,
    Sum,
    Symbol,
    Tuple,
    exp,
    expand,
    symbols,
)

from lossnotes.derive.prove.quotient import as_fraction
from lossnotes.derive.prove.reduce import Reduction, before
from lossnotes.derive.prove.signs import (
    Unnamed,
    has_terms,
    is_nonnegative,
    is_positive,
    perhaps_zero,
)
from lossnotes.derive.prove.unfold import RANGES, side
from lossnotes.derive.symbols import Between, K, Probabilities, argmax, entry, is_share, maximum

ANY_CLASSES = symbols("i' k' l' m' n' o' u' v'", integer=True, positive=True)


@dataclass(frozen=True)
class Goal:
    """expression >= 0, or > 0 where `strict`.

    `facts` are pairs (number, strict): number >= 0, or > 0. `classes` are named, and distinct.
    `largest` are triples (number, vector, within): no entry of the vector exceeds the number.
    `told` are pairs (entry, value): entries that stand in sums still, and are told by others.
    `apart` are numbers at ANY_CLASS, each of which is not zero at some class; the entries of
    `uneven` are not the same number at all classes.
    """

    expression: object
    strict: bool
    facts: tuple = ()
    classes: tuple = ()
    sizes: tuple = ()
    largest: tuple = ()
    told: tuple = ()
    apart: tuple = ()
    uneven: object = None
    depth: int = 0

    def to(self, expression, strict=None, **changes):
        """A goal that implies this one, whatever the vectors are: what is `apart` is forgotten."""
        return self.here(expression, strict, **{"apart": (), "uneven": None} | changes)

    def here(self, expression, strict=None, **changes):
        """A goal that implies this one, for the same numbers."""
        strict = self.strict if strict is None else strict
        return replace(self, expression=expression, strict=strict, depth=self.depth + 1, **changes)

    def given(self, gap, strict, expression):
        """Goals that together are that for an expression, where a gap is not negative, or positive.

        A number below its bound is a share of it; where it may be the bound, that is another goal.
        """
        here = self.here(expression)
        if not strict and moved(gap, _offset(gap, strict)) is None and (below := _below(gap)):
            return here._with(gap, True)[0], here._known(gap, False).where(dict([below]))
        return (here._with(gap, strict)[0],)

    def given_all(self, gaps):
        """The same goal, where none of the gaps is negative."""
        goal, changes = self.here(self.expression), []
        for gap in gaps:
            for change in changes:
                gap = gap.xreplace(change)
            goal, change = goal._with(gap, False)
            changes.append(change)
        return goal

    def _with(self, gap, strict):
        """The goal with one fact more, and how numbers are told by others since."""
        goal = self._known(gap, strict)
        change = moved(gap, _offset(gap, strict))
        if change is None and strict and (below := _below(gap)):
            number, bound = below
            share = Unnamed(f"share of {number} in {bound}", 0, 1, (number, bound))
            change = {number: bound * share}
        if not change:
            return goal, {}
        ((number, value),) = change.items()
        if (upper := _upper_end(number)) is not None:
            goal = goal._known(expand(upper - value), True)
        return goal.where(change), change

    def _known(self, gap, strict):
        return replace(self, facts=(*self.facts, (gap, strict)))

    def where(self, change):
        """The goal in which numbers are told by others."""
        return replace(
            self,
            expression=self.reduce(self.expression.xreplace(change)),
            facts=tuple((expand(fact.xreplace(change)), strict) for fact, strict in self.facts),
            largest=tuple((number.xreplace(change), *rest) for number, *rest in self.largest),
            told=(
                *((entry, value.xreplace(change)) for entry, value in self.told),
                *(pair for pair in change.items() if isinstance(pair[0], Indexed)),
            ),
            apart=tuple(gap.xreplace(change) for gap in self.apart),
            uneven=self.uneven and self.uneven.xreplace(change),
        )

    def any_classes(self, count):
        """Names for classes of which nothing is known, as many as are asked for."""
        used = set(self.classes) | self.expression.free_symbols
        used = used.union(*(fact.free_symbols for fact, _ in self.facts))
        return tuple(name for name in ANY_CLASSES if name not in used)[:count]

    @property
    def sure_classes(self):
        """The named classes that there are, whatever K is; j + 1 and 3 may be none."""
        return tuple(place for place in self.classes if self.reduction.is_in_range(place, K))

    @property
    def reduction(self):
        return reduction(frozenset(self.classes), self.sizes)

    def reduce(self, expression):
        return self.reduction.reduce(expression.xreplace(dict(self.told)))


class RealReduction(Reduction):
    """The normal form without i: a sine is no sum of exponentials whose squares are negative."""

    def _exponential(self, expression):
        return expression if expression.rewrite(exp).has(I) else super()._exponential(expression)


@lru_cache(256)
def reduction(classes, sizes):
    return RealReduction(classes, dict.fromkeys(ANY_CLASSES, {K}) | dict(sizes))


@lru_cache(10_000)
def plain(atom):
    """A symbol of its own for an entry, a sum or the like, with what is known of its value."""
    if is_share(atom):
        return Unnamed(f"{atom}", 0, 1, atom)
    positive = is_positive_atom(atom)
    if positive:
        return Dummy(str(atom), positive=True)
    if is_nonnegative_atom(atom):
        return Dummy(str(atom), nonnegative=True)
    return Dummy(str(atom), real=True)


def is_positive_atom(atom):
    """Whether an atom is positive: a sum of positive terms is, if it has one."""
    if isinstance(atom, Sum):
        return all(map(has_terms, atom.limits)) and is_positive(in_numbers(atom.function))
    if isinstance(atom, maximum) and not isinstance(atom.args[0], Tuple):
        return is_positive(in_numbers(entry(atom.args[0], Symbol("i", integer=True))))
    return bool(atom.is_positive)


def is_nonnegative_atom(atom):
    if isinstance(atom, Sum):
        return is_nonnegative(in_numbers(atom.function)) or _is_nonnegative_by_cases(atom.function)
    if isinstance(atom, maximum) and not isinstance(atom.args[0], Tuple):
        return is_nonnegative(in_numbers(entry(atom.args[0], Symbol("i", integer=True))))
    return bool(atom.is_nonnegative)


def _is_nonnegative_by_cases(term):
    """Whether a term with one kink, such as |x| or max(0, x), is not negative on either side."""
    kinks = term.atoms(side)
    if len(kinks) != 1:
        return False
    (kink,) = kinks
    bound = {index: Dummy(integer=True) for index in term.free_symbols & RANGES.keys()}
    for sign in (1, -1, 0):
        there, gap = term.xreplace({kink: S(sign)} | bound), kink.args[0].xreplace(bound)
        change = moved(sign * gap, _offset(gap, True)) if sign else moved(gap, S.Zero)
        if change is None or not is_nonnegative(in_numbers(expand(there.xreplace(change)))):
            return False
    return True


ATOMS = (Sum, Product, Integral, Indexed, maximum, argmax, side, before)


def atoms(expression):
    """The outermost entries, sums and the like."""
    if isinstance(expression, ATOMS):
        return {expression}
    return set().union(*map(atoms, expression.args))


@lru_cache(10_000)
def in_numbers(expression):
    """The expression in plain symbols."""
    expression = perhaps_zero(expression)
    return expression.xreplace({atom: plain(atom) for atom in atoms(expression)})


def without_named_classes(expression, classes):
    """The terms of the named classes taken out of each sum of positive terms.

    What is left of a sum has at least one term if K >= 2 and only one class was taken.
    """
    replaced = {}
    for whole in atoms(expression):
        if not isinstance(whole, Sum) or len(whole.limits) != 1:
            continue
        (index, lower, size), body = whole.limits[0], whole.function
        if lower != 1:
            continue
        if not classes or size != K:
            continue
        generic = in_numbers(body)
        if is_positive(generic):
            rest = _rest(whole, classes, len(classes) == 1)
        elif is_nonnegative(generic):
            rest = _rest(whole, classes, False)
        else:
            continue
        replaced[whole] = Add(*(body.xreplace({index: place}) for place in classes)) + rest
    return expression.xreplace(replaced) if replaced else None


@lru_cache(1000)
def _rest(whole, taken, positive):
    """What is left of a sum without the terms taken; positive, or not negative."""
    return Dummy(f"rest of {whole}", nonnegative=True, positive=positive or None)


def numerator(goal):
    """The goal without its positive denominator; None if the sign of that is not known."""
    top, bottom = as_fraction(goal.expression)
    if bottom == 1:
        return multiplied_out(top) if top.count_ops() < 400 else top
    known = in_numbers(bottom)
    if is_positive(known):
        return top
    if is_positive(-known):
        return -top
    if is_nonnegative(known):  # where it is zero there is no value, and no claim
        return top
    return None


@lru_cache(1000)
def _offset(gap, strict):
    """How far a number is beyond its bound."""
    return Dummy("beyond", nonnegative=True, positive=strict or None)


def _below(gap):
    """A positive number that is below something positive where the gap is positive, and that."""
    expanded = expand(gap)
    for number in sorted(gap.atoms(Symbol, Indexed), key=_last_named):
        if number.free_symbols & RANGES.keys() or number.is_integer or not number.is_positive:
            continue
        slope = _coefficient(expanded, number)
        bound = number - gap / slope if slope and slope < 0 else None
        if bound is None or expand(bound).has(number):
            continue
        bound = in_numbers(expand(bound))
        if is_positive(bound):
            return number, bound
    return None


def moved(gap, offset):
    """{number: value} that makes a gap equal to an offset, and leaves the signs of numbers.

    `gap` is linear in some number; one that must be positive stays so only where the rest does.
    """
    expanded = expand(gap)
    for number in sorted(gap.atoms(Symbol, Indexed), key=_last_named):
        if number.free_symbols & RANGES.keys():
            continue
        if isinstance(number, Symbol) and number.is_integer:
            continue
        slope = _coefficient(expanded, number)
        if not slope:
            continue
        value = expand(number - (gap - offset) / slope)
        if isinstance(number, Between) or _is_probability(number):
            if not is_positive(in_numbers(value)):
                continue
        elif number.is_positive and not is_positive(in_numbers(value)):
            continue
        elif number.is_nonnegative and not is_nonnegative(in_numbers(value)):
            continue
        return {number: value}
    return None


def _upper_end(number):
    """What a number is sure to be below, or None."""
    if isinstance(number, Between):
        return None if number.upper.is_infinite else number.upper
    return S.One if is_share(number) else None


def slope_in(expression, number):
    """The slope in a number; another entry of its vector is another number."""
    name = Dummy()
    return expression.xreplace({number: name}).diff(name).xreplace({name: number})


def _coefficient(expanded, number):
    """The slope in a number where that is a number itself, read off the terms; else None."""
    slope = S.Zero
    for term in Add.make_args(expanded):
        if term.has(number):
            factor, rest = term.as_coeff_Mul()
            if rest != number:
                return None
            slope += factor
    return slope


def _is_probability(number):
    return isinstance(number, Indexed) and isinstance(number.base, Probabilities)


def _last_named(number):
    return not isinstance(number, Indexed), str(number)


def multiplied_out(expression):
    """The expression expanded; SymPy would also make a product of the exponential of a sum."""
    return expand(expression, power_exp=False)


def named(expression, names):
    """Functions and powers as symbols, so that what is factored is a polynomial."""
    if expression.is_Symbol or expression.is_Number:
        return expression
    if expression.is_Add or expression.is_Mul:
        return expression.func(*(named(part, names) for part in expression.args))
    if expression.is_Pow and expression.exp.is_Integer:
        return named(expression.base, names) ** expression.exp
    if isinstance(expression, exp):
        power, rest = expression.args[0].as_coeff_Mul()
        if power.is_Integer and power > 1:
            return names.setdefault(exp(rest), Dummy()) ** power
    return names.setdefault(expression, Dummy())
