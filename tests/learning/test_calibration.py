import mpmath
import numpy as np
import pytest
from mpmath import mpf

from lossnotes.confirm import ConfirmationError, confirm
from lossnotes.learning.calibration import (
    adjust_scores,
    expected_calibration_error,
    fit_temperature,
    reliability,
    tempered_log_loss,
    tempered_log_loss_grad,
    weighted_log_loss,
    weighted_log_loss_grad,
)
from lossnotes.losses.softmax import log_loss, log_loss_grad, softmax

# Reliability

SURE = np.array([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3], [0.35, 0.65], [0.5, 0.5]])
LABELS = [0, 1, 1, 1, 0]


def random_examples(seed=0, number=400, classes=5, spread=3.0):
    """Scores, and labels drawn from softmax(scores / 2): the best temperature is about 2."""
    rng = np.random.default_rng(seed)
    s = rng.normal(0, spread, (number, classes))
    y = (softmax(s / 2).cumsum(axis=-1) > rng.random((number, 1))).argmax(axis=-1)
    return s, y


def test_a_bin_has_its_number_its_mean_confidence_and_its_share_of_right_answers():
    count, confidence, right = reliability(SURE, LABELS, bins=4)
    assert count.tolist() == [0, 1, 2, 2]
    assert confidence[1:] == pytest.approx([0.5, 0.675, 0.85])
    assert right[1:].tolist() == [1, 0.5, 1]


def test_an_empty_bin_has_neither_confidence_nor_share():
    _, confidence, right = reliability(SURE, LABELS, bins=4)
    assert np.isnan(confidence[0]) and np.isnan(right[0])


def test_a_confidence_on_an_edge_belongs_to_the_bin_below():
    assert reliability([[0.5, 0.5], [1.0, 0.0]], [0, 0], bins=2)[0].tolist() == [1, 1]


def test_of_classes_that_tie_the_first_is_the_answer():
    assert reliability([[0.5, 0.5]], [0], bins=1)[2].tolist() == [1]
    assert reliability([[0.5, 0.5]], [1], bins=1)[2].tolist() == [0]


@pytest.mark.parametrize("bins", [1, 7, 10, 15, 100])
def test_bins_are_those_of_scikit_learn(bins):
    from sklearn.calibration import calibration_curve  # a second, for all that collect this file

    s, y = random_examples()
    p = softmax(s)
    count, confidence, right = reliability(p, y, bins)
    found = calibration_curve(p.argmax(axis=-1) == y, p.max(axis=-1), n_bins=bins)
    assert right[count > 0] == pytest.approx(found[0], rel=1e-14)
    assert confidence[count > 0] == pytest.approx(found[1], rel=1e-14)


def test_the_error_is_the_mean_gap_of_the_bins():
    assert expected_calibration_error(SURE, LABELS, bins=4) == pytest.approx(
        (1 * 0.5 + 2 * 0.175 + 2 * 0.15) / 5
    )


def test_one_bin_compares_the_mean_confidence_with_the_share_that_is_right():
    assert expected_calibration_error(SURE, LABELS, bins=1) == pytest.approx(abs(0.71 - 0.8))


@pytest.mark.parametrize("bins", [1, 2, 5, 10])
def test_dividing_every_bin_never_lowers_the_error(bins):
    s, y = random_examples()
    coarse, fine = (expected_calibration_error(softmax(s), y, n) for n in (bins, 3 * bins))
    assert coarse <= fine + 1e-15


def test_the_same_prediction_for_all_with_the_right_shares_has_no_error():
    y = np.arange(300) % 4
    assert expected_calibration_error(np.full((300, 4), 1 / 4), y) == 0


