"""Each row of a portrait is refused for a loss that has not the property: a mutant for each."""

import subprocess
import sys

import pytest
from sympy import Max, Rational, Sum, Symbol, exp, log, sqrt
from typer.testing import CliRunner

from lossnotes.__main__ import app
from lossnotes.derive.symbols import (
    LSE,
    Between,
    K,
    Positives,
    Probabilities,
    delta,
    epsilon,
    i,
    log_loss,
    margin_loss,
    one_hot,
    p,
    s,
    smooth,
    softmax,
    y,
)
from lossnotes.portrait import far as far_out
from lossnotes.portrait import (
    floats,
    portrait,
    read,
    relatives,
    risk,
    shape,
    size,
    slopes,
    symmetries,
)
from lossnotes.portrait.table import claim

P = softmax(s)[y]
gamma = Symbol("gamma", positive=True)
a = Between("a", 0, 1)
LOG = -log(P)
BRIER = Sum((softmax(s)[i] - delta(i, y)) ** 2, (i, 1, K))
SQUARE = Sum((s[i] - delta(i, y)) ** 2, (i, 1, K))

# A property, a loss that has it, and one that has it not.
PROPERTIES = {
    "shift": (symmetries.shift, LOG, SQUARE),
    "gradient_sum": (symmetries.gradient_sum, LOG, SQUARE),
    "renaming": (symmetries.renaming, LOG, LOG + softmax(s)[1]),
    "labels": (symmetries.labels, 1 - P, LOG),
    "below": (size.below, LOG, log(P)),
    "above": (size.above, 1 - P, LOG),
    "zero_one": (size.zero_one, margin_loss(s, y), SQUARE / 10**6),
    "lipschitz": (shape.lipschitz, margin_loss(s, y), SQUARE),
    "convex": (shape.convex, LOG, 1 - P),
    "proper": (risk.proper, LOG, 1 - P),
    "calibrated": (risk.calibrated, LOG, margin_loss(s, y)),
}


@pytest.mark.parametrize("name", PROPERTIES)
def test_a_property_is_found_where_it_is(name):
    row, loss, _ = PROPERTIES[name]
    found = row(read(loss))
    assert found.answer not in (None, False)
    assert found.kind in ("proved", "confirmed") and all(found.claims)


@pytest.mark.parametrize("name", PROPERTIES)
def test_a_property_is_refused_where_it_is_not(name):
    row, _, mutant = PROPERTIES[name]
    found = row(read(mutant))
    assert found.answer is False or (name == "zero_one" and found.answer is None)


@pytest.mark.parametrize(
    "name", ["shift", "gradient_sum", "renaming", "labels", "convex", "proper"]
)
def test_a_refusal_has_a_witness_that_can_be_replayed(name):
    row, _, mutant = PROPERTIES[name]
    found = row(read(mutant))
    assert found.kind == "refuted" and found.witness.check()


FOCAL = -((1 - P) ** gamma) * log(P)


@pytest.mark.parametrize("row", [slopes.gradient, slopes.hessian, slopes.parameters])
def test_a_formula_is_proved_and_another_is_refused(row):
    found = row(read(FOCAL))
    assert found.kind == "proved"
    (checked,) = found.claims
    assert claim(checked.left, "=", checked.right * Rational(101, 100)).kind == "refuted"


@pytest.mark.parametrize(
    ("row", "loss", "answer"),
    [
        (shape.lipschitz, LOG, sqrt(2)),
        (shape.curvature, LOG, Rational(1, 2)),
        (size.zero_one, LOG, 1 / log(2)),
        (size.above, (1 - P**a) / a, 1 / a),
    ],
)
def test_a_number_is_found_and_a_smaller_one_is_refused(row, loss, answer):
    found = row(read(loss))
    assert found.answer == answer and found.kind in ("proved", "confirmed")
    checked = found.claims[0]
    smaller = checked.right * Rational(9 if checked.relation == "<=" else 11, 10)
    assert claim(checked.left, checked.relation, smaller).kind == "refuted"


