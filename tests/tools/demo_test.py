"""The demo, as ./dev demo runs it: needs root, network namespaces and emulation of aarch64."""
import os
import pathlib
import subprocess
import sys
import unittest

import hosts

SOURCE = pathlib.Path(os.environ["GPUSTACK_SOURCE_DIR"])


class TheDemo(unittest.TestCase):
    def test_ends_well_and_says_what_is_expected(self):
        reason = hosts.why_not(("arm64",))
        if reason is not None:
            self.skipTest(reason)

        done = subprocess.run([sys.executable, str(SOURCE / "tests/tools/demo.py"), str(SOURCE / "build/bin"),
                               "--expect", str(SOURCE / "examples/edge-fleet/expect.txt")], capture_output=True, text=True)

        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        self.assertIn("yes  every file of the five hosts is as it was", done.stdout)
        self.assertIn("yes  changed=0 on every host", done.stdout)
        self.assertIn("demo: all is well", done.stdout)


if __name__ == "__main__":
    unittest.main()
