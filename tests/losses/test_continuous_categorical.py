"""continuous_categorical.npz holds 133 eta (K = 2 to 10 000; equal, nearly equal, in clusters, up
to 700 apart) with log I and the mean, computed in 40-digit ball arithmetic.

`exact` is a second reference, for a few classes: I is the divided difference of exp at the eta_k,
which is the last entry in the first row of the exponential of a bidiagonal matrix (Opitz 1964), and
a derivative in eta_k repeats that eta_k. It knows no special case, equal eta included.
"""

import itertools
import math
import tracemalloc
from collections import Counter
from pathlib import Path

import mpmath
import numpy as np
import pytest
import scipy.stats

from lossnotes.losses import continuous_categorical as cc

REFERENCE = np.load(Path(__file__).with_suffix("").with_name("continuous_categorical.npz"))
FEW = [
    np.array([0.3, -1.2]),
    np.array([700.0, 0.0]),
    np.zeros(4),
    np.array([2.0, 2.0, 2.0 + 1e-9, -5.0]),
    np.array([-3.0, 0.0, 4.0, 4.5, 20.0]),
    np.array([0.0, -1.0, -1.0, -40.0, -90.0]),
]


def cases():
    for number, name in enumerate(REFERENCE["names"]):
        yield name, *(REFERENCE[f"{what}_{number}"] for what in ("eta", "logI", "mean"))


def exact(eta):
    """log I, mean and covariance of eta (K,), to far more digits than a float64 holds."""
    with mpmath.workdps(60 + int(np.ptp(eta))):

        def integral(*repeated):
            points = [mpmath.mpf(float(x)) for x in eta]
            points += [points[k] for k in repeated]
            matrix = mpmath.diag(points)
            for k in range(len(points) - 1):
                matrix[k, k + 1] = 1
            multiplicity = math.prod(map(math.factorial, Counter(repeated).values()))
            return multiplicity * mpmath.expm(matrix)[0, len(points) - 1]

        classes = range(len(eta))
        whole = integral()
        mean = [integral(k) / whole for k in classes]
        covariance = np.empty((len(eta), len(eta)))
        for j, k in itertools.combinations_with_replacement(classes, 2):
            covariance[j, k] = covariance[k, j] = integral(j, k) / whole - mean[j] * mean[k]
        return float(mpmath.log(whole)), np.array(mean, float), covariance


def worst_errors():
    """The largest error of log I, in units of the larger of 1 and itself, and of the mean."""
    normalizer, mean = 0, 0
    for _, eta, log_integral, exact_mean in cases():
        error = abs(cc.log_normalizer(eta) - log_integral) / max(1, abs(log_integral))
        normalizer = max(normalizer, error)
        mean = max(mean, abs(cc.mean(eta) / exact_mean - 1).max())
    return normalizer, mean


def test_normalizer_and_mean_have_the_digits_of_the_reference(record_property):
    normalizer, mean = worst_errors()
    record_property("measured", f"133 references: log I {normalizer:.1e}, mean {mean:.1e}")
    assert normalizer <= 1e-15
    assert mean <= 5e-15


@pytest.mark.parametrize(
    ("constant", "value"), [("STEP", 0.14), ("STEP_IN_WIDTHS", 0.9), ("MOST_NODES", 54)]
)
def test_the_reference_would_notice_a_coarser_quadrature(constant, value, monkeypatch):
    monkeypatch.setattr(cc, constant, value)
    assert worst_errors()[1] > 5e-15


def one_ahead(classes, gap):
    """log I, the first and the last mean, and the first variance of (0, -gap, ..., -gap).

    With w = 1 - y_1 these are integrals of w^n e^(-gap w), incomplete gamma functions.
    """
    with mpmath.workdps(40):
        whole, first, second = (
            mpmath.gammainc(classes - 1 + n, 0, gap, regularized=True) for n in range(3)
        )
        w = (classes - 1) * first / (gap * whole)
        w_squared = classes * (classes - 1) * second / (mpmath.mpf(gap) ** 2 * whole)
        log_integral = mpmath.log(whole) - (classes - 1) * mpmath.log(gap)
        return map(float, (log_integral, 1 - w, w / (classes - 1), w_squared - w**2))


