"""What the tests measured is printed after they have run, also when several processes ran them."""


def pytest_terminal_summary(terminalreporter):
    """Every `record_property("measured", line)` becomes a line at the end of the output."""
    reports = [report for group in terminalreporter.stats.values() for report in group]
    lines = [
        line
        for report in reports
        if getattr(report, "when", None) == "call"
        for name, line in report.user_properties
        if name == "measured"
    ]
    if lines:
        terminalreporter.section("measured")
        for line in sorted(lines):
            terminalreporter.line(line)
