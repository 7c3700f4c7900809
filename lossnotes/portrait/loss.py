"""What is drawn: a loss of scores and a label, read from an expression or a text."""

import ast
from dataclasses import dataclass
from functools import cached_property, lru_cache

from mpmath import mp
from sympy import (
    Expr,
    Indexed,
    IndexedBase,
    Integer,
    KroneckerDelta,
    Sum,
    Symbol,
    exp,
    log,
    sympify,
)

from lossnotes.derive.expressions import ExpressionError, parse
from lossnotes.derive.points import Point, indices_of, symbols_of
from lossnotes.derive.symbols import (
    LSE,
    Between,
    Classes,
    Entry,
    K,
    Probabilities,
    Scores,
    entry,
    log_loss,
    margin_loss,
    one_hot,
    softmax,
)
from lossnotes.derive.symbols import i as index
from lossnotes.derive.symbols import q as target
from lossnotes.derive.symbols import s as scores
from lossnotes.derive.symbols import y as label
from lossnotes.derive.values import evaluate
from lossnotes.portrait.table import KINDS, claim, formula

PARAMETERS = {name: Symbol(name, positive=True) for name in "alpha beta gamma tau a b t".split()}
KNOWN = {
    "log loss": log_loss(scores, label),
    "mean absolute error": 2 - 2 * softmax(scores)[label],
    "Brier score": Sum((softmax(scores)[index] - KroneckerDelta(index, label)) ** 2, (index, 1, K)),
    "margin loss": margin_loss(scores, label),
}
SHARE = Between("p", 0, 1)  # the probability of the label


@dataclass(frozen=True)
class Loss:
    """A loss: as it was `typed`, and its `value` as a function of scores s and a label y.

    classes     their number: K, or what it is where entries are named one by one
    numbers     a value for each parameter
    prediction  in words, what is compared with the truth
    """

    typed: Expr
    value: Expr
    s: IndexedBase
    y: Symbol
    classes: Expr
    numbers: dict
    known: dict

    __hash__ = object.__hash__

    @cached_property
    def of_share(self):
        """f with loss = f(p_y), where the loss depends on the probability of the label alone."""
        share = softmax(self.s)[self.y]
        surprise = {log_loss(self.s, self.y): -log(SHARE), LSE(self.s): self.s[self.y] - log(SHARE)}
        f = self.value.xreplace({share: SHARE} | surprise)
        if f.has(Sum):
            return None
        return None if f.atoms(IndexedBase, Entry) or self.y in f.free_symbols else f

    @cached_property
    def of_probabilities(self):
        """The loss as a function of probabilities p, where it depends on the scores by them."""
        p, probabilities = softmax(self.s), self.vector("p", Probabilities)

        def named(part):
            return isinstance(part, Entry) and part.args[0] == p

        f = self.value.replace(named, lambda part: probabilities[part.args[1]])
        return None if self.s in f.atoms(IndexedBase) else f

    @cached_property
    def pull(self):
        """-p f'(p): the gradient is pull(p_y) (p_j - delta_jy)."""
        from lossnotes.portrait.slopes import shortest

        return None if self.of_share is None else shortest(-SHARE * self.of_share.diff(SHARE))

    def of(self, label):
        """The loss of another label."""
        return self.value.xreplace({self.y: sympify(label)})

    def with_scores(self, vector, expression=None):
        """The loss, or another expression, at other scores."""
        whole = self.value if expression is None else expression
        return with_entries(whole, self.s, vector)

    def claim(self, left, relation, right, prove=True):
        """A claim about this loss; of named classes, that of the label with the weakest verdict."""
        left, right = sympify(left), sympify(right)
        if self.classes == K or self.y not in left.free_symbols | right.free_symbols:
            return claim(left, relation, right, prove)
        found = []
        for n in range(1, int(self.classes) + 1):
            label = {self.y: Integer(n)}
            found.append(claim(left.xreplace(label), relation, right.xreplace(label), prove))
        return None if None in found else min(found, key=lambda c: KINDS.index(c.kind))

    def total(self, term, name="n"):
        """The sum of term(n) over the classes."""
        if self.classes != K:
            return sum(term(Integer(n)) for n in range(1, int(self.classes) + 1))
        n = Symbol(name, integer=True, positive=True)
        return Sum(term(n), (n, 1, K))

    def vector(self, name, kind=Scores):
        """Another vector of as many entries."""
        return kind(name) if self.classes == K else kind(name, shape=(self.classes,))

    def fixed(self, expression):
        """An expression with numbers for the parameters."""
        return _replaced(expression, tuple(self.numbers.items()))

    @cached_property
    def others(self):
        """What stands in every entry of each other vector where numbers are computed."""
        vectors = [base for base in symbols_of(self.value)[0] if base != self.s]
        return {
            v: 1 / self.classes if isinstance(v, Probabilities) else Integer(1) for v in vectors
        }

    def places(self, expression):
        """An expression with numbers for the parameters, and where, in words.

        First with other vectors as they are, then with one number in all their entries.
        """
        fixed, words = self.fixed(expression), self.at_numbers
        yield fixed, words
        if self.others:
            for vector, number in self.others.items():
                fixed = with_entries(fixed, vector, number)
                words += f"{',' * bool(words)} with {formula(number)} in every entry of {vector}"
            yield fixed, words

    @property
    def at_numbers(self):
        """Where numbers were computed, in words."""
        names = {x: v for x, v in self.numbers.items() if self.value.has(x)}
        each = [f"{formula(x)} = {v}" for x, v in names.items()]
        return f" at {', '.join(each)}" if each else ""

    def number(self, expression, values, chosen=1, digits=15):
        """The value of an expression at given scores, the label being class `chosen`."""
        point = Point(
            self.point_of(len(values)) | {self.s: list(map(mp.mpf, values)), self.y: chosen}
        )
        with mp.workdps(digits):
            return evaluate(self.fixed(expression), point)

    def point_of(self, classes):
        """Values of whatever else stands in the loss: 1 in every entry of other vectors."""
        values = {
            vector: [mp.mpf(1) / classes if number != 1 else mp.mpf(1)] * classes
            for vector, number in self.others.items()
        }
        return values | {K: classes}

    @property
    def sizes(self):
        """Numbers of classes at which numbers are computed."""
        return (2, 3) if self.classes == K else (int(self.classes),)


