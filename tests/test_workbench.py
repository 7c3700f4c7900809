"""What the page asks of Python: cells run without what is not there, lines are judged."""

import errno
import re
import sys

import pytest

from lossnotes.derive.expressions import ExpressionError
from lossnotes.portrait import ROWS
from lossnotes.workbench import LONGEST, Page, chain, judged, portrayed, split, understood

IMPORTS = """
from sympy import Derivative
from lossnotes.derive import Derivation
from lossnotes.derive.symbols import LSE, delta, j, log_loss, s, softmax, y
"""
GRADIENT = """
gradient = Derivation(Derivative(log_loss(s, y), s[j]))
gradient.step(softmax(s)[j] - delta(j, y), "chain rule")
"""


@pytest.fixture
def page(monkeypatch):
    """A page in which there is no module `nowhere`, as there is no NumPy in the browser."""
    monkeypatch.setitem(sys.modules, "nowhere", None)
    return Page()


@pytest.fixture
def derived(page):
    """A page with a derivation in its cell 1."""
    page.run(0, IMPORTS)
    page.run(1, GRADIENT)
    return page


# Cells


def test_a_cell_shows_what_it_prints_and_then_its_last_value(page):
    assert page.run(0, "print('first')\n6 * 7")["outputs"] == [("text", "first\n"), ("text", "42")]


def test_a_cell_that_ends_with_an_assignment_shows_nothing(page):
    assert page.run(0, "6 * 7\nx = 1")["outputs"] == []


def test_a_formula_is_shown_as_mathematics(page):
    page.run(0, IMPORTS)
    ((kind, shown),) = page.run(1, "LSE(s)")["outputs"]
    assert (kind, "operatorname{LSE}" in shown) == ("latex", True)


def test_a_derivation_is_shown_with_its_verdicts_and_goes_on(derived):
    answer = derived.run(1, GRADIENT)
    ((kind, shown),) = answer["outputs"]
    assert (kind, 'class="verdict proved"' in shown, answer["goes_on"]) == ("html", True, True)


def test_a_statement_that_reads_what_is_not_there_is_left_out_and_the_others_are_done(page):
    answer = page.run(0, "import nowhere as np\nx = np.pi\nz = 2\nprint(z)")
    assert (answer["outputs"], answer["lacks"]) == ([("text", "2\n")], ["np"])
    assert page.run(1, "x + 1")["lacks"] == ["x"]


def test_what_an_import_brings_is_missed_only_where_it_is_read(page):
    assert page.run(0, "import nowhere\nfrom lossnotes import figures_of_nobody\n1")["lacks"] == []
    assert page.run(1, "figures_of_nobody.style()")["lacks"] == ["figures_of_nobody"]


def test_a_function_that_reads_what_is_not_there_is_not_there_either(page):
    page.run(0, "import nowhere as np\ndef f(x):\n    return np.exp(x)")
    assert page.run(1, "print(f(1))")["lacks"] == ["f"]


@pytest.mark.parametrize(
    ("error", "name"),
    [
        ('RuntimeError("can\'t start new thread")', "ThreadPoolExecutor"),
        ("OSError('could not get source code')", "getsource"),
    ],
)
def test_what_no_browser_has_is_not_there_either(page, error, name):
    page.run(0, f"def ask():\n    raise {error}")
    assert page.run(1, "x = ask()") == {"outputs": [], "lacks": [name], "goes_on": False}
    assert page.run(2, "x")["lacks"] == ["x"]


def test_a_name_that_is_made_again_is_no_longer_missed(page):
    page.run(0, "import nowhere as np\nx = np.pi")
    page.run(1, "x = 3")
    assert page.run(2, "print(x)")["outputs"] == [("text", "3\n")]


def test_the_variable_of_a_loop_is_not_a_missing_name(page):
    page.run(0, "import nowhere as np\nx = np.pi")
    assert page.run(1, "print([x for x in 'ab'])")["lacks"] == []


