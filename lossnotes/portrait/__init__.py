"""The portrait of a loss: what the machine can say of any loss that one types in.

    from lossnotes.portrait import portrait
    portrait(-(1 - softmax(s)[y])**gamma * log(softmax(s)[y]), known={"log loss": log_loss(s, y)})

Each row is a property, an answer and a sentence that says what was shown. What is shown rests on
claims, which are checked as every step of a derivation is: proved, confirmed at points, or refuted
by a witness that can be computed again. Numbers are searched for first and claimed then, so that a
search that goes astray shows nothing false. Needs sympy and mpmath only. Chapter: novel_losses.
"""

from lossnotes.portrait import far, floats, relatives, risk, shape, size, slopes, symmetries
from lossnotes.portrait.loss import Loss, read
from lossnotes.portrait.table import Claim, Portrait, Row

__all__ = ["Claim", "Loss", "Portrait", "Row", "portrait", "read"]

ROWS = (
    slopes.gradient,
    slopes.hessian,
    slopes.parameters,
    symmetries.shift,
    symmetries.gradient_sum,
    symmetries.renaming,
    symmetries.labels,
    size.below,
    size.above,
    size.zero_one,
    shape.lipschitz,
    shape.curvature,
    shape.convex,
    far.lost,
    far.won,
    risk.proper,
    risk.calibrated,
    relatives.special_cases,
    floats.float64,
    floats.float32,
    floats.suggestion,
)


def portrait(loss, known=None, where="", numbers=None):
    """The portrait of a loss.

    loss     a SymPy expression in scores s, or probabilities p, and a label y or a target q; its
             other symbols are parameters, and their assumptions are their domains. Or such a text.
    known    losses to compare with: a dict from names to expressions or texts of the same symbols.
             By default log loss, mean absolute error, the Brier score and margin loss.
    where    the domains of parameters in a text: "gamma > 0, 0 < a < 1, t".
    numbers  the values of parameters at which numbers are computed: a dict from symbols or names.
             By default 2 for what is positive, 1 for what is real, the middle of an interval.

    Probabilities p stand for softmax(s), a target q for each one-hot vector. Raises ValueError,
    with a sentence, for what is no such loss.
    """
    loss = read(loss, known, where, numbers)
    return Portrait(loss, tuple(row(loss) for row in ROWS))
