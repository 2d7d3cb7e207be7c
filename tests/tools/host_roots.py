"""The roots that test hosts are made of: aarch64 Debian, built once, and the accounts of native ones."""
import fcntl
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys

SOURCE = pathlib.Path(__file__).resolve().parents[2]
CACHE = pathlib.Path(os.environ.get("GPUSTACK_CACHE", SOURCE / ".cache"))
PACKAGES = ("base-passwd,base-files,libc-bin,openssh-server,sudo,coreutils,dash,bash,apt,dpkg,kmod,procps,passwd,login,"
            "libpam-modules,libpam-runtime,grep,sed,tar,gzip,xz-utils,findutils,diffutils,iproute2,ca-certificates,mount,util-linux,hostname,mawk,debconf")
BASE_VERSION = "6"
BINFMT = pathlib.Path("/proc/sys/fs/binfmt_misc")
ELF_MAGIC = r"\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00"
ELF_MASK = r"\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff"


def run(*command, **options):
    return subprocess.run(command, check=True, **options)


def quiet(*command):
    return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0


def write(path, text, mode=0o644):
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)


def enable_binfmt():
    """aarch64 programs start through qemu, with the credentials of set-uid files (sudo)."""
    if not (BINFMT / "register").exists():
        quiet("mount", "-t", "binfmt_misc", "binfmt_misc", str(BINFMT))
    for entry in ("gpustack-aarch64", "qemu-aarch64"):
        path = BINFMT / entry
        if path.exists() and "enabled" in path.read_text().split():
            return
    qemu = shutil.which("qemu-aarch64-static")
    (BINFMT / "register").write_text(f":gpustack-aarch64:M::{ELF_MAGIC}:{ELF_MASK}:{qemu}:FPC")


def register_packages(root):
    """Extracted packages are made known to dpkg, as if their scripts had run."""
    entries = []
    for deb in sorted((root / "var/cache/apt/archives").glob("*.deb")):
        control = subprocess.run(["dpkg-deb", "-f", str(deb)], check=True, capture_output=True, text=True).stdout
        name = next(line[9:] for line in control.splitlines() if line.startswith("Package: "))
        listing = subprocess.run(["dpkg-deb", "--fsys-tarfile", str(deb)], check=True, capture_output=True).stdout
        names = subprocess.run(["tar", "-tf", "-"], input=listing, check=True, capture_output=True).stdout
        paths = [line.rstrip("/").lstrip(".") or "/." for line in names.decode("utf-8", "surrogateescape").splitlines()]
        write(root / f"var/lib/dpkg/info/{name}.list", "\n".join(paths) + "\n")
        entries.append(control.rstrip().replace("\nVersion:", "\nStatus: install ok installed\nVersion:", 1) + "\n")
        deb.unlink()
    write(root / "var/lib/dpkg/status", "\n".join(entries))


def finish_base(root):
    """What package scripts would have done, as far as sshd, sudo and apt need it."""
    register_packages(root)
    for name in ("passwd", "group"):
        shutil.copy(root / f"usr/share/base-passwd/{name}.master", root / f"etc/{name}")
    with open(root / "etc/passwd", "a") as passwd, open(root / "etc/group", "a") as group:
        passwd.write("sshd:x:100:65534::/run/sshd:/usr/sbin/nologin\ndeploy:x:1000:1000:deploy:/home/deploy:/bin/bash\n")
        passwd.write("_apt:x:42:65534::/nonexistent:/usr/sbin/nologin\n")
        group.write("deploy:x:1000:\nrender:x:104:\nvideo:x:44:\n" if "video:" not in group_text(root) else "deploy:x:1000:\nrender:x:104:\n")
    text = (root / "etc/passwd").read_text().replace("root:*:", "root:x:").replace(":*:", ":x:")
    (root / "etc/passwd").write_text(text)
    users = [line.split(":")[0] for line in text.splitlines()]
    write(root / "etc/shadow", "".join(f"{user}:*:19700:0:99999:7:::\n" for user in users), 0o640)
    write(root / "etc/sudoers", "Defaults env_reset\nDefaults env_keep += \"QEMU_UNAME\"\nroot ALL=(ALL:ALL) ALL\ndeploy ALL=(ALL:ALL) NOPASSWD: ALL\n", 0o440)
    for service in ("sudo", "sudo-i", "su", "sshd", "login", "other"):
        write(root / f"etc/pam.d/{service}",
              "auth sufficient pam_rootok.so\nauth required pam_permit.so\naccount required pam_permit.so\nsession required pam_permit.so\n")
    write(root / "etc/ld.so.conf", "include /etc/ld.so.conf.d/*.conf\n")
    for folder in ("root", "home/deploy", "run/sshd", "tmp", "var/tmp"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    os.chown(root / "home/deploy", 1000, 1000)
    (root / "tmp").chmod(0o1777)
    (root / "var/tmp").chmod(0o1777)
    (root / "root").chmod(0o700)
    # Perl that asks packages for questions before each installation: stand-ins have none, and under emulation it takes seconds.
    (root / "etc/apt/apt.conf.d/70debconf").unlink(missing_ok=True)
    awk = root / "usr/bin/awk"
    if not awk.exists() and not awk.is_symlink():
        awk.symlink_to("mawk")


def group_text(root):
    return (root / "etc/group").read_text()


def write_accounts(root):
    """Debian's first accounts, sshd's and deploy's: those a machine happens to have would decide which numbers new ones get."""
    masters = pathlib.Path("/usr/share/base-passwd")
    passwd = (masters / "passwd.master").read_text().replace(":*:", ":x:")
    passwd += "_apt:x:42:65534::/nonexistent:/usr/sbin/nologin\nsshd:x:102:65534::/run/sshd:/usr/sbin/nologin\n"
    passwd += "deploy:x:1999:1999::/home/deploy:/bin/bash\n"
    group = (masters / "group.master").read_text().replace(":*:", ":x:") + "deploy:x:1999:\n"
    write(root / "etc/passwd", passwd)
    write(root / "etc/group", group)
    write(root / "etc/shadow", "".join(f"{line.split(':')[0]}:*:19700:0:99999:7:::\n" for line in passwd.splitlines()), 0o640)
    write(root / "etc/gshadow", "".join(f"{line.split(':')[0]}:*::\n" for line in group.splitlines()), 0o640)
    for name in ("shadow", "gshadow"):
        os.chown(root / "etc" / name, 0, 42)


def arm64_base():
    """The shared aarch64 root, built once: packages are unpacked, their scripts do not run (half a minute)."""
    CACHE.mkdir(parents=True, exist_ok=True)
    key = hashlib.sha256((PACKAGES + BASE_VERSION).encode()).hexdigest()[:12]
    base = CACHE / f"root-arm64-{key}"
    with open(CACHE / "root.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if base.exists():
            return base
        print("building the aarch64 root (once)", file=sys.stderr, flush=True)
        partial = CACHE / f"root-arm64-{key}.partial"
        shutil.rmtree(partial, ignore_errors=True)
        log = CACHE / "root-arm64.log"
        with open(log, "w") as out:
            done = subprocess.run(["mmdebstrap", "--variant=extract", "--arch=arm64", "--skip=cleanup/apt,cleanup/reproducible",
                                   f"--include={PACKAGES}", "--aptopt=Acquire::Languages \"none\"", "bookworm", str(partial)],
                                  stdout=out, stderr=subprocess.STDOUT)
        if done.returncode != 0:
            raise SystemExit(f"mmdebstrap failed; see {log}:\n" + "".join(open(log).readlines()[-5:]))
        finish_base(partial)
        partial.rename(base)
    return base
