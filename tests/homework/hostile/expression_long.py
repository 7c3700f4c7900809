# Deserves 6 (graded), with the right answers before it: SymPy would never come back.

# %%
factor = "(s[1] + s[2] + s[3] + s[4] + exp(s[1]) + exp(s[2]) + exp(s[3]) + log(1 + exp(s[4])))"
gradient = ["*".join([factor] * 60)]
