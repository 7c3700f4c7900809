# Deserves 6 (graded), with the right answers before it: brackets that no parser follows.

# %%
gradient = ["(" * 9000 + "0" + ")" * 9000, "-" * 15000 + "1"]