def test_a_mistake_is_told_and_not_taken_for_something_missing(page):
    for source, told in {
        "1 / 0": "ZeroDivisionError: division by zero",
        "from math import nothing": "ImportError: cannot import name",
        "unknown": "NameError: name &#x27;unknown&#x27; is not defined",
        "x = (": "SyntaxError in line 1: ",
        "exit(3)": "SystemExit: 3",
        "raise KeyboardInterrupt": "KeyboardInterrupt",
        "class A:\n    def __repr__(self): 1/0\nA()": "ZeroDivisionError: division by zero",
    }.items():
        answer = page.run(0, source)
        ((kind, shown),) = answer["outputs"]
        assert (kind, told in shown, answer["lacks"]) == ("error", True, []), shown


def test_a_cell_that_prints_without_end_is_stopped_and_shows_what_a_page_can_hold(page):
    (kind, printed), (error, told) = page.run(0, "while True: print('again')")["outputs"]
    assert (kind, len(printed), error) == ("text", LONGEST, "error")
    assert "at most 100000 characters" in told
    assert page.run(0, "print('x' * 100_000, end='')")["outputs"] == [("text", "x" * LONGEST)]


def test_of_a_long_value_the_beginning_is_shown(page):
    ((_, shown),) = page.run(0, "'x' * 200_000")["outputs"]
    assert shown.endswith("x … and 100002 characters more")


def test_who_asks_the_keyboard_is_told_what_to_do_instead(page, monkeypatch):
    def fail(*_):
        raise OSError(errno.EIO, "I/O error")  # as in the page

    monkeypatch.setattr(sys.stdin, "readline", fail)
    for source in ("name = input('Who? ')", "import sys\nsys.stdin.readline()"):
        (*_, (kind, shown)) = page.run(0, source)["outputs"]
        assert (kind, "Write the answer into the code" in shown) == ("error", True)
    page.run(0, "def fail(): raise OSError(9, 'another')")
    assert "another" in page.run(1, "fail()")["outputs"][0][1]


def test_what_was_printed_before_a_mistake_is_kept(page):
    assert page.run(0, "print('before')\n1 / 0")["outputs"][0] == ("text", "before\n")


def test_a_step_that_does_not_follow_is_refuted_at_a_point(derived):
    ((kind, shown),) = derived.run(2, 'gradient.step(softmax(s)[j], "forget it")')["outputs"]
    assert kind == "error"
    assert "refuted" in shown
    assert r"\(K = 2\)" in shown


def test_a_page_begins_again_with_no_names(page):
    page.run(0, "x = 1")
    page.begin()
    assert "NameError" in page.run(1, "x")["outputs"][0][1]


def test_answers_are_json(page):
    assert (
        page.answer("run", 0, "1") == '{"outputs": [["text", "1"]], "lacks": [], "goes_on": false}'
    )


# A line more


def test_a_line_that_follows_goes_on_from_the_last(derived):
    answer = derived.go_on(1, "softmax(s)[j] - delta(y, j)  # symmetry")
    assert answer["follows"]
    assert answer["html"].count("verdict proved") == 2
    assert "symmetry" in answer["html"]


def test_a_bound_may_follow(derived):
    assert derived.go_on(1, "<= 1")["follows"]


def test_a_line_that_does_not_follow_is_refuted_and_leaves_the_derivation(derived):
    answer = derived.go_on(1, "softmax(s)[j]")
    assert (answer["follows"], "refuted" in answer["html"]) == (False, True)
    assert derived.go_on(1, "softmax(s)[j] - delta(j, y)")["html"].count("verdict proved") == 2


def test_a_line_more_leaves_the_derivation_of_the_cell(derived):
    derived.go_on(1, "<= 1")
    assert derived.run(2, "print(len(gradient.steps))")["outputs"] == [("text", "1\n")]


def test_a_line_may_use_the_names_of_the_cells(derived):
    derived.run(2, "share = softmax(s)[j]")
    assert derived.go_on(1, "share - delta(j, y)")["follows"]


def test_a_line_that_is_no_formula_says_where(derived):
    answer = derived.go_on(1, "softmax(s)[j] - delta(j, y")
    assert not answer["follows"]
    assert "Not understood" in answer["html"]
    assert "line" not in answer["html"]


# Claims


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        ("a <= b", [("", "a"), ("<=", "b")]),
        ("= b", [("=", "b")]),
        ("a == b ≥ c", [("", "a"), ("=", "b"), (">=", "c")]),
        ("f(a < b) > c", [("", "f(a < b)"), (">", "c")]),
        ("a", [("", "a")]),
    ],
)
def test_a_line_is_split_at_its_relations(line, parts):
    assert split(line) == parts


