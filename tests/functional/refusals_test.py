"""Hosts that cannot be reached or do not let us in, on real servers: what is said, the recap and the exit code."""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

SOURCE = pathlib.Path(os.environ.get("GPUSTACK_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[2]))
BUILD = pathlib.Path(os.environ.get("GPUSTACK_BINARY_DIR", SOURCE / "build/dev"))
sys.path[:0] = [str(SOURCE / "tests/tools"), str(SOURCE / "tests/functional/support")]
import accounts  # noqa: E402
import hosts as test_hosts  # noqa: E402

FAILED, UNREACHABLE = 2, 4
PASSWORD = "correct horse"
# Who may log in: `deploy` without any question, `asked` must give sudo a password, `nobody-here` does not exist.
SITE = """\
- hosts: all
  gather_facts: false
  tasks:
    - name: Leave a trace
      copy: {content: x, dest: /tmp/trace}
"""


class Refusals(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        reason = test_hosts.why_not() or accounts.why_not()
        if reason is not None:
            raise unittest.SkipTest(reason)
        cls.top = pathlib.Path(tempfile.mkdtemp(prefix="gpustack-refusals-"))
        cls.addClassCleanup(shutil.rmtree, cls.top, ignore_errors=True)
        cls.fleet = test_hosts.Hosts(cls.top / "fleet").up([test_hosts.HostSpec("h1"), test_hosts.HostSpec("h2")])
        cls.addClassCleanup(cls.fleet.down)
        accounts.add_asked(cls.fleet.root("h1"), PASSWORD, "Defaults:asked passwd_tries=3\n")
        (cls.top / "site.yml").write_text(SITE)
        cls.address = cls.fleet.address("h1")

    def setUp(self):
        self.trace = self.fleet.root("h1") / "tmp/trace"
        self.trace.unlink(missing_ok=True)
        self.known_hosts = self.top / f"known_hosts-{self._testMethodName}"
        shutil.copy(self.fleet.state / "known_hosts", self.known_hosts)

    def apply(self, *options, host=None, key=None, user="root", typed=""):
        """Runs the site on one host. Returns (exit code, output, {host: {word: count}}, seconds)."""
        inventory = self.top / f"{self._testMethodName}.ini"
        inventory.write_text(
            f"server ansible_host={host or self.address} ansible_user={user} "
            f"ansible_ssh_private_key_file={key or self.fleet.state / 'id_ed25519'} "
            f"ansible_ssh_common_args='-o UserKnownHostsFile={self.known_hosts} -o IdentitiesOnly=yes'\n")
        begin = time.monotonic()
        done = self.fleet.exec(str(BUILD / "bin/gpustack"), "apply", "site.yml", "-i", str(inventory), *options, cwd=self.top,
                               input=typed, capture_output=True, text=True, timeout=120,
                               env={"HOME": str(self.top), "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "NO_COLOR": "1"})
        recap = {name: {word: int(count) for word, count in re.findall(r"(\w+)=(\d+)", counts)}
                 for name, counts in re.findall(r"^(\S+)\s+: (ok=.*)$", done.stdout, re.MULTILINE)}
        return done.returncode, done.stdout + done.stderr, recap, time.monotonic() - begin

    def assert_refused(self, answer, code, *patterns):
        """One refusal of the kind that `code` stands for, with text that fits every pattern, and nothing done on the host."""
        exit_code, output, recap, _ = answer
        word = "unreachable" if code == UNREACHABLE else "failed"
        self.assertEqual(code, exit_code, output)
        self.assertEqual(1, recap.get("server", {}).get(word), output)
        self.assertEqual(1, len(re.findall(r"^fatal: ", output, re.MULTILINE)), f"expected one error:\n{output}")
        for pattern in patterns:
            self.assertRegex(output, pattern)
        self.assertFalse(self.trace.exists(), f"a task ran all the same:\n{output}")

    def test_the_servers_let_in_who_may_come(self):
        code, output, recap, _ = self.apply()

        self.assertEqual((0, 1), (code, recap["server"]["changed"]), output)
        self.assertTrue(self.trace.exists())

    def test_nobody_listens_at_the_address(self):
        answer = self.apply("--timeout", "5", host="10.88.77.77")

        self.assert_refused(answer, UNREACHABLE, r"cannot connect to '10\.88\.77\.77'", r"No route to host|timed out|in time")
        self.assertLess(answer[3], 30)

    def test_nobody_listens_at_the_port(self):
        answer = self.apply("-e", "ansible_port=2")

        self.assert_refused(answer, UNREACHABLE, rf"cannot connect to '{re.escape(self.address)}'", r"(?i)connection refused", r":2\b|port 2\b")
        self.assertLess(answer[3], 30)

    def test_the_name_does_not_resolve(self):
        answer = self.apply(host="server.does-not-exist.invalid")

        self.assert_refused(answer, UNREACHABLE, r"cannot resolve 'server\.does-not-exist\.invalid'", r"set ansible_host to")

    def test_the_host_key_is_unknown(self):
        self.known_hosts.write_text("")

        answer = self.apply()

        self.assert_refused(answer, UNREACHABLE, r"the host key of 'server' is not known", r"SHA256:", r"ssh-keyscan -p 22 ")
        self.assertEqual("", self.known_hosts.read_text(), "an unknown key must not be remembered")

    def test_the_host_key_has_changed(self):
        keys = self.known_hosts.read_text().splitlines()
        other = next(line.split()[1:] for line in keys if line.startswith("h2 "))
        text = f"# kept by hand\n{self.address} {' '.join(other)}\n"
        self.known_hosts.write_text(text)

        answer = self.apply()

        self.assert_refused(answer, UNREACHABLE, r"host key of 'server'", r"SHA256:", rf"{re.escape(str(self.known_hosts))}:2\b",
                            r"forget its old key: ssh-keygen .*-R '10")
        self.assertEqual(text, self.known_hosts.read_text())

    def test_the_private_key_is_another_one(self):
        key = self.top / "other_key"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)

        answer = self.apply(key=key)

        self.assert_refused(answer, UNREACHABLE, r"'root@.*' was not accepted", rf"{re.escape(str(key))}", r"publickey")

    def test_the_private_key_is_not_there(self):
        key = self.top / "no_such_key"

        answer = self.apply(key=key)

        self.assert_refused(answer, UNREACHABLE, rf"{re.escape(str(key))}", r"(?i)no such file|not there|does not exist|cannot be read")

    def test_the_user_does_not_exist(self):
        answer = self.apply(user="nobody-here")

        self.assert_refused(answer, UNREACHABLE, r"'nobody-here@.*' was not accepted", r"publickey")

    def test_sudo_takes_the_right_password(self):
        code, output, recap, _ = self.apply("-b", "-K", user="asked", typed=PASSWORD + "\n")

        self.assertEqual((0, 1), (code, recap["server"]["changed"]), output)
        self.assertEqual(0, self.trace.stat().st_uid)
        self.assertNotIn(PASSWORD, output)

    def test_the_sudo_password_is_wrong(self):
        answer = self.apply("-b", "-K", user="asked", typed="wrong horse\n")

        self.assert_refused(answer, FAILED, r"(?i)incorrect sudo password")
        self.assertLess(answer[3], 15, "sudo must not be asked again and again")
        self.assertNotIn("wrong horse", answer[1])

    def test_the_sudo_password_is_missing(self):
        answer = self.apply("-b", user="asked")

        self.assert_refused(answer, FAILED, r"(?i)missing sudo password", r"-K|--ask-become-pass|ansible_become_password")
        self.assertLess(answer[3], 15)

    def test_the_user_may_not_use_sudo(self):
        root = self.fleet.root("h1")
        (root / "etc/sudoers.d/asked").rename(root / "etc/asked.off")
        self.addCleanup((root / "etc/asked.off").rename, root / "etc/sudoers.d/asked")

        answer = self.apply("-b", "-K", user="asked", typed=PASSWORD + "\n")

        self.assert_refused(answer, FAILED, r"cannot become 'root' with sudo", r"not in the sudoers file|may not run sudo|not allowed")

    def test_the_user_to_become_does_not_exist(self):
        answer = self.apply("-b", "--become-user", "nobody-here")

        self.assert_refused(answer, FAILED, r"cannot become 'nobody-here' with sudo", r"unknown user|no user")


if __name__ == "__main__":
    unittest.main()
