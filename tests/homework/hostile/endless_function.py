# Deserves 6 (graded), with the right answers before it: a function that does not end.


# %%
def slope(s, y):
    while True:
        pass
