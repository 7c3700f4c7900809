"""The inequalities of the lecture are proved, with their cases of equality; false ones never."""

from unittest import mock

import pytest
from sympy import (
    Abs,
    Derivative,
    Dummy,
    Heaviside,
    IndexedBase,
    Integral,
    Max,
    Min,
    Piecewise,
    Rational,
    Sum,
    Symbol,
    cos,
    exp,
    floor,
    log,
    sign,
    sin,
    tan,
)

from lossnotes.derive import Derivation, StepError, compare
from lossnotes.derive.bounds import at, proves_bound, proves_only_there, slopes
from lossnotes.derive.bounds.goal import Goal
from lossnotes.derive.bounds.search import Search
from lossnotes.derive.bounds.sums import _negative_square, by_cauchy_schwarz, pair_by_pair
from lossnotes.derive.prove import Reduction, unfold
from lossnotes.derive.symbols import (
    CE,
    GM,
    KL,
    LSE,
    Between,
    K,
    Positives,
    Probabilities,
    Scores,
    argmax,
    c,
    delta,
    entropy,
    epsilon,
    h,
    i,
    j,
    k,
    log_loss,
    maximum,
    one_hot,
    p,
    q,
    s,
    softmax,
    y,
)

from .lecture import BOUNDS, over

N, n = (Symbol(name, integer=True, positive=True) for name in "Nn")

x = Positives("x")
t, t_ = Symbol("t", real=True), Scores("t")
u = Symbol("u", positive=True)


@pytest.mark.parametrize("claim", BOUNDS.values(), ids=BOUNDS)
def test_a_bound_of_the_lecture_is_proved(claim):
    assert compare(*claim).kind == "proved"


@pytest.mark.parametrize("claim", BOUNDS.values(), ids=BOUNDS)
def test_a_bound_of_the_lecture_turned_round_is_refuted(claim):
    left, relation, right = claim
    opposite = {"<": ">=", "<=": ">", ">=": "<"}[relation]
    assert compare(left, opposite, right).kind == "refuted"
    assert not proves_bound(left, opposite, right)


@pytest.mark.parametrize(
    "name",
    [
        "LSE is at most log K above the maximum",
        "Jensen for the logarithm",
        "a sum of weighted squares is not negative",
        "the divergence is not negative",
        "no term exceeds the largest",
    ],
)
def test_a_bound_that_is_attained_is_not_strict(name):
    left, relation, right = BOUNDS[name]
    assert compare(left, relation[0], right).kind == "refuted"
    assert not proves_bound(left, relation[0], right)


