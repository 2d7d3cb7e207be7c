#!/usr/bin/python3
"""What ./dev real-roles reads out of two outputs."""
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import real_roles  # noqa: E402

OUTPUT = """
PLAY [all] ****

TASK [web : Install] **********
changed: [h]

TASK [web : Files] ************
ok: [h] => (item=a)
changed: [h] => (item=b)

TASK [web : Maybe] ************
fatal: [h]: FAILED! => {"msg": "no"}
...ignoring

RUNNING HANDLER [web : restart] ***
skipping: [h]

PLAY RECAP ****
h                          : ok=3    changed=2    unreachable=0    failed=0    skipped=1    rescued=0    ignored=1
"""


class RealRoles(unittest.TestCase):
    def test_tasks_have_the_state_of_each_line(self):
        self.assertEqual([("web : Install", ["changed"]), ("web : Files", ["ok", "changed"]), ("web : Maybe", ["failed", "ignored"]),
                          ("web : restart", ["skipped"])], real_roles.tasks(OUTPUT))

    def test_recap_leaves_out_what_is_zero(self):
        self.assertEqual({"ok": 3, "changed": 2, "skipped": 1, "ignored": 1}, real_roles.recap(OUTPUT))
        self.assertIsNone(real_roles.recap("PLAY [all] ****\n"))

    def test_equal_outputs_have_no_differences(self):
        self.assertEqual([], real_roles.differences(OUTPUT, OUTPUT.replace("\nTASK", "\n\x1b[0mTASK")))

    def test_a_state_that_differs_is_named(self):
        other = OUTPUT.replace("changed: [h]\n", "ok: [h]\n", 1)
        self.assertEqual(["task 1: ansible [web : Install] changed; gpustack [web : Install] ok"], real_roles.differences(OUTPUT, other))

    def test_behind_another_task_nothing_is_compared(self):
        other = OUTPUT[:OUTPUT.index("TASK [web : Maybe]")] + OUTPUT[OUTPUT.index("PLAY RECAP"):].replace("ok=3", "ok=2")
        self.assertEqual(["recap: ansible ok=3 changed=2 skipped=1 ignored=1; gpustack ok=2 changed=2 skipped=1 ignored=1",
                          "task 3: ansible [web : Maybe] failed ignored; gpustack [(nothing)] "], real_roles.differences(OUTPUT, other))


if __name__ == "__main__":
    unittest.main()
