"""The files that say what the project is and needs agree with each other."""

import ast
import doctest
import functools
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions, requires, version
from pathlib import Path

import nbformat
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
NEEDS = {"": PROJECT["dependencies"], **PROJECT["optional-dependencies"]}
CONSTRAINTS = (ROOT / "constraints.txt").read_text()
ENVIRONMENT = yaml.safe_load((ROOT / "environment.yml").read_text())


def names(requirements):
    return {canonicalize_name(Requirement(line).name) for line in requirements}


# Exact versions


def constraints_faults(text, needs):
    """What is wrong with the constraints: a line that pins nothing, a need without a pin."""
    faults, pins = [], {}
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        if not re.fullmatch(r"[\w.-]+==[\w.]+( ; .+)?", line):
            faults.append(f"not an exact version: {line}")
            continue
        pin = Requirement(line)
        if pins.setdefault(canonicalize_name(pin.name), pin) is not pin:
            faults.append(f"twice: {pin.name}")
    for line in needs:
        need = Requirement(line)
        pin = pins.get(canonicalize_name(need.name))
        if any(clause.operator in ("==", "===") for clause in need.specifier):
            faults.append(f"a second exact version: {line}")
        elif pin is None:
            faults.append(f"no exact version: {need.name}")
        elif not need.specifier.contains(next(iter(pin.specifier)).version):
            faults.append(f"{pin} is not {need}")
    return faults


def test_every_need_has_one_exact_version():
    assert constraints_faults(CONSTRAINTS, sum(NEEDS.values(), [])) == []


@pytest.mark.parametrize(
    ("text", "needs", "fault"),
    [
        ("numpy>=2", [], "not an exact version: numpy>=2"),
        ("-e .", [], "not an exact version: -e ."),
        ("numpy @ file:numpy.whl", [], "not an exact version: numpy @ file:numpy.whl"),
        ("numpy==2.0\nNumPy==2.1", [], "twice: NumPy"),
        ("numpy==2.0", ["sympy"], "no exact version: sympy"),
        ("numpy==2.0", ["numpy==2.0"], "a second exact version: numpy==2.0"),
        ("jupyter-book==2.0", ["jupyter-book<2"], "jupyter-book==2.0 is not jupyter-book<2"),
    ],
)
def test_wrong_constraints_are_noticed(text, needs, fault):
    assert constraints_faults(text, needs) == [fault]


def installed_faults(text, installed):
    """Where the environment that runs the tests is not the one that is written down."""
    pins = [Requirement(line) for line in text.splitlines() if not line.startswith("#")]
    return [
        f"{pin} is wanted, {installed[name]} is installed"
        for pin in pins
        if (name := canonicalize_name(pin.name)) in installed
        and not pin.specifier.contains(installed[name], prereleases=True)
    ]


def test_installed_versions_are_the_exact_ones():
    needed = names(NEEDS[""] + NEEDS["book"] + NEEDS["homework"] + NEEDS["test"])
    assert installed_faults(CONSTRAINTS, {name: version(name) for name in needed}) == []


def test_a_wrong_installed_version_is_noticed():
    assert installed_faults("NumPy==2.0", {"numpy": "2.1"}) == [
        "NumPy==2.0 is wanted, 2.1 is installed"
    ]


# conda and Binder


def environment_faults(environment, extras, python):
    faults = []
    conda = [line for line in environment["dependencies"] if isinstance(line, str)]
    pip = sum((line["pip"] for line in environment["dependencies"] if isinstance(line, dict)), [])
    for line in conda:
        name, _, number = line.partition("=")
        if name not in ("python", "pip"):
            faults.append(f"not from pyproject.toml: {line}")
        if name == "python" and number not in SpecifierSet(python):
            faults.append(f"python {number} is not {python}")
    if "-c constraints.txt" not in pip:
        faults.append("without the exact versions")
    editable = re.compile(r"-e \.\[(.+)\]")
    if not any(editable.fullmatch(line) for line in pip):
        faults.append("without the project")
    for line in pip:
        if found := editable.fullmatch(line):
            faults += [f"no extra {name}" for name in found[1].split(",") if name not in extras]
        elif line != "-c constraints.txt":
            faults.append(f"not from pyproject.toml: {line}")
    return faults


def test_conda_and_binder_install_the_extras_of_the_project():
    assert environment_faults(ENVIRONMENT, NEEDS, PROJECT["requires-python"]) == []


