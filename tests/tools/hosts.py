#!/usr/bin/python3
"""Test hosts: real sshd, own network namespace and address, own root.

  hosts.py base              build (or find) the aarch64 Debian root that hosts share; print its path
  hosts.py up STATE SPEC     start the hosts of SPEC (JSON, see HostSpec) in a new state folder
  hosts.py exec STATE CMD..  run a command where the hosts can be reached
  hosts.py digest STATE      one line per host: a hash over every file, mode and owner of its root
  hosts.py down STATE        stop everything and remove it

A host is an overlay over a base root: `arm64` is Debian for aarch64, run by qemu-user through binfmt_misc;
`native` is this machine's own root, with homes and temporary folders hidden; `booted` is a Debian root whose
process 1 is systemd (booted_root.py). The controller's side is a network namespace too, so nothing of this machine's network is touched. Needs root, iproute2, openssh-server;
`arm64` also mmdebstrap and qemu-user-static.
"""
import hashlib
import json
import os
import pathlib
import shutil
import signal
import stat
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import booted_root  # noqa: E402
from host_roots import arm64_base, enable_binfmt, quiet, run, write, write_accounts  # noqa: E402

# What of this machine a native host sees; everything else at the top of its root is an empty folder.
SHARED_FOLDERS = {"bin", "boot", "etc", "lib", "lib32", "lib64", "libx32", "sbin", "usr", "var"}
# Where a host keeps its package tools when package_memo stands in their place.
MEMO = "usr/lib/package-memo"


def why_not(kinds=("native",)):
    """The reason hosts cannot be started here, or None."""
    if os.geteuid() != 0:
        return "needs root (network namespaces and mounts)"
    needed = ["ip", "unshare", "ssh-keygen"] + (["mmdebstrap", "qemu-aarch64-static"] if "arm64" in kinds else [])
    for program in needed:
        if shutil.which(program) is None:
            return f"needs the program {program}"
    if "booted" in kinds and booted_root.why_not() is not None:
        return booted_root.why_not()
    if not os.path.exists("/usr/sbin/sshd"):
        return "needs openssh-server"
    probe = f"gsprobe{os.getpid()}"
    if not quiet("ip", "netns", "add", probe):
        return "network namespaces cannot be made here"
    quiet("ip", "netns", "del", probe)
    return None


class HostSpec:
    """name; kind `arm64`, `native` or `booted`; fixture: a folder laid over /sys, /proc and the rest (see start_host);
    files: {path: text} put into the root; repository: a folder of .deb files offered as the only apt source;
    prepared: what keep_prepared() kept of such a host; memo: the program package_memo and the folder of its memories."""

    def __init__(self, name, kind="native", fixture=None, files=None, repository=None, sshd=None, environment=None, prepared=None, memo=None):
        self.name, self.kind, self.fixture = name, kind, fixture
        self.files, self.repository, self.sshd = files or {}, repository, sshd or []
        self.environment, self.prepared, self.memo = environment or {}, prepared, memo


