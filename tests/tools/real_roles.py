#!/usr/bin/python3
"""Roles that others wrote, through gpustack and through ansible-playbook, on twin hosts with systemd.

  real_roles.py DIR [--only ROLE...] [--output FOLDER]

DIR holds the roles as ansible-galaxy lays them out: geerlingguy.NAME, and ansible_collections/devsec/hardening. A role that is
not there is told as missing. Each one is linted, planned (--check), applied and applied again by either engine on a host of its
own, two Debian 12 roots that are the same. Compared are the recaps, the state of every task and, in the end, the files in /etc and
the units that run. Exit status: 0 all is equal, 1 something differs, 5 nothing to do.
"""
import argparse
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import hosts as test_hosts  # noqa: E402
import package_repository  # noqa: E402
from role_cases import CASES  # noqa: E402

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BINARY = pathlib.Path(os.environ.get("GPUSTACK_BINARY_DIR", SOURCE / "build")) / "bin/gpustack"
TWINS = {"ansible": "twina", "gpustack": "twing"}
CONTENT = "http://10.88.0.1:8080"
STEPS = {"check": ["--check"], "run": [], "second run": []}
WORDS = {"ok": "ok", "changed": "changed", "skipping": "skipped", "fatal": "failed", "failed": "failed", "included": "included"}
# Differs between two machines, or between two moments, whoever set them up.
VOLATILE = re.compile(r"^(hostname|hosts|mailname|machine-id|resolv\.conf|ld\.so\.cache|\.pwd\.lock|ssh/ssh_host.*|ssh/gpustack.*|ssh/moduli"
                      r"|shadow-?|gshadow-?|passwd-|group-|subuid-|subgid-|mtab|systemd/system|\.updated|apt/.*~|ssl/certs.*|fstab)$")
# Differs on purpose: docs/differences.md says why.
ON_PURPOSE = {"timezone"}


def plain(text):
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def tasks(output):
    """[(task, [state of each host line])] in the order of a run's output."""
    found = []
    for line in plain(output).splitlines():
        start = re.match(r"(?:TASK|RUNNING HANDLER) \[(.*)\] \*", line)
        state = re.match(r"(ok|changed|skipping|fatal|failed|included): ", line)
        if start:
            found.append((start.group(1), []))
        elif state and found:
            found[-1][1].append(WORDS[state.group(1)])
        elif line.startswith("...ignoring") and found:
            found[-1][1].append("ignored")
    return found


def recap(output):
    """The counts of the only host, those that are not zero; None without a recap."""
    line = re.search(r"^\S+\s+: (ok=\d+.*?)\s*$", plain(output), re.MULTILINE)
    return {word: int(number) for word, number in re.findall(r"(\w+)=(\d+)", line.group(1)) if int(number)} if line else None


def shown(counts):
    return "none" if counts is None else " ".join(f"{word}={number}" for word, number in counts.items())


def differences(theirs, ours):
    """Lines that tell where two runs part."""
    lines = []
    if recap(theirs) != recap(ours):
        lines.append(f"recap: ansible {shown(recap(theirs))}; gpustack {shown(recap(ours))}")
    mine, other = tasks(ours), tasks(theirs)
    for number in range(max(len(mine), len(other))):
        left = other[number] if number < len(other) else ("(nothing)", [])
        right = mine[number] if number < len(mine) else ("(nothing)", [])
        if left != right:
            lines.append(f"task {number + 1}: ansible [{left[0]}] {' '.join(left[1])}; gpustack [{right[0]}] {' '.join(right[1])}")
        if left[0] != right[0]:
            break
    return lines


