import numpy as np
import pytest

from lossnotes.losses import continuous_categorical as cc
from lossnotes.losses import softmax as in_float64
from lossnotes.studies import links

SPREADS = [0, 1e-3, 0.1, 1, 10, 100, 700]
NAMES = ["softmax", "exact", "published"]


def scores(classes, spread, count=60):
    """Normal scores; in some rows one leads, in some all others tie."""
    eta = spread * np.random.default_rng(classes).normal(size=(count, classes))
    eta[::3, 0] += 5 * spread
    eta[1::3, 1:] = eta[1::3, 1:2]
    return eta


def test_softmax_is_that_of_the_library():
    eta = scores(10, 3)
    assert links.softmax(eta) == pytest.approx(in_float64.softmax(eta), rel=1e-14)


@pytest.mark.parametrize("spread", SPREADS)
@pytest.mark.parametrize("classes", [2, 3, 5, 10, 20])
def test_the_exact_link_is_the_mean_of_the_continuous_categorical(classes, spread):
    eta = scores(classes, spread)
    assert links.exact(eta) == pytest.approx(cc.mean(eta), rel=1e-13)
    with np.errstate(over="ignore"):
        found = links.exact(eta.astype(np.float32))
    assert found.dtype == np.float32
    right = cc.mean(eta.astype(np.float32).astype(float))
    assert found == pytest.approx(right, rel=3e-6)


def test_the_published_link_is_right_where_scores_are_far_apart():
    eta = np.array([[30.0, 20.0, 5.0, -10.0], [0.0, 40.0, -40.0, 90.0]])
    found, kept = links.published(eta)
    assert kept.all()
    assert found == pytest.approx(cc.mean(eta), rel=1e-9)


@pytest.mark.parametrize("spread", [0, 1])
def test_the_published_link_falls_back_on_softmax(spread):
    """Where scores tie the closed form has no value, and near a tie no digit."""
    eta = scores(10, spread).astype(np.float32)
    with np.errstate(all="ignore"):
        found, kept = links.published(eta)
    assert kept.shape == (60, 1) and kept.mean() < 0.01
    rejected = ~kept[:, 0]
    assert np.array_equal(found[rejected], links.softmax(eta)[rejected])


def test_a_kept_row_may_be_wrong():
    eta = (3 * np.random.default_rng(10).normal(size=(1000, 10))).astype(np.float32)
    with np.errstate(all="ignore"):
        found, kept = links.published(eta)
    off = abs(found - cc.mean(eta.astype(float))).max(axis=1) > 0.01
    assert (off & kept[:, 0]).mean() > 0.1


@pytest.mark.parametrize("name", NAMES)
def test_rows_sum_to_one_and_nothing_is_changed(name):
    eta = scores(6, 20)
    before = eta.copy()
    with np.errstate(all="ignore"):
        found = getattr(links, name)(eta)
    found = found[0] if name == "published" else found
    assert np.array_equal(eta, before)
    assert found.sum(axis=1) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_the_links_are_the_same_compiled(name):
    jax = pytest.importorskip("jax", reason="the extra [studies] is not installed: nothing to jit")
    spread = 100 if name == "published" else 3  # near ties single precision leaves it only noise
    eta = (spread * np.random.default_rng(1).normal(size=(60, 10))).astype(np.float32)
    with np.errstate(all="ignore"):
        plain = getattr(links, name)(eta)
    compiled = jax.jit(getattr(links, name))(jax.numpy.asarray(eta))
    if name == "published":
        assert np.array_equal(compiled[1], plain[1]) and plain[1].mean() > 0.9
        plain, compiled = plain[0], compiled[0]
    assert np.asarray(compiled) == pytest.approx(plain, rel=1e-4)
