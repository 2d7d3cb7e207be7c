"""package_memo does again what a tool did from the same state, and runs the tool from any other."""
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

PROGRAM = pathlib.Path(os.environ["GPUSTACK_BINARY_DIR"]) / "bin/package_memo"
# Writes, changes, removes and links files; counts its runs where package_memo does not look.
TOOL = """#!/bin/sh
cd {root}
echo run >> tmp/runs
[ "$1" = fail ] && echo broken >&2 && exit 100
mkdir -p usr/share/new/deep
echo "$1 for $(cat etc/apt/sources.list)" > usr/share/new/deep/file
chmod 640 usr/share/new/deep/file
ln -sf deep/file usr/share/new/link
echo changed > etc/settings
rm -rf usr/share/old
echo "did $1"
"""


class PackageMemo(unittest.TestCase):
    def setUp(self):
        self.top = pathlib.Path(tempfile.mkdtemp(prefix="gpustack-memo-"))
        self.addCleanup(shutil.rmtree, self.top)
        (self.top / "memory").mkdir()

    def host(self, source="deb a"):
        """A root as each start makes it; memories are shared."""
        root = self.top / "root"
        shutil.rmtree(root, ignore_errors=True)
        for folder in ("tmp", "etc/apt", "usr/share/old", "usr/lib/package-memo/tools"):
            (root / folder).mkdir(parents=True)
        (root / "usr/lib/package-memo/memory").symlink_to(self.top / "memory")
        (root / "etc/apt/sources.list").write_text(source)
        (root / "etc/settings").write_text("of the start\n")
        (root / "usr/share/old/file").write_text("old\n")
        tool = root / "usr/lib/package-memo/tools/apt-get"
        tool.write_text(TOOL.format(root=root))
        tool.chmod(0o755)
        return root

    def run_in(self, root, *words, **variables):
        return subprocess.run(["apt-get", *words], executable=PROGRAM, capture_output=True, text=True,
                              env=dict(os.environ, PACKAGE_MEMO_ROOT=str(root), **variables))

    def runs(self, root):
        path = root / "tmp/runs"
        return len(path.read_text().splitlines()) if path.exists() else 0

    def tree(self, root):
        found = {}
        for path in sorted((root / "usr/share").rglob("*")) + [root / "etc/settings"]:
            content = os.readlink(path) if path.is_symlink() else path.read_text() if path.is_file() else None
            found[str(path.relative_to(root))] = (oct(path.lstat().st_mode), content)
        return found

    def test_repeats_files_output_and_exit_code(self):
        first = self.host()
        done = self.run_in(first, "install")
        expected = self.tree(first)
        self.assertEqual((0, "did install\n", 1), (done.returncode, done.stdout, self.runs(first)))

        second = self.host()
        done = self.run_in(second, "install")

        self.assertEqual((0, "did install\n", 0), (done.returncode, done.stdout, self.runs(second)))
        self.assertEqual(expected, self.tree(second))
        self.assertEqual(oct(0o100640), expected["usr/share/new/deep/file"][0])
        self.assertNotIn("usr/share/old", expected)

    def test_a_failure_is_repeated(self):
        self.run_in(self.host(), "fail")
        second = self.host()

        done = self.run_in(second, "fail")

        self.assertEqual((100, "broken\n", 0), (done.returncode, done.stderr, self.runs(second)))

    def test_another_command_state_or_variable_runs_the_tool(self):
        self.run_in(self.host(), "install")

        for what, root, words, variables in (("command", self.host, ["remove"], {}),
                                             ("sources", lambda: self.host("deb b"), ["install"], {}),
                                             ("variable", self.host, ["install"], {"DEBIAN_FRONTEND": "readline"})):
            with self.subTest(what=what):
                host = root()
                self.run_in(host, *words, **variables)
                self.assertEqual(1, self.runs(host))

    def test_what_was_repeated_is_the_state_of_the_next_command(self):
        first = self.host()
        for word in ("install", "upgrade"):
            self.run_in(first, word)
        second = self.host()

        self.run_in(second, "install")
        self.run_in(second, "upgrade")

        self.assertEqual(0, self.runs(second))


if __name__ == "__main__":
    unittest.main()
