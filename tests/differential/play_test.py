"""core/play against ansible-core: argument specs, key=value texts and the choice by tags."""

import itertools
import json
import os
import pathlib
import subprocess
import unittest

from ansible.errors import AnsibleError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.parsing.splitter import parse_kv
from ansible.playbook.taggable import Taggable

DRIVER = pathlib.Path(os.environ["GPUSTACK_BINARY_DIR"]) / "bin" / "play_driver"


def ours(questions):
    done = subprocess.run([DRIVER], input=json.dumps(questions), capture_output=True, text=True, check=True, timeout=120)
    return json.loads(done.stdout)


def copied(value):
    return json.loads(json.dumps(value))


class ArgumentSpecs(unittest.TestCase):
    def compare(self, cases):
        for (spec, values), found in zip(cases, ours([{"spec": s, "values": v} for s, v in cases])):
            wanted = ArgumentSpecValidator(copied(spec)).validate(copied(values)).error_messages
            # Python lists them in an order of its own.
            wanted, found = ([text.split(".  Valid booleans include")[0] for text in texts] for texts in (wanted, found))
            with self.subTest(spec=spec, values=values):
                self.assertEqual(sorted(found), sorted(wanted))

    def test_every_type_against_every_value(self):
        types = ["str", "list", "dict", "bool", "int", "float", "path", "raw", "jsonarg", "json", "bytes", "bits"]
        values = ["", "5", " 5 ", "5.5", "abc", "yes", "a,b", "a=1 b=2", '{"a": 1}', "{bad", "10M", "10Mb", "1.5 GB", "3x", 5, 0, -1, 1.5, True, False,
                  [], [1, "a"], {}, {"a": 1}]
        self.compare([({"x": {"type": t}}, {"x": v}) for t, v in itertools.product(types, values)])

    def test_elements(self):
        kinds = ["str", "int", "dict", "bool", "float"]
        values = [["1", "2"], ["a"], [1, "x", None], "1,2", [{}, {"a": 1}], ["a=1"], [True, "no"], []]
        self.compare([({"x": {"type": "list", "elements": k}}, {"x": v}) for k, v in itertools.product(kinds, values)])

    def test_choices_defaults_and_required(self):
        spec = {
            "state": {"choices": ["present", "absent"], "default": "present"},
            "size": {"type": "int", "choices": [1, 2, 3]},
            "modes": {"type": "list", "elements": "str", "choices": ["a", "b"]},
            "answer": {"choices": ["yes", "no"]},
            "name": {"required": True},
            "other": {"required": True, "aliases": ["alias", "second"]},
        }
        self.compare([
            (spec, {}),
            (spec, {"name": "x", "alias": "y"}),
            (spec, {"name": "x", "second": "y", "state": "gone", "size": "2", "modes": "a,c"}),
            (spec, {"name": "x", "other": "y", "size": 9, "modes": ["a", "b"], "answer": True}),
            (spec, {"name": "x", "other": "y", "answer": "maybe", "strange": 1}),
            (spec, {"name": None, "other": "y"}),
        ])

    def test_nested_options_and_their_rules(self):
        spec = {
            "server": {
                "type": "dict",
                "options": {
                    "host": {"required": True},
                    "port": {"type": "int"},
                    "mode": {"choices": ["tcp", "udp"]},
                    "cert": {}, "key": {}, "ca": {},
                    "deep": {"type": "list", "elements": "dict", "options": {"n": {"type": "int", "required": True}}},
                },
                "mutually_exclusive": [["port", "ca"]],
                "required_together": [["cert", "key"]],
                "required_one_of": [["port", "ca", "cert"]],
                "required_if": [["mode", "tcp", ["port"]], ["mode", "udp", ["ca", "cert"], True]],
                "required_by": {"deep": "cert"},
            },
            "users": {"type": "list", "elements": "dict", "options": {"name": {"required": True}, "uid": {"type": "int", "default": 5}}},
        }
        self.compare([
            (spec, {}),
            (spec, {"server": {}}),
            (spec, {"server": {"host": "h", "port": "x", "ca": "c"}}),
            (spec, {"server": {"host": "h", "cert": "c"}}),
            (spec, {"server": {"host": "h", "mode": "tcp", "ca": 1}}),
            (spec, {"server": {"host": "h", "mode": "udp", "port": 1}}),
            (spec, {"server": {"host": "h", "mode": "other", "port": 1, "hots": 1}}),
            (spec, {"server": {"host": "h", "port": 1, "deep": [{"n": "a"}, {}, {"m": 1}]}}),
            (spec, {"server": "host=h port=1"}),
            (spec, {"users": [{"name": "a"}, {"uid": "b"}, {"name": "c", "shell": "d"}]}),
            (spec, {"users": {"name": "a"}}),
        ])


class ArgumentTexts(unittest.TestCase):
    TEXTS = [
        "", "a=1", "a=1 b=2", 'a="x y" b=\'z w\'', "a=b=c", "free", "free a=1 text", "a=\"it's\"", "a='say \"hi\"'", r"a=x\ny", r'a="x\ty"', r"a=\x41",
        r"a=\u00e9", "a={{ x }} b={{ y + 'z w' }}", "a=\"{{ 'q' if r == 's' else 't' }}\"", "echo hi", "echo a=b", "touch x creates=/x chdir=/tmp y",
        "cat <<EOF\nx\nEOF", "grep 'a  b'   c", "a=1\nb=2", "path=/etc/x mode=0644 regexp='^a b$'", "a= b=2",
        r"line='x\\y'", "a=\"unclosed", "a='unclosed",
    ]

    def compare(self, command):
        for text, found in zip(self.TEXTS, ours([{"text": t, "command": command} for t in self.TEXTS])):
            try:
                wanted = dict(parse_kv(text, check_raw=command))
            except AnsibleError:
                wanted = "error"
            if command and wanted == "error":
                wanted = {"_raw_params": text}  # on purpose: the target's shell judges the quotes
            with self.subTest(text=text):
                if command and isinstance(found, dict) and "_raw_params" in found:
                    # Ours keeps the text as written where Ansible joins its words again.
                    self.assertEqual(found.pop("_raw_params").split(), wanted.pop("_raw_params").split())
                self.assertEqual(found, wanted)

    def test_arguments(self):
        self.compare(False)

    def test_commands(self):
        self.compare(True)


class Tags(unittest.TestCase):
    def test_every_combination(self):
        tags = [[], ["a"], ["a", "b"], ["always"], ["never"], ["always", "a"], ["never", "a"], ["untagged"], ["always", "never"]]
        chosen = [[], ["a"], ["b"], ["all"], ["tagged"], ["untagged"], ["never"], ["always"], ["a", "b"], ["a", "tagged"]]
        questions = [{"tags": t, "only": o, "skip": s} for t in tags for o in chosen for s in chosen]
        for question, found in zip(questions, ours(questions)):
            task = Taggable()
            task.tags = question["tags"]
            task._loader = None
            only = set(question["only"]) or {"all"}
            with self.subTest(**question):
                self.assertEqual(found, task.evaluate_tags(only, set(question["skip"]), {}))


if __name__ == "__main__":
    unittest.main()
