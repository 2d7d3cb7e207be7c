"""Our file modules against Ansible's: the same files, modes and `changed` in the end."""

import os
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(__file__))
from oracle import DifferentialCase, build, placed, run_theirs, tree  # noqa: E402

R = "{root}/"
TREE = {"d": {"folder": 0o755}, "d/f": "text\n", "d/sub/g": {"text": "x", "mode": 0o600}, "f": "one\n", "l": {"link": "f"},
        "dl": {"link": "d"}, "dangling": {"link": "nowhere"}, "h": {"hard": "f"}, "e": {"folder": 0o700}}


class File(DifferentialCase):
    def cases(self, *rows):
        for row in rows:
            arguments, files = row if isinstance(row, tuple) else (row, TREE)
            with self.subTest(arguments=arguments):
                self.compare("file", arguments, files, keys=("state", "mode"))

    def test_directory(self):
        self.cases({"path": R + "a/b/c", "state": "directory"},
                   {"path": R + "a/b/c", "state": "directory", "mode": "0750"},
                   {"path": R + "a/b/", "state": "directory", "mode": "u=rwx,g=rx,o="},
                   {"path": R + "d", "state": "directory", "mode": "0700"},
                   {"path": R + "d", "state": "directory", "mode": "g+s"},
                   {"path": R + "dl", "state": "directory", "mode": "0711"},
                   {"path": R + "d", "state": "directory", "mode": "u=rwX,g=rX,o=", "recurse": True},
                   {"path": R + "d", "mode": "0700", "recurse": True},
                   {"path": R + "new", "recurse": True},
                   {"path": R + "f", "state": "directory"},
                   {"path": R + "l", "state": "directory"},
                   {"path": R + "dangling", "state": "directory"},
                   {"path": R + "d", "state": "directory", "mode": "a+q"})

    def test_recursion_follows_links(self):
        files = {"d/f": {"text": "1", "mode": 0o600}, "out/g": {"text": "2", "mode": 0o600}, "d/l": {"link": "{root}/out"},
                 "d/dangling": {"link": "nowhere"}}
        self.cases(({"path": R + "d", "state": "directory", "mode": "u=rwX,go=rX", "recurse": True}, files),
                   ({"path": R + "d", "state": "directory", "mode": "u=rwX,go=rX", "recurse": True, "follow": False}, files))

    def test_absent(self):
        self.cases({"path": R + "d", "state": "absent"}, {"path": R + "l", "state": "absent"},
                   {"path": R + "dl", "state": "absent"}, {"path": R + "dangling", "state": "absent"},
                   {"path": R + "none", "state": "absent"}, {"path": R + "h", "state": "absent"},
                   {"path": R + "none/none", "state": "absent"})

    def test_link(self):
        self.cases({"src": "f", "path": R + "new", "state": "link"},
                   {"src": R + "f", "path": R + "new", "state": "link"},
                   {"src": "d", "path": R + "l", "state": "link"},
                   {"src": "f", "path": R + "l", "state": "link"},
                   {"src": "nowhere", "path": R + "new2", "state": "link", "force": True},
                   {"src": "nowhere", "path": R + "new2", "state": "link", "force": True, "follow": False},
                   {"src": "d", "path": R + "f", "state": "link"},
                   {"src": "d", "path": R + "h", "state": "link", "force": True},
                   {"src": R + "d", "path": R + "e", "state": "link", "force": True},
                   {"src": R + "f", "path": R + "d", "state": "link", "force": True},
                   {"src": R + "f", "path": R + "d", "state": "link"},
                   {"path": R + "l", "state": "link"},
                   {"path": R + "new", "state": "link"},
                   {"src": "f", "path": R + "new", "state": "link", "mode": "0600"},
                   {"src": "f", "path": R + "new", "state": "link", "mode": "0600", "follow": False})

    def test_hard(self):
        self.cases({"src": R + "f", "path": R + "new", "state": "hard"},
                   {"src": R + "f", "path": R + "h", "state": "hard"},
                   {"src": R + "d/f", "path": R + "h", "state": "hard"},
                   {"src": R + "d/f", "path": R + "h", "state": "hard", "force": True},
                   {"src": R + "d/f", "path": R + "d/sub/g", "state": "hard"},
                   {"src": R + "d/f", "path": R + "d/sub/g", "state": "hard", "force": True, "mode": "0640"},
                   {"src": R + "f", "path": R + "l", "state": "hard"},
                   {"path": R + "new", "state": "hard"})

    def test_touch(self):
        keep = {"access_time": "preserve", "modification_time": "preserve"}
        self.cases({"path": R + "new", "state": "touch"},
                   {"path": R + "new", "state": "touch", "mode": "0600", **keep},
                   {"path": R + "f", "state": "touch", **keep},
                   {"path": R + "f", "state": "touch", "modification_time": "202001020304.05", "access_time": "preserve"},
                   {"path": R + "f", "state": "touch", "modification_time": "2020-01-02", "modification_time_format": "%Y-%m-%d",
                    "access_time": "202001020304.05"},
                   {"path": R + "f", "state": "touch", "modification_time": "noon"},
                   {"path": R + "d", "state": "touch", **keep},
                   {"path": R + "l", "state": "touch", "mode": "0600"})

    def test_file_and_default_state(self):
        self.cases({"path": R + "f", "mode": "0600"}, {"path": R + "f", "state": "file", "mode": "u+x,g-r,o="},
                   {"path": R + "l", "state": "file", "mode": "0640"}, {"path": R + "none", "state": "file"},
                   {"path": R + "none"}, {"path": R + "d", "state": "file"}, {"path": R + "d", "mode": "0700"},
                   {"path": R + "f", "mode": 384}, {"path": R + "f", "mode": "=r"}, {"path": R + "dangling", "state": "file"},
                   {"path": R + "f", "owner": "root", "group": 0},
                   {"path": R + "f", "src": R + "d"}, {"path": R + "f", "recurse": True})


    def test_unknown_owner(self):
        # A dry run foresees that an earlier task makes the account; Ansible fails there as well.
        self.compare("file", {"path": R + "f", "owner": "no-such-user"}, TREE, check=False)


