"""Label smoothing by cross-entropy and by the continuous categorical. Chapter: smoothing.

What is measured of a trained network: its scores and its last hidden layer go in, NumPy arrays,
and figures come out. `studies/smoothing/train.py` trains the networks and is not needed here.
"""

from itertools import combinations

import numpy as np

from lossnotes.learning.calibration import expected_calibration_error
from lossnotes.studies import links

EPSILON = 0.1  # how much of a label is spread over all classes, as in the paper
LEAST = 1e-3  # no belief is smaller: about one in the number of training images
SCALE = 20  # by which the scores of one competitor are multiplied
# For each loss: the link with which its scores are read, epsilon, and the scale of its scores.
LOSSES = {
    "none": (links.softmax, 0, 1),
    "smoothed": (links.softmax, EPSILON, 1),
    "exact": (links.exact, EPSILON, 1),
    "published": (links.exact, EPSILON, 1),
    "scaled": (links.exact, EPSILON, SCALE),
}


def belief(prediction, epsilon, least=LEAST):
    """The probabilities of the classes, where the prediction is of a smoothed label.

    A label smoothed by epsilon is (1 - epsilon) e_y + epsilon / K. So one that is expected to be
    m comes from classes with the probabilities (m - epsilon / K) / (1 - epsilon). What is smaller
    than `least` is raised to it, and then all are divided by their sum.

    prediction: probability vectors (n, K). epsilon: from 0 to 1, without 1. Result: (n, K).
    Source: the mean of y^LS in Gordon-Rodriguez et al. (2020). Chapter: smoothing.
    """
    classes = prediction.shape[1]
    p = np.maximum((prediction - epsilon / classes) / (1 - epsilon), least)
    return p / p.sum(axis=1, keepdims=True)


def log_loss(p, y):
    """The mean of -log p_y: of beliefs (n, K) and labels (n,), a number."""
    return float(-np.log(p[np.arange(len(y)), y]).mean())


def fit_temperature(scores, y, read):
    """The temperature t at which the belief read(scores / t) has the smallest mean log loss.

    It is looked for between 1/16 and 1024: first in powers of 2, then around the best of them in
    steps of 2^(1/8). Unlike that of softmax alone, this loss need not be convex in
    1/t. Chapter: smoothing.
    """

    def best(exponents):
        losses = [log_loss(read(scores / 2.0**exponent), y) for exponent in exponents]
        return exponents[int(np.argmin(losses))]

    middle = best(np.arange(-4, 11))
    return float(2.0 ** best(np.clip(middle + np.arange(-7, 8) / 8, -4, 10)))


def within_between(features, y, templates=None):
    """The sum of squares within classes, divided by that between them.

    features: (n, d). y: labels (n,). templates: the weights (K, d) of the last layer, or None.
    Without templates, of all classes in the whole space. With them, of each three classes in the
    plane through their three templates, within and between each added up over all threes.
    Result: a number >= 0.
    Sources: Müller et al. (2019), the plane; Gordon-Rodriguez et al. (2020), Table 2.
    Chapter: smoothing.
    """
    classes, place = np.unique(y, return_inverse=True)
    counts = np.bincount(place)
    means = np.array([features[place == c].mean(axis=0) for c in range(len(classes))])
    apart = features - means[place]
    if templates is None:
        deviations = means - counts @ means / counts.sum()
        return float((apart**2).sum() / (counts @ (deviations**2).sum(axis=1)))
    threes = np.array(list(combinations(range(len(classes)), 3)))
    first, second, third = templates[classes[threes.T]]
    planes = np.linalg.qr(np.stack([first - third, second - third], axis=2))[0]
    squares = ((apart @ planes) ** 2).sum(axis=2)  # (threes, n)
    own = (threes[:, :, None] == place).any(axis=1)
    centres, weights = means[threes] @ planes, counts[threes][:, :, None]
    deviations = centres - (weights * centres).sum(axis=1, keepdims=True) / weights.sum(
        axis=1, keepdims=True
    )
    return float(squares[own].sum() / (weights * deviations**2).sum())


def measure(loss, scores, labels, features, templates):
    """The figures of a network that was trained with a loss.

    loss: a name of LOSSES. scores, labels, features: dictionaries with "train", "validation" and
    "test", of which validation serves to choose and to fit temperatures. templates: (K, d). Where a
    training has diverged, what is not finite counts as zero.
    Result: a dictionary of numbers; shares, not per cents. Chapter: smoothing.
    """
    link, epsilon, scale = LOSSES[loss]
    scores, features = (
        {part: np.nan_to_num(each.astype(float), posinf=0, neginf=0) for part, each in of.items()}
        for of in (scores, features)
    )
    scores = {part: scale * each for part, each in scores.items()}
    held, y = scores["validation"], labels["validation"]
    s, truth = scores["test"], labels["test"]

    def right(s):
        return belief(link(s), epsilon)

    def plain(s):
        return belief(links.softmax(s), 0)

    figures = {
        "validation_accuracy": np.mean(held.argmax(axis=1) == y),
        "validation_nll": log_loss(right(held), y),
        "accuracy": np.mean(s.argmax(axis=1) == truth),
        "train_accuracy": np.mean(scores["train"].argmax(axis=1) == labels["train"]),
    }
    t, u = fit_temperature(held, y, right), fit_temperature(held, y, plain)
    for name, p in {
        "": right(s),
        "_tempered": right(s / t),
        "_softmax": plain(s),  # the wrong reading of the continuous categorical
        "_softmax_tempered": plain(s / u),
        "_smoothed": link(s),  # the prediction as it is, of smoothed labels
    }.items():
        figures[f"nll{name}"] = log_loss(np.maximum(p, 1e-300), truth)
        figures[f"ece{name}"] = expected_calibration_error(p, truth)
    lower = belief(link(s), epsilon, LEAST / 10)
    own = s[np.arange(len(s)), truth]
    figures |= {
        "nll_lower": log_loss(lower, truth),
        "temperature": t,
        "temperature_softmax": u,
        "gap": np.mean(own - (s.sum(axis=1) - own) / (s.shape[1] - 1)),
    }
    for part in ("train", "test"):
        figures[f"layer_{part}"] = within_between(features[part], labels[part])
        figures[f"plane_{part}"] = within_between(features[part], labels[part], templates)
    return figures
