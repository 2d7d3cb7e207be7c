"""Outputs that differ only in the order of hosts, in times and in paths have one stable form; others have not."""

import unittest

from stable_output import difference, stable

FIRST = """
TASK [copy] ********
--- before: /etc/motd
+++ after: /tmp/run-1/motd
@@ -0,0 +1 @@
+a

changed: [b-host]
ok: [a-host]

PLAY RECAP *********
a-host                     : ok=1    changed=0
"""
SECOND = """
TASK [copy] ********
ok: [a-host]
--- before: /etc/motd
+++ after: /tmp/run-2/motd
@@ -0,0 +1 @@
+a

changed: [b-host]

PLAY RECAP *********
a-host                     : ok=1    changed=0
"""


class StableOutput(unittest.TestCase):
    def test_the_order_of_hosts_does_not_count(self):
        self.assertEqual(stable(FIRST, [("/tmp/run-1", "{state}")]), stable(SECOND, [("/tmp/run-2", "{state}")]))

    def test_a_diff_stays_with_its_host(self):
        lines = stable(FIRST).splitlines()

        self.assertLess(lines.index("ok: [a-host]"), lines.index("+a"))
        self.assertLess(lines.index("+a"), lines.index("changed: [b-host]"))

    def test_what_a_host_says_below_its_line_stays_with_it(self):
        one = 'ok: [a-host] => {\n    "msg": "a"\n}\n'
        other = 'ok: [b-host] => {\n    "msg": "b"\n}\n'

        self.assertEqual(one + other, stable("TASK [say] **\n" + other + one).removeprefix("TASK [say] **\n"))

    def test_times_do_not_count(self):
        self.assertEqual(stable("+ at 2026-01-02 03:04:05\n"), stable("+ at 2027-11-12 13:14:15\n"))

    def test_another_result_counts(self):
        told = difference(stable(FIRST), stable(FIRST.replace("ok: [a-host]", "changed: [a-host]")))

        self.assertIn("-ok: [a-host]", told)
        self.assertIn("+changed: [a-host]", told)


if __name__ == "__main__":
    unittest.main()
