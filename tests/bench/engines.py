"""How the engines are started, and one apply of a playbook by one of them."""
import datetime
import json
import os
import pathlib
import re
import subprocess

import measure


class Engine:
    """How one engine is started, and in which environment."""

    def __init__(self, name, command, environment=None):
        self.name, self.command, self.environment = name, command, environment or {}


def gpustack(binaries, forks):
    program = pathlib.Path(binaries).resolve() / "gpustack"
    return Engine("gpustack", [str(program), "apply", "--forks", str(forks), "--output", "ansible"])


def ansible(forks):
    """With what makes it fast: pipelining, connections that stay open, known host keys, a fork for each host."""
    return Engine("ansible", ["ansible-playbook", "--forks", str(forks)], {
        "ANSIBLE_PIPELINING": "True", "ANSIBLE_HOST_KEY_CHECKING": "True", "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_SSH_ARGS": "-C -o ControlMaster=auto -o ControlPersist=60s", "ANSIBLE_RETRY_FILES_ENABLED": "False"})


def mitogen(forks):
    """ansible-playbook with Mitogen's strategy, which keeps one Python running on each host and sends it the tasks."""
    tuned = ansible(forks)
    return Engine("mitogen", tuned.command, {**tuned.environment, "ANSIBLE_STRATEGY": "mitogen_linear"})


def untuned_ansible(_):
    """As it is installed: a connection for 60 seconds, five forks, a file on the host for each task."""
    return Engine("untuned", ["ansible-playbook"], {"ANSIBLE_HOST_KEY_CHECKING": "True", "ANSIBLE_NOCOLOR": "1"})


OTHERS = {"ansible": ansible, "mitogen": mitogen, "untuned": untuned_ansible}


def with_events(binaries, forks):
    """gpustack, printing a line of JSON for each event."""
    words = gpustack(binaries, forks).command
    return Engine("gpustack", [*words[:-1], "json"])


def seconds_of_hosts(text, hosts):
    """From the first event to the last result of these hosts, by the times when they came about."""
    events = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    times = [datetime.datetime.fromisoformat(event["time"]) for event in events if event.get("host") in hosts and event["event"] == "host_result"]
    if len({event["host"] for event in events if event.get("host") in hosts}) != len(hosts):
        raise SystemExit("bench: not every host told a result")
    return (max(times) - datetime.datetime.fromisoformat(events[0]["time"])).total_seconds()


def recap(text, word):
    """{host: count} of one column of the recap."""
    return {host: int(count) for host, count in re.findall(rf"^(\S+)\s+: ok=\d+.*?\b{word}=(\d+)", text, re.MULTILINE)}


def start(engine, way, playbook, log, limit_s):
    """@return measure.Usage of one apply, whatever it said"""
    fleet = way.fleet
    home = fleet.state / "home"
    home.mkdir(exist_ok=True)
    environment = dict(os.environ, HOME=str(home), LC_ALL="C.UTF-8", ANSIBLE_HOME=str(home / ".ansible"), **engine.environment)
    words = [*engine.command, "-i", str(way.inventory), playbook.name]
    # `ip netns exec` becomes the command: what is measured is the engine's own.
    return measure.run(lambda **options: fleet.popen(*words, cwd=playbook.parent, env=environment, stdin=subprocess.DEVNULL, **options),
                       limit_s, log)


def apply(engine, way, playbook, log, limit_s, lost=frozenset(), counts_hosts=True):
    """@param lost  hosts that cannot be reached, which are then expected to be so
    @return measure.Usage with what changed
    @raise SystemExit  when the run did not do what it should"""
    fleet = way.fleet
    before = fleet.cpu_s() if counts_hosts else 0
    used = start(engine, way, playbook, log, limit_s)
    if counts_hosts:
        used.hosts_cpu_s = fleet.cpu_s() - before
    used.changed = recap(used.text, "changed")
    used.unreachable = {host for host, count in recap(used.text, "unreachable").items() if count}
    if used.unreachable != set(lost) or used.code != (4 if lost else 0):
        raise SystemExit(f"bench: {engine.name} ended with {used.code}, unreachable: {sorted(used.unreachable)}:\n{used.text[-2000:]}")
    if sorted(used.changed) != sorted(way.addresses):
        raise SystemExit(f"bench: {engine.name} reports {sorted(used.changed)}, expected {sorted(way.addresses)}")
    return used


def expect_first(engine, used):
    if not all(used.changed.values()):
        raise SystemExit(f"bench: {engine.name} changed nothing in its first apply on {[h for h, n in used.changed.items() if n == 0]}")
    return used


def expect_unchanged(engine, used):
    if any(used.changed.values()):
        raise SystemExit(f"bench: {engine.name} changed something in its second apply: {used.changed}")
    return used
