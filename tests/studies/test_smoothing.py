import numpy as np
import pytest

from lossnotes.learning.calibration import fit_temperature
from lossnotes.losses.label_smoothing import smooth
from lossnotes.studies import links, smoothing

rng = np.random.default_rng(0)
LABELS = rng.integers(0, 5, 300)
CENTRES = rng.normal(size=(5, 8))
LAYER = CENTRES[LABELS] + 0.3 * rng.normal(size=(300, 8))


def test_the_belief_of_a_smoothed_label_is_the_label():
    found = smoothing.belief(smooth(np.arange(10), 10, 0.1), 0.1, least=0)
    assert found == pytest.approx(np.eye(10), abs=1e-15)


def test_the_belief_of_a_mixture_is_the_mixture():
    shares = np.array([[0.5, 0.2, 0.3]])
    assert smoothing.belief(shares @ smooth(np.arange(3), 3, 0.2), 0.2) == pytest.approx(shares)


def test_what_is_smaller_than_the_least_is_raised_to_it():
    found = smoothing.belief(np.array([[0.93, 0.04, 0.03]]), 0.1)[0]
    raised = np.array([(0.93 - 0.1 / 3) / 0.9, (0.04 - 0.1 / 3) / 0.9, 1e-3])
    assert found == pytest.approx(raised / raised.sum(), rel=1e-14)


@pytest.mark.parametrize("true", [0.3, 1.0, 7.0])
def test_the_temperature_is_found_as_in_the_chapter_on_calibration(true):
    draw = np.random.default_rng(1)
    s = draw.normal(size=(4000, 5))
    y = (s + draw.gumbel(size=s.shape)).argmax(axis=1)
    found = smoothing.fit_temperature(true * s, y, links.softmax)
    assert found == pytest.approx(fit_temperature(true * s, y), rel=2**0.125 - 1)


def slow_within_between(features, y, project):
    """By the definition, in loops."""
    inside = outside = 0
    for three in project:
        plane = project[three]
        x, labels = features[np.isin(y, three)] @ plane, y[np.isin(y, three)]
        for c in three:
            own = x[labels == c]
            inside += ((own - own.mean(axis=0)) ** 2).sum()
            outside += len(own) * ((own.mean(axis=0) - x.mean(axis=0)) ** 2).sum()
    return inside / outside


def test_within_and_between_in_the_whole_layer():
    whole = {tuple(range(5)): np.eye(8)}
    expected = slow_within_between(LAYER, LABELS, whole)
    assert smoothing.within_between(LAYER, LABELS) == pytest.approx(expected, rel=1e-12)


def test_within_and_between_in_the_planes_of_templates():
    templates = rng.normal(size=(5, 8))
    planes = {}
    for a in range(5):
        for b in range(a + 1, 5):
            for c in range(b + 1, 5):
                one, two = templates[a] - templates[c], templates[b] - templates[c]
                one = one / np.linalg.norm(one)
                two = two - one * (one @ two)
                planes[a, b, c] = np.stack([one, two / np.linalg.norm(two)], axis=1)
    expected = slow_within_between(LAYER, LABELS, planes)
    found = smoothing.within_between(LAYER, LABELS, templates)
    assert found == pytest.approx(expected, rel=1e-12)


def test_the_plane_does_not_see_what_is_across_it():
    templates = np.eye(8)[:5]
    noise = np.where(np.arange(8) < 5, 0, rng.normal(size=(300, 8)))
    before = smoothing.within_between(LAYER, LABELS, templates)
    assert smoothing.within_between(LAYER + noise, LABELS, templates) == pytest.approx(before)
    assert smoothing.within_between(LAYER + noise, LABELS) > before


@pytest.mark.parametrize("loss", smoothing.LOSSES)
def test_what_is_measured_of_perfect_scores(loss):
    """Scores whose prediction is the target: right, sure, and with the gap that the loss asks."""
    y = np.arange(60) % 10
    gap = {"none": 40, "smoothed": np.log(91)}.get(loss, 100 / smoothing.LOSSES[loss][2])
    parts = dict.fromkeys(["train", "validation", "test"])
    scores = {part: gap * np.eye(10)[y] for part in parts}
    layers = {part: np.eye(10)[y] + 0.01 * np.arange(60)[:, None] for part in parts}
    found = smoothing.measure(loss, scores, dict.fromkeys(parts, y), layers, np.eye(10))
    assert found["accuracy"] == found["validation_accuracy"] == found["train_accuracy"] == 1
    assert found["gap"] == pytest.approx(gap * smoothing.LOSSES[loss][2])
    assert found["nll"] == pytest.approx(-np.log(1 / (1 + 9e-3)), rel=0.02)
    assert found["ece"] == pytest.approx(9e-3, rel=0.03)
    assert all(np.isfinite(list(found.values())))