class Trial:
    """One role on its twins."""

    def __init__(self, name, case, folder, work):
        self.name, self.case, self.folder, self.work = name, case, folder, work
        self.lines = []

    def write_site(self, key_digest):
        text = json.dumps(self.case.get("vars", {}))
        variables = json.loads(text.replace("CONTENT", CONTENT).replace("KEY_DIGEST", key_digest))
        play = {"hosts": "all", "become": True, "vars": variables, "roles": [self.case.get("role", self.name)]}
        if "before" in self.case:
            play["pre_tasks"] = self.case["before"]
        (self.work / "site.yml").write_text(json.dumps([play], indent=1))

    def command(self, engine, *arguments):
        search = {"ANSIBLE_ROLES_PATH": str(self.folder), "ANSIBLE_COLLECTIONS_PATH": f"{self.folder}:/usr/lib/python3/dist-packages",
                  "HOME": str(self.work), "LC_ALL": "C.UTF-8"}
        if engine == "ansible":
            return ["/usr/bin/ansible-playbook", *arguments], {**os.environ, **search, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_PIPELINING": "1",
                                                              "ANSIBLE_PYTHON_INTERPRETER": "/usr/bin/python3",
                                                              "PATH": "/usr/bin:/bin:/usr/sbin:/sbin"}
        verb = [] if arguments[0] == "lint" else ["apply", "--output", "ansible"]
        return [str(BINARY), *verb, *arguments], {**os.environ, **search, "NO_COLOR": "1", "GPUSTACK_PERSIST": "false"}

    def lint(self):
        command, environment = self.command("gpustack", "lint", str(self.work / "site.yml"))
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        (self.work / "lint.txt").write_text(done.stdout + done.stderr)
        if done.returncode != 0:
            self.lines += [line for line in done.stderr.splitlines() if line.startswith("error")]
        return "clean" if done.returncode == 0 else f"exit {done.returncode}"

    def step(self, fleet, step):
        """Both engines once; returns a cell for each, and whether they agree."""
        outputs = {}
        for engine, host in TWINS.items():
            command, environment = self.command(engine, "site.yml", "-i", "inventory.ini", "--limit", host, *STEPS[step])
            done = fleet.exec(*command, cwd=self.work, env=environment, capture_output=True, text=True, timeout=900)
            outputs[engine] = done.stdout + done.stderr
            (self.work / f"{step.replace(' ', '-')}-{engine}.txt").write_text(outputs[engine])
        found = differences(outputs["ansible"], outputs["gpustack"])
        self.lines += [f"{step}: {line}" for line in found]
        return recap(outputs["ansible"]), recap(outputs["gpustack"]), not found

    def end_state(self, fleet):
        """What differs between the twins afterwards."""
        found = []
        roots = {engine: etc_entries(fleet, host) for engine, host in TWINS.items()}
        for path in sorted(set(roots["ansible"]) | set(roots["gpustack"])):
            if path not in ON_PURPOSE and roots["ansible"].get(path) != roots["gpustack"].get(path):
                found.append(f"/etc/{path}: ansible {roots['ansible'].get(path)}; gpustack {roots['gpustack'].get(path)}")
        units = {engine: running_units(fleet, host) for engine, host in TWINS.items()}
        for unit in sorted(units["ansible"] ^ units["gpustack"]):
            found.append(f"{unit} runs with {'ansible' if unit in units['ansible'] else 'gpustack'} alone")
        self.lines += [f"end: {line}" for line in found]
        return not found

    def run(self):
        """The row of the table: {column: cell}, and whether the engines agree."""
        agree = True
        specs = [test_hosts.HostSpec(host, kind="booted", files=self.case.get("files")) for host in TWINS.values()]
        with test_hosts.Hosts(self.work / "fleet").up(specs) as fleet:
            content, key_digest = serve(fleet, self.work / "content", self.case.get("packages", []))
            self.write_site(key_digest)
            write_inventory(fleet, self.work)
            row = {"lint": self.lint()}
            agree = row["lint"] == "clean"
            try:
                for step in STEPS:
                    theirs, ours, same = self.step(fleet, step)
                    row[step] = shown(theirs) if same and theirs == ours else f"ANSIBLE {shown(theirs)} / GPUSTACK {shown(ours)}"
                    agree = agree and same
            finally:
                content.kill()
                content.wait()
            same = self.end_state(fleet)
            row["end state"] = "equal" if same else "DIFFERS"
        return row, agree and same


