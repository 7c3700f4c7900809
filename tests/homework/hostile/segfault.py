# Deserves 0 (crashed), with the right answers before it: reads where there is nothing.

# %%
import ctypes

ctypes.string_at(0)
