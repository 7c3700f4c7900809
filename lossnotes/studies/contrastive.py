"""Contrastive learning: the loss of SimCLR, its kin, and views of images. Chapter: contrastive.

A batch holds two views of each of N images: rows n and N + n of an array (2N, d) belong to the
same image. Each row is an anchor in its turn, the other view of its image is its positive, and the
2N - 2 views of other images are its negatives.
"""

import numpy as np

from lossnotes.learning import backprop
from lossnotes.losses import _arguments as arguments
from lossnotes.losses.logsumexp import logsumexp
from lossnotes.losses.softmax import log_loss, log_loss_grad, softmax


def unit(u):
    """u / |u|: the direction of a vector.

    u: vectors (..., d), finite, none of them zero. Result: (..., d), of length one.
    Raises ValueError for a vector that is zero, or not finite.
    Source: Chen et al. (2020), the l2 normalisation. Chapter: contrastive.
    """
    u, dtype = _vectors("u", u)
    return _unit(u)[0].astype(dtype)


def unit_back(u, z_grad):
    """From the gradient in z = u / |u| to that in u: (g - (g . z) z) / |u|, orthogonal to u.

    u, z_grad: (..., d). Result: (..., d). Errors as in `unit`.
    Where g is nearly parallel to z the two terms cancel; then the result is accurate to the last
    digits of the larger. Source: the chain rule. Chapter: contrastive.
    """
    u, dtype = _vectors("u", u)
    g, of_g = _vectors("z_grad", z_grad, zero=True)
    arguments.common_shape(u=u.shape, z_grad=g.shape)
    return _unit_back(*_unit(u), g).astype(np.result_type(dtype, of_g))


def cosine_similarity(u, v):
    """u . v / (|u| |v|): the cosine of the angle between u and v, from -1 to 1.

    u, v: (..., d), of which none is zero. Result: (...,). Errors as in `unit`.
    Source: Chen et al. (2020), sim(u, v). Chapter: contrastive.
    """
    z, other, dtype = _two_directions(u, v)
    return np.clip((z[0] * other[0]).sum(axis=-1), -1, 1).astype(dtype)[()]


def cosine_similarity_grad(u, v):
    """The gradient of `cosine_similarity` in u: (v/|v| - cos u/|u|) / |u|, orthogonal to u.

    Result: (..., d). Errors as in `unit`, accuracy as in `unit_back`. Chapter: contrastive.
    """
    z, other, dtype = _two_directions(u, v)
    return _unit_back(*z, other[0]).astype(dtype)


def nt_xent(u, t):
    """The mean over all anchors of the log loss of the positive among the other 2N - 1 views.

    The scores of an anchor are its cosine similarities, divided by the temperature.
    u: embeddings (2N, d), of any lengths but zero. t: temperature, positive.
    Result: a number, at least `least_nt_xent(N, t)` and log(2N - 1) if all directions agree.
    Raises ValueError for fewer than two images, a vector that is zero or not finite, a bad t.
    Source: Chen et al. (2020), eq. 1. Chapter: contrastive.
    """
    z, _, t, dtype = _batch(u, t)
    return log_loss(_of_others(z @ z.T) / t, _positives(len(z))).mean().astype(dtype)


def nt_xent_grad(u, t):
    """The gradient of `nt_xent` in u, through all three parts of a view and its normalisation.

    A view is an anchor, the positive of one other view and a negative of all the rest.
    Result: (2N, d), each row orthogonal to that of u. Arguments and errors as in `nt_xent`.
    Source: Chen et al. (2020), eq. 1. Chapter: contrastive.
    """
    return _pull(u, t, lambda s: log_loss_grad(s, _positives(len(s))))


def nt_xent_temperature_grad(u, t):
    """The derivative of `nt_xent` in t: the mean of (x_y - E[x]) / t^2, x the similarities.

    E is the mean over the others with the probabilities softmax(x / t).
    Result: a number. Arguments and errors as in `nt_xent`. Chapter: contrastive.
    """
    z, _, t, dtype = _batch(u, t)
    x = _of_others(z @ z.T)
    pulls = log_loss_grad(x / t, _positives(len(z)))
    return (-(pulls * x).sum(axis=1).mean() / t**2).astype(dtype)


def least_nt_xent(images, t):
    """log(1 + (2N - 2) e^(-N / ((N - 1) t))): no batch of N images has a smaller `nt_xent`.

    It is reached where both views of an image agree and the N directions form a regular simplex,
    for which they need N - 1 dimensions. images: N >= 2. Result: a number. Chapter: contrastive.
    """
    images, t = arguments.class_count(images), _temperature(t)
    return np.log1p((2 * images - 2) * np.exp(-images / ((images - 1) * t)))


