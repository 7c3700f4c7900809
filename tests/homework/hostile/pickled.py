# Deserves 0 (graded): answers that run a program where they are unpickled or evaluated.

# %%
class Program:
    def __reduce__(self):
        return __import__("os").system, ("touch escaped",)

    def __repr__(self):
        return "__import__('os').system('touch escaped')"

    __str__ = __repr__


gradient = ["__import__('os').system('touch escaped')"]
epsilon = Program()


def slope(s, y):
    return [Program()] * 4
