"""The controller is killed at the worst moments: the host stays clean, whole, and the next run finishes the work.

Within five seconds of the controller's end a host has no file of ours but the placed runner, no process of ours, and each
destination file has its old or its new content. The next run ends with 0, the one after it changes nothing.
"""
import hashlib
import os
import pathlib
import signal
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent / "support"))
import kill_world  # noqa: E402
from kill_world import kill, next_line, play, wait_for  # noqa: E402

WORLD = None
MIB = 1 << 20


def setUpModule():
    global WORLD
    WORLD = kill_world.start()
    unittest.addModuleCleanup(WORLD.down)


def hash_of(path):
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else None


class KillTest(unittest.TestCase):
    def setUp(self):
        WORLD.reset()
        self.kept = WORLD.root / "srv/kept"

    def assert_clean(self):
        left, took = WORLD.wait_until_clean()
        self.assertEqual(left, [], f"left on the host {took:.1f} s after the controller's end")
        print(f"    clean after {took:.2f} s", file=sys.stderr)

    def assert_converges(self, site, user="root"):
        code, changed, output = WORLD.apply(site, user)
        self.assertEqual(code, 0, output)
        self.assertIsNotNone(changed, output)
        code, changed, output = WORLD.apply(site, user)
        self.assertEqual((code, changed), (0, 0), output)
        self.assert_clean()

    def assert_killed(self, process, number=signal.SIGKILL):
        code, output = kill(process, number)
        self.assertEqual(code, -number, output)

    def place_runner(self, user="root", become=False):
        code, _, output = WORLD.apply(play("    - ping:\n", become), user)
        self.assertEqual(code, 0, output)


class WhileUploading(KillTest):
    def kill_in_upload(self, user, become):
        WORLD.forget_runner()
        cache = WORLD.root / ("root" if user == "root" else "home/deploy") / ".cache/gpustack"
        site = play("    - copy: {content: 'new\\n', dest: /srv/kept/file}\n", become)
        with WORLD.relay(hold_after=600_000) as wait_until_held:
            process = WORLD.start(site, user, relayed=True)
            wait_until_held()
            partial = wait_for(lambda: [path for path in cache.glob("up.*") if path.stat().st_size > 100_000], "a partial upload")
            self.assert_killed(process)
        self.assertEqual(len(partial), 1)
        self.assert_clean()
        self.assertEqual(list(cache.iterdir()), [], "a part of the runner was put in place")
        self.assertFalse((self.kept / "file").exists())
        self.assert_converges(site, user)

    def test_leaves_no_part_of_the_runner(self):
        self.kill_in_upload("root", become=False)

    def test_leaves_no_part_of_the_runner_in_a_user_s_home(self):
        self.kill_in_upload("deploy", become=True)

    def test_removes_an_upload_that_lost_its_shell(self):
        """A power cut leaves an upload that nobody ends; the next runner removes it once it is old."""
        WORLD.forget_runner()
        cache = WORLD.root / "root/.cache/gpustack"
        cache.mkdir(parents=True, mode=0o700)
        (cache.parent).chmod(0o700)
        cache.chmod(0o700)
        for name, age in (("up.1.gone", 3 * 86400), ("up.2.busy", 0)):
            (cache / name).write_bytes(b"part")
            moment = (cache / name).stat().st_mtime - age
            os.utime(cache / name, (moment, moment))
        self.place_runner()
        self.assertEqual([path.name for path in cache.glob("up.*")], ["up.2.busy"])


