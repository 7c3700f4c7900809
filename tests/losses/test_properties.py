"""What holds for all scores and all probability vectors, tried by hypothesis."""

import re
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lossnotes.learning import binary, calibration
from lossnotes.losses import continuous_categorical as cc
from lossnotes.losses import fenchel_young as fy
from lossnotes.losses import kde, kl, label_smoothing, loss_design, margin, proper, softmax
from lossnotes.losses.logsumexp import logsumexp

few = settings(max_examples=60, derandomize=True, deadline=None)
numbers = st.floats(-700, 700)
scores = st.integers(2, 6).flatmap(lambda k: arrays(np.float64, (3, k), elements=numbers))


def target(draw, k):
    weights = draw(arrays(np.float64, (3, k), elements=st.floats(0, 1)))
    weights[:, draw(st.integers(0, k - 1))] += 0.01
    return weights / weights.sum(axis=-1, keepdims=True)


@st.composite
def scores_and_labels(draw):
    s = draw(scores)
    return s, draw(arrays(np.int64, 3, elements=st.integers(0, s.shape[1] - 1)))


@st.composite
def scores_and_targets(draw):
    s = draw(scores)
    return s, target(draw, s.shape[1])


@st.composite
def two_vectors(draw):
    k = draw(st.integers(2, 6))
    return target(draw, k), target(draw, k)


@few
@given(scores_and_labels(), st.integers(-1000, 1000))
def test_a_shift_of_all_scores_changes_no_loss(sy, shift):
    s, y = np.round(sy[0] * 1024) / 1024, sy[1]  # so that the shift itself is exact
    np.testing.assert_array_max_ulp(softmax.log_loss(s + shift, y), softmax.log_loss(s, y), 8)
    assert np.array_equal(margin.margin_loss(s + shift, y), margin.margin_loss(s, y))
    assert np.array_equal(softmax.softmax(s + shift), softmax.softmax(s))


@few
@given(scores, st.integers(-1000, 1000))
def test_a_shift_of_all_scores_shifts_logsumexp(s, shift):
    s = np.round(s * 1024) / 1024
    assert np.allclose(logsumexp(s + shift), logsumexp(s) + shift, rtol=1e-15, atol=1e-12)


@few
@given(scores)
def test_logsumexp_is_between_the_maximum_and_log_k_above(s):
    top, above = s.max(axis=-1), logsumexp(s) - s.max(axis=-1)
    assert (above >= 0).all()
    assert (above <= np.log(s.shape[-1]) + 2 * np.spacing(abs(top) + 2)).all()


@few
@given(scores_and_labels())
def test_the_log_loss_is_between_the_lost_margin_and_log_k_above(sy):
    s, y = sy
    lost = np.maximum(0, -margin.margin(s, y))
    loss = softmax.log_loss(s, y)
    assert (lost <= loss).all()
    assert (loss <= (lost + np.log(s.shape[-1])) * (1 + 1e-15)).all()


@few
@given(scores)
def test_softmax_sums_to_one(s):
    assert np.allclose(softmax.softmax(s).sum(axis=-1), 1, rtol=1e-15)


@few
@given(scores_and_labels())
def test_the_gradient_of_the_log_loss_sums_to_zero_beside_its_largest_entry(sy):
    gradient = softmax.log_loss_grad(*sy)
    largest = np.abs(gradient).max(axis=-1)
    assert (np.abs(gradient.sum(axis=-1)) <= 1e-15 * largest + 1e-300).all()


@few
@given(scores_and_labels())
def test_the_gradient_of_the_margin_loss_sums_to_zero(sy):
    assert (margin.margin_loss_grad(*sy).sum(axis=-1) == 0).all()


@few
@given(scores_and_labels())
def test_the_gradient_of_the_smoothed_loss_sums_to_zero(sy):
    gradient = label_smoothing.smoothed_log_loss_grad(*sy, 0.1)
    assert np.abs(gradient.sum(axis=-1)).max() <= 1e-15


