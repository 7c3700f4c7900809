# Deserves 0 (graded): reads the questions itself and answers none.

# %%
import os

os.write(3, b"[]\n")
os.read(3, 1000)
while True:
    try:
        while True:
            pass
    except BaseException:
        continue
