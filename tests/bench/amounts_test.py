#!/usr/bin/python3
"""What the benchmarks' options refuse, before anything is started."""
import contextlib
import io
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import bench  # noqa: E402


def refusal(*words):
    """What `bench` says of its words; nothing when it takes them."""
    said = io.StringIO()
    with contextlib.redirect_stderr(said):
        try:
            bench.parse(["build/bin", *words])
        except SystemExit:
            return said.getvalue()
    return None


class AmountsTest(unittest.TestCase):
    def test_takes_what_means_something(self):
        for words in ([], ["--hosts", "3"], ["tasks", "--tasks", "1", "9"], ["delay", "--delay", "0"], ["content", "--mbit", "2.5"]):
            self.assertIsNone(refusal(*words), words)

    def test_refuses_what_means_nothing(self):
        for words, expected in {("--hosts", "0"): "expected a whole number above 0, found '0'",
                                ("--hosts", "x"): "expected a whole number above 0, found 'x'",
                                ("--repeats", "-1"): "expected a whole number above 0, found '-1'",
                                ("tasks", "--tasks", "0", "9"): "expected a whole number above 0, found '0'",
                                ("delay", "--delay", "-1"): "expected a number, 0 or above, found '-1'",
                                ("content", "--mbit", "nan"): "expected a number, 0 or above, found 'nan'",
                                ("nonsense",): "expected one of"}.items():
            self.assertIn(expected, refusal(*words) or "taken", words)


if __name__ == "__main__":
    unittest.main()
