"""Rows: how steep a loss is, how much it curves, and whether it is convex in the scores."""

from functools import lru_cache

from mpmath import mp
from sympy import (
    Add,
    Derivative,
    Dummy,
    Heaviside,
    Indexed,
    IndexedBase,
    Max,
    Mul,
    Pow,
    Sum,
    log,
    sqrt,
)

from lossnotes.derive.points import Point
from lossnotes.derive.symbols import Entry, K, argmax, entry, j, k, log_loss, softmax
from lossnotes.derive.values import evaluate
from lossnotes.portrait import search, size, slopes
from lossnotes.portrait.loss import SHARE
from lossnotes.portrait.table import Row, formula, is_small

ABOVE = "between the scores u and v of the witness it is above the mean of its values there"
STEEP = 1000  # times as steep far out as near


def lipschitz(loss):
    """The largest length of the gradient."""
    name = "Lipschitz constant"
    if steeper := size.grows(loss, 1):
        says = f"{steeper.words}, the slope along this ray exceeds {steeper.bound}, up to its sign"
        return Row(name, False, says, steeper.claims)
    if loss.pull is not None:
        length = loss.pull * (1 - SHARE)  # |grad|^2 = pull^2 ((1-p)^2 + sum of other p_j^2)
        if (found := _bounded(loss, length)) is None:
            return Row(name, None, "no bound was found for the length of the gradient")
        bound, where, claims = found
        answer = sqrt(2) * bound
        says = (
            f"the gradient is at most {formula(answer)} long{loss.at_numbers}: the pull times "
            f"$1 - p_y$ is at most {formula(bound)}, which it comes near at $p_y$ = "
            f"{mp.nstr(where, 4)}, and the squares of the other probabilities sum to "
            f"{formula((1 - SHARE) ** 2)} at most"
        )
        return Row(name, answer, says, claims)
    square = loss.fixed(loss.total(lambda n: Derivative(loss.value, loss.s[n]) ** 2))
    rays = [*search.rays(loss, 1), *search.rays(loss, -1)]
    found = [*search.values(loss, square), *search.values(loss, square, rays)]
    if not found:
        return Row(name, None, "no slope was found")
    most, _ = search.best(loss, square, found, 1)
    bound = search.nice(most)
    checked = bound is not None and is_small(square) and loss.claim(square, "<=", bound)
    if not checked or checked.kind != "proved":
        says = f"no gradient longer than {mp.nstr(mp.sqrt(most), 6)} was found"
        return Row(name, None, f"{says} {search.where_tried(loss)}; no bound is shown")
    answer = sqrt(bound)
    says = f"the gradient is at most {formula(answer)} long{loss.at_numbers}"
    return Row(name, answer, says, (checked,))


def curvature(loss):
    """The largest size of the second derivative along any direction of length one."""
    name = "curvature bound"
    if sharper := size.grows(loss, 2):
        says = f"{sharper.words}, the curvature along this ray exceeds {sharper.bound}"
        return Row(name, False, f"{says}, up to its sign", sharper.claims)
    if loss.pull is not None:
        # With r = p_others / (1 - p) the Hessian is
        #   p (1-p) turned (e_y - r)(e_y - r)' + (1-p) pull (diag(r) - r r'),
        # and between -B and B where |2 p (1-p) turned| <= B and |(1-p) pull| <= 2 B.
        turned = loss.pull - (1 - SHARE) * loss.pull.diff(SHARE)
        two, length = (
            _bounded(loss, 2 * SHARE * (1 - SHARE) * turned),
            _bounded(loss, loss.pull * (1 - SHARE)),
        )
        if two is None or length is None:
            return Row(name, None, "no bound was found for the curvature")
        bound = Max(two[0], length[0] / 2)
        says = f"in no direction of length one it curves more than {formula(bound)}"
        return Row(name, bound, says + loss.at_numbers, (*two[2], *length[2]))
    second = slopes.hessian(loss)
    if second.answer is None or second.answer.has(Heaviside, argmax):
        return Row(name, None, "the second derivatives are not known everywhere")
    most = max(_curvatures(loss, second.answer), default=None)
    if most is None:
        return Row(name, None, "no curvature was found")
    v = loss.vector("v")
    form = loss.fixed(
        loss.total(
            lambda n: loss.total(
                lambda m: v[n] * v[m] * second.answer.subs({j: n, k: m}, simultaneous=True), "m"
            )
        )
    )
    bound, square = search.nice(most), loss.total(lambda n: v[n] ** 2)
    claims = ()
    if bound is not None and is_small(form):
        claims = (
            loss.claim(form, "<=", bound * square),
            loss.claim(form, ">=", -bound * square),
        )
    if not claims or any(not found or found.kind != "proved" for found in claims):
        says = f"no curvature larger than {mp.nstr(most, 6)} was found"
        return Row(name, None, f"{says} {search.where_tried(loss)}; no bound is shown")
    says = f"in no direction of length one it curves more than {formula(bound)}{loss.at_numbers}"
    return Row(name, bound, says, claims)


