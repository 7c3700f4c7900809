# Deserves 6 (graded), with the right answers before it: sums of sums of sums.

# %%
line = "exp(s[i])"
for index in ["k", "l", "m", "n"] * 10:
    line = f"Sum(exp({line} * s[{index}]), ({index}, 1, K))"
gradient = [line]
