"""Hosts by the hundred: each has its own sshd, address, root and processes; network, host key and base root are shared."""
import hashlib
import os
import subprocess
import sys

import fleet as fleets
from host_roots import quiet, run, write, write_accounts

NET = "10.88"
AT_ONCE = 25  # hosts started before any of them is waited for
DEVICES = {"null": (1, 3), "zero": (1, 5), "full": (1, 7), "random": (1, 8), "urandom": (1, 9), "tty": (5, 0)}
SSHD = ("Port 22", "HostKey /etc/ssh/gpustack_host_key", "UsePAM no", "PasswordAuthentication no", "PidFile none", "MaxStartups 200",
        "StrictModes no", "PrintMotd no", "UseDNS no", "Subsystem sftp internal-sftp")
PROBE = """
import socket, sys, time
for address in sys.stdin.read().split():
    for _ in range(600):
        try:
            if socket.create_connection((address, 22), 15).recv(4) == b"SSH-":
                break
        except OSError:
            pass
        time.sleep(0.1)
    else:
        sys.exit(f"sshd at {address} does not answer")
"""


class LightFleet(fleets.Fleet):
    """Takes the names of its hosts."""

    def __init__(self, state):
        super().__init__(state)
        self.holders, self.net = [], None

    @property
    def data(self):
        return self.started

    def start(self, names):
        self.state.mkdir(parents=True)
        tag = hashlib.sha256(str(self.state).encode()).hexdigest()[:6]
        self.net = f"gs{tag}c"
        self.started = {"net": self.net, "tag": tag, "hosts": {}}
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.state / "id_ed25519"))
        run("ip", "netns", "add", self.net)
        run("ip", "-n", self.net, "link", "set", "lo", "up")
        run("ip", "-n", self.net, "route", "add", "local", f"{NET}.0.0/16", "dev", "lo")
        shared = self.state / "shared"
        shared.mkdir()
        run("mount", "-t", "tmpfs", "-o", "mode=755", "gpustack-hosts", str(shared))
        key = self.lay_base(shared / "base")
        self.make_devices(shared / "dev")
        for begin in range(0, len(names), AT_ONCE):
            some = names[begin:begin + AT_ONCE]
            holders = [self.start_one(name, begin + number) for number, name in enumerate(some)]
            for name, holder in zip(some, holders):
                self.started["hosts"][name].update(holder=holder.pid, pid=self.child_of(holder.pid))
        addresses = {name: entry["address"] for name, entry in self.started["hosts"].items()}
        write(self.state / "known_hosts", "".join(f"{address} {key}\n{name} {key}\n" for name, address in addresses.items()))
        self.exec(sys.executable, "-c", PROBE, input="\n".join(addresses.values()), text=True, check=True)
        return self

    def lay_base(self, base):
        """What all hosts have above this machine's root. @return the host key"""
        base.mkdir()
        for entry in os.scandir("/"):
            if entry.is_dir(follow_symlinks=False) and entry.name not in fleets.hosts.SHARED_FOLDERS:
                (base / entry.name).mkdir()
                os.setxattr(base / entry.name, "trusted.overlay.opaque", b"y")
        (base / "tmp").chmod(0o1777)
        (base / "root").chmod(0o700)
        (base / "run/sshd").mkdir(parents=True)
        write_accounts(base)
        write(base / "root/.ssh/authorized_keys", (self.state / "id_ed25519.pub").read_text(), 0o600)
        (base / "root/.ssh").chmod(0o700)
        key = base / "etc/ssh/gpustack_host_key"
        key.parent.mkdir(parents=True)
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(key))
        write(base / "etc/ssh/gpustack_sshd_config", "\n".join(SSHD) + "\n")
        return " ".join(key.with_suffix(".pub").read_text().split()[:2])

    @staticmethod
    def make_devices(folder):
        (folder / "shm").mkdir(parents=True)
        for name, numbers in DEVICES.items():
            os.mknod(folder / name, 0o020666, os.makedev(*numbers))
            (folder / name).chmod(0o666)
        for number, name in enumerate(("stdin", "stdout", "stderr")):
            (folder / name).symlink_to(f"/proc/self/fd/{number}")

    def start_one(self, name, number):
        address = f"{NET}.{1 + number // 250}.{1 + number % 250}"
        shared = self.state / "shared"
        own = shared / name
        for part in ("upper", "work", "root"):
            (own / part).mkdir(parents=True)
        script = "\n".join([
            "set -e", f"mount -t overlay gpustack-host -o lowerdir={shared}/base:/,upperdir={own}/upper,workdir={own}/work {own}/root",
            f"cd {own}/root", "mount -t proc proc proc", f"mount --bind {shared}/dev dev", f"hostname {name}",
            f"exec chroot . /usr/sbin/sshd -D -e -f /etc/ssh/gpustack_sshd_config -o ListenAddress={address}"])
        with fleets.signals_later(), open(own / "sshd.log", "w") as log:
            holder = subprocess.Popen(
                ["ip", "netns", "exec", self.net, "unshare", "--mount", "--pid", "--uts", "--ipc", "--fork", "--kill-child",
                 "--propagation", "private", "/bin/sh", "-c", script],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
            self.holders.append(holder)
        self.started["hosts"][name] = {"address": address}
        return holder

    def down(self):
        for holder in self.holders:
            holder.kill()  # its host goes with it
        for holder in self.holders:
            holder.wait()
        self.holders = []
        shared = self.state / "shared"
        if os.path.ismount(shared) and not quiet("umount", str(shared)):
            quiet("umount", "-l", str(shared))
        if self.net:
            quiet("ip", "netns", "del", self.net)
        run("rm", "-rf", "--one-file-system", str(self.state))
