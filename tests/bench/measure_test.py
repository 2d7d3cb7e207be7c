"""A measurement has what the program used, and ends with its time limit; a recap is read as it is printed."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

import engines
import many
import measure

RECAP = """PLAY RECAP *********************************************************************
host00                     : ok=48   changed=36   unreachable=0    failed=0    skipped=0    rescued=0    ignored=0
host01                     : ok=0    changed=0    unreachable=1    failed=0    skipped=0    rescued=0    ignored=0
"""


class Measure(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.log = pathlib.Path(folder.name) / "log"
        self.started = None

    def run_program(self, text, limit_s):
        def start(**options):
            self.started = subprocess.Popen([sys.executable, "-c", text], **options)
            return self.started
        return measure.run(start, limit_s, self.log)

    def test_what_it_prints_and_how_it_ends(self):
        used = self.run_program("import sys; print('said', flush=True); sys.exit(3)", 60)

        self.assertEqual((3, "said\n"), (used.code, used.text))
        self.assertGreater(used.wall_s, 0)
        self.assertGreater(used.cpu_s, 0)

    def test_a_program_that_does_not_end_is_ended(self):
        with self.assertRaisesRegex(SystemExit, "^bench: not done after 0.1 s: "):
            self.run_program("import time; time.sleep(600)", 0.1)

        self.assertEqual(-9, self.started.returncode)

    def test_the_peak_is_that_of_the_process(self):
        self.assertGreater(measure.peak_mib("self"), 1)
        self.assertIsNone(measure.peak_mib("none"))


class Words(unittest.TestCase):
    def test_the_columns_of_a_recap(self):
        self.assertEqual({"host00": 36, "host01": 0}, engines.recap(RECAP, "changed"))
        self.assertEqual({"host00": 0, "host01": 1}, engines.recap(RECAP, "unreachable"))

    def test_stopped_hosts_are_spread_over_all(self):
        names = [f"host{number}" for number in range(100)]

        self.assertEqual(["host25", "host75"], many.stopped_hosts(names, 2))
        self.assertEqual(10, len(many.stopped_hosts(names, 10)))
        self.assertEqual([], many.stopped_hosts(names, 0))


if __name__ == "__main__":
    unittest.main()
