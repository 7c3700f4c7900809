"""Submissions graded a second, and memory over time; nbgrader and otter-grader beside it.

    python benchmarks/homework.py

A class of 1000 does the homework on softmax, each with numbers of their own, and makes the usual
mistakes. The two peers grade a few right submissions of the same questions where they are on the
PATH, one after the other, as they do. Neither follows a derivation: they compare its last line with
the reference, for three classes, and leave question 2 to a person.
"""

import json
import os
import random
import re
import resource
import shutil
import subprocess
import tempfile
import threading
import time
from functools import partial
from multiprocessing import active_children
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_notebook, new_raw_cell

from lossnotes.homework.grade import draw, grade, parameters_cell, processes
from lossnotes.homework.questions import load

ASSIGNMENT = Path(__file__).parents[1] / "homework" / "softmax"
STUDENTS = 1000
WORKERS = os.cpu_count()
OF_PEERS = 5
SECRET = b"a secret of this benchmark, and of no course"

SOFTMAX = """
def softmax(scores):
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)
"""
PULL = """
def noisy_label_grad(s, lam):
    pull = ({0}) / tau
    return pull if s.ndim == 1 else pull.mean(axis=0)
"""
WEIGHTS = "lam[j]*exp(s[j]/tau)/Sum(lam[i]*exp(s[i]/tau), (i, 1, K))"
STEP = "Derivative(LSE(s/tau) - log(Sum(lam[i]*exp(s[i]/tau), (i, 1, K))), s[j])"
# What students write: the first two or three of each list are right.
GRADIENTS = [
    [STEP, f"softmax(s/tau)[j]/tau - {WEIGHTS}/tau"],
    [STEP, f"(exp(s[j]/tau)/Sum(exp(s[i]/tau), (i, 1, K)) - {WEIGHTS})/tau"],
    ["Derivative(LSE(s/tau), s[j]) - Derivative(log(Sum(lam[i]*exp(s[i]/tau), (i, 1, K))), s[j])",
     f"= 1/tau*(softmax(s/tau)[j] - {WEIGHTS})"],
    [f"softmax(s/tau)[j]/tau - {WEIGHTS}/tau"],
    [f"softmax(s/tau)[j] - {WEIGHTS}"],
    ["(softmax(s/tau)[j] - lam[j]/Sum(lam[i], (i, 1, K)))/tau"],
    [f"{WEIGHTS}/tau - softmax(s/tau)[j]/tau"],
    ["softmax(s/tau)[j"],
]  # fmt: skip
BOUNDS = [
    ["<= log(1 + exp(-margin(s, y)/tau))/log(2)", "<= log_loss(s/tau, y)/log(2)"],
    ["<= log(1 + exp(-margin(s, y)/tau))/log(2)",
     "<= log(Sum(exp((s[i] - s[y])/tau), (i, 1, K)))/log(2)",
     "= (LSE(s/tau) - s[y]/tau)/log(2)", "= log_loss(s/tau, y)/log(2)"],
    ["<= log_loss(s/tau, y)/log(2)"],
    ["<= log(1 + exp(-margin(s, y)/tau))", "<= log_loss(s/tau, y)"],
]  # fmt: skip
FUNCTIONS = [
    SOFTMAX + PULL.format("softmax(s / tau) - softmax(s / tau + np.log(lam))"),
    SOFTMAX + PULL.format("softmax(s/tau) - (w := lam * softmax(s/tau)) / w.sum(-1)[..., None]"),
    PULL.format(
        "(e := np.exp(s/tau)) / e.sum(-1)[..., None] - (w := lam*e) / w.sum(-1)[..., None]"
    ),
    SOFTMAX + PULL.format("softmax(s / tau + np.log(lam)) - softmax(s / tau)"),
    (SOFTMAX + PULL.format("softmax(s / tau) - softmax(s / tau + np.log(lam))")).replace(
        ".mean(axis=0)", ".sum(axis=0)"
    ),
    "def noisy_label_grad(s, lam): return softmax(s, tau)",
]
LEADS = [
    "tau * np.log((1 + np.exp(0.2 / tau)) / (np.exp(cost) - 1))",
    "tau * (np.log1p(np.exp(0.2 / tau)) - np.log(np.expm1(cost)))",
    "np.log((1 + np.exp(0.2)) / (np.exp(cost) - 1))",
    "3.0",
]
LESSONS = ["What stands there is the probability after the label is known. " * 4, "I am not sure."]


def choose(rng, answers, right):
    """One of the right answers for two students in three, else one of the wrong ones."""
    return rng.choice(answers[:right] if rng.random() < 2 / 3 else answers[right:])


