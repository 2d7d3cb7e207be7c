"""core/yaml against PyYAML's safe loader: the same value, or a refusal by both."""

import datetime
import itertools
import json
import math
import os
import pathlib
import re
import subprocess
import unittest

import yaml

DRIVER = pathlib.Path(os.environ["GPUSTACK_BINARY_DIR"]) / "bin" / "yaml_driver"


def ours(texts):
    done = subprocess.run([DRIVER], input=json.dumps(texts), capture_output=True, text=True, check=True, timeout=120)
    return json.loads(done.stdout)


def plain(value, text):
    """PyYAML's value as core/yaml promises it: dates and integers beyond 64 bits stay text."""
    if isinstance(value, dict):
        return {json_key(key, text): plain(item, text) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item, text) for item in value]
    if isinstance(value, (datetime.date, datetime.datetime)):
        return "<text>"
    if isinstance(value, int) and not isinstance(value, bool) and not -2**63 <= value < 2**63:
        return "<text>"
    if isinstance(value, float) and math.isnan(value):
        return "<nan>"
    return value


def json_key(key, text):
    key = plain(key, text)
    if isinstance(key, str):
        return key
    return json.dumps(key)


def same(mine, theirs):
    if theirs == "<text>":
        return isinstance(mine, str)
    if theirs == "<nan>":
        return isinstance(mine, float) and math.isnan(mine)
    if isinstance(theirs, dict):
        return (isinstance(mine, dict) and list(mine) == list(theirs)
                and all(same(mine[key], theirs[key]) for key in theirs))
    if isinstance(theirs, list):
        return (isinstance(mine, list) and len(mine) == len(theirs)
                and all(same(a, b) for a, b in zip(mine, theirs)))
    return type(mine) is type(theirs) and mine == theirs


SCALARS = """
yes Yes YES yEs y Y no No NO n on On ON oN off Off OFF true True TRUE tRUE false False FALSE
null Null NULL nULL ~ ~~ 0 00 000 01 07 08 09 0755 0o755 0O755 0644 +0644 -0755 0_7 1_000 1__0 _1 1_ -1 +1 - + -- ++1
0x1F 0X1F 0xg -0xff +0x_f 0x 0b 0b1 0b102 -0b11 0b1_0 1e3 1e+3 1.e3 1.0e3 1.0e+3 1.0E-3 1.5e-07 .5 -.5 +.5 ._5 .e+1
1. 1.5 01.5 1_0.5 1._5 -1.5 +1.5 . .. ... .inf .Inf .INF .iNF -.inf +.inf .nan .NaN .NAN -.nan inf nan
1:30 1:60 1:59 0:30 01:30 10:20:30 190:20:30 -1:30 +1:30 1:2:3:4 1:30.5 1:60.5 0:1.5 1:30. 190:20:30.15 1: 1:a 22:22
2001-12-14 2001-1-1 2001-12-14T21:59:43Z 2001-13-40x 12-14 10.0.0.1 1.2.3 fe80::1 ::1 00:11:22:33:44:55
9223372036854775807 9223372036854775808 -9223372036854775808 -9223372036854775809 0xffffffffffffffff 1e400
a a:b a#b a\\b C:\\x http://x/y?z=1 {{x}} = << == <<< a,b x] 100% %x @x `x |x >x *x &x !x ?x -x :x ,x ]x }x #x
é 日本 ½ 1,000 1.000.000 1-2 $x ${x} a'b a"b 'a' "a" '' "" 'a''b' "a\\nb" "\\x41" "\\u00e9" "\\/" 'yes' "1" !!str
""".split("\n")

