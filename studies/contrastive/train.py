"""One run of the study: something is learnt of digits, and then a few labels are given.

`run` takes a configuration, as plan.toml lists them, to its figures.
"""

import functools

import numpy as np
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from lossnotes.learning import backprop
from lossnotes.studies import contrastive

LABELS = 1, 5, 10, 50  # of each class
POOL, TEST = slice(0, 1437), slice(1437, None)


def run(configuration):
    """Shares of the test read rightly, by features and number of labels a class."""
    learner, seed = configuration["learner"], configuration["seed"]
    x, truth = digits()
    with threadpool_limits(1):  # several runs share a machine, and sums have one order
        if learner == "supervised":
            return {f"network {n}": supervised(x, truth, n, seed) for n in LABELS}
        if learner == "SimCLR":
            features = learnt(x, configuration)
        elif learner == "PCA":
            features = {"components": PCA(20, random_state=0).fit(x[POOL]).transform(x)}
        else:
            features = {"pixels": x}
        return {
            f"{name} {n}": probe(each, truth, n, seed)
            for name, each in features.items()
            for n in LABELS
        }


@functools.cache
def digits():
    """Pixels from 0 to 1, (1797, 64), and labels, in a random order that is the same for all."""
    x, truth = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(x))
    return x[order] / 16, truth[order]


def learnt(x, configuration):
    """What the body and the embedding make of all digits, after training without labels."""
    settings, seed = dict(configuration), configuration["seed"]
    del settings["learner"], settings["seed"]
    network = contrastive.encoder(64, np.random.default_rng([seed, 1]))
    rng = np.random.default_rng([seed, 2])
    contrastive.learn(network, x[POOL].reshape(-1, 8, 8), rng, **settings)
    return {
        "body": backprop.Network(network.layers[:2]).forward(x),
        "embedding": contrastive.unit(network.forward(x)),
    }


def labelled(truth, count, seed):
    """Which digits have a label: `count` of each class."""
    rng, y = np.random.default_rng([seed, 3]), truth[POOL]
    of_class = [rng.permutation(np.flatnonzero(y == c)) for c in range(10)]
    return np.concatenate([members[:count] for members in of_class])


def probe(features, truth, count, seed):
    """A softmax classifier upon features that are centred and have the mean square one."""
    features = features - features[POOL].mean(axis=0)
    features = features / np.sqrt((features[POOL] ** 2).mean())
    some = labelled(truth, count, seed)
    model = LogisticRegression(tol=1e-3, max_iter=500)
    model.fit(features[some], truth[some])
    return np.mean(model.predict(features[TEST]) == truth[TEST])


def supervised(x, truth, count, seed, steps=300, step=0.1):
    """The body with ten scores upon it, trained on views of the labelled digits alone."""
    rng, change = np.random.default_rng([seed, 4]), 0
    network = backprop.perceptron((64, 256, 10), backprop.ReLU, rng)
    some = labelled(truth, count, seed)
    for _ in range(steps):
        batch = rng.choice(some, 64)
        seen = contrastive.views(x[batch].reshape(-1, 8, 8), rng).reshape(64, 64)
        slope = backprop.mean_loss_grad(network, seen, truth[batch])
        change = 0.9 * change - step * slope
        network.w = network.w + change
    return np.mean(network.forward(x[TEST]).argmax(-1) == truth[TEST])