@lru_cache(1000)  # a search asks for numbers of one expression, hundreds of times
def _replaced(expression, numbers):
    return expression.xreplace(dict(numbers))


def read(loss, known=None, where="", numbers=None):
    """The Loss that an expression or a text stands for."""
    names = PARAMETERS | _domains(where)
    typed = _parsed(loss, names)
    s, y, value, classes = _canonical(typed)
    known = KNOWN if known is None else known
    relatives = {}
    for name, other in known.items():
        own, its_label, other, _ = _canonical(_parsed(other, names))
        if str(own) != str(s):
            raise ValueError(f"{name} has the scores {own}, and the loss has {s}")
        relatives[name] = with_entries(other, own, s).xreplace({its_label: y, K: classes})
    parameters = [
        x
        for x in symbols_of(value)[1]
        if x != y and not x.is_integer and x not in indices_of(value)
    ]
    if sets := value.atoms(Classes):
        raise ValueError(f"{sets.pop()} is a set of classes: a portrait has one right class, y")
    given = {str(x): sympify(v) for x, v in (numbers or {}).items()}
    if unknown := given.keys() - {str(x) for x in parameters}:
        raise ValueError(f"{unknown.pop()} is no parameter of the loss")
    chosen = {x: given.get(str(x), _usual(x)) for x in parameters}
    return Loss(typed, value, s, y, classes, chosen, relatives)


def _usual(parameter):
    if isinstance(parameter, Between):
        return ((parameter.lower + parameter.upper) / 2).xreplace({K: Integer(3)})
    return Integer(2 if parameter.is_positive else 1)


def _parsed(loss, names):
    if isinstance(loss, str):
        return parse(loss, names)
    loss = sympify(loss)
    if not isinstance(loss, Expr):
        raise ValueError(
            f"a loss is an expression or a text, and {loss} is a {type(loss).__name__}"
        )
    return loss


def _domains(where):
    """Symbols for "gamma > 0, 0 < a < 1, t"."""
    names = {}
    for part in filter(None, (part.strip() for part in where.split(","))):
        symbol = _domain(part)
        names[symbol.name] = symbol
    return names


