"""Every assignment can be solved, knows mistakes, and asks each student something else."""

import ast
import json
import re
import tomllib
from functools import cache
from itertools import pairwise
from pathlib import Path

import nbformat
import pytest
from mpmath import mp
from nbformat.v4 import new_code_cell, new_notebook, new_output

from lossnotes.homework.asked import Public
from lossnotes.homework.check import check
from lossnotes.homework.notebook import is_there
from lossnotes.homework.probes import values
from lossnotes.homework.questions import load, root_between

ROOT = Path(__file__).parents[2]
CHAPTERS = sorted(path.parent.name for path in ROOT.glob("homework/*/questions.toml"))
SECRET = b"of the tests, and of nobody else"

each_chapter = pytest.mark.parametrize("chapter", CHAPTERS)


@cache
def assignment(chapter):
    # Each exercise is tried in test_practice.py.
    return load(ROOT / "homework" / chapter / "questions.toml", practice=False)


def notebook(chapter):
    return nbformat.read(ROOT / "homework" / chapter / f"{chapter}.ipynb", as_version=4)


def code(book, tag=None):
    """The code cells with a tag; without one, all cells."""
    cells = [cell for cell in book.cells if cell.cell_type == "code"]
    return [cell for cell in cells if tag is None or tag in cell.metadata.get("tags", [])]


class Silent:
    """In the place of Homework, as in the sandbox of the grader."""

    def check(self, name=None):
        pass


def answers(chapter, parameters, monkeypatch, solved=True, written=""):
    """What the notebook has defined after a run with these parameters, and then some more code."""
    monkeypatch.setattr("lossnotes.homework.Homework", Silent)
    book, defined = notebook(chapter), {}
    for cell in code(book):
        if solved or cell not in code(book, "solution"):
            exec(cell.source, defined)
        if cell in code(book, "parameters"):
            defined |= parameters
    exec(written, defined)
    return defined


def findings(chapter, defined, parameters):
    return [
        check(question, defined[question.answer], parameters)
        for question in assignment(chapter).questions
    ]


# What belongs together


def test_every_assignment_has_its_chapter_and_the_first_two_parts_have_theirs():
    chapters = {path.stem for path in ROOT.glob("book/*/*.ipynb")}
    assert {*CHAPTERS} <= chapters and len(CHAPTERS) >= 12


@each_chapter
def test_an_assignment_mixes_the_four_kinds_of_questions(chapter):
    questions = assignment(chapter).questions
    assert {question.kind for question in questions} == {
        "derivation",
        "function",
        "number",
        "written",
    }
    assert 4 <= len(questions) <= 6


def unanswered(questions, book):
    """The questions that lack, one after the other, a stub, its solution, and its check."""
    cells, solutions = code(book), code(book, "solution")
    lacking = []
    for question in questions:
        name = question.answer
        blank = rf"{name} = \.\.\.|def {name}\(.*\):\s+\.\.\."
        places = [n for n, cell in enumerate(cells) if re.fullmatch(blank, cell.source)]
        stub = places[0] if places else len(cells)
        rest = cells[stub + 1 : stub + 3]
        solved = [cell in solutions for cell in rest] == [True, False]
        if not solved or rest[1].source != f'hw.check("{question.name}")':
            lacking.append(question.name)
    return lacking


@each_chapter
def test_each_question_has_a_stub_a_solution_and_a_check_in_the_notebook(chapter):
    assert unanswered(assignment(chapter).questions, notebook(chapter)) == []


def test_a_question_without_one_of_its_cells_is_noticed():
    question = assignment("softmax").questions[0]
    cells = [
        new_code_cell("gradient = ..."),
        new_code_cell("gradient = []", metadata={"tags": ["solution"]}),
        new_code_cell('hw.check("q1")'),
    ]
    assert unanswered([question], new_notebook(cells=cells)) == []
    for number in range(3):
        rest = cells[:number] + cells[number + 1 :]
        assert unanswered([question], new_notebook(cells=rest)) == ["q1"]


def left_in(book):
    """What a run has left in a notebook."""
    return [cell for cell in code(book) if cell.outputs or cell.execution_count]


@each_chapter
def test_no_notebook_is_kept_with_the_outputs_of_a_run(chapter):
    assert left_in(notebook(chapter)) == []


@pytest.mark.parametrize("left", [{"execution_count": 1}, {"outputs": [new_output("stream")]}])
def test_outputs_of_a_run_are_noticed(left):
    cell = new_code_cell("1", **left)
    assert left_in(new_notebook(cells=[cell])) == [cell]