DOCUMENTS = [
    "", "\n", "# c\n", "---\n", "---\n...\n", "--- a\n", "---\na: 1\n...\n", "a: 1\n---\nb: 2\n", "...\n", "%YAML 1.1\n---\na: 1\n",
    "a: 1\na: 2\nb: 3\n", "1: a\ntrue: b\n~: c\n1.5: d\n", "a:\n- 1\n- 2\nb: 1\n", "a:\n  - 1\n  -\n  - ~\n",
    "- - a\n  - b\n- - c\n", "- a: 1\n  b: 2\n-\n  a: 3\n", "a: {b: 1, c: [1, {d: e}]}\n", "[a, b, ]\n", "{a, b: 1}\n", "{a: }\n",
    "[a: 1, b]\n", '{"a":1}\n', '{"a":1,"b":[1,2]}\n', "{a:1}\n", "[a,b]\n", "[a,,b]\n", "[\na,\n  b\n]\n", "a: [\n  1,\n  2\n]\n",
    "a: [\n1,\n2\n]\n", "a: {\n  b: 1,\n  c: 2\n}\n", "a: {\nb: 1\n}\n", "a: |\n  x\n  y\n", "a: |-\n  x\n", "a: |+\n  x\n\n\nb: 1\n",
    "a: >\n  x\n  y\n\n  z\n", "a: >-\n  x\n    y\n  z\n", "a: >+\n  x\n\n", "a: |2\n    x\n   y\n", "a: |1-\n  x\n", "a: |\n\n  x\n",
    "a: |\n  x\n\n  y\n \nb: 1\n", "a: |\nb: 1\n", "a: |\n", "a: >\n\n\n  x\n", "a: >\n  x\n\n    y\n\n  z\n", "a: > # c\n  x\n",
    "a: | #c\n  x\n  # not a comment\n", "a: |\n  x\n # comment\nb: 1\n", "- |\n x\n- >\n y\n", "a: |\n   x\n  y\n", "a: |x\n  y\n",
    "a: x\n  y\n  z\n", "a: x\n\n  y\n", "a:\n  x\n  y\n", "a: x # c\n", "a: x#c\n", "a: # c\n  b\n", "a: 'x\n  y'\n", "a: 'x\n\n  y'\n",
    "a: \"x\n  y\"\n", "a: \"x\\\n  y\"\n", "a: \"x\\n\\\n   \\  y\"\n", "a: \"x\\q\"\n", "a: \"\\u263A\"\n", "a: 'it''s'\n", "a: \"\\x4\"\n",
    "'a': 1\n\"b\": 2\n", "? a\n: 1\n", "? a\n? b\n", "? |\n  a\n: 1\n", "? [a]\n: 1\n", "{[a]: 1}\n", "? {a: 1}\n: 1\n",
    "a: &x 1\nb: *x\n", "a: &x\n  b: 1\nc: *x\n", "a: &x [1]\nb: [*x, *x]\n", "a: *x\n", "&x a: 1\nb: *x\n", "a: &x 1\nb: &x 2\nc: *x\n",
    "b: &b {x: 1}\nc:\n  <<: *b\n", "b: &b {x: 1}\nc:\n  y: 2\n  <<: *b\n  x: 3\n", "a: &a {x: 1}\nb: &b {x: 2, z: 1}\nc: {<<: [*a, *b], q: 1}\n",
    "a: &a {x: 1}\nb: &b {x: 2}\nc:\n  <<: *a\n  <<: *b\n", "a: &a {x: 1}\nb: &b {<<: *a, y: 1}\nc: {<<: *b}\n", "<<: {a: 1}\nb: 2\n", "<<: [1]\n", "<<: 1\n",
    "'<<': 1\n", "<<: []\na: 1\n", "a: !!str 1\n", "a: !!int '1'\n", "a: !!float 1\n", "a: !!bool 'yes'\n", "a: !!null x\n", "a: !!map {b: 1}\n",
    "a: !!seq [1]\n", "a: !!str yes\n", "a: ! yes\n", "a: !foo x\n", "a: !!int x\n", "a: !!python/object:x {}\n", "a: !<tag:yaml.org,2002:str> 1\n",
    "a: b: c\n", "a: 'b': c\n", "- a: b\n   c: d\n", "a: 1\n b: 2\n", "a:\n  b: 1\n c: 2\n", "a: 1\nb\nc: 2\n", "a: 1\nb:2\nc: 3\n", "a\n", "a\nb\n",
    "a:\n\tb: 1\n", "a:\tb\n", "a: \tb\n", "a: b\t\n", "-\ta\n", "\ta: 1\n", "a: 1\n\t\nb: 2\n", "a: [\n\t1\n]\n", "a:   b   \n", "a: 1 \n  \nb: 2",
    "a: \"b\" c\n", "a: 'b'c\n", "a: \"b\n", "a: 'b\n", "a: [1, 2\n", "a: {b: 1\n", "a: 1]\n", "a: }\n", "a: [1}\n", "a: @b\n", "a: `b\n", "a: %b\n", "%b: 1\n",
    "a: {{ b }}\n", "a: \"{{ b }}\"\n", "a: {{ b }}/c\n", "- {{ b }}\n", "a: - b\n", "a: -b\n", "- -b\n", "-a\n", "- - -\n", "a: ? b\n", "a: ?b\n", "a: :b\n", "a: ::\n",
    "a: b:\n", "a:b: c\n", "a::b: c\n", "a :b: c\n", "a : b\n", "a: http://x:80/y\n", "a: 'b' # c\n", "a: \"b\"#c\n", "a: b\n# c\n\n- d\n", "a: b\n- c\n", "- c\na: b\n",
    "a: 1\r\nb: |\r\n  x\r\n  y\r\nc: 'q\r\n  r'\r\n", "\ufeffa: 1\n", "a: \u00e9\n", "\u00e9: 1\n", "a: \x01\n", "a: \x7f\n", "a: \x00\n", "a: \u2028b\n", "a: \U0001f600\n",
    "- name: x\n  shell: |\n    if [ a ]; then\n      b\n    fi\n  when: a == 'b' and c\n", "- debug: msg=\"a b\"\n", "- debug: msg='a: b'\n", "- shell: echo \"a: b\"\n",
    "- hosts: all\n  tasks:\n  - x:\n      a: 1\n  - y: >\n      b\n      c\n  handlers:\n    - z:\n", "a: |\n  \tx\n", "a: >\n  x\n  \ty\n  z\n", "a: [b, 'c', \"d\", e f]\n", "a: [b c: d]\n",
    "a: [b?c, d?, e]\n", "{url: http://a/?b=c&d=e}\n", "a: 'b?c' # d?\n", "a?b: c?\n", "a: |\n  b?c ?d\n", "a: {b: 'c', \"d\": e}\n", "a: {b: c,d: e}\n", "a: {b: c, d}\n", "a: {? b : c}\n", "a: [? b : c]\n", "a: []\nb: {}\nc: ''\n", "a: [ ]\n", "[]\n", "{}\n", "- []\n- {}\n",
    "a: x  y\n", "a: 'x  y'\n", "a: '  x  '\n", "a: x\\ny\n", "key with spaces: 1\n", "a: 1\n\n\n\nb: 2\n", "   a: 1\n   b: 2\n", "   a: 1\n  b: 2\n",
    "a: |\n  x\nb: |-\n  y\n\nc: >-\n  z\n\n  w\n", "a: >\n   folded\n   text\n\n\n   para\n", "- a\n-b\n", "-\n  - a\n  -\n    b: 1\n", "a:\n    b:\n        c: 1\n    d: 2\n", "a: *\n", "a: &\n", "a: !\n", "a: !!\n",
    "a: |\n  {{ x }}\n  {% if y %}\n  z: {{ y }}\n  {% endif %}\n", "a: \"x: {{ y }}\"\n", "a: x {{ y }}\n", "a: x{{ y }}: z\n", "a: [x, {{ y }}]\n", "a: ---\n", "a: --- b\n", "a: '---'\n", "---a\n", "a: ...\n",
    "a: |\n ---\n", "a: |\n---\nb\n", "'a\n---\nb'\n", "a: 'x' 'y'\n", "'a' 'b': c\n", "a: \"\\\"\"\n", "a: '\\'\n", "a: \"\\\\\"\n", "a: \" x \"\n", "a: \"x \n  y\"\n", "a: 'x \n\n\n  y '\n",
    "a:\n  - b: 1\n    c:\n      - d\n      - e\n  - f\n", "a:\n# c\n  b: 1\n# d\n  c: 2\n", "a:\n  b: 1\n# d\nc: 2\n", "a: 1 # x: y\n", "#a: 1\nb: 2\n", "a: '#'\nb: \"#\"\nc: x #y\n", "- # c\n  a\n",
    "{a: 1}: b\n", "a: {b: [c, {d: [e]}]}\n", "a: b c d: e\n", "x" * 2000 + ": 1\n", "? " + "x" * 2000 + "\n: 1\n", "a: " + "[" * 50 + "]" * 50 + "\n",
]

