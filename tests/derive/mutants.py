"""Wrong steps made from right ones: what a slip of the pen would have written instead."""

import ast
import contextlib
import io
import json
import warnings
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from time import process_time
from unittest import mock

import matplotlib
from sympy import (
    Add,
    Derivative,
    Dummy,
    Heaviside,
    Indexed,
    Integer,
    Integral,
    KroneckerDelta,
    Mul,
    Number,
    Sum,
    exp,
    expand,
    log,
)
from sympy.core.cache import clear_cache

from lossnotes.derive import (
    Derivation,
    claim,
    compare,
    conditions,
    parts,
    points,
    prove,
    quadrature,
    ranges,
    switches,
    values,
    verdict,
)
from lossnotes.derive.points import indices_of
from lossnotes.derive.symbols import Entry, Others, Quantity, p, q

BOOK = Path(__file__).parents[2] / "book"
NOTEBOOKS = sorted(BOOK.glob("**/*.ipynb"))


@dataclass(frozen=True)
class Run:
    """What the cells of a notebook derived, in how many checks, and the seconds these took.

    That a case of equality is the only one is searched for besides: in seconds of its own.
    `pace` are the seconds that a task of SymPy's own took beside them.
    """

    derivations: list
    checks: int
    seconds: float
    searching: float
    pace: float

    @property
    def verdicts(self):
        """The kinds of the verdicts that a reader sees: of steps, and of cases of equality."""
        for derivation in self.derivations:
            yield from (step.verdict.kind for step in derivation.steps)
            if case := derivation.equality_case:
                yield from (case.attained.kind, case.only_there.kind)


def owner(node):
    """The name at the root of x, x.a, x[0].b(...)."""
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    return getattr(node, "id", None)


def bound(statement):
    """The names that a statement binds, and those of what it assigns a part to."""
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        yield statement.name
        return
    nodes = [*ast.walk(statement)]
    of_comprehensions = {
        name
        for node in nodes
        if isinstance(node, ast.comprehension)
        for name in ast.walk(node.target)
    }
    for node in nodes:
        if isinstance(node, ast.alias):
            yield node.asname or node.name
        elif isinstance(getattr(node, "ctx", None), ast.Store) and node not in of_comprehensions:
            yield owner(node)


def called(statement):
    """The names of what a statement without a target may change, since it calls a method of it."""
    if isinstance(statement, ast.Expr | ast.For | ast.With | ast.If):
        for node in ast.walk(statement):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                yield owner(node)


def read(statement):
    """The names that a statement reads, and the methods that it asks for."""
    for node in ast.walk(statement):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield f".{node.attr}"


def that_derive(source):
    """The statements that derive, and those on which these depend.

    Most of the time of a notebook goes into what it trains and draws, which nbval compares.
    """
    statements = ast.parse(source).body
    imports = [node for node in statements if isinstance(node, ast.Import | ast.ImportFrom)]
    modules = {name for node in imports for name in bound(node)}
    makers, made, needed = {"Derivation"}, set(), []
    for statement in statements:
        names = {*read(statement)}
        goes_on = made & names and {".step", ".equality"} & names  # networks have steps, too
        if statement not in imports and (makers & names or goes_on):
            needed.append(statement)
            made |= {*bound(statement)}
            if isinstance(statement, ast.FunctionDef | ast.ClassDef):
                makers.add(statement.name)
    wanted = set()
    for statement in reversed(statements):
        changed = {*bound(statement)} | ({*called(statement)} - modules)
        if statement in needed or changed & wanted:
            needed.append(statement)
            if isinstance(statement, ast.Assign):  # what had these names before, nobody reads
                wanted -= {target.id for target in statement.targets if hasattr(target, "id")}
            wanted |= {*read(statement)}
    return [statement for statement in statements if statement in needed]


def pace():
    """The seconds of a task that is SymPy's alone: on a slow machine they are more."""
    begin = process_time()
    variables = [Dummy() for _ in range(3)]  # new ones, of which no cache knows anything
    x, y, z = variables
    power = expand((x + exp(y) + log(z)) ** 6)
    for variable in variables:
        power.diff(variable).subs(variable, variable + 1)
    return process_time() - begin


