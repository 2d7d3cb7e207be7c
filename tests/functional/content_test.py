"""Files on their way between a controller and a real host, in both directions: what arrives, and what does not need to."""
import os
import pathlib
import shutil
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent / "support"))
import kill_world  # noqa: E402
from kill_world import play  # noqa: E402

WORLD = None
MIB = 1 << 20


def setUpModule():
    global WORLD
    WORLD = kill_world.start()
    unittest.addModuleCleanup(WORLD.down)


class ContentTest(unittest.TestCase):
    def setUp(self):
        WORLD.reset()
        shutil.rmtree(WORLD.site)
        WORLD.site.mkdir()
        self.kept = WORLD.root / "srv/kept"

    def apply(self, tasks, changed, user="root", become=False):
        code, count, output = WORLD.apply(play(tasks, become), user)
        self.assertEqual((code, count), (0, changed), output)
        self.assertEqual(WORLD.wait_until_clean()[0], [])
        return output

    def refused(self, tasks):
        code, _, output = WORLD.apply(play(tasks))
        self.assertEqual(code, 2, output)
        self.assertEqual(WORLD.wait_until_clean()[0], [])
        return output

    def same(self, mine, theirs):
        names = sorted(path.relative_to(mine) for path in mine.rglob("*"))
        self.assertEqual(sorted(path.relative_to(theirs) for path in theirs.rglob("*")), names)
        for name in names:
            if (mine / name).is_file():
                self.assertEqual((theirs / name).read_bytes(), (mine / name).read_bytes(), name)


class Folders(ContentTest):
    def make(self, count):
        tree = WORLD.site / "tree"
        for number in range(count):
            place = tree / f"d{number % 13}"
            place.mkdir(parents=True, exist_ok=True)
            (place / f"f{number}").write_text(os.urandom(17 * number % 1500).hex())
        (tree / "d0/empty").write_bytes(b"")
        (tree / "large").write_bytes(b"all the same\n" * 100_000)
        (tree / "d1/f1").chmod(0o600)
        return tree

    def test_bring_what_differs_and_nothing_else(self):
        tree, task = self.make(1500), "    - copy: {src: tree, dest: /srv/kept/, mode: preserve}\n"
        self.apply(task, 1)
        self.same(tree, self.kept / "tree")
        self.assertEqual((self.kept / "tree/d1/f1").stat().st_mode & 0o7777, 0o600)
        moments = {path: path.stat().st_mtime_ns for path in (self.kept / "tree").rglob("*") if path.is_file()}
        self.apply(task, 0)
        (tree / "d2/f2").write_text("another")
        (self.kept / "tree/d3/f3").write_text("changed on the host")
        (self.kept / "tree/d4/f4").unlink()
        self.apply(task, 1)
        self.same(tree, self.kept / "tree")
        again = {str(path.relative_to(self.kept)) for path, moment in moments.items() if path.stat().st_mtime_ns != moment}
        self.assertEqual(again, {"tree/d2/f2", "tree/d3/f3", "tree/d4/f4"})

    def test_are_only_looked_at_in_a_dry_run(self):
        self.make(40)
        output = self.apply("    - copy: {src: tree/, dest: /srv/kept/}\n      check_mode: true\n      diff: true\n", 1)
        self.assertIn("large", output)
        self.assertEqual(list(self.kept.iterdir()), [])

    def test_come_as_another_user(self):
        tree = self.make(100)
        self.apply("    - copy: {src: tree/, dest: /srv/kept/}\n", 1, user="deploy", become=True)
        self.same(tree, self.kept)