def errors_with_one_ahead(classes, gap):
    """Those of log I, the means and the first variance, where many balance one far above them."""
    log_integral, first, last, variance = one_ahead(classes, gap)
    eta = np.append(0, np.full(classes - 1, -gap))
    mean = cc.mean(eta)
    return (
        abs(cc.log_normalizer(eta) / log_integral - 1),
        max(abs(mean[0] / first - 1), abs(mean[1] / last - 1)),
        abs(cc.covariance(eta)[0, 0] / variance - 1) if classes < 2000 else 0,
    )


@pytest.mark.parametrize("share", [0.7, 0.9, 0.95, 0.98, 1.0])
@pytest.mark.parametrize(("classes", "allowed"), [(20, 5e-15), (300, 1e-14), (10_000, 2e-14)])
def test_many_classes_may_balance_one_far_above_them(classes, allowed, share):
    """The last digit of eta moves these means by more and more as K grows; so may the error."""
    log_integral, mean, variance = errors_with_one_ahead(classes, share * classes)
    assert log_integral <= 1e-15
    assert mean <= allowed
    assert variance <= 2 * allowed


@pytest.mark.parametrize(("constant", "value"), [("STEP", 0.09), ("SIN", 0.7)])
def test_this_balance_would_notice_a_coarser_quadrature(constant, value, monkeypatch):
    monkeypatch.setattr(cc, constant, value)
    if constant == "SIN":  # 44 degrees
        monkeypatch.setattr(cc, "COS", np.sqrt(1 - value**2))
    assert max(errors_with_one_ahead(1000, gap)[2] for gap in (950.0, 980.0)) > 1e-13


def test_without_pieces_a_product_overflows(monkeypatch):
    monkeypatch.setattr(cc, "PIECE", 10**6)
    assert np.isnan(cc.mean(np.append(0, np.full(9_999, -9_800.0)))[0])


@pytest.mark.parametrize("gap", [1e3, 1e6, 1e12])
def test_far_apart_two_classes_vary_like_a_waiting_time(gap):
    covariance = cc.covariance([0.0, -gap]) * gap**2
    assert covariance == pytest.approx(np.array([[1, -1], [-1, 1]]), rel=1e-14)


@pytest.mark.parametrize("eta", FEW)
def test_a_second_reference_agrees(eta, record_property):
    log_integral, mean, covariance = exact(eta)
    deviation = np.sqrt(np.diag(covariance))
    error = abs(cc.covariance(eta) - covariance) / np.outer(deviation, deviation)
    assert cc.log_normalizer(eta) == pytest.approx(log_integral, rel=1e-15, abs=1e-15)
    assert cc.mean(eta) == pytest.approx(mean, rel=5e-15)
    record_property("measured", f"covariance {error.max():.1e} sd_j sd_k")
    assert error.max() <= 1e-14


@pytest.mark.parametrize(
    ("probabilities", "constant"),
    [((0.3, 0.7), 2.11824), ((0.2, 0.3, 0.5), 6.32393), ((0.1, 0.2, 0.3, 0.4), 26.4035)],
)
def test_the_sources_examples(probabilities, constant):
    assert np.exp(-cc.log_normalizer(np.log(probabilities))) == pytest.approx(constant, rel=5e-6)


@pytest.mark.parametrize("classes", [2, 5, 20, 100])
def test_at_equal_lambda_the_constant_is_k_factorial(classes):
    eta = np.full(classes, -np.log(classes))
    assert -cc.log_normalizer(eta) == pytest.approx(math.lgamma(classes + 1), rel=1e-15)
    assert cc.mean(eta) == pytest.approx(np.full(classes, 1 / classes), rel=1e-15)


@pytest.mark.parametrize("gap", [0.5, 3.0, 30.0, 700.0])
def test_two_classes_are_the_truncated_exponential(gap):
    eta = np.array([0.0, -gap])
    peer = scipy.stats.truncexpon(b=gap, scale=1 / gap)  # of y_2, on [0, 1]
    assert cc.mean(eta)[1] == pytest.approx(peer.mean(), rel=1e-12)  # the peer cancels a little
    y = np.array([0.0, 0.2, 0.9, 1.0])
    ours = cc.log_prob(np.stack([1 - y, y], axis=-1), eta)
    assert ours == pytest.approx(peer.logpdf(y), rel=1e-12)


def test_one_class_is_certain():
    assert cc.log_normalizer([2.5]) == 2.5
    assert cc.mean([2.5]) == [1.0]
    assert cc.covariance([2.5]) == [[0.0]]