share = Between("t", 0, 1)
FALSE = {
    "a tangent jumps at its pole": (over(i, tan(s[i])), "<=", K * tan(maximum(s))),
    "so does a reciprocal": (over(i, -1 / s[i]), "<=", -K / maximum(s)),
    "a falling step": (
        over(i, Piecewise((5, s[i] < 0), (0, True))),
        "<=",
        K * Piecewise((5, maximum(s) < 0), (0, True)),
    ),
    "a falling function": (over(i, exp(-s[i])), "<=", K * exp(-maximum(s))),
    "weights that sum to two": (over(i, 2 * q[i] * log(x[i])), "<=", log(over(i, 2 * q[i] * x[i]))),
    "weights that sum to less than one": (
        over(i, log(x[i]) / (K + 1)),
        "<=",
        log(over(i, x[i] / (K + 1))),
    ),
    "other weights on the right": (over(i, q[i] * log(x[i])), "<=", log(over(i, p[i] * x[i]))),
    "Jensen backwards": (log(over(i, q[i] * x[i])), "<=", over(i, q[i] * log(x[i]))),
    "LSE below the maximum": (LSE(s), "<=", maximum(s)),
    "the maximum log 2 below LSE": (maximum(s) + log(2), "<=", LSE(s)),
    "a delta below one": (delta(j, y), "<", 1),
    "a square above zero": (c**2, ">", 0),
    "a difference of two that may be equal": ((s[j] - c) ** 2, ">", 0),
    "squares all of which may vanish": (0, "<", over(i, (s[i] - c) ** 2)),
    "what is zero, with rounding": (0, "<", Abs(LSE(s + c) - c - LSE(s))),
    "an infinity below 5": (CE(p, one_hot(y)), "<=", 5),
    "K above two": (K, ">", 2),
    "true for K > 2 only": (log(K), ">", log(2)),
    "the corner of the simplex": (q[j], ">=", Rational(1, 1000)),
    "the end of an interval": (epsilon, "<", Rational(9999, 10000)),
    "the end of another interval": (Between("e", 0, 1), "<", 1 / K),
    "a hinge that is flat": (0, "<", Max(0, c)),
    "a step that is zero": (0, "<", Heaviside(c)),
    "a tangent that touches": (c, "<", exp(c) - 1),
    "entropy below log K": (entropy(q), "<", log(K)),
    "a sum that may have no terms": (Sum(i, (i, 1, k - 1)), ">", 0),
    "the exponential of a logarithm of zero": (exp(log(Abs(c)) * h), ">", 0),
    "the square of a sine, as exponentials": (sin(c) ** 2, "<=", 0),
    "and that of a cosine": (cos(c) ** 2 * h, "<=", 0),
    "classes of a term inside a term": (over(i, Abs(p[i] - q[i])), "<=", 1),
    "two shares compared as if one were 1": (over(i, p[i] ** 2), ">", 1 / K),
    "a divergence of what does not sum to one": (KL(q, x), ">=", 0),
    "a growth without its beginning": (over(i, 1 / i), "<=", K - 1),
    "a beginning without its growth": (over(i, 1 / i), "<=", Rational(11, 6)),
    "a growth over a pole": (0, "<=", -1 / (K - 5)),
    "the largest above twice the mean": (maximum(p), ">=", 2 / K),
    "Cauchy-Schwarz with weights that sum to two": (
        over(i, Abs(q[i] - p[i])) ** 2,
        "<=",
        over(i, (q[i] - p[i]) ** 2 / (2 * p[i])),
    ),
    "half a tangent of a logarithm": (log(1 + exp(c)), "<=", exp(c) / 2),
    "what holds on one side of a kink, taken along to the other": (
        Piecewise(((h * u - 1) ** 2 - Rational(1, 10**8), h * u >= 1), (0, True)),
        ">=",
        0,
    ),
    "a slope across the end of another interval": (
        (share - Between("u", 0, share)) ** 2,
        ">=",
        Between("u", 0, share) ** 2 / 10**6,
    ),
    "and across one that depends on a number": (
        (h - Between("u", 0, h)) ** 2,
        ">=",
        Between("u", 0, h) ** 2 / 10**6,
    ),
    "the term of a third class, where there are two": (
        over(i, exp(i)) + delta(j, 3),
        ">=",
        exp(3),
    ),
    "the term of the class after the last": (
        over(i, exp(i)) + delta(j, k + 1),
        ">=",
        exp(k + 1),
    ),
    "a share for the class after the last": (
        over(i, exp(i)) + delta(j, k + 1),
        ">",
        1 + exp(k + 1) / 2,
    ),
    "the largest of what is cut off above": (maximum(Min(s, 0)), ">=", s[j]),
    "the largest of negatives": (maximum(-Abs(s)), ">=", -s[j]),
    "the largest of steps": (maximum(Heaviside(s)), ">=", sign(s[j]) ** 2),
    "entries of one name, at classes that are two": (q[j], "<=", q[Symbol("j", integer=True)]),
    "probabilities of one name, and of two shapes": (
        q[j],
        "<=",
        Probabilities("q", shape=(N,))[j],
    ),
    "a number with the name of an entry": (Between("q[j]", 0, 1), "<=", q[j]),
    "a number with the name of a turn": (3 * Between("turn", -1, 1), "<=", 2 + cos(c)),
    "probabilities with the name of a softmax": (
        over(i, softmax(s)[i] * Probabilities("softmax(s)")[i]),
        ">=",
        1 / K,
    ),
    "the only probability of a batch of one": (Probabilities("q", shape=(N,))[j], "<", 1),
    "a divergence from the probabilities of a batch": (
        KL(Probabilities("q", shape=(N,)), p),
        ">=",
        0,
    ),
    "pairs of a sample, which may be more than K, and a class": (
        Sum(sign(over(i, exp(i)) - exp(n)) * exp(s[k] * n), (n, 1, N), (k, 1, K)),
        ">=",
        0,
    ),
    "a softmax told by two probabilities": (over(i, softmax(s)[i] ** 2), ">=", Rational(1, 2)),
}


