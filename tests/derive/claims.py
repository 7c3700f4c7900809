"""Random claims in the language of the book, true by construction or false by a slip.

    python -m tests.derive.claims --claims 100000 --seed 7

asks the prover alone for each claim, has every "proved" tried by `oracle.py`, and prints what was
proved although it is false. A claim is known by its seed: `claim(seed)` makes it again.
"""

import argparse
import signal
import sys
import time
import traceback
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from random import Random

from sympy import (
    Abs,
    Add,
    Derivative,
    Dummy,
    Expr,
    Heaviside,
    I,
    Indexed,
    IndexedBase,
    Integer,
    Integral,
    KroneckerDelta,
    Max,
    Min,
    Mul,
    Number,
    Piecewise,
    Pow,
    Rational,
    Sum,
    Symbol,
    conjugate,
    cos,
    exp,
    expand,
    factorial,
    floor,
    im,
    log,
    pi,
    re,
    sign,
    sin,
    sqrt,
    tanh,
)

from lossnotes.derive import bounds, prove
from lossnotes.derive.symbols import (
    AM,
    CE,
    GM,
    KL,
    LSE,
    Between,
    Entry,
    K,
    Others,
    Positives,
    Probabilities,
    Quantity,
    Scores,
    argmax,
    delta,
    divided_difference,
    entropy,
    expectation,
    log_loss,
    margin,
    margin_loss,
    maximum,
    mean,
    normalizer,
    one_hot,
    sigmoid,
    smooth,
    smooth_others,
    softmax,
)

from . import oracle

SECONDS = 2  # of processor time that the prover may take for one claim


@dataclass(frozen=True)
class Claim:
    """`true` says how it was made: a slip may have left a claim true, never a true one false.

    With `where`, as in {p: q}, it says that the bound is strict wherever that does not hold.
    """

    kind: str
    left: Expr
    relation: str
    right: Expr
    true: bool
    where: dict | None = None

    def __str__(self):
        case = f" but at {self.where}" if self.where else ""
        return f"[{self.kind}] {self.left} {self.relation} {self.right}{case}"


def claim(seed, kind=None):
    """The claim of a seed, of a kind if one is asked for, or None where the dice made none."""
    rng = Random(seed)
    kind = kind or rng.choices(list(KINDS), [weight for weight, _ in KINDS.values()])[0]
    try:
        made = KINDS[kind][1](Words(rng))
    except (ArithmeticError, TypeError, ValueError, NotImplementedError, RecursionError):
        return None  # SymPy evaluates as it builds, and some of what is built is nothing
    left, relation, right, *true = made
    where = true.pop() if len(true) > 1 else None
    left, right = Integer(0) + left, Integer(0) + right
    if left == right and relation == "=":
        return None
    return Claim(kind, left, relation, right, all(true) if true else False, where)


def index(name, **assumptions):
    return Symbol(name, **(assumptions or {"integer": True, "positive": True}))


FREE = [index(name) for name in "jky"]
BOUND = [index(name) for name in "iklmn"]
PLAIN = [Symbol("i"), Symbol("k"), Symbol("i", integer=True), Symbol("m", real=True)]
VECTORS = [Scores("s"), Scores("v")]
POSITIVE = [Positives("x"), Positives("lambda")]
DISTRIBUTIONS = [Probabilities("q"), Probabilities("p")]
WHOLE = Scores("n", integer=True)
REAL = [Symbol("c", real=True), Symbol("t", real=True), Symbol("x")]
SIGNED = [
    Symbol("h", positive=True),
    Symbol("g", nonnegative=True),
    Symbol("z", nonzero=True),
    Symbol("w", negative=True),
    Symbol("b", real=True, nonzero=True),
]
BETWEEN = [
    Between("epsilon", 0, 1),
    Between("e", 0, 1 / K),
    Between("e", -1, 1),
    Between("r", 1 / K, 1),
    Between("r", 1, K),
    Between("u", -K, -1),
]
INTEGERS = [
    Symbol("d", integer=True),
    Symbol("d", integer=True, positive=True),
    Symbol("d", integer=True, nonnegative=True),
    Symbol("d", even=True),
]


class Words:
    """The few symbols of one claim, and random expressions of them."""

    def __init__(self, rng):
        self.rng = rng
        self.free = rng.sample(FREE, rng.randint(1, 2))
        self.s, self.v = rng.sample(VECTORS, 2)
        self.q, self.p = rng.sample(DISTRIBUTIONS, 2)
        self.x = rng.choice(POSITIVE)
        self.scalars = [rng.choice(REAL), rng.choice(SIGNED)]
        if rng.random() < 0.4:
            self.scalars.append(rng.choice(BETWEEN))
        if rng.random() < 0.15:
            self.scalars.append(rng.choice(INTEGERS))

    def one_of(self, *choices):
        """One of the choices; those that are functions are called."""
        chosen = self.rng.choice(choices)
        return chosen() if callable(chosen) and not isinstance(chosen, type) else chosen

    def often(self, share):
        return self.rng.random() < share

    def class_(self, scope=()):
        """An index: bound in the scope, free, or a number of a class."""
        if scope and self.often(0.7):
            return self.rng.choice(scope)
        if self.often(0.03):
            return self.one_of(self.scalar, Integer(3), self.free[0] + 1, K - 1, PLAIN[0])
        return self.rng.choice([*self.free, *self.free, Integer(1), Integer(2), K])

    def bound(self, scope=()):
        """A bound index that is not yet in use, but may have the name of a free one."""
        names = {str(one) for one in scope}
        return self.rng.choice([one for one in BOUND if str(one) not in names])

    def coefficient(self):
        return self.one_of(
            *map(Integer, (-2, -1, 2, 3, 5)), Rational(1, 2), Rational(-1, 3), Rational(1, 10)
        )

    def scalar(self):
        return self.rng.choice(self.scalars)

    def vector(self):
        """A vector expression of real entries."""
        s, v, c = self.s, self.v, self.scalar()
        return self.one_of(s, s, s, v, s + c, 2 * s, -s, s - v, c * v, v**2, s + v)

    def distribution(self):
        e, y = BETWEEN[0], self.rng.choice(self.free)
        return self.one_of(
            self.q, self.q, self.p, softmax(self.s), softmax(self.v), smooth(y, e), one_hot(y)
        )

    def full(self):
        """A distribution without zeros."""
        return self.one_of(
            self.q, self.p, softmax(self.s), smooth(self.rng.choice(self.free), BETWEEN[0])
        )

    def leaf(self, scope):
        a, b = self.class_(scope), self.class_(scope)
        return self.one_of(
            self.s[a],
            self.s[a],
            self.v[a],
            self.q[a],
            self.x[a],
            self.scalar,
            self.scalar,
            self.coefficient,
            lambda: delta(a, b),
            lambda: delta(a, b),
            softmax(self.s)[a],
            LSE(self.s),
            K,
            lambda: maximum(self.s) if self.often(0.5) else entropy(self.q),
            lambda: a if self.often(0.5) else one_hot(b)[a],
            lambda: smooth(self.rng.choice(self.free), BETWEEN[0])[a],
        )

    def number(self, scope=(), depth=2):
        """A random real expression."""
        if depth <= 0:
            return self.leaf(scope)
        less = depth - 1
        return self.one_of(
            lambda: self.leaf(scope),
            lambda: self.number(scope, less) + self.number(scope, less),
            lambda: self.number(scope, less) * self.number(scope, less),
            lambda: self.number(scope, less) - self.number(scope, less),
            lambda: self.number(scope, less) * self.leaf(scope),
            lambda: self.number(scope, less) ** 2,
            lambda: exp(self.number(scope, less)),
            lambda: log(self.positive(scope, less)),
            lambda: self.number(scope, less) / self.positive(scope, less),
            lambda: self.sum(scope, less),
            lambda: self.sum(scope, less),
            lambda: self.sum(scope, less),
            lambda: self.kinked(scope, less),
            lambda: self.derivative(scope, less),
            lambda: self.integral(scope, less) if self.often(0.4) else self.leaf(scope),
            lambda: self.complex(scope, less) if self.often(0.3) else self.leaf(scope),
        )

    def positive(self, scope=(), depth=1):
        a, less = self.class_(scope), depth - 1
        h = next(one for one in self.scalars if one.is_nonzero or one.is_nonnegative)
        return self.one_of(
            self.x[a],
            self.q[a],
            softmax(self.s)[a],
            Abs(h) + 1 if not h.is_positive else h,
            lambda: exp(self.number(scope, less)),
            K,
            lambda: 1 + self.number(scope, less) ** 2,
            lambda: self.positive(scope, less) * self.positive(scope, less) if depth > 0 else K,
            lambda: self.x[a] ** self.scalar(),
        )

    def sum(self, scope=(), depth=1):
        bound = self.bound(scope)
        if self.often(0.08):
            bound = self.rng.choice(PLAIN)
        body = self.number((*scope, bound), depth)
        return Sum(body, (bound, *self.limits(scope)))

    def limits(self, scope):
        if self.often(0.85):
            return 1, K
        a = self.class_(scope)
        return self.one_of((1, a), (a, K), (2, K), (1, K - 1), (1, 2), (0, K - 1), (1, K + 1))

    def kinked(self, scope, depth):
        a = self.number(scope, depth)
        b = self.leaf(scope)
        return self.one_of(
            lambda: Abs(a),
            lambda: Max(a, b),
            lambda: Max(0, a),
            lambda: Min(a, b),
            lambda: Heaviside(a),
            lambda: Heaviside(a - b, self.one_of(0, 1, Rational(1, 2))),
            lambda: sign(a),
            lambda: Piecewise((a, b > 0), (0, True)),
            lambda: Piecewise((a, a > b), (b, True)),
            lambda: floor(a),
            lambda: maximum(self.vector()),
            lambda: sqrt(a**2),
        )

    def derivative(self, scope, depth):
        f = self.number(scope, depth)
        by = self.one_of(self.s[self.class_(scope)], self.scalar)
        if by.is_integer:
            by = self.s[self.class_(scope)]
        return Derivative(f, by)

    def integral(self, scope, depth):
        t = self.one_of(Symbol("t", real=True), Symbol("t"), Symbol("h", positive=True))
        power = self.rng.randint(0, 2)
        body = self.number(scope, depth - 1) * t**power
        body = self.one_of(body, body + Abs(t), body * exp(t), t * self.scalar())
        ends = self.one_of((0, 1), (-1, 1), (0, self.scalar()), (0, 2), (self.scalar(), 1))
        return Integral(body, (t, *ends))

    def complex(self, scope, depth):
        a, b = self.number(scope, depth), self.leaf(scope)
        z = self.one_of(a + I * b, exp(I * a), I * a, b * exp(I * a))
        return self.one_of(re, im, Abs, conjugate)(z)


