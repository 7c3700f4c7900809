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
    """An array of whatever dtype. A masked one is refused: its mask would be lost."""
    if isinstance(values, np.ma.MaskedArray):
        raise ValueError(
            f"{name} is a masked array, whose mask would be lost; was {name}.compressed() meant, "
            "or weights of zero?"
        )
    try:
        return np.asarray(values)
    except ValueError:
        raise ValueError(f"{name} is not an array: its rows differ in length") from None


def real_array(name, values):
    """An array of float32 or float64, in this machine's order of bytes; integers are float64."""
    array = any_array(name, values)
    if array.dtype.kind in "iu":
        return array.astype(np.float64)
    if array.dtype.kind == "f":
        array = array.astype(array.dtype.newbyteorder("="), copy=False)
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


def label_array(y, classes, scores=None):
    """Integer labels of any shape, each in 0..K-1; of a shape that goes with scores (..., K)."""
    y = any_array("y", y)
    if not y.size and y.dtype.kind == "f":  # as of an empty list
        y = y.astype(np.intp)
    if y.dtype.kind not in "iu":
        raise ValueError(f"y has dtype {y.dtype}; labels are integers from 0 to {classes - 1}")
    if y.size and (y.min() < 0 or y.max() >= classes):
        refuse_first(
            "y", (y < 0) | (y >= classes), y, f"is not a label: they run from 0 to {classes - 1}"
        )
    if scores is not None and scores.ndim > 1:
        _refuse_vectors(y, scores)
    return y.astype(np.intp, copy=False)


def _refuse_vectors(y, scores):
    """Refuse what is of the shape of labels by accident: one-hot vectors, and labels (..., 1)."""
    if y.shape == (*scores.shape[:-1], 1):
        raise ValueError(
            f"y has shape {y.shape} and would be a label for every pair of rows; was y[..., 0] "
            f"meant, of shape {scores.shape[:-1]}?"
        )
    one_hot = y.ndim == scores.ndim and y.shape[-1] == scores.shape[-1] and y.size
    if one_hot and (y <= 1).all() and (y.sum(axis=-1) == 1).all():
        raise ValueError(
            f"y has shape {y.shape} and dtype {y.dtype}: integers are labels, but these look like "
            "one-hot vectors; was y.argmax(axis=-1) meant, or y.astype(float)?"
        )


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


def target_array(y, scores):
    """Integer labels (...,), or float probability vectors (..., K), for scores (..., K)."""
    y, classes = any_array("y", y), scores.shape[-1]
    if y.dtype.kind == "f" and (y.size or y.shape[-1] == classes):
        if y.ndim == 0 or y.shape[-1] != classes:
            raise ValueError(
                f"y has dtype {y.dtype} and shape {y.shape}; it must be integer labels, or "
                f"probability vectors whose last axis is {classes}"
            )
        return probability_array("y", y)
    return label_array(y, classes, scores)


def pairwise_shape(**shapes):
    """The shape to which two named shapes broadcast, where an entry belongs to an entry.

    (N,) beside (N, 1) is refused: every number would meet every other.
    """
    (a, of_a), (b, of_b) = shapes.items()
    for name, shape, other in ((a, of_a, of_b), (b, of_b, of_a)):
        if shape == (*other, 1) and shape != (1, 1) and len(shape) > 1:
            raise ValueError(
                f"the shapes {a} {of_a} and {b} {of_b} would pair every {a} with every {b}; was "
                f"{name}[..., 0] meant?"
            )
    return common_shape(**shapes)


def common_shape(**shapes):
    """The shape to which the named shapes broadcast."""
    try:
        return np.broadcast_shapes(*shapes.values())
    except ValueError:
        described = " and ".join(f"{name} {shape}" for name, shape in shapes.items())
        raise ValueError(f"the shapes do not fit together: {described}") from None
