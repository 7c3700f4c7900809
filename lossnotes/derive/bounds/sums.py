"""Sums over the classes: term by term, after what is known of other sums has been shared out.

    sum_i f_i + c >= 0   follows from   f_i + a g_i + ... >= 0 for every class i,   c = a G + ...

where sum_i g_i = G, ...: probabilities sum to one, K ones to K, and each sum that occurs to itself.
The shares a are those of the tangent plane: the slopes of c in the sums G, or what makes the terms
touch zero where two distributions are equal. However they are found, what is checked is the terms.
"""

from dataclasses import replace
from itertools import combinations

from sympy import (
    Add,
    Derivative,
    Dummy,
    Indexed,
    KroneckerDelta,
    Mul,
    Rational,
    S,
    Subs,
    Sum,
    Symbol,
    cancel,
    expand,
    expand_log,
    factor_list,
    fraction,
    linsolve,
    symbols,
    together,
)
from sympy.polys.polyerrors import PolynomialError

from lossnotes.derive.bounds.goal import atoms, in_numbers, multiplied_out, plain
from lossnotes.derive.bounds.goal import named as in_names
from lossnotes.derive.bounds.kinks import exceeds
from lossnotes.derive.bounds.slopes import flat_places
from lossnotes.derive.prove.signs import has_value, is_positive
from lossnotes.derive.prove.unfold import ANY_CLASS, RANGES, side
from lossnotes.derive.prove.zero import vanishes
from lossnotes.derive.symbols import K, Probabilities, Vector, delta
from lossnotes.derive.why import attempt, because

LARGE = 160
ROW = Symbol("row'", integer=True, positive=True)


def single_sums(expression):
    """The outermost sums over all classes, each over one index."""
    return sorted(
        (
            part
            for part in atoms(expression)
            if isinstance(part, Sum) and len(part.limits) == 1 and part.limits[0][1:] == (1, K)
        ),
        key=str,
    )


def body_at(whole, place):
    """The term of a sum at a class."""
    return whole.function.xreplace({whole.limits[0][0]: place})


def term_by_term(goal, holds):
    """Each term, with its share of what stands beside the sums."""
    expression = multiplied_out(goal.expression)
    sums = single_sums(expression)
    places = goal.any_classes(1)
    if not sums or not places or expression.count_ops() > LARGE:
        return False
    named = {whole: Dummy(str(whole), real=True) for whole in sums}
    shape = expression.xreplace(named)
    linear = [
        whole
        for whole in sums
        if shape.is_polynomial(named[whole]) and shape.diff(named[whole], 2) == 0
    ]
    for chosen in _choices(linear, shape, named):
        if _shared_out(goal, holds, shape, named, chosen, sums, *places):
            return True
    return False


def _choices(linear, shape, named):
    """Which sums are looked at term by term: those that have no part in the factor of another."""
    free = [
        whole
        for whole in linear
        if not any(shape.diff(named[whole]).has(named[other]) for other in linear)
    ]
    if free:
        yield tuple(free)
    if len(linear) > 1 and len(free) != 1:
        for whole in linear:
            if (whole,) != tuple(free):
                yield (whole,)


def _shared_out(goal, holds, shape, named, chosen, sums, place):
    rest = shape.xreplace({named[whole]: S.Zero for whole in chosen})
    terms = [shape.diff(named[whole]) * body_at(whole, place) for whole in chosen]
    term = Add(*terms)
    others = [whole for whole in sums if rest.has(named[whole])]
    known = _known_sums(goal.expression, others, named, place)
    back = {dummy: whole for whole, dummy in named.items()}
    for share in _shares(goal, rest, term, others, known, named, place):
        whole_term = goal.reduce((term + share).xreplace(back))
        if attempt(_each_term, goal, whole_term, place, holds):
            because("term by term, for each class")
            return True
    return False


def distributions(expression, place):
    """The entries at a class of what sums to one over the classes: probabilities, rows of them."""
    found = {
        part.base[(*part.indices[:-1], place)]
        for part in expression.atoms(Indexed)
        if isinstance(part.base, Probabilities)
        and len(part.base.shape or (K,)) == len(part.indices)
        and (part.base.shape or (K,))[-1] == K
        and not any(row.free_symbols & RANGES.keys() for row in part.indices[:-1])
    }
    return sorted(found, key=str)