class Large(ContentTest):
    def test_arguments_of_many_items_wait_for_one_another(self):
        self.apply("    - shell: {cmd: 'wc -c >>/srv/kept/sizes', stdin: \"{{ 'x' * 1000000 }}{{ item }}\"}\n"
                   "      loop: \"{{ range(100, 300) | list }}\"\n      loop_control: {label: ''}\n", 1)
        self.assertEqual((self.kept / "sizes").read_text().split(), ["1000004"] * 200)

    def test_files_that_shrink_and_that_do_not(self):
        for name, content in (("text", b"a line of a log\n" * 1_000_000), ("noise", os.urandom(12 * MIB))):
            (WORLD.site / name).write_bytes(content)
            self.apply(f"    - copy: {{src: {name}, dest: /srv/kept/{name}}}\n", 1)
            self.assertEqual((self.kept / name).read_bytes(), content)
            self.apply(f"    - copy: {{src: {name}, dest: /srv/kept/{name}}}\n", 0)

    def test_a_file_that_changes_on_its_way_is_not_taken(self):
        (WORLD.site / "moving").write_bytes(os.urandom(24 * MIB))
        (self.kept / "moving").write_text("old")
        task = play("    - copy: {src: moving, dest: /srv/kept/moving}\n    - copy: {content: x, dest: /srv/kept/behind}\n")
        with WORLD.relay(hold_after=6 * MIB) as wait_until_held:
            process = WORLD.start(task, relayed=True)
            wait_until_held()
            with open(WORLD.site / "moving", "ab") as moving:
                moving.write(b"more")
            process.kill()  # what the relay holds back never arrives
            process.communicate()
        self.assertEqual((self.kept / "moving").read_text(), "old")
        self.assertEqual(WORLD.wait_until_clean()[0], [])
        self.apply("    - copy: {src: moving, dest: /srv/kept/moving}\n", 1)

    def test_an_archive_of_the_controller(self):
        os.makedirs(WORLD.site / "packed/inner", exist_ok=True)
        (WORLD.site / "packed/inner/file").write_bytes(os.urandom(3 * MIB))
        self.assertEqual(os.system(f"tar -C {WORLD.site}/packed -cf {WORLD.site}/archive.tar inner"), 0)
        self.apply("    - unarchive: {src: archive.tar, dest: /srv/kept}\n", 1)
        self.same(WORLD.site / "packed", self.kept)
        self.apply("    - unarchive: {src: none.tar, dest: /srv/kept, creates: /srv/kept/inner}\n", 0)
        self.assertIn("none.tar", self.refused("    - unarchive: {src: none.tar, dest: /srv/kept}\n"))

    def test_a_checksum_is_compared_before_anything_travels(self):
        (WORLD.site / "known").write_bytes(b"known\n" * 10_000)
        output = self.refused(f"    - copy: {{src: known, dest: /srv/kept/known, checksum: '{'0' * 40}'}}\n")
        self.assertIn("expected 0000", output)
        self.assertFalse((self.kept / "known").exists())


class Fetched(ContentTest):
    def fetch(self, name, changed, **how):
        self.apply(f"    - fetch: {{src: /srv/kept/{name}, dest: got/{name}, flat: true}}\n", changed, **how)
        return WORLD.site / "got" / name

    def test_files_arrive_once(self):
        for name, content in (("text", b"a line of a log\n" * 500_000), ("noise", os.urandom(9 * MIB)), ("none", b"")):
            (self.kept / name).write_bytes(content)
            got = self.fetch(name, 1)
            self.assertEqual(got.read_bytes(), content)
            moment = got.stat().st_mtime_ns
            self.fetch(name, 0)
            self.assertEqual(got.stat().st_mtime_ns, moment)
            (self.kept / name).write_bytes(content[::-1] + b"!")
            self.assertEqual(self.fetch(name, 1).read_bytes(), content[::-1] + b"!")
        self.assertEqual(sorted(path.name for path in (WORLD.site / "got").iterdir()), ["noise", "none", "text"])

    def test_a_file_that_only_root_may_read(self):
        (self.kept / "secret").write_bytes(b"secret" * 10_000)
        (self.kept / "secret").chmod(0o600)
        self.assertEqual(self.fetch("secret", 1, user="deploy", become=True).read_bytes(), b"secret" * 10_000)

    def test_says_where_it_cannot_write(self):
        (self.kept / "file").write_bytes(os.urandom(5 * MIB))
        (WORLD.site / "taken").write_text("a file, no folder")
        output = self.refused("    - fetch: {src: /srv/kept/file, dest: taken/file, flat: true}\n"
                              "    - copy: {content: x, dest: /srv/kept/behind}\n")
        self.assertIn("taken/file' cannot be written: Not a directory", output)
        self.assertFalse((self.kept / "behind").exists())


if __name__ == "__main__":
    unittest.main()
