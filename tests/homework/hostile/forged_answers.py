# Deserves 0 (graded): gives answers before it is asked, and none when it is.

# %%
import json
import os

os.write(3, b"[]\n")
for value in ("0", ["0"], 1.0, True, ["<f8", [4], "AAAA"]):
    os.write(3, json.dumps({"value": value}).encode() + b"\n")
