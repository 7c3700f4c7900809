"""Every step of every derivation of the book, written wrongly in every way, must be refused."""

import ast
import json
from collections import Counter
from unittest import mock

import pytest
from sympy import Derivative, Symbol

from lossnotes.derive import Derivation, Verdict, compare, equal, prove
from lossnotes.derive.bounds import at
from lossnotes.derive.symbols import LSE, delta, j, k, maximum, one_hot, s, softmax, y

from .mutants import BOOK, NOTEBOOKS, forget, mutants_of, run, that_derive

KINDS = [
    "sign flipped",
    "term dropped",
    "factor dropped",
    "index swapped",
    "coefficient changed",
    "a delta lost",
    "q and p exchanged",
    "limit changed",
]


def fate(derivation, before, step, mutant):
    """What becomes of a mutated step: refused, equal (proved), true (a proved bound), survives.

    A bound may be wrong by being too weak: a mutant is also refused where the book's bound is
    tight and it is not. Tight is the case of equality, or one score far above all others.
    """
    answer = compare(before, step.relation, mutant)  # an error is no refusal, and fails the test
    if not answer:
        return "refused"
    if answer.kind == "proved" and step.relation == "=":
        return "equal"
    if step.relation == "=":
        return "survives"
    if equal(mutant, step.expression).kind == "proved":
        return "equal"
    case = derivation.equality_case
    tight = case.where if case else {s: 1000 * one_hot(k)}
    left, right, wrong = (at(side, tight) for side in (before, step.expression, mutant))
    if equal(left, right) and not equal(left, wrong):
        return "refused"
    squares = compare(before, step.relation, _with_squares(mutant)).kind
    return "true" if "proved" in (answer.kind, squares) else "survives"


def _with_squares(expression):
    """x^-2 is positive wherever it has a value."""

    def is_one(part):
        return part.is_Pow and part.exp.is_even and part.exp.is_negative and part.base.is_real

    return expression.replace(is_one, lambda part: Symbol(f"({part})", positive=True))


def fates(derivation):
    """The kind and the fate of every mutant of every step, and what it claims."""
    chain = [derivation.start, *(step.expression for step in derivation.steps)]
    for before, step in zip(chain, derivation.steps, strict=False):
        for kind, mutant in mutants_of(step.expression, chain):
            yield kind, fate(derivation, before, step, mutant), (before, step.relation, mutant)


@pytest.fixture(scope="module", autouse=True)
def nothing_known():
    """The book is timed in one process, which has not yet done anything else."""
    forget()


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda notebook: notebook.stem)
def test_no_mutated_step_survives(notebook, record_property):
    derivations = run(notebook).derivations
    assert derivations
    results = [result for derivation in derivations for result in fates(derivation)]
    count = Counter(end for _, end, _ in results)
    record_property(
        "measured",
        f"mutants of {notebook.stem:16} {len(derivations):3} derivations, "
        f"{sum(len(d.steps) for d in derivations):3} steps, {len(results):4} mutants: "
        f"{count['refused']:4} refused, {count['equal']:2} proved equal, "
        f"{count['true']} proved true, {count['survives']} survivors",
    )
    survivors = [(kind, *claim) for kind, end, claim in results if end == "survives"]
    assert not survivors, "\n".join(map(str, survivors))


def shown_in(notebook):
    """The derivations that a reader sees, as HTML."""
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        for output in cell.get("outputs", []):
            html = "".join(output.get("data", {}).get("text/html", ""))
            if html.startswith('<table class="derivation'):
                yield html


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda notebook: notebook.stem)
def test_every_derivation_that_a_reader_sees_is_among_them(notebook):
    made = {derivation._repr_html_() for derivation in run(notebook).derivations}
    shown = list(shown_in(notebook))
    assert shown or notebook.parent == BOOK
    assert [html for html in shown if html not in made] == []


NOTEBOOK = """
from sympy import Symbol, exp
from lossnotes import figures
from lossnotes.derive import Derivation
x, sides = Symbol("x"), []
numbers = [x for x in range(9)]
def elsewhere():
    sides = 0
sides.append(exp(x))
def begin(side):
    return Derivation(side)
first = begin(sides[0])
first.step(exp(x), "the same")
first
figures.style()
slow = sum(range(10))
slow.step(1)
"""


def test_what_a_notebook_does_besides_is_left_out():
    kept = that_derive(NOTEBOOK)
    dropped = ["from lossnotes import figures", "numbers = [x for x in range(9)]"]
    dropped += ["def elsewhere():\n    sides = 0", "first", *NOTEBOOK.splitlines()[-3:]]
    every = [ast.unparse(statement) for statement in ast.parse(NOTEBOOK).body]
    assert [text for text in every if text not in map(ast.unparse, kept)] == dropped


def test_every_kind_of_slip_is_made():
    assert NOTEBOOKS
    made = Counter(
        kind
        for notebook in NOTEBOOKS
        for derivation in run(notebook).derivations
        for step in derivation.steps
        for kind, _ in mutants_of(step.expression, [derivation.start])
    )
    assert [kind for kind in KINDS if not made[kind]] == []


def test_a_checker_that_accepts_everything_lets_mutants_survive():
    derivation = Derivation(Derivative(LSE(s) - s[y], s[j]))
    derivation.step(softmax(s)[j] - delta(j, y), "the gradient of the log loss")
    with mock.patch(f"{__name__}.compare", return_value=Verdict("confirmed", 12)):
        assert {end for _, end, _ in fates(derivation)} == {"survives"}


def test_a_bound_that_is_too_weak_is_refused():
    derivation = Derivation(maximum(s)).step(LSE(s), "one term of several", "<")
    assert fate(derivation, maximum(s), derivation.steps[0], LSE(s) + 1) == "refused"


# In units of what a task of SymPy's own takes on the same machine: a tenth of a second, or less.
A_CHECK = 0.3
SEARCHING = 150  # for all other cases of equality together


def test_a_check_of_the_book_takes_no_time_that_a_reader_would_notice(record_property):
    done = [run(notebook) for notebook in NOTEBOOKS]
    derivations = sum(len(notebook.derivations) for notebook in done)
    checks = sum(notebook.checks for notebook in done)
    seconds = sum(notebook.seconds for notebook in done)
    searching = sum(notebook.searching for notebook in done)
    pace = sum(notebook.pace for notebook in done) / len(done)
    verdicts = Counter(kind for notebook in done for kind in notebook.verdicts)
    record_property(
        "measured",
        f"{derivations} derivations of the book, {checks} checks: {seconds:.1f} s, and"
        f" {searching:.1f} s for where else the sides are equal, at a pace of {pace:.3f} s;"
        f" {verdicts['proved']} verdicts proved, {verdicts['confirmed']} confirmed",
    )
    assert all(notebook.checks >= len(notebook.derivations) > 0 for notebook in done)
    assert seconds <= A_CHECK * checks * pace
    assert searching <= SEARCHING * pace


def test_to_forget_is_to_empty_the_caches():
    prove.unfold(LSE(s))
    filled = prove.unfold.cache_info().currsize
    forget()
    assert filled > prove.unfold.cache_info().currsize == 0
