"""Students that imitate experts of games."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from lossnotes.losses import continuous_categorical as cc
from lossnotes.losses import softmax
from lossnotes.studies import mimic
from lossnotes.studies.record import Study

FOLDER = Path(__file__).parents[2] / "studies" / "mimic"
Q = np.random.default_rng(0).normal(size=(50, 4))


@pytest.mark.parametrize("game", mimic.ACTIONS)
@pytest.mark.parametrize("seed", [7, 8])
def test_an_expert_is_kept_with_what_it_says(game, seed):
    known = mimic.expert(FOLDER, game, seed)
    assert known.frames.shape == (1024, 10, 10, mimic.CHANNELS[game])
    assert known.q.shape == (1024, mimic.ACTIONS[game]) and np.isfinite(known.q).all()
    assert len(mimic.NAMES[game]) == mimic.ACTIONS[game]
    assert (known.frames[..., 0].sum(axis=(1, 2)) == 1).all()  # there is one player


def test_the_experts_that_are_kept_take_less_than_two_megabytes():
    assert sum(path.stat().st_size for path in FOLDER.glob("experts/*")) < 2e6


def test_half_of_the_states_have_a_smaller_spread_than_the_one_in_the_middle():
    spreads = np.ptp(Q, axis=1)
    assert np.sum(spreads < spreads[mimic.middle(Q)]) == 25


@pytest.mark.parametrize("temperature", [0.3, 1, 10])
def test_at_the_best_scores_the_prediction_of_a_loss_is_the_target(temperature):
    y = mimic.targets(Q, temperature)
    of_ce = mimic.best_scores(Q, temperature, "CE")
    assert np.allclose(softmax.softmax(of_ce), y, rtol=1e-13)
    of_cc = mimic.best_scores(Q, temperature, "CC")
    assert np.allclose(cc.mean(of_cc), y, rtol=1e-12)
    assert (of_ce.max(axis=1) == 0).all() and (of_cc.max(axis=1) == 0).all()


@pytest.mark.parametrize("classes", [2, 3, 6, 18])
def test_near_ties_the_best_scores_are_wider_by_the_number_of_actions_and_one(classes):
    q = 1e-4 * np.random.default_rng(classes).normal(size=(5, classes))
    wide, narrow = (mimic.best_scores(q, 1, loss) for loss in ("CC", "CE"))
    np.testing.assert_allclose(wide, (classes + 1) * narrow, rtol=2e-3)


def test_near_a_corner_the_gap_to_an_action_is_one_over_its_target():
    y = mimic.targets([0.0, -1.0, -1.2], 0.1)
    assert -mimic.best_scores([0.0, -1.0, -1.2], 0.1, "CC")[1:] * y[1:] == pytest.approx(
        1, rel=0.01
    )


def test_a_loss_that_is_none_is_named():
    with pytest.raises(ValueError, match="loss = 'L2' is neither 'CE' nor 'CC'"):
        mimic.best_scores(Q, 1, "L2")


def test_the_closed_form_rejects_ties_and_is_right_where_scores_are_apart():
    assert mimic.closed_form(np.zeros((7, 4))) == (1, 0)
    assert mimic.closed_form(np.array([[0.0, -5.0, -11.0]])) == (0, 0)


def test_the_closed_form_of_near_ties_is_rejected_or_wrong():
    scores = 0.1 * np.random.default_rng(1).normal(size=(500, 5))
    rejected, wrong = mimic.closed_form(scores)
    assert rejected > 0.9 and wrong > 0.01 and rejected + wrong == 1


PLAN = """
packages = []
[[grid]]
kind = "student"
game = "Breakout"
T = [1.0, 0.1]
rescaled = [false, true]
loss = "CE"
expert = [7, 8]
seed = [0, 1, 2]
"""


def test_students_are_ordered_by_expert_and_seed(tmp_path):
    (tmp_path / "plan.toml").write_text(PLAN)
    study = Study(tmp_path)
    with open(study.results, "w") as file:
        for each in reversed(study.configurations):
            score = 100 * each["expert"] + 10 * each["seed"] + each["T"] + 5 * each["rescaled"]
            line = {"configuration": each, "figures": {"score": score}}
            file.write(json.dumps(line) + "\n")
    found = mimic.students(study, "score", "Breakout", 1, "control")
    assert np.array_equal(found, [[706, 716, 726], [806, 816, 826]])


@pytest.mark.parametrize(
    ("pairs", "said"),
    [
        ([1.0, 1.1, 0.9], "found!"),
        ([-1.0, -1.1, -0.9], "found!"),
        ([1.0, 2.6, 0.4], "found"),
        ([0.1, -0.1, 0.1], "alike"),
        ([9.0, -9.0, 8.0], "undecided"),
    ],
)
def test_a_difference_is_found_or_none_or_undecided(pairs, said):
    assert mimic.verdict([pairs, pairs], alike=0.5)[2] == said


def test_the_strict_interval_is_that_of_student():
    for pairs, ratio in mimic.STRICT.items():
        wide, narrow = stats.t.ppf([0.999, 0.975], pairs - 1)
        assert wide / narrow == pytest.approx(ratio, rel=1e-6)
