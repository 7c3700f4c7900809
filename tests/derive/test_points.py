"""Points lie in the declared domains."""

import pytest
from mpmath import mp
from sympy import (
    Derivative,
    Integral,
    Sum,
    Symbol,
    exp,
)

from lossnotes.derive import Point
from lossnotes.derive.points import (
    CHOICES,
    CLASS_COUNTS,
    coincidences,
    draw_points,
    far_out,
    indices_of,
    is_inside,
    nearly_alike,
)
from lossnotes.derive.symbols import (
    A,
    Between,
    K,
    Probabilities,
    Scores,
    c,
    delta,
    epsilon,
    eta,
    h,
    i,
    j,
    k,
    maximum,
    normalizer,
    p,
    q,
    s,
    sigmoid,
    y,
)

N, n, m = (Symbol(name, integer=True, positive=True) for name in "Nnm")


def test_of_the_classes_of_many_indices_some_are_looked_at():
    many = draw_points(sum(delta(i, Symbol(f"k{n}", integer=True)) for n in range(9)))
    assert len(many) <= len(CLASS_COUNTS) * CHOICES
    assert {point.values[K] for point in many} == set(CLASS_COUNTS)


def test_every_class_lies_between_one_and_K():
    for point in draw_points(s[j] + delta(j, y)):
        assert all(1 <= point.values[index] <= point.values[K] for index in (j, y))


def test_the_end_of_a_sum_over_entries_is_a_class():
    for point in draw_points(Sum(s[i], (i, 1, n - 1)) + Sum(1, (i, m, K))):
        assert 1 <= point.values[n] <= point.values[K] >= point.values[m]
    assert any(point.values[n] > point.values[K] for point in draw_points(Sum(i, (i, 1, n))))


def test_the_letters_of_classes_are_classes_wherever_they_stand_and_other_integers_are_not():
    drawn = draw_points(exp(j) - exp(n) + sigmoid(m))
    assert all(point.values[j] <= point.values[K] for point in drawn)
    assert all(any(point.values[x] > point.values[K] for point in drawn) for x in (n, m))


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


def test_a_bound_may_depend_on_other_symbols_and_on_one_another():
    inner = Between("a", s[j], s[j] + h)
    outer = Between("A", inner, 2 * inner.upper - inner.lower)
    points = [*draw_points(outer), *far_out(outer)]
    assert points
    with mp.workdps(1000):
        for point in points:
            lower = point.values[s][point.values[j] - 1]
            assert lower < point.values[inner] < lower + point.values[h]
            assert point.values[inner] < point.values[outer]


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


@pytest.mark.parametrize("assumption", ["integer", "odd", "even", "nonzero", "nonnegative"])
def test_the_points_of_a_vector_are_all_inside_its_assumptions(assumption):
    numbers = Scores("n", **{assumption: True})
    drawn = (draw_points(numbers[j], special=True), far_out(numbers[j]), nearly_alike(numbers[j]))
    assert all(is_inside(point) for points in drawn for point in points)


@pytest.mark.parametrize(
    ("assumption", "number"),
    [
        ("integer", 0.5),
        ("odd", 2),
        ("noninteger", 2.0),
        ("negative", 0),
        ("nonpositive", 0.1),
        ("nonzero", 0),
    ],
)
def test_a_point_outside_an_assumption_is_told_as_a_number_and_in_a_vector(assumption, number):
    symbol, vector = Symbol("x", **{assumption: True}), Scores("x", **{assumption: True})
    assert not is_inside(Point({symbol: mp.mpf(number)}))
    assert not is_inside(Point({K: 1, vector: [mp.mpf(number)]}))


@pytest.mark.parametrize("assumption", ["rational", "irrational", "algebraic", "transcendental"])
def test_what_digits_cannot_tell_is_no_reason_to_leave_a_point_out(assumption):
    assert all(map(is_inside, draw_points(Symbol("x", **{assumption: True}))))


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


def test_a_point_shows_K_first_and_six_digits():
    point = Point({s: [mp.mpf(1) / 3, mp.mpf(2)], K: 2, A: frozenset({2})})
    assert str(point) == "K = 2, A = {2}, s = (0.333333, 2.0)"


def test_the_variable_of_an_integral_is_bound_and_not_drawn():
    x = Symbol("x", real=True)
    assert all(x not in point.values for point in draw_points(Integral(c * x, (x, 0, 1))))
    assert all(x in point.values for point in draw_points(x * Integral(c * x, (x, 0, 1))))


def test_an_iterated_integral_gets_one_point_for_each_K():
    points = draw_points(normalizer(eta[1], eta[2], eta[3]))
    assert [point.values[K] for point in points] == list(CLASS_COUNTS)


def test_points_are_alike_when_their_values_are():
    one, same, other = Point({K: 2, s: [1, 2]}), Point({s: [1, 2], K: 2}), Point({K: 2, s: [1, 3]})
    assert one == same and hash(one) == hash(same) and one != other


def test_a_batch_has_its_own_size_and_its_rows_of_probabilities_sum_to_one():
    rows = Probabilities("P", shape=(N, K))
    sizes = set()
    for point in draw_points(rows[i, j]):
        values = point.values
        sizes.add(values[N] - values[K])
        assert len(values[rows]) == values[N] and 1 <= values[i] <= values[N]
        assert all(len(row) == values[K] and mp.fsum(row) == 1 for row in values[rows])
    assert 0 not in sizes and len(sizes) > 2


def test_points_lie_far_out_and_near_the_ends_too():
    points = list(far_out(c + p[j] + epsilon))
    assert max(abs(point.values[c]) for point in points) > 10**6
    assert min(min(point.values[p]) for point in points) < 1e-12
    assert min(1 - point.values[epsilon] for point in points) < 1e-12


def test_classes_are_tried_at_every_small_distance():
    found = {point.values[j] - point.values[k] for point in coincidences(delta(j, k))}
    assert found >= set(range(-8, 9))


def test_vectors_are_nearly_alike_but_not_quite():
    for point in nearly_alike(p, q):
        ratios = [a / b for a, b in zip(point.values[p], point.values[q], strict=True)]
        assert 0 < max(abs(mp.log(ratio)) for ratio in ratios) < 3
        assert abs(mp.fsum(point.values[p]) - 1) < mp.mpf(10) ** -15
