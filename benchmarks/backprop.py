"""Time and agreement of back-propagation beside PyTorch; how well and how fast it reads digits.

    python benchmarks/backprop.py

The gradient of the mean log loss in all parameters of a network 64-64-10 with tanh, in float64: by
the library, and by PyTorch with one thread where it is installed. The competitors take turns, so
that what else the machine does meets all of them, and the median of the turns counts. Then the
digits of scikit-learn, each time with other 360 of the 1797 kept aside.
"""

import time

import numpy as np
from sklearn.datasets import load_digits
from turns import median_times

from lossnotes.learning.backprop import Tanh, mean_loss_grad, perceptron, train

try:
    import torch
except ImportError:
    torch = None

SIZES = (64, 64, 10)
BATCHES = [1, 32, 1437]
SECONDS = 2  # for each row of the table
SPLITS = 5


def in_torch(network):
    """A function of a batch: the gradient in the parameters of the same network."""
    torch.set_num_threads(1)
    first, last = torch.nn.Linear(*SIZES[:2]), torch.nn.Linear(*SIZES[1:])
    peer = torch.nn.Sequential(first, torch.nn.Tanh(), last).double()
    parameters = list(peer.parameters())
    with torch.no_grad():
        for theirs, ours in zip(parameters, network.parameters.values(), strict=True):
            theirs.copy_(torch.from_numpy(ours))

    def gradient(x, y):
        peer.zero_grad()
        torch.nn.functional.cross_entropy(peer(torch.from_numpy(x)), torch.from_numpy(y)).backward()
        return np.concatenate([part.grad.numpy().ravel() for part in parameters])

    return gradient


def compare_gradients():
    network = perceptron(SIZES, Tanh, np.random.default_rng(0))
    competitors = {"lossnotes": lambda x, y: mean_loss_grad(network, x, y)}
    if torch:
        competitors["PyTorch"] = in_torch(network)
    print("batch".ljust(12) + "".join(f"{name:>14}" for name in competitors) + "   difference")
    for batch in BATCHES:
        rng = np.random.default_rng(batch)
        x, y = rng.normal(size=(batch, SIZES[0])), rng.integers(SIZES[-1], size=batch)
        times = median_times(competitors, (x, y), SECONDS)
        found = [competitor(x, y) for competitor in competitors.values()]
        line = "".join(f"{times[name] * 1e3:11.3f} ms" for name in competitors)
        print(f"{batch:<12}{line}   {np.abs(found[0] - found[-1]).max():10.1e}", flush=True)


def read_digits():
    pixels, truth = load_digits(return_X_y=True)
    for split in range(SPLITS):
        order = np.random.default_rng(split).permutation(len(pixels))
        x, y = pixels[order] / 16, truth[order]
        network = perceptron(SIZES, Tanh, np.random.default_rng(1))
        start = time.perf_counter()
        train(network, x[:1437], y[:1437], 0.3, 32, 40, np.random.default_rng(2))
        seconds = time.perf_counter() - start
        right = network.forward(x[1437:]).argmax(-1) == y[1437:]
        print(f"digits, split {split}: {right.mean():.1%} right after {seconds:.1f} s", flush=True)


if __name__ == "__main__":
    compare_gradients()
    read_digits()