@few
@given(scores_and_targets())
def test_the_gradient_for_vectors_sums_to_zero(sy):
    assert np.abs(softmax.log_loss_grad(*sy).sum(axis=-1)).max() <= 1e-15


@few
@given(scores_and_labels())
def test_the_hessian_is_positive_semidefinite_with_the_null_vector_of_ones(sy):
    hessian = softmax.log_loss_hessian(*sy)
    assert np.array_equal(hessian, np.swapaxes(hessian, -1, -2))
    assert np.linalg.eigvalsh(hessian).min() >= -1e-15
    assert np.abs(hessian.sum(axis=-1)).max() <= 1e-15


@few
@given(two_vectors())
def test_kl_is_not_negative(qp):
    assert (kl.kl_divergence(*qp) >= 0).all()


@few
@given(two_vectors())
def test_cross_entropy_is_kl_plus_entropy(qp):
    right = kl.kl_divergence(*qp) + kl.entropy(qp[0])
    assert np.allclose(kl.cross_entropy(*qp), right, rtol=1e-14)


@few
@given(two_vectors())
def test_entropy_is_between_zero_and_log_k(qp):
    q, _ = qp
    assert (kl.entropy(q) >= 0).all()
    assert (kl.entropy(q) <= np.log(q.shape[-1]) * (1 + 1e-15)).all()


orders = st.floats(1, 2)


@few
@given(scores, orders)
def test_every_entmax_is_a_probability_vector(s, alpha):
    p = fy.entmax(s, alpha)
    assert (p >= 0).all() and np.allclose(p.sum(axis=-1), 1, rtol=1e-14)


@few
@given(scores_and_targets(), orders)
def test_no_vector_has_more_than_the_prediction_of_score_and_entropy(sq, alpha):
    s, q = sq
    p = fy.entmax(s, alpha)
    gained = ((p - q) * s).sum(axis=-1)
    gained += fy.tsallis_entropy(p, alpha) - fy.tsallis_entropy(q, alpha)
    assert (gained >= -1e-12).all()
    assert np.allclose(fy.entmax_loss(s, q, alpha), gained, rtol=1e-9, atol=1e-12)


@few
@given(scores_and_labels(), orders)
def test_the_loss_of_an_entropy_is_zero_exactly_from_its_margin_on(sy, alpha):
    s, y = sy
    sure = (alpha - 1) * margin.margin(s, y) >= 1 + 1e-12
    unsure = (alpha - 1) * margin.margin(s, y) <= 1 - 1e-12
    loss = fy.entmax_loss(s, y, alpha)
    assert (loss[sure] == 0).all()
    assert (loss[unsure & (margin.margin(s, y) < 30)] > 0).all()


@few
@given(scores_and_labels(), orders)
def test_the_losses_of_two_labels_differ_by_their_scores(sy, alpha):
    s, y = sy
    other = (y + 1) % s.shape[-1]
    scores = (np.take_along_axis(s, label[:, None], axis=-1)[:, 0] for label in (other, y))
    right = np.subtract(*scores)
    found = fy.entmax_loss(s, y, alpha) - fy.entmax_loss(s, other, alpha)
    assert np.allclose(found, right, rtol=1e-12, atol=1e-10)