# True rewritings: each takes the words, a node and the bound indices around it, and may decline.


def definition(words, node, scope):
    """A named quantity by what it stands for, written here once more."""
    n = words.bound(tuple(node.free_symbols) + scope)
    at = lambda vector: entry_of(vector, n)  # noqa: E731 - an entry at the bound index
    over = lambda term: Sum(term, (n, 1, K))  # noqa: E731
    name, parts = type(node), node.args
    if name is LSE:
        return log(over(exp(at(parts[0]))))
    if name is entropy:
        return -over(at(parts[0]) * log(at(parts[0])))
    if name is KL:
        return over(at(parts[0]) * (log(at(parts[0])) - log(at(parts[1]))))
    if name is CE:
        return -over(at(parts[0]) * log(at(parts[1])))
    if name is AM:
        return over(at(parts[0])) / K
    if name is GM:
        return exp(over(log(at(parts[0]))) / K)
    if name is expectation:
        return over(softmax(parts[1])[n] * at(parts[0]))
    if name is sigmoid:
        return exp(parts[0]) / (1 + exp(parts[0]))
    if name is Entry:
        vector, place = parts
        if isinstance(vector, softmax):
            return exp(entry_of(vector.args[0], place) - LSE(vector.args[0]))
        if isinstance(vector, one_hot):
            return delta(place, vector.args[0])
        if isinstance(vector, smooth):
            label, share = vector.args
            return delta(place, label) - share * delta(place, label) + share / K
        if isinstance(vector, smooth_others):
            label, share = vector.args
            return share + delta(place, label) * (1 - K * share)
    if name is maximum and len(parts) == 1 and isinstance(parts[0], Scores):
        label = words.rng.choice(words.free)
        return Max(parts[0][label], maximum(parts[0], Others(label)))
    if name is log_loss and parts[1] in FREE:
        return LSE(parts[0]) - entry_of(parts[0], parts[1])
    return None


def entry_of(vector, place):
    """The entry of a sum or product of vectors; a number is the same everywhere."""
    if isinstance(vector, (Scores, Positives)):
        return vector[place]
    if isinstance(vector, (softmax, one_hot, smooth, smooth_others)):
        return vector[place]
    if isinstance(vector, (Add, Mul, Pow, exp, log)):
        return vector.func(*(entry_of(part, place) for part in vector.args))
    return vector


def bound_in(node):
    return {limit[0] for part in node.atoms(Sum, Integral) for limit in part.limits}


def fresh(words, *nodes, scope=()):
    """A bound index that none of the nodes mentions: sometimes one of another kind."""
    used = {name for node in nodes for name in map(str, node.atoms(Symbol))}
    used |= {str(one) for one in scope}
    free = [one for one in (*BOUND, index("o"), index("a")) if str(one) not in used]
    return words.rng.choice(free)


def picked_by_a_delta(words, node, scope):
    """f(a) = sum_n delta(n, a) f(n)."""
    places = [
        a
        for a in node.free_symbols
        if a in FREE or a in scope
        if a.is_integer and a not in bound_in(node)
    ]
    if not places or node.has(Derivative):
        return None
    a, n = words.rng.choice(sorted(places, key=str)), fresh(words, node, scope=scope)
    if not any(a in part.indices for part in node.atoms(Indexed)):
        return None  # a is then perhaps no class
    return Sum(delta(n, a) * node.xreplace({a: n}), (n, 1, K))


def times_one(words, node, scope):
    n = fresh(words, node, scope=scope)
    weight = words.one_of(
        words.q[n], softmax(words.s)[n], 1 / K, delta(n, 1), smooth(words.free[0], BETWEEN[0])[n]
    )
    return words.one_of(
        lambda: node * Sum(weight, (n, 1, K)),
        lambda: Sum(weight * node, (n, 1, K)),
        lambda: node + Sum(weight, (n, 1, K)) - 1,
    )


def linear(words, node, scope):
    if not isinstance(node, Sum):
        return None
    terms = Add.make_args(expand(node.function))
    if len(terms) > 1:
        return Add(*(Sum(term, *node.limits) for term in terms))
    if len(node.limits) > 1:
        return None
    outside, inside = node.function.as_independent(node.limits[0][0], as_Add=False)
    return outside * Sum(inside, *node.limits)


def into_the_sum(words, node, scope):
    if not isinstance(node, Mul):
        return None
    sums = [part for part in node.args if isinstance(part, Sum) and len(part.limits) == 1]
    if not sums:
        return None
    one = words.rng.choice(sums)
    n = fresh(words, node, scope=scope)
    ((old, *ends),) = one.limits
    return Sum(one.function.xreplace({old: n}) * (node / one), (n, *ends))


def renamed(words, node, scope):
    """Another index, which may have the name of what is free elsewhere."""
    if not isinstance(node, Sum) or len(node.limits) > 1:
        return None
    ((old, *ends),) = node.limits
    if old in bound_in(node.function):
        return None
    names = [
        one
        for one in (*BOUND, *FREE, *PLAIN, Dummy("n", integer=True))
        if one not in node.atoms(Symbol)
    ]
    return Sum(node.function.xreplace({old: (new := words.rng.choice(names))}), (new, *ends))


def other_way_round(words, node, scope):
    if not isinstance(node, Sum) or len(node.limits) > 1:
        return None
    ((old, *ends),) = node.limits
    if old in bound_in(node.function) or node.has(Derivative) or not old.is_integer:
        return None
    mirrored = node.function.xreplace({old: ends[0] + ends[1] - old})
    shifted = node.function.xreplace({old: old + 1})
    split = node.function.xreplace({old: Integer(1)})
    last = node.function.xreplace({old: K})
    choices = [Sum(mirrored, *node.limits), Sum(shifted, (old, ends[0] - 1, ends[1] - 1))]
    if tuple(ends) == (1, K):
        choices += [
            split + Sum(node.function, (old, 2, K)),
            last + Sum(node.function, (old, 1, K - 1)),
        ]
    return words.rng.choice(choices)


def swapped(words, node, scope):
    if not isinstance(node, Sum):
        return None
    inner = node.function
    if isinstance(inner, Sum) and len(node.limits) == len(inner.limits) == 1:
        (outer_limit,), (inner_limit,) = node.limits, inner.limits
        if {outer_limit[0]} & (inner_limit.free_symbols | outer_limit[1].free_symbols):
            return None
        if inner_limit[0] in outer_limit.free_symbols or inner_limit[0] == outer_limit[0]:
            return None
        return Sum(Sum(inner.function, outer_limit), inner_limit)
    return None


def logarithms(words, node, scope):
    if isinstance(node, log):
        return words.one_of(lambda: -log(1 / node.args[0]), lambda: log(node.args[0] ** 2) / 2)
    if isinstance(node, exp):
        return words.one_of(lambda: exp(node.args[0] / 2) ** 2, lambda: 1 / exp(-node.args[0]))
    if node.is_positive:
        return exp(log(node))
    return None


def by_cases(words, node, scope):
    if isinstance(node, Abs) and not node.has(I):
        (x,) = node.args
        return words.one_of(
            lambda: Max(x, -x), lambda: x * sign(x), lambda: Piecewise((x, x > 0), (-x, True))
        )
    if isinstance(node, (Max, Min)) and len(node.args) == 2:
        a, b = node.args
        way = 1 if isinstance(node, Max) else -1
        return words.one_of(
            lambda: (a + b + way * Abs(a - b)) / 2, lambda: a + (b - a) * Heaviside(way * (b - a))
        )
    if isinstance(node, Heaviside):
        x, at_zero = node.args
        return words.one_of(
            lambda: 1 - Heaviside(-x, 1 - at_zero),
            lambda: Piecewise((1, x > 0), (at_zero, x >= 0), (0, True)),
        )
    if isinstance(node, sign):
        return Heaviside(node.args[0]) - Heaviside(-node.args[0])
    if isinstance(node, tanh):
        return 1 - 2 / (1 + exp(2 * node.args[0]))
    return None


def integrated(words, node, scope):
    x = words.one_of(Symbol("x", real=True), Symbol("t"), Dummy("x"))
    if x in node.atoms(Symbol):
        return None
    return words.one_of(
        lambda: Integral(node, (x, 0, 1)),
        lambda: 2 * Integral(x * node, (x, 0, 1)),
        lambda: Integral(node, (x, -1, 1)) / 2,
        lambda: Integral(Abs(x) * node, (x, -1, 1)),
    )


def moved(words, node, scope):
    c = words.scalar()
    if isinstance(node, LSE):
        return LSE(node.args[0] + c) - c
    if isinstance(node, Entry) and isinstance(node.args[0], softmax):
        return softmax(node.args[0].args[0] + c)[node.args[1]]
    if isinstance(node, maximum) and len(node.args) == 1:
        return maximum(node.args[0] + c) - c
    return None


def derived(words, node, scope):
    """A quantity as the derivative of another."""
    if isinstance(node, Entry) and isinstance(node.args[0], softmax):
        (s,) = node.args[0].args
        if isinstance(s, Scores):
            return Derivative(LSE(s), s[node.args[1]])
    if isinstance(node, Indexed) and isinstance(node.base, Scores):
        return Derivative(node**2, node) / 2
    if node in words.scalars and not node.is_integer:
        return words.one_of(
            Derivative(node**2, node) / 2, node * Derivative(exp(node), node) / exp(node)
        )
    return None


def multiplied_out(words, node, scope):
    return expand(node) if isinstance(node, (Mul, Pow)) else None


REWRITINGS = [
    definition,
    definition,
    picked_by_a_delta,
    picked_by_a_delta,
    times_one,
    linear,
    linear,
    into_the_sum,
    renamed,
    other_way_round,
    swapped,
    logarithms,
    by_cases,
    by_cases,
    integrated,
    moved,
    derived,
    multiplied_out,
]


def places(node, scope=()):
    """Every (path, node, bound indices around it) that may be replaced by an equal one."""
    yield (), node, scope
    if isinstance(node, (Indexed, Entry, KroneckerDelta, Quantity)):
        return
    below = list(enumerate(node.args))
    if isinstance(node, (Sum, Integral, Derivative, Heaviside)):
        below = below[:1]
    if isinstance(node, (Sum, Integral)):
        scope = (*scope, *(limit[0] for limit in node.limits))
    if isinstance(node, (Piecewise, argmax)):
        return
    for place, part in below:
        for path, found, around in places(part, scope):
            yield (place, *path), found, around


def replaced(node, path, new):
    if not path:
        return new
    parts = list(node.args)
    parts[path[0]] = replaced(parts[path[0]], path[1:], new)
    return node.func(*parts)


