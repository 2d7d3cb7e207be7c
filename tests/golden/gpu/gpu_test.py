#!/usr/bin/python3
"""What the verbs of the GPU stack say of each recorded host (tests/fixtures/hosts), from its facts alone.

VERB/HOST.txt beside this file holds what is printed, on stdout and stderr, and the exit code. GPUSTACK_ACCEPT=1 rewrites them.
"""
import json
import os
import pathlib
import subprocess
import unittest

SOURCE = pathlib.Path(os.environ.get("GPUSTACK_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[3]))
BUILD = pathlib.Path(os.environ.get("GPUSTACK_BINARY_DIR", SOURCE / "build/dev"))
EXPECTED = pathlib.Path(__file__).resolve().parent
HOSTS = SOURCE / "tests/fixtures/hosts"
VERBS = {
    "card": ["facts", "--gpu"],
    "env": ["env"],
    "verify": ["verify"],
}


def say(words, host):
    facts = json.loads((HOSTS / host / ".gpustack-fixture/expect.json").read_text())
    done = subprocess.run([str(BUILD / "bin/gpustack"), *words, "--from", "-"], input=json.dumps({host: facts}).encode(), timeout=60,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "NO_COLOR": "1"})
    return f"{done.stdout.decode()}exit code {done.returncode}\n"


class RecordedHosts(unittest.TestCase):
    maxDiff = None

    def test_no_expectation_is_left_over(self):
        hosts = {path.name for path in HOSTS.iterdir()}
        for verb in VERBS:
            self.assertEqual(hosts, {path.stem for path in (EXPECTED / verb).glob("*.txt")})


def add_test(verb, words, host):
    def test(self):
        found = say(words, host)
        expect = EXPECTED / verb / f"{host}.txt"
        if os.environ.get("GPUSTACK_ACCEPT"):
            expect.parent.mkdir(exist_ok=True)
            expect.write_text(found)
            self.skipTest("expectation rewritten")
        self.assertEqual(expect.read_text(), found)

    setattr(RecordedHosts, f"test_{verb}_{host}", test)


for one in sorted(path.name for path in HOSTS.iterdir()):
    for name, arguments in VERBS.items():
        add_test(name, arguments, one)

if __name__ == "__main__":
    unittest.main()
