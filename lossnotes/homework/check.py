"""What is right about an answer, and the first thing that is wrong with it.

The same code serves the student, in the notebook, and the grader. There is no answer to compare
with: a derivation is followed line by line, a function is tried against its definition at fifty
digits, a number is put into the equation that it should solve.
"""

import re

from mpmath import mp

from lossnotes.homework.asked import solves
from lossnotes.homework.derivations import check_derivation
from lossnotes.homework.finding import CHARACTERS, AnswerError, Finding, finding, shown

__all__ = ["AnswerError", "Finding", "check"]


def check(question, answer, parameters, seed=0):
    """The Finding on an answer; None stands for one that is missing.

    The answer is a list of lines (texts or SymPy) for a derivation, a function of arrays, a number,
    or a text. `parameters` are the student's, and `seed` fixes where functions are tried.
    A function may raise AnswerError; any other exception passes through.
    """
    if answer is None or answer is Ellipsis or isinstance(answer, (str, list)) and not answer:
        return finding(question, 0, "missing", f"There is no `{question.answer}` yet.", "missing")
    try:
        return CHECKS[question.kind](question, answer, parameters, seed)
    except AnswerError as error:
        return finding(question, 0, "wrong", f"`{question.answer}` {error}.", "wrong kind")


def check_number(question, answer, parameters, seed):
    """All points if the equation has a root within the tolerance of the number."""
    try:
        if getattr(answer, "ndim", 0) and answer.size == 1:  # which float() refuses since NumPy 2.4
            answer = answer.item()
        if isinstance(answer, (str, bytes, bool)):
            raise TypeError
        x = mp.mpf(float(answer))
    except (TypeError, ValueError, OverflowError):
        raise AnswerError(f"should be a number, and is a {type(answer).__name__}") from None
    if not mp.isfinite(x):
        raise AnswerError(f"should be a number, and is {x}")
    with mp.workdps(50):
        gap = question.gap(question.equation, parameters)
        right = solves(gap, x, question.tolerance)
        if right and not question.inside(x):
            says = f"`{question.answer} = {shown(x)}` solves the equation, but it is not in the "
            says += f"range that makes sense: from {question.range[0]:g} to {question.range[1]:g}."
            return finding(question, 0, "wrong", says, "out of range")
        if right:
            return finding(question, question.points, "right", "It solves the equation.")
        if hint := question.hint(x, parameters):
            return finding(question, 0, "wrong", hint, hint)
        words, mistake = _near(gap, x, question.tolerance)
        says = f"`{question.answer} = {shown(x)}` {_substituted(gap(x))} {words}"
        return finding(question, 0, "wrong", says, mistake)


def _substituted(value):
    """What a number does that is no root; the equation itself would tell too much."""
    if value is None:
        return "is outside the range in which the equation has a meaning."
    return f"does not solve the equation: its sides differ by {shown(abs(value))}."


def _near(gap, x, tolerance):
    """What a wrong number looks like."""
    if solves(gap, x, min(0.02, 1000 * tolerance)):
        return f"You are close: a relative {tolerance:g} is asked for.", "inaccurate"
    looks = [
        (-x, "It looks like the **sign**.", "sign"),
        (1 - x, "It looks like the complement: 1 minus your number is right.", "complement"),
        (x / 100, "It looks like a percentage: divide by 100.", "factor 100"),
        (x * 2, "It looks like a **factor**: it should be twice as much.", "factor 1/2"),
        (x / 2, "It looks like a **factor**: it should be half as much.", "factor 2"),
        (x * mp.log(2), "It looks like the logarithm to base 2.", "logarithm to base 2"),
        (x * mp.log(10), "It looks like the logarithm to base 10.", "logarithm to base 10"),
    ]
    if x:
        looks.append((1 / x, "It looks like the reciprocal.", "reciprocal"))
    for other, words, mistake in looks:
        if solves(gap, other, max(tolerance, 1e-3)):
            return words, mistake
    return "", "wrong number"


def check_written(question, answer, parameters, seed):
    """No points yet: a person reads it."""
    if not isinstance(answer, str):
        raise AnswerError(f"should be a text, and is a {type(answer).__name__}")
    if len(answer) > CHARACTERS:
        raise AnswerError(f"has {len(answer)} characters; {CHARACTERS} are the most")
    count = count_words(answer)
    if not count:
        return finding(question, 0, "missing", f"There is no `{question.answer}` yet.", "missing")
    low, high = question.words
    asked = "" if low <= count <= high else f" Between {low} and {high} are asked for."
    return finding(question, 0, "to read", f"{count} words, to be read by a person.{asked}")


def count_words(text):
    """How many words a text has; where words are not set apart, a sign is one, or four letters."""
    signs = r"[\u3041-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
    letters = r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]"  # Thai, Lao, Burmese, Khmer
    spaced = re.sub(f"{signs}|{letters}{{1,4}}", " x ", text)
    return sum(any(map(str.isalnum, word)) for word in spaced.split())


def check_function(question, answer, parameters, seed):
    """As `functions` does it; imported here, because only functions need NumPy."""
    from lossnotes.homework import functions

    return functions.check_function(question, answer, parameters, seed)


CHECKS = {
    "derivation": check_derivation,
    "function": check_function,
    "number": check_number,
    "written": check_written,
}
