"""The named quantities mean what their definitions say."""

import pickle

import pytest
from sympy import (
    Derivative,
    Integral,
    Piecewise,
    Product,
    Rational,
    Sum,
    Symbol,
    Tuple,
    exp,
    log,
)

from lossnotes.derive import equal
from lossnotes.derive.symbols import (
    CE,
    KL,
    LSE,
    A,
    Between,
    Complement,
    K,
    Positives,
    Probabilities,
    Scores,
    argmax,
    c,
    delta,
    entropy,
    entry,
    epsilon,
    h,
    i,
    j,
    log_loss,
    margin,
    margin_loss,
    maximum,
    one_hot,
    p,
    q,
    s,
    sigmoid,
    smooth,
    smooth_others,
    softmax,
    total,
    y,
)

DEFINITIONS = {
    "LSE is the log of the sum of exponentials": (LSE(s), log(Sum(exp(s[i]), (i, 1, K)))),
    "softmax divides by the sum": (softmax(s)[j], exp(s[j]) / Sum(exp(s[i]), (i, 1, K))),
    "sigmoid": (sigmoid(c), 1 / (1 + exp(-c))),
    "sigmoid is the second of two entries": (sigmoid(c), softmax(Tuple(0, c))[2]),
    "one-hot is a delta": (one_hot(y)[j], delta(j, y)),
    "smoothing spreads epsilon over all": (
        smooth(y, epsilon)[j],
        (1 - epsilon) * delta(j, y) + epsilon / K,
    ),
    "the other convention gives epsilon to each of the others": (
        smooth_others(y, epsilon)[j],
        delta(j, y) * (1 - (K - 1) * epsilon) + (1 - delta(j, y)) * epsilon,
    ),
    "entropy": (entropy(q), -Sum(q[i] * log(q[i]), (i, 1, K))),
    "divergence": (KL(q, p), Sum(q[i] * log(q[i] / p[i]), (i, 1, K))),
    "cross-entropy": (CE(q, p), -Sum(q[i] * log(p[i]), (i, 1, K))),
    "log loss of a label": (log_loss(s, y), -log(softmax(s)[y])),
    "log loss of a target": (log_loss(s, q), CE(q, softmax(s))),
}


@pytest.mark.parametrize("sides", DEFINITIONS.values(), ids=DEFINITIONS)
def test_a_named_quantity_is_proved_equal_to_its_definition(sides):
    assert equal(*sides).kind == "proved"


@pytest.mark.parametrize(
    ("scores", "loss"), [((5, 4.2, 3), 0.2), ((0.5, 4.2, 3), 4.7), ((3, 1, 1), 0)]
)
def test_the_margin_loss_of_the_lectures_scores(scores, loss):
    scores = Tuple(*(Rational(str(score)) for score in scores))
    assert equal(margin_loss(scores, 1), Rational(str(loss)))


def test_the_margin_of_a_label_is_not_the_largest_score_less_the_second():
    assert not equal(margin(s, y), maximum(s) - maximum(s, ~A))


def test_a_set_and_its_complement_hold_the_largest_score_between_them():
    assert not equal(maximum(s), maximum(s, A))
    assert not equal(maximum(s), maximum(s, ~A))
    assert isinstance(~A, Complement)


def test_the_best_class_has_the_largest_score():
    assert equal(s[argmax(s)], maximum(s))


def test_the_entry_of_a_vector_expression_leaves_scalars_alone():
    assert entry(2 * s + c, j) == 2 * s[j] + c
    assert entry(LSE(s), j) == LSE(s)
    assert entry(s[i], j) == s[i]
    assert entry(softmax(s), j) == softmax(s)[j]


def test_a_sum_over_classes_takes_an_index_that_is_not_taken():
    assert total(lambda index: s[index], (s[i],)).limits[0][0] != i


def test_symbols_of_one_name_and_other_bounds_are_different():
    assert Between("epsilon", 0, 1) == epsilon
    assert Between("epsilon", 0, 1 / K) != epsilon


def test_vectors_of_one_name_and_other_domains_are_different():
    assert len({Scores("q"), Positives("q"), Probabilities("q")}) == 3


def test_a_bounded_symbol_survives_pickling():
    found = pickle.loads(pickle.dumps(epsilon))
    assert (found, found.lower, found.upper) == (epsilon, 0, 1)


def test_probabilities_are_positive_and_scores_are_real():
    assert q[i].is_positive and s[i].is_real and not s[i].is_positive


def test_the_divergence_of_what_does_not_sum_to_one_is_not_taken_for_positive():
    assert not KL(q, Positives("x")).is_nonnegative


def test_the_gradient_of_the_maximum_is_one_at_the_best_class_only():
    gradient = Derivative(maximum(s), s[j])
    assert equal(gradient, delta(j, argmax(s))).kind == "proved"
    assert not equal(gradient, delta(j, y))


def test_a_constant_differentiates_to_zero_whatever_its_name():
    assert Derivative(LSE(s), Symbol("t")).doit() == 0


def test_a_derivative_by_the_entry_that_a_sum_counts_with_is_not_caught_by_it():
    assert equal(LSE(s).diff(s[i]), softmax(s)[i]).kind == "proved"


t = Symbol("t", real=True)
INSIDE = {
    "a product": (s * Product(q[i], (i, 1, K)), s[j] * Product(q[i], (i, 1, K))),
    "a sum of vectors": (Sum(s * q[i], (i, 1, K)), Sum(s[j] * q[i], (i, 1, K))),
    "an integral": (Integral(t * s, (t, 0, 1)), Integral(t * s[j], (t, 0, 1))),
    "a derivative": (Derivative(c * s, c), Derivative(c * s[j], c)),
    "a piece": (Piecewise((s, c > 0), (q, True)), Piecewise((s[j], c > 0), (q[j], True))),
    "a condition on entries": (
        Piecewise((s, s > 0), (0, True)),
        Piecewise((s[j], s[j] > 0), (0, True)),
    ),
}


@pytest.mark.parametrize("vector, at_j", INSIDE.values(), ids=INSIDE)
def test_the_entry_is_that_of_what_stands_inside_and_limits_have_none(vector, at_j):
    assert entry(vector, j) == at_j


def test_the_entry_at_a_class_is_not_caught_by_a_sum_that_counts_with_its_name():
    assert equal(entry(Sum(s * q[i], (i, 1, K)), i), s[i]).kind == "proved"
    assert equal(LSE(Sum(s * q[i], (i, 1, K))), LSE(s)).kind == "proved"


def test_the_slope_of_a_maximum_is_not_caught_by_a_sum_in_it():
    scores = Sum(s * q[i] * h, (i, 1, K)) * exp(c * s[i])
    assert equal(Derivative(maximum(scores), c), s[i] * maximum(scores)).kind == "proved"


def test_a_divergence_of_explicit_vectors_is_a_sum_over_their_entries():
    two = Tuple(epsilon, 1 - epsilon), Tuple(h, h)
    assert equal(CE(*two), -log(h)).kind == "proved"


def test_a_bound_of_a_parameter_may_depend_on_the_number_of_classes():
    assert Between("t", 1 - K, 1).is_positive is None


def test_the_slope_of_the_sigmoid_is_made_of_its_value():
    assert equal(Derivative(sigmoid(c), c), sigmoid(c) * (1 - sigmoid(c))).kind == "proved"
    assert not equal(Derivative(sigmoid(c), c), sigmoid(c) * (1 + sigmoid(c)))
