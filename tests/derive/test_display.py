"""Formulas are set in the order of print, and lose nothing on the way."""

import pytest
from sympy import Derivative, Limit, Rational, Sum, Tuple, UnevaluatedExpr, log

from lossnotes.derive import Derivation
from lossnotes.derive.display import latex
from lossnotes.derive.symbols import (
    KL,
    LSE,
    K,
    Others,
    Scores,
    c,
    delta,
    divided_difference,
    entropy,
    epsilon,
    eta,
    h,
    i,
    j,
    k,
    maximum,
    normalizer,
    one_hot,
    p,
    q,
    s,
    smooth_others,
    softmax,
    y,
)


@pytest.mark.parametrize(
    ("expression", "printed"),
    [
        (log(q[j]) * q[j], r"{q}_{j} \log {q}_{j}"),
        (-softmax(s)[k] + delta(j, k), r"\delta_{j k} - \sigma_{k}"),
        ((1 - epsilon) * delta(j, y), r"\left(1 - \epsilon\right) \delta_{j y}"),
        (-maximum(s, Others(y)) + s[y], r"{s}_{y} - \max_{i \ne y} {s}_{i}"),
        (-2 * log(h), r"- 2 \log h"),
    ],
    ids=[
        "weight before logarithm",
        "what is subtracted last",
        "sum before delta",
        "margin",
        "sign",
    ],
)
def test_a_formula_is_set_in_the_order_of_print(expression, printed):
    assert latex(expression).startswith(printed)


def test_a_weight_stands_before_its_logarithm_and_its_bracket():
    assert r"{q}_{i} \log{\left(" in latex(KL(q, p).definition())
    assert latex(softmax(s)[j] * (delta(j, k) - softmax(s)[k])).startswith(r"\sigma_{j}")


def test_a_derivative_is_partial_and_counts_its_order():
    once, twice = Derivative(LSE(s), s[j]), Derivative(LSE(s), s[j], s[k])
    assert latex(once).startswith(r"\frac{\partial}{\partial {s}_{j}}")
    assert latex(twice).startswith(r"\frac{\partial^{2}}{\partial {s}_{j}\,\partial {s}_{k}}")


def test_the_derivative_of_a_sum_has_brackets():
    assert r"\left(" in latex(Derivative(LSE(s) - s[y], s[j])).split("}}", 1)[1][:12]


def test_the_maximum_of_a_sum_has_brackets():
    assert latex(maximum(s + c)).endswith(r"\right)")


def test_the_maximum_of_a_derivative_is_of_its_entries():
    printed = latex(maximum(Derivative(c**2 * s, c)))
    assert printed == r"\max_{i} \left(\frac{\partial}{\partial c} c^{2} {s}_{i}\right)"


def test_a_negative_coefficient_is_a_minus_sign():
    assert latex(Rational(-1, 2) * log(2 * h)).startswith(r"- \frac")


def test_the_order_of_a_product_does_not_reach_the_formula_after_it():
    assert latex(KL(q, softmax(s)) + entropy(q)) == latex(entropy(q) + KL(q, softmax(s)))


def test_a_number_times_a_named_vector_is_no_function_of_two_letters():
    assert latex(s - c * one_hot(y)) == r"s - c \, e\mathopen{}\left(y\right)"


def test_an_integral_has_its_limits_at_its_side_and_its_variables_from_within():
    printed = latex(normalizer(eta[1], eta[2], eta[3]).definition())
    assert printed.startswith(r"\int_{0}^{1}\int_{0}^{1 - y_{1}} e^{")
    assert printed.endswith(r"\, dy_{2}\, dy_{1}")


def test_a_divided_difference_keeps_its_power():
    assert latex(divided_difference(c, h) ** 2) == r"\exp\!\left[c, h\right]^{2}"


def test_a_primed_name_has_its_power_before_its_index():
    assert latex(smooth_others(y, epsilon)[i] ** 2).startswith("q'^{2}_{i}")


def test_the_maximum_of_written_out_scores_is_of_their_entries():
    assert latex(maximum(Tuple(c, h))) == r"\max_{i} {\left( c, \  h\right)}_{i}"


def test_the_case_of_equality_binds_no_class_that_it_names():
    v = Scores("v")
    chain = Derivation(Sum((s[k] - v[k] - v[i]) ** 2, (k, 1, K)))
    chain.step(0, "squares", ">=").equality({s: v + v[i]})
    assert chain.equality_case.formula.startswith(r"{s}_{k} = {v}_{i} + {v}_{k}")


@pytest.mark.parametrize(
    ("expression", "printed"),
    [
        (Limit(UnevaluatedExpr(c - h), c, 0, "+-"), r"\lim_{c \to 0}\left(c - h\right)"),
        (Sum(UnevaluatedExpr(s[i] - c), (i, 1, K)), r"\sum_{i=1}^{K} \left({s}_{i} - c\right)"),
        (h - UnevaluatedExpr(s[j] - c), r"h - \left({s}_{j} - c\right)"),
        (-UnevaluatedExpr(s[j] - c), r"- \left({s}_{j} - c\right)"),
        (h * UnevaluatedExpr(-c), r"h \left(- c\right)"),
        (h - UnevaluatedExpr(-c), r"h - \left(- c\right)"),
        (h * UnevaluatedExpr(c), "h c"),
    ],
    ids=[
        "limit",
        "summand",
        "subtracted",
        "negative",
        "negative factor",
        "negative term",
        "none needed",
    ],
)
def test_what_is_kept_from_evaluation_keeps_its_brackets(expression, printed):
    assert latex(expression) == printed
