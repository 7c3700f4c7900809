# Deserves 0 (crashed): patches the builtins.

# %%
import builtins

builtins.abs = lambda value: 0
builtins.max = builtins.min = lambda *values, **options: 0
builtins.all = builtins.any = builtins.isinstance = lambda *arguments: True
builtins.float = lambda value: 0.0
gradient, epsilon = ["0"], 1.0


def slope(s, y):
    return s * 0
