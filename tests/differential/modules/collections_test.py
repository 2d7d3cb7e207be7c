"""Modules of community.general and ansible.posix against ours, with the host's own tools, step by step in twin copies of this machine.

Each side runs in mount and network namespaces of its own, in an overlay of `/` on a tmpfs: the machine itself stays untouched.

Ansible's module ufw starts that program five times a step: what it answered is recorded. `collections_test.py --record` records it anew,
`collections_test.py --compare` asks again and compares. A machine whose ufw begins otherwise than the recorded one asks Ansible.
"""

import bz2
import gzip
import hashlib
import json
import lzma
import os
import pathlib
import shutil
import subprocess
import sys
import tarfile
import unittest
import zipfile

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from system_test import ENTER, step  # noqa: E402

# /srv is a file system of its own: an overlay may lack what acl and xattr need.
ENTER = ENTER.replace("exec chroot", "ip link set lo up\nmount -t tmpfs tmpfs /tmp/gpustack-twin/root/srv\nexec chroot")
WATCHED = ["/etc/security", "/etc/sudoers.d", "/etc/ufw", "/srv"]
THEIR_HOMES = {name: "ansible.posix" for name in ("acl", "firewalld", "at", "seboolean", "selinux")}


def output(*words):
    return subprocess.run(words, capture_output=True, text=True, env=dict(os.environ, LC_ALL="C")).stdout