def decoupled(u, t):
    """`nt_xent` without the positive in the sum of exponentials: the mean of log(e^loss - 1).

    Result: a number of either sign. Arguments and errors as in `nt_xent`.
    Source: Yeh et al. (2022), decoupled contrastive learning. Chapter: contrastive.
    """
    z, _, t, dtype = _batch(u, t)
    positive, negatives = _apart(_of_others(z @ z.T) / t)
    return logsumexp(negatives - positive).mean().astype(dtype)


def decoupled_grad(u, t):
    """The gradient of `decoupled` in u.

    In the scores it is that of `nt_xent` divided by the probability of all negatives together.
    Result: (2N, d). Arguments and errors as in `nt_xent`. Chapter: contrastive.
    """

    def in_scores(s):
        positives = _positives(len(s))
        pulls = np.insert(softmax(_apart(s)[1]).ravel(), _flat(positives, s.shape[1] - 1), -1)
        return pulls.reshape(s.shape)

    return _pull(u, t, in_scores)


def supervised_contrastive(u, y, t):
    """`nt_xent` where all other views of the same class are positives, with equal shares.

    u, t: as in `nt_xent`. y: the classes of the N images, integers (N,).
    Result: a number, at least the mean entropy of the shares; with N classes it is `nt_xent`.
    Raises ValueError as `nt_xent` does, and for labels of another shape.
    Source: Khosla et al. (2020), eq. 2, L_out. Chapter: contrastive.
    """
    z, _, t, dtype = _batch(u, t)
    return log_loss(_of_others(z @ z.T) / t, _shares(y, len(z))).mean().astype(dtype)


def supervised_contrastive_grad(u, y, t):
    """The gradient of `supervised_contrastive` in u: prediction minus share, brought back to u.

    Result: (2N, d). Arguments and errors as in `supervised_contrastive`. Chapter: contrastive.
    """
    return _pull(u, t, lambda s: log_loss_grad(s, _shares(y, len(s))))


def alignment(u):
    """The mean squared distance of the directions of two views of the same image, from 0 to 4.

    u: as in `nt_xent`. Source: Wang and Isola (2020), with alpha = 2. Chapter: contrastive.
    """
    z, _, _, dtype = _batch(u, 1)
    first, second = np.split(z, 2)
    return ((first - second) ** 2).sum(axis=1).mean().astype(dtype)


def uniformity(u, scale=2):
    """log of the mean of e^(-scale d^2) over pairs of directions of different images: at most 0.

    u: as in `nt_xent`. scale: positive; 1 / (2 t) belongs to the temperature t.
    Source: Wang and Isola (2020). Chapter: contrastive.
    """
    z, _, _, dtype = _batch(u, 1)
    _, negatives = _apart(_of_others(z @ z.T))
    pairs = (scale * (2 * negatives - 2)).ravel()
    return (logsumexp(pairs) - np.log(pairs.size)).astype(dtype)


def views(images, rng, shift=0.5, turn=15.0, scale=0.3, noise=0.2):
    """One random view of each image: shifted, turned and scaled about its middle, made noisy.

    images: (N, height, width), zero outside. rng: a Generator. shift: the largest, in pixels, along
    each axis. turn: the largest, in degrees. scale: sizes from 1 - scale to 1 + scale. noise: the
    standard deviation of what is added to each pixel. All are drawn uniformly but the noise.
    Result: like images; between pixels the image is linear. Raises ValueError for another shape.
    Source: Chen et al. (2020), section 3, with other transformations. Chapter: contrastive.
    """
    images = arguments.real_array("images", images)
    if images.ndim != 3:
        raise ValueError(f"images has shape {images.shape}; (N, height, width) is needed")
    count, height, width = images.shape
    angle = np.radians(rng.uniform(-turn, turn, (count, 1, 1)))
    size = rng.uniform(1 - scale, 1 + scale, (count, 1, 1))
    moved = rng.uniform(-shift, shift, (2, count, 1, 1))
    down, across = np.mgrid[:height, :width].astype(float)
    down, across = down - (height - 1) / 2 - moved[0], across - (width - 1) / 2 - moved[1]
    cosine, sine = np.cos(angle) / size, np.sin(angle) / size
    seen = _between_pixels(
        images,
        cosine * down - sine * across + (height - 1) / 2,
        sine * down + cosine * across + (width - 1) / 2,
    )
    return (seen + noise * rng.normal(size=images.shape)).astype(images.dtype)


def encoder(pixels, rng, entries=32):
    """A network that turns images into embeddings: a body of 256 rectifiers, and a head upon it.

    pixels: how many an image has. rng: a Generator. entries: of an embedding.
    Result: a Network; its first two layers are the body. Chapter: contrastive.
    """
    body = backprop.perceptron((pixels, 256), backprop.ReLU, rng)
    head = backprop.perceptron((256, 64, entries), backprop.ReLU, rng)
    return backprop.Network([*body.layers, backprop.ReLU(), *head.layers])


