"""`gpustack apply --timings` on a real server: what it measures, and that the output stays what it is without."""

import json
import os
import pathlib
import shutil
import sys
import tempfile
import unittest

SOURCE = pathlib.Path(os.environ.get("GPUSTACK_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[2]))
BUILD = pathlib.Path(os.environ.get("GPUSTACK_BINARY_DIR", SOURCE / "build/dev"))
sys.path.insert(0, str(SOURCE / "tests/tools"))
import hosts as test_hosts  # noqa: E402

SITE = """\
- hosts: all
  gather_facts: false
  tasks:
    - name: Sleep
      command: sleep 0.3
    - name: Leave a trace
      copy: {content: x, dest: "/tmp/{{ item }}"}
      loop: [one, two]
    - name: Not here
      command: sleep 9
      when: inventory_hostname == 'elsewhere'
"""


class Timings(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if (reason := test_hosts.why_not()) is not None:
            raise unittest.SkipTest(reason)
        cls.top = pathlib.Path(tempfile.mkdtemp(prefix="gpustack-timings-"))
        cls.addClassCleanup(shutil.rmtree, cls.top, ignore_errors=True)
        cls.fleet = test_hosts.Hosts(cls.top / "fleet").up([test_hosts.HostSpec("h1"), test_hosts.HostSpec("h2")])
        cls.addClassCleanup(cls.fleet.down)
        (cls.top / "site.yml").write_text(SITE)

    def apply(self, *options):
        done = self.fleet.exec(str(BUILD / "bin/gpustack"), "apply", "site.yml", "-i", str(self.top / "fleet/inventory.ini"), *options,
                               cwd=self.top, capture_output=True, text=True)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        return done

    def test_the_table_is_on_stderr(self):
        done = self.apply("--timings", "--output", "ansible")
        self.assertNotIn("TIMINGS", done.stdout)
        for part in ("TIMINGS", "playbooks", "first connection", "2 connections", "Sleep", "Leave a trace"):
            self.assertIn(part, done.stderr)
        self.assertNotIn("TIMINGS", self.apply("--output", "ansible").stderr)

    def test_the_last_record_has_all_tasks(self):
        lines = self.apply("--timings", "--output", "json").stdout.splitlines()
        record = json.loads(lines[-1])
        self.assertEqual("timings", record["event"])
        tasks = {task["task"]: task for task in record["tasks"]}
        self.assertEqual({"Sleep", "Leave a trace", "Not here"}, tasks.keys())
        self.assertEqual({2}, {task["hosts"] for task in tasks.values()})
        # Two hosts slept at the same time; what was left out never reached them.
        self.assertGreater(tasks["Sleep"]["on_hosts"], 0.6)
        self.assertGreater(tasks["Sleep"]["longest"], tasks["Sleep"]["longest_on_host"])
        self.assertGreater(tasks["Leave a trace"]["on_hosts"], 0)
        self.assertEqual(0, tasks["Not here"]["on_hosts"])
        self.assertAlmostEqual(record["elapsed"], sum(record["steps"].values()), delta=1e-3)
        self.assertGreater(record["longest_login"], 0)
        timed = [json.loads(line) for line in lines if '"host_result"' in line and '"Sleep"' in line]
        self.assertEqual(2, len(timed))
        self.assertTrue(all(event["on_host"] >= 0.3 and "_ansible_took_us" not in event["result"] for event in timed), timed)


if __name__ == "__main__":
    unittest.main()