@pytest.mark.parametrize("f", [reliability, expected_calibration_error])
@pytest.mark.parametrize(
    ("p", "y", "bins", "why"),
    [
        (SURE, LABELS, 0, "^bins = 0 is not a positive integer"),
        (SURE, LABELS, 2.0, "^bins = 2.0 is not a positive integer"),
        (SURE, LABELS, True, "^bins = True is not a positive integer"),
        ([[0.9, 0.2]], [0], 5, r"^p\[0\] sums to 1.1"),
        (SURE, [0, 1, 1, 1, 2], 5, r"^y\[4\] = 2 is not a label"),
        (SURE, LABELS[:3], 5, r"^y has shape \(3,\); a label for each of \(5,\) is needed"),
        (np.zeros((0, 2)), [], 5, r"^y has shape \(0,\)"),
    ],
)
def test_what_cannot_be_sorted_into_bins_is_named(f, p, y, bins, why):
    with pytest.raises(ValueError, match=why):
        f(p, y, bins)


# Temperature


@pytest.mark.parametrize("t", [0.1, 1, 2.5, 100])
def test_the_tempered_loss_is_the_log_loss_of_the_divided_scores(t):
    s, y = random_examples()
    assert tempered_log_loss(s, y, t) == pytest.approx(log_loss(s / t, y), rel=1e-15)


POINTS = [
    {"s": s, "y": y, "t": t}
    for s in ([0.0, 3.0, 0.2], [1.0, 5.0, 2.0, -3.0])
    for y in (0, 1)
    for t in (0.3, 1.0, 4.0)
]


def test_the_derivative_in_the_temperature_is_confirmed():
    confirm(tempered_log_loss, tempered_log_loss_grad, POINTS, wrt="t")


def test_so_it_is_for_a_soft_target():
    point = {"s": [0.0, 3.0, 0.2], "y": [0.1, 0.7, 0.2], "t": 1.5}
    confirm(tempered_log_loss, tempered_log_loss_grad, [point], wrt="t")


def test_a_derivative_in_the_inverse_temperature_is_refused():
    def wrong(s, y, t):
        return tempered_log_loss_grad(s, y, t) * t**2

    with pytest.raises(ConfirmationError):
        confirm(tempered_log_loss, wrong, POINTS, wrt="t")


def exact_tempered_loss_grad(s, y, t):
    s, t = [mpf(float(x)) for x in s], mpf(float(t))
    weights = [mpmath.exp((x - max(s)) / t) for x in s]
    mean = mpmath.fdot(weights, [x - s[y] for x in s]) / sum(weights)
    return -mean / t**2


@pytest.mark.parametrize("gap", [1.0, 30.0, 300.0])
def test_a_small_derivative_of_a_sure_label_keeps_its_digits(gap):
    with mpmath.workdps(50):
        expected = exact_tempered_loss_grad([0.0, gap, 0.2], 1, 1.0)
    assert tempered_log_loss_grad([0.0, gap, 0.2], 1, 1.0) == pytest.approx(
        float(expected), rel=1e-14
    )


def test_a_class_that_is_ruled_out_does_not_count():
    s = [0.0, 3.0, 0.2]
    for f in (tempered_log_loss, tempered_log_loss_grad):
        assert f([*s, -np.inf], 1, 2.0) == pytest.approx(f(s, 1, 2.0), rel=1e-15)


@pytest.mark.parametrize("f", [tempered_log_loss, tempered_log_loss_grad])
def test_the_dtype_of_the_scores_is_kept(f):
    assert f(np.float32([[0, 1], [2, 0]]), [0, 1], 2.0).dtype == np.float32


@pytest.mark.parametrize("f", [tempered_log_loss, tempered_log_loss_grad])
@pytest.mark.parametrize("t", [0, -1.0, np.inf, np.nan, [1.0, 2.0]])
def test_a_temperature_is_a_positive_number(f, t):
    with pytest.raises(ValueError, match="^t = .* is not a positive number"):
        f([0.0, 1.0], 1, t)


def test_at_the_best_temperature_the_mean_derivative_vanishes():
    s, y = random_examples()
    t = fit_temperature(s, y)
    assert abs(tempered_log_loss_grad(s, y, t).mean()) < 1e-15
    assert t == pytest.approx(2, rel=0.2)


@pytest.mark.parametrize("factor", [0.5, 0.99, 1.01, 2])
def test_every_other_temperature_is_worse(factor):
    s, y = random_examples()
    t = fit_temperature(s, y)
    assert tempered_log_loss(s, y, t).mean() < tempered_log_loss(s, y, factor * t).mean()


