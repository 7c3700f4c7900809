import numpy as np
import pytest
from mpmath import mp
from scipy.special import logsumexp

from lossnotes.losses.softmax import log_loss
from lossnotes.studies import contrastive

rng = np.random.default_rng(0)
BATCH = rng.normal(size=(8, 3))
CLASSES = np.array([0, 1, 0, 2])
LOSSES = {
    "nt_xent": (contrastive.nt_xent, contrastive.nt_xent_grad),
    "decoupled": (contrastive.decoupled, contrastive.decoupled_grad),
    "supervised": (
        lambda u, t: contrastive.supervised_contrastive(u, CLASSES, t),
        lambda u, t: contrastive.supervised_contrastive_grad(u, CLASSES, t),
    ),
}
each_loss = pytest.mark.parametrize(("loss", "grad"), LOSSES.values(), ids=LOSSES)


def exact(u, t):
    """Equation 1 of the paper at fifty digits."""
    with mp.workdps(50):
        rows = [[mp.mpf(x) for x in row] for row in u]
        z = [[x / mp.sqrt(mp.fsum(y * y for y in row)) for x in row] for row in rows]
        count, total = len(z), mp.mpf(0)
        for a in range(count):
            dots = [mp.fdot(z[a], other) / mp.mpf(t) for other in z]
            others = [mp.exp(dots[k]) for k in range(count) if k != a]
            total += mp.log(mp.fsum(others)) - dots[(a + count // 2) % count]
        return total / count


@pytest.mark.parametrize("t", [0.05, 0.5, 2.0])
def test_nt_xent_is_equation_1_of_the_paper(t):
    assert contrastive.nt_xent(BATCH, t) == pytest.approx(float(exact(BATCH, t)), rel=1e-13)


def test_nt_xent_is_log_sum_exp_of_the_masked_matrix_minus_the_positives():
    u = np.random.default_rng(7).normal(size=(24, 5))
    z = u / np.linalg.norm(u, axis=1, keepdims=True)
    scores = z @ z.T / 0.1
    positives = np.roll(scores, 12, axis=1).diagonal()
    np.fill_diagonal(scores, -np.inf)
    expected = (logsumexp(scores, axis=1) - positives).mean()
    assert contrastive.nt_xent(u, 0.1) == pytest.approx(expected, rel=1e-13)


def test_nt_xent_is_that_of_optax():
    jax = pytest.importorskip("jax", reason="the extra [studies] is not installed: no Optax")
    optax = pytest.importorskip("optax", reason="the extra [studies] is not installed: no Optax")
    rng, images = np.random.default_rng(11), np.tile(np.arange(6), 2)
    with jax.enable_x64(True):
        theirs = jax.jit(jax.value_and_grad(optax.losses.ntxent))
        for t in 10 ** rng.uniform(-1.3, 1, 30):
            u = rng.normal(size=(12, 5))
            value, gradient = theirs(u, images, t)
            assert contrastive.nt_xent(u, t) == pytest.approx(float(value), rel=1e-12)
            assert contrastive.nt_xent_grad(u, t) == pytest.approx(np.asarray(gradient), abs=1e-12)


@each_loss
def test_a_gradient_is_that_of_its_loss(loss, grad):
    for place in np.ndindex(BATCH.shape):
        step = np.zeros_like(BATCH)
        step[place] = 1e-5
        slope = (loss(BATCH + step, 0.3) - loss(BATCH - step, 0.3)) / 2e-5
        assert grad(BATCH, 0.3)[place] == pytest.approx(slope, rel=1e-6, abs=1e-9)


def test_the_derivative_in_the_temperature_is_that_of_the_loss():
    slope = (contrastive.nt_xent(BATCH, 0.3 + 1e-5) - contrastive.nt_xent(BATCH, 0.3 - 1e-5)) / 2e-5
    assert contrastive.nt_xent_temperature_grad(BATCH, 0.3) == pytest.approx(slope, rel=1e-7)


@each_loss
def test_a_gradient_is_orthogonal_to_every_embedding(loss, grad):
    assert (grad(BATCH, 0.3) * BATCH).sum(axis=1) == pytest.approx(np.zeros(8), abs=1e-14)


@each_loss
def test_a_loss_sees_no_lengths(loss, grad):
    lengths = np.geomspace(1e-200, 1e200, 8)[:, None]
    assert loss(lengths * BATCH, 0.3) == pytest.approx(loss(BATCH, 0.3), rel=1e-13)


def test_collapse_costs_log_of_the_number_of_others_and_has_no_gradient():
    same = np.ones((10, 4))
    assert contrastive.nt_xent(same, 0.2) == pytest.approx(np.log(9), rel=1e-14)
    assert abs(contrastive.nt_xent_grad(same, 0.2)).max() < 1e-14


@pytest.mark.parametrize("count", [2, 3, 10])
def test_a_simplex_reaches_the_least_value_and_random_batches_do_not(count):
    corners = np.tile(np.eye(count) - 1 / count, (2, 1))
    least = contrastive.least_nt_xent(count, 0.4)
    assert contrastive.nt_xent(corners, 0.4) == pytest.approx(least, rel=1e-12)
    assert all(contrastive.nt_xent(rng.normal(size=(2 * count, 5)), 0.4) > least for _ in range(50))


def test_labels_of_their_own_make_the_supervised_loss_nt_xent():
    own = contrastive.supervised_contrastive(BATCH, np.arange(4), 0.3)
    assert own == pytest.approx(contrastive.nt_xent(BATCH, 0.3), rel=1e-14)


def test_the_decoupled_loss_of_an_anchor_is_log_of_e_to_the_loss_minus_one():
    z = contrastive.unit(BATCH)
    scores = (z @ z.T / 0.3)[~np.eye(8, dtype=bool)].reshape(8, 7)
    losses = log_loss(scores, [3, 4, 5, 6, 0, 1, 2, 3])
    expected = np.log(np.expm1(losses)).mean()
    assert contrastive.decoupled(BATCH, 0.3) == pytest.approx(expected, rel=1e-12)


def test_parallel_vectors_are_alike_and_opposite_ones_are_not():
    u = np.array([1e-180, 2e-180])
    assert contrastive.cosine_similarity(u, [3, 6]) == pytest.approx(1)
    assert contrastive.cosine_similarity(u, [-3, -6]) == pytest.approx(-1)


def test_collapse_is_aligned_and_not_uniform():
    same = np.ones((8, 3))
    assert contrastive.alignment(same) == pytest.approx(0, abs=1e-15)
    assert contrastive.uniformity(same) == pytest.approx(0, abs=1e-14)
    assert contrastive.uniformity(BATCH) < -0.5


def test_a_view_without_any_change_is_the_image():
    images = rng.random((5, 8, 8))
    assert np.array_equal(contrastive.views(images, rng, 0, 0, 0, 0), images)


def test_a_shifted_view_keeps_what_does_not_leave_the_image():
    images = np.zeros((50, 8, 8))
    images[:, 3:5, 3:5] = 1
    seen = contrastive.views(images, rng, shift=2, turn=0, scale=0, noise=0)
    assert seen.sum(axis=(1, 2)) == pytest.approx(np.full(50, 4.0))


def test_float32_stays_float32():
    small = BATCH.astype(np.float32)
    assert contrastive.nt_xent(small, 0.3).dtype == np.float32
    assert contrastive.nt_xent_grad(small, 0.3).dtype == np.float32


@pytest.mark.parametrize(
    ("u", "t", "says"),
    [
        (np.ones((2, 3)), 0.3, r"u has shape \(2, 3\)"),
        (np.ones((5, 3)), 0.3, r"u has shape \(5, 3\)"),
        (np.zeros((4, 3)), 0.3, r"u\[0\] = .* has no direction"),
        (np.full((4, 3), np.nan), 0.3, r"u\[0, 0\] = nan is not finite"),
        (np.ones((4, 3)), 0.0, "t = 0.0 is not positive"),
    ],
)
def test_bad_input_is_named(u, t, says):
    with pytest.raises(ValueError, match=says):
        contrastive.nt_xent(u, t)


def test_labels_of_another_shape_are_refused():
    with pytest.raises(ValueError, match="y has shape"):
        contrastive.supervised_contrastive(BATCH, np.arange(8), 0.3)


def test_an_encoder_learns_to_tell_images_apart():
    images = np.random.default_rng(3).uniform(size=(64, 8, 8)) * (np.indices((8, 8)).sum(0) % 3)
    network = contrastive.encoder(64, np.random.default_rng(4), entries=8)

    def loss():
        seen = contrastive.views(np.concatenate([images, images]), np.random.default_rng(5))
        return contrastive.nt_xent(network.forward(seen.reshape(128, 64)), 0.2)

    before = loss()
    contrastive.learn(network, images, np.random.default_rng(6), batch=16, steps=40)
    assert loss() < 0.9 * before


def test_learning_is_the_descent_that_its_source_says():
    """Two steps by hand: the second has nine tenths of the first."""
    images = np.random.default_rng(7).uniform(size=(8, 4, 4))
    network, other = (contrastive.encoder(16, np.random.default_rng(8)) for _ in range(2))
    contrastive.learn(network, images, np.random.default_rng(9), t=0.3, batch=4, steps=2, step=0.1)
    rng, moved = np.random.default_rng(9), []
    for _ in range(2):
        some = rng.choice(8, 4, replace=False)
        seen = contrastive.views(np.tile(images[some], (2, 1, 1)), rng).reshape(8, 16)
        other.backward(contrastive.nt_xent_grad(other.forward(seen), 0.3))
        moved.append(other.gradient())
        other.w = other.w - 0.1 * sum(0.9**age * g for age, g in enumerate(reversed(moved)))
    assert network.w == pytest.approx(other.w, rel=1e-12)
