"""What grows keeps an order: exp, log and squares may be applied to both sides."""

from math import lcm

from sympy import Add, Mul, Pow, S, Sum, Wild, exp, expand, log

from lossnotes.derive.bounds.goal import in_numbers
from lossnotes.derive.prove.signs import is_nonnegative, is_positive
from lossnotes.derive.prove.unfold import side
from lossnotes.derive.why import because

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
    """log of both sides, where each is one positive product."""
    terms = Add.make_args(goal.expression)
    if len(terms) != 2 or not any(
        isinstance(f, (exp, Pow)) for t in terms for f in Mul.make_args(t)
    ):
        return False
    above, below = sorted(terms, key=lambda term: term.could_extract_minus_sign())
    if not is_positive(in_numbers(above)) or not is_positive(in_numbers(-below)):
        return False
    because("log of both sides")
    return holds(goal.here(goal.reduce(log(above) - log(-below))))


def by_squares(goal, holds):
    """The squares of both sides, where the larger is not negative and a root stands there."""
    terms = Add.make_args(goal.expression)
    roots = [term for term in terms if _root(term) > 1]
    if not 1 <= len(roots) <= 2 or len(terms) < 2:
        return False
    if len(roots) == 1 and is_nonnegative(in_numbers(roots[0])):
        above = roots[0]
        below = above - goal.expression
    else:
        return False
    because("the squares of both sides")
    return holds(goal.here(goal.reduce(expand(above**2 - below**2))))


def _root(term):
    denominators = [
        f.exp.q for f in Mul.make_args(term) if f.is_Pow and f.exp.is_Rational and f.exp.q == 2
    ]
    return lcm(*denominators) if denominators else 1


def by_growth(goal, holds):
    """f(a) - f(b) has the sign of a - b for a growing f."""
    x, c = Wild("x"), Wild("c")
    terms = Add.make_args(goal.expression)
    if len(terms) != 2:
        return False
    one, other = terms
    for f in (exp, log):
        first, second = one.match(c * f(x)), other.match(c * f(x))
        if first and second and expand(first[c] + second[c]) == 0:
            up, down = (first, second) if is_positive(in_numbers(first[c])) else (second, first)
            if not is_positive(in_numbers(up[c])):
                continue
            because(f"{f.__name__} grows")
            return holds(goal.here(goal.reduce(up[x] - down[x])))
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
