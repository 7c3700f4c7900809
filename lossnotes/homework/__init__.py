"""Homework: written once, checked at every step, graded for a whole class.

from lossnotes.homework import Homework

hw = Homework()
hw.check("q2")
"""

from lossnotes.homework.notebook import Homework

__all__ = ["Homework"]
