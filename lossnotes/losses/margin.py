"""The margin and the margin loss. Chapter: margin."""

import numpy as np

from lossnotes.losses import _arguments as arguments
from lossnotes.losses._arithmetic import difference


def margin(s, y):
    """By how much the right class leads: m(s, y) = s_y - max over j != y of s_j.

    s: scores (..., K) with K >= 2. y: integer labels (...,); or a boolean mask (..., K) of the set
    of right classes, and then m = (max over the set) - (max over the others).
    Result: (...,), any real number, -inf or +inf.
    Raises ValueError for bad scores or labels, for a mask without a right or without a wrong
    class, and where both sides are -inf, so that the margin is not defined.
    Source: lecture 14, margins. Chapter: margin.
    """
    s, right, wrong = _sides(s, y)
    with np.errstate(over="ignore"):
        return (_value(s, right) - _value(s, wrong))[()]


def margin_loss(s, y):
    """max(0, 1 - m(s, y)): zero once the right class leads by one.

    Shapes and errors as in `margin`; range [0, inf].
    Source: lecture 14, margins. Chapter: margin.
    """
    s, right, wrong = _sides(s, y)
    return _hinge(s, right, wrong)[()]


def margin_loss_grad(s, y):
    """A sub-gradient of `margin_loss` in s: -1 at the right class, +1 at its strongest rival.

    Result: (..., K). It is zero where the loss is zero, so also at the kink m = 1. Where several
    classes tie for a maximum, the first of them takes the whole entry: one sub-gradient of many.
    Shapes and errors as in `margin`. Source: lecture 14, margins. Chapter: margin.
    """
    s, right, wrong = _sides(s, y)
    active = (_hinge(s, right, wrong) > 0).astype(s.dtype)[..., None]
    gradient = np.zeros_like(s)
    np.put_along_axis(gradient, right, 0 - active, axis=-1)
    np.put_along_axis(gradient, wrong, active, axis=-1)
    return gradient


def _sides(s, y):
    """Scores, the first best right class, the first best wrong class; the last two (..., 1)."""
    s = arguments.score_array("s", s, at_least=2)
    arguments.check_scores("s", s)
    is_right = _right_classes(y, s)
    shape = arguments.common_shape(s=s.shape[:-1], y=is_right.shape[:-1]) + s.shape[-1:]
    s, is_right = np.broadcast_to(s, shape), np.broadcast_to(is_right, shape)
    right, wrong = _first_best(s, is_right), _first_best(s, ~is_right)
    undefined = (_value(s, right) == -np.inf) & (_value(s, wrong) == -np.inf)
    if undefined.any():
        row = arguments.entry("s", tuple(np.argwhere(undefined)[0]))
        raise ValueError(f"{row} is -inf in right and wrong classes: its margin is not defined")
    return s, right, wrong


def _right_classes(y, s):
    y, classes = arguments.any_array("y", y), s.shape[-1]
    if y.dtype != bool:
        return np.arange(classes) == arguments.label_array(y, classes, s)[..., None]
    if y.ndim == 0 or y.shape[-1] != classes:
        raise ValueError(f"y is a mask of shape {y.shape}; its last axis must be {classes}")
    arguments.refuse_first("y", ~y.any(axis=-1), y, "has no right class")
    arguments.refuse_first("y", y.all(axis=-1), y, "has no wrong class")
    return y


def _first_best(s, among):
    # A score of -inf must still beat a class that is not among them.
    best = np.where(among, s, -np.inf).max(axis=-1, keepdims=True)
    return (among & (s == best)).argmax(axis=-1, keepdims=True)


def _value(s, index):
    return np.take_along_axis(s, index, axis=-1)[..., 0]


def _hinge(s, right, wrong):
    # Near the kink 1 - m cancels, and what is left is the rounding error of m: so it is kept.
    with np.errstate(over="ignore", invalid="ignore"):
        m, error = difference(_value(s, right), _value(s, wrong))
    return np.maximum(0, (1 - m) - np.where(np.isfinite(error), error, 0))
