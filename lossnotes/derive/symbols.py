"""The symbols of the book, each with its domain, and the named quantities with their definitions.

A vector is an indexed symbol: `s[i]` is its i-th entry and K the number of classes, so that a
derivation holds for every K. Classes count from 1 here, as in the lecture; code counts from 0.
A named quantity such as `LSE(s)` is shown by its name and computed by its definition.
"""

from itertools import chain, count

from sympy import (
    Add,
    Derivative,
    Dummy,
    Expr,
    Function,
    Indexed,
    IndexedBase,
    Integer,
    Integral,
    KroneckerDelta,
    Limit,
    Max,
    Piecewise,
    Product,
    Sum,
    Symbol,
    Tuple,
    exp,
    log,
    sympify,
    together,
)
from sympy.logic.boolalg import Boolean
from sympy.printing.precedence import PRECEDENCE

K = Symbol("K", integer=True, positive=True)
ANY = Dummy("any", integer=True, positive=True)
delta = KroneckerDelta


class Vector(IndexedBase):
    """A vector of K numbers, or with `shape` a matrix: Scores("X", shape=(N, K))."""

    _diff_wrt = True  # a derivative by a whole vector is the vector of the derivatives
    domain = {"real": True}

    def __new__(cls, label, shape=None, **assumptions):
        return super().__new__(cls, label, shape=shape, **(assumptions or cls.domain))


class Scores(Vector):
    """A vector of K real numbers."""


class Positives(Vector):
    """A vector of K positive numbers."""

    domain = {"positive": True}


class Probabilities(Positives):
    """A vector of K positive numbers that sum to one; of a matrix, each row does."""


class Between(Symbol):
    """A real number in the open interval (lower, upper); a bound may depend on K."""

    def __new__(cls, name, lower, upper):
        lower, upper = sympify(lower), sympify(upper)
        assumptions = {"positive": True} if lower.is_nonnegative else {"real": True}
        symbol = Symbol.__xnew__(cls, name, **assumptions)
        symbol.lower, symbol.upper = lower, upper
        return symbol

    def _hashable_content(self):
        return super()._hashable_content() + (self.lower, self.upper)

    def __getnewargs_ex__(self):
        return (self.name, self.lower, self.upper), {}


class Classes(Symbol):
    """A set of classes, neither empty nor all of them; `~A` is its complement."""

    def __invert__(self):
        return Complement(self)


class Complement(Function):
    """The classes outside a set."""

    def _latex(self, printer):
        return rf"{{{printer._print(self.args[0])}}}^{{c}}"


class Others(Function):
    """The classes other than y."""


def entry(vector, index):
    """The entry of a vector expression at an index; a scalar is the same in every entry."""
    if isinstance(vector, IndexedBase):
        return vector[index]
    if isinstance(vector, Tuple):
        return vector[int(index) - 1]
    if isinstance(vector, VectorQuantity):
        return vector[index]
    if not isinstance(vector, (Expr, Boolean)) or isinstance(vector, Indexed) or not vector.args:
        return vector
    if isinstance(vector, (ScalarQuantity, argmax, Entry, KroneckerDelta)):
        return vector
    if isinstance(vector, (Sum, Product, Integral, Derivative, Limit)):
        return _entry_inside(vector, index)
    if isinstance(vector, Piecewise):
        return Piecewise(*((entry(v, index), entry(where, index)) for v, where in vector.args))
    return vector.func(*(entry(part, index) for part in vector.args))


def _entry_inside(whole, index):
    """The entry of what is summed, integrated or differentiated; limits have no entries."""
    if entry(whole.args[0], index) == whole.args[0]:
        return whole
    if set(getattr(whole, "variables", ())) & sympify(index).free_symbols:
        whole = _with_fresh_indices(whole)
    return whole.func(entry(whole.args[0], index), *whole.args[1:])


