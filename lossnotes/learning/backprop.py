"""Back-propagation: layers with forward and backward, networks of them. Chapter: backprop.

An example is a row, so a batch is (..., n), and so is its gradient: gradients are row vectors, and
going back through a layer multiplies from the right by its Jacobian.
"""

from copy import copy
from itertools import pairwise

import numpy as np

from lossnotes.learning.binary import sigmoid, sigmoid_grad
from lossnotes.losses import _arguments as arguments
from lossnotes.losses.softmax import log_loss, log_loss_grad, softmax

FAR = 1e12  # a weight that is NaN or beyond it has diverged, whoever moves it


class DivergenceError(ArithmeticError):
    """Weights ran away: `parameter` is a name such as W2 or w[1], `step` counts from 1."""

    def __init__(self, what, parameter, step=None):
        super().__init__(what if step is None else f"step {step}: {what}")
        self.what, self.parameter, self.step = what, parameter, step


class Affine:
    """s = W x + b, the layer that learns.

    W: (outputs, inputs). b: (outputs,). Both are copied. Raises ValueError where their shapes do
    not fit or an entry is not finite.
    After `backward` W_grad and b_grad hold the gradients, summed over the batch.
    Source: notes of CMU 11-785, vector formulation. Chapter: backprop.
    """

    def __init__(self, W, b):
        W, b = _finite("W", W).copy(), _finite("b", b).copy()
        if W.ndim != 2 or b.shape != W.shape[:1]:
            raise ValueError(
                f"W has shape {W.shape}, b {b.shape}; (outputs, inputs) and (outputs,) are needed"
            )
        self.W, self.b = W, b

    def forward(self, x):
        """W x + b: (..., inputs) to (..., outputs)."""
        if x.shape[-1:] != self.W.shape[1:]:
            raise ValueError(f"x has shape {x.shape}; its last axis must be {self.W.shape[1]}")
        self.x = x
        return x @ self.W.T + self.b

    def backward(self, s_grad):
        """In x the gradient is s_grad W, in W it is (x s_grad)^T, in b s_grad."""
        rows = s_grad.reshape(-1, len(self.b))
        self.W_grad = (self.x.reshape(len(rows), -1).T @ rows).T
        self.b_grad = rows.sum(axis=0)
        return s_grad @ self.W


class Sigmoid:
    """1 / (1 + e^-s), entry by entry: from 0 to 1, with the derivative x (1 - x).

    Source: notes of CMU 11-785, activations. Chapter: backprop.
    """

    def forward(self, s):
        self.slope = sigmoid_grad(s)  # not x (1 - x), which cancels where x is close to one
        return sigmoid(s)

    def backward(self, x_grad):
        return x_grad * self.slope


class Tanh:
    """tanh s = 2 sigmoid(2 s) - 1, entry by entry: from -1 to 1, with the derivative 1 - x^2.

    Source: notes of CMU 11-785, activations. Chapter: backprop.
    """

    def forward(self, s):
        e = np.exp(-2 * abs(s))
        self.slope = 4 * e / (1 + e) ** 2  # not 1 - x^2, which cancels where x is close to one
        return np.tanh(s)

    def backward(self, x_grad):
        return x_grad * self.slope


class ReLU:
    """max(0, s), entry by entry, with the sub-gradient 0 at the kink s = 0.

    Source: notes of CMU 11-785, sub-gradients. Chapter: backprop.
    """

    def forward(self, s):
        self.active = s > 0
        return np.where(self.active, s, 0)

    def backward(self, x_grad):
        return x_grad * self.active


class Softmax:
    """softmax(s), a vector activation: each result depends on every score.

    Source: notes of CMU 11-785, vector activations. Chapter: backprop.
    """

    def forward(self, s):
        self.p = softmax(s)
        return self.p

    def backward(self, p_grad):
        """The row p_grad times the Jacobian p_i (delta_ij - p_j)."""
        mean = (p_grad * self.p).sum(axis=-1, keepdims=True)
        return self.p * (p_grad - mean)


