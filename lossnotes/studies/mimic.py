"""Students that imitate experts of games: their targets, and what the study's record says.

An expert gives an action k in a state the value Q_k; the student's target is softmax(Q / T).
Chapter: mimic. The study is `studies/mimic`; nothing here needs what its runs need.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from lossnotes.losses import continuous_categorical, softmax
from lossnotes.studies import links
from lossnotes.studies.record import interval
from lossnotes.studies.single import Single

ACTIONS = {"Breakout": 3, "SpaceInvaders": 4, "Asterix": 5}
STAY, LEFT, UP, RIGHT, DOWN = (
    r"$\circ$",
    *(rf"$\{way}arrow$" for way in ("left", "up", "right", "down")),
)
NAMES = {  # of the actions, for pictures
    "Breakout": [STAY, LEFT, RIGHT],
    "SpaceInvaders": [STAY, LEFT, RIGHT, "fire"],
    "Asterix": [STAY, LEFT, UP, RIGHT, DOWN],
}
CHANNELS = {"Breakout": 4, "SpaceInvaders": 6, "Asterix": 4}
STATES = 1024

# Kinds of students, as the plan's configurations have them.
KINDS = {
    "CE": {"loss": "CE", "rescaled": False},
    "CC": {"loss": "CC", "rescaled": False},
    "published": {"loss": "published", "rescaled": False},
    "control": {"loss": "CE", "rescaled": True},
}
# Whose student, at which temperature, and in which game it is measured.
ROWS = [
    *((game, temperature, game) for game in ACTIONS for temperature in (1, 0.1)),
    *(("all", 1, game) for game in ACTIONS),
]
# The width of a 99.8 % interval over that of 95 %, by the number of pairs (Student's t).
STRICT = {6: 5.893430 / 2.570582, 10: 4.296806 / 2.262157}


class Expert(NamedTuple):
    """frames: bool (1024, 10, 10, channels) of its own play. q: what it says there, (1024, K)."""

    frames: np.ndarray
    q: np.ndarray


def expert(folder, game, seed):
    """What is kept of an expert in the folder of the study; q in float64."""
    shape = STATES, 10, 10, CHANNELS[game]
    with np.load(Path(folder) / "experts" / f"{game}-{seed}.npz") as kept:
        bits = np.unpackbits(kept["frames"])[: np.prod(shape)]
        return Expert(bits.reshape(shape).astype(bool), kept["q"].astype(np.float64))


def middle(q):
    """The state of which half of all have a smaller spread of Q, max minus min: an index."""
    return int(np.argsort(np.ptp(q, axis=1), kind="stable")[len(q) // 2])


def targets(q, temperature):
    """softmax(Q / T): q (..., K), T > 0. Result: (..., K)."""
    return softmax.softmax(np.asarray(q) / temperature)


def best_scores(q, temperature, loss):
    """The eta at which a loss is least for softmax(Q / T), with the largest at zero: (..., K).

    loss: "CE", where it is Q / T, or "CC", where the mean of the continuous categorical is the
    target. Raises ValueError for another loss, and where eta is beyond the floats.
    """
    if loss == "CE":
        scores = np.asarray(q) / temperature
        return scores - scores.max(axis=-1, keepdims=True)
    if loss == "CC":
        return continuous_categorical.fit(targets(q, temperature))
    raise ValueError(f"loss = {loss!r} is neither 'CE' nor 'CC'")


def closed_form(eta):
    """What the published rule does with scores (n, K) in single precision: two shares of the rows.

    Those that it rejects, and trains by cross-entropy; and those that it keeps with a mean that is
    off by more than .01 somewhere.
    """
    single = Single(eta - np.max(eta, axis=1, keepdims=True))
    with np.errstate(all="ignore"):
        found, kept = links.published(single)
    off = abs(found - continuous_categorical.mean(single.astype(np.float64))).max(axis=1) > 0.01
    return float(np.mean(~kept)), float(np.mean(kept[:, 0] & off))


def students(study, figure, game, temperature, kind):
    """A figure of students, by expert and seed: (2, 5); (2, 3) with "all" for the game.

    The figures of a student have its game's name, such as "score Breakout". kind: one of KINDS.
    """
    fixed = {"kind": "student", "game": game, "T": temperature, **KINDS[kind]}
    return study.array(figure, "expert", "seed", **fixed)


def verdict(pairs, alike):
    """What differences of pairs say by the plan's rule: mean, half the width of its interval, word.

    pairs: (2, 5) or (2, 3). alike: how small a difference counts as none. The word is "found" where
    the 95 % interval leaves out zero, and "found!" where that of 99.8 % does; "alike" where it lies
    within plus and minus alike; else "undecided".
    """
    mean, half = interval(np.ravel(pairs))
    if abs(mean) > half:
        return mean, half, "found!" if abs(mean) > STRICT[np.size(pairs)] * half else "found"
    return mean, half, "alike" if abs(mean) + half <= alike else "undecided"