def library_in(book):
    """What a notebook imports of the library and the grader does not have."""
    nodes = [node for cell in code(book) for node in ast.walk(ast.parse(cell.source))]
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    for node in nodes:
        if isinstance(node, ast.ImportFrom):
            one_by_one = node.module == "lossnotes"
            names |= {f"lossnotes.{a.name}" for a in node.names} if one_by_one else {node.module}
    return sorted(name for name in names if name.startswith("lossnotes.") and not is_there(name))


@each_chapter
def test_a_notebook_with_its_solutions_does_without_what_the_grader_has_not(chapter):
    assert library_in(notebook(chapter)) == []


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("from lossnotes.losses.kl import entropy", "lossnotes.losses.kl"),
        ("from lossnotes import losses", "lossnotes.losses"),
        ("import lossnotes.confirm", "lossnotes.confirm"),
    ],
)
def test_what_the_grader_has_not_is_noticed(source, name):
    assert library_in(new_notebook(cells=[new_code_cell(source)])) == [name]


# Solved, and not


@each_chapter
def test_the_solution_gets_every_point(chapter, monkeypatch):
    parameters = assignment(chapter).parameters(SECRET, "Emmy Noether")
    found = findings(chapter, answers(chapter, parameters, monkeypatch), parameters)
    assert [f for f in found if f.status not in ("right", "to read")] == []
    assert not any("are asked for" in f.says for f in found)  # as many words as the others


@each_chapter
def test_the_notebook_without_its_solutions_gets_no_point(chapter, monkeypatch):
    parameters = assignment(chapter).parameters(SECRET, "Emmy Noether")
    blank = answers(chapter, parameters, monkeypatch, solved=False)
    assert [
        f for f in findings(chapter, blank, parameters) if f.points or f.status == "right"
    ] == []


@each_chapter
def test_every_number_is_drawn_anew_for_each_student(chapter):
    students = ["Ada", "Emmy", "Grace", "Maryam", "Sophie"]
    drawn = [assignment(chapter).parameters(SECRET, student) for student in students]
    assert drawn[0]
    for name in drawn[0]:
        assert len({parameters[name] for parameters in drawn}) > 1


@each_chapter
def test_the_answers_of_one_student_are_not_right_for_another(chapter, monkeypatch):
    emmy, ada = (assignment(chapter).parameters(SECRET, name) for name in ("Emmy", "Ada"))
    found = findings(chapter, answers(chapter, emmy, monkeypatch), ada)
    wrong = {
        question.kind
        for question, finding in zip(assignment(chapter).questions, found, strict=True)
        if finding.status == "wrong"
    }
    assert "number" in wrong and wrong <= {"number", "function"}


# Known mistakes


def mistakes(chapter):
    """The place of each declared mistake: chapter, number of the question, number of its own."""
    questions = tomllib.loads((ROOT / "homework" / chapter / "questions.toml").read_text("utf-8"))
    for number, question in enumerate(questions["questions"]):
        for place in range(len(question.get("mistakes", []))):
            yield pytest.param(chapter, number, place, id=f"{chapter}-{question['name']}-{place}")


MISTAKES = [place for chapter in CHAPTERS for place in mistakes(chapter)]


def mistaken(question, mistake, parameters):
    """The answer of a student who makes this mistake."""
    if question.kind == "derivation":
        return [mistake.line]
    if question.kind == "number":
        return root(question.gap(mistake.equation, parameters))
    arguments = [question.argument(name) for name in question.arguments]
    given = {n: number for n, number in parameters.items() if n not in question.arguments}
    formula = question.parse(mistake.definition, given)
    pairs = tuple(given.items())
    return lambda *inputs: values(formula, arguments, question.mean, inputs, pairs)


def root(gap):
    """A number at which left - right vanishes."""
    sizes = [mp.mpf(10) ** (mp.mpf(n) / 20) for n in range(-60, 61)]
    grid = [*(-size for size in reversed(sizes)), *sizes]
    with mp.workdps(30):
        found = (root_between(gap, low, high) for low, high in pairwise(grid))
        return float(next(x for x in found if x is not None))


@pytest.mark.parametrize("chapter, number, place", MISTAKES)
def test_a_known_mistake_is_given_its_hint_at_home_and_when_it_is_graded(chapter, number, place):
    question = assignment(chapter).questions[number]
    mistake = question.mistakes[place]
    parameters = assignment(chapter).parameters(SECRET, "Emmy Noether")
    answer = mistaken(question, mistake, parameters)
    for asked in (question, handed_out(chapter).questions[number]):
        finding = check(asked, answer, parameters)
        assert (finding.points < finding.of, finding.mistake) == (True, mistake.hint)
        assert mistake.hint in finding.says


@cache
def public(chapter):
    """What Emmy Noether gets, as JSON."""
    return assignment(chapter).public(assignment(chapter).parameters(SECRET, "Emmy Noether"))


