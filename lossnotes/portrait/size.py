"""Rows: how small and how large a loss is, and where it exceeds the 0-1 loss."""

from mpmath import mp
from sympy import Heaviside, Integer, Rational, Symbol, nan, oo, zoo

from lossnotes.derive.symbols import Between, margin, one_hot
from lossnotes.portrait import search
from lossnotes.portrait.loss import SHARE
from lossnotes.portrait.table import Row, formula, is_small

TINY = mp.mpf(10) ** -9
LARGE = 20  # what exceeds it far out may exceed everything
FARTHER = Symbol("t", positive=True)


def below(loss):
    """Whether the loss is bounded below; 0 is claimed where nothing smaller was found."""
    name = "bounded below"
    if unbounded := _grows(loss, -1):
        return Row(name, False, "the loss falls below every number along this ray", (unbounded,))
    found = [*search.values(loss, loss.value), *_far(loss)]
    if not found:
        return Row(name, None, "no value was found")
    least, where = min(found, key=lambda pair: pair[0])
    if least < -LARGE:
        return Row(name, None, f"the least value found{loss.at_numbers} is {mp.nstr(least, 6)}")
    if least < -TINY:
        checked = loss.claim(loss.value, ">=", 0, prove=False)
        if checked is None or checked:
            return Row(name, None, f"it is negative: {mp.nstr(least, 6)}{loss.at_numbers}")
        bound = search.rounded(least, up=False) - Rational(1, 1000)
        whole = loss.claim(loss.fixed(loss.value), ">=", bound, prove=False)
        if not whole:
            return Row(name, None, f"it is negative: {mp.nstr(least, 6)}{loss.at_numbers}")
        says = f"no value below {mp.nstr(least, 6)} was found{loss.at_numbers}"
        return Row(name, bound, says, (whole,))
    f = loss.of_share
    small = f is not None or is_small(loss.value)
    checked = loss.claim(loss.value if f is None else f, ">=", 0, prove=small)
    if not checked:
        return Row(name, None, "it is negative somewhere", tuple(filter(None, [checked])))
    at = ", ".join(map(str, where))
    says = f"it is not negative; the least value found{loss.at_numbers} is {mp.nstr(least, 6)}"
    says += f", at the scores ({at}), label 1"
    return Row(name, True, says, (checked,))


def above(loss):
    """Whether the loss is bounded above, and by what."""
    name = "bounded above"
    if unbounded := _grows(loss, 1):
        return Row(name, False, "the loss exceeds every number along this ray", (unbounded,))
    f = loss.of_share
    if f is not None:
        end = f.subs(SHARE, 0)
        if not end.has(zoo, oo, -oo, nan) and (checked := loss.claim(f, "<=", end)):
            return Row(name, end, f"at most {formula(end)}, as $p_y$ goes to 0", (checked,))
    found = [*search.values(loss, loss.value), *_far(loss)]
    if not found:
        return Row(name, None, "no value was found")
    most = max(found)[0]
    if most > LARGE:
        return Row(name, None, f"the largest value found{loss.at_numbers} is {mp.nstr(most, 6)}")
    bound = search.nice(most)
    if bound is None:
        bound = search.rounded(most, up=True)
    checked = loss.claim(loss.fixed(loss.value), "<=", bound, prove=is_small(loss.value))
    if not checked:
        return Row(name, None, f"the largest value found{loss.at_numbers} is {mp.nstr(most, 6)}")
    return Row(name, bound, f"at most {formula(bound)}{loss.at_numbers}", (checked,))


def zero_one(loss):
    """The factor with which the loss is at least 1 wherever another class is ahead or level."""
    name = "above the 0-1 loss"
    f = loss.of_share
    if f is not None:
        least = f.subs(SHARE, Rational(1, 2))
        half = Between("p", 0, Rational(1, 2))
        wrong = loss.claim(f.xreplace({SHARE: half}), ">=", least)
        sign = loss.claim(f, ">=", 0)
        if wrong and sign and loss.fixed(least).is_positive:
            says = f"times {formula(1 / least)} it is at least 1 where $p_y$ is at most 1/2"
            return Row(name, 1 / least, f"{says}, and nowhere negative", (wrong, sign))
    points = [
        point
        for point in [*search.scores(loss), *search.rays(loss, -1)]
        if point[0] <= max(point[1:])
    ]
    found = [value for value, _ in search.values(loss, loss.value, points)]
    if not found:
        return Row(name, None, "no value was found")
    least = search.nice(min(found))
    if least is None:
        least = search.rounded(min(found), up=False)
    zero = least <= Rational(1, 10**6)
    factor = Integer(1000) if zero else 1 / least
    step = Heaviside(-margin(loss.s, loss.y), 1)
    fixed = loss.fixed(loss.value)
    if loss.classes != 0 and loss.s.shape:
        rival = max(int(loss.classes), 2)
        if rival > 2:
            return Row(name, None, "not tried for more than two classes that are named")
        other = loss.s[1] - loss.s[2]
        for n, gap in ((1, other), (2, -other)):
            label = {loss.y: Integer(n)}
            checked = loss.claim(
                fixed.xreplace(label), ">=", Heaviside(-gap, 1) / factor, prove=False
            )
            if not checked:
                break
    else:
        checked = loss.claim(fixed, ">=", step / factor, prove=is_small(fixed, fixed))
    if checked is None:
        return Row(name, None, "no point was found at which it has a value")
    if not checked:
        says = f"even {factor} times the loss is below 1 where another class is ahead"
        if zero:
            return Row(name, False, says + loss.at_numbers, (checked,))
        return Row(name, None, "the factor that was found does not hold")
    says = f"times {formula(factor)} it is at least 1 where another class is ahead or level"
    return Row(name, factor, f"{says}{loss.at_numbers}", (checked,))


def _far(loss):
    for sign in (1, -1):
        yield from search.values(loss, loss.value, search.rays(loss, sign))


def _grows(loss, sign):
    """The claim that sign times the loss exceeds a multiple of the distance, on a ray; or None."""
    for side in (-1, 1):
        near, far = ([side * x] + [0] * (loss.sizes[0] - 1) for x in (300, 3000))
        low, high = (search.number(loss, loss.value, point) for point in (near, far))
        if low is None or high is None or not sign * high > max(2 * sign * low, 10):
            continue
        slope = search.rounded(min(sign * low / 300, sign * high / 3000) / 2, up=False)
        ray = loss.with_scores(side * (300 + FARTHER) * one_hot(loss.y))
        if loss.s.shape:  # one label is enough
            ray = ray.xreplace({loss.y: Integer(1)})
        relation = ">=" if sign > 0 else "<="
        bound = sign * slope * FARTHER
        if slope > 0 and (checked := loss.claim(loss.fixed(ray), relation, bound, prove=False)):
            return checked
    return None