@pytest.mark.parametrize(
    ("loss", "behind", "ahead"),
    [(LOG, -1, "fades"), (margin_loss(s, y), -1, "stops"), (1 - P, "fades", "fades")],
)
def test_what_a_loss_does_far_out_is_told_apart(loss, behind, ahead):
    loss = read(loss)
    assert (far_out.lost(loss).answer, far_out.won(loss).answer) == (behind, ahead)


def test_a_special_case_is_found_and_no_other():
    found = relatives.special_cases(read(FOCAL, {"log loss": log_loss(s, y), "margin": 1 - P}))
    assert found.kind == "proved" and "log loss" in found.says and "margin" not in found.says
    wrong = relatives.special_cases(read(FOCAL + P, {"log loss": log_loss(s, y)}))
    assert wrong.answer is None


def test_a_limit_is_a_special_case():
    found = relatives.special_cases(read((1 - P**a) / a))
    assert "goes to $0$ it becomes log loss" in found.says


def test_floats_lose_the_digits_of_a_good_prediction_and_none_of_a_margin():
    assert "lost at most 15" in floats.float64(read(LOG)).says
    assert floats.float64(read(margin_loss(s, y))).answer is True
    assert "no finite number" in floats.float32(read(LOG)).says


def test_a_form_is_suggested_only_where_it_saves_digits():
    assert "log_softmax" in floats.suggestion(read(LOG)).says
    assert floats.suggestion(read(margin_loss(s, y))).answer is None


def test_focal_loss_is_not_convex_for_every_gamma():
    assert shape.convex(read(FOCAL)).answer is False


def test_steep_in_another_score_than_the_label_is_steep():
    other = Sum(s[i] ** 2 * (1 - delta(i, y)), (i, 1, K))
    assert shape.lipschitz(read(other)).answer is False


def test_a_loss_that_is_undefined_where_nothing_is_wrong_is_read_with_its_kinks():
    several = "-Sum(q[i]*log(sigmoid(s[i])) + (1-q[i])*log(1-Max(0,sigmoid(s[i])-t)), (i,1,K))"
    assert symmetries.shift(read(several, where="0 < t < 1")).answer is True


def test_probabilities_stand_for_softmax():
    found = risk.proper(read(-log(p[y])))
    assert found.answer is True and found.claims[0].kind == "proved"


def test_text_is_read_as_the_expression_is():
    text = read("-(1 - softmax(s)[y])**gamma*log(softmax(s)[y])", where="gamma > 0")
    assert text.value == FOCAL


@pytest.mark.parametrize(
    ("loss", "where", "says"),
    [
        ("exp(c)", "", "has scores s or probabilities p"),
        ("Sum(s[i], (i, 1, K))", "", "has a label y or a target q"),
        ("-log(softmax(s)[y])*u", "u < 0 < 1", "is no domain"),
        ("__import__('os')", "", "is no"),
        (3.5, "", "has scores s"),
    ],
)
def test_what_is_no_loss_is_told(loss, where, says):
    with pytest.raises(ValueError, match=says):
        read(loss, where=where)


def test_a_portrait_shows_itself_as_text_html_and_latex():
    found = portrait(exp(s[1] - s[2]) * 0 + LOG)
    assert found["proper"].answer is True
    assert "proper" in repr(found) and "[proved" in repr(found)
    assert found._repr_html_().count("<tr>") == len(found.rows)
    assert found._repr_latex_().count(r"\\") >= len(found.rows) - 1
    with pytest.raises(KeyError, match="there are gradient"):
        found["convexity"]


def test_the_command_line_shows_a_portrait_and_refuses_what_is_none():
    shown = CliRunner().invoke(app, ["portrait", "1 - softmax(s)[y]"])
    assert shown.exit_code == 0 and "classification-calibrated" in shown.output
    assert CliRunner().invoke(app, ["portrait", "1 +"]).exit_code == 1