def unused_index(*expressions):
    """An index whose name is not free in the expressions, so that binding it captures nothing."""
    taken = {symbol.name for part in expressions for symbol in sympify(part).free_symbols}
    names = chain("iklmn", (f"i_{number}" for number in count(1)))
    return Symbol(next(name for name in names if name not in taken), integer=True, positive=True)


def total(term, free=()):
    """Sum over all classes of term(i), with an index that is not free in the arguments."""
    index = unused_index(*free)
    return Sum(term(index), (index, 1, K))


def total_of(vectors, term):
    """Sum over the classes, or over the entries where a vector is explicit."""
    sizes = [len(vector) for vector in vectors if isinstance(vector, Tuple)]
    if sizes:
        return sum(term(index) for index in range(1, sizes[0] + 1))
    return total(term, vectors)


def derivative_of(definition, variable):
    """Its bound indices are renamed first, so that none of them catches the i of d/ds_i."""
    return _with_fresh_indices(definition).diff(variable)


def _with_fresh_indices(part):
    """Each index is renamed where it is bound, and not where one of the same name is free."""
    if not part.has(Sum, Product) or isinstance(part, IndexedBase):
        return part
    parts = [_with_fresh_indices(argument) for argument in part.args]
    if not isinstance(part, (Sum, Product)):
        return part.func(*parts)
    body, *limits = parts
    for place, (index, *ends) in enumerate(limits):
        fresh = {index: Dummy(index.name, **index.assumptions0)}
        body = body.xreplace(fresh)
        limits[:place] = [limit.xreplace(fresh) for limit in limits[:place]]
        limits[place] = Tuple(fresh[index], *ends)
    return part.func(body, *limits)


def is_everywhere(sign, vector):
    """Whether the assumptions say of every entry that it is "real" or "positive"."""
    parts = vector if isinstance(vector, Tuple) else [entry(vector, ANY)]
    return all(getattr(part, f"is_{sign}") for part in parts)


def is_distribution(vector):
    """Whether the entries are sure to be positive and to sum to one."""
    if isinstance(vector, Vector):
        return isinstance(vector, Probabilities) and vector.shape in (None, (), (K,))
    if isinstance(vector, VectorQuantity):
        return vector.is_a_distribution() and vector[ANY].is_positive is True
    return vector == 1 / K


def is_share(entry):
    """Whether an entry is a probability beside others; the only one of a batch of one is one."""
    if not (isinstance(entry, Indexed) and isinstance(entry.base, Probabilities)):
        return False
    size = entry.base.shape[-1] if entry.base.shape else K
    return size == K or bool((size - 1).is_positive)


def is_at_most(number, bound):
    """Whether a number, or the end of its interval, is at most a bound for every K >= 2."""
    upper = number.upper if isinstance(number, Between) else number
    beyond = Dummy(integer=True, nonnegative=True)
    return bool(together((bound - upper).xreplace({K: beyond + 2})).is_nonnegative)


def _power_latex(exp):
    return "" if exp is None else rf"^{{{exp}}}"


class Quantity(Function):
    """A named quantity: `symbol` is its LaTeX name and `definition()` what it stands for."""

    symbol: str

    def definition(self):
        raise NotImplementedError

    def _eval_derivative(self, variable):
        return derivative_of(self.definition(), variable)

    def _latex(self, printer, exp=None):
        arguments = ", ".join(printer._print(argument) for argument in self.args)
        return rf"{self.symbol}{_power_latex(exp)}\mathopen{{}}\left({arguments}\right)"


class ScalarQuantity(Quantity):
    """A named number. It is real where the entries of its vectors are."""

    needs = "real"  # what the numbers in its arguments must be, so that it is real

    def numbers(self):
        """The arguments that hold numbers; a label or a set of classes is none."""
        return self.args

    def _eval_is_real(self):
        return all(is_everywhere(self.needs, part) for part in self.numbers()) or None