@cache
def handed_out(chapter):
    return Public(**json.loads(public(chapter)))


def formulas(question):
    """What the author wrote down and a student is to find."""
    yield from (*getattr(question, "via", ()), *getattr(question, "form", ()))
    for mistake in question.mistakes:
        yield from filter(None, (mistake.line, mistake.definition, *(mistake.equation or ())))
    for probe in getattr(question, "probes", ()):
        yield from probe.specs.values() if probe.hidden else ()


def definitions(question):
    """What says what is asked, and is no answer."""
    yield from (getattr(question, name, None) for name in ("start", "goal", "definition"))
    yield from getattr(question, "equation", ())
    for probe in getattr(question, "probes", ()):
        yield from () if probe.hidden else probe.specs.values()


@each_chapter
def test_what_students_get_holds_no_step_no_known_mistake_and_no_hidden_probe(chapter):
    asked = {text for question in assignment(chapter).questions for text in definitions(question)}
    for question in assignment(chapter).questions:
        told = [x for x in formulas(question) if "(" in x and json.dumps(x) in public(chapter)]
        assert {*told} <= asked, question.name


@each_chapter
def test_the_formulas_that_students_get_make_no_derivation(chapter):
    parameters = assignment(chapter).parameters(SECRET, "Emmy Noether")
    texts = {text for text in strings(json.loads(public(chapter))) if re.search(r"[\[(<=>]", text)}
    texts = {text for text in texts if not re.search(r"[.?]( |$)|^[a-z]+\(", text)}
    for question in handed_out(chapter).questions:
        if question.kind == "derivation":
            for lines in ([one, two] for one in texts for two in texts):
                finding = check(question, lines, parameters)
                assert finding.points < finding.of, (question.name, lines)


@each_chapter
def test_the_end_of_a_derivation_alone_is_not_enough(chapter, monkeypatch):
    parameters = assignment(chapter).parameters(SECRET, "Emmy Noether")
    solved = answers(chapter, parameters, monkeypatch)
    asked = zip(assignment(chapter).questions, handed_out(chapter).questions, strict=True)
    for graded, at_home in asked:
        if graded.kind == "derivation":
            end = re.sub("^=", "", solved[graded.answer][-1])
            end = end if graded.goal is None else graded.goal
            for question in (graded, at_home):
                finding = check(question, [end], parameters)
                assert finding.points <= finding.of / 4, (question.name, finding)


PADS = [  # of a line, and no work
    ["{} + sin(c)**2 + cos(c)**2 - 1", "{} + 2*sin(c)**2 + 2*cos(c)**2 - 2", "({})*2*c/c/2"],
    ["{} + c - c", "{} + 2*c - 2*c", "1*({}) + 0", "-(-({}))"],
]


def derived(chapter):
    return [question for question in assignment(chapter).questions if question.kind == "derivation"]


def halved(start):
    """A derivative with numbers before it that are taken from within."""
    body = re.fullmatch(r"Derivative\((.*)((?:, \w+(?:\[\w\])?)+)\)", start)
    return [f"= {n}*Derivative(({body[1]})/{n}{body[2]})" for n in (2, 3, 5)] if body else []


@each_chapter
def test_a_start_that_is_written_again_with_padding_gets_no_point(chapter):
    parameters = assignment(chapter).parameters(SECRET, "Emmy Noether")
    for question in derived(chapter):
        padded = [[pad.format(question.start) for pad in pads] for pads in PADS]
        for lines in (*padded, halved(question.start)):
            assert check(question, lines, parameters).points == 0, (question.name, lines)


@each_chapter
def test_the_end_of_a_derivation_with_padding_is_not_enough(chapter, monkeypatch):
    parameters = assignment(chapter).parameters(SECRET, "Emmy Noether")
    solved = answers(chapter, parameters, monkeypatch)
    for question in derived(chapter):
        end = re.sub("^=", "", solved[question.answer][-1]).strip()
        end = end if question.goal is None else re.sub("^[<>=]+", "", question.goal).strip()
        for pads in PADS:
            first, *padded = (pad.format(end) for pad in pads)
            relation = "=" if question.goal is None else question.goal.split()[0]
            lines = [relation + first, *padded, end]
            finding = check(question, lines, parameters)
            assert finding.points <= finding.of / 4, (question.name, finding)


@each_chapter
def test_no_step_that_is_asked_for_is_shown_by_the_last_line(chapter, monkeypatch):
    parameters = assignment(chapter).parameters(SECRET, "Emmy Noether")
    solved = answers(chapter, parameters, monkeypatch)
    for question in derived(chapter):
        if question.via:
            *_, last = (re.sub("^[<>=]+", "", line) for line in solved[question.answer])
            assert not question.shows_all_steps([question.parse(last, parameters)], parameters)