def _known_sums(expression, others, named, place):
    """Pairs (term at a class, sum): probabilities and one, ones and K, sums that occur."""
    shares = distributions(expression, place)
    known = [(share, S.One) for share in shares]
    known.append((S.One, K))
    known += [((one + other) / 2, S.One) for one, other in combinations(shares, 2)]
    return known + [(body_at(whole, place), named[whole]) for whole in others]


def _shares(goal, rest, term, others, known, named, any_class):
    """What may be added to the term of each class, so that its sum is what stands beside."""
    if rest == 0:
        yield S.Zero
    slopes = [
        (body_at(whole, any_class), named[whole], rest.diff(named[whole])) for whole in others
    ]
    if any(slope.has(Derivative, Subs) for _, _, slope in slopes):
        return  # a step has no slope
    tangent = Add(*(slope * body for body, _, slope in slopes))
    left = goal.reduce(rest - Add(*(slope * total for _, total, slope in slopes)))
    if left == 0 and rest != 0:
        yield tangent
    for body, total in known:
        if left != 0:
            yield tangent + left / total * body
    if slopes:
        for body, total in known:
            yield rest / total * body
    yield from _touching(rest, term, known)
    places = [place for place in goal.sure_classes if RANGES.get(place) is None]
    if len(places) == 2:
        for place, other in (places, places[::-1]):
            yield _all_but_one_even(term, rest, any_class, place, other)
    for place in places:
        one = term.xreplace({any_class: place})
        here = delta(any_class, place)
        yield -here * one + (1 - here) * (rest + one) / (K - 1)
        even = expand(rest).coeff(K, 1)
        yield even + here * (rest - K * even)


def _all_but_one_even(term, rest, any_class, place, other):
    """The share with which the term of one class is zero, and another has what is left of K times
    that of the others.
    """
    one, even = term.xreplace({any_class: other}), expand(rest).coeff(K, 1)
    left = rest + one - (K - 2) * even
    here, there = delta(any_class, place), delta(any_class, other)
    return even * (1 - here - there) + here * left - there * one


def _touching(rest, term, known):
    """Shares with which the term, and its slopes, vanish where two distributions are equal."""
    known = known[:3]
    bases = [body for body, total in known if isinstance(body, Indexed)]
    points = [{a: b} for a, b in combinations(bases, 2)] + [{a: 1 / K} for a in bases]
    for point in points:
        unknown = symbols(f"share:{len(known)}")
        shared = term + Add(*(u * body for u, (body, _) in zip(unknown, known, strict=True)))
        conditions = [
            Add(*(u * total for u, (_, total) in zip(unknown, known, strict=True))) - rest
        ]
        numbers = {part for pair in point.items() for part in pair if isinstance(part, Indexed)}
        slopes = [shared.diff(number) for number in sorted(numbers, key=str)]
        if any(slope.has(Derivative, Subs) for slope in slopes):
            continue  # a step has no slope
        conditions += [slope.xreplace(point) for slope in slopes]
        conditions.append(shared.xreplace(point))
        if any(c.has(S.ComplexInfinity, S.NaN) for c in conditions):
            continue
        names, squares = {}, {}  # a root of an entry is rational in its root
        for c in conditions:
            squares |= {e: Dummy(positive=True) ** 2 for e in c.atoms(Indexed) - squares.keys()}
        conditions = [expand_log(c.xreplace(squares)) for c in conditions]
        try:
            found = linsolve([in_names(together(c), names) for c in conditions], *unknown)
        except (ValueError, TypeError, NotImplementedError):
            continue
        back = {name: part for part, name in names.items()} | dict.fromkeys(unknown, S.Zero)
        roots = [square.base for square in squares.values()]
        for solution in found:
            values = [value.xreplace(back) for value in solution]
            if any(v.has(*roots) for v in values):
                continue
            yield Add(*(v * body for v, (body, _) in zip(values, known, strict=True)))


def _each_term(goal, term, any_class, holds):
    """The term at each class: not negative at any, and positive at one if the sum is to be."""
    if not goal.strict or (not goal.apart and goal.uneven is None):
        return _everywhere(goal, term, any_class, holds)
    weak = replace(goal, strict=False, apart=(), uneven=None)
    if not _everywhere(weak, term, any_class, holds):
        return False
    for gap in (*goal.apart, *_apart_from_the_flat(goal, term, any_class)):
        if attempt(_positive_apart, goal, term, any_class, gap, holds):
            because("and one term is positive, unless it is the case of equality at every class")
            return True
    return False


