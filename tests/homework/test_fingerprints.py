"""What is recognised without being told: a step, a mistake, a way to write a line."""

import numpy as np
import pytest

from lossnotes.derive.expressions import parse
from lossnotes.homework.check import check
from lossnotes.homework.fingerprints import (
    Fingerprint,
    as_step,
    matching,
    of_arrays,
    of_number,
    of_writing,
)
from lossnotes.homework.questions import load


def same(one, other):
    one, other = parse(one), parse(other)
    return bool(matching(one, [(list(Fingerprint(other, ())), "found")], ()))


FORMS = [
    ("softmax(s)[j]", "exp(s[j])/Sum(exp(s[k]), (k, 1, K))"),
    ("LSE(s)", "LSE(s - c) + c"),
    ("delta(j, y)", "one_hot(y)[j]"),
    ("Max(0, 1 - margin(s, y))", "margin_loss(s, y)"),
]
OTHERS = [
    ("softmax(s)[j]", "softmax(s)[k]"),
    ("softmax(s)[j]", "1.000001*softmax(s)[j]"),
    ("delta(j, y)", "0"),
    ("Heaviside(1 - margin(s, y))", "Heaviside(-margin(s, y))"),
    ("log(-exp(s[j]))", "s[j]"),
]


@pytest.mark.parametrize(("one", "other"), FORMS)
def test_a_formula_is_recognised_in_whatever_form(one, other):
    assert same(one, other) and same(other, one)


@pytest.mark.parametrize(("one", "other"), OTHERS)
def test_another_formula_is_not_recognised(one, other):
    assert not same(one, other)


def test_a_number_is_recognised_within_the_tolerance_and_far_from_it_is_not():
    for x in np.geomspace(1e-6, 1e6, 200):
        assert of_number(x, 1e-4) & of_number(x * (1 + 9.9e-5), 1e-4)
        assert not of_number(x, 1e-4) & of_number(x * 1.001, 1e-4)
        assert not of_number(x, 1e-4) & of_number(-x, 1e-4)
    assert of_number(0, 1e-4) and not of_number(0, 1e-4) & of_number(1, 1e-4)


def test_arrays_are_recognised_by_their_numbers_and_their_name():
    rng = np.random.default_rng(0)
    for _ in range(200):
        array = rng.normal(size=(3, 4))
        noisy = array * (1 + 1e-12 * rng.normal(size=(3, 4)))
        assert of_arrays([array], "a batch") & of_arrays([noisy], "a batch")
        assert not of_arrays([array], "a batch") & of_arrays([array], "another")
        assert not of_arrays([array], "a batch") & of_arrays([array + 1e-3], "a batch")
    assert of_arrays([np.array([np.nan])], "") == of_arrays([np.array([np.inf])], "") == set()


def test_the_names_of_sums_and_the_order_of_terms_are_no_way_to_write():
    one, same, other = (
        of_writing(parse(text))
        for text in (
            "s[j]*(1 + c) + Sum(exp(s[i]), (i, 1, K))",
            "Sum(exp(s[m]), (m, 1, K)) + (c + 1)*s[j]",
            "Sum(exp(s[m]), (m, 1, K)) + c*s[j] + s[j]",
        )
    )
    assert one == same != other


STEPS = [  # each equal to the others once all is carried out; in a pair the same step
    ("Derivative(LSE(s) - s[y], s[j])",
     "Derivative(log(Sum(exp(s[k]), (k, 1, K))), s[j]) - delta(j, y)"),
    ("Sum(Derivative(exp(s[i]), s[j]), (i, 1, K))/Sum(exp(s[i]), (i, 1, K)) - delta(j, y)",
     "exp(-LSE(s))*Derivative(Sum(exp(s[k]), (k, 1, K)), s[j]) - one_hot(y)[j]"),
    ("softmax(s)[j] - delta(j, y)", "exp(s[j] - LSE(s)) - delta(y, j)"),
]  # fmt: skip