def hand_in(folder, students):
    """The notebooks of a class; returns how many different derivations are among them."""
    assignment = load(ASSIGNMENT / "questions.toml")
    different = set()
    for number in range(students):
        name, rng = f"student {number:04}", random.Random(number)
        parameters, _ = draw(assignment, SECRET, name)
        typed = str(parameters["tau"]) if rng.random() < 0.1 else "tau"
        lines = [
            [line.replace("tau", typed) for line in choose(rng, answers, right)]
            for answers, right in ((GRADIENTS, 3), (BOUNDS, 2))
        ]
        different |= {str(each) for each in lines}
        cells = [
            "import numpy as np\nfrom lossnotes.homework import Homework\nhw = Homework()",
            parameters_cell(parameters),
            f"gradient = {lines[0]!r}",
            'hw.check("q1")',
            f"mistakes = {lines[1]!r}",
            choose(rng, FUNCTIONS, 2),
            f"lead = {choose(rng, LEADS, 2)}",
            f"lesson = {rng.choice(LESSONS)!r}",
        ]
        notebook = new_notebook(cells=[new_code_cell(cell) for cell in cells])
        nbformat.write(notebook, folder / f"{name}.ipynb")
    return [f"student {number:04}" for number in range(students)], len(different)


def memory():
    """Megabytes of this process and of those it has started: what is shared counts once."""
    waiting, total = [os.getpid()], 0
    while waiting:
        pid = waiting.pop()
        try:
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                total += int(line.split()[1]) if line.startswith("Pss:") else 0
            for children in Path(f"/proc/{pid}/task").glob("*/children"):
                waiting += map(int, children.read_text().split())
        except OSError:
            continue
    return total / 1000


def watch(results, rows, over):
    """Note time and memory whenever a tenth of the class is done."""
    start, tenth = time.perf_counter(), 0
    while not over.wait(0.2):
        done = len(os.listdir(results)) if results.exists() else 0
        if done >= STUDENTS * (tenth + 1) // 10:
            tenth = 10 * done // STUDENTS
            rows.append((done, time.perf_counter() - start, memory()))


def processor_time():
    """Seconds that the processes took which have ended by now."""
    return sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])


def ours(folder):
    handed_in, out = folder / "handed_in", folder / "grades"
    handed_in.mkdir()
    students, different = hand_in(handed_in, STUDENTS)
    rows, over = [], threading.Event()
    watcher = threading.Thread(target=watch, args=(out / "results", rows, over))
    watcher.start()
    run = partial(grade, ASSIGNMENT, handed_in, out, secret=SECRET, students=students)
    times = []
    try:
        for _ in range(2):
            start = time.perf_counter()
            statuses = run(executor=partial(processes, WORKERS))
            times.append(time.perf_counter() - start)
    finally:
        over.set()
    watcher.join()
    for process in active_children():
        process.join()
    busy = processor_time()
    print(f"lossnotes, {WORKERS} processes, {different} different derivations: {dict(statuses)}")
    print("   done    seconds   memory")
    for done, seconds, megabytes in rows:
        print(f"{done:7}{seconds:11.1f}{megabytes:6.0f} MB")
    print(f"{STUDENTS / times[0]:.1f} submissions a second, {times[0]:.0f} s in all")
    print(f"{1000 * busy / STUDENTS:.0f} ms of processor time a submission")
    print(f"again, with everything finished: {times[1]:.1f} s")


# The same questions for the peers: answers and checks.
SYMBOLS = """
import numpy as np
import sympy as sp
s, lam = sp.symbols("s0:3", real=True), sp.symbols("lam0:3", positive=True)
tau, cost = sp.Rational(5, 2), 0.3
"""
ANSWERS = {
    "q1": """
powers = [sp.exp(score / tau) for score in s]
weights = [l * power for l, power in zip(lam, powers)]
gradient = (powers[0] / sum(powers) - weights[0] / sum(weights)) / tau
""",
    "q3": FUNCTIONS[0].replace("tau", "float(tau)"),
    "q4": f"lead = {LEADS[0].replace('tau', 'float(tau)')}",
}
CHECKS = {
    "q1": """
loss = -sp.log(sum(l * sp.exp(x / tau) for l, x in zip(lam, s)) / sum(sp.exp(x / tau) for x in s))
assert sp.simplify(gradient - loss.diff(s[0])) == 0
""",
    "q3": """
rng = np.random.default_rng(0)
def reference(s, lam):
    p, q = np.exp(s / 2.5), lam * np.exp(s / 2.5)
    return (p / p.sum(-1, keepdims=True) - q / q.sum(-1, keepdims=True)) / 2.5
for shape in [(5,)] * 6 + [(4, 3)] * 3:
    x, l = rng.normal(size=shape), rng.uniform(0.1, 1, shape)
    expected = reference(x, l) if len(shape) == 1 else reference(x, l).mean(axis=0)
    assert np.allclose(noisy_label_grad(x, l), expected, rtol=1e-10)
for n in range(6):
    x, l = rng.uniform(3000, 3006, 5), rng.uniform(0.1, 1, 5)
    assert np.allclose(noisy_label_grad(x, l), reference(x - 3000, l), rtol=1e-10)
""",
    "q4": "assert np.isclose(-lead/2.5 + np.log(1 + np.exp(lead/2.5) + np.exp(0.08)), 0.3, 1e-4)",
}


