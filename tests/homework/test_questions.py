"""The question file: what it may say, what is drawn for whom, and what a student is given of it."""

import numpy as np
import pytest

from lossnotes.homework.probes import draw
from lossnotes.homework.questions import QuestionError, load, load_public, split

SECRET = b"of the tests, and of nobody else"
HEAD = """
title = "Softmax"

[parameters]
tau = { uniform = [1.5, 4.0], digits = 2 }
classes = { integer = [3, 9] }
"""
DERIVATION = """
[[questions]]
name = "q1"
kind = "derivation"
points = 4
asks = "The gradient of the log loss"
answer = "gradient"
start = "Derivative(log_loss(s/tau, y), s[j])"
without = ["Derivative"]
[[questions.mistakes]]
line = "softmax(s)[j]"
hint = "Where did the delta go?"
"""
BOUND = """
[[questions]]
name = "q5"
kind = "derivation"
points = 2
asks = "KL is not negative"
answer = "positive"
start = "KL(q, p)"
goal = ">= 0"
via = ["-log(Sum(p[i], (i, 1, K)))"]
"""
FUNCTION = """
[[questions]]
name = "q2"
kind = "function"
points = 4
asks = "The gradient in NumPy"
answer = "log_loss_grad"
arguments = ["s", "y"]
definition = "Derivative(log_loss(s/tau, y), s[j])"
[[questions.probes]]
asks = "ordinary scores"
points = 3
s = "normal(classes)"
y = "label(classes)"
[[questions.probes]]
asks = "large scores"
points = 1
hidden = true
draws = 2
s = "1000*normal(5)"
y = "label(5)"
"""
NUMBER = """
[[questions]]
name = "q3"
kind = "number"
points = 2
asks = "Where the loss is tau"
answer = "gap"
unknown = "x"
equation = ["log(1 + (classes - 1)*exp(-x))", "tau"]
tolerance = 1e-4
"""
WRITTEN = """
[[questions]]
name = "q4"
kind = "written"
points = 1
asks = "Why?"
answer = "why"
words = [3, 20]
"""
WHOLE = HEAD + DERIVATION + FUNCTION + NUMBER + WRITTEN + BOUND


