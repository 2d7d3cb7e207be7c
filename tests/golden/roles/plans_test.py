#!/usr/bin/python3
"""What hardware/gpu and containers/runtime would do on every recorded host with no variables set, as a file that a person reads.

plans/HOST.txt is a dry run; beneath it stands what a real run leaves to do (nothing). GPUSTACK_ACCEPT=1 rewrites the files.
"""
import os
import pathlib
import sys
import unittest

SOURCE = pathlib.Path(os.environ.get("GPUSTACK_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[3]))
sys.path.insert(0, str(SOURCE / "tests/functional/support"))
import recorded_run  # noqa: E402

PLANS = pathlib.Path(__file__).resolve().parent / "plans"


def heading(host):
    facts = recorded_run.facts_of(host)
    lines = [f"host      {host}", f"platform  {facts['profile']}" + (f" / {facts['subprofile']}" if facts["subprofile"] else "") + f" ({facts['evidence']})"]
    for gpu in facts["gpus"]:
        lines.append(f"GPU       {gpu['model']}, driver {gpu['driver'] or 'none'}")
    return lines


class Plans(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.dry = recorded_run.run(recorded_run.ALL_HOSTS)
        cls.real = recorded_run.run(recorded_run.ALL_HOSTS, check=False, times=2)

    def test_no_plan_is_left_over(self):
        self.assertEqual(recorded_run.ALL_HOSTS, sorted(path.stem for path in PLANS.glob("*.txt")))

    def found(self, host):
        second = self.real[host][1]
        end = ["", "second run"] + (recorded_run.text_of(second) or ["  nothing to do"])
        if self.real[host][0].failure:
            end = []  # it ends where the first one ended
        return "\n".join(heading(host) + recorded_run.text_of(self.dry[host][0]) + end) + "\n"


def add_tests(host):
    def plan(self):
        path, found = PLANS / f"{host}.txt", self.found(host)
        if os.environ.get("GPUSTACK_ACCEPT"):
            PLANS.mkdir(exist_ok=True)
            path.write_text(found)
            self.skipTest("plan rewritten")
        self.assertTrue(path.exists(), f"{host} has no plan: run with GPUSTACK_ACCEPT=1 and read it\n{found}")
        self.assertEqual(path.read_text(), found)

    def foreseen(self):
        dry, real = self.dry[host][0], self.real[host][0]
        self.assertEqual(dry.failure, real.failure)
        if dry.failure:
            self.assertEqual([], [task.name for task in real.by("changed")], "a host that is refused was changed before")

    def converged(self):
        changed = [task.name for task in self.real[host][1].by("changed")]
        self.assertEqual([], changed, "the second run changed something")

    name = host.replace("-", "_")
    setattr(Plans, f"test_plan_of_{name}", plan)
    setattr(Plans, f"test_a_refusal_of_{name}_comes_before_any_change", foreseen)
    setattr(Plans, f"test_{name}_converges", converged)


for one in recorded_run.ALL_HOSTS:
    add_tests(one)

if __name__ == "__main__":
    unittest.main()