class VectorQuantity(Quantity):
    """A named vector; its entries are `vector[i]`."""

    def __getitem__(self, index):
        return Entry(self, index)

    def definition_of(self, index):
        raise NotImplementedError

    def is_positive_everywhere(self):
        """Whether every entry is positive, where the arguments are real and K >= 2."""
        return False

    def is_a_distribution(self):
        """Whether the entries sum to one."""
        return False


class Entry(Function):
    """One entry of a named vector. Its sign is what its vector says of its arguments."""

    def definition(self):
        vector, index = self.args
        return vector.definition_of(index)

    def _eval_derivative(self, variable):
        return derivative_of(self.definition(), variable)

    def _eval_is_real(self):
        return all(is_everywhere("real", part) for part in self.args[0].args) or None

    def _eval_is_positive(self):
        return (self._eval_is_real() and self.args[0].is_positive_everywhere()) or None

    def _sympystr(self, printer):
        vector, index = (printer._print(argument) for argument in self.args)
        return f"{vector}[{index}]"

    def _latex(self, printer, exp=None):
        vector, index = self.args
        name = rf"{vector.symbol}{_power_latex(exp)}_{{{printer._print(index)}}}"  # q'_i^2 fails
        arguments = ", ".join(printer._print(argument) for argument in vector.args)
        return rf"{name}\mathopen{{}}\left({arguments}\right)"


class LSE(ScalarQuantity):
    r"""LSE(s) = log sum_i exp(s_i)."""

    symbol = r"\operatorname{LSE}"

    def definition(self):
        (s,) = self.args
        return log(total_of((s,), lambda i: exp(entry(s, i))))


class softmax(VectorQuantity):
    r"""softmax(s)_j = exp(s_j) / sum_i exp(s_i)."""

    symbol = r"\sigma"

    def is_positive_everywhere(self):
        return True

    def is_a_distribution(self):
        return True

    def definition_of(self, j):
        (s,) = self.args
        return exp(entry(s, j)) / total_of((s,), lambda i: exp(entry(s, i)))


class sigmoid(ScalarQuantity):
    """sigmoid(t) = 1 / (1 + exp(-t)): the second entry of softmax(0, t)."""

    symbol = r"\sigma"

    def _eval_is_positive(self):
        return self.args[0].is_real or None

    def definition(self):
        (t,) = self.args
        return 1 / (1 + exp(-t))


class one_hot(VectorQuantity):
    """one_hot(y)_i = 1 if i = y, else 0."""

    symbol = "e"

    def definition_of(self, i):
        return delta(i, self.args[0])


class smooth(VectorQuantity):
    """smooth(y, epsilon)_i = (1 - epsilon) delta_iy + epsilon / K."""

    symbol = "q"

    def is_positive_everywhere(self):
        epsilon = self.args[1]
        return epsilon.is_positive and is_at_most(epsilon, 1)

    def is_a_distribution(self):
        return True

    def definition_of(self, i):
        y, epsilon = self.args
        return (1 - epsilon) * delta(i, y) + epsilon / K


class smooth_others(VectorQuantity):
    """smooth_others(y, epsilon)_i = 1 - (K - 1) epsilon if i = y, else epsilon."""

    symbol = "q'"

    def is_positive_everywhere(self):
        """All of the epsilon < 1 / (K - 1), which one number cannot be for every K."""
        epsilon = self.args[1]
        bounded = isinstance(epsilon, Between) and is_at_most(epsilon, 1 / (K - 1))
        return epsilon.is_positive and bounded

    def is_a_distribution(self):
        return True

    def definition_of(self, i):
        y, epsilon = self.args
        return (1 - K * epsilon) * delta(i, y) + epsilon


class Mean(ScalarQuantity):
    """A mean, shown as an index: y_AM. That of positive numbers is positive."""

    def _eval_is_positive(self):
        return is_everywhere("positive", self.args[0]) or None

    def is_of_a_name(self):
        """Whether its index stands at a name, and not at brackets."""
        return isinstance(self.args[0], (Symbol, IndexedBase))

    def _latex(self, printer, exp=None):
        numbers = printer._print(self.args[0])
        if not (self.is_of_a_name() or isinstance(self.args[0], Tuple)):
            numbers = rf"\left({numbers}\right)"
        return rf"{{{numbers}}}_{{{self.symbol}}}{_power_latex(exp)}"