def rewritten(words, expression, times):
    """The same quantity, written otherwise."""
    for _ in range(times):
        spots = list(places(expression))
        words.rng.shuffle(spots)
        for rewriting in words.rng.sample(REWRITINGS, len(REWRITINGS)):
            done = False
            for path, node, scope in spots[:6]:
                if path and _under_a_derivative(expression, path) and rewriting is by_cases:
                    continue
                new = rewriting(words, node, scope)
                if new is not None and new != node:
                    expression, done = replaced(expression, path, new), True
                    break
            if done:
                break
    return expression


def _under_a_derivative(expression, path):
    for place in path:
        if isinstance(expression, Derivative):
            return True
        expression = expression.args[place]
    return False


# Slips


def slipped(words, expression):
    """The expression with one thing changed that probably matters."""
    spots = list(everywhere(expression))
    words.rng.shuffle(spots)
    for path, node, scope in spots:
        changes = list(slips(words, node, scope))
        if changes:
            new = replaced(expression, path, words.rng.choice(changes)())
            if new != expression:
                return new
    return expression + words.rng.choice([1, words.scalar(), delta(1, words.free[0])])


def everywhere(node, scope=()):
    """Every (path, node, bound indices around it), those in limits and indices included."""
    yield (), node, scope
    if isinstance(node, Between) or not node.args:
        return
    inside = scope
    if isinstance(node, (Sum, Integral)):
        inside = (*scope, *(limit[0] for limit in node.limits))
    if isinstance(node, (Piecewise, argmax, Indexed, Entry, KroneckerDelta, Quantity)):
        return
    last = 1 if isinstance(node, (Sum, Integral, Derivative, Heaviside)) else len(node.args)
    for place, part in enumerate(node.args[:last]):
        for path, found, around in everywhere(part, inside):
            yield (place, *path), found, around


def slips(words, node, scope):
    rng = words.rng
    others = [*scope, *words.free, Integer(1), K]
    if isinstance(node, (Indexed, Entry)):
        base, place = node.args[0], node.args[1]
        yield lambda: base[rng.choice([one for one in others if one != place])]
        yield lambda: base[namesake(rng, place)]
        yield lambda: -node
        if isinstance(node, Indexed):
            yield lambda: rng.choice([words.s, words.v, words.q, words.x])[place]
    if isinstance(node, KroneckerDelta):
        a, b = node.args
        yield lambda: delta(a, rng.choice([one for one in others if one != b]))
        yield lambda: delta(a + rng.choice([1, -1, 2]), b)
        yield lambda: delta(namesake(rng, a), b)
    if isinstance(node, Number) and node != 0:
        yield lambda: node + rng.choice([1, -1, Rational(1, 100), Rational(1, 10**12)])
        yield lambda: -node
    if isinstance(node, Add):
        yield lambda: node - rng.choice(node.args)
        yield lambda: node - 2 * rng.choice(node.args)
    if isinstance(node, Mul):
        yield lambda: node / rng.choice(node.args)
        yield lambda: node * rng.choice([2, -1, Rational(101, 100)])
    if isinstance(node, Sum):
        (index_, lower, upper), *rest = node.limits
        yield lambda: Sum(node.function, (index_, lower + 1, upper), *rest)
        yield lambda: Sum(node.function, (index_, lower, upper + rng.choice([-1, 1])), *rest)
        yield lambda: Sum(node.function, (index_, lower, rng.choice(words.free)), *rest)
        yield lambda: Sum(node.function, (namesake(rng, index_), lower, upper), *rest)
        yield lambda: Sum(node.function, (rng.choice(others[:-2]), lower, upper), *rest)
    if isinstance(node, Integral):
        (x, lower, upper), *rest = node.limits
        yield lambda: Integral(node.function, (x, lower, upper + Rational(1, 2)), *rest)
        yield lambda: Integral(node.function, (x, -1, upper), *rest)
        yield lambda: Integral(node.function, (x, upper, lower), *rest)
        yield lambda: Integral(node.function, (namesake(rng, x), lower, upper), *rest)
    if isinstance(node, Heaviside):
        x, at_zero = node.args
        yield lambda: Heaviside(x, 1 - at_zero if at_zero != Rational(1, 2) else 0)
        yield lambda: Heaviside(-x, at_zero)
        yield lambda: Heaviside(x + Rational(1, 100), at_zero)
    if isinstance(node, (sign, floor)):
        yield lambda: node.func(node.args[0] + Rational(1, 100))
    if isinstance(node, Abs):
        yield lambda: node.args[0]
    if isinstance(node, (Max, Min)):
        yield lambda: (Min if isinstance(node, Max) else Max)(*node.args)
        yield lambda: node.func(*node.args, rng.choice([0, words.scalar()]))
    if isinstance(node, Piecewise):
        (branch, condition), *rest = node.args
        if condition.args:
            yield lambda: Piecewise(
                (branch, condition.func(condition.args[0] + Rational(1, 100), condition.args[1])),
                *rest,
            )
        yield lambda: Piecewise((branch + 1, condition), *rest)
    if isinstance(node, Derivative):
        variable = node.variables[0]
        if isinstance(variable, Indexed):
            yield lambda: Derivative(node.expr, variable.base[rng.choice(others)])
        yield lambda: Derivative(node.expr, variable, variable)
    if isinstance(node, (LSE, maximum, AM, entropy)) and len(node.args) == 1:
        yield lambda: node.func(rng.choice([words.s, words.v, 2 * node.args[0], -node.args[0]]))
    if isinstance(node, Symbol) and node not in scope:
        yield lambda: namesake(rng, node)
        yield lambda: rng.choice(words.scalars)
    if isinstance(node, (re, im)):
        yield lambda: node.args[0].subs(I, 0) if isinstance(node, re) else Integer(0)
        yield lambda: (im if isinstance(node, re) else re)(node.args[0])


def namesake(rng, symbol):
    """Another symbol of the same name; what is no symbol stays."""
    if not isinstance(symbol, Symbol):
        return symbol
    kinds = [
        {},
        {"integer": True},
        {"real": True},
        {"positive": True},
        {"integer": True, "positive": True},
    ]
    return Symbol(str(symbol), **rng.choice(kinds))


def hiding(words):
    """What is zero at the sizes that are often tried."""
    return words.one_of(
        (K - 2) * (K - 3) * (K - 7),
        (K - 2) * (K - 3) * (K - 5) * (K - 7),
        1 + (-1) ** K,
        1 - (-1) ** K,
        delta(words.free[0], 1),
        Integer(1),
    )


# Kinds of claims


def equation(words):
    """An expression and the same rewritten, or rewritten with a slip."""
    left = words.number(depth=words.rng.choice([1, 2, 2, 3]))
    right = rewritten(words, left, words.rng.randint(1, 3))
    if words.often(0.3):
        left = rewritten(words, left, 1)
    return with_slip(words, left, right)


def with_slip(words, left, right, share=0.6):
    if not words.often(share):
        return left, "=", right, True
    wrong = slipped(words, right)
    if words.often(0.25):
        wrong = right + hiding(words) * (wrong - right)
    if words.often(0.5):
        left, wrong = wrong, left
    return left, "=", wrong, False


def identity(words):
    """A known identity of random parts, in a random context, with or without a slip."""
    left, right = identities(words)
    if words.often(0.5):
        right = rewritten(words, right, 1)
    if words.often(0.3):
        n, other = fresh(words, left, right), words.leaf(())
        left, right = words.one_of(
            (left * other, right * other),
            (left + other, other + right),
            (Sum(left, (n, 1, K)), K * right),
        )
    return with_slip(words, left, right)


