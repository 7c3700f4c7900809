# Deserves 0 (timeout), with the right answers after it: a computation that no signal interrupts.

# %%
x = sum(range(10**15))
