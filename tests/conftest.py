"""The longest files run first; what was measured and skipped is said once, at the end."""

from collections import Counter

import pytest
from xdist.scheduler import LoadGroupScheduling

# The book is checked by four workers: what needs one of these fixtures is for a worker of its own.
APART = ["visit", "workbench", "printed"]

# A worker takes a file at a time: one of these begun last would leave the others without work.
LONGEST = [
    "visit",
    "test_mutants",
    "test_fuzz",
    "test_assignments",
    "test_grade",
    "workbench",
    "test_sandbox",
    "printed",
    "test_book",
    "test_hostile",
    "test_check",
    "test_strangers",
    "test_bounds",
    "test_build",
    "test_accuracy",
    "test_cli",
    "test_integrals",
    "continuous_categorical",
    "kde",
]


class FilesAndGroups(LoadGroupScheduling):
    """A worker takes a group at a time, and of tests that are in none a file."""

    def _split_scope(self, nodeid):
        scope = super()._split_scope(nodeid)
        return nodeid.partition("::")[0] if scope == nodeid else scope


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    return FilesAndGroups(config, log)


@pytest.hookimpl(tryfirst=True)  # before xdist looks at the groups
def pytest_collection_modifyitems(items):
    """Begin with what takes longest; the order within a file or group stays."""
    order = {name: place for place, name in enumerate(LONGEST)}
    places = {}
    for item in items:
        needed = getattr(item, "fixturenames", ())
        group = next((fixture for fixture in APART if fixture in needed), None)
        if group:
            item.add_marker(pytest.mark.xdist_group(group))
        places[item] = order.get(group or item.path.stem, len(order))
    items.sort(key=places.get)


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