def identities(words):
    s, v, q, p, x, rng = words.s, words.v, words.q, words.p, words.x, words.rng
    j, k = rng.sample(FREE, 2)
    i = index("i")
    c = next(one for one in words.scalars if not one.is_integer)
    sigma = softmax(s)
    h = SIGNED[0]
    a, d = words.vector(), words.distribution()
    f = words.full()
    n = rng.randint(2, 4)
    t = Symbol("t", real=True)
    return words.one_of(
        lambda: (Derivative(LSE(s), s[j]), sigma[j]),
        lambda: (Derivative(LSE(s), s[j], s[k]), sigma[j] * (delta(j, k) - sigma[k])),
        lambda: (Derivative(sigma[j], s[k]), sigma[j] * (delta(j, k) - sigma[k])),
        lambda: (Derivative(log_loss(s, j), s[k]), sigma[k] - delta(j, k)),
        lambda: (Derivative(log_loss(s, q), s[j]), sigma[j] - q[j]),
        lambda: (LSE(a + c), LSE(a) + c),
        lambda: (CE(d, f), KL(d, f) + entropy(d)),
        lambda: (Derivative(KL(q, p), p[j]), -q[j] / p[j]),
        lambda: (Derivative(entropy(q), q[j]), -1 - log(q[j])),
        lambda: (CE(d, softmax(s)), LSE(s) - Sum(entry_of(d, i) * s[i], (i, 1, K))),
        lambda: (expectation(v + c, s), expectation(v, s) + c),
        lambda: (Derivative(expectation(v, s), s[j]), sigma[j] * (v[j] - expectation(v, s))),
        lambda: (
            Sum(sigma[i] * (v[i] - expectation(v, s)) ** 2, (i, 1, K)),
            expectation(v**2, s) - expectation(v, s) ** 2,
        ),
        lambda: (
            Sum(v[j] * Sum(Derivative(LSE(s), s[j], s[k]) * v[k], (k, 1, K)), (j, 1, K)),
            expectation(v**2, s) - expectation(v, s) ** 2,
        ),
        lambda: (Derivative(margin(s, j), s[k]), delta(k, j) - delta(k, argmax(s, Others(j)))),
        lambda: (maximum(s), Max(s[j], maximum(s, Others(j)))),
        lambda: (margin_loss(s, j), Max(0, 1 - s[j] + maximum(s, Others(j)))),
        lambda: (maximum(a + c), maximum(a) + c),
        lambda: (Sum(i, (i, 1, K)), K * (K + 1) / 2),
        lambda: (Sum(i**2, (i, 1, K)), K * (K + 1) * (2 * K + 1) / 6),
        lambda: (Sum(delta(i, j) * entry_of(a, i), (i, 1, K)), entry_of(a, j)),
        lambda: (Sum(delta(i, j) * delta(i, k) * s[i], (i, 1, K)), delta(j, k) * s[j]),
        lambda: (Sum((1 - delta(i, j)) * v[i], (i, 1, K)), Sum(v[i], (i, 1, K)) - v[j]),
        lambda: (Sum(Sum(q[i] * p[k], (k, 1, K)), (i, 1, K)), Integer(1)),
        lambda: (
            Sum(Sum((s[i] - s[k]) ** 2, (k, 1, K)), (i, 1, K)),
            2 * K * Sum(s[i] ** 2, (i, 1, K)) - 2 * Sum(s[i], (i, 1, K)) ** 2,
        ),
        lambda: (
            Derivative(log(1 + exp(c)), c),
            sigmoid(c),
        ),
        lambda: (log(smooth(j, BETWEEN[0])[j]), log(1 - BETWEEN[0] + BETWEEN[0] / K)),
        lambda: (GM(x), exp(Sum(log(x[i]), (i, 1, K)) / K)),
        lambda: (AM(a), Sum(entry_of(a, i), (i, 1, K)) / K),
        lambda: (Derivative(Sum(x[i] ** n, (i, 1, K)), x[j]), n * x[j] ** (n - 1)),
        lambda: (Derivative(Sum(s[i] ** n, (i, 1, K)), s[j]), n * s[j] ** (n - 1)),
        lambda: (Derivative(x[j] ** c, x[j]), c * x[j] ** (c - 1)),
        lambda: (
            Derivative(-((1 - p[j]) ** c) * log(p[j]), p[j]),
            c * (1 - p[j]) ** (c - 1) * log(p[j]) - (1 - p[j]) ** c / p[j],
        ),
        lambda: (Integral(t**n, (t, 0, c)), c ** (n + 1) / (n + 1)),
        lambda: (Integral(exp(t), (t, 0, c)), exp(c) - 1),
        lambda: (Integral(Abs(t), (t, -1, 1)), Integer(1)),
        lambda: (Integral(t * s[j], (t, 0, 2)), 2 * s[j]),
        lambda: (Integral(Sum(t * s[i], (i, 1, K)), (t, 0, 1)), Sum(s[i], (i, 1, K)) / 2),
        lambda: (
            Integral(Integral(t * x[1], (t, 0, REAL[0])), (REAL[0], 0, 1)),
            x[1] / 6,
        ),
        lambda: (Abs(c), Max(c, -c)),
        lambda: (Max(c, s[j]), (c + s[j] + Abs(c - s[j])) / 2),
        lambda: (
            Derivative(Max(0, c), c),
            Heaviside(c),
        ),
        lambda: (Sum(Max(0, s[i]), (i, 1, K)), Sum(s[i] * Heaviside(s[i]), (i, 1, K))),
        lambda: (re(exp(I * s[j])), cos(s[j])),
        lambda: (im(exp(I * s[j])), sin(s[j])),
        lambda: (Abs(exp(I * s[j])), Integer(1)),
        lambda: (tanh(c), 1 - 2 / (1 + exp(2 * c))),
        lambda: (x[j] ** c * x[j], x[j] ** (c + 1)),
        lambda: (log(x[j] ** c), c * log(x[j])),
        lambda: (Sum(smooth_others(j, BETWEEN[1])[i], (i, 1, K)), Integer(1)),
        lambda: (
            Derivative(log_loss(s, smooth(j, BETWEEN[0])), s[k]),
            sigma[k] - smooth(j, BETWEEN[0])[k],
        ),
        lambda: (KL(one_hot(j), p), -log(p[j])),
        lambda: (Derivative(LSE(h * s), h), expectation(s, h * s)),
        lambda: (Derivative(LSE(h * s) / h, s[j]), softmax(h * s)[j]),
        lambda: (KL(softmax(v), sigma), expectation(v - s, v) - LSE(v) + LSE(s)),
        lambda: (entropy(sigma), LSE(s) - expectation(s, s)),
        lambda: (
            Derivative(entropy(sigma), s[j]),
            -sigma[j] * (log(sigma[j]) + entropy(sigma)),
        ),
        lambda: (maximum(h * s), h * maximum(s)),
        lambda: (argmax(a + c), argmax(a)),
        lambda: (s[argmax(s)], maximum(s)),
        lambda: (
            Derivative(Sum(Max(0, 1 + s[i] - s[j]), (i, 1, K)), s[k]),
            Heaviside(1 + s[k] - s[j]) - delta(j, k) * Sum(Heaviside(1 + s[i] - s[j]), (i, 1, K)),
        ),
        lambda: (normalizer(h, 0), (exp(h) - 1) / h),
        lambda: (mean(h, 0)[1], Derivative(log(normalizer(h, 0)), h)),
        lambda: (divided_difference(h, 0, -h), (exp(h) - 2 + exp(-h)) / (2 * h**2)),
        lambda: (
            expectation((v - expectation(v, s)) ** 2, s),
            expectation(v**2, s) - expectation(v, s) ** 2,
        ),
        lambda: (factorial(K) / factorial(K - 1), K),
        lambda: (LSE(LSE(s) + v), LSE(s) + LSE(v)),
        lambda: (
            Sum(q[i] ** c * x[i] ** (1 - c), (i, 1, K)),
            Sum(x[i] * (q[i] / x[i]) ** c, (i, 1, K)),
        ),
        lambda: (
            log(Sum(q[i] ** c, (i, 1, K))) / (1 - c),
            log(Sum(exp(c * log(q[i])), (i, 1, K))) / (1 - c),
        ),
        lambda: (entropy(one_hot(j)), Integer(0)),
    )


def inequality(words):
    """A known inequality of random parts, with or without a slip."""
    left, relation, right = inequalities(words)
    if words.often(0.25):
        left = rewritten(words, left, 1)
    if words.often(0.2):
        other = words.leaf(())
        left, right = left + other, right + other
    if words.often(0.1):
        other = words.leaf(())
        return left * other, relation, right * other, bool(other.is_positive)
    if words.often(0.2):
        left, relation, right = -left, {"<=": ">=", "<": ">"}[relation], -right
    elif words.often(0.2):
        left, relation, right = right, {"<=": ">=", "<": ">"}[relation], left
    if not words.often(0.65):
        return left, relation, right, True
    slip = words.one_of("turned", "strict", "left", "right", "right", "left", "constant")
    if slip == "turned":
        relation = {"<=": ">=", ">=": "<=", "<": ">", ">": "<"}[relation]
    elif slip == "strict":
        relation = relation[0]
    elif slip == "left":
        left = slipped(words, left)
    elif slip == "right":
        right = slipped(words, right)
    else:
        right = right + words.one_of(1, -1, Rational(1, 10**6), -Rational(1, 10**6), 100)
    return left, relation, right, False


def inequalities(words):
    s, v, q, p, x, rng = words.s, words.v, words.q, words.p, words.x, words.rng
    j, k = rng.sample(FREE, 2)
    i = index("i")
    c, h, e = words.rng.choice(REAL), SIGNED[0], BETWEEN[0]
    over = lambda term: Sum(term, (i, 1, K))  # noqa: E731
    a, f = words.vector(), words.full()
    at = entry_of(a, i)
    r = Rational(rng.randint(-3, 6), rng.choice([1, 2, 5]))
    weights = words.one_of(q, softmax(s), p)
    w = entry_of(weights, i)
    power = rng.randint(1, 3)
    zero = Integer(0)
    return words.one_of(
        lambda: (maximum(s), "<", LSE(s)),
        lambda: (LSE(s), "<=", maximum(s) + log(K)),
        lambda: (over(exp(at)), "<=", K * exp(maximum(a))),
        lambda: (over(s[i] + s[i] ** 3), "<=", K * (maximum(s) + maximum(s) ** 3)),
        lambda: (s[j], "<", LSE(s)),
        lambda: (s[j], "<=", maximum(s)),
        lambda: (maximum(s, Others(j)), "<=", maximum(s)),
        lambda: (zero, "<=", KL(f, words.full())),
        lambda: (zero, "<=", entropy(words.distribution())),
        lambda: (entropy(f), "<=", log(K)),
        lambda: (entropy(f), "<=", CE(f, words.full())),
        lambda: (zero, "<", softmax(a)[j]),
        lambda: (softmax(a)[j], "<", Integer(1)),
        lambda: (q[j], "<", Integer(1)),
        lambda: (q[j] * q[k], "<=", q[j]),
        lambda: (zero, "<=", over(w * at**2)),
        lambda: (over(w * at) ** 2, "<=", over(w * at**2)),
        lambda: (over(w * log(x[i])), "<=", log(over(w * x[i]))),
        lambda: (exp(over(w * at)), "<=", over(w * exp(at))),
        lambda: (1 / over(w * x[i]), "<=", over(w / x[i])),
        lambda: (over(s[i] * v[i]) ** 2, "<=", over(s[i] ** 2) * over(v[i] ** 2)),
        lambda: (over(s[i]) ** 2, "<=", K * over(s[i] ** 2)),
        lambda: (GM(x), "<=", AM(x)),
        lambda: (zero, "<", AM(x)),
        lambda: (zero, "<", GM(x)),
        lambda: (Abs(over(at)), "<=", over(Abs(at))),
        lambda: (Abs(s[j] + v[k]), "<=", Abs(s[j]) + Abs(v[k])),
        lambda: (1 + c, "<=", exp(c)),
        lambda: (log(h), "<=", h - 1),
        lambda: (1 - 1 / h, "<=", log(h)),
        lambda: (h - 1, "<=", h * log(h)),
        lambda: (c, "<", log(1 + exp(c))),
        lambda: (Max(0, c), "<", log(1 + exp(c))),
        lambda: (log(1 + exp(c)), "<=", Max(0, c) + log(2)),
        lambda: (zero, "<=", margin_loss(s, j)),
        lambda: (zero, "<", log_loss(s, j)),
        lambda: (zero, "<=", over(Max(0, at))),
        lambda: (Derivative(LSE(s), s[j], s[j]), "<=", Rational(1, 4)),
        lambda: (zero, "<", Derivative(LSE(s), s[j], s[j])),
        lambda: (zero, "<", smooth(j, e)[k]),
        lambda: (zero, "<", smooth_others(j, BETWEEN[1])[k]),
        lambda: (sigmoid(c), "<", Integer(1)),
        lambda: (sigmoid(c) * (1 - sigmoid(c)), "<=", Rational(1, 4)),
        lambda: (e * (1 - e), "<=", Rational(1, 4)),
        lambda: (log(e), "<", zero),
        lambda: (e**power, "<=", e),
        lambda: (BETWEEN[1], "<", 1 / K),
        lambda: (log(2), "<=", log(K)),
        lambda: (1 / K, "<=", Rational(1, 2)),
        lambda: (r, "<=", K + r - 2),
        lambda: (over(q[i] ** 2), "<=", Integer(1)),
        lambda: (1 / K, "<=", over(q[i] ** 2)),
        lambda: (expectation(v, s), "<=", maximum(v)),
        lambda: (over(q[i] * at), "<=", maximum(a)),
        lambda: (over(Abs(q[i] - p[i])), "<=", Integer(2)),
        lambda: (over(Abs(q[i] - p[i])) ** 2 / 2, "<=", KL(q, p)),
        lambda: (zero, "<=", (c - s[j]) ** 2),
        lambda: (2 * c * s[j], "<=", c**2 + s[j] ** 2),
        lambda: (delta(j, k), "<=", Integer(1)),
        lambda: (Heaviside(c), "<=", Integer(1)),
        lambda: (floor(c), "<=", c),
        lambda: (c, "<", floor(c) + 1),
        lambda: (LSE((s + v) / 2), "<=", LSE(s) / 2 + LSE(v) / 2),
        lambda: (over(x[i]) * log(over(x[i]) / K), "<=", over(x[i] * log(x[i]))),
        lambda: (-Abs(c), "<=", c * sign(s[j])),
        lambda: (Abs(re(exp(I * c))), "<=", Integer(1)),
    )