def test_a_chain_goes_over_lines_with_remarks():
    first, second = chain("# a remark\nsoftmax(s)[j]\n\n<= 1  # a probability")
    assert (first[0], second[0], second[1], second[2]) == ("", "<=", 1, "a probability")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "there is no formula yet"),
        ("= 1", "line 1: the first formula has nothing before it"),
        ("s[j]\ns[k]", "line 2: begin with ="),
        ("s[j] <=", "line 1: there is no formula"),
        ("s[j]\n= 2x", "line 2: .*write a .[*]. for every product"),
        ("s[j] = nobody", "line 1: 'nobody' is no name here"),
        ("1\n=> 0", "line 2: => is written >="),
    ],
)
def test_what_cannot_be_read_is_named_with_its_line(text, complaint):
    with pytest.raises(ExpressionError, match=complaint):
        chain(text)
    assert "Not understood" in judged(text)
    assert "Not understood" in understood(text)


def test_a_claim_is_shown_as_it_was_read():
    assert r"& \le 1" in understood("softmax(s)[j] ≤ 1")


def test_a_true_claim_is_proved():
    assert 'class="verdict proved"' in judged("softmax(s)[j] <= 1")


def test_a_claim_may_be_about_numbers_alone():
    for claim in ("exp(c) >= 1 + c", "log(h) <= h - 1", "1 - epsilon > 0"):
        assert 'class="verdict proved"' in judged(claim)


def test_a_derivation_is_judged_up_to_the_first_line_that_does_not_follow():
    shown = judged("LSE(s) - s[y]\n= log_loss(s, y)\n= 2*log_loss(s, y)\n= 0")
    assert shown.count('class="verdict proved"') == 1
    assert shown.count('class="refuted"') == 1


def test_one_formula_is_no_claim():
    assert "claims nothing" in judged("LSE(s)")


def test_what_cannot_be_compared_says_why():
    assert "no point has a value" in judged("s[j - 30] = s[j - 31]")
    assert "compare an entry" in judged("s = q[j]")


def test_a_side_without_a_value_is_said_to_have_none():
    assert "left side has no value" in judged("log(p[j] - 1) <= 1")


def test_numbers_of_a_witness_are_mathematics():
    assert r"\cdot 10^{" in judged("exp(-40)*s[j] = 0")
    assert r"\{" in judged("margin(s, A) = 0")


def test_what_is_typed_is_no_markup():
    assert "<img" not in judged("softmax(s)[j] <= 1  # <img src=x>")
    assert "<img" not in judged("s[j] = <img src=x>")


# Portraits

FOCAL = "-(1 - softmax(s)[y])**gamma*log(softmax(s)[y])"


def names_of(html):
    return re.findall(r'<th scope="row">(.*?)</th>', html)


def test_a_portrait_comes_row_by_row_and_shows_the_loss(page):
    first, fourth = portrayed(FOCAL, 0), page.portrayed(FOCAL, 3)
    assert first["rows"] == len(ROWS) and "<caption>" in first["html"]
    assert names_of(first["html"]) == ["gradient"]
    assert names_of(fourth["html"]) == ["unchanged by a shift"]
    assert 'class="verdict proved"' in fourth["html"]


def test_a_remark_tells_the_domain_of_a_parameter():
    row = portrayed("(1 - softmax(s)[y]**u)/u  # 0 < u < 1", 8)
    assert "its value at" in row["html"] and 'class="verdict proved"' in row["html"]


def test_a_loss_may_stand_on_several_lines():
    assert portrayed("log_loss(s, y)\n + u*(1 - softmax(s)[y])  # u > 0", 3)["rows"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "no formula"),
        ("KL(q, p) >= 0", "this is a claim"),
        ("LSE(s)", "a loss has a label y"),
        ("softmax(s)[y]**u", "u"),
        ("1 - softmax(s)[y]**u  # u is small", "is no domain"),
        ("<img src=x>", "Not understood"),
    ],
)
def test_what_has_no_portrait_is_told(text, told):
    answer = portrayed(text, 0)
    assert (answer["rows"], told in answer["html"], "<img" in answer["html"]) == (0, True, False)


def test_one_formula_is_sent_to_the_portrait():
    assert "portrait" in judged("log_loss(s, y)")
