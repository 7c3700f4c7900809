"""The longest files run first; what was measured and skipped is said once, at the end."""

from collections import Counter

# A worker takes a file at a time: one of these begun last would leave the others without work.
LONGEST = [
    "test_book",
    "test_mutants",
    "test_fuzz",
    "test_assignments",
    "test_grade",
    "test_sandbox",
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


def pytest_collection_modifyitems(items):
    """Begin with the files that take longest; the order within a file stays."""
    order = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: order.get(item.path.stem, len(order)))


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
