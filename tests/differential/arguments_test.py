"""Free-form text and symbolic modes: the same answers as ansible-core gives."""

import json
import os
import random
import subprocess
import unittest

from ansible.module_utils.basic import AnsibleModule
from ansible.parsing.splitter import parse_kv

DRIVER = os.path.join(os.environ["GPUSTACK_BINARY_DIR"], "bin", "arguments_driver")

TEXTS = [
    "src=a dest=/b mode=0644", 'msg="hello there" x=\'1 2\'', "path={{ a b }}/c state=file", "line=a=b", "a= b=1",
    "a=x\\ty", "echo hello", "echo  a   b", "echo a\necho b", "echo 'a  b' FOO=1", "creates=/x make all",
    "echo a \\\n  b", "a\\=b", "x={{ a }} y={% if b %} c {% endif %}", "{{ a }} b", 'x="a\nb" y=2', "a=1   b=2",
    "chdir=/tmp ls -l | grep x=1", "removes='/a b' rm -rf \"/a b\"", "a=\"it's\"", "a='say \"hi\"'", "a=\\\"x\\\"",
    "name=x# comment", "k=v # c=d", "echo {# note with spaces #} end", "a={{ 'x=y' }}", "x=\\u00e4\\x41", "=a b", "a==b",
]
FREE_FORM = [False, True]


def expected(text, free_form):
    try:
        return parse_kv(text, check_raw=free_form)
    except Exception:  # ansible raises several kinds; that it refuses is what counts
        return None


def random_text(source):
    pieces = ["a=", "b", " ", "  ", "'", '"', "\\", "\n", "{{", "}}", "{%", "%}", "=", "x y", "creates=", "\\n", "#"]
    return "".join(source.choice(pieces) for _ in range(source.randint(1, 9)))


class Driver(unittest.TestCase):
    @classmethod
    def ask(cls, requests):
        lines = "".join(json.dumps(request) + "\n" for request in requests)
        done = subprocess.run([DRIVER], input=lines, capture_output=True, text=True, check=True)
        return [json.loads(line) for line in done.stdout.splitlines()]


class KeyValue(Driver):
    def compare(self, texts):
        requests = [{"text": text, "free_form": free} for text in texts for free in FREE_FORM]
        for request, answer in zip(requests, self.ask(requests), strict=True):
            wanted = expected(request["text"], request["free_form"])
            # Text that starts with white space makes ansible-core 2.14 stumble over its own index; that is not copied.
            if wanted is None and request["text"][:1] in (" ", "\n"):
                continue
            with self.subTest(**request):
                self.assertEqual(answer.get("value"), wanted)

    def test_known_texts(self):
        self.compare(TEXTS)

    def test_random_texts(self):
        source = random.Random(7)
        self.compare([random_text(source) for _ in range(600)])


class FakeStat:
    def __init__(self, mode):
        self.st_mode = mode


class Modes(Driver):
    def test_symbolic_modes(self):
        source = random.Random(11)
        requests = []
        for _ in range(800):
            clauses = []
            for _ in range(source.randint(1, 3)):
                users = "".join(source.sample("ugo", source.randint(1, 3))) if source.random() < 0.7 else source.choice(["a", ""])
                clauses.append(users + "".join(source.choice("+-=") + "".join(source.sample("rwxXst", source.randint(0, 3)))
                                               for _ in range(source.randint(1, 2))))
            is_directory = source.random() < 0.3
            requests.append({"mode": ",".join(clauses), "current": source.randint(0, 0o7777), "directory": is_directory})
        umask = os.umask(0o022)
        try:
            for request, answer in zip(requests, self.ask(requests), strict=True):
                kind = 0o040000 if request["directory"] else 0o100000
                wanted = AnsibleModule._symbolic_mode_to_octal(FakeStat(kind | request["current"]), request["mode"])
                with self.subTest(**request):
                    self.assertEqual(answer.get("value"), wanted)
        finally:
            os.umask(umask)


if __name__ == "__main__":
    unittest.main()