# Where the two differ, and why. Each entry is checked to differ still, so that the list cannot rot.
DIFFERENCES = {
    "...\n": "an end without a document is an empty document to us",
    "a: &x 1\nb: &x 2\nc: *x\n": "YAML allows an anchor to be set anew, PyYAML does not",
    "a: ! yes\n": "the tag '!' says 'not typed', which PyYAML does not follow",
    "-\ta\n": "a tab after '-' separates as well as a space",
    "a: |\n  \tx\n": "a tab behind the indentation is text",
    "[1:]\n": "a key without a value",
    "[::1]\n": "text that starts with a colon",
    "[:x]\n": "text that starts with a colon",
    "[?x]\n": "refused with a hint to quote it; PyYAML reads a key",
    "&x: 1\n": "an anchor's name may hold a colon",
    "[!!str]\n": "an empty text",
    "a: \u2028b\n": "U+2028 is a letter to us and a line end to PyYAML",
}
# Words that PyYAML resolves to a type and then fails to construct; they are text to us.
UNCONSTRUCTIBLE = re.compile(r"([-\[] ?|k: )(=|<<|[-+]?0[xb]_+)\]?\n")

ODD_KEY = re.compile(r"[-+]?\.(inf|nan)|-?\d{19}|0x\w{16}|2001-12-14.*", re.IGNORECASE)