class LineInFile(DifferentialCase):
    TEXT = "# head\nkey = 1\n  key = 2\nother\n\nlast\n"

    def test_edits(self):
        rows = [
            {"line": "new"}, {"line": "other"}, {"line": "  key = 2"}, {"regexp": "^key", "line": "key = 3"},
            {"regexp": "key", "line": "key = 3"}, {"regexp": "key", "line": "key = 3", "firstmatch": True},
            {"regexp": "^nothing", "line": "added"}, {"regexp": "^nothing", "line": "other"},
            {"search_string": "key", "line": "k"}, {"search_string": "= 1", "line": "k", "firstmatch": True},
            {"search_string": "key", "state": "absent"}, {"regexp": "key", "state": "absent"},
            {"line": "other", "state": "absent"}, {"line": "nothing", "state": "absent"},
            {"line": "new", "insertafter": "^key"}, {"line": "new", "insertafter": "key"},
            {"line": "new", "insertafter": "key", "firstmatch": True}, {"line": "new", "insertafter": "last"},
            {"line": "new", "insertafter": "EOF"}, {"line": "new", "insertafter": "BOF"}, {"line": "new", "insertafter": "nothing"},
            {"line": "new", "insertbefore": "key"}, {"line": "new", "insertbefore": "key", "firstmatch": True},
            {"line": "new", "insertbefore": "BOF"}, {"line": "new", "insertbefore": "nothing"},
            {"line": "new", "insertbefore": "EOF"}, {"line": "new", "insertbefore": "^# head"},
            {"regexp": "^(\\s*)key = (\\d)", "line": "\\1key: \\g<2>", "backrefs": True},
            {"regexp": "^(?P<k>\\w+) = 1$", "line": "\\g<k>=1", "backrefs": True},
            {"regexp": "^nothing(.*)", "line": "\\1", "backrefs": True},
            {"regexp": "^nothing", "line": "new", "insertafter": "^other"},
            {"regexp": "^nothing", "line": "new", "insertbefore": "^other"},
            {"regexp": "^$", "line": "was empty"}, {"regexp": "KEY", "line": "x"}, {"regexp": "(?i)KEY", "line": "x"},
            {"regexp": "", "line": "x"}, {"regexp": "(", "line": "x"}, {"regexp": "\\h", "line": "x"},
            {"line": "x", "mode": "0600"}, {"line": "other", "mode": "0600"}, {"line": "x", "backup": True},
            {"line": "x", "validate": "/bin/true %s"}, {"line": "x", "validate": "/bin/false %s"},
            {"line": "tab\\t and 'quotes'"}, {"line": "umlaut ä"}, {"regexp": "o.her", "line": "ä", "backrefs": True},
            {"line": "x", "insertafter": "a", "insertbefore": "b"}, {"regexp": "a"}, {"state": "absent"}, {"line": "x", "backrefs": True},
            {"regexp": "a", "search_string": "b", "line": "x"},
        ]
        for row in rows:
            with self.subTest(arguments=row):
                self.compare("lineinfile", {"path": R + "f", **row}, {"f": self.TEXT}, keys=("msg",))

    def test_validate_needs_a_percent_s(self):
        # We say so in a dry run too.
        self.compare("lineinfile", {"path": R + "f", "line": "x", "validate": "/bin/true"}, {"f": "a\n"}, check=False)

    def test_line_ends(self):
        for text in ("", "a", "a\nb", "a\r\nb\r\n", "\n", "a\n\nb\n", "no end\nä"):
            for row in ({"line": "b"}, {"regexp": "^b", "line": "c"}, {"line": "x", "insertbefore": "^b"},
                        {"line": "b", "state": "absent"}, {"regexp": "b$", "line": "c"}):
                with self.subTest(text=text, arguments=row):
                    self.compare("lineinfile", {"path": R + "f", **row}, {"f": text})

    def test_other_places(self):
        files = {"f": "a\n", "l": {"link": "f"}, "d": {"folder": 0o755}}
        for row in ({"path": R + "l", "line": "b"}, {"path": R + "l", "line": "b", "mode": "0600"}, {"path": R + "d", "line": "b"},
                    {"path": R + "new", "line": "b"}, {"path": R + "x/y/new", "line": "b", "create": True},
                    {"path": R + "new", "line": "b", "create": True, "mode": "0640"}, {"path": R + "new", "state": "absent", "line": "b"},
                    {"dest": R + "f", "value": "c"}):
            with self.subTest(arguments=row):
                self.compare("lineinfile", row, files)


