"""Pictures that a reader can move: drawn the same on every run, from checked formulas only."""

import json
import re
from html import unescape

import pytest
from sympy import Abs, Max, Symbol, exp, gamma, log, symbols

from lossnotes.derive import Derivation
from lossnotes.moving import Moving

s_1, s_2 = symbols("s_1 s_2", real=True)
t = Symbol("t", positive=True)


def formulas(**changed):
    height = Derivation(t * log(exp(s_1 / t) + exp(s_2 / t)))
    height.step(Max(s_1, s_2) + t * log(1 + exp(-Abs(s_1 - s_2) / t)), "larger one out")
    pull = Derivation(1 / (1 + exp((s_2 - s_1) / t)))
    return {
        "height": height,
        "pull": pull,
        "largest": Derivation(Max(s_1, s_2)),
        "above": Derivation(t * log(2)),
    } | changed


def svg(**changed):
    return Moving("logsumexp", **formulas(**changed))._repr_svg_()


def test_a_picture_is_drawn_without_a_browser_and_the_same_every_time():
    assert svg() == svg()
    assert svg().count("<path") > 40


def test_another_formula_draws_another_picture():
    assert svg(height=Derivation(s_1 + s_2 + t)) != svg()


def test_a_picture_carries_the_result_of_each_derivation():
    given = json.loads(unescape(re.search('data-given="(.*?)"', svg())[1]))
    assert given["height"]["of"] == ["s_1", "s_2", "t"]
    assert given["height"]["expression"] == str(formulas()["height"].result)


@pytest.mark.parametrize(
    ("name", "given", "complaint"),
    [
        ("nothing", {}, "there is no moving picture 'nothing'"),
        ("logsumexp", {}, "logsumexp needs height, pull, largest, above"),
        ("logsumexp", formulas(height=s_1 + s_2), "height must be a derivation"),
        (
            "logsumexp",
            formulas(above=Derivation(Symbol(r"\\tau", positive=True))),
            "no symbol named",
        ),
    ],
)
def test_what_is_no_picture_is_refused(name, given, complaint):
    with pytest.raises(ValueError, match=complaint):
        Moving(name, **given)


def test_a_function_that_javascript_lacks_is_refused():
    with pytest.raises(NotImplementedError):
        Moving("logsumexp", **formulas(above=Derivation(gamma(t))))
