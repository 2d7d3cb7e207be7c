#!/usr/bin/python3
"""Our templates against Ansible's: the same texts and variables, the same results.

usage: jinja_test.py [--record]   --record writes expected.json anew from the installed Ansible
"""

import json
import os
import pathlib
import subprocess
import sys
import unittest

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE))

import generated  # noqa: E402
import oracle  # noqa: E402
import yaml  # noqa: E402

# More seeds: GPUSTACK_JINJA_SEEDS=7,8,9
SEEDS = [int(seed) for seed in os.environ.get("GPUSTACK_JINJA_SEEDS", "1,2,3,4").split(",")]
GENERATED = 300
EXPECTED = HERE / "expected.json"
DIFFERENCES = HERE / "differences.yml"


def our_answers(cases):
    program = pathlib.Path(os.environ["GPUSTACK_BINARY_DIR"]) / "bin" / "jinja_driver"
    done = subprocess.run([program], input=json.dumps(cases), capture_output=True, text=True, timeout=120, check=True)
    return json.loads(done.stdout)


def same(left, right):
    if "error" in left or "error" in right:
        return "error" in left and "error" in right
    return json.dumps(left["value"], sort_keys=True) == json.dumps(right["value"], sort_keys=True)


class JinjaTest(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.cases = oracle.load_cases()
        self.expected = json.loads(EXPECTED.read_text())
        self.differences = yaml.safe_load(DIFFERENCES.read_text()) or {}

    def test_every_case_gives_what_ansible_gives(self):
        self.assertGreaterEqual(len(self.cases), 500)
        wrong = []
        for case, ours in zip(self.cases, our_answers(self.cases)):
            theirs = self.expected.get(case["id"])
            if theirs is None:
                wrong.append(f"{case['id']}: not recorded, run jinja_test.py --record")
                continue
            if case["id"] in self.differences:
                theirs = {"value": self.differences[case["id"]]["ours"]}
            if not same(ours, theirs):
                wrong.append(
                    f"{case['id']}\n  template: {case['template']!r}\n"
                    f"  expected: {json.dumps(theirs)}\n  found:    {json.dumps(ours.get('value', ours.get('shown')))}"
                )
        self.assertFalse(wrong, f"{len(wrong)} of {len(self.cases)} differ:\n" + "\n".join(wrong))

    def test_the_recorded_results_are_those_of_the_installed_ansible(self):
        try:
            live = oracle.Oracle()
        except ImportError:
            self.skipTest("ansible-core is not installed")
        stale = [case["id"] for case in self.cases if not same(live.answer(case), self.expected[case["id"]])]
        self.assertFalse(stale, "run jinja_test.py --record")

    def test_random_expressions_give_what_ansible_gives(self):
        try:
            live = oracle.Oracle()
        except ImportError:
            self.skipTest("ansible-core is not installed")
        wrong = []
        faults = 0
        cases = [case for seed in SEEDS for case in generated.cases(seed, GENERATED)]
        for case, ours in zip(cases, our_answers(cases)):
            theirs = live.answer(case)
            faults += "error" in theirs
            if not same(ours, theirs):
                wrong.append(f"{case['id']}: {case['template']!r}\n  expected: {json.dumps(theirs)}\n"
                             f"  found:    {json.dumps(ours.get('value', ours.get('shown')))}")
        self.assertFalse(wrong, f"{len(wrong)} of {len(cases)} differ:\n" + "\n".join(wrong))
        self.assertLess(faults, len(cases) / 4, "most expressions are to have a value")

    def test_every_difference_is_explained_and_still_one(self):
        known = {case["id"] for case in self.cases}
        for name, row in self.differences.items():
            self.assertIn(name, known)
            self.assertTrue(row["why"])
            self.assertFalse(same({"value": row["ours"]}, self.expected[name]), f"{name} is no difference any more")


def record():
    live = oracle.Oracle()
    answers = {case["id"]: live.answer(case) for case in oracle.load_cases()}
    EXPECTED.write_text(json.dumps(answers, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    if "--record" in sys.argv:
        record()
    else:
        unittest.main()
