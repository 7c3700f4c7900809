"""Rows of scores, block by block: what logsumexp and softmax share.

A block is small enough to stay in the cache while the few passes of a formula run over it, and so
large that they outweigh the calls around them, which hold Python's lock.
Large arrays give their blocks to a thread for each core that this process may use; NumPy computes
without holding Python's lock.
"""

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from lossnotes.losses._arithmetic import balanced_sum, exp_difference

BLOCK = 2**18  # entries: two megabytes of float64
LITTLE = 2**16  # entries of a block for one thread: half a megabyte stays in the cache of its core
THREADED = 2**18  # entries; below this, starting threads costs more than it saves
BUFFER = 1024  # entries; NumPy copies what it broadcasts where two rows fit into its buffer
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
FEW = 64  # classes; up to here columns are summed rather than rows


def by_blocks(compute, rows, classes):
    """Call compute(block) for slices that cover range(rows)."""
    large = rows * classes >= THREADED
    step = max(1, min(BLOCK // classes, -(-rows // CORES)) if large else LITTLE // classes)
    blocks = [slice(i, i + step) for i in range(0, rows, step)]

    def quietly(block):  # infinities are meant, and a thread starts with its own error state
        with np.errstate(all="ignore"):
            np.setbufsize(BUFFER)  # until the end of errstate
            compute(block)

    if large and CORES > 1:
        with ThreadPoolExecutor(CORES) as pool:
            list(pool.map(quietly, blocks))
    else:
        for block in blocks:
            quietly(block)


class Weights:
    """The weights e_i = e^(s_i - max s) of rows of scores (n, K), in float64.

    best   (n,)   the first class of maximal score: its weight is 1
    top    (n,)   its score
    e      (n, K) the weights
    below  (n,)   the sum of all weights but the one of `best`
    total  (n,)   the sum of all weights
    A row of -inf only has no weights but 1 at `best`.
    """

    def __init__(self, s):
        n, classes = s.shape
        self.at_best = np.arange(n), s.argmax(axis=1)
        self.top = s[self.at_best]
        if classes <= FEW:
            s = np.asfortranarray(s)  # NumPy reduces short rows slowly, a few long columns fast
        self.e = exp_difference(s, np.where(self.top == -np.inf, 0, self.top)[:, None])
        self.e[self.at_best] = 0
        self.below = balanced_sum(self.e)
        self.e[self.at_best] = 1
        self.total = 1 + self.below

    @property
    def excess(self):
        """LSE(s) - max s, from 0 to log K."""
        return np.log1p(self.below)

    def others(self, y):
        """The sum of all weights but the one of class y, (n,)."""
        rest = self.below + (1 - self.e[self.at_best[0], y])
        return np.where(y == self.at_best[1], self.below, rest)
