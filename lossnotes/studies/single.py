"""Single precision that is the same on every processor. Chapters: smoothing, mimic."""

import numpy as np


class Single(np.ndarray):
    """Numbers in single precision, whose exponentials are those of double precision, rounded.

    All else of NumPy's arithmetic is rounded correctly. Its float32 `exp` is not, and some
    processors have another one. Where a rule lives on the last bits, as the published one does at
    ties, they would disagree on what it does.

        Single(s): (n, K), numbers of any precision
    """

    def __new__(cls, numbers):
        return np.asarray(numbers, dtype=np.float32).view(cls)

    def __array_ufunc__(self, ufunc, method, *given, **options):
        plain = [_plain(each) for each in given]
        if "out" in options:
            options["out"] = tuple(_plain(each) for each in options["out"])
        if ufunc is np.exp:
            return Single(np.exp(plain[0].astype(np.float64), **options))
        return np.asarray(getattr(ufunc, method)(*plain, **options)).view(Single)


def _plain(each):
    return each.view(np.ndarray) if isinstance(each, Single) else each