class AM(Mean):
    """AM(y) = sum_i y_i / K, the arithmetic mean."""

    symbol = r"\mathrm{AM}"

    def definition(self):
        (y,) = self.args
        return total_of((y,), lambda i: entry(y, i)) / K


class GM(Mean):
    """GM(y) = exp(sum_i log(y_i) / K), the geometric mean."""

    symbol = r"\mathrm{GM}"
    needs = "positive"

    def definition(self):
        (y,) = self.args
        return exp(total_of((y,), lambda i: log(entry(y, i))) / K)


class entropy(ScalarQuantity):
    """H(q) = -sum_i q_i log q_i."""

    symbol = "H"
    needs = "positive"

    def definition(self):
        (q,) = self.args
        return -total_of((q,), lambda i: entry(q, i) * log(entry(q, i)))


class KL(ScalarQuantity):
    """KL(q || p) = sum_i q_i log(q_i / p_i)."""

    symbol = r"\operatorname{KL}"
    needs = "positive"

    def definition(self):
        q, p = self.args
        return total_of((q, p), lambda i: entry(q, i) * log(entry(q, i) / entry(p, i)))

    def _eval_is_nonnegative(self):
        """The theorem of chapter kl: between distributions it is not negative."""
        return all(map(is_distribution, self.args)) or None

    def _latex(self, printer, exp=None):
        q, p = (printer._print(argument) for argument in self.args)
        return rf"{self.symbol}{_power_latex(exp)}\mathopen{{}}\left({q} \,\Vert\, {p}\right)"


class CE(ScalarQuantity):
    """CE(q, p) = -sum_i q_i log p_i."""

    symbol = r"\operatorname{CE}"
    needs = "positive"

    def definition(self):
        q, p = self.args
        return -total_of((q, p), lambda i: entry(q, i) * log(entry(p, i)))


class expectation(ScalarQuantity):
    """expectation(v, s) = sum_i softmax(s)_i v_i: the mean of v over classes drawn by softmax."""

    def definition(self):
        v, s = self.args
        return total_of((v, s), lambda i: softmax(s)[i] * entry(v, i))

    def _latex(self, printer, exp=None):
        v, s = (printer._print(argument) for argument in self.args)
        return rf"\operatorname{{E}}_{{{s}}}\!\left[{v}\right]{_power_latex(exp)}"


class log_loss(ScalarQuantity):
    """log_loss(s, y) = -log softmax(s)_y; for a target vector q, CE(q, softmax(s))."""

    symbol = r"\ell"

    def numbers(self):
        return self.args[:1]

    def definition(self):
        s, y = self.args
        if isinstance(y, (IndexedBase, VectorQuantity)):
            return CE(y, softmax(s))
        return -log(softmax(s)[y])


class maximum(ScalarQuantity):
    """The largest score: of all classes, or of a set `within` (Others(y), a Classes set, ~A)."""

    def __new__(cls, s, within=None):
        return super().__new__(cls, s) if within is None else super().__new__(cls, s, within)

    def numbers(self):
        return self.args[:1]

    def definition(self):
        return self

    def _eval_derivative(self, variable):
        i = Dummy("i", integer=True, positive=True)
        slope = derivative_of(entry(self.args[0], i), variable)
        return slope.xreplace({i: argmax(*self.args)})

    def _latex(self, printer, exp=None):
        return printer._do_exponent(rf"\max_{_of_scores_latex(self, printer)}", exp)


class argmax(Function):
    """The class of the largest score. Where two tie it is not defined, and no point is drawn."""

    is_integer = is_positive = is_finite = True

    def _eval_derivative(self, variable):
        return Integer(0)

    def _latex(self, printer, exp=None):
        s, *within = self.args
        if within and not isinstance(within[0], Others):
            score = printer.parenthesize(s, PRECEDENCE["Mul"])
            scores = rf"{{{printer._print(within[0])}}} {score}"
        else:
            scores = _of_scores_latex(self, printer)
        return printer._do_exponent(rf"\operatorname{{argmax}}_{scores}", exp)