class WhileCopying(KillTest):
    SITE = play("    - copy: {src: large.bin, dest: /srv/kept/large.bin}\n")
    OLD = b"old content\n" * 1000

    def kill_in_copy(self, user, become):
        self.place_runner(user, become)
        (WORLD.site / "large.bin").write_bytes(os.urandom(24 * MIB))
        with WORLD.relay(hold_after=6 * MIB) as wait_until_held:
            process = WORLD.start(self.site(become), user, relayed=True)
            wait_until_held()
            self.assertTrue(any("runner serve" in line for line in WORLD.processes().values()), WORLD.processes())
            self.assert_killed(process)
        self.assert_clean()

    def site(self, become):
        return self.SITE.replace("become: false", f"become: {str(become).lower()}")

    def check_destination(self, old):
        self.assertEqual(hash_of(self.kept / "large.bin"), old, "the destination was touched")

    def test_keeps_the_old_file(self):
        (self.kept / "large.bin").write_bytes(self.OLD)
        self.kill_in_copy("root", become=False)
        self.check_destination(hashlib.sha256(self.OLD).hexdigest())
        self.assert_converges(self.site(False))
        self.check_destination(hash_of(WORLD.site / "large.bin"))

    def test_makes_no_new_file(self):
        self.kill_in_copy("root", become=False)
        self.check_destination(None)
        self.assert_converges(self.site(False))

    def test_keeps_the_old_file_behind_sudo(self):
        (self.kept / "large.bin").write_bytes(self.OLD)
        self.kill_in_copy("deploy", become=True)
        self.check_destination(hashlib.sha256(self.OLD).hexdigest())
        self.assert_converges(self.site(True), "deploy")


# Each leaves a sleeping process that must not outlive the controller: alone, with children, deaf to SIGTERM.
COMMANDS = {
    "alone": "sleep 7301",
    "with_children": "sleep 7302 & sh -c 'sleep 7303 & sleep 7301'; wait",
    "deaf": "trap '' TERM HUP; sleep 7301; sleep 7302",
    "leader_gone": "(trap '' TERM HUP; exec sleep 7301) & exec sleep 7302",
}


def sleeping_site(command, become=False):
    """The command sleeps only when the host has no /srv/kept/done: so the next run can converge."""
    indented = "\n".join("          " + line for line in (f"if [ ! -e /srv/kept/calm ]; then touch /srv/kept/began; {command}; fi",))
    return play("    - copy: {content: 'one\\n', dest: /srv/kept/one}\n"
                f"    - shell: |\n{indented}\n      changed_when: false\n"
                "    - copy: {content: 'two\\n', dest: /srv/kept/two}\n", become)


