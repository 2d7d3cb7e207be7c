#!/usr/bin/python3
"""Records which options Ansible's modules take: tests/golden/modules/ansible_options.json.

`./dev docs --record` runs it where Debian's ansible-core and ansible are installed. What a module documents comes from ansible-doc;
what it really accepts, from the AnsibleModule that it makes, which is stopped there. Where the two differ, the program is right.
"""
import contextlib
import importlib
import io
import json
import pathlib
import subprocess
import sys

FIELDS = ("type", "elements", "default", "choices", "aliases", "required")
RULES = ("mutually_exclusive", "required_together", "required_one_of", "required_if", "required_by")
FILE_OPTIONS = ("attributes", "group", "mode", "owner", "selevel", "serole", "setype", "seuser", "unsafe_writes")


class Stopped(BaseException):
    """A module has told its arguments."""


def documented(names):
    """{full name: options} of the modules that ansible-doc knows."""
    done = subprocess.run(["ansible-doc", "-j", *names], capture_output=True, text=True, check=True)
    return {name: entry["doc"] for name, entry in json.loads(done.stdout).items()}


def accepted(name):
    """What the module hands to AnsibleModule: (options, rules, whether it has check mode), or None when it has no program of its own."""
    from ansible.module_utils import basic
    collection, short = name.rsplit(".", 1)
    home = "ansible.modules" if collection == "ansible.builtin" else f"ansible_collections.{collection}.plugins.modules"
    try:
        module = importlib.import_module(f"{home}.{short}")
    except ImportError:
        return None
    if not hasattr(module, "main"):
        return None
    told = {}

    def tell(self, argument_spec, *positional, **named):
        told.update(named, argument_spec=argument_spec)
        raise Stopped

    genuine, basic.AnsibleModule.__init__ = basic.AnsibleModule.__init__, tell
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            module.main()
    except BaseException:  # what a module does about arguments it never got is no matter here
        pass
    finally:
        basic.AnsibleModule.__init__ = genuine
    return told or None


def plain(value):
    """Defaults as JSON knows them."""
    if isinstance(value, (list, tuple, set)):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    return value if value is None or isinstance(value, (str, int, float, bool)) else str(value)


def option(entry, members):
    """One option, without what is at its usual value."""
    kind = entry.get("type") or "str"
    out = {"type": kind if isinstance(kind, str) else "raw"}
    for field in FIELDS[1:]:
        value = plain(entry.get(field))
        if field == "default" and field in entry and value is not None or value not in (None, False, [], {}):
            out[field] = value
    if entry.get("no_log"):
        out["secret"] = True
    if members:
        out["options"] = {name: option(member, member.get("suboptions") or member.get("options"))
                          for name, member in sorted(members.items()) if not name.startswith("_")}
    return out


def options(documents, told):
    """The options of a module, by name."""
    out = {name: option(entry, entry.get("suboptions")) for name, entry in documents.items()}
    for name, entry in (told or {}).get("argument_spec", {}).items():
        # Some are documented under what the program calls an alias.
        for alias in entry.get("aliases") or []:
            out.pop(alias, None)
        if not name.startswith("_"):
            out[name] = option(entry, entry.get("options"))
            # An option without a type may be one in the documentation that an action plugin sees to.
            if entry.get("type") is None and name in documents:
                out[name]["type"] = documents[name].get("type") or "str"
    if (told or {}).get("add_file_common_args"):
        for name in FILE_OPTIONS:
            out.setdefault(name, {"type": {"mode": "raw", "unsafe_writes": "bool"}.get(name, "str")})
    return dict(sorted(out.items()))


def recorded(names):
    known = documented(names)
    out = {}
    for name in sorted(known):
        told = accepted(name)
        entry = {"options": options(known[name].get("options") or {}, told)}
        if told is None:
            entry["documented_only"] = True
        else:
            entry["check_mode"] = bool(told.get("supports_check_mode"))
            rules = {rule: plain(told[rule]) for rule in RULES if told.get(rule)}
            if rules:
                entry["rules"] = rules
        out[name] = entry
    return out


def version():
    from ansible.release import __version__
    return __version__


def text(record):
    """JSON with one option in a line, so that a new version of Ansible reads as a diff."""
    lines = [f'{{"ansible-core": {json.dumps(version())}, "modules": {{']
    for name, entry in record.items():
        lines.append(f"{json.dumps(name)}: {{")
        for key in ("documented_only", "check_mode", "rules"):
            if key in entry:
                lines.append(f" {json.dumps(key)}: {json.dumps(entry[key])},")
        lines.append(' "options": {')
        lines.append(",\n".join(f"  {json.dumps(option)}: {json.dumps(what)}" for option, what in entry["options"].items()))
        lines.append("}},")
    lines[-1] = "}}"
    return "\n".join([*lines, "}}"]) + "\n"


def main():
    if sys.argv[1:] == ["--version"]:
        print(version())
        return
    names, path = json.load(sys.stdin), pathlib.Path(sys.argv[1])
    path.write_text(text(recorded(names)))


if __name__ == "__main__":
    main()