S = np.array([[0, 3, 0.2], [1, 5, 2]])
Q = np.array([[0.25, 0.25, 0.5], [1, 0, 0]])
P = np.array([[0.25, 0.5, 0.25], [0.5, 0.25, 0.25]])
CALLS = {  # the function, its float arguments, the others
    "logsumexp": (logsumexp, [S], []),
    "softmax": (softmax.softmax, [S], []),
    "log_softmax": (softmax.log_softmax, [S], []),
    "softmax_jacobian": (softmax.softmax_jacobian, [S], []),
    "log_loss": (softmax.log_loss, [S], [[0, 1]]),
    "log_loss, vectors": (softmax.log_loss, [S, Q], []),
    "log_loss_grad": (softmax.log_loss_grad, [S], [[0, 1]]),
    "log_loss_grad, vectors": (softmax.log_loss_grad, [S, Q], []),
    "log_loss_hessian": (softmax.log_loss_hessian, [S], [[0, 1]]),
    "log_loss_hessian, vectors": (softmax.log_loss_hessian, [S, Q], []),
    "tsallis_entropy": (fy.tsallis_entropy, [Q], [1.5]),
    "sparsemax": (fy.sparsemax, [S], []),
    "entmax": (fy.entmax, [S], [1.5]),
    "entmax_loss": (fy.entmax_loss, [S], [[0, 1], 1.5]),
    "entmax_loss, vectors": (fy.entmax_loss, [S, Q], [1.5]),
    "entmax_loss_grad": (fy.entmax_loss_grad, [S], [[0, 1], 1.5]),
    "entmax_loss_grad, vectors": (fy.entmax_loss_grad, [S, Q], [2]),
    "margin": (margin.margin, [S], [[0, 1]]),
    "margin_loss": (margin.margin_loss, [S], [[0, 1]]),
    "margin_loss_grad": (margin.margin_loss_grad, [S], [[0, 1]]),
    "entropy": (kl.entropy, [Q], []),
    "kl_divergence": (kl.kl_divergence, [Q, P], []),
    "kl_divergence_grad": (kl.kl_divergence_grad, [Q, P], []),
    "cross_entropy": (kl.cross_entropy, [Q, P], []),
    "cross_entropy_grad": (kl.cross_entropy_grad, [Q, P], []),
    "smoothed_log_loss": (label_smoothing.smoothed_log_loss, [S], [[0, 1], 0.1]),
    "smoothed_log_loss_grad": (label_smoothing.smoothed_log_loss_grad, [S], [[0, 1], 0.1]),
    "squared_log_error": (loss_design.squared_log_error, [P, P + 1], []),
    "squared_log_error_grad": (loss_design.squared_log_error_grad, [P, P + 1], []),
    "geometric_mean": (loss_design.geometric_mean, [P], []),
    "surprisal": (proper.surprisal, [P], [[0, 1]]),
    "surprisal, vectors": (proper.surprisal, [P, Q], []),
    "surprisal_grad": (proper.surprisal_grad, [P, Q], []),
    "brier_loss": (proper.brier_loss, [P, Q], []),
    "brier_loss_grad": (proper.brier_loss_grad, [P, Q], []),
    "spherical_loss": (proper.spherical_loss, [P, Q], []),
    "spherical_loss_grad": (proper.spherical_loss_grad, [P, Q], []),
    "absolute_loss": (proper.absolute_loss, [P, Q], []),
    "focal_loss": (proper.focal_loss, [P, Q], [2.5]),
    "focal_loss_grad": (proper.focal_loss_grad, [P, Q], [2.5]),
    "log_normalizer": (cc.log_normalizer, [S], []),
    "mean": (cc.mean, [S], []),
    "covariance": (cc.covariance, [S], []),
    "nll": (cc.nll, [S], [[0, 1]]),
    "nll, vectors": (cc.nll, [S, Q], []),
    "nll_grad": (cc.nll_grad, [S], [[0, 1]]),
    "nll_grad, vectors": (cc.nll_grad, [S, Q], []),
    "log_prob": (cc.log_prob, [Q, S], []),
    "fit": (cc.fit, [P], []),
    "sigmoid": (binary.sigmoid, [S], []),
    "sigmoid_grad": (binary.sigmoid_grad, [S], []),
    "binary_cross_entropy": (binary.binary_cross_entropy, [S, Q], []),
    "binary_cross_entropy_grad": (binary.binary_cross_entropy_grad, [S, Q], []),
    "binary_cross_entropy_of_p": (binary.binary_cross_entropy_of_p, [P, Q], []),
    "binary_cross_entropy_of_p_grad": (binary.binary_cross_entropy_of_p_grad, [P, Q], []),
    "squared_error": (binary.squared_error, [S, Q], []),
    "squared_error_grad": (binary.squared_error_grad, [S, Q], []),
    "tempered_log_loss": (calibration.tempered_log_loss, [S], [[0, 1], 2]),
    "tempered_log_loss_grad": (calibration.tempered_log_loss_grad, [S], [[0, 1], 2]),
    "weighted_log_loss": (calibration.weighted_log_loss, [S], [[0, 1], (1, 2, 3)]),
    "weighted_log_loss, vectors": (calibration.weighted_log_loss, [S, Q], [(1, 2, 3)]),
    "weighted_log_loss_grad": (calibration.weighted_log_loss_grad, [S], [[0, 1], (1, 2, 3)]),
    "weighted_log_loss_grad, vectors": (calibration.weighted_log_loss_grad, [S, Q], [(1, 2, 3)]),
    "adjust_scores": (calibration.adjust_scores, [S], [(0.2, 0.3, 0.5), (0.5, 0.5, 0)]),
    "kde_cross_entropy": (kde.kde_cross_entropy, [S, P], [(-1, 1), kde.laplace(3)]),
    "kde_cross_entropy_grad": (kde.kde_cross_entropy_grad, [S, P], [(-1, 1), kde.gaussian(0.5)]),
    "kde_cross_entropy_hessian": (kde.kde_cross_entropy_hessian, [S, P], [(-1, 1), kde.box(4), 9]),
}
every_function = pytest.mark.parametrize(("f", "floats", "rest"), CALLS.values(), ids=CALLS)