# Kinds of claims that were believed once, or might be


def inner_sums(words):
    """An inner sum that depends on the outer index, in ways that are not seen at once."""
    s, v = words.s, words.v
    i, k = words.one_of(
        (index("i"), index("k")),
        (Symbol("i"), Symbol("k")),
        (index("i"), Symbol("k")),
        (Symbol("i", integer=True), index("k")),
    )
    hidden = words.one_of(
        lambda: Derivative(LSE(s), s[i]),
        lambda: Derivative(LSE(s), s[i], s[k]),
        lambda: s[i],
        lambda: softmax(s)[i],
        lambda: delta(i, k),
        lambda: i,
        lambda: Derivative(Sum(exp(s[k]), (k, 1, K)), s[i]),
        lambda: maximum(s, Others(i)),
        lambda: one_hot(i)[k],
        lambda: smooth(i, BETWEEN[0])[k],
        lambda: log_loss(s, i),
    )
    weight = words.one_of(s[k], v[k], words.q[k], Integer(1), k)
    outer = words.one_of(Integer(1), v[i], words.q[i])
    left = Sum(outer * Sum(hidden * weight, (k, 1, K)), (i, 1, K))
    right = words.one_of(
        lambda: Sum(outer.subs(i, k) * hidden.subs(i, 1) * weight * K, (k, 1, K)),
        lambda: Sum(Sum(outer * hidden * weight, (i, 1, K)), (k, 1, K)),
        lambda: Sum(outer * hidden * weight, (k, 1, K), (i, 1, K)),
        lambda: Sum(outer, (i, 1, K)) * Sum(hidden * weight, (k, 1, K)),
        lambda: Sum(hidden, (i, 1, K)) * Sum(outer * weight, (k, 1, K)),
    )
    return left, "=", right, False


def assumed_signs(words):
    """Signs that a class seems to promise and its arguments decide."""
    rng = words.rng
    j, y = rng.sample(FREE, 2)
    e = words.one_of(
        Rational(1, 10),
        Rational(3, 2),
        BETWEEN[0],
        BETWEEN[1],
        BETWEEN[3],
        BETWEEN[4],
        BETWEEN[5],
        words.scalar,
    )
    a = words.one_of(
        words.vector, words.s + 50, words.s**2, -words.x, words.x - 1, words.q - words.p
    )
    sum_ = Sum(words.s[index("i")], (index("i"), 1, K))
    average = words.one_of(AM, AM, GM)
    if words.often(0.1):
        return average(a), words.one_of(">", ">="), words.one_of(0, 0, average(-words.x))
    f = words.one_of(
        lambda: smooth_others(y, e)[j],
        lambda: smooth(y, e)[j],
        lambda: average(a),
        lambda: e,
        lambda: one_hot(y)[j],
        lambda: sum_,
        lambda: KL(words.q, smooth(y, e)),
        lambda: KL(words.q, smooth_others(y, e)),
        lambda: KL(words.x, words.p),
        lambda: entropy(words.x),
        lambda: entropy(smooth(y, e)),
        lambda: CE(words.q, words.x),
        lambda: maximum(a),
        lambda: LSE(a),
        lambda: log_loss(words.s, words.x),
        lambda: margin(words.s, y),
        lambda: K - words.coefficient(),
        lambda: 1 - words.scalar() * K,
        lambda: words.scalar(),
    )
    return words.one_of(
        lambda: (f, words.one_of(">", ">=", "<", "<="), words.one_of(0, 1, 1 / K)),
        lambda: (Abs(f), "=", f),
        lambda: (sqrt(f**2), "=", f),
        lambda: (log(f * words.s[1] ** 2), "=", log(f) + log(words.s[1] ** 2)),
        lambda: (log(f**2), "=", 2 * log(f)),
        lambda: (Max(0, f), "=", f),
        lambda: (Heaviside(f), "=", 1),
        lambda: (sign(f), "=", 1),
        lambda: (sqrt(f * words.x[1]), "=", sqrt(f) * sqrt(words.x[1])),
        lambda: (
            Sum(log(f * words.q[index("i")]), (index("i"), 1, K)),
            "=",
            K * log(f) + Sum(log(words.q[index("i")]), (index("i"), 1, K)),
        ),
    )


def bound_and_free(words):
    """Bound indices beside free ones of the same name, and cases of classes that are bound."""
    s, v, p, rng = words.s, words.v, words.p, words.rng
    i, j = index("i"), rng.choice(FREE)
    over = lambda term: Sum(term, (i, 1, K))  # noqa: E731
    P = hiding(words)
    wrong = words.one_of(p[i] - 1 / K, s[i], Integer(1), s[i] - s[j], v[i])
    with_it = words.one_of(
        maximum(s, Others(i)),
        1 / (1 + s[i] ** 2),
        Heaviside(s[i] - v[i]),
        delta(i, 1) * s[i],
        delta(i, j + 1),
        log_loss(s, i),
        argmax(s, Others(i)),
    )
    factor = words.one_of(1, 2, words.scalar)
    left = P * over(delta(i, j) * wrong) + over(factor * with_it)
    return words.one_of(
        lambda: (left, "=", factor * over(with_it)),
        lambda: (s[i] * over(s[i]), "=", over(s[i] ** 2)),
        lambda: (P * (over(delta(i, j) * wrong) - wrong), "=", 0),
        lambda: (over(delta(i, j) * with_it), "=", with_it.subs(i, rng.choice([j, i, 1]))),
        lambda: (over(delta(i, i) * wrong), "=", wrong.subs(i, 1) * K),
        lambda: (Sum(over(with_it), (i, 1, K)), "=", K * over(with_it)),
        lambda: (Sum(over(wrong * s[j]), (j, 1, i)), "=", over(Sum(wrong * s[j], (j, 1, i)))),
        lambda: (Derivative(over(s[i] ** 2), s[i]), "=", words.one_of(2 * over(s[i]), 2 * s[i])),
        lambda: (
            over(Derivative(s[i] ** 2 + s[j], s[words.one_of(i, j)])),
            "=",
            words.one_of(2 * over(s[i]), K),
        ),
    )


def imaginary(words):
    """What is real only where no i is written."""
    s, rng = words.s, words.rng
    i, j = index("i"), rng.choice(FREE)
    a = words.one_of(s[j], words.scalar, s[i], s[i], words.number)
    z = words.one_of(exp(I * a), I * a, 1 + I * a, exp(I * a) * words.x[j], a + I, log(2 + I * a))
    if z.has(i):
        z = Sum(z, (i, 1, K))
    left, right = words.one_of(
        lambda: (im(z), Integer(0)),
        lambda: (re(z), z),
        lambda: (conjugate(z), z),
        lambda: (Abs(z), words.one_of(z, re(z), Integer(1))),
        lambda: (sqrt(z**2), z),
        lambda: (log(exp(z)), z),
        lambda: (Abs(z) ** 2, words.one_of(z**2, z * conjugate(z), re(z) ** 2)),
    )
    other = words.one_of(Integer(1), words.leaf(()), hiding(words))
    return other * left, "=", other * right


def steps(words):
    """Second arguments, kinks moved by a hundredth, steps of sums."""
    s, v, rng = words.s, words.v, words.rng
    i, j = index("i"), rng.choice(FREE)
    little = words.one_of(Rational(1, 100), Rational(-1, 100), Rational(1, 10**9), 0)
    c = words.scalar()
    x = words.one_of(c, s[i] - s[j], s[i] - v[i], s[i], s[j] - words.free[0], s[i] - c)
    a, b = rng.sample([0, 1, Rational(1, 2)], 2)
    left, right = words.one_of(
        lambda: (Heaviside(x, a), Heaviside(x + little, b if little == 0 else a)),
        lambda: (sign(x), sign(x + little)),
        lambda: (floor(x), floor(x + little)),
        lambda: (Max(0, x), Max(little, x)),
        lambda: (Abs(x), Abs(x + little)),
        lambda: (
            Piecewise((x**2 / 2, Abs(x) <= 1), (Abs(x) - Rational(1, 2), True)),
            Piecewise((x**2 / 2, Abs(x) <= 1 + little), (Abs(x) - Rational(1, 2), True)),
        ),
        lambda: (Piecewise((x, x > 0), (0, True)), Piecewise((x, x > little), (0, True))),
        lambda: (Heaviside(x) ** 2, Heaviside(x)),
        lambda: (sign(x) ** 2, 1),
        lambda: (Abs(x) * sign(x), x),
        lambda: (Heaviside(x, a) + Heaviside(-x, b), 1),
        lambda: (Min(x, 0) + Max(x, little), x),
        lambda: (Derivative(Max(0, words.s[1] ** 2), words.s[1]), 2 * words.s[1] * Heaviside(x)),
    )
    if x.has(i):
        left, right = Sum(left, (i, 1, K)), Sum(right, (i, 1, K))
    P = hiding(words)
    return P * left, "=", P * right


