import numpy as np
import pytest

from lossnotes.losses.logsumexp import logsumexp


def test_the_lectures_example():
    assert logsumexp([0, 3, 0.2]) == pytest.approx(np.log(1 + np.exp(3) + np.exp(0.2)), rel=1e-15)


def test_equal_scores_reach_the_upper_bound():
    assert logsumexp(np.full(8, 2.0)) == pytest.approx(2 + np.log(8), rel=1e-15)


def test_a_shift_of_the_scores_shifts_the_result():
    s = np.array([1.0, 5.0, 2.0])
    assert logsumexp(s + 10) == pytest.approx(10 + logsumexp(s), rel=1e-15)


def test_large_and_small_scores_do_not_overflow():
    assert logsumexp([1000.0, 1000.0]) == 1000 + np.log(2)
    assert logsumexp([-1000.0, -1000.0]) == -1000 + np.log(2)


def test_a_score_of_minus_infinity_adds_nothing():
    assert logsumexp([-np.inf, 0.3, 1.0]) == logsumexp([0.3, 1.0])


def test_no_class_at_all_is_the_log_of_zero():
    assert logsumexp([[-np.inf, -np.inf], [0, -np.inf]]).tolist() == [-np.inf, 0]


def test_blocks_and_threads_give_what_single_rows_give():
    s = np.random.default_rng(0).normal(size=(3000, 100))
    assert np.array_equal(logsumexp(s)[::500], [logsumexp(row) for row in s[::500]])


def test_the_result_drops_the_last_axis():
    assert logsumexp(np.zeros((2, 3, 4))).shape == (2, 3)
    assert logsumexp(np.zeros((0, 4))).shape == (0,)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_value_that_is_no_score_is_named(bad):
    with pytest.raises(ValueError, match=r"s\[1, 0\] = .* is not a score"):
        logsumexp([[0.0, 1.0], [bad, 1.0]])


@pytest.mark.parametrize(
    ("s", "why"),
    [
        (3.0, "shape"),
        (np.zeros((3, 0)), "shape"),
        ([True, False], "dtype bool"),
        (["a"], "dtype"),
        ([1j], "dtype complex128"),
        ([[1.0], [1.0, 2.0]], "not an array"),
    ],
)
def test_what_is_no_array_of_scores_is_refused(s, why):
    with pytest.raises(ValueError, match=f"^s .*{why}"):
        logsumexp(s)