@every_function
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_result_has_the_dtype_of_the_input(f, floats, rest, dtype):
    assert f(*(x.astype(dtype) for x in floats), *rest).dtype == dtype


@every_function
def test_the_input_is_not_modified(f, floats, rest):
    arguments = [x.copy() for x in floats]
    for x in arguments:
        x.flags.writeable = False
    f(*arguments, *rest)
    assert all(np.array_equal(x, y) for x, y in zip(arguments, floats, strict=True))


@every_function
def test_the_order_of_the_input_in_memory_does_not_matter(f, floats, rest):
    result = f(*(np.asfortranarray(x) for x in floats), *rest)
    assert np.array_equal(result, f(*floats, *rest))


@every_function
def test_rows_are_independent(f, floats, rest):
    both = f(*floats, *rest)
    rest_of_row = [x[1] if isinstance(x, list) else x for x in rest]
    assert np.allclose(both[1], f(*(x[1] for x in floats), *rest_of_row), rtol=1e-15, atol=0)


@every_function
def test_the_order_of_the_bytes_does_not_matter(f, floats, rest):
    result = f(*(x.astype(x.dtype.newbyteorder()).astype(">f8") for x in floats), *rest)
    assert result.dtype.isnative
    assert np.array_equal(result, f(*floats, *rest))


@every_function
def test_a_masked_array_is_refused_whichever_argument_it_is(f, floats, rest):
    for k in range(len(floats)):
        masked = [np.ma.array(x, mask=x == 5) if i == k else x for i, x in enumerate(floats)]
        with pytest.raises(ValueError, match="is a masked array, whose mask would be lost"):
            f(*masked, *rest)


@every_function
def test_a_batch_may_be_empty(f, floats, rest):
    result = f(*(x[:0].astype(float) for x in floats), *([] if x == [0, 1] else x for x in rest))
    assert result.shape == (0, *f(*floats, *rest).shape[1:])


@every_function
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_no_result_is_minus_zero(f, floats, rest, dtype):
    unit = [np.eye(2, 3), np.eye(2, 3)[:, ::-1], np.full((2, 3), 1 / 3)]
    rng = np.random.default_rng(0)
    scores = [-40 * np.eye(2, 3), 800 * np.eye(2, 3), np.zeros((2, 3)), rng.normal(size=(2, 3))]
    arrays = [array.astype(dtype) for array in (*unit, *scores, -200 * np.eye(2, 3))]
    for pair in product(arrays, arrays):
        try:
            result = np.asarray(f(*pair[: len(floats)], *rest))
        except ValueError:  # no probabilities, not positive, beyond every box
            continue
        assert not np.signbit(result[result == 0]).any()


