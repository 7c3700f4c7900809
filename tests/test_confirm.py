"""Confirmation notices wrong gradients, passes right ones, and says what it would have noticed."""

import numpy as np
import pytest

from lossnotes.confirm import ConfirmationError, confirm
from lossnotes.derive.symbols import delta, j, s, softmax, y

POINTS = [([0.3, -1.2, 2.0], 1), ([0.1, 1.2, -2.0, 0.5], 2), ([0.3, 0.4], 0)]
SYMBOLIC = softmax(s)[j] - delta(j, y)


def log_loss(s, y):
    gaps = s - s[y]
    largest = gaps.max()
    others = np.delete(gaps, y)
    if largest == 0:
        return np.log1p(np.exp(others).sum())
    return largest + np.log(np.exp(gaps - largest).sum())


def log_loss_grad(s, y):
    powers = np.exp(s - s.max())
    gradient = powers / powers.sum()
    gradient[y] = -np.delete(gradient, y).sum()
    return gradient


@pytest.mark.parametrize("symbolic", [SYMBOLIC, None])
def test_a_correct_gradient_is_confirmed(symbolic):
    assert confirm(log_loss, log_loss_grad, POINTS, symbolic).entries == 9


@pytest.mark.parametrize("symbolic", [SYMBOLIC, None])
def test_a_gradient_off_by_1e_10_is_noticed(symbolic):
    # torch.autograd.gradcheck, by its default rtol of 1e-3, would pass it
    with pytest.raises(ConfirmationError, match="the gradient is wrong at s = "):
        confirm(log_loss, lambda s, y: log_loss_grad(s, y) * (1 + 1e-10), POINTS, symbolic)