@cache
def run(notebook):
    """Run what a notebook derives, solutions included, and time its checks."""
    made, spent, searched = [], [], []
    plain_init = Derivation.__init__

    def noted(derivation, *arguments):
        plain_init(derivation, *arguments)
        made.append(derivation)

    def timed(check, spent=spent):
        def checked(*claim, **options):
            begin = process_time()
            try:
                return check(*claim, **options)
            finally:
                spent.append(process_time() - begin)

        return checked

    matplotlib.use("Agg")
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    source = "\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "code")
    namespace = {"__name__": notebook.stem}
    with (
        mock.patch.object(Derivation, "__init__", noted),
        mock.patch("lossnotes.derive.derivation.compare", timed(compare)),
        mock.patch(
            "lossnotes.derive.derivation.strict_unless", timed(verdict.strict_unless, searched)
        ),
        contextlib.redirect_stdout(io.StringIO()),
        warnings.catch_warnings(action="ignore"),
    ):
        code = compile(ast.Module(that_derive(source), []), notebook.name, "exec")
        exec(code, namespace)
    shown = [derivation for derivation in made if derivation.steps]
    return Run(shown, len(spent), sum(spent), sum(searched), pace())


def forget():
    """Empty the caches of SymPy and of the engine, as in a new process."""
    clear_cache()
    for module in (
        claim,
        conditions,
        parts,
        points,
        prove,
        prove.floats,
        prove.integrals,
        prove.reduce,
        prove.signs,
        prove.unfold,
        prove.zero,
        quadrature,
        ranges,
        switches,
        values,
        verdict,
    ):
        for function in vars(module).values():
            if hasattr(function, "cache_clear"):
                function.cache_clear()


def mutants_of(expression, others=()):
    """(kind, mutant) pairs: each differs from the expression by one slip, and is written once."""
    indices = sorted(indices_of(expression, *others), key=str)
    seen = {expression}
    for kind, mutant in _everywhere(expression, indices):
        if mutant not in seen:
            seen.add(mutant)
            yield kind, mutant


def _everywhere(expression, indices):
    yield "coefficient changed", 2 * expression
    yield "sign flipped", -expression
    if expression.has(p) and expression.has(q):
        yield "q and p exchanged", expression.xreplace({p: q, q: p})
    yield from _within(expression, indices)


def _within(part, indices):
    """The slips at this node, then those below it."""
    yield from _at_node(part, indices)
    # Not limits, the variables of a derivative, the value of Heaviside at 0.
    bound = (Sum, Integral, Derivative, Heaviside)
    below = part.args[:1] if isinstance(part, bound) else part.args
    if isinstance(part, (Indexed, Entry, KroneckerDelta)):
        return
    for place, argument in enumerate(below):
        for kind, mutant in _within(argument, indices):
            arguments = [*part.args[:place], mutant, *part.args[place + 1 :]]
            yield kind, part.func(*arguments)


def _at_node(part, indices):
    if isinstance(part, Add):
        for term in part.args:
            yield "term dropped", part - term
            yield "sign flipped", part - 2 * term
            yield "coefficient changed", part + term
    if isinstance(part, Mul):
        for factor in part.args:
            if not isinstance(factor, Number):
                yield "factor dropped", part / factor
    if isinstance(part, Number) and part != 0:
        yield "coefficient changed", part + 1
        yield "sign flipped", -part
    if isinstance(part, (Indexed, Entry)):
        base, *at = part.args
        for place, index in enumerate(at):
            for other in indices:
                if other != index:
                    yield "index swapped", part.func(base, *at[:place], other, *at[place + 1 :])
        yield "sign flipped", -part
    if isinstance(part, (Quantity, Others)):
        for place, argument in enumerate(part.args):
            for other in indices if argument in indices else ():
                yield "index swapped", part.func(*part.args[:place], other, *part.args[place + 1 :])
    if isinstance(part, Integral):
        for place, (variable, lower, upper) in enumerate(part.limits):
            for ends in ((lower + 1, upper), (lower, upper + 1), (upper, lower)):
                limits = [*part.limits[:place], (variable, *ends), *part.limits[place + 1 :]]
                yield "limit changed", part.func(part.function, *limits)
    if isinstance(part, KroneckerDelta):
        yield "a delta lost", Integer(0)
        yield "a delta lost", Integer(1)
        for other in indices:
            for index in part.args:
                yield "index swapped", part.func(other, index)
