"""The inventory library against ansible-inventory: the same hosts, groups and variables, or a refusal by both."""

import ast
import datetime
import functools
import itertools
import json
import os
import pathlib
import stat
import subprocess
import tempfile
import unittest

import ansible_program
import yaml

DRIVER = pathlib.Path(os.environ["GPUSTACK_BINARY_DIR"]) / "bin" / "inventory_driver"
DRIVER = DRIVER.resolve()
PROGRAM = DRIVER.parent / "gpustack"

# Each inventory: {file: text}; the sources are the entries of SOURCES, else the first file.
INVENTORIES = {
    "plain": {"hosts": "a\nb\n[web]\nc\nd\n[db]\nc\n"},
    "children": {"hosts": "[top:children]\nmid\nother\n[mid:children]\nlow\n[low]\nx\ny\n[other]\nz\n[top:vars]\nv=top\n[low:vars]\nv=low\nw=1\n"},
    "forward_vars": {"hosts": "[web:vars]\na=1\n[web]\nw1\n[all:vars]\nz=9\n"},
    "ranges": {"hosts": "[r]\nweb[01:20:3].x.org\ndb-[a:f:2]\nn[0:2]-[8:9]\n[1:3]front\nback[5:7]\nz[:3]\n[A:C]x\n"},
    "ports": {"hosts": "a:2222\nb:22 ansible_port=33\n[fe80::1]:44\nfe80::2\n10.1.2.3:55\n10.1.2.[1:3]\nx_y-z.example.org:1\n"},
    "typing": {"hosts": "h a=1 b=1.5 c=True d=true e=None f=0755 g='1' i=\"'1'\" j=\"[1, 2]\" k=\"{'x': 1}\" l=yes m= n=1,2 o=a,b p=0x1f q=1_0 r='a b'\n"},
    "comments": {"hosts": "# one\n; two\na x=1 # three\nb y=a#b z=\"a#b\"\n[web] # four\nc\n[web:vars] # five\nv=1 # six\nw=text # seven\nu = spaced   out  \n"},
    "quoting": {"hosts": "a v=\"x \\\"y\\\" z\" w='single \\ slash' u=a\\ b t=\"tab\\tx\" s=''\nb v='{{ x }} and {{ y }}' w=\"{{ x | default('{') }}\"\n"},
    "vars_section": {"hosts": "[web]\na\n[web:vars]\nplain = text with blanks\nquoted = 'text'\ndouble = \"text\"\nlist = [1, 'a', {'b': None}]\ntuple = 1, 2\n"
                              "equals = a=b=c\nempty =\nurl = http://x/y?z=1#frag\nnumber = 007\nbig = 12345\nneg = -5\nexp = 1e3\nkey with blank = 1\n"},
    "ungrouped": {"hosts": "a\n[ungrouped]\nb\nc\n[all]\nd\n[web]\nb\n"},
    "duplicates": {"hosts": "[web]\na x=1\na y=2\nb\n[db]\na x=3\n[web]\nc\n[web:vars]\nv=1\n[web:vars]\nv=2\nw=3\n"},
    "priority": {"hosts": "[aa]\nh\n[bb]\nh\n[cc]\nh\n[aa:vars]\nv=aa\nansible_group_priority=10\n[bb:vars]\nv=bb\n[cc:vars]\nv=cc\nansible_group_priority=5\n"},
    "depth": {"hosts": "[leaf]\nh\n[zz]\nh\n[top:children]\nmid\n[mid:children]\nleaf\n[leaf:vars]\nv=leaf\n[zz:vars]\nv=zz\nw=zz\n[mid:vars]\nw=mid\n"},
    "diamond": {"hosts": "[a:children]\nb\nc\n[b:children]\nd\n[c:children]\nd\n[d]\nh\n[b:vars]\nv=b\n[c:vars]\nv=c\n"},
    "localhost": {"hosts": "localhost ansible_connection=local\n127.0.0.1\n"},
    "odd_names": {"hosts": "web-1.example.org\nweb_2\nWEB3\n4th\n[grp-1]\nx\n[grp.2]\ny\n[3grp]\nz\n"},
    "blank_file": {"hosts": "# nothing\n"},
    "group_and_host": {"hosts": "[web]\nw1\n[w1grp]\nw1\n"},
    "crlf": {"hosts": "[web]\r\na x=1\r\n\r\n[web:vars]\r\nv=text\r\n"},
    "indented": {"hosts": "  [web]\n   a   x=1\n\t b\n"},
    "yaml": {"hosts.yml": "all:\n  vars: {v: 1, yes_no: yes, mode: 0644, when: 2020-01-01 }\n  hosts:\n    a: {x: [1, {y: 2}]}\n    b:\n  children:\n    web:\n      hosts:\n"
                          "        w[1:3]: {p: 80}\n        c:2222:\n      vars: {v: 2}\n      children:\n        sub: {hosts: {w1: {q: s}}}\n    db: {hosts: d}\n    empty:\n"},
    "yaml_top_groups": {"hosts.yaml": "web:\n  hosts:\n    a:\n    b: {v: 1}\ndb:\n  hosts: {a: }\n  vars: {m: {n: [o]}}\nungrouped:\n  hosts: {c: }\n"},
    "yaml_no_extension": {"hosts": "---\nweb:\n  hosts:\n    a:\n"},
    "yaml_anchors": {"hosts.yml": "web:\n  vars: &v {x: 1, y: [1]}\n  hosts: {a: }\ndb:\n  vars:\n    <<: *v\n    x: 2\n  hosts: {b: {z: *v}}\n"},
    "yaml_unsafe": {"hosts.yml": "web:\n  hosts:\n    a: {x: !unsafe '{{ y }}', z: [!unsafe q, plain]}\n"},
    "json": {"hosts.json": '{"web": {"hosts": {"a": {"x": [1, 2.5, null, true, "\\u00e9"]}}, "vars": {"v": "w"}}}'},
    "script": {"list.sh": "#!/bin/sh\ncat <<'X'\n{\"web\": {\"hosts\": [\"a\", \"b\"], \"vars\": {\"v\": 1}, \"children\": [\"sub\"]}, \"sub\": [\"c\"], \"lone\": {\"k\": \"v\"},"
                          " \"_meta\": {\"hostvars\": {\"a\": {\"x\": {\"y\": [1]}}}}}\nX\n"},
    "script_host": {"list.sh": "#!/bin/sh\nif [ \"$1\" = --list ]; then echo '{\"g\": [\"h1\", \"h2\"]}'; else echo \"{\\\"name\\\": \\\"$2\\\"}\"; fi\n"},
    "folder": {"inv/10.yml": "web: {hosts: {a: {v: 1}}}\n", "inv/20": "[web]\na v=2\nb\n", "inv/x.ini": "[no]\nq\n", "inv/notes.txt": "no\n", "inv/.hidden": "[h]\nh\n",
               "inv/sub/30": "[deep]\nc\n", "inv/group_vars/web.yml": "g: 1\n", "inv/host_vars/c.yml": "h: 2\n", "inv/sub/group_vars/deep.yml": "no: 1\n"},
    "vars_files": {"hosts": "[web]\na own=1\n[db]\nb\n[web:vars]\nv=inventory\nw=inventory\n", "group_vars/all.yml": "v: all\nz: all\n", "group_vars/web": "v: web\n",
                   "group_vars/db/10.yml": "x: 1\ny: 1\n", "group_vars/db/20.yaml": "y: 2\n", "group_vars/db/30.json": '{"q": [1]}', "group_vars/db/40.txt": "no: 1\n",
                   "group_vars/db/.50.yml": "no: 1\n", "group_vars/db/sub/60.yml": "s: 1\n", "group_vars/db/sub.d/70.yml": "no: 1\n", "group_vars/db.yml": "no: 1\n",
                   "host_vars/a.yml": "own: 2\n", "host_vars/b": "", "host_vars/a.json": '{"no": 1}', "group_vars/ungrouped.yml": "u: 1\n"},
    "several": {"one/hosts": "[web]\na v=1\nb\n", "two/hosts.yml": "web: {hosts: {a: {v: 2}}, vars: {g: 1}}\n", "one/group_vars/web.yml": "f: one\n", "two/group_vars/web.yml": "f: two\n"},
    "host_list": {},
    "shared_values": {"hosts.yml": "web:\n  vars: {m: {a: [1, 2]}, l: [x]}\n  hosts: {a: , b: , c: }\n"},
    "texts": {"hosts.yml": "web:\n  hosts:\n    a:\n      multi: \"line\\nline two\\n\"\n      folded: >-\n        " + "many words " * 20 + "\n      quoted: \"it's 'so'\"\n      colon: 'a: b'\n      dash: '- x'\n      hash: 'a #b'\n"
                           "      empty: ''\n      blank: ' x '\n      unicode: \"é ☃ \\U0001F600\"\n      number: '12'\n      bool: 'yes'\n      nul: 'null'\n      date: '2020-01-01'\n      tab: \"a\\tb\"\n      tmpl: '{{ x }}'\n"
                           "      star: '*x'\n      long_key_" + "k" * 130 + ": 1\n      nest: [[1, [2]], {a: [{b: c}]}, [], {}]\n      float: [1.0, 1e20, 1.5e-7, .inf]\n"},
}
SOURCES = {
    "folder": ["inv"], "several": ["one/hosts", "two/hosts.yml"], "host_list": ["a,b:22,[::1]:33,x[1:2]"],
    "script": ["list.sh"], "script_host": ["list.sh"],
}
# Files of inventory plugins, beside the hosts they are for.
HOSTS = ("[web]\na tags=\"{'env': 'prod', 'empty': '', 'n': 1}\" os=Debian roles=\"['db', '', 'x-y']\" none= size=5\nb os=Red-Hat tags=\"{}\" roles=\"[]\" size=20\n"
         "[web:vars]\nzone=z1\nlate=\"{{ os | lower }}-{{ zone }}\"\n[db]\nb\nc\n")
