import json

import pytest

from lossnotes.homework import marks
from lossnotes.homework.check import Finding
from lossnotes.homework.questions import load
from lossnotes.homework.scores import cell
from lossnotes.homework.similar import similar, table

SECRET = b"a secret of more than thirty-two bytes"
LINES = ["= exp(s[j])/Sum(exp(s[i]), (i, 1, K))", "= softmax(s)[j]"]
CODE = "def square(x):\n    factor = scale\n    return factor * x**2 + 0 * factor * x"


@pytest.fixture
def rows(small, tmp_path, notebook):
    """What is found among notebooks, by name."""

    def rows(found=None, marked=None, **cells):
        handed_in = {}
        for name, sources in cells.items():
            data = json.loads(notebook(*sources))
            if name in (marked or {}):
                data["metadata"]["lossnotes"] = marks.as_metadata(SECRET, "small", marked[name])
            (tmp_path / f"{name}.ipynb").write_text(json.dumps(data))
            handed_in[name] = [tmp_path / f"{name}.ipynb"]
        found = similar(load(small / "questions.toml"), handed_in, SECRET, found)
        return [row[:3] for row in found]

    return rows


def test_the_same_derivation_line_by_line_is_seen_without_its_spaces(rows):
    other = [line.replace(" ", "") for line in LINES]
    cells = {"ada": [f"gradient = {LINES}"], "eve": [f"gradient = {other}"]}
    assert rows(**cells) == [("q1", "the same derivation", "ada; eve")]
    assert rows(ada=cells["ada"], eve=[f"gradient = {LINES[:1]}"]) == []


def test_the_same_line_is_seen_where_it_is_wrong(rows):
    cells = {"ada": [f"gradient = {LINES[:1]}"], "eve": [f"gradient = {LINES[:1]}"]}
    wrong = {"q1": Finding("q1", 0, 2, "wrong", "")}
    right = {"q1": Finding("q1", 2, 2, "right", "")}
    assert rows(found={"ada": right, "eve": right}, **cells) == []
    (row,) = rows(found={"ada": wrong, "eve": wrong}, **cells)
    assert row == ("q1", "the same line in a wrong answer", "ada; eve")


def test_the_same_code_is_seen_under_other_names_and_with_the_number_typed_in(small, rows):
    scale = load(small / "questions.toml").parameters(SECRET, "eve")["scale"]
    renamed = CODE.replace("factor", "a").replace("x", "value")
    typed = f'"""Mine."""\n# my own\n{CODE.replace("= scale", f"= {scale}")}'
    assert rows(ada=[CODE], eve=[renamed]) == [("q2", "the same code", "ada; eve")]
    assert rows(ada=[CODE], eve=[typed]) == [("q2", "the same code", "ada; eve")]
    assert rows(ada=[CODE], eve=[CODE.replace("+ 0", "+ 1 - 1 + 0")]) == []


def test_what_many_write_is_usual(rows):
    assert rows(**{f"s{n}": [CODE] for n in range(5)}) == []


def test_the_notebook_of_another_is_seen_by_its_mark(rows):
    found = rows(marked={"ada": "ada", "eve": "ada"}, ada=["x = 1"], eve=["x = 2"])
    assert found == [("", "the notebook of another", "eve; ada")]


def test_what_is_no_python_costs_nothing(rows):
    assert rows(ada=["x = = 1", "(" * 5000], eve=["%magic\n" + CODE]) == []


def test_the_table_holds_no_formula():
    assert "\r\nq1,'=x" in table([("q1", "=x", "a; b", "t")], cell)
