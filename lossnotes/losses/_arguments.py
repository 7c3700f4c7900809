"""What the loss functions accept, checked in one place.

Every refusal is a ValueError that names the argument and the first bad index.
"""

import numpy as np


def entry(name, index):
    """The way a reader writes one entry: s[2, 0], or y for a single number."""
    return f"{name}[{', '.join(str(i) for i in index)}]" if len(index) else name


def refuse_first(name, bad, values, why):
    """Raise for the first True of `bad`, if there is one."""
    if bad.any():
        index = tuple(np.argwhere(bad)[0])
        raise ValueError(f"{entry(name, index)} = {values[index]} {why}")


def any_array(name, values):
    """An array of whatever dtype."""
    try:
        return np.asarray(values)
    except ValueError:
        raise ValueError(f"{name} is not an array: its rows differ in length") from None


def real_array(name, values):
    """An array of float32 or float64; integers become float64."""
    array = any_array(name, values)
    if array.dtype.kind in "iu":
        return array.astype(np.float64)
    if array.dtype not in (np.float32, np.float64):
        raise ValueError(f"{name} has dtype {array.dtype}; float32, float64 or integers are needed")
    return array


def score_array(name, s, at_least=1):
    """Scores of shape (..., K). Their values are checked by `check_scores`."""
    s = real_array(name, s)
    if s.ndim == 0 or s.shape[-1] < at_least:
        raise ValueError(
            f"{name} has shape {s.shape}; it needs a last axis of at least {at_least} classes"
        )
    return s


def check_scores(name, s):
    """Refuse NaN and +inf; -inf is a score like any other."""
    if s.size and not s.max() < np.inf:
        refuse_first(name, ~(s < np.inf), s, "is not a score: it must be finite or -inf")


def check_some_class_possible(name, s):
    """Refuse rows in which every class has the score -inf: nothing is left to predict."""
    if s.size and s.min() == -np.inf:
        impossible = (s == -np.inf).all(axis=-1)
        refuse_first(name, impossible, s, "rules out every class")


def class_count(classes):
    """The number of classes K, at least 2."""
    if isinstance(classes, (bool, np.bool_)) or not isinstance(classes, (int, np.integer)):
        raise ValueError(f"classes = {classes!r} is not an integer")
    if classes < 2:
        raise ValueError(f"classes = {classes} is too few: at least 2 are needed")
    return int(classes)


def label_array(y, classes):
    """Integer labels of any shape, each in 0..K-1."""
    y = any_array("y", y)
    if y.dtype.kind not in "iu":
        raise ValueError(f"y has dtype {y.dtype}; labels are integers from 0 to {classes - 1}")
    if y.size and (y.min() < 0 or y.max() >= classes):
        refuse_first(
            "y", (y < 0) | (y >= classes), y, f"is not a label: they run from 0 to {classes - 1}"
        )
    return y.astype(np.intp, copy=False)


def probability_array(name, q, classes=None):
    """Probability vectors of shape (..., K): not negative, and each sums to one.

    The sum may miss one by the square root of the dtype's epsilon, 1.5e-8 in float64 and
    3.5e-4 in float32, as in `numpy.random.Generator.choice`: vectors computed with ordinary
    care pass, (.33, .33, .33) does not.
    """
    q = real_array(name, q)
    if q.ndim == 0 or q.shape[-1] == 0:
        raise ValueError(f"{name} has shape {q.shape}; probability vectors need a last axis")
    if classes is not None and q.shape[-1] != classes:
        raise ValueError(
            f"{name} has shape {q.shape}; with {classes} classes its last axis must be {classes}"
        )
    refuse_first(name, ~(q >= 0), q, "is not a probability")
    total = q.sum(axis=-1, dtype=np.float64)
    bad = ~(abs(total - 1) <= np.sqrt(np.finfo(q.dtype).eps))
    if bad.any():
        index = tuple(np.argwhere(bad)[0])
        raise ValueError(f"{entry(name, index)} sums to {total[index]}, not to one")
    return q


def target_array(y, classes):
    """Integer labels (...,), or float probability vectors (..., K)."""
    y = any_array("y", y)
    if y.dtype.kind == "f":
        if y.ndim == 0 or y.shape[-1] != classes:
            raise ValueError(
                f"y has dtype {y.dtype} and shape {y.shape}; it must be integer labels, or "
                f"probability vectors whose last axis is {classes}"
            )
        return probability_array("y", y)
    return label_array(y, classes)


def common_shape(**shapes):
    """The shape to which the named shapes broadcast."""
    try:
        return np.broadcast_shapes(*shapes.values())
    except ValueError:
        described = " and ".join(f"{name} {shape}" for name, shape in shapes.items())
        raise ValueError(f"the shapes do not fit together: {described}") from None