def integrals(words):
    """Limits that use outer variables, ends of unknown order, integrands with kinks."""
    rng = words.rng
    x = words.one_of(
        Symbol("x", real=True),
        Symbol("x"),
        Symbol("x", positive=True),
        Symbol("x", nonnegative=True),
    )
    u = words.one_of(Symbol("u", real=True), Symbol("u"), Symbol("u", positive=True))
    c = words.one_of(words.scalar, words.s[1], words.q[1], u)
    r = rng.choice([1, 2, Rational(1, 2)])
    f, whole = words.one_of(
        (Abs(x), x**2 / 2),
        (Abs(x), x * Abs(x) / 2),
        (sqrt(x**2), x**2 / 2),
        (x, x**2 / 2),
        (x**2, x**3 / 3),
        (exp(c * x), exp(c * x) / c),
        (1 / (1 + x), log(1 + x)),
        (1 / x, log(x)),
        (1 / x**2, -1 / x),
        (x ** (r - 1), x**r / r),
        (sign(x - c), x - c),
        (Max(0, x), x**2 / 2),
        (Max(x, c), x * Max(x, c)),
        (log(x), x * log(x) - x),
        (Heaviside(x - c), x * Heaviside(x - c)),
        (x * exp(-x), -(x + 1) * exp(-x)),
        (words.s[1] * x, words.s[1] * x**2 / 2),
    )
    lower, upper = words.one_of(
        (0, 1), (-1, 1), (0, u), (u, 1), (-u, u), (0, c), (-1, c), (Rational(1, 10), 2)
    )
    if x in (u, c):
        lower, upper = -1, 1
    at = lambda end: whole.subs(x, end)  # noqa: E731
    inner = Integral(f, (x, lower, upper))
    closed = at(upper) - at(lower)
    P = hiding(words)
    return words.one_of(
        lambda: (P * inner, "=", P * closed),
        lambda: (inner, "=", Integral(f, (x, upper, lower))),
        lambda: (
            P * Integral(f, (x, 0, u), (u, -1, 1)),
            "=",
            P * Integral(whole.subs(x, u) - whole.subs(x, 0), (u, -1, 1)),
        ),
        lambda: (
            Integral(f, (x, 0, u), (u, lower.subs(u, 0) if isinstance(lower, Expr) else lower, 1)),
            "=",
            words.one_of(Rational(1, 3), Rational(1, 6), 0),
        ),
        lambda: (Integral(Abs(f), (x, -1, 1)), "=", 2 * Integral(f, (x, 0, 1))),
        lambda: (Integral(f, (x, -1, 1)), "=", 2 * Integral(f, (x, 0, 1))),
        lambda: (Integral(f, (x, 0, x)), "=", at(x) - at(0)),
        lambda: (Derivative(Integral(f, (x, 0, u)), u), "=", f.subs(x, u)),
        lambda: (Integral(f * words.scalar(), (x, lower, upper)), "=", words.scalar() * inner),
        lambda: (inner, words.one_of(">=", ">", "<=", "<"), 0),
    )


def shapes(words):
    """Functions of one variable that grow or are convex, but for a pole, a step or a sign."""
    n = words.one_of(WHOLE, WHOLE, words.s, words.x, words.q, words.s)
    i = index("i")
    r = words.one_of(Rational(41, 2), Rational(1, 2), Rational(-3, 2), Integer(0), Integer(1))
    g = words.scalars[1]
    f = words.rng.choice(
        [
            lambda t: -1 / (2 * t - 2 * r),
            lambda t: -1 / (t - r),
            lambda t: t**2,
            lambda t: t**3,
            lambda t: t**4 - r * t**2,
            lambda t: exp(t),
            lambda t: exp(-t),
            lambda t: exp(t**2),
            lambda t: exp(-(t**2)),
            lambda t: floor(t),
            lambda t: t - r,
            lambda t: log(t - r),
            lambda t: log((t - r) ** 2),
            lambda t: log(1 + exp(t)),
            lambda t: log(t),
            lambda t: t * log(t),
            lambda t: tanh(t),
            lambda t: sigmoid(t),
            lambda t: -exp(1 / (t - r)),
            lambda t: t * exp(t),
            lambda t: Abs(t),
            lambda t: Max(t, r),
            lambda t: Min(t, r),
            lambda t: Max(0, t - r) ** 2,
            lambda t: sign(t - r),
            lambda t: -((t - r) ** -3),
            lambda t: sqrt(t),
            lambda t: 1 / t,
            lambda t: cos(t),
            lambda t: g * t,
            lambda t: exp(g * t),
            lambda t: t**g,
            lambda t: Abs(t) ** g,
            lambda t: g**t,
            lambda t: t**3 / 3 - r * t,
            lambda t: Piecewise((t, t > r), (2 * t - r, True)),
        ]
    )
    q, e = words.one_of(words.q, words.q, words.x), BETWEEN[0]
    total, best = Sum(f(n[i]), (i, 1, K)), f(maximum(n))
    a, b = n[1], words.one_of(n[2], words.scalar, Integer(1), Integer(0))
    z = Dummy("z", real=True)
    slope = f(z).diff(z).subs(z, b)
    either = words.one_of("<=", ">=")
    return words.one_of(
        lambda: (total, "<=", K * best),
        lambda: (K * best, words.one_of("<", "<="), total),
        lambda: (best, words.one_of("<", "<="), total),
        lambda: (f(a), "<=", best),
        lambda: (f(Sum(q[i] * n[i], (i, 1, K))), either, Sum(q[i] * f(n[i]), (i, 1, K))),
        lambda: (f(AM(n)), either, total / K),
        lambda: (f(Sum(n[i], (i, 1, K))), either, total),
        lambda: (f(a) + f(b), either, 2 * f((a + b) / 2)),
        lambda: (f(e * a + (1 - e) * b), either, e * f(a) + (1 - e) * f(b)),
        lambda: (f(a), either, f(b) + slope * (a - b)),
        lambda: (f(a) - f(b), either, slope * (a - b)),
        lambda: (f(a), words.one_of("<", "<=", ">", ">="), words.one_of(0, f(r), f(b))),
        lambda: (f(e), either, (1 - e) * f(Integer(0)) + e * f(Integer(1))),
        lambda: (total, words.one_of(">", ">="), 0),
        lambda: (Sum(q[i] * f(n[i]), (i, 1, K)), either, best),
        lambda: ((f(a) - f(b)) * (a - b), ">=", 0),
    )


def angles(words):
    """Sines and cosines between two bounds."""
    rng = words.rng
    ends = sorted(rng.sample(range(-4, 9), 2))
    t = Between("t", ends[0] * pi / 4, ends[1] * pi / 4)
    t = words.one_of(t, t, t, words.scalar(), words.s[1])
    f = words.one_of(sin, cos)(rng.choice([1, 2, Rational(1, 2), -1]) * t)
    g = words.one_of(sin, cos)(t)
    return words.one_of(
        lambda: (f, words.one_of("<", "<=", ">", ">="), words.one_of(0, 1, -1)),
        lambda: (f * words.scalar(), words.one_of("<", ">="), 0),
        lambda: (f * g, words.one_of("<", "<=", ">", ">="), 0),
        lambda: (f, words.one_of("<", ">"), t),
        lambda: (f**2 + g**2, "=", 1),
        lambda: (sqrt(f**2), "=", words.one_of(f, -f)),
        lambda: (
            sin(t + words.scalar()),
            "=",
            sin(t) * cos(words.scalar()) + cos(t) * sin(words.scalar()),
        ),
        lambda: (
            Derivative(f, t) if t.is_Symbol and not t.is_integer else f,
            "=",
            words.one_of(g, -g, f, -f),
        ),
    )


def far_out(words):
    """What shows far out, near an end, or at a size that is seldom tried."""
    s, p, rng = words.s, words.p, words.rng
    j, k = rng.sample(FREE, 2)
    tiny = Rational(1, 10 ** rng.choice([3, 6, 12]))
    large = rng.choice([10, 30, 300])
    c = words.scalar()
    return words.one_of(
        lambda: (-log(Max(p[j], tiny)), "=", -log(p[j])),
        lambda: (p[j], words.one_of(">", ">="), tiny),
        lambda: (LSE(s), words.one_of("<=", "<"), large),
        lambda: (s[j], words.one_of("<=", ">="), words.one_of(large, -large)),
        lambda: (Min(exp(s[j]), 10**large), "=", exp(s[j])),
        lambda: (log(K), "<=", words.one_of(1, 2, 3)),
        lambda: ((-1) ** K * (K - 2), "=", words.one_of(2 - K, K - 2)),
        lambda: (
            K**2,
            words.one_of("<=", "<", ">=", "="),
            words.one_of(2**K, 4 * K, 2 * K, 49, 5 * K - 6),
        ),
        lambda: ((K - 2) * (K - 3) * (K - 5) * (K - 7) * c, "=", 0),
        lambda: ((K - 2) * (K - 3) * (K - 5) * c**2, words.one_of(">=", "="), 0),
        lambda: (delta(j, k + rng.choice([-2, -1, 0, 1, 2, 3])), "=", 0),
        lambda: (delta(j, rng.choice([1, 2, K, K - 1, 3])), "=", 0),
        lambda: (delta(j, k) * delta(k, rng.choice([1, 2])), "=", 0),
        lambda: (
            Sum(delta(index("i"), words.one_of(3, j + 1, j - 1, K - 1, K, 2)), (index("i"), 1, K)),
            "=",
            1,
        ),
        lambda: (
            Sum(
                s[index("i")] * delta(index("i"), words.one_of(3, j + 1, K - 1, 2)),
                (index("i"), 1, K),
            ),
            "=",
            words.one_of(s[3], s[2], s[j], s[K - 1]),
        ),
        lambda: (floor(K / 2), "=", words.one_of(K / 2, (K - 1) / 2)),
        lambda: (
            c,
            words.one_of("<", "<=", ">", ">="),
            words.one_of(0, 1, 10**6, c**2, c + 1, 1 / K),
        ),
        lambda: (c**2, words.one_of("=", ">", ">="), words.one_of(0, c, Abs(c) ** 2, c**3)),
        lambda: (c + tiny, words.one_of("=", "<="), c),
        lambda: (1 / (1 + exp(-large * s[j])), "=", Heaviside(s[j])),
        lambda: (
            Sum(s[index("i")] ** 2, (index("i"), 1, rng.choice([2, 3]))),
            "<=",
            Sum(s[index("i")] ** 2, (index("i"), 1, K)),
        ),
    )


def ranges(words):
    """Sums whose limits are shifted, empty, or use other indices."""
    s, rng = words.s, words.rng
    i, k, j = index("i"), index("k"), rng.choice(FREE)
    f = words.one_of(
        s[i], words.q[i], delta(i, j), 1, i, s[i] * s[k], delta(i, k), s[i] ** 2, exp(s[i])
    )
    f = Integer(0) + f
    lower, upper = words.one_of(
        (1, K),
        (1, k),
        (k, K),
        (1, k - 1),
        (k + 1, K),
        (2, K),
        (1, K - 1),
        (j, K),
        (1, j),
        (3, 1),
        (1, K - 2),
    )
    inner = Sum(f, (i, lower, upper))
    outer = Sum(inner, (k, 1, K))
    return words.one_of(
        lambda: (inner, "=", f.subs(i, lower) + Sum(f, (i, lower + 1, upper))),
        lambda: (inner, "=", Sum(f, (i, upper, lower))),
        lambda: (inner, "=", Sum(f, (i, 1, K)) - Sum(f, (i, words.one_of(upper, upper + 1), K))),
        lambda: (
            outer,
            "=",
            Sum(Sum(f, (k, 1, K)), (i, words.one_of(1, lower), words.one_of(K, upper))),
        ),
        lambda: (outer, "=", Sum(f, (i, lower, upper), (k, 1, K))),
        lambda: (outer, "=", Sum(f, (k, 1, K), (i, 1, K))),
        lambda: (outer, "=", K * inner),
        lambda: (
            Sum(f, (i, 1, K)),
            "=",
            Sum(f, (i, 1, k)) + Sum(f, (i, k + words.one_of(0, 1), K)),
        ),
        lambda: (inner, "=", Sum(f.subs(i, i + 1), (i, lower - 1, upper - words.one_of(0, 1)))),
        lambda: (
            Sum(f.subs({i: namesake(rng, i)}, simultaneous=True), (i, 1, K)),
            "=",
            Sum(f, (i, 1, K)),
        ),
        lambda: (
            Sum(f, (i, 1, K), (i, 1, K)),
            "=",
            words.one_of(K * Sum(f, (i, 1, K)), Sum(f, (i, 1, K))),
        ),
        lambda: (
            Sum(1, (i, lower, upper)),
            "=",
            words.one_of(upper, upper - lower, upper - lower + 1),
        ),
        lambda: (inner, words.one_of("<=", ">="), Sum(f, (i, 1, K))),
        lambda: (inner, words.one_of(">=", ">"), 0),
        lambda: (Sum(f**2, (i, lower, upper)), words.one_of(">=", ">"), 0),
        lambda: (exp(f.subs(i, 1)), words.one_of("<", "<="), Sum(exp(f), (i, lower, upper))),
    )


