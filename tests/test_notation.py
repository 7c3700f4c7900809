"""The page of notation names things that exist, and names every quantity of derivations."""

import importlib.util
import inspect
import re
from pathlib import Path

import pytest

from lossnotes.derive import symbols

PAGE = Path(__file__).parents[1] / "book" / "notation.md"


def rows(page):
    """The cells of each row of the tables, as text."""
    lines = [line for line in page.splitlines() if line.startswith("| $")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def names(cell):
    """The names in code font: `~A` names A, `smooth(y, epsilon)` names smooth."""
    return [re.match(r"~?(\w+)", code).group(1) for code in re.findall(r"`([^`]+)`", cell)]


def missing_symbols(page):
    return [name for row in rows(page) for name in names(row[1]) if not hasattr(symbols, name)]


def module_of(chapter):
    """The module of that name, in whichever part of the library."""
    names = (f"lossnotes.{part}.{chapter}" for part in ("losses", "learning"))
    return importlib.import_module(next(name for name in names if importlib.util.find_spec(name)))


def missing_functions(page):
    """Functions that the chapter's module lacks, among the rows whose code is a call."""
    missing = []
    for row in rows(page):
        chapter = re.search(r"\{ref\}`(\w+)`", row[-1]).group(1)
        module = module_of(chapter)
        calls = [code.split("(")[0] for code in re.findall(r"`(\w+\([^`]*)`", row[2])]
        missing += [name for name in calls if not hasattr(module, name)]
    return missing


def test_every_symbol_on_the_page_exists():
    assert rows(PAGE.read_text())
    assert missing_symbols(PAGE.read_text()) == []


def test_every_function_on_the_page_is_in_the_module_of_its_chapter():
    assert missing_functions(PAGE.read_text()) == []


def test_every_quantity_of_derivations_is_on_the_page():
    named = {name for row in rows(PAGE.read_text()) for name in names(row[1])}
    kinds = (value for value in vars(symbols).values() if inspect.isclass(value))
    quantities = {
        kind.__name__
        for kind in kinds
        if issubclass(kind, symbols.Quantity) and not kind.__subclasses__()
    }
    assert quantities - named == set()


@pytest.mark.parametrize("find", [missing_symbols, missing_functions])
def test_a_name_that_does_not_exist_is_found(find):
    page = "| $x$ | `nothing` | `nothing(x)` | a number | {ref}`margin` |"
    assert find(page) == ["nothing"]