PLUGINS = {
    "compose": "compose:\n  up: os | upper\n  sum: size + 1\n  nested: late\n  text: \"'x' ~ size\"\n  list: roles\n  made: '{\"k\": size}'\n  groups_of: group_names\n  short: inventory_hostname_short\n  number: 7\n  bad: nothing.here\n",
    "groups": "groups:\n  big: size > 10\n  debian: os == 'Debian'\n  odd-name: \"'web' in group_names\"\n  undefined: nothing\n  composed: up is defined\n  truth: 'true'\ncompose:\n  up: os\n",
    "keyed": "keyed_groups:\n  - key: os\n  - {key: os, prefix: os}\n  - {key: os, prefix: os, separator: ''}\n  - {key: roles, prefix: role}\n  - {key: tags, prefix: tag}\n  - {key: tags, prefix: t, separator: '-'}\n"
             "  - {key: zone, prefix: zone, parent_group: zones}\n  - {key: os, parent_group: '{{ zone }}'}\n  - {key: nothing}\n",
    "defaults": "keyed_groups:\n  - {key: tags, prefix: tag, default_value: none}\n  - {key: roles, prefix: role, default_value: idle}\n  - {key: none, prefix: n, default_value: fallback}\n",
    "trailing": "keyed_groups:\n  - {key: tags, prefix: tag, trailing_separator: false}\n",
    "no_leading": "leading_separator: no\nkeyed_groups:\n  - key: os\n  - {key: roles, default_value: idle}\n  - key: tags\n  - {key: os, prefix: p}\n",
    "extra": "use_extra_vars: yes\ncompose:\n  from: \"'hello' ~ given\"\n",
    "vars_files": "use_vars_plugins: yes\nkeyed_groups:\n  - {key: from_group, prefix: g}\n  - {key: from_host, prefix: h}\n",
}
PLUGIN_INVENTORIES = {}
for plugin_name, plugin_text in PLUGINS.items():
    PLUGIN_INVENTORIES["constructed_" + plugin_name] = {
        "hosts": HOSTS, "made.yml": "plugin: " + ("ansible.builtin." if plugin_name == "keyed" else "") + "constructed\n" + plugin_text,
        "group_vars/web.yml": "from_group: gv\n", "host_vars/c.yml": "from_host: hv\n"}
    SOURCES["constructed_" + plugin_name] = ["hosts", "made.yml"]