def _apart_from_the_flat(goal, term, any_class):
    """Gaps to the numbers at which the term is flat: what is not alike is not such a number."""
    if goal.uneven is None:
        return
    one = goal.uneven.xreplace({ANY_CLASS: any_class})
    here = {atom: plain(atom) for atom in atoms(term) | atoms(one) if atom.has(any_class)}
    shape = in_numbers(term)
    for entry, number in here.items():
        if isinstance(entry, Indexed) and one.diff(entry) == 1:
            slope = shape.diff(number)
            for place in flat_places(slope, shape, number):
                common = goal.reduce(in_numbers(one).xreplace({number: place}))
                if common.free_symbols & set(here.values()) or not has_value(common):
                    continue
                if vanishes(goal.reduce(slope.xreplace({number: place})), goal.reduction):
                    yield goal.uneven - common


def _positive_apart(goal, term, any_class, gap, holds):
    """Whether the term of a class is positive, whichever it is, if there a gap is not zero."""
    places = named_places(goal)
    for place in (*places, any_class):
        here = goal.to(term, classes=(*goal.classes, any_class))
        here = replace(here, expression=here.reduce(term.xreplace({any_class: place})))
        others = [other for other in places if other != place]
        facts = tuple((fact, False) for fact in exceeds(here, place, others))
        here = replace(here, facts=here.facts + facts)
        if not _positive_on_both_sides(here, gap.xreplace({ANY_CLASS: place}), holds):
            return False
    return True


def _positive_on_both_sides(goal, gap, holds):
    """Whether a number is positive where a gap is, and where it is negative."""
    gap = in_numbers(goal.reduce(gap))
    facts = tuple((in_numbers(fact), strict) for fact, strict in goal.facts)
    here = replace(goal.to(in_numbers(goal.expression)), facts=facts)
    return all(
        holds(given) for side in (gap, -gap) for given in here.given(side, True, here.expression)
    )


def named_places(goal):
    return [place for place in goal.classes if RANGES.get(place) is None]


def _everywhere(goal, term, any_class, holds):
    """The term at each class that is named, and at any other."""
    places = named_places(goal)
    for place in places:
        if not holds(goal.to(goal.reduce(term.xreplace({any_class: place})))):
            return False
    other = goal.to(term, classes=(*goal.classes, any_class))
    other = replace(other, expression=other.reduce(term))
    below = list(exceeds(other, any_class, places))
    known = dict.fromkeys([tuple(below), (), *((gap,) for gap in below)])
    for gaps in known:
        if attempt(holds, other.given_all(gaps) if gaps else other):
            because(*["no score exceeds the largest"] * bool(gaps))
            return True
    return False


def pair_by_pair(goal, holds):
    """Products of two sums are sums over pairs: each pair with its exchange."""
    expression = multiplied_out(goal.expression)
    sums = single_sums(expression)
    pair = goal.any_classes(2)
    if not 1 <= len(sums) <= 5 or len(pair) < 2 or expression.count_ops() > LARGE:
        return False
    if expression.has(KroneckerDelta):
        return False  # a pair is any two classes, those that are named among them
    one, other = pair
    for weight in [*distributions(expression, one), 1 / K]:
        body = _as_pairs(expression, sums, weight, pair)
        if body is None:
            continue
        both = goal.reduce((body + body.xreplace({one: other, other: one})) / 2)
        same = goal.to(goal.reduce(body.xreplace({other: one})), False)
        because("pair by pair, for any two classes")
        if holds(same) and _each_pair(goal, both, pair, holds):
            return True
    return False


def pairs_and_diagonal(goal, holds):
    """A sum of squares is the diagonal of a square of sums: what is left are pairs that differ."""
    expression = multiplied_out(goal.expression)
    sums = single_sums(expression)
    pair = goal.any_classes(2)
    if not 1 <= len(sums) <= 6 or len(pair) < 2 or expression.has(KroneckerDelta):
        return False
    degrees = [(term, _degree(term, sums)) for term in Add.make_args(expression)]
    if {degree for _, degree in degrees} != {1, 2}:
        return False
    one, other = pair
    alone = Add(*(term for term, degree in degrees if degree == 1))
    apart = _as_pairs(expression - alone, sums, S.One, pair)
    single = alone.xreplace({whole: body_at(whole, one) for whole in sums})
    both = goal.reduce(apart + apart.xreplace({one: other, other: one}))
    same = goal.to(goal.reduce(apart.xreplace({other: one}) + single), False)
    because("the pairs of a class with itself, and those of two classes")
    return holds(same) and _each_pair(goal, both, pair, holds)