@pytest.fixture
def write(tmp_path):
    """Writes a question file and returns its path."""
    folder = tmp_path / "softmax"
    folder.mkdir()

    def write(text):
        (folder / "questions.toml").write_text(text, encoding="utf-8")
        return folder / "questions.toml"

    return write


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The assignment of the whole file, which takes half a second to load."""
    path = tmp_path_factory.mktemp("whole") / "softmax" / "questions.toml"
    path.parent.mkdir()
    path.write_text(WHOLE, encoding="utf-8")
    return load(path)


def test_an_assignment_has_a_title_a_chapter_its_questions_and_their_points(whole):
    assert (whole.title, whole.chapter, whole.points) == ("Softmax", "softmax", 13)
    assert [question.name for question in whole.questions] == ["q1", "q2", "q3", "q4", "q5"]


def test_the_same_student_has_the_same_parameters_and_others_have_others(whole):
    students = [f"student {number}" for number in range(50)]
    drawn = [whole.parameters(SECRET, student) for student in students]
    assert drawn == [whole.parameters(SECRET, student) for student in students]
    assert len({tuple(one.values()) for one in drawn}) > 45
    assert whole.parameters(b"another", "Ada") != whole.parameters(SECRET, "Ada")


def test_a_name_has_one_set_of_parameters_however_its_accents_are_encoded(whole):
    assert whole.parameters(SECRET, "Jos\u00e9") == whole.parameters(SECRET, "Jose\u0301")


def test_parameters_fill_their_ranges_ends_included(whole):
    drawn = [whole.parameters(SECRET, str(number)) for number in range(400)]
    assert {one["classes"] for one in drawn} == set(range(3, 10))
    taus = [one["tau"] for one in drawn]
    assert 1.5 <= min(taus) < 1.55 and 3.95 < max(taus) <= 4
    assert all(tau == round(tau, 2) for tau in taus)


def test_a_student_is_given_the_numbers_and_no_hidden_probe(whole, tmp_path):
    parameters = whole.parameters(SECRET, "Ada")
    (tmp_path / "questions.json").write_text(whole.public(parameters), encoding="utf-8")
    public = load_public(tmp_path / "questions.json")
    assert public.parameters == parameters
    assert [probe.asks for probe in public.questions[1].probes] == ["ordinary scores"]
    assert public.questions[0].start == whole.questions[0].start
    assert "1000" not in whole.public(parameters)


def test_probes_are_the_same_for_one_seed_and_others_for_another(whole):
    question, parameters = whole.questions[1], whole.parameters(SECRET, "Ada")
    first, again, other = (
        [inputs[0].tolist() for inputs, _ in question.examples(probe, parameters, seed)]
        for probe, seed in [
            (question.probes[0], 5),
            (question.probes[0], 5),
            (question.probes[0], 6),
        ]
    )
    assert first == again and not any(row in other for row in first) and len(first) == 4


def test_expected_values_are_those_of_the_definition_at_fifty_digits(whole):
    question, parameters = whole.questions[1], whole.parameters(SECRET, "Ada")
    for (s, y), expected in question.examples(question.probes[0], parameters, 1):
        e = np.exp(s / parameters["tau"] - s.max() / parameters["tau"])
        by_hand = (e / e.sum() - (np.arange(s.size) == y)) / parameters["tau"]
        assert s.shape == (parameters["classes"],) and y.shape == ()
        assert np.allclose(expected, by_hand, rtol=1e-13, atol=1e-15)


SPECS = {
    "normal(2, 3)": lambda x: x.shape == (2, 3) and x.dtype == float,
    "normal()": lambda x: x.shape == (),
    "uniform(2, 3, 50)": lambda x: 2 < x.min() < x.max() < 3,
    "integer(2, 3, 50)": lambda x: set(x.tolist()) == {2, 3},
    "label(50, 3)": lambda x: set(x.tolist()) == {0, 1, 2},
    "simplex(4, 3)": lambda x: np.allclose(x.sum(1), 1) and (x > 0).all(),
    "sparse(4, 6)": lambda x: np.allclose(x.sum(1), 1) and ((x == 0).sum(1) == 3).all(),
    "mask(50, 3)": lambda x: x.dtype == bool and set(x.sum(1).tolist()) == {1, 2},
    "constant(2, 5)": lambda x: x.tolist() == [2] * 5,
    "[0, 30, 0.2]": lambda x: x.tolist() == [0, 30, 0.2],
    "-1000 * normal(5) + tau": lambda x: np.abs(x).max() > 100,
    "exp(normal(9))": lambda x: (x > 0).all(),
    "log(simplex(classes))": lambda x: x.size == 4 and (x < 0).all(),
}


@pytest.mark.parametrize("spec", SPECS)
def test_an_input_is_drawn_as_it_is_described(spec):
    drawn = draw(spec, {"tau": 2.5, "classes": 4}, np.random.default_rng(0))
    assert SPECS[spec](drawn)


def replaced(old, new):
    assert old in WHOLE
    return WHOLE.replace(old, new)


MISTAKES = {
    "title = ": (": this is no TOML",),
    HEAD: ("Field required",),
    WHOLE + "color = 1\n": ("q5: unknown key 'color'",),
    replaced('kind = "derivation"', 'kind = "proof"'): ("q1: ", "proof"),
    replaced('points = 4\nasks = "The gradient of the', 'asks = "The gradient of the'): (
        "q1: points: Field required",
    ),
    replaced('points = 2\nasks = "Where', 'points = -2\nasks = "Where'): ("q3: points",),
    replaced('name = "q2"', 'name = "q1"'): ("q1: name 'q1' occurs twice",),
    replaced('answer = "why"', 'answer = "gap"'): ("q4: answer 'gap' occurs twice",),
    replaced('answer = "why"', 'answer = "the reason"'): ("q4: answer: 'the reason' is no name",),
    replaced("uniform = [1.5, 4.0]", "uniform = [4.0, 1.5]"): ("tau", "empty"),
    replaced("integer = [3, 9]", "integer = [3, 9], uniform = [1, 2]"): ("classes", "either"),
    replaced('Derivative(log_loss(s/tau, y), s[j])"\nwithout', 'Derivative(x)"\nwithout'): (
        "q1: ",
        "by what",
    ),
    replaced('without = ["Derivative"]', 'without = ["Integral"]'): ("q1: without", "start"),
    replaced('without = ["Derivative"]', ""): ("q1: ", "either without"),
    replaced('line = "softmax(s)[j]"', 'line = "softmax(s)"'): ("q1: ", "whole vector"),
    replaced('line = "softmax(s)[j]"', 'definition = "1"'): ("q1: mistakes",),
    replaced("points = 3\ns = ", "points = 2\ns = "): ("q2: points: the probes have 3",),
    replaced('y = "label(classes)"', 'y = "label(classes)"\nhidden = true'): ("q2: probes: all",),
    replaced('y = "label(classes)"', ""): ("q2: probes.0: says nothing of y",),
    replaced('y = "label(classes)"', 'y = "label(classes)"\nz = "normal(3)"'): (
        "q2: probes.0: unknown key z",
    ),
    replaced('s = "normal(classes)"', 's = "gauss(classes)"'): ("q2: ", "gauss", "known are"),
    replaced('s = "normal(classes)"', 's = "normal(-1)"'): ("q2: ", "describes no input"),
    replaced('y = "label(5)"', 'y = "label(4, 5)"').replace("1000*normal(5)", "normal(3, 5)"): (
        "q2: ",
        "3 and 4 rows",
    ),
    replaced('y = "label(5)"', 'y = "constant(7)"'): ("q2: there is no value at", "class 8"),
    replaced(
        '"Derivative(log_loss(s/tau, y), s[j])"\n[[questions.probes]]',
        '"log(s[j])"\n[[questions.probes]]',
    ): ("q2: there is no value at",),
    replaced('arguments = ["s", "y"]', "arguments = []"): ("q2: arguments",),
    replaced("[1.5, 4.0]", "[1.5, inf]"): ("tau", "finite"),
    replaced("[1.5, 4.0]", "[-1.5, 4.0]"): ("tau", "holds 0"),
    replaced("[1.5, 4.0], digits = 2", "[0.001, 4.0], digits = 1"): ("tau", "holds 0"),
    replaced("tau = {", '"a b" = {'): ("parameters: 'a b' is no name",),
    replaced("tau = {", "np = { integer = [1, 2] }\ntau = {"): ("np is the name of NumPy",),
    replaced("tau = {", "why = { integer = [1, 2] }\ntau = {"): ("why is the name of an answer",),
    replaced('points = 2\nasks = "Where', 'points = inf\nasks = "Where'): ("q3: points", "finite"),
    replaced('name = "q4"', 'name = "../q4"'): ("name: '../q4' is no name of a column",),
    replaced('name = "q4"', 'name = "student"'): ("name: 'student' is no name of a column",),
    replaced('asks = "large scores"', 'asks = "ordinary scores"'): ("q2: probes.1: asks", "twice"),
    replaced('s = "normal(classes)"', 's = "normal(classes)/0"'): ("q2: ", "finite"),
    replaced('s = "normal(classes)"', 's = "normal(100_000, 100_000)"'): (
        "q2: ",
        "100,000 numbers",
    ),
    replaced('s = "normal(classes)"', f's = "{"-" * 30_000}1"'): ("q2: ", "it is too large"),
    replaced('s = "normal(classes)"', 's = "10**400 * normal(4)"'.replace("10**400", "9" * 400)): (
        "q2: ",
        "describes no input",
    ),
    replaced('definition = "Deri', 'symbols = { s = "positives" }\ndefinition = "Deri'): (
        "q2: s is positive",
        "normal(classes)",
    ),
    replaced('"Derivative(log_loss(s/tau, y), s[j])"\n[[q', '"q[j]"\n[[q'): (
        "q2: q is no argument",
    ),
    replaced('start = "KL(q, p)"', 'start = "KL(q, p)"\nsymbols = { z = "between(1)" }'): (
        "q5: symbols: z is 'between(1)', not real",
    ),
    replaced('start = "KL(q, p)"', 'start = "KL(q, p)"\nsymbols = { z = "between(2, 1)" }'): (
        "q5: symbols: z",
        "empty",
    ),
    WHOLE + "deep = " + "[" * 3000 + "]" * 3000: (": this is no TOML",),
    replaced("tolerance = 1e-4", "tolerance = 0"): ("q3: tolerance",),
    replaced('"tau"]', '"-1"]'): ("q3: equation", "has no root"),
    replaced('"tau"]', '"z"]'): ("q3: ", "'z' is no name"),
    replaced('"tau"]', '"c"]'): ("q3: ", "c has no value"),
    replaced("words = [3, 20]", "words = [20, 3]"): ("q4: words",),
    replaced('goal = ">= 0"', 'goal = "0"'): ("q5: goal", "begins with none"),
    replaced('goal = ">= 0"', 'goal = "<= 0"'): ("q5: goal: refuted",),
    replaced('goal = ">= 0"', 'goal = ">= KL(q, p) + Max(K, 9) - 9"'): ("q5: goal: refuted at K",),
    replaced('via = ["-log(Sum(p[i], (i, 1, K)))"]', 'via = ["KL(q, p)*2/2"]'): (
        "q5: via",
        "missed",
    ),
    replaced('via = ["-log(Sum(p[i], (i, 1, K)))"]', 'via = ["0"]'): ("q5: via", "missed"),
    replaced('without = ["Derivative"]', 'without = ["Derivative"]\nvia = ["s[j]"]'): (
        "q1: via",
        "does not follow",
    ),
    replaced(
        'without = ["Derivative"]', 'without = ["Derivative"]\nvia = ["Derivative(s[j], s[j])"]'
    ): (
        "q1: via",
        "does not follow",
    ),
    replaced(
        'without = ["Derivative"]',
        'without = ["Derivative"]\nvia = ["(softmax(s/tau)[j] - Derivative(s[y], s[j]))/tau"]',
    ): ("q1: via", "equals the last line"),
    replaced('without = ["Derivative"]', 'without = ["Derivative"]\nform = ["s[j]"]'): (
        "q1: form",
        "does not follow",
    ),
    replaced('without = ["Derivative"]', 'without = ["Derivative"]\nlines = 0'): ("q1: lines",),
    replaced('"log(1 + (classes - 1)*exp(-x))", "tau"', '"x**2", "tau"'): (
        "q3: equation: it has 2 roots",
        "give the range",
    ),
    replaced("tolerance = 1e-4", "tolerance = 1e-4\nrange = [20, 30]"): ("q3: range: no root is",),
    replaced("tolerance = 1e-4", "tolerance = 1e-4\nrange = [30, 20]"): ("q3: range", "empty"),
}


@pytest.mark.parametrize("number", range(len(MISTAKES)))
def test_a_mistake_in_the_file_is_one_line_that_says_where(write, number):
    text, said = list(MISTAKES.items())[number]
    path = write(text)
    with pytest.raises(QuestionError) as refusal:
        load(path)
    message = str(refusal.value)
    assert message.startswith(str(path)) and "\n" not in message
    assert all(words in message for words in said), message


def test_a_file_that_is_not_there_is_one_line_too(tmp_path):
    for read in (load, load_public):
        with pytest.raises(QuestionError, match="cannot be read"):
            read(tmp_path / "questions.toml")


def test_a_damaged_public_file_is_one_line(tmp_path):
    for text in ('{"title": "x"}', "[]", "{", '{"title": 1, "questions": [{"kind": "proof"}]}'):
        (tmp_path / "questions.json").write_text(text)
        with pytest.raises(QuestionError, match="take the file that came with the notebook"):
            load_public(tmp_path / "questions.json")


@pytest.mark.parametrize(
    ("line", "relation", "formula"),
    [
        ("<= log(K)", "<=", "log(K)"),
        ("  >=0", ">=", "0"),
        ("= s[j]", "=", "s[j]"),
        ("== s[j]", "=", "s[j]"),
        ("≤ 1", "<=", "1"),
        ("< 1", "<", "1"),
        ("s[j]", "=", "s[j]"),
    ],
)
def test_a_line_may_begin_with_its_relation(line, relation, formula):
    assert split(line) == (relation, formula)
