"""Rows of a portrait: an answer, a sentence, and the claims that it rests on."""

import re
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from itertools import chain

from sympy import Float, Rational, exp, log, sympify

from lossnotes.derive.claim import understood
from lossnotes.derive.display import latex
from lossnotes.derive.expressions import text
from lossnotes.derive.kinks import beside_kinks
from lossnotes.derive.points import DIGITS, affordable, draw_points
from lossnotes.derive.prove import unfold
from lossnotes.derive.verdict import (
    MISUNDERSTOOD,
    Trial,
    Verdict,
    compare,
    hard_points,
)

KINDS = ("refuted", "computed", "confirmed", "proved")
SMALL = 12  # operations in a claim about size for which a proof is sought


@dataclass(frozen=True)
class Claim:
    """A relation between two expressions, and the verdict on it."""

    left: object
    relation: str
    right: object
    verdict: Verdict

    def __bool__(self):
        return bool(self.verdict)

    @property
    def kind(self):
        return self.verdict.kind

    def __str__(self):
        return f"{self.left} {self.relation} {self.right}: {self.verdict}"


@lru_cache(maxsize=500)  # several rows ask alike, and so do relatives of one loss
def claim(left, relation, right, prove=True):
    """The claim with its verdict; None where no point has a value on both sides.

    Where no proof is sought the claim is tried wherever `compare` tries what it cannot prove, so
    that "confirmed" means the same.
    """
    left, right = map(sympify, (left, right))
    judge = compare if prove else tried
    try:
        return Claim(left, relation, right, judge(left, relation, right))
    except (ValueError, *MISUNDERSTOOD):
        return None


def is_small(*sides):
    """Whether a proof of a claim about size is sought: it may take long where much is added."""
    parts = [unfold(sympify(side)) for side in sides]
    if not any(part.has(exp, log) for part in parts):
        return True
    return sum(part.count_ops() for part in parts) <= SMALL


def tried(left, relation, right):
    """The verdict of all the points of `compare`, without a proof."""
    sides = understood(left, right)
    drawn = affordable(draw_points(*sides, special=relation != "="), *sides)
    trial = Trial(sides[0], relation, sides[1])
    trial.through(chain(drawn, beside_kinks(*sides)), DIGITS)
    if trial.tried and not trial.witness:
        trial.through(hard_points(sides[0], relation, sides[1], True), DIGITS)
    if not trial.tried:
        raise ValueError(f"no point has a value on both sides of {left} {relation} {right}")
    kind = "refuted" if trial.witness else "confirmed"
    return Verdict(kind, trial.tried, trial.witness, trial.given_up)


@dataclass(frozen=True)
class Row:
    """A property of a loss.

    name    of the property
    answer  True, False, an expression or a number; None where nothing is decided
    says    a sentence: what exactly was shown, with formulas between dollars
    claims  what it rests on; the weakest verdict counts
    """

    name: str
    answer: object
    says: str
    claims: tuple = ()

    def __bool__(self):
        return self.answer is not None and self.answer is not False

    @property
    def kind(self):
        """The verdict: proved, confirmed, refuted, computed, or open where nothing is shown."""
        if not self.claims or self.answer is None:
            return "open"
        return min((claim.kind for claim in self.claims), key=KINDS.index)

    @property
    def witness(self):
        """The point at which the property fails, if one was found; `check` computes it again."""
        return next((c.verdict.witness for c in self.claims if c.verdict.witness), None)

    @property
    def verdict(self):
        """In words: proved, confirmed at how many points, refuted and where, or not decided."""
        if self.kind == "open":
            return "not decided"
        return str(min(self.claims, key=lambda claim: KINDS.index(claim.kind)).verdict)

    @property
    def words(self):
        """The answer in a word; a formula stands in the sentence."""
        for answer, word in ((True, "yes"), (False, "no"), (None, "open")):
            if self.answer is answer:
                return word
        return "found"


@dataclass(frozen=True)
class Portrait:
    """Everything that was found of a loss; `portrait["convex"]` is one row."""

    loss: object
    rows: tuple

    def __getitem__(self, name):
        for row in self.rows:
            if row.name == name:
                return row
        raise KeyError(f"{name!r} is no row; there are {', '.join(row.name for row in self.rows)}")

    def __iter__(self):
        return iter(self.rows)

    def __repr__(self):
        width = max(len(row.name) for row in self.rows)
        lines = [text(self.loss.typed)]
        for row in self.rows:
            lines.append(f"{row.name:{width}}  {row.words:5}  {_plain(row.says)}")
            lines.append(f"{'':{width}}         [{row.verdict}]")
        return "\n".join(lines)

    def _repr_latex_(self):
        rows = [
            rf"\text{{{row.name}}} & \text{{{row.words}}} & {_in_latex(row.says)}"
            rf" & \text{{({row.verdict})}}"
            for row in self.rows
        ]
        body = " \\\\\n".join(rows)
        return (
            f"$${latex(self.loss.typed)}$$\n\n$$\\begin{{array}}{{llll}}\n{body}\n\\end{{array}}$$"
        )

    def _repr_html_(self):
        body = "\n".join(
            f'<tr><th scope="row">{escape(row.name)}</th><td class="answer">{row.words}</td>'
            f'<td class="ground">{_in_html(row.says)}</td>'
            f'<td class="verdict {row.kind}">{_verdict(row)}</td></tr>'
            for row in self.rows
        )
        caption = rf"<caption>\({escape(latex(self.loss.typed))}\)</caption>"
        return f'<table class="portrait">{caption}<tbody>\n{body}\n</tbody></table>'


def _verdict(row):
    """The verdict in words; the claims that it rests on unfold below it."""
    if row.kind == "open" or not row.claims:
        return row.verdict
    items = "".join(f"<li>{escape(str(claim))}</li>" for claim in row.claims)
    return f"<details><summary>{escape(row.verdict)}</summary><ol>{items}</ol></details>"


def formula(expression):
    """An expression as a formula in a sentence; fractions of many digits as decimals."""
    long = {x: Float(x, 7) for x in sympify(expression).atoms(Rational) if x.q > 1000}
    expression = sympify(expression).xreplace(long)
    shown = latex(expression)
    _TEXTS[shown] = text(expression)
    return f"${shown}$"


_TEXTS = {}  # of the formulas in sentences, for where LaTeX is not read


def _in_html(says):
    return re.sub(r"\$(.+?)\$", r"\\(\1\\)", escape(says))


def _in_latex(says):
    parts = says.split("$")
    return "".join(part if n % 2 else rf"\text{{{part}}}" for n, part in enumerate(parts) if part)


def _plain(says):
    return re.sub(r"\$(.+?)\$", lambda found: _TEXTS.get(found[1], found[1]), says)
