"""One test host, a controller to kill, and the questions asked of the host afterwards."""
import contextlib
import os
import pathlib
import platform
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

SOURCE = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(SOURCE / "tests/tools"))
import hosts  # noqa: E402

BINARIES = pathlib.Path(os.environ.get("GPUSTACK_BINARY_DIR", SOURCE / "build/release"))
RELAY_PORT = 2222
CLEAN_WITHIN = 5.0
# What a host may gain besides the files that tests ask for: the placed runner, and sudo's own records.
EXPECTED = re.compile(r"/(root|home/deploy)/\.cache(/gpustack(/[0-9a-f]{64}(/runner|/verified)?)?)?$|/var/lib/sudo|/run/sudo|/run/systemd"
                      r"|/var/log(/|$)|/srv/kept(/|$)")


def find_programs():
    """The folder with gpustack, and one with the runner that native hosts need; or the reason why not."""
    gpustack = BINARIES / "bin/gpustack"
    if not gpustack.exists():
        return None, None, f"needs {gpustack}"
    name = f"gpustack-runner-{platform.machine()}"
    for folder in (gpustack.parent, BINARIES.parent / "bin"):
        if (folder / name).exists():
            return gpustack, folder, None
    return None, None, f"needs {BINARIES.parent / 'bin' / name} (./dev build)"