@pytest.mark.parametrize("claim", FALSE.values(), ids=FALSE)
def test_a_false_bound_is_refuted_and_the_prover_alone_does_not_prove_it(claim):
    assert not proves_bound(*claim)
    assert compare(*claim).kind == "refuted"


TRUE = {
    "an exponential is positive, however small": (0, "<", exp(-200 * h)),
    "a large negative number in an exponential": (0, "<", exp(-1000)),
    "a softmax is positive": (softmax(100 * s)[j], ">", 0),
    "the slope of a hinge, but for the kink": (Derivative(Max(0, c), c), "<=", 1),
    "the slope of the maximum, but for ties": (Derivative(maximum(s), s[j]), ">=", 0),
    "no score exceeds that of the best": (s[argmax(s)], ">=", s[j]),
    "a delta is at most one": (delta(j, y), "<=", 1),
    "entropy": (entropy(q), "<=", log(K)),
    "an infinity above 5": (CE(p, one_hot(y)), ">=", 5),
}


@pytest.mark.parametrize("claim", TRUE.values(), ids=TRUE)
def test_a_true_bound_is_not_refuted(claim):
    assert compare(*claim)


def test_logarithms_of_negatives_are_not_compared():
    assert not proves_bound(log(-2 * exp(c)), "<=", log(-exp(c)))


def test_a_geometric_mean_of_what_may_be_zero_is_not_proved_positive():
    assert not proves_bound(GM(q - p), ">", 0)
    assert proves_bound(GM(q), ">", 0)


def test_a_step_and_an_integral_across_a_kink_are_given_up_without_an_error():
    v, u = Scores("v"), Symbol("u", real=True)
    assert not proves_bound(floor(over(i, v[i])), ">=", over(i, floor(v[i]) + 1))
    assert not proves_bound(over(i, floor(q[i])), ">", 0)
    assert not proves_bound(Integral(sign(u - q[1]), (u, Rational(1, 10), 2)), ">", 3)


def test_plain_numbers_can_be_compared():
    assert proves_bound(1, "<", 2)
    assert not proves_bound(2, "<", 2)


def gibbs():
    ratio = KL(q, p)
    chain = Derivation(-ratio)
    chain.step(over(i, q[i] * log(p[i] / q[i])), "definition")
    chain.step(log(over(i, p[i])), "Jensen", "<=")
    return chain.step(0, "p sums to one")


def test_gibbs_inequality_is_proved_with_equality_exactly_at_equal_distributions():
    chain = gibbs().equality({p: q})
    assert chain.proved
    assert chain.equality_case.attained.kind == "proved"
    assert chain.equality_case.only_there


@pytest.mark.parametrize("where", [{p: 1 / K}, {q: 1 / K}], ids=str)
def test_gibbs_inequality_is_refused_a_wrong_case_of_equality(where):
    chain = gibbs()
    with pytest.raises(StepError):
        chain.equality(where)
    assert chain.equality_case is None


def test_the_upper_bound_of_LSE_is_attained_at_equal_scores():
    chain = Derivation(LSE(s)).step(maximum(s) + log(K), "no term exceeds the largest", "<=")
    assert chain.equality({s: c}).equality_case.attained.kind == "proved"


def test_a_bound_that_is_never_attained_has_no_case_of_equality():
    chain = Derivation(LSE(s)).step(maximum(s) + log(K) + 1, "far off", "<=")
    with pytest.raises(StepError):
        chain.equality({s: c})


