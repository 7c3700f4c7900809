"""Checked derivations: every step is proved for every K, confirmed at points, or refused.

Needs sympy and mpmath only, so that it also runs where there is no numpy.
"""

from lossnotes.derive.derivation import Derivation, Step, StepError
from lossnotes.derive.points import Point
from lossnotes.derive.values import evaluate
from lossnotes.derive.verdict import Verdict, Witness, compare, equal

__all__ = [
    "Derivation",
    "Point",
    "Step",
    "StepError",
    "Verdict",
    "Witness",
    "compare",
    "equal",
    "evaluate",
]
