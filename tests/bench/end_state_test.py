"""The benchmark prints a ratio only where both engines left the same: what differs is found, and then nothing is claimed."""

import contextlib
import io
import pathlib
import tempfile
import time
import types
import unittest
from unittest import mock

import bench
import compare
import end_state
import measure


def host_that_wrote(state, files):
    """A host's folders as a native test host has them, with `files` ({path: (content, mode)}) written by a run."""
    fleet = types.SimpleNamespace(state=pathlib.Path(state))
    for layer in ("rw/upper", "merged"):
        for path, (content, mode) in files.items():
            place = fleet.state / "host00" / layer / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(content)
            place.chmod(mode)
        (fleet.state / "host00" / layer).mkdir(parents=True, exist_ok=True)
    return fleet


class Difference(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def difference(self, ours, theirs):
        one = ("gpustack", host_that_wrote(f"{self.folder}/a", ours), {"host00": {}})
        other = ("ansible", host_that_wrote(f"{self.folder}/b", theirs), {"host00": {}})
        return end_state.difference(one, other, ["host00"])

    def test_equal_hosts_do_not_differ(self):
        files = {"etc/motd": ("hello", 0o644)}

        self.assertIsNone(self.difference(files, files))

    def test_content_counts(self):
        told = self.difference({"etc/motd": ("hello", 0o644)}, {"etc/motd": ("hallo", 0o644)})

        self.assertRegex(told, "^host00: /etc/motd: gpustack left 'file mode 0644 .*', ansible left 'file mode 0644 .*'$")

    def test_accounts_made_before_and_after_midnight_do_not_differ(self):
        today = int(time.time() // 86400)
        one, other = ({"etc/shadow": (f"root:*:19000:0:99999:7:::\nsvc:!:{day}::::::\n", 0o640)} for day in (today - 1, today))

        self.assertIsNone(self.difference(one, other))

    def test_another_day_of_a_password_counts(self):
        today = int(time.time() // 86400)
        for day in ("", "0", "19000"):
            one, other = ({"etc/shadow": (f"svc:!:{value}::::::\n", 0o640)} for value in (day, today))

            self.assertIn("etc/shadow", self.difference(one, other), day)

    def test_the_mode_counts(self):
        told = self.difference({"etc/motd": ("hello", 0o600)}, {"etc/motd": ("hello", 0o644)})

        self.assertIn("mode 0600", told)

    def test_a_file_that_only_one_wrote_counts(self):
        told = self.difference({"etc/a": ("x", 0o644), "etc/b": ("y", 0o644)}, {"etc/a": ("x", 0o644)})

        self.assertIn("/etc/b", told)
        self.assertIn("ansible left 'absent'", told)

    def test_what_the_engines_keep_for_themselves_does_not_count(self):
        told = self.difference({"etc/a": ("x", 0o644), "root/.cache/gpustack/runner": ("r", 0o755)},
                               {"etc/a": ("x", 0o644), "root/.ansible/tmp/y": ("y", 0o600)})

        self.assertIsNone(told)

    def test_hosts_on_which_nothing_was_written_prove_nothing(self):
        self.assertIn("prove nothing", self.difference({}, {}))


class Refusal(unittest.TestCase):
    """bench.py with engines that need no host: each writes the file that it is told to."""

    def run_bench(self, written):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        result = pathlib.Path(folder.name) / "result.json"

        def both_passes(comparison, engine, number):
            for row in ("first", "second"):
                comparison.keep(row, engine.name, measure.Usage(1.0, 1.0, 1.0))
            return host_that_wrote(f"{folder.name}/{engine.name}{number}", {"etc/motd": (written[engine.name], 0o644)}), {"host00": {}}

        words = ["bench.py", folder.name, "--hosts", "1", "--repeats", "1", "--rows", "first,second", "--output", str(result)]
        out = io.StringIO()
        with mock.patch.object(bench, "why_not", return_value=None), \
                mock.patch.object(bench.place.Place, "machine", return_value={"cores": 2}), \
                mock.patch.object(bench.place.Place, "drop", lambda *_: None), \
                mock.patch.object(compare.Comparison, "both_passes", both_passes), \
                mock.patch.object(bench.sys, "argv", words), contextlib.redirect_stdout(out):
            try:
                bench.main()
                refusal = None
            except SystemExit as end:
                refusal = str(end)
        return out.getvalue(), refusal, result.exists()

    def test_equal_end_states_give_a_ratio(self):
        said, refusal, is_written = self.run_bench({"gpustack": "same", "ansible": "same"})

        self.assertIsNone(refusal)
        self.assertIn("ratio", said)
        self.assertTrue(is_written)

    def test_different_end_states_give_none(self):
        said, refusal, is_written = self.run_bench({"gpustack": "one", "ansible": "other"})

        self.assertRegex(refusal, "^bench: no ratio, the end states differ: host00: /etc/motd: ")
        self.assertNotIn("ratio", said)
        self.assertFalse(is_written)


if __name__ == "__main__":
    unittest.main()
