# Deserves 0 (crashed), with the right answers before it: closes every descriptor.

# %%
import os

os.closerange(0, 1000)
