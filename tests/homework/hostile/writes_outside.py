# Deserves 10 (graded), with the right answers after it: writes wherever it can.

# %%
import os
import sys

places = ["/", "/tmp", "/etc", "/dev", "/dev/shm", "/var/tmp", "/root", "/home", "/usr/lib", ".."]
places += [*sys.path, os.path.dirname(sys.argv[0]), os.path.dirname(sys.executable)]
for place in places:
    try:
        open(os.path.join(place, "escaped"), "w").write("escaped")
    except OSError:
        continue
    raise SystemError(f"wrote to {place}")
for path in (sys.argv[0], sys.executable, os.__file__):
    try:
        os.truncate(path, 0)
    except OSError:
        continue
    raise SystemError(f"destroyed {path}")
