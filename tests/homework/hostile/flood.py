# Deserves 0 (crashed): an answer without an end.

# %%
import os

while True:
    os.write(3, b"9" * 1000)
