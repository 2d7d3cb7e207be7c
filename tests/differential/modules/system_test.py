"""The system modules of Ansible and ours, step by step in twin copies of this machine, with the same outcome.

Each side runs in a mount namespace of its own, in an overlay of `/` on a tmpfs: the machine itself stays untouched.

Ansible's apt reads all packages of the machine at each step: what it answered is recorded, where the machine has no say in it.
`system_test.py --record` records it anew, `system_test.py --compare` asks again and compares.
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

ENTER = r"""
set -e
mkdir -p /tmp/gpustack-twin
mount -t tmpfs tmpfs /tmp/gpustack-twin
mkdir /tmp/gpustack-twin/upper /tmp/gpustack-twin/work /tmp/gpustack-twin/root
mount -t overlay overlay -o lowerdir=/,upperdir=/tmp/gpustack-twin/upper,workdir=/tmp/gpustack-twin/work /tmp/gpustack-twin/root
mount -t proc proc /tmp/gpustack-twin/root/proc
mount --rbind /dev /tmp/gpustack-twin/root/dev
mount -t tmpfs tmpfs /tmp/gpustack-twin/root/tmp
# An overlay shows nothing of what is mounted below /, and this one nothing of /tmp: sources and build may be there.
for folder in "$(dirname "$0")/../../.." ${GPUSTACK_BINARY_DIR:+"$GPUSTACK_BINARY_DIR"}; do
  folder=$(realpath "$folder")
  mkdir -p "/tmp/gpustack-twin/root$folder"
  mount --bind "$folder" "/tmp/gpustack-twin/root$folder"
  mount -o remount,bind,ro "/tmp/gpustack-twin/root$folder"
done
exec chroot /tmp/gpustack-twin/root /usr/bin/python3 "$0" "$1"
"""

# Neither machine nor package has to bring cron: both sides get this crontab(1).
CRONTAB = """#!/bin/sh
user=root
[ "$1" = -u ] && { user=$2; shift 2; }
file=/var/spool/fake-crontab-$user
case "$1" in
  -l) [ "$2" = -u ] && file=/var/spool/fake-crontab-$3
      [ -s "$file" ] && exec cat "$file"; echo "no crontab for $user" >&2; exit 1;;
  *) cat "$1" > "$file";;
