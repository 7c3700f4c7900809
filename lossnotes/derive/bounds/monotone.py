"""What grows keeps an order: exp, log and squares may be applied to both sides."""

from math import lcm

from sympy import Add, Dummy, Mul, Pow, Rational, S, Sum, cancel, exp, expand, log

from lossnotes.derive.bounds.goal import in_numbers, multiplied_out
from lossnotes.derive.prove.signs import is_nonnegative, is_nonzero, is_positive
from lossnotes.derive.prove.unfold import side
from lossnotes.derive.why import attempt, because

HIGHEST = 12  # power that is multiplied out


def by_exponentials(goal, holds):
    """exp of both sides: a product of powers in place of a sum of logarithms."""
    expression = expand(goal.expression)
    if expression.has(side):
        return False
    product, over, rest = S.One, S.One, S.Zero
    found = 0
    for term in Add.make_args(expression):
        logs = [f for f in Mul.make_args(term) if isinstance(f, log)]
        factor = term / logs[0] if len(logs) == 1 else None
        if factor is None or not is_positive(in_numbers(logs[0].args[0])) or factor.has(log):
            rest += term
            continue
        if any(not part.exp.is_number for part in factor.atoms(Pow, exp)):
            return False  # a power in the exponent of a power
        if abs(factor.as_coeff_Mul()[0]) > HIGHEST:
            return False
        found += 1
        if is_positive(in_numbers(factor)):
            product *= logs[0].args[0] ** factor
        elif is_positive(in_numbers(-factor)):
            over *= logs[0].args[0] ** (-factor)
        else:
            return False
    if not found or rest.has(Sum):
        return False
    above = Add(*(t for t in Add.make_args(rest) if not t.could_extract_minus_sign()))
    below = above - rest
    because("exp of both sides")
    return holds(goal.here(goal.reduce(product * exp(above) - over * exp(below))))


def by_one_logarithm(goal, holds):
    """A sum inside a logarithm stands alone: a log x + rest >= 0 where x >= exp(-rest / a)."""
    expression = expand(goal.expression)
    terms = Add.make_args(expression)
    for term in terms:
        logs = [f for f in Mul.make_args(term) if isinstance(f, log)]
        if len(logs) != 1 or not is_positive(in_numbers(logs[0].args[0])):
            continue
        factor, inside = term / logs[0], logs[0].args[0]
        if not inside.has(Sum) or factor.has(Sum):
            continue
        other = exp((term - expression) / factor)
        if is_positive(in_numbers(factor)):
            target = inside - other
        elif is_positive(in_numbers(-factor)):
            target = other - inside
        else:
            continue
        because("exp of both sides")
        if holds(goal.here(goal.reduce(target))):
            return True
    return False


def by_logarithms(goal, holds):
    """log of both sides, where one is a positive product, and the other positive."""
    terms = Add.make_args(goal.expression)
    above = [term for term in terms if is_positive(in_numbers(term))]
    below = [-term for term in terms if is_positive(in_numbers(-term))]
    if len(above) + len(below) < len(terms) or not (above and below):
        return False
    products = [side[0] for side in (above, below) if len(side) == 1]
    powers = [f for t in products for f in Mul.make_args(t) if isinstance(f, (exp, Pow))]
    if len(terms) > 2:
        one = len(in_numbers(goal.expression).free_symbols) == 1
        powers = [f for f in powers if one and not f.exp.is_number]
    if not products or not powers:
        return False
    because("log of both sides")
    return holds(goal.here(goal.reduce(log(Add(*above)) - log(Add(*below)))))


def by_ratios(goal, holds):
    """log x has the sign of x - 1: logarithms that share a factor are one, of a ratio."""
    rest, logs = _ratios(goal.expression)
    signed = [factor * log(inside) for factor, inside in logs]
    strict = any(is_positive(in_numbers(part)) for part in signed)
    if not logs or not all(is_nonnegative(in_numbers(part)) for part in signed):
        return False
    because("the logarithm of a ratio that is above one, or below")
    return holds(goal.to(rest, goal.strict and not strict))


def by_tangents_of_logarithms(goal, holds):
    """1 - 1/x <= log x <= x - 1, for each logarithm of a ratio, or of its root."""
    rest, logs = _ratios(goal.expression)
    if not logs or rest.has(log) or len(in_numbers(goal.expression).free_symbols) > 2:
        return False
    for factor, inside in logs:
        known = is_positive(in_numbers(factor)) or is_positive(in_numbers(-factor))
        if inside.has(Sum) or not known or not is_positive(in_numbers(inside)):
            return False
    apart = any(is_nonzero(in_numbers(inside) - 1) for _, inside in logs)
    because("log x is at most x - 1, and at least 1 - 1/x")
    return any(
        attempt(holds, goal.to(goal.reduce(rest + bound), goal.strict and not apart))
        for bound in _tangents(logs, rest)
    )