def test_a_shift_of_eta_shifts_log_i_only():
    eta = np.array([0.5, -1.25, 3.0])
    y = np.array([0.25, 0.25, 0.5])
    assert cc.log_normalizer(eta + 64) == pytest.approx(cc.log_normalizer(eta) + 64, rel=1e-15)
    assert np.array_equal(cc.mean(eta + 64), cc.mean(eta))
    assert cc.nll(eta + 64, y) == cc.nll(eta, y)


def test_a_zero_lambda_leaves_a_face_of_the_simplex():
    eta, face = np.array([0.3, -np.inf, 1.0, -np.inf]), np.array([0.3, 1.0])
    kept = [0, 2]
    assert cc.log_normalizer(eta) == pytest.approx(cc.log_normalizer(face), rel=1e-15)
    assert cc.mean(eta)[kept] == pytest.approx(cc.mean(face), rel=1e-15)
    assert cc.mean(eta)[[1, 3]].tolist() == [0, 0]
    assert cc.covariance(eta)[np.ix_(kept, kept)] == pytest.approx(cc.covariance(face), rel=1e-14)
    assert cc.covariance(eta)[1].tolist() == [0, 0, 0, 0]


def test_off_its_face_the_density_is_zero():
    eta = [0.3, -np.inf, 1.0]
    assert cc.log_prob([0.5, 0.5, 0.0], eta) == -np.inf
    on_the_face = cc.log_prob([0.5, 0.5], [0.3, 1.0])
    assert cc.log_prob([0.5, 0.0, 0.5], eta) == pytest.approx(on_the_face, abs=1e-15)


def test_a_corner_of_the_simplex_is_certain():
    eta = [-np.inf, 7.0, -np.inf]
    assert cc.log_normalizer(eta) == 7
    assert cc.mean(eta).tolist() == [0, 1, 0]


@pytest.mark.parametrize("classes", [2, 3, 10, 100, 1000])
@pytest.mark.parametrize("spread", [0, 1, 700])
def test_covariances_are_those_of_a_graph(classes, spread):
    """Rows of sum zero and nothing positive off the diagonal: such a matrix is semidefinite."""
    eta = spread * np.random.default_rng(3).random(classes)
    covariance = cc.covariance(eta)
    variances = np.diag(covariance)
    deviation = np.sqrt(variances)
    assert np.array_equal(covariance, covariance.T)
    assert (covariance - np.diag(variances)).max() <= 0
    assert abs(covariance.sum(axis=1)).max() <= 1e-14 * variances.max()
    assert np.linalg.eigvalsh(covariance / np.outer(deviation, deviation)).min() > -1e-13


def test_the_loss_is_log_i_minus_eta_times_y():
    rng = np.random.default_rng(0)
    eta, y = rng.normal(0, 3, (6, 4)), rng.dirichlet(np.ones(4), 6)
    expected = cc.log_normalizer(eta) - (eta * y).sum(axis=1)
    assert cc.nll(eta, y) == pytest.approx(expected, rel=1e-14, abs=1e-14)
    assert np.array_equal(cc.log_prob(y, eta), -cc.nll(eta, y))


def test_the_gradient_is_mean_minus_y():
    eta, y = np.array([0.2, -1.0, 0.0]), np.array([0.6, 0.3, 0.1])
    assert cc.nll_grad(eta, y) == pytest.approx(cc.mean(eta) - y, abs=1e-15)
    step = 1e-5 * np.eye(3)
    slope = (cc.nll(eta + step, y) - cc.nll(eta - step, y)) / 2e-5
    assert cc.nll_grad(eta, y) == pytest.approx(slope, abs=1e-10)


def test_the_gradient_keeps_its_digits_where_the_label_is_nearly_certain():
    gradient = cc.nll_grad([1e12, 0.0, 0.0], 0)
    assert gradient == pytest.approx(1e-12 * np.array([-2, 1, 1]), rel=1e-14, abs=0)


def test_value_and_gradient_together_are_those_apart():
    eta, y = np.array([[0.2, -1.0, 0.0], [3.0, 1.0, -np.inf]]), [2, 0]
    value, gradient = cc.nll_and_grad(eta, y)
    assert np.array_equal(value, cc.nll(eta, y))
    assert np.array_equal(gradient, cc.nll_grad(eta, y))


def test_a_label_is_a_corner():
    eta = np.array([[0.2, -1.0, 0.0], [3.0, 1.0, 0.0]])
    corners = np.eye(3)[[2, 0]]
    assert np.array_equal(cc.nll(eta, [2, 0]), cc.nll(eta, corners))
    assert np.array_equal(cc.nll_grad(eta, [2, 0]), cc.nll_grad(eta, corners))


