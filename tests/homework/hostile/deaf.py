# Deserves 0 (graded): reads the questions itself and answers none.

# %%
import os

os.write(3, b"[]\n")
while True:
    try:
        while True:
            os.read(3, 1000)
    except BaseException:
        continue
