"""What the tests measured, and why some were skipped, is said once, after they have run."""

from collections import Counter


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
