"""The page of notation: every letter has a row, and within a part of the book it has one alone.

A letter that stands in the tables of the whole book, or of a part, holds from the chapter of its
first use on. A letter of the last tables holds in the chapters that its row names, and there only.
"""

import importlib.util
import inspect
import re
from pathlib import Path

import nbformat
import pytest
from sphinx_external_toc.parsing import parse_toc_yaml

from lossnotes.derive import symbols

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "book" / "notation.md"
PARTS = {
    subtree.caption: [item for item in subtree.items]
    for subtree in parse_toc_yaml(ROOT / "_toc.yml").root.subtrees
}
CHAPTERS = [name for part in ("Losses", "Learning", "Studies") for name in PARTS[part]]
SOME = "Letters of some chapters"
EXCEPTIONS = {"continuous_categorical": ["i"]}  # the imaginary unit; the page says why


def short(name):
    return name.rpartition("/")[2]


# The rows of the page


def tables(page):
    """The rows of each table, by the heading above: lists of cells."""
    found, heading = {}, ""
    for line in page.splitlines():
        if line.startswith("#"):
            heading = line.strip("# ")
        elif line.startswith("| $"):
            cells = [cell.strip() for cell in line.strip().strip("|").split(" | ")]
            found.setdefault(heading, []).append(cells)
    return found


def rows(page):
    return [row for table in tables(page).values() for row in table]


def names(cell):
    """The names in code font: `~A` names A, `smooth(y, epsilon)` names smooth."""
    return [re.match(r"~?(\w+)", code).group(1) for code in re.findall(r"`([^`]+)`", cell)]


def missing_symbols(page):
    return [name for row in rows(page) for name in names(row[2]) if not hasattr(symbols, name)]


def module_of(chapter):
    """The module of that name, in whichever part of the library; not every study has one."""
    names = (f"lossnotes.{part}.{chapter}" for part in ("losses", "learning", "studies"))
    found = next((name for name in names if importlib.util.find_spec(name)), None)
    return found and importlib.import_module(found)


def chapters_of(row):
    return re.findall(r"\{ref\}`(\w+)`", row[-1])


def missing_functions(page):
    """Functions that the chapter's module lacks, among the rows whose code is a call."""
    missing = []
    for row in rows(page):
        module = module_of(chapters_of(row)[0])
        calls = [code.split("(")[0] for code in re.findall(r"`(\w+\([^`]*)`", row[3])]
        missing += [name for name in calls if not hasattr(module, name)]
    return missing


def incomplete(page):
    """Rows without a meaning, a shape or a chapter."""
    return [row for row in rows(page) if len(row) != 6 or not (row[1] and row[4] and row[5])]


def test_every_symbol_on_the_page_exists():
    assert rows(PAGE.read_text())
    assert missing_symbols(PAGE.read_text()) == []


def test_every_function_on_the_page_is_in_the_module_of_its_chapter():
    assert missing_functions(PAGE.read_text()) == []


def test_every_row_says_what_it_means_and_where_it_is_first_used():
    assert incomplete(PAGE.read_text()) == []


def test_every_quantity_of_derivations_is_on_the_page():
    named = {name for row in rows(PAGE.read_text()) for name in names(row[2])}
    kinds = (value for value in vars(symbols).values() if inspect.isclass(value))
    quantities = {
        kind.__name__
        for kind in kinds
        if issubclass(kind, symbols.Quantity) and not kind.__subclasses__()
    }
    assert quantities - named == set()


@pytest.mark.parametrize("find", [missing_symbols, missing_functions])
def test_a_name_that_does_not_exist_is_found(find):
    page = "| $x$ | input | `nothing` | `nothing(x)` | a number | {ref}`margin` |"
    assert find(page) == ["nothing"]


def test_a_row_without_meaning_is_found():
    assert len(incomplete("| $x$ |  | – | `x` | a number | {ref}`margin` |")) == 1


# The letters of the prose

GREEK = (
    "alpha|beta|gamma|delta|epsilon|zeta|eta|theta|kappa|lambda|mu|nu|xi|rho|sigma|tau|phi|psi|"
    "omega|ell|Delta|Lambda"
)
TOKEN = re.compile(
    r"\\(?:text|begin|end|operatorname)\*?\{[^}]*\}"  # words, transposes,
    r"|\^T\b|\bO(?=\()|e(?=\s*\^|\\,\s*y)|d(?=[a-z](?![A-Za-z])|\\xi)"  # O(1), e^x, dx
    rf"|(?P<letter>\\(?:{GREEK})(?![A-Za-z])|[A-Za-z])(?P<prime>'?)"
    r"(?:_\{?\\(?:mathrm|operatorname)\{(?P<name>\w+)\}\}?)?"  # y_AM is another symbol than y
    r"|\\mathrm\{[^}]*\}|\\[A-Za-z]+"
)


def symbols_in(formula):
    """The symbols of a formula in order: letters, with a prime or a name below if there is one."""
    for found in TOKEN.finditer(formula):
        if found["letter"]:
            yield found["letter"] + found["prime"] + (f"_{found['name']}" if found["name"] else "")


def formulas(text):
    text = re.sub(r"^(`{3,})\{code-cell\}.*?^\1", "", text, flags=re.DOTALL | re.MULTILINE)
    text = re.sub(r"`[^`\n]*`", " ", text)
    return [one or two for one, two in re.findall(r"\$\$(.*?)\$\$|\$([^$]+?)\$", text, re.DOTALL)]


