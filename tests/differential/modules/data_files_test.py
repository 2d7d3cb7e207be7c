"""json_file and yaml_file against Python's own readers: what an edit leaves behind reads as the same edit of the data."""

import copy
import json
import pathlib
import random
import shutil
import tempfile
import unittest

import yaml

import oracle

NAMES = ["name", "port", "a.b", "x y", "on", "1", "items"]
SCALARS = [None, True, False, 0, -7, 1.5, 1e30, "", "text", "yes", "5", "0644", "1:30", "2024-01-02", "a: b", "- x", "#no", "it's \"so\"", "tab\there",
           "one\ntwo\n", "one\n\n two", " lead", "trail ", "ü", "{x}", "[y", "~", "&z", "*z", "!t", "%d", "@at", "a #b", "?", "-", "=", "<<", "0x1F", "1_000", "1e3", ".5",
           "null", "key:", "...", "---", "|", "\\n", "\u0085", "\u2028"]


def data(source, depth):
    kind = source.random()
    if depth == 0 or kind < 0.45:
        return source.choice(SCALARS)
    if kind < 0.7:
        return [data(source, depth - 1) for _ in range(source.randrange(4))]
    return {name: data(source, depth - 1) for name in source.sample(NAMES, source.randrange(4))}


def place(source, value, path):
    """A random place of the data, as steps."""
    if isinstance(value, dict) and value and source.random() < 0.8:
        name = source.choice(list(value))
        return place(source, value[name], path + [name])
    if isinstance(value, list) and value and source.random() < 0.8:
        index = source.randrange(len(value))
        return place(source, value[index], path + [index])
    if isinstance(value, dict) and source.random() < 0.5:
        return path + [source.choice(NAMES)]
    if isinstance(value, list) and source.random() < 0.5:
        return path + [len(value)]
    return path


def shown(path):
    return "".join("[%d]" % step if isinstance(step, int) else '["%s"]' % step for step in path)


def plain(value):
    """Texts that differ where the data differs; the order of keys does not count."""
    return json.dumps(value, sort_keys=True)


def changed(value, path, new):
    """The data with `new` at the path."""
    if not path:
        return new
    value = copy.deepcopy(value)
    inner = value[path[0]] if isinstance(value, dict) and path[0] in value or isinstance(path[0], int) and path[0] < len(value) else None
    if isinstance(value, list) and path[0] == len(value):
        value.append(None)
    value[path[0]] = changed(inner, path[1:], new)
    return value


def damaged(source, text):
    for _ in range(source.randrange(1, 3)):
        at = source.randrange(len(text))
        text = text[:at] + text[at + 1:] if source.random() < 0.5 else text[:at] + source.choice("\"'[]{}:-# \n,&*|>") + text[at:]
    return text


class DataFiles(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="gpustack-differential-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.ours = oracle.Ours()
        self.addCleanup(self.ours.close)

    def edit(self, module, text, arguments):
        file = self.folder / "file"
        file.write_text(text)
        arguments = dict(arguments, path=str(file))
        first, second = self.ours.run(module, arguments), self.ours.run(module, arguments)
        self.assertFalse(first.get("failed"), (text, arguments, first))
        self.assertFalse(second["changed"], (text, arguments, file.read_text()))
        return file.read_text()

    def rounds(self, module, dump, load):
        for seed in range(400):
            source = random.Random(seed)
            old = data(source, 3)
            path, new = place(source, old, []), data(source, 2)
            text = dump(source, old)
            after = self.edit(module, text, {"key": shown(path), "value": new})
            self.assertEqual(plain(changed(old, path, new)), plain(load(after)), (seed, text, path, new, after))

    def test_json(self):
        def dump(source, value):
            return json.dumps(value, indent=source.choice([None, 1, 4, "\t"]), ensure_ascii=source.random() < 0.5) + "\n"

        self.rounds("json_file", dump, json.loads)

    def test_yaml(self):
        def dump(source, value):
            return yaml.safe_dump(value, default_flow_style=source.choice([False, False, None]), indent=source.choice([2, 4]),
                                  allow_unicode=source.random() < 0.5 and not set(repr(value)) & set("\\"), sort_keys=False, width=10000)

        self.rounds("yaml_file", dump, yaml.safe_load)

    def test_damaged_yaml(self):
        """A text with a character too many or too few: what PyYAML reads is edited as asked or refused; of what it refuses, no other line changes."""
        counts = dict.fromkeys(("edited", "refused", "kept"), 0)
        for seed in range(800):
            source = random.Random(seed)
            text = damaged(source, yaml.safe_dump({"first": 1, "a": data(source, 3), "b": data(source, 2), "last": 2}, sort_keys=False, allow_unicode=True,
                                                  default_flow_style=source.choice([False, None]), width=source.choice([20, 80])))
            try:
                before = yaml.safe_load(text)
            except yaml.YAMLError:
                before = None
            file = self.folder / "file"
            file.write_text(text)
            result = self.ours.run("yaml_file", {"path": str(file), "key": "first", "value": 99})
            after = file.read_text()
            if result.get("failed"):
                counts["refused"] += 1
                self.assertEqual(after, text)
            elif before is None:
                counts["kept"] += 1
                old, new = text.splitlines(), after.splitlines()
                self.assertLessEqual(len([line for line in old if line not in new]), 1, (seed, text, after))
                self.assertLessEqual(len([line for line in new if line not in old]), 1, (seed, text, after))
            elif isinstance(before, dict):
                counts["edited"] += 1
                self.assertEqual(repr(yaml.safe_load(after)), repr(dict(before, first=99)), (seed, text, after))
        self.assertTrue(all(count > 20 for count in counts.values()), counts)

    def test_removal(self):
        for module, dump, load in (("json_file", json.dumps, json.loads), ("yaml_file", yaml.safe_dump, yaml.safe_load)):
            for seed in range(150):
                source = random.Random(seed)
                old = {name: data(source, 2) for name in NAMES[:5]}
                name = source.choice(NAMES)
                after = self.edit(module, dump(old, indent=source.choice([2, 4]), sort_keys=False), {"key": shown([name]), "state": "absent"})
                old.pop(name, None)
                self.assertEqual(plain(old), plain(load(after)), (seed, name))


if __name__ == "__main__":
    unittest.main()
