// Compiles packages and modules for the page, by the Python that the page has:
//     node compile.mjs folder-of-pyodide target.zip root package module.py ...
// Only bytecode is packed, without docstrings and tests: that is what a page has to load.
import { writeFileSync } from "node:fs";
import { join } from "node:path";

const [pyodide, target, root, ...names] = process.argv.slice(2);
const { loadPyodide } = await import(join(pyodide, "pyodide.mjs"));
const python = await loadPyodide();
python.FS.mkdir("/sources");
python.mountNodeFS("/sources", root);
const pack = python.runPython(`
import io
import zipfile
from importlib._bootstrap_external import _code_to_timestamp_pyc
from pathlib import Path


def pack(*names):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            path = Path("/sources", name)
            for source in sorted([path] if path.is_file() else path.rglob("*.py")):
                inside = source.relative_to("/sources")
                if "tests" not in inside.parts:
                    code = compile(source.read_bytes(), inside, "exec", optimize=2)
                    entry = zipfile.ZipInfo(str(inside.with_suffix(".pyc")))  # without a date
                    entry.compress_type = zipfile.ZIP_DEFLATED
                    archive.writestr(entry, _code_to_timestamp_pyc(code))
    return file.getvalue()


pack
`);
writeFileSync(target, pack(...names).toJs());