class Network:
    """Layers one after another.

    The layers are copied. All parameters are in the one vector `w`; the W and b of the layers are
    views of it, so that assigning to `w` sets every layer. `parameters` holds the same numbers by
    name: W1, b1, W2, ... Raises ValueError for layers that do not fit. Chapter: backprop.
    """

    def __init__(self, layers):
        self.layers = [copy(layer) for layer in layers]  # each keeps what it saw going forward
        self.affine = [layer for layer in self.layers if isinstance(layer, Affine)]
        for number, (below, above) in enumerate(pairwise(self.affine), 2):
            if below.W.shape[0] != above.W.shape[1]:
                raise ValueError(
                    f"layers: W{number} has shape {above.W.shape}, but {below.W.shape[0]} inputs"
                )
        if not self.affine:
            raise ValueError("layers holds no Affine layer, so that there is nothing to learn")
        self._w = np.concatenate([part.ravel() for a in self.affine for part in (a.W, a.b)])
        for layer, own in zip(self.affine, self._parts(self._w), strict=True):
            layer.W, layer.b = own
        self.parameters = self.by_name(self._w)
        self._shape = None

    def _parts(self, vector):
        """(W, b) of every affine layer, as views of the vector."""
        at = 0
        for layer in self.affine:
            W = vector[at : at + layer.W.size].reshape(layer.W.shape)
            at += W.size
            b = vector[at : at + layer.b.size]
            at += b.size
            yield W, b

    @property
    def w(self):
        return self._w

    @w.setter
    def w(self, w):
        w = _finite("w", w)
        if w.shape != self._w.shape:
            raise ValueError(f"w has shape {w.shape}; the network has {self._w.shape}")
        self._w[:] = w

    def by_name(self, vector):
        """The parts of a vector like `w`, say a gradient, by name: views W1, b1, W2, ..."""
        named = {}
        for number, (W, b) in enumerate(self._parts(vector), 1):
            named |= {f"W{number}": W, f"b{number}": b}
        return named

    def forward(self, x):
        """The result of the last layer: (..., inputs) to (..., outputs).

        Raises DivergenceError, with the parameter, where a result is not finite.
        """
        number = 0
        for layer in self.layers:
            number += isinstance(layer, Affine)
            with np.errstate(over="ignore", invalid="ignore"):
                x = layer.forward(x)
            if not np.isfinite(x).all():
                name = f"W{number}"
                raise DivergenceError(f"behind {name} a result is not finite", name)
        self._shape = x.shape
        return x

    def backward(self, grad):
        """From the gradient in the last layer's result to that in x; fills W_grad and b_grad.

        Raises ValueError for a gradient that is not of the shape of what `forward` returned.
        """
        if np.shape(grad) != self._shape:
            raise ValueError(f"grad has shape {np.shape(grad)}, but the last result {self._shape}")
        for layer in reversed(self.layers):
            grad = layer.backward(grad)
        return grad

    def gradient(self):
        """The gradient in `w` that the last `backward` found."""
        parts = [part for a in self.affine for part in (a.W_grad.ravel(), a.b_grad)]
        return np.concatenate(parts)


def perceptron(sizes, activation, rng):
    """A multilayer perceptron: affine layers, with an activation between them and none at the end.

    sizes: (inputs, hidden, ..., classes). activation: a class, such as Tanh. rng: a Generator.
    W is uniform with |W_ij| <= sqrt(6 / (inputs + outputs)) (Glorot and Bengio 2010), b is zero.
    Raises ValueError for sizes that are not positive integers, or fewer than two.
    Chapter: backprop.
    """
    sizes, layers = [_count("sizes", size) for size in sizes], []
    for inputs, outputs in pairwise(sizes):
        bound = np.sqrt(6 / (inputs + outputs))
        layers += [
            Affine(rng.uniform(-bound, bound, (outputs, inputs)), np.zeros(outputs)),
            activation(),
        ]
    return Network(layers[:-1])