OF_SCORES = {name: call for name, call in CALLS.items() if any(x is S for x in call[1])}
every_function_of_scores = pytest.mark.parametrize(
    ("f", "floats", "rest"), OF_SCORES.values(), ids=OF_SCORES
)
IMPOSSIBLE = np.array(
    [[-np.inf, 1, 0], [0, -np.inf, -np.inf]]
)  # of the labels [0, 1] neither can be
NONE_POSSIBLE = np.full((2, 3), -np.inf)


def has_nan(f, *arguments):
    """Whether a value, or a value or gradient of a pair, is NaN."""
    result = f(*arguments)
    return any(np.isnan(part).any() for part in (result if isinstance(result, tuple) else [result]))


@every_function_of_scores
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_impossible_classes_give_no_nan(f, floats, rest, dtype):
    """Neither is refused: where the target wants an impossible class, the loss is inf."""
    assert not has_nan(f, *((IMPOSSIBLE if x is S else x).astype(dtype) for x in floats), *rest)


@every_function_of_scores
def test_without_any_possible_class_scores_are_refused_or_give_no_nan(f, floats, rest):
    """LSE is -inf then, adjusted scores stay what they are, and a sigmoid takes one score alone."""
    try:
        assert not has_nan(f, *(NONE_POSSIBLE if x is S else x for x in floats), *rest)
    except ValueError as refusal:
        assert re.search("rules out every class|margin is not defined", str(refusal))


@every_function
def test_probabilities_of_zero_give_no_nan(f, floats, rest):
    for pair in product(np.eye(3)[[[0, 1], [1, 2]]], repeat=2):
        try:
            assert not has_nan(f, *pair[: len(floats)], *rest)
        except ValueError as refusal:
            assert "is not positive and finite" in str(refusal)


def naive_squared_margin_loss_grad(s, y):
    return 2 * margin.margin_loss(s, y)[..., None] * margin.margin_loss_grad(s, y)


def naive_cross_entropy_grad(q, p):
    return -q / p


@pytest.mark.filterwarnings("ignore:invalid value", "ignore:divide by zero")
@pytest.mark.parametrize(
    ("naive", "arguments"),
    [
        (naive_squared_margin_loss_grad, (IMPOSSIBLE, [0, 1])),
        (naive_cross_entropy_grad, (np.eye(3), np.eye(3))),
    ],
)
def test_the_nan_of_the_textbook_formula_is_noticed(naive, arguments):
    assert has_nan(naive, *arguments)


def weighted(f, s, y):
    return f(s, y, np.arange(1, s.shape[-1] + 1))


LABELLED = {
    "log_loss": softmax.log_loss,
    "log_loss_grad": softmax.log_loss_grad,
    "log_loss_and_grad": softmax.log_loss_and_grad,
    "log_loss_hessian": softmax.log_loss_hessian,
    "entmax_loss": lambda s, y: fy.entmax_loss(s, y, 1.5),
    "entmax_loss_grad": lambda s, y: fy.entmax_loss_grad(s, y, 2),
    "margin": margin.margin,
    "margin_loss": margin.margin_loss,
    "margin_loss_grad": margin.margin_loss_grad,
    "smoothed_log_loss": lambda s, y: label_smoothing.smoothed_log_loss(s, y, 0.1),
    "smoothed_log_loss_grad": lambda s, y: label_smoothing.smoothed_log_loss_grad(s, y, 0.1),
    "tempered_log_loss": lambda s, y: calibration.tempered_log_loss(s, y, 2),
    "tempered_log_loss_grad": lambda s, y: calibration.tempered_log_loss_grad(s, y, 2),
    "weighted_log_loss": lambda s, y: weighted(calibration.weighted_log_loss, s, y),
    "weighted_log_loss_grad": lambda s, y: weighted(calibration.weighted_log_loss_grad, s, y),
    "nll": cc.nll,
    "nll_grad": cc.nll_grad,
    "nll_and_grad": cc.nll_and_grad,
    "log_prob": lambda s, y: cc.log_prob(y, s),
}
every_labelled = pytest.mark.parametrize("f", LABELLED.values(), ids=LABELLED)


