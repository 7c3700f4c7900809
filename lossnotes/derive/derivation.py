"""A derivation: a chain of expressions, each step checked before it is accepted."""

import re
from dataclasses import dataclass
from html import escape

from sympy import IndexedBase, Symbol, sympify

from lossnotes.derive.bounds import at
from lossnotes.derive.display import latex
from lossnotes.derive.points import symbols_of
from lossnotes.derive.symbols import Scores, entry, unused_index
from lossnotes.derive.verdict import Verdict, compare, strict_unless

SIGNS = {"=": "=", "<=": r"\le", ">=": r"\ge", "<": "<", ">": ">"}


class StepError(ValueError):
    """A step that does not follow; `verdict.witness` is a point at which it fails."""

    def __init__(self, message, verdict):
        super().__init__(message)
        self.verdict = verdict


@dataclass(frozen=True)
class Step:
    relation: str
    expression: object
    ground: str
    verdict: Verdict


@dataclass(frozen=True)
class EqualityCase:
    """Equality holds at `where` (verdict `attained`) and nowhere else (verdict `only_there`)."""

    where: dict
    attained: Verdict
    only_there: Verdict

    @property
    def formula(self):
        """The case as LaTeX, entry by entry."""
        i = unused_index(*self.where, *self.where.values())
        return ", ".join(
            rf"{latex(entry(symbol, i))} = {latex(entry(value, i))}"
            + (rf"\ \text{{for all}}\ {latex(i)}" if isinstance(symbol, IndexedBase) else "")
            for symbol, value in self.where.items()
        )

    @property
    def words(self):
        """Before and after the case: "if and only if" only where both directions are proved."""
        if self.only_there.kind == "proved":
            return "if and only if", ""
        return "where", ", and nowhere else found"

    def __str__(self):
        return f"if: {self.attained}, only if: {self.only_there}"