def declared(row):
    """The symbols that a row is about: the first of each formula, or of each item of a list."""
    for formula in formulas(row[0]):
        while re.search(r"[(\[][^()\[\]]*[)\]]", formula):
            formula = re.sub(r"[(\[][^()\[\]]*[)\]]", "", formula)
        for item in formula.split(","):
            first = TOKEN.search(item)
            if first and first["letter"]:  # and no word, as in max and KL
                yield from symbols_in(first[0])


def meanings(page, chapter):
    """For each letter the rows that hold in a chapter."""
    found = {}
    for heading, table in tables(page).items():
        for row in table:
            places = [short(name) for name in CHAPTERS]
            named = chapters_of(row)
            if heading in PARTS:
                places = [short(name) for name in PARTS[heading]]
            if heading.startswith(SOME):
                holds = chapter in named
            else:
                holds = chapter in places and places.index(chapter) >= places.index(named[0])
            if holds:
                for letter in declared(row):
                    found.setdefault(letter, []).append(row)
    return found


def shared(page, part):
    """The letters with more than one row in a part. Their chapters do not matter."""
    chapters = {short(name) for name in PARTS[part]}
    held = [
        row
        for heading, table in tables(page).items()
        for row in table
        if heading in ("Throughout", part)
        or (heading.startswith(SOME) and chapters & set(chapters_of(row)))
    ]
    letters = [letter for row in held for letter in set(declared(row))]
    return sorted({letter for letter in letters if letters.count(letter) > 1})


def faults(page, chapter, text):
    """Letters of a text without a row, or with two. F' is the slope of F, if it has no own row."""
    held = meanings(page, chapter)
    used = {symbol for formula in formulas(text) for symbol in symbols_in(formula)}
    used = {symbol if symbol in held else symbol.rstrip("'") for symbol in used}
    without = sorted(letter for letter in used if letter not in held)
    return without, sorted(letter for letter in used if len(held.get(letter, [])) > 1)


def expected(part):
    """The letters that have two meanings in a part all the same."""
    return sorted(letter for name in PARTS[part] for letter in EXCEPTIONS.get(short(name), []))


@pytest.mark.parametrize("part", ["Losses", "Learning", "Studies"])
def test_a_letter_has_one_meaning_within_a_part(part):
    assert shared(PAGE.read_text(), part) == expected(part)


def test_the_page_calls_nothing_else_an_exception():
    marked = {}
    for row in rows(PAGE.read_text()):
        if "exception" in row[1]:
            marked.setdefault(*chapters_of(row), []).extend(declared(row))
    assert marked == EXCEPTIONS


def prose(chapter):
    cells = nbformat.read(ROOT / f"{chapter}.ipynb", as_version=4).cells
    return "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")


def printed(chapter):
    """The formulas that derivations print, without their words."""
    cells = nbformat.read(ROOT / f"{chapter}.ipynb", as_version=4).cells
    data = [output.get("data", {}) for cell in cells for output in cell.get("outputs", [])]
    return without_words("\n\n".join(each.get("text/latex", "") for each in data))


def without_words(formula):
    """The formula without its \\text{...}, in which there may be braces."""
    inner = r"(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*"
    return re.sub(rf"\\text\{{{inner}\}}|\\begin\{{array\}}\{{\w+\}}", " ", formula)


@pytest.mark.parametrize("chapter", CHAPTERS, ids=short)
def test_every_letter_of_a_chapter_has_one_row_and_one_meaning(chapter):
    text = prose(chapter) + "\n\n" + printed(chapter)
    assert faults(PAGE.read_text(), short(chapter), text) == (
        [],
        EXCEPTIONS.get(short(chapter), []),
    )


def test_the_words_beside_a_printed_formula_are_no_letters():
    assert without_words(r"x & = y && \text{as $y_{\mathrm{AM}}$ is (proved)}") == r"x & = y &&  "


TABLE = """
## Losses

| $m(s, y)$ | margin | `margin` | `m` | a number | {ref}`margin` |

## Letters of some chapters in Losses

| $t$ | time | – | `t` | a number | {ref}`kl`, {ref}`softmax` |
| $t$ | temperature | – | `t` | a number | {ref}`softmax` |
"""
TWO_PARTS = TABLE + "| $m$ | mean | – | `m` | a number | {ref}`sgd` |"


@pytest.mark.parametrize(
    ("chapter", "text", "found"),
    [
        ("loss_design", "Let $m$ be it.", (["m"], [])),
        ("margin", "Let $m$ be it.", ([], [])),
        ("kl", "$$ m = \\log t , $$", ([], [])),
        ("softmax", "So $\\frac{m}{t}$.", ([], ["t"])),
        ("kl", "So $\\gamma$ and $u'$.", (["\\gamma", "u"], [])),
        ("kl", "So $\\int t \\, dt$, $e^t$, $\\text{words}$ and `$x$`.", ([], [])),
    ],
)
def test_a_letter_without_a_row_or_with_two_is_found(chapter, text, found):
    assert faults(TABLE, chapter, text) == found


@pytest.mark.parametrize(
    ("page", "row", "found"),
    [
        (TABLE.replace("time", "temperature"), "", ["t"]),  # it has one row, or it is not found
        (TWO_PARTS.replace("$t$ | time", "$u$ | time"), "", []),  # m in Losses, m in Learning
        (TWO_PARTS, "| $m_j$ | a mass | – | `m` | a number | {ref}`kde` |", ["m", "t"]),
        (TWO_PARTS, "| $u, m$ | ends | – | `m` | numbers | {ref}`loss_design` |", ["m", "t"]),
        (TWO_PARTS, "| $m'$ | another margin | – | `m` | a number | {ref}`kl` |", ["t"]),
    ],
)
def test_a_letter_with_two_meanings_within_a_part_is_found(page, row, found):
    assert shared(f"{page}\n{row}", "Losses") == found
