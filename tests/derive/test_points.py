"""Points lie in the declared domains, and values there are right to the last digits."""

import mpmath
import pytest
from mpmath import mp
from sympy import (
    Abs,
    And,
    Derivative,
    Eq,
    Function,
    Heaviside,
    I,
    Max,
    Min,
    Piecewise,
    Rational,
    Sum,
    Symbol,
    Tuple,
    exp,
    gamma,
    log,
    oo,
    sqrt,
    tanh,
)

from lossnotes.derive import Point, evaluate
from lossnotes.derive.points import CLASS_COUNTS, Excluded, Undefined, draw_points, indices_of
from lossnotes.derive.symbols import (
    CE,
    LSE,
    A,
    Between,
    K,
    Others,
    Positives,
    Scores,
    argmax,
    c,
    delta,
    entropy,
    h,
    i,
    j,
    k,
    maximum,
    one_hot,
    p,
    q,
    s,
    softmax,
    y,
)

THREE = Point(
    {K: 3, s: [mp.mpf(1), mp.mpf(3), mp.mpf(2)], j: 1, y: 2, c: mp.mpf(-2), A: frozenset({1, 3})}
)


def test_every_class_lies_between_one_and_K():
    for point in draw_points(s[j] + delta(j, y)):
        assert all(1 <= point.values[index] <= point.values[K] for index in (j, y))


def test_vectors_have_an_entry_for_each_class():
    for point in draw_points(s[j] + q[j], special=True):
        assert len(point.values[s]) == len(point.values[q]) == point.values[K]


def test_distributions_are_positive_and_sum_to_one_with_fifty_digits():
    with mp.workdps(50):
        for point in draw_points(q[j], special=True):
            assert min(point.values[q]) > 0
            assert abs(mp.fsum(point.values[q]) - 1) < 1e-50


def test_a_bound_may_depend_on_K():
    narrow = Between("epsilon", 0, 1 / K)
    for point in draw_points(narrow, special=True):
        assert 0 < point.values[narrow] < mp.mpf(1) / point.values[K]


def test_a_set_is_neither_empty_nor_everything():
    for point in draw_points(maximum(s, A)):
        assert 0 < len(point.values[A]) < point.values[K]


@pytest.mark.parametrize(
    "assumption",
    ["positive", "negative", "nonpositive", "nonnegative", "even", "odd", "zero", "prime"],
)
def test_a_plain_symbol_is_drawn_from_its_assumptions(assumption):
    symbol = Symbol("x", **{assumption: True})
    for point in draw_points(symbol, special=True):
        value = point.values[symbol]
        holds = {
            "positive": value > 0,
            "negative": value < 0,
            "nonpositive": value <= 0,
            "nonnegative": value >= 0,
            "even": value % 2 == 0,
            "odd": value % 2 == 1,
            "zero": value == 0,
            "prime": value in (2, 3, 5),
        }
        assert holds[assumption]


def test_a_vector_is_drawn_from_its_assumptions():
    negative = Scores("x", negative=True)
    for point in draw_points(negative[j], special=True):
        assert max(point.values[negative]) < 0


def test_a_symbol_that_is_not_real_is_an_error_that_names_it():
    with pytest.raises(ValueError, match="z is not"):
        list(draw_points(Symbol("z", imaginary=True)))


def test_every_way_to_coincide_is_met():
    triples = {tuple(point.values[index] for index in (j, k, y)) for point in THREE_INDICES}
    patterns = {tuple(triple.index(label) for label in triple) for triple in triples}
    assert len(patterns) == 5


THREE_INDICES = list(draw_points(s[j] * s[k] * s[y]))


def test_points_are_the_same_each_time():
    assert list(draw_points(s[j] * c, special=True)) == list(draw_points(s[j] * c, special=True))


def test_every_class_count_is_met():
    assert {point.values[K] for point in draw_points(c)} == set(CLASS_COUNTS)


def test_an_index_bound_by_a_sum_is_no_free_class():
    assert indices_of(Sum(s[i], (i, 1, K)) * s[j]) == {j}


def test_an_index_free_on_one_side_is_drawn_though_bound_on_the_other():
    assert indices_of(s[i], Sum(s[i], (i, 1, K))) == {i}


