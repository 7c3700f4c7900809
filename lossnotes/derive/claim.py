"""What a reader typed, as a claim about numbers."""

from sympy import sympify


def understood(left, right):
    return sympify(left), sympify(right)
