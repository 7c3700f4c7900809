"""Rows: how steep a loss is, how much it curves, and whether it is convex in the scores."""

from mpmath import mp
from sympy import Derivative, Heaviside, log, sqrt

from lossnotes.derive.points import Point, integrations
from lossnotes.derive.symbols import K, argmax, j, k
from lossnotes.derive.values import evaluate
from lossnotes.portrait import search, slopes
from lossnotes.portrait.loss import SHARE
from lossnotes.portrait.table import Row, formula, is_small

STEEP = 1000  # times as steep far out as near


def lipschitz(loss):
    """The largest length of the gradient."""
    name = "Lipschitz constant"
    if loss.pull is not None:
        length = loss.pull * (1 - SHARE)  # |grad|^2 = pull^2 ((1-p)^2 + sum of other p_j^2)
        found = _largest(loss, length)
        if found is None:
            return Row(name, None, "the gradient has no largest length that was found")
        bound, where = found
        pulled = loss.fixed(length)
        claims = tuple(
            loss.claim(pulled, *side, prove=not pulled.has(log)) for side in _between(bound)
        )
        if not all(claims):
            return Row(name, None, "the constant that was found does not hold")
        answer = sqrt(2) * bound
        says = (
            f"the gradient is at most {formula(answer)} long{loss.at_numbers}: the pull times "
            f"$1 - p_y$ is at most {formula(bound)}, and nearly so at $p_y = {mp.nstr(where, 4)}$; "
            "the squares of the other probabilities sum to $(1 - p_y)^2$ at most"
        )
        return Row(name, answer, says, claims)
    square = loss.fixed(loss.total(lambda n: Derivative(loss.value, loss.s[n]) ** 2))
    near = [value for value, _ in search.values(loss, square)]
    rays = [*search.rays(loss, 1), *search.rays(loss, -1)]
    far = [value for value, _ in search.values(loss, square, rays)]
    if not near:
        return Row(name, None, "no slope was found")
    if far and max(far) > STEEP * max(near):
        checked = loss.claim(square, "<=", search.rounded(min(near) + 1, up=True), prove=False)
        if checked is None or checked:
            return Row(name, None, "the gradient grows far out, and no more is known")
        says = f"the gradient grows without a bound that was found, to {mp.nstr(max(far), 3)}"
        return Row(name, False, f"{says} squared{loss.at_numbers}", (checked,))
    most = max([*near, *far])
    if integrations(loss.value):  # too dear to look far enough
        return Row(name, None, f"the longest gradient found is {mp.nstr(mp.sqrt(most), 6)}")
    bound = search.nice(most)
    if bound is None:
        bound = search.rounded(mp.sqrt(most) * (1 + mp.mpf(10) ** -5), up=True) ** 2
    checked = loss.claim(square, "<=", bound, prove=is_small(loss.value, loss.value))
    if not checked:
        says = f"the longest gradient found{loss.at_numbers} is {mp.nstr(mp.sqrt(most), 6)}"
        return Row(name, None, f"{says}, and others are longer")
    answer = sqrt(bound)
    return Row(
        name,
        answer,
        f"the gradient is at most {formula(answer)} long{loss.at_numbers}",
        (checked,),
    )


def curvature(loss):
    """The largest curvature in any direction."""
    name = "curvature bound"
    if loss.pull is not None:
        turned = loss.pull - (1 - SHARE) * loss.pull.diff(SHARE)
        two = 2 * SHARE * (1 - SHARE) * turned
        if (found := _largest(loss, two)) is None:
            return Row(name, None, "the curvature has no largest value that was found")
        bound, _ = found
        fixed = loss.fixed(two)
        claims = [loss.claim(fixed, *side, prove=not fixed.has(log)) for side in _between(bound)]
        if not all(claims):
            return Row(name, None, "the bound that was found does not hold")
        says = f"of two classes, in no direction it curves more than {formula(bound)}"
        return Row(name, bound, says + loss.at_numbers, tuple(claims))
    second = slopes.hessian(loss)
    if second.answer is None or second.answer.has(Heaviside, argmax):
        return Row(name, None, "the second derivatives are not known everywhere")
    v = loss.vector("v")
    form = loss.total(
        lambda n: loss.total(
            lambda m: v[n] * v[m] * second.answer.subs({j: n, k: m}, simultaneous=True), "m"
        )
    )
    most = max(
        (_curve(loss, second.answer, point) for point in list(search.scores(loss))[::4]),
        default=None,
    )
    if most is None or most > STEEP:
        return Row(name, None, "no bound was found")
    bound = search.nice(most)
    if bound is None:
        bound = search.rounded(most * (1 + mp.mpf(10) ** -6), up=True)
    square = loss.total(lambda n: v[n] ** 2)
    checked = loss.claim(loss.fixed(form), "<=", bound * square, prove=False)
    if not checked:
        return Row(name, None, f"it curves at least {mp.nstr(most, 6)}{loss.at_numbers}")
    says = f"in no direction that was tried does it curve more than {formula(bound)}"
    return Row(name, bound, says + loss.at_numbers, (checked,))


def convex(loss):
    """Whether the loss is convex in the scores."""
    name = "convex in the scores"
    u, v = loss.vector("u"), loss.vector("v")
    middle = loss.with_scores((u + v) / 2)
    mean = (loss.with_scores(u) + loss.with_scores(v)) / 2
    small = loss.pull is not None or is_small(loss.value)
    checked = loss.claim(middle, "<=", mean, prove=small)
    if checked is None:
        return Row(name, None, "no two points were found at which it has values")
    if not checked:
        says = "between the scores u and v of the witness it is above the mean of its values there"
        return Row(name, False, says, (checked,))
    if checked.kind != "proved" and loss.pull is not None:
        turned = loss.claim(((1 - SHARE) * loss.pull).diff(SHARE), "<=", 0)
        sign = loss.claim(loss.pull, ">=", 0)
        if turned and sign and turned.kind == sign.kind == "proved":
            says = "the pull is not negative, and $(1 - p)$ times the pull falls: then it is convex"
            return Row(name, True, says, (turned, sign))
    return Row(name, True, "halfway between two scores it is at most the mean there", (checked,))


def _largest(loss, expression):
    """The largest absolute value over probabilities, a little more unless simple, and where."""
    fixed = loss.fixed(expression)
    best, where = mp.mpf(0), None
    with mp.workdps(30):
        for step in range(-400, 401):
            share = 1 / (1 + mp.exp(mp.mpf(step) / 20))
            try:
                size = abs(evaluate(fixed, Point({SHARE: share, K: 3})))
            except search.FAILS:
                return None
            if size > best:
                best, where = size, share
    if where is None or best > STEEP:
        return None
    end = search.nice(mp.nint(best * 10**6) / 10**6)
    if end is not None and abs(best - mp.mpf(end.p) / end.q) < mp.mpf(10) ** -6:
        return end, where
    return search.rounded(best * (1 + mp.mpf(10) ** -3), up=True), where


def _between(bound):
    return ("<=", bound), (">=", -bound)


def _curve(loss, entry, point):
    """The largest eigenvalue of the Hessian at a point; 0 where it has none."""
    size = len(point)
    rows = mp.zeros(size)
    for a in range(size):
        for b in range(size):
            value = search.number(loss, entry.subs({j: a + 1, k: b + 1}, simultaneous=True), point)
            if value is None:
                return mp.mpf(0)
            rows[a, b] = value
    return max(mp.eigsy(rows, eigvals_only=True))
