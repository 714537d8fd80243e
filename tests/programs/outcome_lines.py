# SPDX-License-Identifier: MIT
"""A plugin for pytest: prints a line for each phase of each test when all are done."""
lines = []


def pytest_runtest_logreport(report):
    # a test is called by its place in its package, wherever that is installed
    lines.append(f"outcome: {report.nodeid.replace('../', '')} {report.when} {getattr(report, 'wasxfail', '') and 'x'}{report.outcome}")


def pytest_terminal_summary(terminalreporter):
    for line in lines:
        terminalreporter.write_line(line)
