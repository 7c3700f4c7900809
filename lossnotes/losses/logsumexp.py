"""LSE, the soft maximum. Chapter: logsumexp."""

import numpy as np

from lossnotes.losses import _arguments as arguments
from lossnotes.losses._rows import Weights, by_blocks


def logsumexp(s):
    """LSE(s) = log of the sum of e^(s_i), a soft maximum: max s <= LSE(s) <= max s + log K.

    s: scores (..., K). Result: (...,). A row of -inf only has LSE -inf, the log of zero.
    Raises ValueError for NaN, +inf and a missing class axis.
    Computed as max s + log(1 + sum of the other e^(s_i - max s)): nothing overflows, and where the
    two parts cancel the result is accurate to the last digits of the larger.
    Source: lecture 14, LSE. Chapter: logsumexp.
    """
    s = arguments.score_array("s", s)
    arguments.check_scores("s", s)
    rows = s.reshape(-1, s.shape[-1])
    result = np.empty(len(rows), s.dtype)

    def compute(block):
        weights = Weights(rows[block])
        result[block] = weights.top + weights.excess

    by_blocks(compute, *rows.shape)
    return result.reshape(s.shape[:-1])[()]
