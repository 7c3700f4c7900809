# Deserves 10 (graded), with the right answers before it: right, but destroys what it was given.

# %%
right = slope


def slope(s, y):
    answer = right(s.copy(), y)
    s *= np.nan
    return answer