def _of_scores_latex(largest, printer):
    """What stands below a maximum, and its scores: entry by entry."""
    index = unused_index(*largest.args)
    s, *within = largest.args
    if isinstance(s, Tuple):
        score = rf"{{{printer._print(s)}}}_{{{printer._print(index)}}}"
    else:
        score = printer.parenthesize(entry(s, index), PRECEDENCE["Mul"])
    return rf"{{{_range_latex(within, index, printer)}}} {score}"


def _range_latex(within, index, printer):
    if not within:
        return printer._print(index)
    if isinstance(within[0], Others):
        return rf"{printer._print(index)} \ne {printer._print(within[0].args[0])}"
    return rf"{printer._print(index)} \in {printer._print(within[0])}"


class margin(ScalarQuantity):
    """margin(s, y) = s_y - max_{j != y} s_j; for a set A of right classes max_A s - max_{~A} s."""

    symbol = "m"

    def numbers(self):
        return self.args[:1]

    def definition(self):
        s, y = self.args
        if isinstance(y, Classes):
            return maximum(s, y) - maximum(s, ~y)
        return entry(s, y) - maximum(s, Others(y))


class margin_loss(ScalarQuantity):
    """margin_loss(s, y) = max(0, 1 - margin(s, y))."""

    symbol = r"\ell_{\mathrm{margin}}"

    def numbers(self):
        return self.args[:1]

    def definition(self):
        return Max(0, 1 - margin(*self.args))


class normalizer(ScalarQuantity):
    """normalizer(eta_1, ..., eta_K) = integral of exp(sum_k eta_k y_k) over the simplex."""

    symbol = "I"

    def _eval_is_positive(self):
        return self._eval_is_real()

    def definition(self):
        return over_simplex(lambda y: 1, self.args)


class mean(VectorQuantity):
    """mean(eta_1, ..., eta_K)_j = integral of y_j exp(sum_k eta_k y_k) / normalizer."""

    symbol = r"\mu"

    def is_positive_everywhere(self):
        return True

    def definition_of(self, j):
        eta = self.args
        return over_simplex(lambda y: y[int(j) - 1], eta) / normalizer(*eta)


def over_simplex(term, eta):
    """Integral of term(y) exp(eta . y) over the simplex; its last coordinate is 1 - the others."""
    y = [Symbol(f"y_{number}", real=True) for number in range(1, len(eta))]
    limits = [(y[place], 0, 1 - Add(*y[:place])) for place in range(len(y))]
    everywhere = [*y, 1 - Add(*y)]
    exponent = Add(*(a * b for a, b in zip(eta, everywhere, strict=True)))
    return Integral(term(everywhere) * exp(exponent), *reversed(limits))


class divided_difference(ScalarQuantity):
    """exp[a, ..., b, c] = (exp[a, ..., b] - exp[b, ..., c]) / (a - c), and exp[a] = exp(a)."""

    def definition(self):
        eta = self.args
        if len(eta) == 1:
            return exp(*eta)
        left, right = divided_difference(*eta[:-1]), divided_difference(*eta[1:])
        return (left - right) / (eta[0] - eta[-1])

    def _latex(self, printer, exp=None):
        arguments = ", ".join(printer._print(argument) for argument in self.args)
        return rf"\exp\!\left[{arguments}\right]{_power_latex(exp)}"


i, j, k, y = (Symbol(name, integer=True, positive=True) for name in "ijky")
s, eta = Scores("s"), Scores("eta")
lam = Positives("lambda")
q, p = Probabilities("q"), Probabilities("p")
c = Symbol("c", real=True)
h = Symbol("h", positive=True)
epsilon = Between("epsilon", 0, 1)
A = Classes("A")
