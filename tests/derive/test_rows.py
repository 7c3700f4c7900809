"""Sums over the rows of a batch are bounded row by row, for any number of rows and of classes."""

import pytest
from sympy import Abs, Sum, Symbol, exp, log

from lossnotes.derive import compare
from lossnotes.derive.bounds import proves_bound
from lossnotes.derive.symbols import (
    K,
    Probabilities,
    Scores,
    entropy,
    epsilon,
    i,
    j,
    p,
    q,
    smooth,
    y,
)

from .lecture import over

N, n = (Symbol(name, integer=True, positive=True) for name in "Nn")
X = Scores("X", shape=(N, K))
P, Q = (Probabilities(name, shape=(N, K)) for name in "PQ")
soft = smooth(y, epsilon)


def rows(term, first=1):
    return Sum(term, (n, first, N))


divergence = over(i, P[n, i] * log(P[n, i] / Q[n, i]))
surprise = -over(i, P[n, i] * log(P[n, i]))
concentration = over(i, P[n, i] ** 2)

TRUE = {
    "one row": (0, divergence),
    "divergences": (0, rows(divergence)),
    "divergences from one row": (0, rows(over(i, P[n, i] * log(P[n, i] / q[i])))),
    "entropies": (rows(surprise), N * log(K)),
    "the mean entropy": (rows(surprise) / N, log(K)),
    "collisions": (rows(concentration), N),
    "collisions, from below": (N / K, rows(concentration)),
    "distances": (rows(over(i, Abs(P[n, i] - Q[n, i]))), 2 * N),
    "log-sum-exp and the score of a class": (
        rows(X[n, j]),
        rows(log(over(i, exp(X[n, i])))),
    ),
    "log-sum-exp and the mean score": (
        rows(over(i, P[n, i] * X[n, i])) + rows(surprise),
        rows(log(over(i, exp(X[n, i])))),
    ),
    "smoothed labels": (
        N * entropy(soft),
        rows(-over(i, soft[i] * log(P[n, i]))),
    ),
}


@pytest.mark.parametrize("claim", TRUE.values(), ids=TRUE)
def test_a_bound_is_proved_row_by_row(claim):
    left, right = claim
    assert proves_bound(left, "<=", right)


FALSE = {
    "two rows that are the same": (0, "<", divergence),
    "divergences without a bound": (rows(divergence), "<=", N),
    "one row for all": (rows(surprise), "<=", log(K)),
    "strict, at equal shares": (rows(surprise), "<", N * log(K)),
    "one collision for all": (rows(concentration), "<=", 1),
    "strict collisions": (N / K, "<", rows(concentration)),
    "columns sum to anything": (rows(P[n, j]), "<=", 1),
    "a row less": (N / K, "<=", rows(concentration, 2)),
    "a sum that may have no rows": (0, "<", rows(concentration, 2)),
    "the collisions of others": (rows(over(i, Q[n, i] ** 2)), "<=", rows(concentration)),
    "another distribution in the logarithm": (
        0,
        "<=",
        rows(over(i, P[n, i] * log(p[i] / Q[n, i]))),
    ),
    "the square of a sum": (rows(P[n, j]) ** 2, "<=", N),
}


@pytest.mark.parametrize("claim", FALSE.values(), ids=FALSE)
def test_a_neighbour_that_is_false_is_refuted_and_the_prover_alone_does_not_prove_it(claim):
    assert not proves_bound(*claim)
    assert compare(*claim).kind == "refuted"


def test_a_batch_that_may_be_empty_has_no_sum_that_is_surely_positive():
    M = Symbol("M", integer=True, nonnegative=True)
    Y = Scores("Y", shape=(M, K))
    assert proves_bound(0, "<", rows(exp(X[n, j])))
    assert not proves_bound(0, "<", Sum(exp(Y[n, j]), (n, 1, M)))


def test_an_index_that_is_free_beside_the_sum_that_binds_it_has_a_range_of_its_own():
    b = Scores("b", shape=(N,))
    squares = Sum(b[i] ** 2, (i, 1, N))
    assert compare(b[i] ** 2, "<=", squares)
    assert compare(b[n] ** 2, "<=", rows(b[n] ** 2))
    assert compare(2 * b[i] ** 2, "<=", squares).kind == "refuted"