def test_a_portrait_needs_no_numpy():
    code = (
        "import sys; sys.modules['numpy'] = None\n"
        "from lossnotes.portrait import read, symmetries\n"
        "print(symmetries.shift(read('-log(softmax(s)[y])')).kind)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.stdout == "proved\n", run.stderr


# What a search finds is not stated as shown.

CONSTANT = P + Sum(softmax(s)[i] * (1 - delta(i, y)), (i, 1, K))
SMOOTHED = Rational(9, 10) * LOG - Sum(log(softmax(s)[i]), (i, 1, K)) / (10 * K)
SQUENTROPY = LOG + Sum(s[i] ** 2 * (1 - delta(i, y)), (i, 1, K)) / (K - 1)
BITEMPERED = 2 * (1 - sqrt(P)) - (1 - Sum(softmax(s)[i] ** Rational(3, 2), (i, 1, K))) * 2 / 3


@pytest.mark.parametrize(
    ("row", "loss"),
    [
        (shape.lipschitz, SMOOTHED),  # the longest gradient of 4 classes is longer than that of 3
        (shape.lipschitz, BRIER),
        (shape.curvature, BRIER),  # 0.616 between the places that are tried
        (shape.curvature, BITEMPERED),
        (size.zero_one, SMOOTHED),
    ],
)
def test_a_number_of_a_search_alone_is_left_open(row, loss):
    found = row(read(loss))
    assert found.answer is None and found.kind == "open"
    assert "with 2 and 3 classes" in found.says and "is shown" in found.says


def test_a_bound_of_a_loss_of_probabilities_is_proved():
    found = size.above(read(BITEMPERED))
    assert found.answer == 2 and found.kind == "proved"
    (checked,) = found.claims
    assert claim(checked.left, "<=", Rational(19, 10)).kind == "refuted"


SMOOTH = log_loss(s, smooth(y, epsilon))
margins, w = Positives("d"), Probabilities("w")
LDAM = log_loss(s - margins[y] * one_hot(y), y)
ADJUSTED = log_loss(s + 2 * log(w), y)


@pytest.mark.parametrize("loss", [SMOOTH, SQUENTROPY])
def test_scores_in_the_order_of_the_shares_are_proved_from_the_slope(loss):
    found = risk.calibrated(read(loss))
    assert found.answer is True and found.kind == "proved"
    (falling,) = [c for c in found.claims if c.right == 0 and c.relation == ">"][-1:]
    assert not claim(-falling.left, ">", 0)


@pytest.mark.parametrize(
    "loss",
    [
        LOG - s[y],  # the mean loss has no least value
        LOG + 2 * s[y],  # and here it would name the class that is least likely
        SMOOTH - 2 * Sum(s[i] ** 2, (i, 1, K)),
    ],
)
def test_a_slope_that_does_not_order_the_classes_shows_nothing(loss):
    assert not risk.calibrated(read(loss))


@pytest.mark.parametrize("loss", [LDAM, ADJUSTED])
def test_a_loss_with_margins_or_priors_names_another_class_than_the_likeliest(loss):
    found = risk.calibrated(read(loss))
    _, level, behind = found.claims
    assert found.answer is False and level and behind
    assert not claim(level.left, "<=", level.right) and not claim(behind.left, ">=", behind.right)
    alike = loss.replace(lambda part: part == margins[y], lambda part: Rational(1))
    if alike != loss:  # margins that agree favour no class
        assert risk.calibrated(read(alike)).answer is not False


@pytest.mark.parametrize("loss", [SMOOTH, LDAM, ADJUSTED, SQUENTROPY])
def test_a_sum_of_convex_terms_is_proved_to_be_convex(loss):
    found = shape.convex(read(loss))
    assert found.answer is True and found.kind == "proved"


@pytest.mark.parametrize(
    "loss",
    [
        log_loss(s, y) - s[1] ** 2,
        log_loss(s, y) - Max(0, s[y]),  # no second derivative shows what a kink does
        s[y] ** 2 * log_loss(s, y),
        log_loss(s + s[y] ** 2 * one_hot(y), y),
        -log_loss(s, y),
    ],
)
def test_a_term_that_is_not_convex_makes_no_convex_sum(loss):
    assert not shape.convex(read(loss))


def test_a_slope_far_out_may_depend_on_the_number_of_classes():
    loss = read(SMOOTH, numbers={"epsilon": Rational(1, 2)})
    for row, slope in ((far_out.lost, -(1 + 1 / K) / 2), (far_out.won, (1 - 1 / K) / 2)):
        found = row(loss)
        assert found.answer == slope and found.kind == "confirmed"
        (checked,) = found.claims
        wrong = checked.left.replace(lambda part: part == K, lambda part: K + 1)
        assert not claim(wrong, "<=", checked.right)


def test_where_a_vector_of_parameters_may_be_anything_one_number_stands_for_it():
    found = far_out.won(read(LDAM))
    assert found.answer == "fades" and "with $1$ in every entry of d" in found.says
    assert size.above(read(ADJUSTED)).answer is False


def test_a_constant_is_neither_proper_nor_calibrated():
    found = risk.proper(read(CONSTANT))
    assert found.answer is False and "whatever is predicted" in found.says
    assert risk.calibrated(read(CONSTANT)).answer is False


@pytest.mark.parametrize("loss", [BRIER, SQUARE, BITEMPERED])
def test_a_proper_loss_is_strictly_so(loss):
    found = risk.proper(read(loss))
    assert found.answer is True
    _, strict = found.claims
    assert strict.relation == ">=" and strict.right != 0
    assert not claim(strict.left, ">=", 10 * strict.right)


def test_what_grows_along_a_ray_is_unbounded_with_a_claim_that_says_how():
    for found in (size.above(read(LOG)), shape.lipschitz(read(SQUENTROPY))):
        (grown,) = found.claims
        assert found.answer is False and "for every $t$ > 0" in found.says
        assert not claim(grown.left, grown.relation, 1000 * grown.right)


def test_the_curvature_of_more_than_two_classes_counts():
    # Of two classes it is at most p sqrt(1-p), 0.385; of three it nears 1/2 where p_y nears 0.
    u = sqrt(1 - P)
    found = shape.curvature(read(log((1 + u) / (1 - u))))
    assert found.answer == Rational(1, 2) and all(found.claims)


def test_a_class_that_is_named_is_exchanged_too():
    assert symmetries.renaming(read(LOG + softmax(s)[3])).answer is False


def test_what_is_measured_is_no_verdict_of_a_claim():
    found = floats.float64(read(LOG))
    assert found.kind == "computed" and found.verdict == "computed at 20 margins"


def test_a_text_that_begins_with_a_sign_is_a_formula():
    shown = CliRunner().invoke(app, ["portrait", "-log(softmax(s)[y])"])
    assert shown.exit_code == 0 and shown.output.startswith("-log(softmax(s)[y])\n")


def test_formulas_are_plain_in_a_terminal_and_latex_on_a_page():
    found = portrait(-((1 - P) ** 2) * log(P))
    assert not {"\\", "{", "$"} & set(repr(found))
    assert r"\log" in found["gradient"].says and r"\log" in found._repr_html_()


def test_a_loss_that_names_its_classes_is_not_called_improper():
    z = (2 * delta(1, y) - 1) * (s[1] - s[2])
    sparsemax = read((Max(0, 1 - z) ** 2 - Max(0, -1 - z) ** 2) / 4)  # of two classes: proper
    assert risk.proper(sparsemax).answer is None


BEYOND = LSE(s) - s[y] + LSE(s) ** 2 / 10  # convex where LSE(s) is above -5


def test_a_loss_that_is_convex_near_zero_alone_is_not_called_convex():
    row = shape.convex(read(BEYOND))
    assert row.answer is False
    assert row.says.endswith("with t added to all of them")
    assert shape.convex(read(1 - P)).says.endswith("the mean of its values there")


def test_a_loss_that_a_shift_changes_is_stationary_at_the_logarithms_alone():
    assert "stationary at s = log(q)" in risk.proper(read(BEYOND)).says
    assert "stationary at softmax(s) = q" in risk.proper(read(LOG)).says
