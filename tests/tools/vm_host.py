#!/usr/bin/python3
"""A machine that really boots: Debian 12 for aarch64 in qemu-system-aarch64, for what needs a kernel and an init of its own.

  vm_host.py image           build (or find) the image; print its folder
  vm_host.py run             boot it, print how to log in, wait for Control-C

The image is built once, in build/vm (ten minutes: mmdebstrap with qemu-user). Each start works on a throw-away layer over it. The
network is qemu's own: one port of 127.0.0.1 leads to the machine's sshd, and the machine reaches nothing.
"""
import fcntl
import hashlib
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import host_roots  # noqa: E402

FOLDER = host_roots.SOURCE / "build/vm"
PACKAGES = ("systemd,systemd-sysv,dbus,dbus-user-session,libpam-systemd,udev,openssh-server,cron,sudo,iproute2,procps,kmod,mount,e2fsprogs,"
            "tzdata,hostname,login,passwd,linux-image-arm64,initramfs-tools,netbase")
VERSION = "2"
BOOT_TIMEOUT = 1200  # seconds; a minute where nothing else runs, ten times that on a busy machine
# Under emulation each module of an initrd costs a second: only those that the disk needs.
INITRD_HOOK = ("#!/bin/sh\n[ \"$1\" = prereqs ] && exit 0\n. /usr/share/initramfs-tools/hook-functions\n"
               "manual_add_modules virtio_pci virtio_blk ext4 crc32c\n")
NETWORK = "[Match]\nName=eth0\n[Network]\nAddress=10.0.2.15/24\nGateway=10.0.2.2\n"


def why_not():
    """The reason such a machine cannot be started here, or None."""
    if os.geteuid() != 0:
        return "needs root (mmdebstrap, ownership of files in the image)"
    for program in ("qemu-system-aarch64", "qemu-aarch64-static", "mmdebstrap", "mke2fs", "setpriv", "ssh", "ssh-keygen"):
        if shutil.which(program) is None:
            return f"needs the program {program}"
    return None


def run(*command, **options):
    return subprocess.run(command, check=True, **options)


def prepare_root(root, folder):
    """Who may log in, the network, and less to wait for."""
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(folder / "id_ed25519"))
    public = (folder / "id_ed25519.pub").read_text()
    run("chroot", str(root), "useradd", "-m", "-s", "/bin/bash", "-u", "1999", "-p", "*", "deploy")
    for home, owner in (("root", 0), ("home/deploy", 1999)):
        host_roots.write(root / home / ".ssh/authorized_keys", public, 0o600)
        (root / home / ".ssh").chmod(0o700)
        for path in (root / home / ".ssh", root / home / ".ssh/authorized_keys"):
            os.chown(path, owner, owner)
    host_roots.write(root / "etc/sudoers.d/deploy", "deploy ALL=(ALL:ALL) NOPASSWD: ALL\n", 0o440)
    host_roots.write(root / "etc/systemd/network/eth0.network", NETWORK)
    host_roots.write(root / "etc/fstab", "/dev/vda / ext4 defaults 0 1\n")
    host_roots.write(root / "etc/hostname", "vm\n")
    # Under emulation on a busy machine systemd may think for longer than systemctl's 25 seconds.
    host_roots.write(root / "etc/environment", "SYSTEMD_BUS_TIMEOUT=300s\n")
    host_roots.write(root / "etc/hosts", "127.0.0.1 localhost\n127.0.1.1 vm\n")
    run("chroot", str(root), "systemctl", "enable", "systemd-networkd.service")
    for unit in ("apt-daily.timer", "apt-daily-upgrade.timer", "e2scrub_all.timer", "getty@tty1.service", "serial-getty@ttyAMA0.service",
                 "systemd-networkd-wait-online.service"):
        path = root / "etc/systemd/system" / unit
        path.unlink(missing_ok=True)
        path.symlink_to("/dev/null")
    kind, key = (root / "etc/ssh/ssh_host_ed25519_key.pub").read_text().split()[:2]
    (folder / "host_key").write_text(f"{kind} {key}\n")


