"""A formula that stands by itself is printed by what was checked, or it says what it is.

A checked object prints its own LaTeX, in the output of a cell. A formula that is typed is a
definition, an argument in words, or quoted with its source, and the line below it says which.
"""

import re
from pathlib import Path

import nbformat
import pytest

BOOK = Path(__file__).parents[1] / "book"
PAGES = sorted(
    path
    for path in BOOK.rglob("*")
    if path.suffix in (".md", ".ipynb") and ".ipynb_checkpoints" not in path.parts
)
DISPLAY = re.compile(
    r"\$\$.*?\$\$(?: *\([\w-]+\))?|\\\[.*?\\\]"
    r"|\\begin\{(align|equation|gather)(\*?)\}.*?\\end\{\1\2\}"
    r"|(?:```|:::)\{math\}.*?(?:```|:::)",
    re.DOTALL,
)
BASIS = re.compile(
    r"\s*(\[definition\]\{\.basis\}|\[argued in words\]\{\.basis\}"
    r"|\[quoted\]\{\.basis\}[^\n]*\{cite)"
)
# A definition and a proof say in their titles what they are.
TITLED = re.compile(r"^(`{3,})\{prf:(definition|proof)\}.*?^\1 *$", re.DOTALL | re.MULTILINE)
SHOWN_BY_CODE = re.compile(r"\bIPython\.display\b.*\b(Math|Latex|Markdown)\b|\bMath\(|\bLatex\(")


def parts(path):
    """(text, code): the prose of a page, cell by cell, and its code cells."""
    if path.suffix == ".md":
        return [path.read_text()], []
    cells = nbformat.read(path, as_version=4).cells
    return tuple(
        [cell.source for cell in cells if cell.cell_type == kind] for kind in ("markdown", "code")
    )


def without_basis(text):
    """The displayed formulas of a text that do not say what they are."""
    text = TITLED.sub("", text)
    text = re.sub(r"`[^`\n]*`", lambda code: code[0].replace("$", " "), text)
    found = [(match[0], text[match.end() :]) for match in DISPLAY.finditer(text)]
    return [formula for formula, rest in found if not BASIS.match(rest)]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(BOOK).as_posix())
def test_a_displayed_formula_says_whether_it_is_defined_argued_or_quoted(path):
    text, _ = parts(path)
    assert [formula for cell in text for formula in without_basis(cell)] == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(BOOK).as_posix())
def test_no_cell_prints_a_formula_that_was_typed(path):
    _, code = parts(path)
    assert [cell for cell in code if SHOWN_BY_CODE.search(cell)] == []


@pytest.mark.parametrize(
    "page",
    [
        "So we find\n\n$$ \\mu_j = y_j . $$\n\nConfirm it.",
        "$$ x = 1 . $$ (equation-x)\n\nand so on [definition]{.basis}",
        "$$\nx = 1\n$$",
        "\\[ x = 1 \\]",
        "\\begin{align*}\nx &= 1\n\\end{align*}",
        "```{math}\n:label: equation-x\nx = 1\n```",
        "$$ x = 1 . $$\n\n[quoted]{.basis} from somebody",
        "$$ x = 1 . $$\n\n[proved]{.basis}",
        "```{prf:theorem} Of somebody\n:label: theorem-x\n\n$$ x = 1 . $$\n```",
    ],
)
def test_a_formula_without_its_basis_is_noticed(page):
    assert len(without_basis(page)) == 1


@pytest.mark.parametrize(
    "page",
    [
        "Inline $x = 1$ and `$$` in code.",
        "$$ x = 1 . $$ (equation-x)\n\n[definition]{.basis}",
        "$$\nx = 1\n$$\n\n[argued in words]{.basis}, and proved for two classes",
        "$$ x = 1 . $$\n\n[quoted]{.basis}: a theorem {cite:p}`efron1965`",
        "```{prf:definition} Of x\n:label: definition-x\n\n$$ x = 1 . $$\n```",
        "````{prf:proof}\nSince\n\n$$ x = 1 , $$\n\nit holds.\n````",
    ],
)
def test_a_formula_with_its_basis_passes(page):
    assert without_basis(page) == []


@pytest.mark.parametrize("cell", ["display(Math(r'x'))", "from IPython.display import Latex"])
def test_a_formula_typed_in_a_cell_is_noticed(cell):
    assert SHOWN_BY_CODE.search(cell)
