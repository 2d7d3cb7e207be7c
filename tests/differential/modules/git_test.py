"""Ansible's git module and ours on twin folders, with repositories of this machine only."""

import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import oracle  # noqa: E402

KEYS = ("before", "after", "remote_url_changed", "submodules_changed", "msg", "git_dir_now", "git_dir_before")


def git(folder, *words):
    return subprocess.run(["git", "-C", str(folder), *words], check=True, capture_output=True, text=True).stdout.strip()


def commit(folder, name, text):
    (folder / name).write_text(text)
    git(folder, "add", name)
    git(folder, "commit", "-q", "-m", name + " " + text)
    return git(folder, "rev-parse", "HEAD")


class Git(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        os.umask(0o022)
        cls.home = pathlib.Path(tempfile.mkdtemp(prefix="gpustack-git-home-"))
        (cls.home / ".gitconfig").write_text("[user]\n\tname = t\n\temail = t@x\n[init]\n\tdefaultBranch = main\n"
                                             "[protocol \"file\"]\n\tallow = always\n[safe]\n\tdirectory = *\n")
        os.environ["HOME"] = str(cls.home)
        cls.ours = oracle.Ours()

    @classmethod
    def tearDownClass(cls):
        cls.ours.close()
        shutil.rmtree(cls.home)

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="gpustack-git-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.source = self.folder / "source"
        self.source.mkdir()
        git(self.source, "init", "-q")
        self.first = commit(self.source, "a", "one")
        git(self.source, "tag", "-a", "v1", "-m", "v1")
        git(self.source, "branch", "feature/x")
        self.second = commit(self.source, "a", "two")
        git(self.source, "tag", "light")
        for side in ("mine", "them"):
            (self.folder / side).mkdir()

    def state(self, side):
        """Files, HEAD and where it points, local branches, the remote's address, local changes."""
        root = self.folder / side
        files = {}
        for parent, folders, names in os.walk(root):
            if ".git" in folders:
                folders.remove(".git")
            for name in names:
                path = pathlib.Path(parent) / name
                if name.endswith((".tar", ".zip", ".gz", ".txt")) or "/co" in str(path):
                    files[str(path.relative_to(root))] = (oct(path.stat().st_mode), hashlib.sha256(path.read_bytes().replace(str(root).encode(), b"ROOT")).hexdigest())
        out = {"files": files}
        checkout = root / "co"
        if (checkout / ".git").exists() or (checkout / "HEAD").exists():
            for words in (("rev-parse", "HEAD"), ("rev-parse", "--abbrev-ref", "HEAD"), ("remote", "-v"), ("tag",), ("branch", "-vv"),
                          ("rev-list", "--count", "--all"), ("config", "core.bare")):
                out[words] = git(checkout, *words).replace(str(root), "ROOT")
            if "HEAD" not in os.listdir(checkout):
                out["status"] = git(checkout, "status", "--porcelain")
                out["modules"] = git(checkout, "submodule", "status")
        out["files"] = {name: what for name, what in files.items() if not (checkout / "HEAD").exists()}
        return out

    def agree(self, check=True, runs=2, keys=KEYS, check_keys=("before", "after", "remote_url_changed"), **arguments):
        arguments.setdefault("repo", str(self.source))
        arguments.setdefault("dest", "{root}/co")
        before = self.state("mine")
        for mode in ["check"] * check + ["run"] * runs:
            mine = self.ours.run("git", oracle.placed(arguments, self.folder / "mine"), check=mode == "check")
            theirs = oracle.run_theirs("git", oracle.placed(arguments, self.folder / "them"), check=mode == "check")
            what = (mode, arguments, theirs, mine)
            self.assertEqual(bool(theirs.get("failed")), bool(mine.get("failed")), what)
            if not theirs.get("failed"):
                self.assertEqual(bool(theirs.get("changed")), mine.get("changed"), what)
                for key in check_keys if mode == "check" else keys:
                    self.assertEqual(str(theirs.get(key)).replace(str(self.folder / "them"), "ROOT"),
                                     str(mine.get(key)).replace(str(self.folder / "mine"), "ROOT"), (key,) + what)
            if mode == "check":
                self.assertEqual(before, self.state("mine"), "a dry run changed something")
            else:
                self.assertEqual(self.state("them"), self.state("mine"), what)

    def test_clone_and_follow(self):
        self.agree()
        commit(self.source, "b", "three")
        self.agree()
        self.agree(version="v1")
        self.agree(version="feature/x")
        self.agree(version="main")
        self.agree(version="light")
        self.agree(version=self.first)
        self.agree(version="no-such", check_keys=("before", "after"), check=False)

    def test_first_versions(self):
        for version in ("v1", "feature/x", self.first, "light", "HEAD"):
            with self.subTest(version=version):
                self.agree(version=version)
                for side in ("mine", "them"):
                    shutil.rmtree(self.folder / side / "co")

    def test_local_changes(self):
        self.agree()
        for side in ("mine", "them"):
            (self.folder / side / "co/a").write_text("mine")
            (self.folder / side / "co/new.txt").write_text("new")
        self.agree()
        self.agree(check=False, force=True)
        for side in ("mine", "them"):
            (self.folder / side / "co/a").write_text("mine")
        mine = self.ours.run("git", {"repo": str(self.source), "dest": str(self.folder / "mine/co"), "force": True}, check=True)
        self.assertTrue(mine["changed"], "the run would drop a change")

    def test_shallow(self):
        self.agree(repo="file://" + str(self.source), depth=1)
        self.agree(depth=1, version="feature/x")
        commit(self.source, "b", "three")
        self.agree(depth=1)
        self.agree(depth=1, version="v1")

    def test_single_branch(self):
        self.agree(single_branch=True, version="feature/x")

    def test_depth_and_single_branch(self):
        self.agree(single_branch=True, depth=1, version="v1")

    def test_bare(self):
        self.agree(bare=True)
        commit(self.source, "b", "three")
        self.agree(bare=True)

    def test_bare_with_another_remote(self):
        self.agree(bare=True, remote="up", runs=1)

    def test_other_remote_name(self):
        self.agree(remote="upstream")
        commit(self.source, "b", "three")
        self.agree(remote="upstream")

    def test_other_address(self):
        self.agree()
        shutil.copytree(self.source, self.folder / "second")
        self.agree(repo=str(self.folder / "second"))
        self.agree(repo="file://" + str(self.folder / "second"))

    def test_refspec(self):
        git(self.source, "update-ref", "refs/pull/7", self.first)
        self.agree(refspec="+refs/pull/*:refs/heads/pull/*")
        self.agree(refspec="+refs/pull/*:refs/heads/pull/*", version=self.first, depth=1)

    def test_without_update_or_clone(self):
        self.agree(clone=False, update=False)
        self.agree(update=False)
        commit(self.source, "b", "three")
        self.agree(update=False)
        self.agree(clone=False, update=False, dest="{root}/none")

    def test_submodules(self):
        inner = self.folder / "inner"
        shutil.copytree(self.source, inner)
        git(self.source, "submodule", "add", "-q", str(inner), "sub")
        git(self.source, "commit", "-q", "-m", "sub")
        self.agree()
        commit(inner, "a", "inner")
        self.agree()
        git(self.source / "sub", "pull", "-q")
        git(self.source, "commit", "-q", "-a", "-m", "newer")
        self.agree()

    def test_no_submodules(self):
        shutil.copytree(self.source, self.folder / "inner")
        git(self.source, "submodule", "add", "-q", str(self.folder / "inner"), "sub")
        git(self.source, "commit", "-q", "-m", "sub")
        self.agree(recursive=False)

    def test_separate_folder(self):
        self.agree(separate_git_dir="{root}/data")
        self.agree(check=False, separate_git_dir="{root}/elsewhere")
        self.agree(separate_git_dir="{root}/data", dest="{root}/other", check=False, runs=1)

    def test_relocate(self):
        self.agree()
        # Ansible's dry run says that nothing would change.
        arguments = {"repo": str(self.source), "dest": "{root}/co", "separate_git_dir": "{root}/data"}
        self.assertTrue(self.ours.run("git", oracle.placed(arguments, self.folder / "mine"), check=True)["changed"])
        self.agree(check=False, separate_git_dir="{root}/data")

    def test_archives(self):
        self.agree(archive="{root}/x.tar", check=False)
        self.agree(archive="{root}/x.zip", archive_prefix="p/", check=False)
        self.agree(archive="{root}/x.zip", update=False, check=False)
        self.agree(archive="{root}/x.tar.gz", version="v1", check=False)
        self.agree(archive="{root}/x.tar.gz", update=False)

    def test_unknown_archives(self):
        # Ansible finds out behind the clone.
        arguments = {"repo": str(self.source), "dest": "{root}/co", "archive": "{root}/x.rar"}
        results = [run("git", oracle.placed(arguments, self.folder / side))
                   for side, run in (("mine", self.ours.run), ("them", oracle.run_theirs))]
        self.assertTrue(results[1]["failed"])
        self.assertEqual(results[0]["msg"].replace("mine", "them").split(";")[0], results[1]["msg"])
        self.assertFalse((self.folder / "mine/co").exists())

    def test_umask(self):
        self.agree(umask="0077")
        self.agree(umask=77, dest="{root}/other")
        self.agree(umask="9", dest="{root}/other")

    def test_reference(self):
        self.agree(reference=str(self.source))

    def test_faults(self):
        self.agree(repo=str(self.folder / "none"))
        self.agree(version="no-such-branch", check=False)
        self.agree(separate_git_dir="{root}/x", bare=True)
        self.agree(archive_prefix="x")
        self.agree(accept_hostkey=True, accept_newhostkey=True)
        self.agree(verify_commit=True, check=False, runs=1)
        (self.folder / "mine/file.txt").write_text("x")
        (self.folder / "them/file.txt").write_text("x")
        self.agree(dest="{root}/file.txt")
        self.agree(executable="/bin/false", check=False, runs=1)

    def test_diff(self):
        self.agree()
        commit(self.source, "a", "three")
        diffs = []
        for side, run in (("mine", self.ours.run), ("them", oracle.run_theirs)):
            arguments = {"repo": str(self.source), "dest": str(self.folder / side / "co")}
            diffs.append(run("git", arguments, diff=True)["diff"])
        self.assertEqual(diffs[0], diffs[1])


if __name__ == "__main__":
    unittest.main(warnings="ignore")
