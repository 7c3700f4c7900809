# Deserves 6 (graded), with the right answers before it: a power that no memory holds.

# %%
gradient = ["9**9**9**9", "exp(s[j]) / Sum(exp(s[i]), (i, 1, K)) - delta(j, y)"]
