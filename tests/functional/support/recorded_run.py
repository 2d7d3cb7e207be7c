"""The shipped roles on recorded hosts (tests/fixtures/hosts), through the built gpustack and fixture_runner: no host, no root."""
import collections
import difflib
import json
import os
import pathlib
import subprocess
import tempfile

SOURCE = pathlib.Path(os.environ.get("GPUSTACK_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[3]))
BUILD = pathlib.Path(os.environ.get("GPUSTACK_BINARY_DIR", SOURCE / "build/release"))
FIXTURES = SOURCE / "tests/fixtures/hosts"
ALL_HOSTS = sorted(path.name for path in FIXTURES.iterdir() if path.is_dir())


def facts_of(host):
    return json.loads((FIXTURES / host / ".gpustack-fixture/expect.json").read_text())


class Task:
    """What a task did on a host: outcome (ok, changed, failed, skipped), the module's result, and its name without the role's."""

    def __init__(self, event):
        self.role, _, self.name = event["task"].rpartition(" : ")
        self.action = event.get("action", "").rpartition(".")[2]
        self.outcome, self.result = event["outcome"], event.get("result", {})

    @property
    def message(self):
        message = self.result.get("msg", "")
        return message if isinstance(message, str) else json.dumps(message)


class Play:
    """One pass of the roles over a host."""

    def __init__(self):
        self.tasks = []

    def by(self, outcome):
        return [task for task in self.tasks if task.outcome == outcome]

    @property
    def failure(self):
        """The message of the task that ended it, or None."""
        failed = self.by("failed")
        return failed[-1].message if failed else None

    @property
    def notes(self):
        return [task.message for task in self.tasks if task.action == "debug" and task.outcome == "ok"]

    @property
    def packages(self):
        """Names of packages that were (or would be) installed, changed or removed."""
        return [package["name"] for task in self.tasks for package in task.result.get("packages") or [] if isinstance(package, dict)]

    @property
    def files(self):
        """{path: text} of files that were (or would be) written."""
        found = {}
        for task in self.by("changed"):
            for part in diffs_of(task):
                if isinstance(part.get("after"), str) and part.get("after_header", "").startswith("/"):
                    found[part["after_header"]] = part["after"]
        return found

    @property
    def held(self):
        """Names of packages that are (or would be) held at their version."""
        return [name for task in self.by("changed") if task.action == "dpkg_selections" for part in diffs_of(task)
                for name, selection in part.get("after", {}).items() if selection == "hold"]

    @property
    def commands(self):
        """Words of commands that ran as changes."""
        return [" ".join(words) if isinstance(words, list) else words for task in self.by("changed") if (words := task.result.get("cmd"))]


def scenes(table, **options):
    """@param table  {scene: (recorded host, variables)}  @return {scene: [Play, …]}, all in one run"""
    return run(sorted(table), {scene: {"scene_host": host, **variables} for scene, (host, variables) in table.items()}, **options)


class OnRecordedHosts:
    """What tables of scenes share: `plays` holds each one's two passes."""

    def play(self, scene):
        return self.plays[scene][0]

    def files(self, scene):
        self.assertIsNone(self.play(scene).failure)
        return self.play(scene).files

    def names(self, scene):
        self.assertIsNone(self.play(scene).failure)
        return self.play(scene).packages

    def refusal(self, scene, start):
        play = self.play(scene)
        self.assertTrue((play.failure or "").startswith(start), f"{scene}: {play.failure}")
        self.assertEqual([], [task.name for task in play.by("changed")])
        return play.failure

    def test_a_second_run_changes_nothing(self):
        for scene, (first, second) in self.plays.items():
            with self.subTest(scene):
                self.assertEqual([], [task.name for task in second.by("changed")])
                if first.failure is None:  # a host that failed takes no part in the second play
                    self.assertIsNone(second.failure)


def diffs_of(task):
    parts = task.result.get("diff") or []
    return [part for part in (parts if isinstance(parts, list) else [parts]) if part]


def run(hosts, variables=None, check=True, times=1, roles=("hardware/gpu", "containers/runtime"), environment=None, with_facts=False):
    """Runs the roles `times` times over each host, in one run.
    @param variables  {host: {name: value}}, or one map for all
    @param environment  more for the controller and its runner
    @param with_facts  each host has a variable scene_gpustack, which takes the place of its platform facts
    @return {host: [Play, …]}"""
    with tempfile.TemporaryDirectory(prefix="gpustack-recorded-") as name:
        top = pathlib.Path(name)
        (top / "runners").mkdir()
        (top / "runners" / f"gpustack-runner-{os.uname().machine}").symlink_to(BUILD / "bin/fixture_runner")
        (top / "gpustack.yml").write_text(f"runners: {top}/runners\n")
        each = variables if variables and set(variables) <= set(hosts) else {host: variables or {} for host in hosts}
        inventory = {"all": {"hosts": {host: each.get(host, {}) for host in hosts}, "vars": {"ansible_connection": "local"}}}
        (top / "inventory.json").write_text(json.dumps(inventory))
        site = [{"name": str(number), "hosts": "all", "environment": {"GPUSTACK_FIXTURE": "{{ scene_host | default(inventory_hostname) }}"},
                 "pre_tasks": [{"set_fact": {"cacheable": True, "gpustack": "{{ scene_gpustack }}"}}] if with_facts else [],
                 "roles": list(roles)} for number in range(times)]
        (top / "site.json").write_text(json.dumps(site))
        command = [str(BUILD / "bin/gpustack"), "apply", "site.json", "-i", "inventory.json", "--diff", "--output", "json",
                   "--roles-path", str(SOURCE / "roles"), *(["--check"] if check else [])]
        done = subprocess.run(command, cwd=top, capture_output=True, text=True, timeout=300,
                              env={"HOME": str(top), "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "GPUSTACK_PERSIST": "false", **(environment or {})})
    plays = {host: collections.defaultdict(Play) for host in hosts}
    for line in done.stdout.splitlines():
        event = json.loads(line) if line.startswith("{") else {}
        if event.get("event") in ("host_result", "item_result") and event["task"] != "Gathering Facts":
            plays[event["host"]][event["play"]].tasks.append(Task(event))
        elif event.get("event") == "host_result" and event["outcome"] == "failed":
            raise AssertionError(f"no facts of {event['host']}: {event['result']}")
    if not any(plays.values()):
        raise AssertionError(f"nothing ran:\n{done.stdout}{done.stderr}")
    return {host: [plays[host][str(number)] for number in range(times)] for host in hosts}


def text_of(play):
    """A plan as a person reads it: changes with their packages, files and settings, notes, and how it ended."""
    lines, role, heading = [], None, None
    for task in play.tasks:
        shown = lines_of(task)
        if not shown:
            continue
        if task.role != role:
            role = task.role
            lines += ["", role]
        lines += shown[1:] if shown[0] == heading and len(shown) > 1 else shown  # items of a loop
        heading = shown[0]
    return lines


def lines_of(task):
    if task.outcome == "failed":
        return [f"  refused   {task.name}", f"      {task.message.strip()}"]
    if task.action == "debug" and task.outcome == "ok":
        return [f"  note      {task.message.strip()}"]
    if task.outcome == "skipped" and "check mode" in task.message:
        return [f"  would run {task.name}"]
    if task.outcome != "changed" or not (task.result.get("diff") or task.result.get("cmd") or not task.result.get("results")):
        return []
    lines = [f"  change    {task.name}"]
    words = task.result.get("cmd")
    if words:
        lines.append("      $ " + (" ".join(words) if isinstance(words, list) else words))
    for part in diffs_of(task):
        lines += part_lines(part)
    return lines


def part_lines(part):
    before, after = part.get("before"), part.get("after")
    if isinstance(before, dict) or isinstance(after, dict):
        before, after = before or {}, after or {}
        return [f"      {key}: {before.get(key)} -> {value}" for key, value in after.items() if before.get(key) != value]
    lines = [f"      {part.get('after_header', '')}"]
    for line in difflib.ndiff((before or "").splitlines(), (after or "").splitlines()):
        if line[0] in "+-":
            lines.append(f"        {line}".rstrip())
    return lines