def by_weighted_means(goal, holds):
    """a x + b y >= c x^w y^(1 - w) where a >= w c and b >= (1 - w) c."""
    expression = multiplied_out(in_numbers(goal.expression))
    powers = [part for part in expression.atoms(Pow) if not part.exp.is_number]
    bases = sorted({part.base for part in powers if is_positive(part.base)}, key=str)
    groups = _monomials(expression, bases) if bases else {}
    means = [(powers, factor) for powers, factor in groups.items() if is_positive(factor)]
    below = [(powers, -factor) for powers, factor in groups.items() if is_positive(-factor)]
    if (len(means), len(below)) != (2, 1) or len(groups) != 3:
        return False
    (x, a), (y, b), (z, c) = *means, *below
    exponents = list(zip(x, y, z, strict=True))
    weight = next(
        cancel((least - two) / (one - two)) for one, two, least in exponents if one != two
    )
    if not (is_positive(weight) and is_positive(1 - weight)):
        return False
    if any(cancel(weight * one + (1 - weight) * two - least) for one, two, least in exponents):
        return False
    more = [cancel(a - weight * c), cancel(b - (1 - weight) * c)]
    if not all(map(is_nonnegative, more)) or (goal.strict and not any(map(is_positive, more))):
        return False
    because("a weighted arithmetic mean is at least the geometric one")
    return True


def _monomials(expression, bases):
    """{powers of the bases: coefficient} of the terms of an expression."""
    groups = {}
    for term in Add.make_args(expression):
        powers, coefficient = dict.fromkeys(bases, S.Zero), S.One
        for factor in Mul.make_args(term):
            base, power = (factor.base, factor.exp) if factor.is_Pow else (factor, S.One)
            if base in powers:
                powers[base] += power
            else:
                coefficient *= factor
        if coefficient.has(*bases):
            return {}
        powers = tuple(expand(power) for power in powers.values())
        groups[powers] = groups.get(powers, S.Zero) + coefficient
    return groups


def _tangents(logs, rest):
    """Bounds from below of a sum of a log x; log x is twice the logarithm of the root."""
    for power in (1, 2) if any(_root(term) == 2 for term in Add.make_args(rest)) else (1,):
        yield Add(
            *(
                power * a * (1 - x ** -Rational(1, power))
                if is_positive(in_numbers(a))
                else power * a * (x ** Rational(1, power) - 1)
                for a, x in logs
            )
        )


def _ratios(expression):
    """An expression as rest + a log x + ...: of a log x - a log y it makes a log (x / y)."""
    logs, rest = {}, S.Zero
    for term in Add.make_args(multiplied_out(expression)):
        found = [f for f in Mul.make_args(term) if isinstance(f, log)]
        factor = term / found[0] if len(found) == 1 else None
        if factor is None or factor.has(log):
            rest += term
        elif -factor in logs:
            logs[-factor] /= found[0].args[0]
        else:
            logs[factor] = logs.get(factor, S.One) * found[0].args[0]
    return rest, list(logs.items())


def by_squares(goal, holds):
    """The squares of both sides, where the larger is not negative and a root stands there."""
    root = _single_root(goal.expression)
    if root is None or not _is_nonnegative_where_real(root):
        return False
    below = root - goal.expression
    because("the squares of both sides")
    return holds(goal.here(goal.reduce(expand(root**2 - below**2))))


def by_squares_below(goal, holds):
    """The squares of both sides, where the larger is not negative and a root is the other."""
    root = _single_root(goal.expression)
    if root is None or not _is_nonnegative_where_real(-root):
        return False
    above = goal.expression - root
    if not is_nonnegative(in_numbers(above)):
        return False
    because("the squares of both sides")
    return holds(goal.here(goal.reduce(expand(above**2 - root**2))))


def _single_root(expression):
    """The one term of several that is a root, or None."""
    terms = Add.make_args(expression)
    roots = [term for term in terms if _root(term) > 1]
    return roots[0] if len(roots) == 1 and len(terms) > 1 else None


def _is_nonnegative_where_real(term):
    """Whether a product with roots is not negative: a root is none where it has a real value."""
    return is_nonnegative(
        in_numbers(term.xreplace(dict.fromkeys(_roots_in(term), Dummy(nonnegative=True))))
    )


def _root(term):
    return lcm(*(root.exp.q for root in _roots_in(term)))


def _roots_in(term):
    """The factors that are roots: none is negative where it has a value."""
    return [f for f in Mul.make_args(term) if f.is_Pow and f.exp.is_Rational and f.exp.q == 2]


def by_growth(goal, holds):
    """f(a) - f(b) has the sign of a - b for a growing f."""
    terms = Add.make_args(goal.expression)
    if len(terms) != 2:
        return False
    for f in (exp, log):
        found = [[part for part in Mul.make_args(term) if isinstance(part, f)] for term in terms]
        if any(len(parts) != 1 for parts in found):
            continue
        one, other = (parts[0] for parts in found)
        factor = terms[0] / one
        if expand(factor + terms[1] / other) != 0:
            continue
        if not is_positive(in_numbers(factor)):
            one, other, factor = other, one, -factor
        if is_positive(in_numbers(factor)):
            because(f"{f.__name__} grows")
            return holds(goal.here(goal.reduce(one.args[0] - other.args[0])))
    return by_powers(goal, holds)


def by_powers(goal, holds):
    """x^a - x^b for x below or above one has the sign of b - a, or of a - b."""
    one, other = Add.make_args(goal.expression)
    if other.could_extract_minus_sign() == one.could_extract_minus_sign():
        return False
    if one.could_extract_minus_sign():
        one, other = other, one
    ratio = goal.reduce(one / -other)
    base, power = ratio.as_base_exp()
    if ratio.is_Mul or base == 1 or not is_positive(in_numbers(base)) or isinstance(ratio, exp):
        return False
    if not is_positive(in_numbers(-other)):
        return False
    because("a power of what is below one, or above")
    beyond = base - 1
    return (holds(goal.to(power)) and holds(goal.to(beyond))) or (
        holds(goal.to(-power)) and holds(goal.to(-beyond))
    )