def image():
    """The folder with vmlinuz, initrd, root.ext4 and the keys, built once."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    name = hashlib.sha256((PACKAGES + VERSION + NETWORK + INITRD_HOOK).encode()).hexdigest()[:12]
    folder = FOLDER / name
    with open(FOLDER / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if folder.exists():
            return folder
        print("building the image of the machine (once)", file=sys.stderr, flush=True)
        partial = FOLDER / f"{name}.partial"
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        build_image(partial)
        partial.rename(folder)
    return folder


def build_image(folder):
    host_roots.enable_binfmt()
    root = folder / "root"
    settings = folder / "initramfs-tools"
    host_roots.write(settings / "conf.d/machine", "MODULES=list\nCOMPRESS=gzip\n")
    host_roots.write(settings / "hooks/machine", INITRD_HOOK, 0o755)
    with open(FOLDER / "mmdebstrap.log", "w") as log:
        done = subprocess.run(["mmdebstrap", "--variant=minbase", "--arch=arm64", "--skip=check/qemu", f"--include={PACKAGES}",
                               f"--essential-hook=cp -r {settings} \"$1\"/etc/", "--aptopt=Acquire::Languages \"none\"", "bookworm",
                               str(root)], stdout=log, stderr=subprocess.STDOUT)
    if done.returncode != 0:
        raise SystemExit(f"mmdebstrap failed; see {FOLDER}/mmdebstrap.log")
    prepare_root(root, folder)
    for pattern, name in (("vmlinuz-*", "vmlinuz"), ("initrd.img-*", "initrd")):
        shutil.copy(next((root / "boot").glob(pattern)), folder / name)
    run("mke2fs", "-q", "-t", "ext4", "-d", str(root), str(folder / "root.ext4"), "3G")
    shutil.rmtree(root)
    shutil.rmtree(settings)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Machine:
    """A booted machine; `with Machine(work) as machine:` ends it whatever happens."""

    def __init__(self, work):
        self.work = pathlib.Path(work)
        self.port, self.process = free_port(), None

    def __enter__(self):
        self.folder = image()
        self.known_hosts = self.work / "known_hosts"
        self.known_hosts.write_text(f"[127.0.0.1]:{self.port} {(self.folder / 'host_key').read_text()}")
        # It ends with this program, however that ends.
        command = ["setpriv", "--pdeathsig", "TERM", "qemu-system-aarch64", "-machine", "virt", "-cpu", "max,pauth-impdef=on", "-accel", "tcg,thread=multi", "-smp", "2", "-m", "1024",
                   "-kernel", str(self.folder / "vmlinuz"), "-initrd", str(self.folder / "initrd"),
                   "-append", "root=/dev/vda rw console=ttyAMA0 net.ifnames=0 quiet",
                   "-drive", f"file={self.folder}/root.ext4,format=raw,if=none,id=disk,snapshot=on", "-device", "virtio-blk-pci,drive=disk",
                   "-netdev", f"user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:{self.port}-:22", "-device", "virtio-net-pci,netdev=net,romfile=",
                   "-device", "virtio-rng-pci", "-display", "none", "-monitor", "none", "-serial", f"file:{self.work}/console.log"]
        with open(self.work / "qemu.log", "w") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        try:
            self.wait_for_login()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        if self.process is None or self.process.poll() is not None:
            return
        os.kill(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def wait_for_login(self):
        deadline = time.monotonic() + BOOT_TIMEOUT
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError("qemu ended: " + (self.work / "qemu.log").read_text())
            try:
                if self.ask("systemctl is-system-running --wait >/dev/null; echo ready", timeout=240) == "ready":
                    return
            except (subprocess.TimeoutExpired, RuntimeError):
                time.sleep(2)
        raise RuntimeError("the machine does not let anybody in: " + (self.work / "console.log").read_text()[-3000:])

    def ask(self, command, user="root", timeout=400):
        """What a shell on the machine answers, by the system's own ssh."""
        shared = ["-o", "ControlMaster=auto", "-o", f"ControlPath={self.work}/ssh-{user}", "-o", "ControlPersist=300"]
        done = subprocess.run(["ssh", "-q", *shared, "-o", "ServerAliveInterval=60", "-i", str(self.folder / "id_ed25519"), "-p", str(self.port), "-o", "BatchMode=yes",
                               "-o", f"UserKnownHostsFile={self.known_hosts}", "-o", "ConnectTimeout=240", f"{user}@127.0.0.1", command],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout)
        if done.returncode == 255:
            raise RuntimeError(f"no login: {done.stderr}")
        return done.stdout.strip()

    def inventory(self):
        return (f"vm ansible_host=127.0.0.1 ansible_port={self.port} ansible_user=root "
                f"ansible_ssh_private_key_file={self.folder}/id_ed25519\n"
                f"[all:vars]\nansible_ssh_common_args='-o UserKnownHostsFile={self.known_hosts}'\n")


def main(arguments):
    if arguments == ["image"]:
        print(image())
        return 0
    if arguments != ["run"]:
        print(__doc__)
        return 0 if arguments in ([], ["help"], ["--help"]) else 5
    work = FOLDER / f"run-{os.getpid()}"
    work.mkdir(parents=True)
    try:
        with Machine(work) as machine:
            print(f"ssh -i {machine.folder}/id_ed25519 -o UserKnownHostsFile={machine.known_hosts} -p {machine.port} root@127.0.0.1", flush=True)
            machine.process.wait()
    except KeyboardInterrupt:
        pass
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