class WhileATaskRuns(KillTest):
    def kill_in_task(self, command, user="root", become=False, number=signal.SIGKILL):
        self.place_runner(user, become)
        site = sleeping_site(command, become)
        process = WORLD.start(site, user)
        try:
            wait_for(lambda: "sleep 7301" in WORLD.processes().values() or process.poll() is not None, "the task's command")
        finally:
            result = kill(process, number)
        self.assertTrue((self.kept / "began").exists(), result)
        self.assert_clean()
        self.assertFalse((self.kept / "two").exists(), "the runner went on with the next task")
        (self.kept / "calm").touch()
        self.assert_converges(site, user)
        return result

    def test_ends_the_command(self):
        for name, command in COMMANDS.items():
            with self.subTest(name):
                WORLD.reset()
                code, output = self.kill_in_task(command)
                self.assertEqual(code, -signal.SIGKILL, output)

    def test_ends_the_command_behind_sudo(self):
        for name, command in COMMANDS.items():
            with self.subTest(name):
                WORLD.reset()
                self.kill_in_task(command, "deploy", become=True)

    def test_ends_the_command_when_the_terminal_is_gone(self):
        self.kill_in_task(COMMANDS["with_children"], number=signal.SIGHUP)

    def test_interrupts_with_the_documented_exit_code(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            for user, become in (("root", False), ("deploy", True)):
                with self.subTest(number.name, user=user):
                    WORLD.reset()
                    code, output = self.kill_in_task(COMMANDS["with_children"], user, become, number)
                    self.assertEqual(code, 99, output)

    def test_leaves_at_once_at_the_second_signal(self):
        site = sleeping_site("trap '' TERM; sleep 7301; sleep 7302")
        for number, expected in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
            with self.subTest(number.name):
                WORLD.reset()
                process = WORLD.start(site)
                wait_for(lambda: "sleep 7301" in WORLD.processes().values() or process.poll() is not None, "the task's command")
                process.send_signal(number)
                self.assertIn("stopping", "".join(iter_until(process, "stopping")))
                code, output = kill(process, number)
                self.assertIn(code, (99, expected), output)
                self.assert_clean()


def iter_until(process, words):
    while words not in (line := next_line(process, 10)):
        yield line
    yield line


class BetweenTasks(KillTest):
    TASKS = 10
    SITE = play("".join(f"    - copy: {{content: 'file {i}', dest: /srv/kept/file{i}}}\n"
                        f"    - command: sleep 0.15\n      changed_when: false\n" for i in range(TASKS)))

    def test_ends_after_the_result(self):
        self.place_runner()
        for k in (1, 3, 7):
            with self.subTest(after=k):
                WORLD.reset()
                process = WORLD.start(self.SITE)
                for _ in range(k):
                    list(iter_until(process, "changed: [edge]"))
                self.assert_killed(process)
                self.assert_clean()
                written = [i for i in range(self.TASKS) if (self.kept / f"file{i}").exists()]
                self.assertEqual(written, list(range(len(written))), "tasks ran out of order")
                self.assertGreaterEqual(len(written), k)
                self.assertLess(len(written), self.TASKS, "the runner finished the play without its controller")
                for i in written:
                    self.assertEqual((self.kept / f"file{i}").read_text(), f"file {i}")
                self.assert_converges(self.SITE)


class WhileReplacing(KillTest):
    """Files of 2 MiB are replaced one after the other, by each module that replaces files."""
    KINDS = 5
    ROUNDS = 4
    SITE = play("".join(f"""
    - copy: {{src: new.bin, dest: /srv/kept/f{5 * r}}}
    - template: {{src: new.j2, dest: /srv/kept/f{5 * r + 1}}}
    - lineinfile: {{path: /srv/kept/f{5 * r + 2}, regexp: '^line 7$', line: line seven}}
    - replace: {{path: /srv/kept/f{5 * r + 3}, regexp: '^line (\\d)$', replace: 'row \\1'}}
    - blockinfile: {{path: /srv/kept/f{5 * r + 4}, block: a block}}
""" for r in range(ROUNDS)))

    def prepare(self):
        lines = "".join(f"line {i}\n" for i in range(200_000))
        (WORLD.site / "new.bin").write_bytes(bytes(range(256)) * (2 * MIB // 256))
        (WORLD.site / "new.j2").write_text("{{ inventory_hostname }}\n" + lines)
        for i in range(self.KINDS * self.ROUNDS):
            (self.kept / f"f{i}").write_text(lines)
            (self.kept / f"f{i}").chmod(0o640)

    def state(self):
        found = {}
        for path in sorted(self.kept.iterdir()):
            info = path.stat()
            found[path.name] = (hash_of(path), oct(info.st_mode), info.st_uid, info.st_gid)
        return found

    def test_leaves_each_file_old_or_new(self):
        self.place_runner()
        self.prepare()
        old = self.state()
        code, _, output = WORLD.apply(self.SITE)
        self.assertEqual(code, 0, output)
        new = self.state()
        self.assertTrue(all(old[name] != new[name] for name in old), "every file is meant to change")
        for k in (0, 1, 2, 3, 4, 7, 13):
            with self.subTest(after=k):
                WORLD.reset()
                self.prepare()
                numbers = {name: (self.kept / name).stat().st_ino for name in old}
                process = WORLD.start(self.SITE)
                wait_for(lambda: process.poll() is not None or sum(
                    (self.kept / name).stat().st_ino != number for name, number in numbers.items()) >= k, f"{k} replaced files")
                self.assert_killed(process)
                self.assert_clean()
                after = self.state()
                self.assertEqual(list(after), list(old), "a file appeared or went")
                for name, state in after.items():
                    self.assertIn(state, (old[name], new[name]), f"{name} is neither old nor new")
                self.assert_converges(self.SITE)
                self.assertEqual(self.state(), new)

    def test_removes_a_candidate_under_validation(self):
        """`validate` needs a name for the new content before it takes the destination's place."""
        (self.kept / "file").write_text("old\n")
        slow = ("    - copy: {content: 'new\\n', dest: /srv/kept/file, "
                "validate: /bin/sh -c 'test -e /srv/kept/calm || sleep 7301' %s}\n")
        process = WORLD.start(play(slow))
        wait_for(lambda: "sleep 7301" in WORLD.processes().values() or process.poll() is not None, "the validation")
        self.assertTrue(list(self.kept.glob(".gpustack-*")), "there is no candidate to remove: the test proves nothing")
        self.assert_killed(process)
        self.assert_clean()
        self.assertEqual((self.kept / "file").read_text(), "old\n")
        (self.kept / "calm").touch()
        self.assert_converges(play(slow))


if __name__ == "__main__":
    unittest.main()
