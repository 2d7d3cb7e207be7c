"""Every C++ file is as clang-format writes it: `./dev fmt --check` has nothing to say."""

import pathlib
import shutil
import subprocess
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Format(unittest.TestCase):
    def test_all_files_are_formatted(self):
        if shutil.which("clang-format") is None:
            self.skipTest("needs the program clang-format")
        if not (ROOT / ".git").exists():
            self.skipTest("needs a git checkout: ./dev fmt formats what git knows")

        done = subprocess.run(["bash", "dev", "fmt", "--check"], cwd=ROOT, capture_output=True, text=True)

        self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""))


if __name__ == "__main__":
    unittest.main()
