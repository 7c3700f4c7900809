# Deserves 0 (graded): answers of a hundred megabytes.

# %%
gradient = ["s[j]" + " + s[j]" * 10**7]
why = "why " * 25 * 10**6


def slope(s, y):
    return [0.0] * 10**7
