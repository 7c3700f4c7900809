"""Rows: which prediction a loss asks for, where labels are drawn with probabilities q."""

from sympy import IndexedBase, Integer, Max, Rational, Sum, Symbol, Tuple, log

from lossnotes.derive.prove import unfold
from lossnotes.derive.symbols import K, Probabilities, entry, j, margin, margin_loss, maximum
from lossnotes.portrait import slopes
from lossnotes.portrait.loss import with_entries
from lossnotes.portrait.table import Row, claim, is_small

SHARES = (Rational(2, 5), Rational(3, 10), Rational(3, 10))


def proper(loss):
    """Whether the mean loss is smallest where the prediction is the truth."""
    name = "proper"
    q = loss.vector("q", Probabilities)
    slope = slopes.gradient(loss)
    entry = loss.value.diff(loss.s[j])
    if slope.claims:
        entry = slope.claims[0].right
    mean = loss.total(lambda n: q[n] * loss.of(n))
    refuted = None
    for truth, words in ((log(q), "softmax(s) = q"), (q, "s = q")):
        flat = loss.total(lambda n: q[n] * entry.xreplace({loss.y: n}))
        stationary = loss.claim(loss.with_scores(truth, flat), "=", 0)
        refuted = refuted or stationary
        if not stationary:
            continue
        least = loss.claim(
            mean, ">=", loss.with_scores(truth, mean), prove=is_small(loss.value, loss.value)
        )
        if least:
            says = (
                f"where labels are drawn with probabilities q, the mean loss is stationary at "
                f"{words}, and nowhere smaller"
            )
            return Row(name, True, says, (stationary, least))
    if refuted is None or refuted:
        return Row(name, None, "it is not known where the mean loss is stationary")
    says = (
        "where labels are drawn with the probabilities q of the witness, the mean loss is not "
        "stationary at softmax(s) = q, and neither at s = q for every q"
    )
    return Row(name, False, says, (refuted,))


def calibrated(loss):
    """Whether who minimises the mean loss predicts the likeliest class."""
    name = "classification-calibrated"
    honest = proper(loss)
    if honest:
        says = "it is proper: its minimum is at the truth, whose largest entry is the likeliest"
        return Row(name, True, says, honest.claims)
    if loss.pull is not None:
        checked = loss.claim(loss.pull, ">", 0)
        if checked:
            says = (
                "the loss falls strictly in $p_y$: of two classes the likelier gets the larger "
                "probability, or exchanging them would lower the mean loss"
            )
            return Row(name, True, says, (checked,))
    if loss.classes == K:
        q = dict(enumerate(SHARES, 1))
        if witness := _tied(loss, q):
            says = (
                "with the probabilities (2/5, 3/10, 3/10) no scores of three classes have a mean "
                "loss below that of equal scores: the likeliest class need not be ahead"
            )
            return Row(name, False, says, (witness,))
    return Row(name, None, "no minimum of the mean loss was found that decides")


def _tied(loss, q):
    """The claim that equal scores are best where labels are drawn with probabilities q."""
    a = Tuple(*(Symbol(f"s_{n}", real=True) for n in q))
    try:
        mean = sum(
            share * loss.fixed(_explicit(loss.of(Integer(n)), loss.s, a)) for n, share in q.items()
        )
        if unfold(mean).has(K, IndexedBase):
            return None
    except TypeError:  # s is part of another vector
        return None
    equal = mean.xreplace(dict.fromkeys(a, Integer(0)))
    return claim(mean, ">=", equal) or None


def _explicit(expression, s, a):
    """An expression for as many classes as there are numbers a, in these."""

    def summed(whole):
        index, lower, upper = whole.limits[0]
        return sum(
            whole.function.xreplace({index: Integer(n)}) for n in range(int(lower), int(upper) + 1)
        )

    def largest(part):
        classes = range(1, len(a) + 1)
        within = part.args[1].args if len(part.args) > 1 else ()
        return Max(*(entry(part.args[0], n) for n in classes if n not in within))

    fixed = expression.xreplace({K: Integer(len(a))})
    fixed = fixed.replace(lambda part: isinstance(part, Sum), summed)
    for named in (margin_loss, margin):
        fixed = fixed.replace(lambda part, named=named: isinstance(part, named), _defined)
    fixed = fixed.replace(lambda part: isinstance(part, maximum), largest)
    return with_entries(fixed, s, a)


def _defined(part):
    return part.definition()