def write_inventory(fleet, work):
    """As a user who becomes root, as hardened hosts want it."""
    hosts = "".join(f"{name} ansible_host={fleet.address(name)}\n" for name in TWINS.values())
    (work / "inventory.ini").write_text(
        f"{hosts}\n[all:vars]\nansible_user=deploy\nansible_ssh_private_key_file={fleet.state}/id_ed25519\n"
        f"ansible_ssh_common_args='-o UserKnownHostsFile={fleet.state}/known_hosts'\n")


def serve(fleet, folder, packages):
    """Starts what stands for a site of the outside, a signed apt source at CONTENT/debian; and the digest of its key."""
    flat = folder / "debian"
    flat.mkdir(parents=True)
    digest = ""
    if packages:
        key = package_repository.SigningKey(folder.parent / "gnupg")
        package_repository.build(flat, [package_repository.Package(name, architecture="amd64", files=files) for name, files in packages])
        key.sign(flat, "stands for the outside")
        (flat / "gpg").write_text(key.public())
        digest = hashlib.sha256(key.public().encode()).hexdigest()
        key.stop()
    server = fleet.popen("/usr/bin/python3", "-m", "http.server", "8080", "--bind", "10.88.0.1", "--directory", str(folder),
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return server, digest


def etc_entries(fleet, host):
    entries = test_hosts.tree_entries(fleet.root(host) / "etc")
    return {path: entry for path, entry in entries.items() if not VOLATILE.match(path)}


def running_units(fleet, host):
    done = fleet.exec_in(host, "systemctl", "list-units", "--type=service", "--state=running", "--no-legend", "--plain", capture_output=True, text=True)
    # timedated and its like come when they are asked, and go by themselves.
    return {line.split()[0] for line in done.stdout.splitlines() if not re.match(r"systemd-\w+d\.service", line)}


def print_table(rows):
    columns = ["role", "lint", *STEPS, "end state"]
    widths = [max(len(column), *(len(row[column]) for row in rows)) for column in columns]
    for row in [dict(zip(columns, columns)), *rows]:
        print("  ".join(row[column].ljust(width) for column, width in zip(columns, widths)).rstrip())


def main():
    parser = argparse.ArgumentParser(description="Roles that others wrote, through both engines")
    parser.add_argument("roles", type=pathlib.Path)
    parser.add_argument("--only", nargs="+", default=list(CASES), choices=list(CASES))
    parser.add_argument("--output", type=pathlib.Path, help="keep the engines' outputs in this folder")
    arguments = parser.parse_args()
    reason = test_hosts.why_not(("booted",))
    if reason is not None or not arguments.roles.is_dir():
        print(f"real_roles.py: {reason or f'{arguments.roles} is no folder'}", file=sys.stderr)
        return 5
    rows, status = [], 0
    for name in arguments.only:
        case = CASES[name]
        if not (arguments.roles / case["path"]).is_dir():
            print(f"{name}: missing, there is no {arguments.roles / case['path']}", flush=True)
            continue
        work = pathlib.Path(tempfile.mkdtemp(prefix="gpustack-role-"))
        trial = Trial(name, case, arguments.roles.resolve(), work)
        try:
            row, agree = trial.run()
        finally:
            if arguments.output:
                keep(work, arguments.output / name)
            shutil.rmtree(work, ignore_errors=True)
        rows.append({"role": name, **row})
        status = status or (0 if agree else 1)
        print(f"{name}: {'equal' if agree else 'differs'}", *("  " + line for line in trial.lines), sep="\n", flush=True)
    if not rows:
        print(f"real_roles.py: {arguments.roles} holds none of the roles", file=sys.stderr)
        return 5
    print_table(rows)
    return status


def keep(work, folder):
    folder.mkdir(parents=True, exist_ok=True)
    for path in [*work.glob("*.txt"), work / "site.yml"]:
        if path.exists():
            shutil.copy(path, folder)


if __name__ == "__main__":
    sys.exit(main())