def run(*command, folder):
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{command}: {done.stderr[-2000:]}")
    return done.stdout


def with_nbgrader(folder):
    """Seconds for `OF_PEERS` right submissions, on the clock and of processor time."""

    def cell(source, name, **kind):
        settings = {"grade": False, "solution": False, "locked": True, "task": False} | kind
        settings |= {"grade_id": name, "schema_version": 3}
        return new_code_cell(source, metadata={"nbgrader": settings})

    cells = [cell(SYMBOLS, "symbols")]
    for name, answer in ANSWERS.items():
        source = f"### BEGIN SOLUTION\n{answer}\n### END SOLUTION"
        cells.append(cell(source, name, solution=True, locked=False))
        cells.append(cell(CHECKS[name], f"check_{name}", grade=True, points=4))
    kernel = {"kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"}}
    notebook = new_notebook(cells=cells, metadata=kernel)
    names = [f"student{n}" for n in range(OF_PEERS)]
    for place in ("source", *(f"submitted/{name}" for name in names)):
        (folder / place / "softmax").mkdir(parents=True)
        nbformat.write(notebook, folder / place / "softmax" / "softmax.ipynb")
    run("nbgrader", "generate_assignment", "softmax", "--create", "--force", folder=folder)
    start, busy = time.perf_counter(), processor_time()
    run("nbgrader", "autograde", "softmax", folder=folder)
    seconds, busy = time.perf_counter() - start, processor_time() - busy
    graded = [path.read_text() for path in folder.glob("autograded/*/softmax/softmax.ipynb")]
    assert len(graded) == OF_PEERS and not any('"error"' in text for text in graded)
    return seconds, busy


def with_otter(folder):
    """As `with_nbgrader`; without the Docker image in which it can grade."""
    cells = [
        new_raw_cell("# ASSIGNMENT CONFIG\ngenerate: true\nrun_tests: false\nexport_cell: false"),
        new_code_cell(SYMBOLS),
    ]
    for name, answer in ANSWERS.items():
        cells += [
            new_raw_cell(f"# BEGIN QUESTION\nname: {name}\npoints: 4"),
            new_raw_cell("# BEGIN SOLUTION"),
            new_code_cell(answer),
            new_raw_cell("# END SOLUTION"),
            new_raw_cell("# BEGIN TESTS"),
            new_code_cell(CHECKS[name]),
            new_raw_cell("# END TESTS"),
            new_raw_cell("# END QUESTION"),
        ]
    kernel = {"kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"}}
    nbformat.write(new_notebook(cells=cells, metadata=kernel), folder / "softmax.ipynb")
    run("otter", "assign", "softmax.ipynb", "out", folder=folder)
    (archive,) = (folder / "out" / "autograder").glob("*autograder*.zip")
    solved = folder / "out" / "autograder" / "softmax.ipynb"
    start, busy = time.perf_counter(), processor_time()
    for _ in range(OF_PEERS):
        run("otter", "run", "-a", str(archive), "--no-logo", str(solved), folder=folder)
    seconds, busy = time.perf_counter() - start, processor_time() - busy
    tests = json.loads((folder / "results.json").read_text())["tests"]
    assert sum(test.get("score", 0) for test in tests) == 12, tests
    return seconds, busy


def main():
    with tempfile.TemporaryDirectory() as folder:
        ours(Path(folder))
    for peer, measure in {"nbgrader": with_nbgrader, "otter": with_otter}.items():
        if not shutil.which(peer):
            print(f"{peer} is not on the PATH: not measured")
            continue
        with tempfile.TemporaryDirectory() as folder:
            seconds, busy = (total / OF_PEERS for total in measure(Path(folder)))
        told = run(peer, "--version", folder=".")
        version = re.search(rf"{peer}.* version:? (\S+)", told, re.IGNORECASE)[1]
        print(f"{peer} {version}: {seconds:.1f} s a submission, {busy:.1f} s of processor time")


if __name__ == "__main__":
    main()
