"""Rows: the gradient of a loss, its Hessian, and its gradient in the parameters."""

from sympy import (
    Derivative,
    Dummy,
    Heaviside,
    Indexed,
    KroneckerDelta,
    Sum,
    cancel,
    exp,
    factor,
    powsimp,
    together,
)
from sympy.concrete.delta import deltasummation
from sympy.polys.polyerrors import PolynomialError

from lossnotes.derive.symbols import Entry, K, delta, j, k, softmax
from lossnotes.derive.symbols import p as P
from lossnotes.portrait.loss import SHARE
from lossnotes.portrait.table import Row, formula

LONG = 60  # operations in a formula that nobody reads


def gradient(loss):
    """The derivative by a score; for a loss of p_y alone pull(p_y) (p_j - delta_jy)."""
    left = Derivative(loss.value, loss.s[j])
    if loss.pull is not None:
        share = softmax(loss.s)[loss.y]
        p_j = softmax(loss.s)[j] - delta(j, loss.y)
        right = loss.pull.xreplace({SHARE: share}) * p_j
        says = (
            f"the derivative by {formula(loss.s[j])} is the pull at $p_y$ times "
            f"{formula(P[j] - delta(j, loss.y))}, with the pull {formula(loss.pull)}"
        )
        return _formula_row(loss, "gradient", left, right, says, loss.pull)
    right = _readable(loss, loss.value.diff(loss.s[j]))
    says = f"the derivative by {formula(loss.s[j])} is {_shown(right)}"
    return _formula_row(loss, "gradient", left, right, says)


def hessian(loss):
    """The second derivatives by two scores."""
    left = Derivative(loss.value, loss.s[j], loss.s[k])
    if loss.pull is not None:
        p = softmax(loss.s)
        slope = shortest(SHARE * loss.pull.diff(SHARE))
        away = (p[j] - delta(j, loss.y)) * (p[k] - delta(k, loss.y))
        right = (
            loss.pull.xreplace({SHARE: p[loss.y]}) * p[j] * (delta(j, k) - p[k])
            - slope.xreplace({SHARE: p[loss.y]}) * away
        )
        says = f"the pull times {formula(P[j] * (delta(j, k) - P[k]))}"
        if slope != 0:
            both = (P[j] - delta(j, loss.y)) * (P[k] - delta(k, loss.y))
            says += f" minus {formula(slope)} at $p_y$ times {formula(both)}"
    else:
        right = _readable(loss, _readable(loss, loss.value.diff(loss.s[j])).diff(loss.s[k]))
        says = f"the derivative by {formula(loss.s[j])} and {formula(loss.s[k])} is {_shown(right)}"
    return _formula_row(loss, "Hessian", left, right, says)


def parameters(loss):
    """The derivative by each parameter."""
    name = "gradient in parameters"
    if not loss.numbers:
        return Row(name, None, "the loss has no parameters")
    claims, parts = [], []
    for parameter in loss.numbers:
        right = _readable(loss, loss.value.diff(parameter))
        claims.append(loss.claim(Derivative(loss.value, parameter), "=", right))
        parts.append(f"by {formula(parameter)} it is {_shown(right)}")
    claims = tuple(c for c in claims if c)
    answer = claims[0].right if claims and all(claims) else None
    return Row(name, answer, "; ".join(parts), claims)


def _formula_row(loss, name, left, right, says, answer=None):
    checked = loss.claim(left, "=", right)
    if not checked:  # none, or refuted: then the search went astray, and nothing is shown
        return Row(name, None, "no formula was found that survives a check")
    return Row(name, right if answer is None else answer, says, (checked,))


def _shown(expression):
    if expression.count_ops() > LONG:
        return "a formula too long to be read; the row holds it as its answer"
    return formula(expression)


def _readable(loss, expression):
    """The shortest form found, with the probabilities of softmax by their name."""
    expression = _collapsed(expression)
    found = [expression]
    whole = {
        part
        for part in expression.atoms(Sum)
        if part.function == exp(loss.s[part.limits[0][0]]) and part.limits[0][1:] == (1, K)
    }
    if whole:
        z = Dummy("z", positive=True)
        named = expression.xreplace(dict.fromkeys(whole, z))
        named = named.replace(
            lambda part: (
                isinstance(part, exp)
                and isinstance(part.args[0], Indexed)
                and part.args[0].base == loss.s
            ),
            lambda part: z * softmax(loss.s)[part.args[0].indices[0]],
        )
        named = shortest(named)
        if not named.has(z):
            found = [named]
    return min((shortest(form) for form in found), key=lambda form: form.count_ops())


def plain(loss, expression):
    """Entries of vectors other than softmax by their definitions, deltas carried out."""

    def other(part):
        return isinstance(part, Entry) and part.args[0] != softmax(loss.s)

    whole = _collapsed(expression.replace(other, lambda part: part.definition()))
    free = whole.replace(
        lambda part: isinstance(part, Sum) and part.limits[0][0] not in part.function.free_symbols,
        lambda part: part.doit(),
    )
    return free.expand()


def _collapsed(expression):
    """Deltas that end a sum are carried out."""

    def carried_out(whole):
        if not whole.has(KroneckerDelta) or len(whole.limits) != 1:
            return whole
        return deltasummation(whole.function.expand(), whole.limits[0], no_piecewise=True)

    return expression.replace(lambda part: isinstance(part, Sum), carried_out)


def shortest(expression):
    """The form with the fewest operations among a few; each is checked where it is used."""
    forms = [expression]
    if expression.count_ops() <= 3 * LONG and not expression.has(Heaviside):
        for made in (together, cancel, factor, lambda x: powsimp(x.expand(power_base=False))):
            try:
                forms.append(made(expression))
            except (PolynomialError, NotImplementedError, RecursionError):
                continue
    return min(forms, key=lambda form: form.count_ops())
