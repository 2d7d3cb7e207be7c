"""What Ansible's own Templar makes of the template cases."""

import json
import os
import pathlib
import sys

# Where passlib is installed, for another test, password_hash takes it, with other rounds than crypt's.
sys.modules["passlib"] = None
os.environ.setdefault("ANSIBLE_DEPRECATION_WARNINGS", "False")
os.environ.setdefault("ANSIBLE_LOCALHOST_WARNING", "False")
os.environ.setdefault("ANSIBLE_DEVEL_WARNING", "False")

import yaml

CASES = pathlib.Path(__file__).parent / "cases"


def load_cases():
    """Every template with the settings of its group, in the order of the files."""
    cases = []
    for path in sorted(CASES.glob("*.yml")):
        for group in yaml.safe_load(path.read_text()):
            for number, template in enumerate(group["templates"]):
                case = {key: group[key] for key in ("vars", "mode", "lookup", "files", "native") if key in group}
                case["template"] = template
                case["id"] = f"{path.stem}/{group['name']}/{number}"
                cases.append(case)
    return cases


def plain(value):
    """JSON's types only; what Python prints for anything else."""
    if isinstance(value, dict):
        return {plain_key(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return sorted((plain(item) for item in value), key=repr)
    if value is None or isinstance(value, (bool, int, float)):
        return value
    return str(value)


def plain_key(key):
    if isinstance(key, str):
        return str(key)
    if key is None or isinstance(key, (bool, int, float)):
        return json.loads(json.dumps({key: 0}).replace(": 0}", "}").replace("{", "[").replace("}", "]"))[0]
    return str(key)


class Oracle:
    """@raise ImportError without ansible-core"""

    def __init__(self):
        from ansible.parsing.dataloader import DataLoader
        from ansible.playbook.conditional import Conditional
        from ansible.plugins.loader import lookup_loader
        from ansible.template import AnsibleNativeEnvironment, Templar
        from ansible.utils.listify import listify_lookup_plugin_terms

        self.loader = DataLoader()
        self.conditional = Conditional
        self.lookups = lookup_loader
        self.templar = Templar
        self.native_environment = AnsibleNativeEnvironment
        self.listify = listify_lookup_plugin_terms

    def answer(self, case):
        try:
            return {"value": plain(self.value(case))}
        except Exception as error:  # the kind of failure is Ansible's own affair
            return {"error": f"{type(error).__name__}: {error}"}

    def value(self, case):
        variables = dict(case.get("vars") or {})
        templar = self.templar(loader=self.loader, variables=variables)
        if case.get("native"):
            templar = templar.copy_with_new_env(environment_class=self.native_environment)
        mode = case.get("mode", "value")
        if mode == "text":
            return templar.do_template(case["template"], preserve_trailing_newlines=True, escape_backslashes=False)
        if mode == "condition":
            condition = self.conditional(loader=self.loader)
            condition.when = [case["template"]]
            return bool(condition.evaluate_conditional(templar, variables))
        if mode == "loop":
            terms = self.listify(case["template"], templar)
            lookup = self.lookups.get(case["lookup"], loader=self.loader, templar=templar)
            return lookup.run(terms, variables=variables, wantlist=True)
        return templar.template(case["template"])
