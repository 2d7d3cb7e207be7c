"""core/report's unified diff against Python's difflib: the same lines."""

import difflib
import json
import os
import pathlib
import random
import subprocess
import unittest

DRIVER = pathlib.Path(os.environ["GPUSTACK_BINARY_DIR"]) / "bin" / "report_driver"


class UnifiedDiff(unittest.TestCase):
    def compare(self, pairs):
        questions = [{"before": before, "after": after} for before, after in pairs]
        done = subprocess.run([DRIVER], input=json.dumps(questions), capture_output=True, text=True, check=True, timeout=120)
        for (before, after), found in zip(pairs, json.loads(done.stdout)):
            wanted = list(difflib.unified_diff(before.splitlines(True), after.splitlines(True), "before", "after"))
            with self.subTest(before=before, after=after):
                self.assertEqual(found, wanted)

    def test_edges(self):
        texts = ["", "a", "a\n", "a\nb\n", "b\na\n", "\n\n\n", "a\r\nb\r\n", "x\u2028y\x0bz", "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\nk\n", "k\nb\nc\nd\ne\nf\ng\nh\ni\nj\na\n"]
        self.compare([(before, after) for before in texts for after in texts])

    def test_random_edits(self):
        chance = random.Random(5)
        pairs = []
        for _ in range(300):
            lines = [chance.choice("abcdefgh") * chance.randint(0, 2) + "\n" for _ in range(chance.randint(0, 60))]
            changed = list(lines)
            for _ in range(chance.randint(0, 8)):
                place = chance.randint(0, len(changed))
                if chance.random() < 0.5 and changed:
                    del changed[max(0, place - 1)]
                else:
                    changed.insert(place, chance.choice("abcxyz") + "\n")
            pairs.append(("".join(lines), "".join(changed)))
        self.compare(pairs)

    def test_long_texts_with_frequent_lines(self):
        chance = random.Random(6)
        lines = [chance.choice(["}\n", "\n", f"line {chance.randint(0, 150)}\n"]) for _ in range(600)]
        changed = [line for line in lines if chance.random() > 0.05]
        self.compare([("".join(lines), "".join(changed)), ("".join(changed), "".join(lines))])


if __name__ == "__main__":
    unittest.main()
