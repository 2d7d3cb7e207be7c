"""Sums the JUnit files of a test run and prints: skipped tests with their reasons, failed ones, and a last line with totals.

usage: totals.py RESULTS_FOLDER CTEST_JUNIT

A test program that ended without writing its results (a crash, a time limit) counts as one failed test.
"""

import pathlib
import sys
from xml.etree import ElementTree


def cases_of(path):
    """(name, kind, message) of each test case; kind is passed, failed or skipped."""
    try:
        root = ElementTree.parse(path).getroot()
    except ElementTree.ParseError:
        return []
    rows = []
    for case in root.iter("testcase"):
        name = f"{case.get('classname', path.stem)}.{case.get('name', '')}"
        trouble = case.find("failure")
        if trouble is None:
            trouble = case.find("error")
        skipped = case.find("skipped")
        if trouble is not None:
            rows.append((name, "failed", trouble.get("message") or (trouble.text or "").strip()))
        elif skipped is not None or case.get("result") == "skipped":
            message = "" if skipped is None else skipped.get("message") or (skipped.text or "").strip()
            rows.append((name, "skipped", message))
        elif case.get("status") not in ("notrun", "disabled"):
            rows.append((name, "passed", ""))
    return rows


def reason(message):
    """The line a test gave as its reason; gtest puts the place in front of it."""
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    if len(lines) > 1 and lines[0].rstrip(":0123456789").endswith((".cpp", ".hpp")):
        lines = lines[1:]
    return lines[0] if lines else "no reason given"


def programs_that_failed(path):
    try:
        root = ElementTree.parse(path).getroot()
    except (OSError, ElementTree.ParseError):
        return []
    return [case.get("name") for case in root.iter("testcase")
            if case.find("failure") is not None or case.get("status") in ("fail", "notrun")]


def main():
    results, ctest = map(pathlib.Path, sys.argv[1:3])
    rows = []
    blamed = set()
    for path in sorted(results.glob("*.xml")):
        cases = cases_of(path)
        rows += cases
        if any(kind == "failed" for _, kind, _ in cases):
            blamed.add(path.stem)
    for program in programs_that_failed(ctest):
        if program not in blamed:
            rows.append((program, "failed", "the test program ended without saying which test failed"))
    for name, kind, message in rows:
        if kind == "skipped":
            print(f"skipped: {name}: {reason(message)}")
    for name, kind, message in rows:
        if kind == "failed":
            print(f"failed: {name}: {reason(message)}")
    count = {kind: sum(row[1] == kind for row in rows) for kind in ("passed", "failed", "skipped")}
    print(f"{count['passed']} passed, {count['failed']} failed, {count['skipped']} skipped")
    return 1 if count["failed"] or not count["passed"] else 0


if __name__ == "__main__":
    sys.exit(main())
