# Deserves 10 (graded), with the right answers after it: ten gigabytes.

# %%
import numpy as np

everything = np.ones(10**10 // 8)

# %%
everything = [bytearray(10**8) for _ in range(100)]

# %%
everything = None