@pytest.mark.parametrize("factor", [1e-200, 1e-3, 1e3, 1e200])
def test_scores_in_another_unit_have_their_temperature_in_that_unit(factor):
    s, y = random_examples()
    assert fit_temperature(factor * s, y) == pytest.approx(
        factor * fit_temperature(s, y), rel=1e-12
    )


def test_scores_moved_by_any_number_have_the_same_temperature():
    s, y = random_examples()
    moved = s + np.arange(len(s))[:, None]
    assert fit_temperature(moved, y) == pytest.approx(fit_temperature(s, y), rel=1e-12)


@pytest.mark.parametrize("wins", [6, 7, 9])
def test_two_classes_with_one_gap_have_a_temperature_in_closed_form(wins):
    s = np.tile([0.0, 3.0], (10, 1))
    y = np.array([1] * wins + [0] * (10 - wins))
    assert fit_temperature(s, y) == pytest.approx(3 / np.log(wins / (10 - wins)), rel=1e-14)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_temperature_is_that_of_scikit_learn(seed):
    from sklearn.base import BaseEstimator, ClassifierMixin
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.frozen import FrozenEstimator

    class Scored(ClassifierMixin, BaseEstimator):
        """A classifier whose input are its scores."""

        def fit(self, s, y):
            self.classes_ = np.unique(y)
            return self

        def decision_function(self, s):
            return s

        def predict(self, s):
            return self.classes_[s.argmax(axis=-1)]

    s, y = random_examples(seed)
    frozen = FrozenEstimator(Scored().fit(s, y))
    theirs = CalibratedClassifierCV(frozen, method="temperature").fit(s, y)
    beta = theirs.calibrated_classifiers_[0].calibrators[0].beta_
    assert fit_temperature(s, y) == pytest.approx(1 / beta, rel=1e-6)
    assert softmax(s / fit_temperature(s, y)) == pytest.approx(theirs.predict_proba(s), abs=1e-6)


@pytest.mark.parametrize(
    ("s", "y", "why"),
    [
        ([[0.0, 1.0], [2.0, 0.0]], [1, 0], "every label has the largest score: each lower"),
        ([[1.0, 1.0], [2.0, 2.0]], [1, 0], "every label has the largest score: each lower"),
        ([[0.0, 1.0], [2.0, 0.0]], [0, 0], None),
        ([[0.0, 1.0], [2.0, 0.0]], [0, 1], "no larger than the others: each higher"),
        ([[0.0, 1.0], [1.0, 0.0]], [0, 0], "no larger than the others: each higher"),
        ([[0.0, -np.inf]], [0], r"^s\[0, 1\] = -inf is not a finite score"),
        ([[0.0, np.nan]], [0], r"^s\[0, 1\] = nan is not a finite score"),
        ([[0.0, 1.0]], [2], r"^y\[0\] = 2 is not a label"),
        ([[0.0, 1.0]], [0, 1], r"^y has shape \(2,\); a label for each of \(1,\)"),
        (np.zeros((0, 2)), [], r"^y has shape \(0,\)"),
    ],
)
def test_where_no_temperature_is_best_the_reason_is_said(s, y, why):
    if why is None:
        assert fit_temperature(s, y) > 0
    else:
        with pytest.raises(ValueError, match=why):
            fit_temperature(s, y)


# Shares and weights

OLD, NEW = np.array([0.7, 0.2, 0.1]), np.array([0.2, 0.3, 0.5])


def test_adjusted_scores_are_the_rule_of_bayes_with_the_new_shares():
    rng = np.random.default_rng(3)
    density = rng.random((50, 3))  # of some x in each of the three classes
    old = OLD * density
    new = NEW * density
    found = softmax(adjust_scores(np.log(old), OLD, NEW))
    assert found == pytest.approx(new / new.sum(axis=-1, keepdims=True), rel=1e-14)


def test_to_adjust_and_back_changes_nothing():
    s, _ = random_examples(classes=3)
    assert adjust_scores(adjust_scores(s, OLD, NEW), NEW, OLD) == pytest.approx(s, abs=1e-14)


