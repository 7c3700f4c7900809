# Deserves 10 (graded), with the right answers after it: leaves threads behind.

# %%
import ctypes
import threading
import time


def for_ever():
    while True:
        time.sleep(0.001)


for _ in range(100):
    try:
        threading.Thread(target=for_ever).start()
    except RuntimeError:
        continue

# %%
thread = ctypes.c_ulong()
work = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(lambda nothing: for_ever())
assert ctypes.CDLL(None).pthread_create(ctypes.byref(thread), None, work, None) != 0
