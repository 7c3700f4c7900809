"""Every notebook is complete, in order, open to the reader, and the same in every run."""

import ast
import re
from functools import cache
from pathlib import Path

import nbformat
import pytest
from IPython.core.displayhook import DisplayHook
from IPython.core.inputtransformer2 import TransformerManager
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

BOOK = Path(__file__).parents[1] / "book"
NOTEBOOKS = sorted(path for path in BOOK.rglob("*.ipynb") if ".ipynb_checkpoints" not in path.parts)
CHAPTERS = [path for path in NOTEBOOKS if path.parent != BOOK]


@cache
def read(path):
    return nbformat.read(path, as_version=4)


def named(path):
    return path.relative_to(BOOK).with_suffix("").as_posix()


each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=named)
each_chapter = pytest.mark.parametrize("path", CHAPTERS, ids=named)


def code(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def notebook(*cells):
    """A notebook of these cells; a string is a code cell that has run in its turn."""
    cells = [
        new_code_cell(cell, execution_count=count) if isinstance(cell, str) else cell
        for count, cell in enumerate(cells, start=1)
    ]
    return new_notebook(cells=cells)


def test_the_book_has_notebooks():
    assert len(NOTEBOOKS) >= 1 and len(CHAPTERS) >= 1


# Run, in order, and compared


def out_of_order(notebook):
    counts = [cell.execution_count for cell in code(notebook)]
    return counts if counts != list(range(1, len(counts) + 1)) else []


@each_notebook
def test_every_code_cell_ran_in_order(path):
    assert code(read(path)) and out_of_order(read(path)) == []


@pytest.mark.parametrize("counts", [[None], [1, None], [2, 1], [1, 3], [2, 3], [1, 1]])
def test_a_cell_out_of_order_is_noticed(counts):
    cells = [new_code_cell("x", execution_count=count) for count in counts]
    assert out_of_order(notebook(*cells)) == counts


def errors(notebook):
    return [
        out.ename for cell in code(notebook) for out in cell.outputs if out.output_type == "error"
    ]


@each_notebook
def test_no_cell_ended_in_an_error(path):
    assert errors(read(path)) == []


def test_an_error_is_noticed():
    cell = new_code_cell("1 / 0", outputs=[new_output("error", ename="ZeroDivisionError")])
    assert errors(notebook(cell)) == ["ZeroDivisionError"]


def not_compared(notebook):
    """Cells that ask nbval to look away, by a tag or by a comment."""
    return [
        cell.source
        for cell in code(notebook)
        if re.search(r"#\s*(NBVAL|PYTEST_VALIDATE)_", cell.source)
        or any(
            tag == "raises-exception" or tag.replace("_", "-").startswith("nbval-")
            for tag in (tag.lower() for tag in cell.metadata.get("tags", []))
        )
    ]


@each_notebook
def test_every_output_is_compared(path):
    assert not_compared(read(path)) == []


@pytest.mark.parametrize(
    "cell",
    [
        new_code_cell("# NBVAL_IGNORE_OUTPUT\nx"),
        new_code_cell("x  # NBVAL_SKIP"),
        new_code_cell("x", metadata={"tags": ["nbval-skip"]}),
        new_code_cell("x", metadata={"tags": ["nbval-ignore-output"]}),
        new_code_cell("x", metadata={"tags": ["raises-exception"]}),
    ],
)
def test_an_output_that_is_not_compared_is_noticed(cell):
    assert not_compared(notebook(cell)) == [cell.source]


def relying_on_semicolons(notebook):
    """Cells whose last value only Jupyter hides; nbval compares it, address in memory and all."""
    return [
        cell.source
        for cell in code(notebook)
        if DisplayHook.semicolon_at_end_of_expression(cell.source)
    ]


@each_notebook
def test_no_cell_ends_in_a_semicolon(path):
    """End a picture with `plt.show()`, which has no value to hide."""
    assert relying_on_semicolons(read(path)) == []


@pytest.mark.parametrize("source", ["ax.legend();", "x = 1\nx;  # done", "f(\n    x\n);\n"])
def test_a_semicolon_is_noticed(source):
    assert relying_on_semicolons(notebook(source, "a = 1; b = 2", "print(';')")) == [source]


# Open to the reader


FOLDED = "hide-input"


def is_picture(cell):
    return any(kind.startswith("image/") for out in cell.outputs for kind in out.get("data", {}))


def is_imports(cell):
    """Nothing but imports and the look of the pictures."""
    lines = ast.parse(TransformerManager().transform_cell(cell.source)).body
    imports = [isinstance(line, ast.Import | ast.ImportFrom) for line in lines]
    return any(imports) and all(
        imported or ast.unparse(line) == "figures.style()"
        for imported, line in zip(imports, lines, strict=True)
    )


def hidden(notebook):
    """Cells out of sight, but for the code of a picture and imports, which are one click away."""

    def tags(cell):
        folded = cell.cell_type == "code" and (is_picture(cell) or is_imports(cell))
        return [tag for tag in cell.metadata.get("tags", []) if not (folded and tag == FOLDED)]

    return [
        cell.source
        for cell in notebook.cells
        if any(tag.startswith(("hide", "remove")) for tag in tags(cell))
        or any(cell.metadata.get("jupyter", {}).values())
        or cell.metadata.get("collapsed")
    ]


@each_notebook
def test_no_cell_is_hidden(path):
    assert hidden(read(path)) == []


@pytest.mark.parametrize(
    "metadata",
    [
        {"tags": ["hide-input"]},
        {"tags": ["plot", "remove-cell"]},
        {"tags": ["hide_output"]},
        {"jupyter": {"source_hidden": True}},
        {"jupyter": {"outputs_hidden": True}},
        {"collapsed": True},
    ],
)
def test_a_hidden_cell_is_noticed(metadata):
    assert hidden(notebook(new_code_cell("x", metadata=metadata))) == ["x"]


PICTURE = [new_output("display_data", {"image/png": "..."})]


def test_the_code_of_a_picture_may_be_folded_and_not_its_picture():
    cells = [
        new_code_cell("plot()", outputs=PICTURE, metadata={"tags": [tag]})
        for tag in (FOLDED, "hide-output", "hide-cell")
    ]
    assert len(hidden(notebook(*cells))) == 2


def not_folded(notebook):
    return [
        cell.source
        for cell in code(notebook)
        if (is_picture(cell) or is_imports(cell)) and FOLDED not in cell.metadata.get("tags", [])
    ]


@each_notebook
def test_the_code_of_pictures_and_the_imports_are_folded(path):
    assert not_folded(read(path)) == []


@pytest.mark.parametrize(
    "cell",
    [
        new_code_cell("plot()", outputs=PICTURE),
        new_code_cell("import numpy as np\nfrom lossnotes import figures\n\nfigures.style()"),
    ],
)
def test_what_should_be_folded_is_noticed(cell):
    assert not_folded(notebook(cell)) == [cell.source]


def long(notebook):
    return [cell.source for cell in code(notebook) if len(cell.source.splitlines()) > 25]


@each_notebook
def test_no_cell_is_longer_than_25_lines(path):
    assert long(read(path)) == []


def test_a_long_cell_is_noticed():
    lines = ["x"] * 26
    assert long(notebook("\n".join(lines), "\n".join(lines[1:]))) == ["\n".join(lines)]


def images_without_words(notebook):
    return [
        cell.source
        for cell in code(notebook)
        if any(kind.startswith("image/") for out in cell.outputs for kind in out.get("data", {}))
        and not str(cell.metadata.get("mystnb", {}).get("image", {}).get("alt") or "").strip()
    ]


@each_notebook
def test_every_picture_is_also_told_in_words(path):
    assert images_without_words(read(path)) == []


@pytest.mark.parametrize("kind", ["image/png", "image/svg+xml"])
@pytest.mark.parametrize("metadata", [{}, {"mystnb": {"image": {"alt": " "}}}])
def test_a_picture_without_words_is_noticed(kind, metadata):
    outputs = [new_output("display_data", {kind: "..."})]
    cell = new_code_cell("plot()", outputs=outputs, metadata=metadata)
    assert images_without_words(notebook(cell)) == ["plot()"]


def test_a_picture_with_words_passes():
    outputs = [new_output("display_data", {"image/png": "..."})]
    metadata = {"mystnb": {"image": {"alt": "A line that rises."}}}
    assert (
        images_without_words(notebook(new_code_cell("x", outputs=outputs, metadata=metadata))) == []
    )


# The same in every run, and nothing from elsewhere


def tree(notebook):
    """The code of a notebook as one syntax tree; magics and shell lines become calls."""
    transform = TransformerManager().transform_cell
    return ast.parse("\n".join(transform(cell.source) for cell in code(notebook)))


def full_names(tree):
    """What a name stands for after the imports, say np for numpy."""
    names = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.partition(".")[0]
                names[alias.asname or top] = alias.name if alias.asname else top
        elif isinstance(node, ast.ImportFrom) and not node.level:
            for alias in node.names:
                names[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return names


def full_name(node, names):
    if isinstance(node, ast.Name):
        return names.get(node.id, "")
    if isinstance(node, ast.Attribute) and (owner := full_name(node.value, names)):
        return f"{owner}.{node.attr}"
    return ""


SEEDED = ["default_rng", "SeedSequence", "PCG64", "PCG64DXSM", "Philox", "MT19937", "SFC64"]


def unseeded(notebook):
    """Draws that differ from run to run, or that share a hidden state."""
    code = tree(notebook)
    names, faults = full_names(code), []
    for node in ast.walk(code):
        name = full_name(node, names)
        if name.partition(".")[0] in ("random", "secrets", "uuid"):
            faults.append(ast.unparse(node))
        elif re.fullmatch(r"numpy\.random\.\w+", name):
            if name.rpartition(".")[2] not in [*SEEDED, "Generator", "BitGenerator"]:
                faults.append(ast.unparse(node))
        elif isinstance(node, ast.Call):
            name = full_name(node.func, names)
            seeds = [*node.args, *(word.value for word in node.keywords)]
            nothing = all(isinstance(seed, ast.Constant) and seed.value is None for seed in seeds)
            if name in [f"numpy.random.{seeded}" for seeded in SEEDED] and nothing:
                faults.append(ast.unparse(node))
    return faults


@each_notebook
def test_every_generator_is_seeded(path):
    assert unseeded(read(path)) == []


@pytest.mark.parametrize(
    "source",
    [
        "import numpy as np\nnp.random.rand(3)",
        "import numpy as np\nnp.random.seed(0)",
        "import numpy\nnumpy.random.RandomState(0)",
        "import numpy as np\nnp.random.default_rng()",
        "import numpy as np\nnp.random.default_rng(None)",
        "import numpy as np\nnp.random.default_rng(seed=None)",
        "import numpy as np\nnp.random.Generator(np.random.PCG64())",
        "from numpy.random import default_rng as rng\nrng()",
        "from numpy import random\nrandom.normal()",
        "import numpy.random as nr\nnr.shuffle([1])",
        "from numpy.random import rand\nrand()",
        "import random\nrandom.random()",
        "from random import choice\nchoice([1])",
    ],
)
def test_an_unseeded_generator_is_noticed(source):
    imports, use = source.split("\n")
    assert unseeded(notebook(imports, use))


@pytest.mark.parametrize("seed", ["0", "seed=462", "seed", "[1, 2]"])
def test_a_seeded_generator_passes(seed):
    source = f"import numpy as np\nseed = 1\nrng = np.random.default_rng({seed})\nrng.random()"
    assert unseeded(notebook(source)) == []


OUTSIDE = {"subprocess", "urllib", "requests", "httpx", "socket", "http", "pip"}


def reaching_out(notebook):
    """Shell lines, magics that are not about pictures, and modules that leave the notebook."""
    code = tree(notebook)
    names, faults = full_names(code), []
    for node in ast.walk(code):
        if isinstance(node, ast.Import | ast.ImportFrom):
            modules = [alias.name for alias in node.names]
            modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else modules
            if any(module.partition(".")[0] in OUTSIDE for module in modules):
                faults.append(ast.unparse(node))
        elif isinstance(node, ast.Call) and "get_ipython" in ast.unparse(node.func):
            magic = node.args and getattr(node.args[0], "value", "")
            if isinstance(node.func, ast.Attribute) and magic not in ("config", "matplotlib"):
                faults.append(ast.unparse(node))
        elif isinstance(node, ast.Call) and full_name(node.func, names) in (
            "os.system",
            "os.popen",
        ):
            faults.append(ast.unparse(node))
    return faults


@each_notebook
def test_no_cell_installs_or_downloads(path):
    assert reaching_out(read(path)) == []


@pytest.mark.parametrize(
    "source",
    [
        "!pip install numpy",
        "%pip install numpy",
        "%conda install numpy",
        "%%bash\nls",
        "files = !ls",
        "import subprocess",
        "from urllib.request import urlopen",
        "import os\nos.system('ls')",
    ],
)
def test_a_cell_that_installs_or_downloads_is_noticed(source):
    assert len(reaching_out(notebook(source))) == 1


def test_a_magic_about_pictures_passes():
    assert reaching_out(notebook("%config InlineBackend.figure_format = 'svg'")) == []


# Exercises


def exercise_faults(notebook):
    """Fewer than five exercises, or an exercise and a solution that do not belong together."""
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    options = re.findall(r"\{exercise(?:-start)?\}.*\n((?::.*\n)*)", text)
    labels = [re.search(r"^:label: *(\S+)", option, re.MULTILINE) for option in options]
    exercises = [label[1] if label else "" for label in labels]
    solutions = re.findall(r"\{solution(?:-start)?\} *(\S+)", text)
    faults = [f"only {len(exercises)} exercises"] if len(exercises) < 5 else []
    faults += [f"twice: {name}" for name in sorted(set(solutions)) if solutions.count(name) > 1]
    faults += ["no label" for name in exercises if not name]
    faults += [f"no solution: {name}" for name in exercises if name and name not in solutions]
    return faults + [f"no exercise: {name}" for name in solutions if name not in exercises]


@each_chapter
def test_a_chapter_has_five_exercises_with_solutions(path):
    assert exercise_faults(read(path)) == []


def exercises(names, solutions):
    text = [
        f"```{{exercise}} A bound on $e^{{x}}$\n:label: {name}\nShow it.\n```" for name in names
    ]
    text += [f"````{{solution-start}} {name}\n:class: dropdown\n````" for name in solutions]
    return notebook(*(new_markdown_cell(cell) for cell in text))


@pytest.mark.parametrize(
    ("names", "solutions", "fault"),
    [
        ("abcd", "abcd", "only 4 exercises"),
        ("abcde", "abcd", "no solution: e"),
        ("abcde", "abcdef", "no exercise: f"),
        ("abcde", "abcdee", "twice: e"),
        (["a", "b", "c", "d", "e", ""], "abcde", "no label"),
    ],
)
def test_a_missing_exercise_or_solution_is_noticed(names, solutions, fault):
    assert exercise_faults(exercises(names, solutions)) == [fault]


def test_five_exercises_with_solutions_pass():
    assert exercise_faults(exercises("abcde", "abcde")) == []