def _degree(term, sums):
    """How many sums are multiplied in a term; None if it has them otherwise."""
    powers = [f.as_base_exp() for f in Mul.make_args(term) if f.has(*sums)]
    if all(base in sums and power.is_Integer and power > 0 for base, power in powers):
        return sum(power for _, power in powers)
    return None


def _each_pair(goal, both, pair, holds):
    """The term of any two classes: not negative, and positive for two if the sum is to be."""
    apart = goal.to(both, classes=pair)  # each of which may be one that is named
    apart = replace(apart, expression=apart.reduce(both))
    if not goal.strict or goal.uneven is None:
        return holds(apart)
    if not holds(replace(apart, strict=False)):
        return False
    because("and one pair is positive, unless it is the case of equality at every class")
    one, other = (goal.uneven.xreplace({ANY_CLASS: place}) for place in pair)
    return _positive_on_both_sides(apart, one - other, holds)


def _as_pairs(expression, sums, weight, places):
    """The term of the sum over pairs; None if some term is no product of two sums at most.

    The weights, which sum to one, are given by that of the first place.
    """
    total = S.Zero
    for term in Add.make_args(expression):
        parts, factor = [], S.One
        for part in Mul.make_args(term):
            base, power = part.as_base_exp()
            if base in sums and power.is_Integer and power > 0:
                parts += [base] * int(power)
            elif part.has(*sums):
                return None
            else:
                factor *= part
        while len(parts) < 2 and factor.has(K) and factor.as_independent(K)[1].is_polynomial(K):
            if not (factor / K).is_polynomial(K):
                break
            factor, parts = factor / K, [*parts, None]
        if len(parts) > 2:
            return None
        bodies = [
            S.One if part is None else body_at(part, place)
            for part, place in zip(parts, places, strict=False)
        ]
        bodies += [weight.xreplace({places[0]: place}) for place in places[len(bodies) :]]
        total += factor * Mul(*bodies)
    return total


def by_cauchy_schwarz(goal, holds):
    """(sum_i f_i)^2 <= sum_i f_i^2 / w_i, for weights w that sum to one."""
    expression = multiplied_out(goal.expression)
    sums = single_sums(expression)
    if not sums or expression.count_ops() > LARGE:
        return False
    names = {whole: Dummy(str(whole), real=True) for whole in sums}
    back = {dummy: whole for whole, dummy in names.items()}
    found = _negative_square(expression.xreplace(names), list(back))
    (place,) = goal.any_classes(1) or (None,)
    if found is None or place is None:
        return False
    rest, factor, total = found
    term = _squared(Add(*(total.diff(dummy) * body_at(back[dummy], place) for dummy in back)))
    for weight in _weights(goal.expression, place):
        whole = Sum(term / weight, (place, 1, K))  # an index of one sum may be bound in another
        because("Cauchy-Schwarz")
        if holds(goal.to(goal.reduce(rest.xreplace(back) - factor * whole))):
            return True
    return False


def _negative_square(shape, names):
    """The expression as rest - factor total^2, total a combination of some numbers, or None."""
    terms = Add.make_args(expand(shape))
    quadratic = Add(*(t for t in terms if sum(_power_of(name, t) for name in names) == 2))
    if quadratic == 0:
        return None
    used = [name for name in names if quadratic.has(name)]
    try:
        content, factors = factor_list(quadratic, *used)
    except PolynomialError:
        return None
    if len(factors) != 1 or factors[0][1] != 2 or not is_positive(in_numbers(-content)):
        return None
    total = expand(factors[0][0])
    if any(total.diff(name).has(*names) for name in used) or total.xreplace(
        dict.fromkeys(used, S.Zero)
    ):
        return None
    return expand(shape - quadratic), -content, total


def _power_of(name, term):
    """The power to which a term has a number as a factor; 3 where it has it otherwise."""
    factors = [f.as_base_exp() for f in Mul.make_args(term) if f.has(name)]
    if not factors:
        return 0
    (base, power), *more = factors
    return int(power) if base == name and power.is_Integer and power >= 0 and not more else 3