def test_leading_axes_broadcast():
    eta = np.array([0.2, -1.0, 0.0])
    assert cc.nll(eta, [0, 1, 2]).shape == (3,)
    assert cc.nll(eta, np.full((5, 1, 3), 1 / 3)).shape == (5, 1)
    assert cc.nll_grad(np.zeros((2, 1, 3)), [0, 1]).shape == (2, 2, 3)
    assert cc.log_normalizer(np.zeros((0, 3))).shape == (0,)
    assert cc.covariance(np.zeros((2, 5, 3))).shape == (2, 5, 3, 3)
    assert isinstance(cc.nll(eta, 0), np.float64)


def batch_against_single_rows(classes):
    """The largest relative difference of a mean; a single row is computed with all nodes."""
    eta = np.random.default_rng(0).normal(0, 3, (200, classes))
    return abs(cc.mean(eta) / np.array([cc.mean(row) for row in eta]) - 1).max()


def test_rows_in_a_batch_are_what_they_are_alone():
    assert max(map(batch_against_single_rows, (4, 8, 12, 20, 30))) < 5e-15


def test_nodes_left_out_too_early_would_be_noticed(monkeypatch):
    monkeypatch.setattr(cc, "NEGLIGIBLE", 1e-11)
    assert max(map(batch_against_single_rows, (4, 8, 12, 20, 30))) > 5e-15


def test_the_layout_in_memory_changes_nothing():
    eta = np.random.default_rng(0).normal(size=(6, 9))
    assert np.array_equal(cc.mean(np.asfortranarray(eta)), cc.mean(eta))
    assert np.array_equal(cc.covariance(eta[::-1])[::-1], cc.covariance(eta))


def test_float32_in_float32_out():
    eta = np.array([0.2, -1.0, 0.0], np.float32)
    y = cc.mean(eta)
    for result in (
        cc.log_normalizer(eta),
        y,
        cc.covariance(eta),
        cc.fit(y),
        *cc.nll_and_grad(eta, y),
    ):
        assert result.dtype == np.float32
    assert cc.nll(eta, y.astype(float)).dtype == np.float64
    assert cc.log_normalizer(eta) == np.float32(cc.log_normalizer(eta.astype(float)))


def test_inputs_are_not_changed():
    eta, y = np.array([[0.2, -np.inf, 0.0]]), np.array([[0.5, 0.0, 0.5]])
    before = eta.copy(), y.copy()
    cc.nll(eta, y), cc.nll_grad(eta, y), cc.covariance(eta), cc.fit(y)
    cc.sample(eta, 3, np.random.default_rng(0))
    assert np.array_equal(eta, before[0]) and np.array_equal(y, before[1])


def test_a_batch_of_256_times_1000_needs_less_than_100_megabytes(record_property):
    eta = np.random.default_rng(0).normal(size=(256, 1000))
    tracemalloc.start()
    cc.log_normalizer(eta)
    cc.nll_grad(eta, np.zeros(256, int))
    peak = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    record_property("measured", f"log I and gradient of 256 x 1000: {peak:.0f} MB at most")
    assert peak < 100


@pytest.mark.parametrize("gap", [0.0, 3.0, 50.0, -700.0])
def test_samples_of_two_classes_follow_the_closed_form(gap):
    y = cc.sample([0.0, gap], 20_000, np.random.default_rng(1))[:, 1]

    def distribution(y):
        return y if gap == 0 else np.expm1(gap * y) / np.expm1(gap)

    assert scipy.stats.kstest(y, distribution).pvalue > 0.01
    assert scipy.stats.kstest(y, lambda y: distribution(y) ** 1.1).pvalue < 1e-6


@pytest.mark.parametrize("classes", [3, 10, 100, 1000])
@pytest.mark.parametrize("kind", ["equal", "normal", "spread", "cluster"])
def test_samples_have_the_mean_and_the_covariance(classes, kind):
    rng = np.random.default_rng(classes)
    eta = {
        "equal": np.zeros(classes),
        "normal": rng.normal(size=classes),
        "spread": 700 * rng.random(classes),
        "cluster": np.where(np.arange(classes) < 2, 0.0, -30.0),
    }[kind]
    count = 20_000 if classes < 1000 else 1_000
    y = cc.sample(eta, count, rng)
    mean, covariance = cc.mean(eta), cc.covariance(eta)
    deviation = np.sqrt(np.diag(covariance))
    errors = (y.mean(axis=0) - mean) / deviation * np.sqrt(count)
    assert abs(errors).max() < 5
    # Along a fixed direction y is a single number; its variance has a known error.
    direction = rng.normal(size=classes) / deviation
    along = (y - mean) @ direction
    variance = direction @ covariance @ direction
    fourth = (along**4).mean() / variance**2
    assert abs((along**2).mean() / variance - 1) < 5 * np.sqrt((fourth - 1) / count)


