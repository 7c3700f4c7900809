"""What a mini-batch costs and buys on the digits: gradient evaluations, and time beside the best.

    python benchmarks/sgd.py

For each batch size, with the step of the chapter sgd: how many steps and gradient evaluations bring
the training loss down to .5, and how long these steps take. Looking at the loss is not timed. The
sizes take turns, the median of the turns counts, and times are given as multiples of the shortest.
"""

import statistics
import time
from itertools import chain, repeat

import numpy as np
from sklearn.datasets import load_digits

from lossnotes.learning import backprop
from lossnotes.learning.sgd import constant, minibatches, sgd

STEPS = {1: 0.05, 10: 0.5, 30: 0.5, 100: 1.0, 1347: 1.0}
GOAL = 0.5  # of the training loss, from 2.4 on
TURNS = 5


def problem():
    digits = load_digits()
    order = np.random.default_rng(0).permutation(len(digits.target))[:1347]
    network = backprop.perceptron((64, 32, 10), backprop.Tanh, np.random.default_rng(1))
    return network, digits.data[order] / 16, digits.target[order]


def to_goal(size, step):
    """(steps, gradient evaluations, seconds) until the loss, looked at now and then, is there."""
    network, x, y = problem()
    seen = 0

    def gradient(w, batch):
        nonlocal seen
        seen += len(batch)
        network.w = w
        return backprop.mean_loss_grad(network, x[batch], y[batch])

    rng = np.random.default_rng(2)
    batches = chain.from_iterable(minibatches(len(x), size, rng) for _ in repeat(None))
    path = sgd(gradient, network.w.copy(), constant(step), batches)
    steps, seconds, every = 0, 0.0, max(1, 20 // size)
    while True:
        start = time.perf_counter()
        for _ in range(every):
            w = next(path)
        seconds += time.perf_counter() - start
        steps += every
        network.w = w
        if backprop.mean_loss(network, x, y) < GOAL:
            return steps, seen, seconds


def main():
    runs = {size: [] for size in STEPS}
    for _ in range(TURNS):
        for size, step in STEPS.items():
            runs[size].append(to_goal(size, step))
    times = {size: statistics.median(run[2] for run in each) for size, each in runs.items()}
    print(f"{'batch':>6} {'step':>5} {'steps':>6} {'evaluations':>12} {'time':>6}")
    for size, each in runs.items():
        steps, seen, _ = each[0]
        ratio = times[size] / min(times.values())
        print(f"{size:6} {STEPS[size]:5} {steps:6} {seen:12} {ratio:6.1f}")


if __name__ == "__main__":
    main()