def _domain(part):
    try:
        tree = ast.parse(part, mode="eval").body
    except SyntaxError:
        raise ExpressionError(f"{part!r} is no domain: write gamma > 0, 0 < a < 1 or t") from None
    if isinstance(tree, ast.Name):
        return Symbol(tree.id, real=True)
    if isinstance(tree, ast.Compare) and all(isinstance(op, ast.Lt) for op in tree.ops):
        sides = [tree.left, *tree.comparators]
        if len(sides) == 3 and isinstance(sides[1], ast.Name):
            ends = [parse(ast.unparse(side)) for side in sides[::2]]
            return Between(sides[1].id, *ends)
    if isinstance(tree, ast.Compare) and isinstance(tree.left, ast.Name):
        if len(tree.ops) == 1 and isinstance(tree.ops[0], ast.Gt):
            if ast.unparse(tree.comparators[0]) == "0":
                return Symbol(tree.left.id, positive=True)
    raise ExpressionError(f"{part!r} is no domain: write gamma > 0, 0 < a < 1 or t")


def _canonical(typed):
    """Scores, label, the loss as a function of them, and the number of classes."""
    typed, classes = _with_sizes(typed)
    bases = symbols_of(typed)[0]
    s = _only([base for base in bases if _is_scores(base)], scores.label.name)
    if s is None:
        predicted = _only([base for base in bases if isinstance(base, Probabilities)], "p")
        if predicted is None or predicted.label.name == "q":
            raise ValueError(f"a loss has scores s or probabilities p, and {typed} has none")
        s = scores
        typed = with_entries(typed, predicted, softmax(s))
    wanted = [
        base for base in bases if isinstance(base, Probabilities) and str(base) == str(target)
    ]
    labels = sorted((x for x in indices_of(typed)), key=str)
    y = next((x for x in labels if x == label), labels[0] if len(labels) == 1 else None)
    if wanted and y is None:
        y = label
        if _is_by_labels(typed, s, wanted[0]):
            s, typed, classes = _one_of_several(typed, s, wanted[0])
            return s, y, typed, classes
        typed = with_entries(typed, wanted[0], one_hot(y))
    if y is None:
        raise ValueError(f"a loss has a label y or a target q, and {typed} has none")
    return s, y, typed, classes


def _with_sizes(typed):
    """Where entries are named one by one, as many classes as there are names."""
    named = {x.indices[0] for x in typed.atoms(Indexed) if x.indices[0].is_Integer}
    if not named or typed.has(K):
        return typed, K
    classes = Integer(max(named))
    bases = {x.base: type(x.base)(str(x.base), shape=(classes,)) for x in typed.atoms(Indexed)}
    return typed.xreplace({x: bases[x.base][x.indices] for x in typed.atoms(Indexed)}), classes


def _is_scores(base):
    return base.label.is_real and base.label.is_positive is None


def _only(bases, name):
    """The vector of this name, else the only one there is."""
    named = [base for base in bases if str(base) == name]
    return named[0] if named else bases[0] if len(bases) == 1 else None


def with_entries(expression, vector, other):
    """Another vector in the place of one, by its name and by its entries."""

    def replaced(part):
        if isinstance(part, Indexed) and part.base == vector:
            return entry(other, replaced(part.indices[0]))
        if part == vector:
            return other
        if not part.args or isinstance(part, IndexedBase):
            return part
        return part.func(*map(replaced, part.args))

    return replaced(expression)


def _is_by_labels(typed, s, q):
    """Whether every class has a loss of its own, of its own score and its own target."""
    if typed.atoms(Entry) or len(sums := typed.atoms(Sum)) != 1:
        return False
    (whole,) = sums
    rest = typed.xreplace({whole: Integer(1)})
    n = whole.limits[0][0]
    return (
        not rest.atoms(Indexed)
        and whole.function.atoms(Indexed) == {s[n], q[n]}
        and not any(isinstance(part, IndexedBase) for part in whole.function.args)
        and whole.function.has(exp)
    )


def _one_of_several(typed, s, q):
    """One label of several, yes or no: two classes, of which the first is yes."""
    (whole,) = typed.atoms(Sum)
    n = whole.limits[0][0]
    two = Scores(str(s), shape=(2,))
    yes = KroneckerDelta(1, label)
    body = whole.function.xreplace({s[n]: two[1] - two[2], q[n]: yes})
    return two, typed.xreplace({whole: body}), Integer(2)