def packed(path):
    """What is in an archive or a packed file: packers differ in every byte."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            return sorted([name, archive.read(name).decode()] for name in archive.namelist())
    try:
        with tarfile.open(path) as archive:
            return sorted([one.name, one.type.decode(), oct(one.mode), one.uid, one.size, one.linkname] for one in archive)
    except tarfile.ReadError:
        opener = {".gz": gzip, ".bz2": bz2, ".xz": lzma}[os.path.splitext(path)[1]]
        with opener.open(path) as file:
            return file.read().decode()


def on_disk(path):
    """The file system of an image and its size: its number differs each time."""
    told = output("tune2fs", "-l", path).splitlines()
    return [output("blkid", "-c", "/dev/null", "-o", "value", "-s", "TYPE", path)] + [line for line in told if line.startswith(("Block count", "Filesystem volume name"))]


def snapshot():
    files = {}
    for top in WATCHED:
        for folder, folders, names in os.walk(top):
            for name in folders + names:
                path = os.path.join(folder, name)
                info = os.lstat(path)
                is_image = path.endswith(".img")
                text = pathlib.Path(path).read_text(errors="replace") if os.path.isfile(path) and not is_image else None
                if text and path.endswith((".tgz", ".tar", ".gz", ".bz2", ".xz", ".zip")):
                    text = packed(path)
                # Salts differ, and so does the time in a backup's name.
                if text and path.endswith(".htpasswd"):
                    text = [line.split(":")[0] for line in text.splitlines()]
                path = path.split(".")[0] + " BACKUP" if path.endswith("~") else path
                files[path] = [oct(info.st_mode), info.st_uid, info.st_gid, on_disk(path) if is_image else text]
    files["acl"] = output("getfacl", "--absolute-names", "--recursive", "/srv")
    files["xattr"] = output("getfattr", "--absolute-names", "-R", "-d", "-m", "^user", "/srv")
    files["capabilities"] = output("getcap", "-r", "/srv")
    return files


def passlib_rounds(count):
    """Ansible's htpasswd leaves the rounds of a scheme to passlib, whose own number of them takes half a second.
    @return what they were"""
    import passlib.apache  # before the first fork
    from passlib.hash import sha256_crypt, sha512_crypt
    were = sha256_crypt.default_rounds, sha512_crypt.default_rounds
    sha256_crypt.default_rounds, sha512_crypt.default_rounds = count
    return were


def inside(side):
    """Every step in check mode and twice for real, with a snapshot after each."""
    import oracle
    ours = oracle.Ours()
    answers, before = [], snapshot()
    steps = json.load(sys.stdin)
    if any(one["module"] == "htpasswd" for one in steps):
        passlib_rounds((20000, 20000))
    for one in steps:
        for mode in ("check", "run", "again"):
            check = mode == "check"
            if one["module"] == "shell":
                subprocess.run(one["arguments"]["cmd"], shell=True, check=True, capture_output=True)
                result = {"changed": False}
            elif side == "ours":
                result = ours.run(one["module"], one["arguments"], check=check)
            else:
                home = THEIR_HOMES.get(one["module"], "community.general")
                result = oracle.run_theirs(home + "." + one["module"], one["arguments"], check=check)
            files = snapshot()
            answers.append({"result": result, "files": files, "changes": oracle.changes(before, files)})
            before = files
    ours.close()
    print("\nANSWERS " + json.dumps(answers))


def run_side(side, steps):
    done = subprocess.run(["unshare", "--mount", "--uts", "--net", "--propagation", "private", "bash", "-c", ENTER, os.path.abspath(__file__), side],
                          input=json.dumps(steps), capture_output=True, text=True)
    for line in done.stdout.splitlines():
        if line.startswith("ANSWERS "):
            return json.loads(line[len("ANSWERS "):])
    raise AssertionError("no answers from %s:\n%s\n%s" % (side, done.stdout[-3000:], done.stderr[-3000:]))


def shell(line):
    return step("shell", cmd=line)


@unittest.skipUnless(os.geteuid() == 0, "mounting an overlay needs root")
@unittest.skipUnless(os.path.isdir("/usr/lib/python3/dist-packages/ansible_collections/community/general"), "the package ansible is not installed")
class Collections(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        import oracle
        cls.recording = oracle.Recording("collections")

    @classmethod
    def tearDownClass(cls):
        cls.recording.save()

    def agree(self, *steps):
        self.assert_same(steps, run_side("theirs", steps), run_side("ours", steps), "files")

    def agree_with_recorded(self, start, *steps):
        """As agree(), but what Ansible answered from the same `start` on is recorded, with what each step changed in place of all files."""
        answers = self.recording.answers(f"{self._testMethodName} {start}", steps, lambda: run_side("theirs", steps))
        if answers is None:
            self.agree(*steps)
        else:
            self.assert_same(steps, answers, run_side("ours", steps), "changes")

    def assert_same(self, steps, theirs, ours, files):
        """@param files  what is compared of them: all `files`, or `changes` since the step before"""
        place = 0
        for one in steps:
            for mode in ("check", "run", "again"):
                oracle, mine = theirs[place], ours[place]
                place += 1
                what = (mode, one["module"], one["arguments"], oracle["result"], mine["result"])
                self.assertEqual(bool(oracle["result"].get("failed")), bool(mine["result"].get("failed")), what)
                if not oracle["result"].get("failed"):
                    self.assertEqual(bool(oracle["result"].get("changed")), bool(mine["result"].get("changed")), what)
                    for key in one["keys"]:
                        if mode != "check" or key in oracle["result"]:
                            self.assertEqual(oracle["result"].get(key), mine["result"].get(key), (key,) + what)
                self.assertEqual(oracle[files], mine[files], what)
        self.assertEqual(place, len(theirs))

    def test_acl(self):
        keys = ("acl", "msg")
        self.agree(
            shell("mkdir -p /srv/d && touch /srv/d/f && ln -sfn d /srv/link"), step("acl", keys, path="/srv/d"),
            step("acl", keys, path="/srv/d", etype="user", entity="daemon", permissions="rx", state="present"),
            step("acl", keys, path="/srv/d", etype="user", entity="daemon", permissions="rwx", state="present"),
            step("acl", keys, path="/srv/d", entry="default:group:daemon:rw", state="present"),
            step("acl", keys, path="/srv/d", entry="g:daemon:rwX", state="present", recursive=True, follow=False),
            step("acl", keys, path="/srv/d", etype="mask", permissions="r", state="present", recalculate_mask="no_mask"),
            step("acl", keys, path="/srv/d", etype="user", entity="daemon", state="absent"),
            step("acl", keys, path="/srv/d", entry="user:nobody", state="absent"),
            step("acl", path="/srv/none"), step("acl", path="/srv/d", state="present"), step("acl", path="/srv/d", recursive=True),
            step("acl", path="/srv/d", etype="user", entity="no-such-user", permissions="r", state="present"),
            step("acl", path="/srv/d", entry="user:daemon", state="present"), step("acl", path="/srv/d", entry="u:daemon:r"))

    def test_xattr(self):
        keys = ("xattr", "msg")
        self.agree(
            shell("touch /srv/f && ln -sf f /srv/link"), step("xattr", keys, path="/srv/f", key="origin", value="s3://models"),
            step("xattr", keys, path="/srv/f", key="user.origin", value="two words", state="present"), step("xattr", keys, path="/srv/f", key="origin"),
            step("xattr", keys, path="/srv/link", key="more", value="1"), step("xattr", keys, path="/srv/f", state="all"),
            step("xattr", keys, path="/srv/f", state="keys"), step("xattr", keys, path="/srv/f", key="none"),
            step("xattr", keys, path="/srv/f", key="origin", state="absent"), step("xattr", path="/srv/none"), step("xattr", path="/srv/f", state="absent"))

    def test_archive(self):
        keys = ("arcroot", "missing", "dest", "expanded_exclude_paths")
        tree = shell("mkdir -p /srv/d/sub/e /srv/more && echo 1 > /srv/d/a && echo 22 > /srv/d/sub/b && ln -sfn a /srv/d/l && echo 3 > /srv/more/c.log")
        zips = [step("archive", keys, path=["/srv/d/a", "/srv/d/sub"], dest="/srv/z.zip", format="zip"),
                step("archive", keys, path="/srv/d/a", dest="/srv/one.zip", format="zip")] if shutil.which("zip") else []
        self.agree(
            tree, step("archive", keys, path="/srv/d", dest="/srv/d.tgz", mode="0640"), shell("echo longer > /srv/d/a"),
            step("archive", keys, path="/srv/d", dest="/srv/d.tgz"), step("archive", keys, path="/srv/d/", dest="/srv/d.tar.bz2", format="bz2"),
            step("archive", keys, path=["/srv/d", "/srv/more"], dest="/srv/two.tar.xz", format="xz"),
            step("archive", keys, path=["/srv/d/*", "/srv/mor?"], dest="/srv/some.tar", format="tar", exclude_path=["/srv/d/s*"], exclusion_patterns=["*.log"]),
            step("archive", keys, path="/srv/d/a"), step("archive", keys, path="/srv/d/a", format="xz", mode="0600"),
            step("archive", keys, path="/srv/d/a", dest="/srv/one.tgz", force_archive=True), *zips,
            shell("rm -f /srv/d/a.*"),  # their sizes differ: a gzip file may name what is in it
            step("archive", keys, path=["/srv/d", "/srv/none"], dest="/srv/less.tgz"), step("archive", keys, path="/srv/none"),
            step("archive", path="/srv/d"), step("archive", path="/srv/none*", dest="/srv/x.tgz"), step("archive", path="/srv/d", dest="/srv/x", format="rar"),
            step("archive", path="/srv/d", dest="/srv/d/x.tgz", remove=True), step("archive", path="/srv/d/sub", dest="/srv/gone.tgz", remove=True),
            step("archive", path="/srv/d/a", dest="/srv/a.bz2", format="bz2", remove=True))

    def test_pam_limits(self):
        limit = dict(domain="@gpu", limit_type="soft", limit_item="memlock", value="1000")
        self.agree(
            step("pam_limits", ("msg",), **limit), step("pam_limits", ("msg",), **dict(limit, value="2000", use_max=True)),
            step("pam_limits", ("msg",), **dict(limit, value="1500", use_max=True)), step("pam_limits", ("msg",), **dict(limit, value="500", use_min=True)),
            step("pam_limits", **dict(limit, limit_item="nice", value="-5")), step("pam_limits", **dict(limit, limit_item="nice", value="99")),
            step("pam_limits", **dict(limit, value="much")), step("pam_limits", **dict(limit, use_min=True, use_max=True)),
            step("pam_limits", **dict(limit, limit_item="none")), step("pam_limits", **dict(limit, dest="/srv/none/x.conf")),
            shell("printf '# of mine\\n\\n*  hard core 0\\n' > /etc/security/limits.d/own.conf"),
            step("pam_limits", **dict(limit, domain="*", limit_type="hard", limit_item="core", value="9", dest="/etc/security/limits.d/own.conf")),
            step("pam_limits", ("msg",), **dict(limit, value="unlimited", comment="pinned")),
            # Without a comment of its own, Ansible repeats the old one with its line end, and takes one from any line.
            step("pam_limits", **dict(limit, value="5", use_min=True, comment="pinned")))

    def test_filesystem(self):
        def disk(**arguments):
            return step("filesystem", dev="/srv/disk.img", **arguments)

        self.agree(
            shell("truncate -s 8M /srv/disk.img"), disk(fstype="ext4", opts="-L  models -m 0"), disk(fstype="ext4", resizefs=True), shell("truncate -s 16M /srv/disk.img"),
            disk(fstype="ext4", resizefs=True), disk(fstype="ext2"), disk(fstype="swap"), disk(fstype="ext3", force=True), disk(state="absent"), disk(fstype="swap"),
            disk(fstype="swap", resizefs=True), disk(fstype="ext4", opts="--no-such-option", force=True), disk(), disk(fstype="zfs"), disk(fstype="xfs", force=True),
            step("filesystem", ("msg",), dev="/srv/none", fstype="ext4"), step("filesystem", ("msg",), dev="/srv/none", state="absent"))

    def test_interfaces_file(self):
        def edit(iface, option, value=None, **more):
            value = {} if value is None else {"value": value}
            return step("interfaces_file", ("ifaces", "dest"), dest="/srv/interfaces", iface=iface, option=option, **value, **more)

        self.agree(
            shell("printf '# mine\\nauto lo\\niface lo inet loopback\\n\\niface e1 inet static\\n\\taddress  10.0.0.2/24\\n\\tup  ip r  add x\\n\\tup true\\n\\n"
                  "iface e1 inet6 auto\\nmapping e0\\n  script x\\niface e2\\n' > /srv/interfaces"),
            step("interfaces_file", ("ifaces",), dest="/srv/interfaces"), edit("e1", "address", "10.0.0.3/24"), edit("e1", "mtu", "9000"),
            edit("e1", "mtu", "1500", address_family="inet"), edit("e1", "up", "true"), edit("e1", "up", "ip r  add x"), edit("e1", "up", "ip r add y"),
            edit("e1", "down", "a  b"), edit("lo", "mtu", "1"), edit("lo", "method", "manual"), edit("e1", "method", "dhcp"), edit("e1", "up", "true", state="absent"),
            edit("e1", "up", "none", state="absent"), edit("e1", "up", state="absent"), edit("e1", "mtu", state="absent"), edit("e1", "mtu", state="absent"),
            edit("e9", "mtu", "1"), edit("e9", "mtu", state="absent"), edit("e1", "mtu"), step("interfaces_file", dest="/srv/interfaces", option="mtu", value="1"),
            step("interfaces_file", dest="/srv/none"), edit("e2", "pre-up", "x"), shell("echo 'mtu 1' > /srv/interfaces"), edit("e1", "mtu", "1"))

    def test_sudoers(self):
        self.agree(
            step("sudoers", name="gpu", user="daemon", commands=["/bin/true", "/bin/false"]), step("sudoers", name="gpu", user="daemon", commands="ALL"),
            step("sudoers", name="ml", group="daemon", commands=["/bin/true"], runas="nobody", nopassword=False, setenv=True, host="node1"),
            step("sudoers", name="x", user="daemon", commands=["not a path, (("], validation="required"), step("sudoers", name="gpu", state="absent"),
            step("sudoers", name="y", user="daemon", group="daemon", commands="ALL"), step("sudoers", name="y", user="daemon"),
            step("sudoers", name="z", user="daemon", commands="ALL", sudoers_path="/srv", validation="absent"))

    @unittest.skipUnless(os.path.isdir("/usr/lib/python3/dist-packages/passlib"), "python3-passlib is not installed")
    def test_htpasswd(self):
        user = dict(path="/srv/a.htpasswd", name="ops", password="my secret")
        schemes = ["md5_crypt", "sha256_crypt", "sha512_crypt", "ldap_sha1", "plaintext"]
        self.agree(
            step("htpasswd", **user), step("htpasswd", **dict(user, name="two", password="x" * 40)), step("htpasswd", **dict(user, password="new")),
            *[step("htpasswd", **dict(user, name=scheme, crypt_scheme=scheme)) for scheme in schemes],
            step("htpasswd", **dict(user, name="two", state="absent")), step("htpasswd", **dict(user, path="/srv/none.htpasswd", create=False)),
            step("htpasswd", **dict(user, path="/srv/none.htpasswd", state="absent")), step("htpasswd", **dict(user, crypt_scheme="no_such_scheme")),
            step("htpasswd", **dict(user, path="/srv/new/b.htpasswd", mode="0640")))

    @unittest.skipUnless(os.path.isdir("/usr/lib/python3/dist-packages/passlib"), "python3-passlib is not installed")
    def test_passwords_fit_on_both_sides(self):
        """What one side has written, the other finds in place."""
        import tempfile
        import oracle
        from passlib.apache import HtpasswdFile
        from passlib.context import CryptContext
        ours = oracle.Ours()
        own = passlib_rounds((5000, 5000))
        with tempfile.TemporaryDirectory() as folder:
            for scheme in ("apr_md5_crypt", "md5_crypt", "sha256_crypt", "sha512_crypt", "ldap_sha1", "plaintext"):
                # 5000 rounds go without saying, others are in the text.
                for password, rounds in (("a", own), ("my secret", (5000, 5000)), ("\u00fc" * 20, (20000, 20000)), ("x" * 100, (1000, 1000))):
                    passlib_rounds(rounds)
                    path = os.path.join(folder, "users")
                    arguments = dict(path=path, name="ops", password=password, crypt_scheme=scheme)
                    self.assertTrue(ours.run("htpasswd", arguments)["changed"])
                    context = CryptContext(schemes=["apr_md5_crypt", "md5_crypt", "sha256_crypt", "sha512_crypt", "ldap_sha1", "plaintext"])
                    self.assertTrue(HtpasswdFile(path, context=context).check_password("ops", password), (scheme, password))
                    os.unlink(path)
                    self.assertTrue(oracle.run_theirs("community.general.htpasswd", arguments)["changed"])
                    self.assertFalse(ours.run("htpasswd", arguments)["changed"], (scheme, password))
                    os.unlink(path)
        passlib_rounds(own)
        ours.close()

    def test_capabilities(self):
        keys = ("state", "msg")
        self.agree(
            shell("cp /bin/true /srv/x"), step("capabilities", keys, path="/srv/x", capability="cap_net_raw=ep"),
            step("capabilities", keys, path="/srv/x", capability="CAP_NET_ADMIN=ep"), step("capabilities", keys, path="/srv/x", capability="cap_kill=p"),
            step("capabilities", keys, path="/srv/x", capability="cap_net_raw", state="absent"), step("capabilities", path="/srv/x", capability="cap_kill"),
            step("capabilities", path="/srv/none", capability="cap_kill=ep"), step("capabilities", path="/srv/x", capability="cap_nonsense=ep"))

    @unittest.skipUnless(shutil.which("ufw"), "ufw is not installed")
    def test_ufw(self):
        # While it is off, Ansible sees no change of defaults and a change of logging each time.
        files = ("/etc/default/ufw", "/etc/ufw/ufw.conf", "/etc/ufw/user.rules", "/etc/ufw/user6.rules")
        digest = hashlib.sha256(b"".join(pathlib.Path(path).read_bytes() for path in files)).hexdigest()
        self.agree_with_recorded(
            output("ufw", "--version").splitlines()[0] + " " + digest[:16],
            step("ufw", state="enabled"),
            step("ufw", rule="allow", port="22", proto="tcp"), step("ufw", rule="limit", port="ssh", proto="tcp", comment="few at a time"),
            step("ufw", rule="deny", from_ip="10.0.0.0/8", to_port="80", proto="tcp", insert=1), step("ufw", default="deny", direction="incoming"),
            step("ufw", default="allow", direction="outgoing"), step("ufw", logging="medium"), step("ufw", logging="on"),
            step("ufw", rule="allow", direction="in", interface="eth0", from_ip="fe80::/10"), step("ufw", rule="allow", log=True, port="443"),
            step("ufw", rule="allow", route=True, interface_in="eth0", interface_out="eth1"),
            step("ufw", rule="allow", port="22", proto="tcp", delete=True), step("ufw", rule="deny", port="1", insert=0, insert_relative_to="first-ipv6"),
            step("ufw", rule="allow", name="no-such-profile"), step("ufw", rule="allow", interface_in="a", interface_out="b"),
            step("ufw", rule="allow", direction="incoming"), step("ufw", rule="allow", port="no-such-port"), step("ufw", state="reloaded"),
            step("ufw", state="disabled"))


if __name__ == "__main__":
    if sys.argv[1:] and sys.argv[1] in ("ours", "theirs"):
        inside(sys.argv[1])
    else:
        import oracle  # takes --record and --compare away
        unittest.main()
