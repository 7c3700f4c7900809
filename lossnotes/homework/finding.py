"""What a check finds: the points for one answer, and what to tell the student."""

import re
from dataclasses import dataclass, replace
from itertools import islice

from mpmath import mp, nstr

CHARACTERS = 20_000  # of an answer; the worker, which imports nothing of this, has the same bound


class AnswerError(Exception):
    """An answer that is of the wrong kind, or a student's function that fails; says why."""


class NoAnswer(AnswerError):
    """There is no answer, or a function that returns nothing: it is still to be written."""


@dataclass(frozen=True)
class Finding:
    """The points for one answer; `says` is Markdown, `mistake` a short key for statistics.

    The status is right, wrong, partly, missing or to read.
    """

    question: str
    points: float
    of: float
    status: str
    says: str
    mistake: str | None = None

    def __str__(self):
        return f"{self.question}: {self.status}, {self.points:g} of {self.of:g} points\n{self.says}"

    def _repr_markdown_(self):
        head = f"**{self.question}: {self.status}**, {self.points:g} of {self.of:g} points"
        return f"{head}\n\n{self.says}"


def finding(question, points, status, says, mistake=None):
    return Finding(
        question=question.name,
        points=points,
        of=question.points,
        status=status,
        says=says.strip(),
        mistake=mistake,
    )


def hinted(found, hints, tried):
    """A finding with one hint more for each of so many wrong answers."""
    if found.status not in ("wrong", "partly"):
        return found
    told = (f"\n\nHint {n}: {hint}" for n, hint in enumerate(hints, 1))
    return replace(found, says=found.says + "".join(islice(told, tried)))


def code(words, length=160):
    """Words of whatever origin as Markdown code, of bounded length."""
    plain = re.sub(r"[\s`|]+", " ", str(words))
    return f"`{plain if len(plain) <= length else plain[: length - 3] + '...'}`"


def plain(words):
    """The words of an error, with nothing in them that Markdown or HTML would take for its own.

    What they quote becomes code, in which all is text.
    """
    words = re.sub(r"[\s`|]+", " ", str(words))[:800].rstrip(". ")
    *quoted, last = re.split(r"(?<!\w)([\"'])(.+?)\1(?!\w)", words)
    parts = zip(quoted[::3], quoted[2::3], strict=True)
    return "".join(f"{_unmarked(before)}`{quote}`" for before, quote in parts) + _unmarked(last)


def _unmarked(words):
    return re.sub(r"[<>!*]+", " ", words)


def shown(number):
    """A number with six digits; what is not there is none."""
    return "none" if mp.isnan(number) else nstr(number, 6)