PLUGIN_INVENTORIES["generator"] = {"make.yml": "plugin: generator\nhosts:\n  name: '{{ op }}_{{ env }}_{{ app }}'\n  parents:\n    - name: '{{ op }}_{{ app }}'\n      parents:\n        - name: '{{ op }}'\n"
                                        "          vars: {op: '{{ op }}', fixed: text}\n        - name: '{{ app }}'\n    - name: runner\nlayers:\n  op: [build, launch]\n  env: [dev, prod]\n  app: [web, api]\n"}
# Inventories that both refuse; ansible-inventory says so by a warning.
BROKEN = {
    "unknown_section": "[web:foo]\na\n", "undefined_vars": "[web:vars]\na=1\n", "undefined_child": "[web:children]\nnone\n", "no_equals": "a b\n",
    "vars_no_equals": "[all:vars]\nx\n", "loop": "[a:children]\nb\n[b:children]\na\n", "self": "[a]\n[a:children]\na\n", "range": "web[1]\n", "range_backwards": "web[c:a]\n",
    "padding": "web[01:100]\n", "quote": "a v='x\n", "port_missing": "a:\n", "header_blank": "[a b]\n", "child_with_vars": "[a]\n[b:children]\na x=1\n", "yaml_start": "---\n",
    "step": "web[1:9:x]\n", "escape": "a v=x\\\n",
}
PATTERNS = [
    "all", "web", "db", "web:db", "web,db", "web:&prod", "web:!prod", "!web", "&prod", "web[0]", "web[-1]", "web[0:1]", "web[1:]", "web[1:1]", "web[0:0]", "web[9:]", "w*", "?1",
    "w[12]*", "w[!1]*", "*[0]", "~w[12]", "~^d", "~.*b$", "all:!web:!db", "nope", "w1", "w1:w1", "w1,d1,w1", "*.example", "x.example", "site", "s*", "lone,web[2]", "prod:&web:!w1",
    "*", "al*", "ungr*", "w2:d1:w1", "!w1:web", "web:!w?", "10.0.0.1", "web-x", "[a:c]", "fe80::1", "w1:22", "*:!*b", "all[0]", "web[-2]", "~(w|d)1",
]
PATTERN_FLEET = "[web]\nw1\nw2\nw3\n[db]\nd1\nw3\n[prod]\nw1\nd1\n[site:children]\nweb\ndb\n[lone]\nx.example\n[web-x]\n10.0.0.1\nfe80::1\n"


