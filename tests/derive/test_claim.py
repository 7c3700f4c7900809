"""A claim is what its reader typed, or an error says what to type instead."""

import pytest
from sympy import (
    Derivative,
    FiniteSet,
    Function,
    Idx,
    IndexedBase,
    Integral,
    Matrix,
    Rational,
    Sum,
    Symbol,
    Tuple,
    exp,
    sqrt,
    symbols,
)

from lossnotes.derive import compare, equal
from lossnotes.derive.claim import understood
from lossnotes.derive.symbols import (
    LSE,
    A,
    K,
    Scores,
    c,
    epsilon,
    i,
    j,
    log_loss,
    one_hot,
    s,
    smooth,
    softmax,
    y,
)

plain_i, plain_j, x = symbols("i j x")
v = Scores("v")
N = Symbol("N", integer=True, positive=True)


def test_a_decimal_number_is_the_fraction_that_was_typed():
    assert understood(0.1 * c, c**0.5) == (c / 10, sqrt(c))


def test_a_plain_symbol_is_a_real_number():
    assert understood(x**2, 0)[0] == Symbol("x", real=True) ** 2


def test_a_plain_index_is_the_class_of_that_name():
    assert understood(s[plain_j], s[j]) == (s[j], s[j])


def test_a_plain_bound_index_is_a_class():
    assert equal(Sum(s[plain_i], (plain_i, 1, K)), Sum(s[i], (i, 1, K))).kind == "proved"


def test_an_idx_is_a_class():
    assert equal(Sum(s[Idx("i")], (Idx("i"), 1, K)), Sum(s[i], (i, 1, K))).kind == "proved"


def test_a_plain_bound_index_does_not_catch_a_free_class_of_its_name():
    mixed = Sum(s[plain_i] * s[i], (plain_i, 1, K))
    assert equal(mixed, s[i] * Sum(s[j], (j, 1, K))).kind == "proved"
    assert not equal(mixed, Sum(s[i] ** 2, (i, 1, K)))


def test_a_bound_class_inside_a_sum_of_its_name_is_another():
    inner = Sum(s[plain_i], (plain_i, 1, K))
    assert equal(Sum(s[plain_i] * inner, (plain_i, 1, K)), inner**2)


def test_a_plain_variable_of_an_integral_is_bound():
    assert equal(Integral(x, (x, 0, 1)) + 0 * x, Rational(1, 2)).kind == "proved"


def test_a_plain_vector_holds_real_numbers():
    assert equal(sqrt(IndexedBase("a")[j] ** 2), abs(IndexedBase("a")[j]))


VECTORS = {
    "softmax does not move": (softmax(s + c), softmax(s)),
    "a sum": (s + v, v + s),
    "a mixture with a number": (smooth(y, epsilon), (1 - epsilon) * one_hot(y) + epsilon / K),
    "a gradient": (Derivative(LSE(s), s), softmax(s)),
    "a gradient with a label": (Derivative(log_loss(s, y), s), softmax(s) - one_hot(y)),
    "the gradient of an entry": (
        Derivative(softmax(s)[j], s),
        softmax(s)[j] * (one_hot(j) - softmax(s)),
    ),
    "the same number everywhere": (Derivative(Sum(s[i], (i, 1, K)), s), 1),
}


@pytest.mark.parametrize("sides", VECTORS.values(), ids=VECTORS)
def test_vectors_are_compared_entry_by_entry(sides):
    assert equal(*sides).kind == "proved"


def test_vectors_that_differ_are_refuted():
    assert not equal(Derivative(LSE(s), s), softmax(2 * s))


def test_the_entry_that_is_compared_is_none_that_the_claim_names():
    left, right = understood(s * s[j], s * s[y])
    assert left.free_symbols - {s[j]} != {j} and left != s[j] ** 2


ERRORS = {
    "a number against a vector": (s + v, c, "c is a number and s . v is a vector"),
    "a vector of vectors": (Derivative(softmax(s), s), s, "is a matrix: take the derivative by en"),
    "a second derivative by a vector": (Derivative(LSE(s), s, s), s, "is a matrix"),
    "a relation": (c > 0, 1, "is true or false, and no number"),
    "a relation inside": (exp(Function("f")(c)), 1, "no value is known for f"),
    "truth": (True, 1, "is true or false"),
    "text": ("c", c, "is text"),
    "a matrix of SymPy": (Matrix([1, 2]), c, "is a matrix of SymPy"),
    "a set": (FiniteSet(1, 2), c, "is a FiniteSet"),
    "a set of classes": (A, c, "is a set of classes"),
    "a list": ([1, 2], c, "is a list"),
    "a tuple": (Tuple(1, 2), s, "is a Tuple"),
    "nothing": (None, c, "NoneType"),
    "an index that is no whole number": (s[c], 1, "Symbol.'c', integer=True"),
    "a symbol that does not commute": (Symbol("z", commutative=False), 1, "does not commute"),
    "a whole matrix": (Scores("X", shape=(N, K)), 1, "is a matrix"),
}


@pytest.mark.parametrize(("left", "right", "words"), ERRORS.values(), ids=ERRORS)
def test_what_is_not_understood_is_named(left, right, words):
    with pytest.raises(ValueError, match=words):
        compare(left, "=", right)