def mean_loss(network, x, y, loss=log_loss):
    """The mean of loss(s, y) over a batch, with s = network.forward(x).

    x: (N, inputs). y: what the loss accepts for scores (N, K). Result: a number.
    Chapter: backprop.
    """
    return loss(network.forward(_examples(x)), y).mean()


def mean_loss_grad(network, x, y, loss_grad=log_loss_grad):
    """The gradient of `mean_loss` in network.w, by back-propagation. Result: like network.w.

    Raises DivergenceError, with the parameter, where an entry is not finite. Chapter: backprop.
    """
    s = network.forward(_examples(x))
    s_grad = loss_grad(s, y)
    with np.errstate(over="ignore", invalid="ignore"):
        network.backward(s_grad / s[..., 0].size)
    gradient = network.gradient()
    for name, part in network.by_name(gradient).items():
        if not np.isfinite(part).all():
            raise DivergenceError(f"the gradient is not finite in {name}", name)
    return gradient


def train(network, x, y, step, batch, epochs, rng, loss=log_loss, loss_grad=log_loss_grad):
    """Mini-batch gradient descent: w <- w - step * (gradient of the mean loss of a batch).

    Every epoch goes through the examples once, in a new random order. Changes network.w.
    Result: the mean loss over all examples, before training and after every epoch, (epochs + 1,).
    Raises DivergenceError, with the step and the parameter, where a weight is NaN or beyond 1e12 or
    another number is not finite; and, since flat activations keep the weights of a network that is
    lost small, where an epoch ends with more than twice the loss of the start and that of w = 0.
    Chapter: backprop.
    """
    x, y = _examples(x), arguments.any_array("y", y)
    batch, epochs = _count("batch", batch), _count("epochs", epochs)
    if len(x) != len(y):
        raise ValueError(f"x has {len(x)} examples, but y {len(y)}")
    if not 0 < step < np.inf:
        raise ValueError(f"step = {step} is not positive and finite")
    losses, number = [mean_loss(network, x, y, loss)], 0
    bound = 2 * max(losses[0], _loss_of_zero(network, x, y, loss))
    for _ in range(epochs):
        order = rng.permutation(len(x))
        try:
            for start in range(0, len(x), batch):
                some, number = order[start : start + batch], number + 1
                gradient = mean_loss_grad(network, x[some], y[some], loss_grad)
                _move(network, step, gradient)
            losses.append(mean_loss(network, x, y, loss))
        except DivergenceError as error:
            raise DivergenceError(error.what, error.parameter, number) from None
        if losses[-1] > bound:
            name = max(network.parameters, key=lambda name: abs(network.parameters[name]).max())
            what = f"the loss has grown to {losses[-1]:.3g}, and the largest weight is in {name}"
            raise DivergenceError(what, name, number)
    return np.array(losses)


def _move(network, step, gradient):
    with np.errstate(over="ignore"):
        w = network.w - step * gradient
    for name, part in network.by_name(w).items():
        if not np.abs(part).max(initial=0) <= FAR:
            raise DivergenceError(f"a weight in {name} has diverged", name)
    network.w = w


def _loss_of_zero(network, x, y, loss):
    """The mean loss with w = 0, where every example gets the same answer."""
    w = network.w.copy()
    network.w = np.zeros_like(w)
    found = mean_loss(network, x, y, loss)
    network.w = w
    return found


def _examples(x):
    x = _finite("x", x)
    if not x.size:
        raise ValueError(f"x has shape {x.shape}: without examples there is no mean loss")
    return x


def _finite(name, values):
    array = arguments.real_array(name, values)
    arguments.refuse_first(name, ~np.isfinite(array), array, "is not finite")
    return array


def _count(name, number):
    if isinstance(number, (bool, np.bool_)) or not isinstance(number, (int, np.integer)):
        raise ValueError(f"{name}: {number!r} is not an integer")
    if number < 1:
        raise ValueError(f"{name}: {number} is not positive")
    return int(number)