class BlockInFile(DifferentialCase):
    BLOCK = "# BEGIN ANSIBLE MANAGED BLOCK\nold\n# END ANSIBLE MANAGED BLOCK\n"

    def test_edits(self):
        texts = ["", "a\nb\nc\n", "a\nb", "a\n" + self.BLOCK + "b\n", self.BLOCK, "a\r\nb\r\n", self.BLOCK + "b\n" + self.BLOCK,
                 "# END ANSIBLE MANAGED BLOCK\nx\n# BEGIN ANSIBLE MANAGED BLOCK\ny\n", "a\n# BEGIN ANSIBLE MANAGED BLOCK\nold\n"]
        rows = [{"block": "x"}, {"block": "x\ny\n"}, {"block": ""}, {"state": "absent"}, {"block": "x", "insertafter": "^a"},
                {"block": "x", "insertbefore": "^b"}, {"block": "x", "insertbefore": "BOF"}, {"block": "x", "insertafter": "EOF"},
                {"block": "x", "insertafter": "nothing"}, {"block": "x", "insertbefore": "(?m)^b"},
                {"block": "x", "marker": "; {mark}", "marker_begin": "<", "marker_end": ">"}]
        for text in texts:
            for row in rows:
                with self.subTest(text=text, arguments=row):
                    self.compare("blockinfile", {"path": R + "f", **row}, {"f": text}, keys=("msg",))

    def test_other_places(self):
        files = {"f": "a\n", "l": {"link": "f"}, "d": {"folder": 0o755}}
        for row in ({"path": R + "l", "block": "b"}, {"path": R + "d", "block": "b"}, {"path": R + "new", "block": "b"},
                    {"path": R + "x/new", "block": "b", "create": True, "mode": "0600"}, {"path": R + "new", "create": True},
                    {"path": R + "new", "create": True, "state": "absent"}, {"path": R + "f", "block": "b", "backup": True},
                    {"path": R + "f", "block": "b", "validate": "/bin/false %s"},
                    {"path": R + "f", "block": "b", "insertafter": "x", "insertbefore": "y"}):
            with self.subTest(arguments=row):
                self.compare("blockinfile", row, files)


