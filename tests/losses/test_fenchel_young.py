import mpmath
import numpy as np
import pytest
from mpmath import mpf

from lossnotes.losses.fenchel_young import (
    entmax,
    entmax_loss,
    entmax_loss_grad,
    sparsemax,
    tsallis_entropy,
)
from lossnotes.losses.kl import entropy, kl_divergence
from lossnotes.losses.softmax import log_loss, log_loss_grad, softmax

ORDERS = (1.01, 1.3, 1.5, 1.9, 2)


def test_sparsemax_cuts_off_the_hopeless():
    assert sparsemax([1.0, 0.8, -0.4]) == pytest.approx([0.6, 0.4, 0])
    assert sparsemax([1.0, 0.8, -0.4])[2] == 0


def test_the_lectures_scores_leave_one_class():
    assert sparsemax([0, 3, 0.2]).tolist() == [0, 1, 0]


def test_sparsemax_of_a_probability_vector_is_itself():
    q = np.array([0.25, 0.25, 0.5])
    assert np.array_equal(sparsemax(q), q)


def test_no_probability_vector_is_nearer_than_sparsemax():
    rng = np.random.default_rng(0)
    s, others = rng.normal(size=6), rng.dirichlet(np.full(6, 0.5), 1000)
    assert (((others - s) ** 2).sum(axis=1) > ((sparsemax(s) - s) ** 2).sum()).all()


def test_two_classes_are_a_line_between_two_clips():
    m = np.linspace(-2, 2, 17)
    scores = np.stack([0 * m, m], axis=-1)
    assert np.allclose(sparsemax(scores)[:, 1], np.clip((1 + m) / 2, 0, 1), rtol=1e-15, atol=0)


def test_order_one_is_softmax_and_its_losses():
    s, y = np.random.default_rng(0).normal(0, 5, (20, 4)), np.arange(20) % 4
    q = np.random.default_rng(1).dirichlet(np.ones(4), 20)
    assert np.array_equal(entmax(s, 1), softmax(s))
    np.testing.assert_array_max_ulp(entmax_loss(s, y, 1), log_loss(s, y), 4)
    assert np.allclose(entmax_loss_grad(s, y, 1), log_loss_grad(s, y), rtol=1e-14)
    assert np.allclose(entmax_loss(s, q, 1), kl_divergence(q, softmax(s)), rtol=1e-12)
    assert np.array_equal(tsallis_entropy(q, 1), entropy(q))


def test_the_orders_lead_on_to_the_ends_without_a_jump():
    s, q = np.array([0.3, 1.0, -0.5]), np.array([0.2, 0.3, 0.5])
    for end, near in ((1, 1 + 1e-9), (2, 2 - 1e-9)):
        assert np.allclose(entmax(s, near), entmax(s, end), atol=1e-8)
        assert entmax_loss(s, 0, near) == pytest.approx(entmax_loss(s, 0, end), abs=1e-8)
        assert tsallis_entropy(q, near) == pytest.approx(tsallis_entropy(q, end), abs=1e-8)


@pytest.mark.parametrize("alpha", [1.25, 1.5, 2])
def test_a_loss_stops_at_the_margin_of_its_order(alpha):
    stop = 1 / (alpha - 1)
    assert entmax_loss([0.0, stop, 0.0], 1, alpha) == 0
    assert entmax_loss([0.0, stop - 1e-6, 0.0], 1, alpha) > 0
    assert entmax_loss_grad([0.0, stop, 0.0], 1, alpha).tolist() == [0, 0, 0]


def test_entropies_run_from_zero_to_that_of_the_uniform_vector():
    for alpha in (1, *ORDERS):
        assert tsallis_entropy([0, 1, 0], alpha) == 0
    assert tsallis_entropy(np.full(4, 0.25), 2) == 0.375
    assert tsallis_entropy(np.full(4, 0.25), 1.5) == pytest.approx(0.5 / 0.75)


def test_the_entropy_of_a_vector_close_to_one_hot_keeps_its_digits():
    for alpha in ORDERS:
        tiny = 1e-20
        with mpmath.workdps(60):
            x, a = mpf(tiny), mpf(alpha)
            right = float((1 - x**a - (1 - x) ** a) / (a * (a - 1)))
        assert tsallis_entropy([1, tiny], alpha) == pytest.approx(right, rel=1e-14)


def reference(s, alpha):
    """(p, max of p.s + H) by bisection with all digits, and the scores as exact numbers."""
    s, beta = [mpf(float(x)) for x in s], mpf(alpha) - 1
    inverse, rests = 1 / beta, [1 - beta * (max(s) - x) for x in s]

    def prediction(v):
        lost = beta * v
        return [(rest - lost) ** inverse if rest > lost else mpf(0) for rest in rests]

    low, high = mpf(0), 1 / beta
    for _ in range(200):
        middle = (low + high) / 2
        too_much = mpmath.fsum(prediction(middle)) > 1
        low, high = (middle, high) if too_much else (low, middle)
    p = prediction(low)
    uncertain = (1 - mpmath.fsum(x ** (1 + beta) for x in p)) / (beta * (1 + beta))
    return p, mpmath.fsum(a * b for a, b in zip(p, s, strict=True)) + uncertain, s