class Derivation:
    """A chain of equations and inequalities that starts from an expression.

        d = Derivation(Derivative(LSE(s) - s[y], s[j]))
        d.step(softmax(s)[j] - delta(j, y), "the gradient of LSE is the softmax")

    In a notebook it shows itself, each step with its ground and its verdict.
    """

    def __init__(self, start):
        self.start = sympify(start)
        self.steps = []
        self.equality_case = None

    def step(self, expression, ground, relation="="):
        """Add a step after checking that it follows from the one before; returns the derivation.

        Raises StepError, with a witness, if it does not; the derivation is then unchanged.
        """
        expression = sympify(expression)
        verdict = compare(self.result, relation, expression)
        if not verdict:
            raise StepError(
                f"step {len(self.steps) + 1} does not follow: "
                f"{self.result} {relation} {expression} is {verdict}",
                verdict,
            )
        self.steps.append(Step(relation, expression, ground, verdict))
        return self

    def equality(self, where):
        """State when a chain of inequalities is an equality: exactly at `where`, e.g. {p: q}.

        Attained: at `where` every link is an equality. Only there: proved, for the whole chain or
        for one of its links; or the ends differ at random points, where all scores are shifted,
        which hardly a loss can see, and where the gap between them is least.
        Raises StepError if either fails.
        """
        if self.relation not in ("<=", ">="):
            raise ValueError(f"a chain of {self.relation} has no case of equality to state")
        chain = [self.start, *(step.expression for step in self.steps)]
        links = [
            compare(at(left, where), "=", at(right, where))
            for left, right in zip(chain, chain[1:], strict=False)
        ]
        order = ["refuted", "confirmed", "proved"]
        attained = min(links, key=lambda verdict: order.index(verdict.kind))
        _require(attained, where)
        if shifted := _shifted(where):
            start, result = at(self.start, shifted), at(self.result, shifted)
            _require(compare(start, self.relation[0], result, special=False), where)
        links = [
            (left, step.relation, step.expression)
            for left, step in zip(chain, self.steps, strict=False)
            if step.relation != "="
        ]
        only_there = strict_unless(
            self.start, self.relation, self.result, where, links if self.proved else ()
        )
        _require(only_there, where)
        self.equality_case = EqualityCase(where, attained, only_there)
        return self

    @property
    def result(self):
        """The last expression."""
        return self.steps[-1].expression if self.steps else self.start

    @property
    def relation(self):
        """How the start relates to the result: the strongest relation that the chain supports."""
        relations = {step.relation for step in self.steps} - {"="}
        if not relations:
            return "="
        if relations <= {"<", "<="}:
            return "<" if "<" in relations else "<="
        if relations <= {">", ">="}:
            return ">" if ">" in relations else ">="
        raise ValueError("the chain mixes <= and >=, so that its ends are not related")

    @property
    def proved(self):
        """Whether every step is proved, and not only confirmed."""
        return all(step.verdict.kind == "proved" for step in self.steps)

    @property
    def statement(self):
        """What the chain proves, start against result, as LaTeX."""
        return rf"{latex(self.start)} {SIGNS[self.relation]} {latex(self.result)}"

    def __repr__(self):
        rows = [
            f"{step.relation} {step.expression}    [{step.ground}: {step.verdict}]"
            for step in self.steps
        ]
        if self.equality_case:
            where = ", ".join(f"{a} = {b}" for a, b in self.equality_case.where.items())
            words, elsewhere = self.equality_case.words
            rows.append(f"with equality {words} {where}{elsewhere}    [{self.equality_case}]")
        return "\n".join([f"  {self.start}", *rows])

    def _repr_latex_(self):
        rows = [f"& {self._formula(step)} && {_note(step)}" for step in self.steps]
        if self.equality_case:
            case = self.equality_case
            words, elsewhere = case.words
            rows.append(
                rf"& \text{{with equality {words} }} {case.formula}\text{{{elsewhere}}}"
                rf" && \text{{({case})}}"
            )
        body = " \\\\\n".join(rows)
        return f"$$\\begin{{aligned}}\n{latex(self.start)} {body}\n\\end{{aligned}}$$"

    def _repr_html_(self):
        """A table: formulas at the left, grounds and verdicts at the right."""
        cells = [
            (
                rf"\(\displaystyle {self._formula(step)}\)",
                step.ground,
                step.verdict.kind,
                step.verdict,
            )
            for step in self.steps
        ]
        if self.equality_case:
            case = self.equality_case
            formula = case.formula.replace(r"\ \text{for all}\ ", r"\) for all \(")
            before, elsewhere = case.words
            words = rf"with equality {before} \({formula}\){elsewhere}"
            cells.append((words, "", case.only_there.kind, case))
        cells = cells or [("", "", "", "")]
        lefts = [rf"\(\displaystyle {latex(self.start)}\)", *[""] * (len(cells) - 1)]
        body = "\n".join(
            f'<tr><td class="left">{escape(left)}</td><td class="right">{escape(right)}</td>'
            f'<td class="ground">{_inline_mathematics(escape(ground))}</td>'
            f'<td class="verdict {kind}">{_verdict(verdict)}</td></tr>'
            for left, (right, ground, kind, verdict) in zip(lefts, cells, strict=True)
        )
        return f'<table class="derivation"><tbody>\n{body}\n</tbody></table>'

    @staticmethod
    def _formula(step):
        return rf"{SIGNS[step.relation]} {latex(step.expression)}"


def _require(verdict, where):
    """Raise at once: what comes next is dearer."""
    if not verdict:
        raise StepError(f"equality is not exactly at {where}: {verdict}", verdict)


def _shifted(where):
    """`where` with its scores moved by one number; empty if they are free to move already."""
    shift = Symbol("shift", positive=True)
    shifted = {
        vector: value + shift
        for vector, value in where.items()
        if isinstance(vector, Scores)
        and not any(sympify(value).diff(symbol) == 1 for symbol in symbols_of(sympify(value))[1])
    }
    return where | shifted if shifted else {}


def _verdict(verdict):
    """The verdict; what a proof used, in that order, unfolds below it."""
    why = getattr(verdict, "why", ())
    if not why:
        return escape(str(verdict))
    facts = "".join(f"<li>{escape(fact)}</li>" for fact in why)
    return f"<details><summary>{escape(str(verdict))}</summary><ol>{facts}</ol></details>"


def _note(step):
    return rf"\text{{{step.ground} ({step.verdict})}}"


def _inline_mathematics(text):
    return re.sub(r"\$(.+?)\$", r"\\(\1\\)", text)
