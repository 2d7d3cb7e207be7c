"""Connections that stay open between runs, on real servers: who logs in, who holds, and what happens when any of them is gone."""

import os
import pathlib
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
import unittest

SOURCE = pathlib.Path(os.environ.get("GPUSTACK_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[2]))
BUILD = pathlib.Path(os.environ.get("GPUSTACK_BINARY_DIR", SOURCE / "build/dev"))
PROGRAM = BUILD / "bin/gpustack"
sys.path[:0] = [str(SOURCE / "tests/tools"), str(SOURCE / "tests/functional/support")]
import accounts  # noqa: E402
import hosts as test_hosts  # noqa: E402

FAILED, UNREACHABLE, SITE_DOES_NOT_LOAD = 2, 4, 7
PASSWORD = "correct horse"
SITE = """\
- hosts: all
  gather_facts: false
  tasks:
    - name: Leave a trace
      copy: {content: "{{ secret_word | default('x') }}", dest: /tmp/trace}
    - name: Count what runs
      shell: echo ran >> /tmp/count
    - name: Say who
      command: id -un
      changed_when: false
"""
RAW = """\
- hosts: all
  gather_facts: false
  tasks:
    - raw: echo ran >> /tmp/count
"""


def wait_until(claim, limit_s=10):
    """@return whether it came true"""
    deadline = time.monotonic() + limit_s
    while not claim():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


class Hold(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        reason = test_hosts.why_not() or accounts.why_not()
        if reason is not None:
            raise unittest.SkipTest(reason)
        cls.top = pathlib.Path(tempfile.mkdtemp(prefix="gpustack-hold-"))
        cls.addClassCleanup(shutil.rmtree, cls.top, ignore_errors=True)
        by_password = ["Match User asked", "PasswordAuthentication yes"]
        cls.fleet = test_hosts.Hosts(cls.top / "fleet").up([test_hosts.HostSpec(name, sshd=by_password) for name in ("h1", "h2")])
        cls.addClassCleanup(cls.fleet.down)
        for name in ("h1", "h2"):
            accounts.add_asked(cls.fleet.root(name), PASSWORD)
        cls.net = cls.fleet.exec("readlink", "/proc/self/ns/net", capture_output=True, text=True).stdout.strip()

    def setUp(self):
        self.folder = self.top / self._testMethodName
        self.folder.mkdir()
        (self.folder / "site.yml").write_text(SITE)
        (self.folder / "raw.yml").write_text(RAW)
        self.runtime = self.folder / "run"
        self.runtime.mkdir(mode=0o700)
        self.sockets = self.runtime / "gpustack"
        self.known_hosts = self.folder / "known_hosts"
        shutil.copy(self.fleet.state / "known_hosts", self.known_hosts)
        self.write_inventory()
        for name in ("h1", "h2"):
            for path in ("tmp/trace", "tmp/count"):
                (self.fleet.root(name) / path).unlink(missing_ok=True)
        self.addCleanup(self.end_holders)

    def end_holders(self):
        for pid in self.holders():
            os.kill(pid, signal.SIGKILL)
        self.assertTrue(wait_until(lambda: not self.holders()))

    def write_inventory(self, user="root", hosts=("h1", "h2"), more=""):
        self.inventory = self.folder / "hosts.ini"
        self.inventory.write_text("".join(
            f"{name} ansible_host={self.fleet.address(name)} ansible_user={user} {more} "
            f"ansible_ssh_private_key_file={self.fleet.state / 'id_ed25519'} "
            f"ansible_ssh_common_args='-o UserKnownHostsFile={self.known_hosts} -o GlobalKnownHostsFile=none -o IdentitiesOnly=yes'\n" for name in hosts))

    def environment(self, **more):
        return {"HOME": str(self.folder), "XDG_RUNTIME_DIR": str(self.runtime), "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8",
                "NO_COLOR": "1", "GPUSTACK_PERSIST": "60", **more}

    def command(self, *words, verb="apply", site="site.yml"):
        return [str(PROGRAM), verb, site, "-i", str(self.inventory), *words]

    def apply(self, *words, verb="apply", site="site.yml", code=0, **environment):
        """@return what it printed on standard output; its standard error is in self.errors"""
        done = self.fleet.exec(*self.command(*words, verb=verb, site=site), cwd=self.folder, env=self.environment(**environment),
                               stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
        self.errors = done.stderr
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout

    def connections(self, *words):
        return self.fleet.exec(str(PROGRAM), "connections", *words, env=self.environment(), capture_output=True, text=True, timeout=60,
                               check=True).stdout

    def logins(self, name="h1"):
        return (self.fleet.state / name / "sshd.log").read_text().count("Accepted ")

    def runs(self, name="h1"):
        return (self.fleet.root(name) / "tmp/count").read_text().count("ran")

    def holders(self):
        """The processes in the controller's network that hold connections."""
        found = []
        for entry in pathlib.Path("/proc").iterdir():
            try:
                if (entry.name.isdigit() and (entry / "comm").read_text() == "gpustack-hold\n" and os.readlink(entry / "ns/net") == self.net
                        and (entry / "stat").read_text().rpartition(")")[2].split()[0] != "Z"):
                    found.append(int(entry.name))
            except OSError:
                pass  # it has ended
        return found

    def sessions(self, name="h1"):
        """Processes of the host's sshd that serve a login."""
        shown = self.fleet.exec_in(name, "ps", "-eo", "pid,args", capture_output=True, text=True, check=True).stdout
        return [int(line.split()[0]) for line in shown.splitlines() if re.search(r"sshd: \S+( \[priv\])?(@notty)?\s*$", line) and "[listener]" not in line]

    def socket_names(self):
        return [path.name for path in self.sockets.iterdir() if path.is_socket()] if self.sockets.is_dir() else []

    def assert_warm(self, *words, **more):
        """An apply that logs in nowhere. @return what it printed"""
        before = self.logins("h1"), self.logins("h2")
        text = self.apply(*words, **more)
        self.assertEqual((self.logins("h1"), self.logins("h2")), before)
        return text

    def assert_cold(self, *words, **more):
        """An apply that logs in once on h1. @return what it printed"""
        before = self.logins()
        text = self.apply(*words, **more)
        self.assertEqual(self.logins(), before + 1)
        return text

    # -- the rule ---------------------------------------------------------
    def test_a_second_apply_logs_in_nowhere_and_says_the_same(self):
        self.assert_cold()
        warm = self.assert_warm()
        cold = self.assert_cold("--no-persist")

        self.assertEqual(sorted(warm.splitlines()), sorted(cold.splitlines()))  # hosts answer in any order
        self.assertEqual(self.errors, "")
        self.assertEqual(self.runs("h1"), 3)
        self.assertEqual(self.runs("h2"), 3)
        self.assertEqual(len(self.holders()), 1)

    def test_many_applies_use_one_login(self):
        self.assert_cold()
        for _ in range(5):
            self.assert_warm()
        self.assertEqual(len(self.holders()), 1)

    def test_nothing_is_held_with_no_persist(self):
        self.apply("--no-persist")

        self.assertEqual(self.holders(), [])
        self.assertFalse(self.sockets.exists())

    def test_gpustack_yml_and_the_environment_turn_it_off(self):
        (self.folder / "gpustack.yml").write_text("persist: false\n")
        environment = self.environment()
        del environment["GPUSTACK_PERSIST"]
        done = self.fleet.exec("env", "-u", "GPUSTACK_PERSIST", *self.command(), cwd=self.folder, env=environment, capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.apply(GPUSTACK_PERSIST="false")
        self.assertEqual(self.holders(), [])

    def test_a_time_that_is_none_is_refused(self):
        self.apply(GPUSTACK_PERSIST="soon", code=SITE_DOES_NOT_LOAD)
        self.assertIn("GPUSTACK_PERSIST must be a whole number from 1 to 86400, or false, found 'soon'", self.errors)

    def test_it_ends_by_itself_when_nobody_comes(self):
        self.apply(GPUSTACK_PERSIST="2")
        self.assertEqual(len(self.holders()), 1)

        self.assertTrue(wait_until(lambda: not self.holders(), 15))
        self.assertEqual(self.socket_names(), [])
        self.assertTrue(wait_until(lambda: not self.sessions(), 5))

    def test_playbook_holds_unless_the_ssh_arguments_say_no(self):
        self.apply(verb="playbook", ANSIBLE_SSH_ARGS="-C -o ControlMaster=auto -o ControlPersist=no")
        self.assertEqual(self.holders(), [])
        self.apply(verb="playbook", ANSIBLE_SSH_ARGS="-C -o ControlMaster=auto -o ControlPersist=60s")
        self.assertEqual(len(self.holders()), 1)
        self.assert_warm(verb="playbook", ANSIBLE_SSH_ARGS="-C -o ControlMaster=auto -o ControlPersist=60s")
        # Whoever wants no shared connection gets none.
        self.assert_cold(verb="playbook", ANSIBLE_SSH_ARGS="-o ControlPath=none")

    def test_the_ssh_arguments_say_for_how_long(self):
        self.apply(verb="playbook", ANSIBLE_SSH_ARGS="-o ControlMaster=auto -o ControlPersist=1s")
        self.assertEqual(len(self.holders()), 1)
        self.assertTrue(wait_until(lambda: not self.holders(), 5))

    # -- the runner that waits ----------------------------------------------
    def runners(self, name="h1"):
        """Runners on the host that serve somebody, or wait for that."""
        shown = self.fleet.exec_in(name, "ps", "-eo", "pid,args", capture_output=True, text=True, check=True).stdout
        return [int(line.split()[0]) for line in shown.splitlines() if "runner serve --hash" in line and "/bin/sh" not in line]

    def test_one_runner_waits_and_ends_with_the_connection(self):
        self.apply()
        self.assertTrue(wait_until(lambda: len(self.runners()) == 1))
        first = self.runners()
        self.assert_warm()
        self.assertTrue(wait_until(lambda: len(self.runners()) == 1 and self.runners() != first), "each run has its own")
        self.connections("--close")
        self.assertTrue(wait_until(lambda: not self.runners()))

    def test_a_runner_that_is_gone_is_started_again(self):
        self.apply()
        self.assertTrue(wait_until(lambda: len(self.runners()) == 1))
        self.fleet.exec_in("h1", "kill", "-KILL", str(self.runners()[0]))
        self.assert_warm()
        self.assertEqual(self.runs(), 2)

    def test_a_runner_that_was_removed_is_sent_again(self):
        self.apply()
        self.assertTrue(wait_until(lambda: len(self.runners()) == 1))
        shutil.rmtree(self.fleet.root("h1") / "root/.cache/gpustack")
        self.fleet.exec_in("h1", "kill", "-KILL", str(self.runners()[0]))
        self.assert_warm()
        self.assertEqual(self.runs(), 2)

    def test_only_the_start_of_a_runner_is_done_ahead(self):
        for _ in range(3):
            self.apply(site="raw.yml")
        time.sleep(0.5)
        self.assertEqual(self.runs(), 3)
        self.assertEqual(self.runners(), [])

    # -- connections ------------------------------------------------------
    def test_connections_lists_and_closes(self):
        self.assertEqual(self.connections(), "no connection is held\n")
        self.apply()
        listed = self.connections().splitlines()
        self.assertEqual(listed[0].split(), ["HOST", "USER", "ADDRESS", "AGE", "IDLE"])
        self.assertRegex(listed[1], rf"^h1 +root +{self.fleet.address('h1')} port 22 +\d+ s +\d+ s$")
        self.assertEqual([line.split()[0] for line in listed[1:]], ["h1", "h2"])

        self.assertEqual(self.connections("--close"), "closed 2 connections\n")
        self.assertTrue(wait_until(lambda: not self.holders()))
        self.assertEqual(self.socket_names(), [])
        self.assert_cold()

    # -- what may go wrong --------------------------------------------------
    def test_a_killed_holder_costs_a_login(self):
        self.apply()
        stale = set(self.socket_names())
        os.kill(self.holders()[0], signal.SIGKILL)
        self.assertTrue(wait_until(lambda: not self.holders()))
        self.assertEqual(set(self.socket_names()), stale)

        self.assert_cold()
        self.assert_warm()
        self.assertEqual(set(self.socket_names()), stale)
        self.assertEqual(self.runs(), 3)

    def test_sockets_of_the_dead_are_removed(self):
        self.apply()
        os.kill(self.holders()[0], signal.SIGKILL)
        self.assertTrue(wait_until(lambda: not self.holders()))
        self.write_inventory(hosts=["h1"])
        self.apply()
        self.assertEqual(len(self.socket_names()), 1)

    def test_a_terminated_holder_says_goodbye(self):
        self.apply()
        os.kill(self.holders()[0], signal.SIGTERM)

        self.assertTrue(wait_until(lambda: not self.holders()))
        self.assertEqual(self.socket_names(), [])
        self.assertTrue(wait_until(lambda: not self.sessions()))
        log = (self.fleet.state / "h1/sshd.log").read_text()
        self.assertIn("Received disconnect", log)

    def test_a_stopped_holder_costs_a_login(self):
        self.apply()
        holder = self.holders()[0]
        os.kill(holder, signal.SIGSTOP)
        try:
            self.assert_cold()
        finally:
            os.kill(holder, signal.SIGCONT)
        self.assertEqual(self.runs(), 2)

    def test_killed_sessions_of_the_server_cost_a_login(self):
        for site in ("site.yml", "raw.yml"):
            self.apply(site=site)
            for pid in self.sessions():
                self.fleet.exec_in("h1", "kill", "-KILL", str(pid))
            self.assert_cold(site=site)
        self.assertEqual(self.runs(), 4)

    def test_stopped_sessions_of_the_server_cost_a_login(self):
        for site in ("site.yml", "raw.yml"):
            self.apply(site=site)
            stopped = self.sessions()
            self.assertTrue(stopped)
            for pid in stopped:
                self.fleet.exec_in("h1", "kill", "-STOP", str(pid))
            self.assert_cold(site=site)
            for pid in stopped:
                self.fleet.exec_in("h1", "kill", "-KILL", str(pid))
        self.assertEqual(self.runs(), 4)

    def test_a_command_that_was_not_sent_when_its_connection_ended_runs_once(self):
        self.write_inventory(hosts=["h1"])
        self.apply(site="raw.yml")
        for pid in self.sessions():
            self.fleet.exec_in("h1", "kill", "-STOP", str(pid))
            self.addCleanup(self.fleet.exec_in, "h1", "kill", "-KILL", str(pid))
        before = self.logins()
        second = self.fleet.popen(*self.command(site="raw.yml"), cwd=self.folder, env=self.environment(), stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.addCleanup(lambda: second.poll() is None and second.kill())
        self.assertTrue(wait_until(lambda: "in use" in self.connections()), "nobody has come to the connection")
        self.connections("--close")
        text = second.communicate(timeout=60)[0]

        self.assertEqual(second.returncode, 0, text)
        self.assertEqual((self.runs(), self.logins()), (2, before + 1))

    def test_a_host_that_is_gone_is_no_longer_held(self):
        (self.folder / "gpustack.yml").write_text("keepalive_seconds: 1\nkeepalive_misses: 1\n")
        self.apply()
        for pid in self.sessions("h1"):
            self.fleet.exec_in("h1", "kill", "-STOP", str(pid))
        self.assertTrue(wait_until(lambda: len(self.socket_names()) == 1, 8), "keep-alives do not notice")
        self.assertIn("h2", self.connections())
        for pid in self.sessions("h1"):
            self.fleet.exec_in("h1", "kill", "-KILL", str(pid))

    def test_a_changed_host_key_is_refused(self):
        self.apply()
        lines = self.known_hosts.read_text().splitlines()
        other = [line for line in lines if line.startswith("h2 ")][0].split(" ", 1)[1]
        own = self.fleet.address("h1")
        self.known_hosts.write_text("".join(f"{own} {other}\n" if line.startswith(own + " ") else line + "\n" for line in lines))

        text = self.apply(code=UNREACHABLE)

        self.assertIn("host key of 'h1' has changed", text + self.errors)
        self.assertEqual((self.runs("h1"), self.runs("h2")), (1, 2))

    def test_a_forgotten_host_key_is_refused(self):
        self.apply()
        self.known_hosts.write_text("")
        text = self.apply(code=UNREACHABLE)
        self.assertIn("host key of 'h1' is not known", text + self.errors)
        self.assertEqual(self.runs("h1"), 1)

    def test_a_revoked_host_key_is_refused_even_without_checks(self):
        self.apply(ANSIBLE_HOST_KEY_CHECKING="false")
        self.assert_warm(ANSIBLE_HOST_KEY_CHECKING="false")
        line = [line for line in self.known_hosts.read_text().splitlines() if line.startswith(self.fleet.address("h1") + " ")][0]
        with open(self.known_hosts, "a") as file:
            file.write(f"@revoked {line}\n")
        text = self.apply(code=UNREACHABLE, ANSIBLE_HOST_KEY_CHECKING="false")
        self.assertIn("is revoked", text + self.errors)

    def test_two_applies_at_once_both_succeed(self):
        self.apply()
        before = self.logins()
        runs = [self.fleet.popen(*self.command(), cwd=self.folder, env=self.environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                 stderr=subprocess.STDOUT, text=True) for _ in range(4)]
        texts = [run.communicate(timeout=60)[0] for run in runs]
        self.assertEqual([run.returncode for run in runs], [0] * 4, texts)
        self.assertEqual(self.runs(), 5)
        self.assertLess(self.logins() - before, 4, "one of them finds the connection free")
        self.assert_warm()

    def test_an_apply_while_the_holder_ends_succeeds(self):
        for number in range(6):
            self.apply(GPUSTACK_PERSIST="1")
            time.sleep(0.85 + number * 0.05)
        self.assertEqual(self.runs(), 6)

    def test_a_killed_apply_leaves_nothing_and_the_connection_goes_on(self):
        (self.folder / "slow.yml").write_text("- hosts: all\n  gather_facts: false\n  tasks:\n    - command: sleep 61\n")
        self.apply()
        run = self.fleet.popen(*self.command(site="slow.yml"), cwd=self.folder, env=self.environment(), stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

        def sleeps():
            return "sleep 61" in self.fleet.exec_in("h1", "ps", "-eo", "args", capture_output=True, text=True).stdout

        self.assertTrue(wait_until(sleeps))
        self.assertIn("in use", self.connections())
        run.kill()
        run.wait()
        self.assertTrue(wait_until(lambda: not sleeps(), 20), "the command goes on")
        self.assert_warm()

    # -- whose it is --------------------------------------------------------
    def test_a_folder_of_somebody_else_is_not_used(self):
        self.sockets.mkdir(mode=0o700)
        os.chown(self.sockets, 1234, 1234)
        self.apply()
        self.assertIn(f"the folder '{self.sockets}' is not ours alone: it belongs to user 1234; connections are not held", " ".join(self.errors.split()))
        self.assertEqual(self.holders(), [])

    def test_a_folder_that_others_may_enter_is_not_used(self):
        self.sockets.mkdir()
        self.sockets.chmod(0o755)
        self.apply()
        self.assertIn("its mode is 0755, so that others may enter it", " ".join(self.errors.split()))
        self.assertEqual(self.holders(), [])

    def test_a_link_in_the_place_of_the_folder_is_not_used(self):
        (self.folder / "elsewhere").mkdir(mode=0o700)
        self.sockets.symlink_to(self.folder / "elsewhere")
        self.apply()
        self.assertIn("connections are not held", " ".join(self.errors.split()))
        self.assertEqual(self.holders(), [])

    def test_sockets_are_their_owners_alone(self):
        self.apply()
        self.assertEqual(stat.S_IMODE(self.sockets.stat().st_mode), 0o700)
        self.assertEqual({stat.S_IMODE((self.sockets / name).stat().st_mode) for name in self.socket_names()}, {0o600})

    def test_another_users_guest_is_sent_away(self):
        self.apply()
        self.runtime.chmod(0o755)
        self.sockets.chmod(0o755)  # as if the folder did not stop anybody
        for part in (self.folder, self.top):
            part.chmod(0o755)
        name = self.sockets / self.socket_names()[0]
        name.chmod(0o777)
        code = (f"import os, socket; os.chdir({str(self.sockets)!r}); os.setuid(1999); s = socket.socket(socket.AF_UNIX); s.settimeout(5); "
                f"s.connect({name.name!r}); s.send(b'\\0\\0\\0\\0\\2\\0\\0\\0\\0'); print(s.recv(100))")
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30)
        self.assertTrue(done.stdout == "b''\n" or "ConnectionResetError" in done.stderr or "BrokenPipe" in done.stderr, done.stdout + done.stderr)

    # -- passwords ----------------------------------------------------------
    def test_a_wrong_password_does_not_get_a_held_connection(self):
        self.write_inventory(user="asked", hosts=["h1"], more=f"ansible_password='{PASSWORD}'")
        (self.fleet.root("h1") / "home/asked/.ssh/authorized_keys").rename(self.fleet.root("h1") / "home/asked/keys")
        try:
            self.apply(site="raw.yml")
            self.assert_warm(site="raw.yml")
            self.write_inventory(user="asked", hosts=["h1"], more="ansible_password='wrong'")
            self.apply(site="raw.yml", code=UNREACHABLE)
        finally:
            (self.fleet.root("h1") / "home/asked/keys").rename(self.fleet.root("h1") / "home/asked/.ssh/authorized_keys")
        self.assertEqual(self.runs(), 2)

    def test_become_passwords_are_asked_for_by_each_run(self):
        self.write_inventory(user="asked", more=f"ansible_become=true ansible_become_password='{PASSWORD}'")
        self.apply()
        self.assert_warm()
        self.write_inventory(user="asked", more="ansible_become=true ansible_become_password=wrong")
        before = self.logins()
        text = self.apply(code=FAILED)
        self.assertIn("FAILED", text)
        self.assertEqual(self.logins(), before)

    def test_a_holder_keeps_what_it_needs_and_no_words(self):
        word = "nobody-may-read-this"
        read, write = os.pipe()
        try:
            self.fleet.exec(*self.command("-e", f"secret_word={word}"), cwd=self.folder, env=self.environment(VISIBLE_WORD=word),
                            capture_output=True, timeout=60, check=True, pass_fds=[write])
        finally:
            os.close(write)
            os.close(read)
        holder = pathlib.Path("/proc") / str(self.holders()[0])
        self.assertNotIn(word.encode(), (holder / "cmdline").read_bytes())
        self.assertNotIn(word.encode(), (holder / "environ").read_bytes())
        self.assertEqual(os.readlink(holder / "cwd"), "/")
        # One with the other users' rights may not look into it, though it is their own process.
        self.assertEqual((holder / "mem").stat().st_uid, 0)
        kinds = {}
        for entry in (holder / "fd").iterdir():
            place = os.readlink(entry)
            kind = re.sub(r"[:\[].*", "", place) if not place.startswith(("/", "anon_inode")) else place
            kinds[kind] = kinds.get(kind, 0) + 1
        own = {"/dev/null": 3, str(self.sockets): kinds.get(str(self.sockets)), "anon_inode:[eventpoll]": 1, "anon_inode:[eventfd]": 1,
               "anon_inode:[timerfd]": 1, "pipe": 2, "socket": 6}
        self.assertEqual(kinds, own)  # two of a connection to the host, and one that listens, for each of two
        status = (holder / "status").read_text()
        self.assertLess(int(re.search(r"RssAnon:\s+(\d+) kB", status)[1]), 24 << 10)

    # -- ways ---------------------------------------------------------------
    def test_a_host_behind_a_jump_host_is_held_with_it(self):
        self.write_inventory(hosts=["h2"])
        text = self.inventory.read_text().replace("IdentitiesOnly=yes'", f"IdentitiesOnly=yes -o ProxyJump=root@{self.fleet.address('h1')}'")
        self.inventory.write_text(text)
        self.assert_cold()
        self.assert_warm()
        # The jump host's key counts as the host's own does.
        own = self.fleet.address("h1")
        lines = self.known_hosts.read_text().splitlines()
        self.known_hosts.write_text("".join(line + "\n" for line in lines if not line.startswith((own + " ", "h1 "))))
        self.apply(code=UNREACHABLE)

    def test_hosts_behind_one_jump_host_share_it(self):
        self.write_inventory(hosts=["h1", "h2"])
        text = self.inventory.read_text().replace("IdentitiesOnly=yes'", f"IdentitiesOnly=yes -o ProxyJump=deploy@{self.fleet.address('h1')}'")
        self.inventory.write_text(text)
        self.apply()
        self.assert_warm()
        self.assertEqual(self.runs("h1"), 2)
        self.assertEqual(self.runs("h2"), 2)

    def test_runs_that_offer_other_algorithms_log_in_by_themselves(self):
        self.write_inventory(hosts=["h1"])
        usual = self.inventory.read_text()
        self.assert_cold()
        for option in ("KexAlgorithms=curve25519-sha256", "Ciphers=aes128-ctr", "MACs=hmac-sha2-512"):
            with self.subTest(option):
                self.inventory.write_text(usual.replace("IdentitiesOnly=yes'", f"IdentitiesOnly=yes -o {option}'"))
                self.assert_cold()
                self.assert_warm()
        self.inventory.write_text(usual)
        self.assert_warm()

    def test_runs_that_offer_a_jump_host_other_algorithms_log_in_by_themselves(self):
        self.write_inventory(hosts=["h2"])
        self.inventory.write_text(self.inventory.read_text().replace("IdentitiesOnly=yes'", "IdentitiesOnly=yes -o ProxyJump=root@gate'"))
        (self.folder / ".ssh").mkdir()
        config = self.folder / ".ssh/config"
        config.write_text(f"Host gate\n  HostName {self.fleet.address('h1')}\n")
        self.assert_cold()
        self.assert_warm()
        config.write_text(config.read_text() + "  KexAlgorithms curve25519-sha256\n")
        self.assert_cold()
        self.assert_warm()

    def test_resetting_a_connection_logs_in_anew(self):
        (self.folder / "reset.yml").write_text(
            "- hosts: all\n  gather_facts: false\n  tasks:\n    - command: id -un\n    - meta: reset_connection\n    - shell: echo ran >> /tmp/count\n")
        self.apply()
        self.assert_cold(site="reset.yml")
        self.assert_warm()
        self.assertEqual(self.runs(), 3)

    def test_an_unreachable_host_does_not_keep_the_others_from_being_held(self):
        with open(self.inventory, "a") as file:
            file.write("gone ansible_host=10.88.200.200 ansible_timeout=1\n")
        self.apply(code=UNREACHABLE)
        self.assertEqual(len(self.socket_names()), 2)
        self.assert_warm(code=UNREACHABLE)

    def test_large_contents_pass_through_a_held_connection(self):
        (self.folder / "large.bin").write_bytes(os.urandom(24 << 20))
        (self.folder / "large.yml").write_text(
            "- hosts: all\n  gather_facts: false\n  tasks:\n    - copy: {src: large.bin, dest: /tmp/large.bin}\n"
            "    - fetch: {src: /tmp/large.bin, dest: back/}\n")
        self.apply()
        self.assert_warm(site="large.yml")
        for name in ("h1", "h2"):
            self.assertEqual((self.folder / f"back/{name}/tmp/large.bin").read_bytes(), (self.folder / "large.bin").read_bytes())
        status = (pathlib.Path("/proc") / str(self.holders()[0]) / "status").read_text()
        self.assertLess(int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]), 96 << 10)


if __name__ == "__main__":
    unittest.main()
