"""Rows: which prediction a loss asks for, where labels are drawn with probabilities q."""

import random
from functools import lru_cache

from mpmath import mp
from sympy import (
    Add,
    Derivative,
    Dummy,
    E,
    IndexedBase,
    Integer,
    Max,
    Mul,
    Pow,
    Rational,
    Sum,
    Symbol,
    Tuple,
    log,
    solve,
    sympify,
)

from lossnotes.derive.points import Point
from lossnotes.derive.prove import unfold
from lossnotes.derive.symbols import (
    Between,
    Entry,
    K,
    Probabilities,
    delta,
    entry,
    j,
    margin,
    margin_loss,
    maximum,
    softmax,
)
from lossnotes.derive.values import evaluate
from lossnotes.portrait import search, shape, slopes, symmetries
from lossnotes.portrait.loss import with_entries
from lossnotes.portrait.table import Row, claim, formula

TRIED = 20  # random predictions
SHIFT = Dummy("t", real=True)
SHARES = (Rational(2, 5), Rational(3, 10), Rational(3, 10))
PRIORS = (Rational(9, 10), Rational(1, 10))


@lru_cache(1)  # the next row asks again
def proper(loss):
    """Whether the mean loss is smallest where the prediction is the truth, and only there."""
    name = "proper"
    if loss.classes != K:
        return Row(name, None, "it is not asked of losses that name their classes one by one")
    q = loss.vector("q", Probabilities)
    slope = slopes.gradient(loss)
    by_score = slope.claims[0].right if slope.claims else Derivative(loss.value, loss.s[j])
    mean = loss.total(lambda n: q[n] * loss.of(n))
    flat = loss.total(lambda n: q[n] * by_score.xreplace({loss.y: n}))
    refuted = []
    for truth, predicted, words in ((log(q), softmax(loss.s), "softmax(s)"), (q, loss.s, "s")):
        stationary = loss.claim(loss.with_scores(truth, flat), "=", 0)
        if stationary is None:
            return Row(name, None, "it is not known where the mean loss is stationary")
        if not stationary:
            refuted.append(stationary)
            continue
        shifted = words != "s" and loss.claim(loss.with_scores(truth + SHIFT, flat), "=", 0)
        place = f"{words} = q" if words == "s" or shifted else "s = log(q)"
        at_truth = loss.with_scores(truth, mean)
        same = loss.claim(mean, "=", at_truth)
        if same:
            return Row(name, False, "the mean loss is the same whatever is predicted", (same,))
        away = loss.total(lambda n, predicted=predicted: (entry(predicted, n) - q[n]) ** 2)
        share = _share(loss, q, mean - at_truth, away)
        excess = loss.fixed(mean - at_truth)
        strict = share and loss.claim(excess, ">=", share * away, prove=_is_rational(mean))
        if not strict:
            says = f"the mean loss is stationary at {place}, but not shown to be larger elsewhere"
            return Row(name, None, says)
        says = (
            f"where labels are drawn with probabilities q, the mean loss is stationary at "
            f"{place}, and elsewhere larger by at least {formula(share)} times the squared "
            f"distance of {words} from q{loss.at_numbers}"
        )
        return Row(name, True, says, (stationary, strict))
    says = (
        "where labels are drawn with the probabilities q of the witness, the mean loss is not "
        "stationary at softmax(s) = q; neither is it at s = q for every q"
    )
    return Row(name, False, says, tuple(refuted))


def _share(loss, q, excess, away):
    """Half the least ratio found of what the mean loss exceeds to the squared distance, or None."""
    generator = random.Random(7)
    ratios = []
    for size in loss.sizes:
        for _ in range(TRIED):
            drawn = [mp.mpf(generator.expovariate(1)) for _ in range(size)]
            point = {q: [x / mp.fsum(drawn) for x in drawn]}
            point[loss.s] = [mp.mpf(generator.gauss(0, 2)) for _ in range(size)]
            try:
                ratios.append(
                    evaluate(loss.fixed(excess / away), Point(loss.point_of(size) | point))
                )
            except search.FAILS:
                continue
    hundredths = int(50 * min(ratios, default=0))
    return Rational(hundredths, 100) if hundredths > 0 else None


def _is_rational(mean):
    """Whether it is one of scores and their exponentials: of others a proof would take too long."""
    mean = unfold(mean)
    powers = (part.exp for part in mean.atoms(Pow) if part.base != E)
    return not mean.has(log) and all(power.is_Integer for power in powers)