def learn(network, images, rng, t=0.2, batch=64, steps=200, step=0.03):
    """Train a network on views of images: descend `nt_xent` with momentum 0.9. Changes it.

    images: (n, height, width), with n >= batch; each batch is drawn without replacement.
    Source: Chen et al. (2020), algorithm 1, with another optimiser. Chapter: contrastive.
    """
    change = 0
    for _ in range(steps):
        some = rng.choice(len(images), batch, replace=False)
        seen = views(np.concatenate([images[some], images[some]]), rng)
        embedded = network.forward(seen.reshape(2 * batch, -1))
        network.backward(nt_xent_grad(embedded, t))
        change = 0.9 * change - step * network.gradient()
        network.w = network.w + change
    return network


def _between_pixels(images, down, across):
    """The images at places (N, height, width) between their pixels."""
    count, height, width = images.shape
    padded = np.zeros((count, height + 2, width + 2), images.dtype)
    padded[:, 1:-1, 1:-1] = images
    down, across = np.clip(down + 1, 0, height + 1), np.clip(across + 1, 0, width + 1)
    top, left = np.minimum(down.astype(int), height), np.minimum(across.astype(int), width)
    low, right = down - top, across - left
    corner = (np.arange(count)[:, None, None] * (height + 2) + top) * (width + 2) + left
    upper = (1 - right) * padded.take(corner) + right * padded.take(corner + 1)
    corner += width + 2
    lower = (1 - right) * padded.take(corner) + right * padded.take(corner + 1)
    return (1 - low) * upper + low * lower


def _pull(u, t, in_scores):
    """The gradient in u of a mean over anchors of a loss whose gradient in the scores is given."""
    z, lengths, t, dtype = _batch(u, t)
    g = _to_all(in_scores(_of_others(z @ z.T) / t)) / (len(z) * t)
    return _unit_back(z, lengths, (g + g.T) @ z).astype(dtype)


def _of_others(x):
    """A square matrix without its diagonal: (n, n) to (n, n - 1)."""
    n = len(x)
    return x.ravel()[1:].reshape(n - 1, n + 1)[:, :-1].reshape(n, n - 1)


def _to_all(rows):
    """Back again, with zeros on the diagonal."""
    n = len(rows)
    x = np.zeros((n - 1, n + 1))
    x[:, :-1] = rows.reshape(n - 1, n)
    return np.concatenate([[0], x.ravel()]).reshape(n, n)


def _positives(count):
    """The place of its positive among the others of each view, (2N,)."""
    n = count // 2
    return np.concatenate([np.arange(n, count) - 1, np.arange(n)])


def _flat(columns, width):
    return np.arange(len(columns)) * width + columns


def _apart(s):
    """The scores of the positives (2N, 1), and those of the negatives (2N, 2N - 2)."""
    flat = _flat(_positives(len(s)), s.shape[1])
    return s.ravel()[flat][:, None], np.delete(s.ravel(), flat).reshape(len(s), -1)


def _shares(y, count):
    """Targets (2N, 2N - 1): the other views of an anchor's class share the one."""
    y = arguments.any_array("y", y)
    if y.shape != (count // 2,) or y.dtype.kind not in "iu":
        raise ValueError(
            f"y has shape {y.shape} and dtype {y.dtype}; integers ({count // 2},), one an image, "
            "are needed"
        )
    y = np.tile(y, 2)
    same = _of_others(y[:, None] == y)
    return same / same.sum(axis=1, keepdims=True)


def _unit(u):
    """u / |u| and |u|, (..., 1); of float64 vectors of any size."""
    largest = abs(u).max(axis=-1, keepdims=True)
    scaled = u / largest
    length = np.sqrt((scaled**2).sum(axis=-1, keepdims=True))
    return scaled / length, largest * length


def _unit_back(z, length, g):
    return (g - (g * z).sum(axis=-1, keepdims=True) * z) / length


def _two_directions(u, v):
    u, of_u = _vectors("u", u)
    v, of_v = _vectors("v", v)
    arguments.common_shape(u=u.shape, v=v.shape)
    return _unit(u), _unit(v), np.result_type(of_u, of_v)


def _batch(u, t):
    """(z, lengths, t, dtype) of embeddings of the views of at least two images."""
    u, dtype = _vectors("u", u)
    if u.ndim != 2 or len(u) < 4 or len(u) % 2:
        raise ValueError(f"u has shape {u.shape}; (2N, d) is needed, with N >= 2 images")
    return *_unit(u), _temperature(t), dtype


def _temperature(t):
    if not 0 < t < np.inf:
        raise ValueError(f"t = {t} is not positive and finite")
    return t


def _vectors(name, u, zero=False):
    """Vectors (..., d) as float64, and their dtype."""
    u = arguments.real_array(name, u)
    if u.ndim == 0 or u.shape[-1] == 0:
        raise ValueError(f"{name} has shape {u.shape}; vectors need a last axis")
    arguments.refuse_first(name, ~np.isfinite(u), u, "is not finite")
    if not zero:
        arguments.refuse_first(name, ~u.any(axis=-1), u, "has no direction")
    return u.astype(np.float64), u.dtype
