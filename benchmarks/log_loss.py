"""Accuracy and time of the log loss and its gradient, beside SciPy and PyTorch.

    python benchmarks/log_loss.py

Every row of the table is one run: the competitors take turns, so that what else the machine does
meets all of them, and the median of the turns counts. PyTorch is measured where it is installed,
forward and backward, in as many threads as it likes. Both keep to the cores that the process may
use: `taskset -c 0` before the command compares them on one.
"""

import mpmath
import numpy as np
from turns import median_times

from lossnotes.losses.softmax import log_loss, log_loss_and_grad, log_loss_grad

try:
    import scipy.special
except ImportError:
    scipy = None
try:
    import torch
except ImportError:
    torch = None

SHAPES = [(256, 10), (4096, 10), (4096, 1000)]
SECONDS = 4  # for each row of the table
ROWS_CHECKED = 3


def ours_separately(s, y):
    return log_loss(s, y), log_loss_grad(s, y)


def by_scipy(s, y):
    rows = np.arange(len(y))
    gradient = scipy.special.softmax(s, axis=1)
    gradient[rows, y] -= 1
    return -scipy.special.log_softmax(s, axis=1)[rows, y], gradient


def by_torch(s, y):
    s, y = torch.from_numpy(s).requires_grad_(), torch.from_numpy(y)
    loss = torch.nn.functional.cross_entropy(s, y, reduction="none")
    loss.backward(torch.ones_like(loss))
    return loss.detach().numpy(), s.grad.numpy()


def competitors():
    yield "log_loss_and_grad", log_loss_and_grad
    yield "log_loss, log_loss_grad", ours_separately
    if scipy:
        yield "SciPy", by_scipy
    if torch:
        yield "PyTorch", by_torch


def problem(n, classes, dtype):
    """Scores of a good model: the label leads by 20 to 40 in every second row."""
    rng = np.random.default_rng(0)
    s, y = rng.normal(0, 3, (n, classes)), rng.integers(0, classes, n)
    s[np.arange(n), y] += np.where(np.arange(n) % 2, rng.uniform(20, 40, n), 0)
    return s.astype(dtype), y


def worst_ulps(function, s, y):
    """The worst error of loss and gradient in the first rows, against mpmath."""
    values, gradients = function(s, y)
    worst = 0
    with mpmath.workdps(60):
        for row, label, value, gradient in zip(s, y, values, gradients, strict=True):
            e = [mpmath.exp(mpmath.mpf(float(x))) for x in row]
            total = mpmath.fsum(e)
            exact = [x / total - (i == label) for i, x in enumerate(e)]
            exact.append(mpmath.log(total / e[label]))
            for computed, right in zip([*gradient, value], exact, strict=True):
                ulp = float(np.spacing(s.dtype.type(abs(right))))
                worst = max(worst, abs(float(computed - right)) / ulp)
    return worst


def main():
    functions = dict(competitors())
    print("N x K         dtype    " + "".join(f"{name:>26}" for name in functions))
    print(" " * 23 + f"{'time, ratio, error':>26}" * len(functions))
    for n, classes in SHAPES:
        for dtype in (np.float64, np.float32):
            s, y = problem(n, classes, dtype)
            times = median_times(functions, (s, y), SECONDS)
            ours = times["log_loss_and_grad"]
            line = f"{n} x {classes}".ljust(14) + dtype.__name__.ljust(9)
            for name, function in functions.items():
                ulps = worst_ulps(function, s[:ROWS_CHECKED], y[:ROWS_CHECKED])
                milliseconds, ratio = times[name] * 1e3, times[name] / ours
                line += f"{milliseconds:9.3f} ms {ratio:5.2f} {ulps:8.2g}"
            print(line, flush=True)
    print(
        "\nratio: time in units of log_loss_and_grad. error: worst of value and gradient, in ulps."
    )


if __name__ == "__main__":
    main()