def _squared(term):
    """The square of a term; |x|^2 is x^2."""
    for kink in sorted(term.atoms(side), key=str):
        slope = expand(term).coeff(kink)
        ratio = cancel(slope / kink.args[0])
        if expand(term - slope * kink) == 0 and fraction(ratio)[1].is_number:
            return slope**2
    return term**2


def _weights(expression, place):
    """Weights that sum to one: each distribution, the means of two, and equal ones."""
    shares = distributions(expression, place)
    yield from shares
    for one, other in combinations(shares, 2):
        for share in (Rational(1, 2), Rational(1, 3), Rational(2, 3)):
            yield share * one + (1 - share) * other
    yield 1 / K


def row_by_row(goal, holds):
    """A sum over the rows of a batch: for any one row, with its share of what stands beside."""
    expression = multiplied_out(goal.expression)
    sizes = {limit[2] for part in atoms(expression) for limit in getattr(part, "limits", ())}
    rows = [size for size in sizes - {K} if size.is_Symbol and size.is_positive]
    if len(rows) != 1 or expression.has(ROW) or expression.count_ops() > LARGE:
        return False
    (size,) = rows
    row = S.Zero
    for term in Add.make_args(expression):
        over = [part for part in term.atoms(Sum) if size in {end for *_, end in part.limits}]
        whole = over[0] if len(over) == 1 else None
        if not over:
            row += term / size
        elif whole in Mul.make_args(term) and not (term / whole).has(Sum):
            limits = [limit for limit in whole.limits if limit[1:] != (1, size)]
            if len(limits) + 1 != len(whole.limits) or any(end[1:] != (1, K) for end in limits):
                return False
            row += term / whole * _at_row(whole, limits)
        else:
            return False
    because("row by row")
    sizes = (*goal.sizes, (ROW, frozenset({size})))
    here = goal.to(row, sizes=sizes)
    return holds(replace(here, expression=here.reduce(row)))


def _at_row(whole, over_classes):
    """What a sum over the rows has for one of them, summed over the classes still."""
    ((row, *_),) = set(whole.limits) - set(over_classes)
    term = whole.function.xreplace({row: ROW})
    return Sum(term, *over_classes) if over_classes else term


def by_midpoint(goal, holds):
    """The square of a mean is at least its tangent at the midpoint of the largest and the least."""
    ends = [
        (vector, (largest - least) / 2)
        for largest, vector, within in goal.largest
        for least, other, beside in goal.largest
        if within is beside is None and isinstance(vector, Vector) and expand(vector + other) == 0
    ]
    (place,) = goal.any_classes(1) or (None,)
    if not ends or place is None:
        return False
    ((vector, middle), *_) = ends
    expression = multiplied_out(goal.expression)
    for whole in single_sums(expression):
        name = Dummy(str(whole), real=True)
        shape = expression.xreplace({whole: name})
        if not shape.is_polynomial(name) or shape.diff(name, 3) != 0:
            continue
        factor = shape.diff(name, 2) / 2
        if factor == 0 or not is_positive(in_numbers(factor)):
            continue
        center = Sum(body_at(whole, place).xreplace({vector[place]: middle}), (place, 1, K))
        because("a square is at least its tangent at the midpoint")
        return holds(goal.to(goal.reduce(expression - factor * (whole - center) ** 2)))
    return False


def by_double_sums(goal, holds):
    """A sum over pairs, of what is not negative for each."""
    expression = multiplied_out(goal.expression)
    whole = [part for part in atoms(expression) if isinstance(part, Sum)]
    if len(whole) != 1 or whole[0].has(KroneckerDelta):
        return False
    if [limit[1:] for limit in whole[0].limits] != [(1, K), (1, K)]:
        return False
    factor = expression / whole[0]
    if factor.has(whole[0]):
        return False
    pair = goal.any_classes(2)
    if len(pair) < 2:
        return False
    names = {limit[0]: name for limit, name in zip(whole[0].limits, pair, strict=True)}
    body = whole[0].function.xreplace(names)
    because("pair by pair, for any two classes")
    apart = goal.to(goal.reduce(factor * body), False, classes=pair)
    same = goal.reduce(factor * body.xreplace({pair[1]: pair[0]}))
    return not goal.strict and holds(apart) and holds(goal.to(same, False))