@pytest.mark.parametrize("one", range(3))
@pytest.mark.parametrize("other", range(3))
def test_steps_differ_though_all_lines_are_equal(one, other):
    first, second = as_step(parse(STEPS[one][0])), as_step(parse(STEPS[other][1]))
    found = matching(first, [(Fingerprint(second, ()), "found")], ())
    assert bool(found) == (one == other)


def test_the_derivative_of_a_power_is_a_step_where_it_stands_for_all():
    whole, terms, carried_out = (
        as_step(parse(text))
        for text in (
            "Derivative(c**3 - c**2, c)",
            "Derivative(c**3, c) - Derivative(c**2, c)",
            "3*c**2 - 2*c",
        )
    )
    marks = [(Fingerprint(whole, ()), "found")]
    assert matching(terms, marks, ()) and not matching(carried_out, marks, ())


def test_an_integral_is_a_step_too():
    area, other, doubled = (
        as_step(parse(text))
        for text in (
            "Integral(exp(c*h), (h, 0, 1))",
            "Integral(exp(c*(1 - h)), (h, 0, 1))",
            "Integral(2*exp(c*h), (h, 0, 1))/2",
        )
    )
    marks = [(Fingerprint(area, ()), "found")]
    assert matching(doubled, marks, ()) and not matching(other, marks, ())


# Demanded in a question

QUESTION = """
title = "The gradient of LSE"

[parameters]
tau = { uniform = [1.5, 4.0], digits = 2 }

[[questions]]
name = "q1"
kind = "derivation"
points = 6
asks = "The gradient of LSE"
answer = "gradient"
start = "Derivative(tau*LSE(s/tau), s[j])"
without = ["Derivative"]
"""
CHAIN = "tau*Derivative(Sum(exp(s[i]/tau), (i, 1, K)), s[j])/Sum(exp(s[i]/tau), (i, 1, K))"
FRACTION = "exp(s[j]/tau)/Sum(exp(s[i]/tau), (i, 1, K))"
LOOK = "exp(s[j]/tau - LSE(s/tau))"


@pytest.fixture
def found(tmp_path):
    """What is found on lines, if the question demands something more."""

    def found(demand, *lines, tau=2.5):
        (tmp_path / "questions.toml").write_text(QUESTION + demand)
        (question,) = load(tmp_path / "questions.toml").questions
        finding = check(question, list(lines), {"tau": tau})
        return finding.points, finding.mistake

    return found


def test_a_step_is_demanded_and_comes_in_any_form(found):
    via = f'via = ["{CHAIN}"]'
    assert found(via, "softmax(s/tau)[j]") == (0, "a step left out")
    assert found(via, LOOK, FRACTION) == (0, "a step left out")
    assert found(via, CHAIN, FRACTION) == (6, None)
    other = "tau*Sum(Derivative(exp(s[k]/2.5), s[j]), (k, 1, K))*exp(-LSE(s/tau))"
    assert found(via, other, "softmax(s/tau)[j]") == (6, None)


def test_a_line_is_demanded_as_it_is_written(found):
    form = f'form = ["{FRACTION}"]'
    assert found(form, "softmax(s/tau)[j]") == (0, "not in the form asked for")
    assert found(form, FRACTION, "softmax(s/tau)[j]") == (6, None)
    assert found(form, "exp(s[j]/2.5)/Sum(exp(s[k]/2.5), (k, 1, K))") == (6, None)


def test_a_number_of_lines_is_demanded_and_repetition_is_none(found):
    lines = "lines = 3"
    assert found(lines, FRACTION) == (0, "too few lines")
    start = "Derivative(tau*LSE(s/tau), s[j])"
    renamed = FRACTION.replace("i", "k")
    assert found(lines, start, FRACTION, renamed, f"1*{FRACTION} + 0") == (0, "too few lines")
    assert found(lines, CHAIN, FRACTION, "softmax(s/tau)[j]") == (6, None)


