# Deserves 0 (crashed): writes its own result on every descriptor.

# %%
import os

result = b'{"status": "graded", "points": 10, "value": 10, "errors": []}\n'
for number in range(64):
    try:
        os.write(number, result)
    except OSError:
        continue