class Replace(DifferentialCase):
    TEXT = "[a]\nx=1\ny=1\n[b]\nx=1\n# ä end\n"

    def test_edits(self):
        for row in ({"regexp": "x=1", "replace": "x=2"}, {"regexp": "^x=(\\d)$", "replace": "z=\\1"}, {"regexp": "^\\[a\\]\\n"},
                    {"regexp": "nothing", "replace": "x"}, {"regexp": "x=1", "replace": "x=1"},
                    {"regexp": "x", "replace": "q", "after": "\\[b\\]"}, {"regexp": "x", "replace": "q", "before": "\\[b\\]"},
                    {"regexp": "x", "replace": "q", "after": "\\[a\\]", "before": "\\[b\\]"},
                    {"regexp": "x", "replace": "q", "after": "nothing"}, {"regexp": "\\w+$", "replace": "W"},
                    {"regexp": "ä", "replace": "ö"}, {"regexp": "(?P<n>\\w)=1", "replace": "\\g<n>=2"}, {"regexp": "(", "replace": ""},
                    {"regexp": "x*", "replace": "-"}, {"regexp": "\\s+", "replace": " "}, {"regexp": "y=1\\n(.*)\\n", "replace": "\\1"},
                    {"regexp": "x=1", "replace": "\\9"}, {"regexp": "x", "replace": "\\n", "backup": True},
                    {"regexp": "^$", "replace": "e"}, {"regexp": "x=1", "replace": "x=2", "mode": "0600"},
                    {"regexp": "x=1", "replace": "x=2", "validate": "/bin/false %s"}, {"path": R + "none", "regexp": "x"},
                    {"path": R + "l", "regexp": "x", "replace": "y"}):
            with self.subTest(arguments=row):
                self.compare("replace", {"path": R + "f", **row}, {"f": self.TEXT, "l": {"link": "f"}}, keys=("msg",))


class Reading(DifferentialCase):
    def test_stat(self):
        for row in ({"path": R + "f"}, {"path": R + "l"}, {"path": R + "l", "follow": True}, {"path": R + "d"}, {"path": R + "none"},
                    {"path": R + "f", "checksum_algorithm": "sha256", "get_md5": True}, {"path": R + "f", "get_checksum": False},
                    {"path": R + "dangling"}, {"path": R + "f", "get_mime": False}, {"path": R + "h", "get_attributes": False}):
            with self.subTest(arguments=row):
                self.compare_stat(row)

    def compare_stat(self, row):
        # lsattr's inode generation is not read: Ansible reports it as `version`.
        root = self.folder / "mine"
        if root.exists():
            shutil.rmtree(root)
        build(root, TREE)
        ours = self.ours.run("stat", placed(row, root))["stat"]
        theirs = run_theirs("stat", placed(row, root))["stat"]
        for result in (ours, theirs):
            result.pop("version", None)
            result.pop("atime", None)
        self.assertEqual(theirs, ours)

    def test_slurp(self):
        for path in ("f", "l", "d", "none", "dangling"):
            with self.subTest(path=path):
                self.compare_reading("slurp", {"src": R + path}, TREE)

    def test_find(self):
        files = {"a.log": "one\ntwo\n", "b.txt": "x" * 3000, ".hidden": "", "sub/c.log": "two\n", "sub/deep/d.log": "three\n",
                 "link": {"link": "sub"}, "l": {"link": "a.log"}}
        for row in ({}, {"patterns": "*.log"}, {"patterns": "*.log,b*"}, {"patterns": ["*.log", "b*"]}, {"excludes": "*.log"},
                    {"recurse": True}, {"recurse": True, "depth": 1}, {"recurse": True, "depth": 2}, {"recurse": True, "follow": True},
                    {"hidden": True}, {"file_type": "any"}, {"file_type": "directory", "recurse": True}, {"file_type": "link"},
                    {"patterns": "^[ab].*", "use_regex": True}, {"patterns": ".*", "excludes": ".*log$", "use_regex": True},
                    {"size": "1k"}, {"size": "-1k"}, {"contains": "tw"}, {"contains": "wo"}, {"contains": "wo", "read_whole_file": True},
                    {"age": "1h"}, {"age": "-1h"}, {"get_checksum": True}, {"age": "soon"}, {"size": "huge"},
                    {"path": "{root}/none"}, {"paths": ["{root}/sub", "{root}/none"]}, {"paths": "{root}/"}):
            with self.subTest(arguments=row):
                self.compare_find(row, files)

    def compare_find(self, row, files):
        root = self.folder / "mine"
        if root.exists():
            shutil.rmtree(root)
        build(root, files)
        arguments = placed(row if "paths" in row or "path" in row else {"paths": R, **row}, root)
        ours, theirs = self.ours.run("find", arguments), run_theirs("find", arguments)
        self.assertEqual(bool(theirs.get("failed")), bool(ours.get("failed")), (theirs, ours))
        if theirs.get("failed"):
            return
        for result in (ours, theirs):
            result["files"].sort(key=lambda file: file["path"])
            for file in result["files"]:
                file.pop("atime", None)
            for key in ("warnings", "invocation"):
                result.pop(key, None)
        self.assertEqual(theirs, ours)


