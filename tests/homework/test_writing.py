"""How a line is written: what is typed counts, but for what says no more."""

import time
from fractions import Fraction

import pytest

from lossnotes.homework.writing import writing

STANDS_FOR = {Fraction(5, 2): "tau", Fraction(2, 5): "1/tau", "n": "3", "u": "b + c"}


def written(text):
    return writing(text, STANDS_FOR).text


SAME = {
    "the order of terms": ("a - b + c", "c + a - b"),
    "the order of factors": ("a/b*c", "c*a/b"),
    "brackets": ("a - (b - c)", "(a - b) + c"),
    "denominators": ("a/(b*c)", "a/c/b"),
    "zeros": ("exp(a + 0*b) + 0", "0 + exp(a)"),
    "ones": ("1*a**1/1", "+a"),
    "two minuses": ("-(-a)", "a"),
    "a power below": ("b**(-2)*a", "a/b**2"),
    "the names in sums": (
        "Sum(Sum(p[i]*q[k], (k, 1, i)), (i, 1, K))",
        "Sum(Sum(q[m]*p[k], (m, 1, k)), (k, 1, K))",
    ),
    "the names in integrals": ("Integral(t*x, (t, 0, x))", "integrate(h*x, (h, 0, x))"),
    "the names of functions": ("ln(a)*delta(j, y)", "log(a)*KroneckerDelta(y, j)"),
    "a box around it": ("UnevaluatedExpr(a + b)*c", "(a + b)*c"),
    "a number for its parameter": ("s[j]*0.4 + 2.5", "s[j]/tau + tau"),
    "a whole number": ("p[j]**n", "p[j]**3"),
    "a short name": ("u*Sum(u*s[i], (i, 1, K))", "(b + c)*Sum(s[i]*(c + b), (i, 1, K))"),
    "signs of a page": ("λ·s²", "lam*s**2"),
}
OTHER = {
    "what cancels": ("(2 - a) + a", "2"),
    "a factor that cancels": ("(1 - a)*b/(1 - a)", "b"),
    "like terms": ("a + a", "2*a"),
    "a quotient of quotients": ("(a/c)/(b/c)", "a/b"),
    "a minus within": ("a*(-b)", "-(a*b)"),
    "a free name in a sum": ("Sum(s[k], (i, 1, K))", "Sum(s[i], (i, 1, K))"),
    "powers": ("a**b*a", "a**(b + 1)"),
    "a minus before a power": ("-a**2", "(-a)**2"),
}


@pytest.mark.parametrize(("one", "other"), SAME.values(), ids=SAME)
def test_what_says_no_more_is_no_other_way_to_write(one, other):
    assert written(one) == written(other)


@pytest.mark.parametrize(("one", "other"), OTHER.values(), ids=OTHER)
def test_what_sympy_would_simplify_is_another_way_to_write(one, other):
    assert written(one) != written(other)


def test_a_name_may_stand_for_something_of_its_own_name():
    names = {"a": "a/2", "b": "3*a"}
    assert writing("a*c - b", names).text == writing("(a/2)*c - 3*(a/2)", {}).text


def test_terms_and_factors_can_be_read_again():
    found = writing("-a*(b - c)/d + Sum(s[i], (i, 1, K))", {})
    assert sorted(found.terms) == ["+Sum(s[_1], (_1, 1, K))", "-(b-c)*1/d*a"]
    assert sorted(writing("-a*(b - c)/d", {}).factors) == ["(-1)", "(b-c)", "1/d", "a"]


@pytest.mark.parametrize("long", ["+".join(["c"] * 600), "*".join(["c"] * 600)])
def test_a_long_line_is_written(long):
    assert written(long).count("c") == 600


@pytest.mark.parametrize(
    "deep", ["c*({})", "c/({})", "c**({})", "c - ({})", "exp(-{})", "1 + -({})"]
)
def test_a_deep_line_is_written_at_once(deep):
    text = "s"
    for _ in range(40):
        text = deep.format(text)
    begin = time.process_time()
    assert written(text).replace("exp", "").count("s") == 1
    assert time.process_time() - begin < 0.2