def rows(alpha):
    """Scores of every scale; some a little below the margin at which the loss stops."""
    rng, stop = np.random.default_rng(0), 1 / (alpha - 1)
    yield from (rng.normal(0, scale, k) for k in (2, 3, 10) for scale in (0.01, 0.3, 1, 30))
    yield np.zeros(10)
    yield np.array([0, 3, 0.2])
    yield from (np.array([0, stop * (1 - lack), 0.2]) for lack in (0.1, 1e-3, 1e-6))


@pytest.mark.parametrize("alpha", ORDERS)
def test_predictions_and_losses_have_their_last_digits(alpha, record_property):
    of_one = of_loss = 0
    with mpmath.workdps(60):
        for row in rows(alpha):
            p, value, s = reference(row, alpha)
            found, losses = entmax(row, alpha), entmax_loss(row, np.arange(len(s)), alpha)
            of_one = max(of_one, *(abs(a - b) for a, b in zip(found, p, strict=True)))
            for loss, score in zip(losses, s, strict=True):
                right = value - score
                if right > 1e-40:
                    of_loss = max(of_loss, abs(loss - right) / right)
    epsilon = np.finfo(float).eps
    record_property(
        "measured",
        f"entmax, order {alpha}: {float(of_one / epsilon):.2f} ulps of one, "
        f"its loss {float(of_loss / epsilon):.2f} ulps of its own",
    )
    assert of_one <= epsilon
    assert of_loss <= (4 if alpha == 2 else 32) * epsilon


def test_the_textbook_formula_loses_the_digits_of_a_small_loss():
    s = np.array([0.0, 1 - 1e-6])
    p = sparsemax(s)
    naive = p @ s + (1 - p @ p) / 2 - s[1]
    assert abs(naive / 2.5e-13 - 1) > 1e-6
    assert entmax_loss(s, 1, 2) == pytest.approx((1 - s[1]) ** 2 / 4, rel=1e-15)


def test_the_gradient_is_the_prediction_minus_the_target():
    s, q = np.array([0.3, 1.0, -0.2]), np.array([0.2, 0.3, 0.5])
    for alpha in (1, *ORDERS):
        assert entmax_loss_grad(s, q, alpha) == pytest.approx(entmax(s, alpha) - q)
        assert entmax_loss_grad(s, 1, alpha) == pytest.approx(entmax(s, alpha) - [0, 1, 0])


def test_a_class_ruled_out_has_probability_zero_and_infinite_loss():
    s = [-np.inf, 1.0, 1.0]
    for alpha in (1, *ORDERS):
        assert entmax(s, alpha)[0] == 0
        assert entmax_loss(s, 0, alpha) == np.inf
        assert np.isfinite(entmax_loss(s, [0, 0.5, 0.5], alpha))


def test_scores_far_apart_neither_overflow_nor_warn():
    with np.errstate(all="raise"):
        for alpha in (1, *ORDERS):
            assert entmax([1e308, -1e308], alpha).tolist() == [1, 0]
    assert entmax_loss([800.0, 0.0], 1, 2) == 799.5 + 0.5


@pytest.mark.parametrize("alpha", [0.5, 2.5, np.nan, "2", True, None, [1.5]])
def test_an_order_that_is_none_is_refused(alpha):
    for call in (
        lambda: entmax([0.0, 1.0], alpha),
        lambda: entmax_loss([0.0, 1.0], 0, alpha),
        lambda: entmax_loss_grad([0.0, 1.0], 0, alpha),
        lambda: tsallis_entropy([0.5, 0.5], alpha),
    ):
        with pytest.raises(ValueError, match="^alpha = .* is not a number from 1 to 2"):
            call()


@pytest.mark.parametrize("f", [entmax_loss, entmax_loss_grad])
@pytest.mark.parametrize(
    ("s", "y", "why"),
    [
        ([[0.0, np.nan]], 0, r"^s\[0, 1\] = nan"),
        ([[0.0, 1.0], [-np.inf, -np.inf]], 0, r"^s\[1\] .* rules out"),
        ([0.0, 1.0], 2, "^y = 2 is not a label"),
        ([0.0, 1.0], [0.5, 0.6], "^y sums to 1.1"),
        (np.zeros((2, 3)), [0, 1, 2], r"shapes do not fit together"),
    ],
)
def test_bad_input_is_named(f, s, y, why):
    with pytest.raises(ValueError, match=why):
        f(s, y, 1.5)


def test_leading_axes_broadcast():
    s, y = np.zeros((5, 1, 3)), np.array([0, 1])
    assert entmax_loss(s, y, 1.5).shape == (5, 2)
    assert entmax_loss_grad(s, y, 1.5).shape == (5, 2, 3)