def powers(words):
    """Logarithms and powers of what may be negative, zero or complex."""
    rng = words.rng
    j = rng.choice(FREE)
    a = words.one_of(
        words.s[j], words.scalar, words.x[j], words.q[j], words.s[j] - words.v[j], delta(j, 1), K
    )
    b = words.one_of(words.s[1], words.scalar, words.x[1], words.q[1], 2)
    d = words.one_of(words.scalar, INTEGERS[0], 2, Rational(1, 2), Rational(1, 3), K, words.s[1])
    b, d = Integer(0) + b, Integer(0) + d
    return words.one_of(
        lambda: (log(a * b), "=", log(a) + log(b)),
        lambda: (log(a / b), "=", log(a) - log(b)),
        lambda: (log(a**d), "=", d * log(a)),
        lambda: ((a * b) ** d, "=", a**d * b**d),
        lambda: ((a**2) ** d, "=", a ** (2 * d)),
        lambda: ((a**d) ** 2, "=", a ** (2 * d)),
        lambda: ((a**d) ** (1 / d), "=", a),
        lambda: (a**d * a, "=", a ** (d + 1)),
        lambda: (a**0 * b / b, "=", (a / a) * 1),
        lambda: (exp(d * log(a)), "=", a**d),
        lambda: (delta(j, 1) ** d, "=", delta(j, 1)),
        lambda: (exp(a * b), "=", exp(a) ** b),
        lambda: (exp(a) ** d, "=", exp(a * d)),
        lambda: (
            Derivative(Abs(a) ** d, a) if a.is_Symbol and not a.is_integer else a,
            "=",
            d * Abs(a) ** (d - 1),
        ),
        lambda: (a**d, words.one_of(">", ">=", "<="), words.one_of(0, a, 1)),
        lambda: ((1 + a) ** d, words.one_of(">=", "<="), 1 + d * a),
        lambda: (log(1 + a), words.one_of("<=", ">=", "<"), a),
        lambda: (log(Abs(a)), "=", log(a**2) / 2),
        lambda: (1 / a, words.one_of("<=", ">="), words.one_of(1, a, 1 / b)),
        lambda: ((-1) ** d, "=", words.one_of(1, -1)),
    )


def two_indices(words):
    """Matrices of N rows of K entries, and square ones."""
    rng = words.rng
    N = Symbol("N", integer=True, positive=True)
    X = words.one_of(
        IndexedBase("X", shape=(N, K), real=True),
        IndexedBase("X", shape=(N, K), positive=True),
        IndexedBase("X", real=True),
    )
    rows = N if X.shape else K
    i, k = index("i"), index("k")
    a, b = index("a"), rng.choice(FREE)
    f = words.one_of(X[i, k], X[i, k] ** 2, exp(X[i, k]), words.v[k] * X[i, k], X[i, k] * X[i, b])
    softmax_ = exp(X[a, b]) / Sum(exp(X[a, k]), (k, 1, K))
    left, right = words.one_of(
        lambda: (Sum(f, (k, 1, K), (i, 1, rows)), Sum(f, (i, 1, rows), (k, 1, K))),
        lambda: (Sum(Sum(f, (k, 1, K)), (i, 1, rows)), Sum(f, (i, 1, rows), (k, 1, K))),
        lambda: (Sum(f * delta(k, b), (k, 1, K)), f.subs(k, b)),
        lambda: (Sum(f * delta(i, a), (i, 1, rows)), f.subs(i, a)),
        lambda: (Derivative(log(Sum(exp(X[a, k]), (k, 1, K))), X[a, b]), softmax_),
        lambda: (Derivative(Sum(f, (k, 1, K)), X[i, b]), Sum(Derivative(f, X[i, b]), (k, 1, K))),
        lambda: (
            Derivative(Sum(log(Sum(exp(X[i, k]), (k, 1, K))), (i, 1, rows)), X[a, b]),
            softmax_,
        ),
        lambda: (Sum(softmax_, (b, 1, K)), Integer(1)),
        lambda: (Sum(Sum(X[i, i], (k, 1, K)), (i, 1, rows)), K * Sum(X[i, i], (i, 1, rows))),
        lambda: (Sum(1, (k, 1, K), (i, 1, rows)), K * rows),
        lambda: (Derivative(Sum(X[i, k], (k, 1, K)), X[a, b]), delta(a, i)),
    )
    if not words.often(0.6):
        return left, "=", right, True
    swap = words.one_of(
        {i: k, k: i}, {a: b, b: a}, {rows: K, K: rows}, {i: a, a: i}, {X[i, k]: X[k, i]}
    )
    return left, "=", right.subs(swap, simultaneous=True)


def only_there(words):
    """A bound with its case of equality, or with another that misses some; or made flat."""
    gap, where = equalities(words)
    true = True
    if words.often(0.25):
        more, also = equalities(words)
        if not where.keys() & also.keys() and words.often(0.5):
            gap, where = gap + more, where | also
            true = not names_of_any_number(where) or len({*names_of_any_number(where)}) == len(
                names_of_any_number(where)
            )
        elif names_of_any_number(where) and words.often(0.5):
            gap, where, true = twice(words, gap, where)
        elif words.often(0.5):
            gap, true = words.one_of(gap * more, Min(gap, more), gap * more**2), False
    if words.often(0.55):
        change = missing if words.often(0.5) else flattened
        (gap, where), true = change(words, gap, where), False
    if words.often(0.3):
        other, free = words.leaf(()), names_of_any_number(where)
        if free and words.often(0.3):
            other, true = other + words.rng.choice(free), False
        return words.one_of(
            lambda: (other, "<=", gap + other, true, where),
            lambda: (other - gap, "<=", other, true, where),
        )
    parts = Add.make_args(gap)
    below = Add(*(part for part in parts if words.often(0.5)))
    if words.often(0.5):
        return gap - below, ">=", -below, true, where
    return -below, "<=", gap - below, true, where


def twice(words, gap, where):
    """The gap and that of another vector, each with the same case of equality."""
    ((name, value),) = where.items()
    twins = [twin for twin in [*VECTORS, *POSITIVE] if type(twin) is type(name) and twin != name]
    if not twins or value.has(*twins):
        return gap, where, True
    return gap + gap.xreplace({name: twins[0]}), where | {twins[0]: value}, False


def _symbols(value):
    return (Integer(0) + value).free_symbols if not isinstance(value, IndexedBase) else set()


def names_of_any_number(where):
    """The numbers that only occur in the cases of equality, once for each case."""
    return [name for value in where.values() for name in _symbols(value) if name in ANY_NUMBER]


ANY_NUMBER = [Symbol("a", real=True), Symbol("b", positive=True), Symbol("m", real=True)]


def equalities(words):
    """A gap that is not negative, and where alone it is zero."""
    s, v, q, p, x, rng = words.s, words.v, words.q, words.p, words.x, words.rng
    i = index("i")
    over = lambda term: Sum(term, (i, 1, K))  # noqa: E731
    a, b = rng.choice([ANY_NUMBER[0], ANY_NUMBER[2]]), ANY_NUMBER[1]
    f, weight = words.full(), words.one_of(q, p, 1 / K)
    w = entry_of(weight, i)
    t, h, e = REAL[rng.randrange(2)], SIGNED[0], BETWEEN[0]
    r = words.one_of(Integer(0), Integer(1), Rational(-1, 2), words.s[words.free[0]], Integer(2))
    positive = words.one_of(Integer(1), Integer(2), Rational(1, 3), x[words.free[0]], q[1])
    u = words.one_of(x, s)
    y = words.free[0]
    if words.often(0.4):
        return bregman(words)
    gap, where = words.one_of(
        lambda: (KL(q, f), {q: f}),
        lambda: (KL(f, p), {p: f}),
        lambda: (log(K) - entropy(q), {q: 1 / K}),
        lambda: (over(q[i] ** 2) - 1 / K, {q: 1 / K}),
        lambda: (CE(q, p) - entropy(q), words.one_of({p: q}, {q: p})),
        lambda: (log_loss(s, q) - entropy(q), words.one_of({q: softmax(s)}, {s: log(q) + a})),
        lambda: (maximum(s) + log(K) - LSE(s), {s: a}),
        lambda: (maximum(s) - over(w * s[i]), {s: a}),
        lambda: (over(w * u[i] ** 2) - over(w * u[i]) ** 2, {u: b if u == x else a}),
        lambda: (over(w * exp(s[i])) - exp(over(w * s[i])), {s: a}),
        lambda: (log(over(w * x[i])) - over(w * log(x[i])), {x: b}),
        lambda: (over(w / x[i]) - 1 / over(w * x[i]), {x: b}),
        lambda: (AM(x) - GM(x), {x: b}),
        lambda: (over((s[i] - v[i]) ** 2), words.one_of({s: v}, {v: s})),
        lambda: (over((s[i] - r) ** 2), {s: r}),
        lambda: (over((p[i] - q[i]) ** 2 / q[i]), words.one_of({p: q}, {q: p})),
        lambda: (over(exp(s[i]) - 1 - s[i]), {s: Integer(0)}),
        lambda: (over(x[i] * log(x[i]) - x[i] + 1), {x: Integer(1)}),
        lambda: (over(x[i] - 1 - log(x[i])), {x: Integer(1)}),
        lambda: (over(Abs(s[i] - v[i])), {s: v}),
        lambda: (
            over(x[i] * log(x[i])) - over(x[i]) * log(over(x[i]) / K),
            {x: b},
        ),
        lambda: (maximum(s) - AM(s), {s: a}),
        lambda: (entropy(q) * -1 + over(q[i]) * log(K), {q: 1 / K}),
        lambda: (LSE(s) - over(q[i] * s[i]) - entropy(q), {q: softmax(s)}),
        lambda: (over(x[i]) ** 2 / K * -1 + over(x[i] ** 2), {x: b}),
        lambda: (log_loss(s, smooth(y, e)) - entropy(smooth(y, e)), {s: log(smooth(y, e)) + a}),
        lambda: (Sum((s[i] - s[index("k")]) ** 2, (i, 1, K), (index("k"), 1, K)), {s: a}),
        lambda: (log(1 + exp(-t)) + log(1 + exp(t)) - 2 * log(2), {t: Integer(0)}),
        lambda: (Rational(1, 4) - e * (1 - e), {e: Rational(1, 2)}),
        lambda: (h + 1 / h - 2, {h: Integer(1)}),
        lambda: (Abs(t - r), {t: r}),
    )
    return positive * gap, where