def calibrated(loss):
    """Whether who minimises the mean loss predicts the likeliest class."""
    name = "classification-calibrated"
    honest = proper(loss)
    if honest:
        says = "it is proper: the mean loss is least at the truth alone, whose largest entry counts"
        return Row(name, True, says, honest.claims)
    if loss.pull is not None:
        checked = loss.claim(loss.pull, ">", 0)
        if checked:
            says = (
                "the loss falls in $p_y$ with a slope that is nowhere zero: if a class that is not "
                "the likeliest were level or ahead, another prediction would lower the mean loss"
            )
            return Row(name, True, says, (checked,))
    if loss.classes == K:
        if found := _ordered(loss):
            return Row(name, True, *found)
        if found := _misled(loss):
            return Row(name, False, *found)
        q = dict(enumerate(SHARES, 1))
        if witness := _tied(loss, q):
            says = (
                "with the probabilities (2/5, 3/10, 3/10) no scores of three classes have a mean "
                "loss below that of equal scores: the likeliest class need not be ahead"
            )
            return Row(name, False, says, (witness,))
    return Row(name, None, "no minimum of the mean loss was found that decides")


P, Q, S = Between("P", 0, 1), Between("Q", 0, 1), Symbol("S", real=True)


def _ordered(loss):
    """A sentence and claims: at the least mean loss the scores are in the order of the shares.

    There the slope in each score is zero. Where it is a function G of that score S, its softmax P
    and its share Q, and grows with S, P and, while it is zero, falls with Q, then S grows with Q.
    """
    p, q = softmax(loss.s), loss.vector("q", Probabilities)
    slope = slopes.gradient(loss)
    if not slope.claims:
        return None
    by_score = slopes.plain(loss, slope.claims[0].right)
    own, other = (by_score.xreplace({delta(j, loss.y): Integer(n)}) for n in (1, 0))
    G = slopes.shortest((Q * own + (1 - Q) * other).expand().xreplace({p[j]: P, loss.s[j]: S}))
    if G.atoms(IndexedBase, Entry) or {loss.y, j} & G.free_symbols or G.diff(S, 2) != 0:
        return None
    mean = loss.total(lambda n: q[n] * slope.claims[0].right.xreplace({loss.y: n}))
    claims = [
        loss.claim(mean, "=", G.xreplace({P: p[j], Q: q[j], S: loss.s[j]})),
        loss.claim(G.diff(P), ">", 0),
    ]
    if G.has(S):
        at = S, solve(G, S)
        claims += [loss.claim(G.diff(S), ">", 0)]
    else:
        at = P, solve(G, P)
        if len(at[1]) != 1:
            return None
        stationary = at[1][0].xreplace({Q: q[j]})  # there must be such a place
        claims += [
            loss.claim(stationary, ">", 0),
            loss.claim(loss.total(lambda n: stationary.xreplace({j: n})), "=", 1),
        ]
    if len(at[1]) != 1:
        return None
    claims += [loss.claim(-G.diff(Q).xreplace({at[0]: at[1][0]}), ">", 0)]
    convex = shape.convex(loss)
    if not all(claims) or not convex:
        return None
    shown = formula(G.xreplace({P: p[j], Q: q[j], S: loss.s[j]}))
    says = (
        f"it is convex, and the mean loss is least where {shown} is zero for every class: there "
        "the score of a class grows with its share"
    )
    return says, (*claims, *convex.claims)


def _misled(loss):
    """A sentence and claims: of two classes the likelier is behind where the mean loss is least."""
    unchanged = symmetries.shift(loss)
    if not unchanged or not loss.others:
        return None
    ahead, shares = Symbol("t", positive=True), (Rational(51, 100), Rational(49, 100))
    entries = [PRIORS if isinstance(v, Probabilities) else (1, 2) for v in loss.others]

    def mean(lead):
        values = {loss.s[1]: sympify(lead), loss.s[2]: Integer(0)}
        for vector, pair in zip(loss.others, entries, strict=True):
            values |= {vector[n]: sympify(x) for n, x in enumerate(pair, 1)}
        written = (
            unfold(loss.fixed(loss.of(Integer(n)))).xreplace({K: Integer(2)}).doit() for n in (1, 2)
        )
        return sum(
            share * each.xreplace(values) for share, each in zip(shares, written, strict=True)
        )

    claims = (
        loss.claim(mean(ahead), ">=", mean(0)),
        loss.claim(mean(Rational(-1, 8)), "<", mean(0)),
    )
    if not all(claims):
        return None
    at = " and ".join(
        f"{vector} = {formula(Tuple(*pair))}"
        for vector, pair in zip(loss.others, entries, strict=True)
    )
    says = (
        f"of two classes with the probabilities {formula(Tuple(*shares))}, and {at}"
        f"{loss.at_numbers}, the mean loss is smaller where the likelier is behind by 1/8 than "
        "wherever it is level or ahead"
    )
    return says, (*unchanged.claims, *claims)


def _tied(loss, q):
    """The claim that equal scores are best where labels are drawn with probabilities q."""
    a = Tuple(*(Symbol(f"s_{n}", real=True) for n in q))
    sums = loss.value.atoms(Add, Mul)
    if any(isinstance(x, IndexedBase) for part in sums for x in part.args):
        return None  # s is part of another vector
    try:
        mean = sum(
            share * loss.fixed(_explicit(loss.of(Integer(n)), loss.s, a)) for n, share in q.items()
        )
        if unfold(mean).has(K, IndexedBase):
            return None
    except TypeError:  # a sum over others than the classes
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
