"""How a study is kept: a plan, and then one line for each run. Chapters: smoothing, mimic.

A study is a folder:

    plan.toml      what is asked, by which runs, and how it will be decided; committed before them
    train.py       run(configuration) computes the figures of one run, a dictionary of numbers
    results.jsonl  a line a run: its configuration, figures, processor time, versions and code

Each `[[grid]]` of the plan lists the values of every key of a configuration, and asks for all their
combinations. One key is the seed. What train.py needs beside NumPy is imported there alone.
"""

import ast
import functools
import hashlib
import importlib.util
import itertools
import json
import math
import os
import platform
import time
import tomllib
from collections import Counter
from importlib.metadata import version
from pathlib import Path

import mpmath
import numpy as np

ROOT = Path(__file__).parents[2]  # of the clone, in which the folder studies/ lies


class StudyError(Exception):
    """A study that cannot be read or computed, in one line."""


class Study:
    """The study in a folder; `plan` is what its plan says.

    Raises StudyError for a folder without a plan, and for a plan without runs.
    """

    def __init__(self, folder):
        self.folder = Path(folder)
        self.results = self.folder / "results.jsonl"
        try:
            self.plan = tomllib.loads((self.folder / "plan.toml").read_text(encoding="utf-8"))
            self.configurations = _configurations(self.plan)
        except (OSError, KeyError, ValueError) as error:
            raise StudyError(f"no plan of a study in {self.folder}: {error}") from None

    def lines(self):
        """The lines of the record, in the order in which they were written.

        A last line that a kill has torn is left out. Any other that is none is a StudyError.
        """
        return self._read()[0]

    def code(self):
        """The sha256 of train.py and of each module of lossnotes that it imports itself."""
        sources = [self.folder / "train.py", *_modules(self.folder / "train.py")]
        digests = [hashlib.sha256(path.read_bytes()).digest() for path in sources]
        return hashlib.sha256(b"".join(digests)).hexdigest()

    def missing(self):
        """The configurations of the plan that have no line yet."""
        done = {_key(line["configuration"]) for line in self.lines()}
        return [each for each in self.configurations if _key(each) not in done]

    def run(self, run_all, executor):
        """Compute what is missing; each line is kept before it is given.

        run_all, executor: as in `lossnotes.homework.grade`. A kill at any moment loses the runs
        under way and nothing else. Raises StudyError where lines are there that other code has
        computed, and for a run that kills its process.
        """
        code = self.code()
        lines, length = self._read()
        if any(line["code"] != code for line in lines):
            raise StudyError(f"{self.results} is by other code: move it away to begin anew")
        jobs = ((self.folder, each) for each in self.missing())
        with open(self.results, "ab", buffering=0) as file:
            file.truncate(length)
            for (_, configuration), line in run_all(compute, jobs, executor):
                if line is None:
                    raise StudyError(f"the process died of {configuration}")
                if line["code"] != code:
                    raise StudyError("the workers have another train.py")
                file.write(json.dumps(line, allow_nan=False).encode() + b"\n")
                os.fsync(file)
                yield line

    def faults(self):
        """What is wrong with the record: a list of sentences, empty if nothing is."""
        lines, length = self._read()
        wanted = {_key(each) for each in self.configurations}
        counted = Counter(_key(line["configuration"]) for line in lines)
        code = self.code()
        found = {
            "runs of the plan are missing": wanted - counted.keys(),
            "runs are not in the plan": counted.keys() - wanted,
            "runs have more than one line": {key for key, times in counted.items() if times > 1},
            "runs are by other code": {
                _key(line["configuration"]) for line in lines if line["code"] != code
            },
        }
        torn = self.results.exists() and length < self.results.stat().st_size
        return ["the last line is torn"] * torn + [
            f"{len(keys)} {what}, such as {min(keys)}" for what, keys in found.items() if keys
        ]

    def array(self, figure, *keys, **fixed):
        """A figure of all runs with the fixed values, as an array with an axis for each key.

        The values along an axis are in the order of the plan: see `values`. A figure that was not
        finite is NaN. The record is read once, for all arrays. Raises StudyError where a place has
        no run, or several.
        """
        axes = [self.values(key, **fixed) for key in keys]
        result = np.full([len(axis) for axis in axes], np.nan)
        filled = np.zeros(result.shape, int)
        for line in self._lines:
            configuration = line["configuration"]
            if not _has(configuration, fixed):
                continue
            place = tuple(
                axis.index(configuration[key]) for axis, key in zip(axes, keys, strict=True)
            )
            if figure not in line["figures"]:
                raise StudyError(f"no {figure!r} among {', '.join(line['figures'])}")
            result[place] = _number(line["figures"][figure])
            filled[place] += 1
        if result.size == 0 or (filled != 1).any():
            raise StudyError(f"not one run for each {', '.join(keys)} where {fixed}")
        return result

    def choose(self, figure, key, **fixed):
        """The value of a key whose runs have the largest mean figure over seeds, and a warning.

        fixed: all other keys but the seed. Of several the first value is chosen. The warning is
        whether it is the first or the last of all: a better one may lie beyond.
        """
        values = self.values(key, **fixed)
        place = int(self.array(figure, key, "seed", **fixed).mean(axis=1).argmax())
        return values[place], place in (0, len(values) - 1)

    def values(self, key, **fixed):
        """The values of a key in the runs of the plan with the fixed values, in its order."""
        some = (each for each in self.configurations if _has(each, fixed))
        return list(dict.fromkeys(each[key] for each in some))

    @functools.cached_property
    def _lines(self):
        return self.lines()

    def unlike(self, line):
        """Figures of a run done again that are off by more than the record's own spread.

        The spread of a figure is its range over the runs that differ in the seed alone, the run
        itself among them. Result: sentences. Raises StudyError if there is no such run.
        """
        own = line["configuration"]
        kin = [
            each
            for each in self.lines()
            if each["configuration"] | {"seed": None} == own | {"seed": None}
        ]
        if own not in (former := [each["configuration"] for each in kin]):
            raise StudyError(f"no run {_key(own)}")
        before = kin[former.index(own)]["figures"]
        said = []
        for name in before.keys() | line["figures"].keys():
            then, now = (_number(of.get(name)) for of in (before, line["figures"]))
            spread = np.ptp([_number(each["figures"].get(name)) for each in kin])
            if not (abs(now - then) <= spread or then is now is math.nan):
                said.append(f"{name} was {then:.6g} and is {now:.6g}; the spread is {spread:.2g}")
        return sorted(said)

    def _read(self):
        """The lines, and how many bytes they take: what follows is torn."""
        data = self.results.read_bytes() if self.results.exists() else b""
        try:
            return _parsed(data)
        except ValueError as error:
            raise StudyError(f"{self.results}, {error}") from None