@every_labelled
@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_one_hot_vectors_of_integers_are_not_taken_for_labels(f, n):
    with pytest.raises(ValueError, match=r"look like one-hot.*argmax.*astype\(float\)"):
        f(np.zeros((n, 3)), np.eye(3, dtype=int)[np.arange(n) % 3])


@every_labelled
@pytest.mark.parametrize("shape", [(1,), (4,), (2, 3)])
def test_a_column_of_labels_is_not_taken_for_a_label_of_every_pair(f, shape):
    with pytest.raises(ValueError, match=r"y has shape .*1\).*was y\[\.\.\., 0\] meant"):
        f(np.zeros((*shape, 3)), np.zeros((*shape, 1), int))


@every_labelled
def test_every_class_of_one_row_and_a_grid_of_labels_are_labels(f):
    f(np.zeros(2), np.arange(2))
    f(np.zeros((2, 2, 2)), np.eye(2, dtype=int))
    f(np.zeros(3), np.zeros((4, 1), int))


@every_labelled
@pytest.mark.parametrize("y", [0, 1, 2])
def test_an_impossible_label_gives_no_nan(f, y):
    assert not has_nan(f, IMPOSSIBLE, y)


@every_labelled
def test_masked_labels_are_refused(f):
    with pytest.raises(ValueError, match="y is a masked array"):
        f(np.zeros((2, 3)), np.ma.array([0, 9], mask=[False, True]))


@every_labelled
@pytest.mark.parametrize("y", [[], np.zeros(0, int), np.zeros((0, 10))])
def test_no_labels_for_no_scores_give_no_losses(f, y):
    if np.ndim(y) == 1 or f not in map(LABELLED.get, LABELLED_BY_LABELS_ONLY):
        result = f(np.zeros((0, 10)), y)
        assert len(result[0] if isinstance(result, tuple) else result) == 0


LABELLED_BY_LABELS_ONLY = (
    "margin",
    "margin_loss",
    "margin_loss_grad",
    "smoothed_log_loss",
    "smoothed_log_loss_grad",
)


@pytest.mark.parametrize("f", [binary.binary_cross_entropy, loss_design.squared_log_error])
def test_a_column_beside_a_row_is_not_taken_for_every_pair(f):
    ones = np.full(3, 1.0)
    for pair in ((ones, ones[:, None]), (ones[:, None], ones)):
        with pytest.raises(ValueError, match=r"would pair every .*\[\.\.\., 0\] meant"):
            f(*pair)
    assert f(ones[:, None], ones[None, :2]).shape == (3, 2)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_kl_of_sums_that_miss_one_is_not_negative(dtype):
    rng = np.random.default_rng(1)
    missing = np.sqrt(np.finfo(dtype).eps) / 2
    q = softmax.softmax(rng.normal(size=(200, 4))).astype(dtype)
    p = (q * (1 + missing * rng.uniform(0, 1, (200, 1)))).astype(dtype)
    assert (q.sum(axis=1) < p.sum(axis=1)).mean() > 0.9
    assert (kl.kl_divergence(q, p) >= 0).all()
    assert (kl.kl_divergence(p, q) > 0).mean() > 0.9


@pytest.mark.parametrize("dtype", [np.int32, np.uint8, np.int64])
def test_integer_scores_are_computed_in_float64(dtype):
    assert softmax.log_loss(np.array([0, 3, 1], dtype), 1).dtype == np.float64