class KnownHosts(DifferentialCase):
    ED = "AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
    OTHER = "AAAAC3NzaC1lZDI1NTE5AAAAIJBJmpWNO1QtnHzOyxJDAbkRZYLbYnlMKlQRgZ3gJ7pT"

    def test_keys(self):
        plain = "# mine\ngithub.com,140.82.1.1 ssh-ed25519 %s\nother ssh-ed25519 %s\n" % (self.ED, self.ED)
        ported = "[h]:2222 ssh-ed25519 %s\n" % self.ED
        rows = [({"name": "new", "key": "new ssh-ed25519 " + self.ED}, plain),
                ({"name": "github.com", "key": "github.com,140.82.1.1 ssh-ed25519 " + self.ED}, plain),
                ({"name": "other", "key": "other ssh-ed25519 " + self.OTHER}, plain),
                ({"name": "other", "key": "other ssh-ed25519 " + self.ED + " comment"}, plain),
                ({"name": "OTHER", "key": "other ssh-ed25519 " + self.ED, "state": "absent"}, plain),
                ({"name": "none", "key": "none ssh-ed25519 " + self.ED, "state": "absent"}, plain),
                ({"name": "[h]:2222", "key": "[h]:2222 ssh-ed25519 " + self.OTHER}, ported),
                ({"name": "new", "key": "wrong ssh-ed25519 " + self.ED}, plain), ({"name": "new"}, plain),
                ({"name": "a,b", "key": "a,b ssh-ed25519 " + self.ED}, plain)]
        for row, text in rows:
            with self.subTest(arguments=row):
                self.compare("known_hosts", {"path": R + "kh", **row}, {"kh": text})

    def test_hashed_names(self):
        hashed = "|1|AAAAAAAAAAAAAAAAAAAAAAAAAAA=|SRGPNbcAE3KPE3b6HB7fQ9J/69c= ssh-ed25519 " + self.ED + "\n"
        self.compare("known_hosts", {"path": R + "kh", "name": "example.com", "key": "example.com ssh-ed25519 " + self.OTHER}, {"kh": hashed})
        self.compare("known_hosts", {"path": R + "kh", "name": "example.com", "key": hashed.strip(), "state": "absent"}, {"kh": hashed})


class Unarchive(DifferentialCase):
    def test_archives_of_the_host(self):
        packed = self.folder / "packed"
        build(packed, {"top/a": {"text": "A" * 100, "mode": 0o640}, "top/sub/b": {"text": "B", "mode": 0o755}, "top/l": {"link": "a"}})
        archives = {}
        for name, command in (("a.tar", ["tar", "-cf"]), ("a.tgz", ["tar", "-czf"]), ("a.txz", ["tar", "-cJf"]), ("a.zip", ["zip", "-qry"])):
            if shutil.which(command[0]):
                subprocess.run(command + [str(self.folder / name), "top"], cwd=packed, check=True)
                archives[name] = (self.folder / name).read_bytes()
        rows = [{"src": name} for name in archives] + [
            {"src": "a.tgz", "extra_opts": ["--strip-components=1"]}, {"src": "a.tgz", "mode": "u=rwX,go=rX"}, {"src": "a.tgz", "exclude": ["top/sub"]},
            {"src": "a.tgz", "include": ["top/a"]}, {"src": "a.tgz", "creates": R + "out"}, {"src": "a.tgz", "dest": R + "none"},
            {"src": "empty"}, {"src": "none"}, {"src": "text"}]
        for row in rows:
            with self.subTest(arguments=row):
                mine, theirs = self.twins({"out": {"folder": 0o755}, "empty": "", "text": "no archive\n"})
                for root in (mine, theirs):
                    for name, content in archives.items():
                        (root / name).write_bytes(content)
                arguments = {"dest": R + "out", "remote_src": True, **row, "src": R + row["src"]}
                for _ in range(2):
                    ours = self.ours.run("unarchive", placed(arguments, mine))
                    if "creates" in row:  # the controller's part in Ansible
                        self.assertTrue(ours["skipped"])
                        continue
                    oracle = run_theirs("unarchive", placed(arguments, theirs))
                    self.assertEqual(bool(oracle.get("failed")), bool(ours.get("failed")), (oracle, ours))
                    if not oracle.get("failed"):
                        self.assertEqual(oracle["changed"], ours["changed"], (oracle, ours))
                    self.assertEqual(tree(theirs), tree(mine))