class Hosts:
    """Running hosts and the namespace from which they are reached."""

    def __init__(self, state):
        self.state = pathlib.Path(state).resolve()

    # -- reading ---------------------------------------------------------
    @property
    def data(self):
        return json.loads((self.state / "hosts.json").read_text())

    def address(self, name):
        return self.data["hosts"][name]["address"]

    def root(self, name):
        """The host's root as seen from here."""
        return pathlib.Path(f"/proc/{self.data['hosts'][name]['pid']}/root")

    def exec(self, *command, **options):
        """Runs a command in the controller's namespace."""
        return subprocess.run(["ip", "netns", "exec", self.data["net"], *command], **self.without_holders(options))

    def popen(self, *command, **options):
        return subprocess.Popen(["ip", "netns", "exec", self.data["net"], *command], **self.without_holders(options))

    @staticmethod
    def without_holders(options):
        """A run leaves no process behind that holds its connections, unless its environment says otherwise."""
        return {**options, "env": {"GPUSTACK_PERSIST": "false", **(options.get("env") or os.environ)}}

    def exec_in(self, name, *command, **options):
        """Runs a command inside a host, without ssh."""
        host = self.data["hosts"][name]
        # What enters from here has all of this machine's rights, unless they are given away first.
        withheld = booted_root.withheld() if host["kind"] == "booted" else []
        return subprocess.run(["nsenter", "-t", str(host["pid"]), "-m", "-p", "-u", "-i", "-n", "-r", "-w", *withheld, *command], **options)

    def digest(self, name):
        """A hash over every path, kind, mode, owner and content below the host's root, without /proc, /sys, /dev, /run.
        Of a native host only what differs from this machine's root counts."""
        native = self.data["hosts"][name]["kind"] == "native"
        return tree_digest(self.state / name / ("rw/upper" if native else "merged"))

    def entries(self, name):
        """{path: kind, mode, owner, content hash} of a host's root, to see what differs where digests do."""
        return tree_entries(self.state / name / "merged")

    def keep_prepared(self, name, folder):
        """Keeps what makes a host differ from its base root, for HostSpec.prepared of a later start."""
        run("cp", "-a", str(self.state / name / "rw/upper"), str(folder))

    # -- starting --------------------------------------------------------
    def up(self, specs):
        try:
            return self.start(specs)
        except BaseException:
            self.down()
            raise

    def start(self, specs):
        self.state.mkdir(parents=True)
        tag = hashlib.sha256(str(self.state).encode()).hexdigest()[:6]
        data = {"net": f"gs{tag}c", "tag": tag, "hosts": {}}
        kinds = {spec.kind for spec in specs}
        if "arm64" in kinds:
            enable_binfmt()
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.state / "id_ed25519"))
        make_network(data["net"], "link set lo up", "link add br0 type bridge", "addr add 10.88.0.1/16 dev br0", "link set br0 up")
        self.save(data)
        known = []
        for number, spec in enumerate(specs):
            address = f"10.88.{1 + number // 250}.{1 + number % 250}"
            key = self.start_host(data, spec, number, address)
            known.append(f"{address} {key}\n{spec.name} {key}\n")
        write(self.state / "known_hosts", "".join(known))
        write(self.state / "inventory.ini", "".join(
            f"{spec.name} ansible_host={data['hosts'][spec.name]['address']}\n" for spec in specs) +
            f"\n[all:vars]\nansible_user=root\nansible_ssh_private_key_file={self.state}/id_ed25519\n"
            f"ansible_ssh_common_args='-o UserKnownHostsFile={self.state}/known_hosts'\n")
        for spec in specs:
            self.wait_for_sshd(data["net"], data["hosts"][spec.name])
        return self

    def save(self, data):
        write(self.state / "hosts.json", json.dumps(data, indent=1))

    def start_host(self, data, spec, number, address):
        folder = self.state / spec.name
        for part in ("rw", "merged"):
            (folder / part).mkdir(parents=True)
        netns = f"gs{data['tag']}h{number}"
        veth = f"g{data['tag']}{number}"
        make_network(netns, f"link add eth0 type veth peer name {veth} netns {data['net']}", f"addr add {address}/16 dev eth0",
                     "link set eth0 up", "link set lo up")
        run("ip", "-n", data["net"], "link", "set", veth, "master", "br0", "up")
        bases = {"arm64": arm64_base, "booted": booted_root.booted_base}
        base = bases[spec.kind]() if spec.kind in bases else pathlib.Path("/")
        run("mount", "-t", "tmpfs", "-o", "mode=755", "gpustack-host", str(folder / "rw"))
        for part in ("upper", "work"):
            (folder / "rw" / part).mkdir()
        if spec.kind == "native":
            for entry in os.scandir("/"):
                if entry.is_dir(follow_symlinks=False) and entry.name not in SHARED_FOLDERS:
                    hidden = folder / "rw/upper" / entry.name
                    hidden.mkdir()
                    os.setxattr(hidden, "trusted.overlay.opaque", b"y")
        layers = f"{spec.prepared}:{base}" if spec.prepared else base
        run("mount", "-t", "overlay", "gpustack-host", "-o",
            f"lowerdir={layers},upperdir={folder}/rw/upper,workdir={folder}/rw/work", str(folder / "merged"))
        root = folder / "merged"
        host_key = self.prepare_root(root, spec, folder)
        ready = folder / "ready"
        os.mkfifo(ready)
        script = self.start_script(root, spec, folder)
        start = ["ip", "netns", "exec", netns, "unshare", "--mount", "--pid", "--uts", "--ipc", "--fork", "--kill-child",
                 "--propagation", "private", "/bin/sh", "-c", script]
        if spec.kind == "booted":
            start.insert(5, "--cgroup")
            start = ["/bin/sh", "-c", booted_root.make_cgroup(data["tag"], spec.name) + ' && exec "$@"', "start", *start]
        with open(folder / "sshd.log", "w") as log:
            holder = subprocess.Popen(
                start, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True)
        pid = self.child_of(holder.pid)
        data["hosts"][spec.name] = {"address": address, "netns": netns, "holder": holder.pid, "pid": pid, "kind": spec.kind}
        self.save(data)
        return host_key

    @staticmethod
    def child_of(holder):
        """The host's process 1: the grandchild that unshare forked."""
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                current = holder
                while True:
                    children = pathlib.Path(f"/proc/{current}/task/{current}/children").read_text().split()
                    if not children:
                        break
                    current = int(children[0])
                    if os.readlink(f"/proc/{current}/ns/pid") != os.readlink("/proc/self/ns/pid"):
                        return current
            except OSError:
                pass
            time.sleep(0.01)
        raise RuntimeError("a test host did not start")

    def prepare_root(self, root, spec, folder):
        if spec.kind == "native":
            (root / "tmp").chmod(0o1777)
            (root / "root").chmod(0o700)
            write_accounts(root)
            write(root / "etc/sudoers.d/deploy", "deploy ALL=(ALL:ALL) NOPASSWD: ALL\n", 0o440)
            (root / "home/deploy").mkdir()
            os.chown(root / "home/deploy", 1999, 1999)
        public = (self.state / "id_ed25519.pub").read_text()
        for home, uid in (("root", 0), ("home/deploy", (root / "home/deploy").stat().st_uid)):
            write(root / home / ".ssh/authorized_keys", public, 0o600)
            (root / home / ".ssh").chmod(0o700)
            for path in (root / home / ".ssh", root / home / ".ssh/authorized_keys"):
                os.chown(path, uid, uid)
        key = root / "etc/ssh/gpustack_host_key"
        key.parent.mkdir(parents=True, exist_ok=True)
        key.unlink(missing_ok=True)  # of the start that prepared the host
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(key))
        sshd = ["Port 22", "HostKey /etc/ssh/gpustack_host_key", "UsePAM no", "PasswordAuthentication no", "PidFile none",
                "MaxStartups 200", "MaxSessions 100", "StrictModes no", "PrintMotd no", "Subsystem sftp internal-sftp"]
        if spec.environment:
            sshd.append("SetEnv " + " ".join(f"{key}={value}" for key, value in spec.environment.items()))
        write(root / "etc/ssh/gpustack_sshd_config", "\n".join(sshd + list(spec.sshd)) + "\n")
        write(root / "etc/hostname", spec.name + "\n")
        write(root / "etc/hosts", f"127.0.0.1 localhost\n127.0.1.1 {spec.name}\n")
        if spec.memo:
            install_memo(root, spec.memo[0])
        for path, text in spec.files.items():
            write(root / path.lstrip("/"), text, 0o755 if text.startswith("#!") else 0o644)
        if spec.repository and not spec.prepared:
            shutil.copytree(spec.repository, root / "var/lib/test-host-repository", dirs_exist_ok=True)
            for old in (root / "etc/apt/sources.list.d").glob("*"):
                old.unlink()
            write(root / "etc/apt/sources.list", "deb [trusted=yes] file:/var/lib/test-host-repository ./\n")
        if spec.fixture:
            self.lay_fixture(root, pathlib.Path(spec.fixture), folder)
        return " ".join((root / "etc/ssh/gpustack_host_key.pub").read_text().split()[:2])

    @staticmethod
    def lay_fixture(root, fixture, folder):
        """Plain files go into the root; sys, proc and dev are mounted when the host starts. Programs of the recording are left
        out: the root has real ones, and what it lacks the host lacks."""
        for path in sorted(fixture.rglob("*")):
            inside = path.relative_to(fixture)
            if inside.parts[0] in ("sys", "proc", "dev") or inside.parts[0].startswith(".") or "bin" in inside.parts:
                continue
            target = root / inside
            if path.is_symlink():
                target.parent.mkdir(parents=True, exist_ok=True)
                target.unlink(missing_ok=True)
                target.symlink_to(os.readlink(path))
            elif path.is_file():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, target, follow_symlinks=True)
        for name in ("sys", "proc", "dev"):
            if (fixture / name).is_dir():
                shutil.copytree(fixture / name, folder / f"fixture-{name}", symlinks=True)
        nodes = fixture / ".gpustack-fixture/nodes.json"
        if nodes.exists():
            shutil.copyfile(nodes, folder / "nodes.json")

    @staticmethod
    def start_script(root, spec, folder):
        """Runs as process 1 of the host's namespaces, before sshd takes its place."""
        lines = ["set -e", f"cd {root}",
                 "mount -t proc proc proc", "mount -t tmpfs -o mode=755 tmpfs run", "mkdir -p run/sshd run/lock",
                 "mount -t tmpfs -o mode=755 tmpfs dev", "mkdir -p dev/pts dev/shm",
                 "mount -t devpts -o newinstance,ptmxmode=0666,mode=0620 devpts dev/pts",
                 "ln -s pts/ptmx dev/ptmx", "ln -s /proc/self/fd dev/fd", "ln -s /proc/self/fd/0 dev/stdin",
                 "ln -s /proc/self/fd/1 dev/stdout", "ln -s /proc/self/fd/2 dev/stderr", "chmod 1777 dev/shm"]
        for name, major, minor in (("null", 1, 3), ("zero", 1, 5), ("full", 1, 7), ("random", 1, 8), ("urandom", 1, 9), ("tty", 5, 0)):
            lines.append(f"mknod -m 666 dev/{name} c {major} {minor}")
        sys_fixture, proc_fixture, dev_fixture = (folder / f"fixture-{name}" for name in ("sys", "proc", "dev"))
        if sys_fixture.is_dir():
            lines.append(f"mount --bind {sys_fixture} sys && mount -o remount,bind,ro sys")
        elif spec.kind == "native":
            lines.append("mount -t sysfs -o ro sysfs sys")
        if proc_fixture.is_dir():
            for path in sorted(path for path in proc_fixture.rglob("*") if path.is_file()):
                inside = f"proc/{path.relative_to(proc_fixture)}"
                lines.append(f"[ ! -e {inside} ] || mount --bind {path} {inside}")
        if dev_fixture.is_dir():
            lines.append(f"cp -a {dev_fixture}/. dev/")
        if (folder / "nodes.json").exists():
            lines += device_nodes(json.loads((folder / "nodes.json").read_text()))
        if spec.memo:
            lines.append(f"mount --bind {spec.memo[1]} {MEMO}/memory")
        if spec.kind == "booted":
            return "\n".join(lines + booted_root.boot_lines(spec.name))
        lines += [f"hostname {spec.name}", "exec chroot . /usr/sbin/sshd -D -e -f /etc/ssh/gpustack_sshd_config"]
        return "\n".join(lines)

    @staticmethod
    def wait_for_sshd(net, host):
        address, deadline = host["address"], time.monotonic() + 120
        while host["kind"] != "booted" and time.monotonic() < deadline:
            # As process 1 of the host it has its network: a look takes no program, where a connection to it does.
            if listens_on_22(f"/proc/{host['pid']}/net/tcp"):
                return
            time.sleep(0.01)
        probe = f"import socket; print(socket.create_connection(('{address}', 22), 15).recv(4).decode())"
        while time.monotonic() < deadline:
            done = subprocess.run(["ip", "netns", "exec", net, "/usr/bin/python3", "-c", probe], capture_output=True, text=True)
            if done.stdout.startswith("SSH-"):
                return
            time.sleep(0.1)
        raise RuntimeError(f"sshd at {address} does not answer")

    # -- stopping --------------------------------------------------------
    def stop_host(self, name):
        """Kills a host as a power cut would."""
        host = self.data["hosts"][name]
        for pid in (host["pid"], host["holder"]):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def down(self):
        try:
            data = self.data
        except FileNotFoundError:
            return
        for name, host in data["hosts"].items():
            self.stop_host(name)
        if any(host["kind"] == "booted" for host in data["hosts"].values()):
            time.sleep(0.1)
        for name, host in data["hosts"].items():
            if host["kind"] == "booted":
                booted_root.remove_cgroup(data["tag"], name)
            folder = self.state / name
            for part in ("merged", "rw"):
                for _ in range(250):
                    if quiet("umount", str(folder / part)) or not os.path.ismount(folder / part):
                        break
                    time.sleep(0.01)
                else:
                    quiet("umount", "-l", str(folder / part))
        for line in subprocess.run(["ip", "netns", "list"], capture_output=True, text=True).stdout.splitlines():
            if line.startswith("gs" + data["tag"]):
                quiet("ip", "netns", "del", line.split()[0])
        shutil.rmtree(self.state, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.down()


def make_network(name, *commands):
    """A network namespace, and what ip(8) is to do in it."""
    run("ip", "netns", "add", name)
    run("ip", "-n", name, "-batch", "-", input="\n".join(commands).encode())


def listens_on_22(table):
    """Whether a table of sockets, as /proc/PID/net/tcp, has one that listens on port 22 of all addresses."""
    try:
        return any(line.split()[1:4] == ["00000000:0016", "00000000:0000", "0A"] for line in pathlib.Path(table).read_text().splitlines())
    except OSError:  # it has ended
        return False


def install_memo(root, program):
    """The package tools' own programs give way to package_memo."""
    tools = root / MEMO / "tools"
    tools.mkdir(parents=True, exist_ok=True)
    (root / MEMO / "memory").mkdir(exist_ok=True)
    for name in ("apt-get", "apt-cache", "apt-mark", "dpkg-query"):
        place = root / "usr/bin" / name
        if not (tools / name).exists():
            place.rename(tools / name)
            shutil.copy(program, place)


def device_nodes(nodes):
    """mknod lines for the device nodes a fixture recorded: {path: {type, major, minor, mode, uid, gid}}."""
    lines = []
    for path, node in nodes.items():
        inside = path.lstrip("/")
        if not inside.startswith("dev/"):
            continue
        lines.append(f"mkdir -p {os.path.dirname(inside)}")
        kind = "b" if str(node.get("type", "character")).startswith("b") else "c"
        lines.append(f"mknod {inside} {kind} {int(node.get('major', 1))} {int(node.get('minor', 3))} && "
                     f"chmod {node.get('mode', '0660')} {inside} && chown {int(node.get('uid', 0))}:{int(node.get('gid', 0))} {inside}")
    return lines


def tree_entries(root):
    """{path: kind, mode, owner and content} of everything below a root but /proc, /sys, /dev and /run."""
    entries = {}
    root = pathlib.Path(root)
    for folder, folders, files in os.walk(root):
        if folder == str(root):
            folders[:] = [name for name in folders if name not in ("proc", "sys", "dev", "run")]
        for path in [folder, *(os.path.join(folder, name) for name in [*files, *folders])]:
            info = os.lstat(path)
            entry = f"{info.st_mode:o} {info.st_uid} {info.st_gid}"
            if stat.S_ISLNK(info.st_mode):
                entry += " " + os.readlink(path)
            elif stat.S_ISREG(info.st_mode):
                with open(path, "rb") as content:
                    entry += " " + hashlib.file_digest(content, "blake2b").hexdigest()
            entries[os.path.relpath(path, root)] = entry
    return entries


def tree_digest(root):
    lines = "".join(f"{path}\0{entry}\n" for path, entry in sorted(tree_entries(root).items()))
    return hashlib.sha256(lines.encode("utf-8", "surrogateescape")).hexdigest()


def main(arguments):
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(__doc__)
        return 0
    verb = arguments[0]
    if verb == "base":
        print(arm64_base())
        return 0
    hosts = Hosts(arguments[1])
    if verb == "up":
        hosts.up([HostSpec(**spec) for spec in json.loads(pathlib.Path(arguments[2]).read_text())])
    elif verb == "exec":
        return hosts.exec(*arguments[2:]).returncode
    elif verb == "digest":
        for name in hosts.data["hosts"]:
            print(name, hosts.digest(name))
    elif verb == "down":
        hosts.down()
    else:
        print(f"hosts.py: unknown verb '{verb}'", file=sys.stderr)
        return 5
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
