# Deserves 10 (graded), with the right answers after it: signals to the worker and to everybody.

# %%
import ctypes
import fcntl
import os
import signal

refused = 0
for number in (signal.SIGKILL, signal.SIGSTOP, signal.SIGTERM, signal.SIGINT):
    for process in (os.getppid(), 1, 2, -1, 0):
        try:
            os.kill(process, number)
        except PermissionError:
            refused += 1
assert refused == 20

# %%
try:
    fcntl.fcntl(3, fcntl.F_SETOWN, os.getppid())
except PermissionError:
    refused += 1
libc = ctypes.CDLL(None)
assert libc.sigqueue(os.getppid(), 9, None) == -1
assert libc.killpg(0, 9) == -1
assert refused == 21