class World:
    """Root's host `edge`. Tests keep what they write below /srv/kept; everything else counts as a leftover."""

    def __init__(self, gpustack, runners):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="gpustack-kill-"))
        self.gpustack = gpustack
        # A copy: a build that goes on beside the test must not change the runner in the middle of it.
        self.runners = self.folder / "runners"
        self.runners.mkdir()
        shutil.copy(runners / f"gpustack-runner-{platform.machine()}", self.runners)
        self.site = self.folder / "site"
        self.site.mkdir()
        self.environment = dict(os.environ, HOME=str(self.folder), GPUSTACK_RUNNERS=str(self.runners), LC_ALL="C.UTF-8")
        self.fleet = hosts.Hosts(self.folder / "fleet").up([hosts.HostSpec("edge")])
        self.root = self.fleet.root("edge")
        (self.root / "srv/kept").mkdir(parents=True)
        key = next(line.split(" ", 1)[1] for line in (self.fleet.state / "known_hosts").read_text().splitlines())
        with open(self.fleet.state / "known_hosts", "a") as known:
            known.write(f"[10.88.0.1]:{RELAY_PORT} {key}\n")
        self.before = self.paths()

    def down(self):
        self.fleet.down()
        shutil.rmtree(self.folder, ignore_errors=True)

    # -- the controller --------------------------------------------------
    def inventory(self, user="root", relayed=False):
        place = f"ansible_host=10.88.0.1 ansible_port={RELAY_PORT}" if relayed else f"ansible_host={self.fleet.address('edge')}"
        path = self.folder / f"{user}{'-relayed' if relayed else ''}.ini"
        path.write_text(f"edge {place} ansible_user={user} ansible_ssh_private_key_file={self.fleet.state}/id_ed25519 "
                        f"ansible_ssh_common_args='-o UserKnownHostsFile={self.fleet.state}/known_hosts'\n")
        return path

    def command(self, site, user, relayed=False):
        (self.site / "site.yml").write_text(site)
        return [str(self.gpustack), "apply", "site.yml", "-i", str(self.inventory(user, relayed)), "--output", "ansible"]

    def start(self, site, user="root", relayed=False):
        """`ip netns exec` becomes the command it is given: the process is the controller itself."""
        return self.fleet.popen(*self.command(site, user, relayed), cwd=self.site, env=self.environment, text=True,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def apply(self, site, user="root"):
        """@return (exit code, changed, output)"""
        done = self.fleet.exec(*self.command(site, user), cwd=self.site, env=self.environment, text=True, timeout=120,
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        changed = re.search(r"^edge\s+: ok=\d+\s+changed=(\d+)", done.stdout, re.MULTILINE)
        return done.returncode, int(changed.group(1)) if changed else None, done.stdout

    @contextlib.contextmanager
    def relay(self, hold_after):
        """@return a function that waits until the relay holds back what goes to the host"""
        script = pathlib.Path(__file__).with_name("relay.py")
        process = self.fleet.popen("/usr/bin/python3", str(script), str(RELAY_PORT), self.fleet.address("edge"), "22",
                                   str(hold_after), stdout=subprocess.PIPE, text=True)
        try:
            if process.stdout.readline() != "listening\n":
                raise RuntimeError("the relay does not listen")
            yield lambda: int(next_line(process, 30).split()[1])
        finally:
            process.kill()
            process.wait()
            process.stdout.close()

    # -- the host --------------------------------------------------------
    def processes(self):
        """The command lines of all processes but the host's own sshd."""
        found = {}
        for entry in os.listdir(self.root / "proc"):
            if not entry.isdigit() or entry == "1":
                continue
            with contextlib.suppress(OSError):
                words = (self.root / "proc" / entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                stat = (self.root / "proc" / entry / "stat").read_text()
                found[int(entry)] = words.strip() or stat[stat.index("("):stat.index(")") + 3]
        return found

    def paths(self):
        """Every path the host has beyond the machine's own root, with those of its memory file systems."""
        found = set()
        upper = self.fleet.state / "edge/rw/upper"
        for base, prefix in ((upper, ""), (self.root / "run", "/run"), (self.root / "dev/shm", "/dev/shm")):
            for folder, folders, files in os.walk(base):
                inside = os.path.relpath(folder, base)
                found.update(prefix + "/" + os.path.normpath(os.path.join(inside, name)) for name in folders + files)
        return found

    def leftovers(self):
        files = sorted(path for path in self.paths() - self.before if not EXPECTED.match(path))
        files += sorted(path for path in self.paths() if os.path.basename(path).startswith((".gpustack-", ".ansible")))
        processes = [f"process {pid}: {line}" for pid, line in self.processes().items()]
        return files + processes

    def wait_until_clean(self):
        """@return (what is left when the time is over, seconds it took)"""
        begin = time.monotonic()
        while True:
            left = self.leftovers()
            took = time.monotonic() - begin
            if not left or took > CLEAN_WITHIN:
                return left, took
            time.sleep(0.02)

    def forget_runner(self):
        for home in ("root", "home/deploy"):
            shutil.rmtree(self.root / home / ".cache/gpustack", ignore_errors=True)

    def reset(self):
        """Ends what a failed test left on the host, so that the next one starts even."""
        for pid in self.processes():
            subprocess.run(["nsenter", "-t", str(self.fleet.data["hosts"]["edge"]["pid"]), "-p", "-m", "/bin/kill", "-9", str(pid)],
                           stderr=subprocess.DEVNULL)
        for path in sorted(self.paths() - self.before, key=len, reverse=True):
            if EXPECTED.match(path) and not path.startswith("/srv/kept/"):
                continue
            with contextlib.suppress(OSError):
                target = self.root / path.lstrip("/")
                shutil.rmtree(target) if target.is_dir() and not target.is_symlink() else target.unlink()


def start():
    """The world of a test module; skips it where there can be none."""
    reason = hosts.why_not()
    gpustack, runners, missing = find_programs()
    if reason or missing:
        raise unittest.SkipTest(reason or missing)
    return World(gpustack, runners)


def play(tasks, become=False):
    return f"- hosts: all\n  gather_facts: false\n  become: {str(become).lower()}\n  tasks:\n{tasks}"


def wait_for(condition, what, seconds=30.0):
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds:.0f} s in vain: {what}")
        time.sleep(0.005)
    return found


def next_line(process, seconds):
    """A line of a process's output; its end after `seconds` instead of waiting for ever."""
    timer = threading.Timer(seconds, process.kill)
    timer.start()
    try:
        line = process.stdout.readline()
    finally:
        timer.cancel()
    if not line:
        raise AssertionError("the process ended instead of printing a line")
    return line


def kill(process, number=signal.SIGKILL):
    """@return (exit code, the rest of the output)"""
    process.send_signal(number)
    try:
        output, _ = process.communicate(timeout=30)
    except subprocess.TimeoutExpired:
        process.kill()
        output, _ = process.communicate()
        return None, output
    return process.returncode, output
