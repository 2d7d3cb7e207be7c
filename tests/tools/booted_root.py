"""A Debian 12 root that starts real systemd in namespaces, with the packages that roles install as a local apt source."""
import fcntl
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import time

import host_roots
import package_repository

PACKAGES = ("systemd,systemd-sysv,dbus,openssh-server,python3,python3-apt,python3-debian,sudo,iproute2,iptables,procps,kmod,cron,"
            "ca-certificates,libpam-modules,libpam-runtime,hostname,tzdata,gnupg,init-system-helpers,acl,passwd,login,netbase,curl")
# What the roles install, with all that these need: they lie in the root, uninstalled.
OFFERED = ("nginx", "ntpsec", "fail2ban", "unattended-upgrades", "redis-server", "nfs-common", "nfs-kernel-server", "auditd",
           "libpam-passwdqc", "apt-transport-https")
VERSION = "3"
REPOSITORY = "var/lib/test-host-repository"
CGROUPS = "gpustack-hosts"
# A host's services may not reach the machine below: its clock, modules, logs and audit are everybody's.
WITHHELD = ("sys_time", "sys_module", "sys_rawio", "syslog", "audit_control", "audit_read", "mac_admin", "mac_override", "wake_alarm", "bpf",
            "perfmon")
# Units that want hardware or a terminal.
MASKED = ("systemd-udevd.service", "systemd-udevd-control.socket", "systemd-udevd-kernel.socket", "systemd-udev-trigger.service",
          "systemd-modules-load.service", "console-getty.service", "getty@.service", "getty.target", "sys-kernel-debug.mount",
          "sys-kernel-tracing.mount", "proc-sys-fs-binfmt_misc.automount", "dev-hugepages.mount", "sys-fs-fuse-connections.mount",
          "apt-daily.timer", "apt-daily-upgrade.timer", "systemd-timesyncd.service")


def cgroup_root():
    """Where this machine's unified cgroup hierarchy is mounted, or None."""
    for line in pathlib.Path("/proc/mounts").read_text().splitlines():
        fields = line.split()
        if fields[2] == "cgroup2" and os.access(fields[1], os.W_OK):
            return pathlib.Path(fields[1])
    return None


def why_not():
    """The reason such hosts cannot be started here, or None."""
    for program in ("mmdebstrap", "setpriv", "pivot_root"):
        if shutil.which(program) is None:
            return f"needs the program {program}"
    return None if cgroup_root() is not None else "needs a cgroup2 hierarchy that can be written"


def download(root):
    """The packages of OFFERED as .deb files in the root's repository folder."""
    shutil.copy("/etc/resolv.conf", root / "etc/resolv.conf")
    folder = root / REPOSITORY
    folder.mkdir(parents=True)
    settings = pathlib.Path("/etc/apt/apt.conf.d")  # a mirror or proxy of this machine serves the root, too
    inside = f"apt-get update && apt-get install -y --download-only {' '.join(OFFERED)}"
    script = f"mount --bind {settings} {root}{settings} && exec chroot {root} sh -c '{inside}'"
    subprocess.run(["unshare", "-m", "--propagation", "private", "sh", "-c", script], check=True, stdout=subprocess.DEVNULL)
    for deb in (root / "var/cache/apt/archives").glob("*.deb"):
        shutil.move(deb, folder / deb.name)
    package_repository.write_index(folder)
    for old in (root / "etc/apt/sources.list.d").glob("*"):
        old.unlink()
    host_roots.write(root / "etc/apt/sources.list", f"deb [trusted=yes] file:/{REPOSITORY} ./\n")
    for old in (root / "var/lib/apt/lists").glob("*_*"):
        old.unlink()
    subprocess.run(["chroot", str(root), "apt-get", "update"], check=True, stdout=subprocess.DEVNULL)


def finish(root):
    subprocess.run(["chroot", str(root), "useradd", "-m", "-s", "/bin/bash", "-u", "1999", "-p", "*", "deploy"], check=True)
    host_roots.write(root / "etc/sudoers.d/deploy", "deploy ALL=(ALL:ALL) NOPASSWD: ALL\n", 0o440)
    host_roots.write(root / "etc/ssh/sshd_config.d/10-test-host.conf", "HostKey /etc/ssh/gpustack_host_key\nMaxStartups 200\n")
    (root / "etc/resolv.conf").write_text("")
    units = root / "etc/systemd/system"
    for unit in MASKED:
        (units / unit).unlink(missing_ok=True)
        (units / unit).symlink_to("/dev/null")


def booted_base():
    """The shared root, built once (two minutes)."""
    cache = host_roots.CACHE
    cache.mkdir(parents=True, exist_ok=True)
    key = hashlib.sha256(repr((PACKAGES, OFFERED, MASKED, VERSION)).encode()).hexdigest()[:12]
    base = cache / f"root-booted-{key}"
    with open(cache / "root-booted.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if base.exists():
            return base
        print("building the root of hosts with systemd (once)", file=sys.stderr, flush=True)
        partial = cache / f"root-booted-{key}.partial"
        shutil.rmtree(partial, ignore_errors=True)
        log = cache / "root-booted.log"
        with open(log, "w") as out:
            done = subprocess.run(["mmdebstrap", "--variant=minbase", f"--include={PACKAGES}", "--aptopt=Acquire::Languages \"none\"",
                                   "bookworm", str(partial)], stdout=out, stderr=subprocess.STDOUT)
        if done.returncode != 0:
            raise SystemExit(f"mmdebstrap failed; see {log}:\n" + "".join(open(log).readlines()[-5:]))
        download(partial)
        finish(partial)
        partial.rename(base)
    return base


def withheld():
    """The command that starts another without the rights in WITHHELD."""
    return ["setpriv", "--bounding-set", ",".join("-" + word for word in WITHHELD)]


def cgroup_of(tag, name):
    return cgroup_root() / CGROUPS / f"{tag}-{name}"


def make_cgroup(tag, name):
    """A cgroup whose inside the host takes for the whole hierarchy; returns a shell line that enters it."""
    folder = cgroup_of(tag, name)
    folder.mkdir(parents=True, exist_ok=True)
    return f"echo $$ > {folder}/cgroup.procs"


def remove_cgroup(tag, name):
    folder = cgroup_of(tag, name)
    for _ in range(50):
        for path in sorted((path for path in [folder, *folder.rglob("*")] if path.is_dir()), key=lambda path: -len(str(path))):
            try:
                path.rmdir()
            except OSError:
                pass
        if not folder.exists():
            return
        time.sleep(0.1)


def boot_lines(name):
    """What start_script() ends with in place of sshd; the current folder is the host's root."""
    return ["mount -t sysfs -o ro sysfs sys", "mount -t cgroup2 cgroup2 sys/fs/cgroup",
            "mount --bind proc/sys proc/sys", "mount -o remount,bind,ro proc/sys",
            "touch dev/console && mount --bind dev/null dev/console", f"hostname {name}",
            "mount --rbind . .", 'cd "$PWD"', "mkdir -p run/old-root", "pivot_root . run/old-root", "cd /", "umount -l /run/old-root",
            "rmdir /run/old-root",
            f"exec env -i container=lxc PATH=/usr/sbin:/usr/bin:/sbin:/bin {' '.join(withheld())} /usr/lib/systemd/systemd"]