class Placing(DifferentialCase):
    def test_tempfile(self):
        for row in ({"path": R}, {"path": R, "state": "directory"}, {"path": R, "prefix": "p", "suffix": ".s"}):
            with self.subTest(arguments=row):
                root = self.folder / "mine"
                if not root.exists():
                    build(root, {})
                ours, theirs = self.ours.run("tempfile", placed(row, root)), run_theirs("tempfile", placed(row, root))
                for key in ("changed", "state", "mode", "owner", "size", "uid"):
                    self.assertEqual(theirs.get(key), ours.get(key), key)
                for end in (row.get("prefix", "ansible."), row.get("suffix", "")):
                    self.assertIn(end, os.path.basename(ours["path"]))

    def test_assemble(self):
        files = {"p/1": "one", "p/2": "two\n", "p/3": "", "p/4": "four\n", "p/.h": "hidden\n", "p/sub/x": "x", "old": {"text": "old", "mode": 0o600}}
        for row in ({"dest": R + "new"}, {"dest": R + "old"}, {"dest": R + "new", "regexp": "[13]"}, {"dest": R + "new", "delimiter": "--"},
                    {"dest": R + "new", "delimiter": "\\n\\x41\\n"}, {"dest": R + "new", "ignore_hidden": True, "mode": "0640"},
                    {"dest": R + "old", "backup": True}, {"dest": R + "new", "validate": "/bin/false %s"}, {"src": R + "none", "dest": R + "new"},
                    {"src": R + "old", "dest": R + "new"}, {"dest": R + "new", "regexp": "("}):
            with self.subTest(arguments=row):
                self.compare_without_check("assemble", {"src": R + "p", **row}, files)

    def compare_without_check(self, module, arguments, files):
        # Ansible's module knows no check mode.
        mine, theirs = self.twins(files)
        for _ in range(2):
            ours, oracle = self.ours.run(module, placed(arguments, mine)), run_theirs(module, placed(arguments, theirs))
            self.assertEqual(bool(oracle.get("failed")), bool(ours.get("failed")), (oracle, ours))
            if not oracle.get("failed"):
                self.assertEqual(oracle["changed"], ours["changed"])
                self.assertEqual(oracle["checksum"], ours["checksum"])
            self.assertEqual(tree(theirs), tree(mine))

    def test_remote_copy(self):
        files = {"src/a": {"text": "A", "mode": 0o640}, "src/sub/b": {"text": "B", "mode": 0o755}, "src/empty": {"folder": 0o711},
                 "same/a": {"text": "A", "mode": 0o600}, "other/src/a": "old", "other/keep": "k", "f": {"text": "F", "mode": 0o600},
                 "l": {"link": "f"}, "old": {"text": "old", "mode": 0o604}}
        for row in ({"src": R + "f", "dest": R + "new"}, {"src": R + "f", "dest": R + "old"}, {"src": R + "f", "dest": R + "old", "backup": True},
                    {"src": R + "f", "dest": R + "new", "mode": "preserve"}, {"src": R + "f", "dest": R + "new", "mode": "0711"},
                    {"src": R + "f", "dest": R + "other"}, {"src": R + "f", "dest": R + "other/"}, {"src": R + "f", "dest": R + "new/deep/", "_original_basename": "f"},
                    {"src": R + "none", "dest": R + "x"}, {"src": R + "old", "dest": R + "l"},
                    {"src": R + "old", "dest": R + "l", "follow": True}, {"src": R + "f", "dest": R + "old", "force": False},
                    {"src": R + "f", "dest": R + "new", "validate": "/bin/false %s"}, {"src": R + "f", "dest": R + "new", "checksum": "0" * 40},
                    {"src": R + "l", "dest": R + "new"}, {"src": R + "src/", "dest": R + "new"}, {"src": R + "src", "dest": R + "new"},
                    {"src": R + "src/", "dest": R + "same"}, {"src": R + "src", "dest": R + "other"}, {"src": R + "src/", "dest": R + "new", "mode": "0700"}):
            with self.subTest(arguments=row):
                self.compare("copy", {"remote_src": True, **row}, files)

    def test_remote_copy_needs_its_folder(self):
        # A dry run foresees that an earlier task makes the folder.
        self.compare("copy", {"remote_src": True, "src": R + "f", "dest": R + "none/x"}, {"f": "F"}, check=False)


if __name__ == "__main__":
    unittest.main()
