"""Time of the loss of a kernel density estimate and its gradient: in bins, as an integral, naively.

    python benchmarks/kde.py

Naively: the formula of the source in bins, without logarithms, as one would write it down. It is
right here, and NaN or inf where every density underflows. The competitors take turns, so that what
else the machine does meets all of them, and the median of the turns counts.
"""

import numpy as np
from turns import median_times

from lossnotes.losses.kde import box, gaussian, kde_cross_entropy_and_grad, laplace
from lossnotes.losses.softmax import softmax

SHAPES = [(1, 100), (1, 1000), (256, 100)]
KERNELS = [box(0.5), laplace(13), gaussian(0.1)]
BINS = 151
SECONDS = 2  # for each row of the table
INTERVAL = (-1, 1)


def in_bins(s, x, kernel):
    return kde_cross_entropy_and_grad(s, x, INTERVAL, kernel, BINS)


def as_an_integral(s, x, kernel):
    return kde_cross_entropy_and_grad(s, x, INTERVAL, kernel)


def naively(s, x, kernel):
    a, b = INTERVAL
    middles = a + (np.arange(BINS) + 0.5) * (b - a) / BINS
    S = softmax(s)
    terms = S[:, None] * kernel(middles[:, None] - x[:, None])
    p = terms.sum(axis=2)
    return -np.log(p).mean(axis=1), S - (terms / p[:, :, None]).mean(axis=1)


COMPETITORS = {"in 151 bins": in_bins, "as an integral": as_an_integral, "naively": naively}


def main():
    print("rows x points  kernel         " + "".join(f"{name:>20}" for name in COMPETITORS))
    for n, N in SHAPES:
        rng = np.random.default_rng(0)
        s, x = rng.normal(size=(n, N)), rng.uniform(-1, 1, (n, N))
        for kernel in KERNELS:
            times = median_times(COMPETITORS, (s, x, kernel), SECONDS)
            line = "".join(f"{times[name] * 1e3:17.2f} ms" for name in COMPETITORS)
            print(f"{n} x {N}".ljust(15) + f"{kernel}".ljust(15) + line, flush=True)
    print(f"\nvalue and gradient, {BINS} bins.")


if __name__ == "__main__":
    main()
