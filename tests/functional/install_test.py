"""`cmake --install`: what it places works from wherever it is moved to."""

import os
import pathlib
import platform
import shutil
import subprocess
import sys
import tempfile
import unittest

SOURCE = pathlib.Path(os.environ.get("GPUSTACK_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[2]))
BUILD = pathlib.Path(os.environ.get("GPUSTACK_BINARY_DIR", SOURCE / "build/dev"))
sys.path.insert(0, str(SOURCE / "tests/tools"))
import hosts as test_hosts  # noqa: E402

ARCHITECTURES = ("aarch64", "x86_64")
SITE = """\
- hosts: gpu
  roles:
    - role: hardware/gpu
"""
SMALL_SITE = """\
- hosts: h1
  tasks:
    - name: Greet
      copy: {content: "hello from {{ ansible_hostname }}\\n", dest: /etc/greeting}
"""


class Install(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.top = pathlib.Path(tempfile.mkdtemp(prefix="gpustack-install-"))
        cls.addClassCleanup(shutil.rmtree, cls.top, ignore_errors=True)
        cls.installed = subprocess.run(["cmake", "--install", str(BUILD), "--prefix", str(cls.top / "first")],
                                       capture_output=True, text=True)
        if cls.installed.returncode == 0:
            (cls.top / "elsewhere").mkdir()
            (cls.top / "first").rename(cls.top / "elsewhere/gpustack-0")
        cls.prefix = cls.top / "elsewhere/gpustack-0"
        cls.empty = cls.top / "empty"
        cls.empty.mkdir()

    def setUp(self):
        self.assertEqual(0, self.installed.returncode, self.installed.stdout + self.installed.stderr)

    def gpustack(self, *arguments, cwd=None):
        return subprocess.run([str(self.prefix / "bin/gpustack"), *arguments], cwd=cwd or self.empty, capture_output=True, text=True,
                              timeout=60, env=self.environment())

    def environment(self):
        return {"HOME": str(self.top), "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "NO_COLOR": "1"}

    def test_every_part_is_there(self):
        placed = {str(path.relative_to(self.prefix)) for path in self.prefix.rglob("*") if path.is_file()}
        roles = {f"share/gpustack/{path.relative_to(SOURCE)}" for path in (SOURCE / "roles").rglob("*") if path.is_file()}

        self.assertLessEqual({"bin/gpustack", "share/doc/gpustack/LICENSE", "share/doc/gpustack/docs/exit-codes.md"}, placed)
        self.assertLessEqual(roles, placed)
        self.assertEqual([], [path for path in placed if not path.startswith(("bin/", "lib/gpustack/", "share/"))])

    def test_a_runner_is_there_or_said_to_be_missing(self):
        for architecture in ARCHITECTURES:
            name = f"gpustack-runner-{architecture}"
            with self.subTest(runner=name):
                path = self.prefix / "lib/gpustack" / name
                if (SOURCE / "build/bin" / name).exists():
                    self.assertTrue(os.access(path, os.X_OK))
                else:
                    self.assertIn(f"{name} is missing", " ".join(self.installed.stderr.split()))

    def test_ansibles_names_lead_to_the_verbs(self):
        links = self.prefix / "share/gpustack/ansible"
        for name in ("ansible", "ansible-inventory", "ansible-playbook", "ansible-vault"):
            with self.subTest(name=name):
                done = subprocess.run([name, "--version"], capture_output=True, text=True, timeout=60,
                                      env={**self.environment(), "PATH": f"{links}:/usr/bin:/bin"})
                self.assertEqual(0, done.returncode, done.stderr)
                self.assertTrue(done.stdout.startswith(f"{name} [core "), done.stdout)
                self.assertIn("gpustack", done.stdout)

    def test_options_may_be_written_in_part(self):
        done = subprocess.run([self.prefix / "share/gpustack/ansible/ansible", "localhost", "--module-n", "ping", "--conn=local"],
                              capture_output=True, text=True, timeout=60, env=self.environment(), cwd=self.empty)

        self.assertEqual(0, done.returncode, done.stderr)
        self.assertIn("pong", done.stdout)

    def test_it_describes_a_module(self):
        done = self.gpustack("doc", "ping")

        self.assertEqual(0, done.returncode, done.stderr)
        self.assertTrue(done.stdout.startswith("ansible.builtin.ping\n"), done.stdout)

    def test_it_finds_the_roles_that_came_with_it(self):
        (self.empty / "site.yml").write_text(SITE)

        done = self.gpustack("lint", "site.yml")

        self.assertEqual((0, ""), (done.returncode, done.stderr), done.stdout)

    def test_it_applies_a_site(self):
        reason = test_hosts.why_not()
        if reason is None and not (SOURCE / f"build/bin/gpustack-runner-{platform.machine()}").exists():
            reason = "needs the runner of this machine in build/bin: ./dev build"
        if reason is not None:
            self.skipTest(reason)
        (self.empty / "small.yml").write_text(SMALL_SITE)
        with test_hosts.Hosts(self.top / "fleet").up([test_hosts.HostSpec("h1")]) as fleet:
            done = fleet.exec(str(self.prefix / "bin/gpustack"), "apply", "small.yml", "-i", str(fleet.state / "inventory.ini"),
                              cwd=self.empty, capture_output=True, text=True, timeout=120, env=self.environment())
            greeting = fleet.root("h1") / "etc/greeting"

            self.assertEqual(0, done.returncode, done.stdout + done.stderr)
            self.assertEqual("hello from h1\n", greeting.read_text())


if __name__ == "__main__":
    unittest.main()