def test_the_index_of_a_partial_derivative_is_free():
    assert i in indices_of(Derivative(Sum(exp(s[i]), (i, 1, K)), s[i]))


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        (maximum(s), 3),
        (maximum(s, Others(y)), 2),
        (maximum(s, A), 2),
        (maximum(s, ~A), 3),
        (argmax(s), 2),
        (argmax(s, Others(y)), 3),
        (s[argmax(-s)], 1),
        (Max(0, c), 0),
        (Min(0, c), -2),
        (Abs(c), 2),
        (Heaviside(c), 0),
        (Heaviside(c + 2), 0.5),
        (delta(j, y), 0),
        (Sum(i * delta(i, y), (i, 1, K)), 2),
        (Sum(s[i], (i, 2, 3)), 5),
        (Sum(s[i], (i, 3, 1)), 0),
        (Sum(Sum(s[i] * s[k], (k, 1, i)), (i, 1, K)), 25),
        (Sum(s[i] * s[k], (k, 1, i), (i, 1, K)), 25),
        (Piecewise((1, c > 0), (7, True)), 7),
        (Piecewise((1, And(c < 0, Eq(j, 1))), (7, True)), 1),
        (maximum(Tuple(1, 5, 3, 4)), 5),
        (gamma(5), 24),
    ],
)
def test_a_value_by_hand(expression, value):
    assert evaluate(expression, THREE) == value


def test_zero_log_zero_is_zero():
    assert evaluate(entropy(one_hot(y)), THREE) == 0


def test_a_certain_event_believed_impossible_costs_infinitely_much():
    point = Point({K: 2, p: [mp.mpf(1) / 2] * 2, y: 1})
    assert evaluate(CE(p, one_hot(y)), point) == mp.inf


@pytest.mark.parametrize(
    "expression",
    [
        s[0],
        s[4],
        s[j + 3],
        s[y / 4],
        log(c),
        sqrt(c),
        1 / (c + 2),
        I * c,
        s,
        A,
        oo - exp(exp(c)) * oo,
        Function("j")(c),
        Function("unheard")(c),
        Sum(c**i, (i, 1, oo)),
        Derivative(s[j], j),
        Piecewise((1, c > 0)),
        Max(log(c), 0),
    ],
    ids=str,
)
def test_what_has_no_real_value_is_undefined(expression):
    with pytest.raises(Undefined):
        evaluate(expression, THREE)


@pytest.mark.parametrize(
    "expression",
    [
        Derivative(Max(0, c + 2), c),
        Derivative(Abs(c + 2), c),
        exp(exp(exp(-50 * c))),
        tanh(exp(exp(-50 * c))),
        2 ** exp(-50 * c),
    ],
    ids=str,
)
def test_kinks_and_numbers_out_of_reach_are_left_out(expression):
    with pytest.raises(Excluded):
        evaluate(expression, THREE)


def test_the_argmax_of_a_tie_is_left_out_but_not_the_maximum():
    tie = Point({K: 2, s: [mp.mpf(1)] * 2})
    assert evaluate(maximum(s), tie) == 1
    with pytest.raises(Excluded):
        evaluate(argmax(s), tie)


def test_a_derivative_is_right_to_fifty_digits_and_does_not_ask_sympy():
    class Wrong(Function):
        def _eval_derivative(self, variable):
            return 7

    with mp.workdps(50):
        point = Point({K: 2, s: [mp.mpf(1), mp.mpf(-1)], j: 1, c: mp.mpf(1)})
        exact = mp.e / (mp.e + 1 / mp.e)
        assert abs(evaluate(Derivative(LSE(s), s[j]), point) - exact) < 1e-49
        curvature = evaluate(Derivative(LSE(s), s[j], s[j]), point)
        assert abs(curvature - exact * (1 - exact)) < 1e-49
    Wrong.__name__ = "exp"
    assert abs(evaluate(Derivative(Wrong(c), c), point) - mpmath.e) < 1e-14


def test_a_derivative_by_a_probability_moves_that_entry_alone():
    point = Point({K: 2, q: [mp.mpf(1) / 4, mp.mpf(3) / 4], j: 1})
    assert abs(evaluate(Derivative(Sum(q[i], (i, 1, K)), q[j]), point) - 1) < 1e-14


def test_a_bound_index_hides_a_free_one_of_its_name():
    point = Point({K: 2, s: [mp.mpf(1), mp.mpf(5)], i: 1})
    assert evaluate(s[i] * Sum(s[i], (i, 1, K)), point) == 6


def test_numbers_are_exact_as_the_digits_ask():
    with mp.workdps(50):
        third = evaluate(Rational(1, 3) * h / h, Point({h: mp.mpf(1)}))
        assert abs(3 * third - 1) < mp.mpf(10) ** -49


def test_a_point_shows_K_first_and_six_digits():
    point = Point({s: [mp.mpf(1) / 3, mp.mpf(2)], K: 2, A: frozenset({2})})
    assert str(point) == "K = 2, A = {2}, s = (0.333333, 2.0)"


def test_a_sum_of_an_entry_of_softmax_is_one_at_every_point():
    vector = Positives("x")
    for point in draw_points(vector[j]):
        assert abs(evaluate(Sum(softmax(vector)[i], (i, 1, K)), point) - 1) < 1e-14