def test_the_step_of_the_proper_losses_is_not_shown_by_a_gradient_multiplied_out():
    parameters = assignment("proper").parameters(SECRET, "Emmy Noether")
    gradient = [
        "= power*(power - 1)*p[j]**(power - 2)*(p[j] - q[j])",
        "= power*(power - 1)*(p[j]**(power - 1) - q[j]*p[j]**(power - 2))",
    ]
    finding = check(assignment("proper").questions[0], gradient, parameters)
    assert finding.mistake == "a step left out"


# What SymPy simplifies as it reads it, each line to the next.
SIMPLIFIED = [
    (
        "sgd",
        "q1",
        [
            "= (1 - beta)*Sum(beta**(K - i), (i, 1, K))",
            "= (1 - beta)*(1 - beta**K)/(1 - beta)",
            "= 1 - beta**K",
        ],
    ),
    (
        "sgd",
        "q2",
        [
            "= noise**2/curve*Derivative(gamma/(2 - gamma*curve), gamma)",
            "= noise**2/curve*((2 - gamma*curve) - gamma*(-curve))/(2 - gamma*curve)**2",
            "= 2*noise**2/(curve*(2 - gamma*curve)**2)",
        ],
    ),
    (
        "continuous_categorical",
        "q1",
        [
            "= ((exp(x*white) - exp(x*white/2))/x)/((exp(x*white) - 1)/x)",
            "= (exp(x*white) - exp(x*white/2))/(exp(x*white) - 1)",
            "= sigmoid(x*white/2)",
        ],
    ),
    (
        "loss_design",
        "q1",
        [
            "= Sum((r*(t[i]/h)**(r - 1)*(-t[i]/h**2) - r*(-1/h))/r**2, (i, 1, K))/K",
            "= Sum((-r*t[i]/h**2*(t[i]/h)**(r - 1) + r/h)/r**2, (i, 1, K))/K",
            "= Sum(1 - (t[i]/h)**r, (i, 1, K))/(K*r*h)",
        ],
    ),
]


@pytest.mark.parametrize(("chapter", "name", "lines"), SIMPLIFIED)
def test_lines_that_sympy_simplifies_as_it_reads_them_are_lines(chapter, name, lines):
    for student in ("Emmy Noether", "Ada"):
        parameters = assignment(chapter).parameters(SECRET, student)
        (question,) = (each for each in derived(chapter) if each.name == name)
        assert check(question, lines, parameters).points == question.points


def strings(told):
    """Every text in a part of the file."""
    if isinstance(told, str):
        return [told]
    parts = told.values() if isinstance(told, dict) else told if isinstance(told, list) else ()
    return [text for part in parts for text in strings(part)]


# What a student writes, and what the finding says of it.
WRITTEN = {
    "margin": (
        "q2",
        """
def priced_margin_loss_grad(s, y, prices):
    rivals = np.where(np.arange(s.shape[-1]) == np.expand_dims(y, -1), -np.inf, s + t)
    pushed = np.eye(s.shape[-1])[rivals.argmax(-1)] - np.eye(s.shape[-1])[y]
    lead = np.take_along_axis(s, np.expand_dims(y, -1), -1) - rivals.max(-1, keepdims=True)
    return (lead < 0) * pushed
""",
        "whatever its price",
    ),
    "kl": (
        "q1",
        """
never_negative = [
    "= -root*Sum(q[i]*log((p[i]/q[i])**(1/root)), (i, 1, K))",
    "= -root*log(Sum(q[i]**(1 - 1/root)*p[i]**(1/root), (i, 1, K)))",
    ">= 0",
]
""",
        "the minus sign turns that round",
    ),
    "logsumexp": (
        "q3",
        """
def level(s, q):
    return rate * np.log2(np.sum(q * 2 ** (s / rate), axis=-1))
""",
        "unstable for large scores",
    ),
    "softmax": (
        "q4",
        """
lead = np.log((1 + np.exp(0.2)) / (np.exp(cost) - 1))
""",
        "at temperature one",
    ),
}


@pytest.mark.filterwarnings("ignore:overflow")
@pytest.mark.parametrize("chapter", WRITTEN)
def test_a_student_is_told_what_is_wrong(chapter, monkeypatch):
    name, written, words = WRITTEN[chapter]
    parameters = assignment(chapter).parameters(SECRET, "Emmy Noether")
    defined = answers(chapter, parameters, monkeypatch, solved=False, written=written)
    (finding,) = (f for f in findings(chapter, defined, parameters) if f.question == name)
    assert finding.points < finding.of
    assert words in finding.says