FACTOR = "tau*Derivative(LSE(s/tau), s[j])"
PADS = {
    "a term and its opposite": ["{} + c - c", "{} + c**2 - c**2"],
    "what sums to zero": ["{} + sin(c)**2 + cos(c)**2 - 1", "{} + 2*sin(c)**2 + 2*cos(c)**2 - 2"],
    "a factor and its inverse": ["2*({})/2", "c*({})/c"],
    "what multiplies to one": ["({})*(sin(c)**2 + cos(c)**2)"],
    "zeros and ones": ["{} + 0", "1*({})", "-(-({}))"],
    "one of its own": ["{} + s[j] - s[j]", "({})*s[j]/s[j]"],
}


@pytest.mark.parametrize("pads", PADS.values(), ids=PADS)
def test_a_padded_line_is_no_other_line_in_whatever_order(found, pads):
    padded = [pad.format(FRACTION) for pad in pads]
    start = [pad.format("Derivative(tau*LSE(s/tau), s[j])") for pad in pads]
    everything = [pad.format(FRACTION) for pads in PADS.values() for pad in pads]
    for lines in ([FRACTION, *padded], [*padded, FRACTION], [*start, *everything, FRACTION]):
        assert found("lines = 2", *lines) == (0, "too few lines")


@pytest.mark.parametrize(
    "lines",
    [
        [CHAIN, "tau*(1/tau)*exp(s[j]/tau)/Sum(exp(s[i]/tau), (i, 1, K))", FRACTION],
        [CHAIN, "exp(s[j]/tau)/(tau*Sum(exp(s[i]/tau), (i, 1, K))/tau)", FRACTION],
        [FACTOR, "tau*(softmax(s/tau)[j]/tau)", "softmax(s/tau)[j]"],
    ],
    ids=["after its factor", "below", "in brackets"],
)
def test_what_cancels_as_it_is_read_is_a_line(found, lines):
    assert found("lines = 3", *lines) == (6, None)


def test_what_cancels_as_it_is_read_is_a_line_once(found):
    lines = [
        f"exp({'0*c + c - c + ' * n}s[j]/tau)/Sum(exp(s[i]/tau), (i, 1, K))" for n in (3, 2, 1)
    ]
    assert found("lines = 3", *lines, FRACTION) == (0, "too few lines")


def test_no_part_is_given_for_the_derivative_that_was_to_be_done(found):
    start = "Derivative(tau*LSE(s/tau), s[j])"
    undone = ["3*Derivative(tau*LSE(s/tau)/3, s[j])", FACTOR, f"{start} + c - c"]
    assert found("lines = 2\npartial = 0.5", *undone) == (0, "not finished")
    assert found("lines = 2\npartial = 0.5", *undone, CHAIN) == (1.5, "not finished")


def test_lines_that_follow_earn_their_part_up_to_the_first_that_does_not(found):
    part = "lines = 4\npartial = 0.5"
    assert found(part, "s[j]") == (0, "does not follow")
    assert found(part, CHAIN, "s[j]", FRACTION) == (0.75, "does not follow")
    assert found(part, CHAIN, FRACTION, FRACTION, "2*softmax(s/tau)[j]") == (1.5, "factor 2")
    assert found(part, CHAIN, FRACTION, LOOK, "softmax(s/tau)[j]") == (6, None)
    assert found(part, CHAIN, FRACTION) == (1.5, "too few lines")
    assert found("", CHAIN, FRACTION, "2*softmax(s/tau)[j]") == (0, "factor 2")


def test_no_part_is_more_than_what_is_given_for_parts(found):
    lines = [
        CHAIN,
        FRACTION,
        LOOK,
        *(f"exp(s[j]/tau - LSE(s/tau) + {n}*c)*exp(-{n}*c)" for n in range(1, 9)),
    ]
    assert found("partial = 0.5", *lines, "s[j]")[0] == 3
