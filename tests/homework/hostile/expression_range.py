# Deserves 6 (graded), with the right answers before it: a sum of a billion terms.

# %%
gradient = ["Sum(exp(-k), (k, 1, 10**9))", "Sum(k**k, (k, 1, 999999))"]
