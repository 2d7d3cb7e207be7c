"""Where our modules' options differ from those recorded of Ansible, on purpose, and how the two are compared.

A key is MODULE.OPTION, or OPTION for all modules, with what differs behind it (`default`, `type`, `choices`, …); or `MODULE rule names`.
An entry that explains nothing any more fails the test.
"""

# Names in Ansible's documentation that are no arguments.
NO_ARGUMENTS = {
    "free_form": "the text behind the module's name",
    "free-form": "the text behind the module's name",
    "key_value": "stands for any name",
    "others": "stands for the arguments of files",
}

EXPLAINED = {
    "apk rule name, update_cache, upgrade": "checked when the module runs, as defaults count as given",
    "apt rule autoremove, deb, package, update_cache, upgrade": "never broken in Ansible: defaults count as given",
    "at.script_file type": "`~` and variables are expanded here, too",
    "capabilities.path type": "`~` and variables are expanded here, too",
    "copy.content type": "data becomes JSON before it is sent",
    "copy.remote_src default": "absent means false",
    "dnf rule list, name, update_cache": "never broken in Ansible: defaults count as given",
    "docker_container.pull default": "absent means false",
    "docker_container.pull type": "the words of newer collections are taken, too",
    "find.paths elements": "Ansible expands `~` in them, too",
    "firewalld.icmp_block_inversion type": "Ansible takes the text for a truth value",
    "firewalld.masquerade type": "Ansible takes the text for a truth value",
    "iptables.match_set_flags choices": "checked when the module runs: choices with commas in them",
    "locale_gen.name type": "several names may be given",
    "nmcli.state choices": "up and down of newer collections are taken, too",
    "package_facts.manager choices": "package databases that Ansible reads with libraries of Python are refused",
    "pam_limits.dest type": "`~` and variables are expanded here, too",
    "podman_image.build default": "absent means empty",
    "podman_image.push_args default": "absent means empty",
    "replace.encoding choices": "encodings of which Python knows more",
    "selinux.configfile type": "`~` and variables are expanded here, too",
    "service rule enabled, state": "what only systemd takes is enough, too",
    "service.arguments default": "absent means empty",
    "service.runlevel default": "a run level has no effect, and a warning says so",
    "service.name required": "systemd is told to read its units again without one, as Ansible allows where systemd runs",
    "service.use choices": "service managers that Linux hosts do not have are refused",
    "sudoers.sudoers_path type": "`~` and variables are expanded here, too",
    "timezone rule hwclock, name": "`name` is required",
    "timezone.name required": "nothing else can be set here",
    "unsafe_writes default": "ANSIBLE_UNSAFE_WRITES of the environment decides when it is absent, as in Ansible",
    "uri.url required": "Ansible fails without it, too",
    "user.ssh_key_comment default": "made of the host's name",
    "xml rule add_children, content, count, pretty_print, print_match, set_children, value": "checked when the module runs, as defaults count as given",
    "xml rule add_children, content, count, print_match, set_children, value": "checked when the module runs, as defaults count as given",
    **{f"{module}.{option} default": "DOCKER_HOST and so on decide when it is absent, as in Ansible"
       for module in ("docker_container", "docker_image", "docker_login", "docker_network", "docker_volume")
       for option in ("docker_host", "timeout", "tls", "validate_certs")},
}

BOOLEANS = {"yes": True, "true": True, "on": True, "1": True, "no": False, "false": False, "off": False, "0": False}


def explained(fault):
    """The key that explains a fault, or None."""
    return next((key for key in (fault, fault.split(".", 1)[-1]) if key in EXPLAINED), None)


def normal(value, kind):
    """A default as it counts, whatever it is written as."""
    if value is None:
        return None
    if kind == "bool":
        return BOOLEANS.get(str(value).lower(), value)
    if kind == "list":
        return [str(item) for item in (value if isinstance(value, list) else str(value).split(","))]
    return value if kind == "dict" else str(value)


def compared_fields(mine, theirs, documented_only):
    """(field, whether it agrees) of one option."""
    if not documented_only:
        yield "type", mine["type"] == theirs["type"]
        if theirs["type"] == "list" and mine["type"] == "list":
            yield "elements", mine["elements"] == theirs.get("elements", "raw")
        yield "required", bool(mine.get("required")) == bool(theirs.get("required"))
        yield "default", normal(mine.get("default"), mine["type"]) == normal(theirs.get("default"), mine["type"])
        # Values that we lack are refused by name; values of ours alone, or values that nobody checks, are something else.
        listed = {str(choice) for choice in mine.get("choices", [])}
        wanted = {str(choice) for choice in theirs.get("choices", [])}
        yield "choices", (listed <= wanted and bool(listed) == bool(wanted)) or mine["type"] == "bool"
    yield "aliases", set(mine.get("aliases", [])) >= set(theirs.get("aliases", []))


def option_faults(owner, arguments, entry, options):
    """What does not agree: MODULE.OPTION and the field."""
    known = {argument["name"]: argument for argument in arguments}
    for name, theirs in options.items():
        if name in NO_ARGUMENTS:
            continue
        mine = known.get(name)
        if mine is None:
            yield f"{owner}.{name} is neither supported nor refused"
            continue
        for field, agrees in compared_fields(mine, theirs, entry.get("documented_only")):
            if not agrees:
                yield f"{owner}.{name} {field}"
        if "options" in theirs and "refused" not in mine:
            yield from option_faults(f"{owner}.{name}", mine.get("options", []), entry, theirs["options"])


def their_rules(rules):
    """Ansible's rules as (kind, deciding option, its value, names)."""
    for kind, group in rules.items():
        if kind == "required_by":
            for when, names in group.items():
                yield kind, when, "", frozenset([names] if isinstance(names, str) else names)
        elif kind == "required_if":
            for when, value, names, *_ in group:
                yield kind, when, str(value).lower(), frozenset(names)
        else:
            for names in [group] if group and isinstance(group[0], str) else group:
                yield kind, "", "", frozenset(names)


def rule_faults(module, rules):
    """Rules of Ansible's that we do not have."""
    ours = {(rule["kind"], rule.get("when", ""), str(rule.get("equals", "")).lower(), frozenset(rule["names"])) for rule in module["rules"]}
    for kind, when, value, names in their_rules(rules):
        if (kind, when, value, names) not in ours:
            yield f"{module['name']} rule {', '.join(sorted(names))}"


def faults(module, entry):
    """Everything in which a module differs from Ansible's."""
    yield from option_faults(module["name"], module["arguments"], entry, entry["options"])
    yield from rule_faults(module, entry.get("rules", {}))
    if entry.get("check_mode") and module["check_mode"] == "none":
        yield f"{module['name']} check mode"
