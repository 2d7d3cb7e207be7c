#!/usr/bin/python3
"""Bad input through the program `gpustack`: what it says, with which exit code, and that it touched nothing.

A case is a folder beside this file: a site, and `command`, the arguments as in a shell. expect.txt holds everything printed,
on stdout and stderr, and the exit code. `stdin`, if there, is what is typed. GPUSTACK_ACCEPT=1 rewrites the expectations.

A site that must not load begins with a task that would write the file `touched` into its folder.
"""
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import tempfile
import unittest

SOURCE = pathlib.Path(os.environ.get("GPUSTACK_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[3]))
BUILD = pathlib.Path(os.environ.get("GPUSTACK_BINARY_DIR", SOURCE / "build/dev"))
CASES = pathlib.Path(__file__).resolve().parent
# docs/exit-codes.md: the command line is wrong, the site does not load.
NOTHING_RAN = (5, 7)


def tree(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def run(folder):
    """Runs a case in a copy of its folder. Returns (what was printed, exit code, files that appeared)."""
    with tempfile.TemporaryDirectory(prefix="gpustack-cli-") as name:
        top = pathlib.Path(name).resolve()
        work, home = top / "site", top / "home"
        shutil.copytree(folder, work)
        (work / "expect.txt").unlink(missing_ok=True)
        home.mkdir()
        before = tree(work)
        typed = work / "stdin"
        done = subprocess.run([str(BUILD / "bin/gpustack"), *shlex.split((folder / "command").read_text(), comments=True)], cwd=work,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60,
                              input=typed.read_bytes() if typed.exists() else b"", start_new_session=True,
                              env={"HOME": str(home), "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "NO_COLOR": "1"})
        text = done.stdout.decode("utf-8", "backslashreplace").replace(str(work), "{site}").replace(str(home), "{home}")
        # Where the shipped roles are depends on where the program stands.
        text = re.sub(r"(?<!\})/(?!usr/share/ansible/|etc/ansible/)[^ ,]*/roles/(?=\w+, )", "{shipped}/roles/", text)
        # A child runner's file, and the mark it is known by, are of one run.
        text = re.sub(r"(?<= )/\S+ serve --child --mark gs-ready-\w+", "{runner} serve --child --mark {mark}", text)
        return text, done.returncode, sorted(set(tree(work)) - set(before))


class BadInput(unittest.TestCase):
    maxDiff = None

    def test_every_code_says_what_the_documentation_says(self):
        table = (SOURCE / "docs/exit-codes.md").read_text()
        documented = {int(code) for row in re.findall(r"^\| ([\d, ]+) \|", table, re.MULTILINE) for code in row.split(",")}

        used = {int(path.read_text().rsplit("exit code ", 1)[1]) for path in CASES.glob("*/expect.txt")}

        self.assertGreaterEqual(documented, used)


def add_test(folder):
    def test(self):
        text, code, appeared = run(folder)
        found = f"{text}exit code {code}\n"

        self.assertGreaterEqual(code, 0, f"the program died by signal {-code}:\n{text}")
        if code in NOTHING_RAN:
            self.assertEqual([], appeared, f"the site did not load, and still a task ran:\n{text}")
        if os.environ.get("GPUSTACK_ACCEPT"):
            (folder / "expect.txt").write_text(found)
            self.skipTest("expectation rewritten")
        expect = folder / "expect.txt"
        self.assertTrue(expect.exists(), f"{folder.name} has no expectation: run with GPUSTACK_ACCEPT=1 and read it\n{found}")
        self.assertEqual(expect.read_text(), found)

    setattr(BadInput, f"test_{folder.name}", test)


for case in sorted(path.parent for path in CASES.glob("*/command")):
    add_test(case)

if __name__ == "__main__":
    unittest.main()
