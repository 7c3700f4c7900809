# Deserves 0 (timeout), with the right answers after it: a loop that catches what should end it.

# %%
while True:
    try:
        while True:
            pass
    except BaseException:
        continue
