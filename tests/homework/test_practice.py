"""What is practised in the page of a chapter can be solved, and knows its mistakes."""

from functools import cache
from pathlib import Path

import pytest
from mpmath import mp

from lossnotes.derive.expressions import text
from lossnotes.homework.asked import CLASSES, split
from lossnotes.homework.check import check
from lossnotes.homework.questions import QuestionError, all_roots, load, read

ROOT = Path(__file__).parents[2]
FILES = {path.parent.name: path for path in sorted(ROOT.glob("homework/*/questions.toml"))}
QUESTIONS = {
    f"{chapter}-{question.name}": question
    for chapter, path in FILES.items()
    for question in read(path).practice
}
DERIVATIONS = {n: question for n, question in QUESTIONS.items() if question.kind == "derivation"}
MISTAKES = {
    f"{name}-{place}": (question, mistake)
    for name, question in QUESTIONS.items()
    for place, mistake in enumerate(question.mistakes)
}
TURNED = {"<=": ">=", ">=": "<=", "<": ">", ">": "<"}

each = pytest.mark.parametrize("question", QUESTIONS.values(), ids=QUESTIONS)
each_derivation = pytest.mark.parametrize("question", DERIVATIONS.values(), ids=DERIVATIONS)


def in_the_page(question):
    """The question as the page has it."""
    return CLASSES[question.kind](**question.public({}))


@pytest.mark.parametrize("chapter", FILES)
def test_a_chapter_has_at_least_two_exercises_in_its_page_and_one_is_a_derivation(chapter):
    practice = read(FILES[chapter]).practice
    assert len(practice) >= 2
    assert "derivation" in [question.kind for question in practice]


@each
def test_an_exercise_is_right_by_its_author_and_its_solution_is_right_in_the_page(question):
    assert question.solution
    assert question.problem({}) is None
    assert check(in_the_page(question), question.solved({}), {}).status == "right"


@each
def test_an_exercise_has_a_hint_and_a_known_mistake(question):
    assert question.hints and question.mistakes


@each
def test_the_page_holds_no_step_and_no_mistake(question):
    public = str(question.public({}))
    hidden = [mistake.line for mistake in question.mistakes] + getattr(question, "via", [])
    assert not [line for line in hidden if line and repr(line) in public]


@pytest.mark.parametrize(("question", "mistake"), MISTAKES.values(), ids=MISTAKES)
def test_a_known_mistake_is_given_its_hint(question, mistake):
    if question.kind == "derivation":
        answer = [mistake.line]
    else:
        answer = float(all_roots(question.gap(mistake.equation, {}))[-1])
    found = check(in_the_page(question), answer, {})
    assert (found.status, found.mistake) == ("wrong", mistake.hint)


@each_derivation
def test_the_end_alone_is_not_enough(question):
    end = question.goal or question.solution[-1]
    found = check(in_the_page(question), [end], {})
    assert found.status == "partly"
    assert found.mistake in ("too few lines", "a step left out", "not in the form asked for")


@each_derivation
def test_a_wrong_sign_or_direction_in_the_last_line_is_named(question):
    *lines, last = question.solution
    relation, formula = split(last)
    end = text(question.parse(formula))
    if end == "0":
        return
    wrong = f"= -({end})" if relation == "=" else f"{TURNED[relation]} {end}"
    found = check(in_the_page(question), [*lines, wrong], {})
    named = [mistake.hint for mistake in question.mistakes]
    assert found.mistake in ("sign", "direction", *named), found


def asked(one):
    return (one.start, one.goal) if one.kind == "derivation" else one.equation


@cache
def graded():
    """What the homework of all chapters asks for."""
    questions = [question for path in FILES.values() for question in read(path).questions]
    return [asked(one) for one in questions if one.kind in ("derivation", "number")]


@each
def test_an_exercise_is_none_of_the_homework(question):
    assert asked(question) not in graded()


def test_a_question_of_homework_is_recognised():
    assert asked(read(FILES["softmax"]).questions[0]) in graded()


def worth(chapter, solutions):
    """The points that solutions of a kind get as answers to the homework of a chapter."""
    assignment = read(FILES[chapter])
    parameters = assignment.parameters(b"", "")
    return [
        check(question, solution, parameters).points
        for question in assignment.questions
        for kind, solution in solutions
        if question.kind == kind
    ]


@pytest.mark.parametrize("chapter", FILES)
def test_no_solution_in_a_page_is_worth_a_point_in_homework(chapter):
    practice = read(FILES[chapter]).practice
    assert not any(worth(chapter, [(one.kind, one.solved({})) for one in practice]))


def test_a_solution_of_homework_is_worth_its_points():
    weights = "Sum(lam[i]*exp(s[i]/tau), (i, 1, K))"
    lines = [
        f"= Derivative(LSE(s/tau) - log({weights}), s[j])",
        f"= (softmax(s/tau)[j] - lam[j]*exp(s[j]/tau)/{weights})/tau",
    ]
    assert any(worth("softmax", [("derivation", lines)]))


# What an author is told


PRACTICE = """
title = "A title"
[[questions]]
name = "q1"
kind = "written"
points = 1
asks = "Why"
answer = "reason"
[[practice]]
name = "p1"
kind = "derivation"
asks = "The gradient"
start = "Derivative(LSE(s), s[j])"
without = ["Derivative"]
solution = ["= softmax(s)[j]  # chain rule"]
"""


def written(tmp_path, old="", new=""):
    folder = tmp_path / "chapter"
    folder.mkdir()
    (folder / "questions.toml").write_text(PRACTICE.replace(old, new) if old else PRACTICE)
    return folder / "questions.toml"


def test_practice_is_no_homework(tmp_path):
    assignment = load(written(tmp_path))
    assert (assignment.points, [q.name for q in assignment.questions]) == (1, ["q1"])
    assert "p1" not in assignment.public({})


def test_a_solution_is_in_the_page_only_if_it_stands_in_the_file(tmp_path):
    (question,) = load(written(tmp_path, 'solution = ["= softmax(s)[j]  # chain rule"]')).practice
    assert not question.solution


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("softmax(s)[j]  #", "softmax(s)[k]  #", "p1: solution: .*does not follow"),
        ("= softmax(s)[j]  #", "= Derivative(LSE(s), s[j])  #", "p1: solution: .*still stands"),
        ('"p1"', '"q1"', "q1: name 'q1' occurs twice"),
        ('kind = "derivation"', 'kind = "function"', "p1: .*derivation"),
        ("solution =", "answers =", "p1: unknown key 'answers'"),
        ('name = "p1"', "", "practice 1: name: Field required"),
        ("LSE(s), s[j]", "LSE(s, s[j]", "p1: this cannot be read"),
    ],
)
def test_what_is_wrong_with_practice_is_said_in_one_line(tmp_path, old, new, complaint):
    with pytest.raises(QuestionError, match=complaint):
        load(written(tmp_path, old, new))


def test_a_number_that_is_no_root_is_no_solution():
    number = next(question for question in QUESTIONS.values() if question.kind == "number")
    wrong = number.model_copy(update={"solution": "17"})
    assert "does not solve the equation" in wrong.problem({})
    assert number.solved({}) == pytest.approx(float(mp.mpf(number.number(number.solution, {}))))


def test_who_grades_needs_no_exercise_to_be_right(tmp_path):
    path = written(tmp_path, "softmax(s)[j]  #", "softmax(s)[k]  #")
    assert load(path, practice=False).practice
