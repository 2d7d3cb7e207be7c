#!/usr/bin/python3
"""Runs one file of Python tests, prints what happened and writes the counts as JUnit XML.

usage: run_unittest.py TEST_FILE [--results FILE.xml] [NAME ...]
"""

import argparse
import importlib.util
import os
import pathlib
import sys
import time
import traceback
import unittest
from xml.etree import ElementTree


class Recorder(unittest.TextTestResult):
    """Keeps one row per test: (test, seconds, kind, text); kind is None for a pass."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.rows = []
        self.started = 0.0

    def startTest(self, test):
        super().startTest(test)
        self.started = time.monotonic()

    def note(self, test, kind, text):
        self.rows.append((test, time.monotonic() - self.started, kind, text))

    def addSuccess(self, test):
        super().addSuccess(test)
        self.note(test, None, "")

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.note(test, "failure", "".join(traceback.format_exception(*err)))

    def addError(self, test, err):
        super().addError(test, err)
        self.note(test, "error", "".join(traceback.format_exception(*err)))

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.note(test, "skipped", reason)

    def addExpectedFailure(self, test, err):
        super().addExpectedFailure(test, err)
        self.note(test, None, "")

    def addUnexpectedSuccess(self, test):
        super().addUnexpectedSuccess(test)
        self.note(test, "failure", "passed, though it was expected to fail")

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            kind = "failure" if issubclass(err[0], test.failureException) else "error"
            self.note(subtest, kind, "".join(traceback.format_exception(*err)))


def load(path):
    sys.path.insert(0, str(path.parent))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def printable(text):
    return "".join(c if c in "\t\n" or c.isprintable() else f"\\x{ord(c):02x}" for c in text)


def write_results(path, name, result, seconds):
    count = {kind: sum(row[2] == kind for row in result.rows) for kind in ("failure", "error", "skipped")}
    suite = ElementTree.Element("testsuite", name=name, tests=str(len(result.rows)), failures=str(count["failure"]),
                                errors=str(count["error"]), skipped=str(count["skipped"]), time=f"{seconds:.3f}")
    for test, took, kind, text in result.rows:
        case = ElementTree.SubElement(suite, "testcase", classname=name, name=test.id().split(".", 1)[-1],
                                      time=f"{took:.3f}")
        if kind is not None:
            first_line = text.strip().splitlines()[-1] if text.strip() else kind
            ElementTree.SubElement(case, kind, message=printable(first_line)).text = printable(text)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(f".{os.getpid()}.part")
    ElementTree.ElementTree(suite).write(part, encoding="utf-8", xml_declaration=True)
    part.replace(path)


def main():
    parser = argparse.ArgumentParser(description="run one file of Python tests")
    parser.add_argument("file", type=pathlib.Path)
    parser.add_argument("--results", type=pathlib.Path)
    parser.add_argument("names", nargs="*", help="only these tests (Class or Class.test)")
    chosen = parser.parse_args()
    module = load(chosen.file.resolve())
    loader = unittest.defaultTestLoader
    suite = loader.loadTestsFromNames(chosen.names, module) if chosen.names else loader.loadTestsFromModule(module)
    started = time.monotonic()
    result = unittest.TextTestRunner(resultclass=Recorder, verbosity=2).run(suite)
    if chosen.results:
        write_results(chosen.results, chosen.file.stem, result, time.monotonic() - started)
    if not result.rows:
        print(f"{chosen.file}: no test ran", file=sys.stderr)
        return 1
    return 0 if result.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())
