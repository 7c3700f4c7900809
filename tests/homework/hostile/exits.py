# Deserves 0 (crashed), with the right answers before it: ends its own process.

# %%
import os

os._exit(0)