def test_vectors_and_numbers_are_put_in_at_once():
    other = Scores("v")
    assert at(s[j] + maximum(s) + c, {s: other, c: h}) == other[j] + maximum(other) + h


def test_a_sum_over_other_limits_has_no_largest_term_of_all_classes():
    assert not proves_bound(Sum(exp(s[i]), (i, 1, K + 1)), "<=", K * exp(maximum(s)))


def test_vectors_are_replaced_at_once():
    v = Scores("v")
    assert at(s[i] + v[j], {s: v, v: 2 * s}) == v[i] + 2 * s[j]


def test_entries_of_matrices_stay_or_become_those_of_others():
    one, other = IndexedBase("P", shape=(K, K)), IndexedBase("Q", shape=(K, K))
    assert at(one[j, k] + s[j], {s: c}) == one[j, k] + c
    assert at(one[j, k], {one: other}) == other[j, k]
    assert at(one[j, k], {one: 1 / K}) == 1 / K
    with pytest.raises(ValueError, match="no entries for a matrix"):
        at(one[j, k], {one: 2 * s})


def test_a_power_of_a_hinge_has_a_value_on_either_side():
    hinge = Max(0, s[j]) ** c
    assert compare(at(hinge, {s: 2}), "=", 2**c).kind == "proved"
    assert compare(at(Max(0, s[j]) ** h, {s: -1}), "=", 0).kind == "proved"


ELSEWHERE = {
    "distributions that need not be uniform": (KL(q, p), ">=", 0, {p: 1 / K}),
    "vectors that may be multiples": (
        over(i, s[i] * x[i]) ** 2,
        "<=",
        over(i, s[i] ** 2) * over(i, x[i] ** 2),
        {s: x},
    ),
    "a shift left out": (log_loss(s, q), ">=", entropy(q), {s: log(q)}),
    "the prediction of other scores": (log_loss(s, q), ">=", entropy(q), {q: softmax(2 * s)}),
    "the prediction of another vector": (log_loss(s, q), ">=", entropy(q), {q: softmax(x)}),
    "a factor that may vanish": (c**2 * KL(q, softmax(s)), ">=", 0, {q: softmax(s)}),
    "a distance between scores": (over(i, (s[i] - x[i]) ** 2), ">=", 0, {q: softmax(s)}),
    "one number of many": (LSE(s), "<=", maximum(s) + log(K), {s: 0}),
    "positive numbers of many": (LSE(s), "<=", maximum(s) + log(K), {s: h}),
    "a number of the claim, though it cancels": (
        LSE(s) + c,
        "<=",
        maximum(s) + log(K) + c,
        {s: c},
    ),
    "one number for two vectors": (
        over(i, (s[i] - over(k, s[k]) / K) ** 2) + over(i, (t_[i] - over(k, t_[k]) / K) ** 2),
        ">=",
        0,
        {s: c, t_: c},
    ),
    "one of two roots": (c**2 * (c - 1) ** 2, ">=", 0, {c: 1}),
    "one class of all": (s[j] ** 2, ">=", 0, {s: 0}),
    "two classes of all": ((s[j] - s[y]) ** 2, ">=", 0, {s: c}),
    "all classes but one": (over(i, (1 - delta(i, y)) * (s[i] - c) ** 2), ">=", 0, {s: c}),
    "all but the last": (Sum((s[i] - c) ** 2, (i, 1, K - 1)), ">=", 0, {s: c}),
    "a whole side of a kink": (Abs(c), ">=", c, {c: 0}),
    "one turn of many": (cos(c), "<=", 1, {c: 0}),
    "a place without a value": (
        c**2 * Symbol("t", real=True) ** 2,
        ">=",
        0,
        {c: 1 / Symbol("t", real=True)},
    ),
    "weights that may be anything where all scores are alike": (
        over(i, p[i] * s[i]),
        "<=",
        maximum(s),
        {p: 1 / K},
    ),
}


@pytest.mark.parametrize("claim", ELSEWHERE.values(), ids=ELSEWHERE)
def test_a_bound_that_is_an_equality_elsewhere_is_not_proved_strict_there(claim):
    assert not proves_only_there(*claim)