@pytest.mark.parametrize(
    ("conda", "pip", "fault"),
    [
        (["numpy"], [], "not from pyproject.toml: numpy"),
        (["python=3.10"], [], "python 3.10 is not >=3.11"),
        ([], ["scipy==1.0"], "not from pyproject.toml: scipy==1.0"),
        ([], ["-e .[books]"], "no extra books"),
    ],
)
def test_a_wrong_environment_is_noticed(conda, pip, fault):
    right = ["-c constraints.txt", "-e .[book]"]
    environment = {"dependencies": [*conda, {"pip": [*right, *pip]}]}
    assert environment_faults(environment, NEEDS, ">=3.11") == [fault]


@pytest.mark.parametrize(
    ("pip", "fault"),
    [
        (["-e .[book]"], "without the exact versions"),
        (["-c constraints.txt"], "without the project"),
    ],
)
def test_an_incomplete_environment_is_noticed(pip, fault):
    assert environment_faults({"dependencies": [{"pip": pip}]}, NEEDS, ">=3.11") == [fault]


# Imports

BASE, BOOK = NEEDS[""], NEEDS["book"]
HOMEWORK = NEEDS["homework"] + NEEDS["cluster"]
WINGS = {
    "lossnotes": BASE,
    "lossnotes/figures.py": BASE + BOOK,
    "lossnotes/moving.py": BASE + BOOK,
    "lossnotes/__main__.py": BASE + HOMEWORK,
    "lossnotes/homework": BASE + HOMEWORK,
    "book": BASE + BOOK,
    "book/paper.py": BASE + BOOK + NEEDS["paper"],
    "book/ebook.py": BASE + BOOK + ["paper"],  # which lies beside it
    "homework": BASE,
    "studies": BASE + BOOK + NEEDS["studies"],
    "tests": BASE + BOOK + HOMEWORK + NEEDS["paper"] + NEEDS["test"],
    # Beside PyTorch where it is installed; turns is one of them.
    "benchmarks": BASE + HOMEWORK + NEEDS["bench"] + ["torch", "turns"],
}


def sources(path):
    """The Python code in a file; of a notebook, its code cells."""
    if path.suffix == ".ipynb":
        cells = nbformat.read(path, as_version=4).cells
        return "\n".join(cell.source for cell in cells if cell.cell_type == "code")
    return path.read_text()


def imported(source):
    """Modules that code cannot do without: an import that a try guards does not count."""
    tree = ast.parse(source)
    tries = [node for node in ast.walk(tree) if isinstance(node, ast.Try)]
    guarded = {id(node) for outer in tries for node in ast.walk(outer)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import) and id(node) not in guarded:
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and id(node) not in guarded and not node.level:
            yield node.module.partition(".")[0]


owners = functools.cache(packages_distributions)


def installed():
    return {canonicalize_name(name) for found in owners().values() for name in found}


@functools.cache
def provided(requirements):
    """What the requirements provide, themselves or by what they require at first hand."""
    wanted = names(requirements) | {"lossnotes"}
    for name in wanted & installed():
        wanted = wanted | names(line for line in requires(name) or () if "extra ==" not in line)
    return wanted


def undeclared(source, requirements):
    """Imports that no requirement provides."""
    wanted = provided(tuple(requirements))
    return {
        module
        for module in set(imported(source)) - sys.stdlib_module_names
        if not {canonicalize_name(owner) for owner in owners().get(module, [module])} & wanted
    }


def wing(path):
    """The longest entry of WINGS that a file stands in, if any."""
    parts = {path.as_posix(), *(parent.as_posix() for parent in path.parents)}
    return max(parts & WINGS.keys(), key=len, default=None)


def test_what_code_imports_is_declared():
    files = [path for path in tracked() if path.suffix in (".py", ".ipynb") and wing(path)]
    assert len(files) > 3
    wrong = {path: undeclared(sources(ROOT / path), WINGS[wing(path)]) for path in files}
    assert {path: found for path, found in wrong.items() if found} == {}


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import pandas", {"pandas"}),
        ("def f():\n    from scipy.special import xlogy", {"scipy"}),
        ("import numpy.linalg, matplotlib.pyplot", {"matplotlib"}),
        ("import sys\nfrom . import symbols\nimport lossnotes.derive", set()),
        ("try:\n    import torch\nexcept ImportError:\n    torch = None", set()),
    ],
)
def test_an_undeclared_import_is_noticed(source, found):
    assert undeclared(source, ["numpy", "sympy"]) == found


