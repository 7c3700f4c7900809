"""Gibbs' inequality for distributions that are given by a formula, and what is not quite it."""

import pytest
from sympy import Sum, exp, log

from lossnotes.derive import compare
from lossnotes.derive.bounds import proves_bound, proves_only_there
from lossnotes.derive.symbols import (
    CE,
    Between,
    K,
    Positives,
    Probabilities,
    c,
    entropy,
    epsilon,
    i,
    k,
    log_loss,
    p,
    q,
    s,
    smooth,
    smooth_others,
    softmax,
    y,
)

from .lecture import over

r, x = Probabilities("r"), Positives("x")
share, small = Between("t", 0, 1), Between("epsilon", 0, 1 / K)
soft = smooth(y, epsilon)
mixture = share * q + (1 - share) * r

TRUE = {
    "a smoothed label": (CE(soft, p), entropy(soft)),
    "less smoothed": (CE(smooth(y, small), p), entropy(smooth(y, small))),
    "smoothed otherwise": (CE(smooth_others(y, small), p), entropy(smooth_others(y, small))),
    "a softmax for a smoothed label": (CE(soft, softmax(s)), entropy(soft)),
    "the log loss of a smoothed label": (log_loss(s, soft), entropy(soft)),
    "a smoothed label for a target": (CE(p, soft), entropy(p)),
    "a smoothed label for a softmax": (CE(softmax(s), soft), entropy(softmax(s))),
    "a mixture": (CE(mixture, p), entropy(mixture)),
    "a mixture for a target": (CE(p, mixture), entropy(p)),
    "a mixture for a smoothed label": (CE(soft, mixture), entropy(soft)),
    "a mixture with equal shares": (
        CE((1 - epsilon) * p + epsilon / K, q),
        entropy((1 - epsilon) * p + epsilon / K),
    ),
    "one class that costs less": (
        over(i, p[i] * log(p[i])) - c * p[y],
        -log(exp(c) + K - 1),
    ),
}


@pytest.mark.parametrize("claim", TRUE.values(), ids=TRUE)
def test_a_cross_entropy_is_at_least_the_entropy_of_its_target(claim):
    left, right = claim
    verdict = compare(left, ">=", right)
    assert verdict.kind == "proved"
    assert "Gibbs' inequality" in verdict.why


FALSE = {
    "never equal": (CE(soft, p), ">", entropy(soft)),
    "never equal, the other way round": (CE(p, soft), ">", entropy(p)),
    "a little more": (CE(soft, p), ">=", entropy(soft) + epsilon / 100),
    "a little more, the other way round": (CE(p, soft), ">=", entropy(p) + epsilon / 100),
    "shares that may be negative": (
        CE(p, smooth(y, 2 * epsilon)) + log(1 - epsilon),
        ">=",
        entropy(p),
    ),
    "another label": (CE(smooth(k, epsilon), p), ">=", entropy(smooth(y, share))),
    "another mixture": (CE(mixture, p), ">=", entropy(share * p + (1 - share) * r)),
    "what is compared with does not sum to one": (CE(soft, x), ">=", entropy(soft)),
    "one class too few": (
        over(i, p[i] * log(p[i])) - c * p[y],
        ">=",
        -log(exp(c) + K - 2),
    ),
    "backwards": (over(i, p[i] * log(p[i] / q[i])), "<=", 0),
    "backwards, with one class that costs less": (
        over(i, p[i] * log(p[i])) - c * p[y],
        "<=",
        -log(exp(c) + K - 1),
    ),
    "all classes but one": (
        -Sum(soft[i] * log(p[i]), (i, 1, K - 1)),
        ">=",
        -Sum(soft[i] * log(soft[i]), (i, 1, K - 1)),
    ),
}


@pytest.mark.parametrize("claim", FALSE.values(), ids=FALSE)
def test_a_neighbour_that_is_false_is_refuted_and_the_prover_alone_does_not_prove_it(claim):
    assert not proves_bound(*claim)
    assert compare(*claim).kind == "refuted"


@pytest.mark.parametrize(
    "left, right, where",
    [
        (CE(soft, p), entropy(soft), {p: soft}),
        (CE(p, soft), entropy(p), {p: soft}),
        (CE(mixture, p), entropy(mixture), {p: mixture}),
    ],
    ids=str,
)
def test_it_is_an_equality_only_where_both_are_the_same(left, right, where):
    assert proves_only_there(left, ">=", right, where)


@pytest.mark.parametrize(
    "left, right, where",
    [
        (CE(soft, p), entropy(soft), {p: 1 / K}),
        (CE(soft, p), entropy(soft), {p: smooth(k, epsilon)}),
        (CE(p, soft), entropy(p), {p: 1 / K}),
        (CE(mixture, p), entropy(mixture), {p: q}),
    ],
    ids=str,
)
def test_it_is_not_proved_an_equality_only_at_another_place(left, right, where):
    assert not proves_only_there(left, ">=", right, where)