def compute(folder, configuration):
    """The line of one run, computed now. Raises StudyError if train.py lacks a package."""
    study = Study(folder)
    code, train = study.code(), _train(Path(folder, "train.py"))
    start = time.process_time()
    figures = train.run(configuration)
    return {
        "configuration": configuration,
        "figures": {name: _finite(figure) for name, figure in figures.items()},
        "seconds": round(time.process_time() - start, 3),
        "code": code,
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in study.plan["packages"]},
        },
    }


def interval(values):
    """The mean of independent values, and half the width of Student's 95 % interval of it.

    values: (n,), at least two; of paired runs, their differences. Result: two floats.
    """
    values = np.asarray(values, dtype=float)
    error = values.std(ddof=1) / math.sqrt(len(values))
    return float(values.mean()), float(student(len(values) - 1) * error)


@functools.cache
def student(freedom):
    """The t that a t-distributed number exceeds in size with the probability .05.

    freedom: its degrees of freedom, a positive integer.
    """

    def beyond(t):
        part = freedom / (freedom + t**2)
        return mpmath.betainc(freedom / 2, 0.5, 0, part, regularized=True) - 0.05

    return float(mpmath.findroot(beyond, (1.9, 13), solver="ridder"))


def _configurations(plan):
    """All combinations that the plan asks for, each once."""
    combinations = {}
    for grid in plan["grid"]:
        lists = [values if isinstance(values, list) else [values] for values in grid.values()]
        for values in itertools.product(*lists):
            configuration = dict(zip(grid, values, strict=True))
            if "seed" not in configuration:
                raise ValueError(f"a run without a seed: {configuration}")
            combinations[_key(configuration)] = configuration
    return list(combinations.values())


def _parsed(data):
    """The lines of a record and how many bytes they take. A torn one is the last."""
    lines, length = [], 0
    pieces = data.splitlines(keepends=True)
    for number, piece in enumerate(pieces, 1):
        try:
            if not piece.endswith(b"\n"):
                raise ValueError
            lines.append(json.loads(piece))
        except ValueError:
            if number < len(pieces):
                raise ValueError(f"line {number}: not a run") from None
            break
        length += len(piece)
    return lines, length


def _key(configuration):
    return json.dumps(configuration, sort_keys=True)


def _has(configuration, fixed):
    return fixed.items() <= configuration.items()


def _finite(figure):
    """A number as JSON has it, to six digits: what is not finite is null."""
    return float(f"{figure:.6g}") if math.isfinite(figure) else None


def _number(figure):
    return math.nan if figure is None else figure


def _modules(path):
    """The files of the modules of lossnotes that the code in a file imports."""
    names = set()
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    files = (ROOT / f"{name.replace('.', '/')}.py" for name in sorted(names))
    return [file for file in files if file.is_relative_to(ROOT / "lossnotes") and file.exists()]


@functools.cache
def _train(path):
    """The module train.py of a study. It is run once a process, for all runs."""
    spec = importlib.util.spec_from_file_location(f"train_{path.parent.name}", path)
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except ModuleNotFoundError as error:
        raise StudyError(f'{error.name} is missing: pip install "lossnotes[studies]"') from None
    return module
