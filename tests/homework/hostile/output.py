# Deserves 10 (graded), with the right answers after it: two hundred megabytes of output.

# %%
import os
import sys

for _ in range(50):
    print("x" * 10**6)
    sys.stderr.write("x" * 10**6)
    os.write(1, b"x" * 10**6)
    os.write(2, b"x" * 10**6)
raise ValueError("x" * 10**8)