ONLY_THERE = {
    "Gibbs": (KL(q, p), ">=", 0, {p: q}),
    "variance": (over(i, p[i] * s[i] ** 2), ">=", over(i, p[i] * s[i]) ** 2, {s: c}),
    "a sum of squares": (over(i, s[i] ** 2), ">=", 0, {s: 0}),
    "the tangent of exp": (1 + c, "<=", exp(c), {c: 0}),
    "the tangent of log": (log(h), "<=", h - 1, {h: 1}),
    "the mean and the largest": (over(i, s[i]) / K, "<=", maximum(s), {s: c}),
    "the soft maximum": (entropy(q) + over(i, q[i] * s[i]), "<=", LSE(s), {q: softmax(s)}),
    "the log loss of a target": (log_loss(s, q), ">=", entropy(q), {q: softmax(s)}),
    "the harmonic mean": (K / over(i, 1 / x[i]), "<=", over(i, x[i]) / K, {x: h}),
}


@pytest.mark.parametrize("claim", ONLY_THERE.values(), ids=ONLY_THERE)
def test_a_bound_is_proved_strict_but_in_its_case_of_equality(claim):
    assert proves_only_there(*claim)


def test_a_sign_in_a_sign_is_not_taken_for_linear():
    assert not proves_bound(sign(2 * sign(c) ** 2 - 1), ">=", 0)
    assert not proves_bound(sign(c) ** 2, ">=", 1)


def test_what_is_long_is_not_taken_apart_into_factors():
    short, long = (sum(exp(n * c) - n for n in range(1, terms)) for terms in (4, 100))
    with mock.patch.object(slopes, "factored", wraps=slopes.factored) as asked:
        assert slopes.factors_of(short) and asked.called
        asked.reset_mock()
        assert slopes.factors_of(long) == [] and not asked.called


def test_a_sum_over_pairs_is_not_judged_by_pairs_that_avoid_a_named_class():
    pairs = over(i, over(k, delta(i, j + 1) * (s[i] - s[k])))
    difference = unfold(pairs)
    goal = Goal(Reduction().reduce(difference), False, classes=(j + 1,))
    assert not pair_by_pair(goal, lambda goal: goal.expression == 0)


def test_sums_of_which_one_binds_the_index_of_another_are_squared_apart():
    inner = log(over(k, exp(s[i] * t_[k])))
    gap = K * over(i, (s[i] + inner) ** 2) - (over(i, s[i]) + over(i, inner)) ** 2
    first = Reduction().reduce(unfold(over(k, exp(t_[k]))))  # its index is the first to be named
    goal = Goal(Reduction().reduce(unfold(gap)) + first, False)
    assert by_cauchy_schwarz(goal, lambda left: left.expression == first)


def test_what_has_a_symbolic_power_of_a_sum_besides_has_no_square_of_it():
    a, b = Dummy("a", real=True), Dummy("b", real=True)
    assert _negative_square(h - a**2, [a, b]) == (h, 1, a)
    assert _negative_square((-(a**share) * a * b).expand(), [a, b]) is None


@pytest.mark.parametrize(
    "left, right",
    [
        (0, Abs(1 + u - h)),
        (1, 1 + Abs(1 + p[j] - h)),
        (0, Max(0, 1 + u - h) + Max(0, h - 1 - u)),
    ],
    ids=str,
)
def test_a_number_that_is_at_most_its_bound_may_be_the_bound(left, right):
    assert proves_bound(left, "<=", right)
    assert not proves_bound(left, "<", right)


def test_a_search_that_has_spent_its_goals_goes_on_with_the_rules_of_the_first_goal_alone():
    tried = []

    def asks(goal, holds):
        tried.append(goal.depth)
        return holds(goal.to(goal.expression + 1))

    def is_the_first(goal, holds):
        return goal.depth == 0

    assert Search((asks, asks, is_the_first), left=3).holds(Goal(h**2, False))
    assert tried == [0, 1, 2, 0]