def test_a_class_that_no_longer_occurs_is_ruled_out():
    assert adjust_scores([1.0, 2.0], [0.5, 0.5], [1, 0]).tolist() == [1 + np.log(2), -np.inf]


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ([0.5, 0.5, 0.0], NEW, r"^old\[2\] = 0.0 is the share of a class that was never seen"),
        (OLD, [0.5, 0.6, 0.1], "^new sums to 1.2"),
        (OLD[:2], NEW, "^old has shape"),
        (OLD, [NEW, NEW], r"^new has shape \(2, 3\); a share for each class is needed"),
    ],
)
def test_shares_that_are_none_are_named(old, new, why):
    with pytest.raises(ValueError, match=why):
        adjust_scores([1.0, 2.0, 3.0], old, new)


WEIGHTS = np.array([2.0, 0.5, 4.0])
WEIGHTED = [{"s": [0.0, 3.0, 0.2], "y": y, "weights": WEIGHTS} for y in (0, 1, 2, [0.2, 0.5, 0.3])]


def test_the_gradient_of_the_weighted_loss_is_confirmed():
    for points in (WEIGHTED[:3], WEIGHTED[3:]):
        confirm(weighted_log_loss, weighted_log_loss_grad, points)


def test_a_gradient_without_its_weight_is_refused():
    def wrong(s, y, weights):
        return log_loss_grad(s, y)

    with pytest.raises(ConfirmationError):
        confirm(weighted_log_loss, wrong, WEIGHTED[:3])


def test_weights_of_one_change_nothing():
    s, y = random_examples(classes=3)
    assert weighted_log_loss(s, y, np.ones(3)) == pytest.approx(log_loss(s, y), rel=1e-15)
    assert weighted_log_loss_grad(s, y, np.ones(3)) == pytest.approx(log_loss_grad(s, y))


def test_the_loss_of_a_target_is_the_mean_of_those_of_the_labels():
    s, q = np.array([0.0, 3.0, 0.2]), np.array([0.2, 0.5, 0.3])
    of_labels = weighted_log_loss(s, np.arange(3), WEIGHTS)
    assert weighted_log_loss(s, q, WEIGHTS) == pytest.approx(q @ of_labels, rel=1e-14)


def test_the_weighted_loss_is_smallest_where_scores_have_moved_by_the_logarithm_of_the_weights():
    q = np.array([0.2, 0.5, 0.3])
    best = np.log(q) + np.log(WEIGHTS)
    assert weighted_log_loss_grad(best, q, WEIGHTS) == pytest.approx(np.zeros(3), abs=1e-15)


@pytest.mark.parametrize("f", [weighted_log_loss, weighted_log_loss_grad])
@pytest.mark.parametrize(
    ("weights", "why"),
    [
        ([1.0, 2.0], r"^weights has shape \(2,\); \(3,\) is needed"),
        ([1.0, 0.0, 2.0], r"^weights\[1\] = 0.0 is not a positive number"),
        ([1.0, np.nan, 2.0], r"^weights\[1\] = nan is not a positive number"),
        ([1.0, np.inf, 2.0], r"^weights\[1\] = inf is not a positive number"),
    ],
)
def test_bad_weights_are_named(f, weights, why):
    with pytest.raises(ValueError, match=why):
        f([0.0, 1.0, 2.0], 1, weights)


@pytest.mark.parametrize("f", [weighted_log_loss, weighted_log_loss_grad])
def test_weights_do_not_widen_the_dtype(f):
    assert f(np.float32([0, 1, 2]), 1, WEIGHTS).dtype == np.float32


def test_arguments_are_not_modified():
    s, y = random_examples(classes=3)
    p, before = softmax(s), s.copy()
    reliability(p, y)
    fit_temperature(s, y)
    adjust_scores(s, OLD, NEW)
    weighted_log_loss_grad(s, y, WEIGHTS)
    tempered_log_loss_grad(s, y, 2.0)
    assert np.array_equal(s, before) and np.array_equal(p, softmax(before))