def test_samples_lie_on_the_simplex():
    y = cc.sample([[0.0, 1.0, -700.0], [0.0, -np.inf, 2.0]], (50, 2), np.random.default_rng(0))
    assert y.shape == (50, 2, 2, 3)
    assert y.min() >= 0
    assert y.sum(axis=-1) == pytest.approx(np.ones((50, 2, 2)), abs=1e-15)
    assert (y[:, :, 1, 1] == 0).all()
    assert cc.sample([0.0, 1.0], (), np.random.default_rng(0)).shape == (2,)


def test_a_seed_gives_its_samples_again():
    draws = [cc.sample(np.zeros(4), 10, np.random.default_rng(7)) for _ in range(2)]
    assert np.array_equal(*draws)
    assert not np.array_equal(draws[0], cc.sample(np.zeros(4), 10, np.random.default_rng(8)))


def test_fit_finds_the_eta_of_a_mean(record_property):
    worst = 0
    for _, eta, _, mean in cases():
        if len(eta) > 1000:
            continue
        gap = eta.max() - eta
        error = abs(cc.fit(mean) + gap) / np.maximum(1 / mean.max(), gap)
        worst = max(worst, error.max())
    record_property("measured", f"fit: eta within {worst:.1e} of its gap or of 1 / max mean")
    assert worst < 2e-13


def test_fit_reaches_means_of_1e_12():
    mean = np.array([[1e-12, 0.5, 0.5 - 1e-12], [1e-12, 1e-6, 1 - 1e-12 - 1e-6]])
    eta = cc.fit(mean)
    assert cc.mean(eta) == pytest.approx(mean, rel=1e-14)
    assert eta[0, 0] == pytest.approx(-1e12, rel=1e-10)


def test_fit_divides_by_the_sum():
    mean = np.array([0.2, 0.3, 0.5]) * (1 + 1e-9)
    assert cc.mean(cc.fit(mean)) == pytest.approx([0.2, 0.3, 0.5], rel=1e-14)


def test_fit_of_a_face_and_of_a_corner():
    eta = cc.fit([[0.0, 0.3, 0.7], [0.0, 1.0, 0.0]])
    assert eta[0, 0] == -np.inf
    assert cc.mean(eta[0])[1:] == pytest.approx([0.3, 0.7], rel=1e-14)
    assert eta[1].tolist() == [-np.inf, 0, -np.inf]


def test_the_gap_that_fits_smoothed_labels():
    eta = cc.fit(np.where(np.arange(10) == 3, 0.91, 0.01))
    assert eta[3] - np.delete(eta, 3) == pytest.approx(np.full(9, 100.0), rel=1e-3)


@pytest.mark.filterwarnings("error")
def test_a_gap_beyond_the_floats_is_a_zero_lambda_without_a_warning():
    eta = [1.5e308, -1.5e308, 0.0]
    assert cc.log_normalizer(eta) == 1.5e308
    assert cc.mean(eta)[:2] == pytest.approx([1, 0], rel=1e-15)
    assert cc.nll_grad(eta, 0) == pytest.approx([0, 0, 0], abs=1e-300)
    assert cc.nll(eta, [0.5, 0.5, 0.0]) == np.inf
    assert cc.nll([0.0, -np.inf], 0) == 0
    assert cc.covariance(eta)[0, 1] == 0
    assert cc.sample(eta, 5, np.random.default_rng(0))[:, 1].tolist() == [0] * 5
    assert cc.fit([1e-300, 1.0])[0] == pytest.approx(-1e300)