def bregman(words):
    """How far a strictly convex function is above its tangent, or below its chord."""
    rng = words.rng
    t, h, e = REAL[rng.randrange(2)], SIGNED[0], BETWEEN[0]
    g, number = words.one_of(
        (lambda z: exp(z), t),
        (lambda z: z**2, t),
        (lambda z: z**4, t),
        (lambda z: log(1 + exp(z)), t),
        (lambda z: exp(-z), t),
        (lambda z: z * log(z), h),
        (lambda z: -log(z), h),
        (lambda z: 1 / z, h),
        (lambda z: -sqrt(z), h),
        (lambda z: z * log(z) + (1 - z) * log(1 - z), e),
        (lambda z: z**3, h),
        (lambda z: z**2 + exp(z), t),
    )
    where = {t: words.s[1], h: words.x[words.free[0]], e: Rational(1, 3)}[number]
    places = {t: [0, 1, -1], h: [1, 2], e: [Rational(1, 2), Rational(1, 4)]}[number]
    where = Integer(0) + rng.choice([where, *places])
    z = Dummy("z", real=True)
    slope = g(z).diff(z).subs(z, where)
    if words.often(0.3):
        middle = words.one_of(Rational(1, 2), Rational(1, 3))
        mixed = g(middle * number + (1 - middle) * where)
        return middle * g(number) + (1 - middle) * g(where) - mixed, {number: where}
    return g(number) - g(where) - slope * (number - where), {number: where}


def missing(words, gap, where):
    """A case of equality that is another, or holds with something besides."""
    rng = words.rng
    name = rng.choice(sorted(where, key=str))
    value = where[name]
    number = words.one_of(1, -1, Rational(1, 100), Rational(-1, 10**6), words.scalar())
    if isinstance(name, IndexedBase):
        other = words.one_of(
            lambda: value + number,
            lambda: value * 2,
            lambda: 1 / K,
            lambda: Integer(0),
            lambda: words.scalar(),
            lambda: rng.choice([words.s, words.v, words.q, words.p, words.x]),
            lambda: softmax(words.s),
            lambda: softmax(2 * words.s),
            lambda: log(words.q),
            lambda: log(words.q) + words.scalar(),
        )
    else:
        other = words.one_of(
            lambda: value + number,
            lambda: -value,
            lambda: 2 * value,
            lambda: value**2,
            lambda: 1 / value,
            lambda: words.scalar(),
            lambda: words.s[1],
        )
    free = names_of_any_number(where)
    choices = [where | {name: other}]
    if free:  # the number is one of the claim, after all; or is the same in two cases
        chosen = rng.choice(free)
        inside = words.one_of(
            gap + chosen - words.leaf(()),
            gap * chosen**2,
            gap + Abs(chosen - words.scalar()),
            gap * (1 + exp(chosen)),
        )
        choices.append((inside, where))
        taken = rng.choice(words.scalars)
        choices.append(where | {name: (Integer(0) + value).subs(chosen, taken)})
    also = rng.choice([words.s, words.v, words.x, words.q, *words.scalars])
    if also not in where and not also.is_integer:
        choices.append(
            where | {also: words.one_of(value if free else 1 / K, words.scalar(), 1 / K)}
        )
    chosen = rng.choice(choices)
    return chosen if isinstance(chosen, tuple) else (gap, chosen)


def flattened(words, gap, where):
    """A gap that is zero elsewhere, too: times what may vanish, cut off, or with a class less."""
    rng = words.rng
    c, r = words.scalar(), words.one_of(0, 1, 2, Rational(1, 2))
    y = rng.choice(words.free)
    a = words.s[rng.choice([y, Integer(1), K])]
    number = rng.choice([name for name in where])
    if isinstance(number, IndexedBase):
        number = number[rng.choice([y, Integer(1), Integer(2), K])]
    sums = sorted(gap.atoms(Sum), key=str)

    def with_a_class_less():
        if not sums:
            return gap * (number - r) ** 2
        one = rng.choice(sums)
        (place, lower, upper), *rest = one.limits
        return gap.xreplace(
            {
                one: words.one_of(
                    Sum(one.function, (place, lower, upper - 1), *rest),
                    Sum(one.function, (place, lower + 1, upper), *rest),
                    Sum(one.function * (1 - delta(place, y)), *one.limits),
                    Sum(one.function * delta(place, y), *one.limits),
                    Sum(one.function * words.v[place] ** 2, *one.limits),
                    Sum(one.function * Heaviside(words.s[place]), *one.limits),
                )
            }
        )

    def in_one_place():
        f = words.one_of(words.s, words.x, words.q)
        k = words.one_of(index("k"), y)
        return words.one_of((f[y] - f[k]) ** 2, (f[1] - f[K]) ** 2, Abs(f[y] - f[1]))

    flat = words.one_of(
        lambda: gap * (number - r) ** 2,
        lambda: gap * (c - r) ** 2,
        lambda: gap * Abs(a - r),
        lambda: gap * Max(0, c),
        lambda: gap * Heaviside(a - r),
        lambda: Max(0, gap - Rational(1, 10)),
        lambda: Max(0, c) * gap,
        lambda: gap + Abs(a) - a,
        lambda: Abs(number) - number,
        lambda: Max(0, number - r),
        lambda: Min(gap, (number - r) ** 2),
        lambda: gap * (1 - delta(y, rng.choice([*FREE, Integer(1), K]))),
        lambda: gap * (K - 2),
        lambda: gap * (K - 2) * (K - 3),
        lambda: (number - 1) ** 2 * (number - 2) ** 2,
        lambda: (number**2 - r) ** 2,
        lambda: 1 - cos(number - r),
        lambda: number**2 * (1 + sin(number)),
        with_a_class_less,
        with_a_class_less,
        in_one_place,
    )
    return flat, where


KINDS = {
    "equation": (4, equation),
    "identity": (3, identity),
    "inequality": (4, inequality),
    "inner sums": (1, inner_sums),
    "assumed signs": (4, assumed_signs),
    "bound and free": (2, bound_and_free),
    "imaginary": (2, imaginary),
    "steps": (3, steps),
    "integrals": (2, integrals),
    "shapes": (4, shapes),
    "angles": (1, angles),
    "far out": (2, far_out),
    "ranges": (2, ranges),
    "powers": (2, powers),
    "two indices": (1, two_indices),
    "only there": (0, only_there),  # in a test of its own, since the prover takes longest
}


# The prover is asked, and its answer tried.


class TooSlow(Exception):
    """The prover took longer than a claim may take."""


@contextmanager
def limited(seconds):
    """Raises TooSlow after so many seconds of processor time."""

    def stop(*_):
        raise TooSlow

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def believes(made, seconds=SECONDS):
    """Whether the prover alone believes a claim."""
    with limited(seconds):
        if made.relation == "=":
            return prove.proves_equal(made.left, made.right)
        if made.where:
            return bounds.proves_only_there(made.left, made.relation, made.right, made.where)
        return bounds.proves_bound(made.left, made.relation, made.right)


def tried(made, seed, points, seconds):
    """A point that refutes a claim, or None, and at how many points it had values."""
    if made.where:
        return oracle.refute_elsewhere(
            made.left, made.relation, made.right, made.where, Random(seed), points, seconds
        )
    return oracle.refute(made.left, made.relation, made.right, Random(seed), points, seconds)


def refuted(seeds, believed, points=8, seconds=0.04, kind=None):
    """What is believed of the claims of some seeds although it is false, with the points.

    What raises or is slow is not believed: `python -m tests.derive.claims` counts it.
    """
    for seed in seeds:
        made = claim(seed, kind)
        if made is None:
            continue
        counterexample = partial(tried, made, seed, points, seconds)
        if made.relation != "=" and counterexample()[0] is None:
            continue  # what takes longest is the search for the proof of a bound
        try:
            proved = believed(made)
        except Exception:
            continue
        if proved:
            found, _ = counterexample()
            if found is not None:
                yield f"claim {seed}: {made}\n  {found}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--claims", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0, help="of the first claim")
    parser.add_argument("--kind", choices=list(KINDS), help="of all claims")
    asked = parser.parse_args()
    counts, begin = Counter(), time.process_time()
    for seed in range(asked.seed, asked.seed + asked.claims):
        made = claim(seed, asked.kind)
        if made is not None:
            counts["claims"] += 1
            counts.update(answers(seed, made))
        if (seed + 1 - asked.seed) % 1000 == 0:
            print(f"... {counts['claims']} claims", file=sys.stderr, flush=True)
    for kind in KINDS:
        true, proved = (counts.pop((kind, answer), 0) for answer in ("true", "true and proved"))
        if true:
            print(f"{proved:8} of {true} that are true by construction proved: {kind}")
    for answer, number in counts.most_common():
        print(f"{number:8} {answer}")
    print(f"{time.process_time() - begin:8.0f} s of processor time")
    sys.exit(bool(counts["refuted"]))


def answers(seed, made):
    """What became of a claim, in words to be counted; what deserves a look is printed."""
    if made.true:
        yield made.kind, "true"
    try:
        proved = believes(made)
    except TooSlow:
        print(f"slow: {seed} {made}", flush=True)
        yield "slow"
        return
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        print(f"raised: {seed} {made}\n  {error!r:.200}", flush=True)
        yield f"raised {type(error).__name__} in {place.name}"
        return
    if not proved:
        return
    yield "proved"
    if made.true:
        yield made.kind, "true and proved"
    try:
        with limited(20):
            found, values = tried(made, seed, points=60, seconds=1)
    except TooSlow:
        yield "proved, and not tried in time"
        return
    if values == 0:
        yield "proved, and without a value at any point"
    if found is not None:
        print(f"refuted: {seed} {made}\n  {found}", flush=True)
        yield "refuted"


if __name__ == "__main__":
    main()