esac
"""

WATCHED = ["/etc/apt/trusted.gpg", "/etc/passwd", "/etc/group", "/etc/gshadow", "/etc/hostname", "/etc/apt/sources.list", "/var/spool/fake-crontab-root",
           "/var/spool/fake-crontab-backup"]
WATCHED_FOLDERS = ["/etc/apt/sources.list.d", "/etc/apt/trusted.gpg.d", "/etc/cron.d", "/etc/systemd/system", "/etc/rc2.d", "/home", "/srv"]


def snapshot():
    files = {}

    def add(path):
        if os.path.islink(path):
            files[path] = "-> " + os.readlink(path)
        elif os.path.isfile(path):
            info = os.lstat(path)
            text = pathlib.Path(path).read_text(errors="replace")
            if "BEGIN OPENSSH PRIVATE KEY" in text or re.match(r"ssh-\S+ ", text):
                text = "a key"
            files[path] = [oct(info.st_mode), info.st_uid, info.st_gid, text]
        elif os.path.isdir(path):
            info = os.lstat(path)
            files[path] = [oct(info.st_mode), info.st_uid, info.st_gid]
        else:
            files[path] = None

    for path in WATCHED:
        add(path)
    for folder in WATCHED_FOLDERS:
        for parent, folders, names in os.walk(folder):
            for name in folders + names:
                add(os.path.join(parent, name))
    # The day of the last change may turn between the two runs.
    shadow = pathlib.Path("/etc/shadow").read_text().splitlines()
    files["/etc/shadow"] = sorted(":".join(field if place != 2 else "DAY" for place, field in enumerate(line.split(":"))) for line in shadow)
    return files


def keep_package_cache():
    """Images of Debian turn apt's cache of its lists off: each call would read all of them again, for seconds. What another architecture's
    lists offer is as much again."""
    native = subprocess.run(["dpkg", "--print-architecture"], check=True, capture_output=True, text=True).stdout.strip()
    for path in pathlib.Path("/var/lib/apt/lists").glob("*_binary-*_Packages*"):
        if f"_binary-{native}_" not in path.name:
            path.unlink()
    pathlib.Path("/etc/apt/apt.conf.d/zz-cache").write_text('Dir::Cache::pkgcache "pkgcache.bin";\nDir::Cache::srcpkgcache "srcpkgcache.bin";\n')
    subprocess.run(["apt-cache", "gencaches"], check=True, capture_output=True)


def inside(side):
    """Runs in the overlay: every step in check mode and twice for real, with a snapshot after each."""
    import oracle
    crontab = pathlib.Path("/usr/bin/crontab")
    crontab.write_text(CRONTAB)
    crontab.chmod(0o755)
    steps = json.load(sys.stdin)
    if any(step["module"] == "apt" for step in steps):
        keep_package_cache()
    ours = oracle.Ours()
    answers, before = [], snapshot()
    for step in steps:
        module = step["module"]
        for mode in ("check", "run", "again"):
            check = mode == "check"
            if side == "ours":
                result = ours.run(module, step["arguments"], check=check)
            else:
                result = oracle.run_theirs(step.get("their_module", module), step.get("their_arguments", step["arguments"]), check=check)
            files = snapshot()
            answers.append({"result": result, "files": files, "changes": oracle.changes(before, files)})
            before = files
    ours.close()
    print("\nANSWERS " + json.dumps(answers))


def run_side(side, steps):
    done = subprocess.run(["unshare", "--mount", "--uts", "--propagation", "private", "bash", "-c", ENTER, os.path.abspath(__file__), side],
                          input=json.dumps(steps), capture_output=True, text=True)
    for line in done.stdout.splitlines():
        if line.startswith("ANSWERS "):
            return json.loads(line[len("ANSWERS "):])
    raise AssertionError("no answers from %s:\n%s\n%s" % (side, done.stdout[-3000:], done.stderr[-3000:]))


def step(module, keys=(), their_module=None, their_arguments=None, messages=False, **arguments):
    out = {"module": module, "arguments": arguments, "keys": list(keys), "messages": messages}
    if their_module:
        out["their_module"] = their_module
    if their_arguments is not None:
        out["their_arguments"] = their_arguments
    return out


def command(line=None, keys=("rc", "stdout", "stderr", "msg"), **arguments):
    theirs = dict(arguments)
    if line is not None:
        arguments["cmd"] = line
        theirs["_raw_params"] = line
    return step("command", keys, their_arguments=theirs, messages=True, **arguments)


def shell(line, keys=("rc", "stdout", "stderr", "msg", "cmd"), **arguments):
    theirs = dict(arguments, _raw_params=line, _uses_shell=True)
    return step("shell", keys, their_module="command", their_arguments=theirs, messages=True, cmd=line, **arguments)


HASH = "$6$saltsalt$qFmFH.bQmmtXzyBY0s9v7Oicd2z4XSIecDzlB5KiA2/jctKu9YterLp8wwnSq.qc.eoxqOmSuNp2xS0ktL3nh/"
USER_KEYS = ("uid", "group", "comment", "home", "shell", "state", "name", "groups", "append")


@unittest.skipUnless(os.geteuid() == 0, "mounting an overlay needs root")
class SystemModules(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        import oracle
        cls.recording = oracle.Recording("system")

    @classmethod
    def tearDownClass(cls):
        cls.recording.save()

    def agree(self, *steps):
        self.assert_same(steps, run_side("theirs", steps), run_side("ours", steps), "files")

    def agree_with_recorded(self, *steps):
        """As agree(), but what Ansible answered is recorded, with what each step changed in place of all files."""
        answers = self.recording.answers(self._testMethodName, steps, lambda: run_side("theirs", steps))
        self.assertIsNotNone(answers, "nothing is recorded: start the test with --record")
        self.assert_same(steps, answers, run_side("ours", steps), "changes")

    def assert_same(self, steps, theirs, ours, files):
        """@param files  what is compared of them: all `files`, or `changes` since the step before"""
        self.assertEqual(3 * len(steps), len(theirs))
        place = 0
        for one in steps:
            for mode in ("check", "run", "again"):
                oracle, mine = theirs[place], ours[place]
                place += 1
                what = (mode, one["module"], one["arguments"], oracle["result"], mine["result"])
                self.assertEqual(bool(oracle["result"].get("failed")), bool(mine["result"].get("failed")), what)
                if not oracle["result"].get("failed"):
                    self.assertEqual(bool(oracle["result"].get("changed")), bool(mine["result"].get("changed")), what)
                    self.assertEqual(bool(oracle["result"].get("skipped")), bool(mine["result"].get("skipped")), what)
                if mode != "check" and (one["messages"] or not oracle["result"].get("failed")):
                    for key in one["keys"]:
                        self.assertEqual(oracle["result"].get(key), mine["result"].get(key), (key,) + what)
                changed = {path for path in set(oracle[files]) | set(mine[files]) if oracle[files].get(path) != mine[files].get(path)}
                self.assertEqual([], sorted((path, oracle[files].get(path), mine[files].get(path)) for path in changed), what)

    def test_command(self):
        self.agree(
            command("echo hello world"), command("printf 'a\\n\\nb\\n\\n'"), command("printf 'x\\n\\n'", strip_empty_ends=False),
            command("sh -c 'echo out; echo err >&2; exit 3'"), command("false"), command("no-such-program --x"), command("/etc/passwd"),
            command("/no/such/file"), command("echo $HOME ${HOME} $NOPE_X ~ ~root '$HOME' \"two words\""), command("pwd", chdir="/usr"),
            command("pwd", chdir="/no/such", keys=("msg",)), command("touch /srv/made", creates="/srv/made"),
            command("echo no", creates="/etc/pass*d"), command("echo no", creates="passwd", chdir="/etc"),
            command("echo no", removes="/no/such"), command("echo yes", removes="/etc/passwd"), command("cat", stdin="text"),
            command("cat", stdin="text", stdin_add_newline=False), command(argv=["echo", "a b", "$HOME"]),
            command("echo a\\ b \"c'd\" 'e\"f' \"g\\\"h\""), command("sh -c 'kill -TERM $$'", keys=("rc",)))

    def test_shell(self):
        self.agree(
            shell("echo $((1 + 2)) | cat; echo $0"), shell("echo err >&2; exit 5"), shell("pwd", chdir="/usr"),
            shell("[[ a == a ]] && echo bash", executable="/bin/bash"), shell("cat", stdin="in"), shell("echo no", creates="/etc/passwd"),
            shell("echo > /srv/shell-was-here", creates="/srv/shell-was-here"), shell("printf 'é\\n'"))

    def test_group(self):
        self.agree(
            step("group", ("gid", "state", "system", "name"), name="gpus", gid=4000), step("group", name="gpus"),
            step("group", ("gid",), name="gpus", gid=4001), step("group", name="sysgpu", system=True),
            step("group", name="twin", gid=4001), step("group", ("gid",), name="twin", gid=4001, non_unique=True),
            step("group", name="gpus", state="absent"), step("group", name="never", state="absent"))

    def test_user(self):
        self.agree(
            step("group", name="gpus", gid=4000),
            step("user", USER_KEYS, name="alice", uid=4100, groups=["video", "gpus"], shell="/bin/bash", comment="Alice A", password=HASH),
            step("user", USER_KEYS, name="alice", groups=["users"], append=True),
            step("user", USER_KEYS, name="alice", groups=["gpus"]),
            step("user", USER_KEYS, name="alice", comment="Alice B", shell="/bin/sh"),
            step("user", USER_KEYS, name="alice", groups=[]),
            step("user", name="alice", expires=1893456000.0), step("user", name="alice", expires=-1),
            step("user", name="alice", password_lock=True), step("user", name="alice", password_lock=False),
            step("user", name="alice", password=HASH.replace("qFm", "qFn"), update_password="on_create"),
            step("user", name="alice", password=HASH.replace("qFm", "qFn")),
            step("user", name="alice", password_expire_max=90, password_expire_min=1),
            step("user", USER_KEYS, name="alice", home="/srv/alice", move_home=True),
            step("user", USER_KEYS, name="service", system=True, create_home=False, home="/srv/none", shell="/usr/sbin/nologin"),
            step("user", USER_KEYS, name="deep", home="/srv/deep/er/home"),
            step("user", ("ssh_key_file",), name="deep", generate_ssh_key=True, ssh_key_type="ed25519", ssh_key_comment="x"),
            step("user", name="wrong", groups=["no-such-group"]), step("user", name="wrong", group="no-such-group"),
            step("user", name="daemon", group="gpus"), step("user", name="video"),
            step("user", ("force", "remove"), name="alice", state="absent", remove=True), step("user", name="nobody-here", state="absent"))

    def test_getent(self):
        facts = ("ansible_facts",)
        self.agree(
            step("getent", facts, database="passwd"), step("getent", facts, database="group", key="video"),
            step("getent", facts, database="passwd", key="0"), step("getent", facts, database="services", key="ssh"),
            step("getent", facts + ("msg",), database="group", key="no-such", fail_key=False),
            step("getent", ("msg",), messages=True, database="group", key="no-such"),
            step("getent", ("msg",), messages=True, database="no-such"), step("getent", facts, database="shadow", split=":"),
            step("getent", facts, database="hosts"), step("getent", facts, database="protocols"))

    def test_cron(self):
        keys = ("jobs", "envs")
        self.agree(
            step("cron", keys, name="one", job="/bin/one", minute="5", hour="*/2"), step("cron", keys, name="two", job="/bin/two", special_time="daily"),
            step("cron", keys, name="one", job="/bin/one", minute="6"), step("cron", keys, name="one", job="/bin/one", disabled=True),
            step("cron", keys, name="PATH", env=True, job="/bin"), step("cron", keys, name="MAILTO", env=True, job="x", insertafter="PATH"),
            step("cron", keys, name="PATH", env=True, job="/usr/bin"), step("cron", keys, name="MAILTO", env=True, state="absent"),
            step("cron", name="X", env=True, job="y", insertbefore="NOPE"), step("cron", keys, name="two", state="absent"),
            step("cron", name="bad"), step("cron", name="bad", job="x", special_time="daily", hour="3"),
            step("cron", keys, name="f", cron_file="gpu", user="root", job="/bin/f", weekday="1-5"),
            step("cron", keys, name="g", cron_file="gpu", user="root", job="/bin/g"), step("cron", keys, name="f", cron_file="gpu", state="absent"),
            step("cron", name="g", cron_file="gpu", state="absent"), step("cron", name="h", cron_file="/etc/crontab", user="root", job="x"),
            step("cron", keys, name="other", user="backup", job="/bin/x"), step("cron", keys, name="gone", state="absent"))

    def test_hostname(self):
        self.agree(step("hostname", ("name",), name="node1.example.org"), step("hostname", ("name",), name="node2"))

    def test_apt_repository(self):
        line = "deb [arch=amd64 signed-by=/usr/share/keyrings/x.gpg] https://user:pw@nvidia.github.io/lib-x/stable/deb /"
        self.agree(
            step("apt_repository", ("repo", "state"), repo=line, update_cache=False),
            step("apt_repository", repo="deb  http://x.org/debian   stable main contrib", filename="x", mode="0600", update_cache=False),
            step("apt_repository", repo="deb-src http://x.org/debian stable main", filename="x", update_cache=False),
            step("apt_repository", repo=line, state="absent", update_cache=False),
            step("apt_repository", repo="deb http://x.org/debian stable main contrib", state="absent", update_cache=False),
            step("file", path="/etc/apt/sources.list.d", state="absent"),
            step("apt_repository", repo="deb http://w.org/ stable main", update_cache=False),
            step("apt_repository", repo="http://x.org", update_cache=False), step("apt_repository", repo="deb http://z.org/ a", state="absent", update_cache=False))

    def test_dpkg_selections(self):
        keys = ("before", "after")
        self.agree(step("dpkg_selections", keys, name="bash", selection="hold"), step("dpkg_selections", keys, name="bash", selection="install"))

    def test_debconf(self):
        question = dict(name="tzdata", question="tzdata/Zones/Etc", vtype="select")
        self.agree(
            step("debconf", ("current",), name="tzdata"), step("debconf", ("current", "previous"), value="UTC", **question),
            step("debconf", ("current", "previous"), value="GMT", **question), step("debconf", name="tzdata", question="x"))

    def test_wait_for(self):
        keys = ("state", "port", "path", "search_regex", "match_groups", "match_groupdict")
        steps = [
            step("wait_for", keys, path="/etc/passwd", search_regex="^root:(?P<mark>[^:]*):(\\d+)", timeout=5),
            step("wait_for", keys, path="/no/such", state="absent", timeout=5),
            step("wait_for", ("msg",), messages=True, path="/no/such", timeout=1), step("wait_for", keys, port=9, state="stopped", timeout=5),
            step("wait_for", ("msg",), messages=True, port=9, timeout=1, connect_timeout=1), step("wait_for", keys, port=9, state="drained", timeout=5)]
        theirs, ours = run_side("theirs", steps), run_side("ours", steps)
        for place, one in enumerate(steps):
            # Ansible has no check mode here and would wait; ours is skipped.
            oracle, mine = theirs[3 * place + 1]["result"], ours[3 * place + 1]["result"]
            self.assertEqual(bool(oracle.get("failed")), bool(mine.get("failed")), (oracle, mine))
            for key in one["keys"]:
                self.assertEqual(oracle.get(key), mine.get(key), (key, oracle, mine))

    def test_systemd_in_a_chroot(self):
        self.agree(
            step("systemd", ("name", "enabled"), name="fstrim.timer", enabled=True), step("systemd", ("enabled",), name="fstrim.timer", enabled=False),
            step("systemd", name="man-db.timer", masked=True), step("systemd", name="man-db.timer", masked=False),
            step("systemd", name="no-such.service", enabled=True), step("systemd", name="a*", enabled=True), step("systemd", state="started"))

    def test_service_with_init_scripts(self):
        # Turning it on again is left out: Ansible's sysvinit never finds the links of a service of rcS.d, and always reports a change.
        self.agree(step("service", ("name",), their_module="sysvinit", name="procps", enabled=False),
                   step("service", their_module="sysvinit", name="no-such", enabled=True))

    def test_apt(self):
        steps = [step("apt", name=["bash", "coreutils"]), step("apt", name="no-such-package-here", state="absent"),
                 step("apt", name="bash>=4"), step("apt", name="bash=4*"), step("apt", name="no-such-package-here"), step("apt", name="a=b=c"),
                 step("apt", name="no-such-pattern-*"), step("apt", deb="/no/such.deb")]
        self.agree_with_recorded(*steps)

    def test_apt_foresees_the_same_changes(self):
        candidates = [dict(name="cowsay"), dict(name=["cowsay", "bash"], state="latest"), dict(name="nano", state="absent", purge=True),
                      dict(name="mail-transport-agent"), dict(name="cowsay", install_recommends=True), dict(upgrade="safe", force_apt_get=True),
                      dict(autoremove=True), dict(name="cowsay", only_upgrade=True), dict(name="lib*no-such"), dict(name="cowsa[y]")]
        steps = [step("apt", **arguments) for arguments in candidates]
        theirs, ours = run_check_only("theirs", steps), run_check_only("ours", steps)
        for one, oracle, mine in zip(steps, theirs, ours):
            what = (one["arguments"], oracle, mine)
            self.assertEqual(bool(oracle.get("failed")), bool(mine.get("failed")), what)
            self.assertEqual(bool(oracle.get("changed")), bool(mine.get("changed")), what)
            lines = [sorted(line for line in result.get("stdout", "").splitlines() if line.startswith(("Inst", "Remv", "Purg")))
                     for result in (oracle, mine)]
            self.assertEqual(lines[0], lines[1], what)

    def test_package_facts(self):
        steps = [step("package_facts", manager=["apt"])]
        theirs, ours = run_check_only("theirs", steps), run_check_only("ours", steps)
        shape = [{name: sorted((one["version"], one["arch"], one["source"]) for one in entries)
                  for name, entries in side[0]["ansible_facts"]["packages"].items()} for side in (theirs, ours)]
        # python-apt names packages of a foreign architecture NAME:ARCH.
        self.assertEqual({name for name in shape[0] if ":" not in name} - set(shape[1]), set())
        for name in set(shape[0]) & set(shape[1]):
            self.assertLessEqual(set(shape[0][name]), set(shape[1][name]), name)


def run_check_only(side, steps):
    """Results of the dry runs alone."""
    return [answer["result"] for answer in run_side(side + "-check", steps)]


def inside_check(side):
    import oracle
    keep_package_cache()
    steps = json.load(sys.stdin)
    ours = oracle.Ours()
    answers = []
    for one in steps:
        run = ours.run if side == "ours" else oracle.run_theirs
        answers.append({"result": run(one["module"], one["arguments"], check=True)})
    ours.close()
    print("\nANSWERS " + json.dumps(answers))


if __name__ == "__main__":
    if sys.argv[1:] and sys.argv[1] in ("ours", "theirs"):
        inside(sys.argv[1])
    elif sys.argv[1:] and sys.argv[1].endswith("-check"):
        inside_check(sys.argv[1][:-len("-check")])
    else:
        import oracle  # takes --record and --compare away
        unittest.main()