@pytest.mark.parametrize(
    ("call", "why"),
    [
        (lambda: cc.mean([[0.0, np.nan]]), r"eta\[0, 1\] = nan is not a score"),
        (lambda: cc.log_normalizer([np.inf, 0.0]), r"eta\[0\] = inf is not a score"),
        (lambda: cc.covariance([-np.inf, -np.inf]), r"eta = .* rules out every class"),
        (lambda: cc.mean(3.0), "eta has shape"),
        (lambda: cc.nll([0.0, 1.0], [0.4, 0.4]), "y sums to 0.8"),
        (lambda: cc.nll([0.0, 1.0], 2), r"y = 2 is not a label"),
        (lambda: cc.log_prob([0.2, 0.3, 0.5], [0.0, 1.0]), "y has dtype float64 and shape"),
        (lambda: cc.nll(np.zeros((2, 3)), [0, 1, 2]), r"eta \(2,\) and y \(3,\)"),
        (lambda: cc.fit([0.5, -0.5, 1.0]), r"mean\[1\] = -0.5 is not a probability"),
        (lambda: cc.fit([1e-310, 0.5, 0.5]), r"mean\[0\] = 1e-310 is too small"),
        (lambda: cc.fit(np.float32([1, 1e-40])), r"mean\[1\] = .* is too small"),
        (lambda: cc.sample([0.0, 1.0], ((1, 2), 3), np.random.default_rng(0)), "size = "),
        (lambda: cc.sample([0.0, 1.0], -1, np.random.default_rng(0)), "size = -1"),
        (lambda: cc.sample([0.0, 1.0], 2.5, np.random.default_rng(0)), "size = 2.5"),
        (lambda: cc.sample([0.0, 1.0], 2, 0), "rng = 0 is not a numpy"),
    ],
)
def test_bad_input_is_named(call, why):
    with pytest.raises(ValueError, match=why):
        call()


# What it costs


def quadratures_to_fit(means, monkeypatch):
    """How many Quadratures it takes."""
    found, begin = [], cc.Quadrature.__init__
    with monkeypatch.context() as patch:
        patch.setattr(cc.Quadrature, "__init__", lambda self, eta: found.append(begin(self, eta)))
        cc.fit(means)
    return len(found)


def test_rows_are_fitted_together(monkeypatch):
    means = np.random.default_rng(8).dirichlet(np.ones(10), 300)
    alone = max(quadratures_to_fit(mean, monkeypatch) for mean in means[:20])
    assert quadratures_to_fit(means, monkeypatch) < 4 * alone


@pytest.mark.parametrize("classes", [2, 10, 300])
def test_ten_corrections_bring_a_fit_to_the_last_digits(classes, monkeypatch):
    errors, means = [], cc._means
    for mean in np.random.default_rng(9).dirichlet(np.full(classes, 0.5), 30):
        with monkeypatch.context() as patch:
            patch.setattr(cc, "_means", lambda eta: errors.append(found := means(eta)) or found)
            cc.fit(mean)
        worst = [abs(found[0] / mean - 1).max() for found in errors]
        assert min(worst[:11]) <= 1e-14
        assert len(errors) <= 15  # where the last digit comes to rest, rounding decides
        errors.clear()


@pytest.mark.parametrize("classes", [2, 10, 100, 1000])
@pytest.mark.parametrize("kind", ["equal", "normal", "one on top", "some on top"])
def test_a_point_takes_a_few_trials_however_many_classes_there_are(classes, kind):
    rng, place = np.random.default_rng(9), np.arange(classes)
    eta = {
        "equal": np.zeros(classes),
        "normal": rng.normal(size=classes),
        "one on top": np.where(place == 0, 3.0 * classes, 0),
        "some on top": np.where(place < np.sqrt(classes), 1.0 * classes, 0),
    }[kind]
    log_integral = cc.Quadrature(eta[None]).log_integral[0]
    gap = np.sort(eta.max() - eta)
    proposals = [make(gap, log_integral) for make in (cc._FilledUp, cc._Divided)]
    assert max(proposal.acceptance for proposal in proposals) > 0.5


@pytest.mark.parametrize("make", [cc._FilledUp, cc._Divided])
@pytest.mark.parametrize("gap", [[0.0, 0.0], [0.0, 1.0, 4.0], [0.0, 0.5, 0.5, 20.0]])
def test_either_proposal_has_the_mean_and_is_accepted_as_often_as_it_says(make, gap):
    gap, trials = np.array(gap), 40_000
    proposal = make(gap, cc.Quadrature(-gap[None]).log_integral[0])
    drawn = proposal(trials, np.random.default_rng(10))
    assert len(drawn) / trials == pytest.approx(proposal.acceptance, abs=4 * 0.5 / trials**0.5)
    error = np.sqrt(np.diag(cc.covariance(-gap)) / len(drawn))
    assert (abs(drawn.mean(axis=0) - cc.mean(-gap)) < 4 * error).all()
