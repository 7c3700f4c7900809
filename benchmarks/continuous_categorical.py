"""Accuracy and time of the continuous categorical beside the closed form of its source.

    python benchmarks/continuous_categorical.py

The loss and its gradient for labels y: by the quadrature of the library; by the closed form in
NumPy, its gradient included; by the closed form in PyTorch with its gradient by autograd, where
PyTorch is installed. Each in float64. The competitors take turns, so that what else the machine
does meets all of them, and the median of the turns counts. The errors are the worst of the loss,
in units of the larger of 1 and itself, and of the gradient, in the first rows; exact is the closed
form with as many digits as it takes.
"""

import mpmath
import numpy as np
from turns import median_times

from lossnotes.losses.continuous_categorical import nll_and_grad

try:
    import torch
except ImportError:
    torch = None

SHAPES = [(1, 10), (256, 10), (1, 100), (256, 100), (1, 1000), (16, 1000), (1, 10_000)]
SECONDS = 2  # for each row of the table
LARGEST_SQUARES = 3e7  # numbers in the closed form's array of differences
LARGEST_CHECKED = 100  # classes; beyond, the closed form loses digits by the hundred


def by_closed_form(eta, y):
    """I = sum of e^(eta_k) / prod(eta_k - eta_i), and the derivative of its logarithm."""
    n, classes = eta.shape
    rows, diagonal = np.arange(n), np.arange(classes)
    differences = eta[:, :, None] - eta[:, None, :]
    differences[:, diagonal, diagonal] = 1
    logs = eta - np.log(abs(differences)).sum(axis=2)
    top = logs.max(axis=1, keepdims=True)
    terms = np.sign(differences).prod(axis=2) * np.exp(logs - top)
    total = terms.sum(axis=1, keepdims=True)
    weights = terms / total
    inverse = 1 / differences
    inverse[:, diagonal, diagonal] = 0
    mean = weights * (1 - inverse.sum(axis=2)) + np.einsum("nk,nki->ni", weights, inverse)
    mean[rows, y] -= 1
    return (np.log(total) + top)[:, 0] - eta[rows, y], mean


def by_torch(eta, y):
    eta, y = torch.from_numpy(eta).requires_grad_(), torch.from_numpy(y)
    differences = eta[:, :, None] - eta[:, None, :]
    identity = torch.eye(eta.shape[1], dtype=torch.bool)
    differences = torch.where(identity, torch.ones_like(differences), differences)
    logs = eta - differences.abs().log().sum(dim=2)
    signs = differences.sign().prod(dim=2)
    top = logs.max(dim=1, keepdim=True).values.detach()
    log_integral = (signs * (logs - top).exp()).sum(dim=1).log() + top[:, 0]
    loss = log_integral - eta.gather(1, y[:, None])[:, 0]
    loss.sum().backward()
    return loss.detach().numpy(), eta.grad.numpy()


def competitors():
    yield "lossnotes", nll_and_grad
    yield "closed form, NumPy", by_closed_form
    if torch:
        yield "closed form, PyTorch", by_torch


def exact(eta, y):
    """Loss and gradient of a row, by the closed form with 30 digits more than it loses."""
    digits = 50
    while True:
        with mpmath.workdps(digits):
            points = [mpmath.mpf(float(x)) for x in eta]
            inverse = [[1 / (a - b) if a != b else mpmath.mpf(0) for b in points] for a in points]
            terms = [
                mpmath.exp(a) * mpmath.fprod(x for x in row if x)
                for a, row in zip(points, inverse, strict=True)
            ]
            total = mpmath.fsum(terms)
            if max(map(abs, terms)) < abs(total) * mpmath.mpf(10) ** (digits - 30):
                gradient = [
                    terms[i] * (1 - mpmath.fsum(inverse[i])) / total
                    + mpmath.fdot(terms, column) / total
                    - (i == y)
                    for i, column in enumerate(zip(*inverse, strict=True))
                ]
                return float(mpmath.log(total) - points[y]), np.array(gradient, float)
        digits *= 2


def worst_errors(function, eta, y):
    with np.errstate(all="ignore"):
        values, gradients = function(eta, y)
    errors = []
    for row, label, value, gradient in zip(eta, y, values, gradients, strict=True):
        right, right_gradient = exact(row, label)
        errors.append(
            (abs(value - right) / max(1, abs(right)), abs(gradient - right_gradient).max())
        )
    return np.max(errors, axis=0)


def main():
    functions = dict(competitors())
    print("rows x K    " + "".join(f"{name:>36}" for name in functions))
    print(" " * 12 + f"{'time, ratio, errors':>36}" * len(functions))
    for n, classes in SHAPES:
        rng = np.random.default_rng(0)
        eta, y = rng.normal(size=(n, classes)), rng.integers(0, classes, n)
        squares_fit = n * classes**2 <= LARGEST_SQUARES
        running = functions if squares_fit else {"lossnotes": nll_and_grad}
        with np.errstate(all="ignore"):
            times = median_times(running, (eta, y), SECONDS)
        line = f"{n} x {classes}".ljust(12)
        for name, function in running.items():
            line += f"{times[name] * 1e3:12.3f} ms {times[name] / times['lossnotes']:6.2f}"
            errors = ""
            if classes <= LARGEST_CHECKED:
                errors = "{:.0e} {:.0e}".format(*worst_errors(function, eta[:2], y[:2]))
            line += f"{errors:>14}"
        print(line + ("" if squares_fit else "   the others need arrays of K x K"), flush=True)
    print("\nratio: time in units of lossnotes. errors: of the loss and of its gradient.")


if __name__ == "__main__":
    main()