@lru_cache(1)  # the row of calibration asks, too
def convex(loss):
    """Whether the loss is convex in the scores."""
    name = "convex in the scores"
    if loss.pull is not None:
        turned = loss.claim(((1 - SHARE) * loss.pull).diff(SHARE), "<=", 0)
        sign = turned and loss.claim(loss.pull, ">=", 0)
        if sign and turned.kind == sign.kind == "proved":
            says = "the pull is not negative, and $(1 - p)$ times the pull falls: then it is convex"
            return Row(name, True, says, (turned, sign))
    if parts := _convex_parts(loss):
        says = "it is a sum of terms of which each is convex in the scores"
        return Row(name, True, says, parts)
    u, v = loss.vector("u"), loss.vector("v")
    middle = loss.with_scores((u + v) / 2)
    mean = (loss.with_scores(u) + loss.with_scores(v)) / 2
    checked = loss.claim(middle, "<=", mean, prove=False)
    if checked is None:
        return Row(name, None, "no two points were found at which it has values")
    if checked:  # and far from zero, where a loss that a shift changes may be another one
        t = Dummy("t", real=True)
        there, *ends = (loss.with_scores(scores + t) for scores in ((u + v) / 2, u, v))
        far = loss.claim(there, "<=", sum(ends) / 2, prove=False)
        if far is not None and not far:
            return Row(name, False, f"{ABOVE}, with t added to all of them", (far,))
    if not checked:
        return Row(name, False, ABOVE, (checked,))
    if is_small(loss.value):
        checked = loss.claim(middle, "<=", mean)
    return Row(name, True, "halfway between two scores it is at most the mean there", (checked,))


def _convex_parts(loss):
    """Claims, all proved, that show each term of the loss to be convex; or none."""
    claims = []
    value = loss.value.replace(_is_surprisal, _as_log_loss)
    for term in Add.make_args(value):
        factor, part = term.as_independent(log_loss)
        if isinstance(part, log_loss) and _is_free(factor, loss.s) and _is_affine(part, loss.s):
            u, v = loss.vector("u"), loss.vector("v")
            middle, ends = log_loss((u + v) / 2, part.args[1]), [u, v]
            mean = sum(log_loss(end, part.args[1]) for end in ends) / 2
            found = [loss.claim(middle, "<=", mean), loss.claim(factor, ">=", 0)]
        elif loss.classes != K or not _is_polynomial(term, loss.s):
            return ()
        else:
            v, second = loss.vector("v"), term.diff(loss.s[j]).diff(loss.s[k])
            form = Sum(v[j] * v[k] * second, (j, 1, K), (k, 1, K))
            found = [loss.claim(form, ">=", 0)]
        if any(not claim or claim.kind != "proved" for claim in found):
            return ()
        claims += found
    return tuple(claims)


def _is_surprisal(part):
    """Whether it is the logarithm of an entry of a softmax."""
    named = isinstance(part, log) and isinstance(part.args[0], Entry)
    return named and isinstance(part.args[0].args[0], softmax)


def _as_log_loss(part):
    p, label = part.args[0].args
    return -log_loss(p.args[0], label)


def _is_free(expression, s):
    return s not in expression.atoms(IndexedBase)


def _is_affine(part, s):
    """Whether a log loss is one of scores that are affine in s, with a target that is free of s."""
    vector, label = part.args
    return _is_free(label, s) and _is_free(entry(vector, j).diff(s[k]), s)


def _is_polynomial(term, s):
    """Whether the scores are only added and multiplied: then there are no kinks."""
    if _is_free(term, s) or isinstance(term, Indexed):
        return True
    if isinstance(term, Pow) and not (term.exp.is_Integer and term.exp > 0):
        return False
    parts = term.args[:1] if isinstance(term, (Pow, Sum)) else term.args
    return isinstance(term, (Add, Mul, Pow, Sum)) and all(_is_polynomial(x, s) for x in parts)


def _bounded(loss, expression):
    """A bound of the size over all probabilities, where it is nearly reached, and the claims."""
    if (found := _largest(loss, expression)) is None:
        return None
    bound, where = found
    fixed = loss.fixed(expression)
    claims = [
        loss.claim(fixed, relation, end, prove=not fixed.has(log))
        for relation, end in (("<=", bound), (">=", -bound))
    ]
    return (bound, where, tuple(claims)) if all(claims) else None


def _largest(loss, expression):
    """The largest absolute value over probabilities, a little more unless simple, and where."""
    fixed = loss.fixed(expression)
    best, where = mp.mpf(0), None
    with mp.workdps(30):
        for step in range(-400, 401):
            share = 1 / (1 + mp.exp(mp.mpf(step) / 20))
            try:
                found = abs(evaluate(fixed, Point({SHARE: share, K: 3})))
            except search.FAILS:
                return None
            if found > best:
                best, where = found, share
    if where is None or best > STEEP:
        return None
    end = search.nice(mp.nint(best * 10**6) / 10**6)
    if end is not None and abs(best - mp.mpf(end.p) / end.q) < mp.mpf(10) ** -6:
        return end, where
    return search.rounded(best * (1 + mp.mpf(10) ** -3), up=True), where


def _curvatures(loss, second):
    """The largest size of an eigenvalue of the Hessian at each second place, where it has any."""
    entries = {
        size: [
            [second.subs({j: a + 1, k: b + 1}, simultaneous=True) for b in range(size)]
            for a in range(size)
        ]
        for size in loss.sizes
    }
    for place in list(search.scores(loss))[::2]:
        rows = [[search.number(loss, x, place) for x in row] for row in entries[len(place)]]
        if not any(None in row for row in rows):
            yield max(map(abs, mp.eigsy(mp.matrix(rows), eigvals_only=True)))
