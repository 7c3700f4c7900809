"""How the benchmarks take times: the competitors take turns, and the median of the turns counts."""

import statistics
import time


def median_times(competitors, problem, seconds):
    """Seconds of one call of each competitor on a problem, as {name: median}, after a first call.

    In turns, so that what else the machine does meets all of them, for so many seconds in all.
    """
    times = {name: [] for name in competitors}
    for competitor in competitors.values():
        competitor(*problem)
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        for name, competitor in competitors.items():
            start = time.perf_counter()
            competitor(*problem)
            times[name].append(time.perf_counter() - start)
    return {name: statistics.median(each) for name, each in times.items()}
