"""Norms, hinges and the largest score by its class; and what is not quite true of them."""

import pytest
from sympy import Abs, Max, Rational, Sum, Symbol, log, sqrt

from lossnotes.derive import compare
from lossnotes.derive.bounds import proves_bound
from lossnotes.derive.bounds.goal import is_nonnegative_atom
from lossnotes.derive.prove import unfold
from lossnotes.derive.symbols import (
    LSE,
    Between,
    K,
    Others,
    Positives,
    Scores,
    c,
    delta,
    h,
    i,
    j,
    log_loss,
    margin,
    margin_loss,
    maximum,
    p,
    q,
    s,
    y,
)

from .lecture import over

v, x = Scores("v"), Positives("x")
a, b = Between("a", 0, 1), Between("b", 0, 1)
violations = over(i, (1 - delta(i, y)) * Max(0, 1 + s[i] - s[y]))
lengths, squares = over(i, Abs(s[i])), over(i, s[i] ** 2)

TRUE = {
    "log-sum-exp is 1-Lipschitz": (Abs(LSE(s) - LSE(v)), maximum(Abs(s - v))),
    "and so at any temperature": (Abs(h * LSE(s / h) - h * LSE(v / h)), maximum(Abs(s - v))),
    "log-sum-exp of what is small": (Abs(LSE(s)), maximum(Abs(s)) + log(K)),
    "the log loss above the perceptron's": (
        log_loss(s, y),
        Max(0, -margin(s, y)) + log(K),
    ),
    "log-sum-exp above the larger of two": (
        LSE(s),
        Max(s[y], maximum(s, Others(y))) + log(K),
    ),
    "every violated margin, and the worst": (margin_loss(s, y), violations),
    "the largest and the sum": (maximum(Abs(s)), lengths),
    "the largest and the Euclidean norm": (maximum(Abs(s)), sqrt(squares)),
    "the largest difference and the sum": (maximum(Abs(s - v)), over(i, Abs(s[i] - v[i]))),
    "the largest hinge and the sum": (maximum(Max(0, s)), over(i, Max(0, s[i]))),
    "the largest, one term apart": (
        maximum(Abs(s)),
        Abs(s[j]) + over(i, (1 - delta(i, j)) * Abs(s[i])),
    ),
    "squares of lengths": (squares, lengths**2),
    "the Euclidean norm and the sum": (sqrt(squares), lengths),
    "squares of hinges": (over(i, Max(0, s[i]) ** 2), over(i, Max(0, s[i])) ** 2),
    "products of positive numbers": (over(i, x[i] * p[i]), over(i, x[i])),
    "squares of what is below one": (
        over(i, (p[i] - q[i]) ** 2),
        over(i, Abs(p[i] - q[i])),
    ),
    "a square of what is below one": ((a - b) ** 2, Abs(a - b)),
}


@pytest.mark.parametrize("claim", TRUE.values(), ids=TRUE)
def test_a_bound_is_proved(claim):
    left, right = claim
    assert proves_bound(left, "<=", right)


FALSE = {
    "log-sum-exp is not a contraction": (
        Abs(LSE(s) - LSE(v)),
        "<=",
        Rational(99, 100) * maximum(Abs(s - v)),
    ),
    "differences with their sign": (Abs(LSE(s) - LSE(v)), "<=", maximum(s - v)),
    "nothing is strict where nothing differs": (
        Abs(LSE(s) - LSE(v)),
        "<",
        maximum(Abs(s - v)),
    ),
    "one class too few": (log_loss(s, y), "<=", Max(0, -margin(s, y)) + log(K - 1)),
    "strict, at equal scores": (log_loss(s, y), "<", Max(0, -margin(s, y)) + log(K)),
    "the margin of another sign": (log_loss(s, y), "<=", Max(0, margin(s, y)) + log(K)),
    "a wider margin": (Max(0, Rational(101, 100) - margin(s, y)), "<=", violations),
    "one violation is all": (margin_loss(s, y), "<", violations),
    "more than the worst": (violations, "<=", margin_loss(s, y)),
    "the worst twice": (margin_loss(s, y) + Max(0, -margin(s, y)), "<=", violations),
    "signs that cancel": (maximum(Abs(s)), "<=", over(i, s[i])),
    "the sum without a class": (maximum(Abs(s)), "<=", over(i, (1 - delta(i, y)) * Abs(s[i]))),
    "the sum without a class, of which there is one": (maximum(Abs(s)), "<=", lengths - Abs(s[y])),
    "the mean": (maximum(Abs(s)), "<=", lengths / K),
    "one score alone": (maximum(Abs(s)), "<", lengths),
    "a part of the largest": (maximum(Abs(s)), "<=", Abs(s[j])),
    "the largest cube, and cubes that cancel": (maximum(s**3), "<=", over(i, s[i] ** 3)),
    "squares of a sum that cancels": (squares, "<=", over(i, s[i]) ** 2),
    "squares, one score alone": (squares, "<", lengths**2),
    "a little more than the squares": (Rational(11, 10) * squares, "<=", lengths**2),
    "K times the squares": (K * squares, "<=", lengths**2),
    "signs in one factor": (over(i, s[i] * v[i]), "<=", lengths * over(i, v[i])),
    "the norms of one score alone": (sqrt(squares), "<", lengths),
    "the larger square of a negative number": (sqrt(over(i, x[i] ** 2)), "<=", -over(i, x[i])),
    "squares of what need not be below one": (
        over(i, (x[i] - p[i]) ** 2),
        "<=",
        over(i, Abs(x[i] - p[i])),
    ),
    "half of what is below one": ((p[j] - q[j]) ** 2, "<=", Abs(p[j] - q[j]) / 2),
    "less than the distance": ((a - b) ** 2, "<=", Rational(99, 100) * Abs(a - b)),
    "strict, where both are one number": ((a - b) ** 2, "<", Abs(a - b)),
    "a number above one": ((a - h) ** 2, "<=", Abs(a - h)),
    "what is told on one side, on the other": (Abs(c), "<=", Max(0, c)),
}


@pytest.mark.parametrize("claim", FALSE.values(), ids=FALSE)
def test_a_neighbour_that_is_false_is_refuted_and_the_prover_alone_does_not_prove_it(claim):
    assert not proves_bound(*claim)
    assert compare(*claim).kind == "refuted"


def test_a_row_and_a_class_are_two_numbers_where_a_sum_of_kinks_is_looked_at():
    n, N = Symbol("n", integer=True, positive=True), Symbol("N", integer=True, positive=True)
    X = Scores("X", shape=(N, K))
    lengths = Sum(Abs(X[n, i]), (n, 1, N), (i, 1, K))
    assert is_nonnegative_atom(unfold(lengths))
    assert not is_nonnegative_atom(unfold(Sum(Abs(X[n, i]) + n - i, (n, 1, N), (i, 1, K))))


def test_a_sum_of_kinks_is_not_negative_where_no_side_of_a_term_is():
    assert is_nonnegative_atom(unfold(over(i, s[i] + Abs(s[i]))))
    assert not is_nonnegative_atom(unfold(over(i, 2 * s[i] + Abs(s[i]))))
    assert not is_nonnegative_atom(unfold(over(i, Abs(s[i]) - 2 * s[i])))
