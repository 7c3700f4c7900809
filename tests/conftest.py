"""The longest files run first; what was measured and skipped is said once, at the end."""

import gc
import re
from collections import Counter
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from jupyter_client.provisioning import KernelProvisionerFactory
from xdist.scheduler import LoadFileScheduling

# The book alone is as much work as all the rest, so it is for four workers: each of these parts of
# its tests, by a word between the brackets of their names, and what is left.
PARTS = {"light": "pages", "dark": "pages", "python": "python", "paper": "paper"}

# A worker takes a share at a time: one of these begun last would leave the others without work.
LONGEST = [
    "pages",
    "test_mutants",
    "test_fuzz",
    "python",
    "paper",
    "test_assignments",
    "test_bounds",
    "test_book",
    "test_sandbox",
    "test_grade",
    "contrastive",
    "novel_losses",
    "test_hostile",
    "test_strangers",
    "test_check",
    "backprop",
    "test_accuracy",
    "test_record",
    "kde",
    "smoothing",
    "sgd",
    "test_portrait",
    "continuous_categorical",
]


def pytest_configure():
    """Notebooks run in kernels that are forked."""
    factory = KernelProvisionerFactory.instance()
    factory.provisioners["forked"] = EntryPoint(
        "forked", "tests.kernels:Forked", factory.GROUP_NAME
    )
    factory.default_provisioner_name = "forked"


def share(nodeid):
    """What one worker takes at a time: a file, or a part of the tests of the book."""
    file, _, test = nodeid.partition("::")
    if file.endswith("test_book.py"):
        words = re.split(r"[][-]", test)
        file = next((PARTS[word] for word in words if word in PARTS), file)
    return file


class Shares(LoadFileScheduling):
    def _split_scope(self, nodeid):
        return share(nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    return Shares(config, log)


def pytest_collection_finish():
    """SymPy's caches keep what it makes: to look for garbage there is up to a tenth of the time."""
    gc.freeze()
    gc.set_threshold(200_000, 20, 20)


def pytest_unconfigure():
    """What is in memory at the end goes with its process: nobody looks for garbage in it before."""
    gc.freeze()


def pytest_collection_modifyitems(items):
    """Begin with what takes longest, then the notebooks; the order within a share stays."""
    order = {name: place for place, name in enumerate(LONGEST)}

    def place(item):
        file = Path(share(item.nodeid))
        return order.get(file.stem, len(order) + (file.suffix != ".ipynb"))

    items.sort(key=place)


def pytest_terminal_summary(terminalreporter):
    """A line for every `record_property("measured", line)`, and one for each reason to skip."""
    reports = [report for group in terminalreporter.stats.values() for report in group]
    measured = [
        line
        for report in reports
        if getattr(report, "when", None) == "call"
        for name, line in report.user_properties
        if name == "measured"
    ]
    skipped = Counter(report.longrepr[2] for report in terminalreporter.stats.get("skipped", []))
    for title, lines in (
        ("measured", sorted(measured)),
        ("skipped", [f"{count} tests: {reason}" for reason, count in skipped.items()]),
    ):
        if lines:
            terminalreporter.section(title)
            for line in lines:
                terminalreporter.line(line)