# What no file of the project says

REGISTRY = (
    r"pypi\.org|pythonhosted\.org|npmjs\.(com|org)|anaconda\.(com|org)|yarnpkg\.com"
    r"|proxy\.golang\.org|index[-_]url|find[-_]links"
)
MACHINE = (
    r"(?<![\w.~*/-])/(home|root|Users|work|mnt|var/folders)/\w"
    r"|/tmp/(ipykernel|bash)|[A-Z]:\\\\?Users|file:///\w"
)


def tracked():
    """Files of the project: what git tracks, and what it would if asked."""
    command = ["git", "-c", "safe.directory=*", "ls-files", "-co", "--exclude-standard"]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if found.returncode:
        pytest.skip("not a clone: git does not know this folder")
    return [Path(line) for line in found.stdout.splitlines() if (ROOT / line).is_file()]


def mentions(pattern, text):
    return [
        text[max(found.start() - 20, 0) : found.end() + 20] for found in re.finditer(pattern, text)
    ]


@pytest.mark.parametrize("pattern", [REGISTRY, MACHINE], ids=["registry", "machine"])
def test_no_file_names(pattern):
    """No address of a package registry, no path of somebody's machine."""
    texts = {path: (ROOT / path).read_text(errors="ignore") for path in tracked()}
    assert {path: found for path, text in texts.items() if (found := mentions(pattern, text))} == {}


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        (REGISTRY, ["https://", "pypi", ".org/simple"]),
        (REGISTRY, ["pip install --index", "-url x"]),
        (REGISTRY, ["registry.", "npmjs", ".org"]),
        (MACHINE, ["saved in /", "home/ada/book"]),
        (MACHINE, ['"/', 'root/x"']),
        (MACHINE, ["/tmp/", "ipykernel_12/3.py:1: UserWarning"]),
        (MACHINE, ["C:\\", "Users"]),
    ],
)
def test_a_forbidden_word_is_noticed(pattern, words):
    assert len(mentions(pattern, "".join(words))) == 1


def test_an_innocent_path_is_not_noticed():
    assert (
        mentions(MACHINE, "book/home/x, /usr/bin/env, https://a.b/root/x, ~/mnt/x, */root/x") == []
    )


# The one setting


def citation_faults(citation, address):
    """A citation names the version of the project, and its address as soon as there is one."""
    faults = []
    required = ("cff-version", "message", "title", "authors")
    faults += [f"no {key}" for key in required if not citation.get(key)]
    if citation.get("version") != PROJECT["version"]:
        faults.append(f"version {citation.get('version')}")
    if citation.get("repository-code", "") != address:
        faults.append(f"repository-code is not {address!r}")
    return faults


ADDRESS = yaml.safe_load((ROOT / "_config.yml").read_text())["repository"]["url"]
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text())


def test_the_citation_agrees_with_the_project():
    assert citation_faults(CITATION, ADDRESS) == []


@pytest.mark.parametrize(
    ("change", "address", "fault"),
    [
        ({"authors": []}, "", "no authors"),
        ({"version": "9.9"}, "", "version 9.9"),
        ({"repository-code": "elsewhere"}, "", "repository-code is not ''"),
        ({"repository-code": ""}, "somewhere", "repository-code is not 'somewhere'"),
    ],
)
def test_a_wrong_citation_is_noticed(change, address, fault):
    assert citation_faults(CITATION | {"repository-code": ""} | change, address) == [fault]


# What the documents promise

DOCUMENTS = [
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    ".ci/run",
    ".github/workflows/book.yml",
]


def broken_promises(text, targets):
    """Commands that make does not know, and links to files that are not there."""
    commands = re.findall(r"(?:`|^\s*|run: )make ([a-z]+)", text, re.MULTILINE)
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", text)
    faults = [f"make {name}" for name in commands if name not in targets]
    return faults + [link for link in links if not (ROOT / link).exists()]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_a_document_promises_what_there_is(document):
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert {"book", "test", "serve", "notebooks", "lint", "clean"} <= set(targets)
    assert broken_promises((ROOT / document).read_text(), targets) == []


def test_the_readme_shows_what_its_example_prints():
    assert doctest.testfile(str(ROOT / "README.md"), module_relative=False) == (0, 4)


def test_a_broken_promise_is_noticed():
    text = "Type `make coffee`, then see [this](not/there.md), [that](https://a.b) and `make book`."
    assert broken_promises(text, ["book"]) == ["make coffee", "not/there.md"]