def environment(folder):
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    return {**inherited, "ANSIBLE_LOCAL_TEMP": str(folder / "tmp"), "HOME": str(folder), "ANSIBLE_NOCOLOR": "1",
            "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}


class Answer:
    def __init__(self, returncode, stdout, stderr):
        self.returncode, self.stdout, self.stderr = returncode, stdout, stderr


def ansible(folder, jobs):
    """ansible-inventory for each (folder, arguments); Ansible is loaded once, and each job is a fork of that process."""
    (folder / "ask.py").write_text(RUN_JOBS)
    (folder / "jobs.json").write_text(json.dumps(jobs))
    done = subprocess.run(["/usr/bin/python3", "ask.py"], cwd=folder, capture_output=True, text=True, timeout=550,
                          env=environment(folder))
    if done.returncode != 0:
        raise AssertionError(done.stderr)
    return [Answer(*answer) for answer in json.loads((folder / "answers.json").read_text())]


def ours(folder, *arguments):
    return subprocess.run([DRIVER, *arguments], cwd=folder, capture_output=True, text=True, timeout=120)


def write(folder, files):
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
        if name.endswith(".sh"):
            path.chmod(path.stat().st_mode | stat.S_IXUSR)


class Asked:
    """What ansible-inventory answers to all inventories: `answers` and `words`, its arguments, by (inventory, *options); the inventories'
    folders are in `root`."""
    OPTIONS = [["--list"], ["--list", "--export"], ["--graph"], ["--graph", "--vars"], ["--list", "--yaml"], ["--list", "--yaml", "--export"],
               ["--host", "a"], ["--host", "a", "--yaml"], ["--list", "-e", "given=one", "-e", '{"x": {"y": [1]}}']]

    def __init__(self):
        temporary = tempfile.TemporaryDirectory(prefix="gpustack-inventory-")
        unittest.addModuleCleanup(temporary.cleanup)
        self.root = pathlib.Path(temporary.name)
        self.words = {}
        for name, files in {**INVENTORIES, **PLUGIN_INVENTORIES}.items():
            self.write(name, files)
            sources = list(itertools.chain.from_iterable(("-i", source) for source in sources_of(name)))
            self.words.update({(name, *options): [*sources, *options] for options in self.OPTIONS})
        for name, text in BROKEN.items():
            self.write("broken_" + name, {"hosts.ini": text})
            self.words["broken_" + name, "--list"] = ["-i", "hosts.ini", "--list"]
        self.answers = dict(zip(self.words, ansible(self.root, [(str(self.root / key[0]), words) for key, words in self.words.items()])))

    def write(self, name, files):
        (self.root / name).mkdir()
        write(self.root / name, files)


@functools.cache
def asked():
    return Asked()


class Inventories(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.asked = asked()

    def folder(self, name):
        return self.asked.root / name

    def compare(self, kind, parse=None):
        for name in INVENTORIES:
            with self.subTest(inventory=name):
                theirs = self.asked.answers[name, *KINDS[kind][0]]
                mine = ours(self.folder(name), KINDS[kind][1][0], *sources_of(name), *KINDS[kind][1][1:])
                if name == "blank_file":  # Ansible warns of a file without hosts and goes on
                    self.assertEqual(mine.returncode, 0, mine.stderr)
                self.assertEqual(theirs.returncode, 0, theirs.stderr)
                left, right = mine.stdout, theirs.stdout
                if parse:
                    left, right = json.loads(left or "null"), parse(right)
                self.assertEqual(left, right, mine.stderr + theirs.stderr)

    def test_list(self):
        self.compare("list")

    def test_export(self):
        self.compare("export")

    def test_graph(self):
        self.compare("graph")

    def test_graph_with_variables(self):
        self.compare("graph_vars")

    def test_yaml_tree(self):
        self.compare("yaml", lambda text: json.loads(json.dumps(plain(yaml.load(text, Loader=UnsafeAware)))))

    def test_both_refuse(self):
        for name in BROKEN:
            with self.subTest(name):
                self.assertIn("Failed to parse", self.asked.answers["broken_" + name, "--list"].stderr)
                self.assertEqual(ours(self.folder("broken_" + name), "list", "hosts.ini").returncode, 1)

    def test_playbook_folder(self):
        folder = self.folder("playbook_case")
        write(folder, {"inv/hosts": "[web]\na v=0\n[all:vars]\nw=0\n", "inv/group_vars/all.yml": "w: 1\nx: 1\ny: 1\nz: 1\n", "inv/group_vars/web.yml": "y: 3\nz: 3\n",
                       "inv/host_vars/a.yml": "v: 5\nu: 5\n", "play/group_vars/all.yml": "x: 2\ny: 2\nz: 2\n", "play/group_vars/web.yml": "z: 4\n", "play/host_vars/a.yml": "u: 6\n"})
        [theirs] = ansible(folder, [(str(folder), ["-i", "inv/hosts", "--playbook-dir", "play", "--host", "a"])])
        mine = ours(folder, "host", "inv/hosts", "--playbook-dir", "play", "--arg", "a")
        self.assertEqual(mine.stdout, theirs.stdout)
        self.assertEqual(json.loads(mine.stdout), {"u": 6, "v": 5, "w": 1, "x": 2, "y": 3, "z": 4})


class Program(unittest.TestCase):
    """`gpustack inventory` in the place of ansible-inventory: the same bytes."""
    maxDiff = None
    # A date of a YAML file is text here, and quoted.
    DATED = {"yaml"}

    def test_prints_the_same(self):
        known = asked()
        for (inventory, *options), theirs in known.answers.items():
            if inventory.startswith("broken_") or (inventory in self.DATED and "--yaml" in options):
                continue
            with self.subTest(inventory=inventory, options=options):
                mine = subprocess.run([PROGRAM, "inventory", *known.words[inventory, *options]], cwd=known.root / inventory, capture_output=True,
                                      text=True, timeout=60, env=environment(known.root))
                self.assertEqual((mine.stdout if mine.returncode == 0 else "", mine.returncode),
                                 (theirs.stdout if theirs.returncode == 0 else "", theirs.returncode), mine.stderr + theirs.stderr)

    def test_says_the_same_of_sources_and_patterns(self):
        with tempfile.TemporaryDirectory(prefix="gpustack-inventory-program-") as name:
            folder = pathlib.Path(name)
            write(folder, {"hosts": "a\n[x-y]\nb\n", "bad": "a b\n", "empty.yml": "", "other.yml": "plugin: nosuch\n"})
            cases = [
                (["-i", "absent", "--list"], {}), (["-i", "hosts", "--graph"], {}),
                (["-i", "hosts", "--graph"], {"ANSIBLE_TRANSFORM_INVALID_GROUP_CHARS": "always"}),
                (["-i", "hosts", "--graph"], {"ANSIBLE_TRANSFORM_INVALID_GROUP_CHARS": "silently"}),
                (["-i", "hosts", "--graph"], {"ANSIBLE_TRANSFORM_INVALID_GROUP_CHARS": "ignore"}),
                (["-i", "absent", "-i", "hosts", "--list"], {"ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "yes"}),
                (["-i", "absent", "-i", "hosts", "--list"], {"ANSIBLE_INVENTORY_UNPARSED_FAILED": "yes"}),
                (["-i", "absent", "--list"], {"ANSIBLE_INVENTORY_UNPARSED_FAILED": "yes"}),
                (["-i", "hosts", "--list"], {"ANSIBLE_INVENTORY_ENABLED": "yaml"}),
                (["-i", "hosts", "--list"], {"ANSIBLE_INVENTORY_ENABLED": "nosuch"}),
                (["-i", "hosts", "--list"], {"ANSIBLE_INVENTORY_ENABLED": "nosuch, ini"}),
                (["-i", "n[01:03],x[a:c]y,m[1:],q:22", "--list"], {"ANSIBLE_INVENTORY_ENABLED": "advanced_host_list"}),
                (["-i", "hosts", "--host", "nope"], {}), (["-i", "hosts", "--graph", "nope"], {}), (["-i", "hosts"], {}),
            ]
            for arguments, extra in cases:
                with self.subTest(arguments=arguments, environment=extra):
                    settings = {**environment(folder), **extra}
                    theirs = ansible_program.run("ansible-inventory", *arguments, cwd=folder, env=settings)
                    mine = subprocess.run([PROGRAM, "inventory", *arguments], cwd=folder, capture_output=True, text=True, timeout=60, env=settings)
                    self.assertEqual(mine.returncode, theirs.returncode, mine.stderr)
                    self.assertEqual(told(mine.stderr), told(theirs.stderr.decode()))
                    if theirs.returncode == 0:
                        self.assertEqual(mine.stdout, theirs.stdout.decode())


class Patterns(unittest.TestCase):
    def test_select_the_same_hosts_in_the_same_order(self):
        with tempfile.TemporaryDirectory(prefix="gpustack-patterns-") as name:
            folder = pathlib.Path(name)
            write(folder, {"hosts": PATTERN_FLEET, "patterns.json": json.dumps(PATTERNS), "ask.py": ASK})
            done = subprocess.run(["/usr/bin/python3", "ask.py"], cwd=folder, capture_output=True, text=True, timeout=240,
                                  env=environment(folder))
            self.assertEqual(done.returncode, 0, done.stderr)
            for pattern, expected in zip(PATTERNS, json.loads(done.stdout)):
                with self.subTest(pattern):
                    mine = ours(folder, "hosts", "hosts", "--arg", pattern)
                    answer = mine.stdout.split() if mine.returncode == 0 else None
                    self.assertEqual(answer, expected)


    def test_an_empty_pattern_is_refused_where_ansible_takes_every_host(self):
        with tempfile.TemporaryDirectory(prefix="gpustack-patterns-") as name:
            folder = pathlib.Path(name)
            write(folder, {"hosts": PATTERN_FLEET})
            self.assertIn("the host pattern is empty", ours(folder, "hosts", "hosts", "--arg", "").stderr)


class Literals(unittest.TestCase):
    def test_python_literals(self):
        alphabet = ["1", "0", "_", ".", "e", "-", "'", '"', "[", "]", ",", " ", "(", ")", "x", "{", ":", "}", "#", "\\", "True"]
        texts = ["".join(word) for size in (1, 2, 3, 4) for word in itertools.product(alphabet, repeat=size)]
        done = subprocess.run([DRIVER, "literals"], input=json.dumps(texts), capture_output=True, text=True, check=True, timeout=300)
        wrong = []
        for text, (accepted, shown) in zip(texts, json.loads(done.stdout)):
            expected = python_reading(text)
            if (shown if accepted else None) != expected:
                wrong.append((text, expected, shown))
        self.assertEqual(wrong[:20], [])


def python_reading(text):
    """repr() of the literal; None when there is none, or one that Value cannot hold."""
    import warnings
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            value = ast.literal_eval(text)
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            return None
    try:
        return repr(as_held(value))
    except LookupError:
        return None


def as_held(value):
    if isinstance(value, (complex, bytes)) or value is ...:
        raise LookupError
    if isinstance(value, set):
        return [as_held(item) for item in sorted(value, key=repr)]
    if isinstance(value, list):
        return [as_held(item) for item in value]
    if isinstance(value, tuple):
        return tuple(as_held(item) for item in value)
    if isinstance(value, dict):
        return {as_held(key): as_held(item) for key, item in value.items()}
    return value


class UnsafeAware(yaml.SafeLoader):
    pass


UnsafeAware.add_constructor("!unsafe", lambda loader, node: {"__ansible_unsafe": loader.construct_scalar(node)})


def plain(value):
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, dict):
        return {str(key) if not isinstance(key, str) else key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


def told(text):
    """Warnings and the error, without our hints; what is wrong inside of a source is said in other words."""
    lines = [line for line in text.splitlines() if not line.startswith("  = hint")]
    return [part for part in " ".join(lines).replace("ERROR!", "[ERROR!").split("[") if part.strip() and " * Failed to parse" not in part]


def sources_of(name):
    return SOURCES.get(name) or [next(iter({**INVENTORIES, **PLUGIN_INVENTORIES}[name]))]


KINDS = {
    "list": (["--list"], ["list"]),
    "export": (["--list", "--export"], ["list", "--export"]),
    "graph": (["--graph"], ["graph"]),
    "graph_vars": (["--graph", "--vars"], ["graph", "--vars"]),
    "yaml": (["--list", "--yaml"], ["tree"]),
}

RUN_JOBS = '''
import gc, json, os, sys
from ansible.cli.inventory import InventoryCLI

answers = []
gc.freeze()  # a child that looks through what it shares with its parent gets a copy of it
for folder, arguments in json.load(open("jobs.json")):
    child = os.fork()
    if child == 0:
        os.chdir(folder)
        for number, name in ((1, "stdout"), (2, "stderr")):
            os.dup2(os.open(os.path.join(folder, "ansible." + name), os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
        code = 250
        try:
            InventoryCLI.cli_executor(["ansible-inventory", *arguments])
            code = 0
        except SystemExit as end:
            code = end.code or 0
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    _, status = os.waitpid(child, 0)
    texts = [open(os.path.join(folder, "ansible." + name)).read() for name in ("stdout", "stderr")]
    answers.append([os.waitstatus_to_exitcode(status), *texts])
json.dump(answers, open("answers.json", "w"))
'''

ASK = '''
import json
from ansible.parsing.dataloader import DataLoader
from ansible.inventory.manager import InventoryManager
manager = InventoryManager(loader=DataLoader(), sources=["hosts"])
answers = []
for pattern in json.load(open("patterns.json")):
    try:
        answers.append([host.name for host in manager.get_hosts(pattern)])
    except Exception:
        answers.append(None)
print(json.dumps(answers))
'''


if __name__ == "__main__":
    unittest.main()