def oracle(text):
    try:
        return True, plain(yaml.load(text, Loader=yaml.CSafeLoader), text)  # libyaml, as Ansible prefers
    except (yaml.YAMLError, ValueError, RecursionError) as problem:
        return False, str(problem)


class Agreement(unittest.TestCase):
    def check(self, texts):
        wrong = []
        for text, answer in zip(texts, ours(texts)):
            accepted, theirs = oracle(text)
            agrees = same(answer["value"], theirs) if accepted and "value" in answer else accepted == ("value" in answer)
            if agrees == (text in DIFFERENCES or bool(UNCONSTRUCTIBLE.fullmatch(text))):
                wrong.append(f"{text!r}\n   PyYAML: {accepted} {theirs!r}\n   ours:   {answer}")
        self.assertEqual(wrong, [], "\n" + "\n".join(wrong))

    def test_plain_scalars_have_the_same_type_and_value(self):
        words = [word for line in SCALARS for word in line.split()]
        self.check(["k: " + word + "\n" for word in words])

    def test_plain_scalars_in_lists_and_as_keys(self):
        words = [word for line in SCALARS for word in line.split()]
        self.check(["- " + word + "\n" for word in words])
        self.check(["[" + word + "]\n" for word in words])
        # JSON has no dates, infinities and long integers as keys
        simple = [word for word in words if not ODD_KEY.fullmatch(word)]
        self.check([word + ": 1\n" for word in simple])

    def test_generated_numbers(self):
        alphabet = "019_.:-+xbe"
        texts = ["k: " + "".join(word) + "\n" for size in (1, 2, 3, 4) for word in itertools.product(alphabet, repeat=size)]
        self.check(texts)

    def test_documents(self):
        self.check(DOCUMENTS)

    def test_the_files_of_ansible_itself(self):
        root = pathlib.Path("/usr/lib/python3/dist-packages/ansible")
        files = sorted(itertools.chain(root.glob("config/*.yml"), root.glob("galaxy/data/**/*.yml"), root.glob("plugins/**/*.yml")))
        self.assertGreater(len(files), 20)
        self.check([text for text in (file.read_text() for file in files) if "!" not in text and "{{" not in text])


if __name__ == "__main__":
    unittest.main()
