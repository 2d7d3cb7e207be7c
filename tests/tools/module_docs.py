#!/usr/bin/python3
"""Writes docs/modules from what `gpustack doc --json` says: a page for each module, the index, and the table beside Ansible.

`./dev docs` runs it; module_docs_test.py finds pages that are stale. With --record the options of Ansible's modules are read anew
from the installed ansible-core and ansible (ansible_options.py).
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys

import ansible_differences

SOURCE = pathlib.Path(os.environ.get("GPUSTACK_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[2]))
FOLDER = SOURCE / "docs/modules"
ORACLE = SOURCE / "tests/golden/modules/ansible_options.json"
PLACES = {"host": "the host", "controller": "the controller", "both": "the controller, then the host"}


def described(program):
    """The modules as the program describes them."""
    done = subprocess.run([str(program), "doc", "--json"], capture_output=True, text=True, check=True, timeout=60)
    return json.loads(done.stdout)


def full_name(module):
    return f"{module['collection']}.{module['name']}"


def cell(text):
    """Text inside a table."""
    return " ".join(text.split()).replace("|", "\\|")


def code(value):
    """A value as it is written; line ends as their escapes."""
    value = str(value).replace("\n", "\\n").replace("\r", "\\r").replace("|", "\\|")
    return f"`{value}`" if "`" not in value else f"`` {value} ``"


def default_cell(argument):
    if argument.get("required"):
        return "required"
    if "default" not in argument:
        return ""
    value = argument["default"]
    return code(value if isinstance(value, str) and value else json.dumps(value))


def type_cell(argument):
    if argument["type"] == "list" and argument["elements"] != "raw":
        return f"list of {argument['elements']}"
    return argument["type"]


def meaning(argument):
    parts = [cell(argument["doc"])]
    if "choices" in argument:
        parts.append("One of " + ", ".join(code(choice) for choice in argument["choices"]) + ".")
    if "aliases" in argument:
        parts.append("Also called " + ", ".join(code(alias) for alias in argument["aliases"]) + ".")
    if argument.get("secret"):
        parts.append("Never shown.")
    if "refused" in argument:
        parts.append(f"**Refused** when it asks for anything: {cell(argument['refused'])}.")
    return " ".join(parts)


def argument_rows(arguments, owner=""):
    for argument in arguments:
        name = owner + argument["name"]
        yield f"| `{name}` | {type_cell(argument)} | {default_cell(argument)} | {meaning(argument)} |"
        yield from argument_rows(argument.get("options", []), name + ".")


def arguments_section(module):
    yield "## Arguments"
    yield ""
    if module["any_arguments"]:
        yield "Any name may be given; these mean something to the module:" if module["arguments"] else "Any name may be given."
        yield ""
    elif not module["arguments"]:
        yield "None."
        yield ""
    if module["arguments"]:
        yield "| Name | Type | Default | Meaning |"
        yield "| --- | --- | --- | --- |"
        yield from argument_rows(module["arguments"])
        yield ""
    if "free_form" in module:
        yield f"Text behind the module's name is `{module['free_form']}`."
        yield ""
    for rule in module["rules"]:
        yield f"- {rule['text'].replace(chr(39), '`')}"
    if module["rules"]:
        yield ""


def page(module):
    yield f"# {module['name']}"
    yield ""
    yield module["summary"]
    yield ""
    yield f"- Full name: `{full_name(module)}`" + "".join(f", also `{alias}`" for alias in module["aliases"])
    yield f"- Works on: {PLACES[module['place']]}"
    yield f"- `--check`: {module['check_mode_text']}"
    yield f"- `--diff`: {'shows before and after' if module['diff_mode'] else 'adds nothing'}"
    yield ""
    yield from arguments_section(module)
    if module["results"]:
        yield "## Result"
        yield ""
        yield "| Key | Meaning |"
        yield "| --- | --- |"
        for key in module["results"]:
            yield f"| `{key['name']}` | {cell(key['doc'])} |"
        yield ""
    yield "## Examples"
    yield ""
    yield "```yaml"
    for index, example in enumerate(module["examples"]):
        if index:
            yield ""
        yield f"- name: {example['title']}"
        for line in example["yaml"].splitlines():
            yield f"  {line}".rstrip()
    yield "```"


def index(modules):
    yield "# Modules"
    yield ""
    yield "Written by `./dev docs` from what `gpustack doc NAME` shows. Short names and full names both work. How the options compare with"
    yield "Ansible's is in [ansible-options.md](ansible-options.md)."
    yield ""
    yield "| Module | What it does | `--check` | `--diff` |"
    yield "| --- | --- | --- | --- |"
    for module in modules:
        check = "" if module["place"] == "controller" else {"full": "yes", "skipped": "in part", "none": "skipped"}[module["check_mode"]]
        yield f"| [{module['name']}]({module['name']}.md) | {cell(module['summary'])} | {check} | {'yes' if module['diff_mode'] else ''} |"


def names(options):
    return ", ".join(code(name) for name in options)


def option_sets(module, theirs):
    """(Ansible's options that work, those refused by name, our own) as flat lists of names."""
    supported, refused, own = [], [], []

    def walk(arguments, options, owner):
        for argument in arguments:
            name, entry = owner + argument["name"], options.get(argument["name"])
            if entry is None:
                own.append(name)
                continue
            (refused if "refused" in argument else supported).append(name)
            if "choices" in argument and "refused" not in argument:
                refused.extend(f"{name}: {choice}" for choice in entry.get("choices", []) if str(choice) not in argument["choices"])
            if "options" in entry:
                walk(argument.get("options", []), entry["options"], name + ".")

    walk(module["arguments"], theirs, "")
    return supported, refused, own


def table(modules, record):
    yield "# Options beside Ansible's"
    yield ""
    yield f"Which options of Ansible's modules (ansible-core {record['ansible-core']} and the collections Debian packages beside it) work here, and"
    yield "which are refused by name: with an error, as soon as the site is read, when they ask for something. A test holds that each option of"
    yield "Ansible's is in one of these two columns. `option: value` is a choice of Ansible's that is refused."
    yield ""
    yield "| Module | Options of Ansible's that work | Refused by name | Only here |"
    yield "| --- | --- | --- | --- |"
    for module in modules:
        entry = record["modules"].get(full_name(module))
        if entry is None:
            yield f"| [{module['name']}]({module['name']}.md) | not in that version of Ansible | | {names(a['name'] for a in module['arguments'])} |"
            continue
        supported, refused, own = option_sets(module, entry["options"])
        yield f"| [{module['name']}]({module['name']}.md) | {names(supported)} | {names(refused)} | {names(own)} |"
    yield ""
    yield "Types, defaults, choices and rules are Ansible's, too, but for these:"
    yield ""
    yield "| What | Why it differs |"
    yield "| --- | --- |"
    for what, why in sorted(ansible_differences.EXPLAINED.items()):
        yield f"| {what} | {cell(why)} |"


def lines(text):
    return "\n".join(text).rstrip("\n") + "\n"


def pages(modules, record):
    """{file name: text} of docs/modules."""
    out = {f"{module['name']}.md": lines(page(module)) for module in modules}
    out["README.md"] = lines(index(modules))
    out["ansible-options.md"] = lines(table(modules, record))
    return out


def record(modules, path):
    """In a process of its own: it imports Ansible's modules."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # Some modules make lists of sets: their order shall be the same each time.
    subprocess.run([sys.executable, str(SOURCE / "tests/tools/ansible_options.py"), str(path)], check=True, text=True,
                   env=dict(os.environ, PYTHONHASHSEED="0"), input=json.dumps([full_name(module) for module in modules]))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", default=str(SOURCE / "build/bin/gpustack"))
    parser.add_argument("--record", action="store_true", help="read Ansible's options anew, too")
    options = parser.parse_args()
    modules = described(options.program)
    if options.record:
        record(modules, ORACLE)
    wanted = pages(modules, json.loads(ORACLE.read_text()))
    FOLDER.mkdir(parents=True, exist_ok=True)
    for path in FOLDER.glob("*.md"):
        if path.name not in wanted:
            path.unlink()
    for name, text in wanted.items():
        (FOLDER / name).write_text(text)
    print(f"docs: {len(wanted)} pages in {FOLDER.relative_to(SOURCE)}")


if __name__ == "__main__":
    main()
