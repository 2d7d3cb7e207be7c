#!/usr/bin/python3
"""gpustack beside ansible-playbook: the same 60 tasks on the same kind of hosts, in the same run.

  bench.py BIN [--quick] [--hosts N] [--repeats N] [--ansible-repeats N] [--forks N] [--output FILE]

BIN is the folder with gpustack and its runners. Each repeat starts fresh hosts of its own (tests/tools/hosts.py, kind native),
applies the site once, which changes everything, and once more, which changes nothing. ansible-playbook gets pipelining,
multiplexed ssh connections that stay open, known host keys and no fact gathering. Wall time is the median of the repeats; CPU
is the controller's, with its children. No ratio is printed when the hosts of the engines differ in any path's kind, mode,
owner or content. --quick: three hosts, one repeat.
"""
import argparse
import json
import os
import pathlib
import platform
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools"))
import hosts  # noqa: E402
import end_state  # noqa: E402
import site_of_60_tasks  # noqa: E402

SOURCE = pathlib.Path(__file__).resolve().parents[2]
PASSES = ("first apply", "second apply")


class Engine:
    """How one engine is started, and in which environment."""

    def __init__(self, name, command, environment):
        self.name, self.command, self.environment = name, command, environment


def gpustack(binaries, forks):
    program = pathlib.Path(binaries).resolve() / "gpustack"
    return Engine("gpustack", [str(program), "apply", "site.yml", "--forks", str(forks), "--output", "ansible"], {})


def ansible(forks):
    return Engine("ansible", ["ansible-playbook", "site.yml", "--forks", str(forks)], {
        "ANSIBLE_PIPELINING": "True", "ANSIBLE_HOST_KEY_CHECKING": "True", "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_SSH_ARGS": "-C -o ControlMaster=auto -o ControlPersist=60s", "ANSIBLE_RETRY_FILES_ENABLED": "False"})


class Bench:
    def __init__(self, folder, names):
        self.folder, self.names, self.fleets = folder, names, []
        self.site = folder / "site"
        site_of_60_tasks.write(self.site)

    def start_hosts(self, name):
        fleet = hosts.Hosts(self.folder / name).up([hosts.HostSpec(host) for host in self.names])
        self.fleets.append(fleet)
        with open(fleet.state / "inventory.ini", "a") as inventory:
            inventory.write("ansible_python_interpreter=/usr/bin/python3\n")  # spares Ansible the search
        return fleet

    def stop_hosts(self, *fleets):
        for fleet in fleets:
            self.fleets.remove(fleet)
            fleet.down()

    def apply(self, engine, fleet, log):
        """One apply. @return wall and CPU seconds, memory, {host: changed}"""
        home = fleet.state / "home"
        home.mkdir(exist_ok=True)
        environment = dict(os.environ, HOME=str(home), LC_ALL="C.UTF-8", ANSIBLE_HOME=str(home / ".ansible"), **engine.environment)
        with open(log, "w") as out:
            begin = time.monotonic()
            # `ip netns exec` becomes the command: what wait4 says is the engine's own.
            process = fleet.popen(*engine.command, "-i", str(fleet.state / "inventory.ini"), cwd=self.site, env=environment,
                                  stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT)
            _, status, usage = os.wait4(process.pid, 0)
            wall = time.monotonic() - begin
            process.returncode = os.waitstatus_to_exitcode(status)
        text = log.read_text()
        if process.returncode != 0:
            raise SystemExit(f"bench: {engine.name} ended with {process.returncode}:\n{text[-2000:]}")
        changed = {host: int(count) for host, count in re.findall(r"^(\S+)\s+: ok=\d+\s+changed=(\d+)", text, re.MULTILINE)}
        if sorted(changed) != sorted(self.names):
            raise SystemExit(f"bench: {engine.name} reports {sorted(changed)}, expected {self.names}")
        return {"wall_s": wall, "cpu_s": usage.ru_utime + usage.ru_stime, "peak_mib": usage.ru_maxrss / 1024, "changed": changed}

    def repeat(self, engine, number):
        """Both passes on fresh hosts. @return (fleet, its state before, {pass: measurement})"""
        fleet = self.start_hosts(f"{engine.name}{number}")
        before = {name: end_state.written(fleet, name) for name in self.names}
        rows = {}
        for title in PASSES:
            rows[title] = self.apply(engine, fleet, self.folder / f"{engine.name}{number}-{title.split()[0]}.log")
            row = rows[title]
            print(f"  {engine.name:8} {title:12} {row['wall_s']:8.2f} s wall {row['cpu_s']:8.2f} s CPU", flush=True)
        if any(rows["first apply"]["changed"][name] == 0 for name in self.names):
            raise SystemExit(f"bench: {engine.name} changed nothing in its first apply")
        if any(rows["second apply"]["changed"].values()):
            raise SystemExit(f"bench: {engine.name} changed something in its second apply: {rows['second apply']['changed']}")
        return fleet, before, rows


def median(rows, title, key):
    return statistics.median(row[title][key] for row in rows)


def summary(measured):
    """The table as text lines, and the figures for the file."""
    figures = {}
    lines = [f"{'':14}{'':10}{'wall s':>9}{'CPU s':>9}{'MiB':>7}  repeats"]
    for title in PASSES:
        for name, rows in measured.items():
            wall, cpu, peak = (median(rows, title, key) for key in ("wall_s", "cpu_s", "peak_mib"))
            each = " ".join(f"{row[title]['wall_s']:.2f}" for row in rows)
            lines.append(f"{title:14}{name:10}{wall:9.2f}{cpu:9.2f}{peak:7.0f}  {each}")
            figures.setdefault(title, {})[name] = {"wall_s": round(wall, 3), "cpu_s": round(cpu, 3), "peak_mib": round(peak, 1),
                                                   "repeats_wall_s": [round(row[title]["wall_s"], 3) for row in rows]}
        ours, theirs = figures[title]["gpustack"], figures[title]["ansible"]
        figures[title]["wall_ratio"] = round(theirs["wall_s"] / ours["wall_s"], 1)
        figures[title]["cpu_ratio"] = round(theirs["cpu_s"] / ours["cpu_s"], 1)
        lines.append(f"{title:14}{'ratio':10}{figures[title]['wall_ratio']:8.1f}x{figures[title]['cpu_ratio']:8.1f}x")
    return lines, figures


def version_of(command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[0]


def main():
    parser = argparse.ArgumentParser(description="time gpustack beside ansible-playbook")
    parser.add_argument("binaries")
    parser.add_argument("--quick", action="store_true", help="three hosts, one repeat")
    parser.add_argument("--hosts", type=int)
    parser.add_argument("--repeats", type=int)
    parser.add_argument("--ansible-repeats", type=int, default=1)
    parser.add_argument("--forks", type=int, default=10)
    parser.add_argument("--output", type=pathlib.Path, default=SOURCE / "build/bench/result.json")
    parser.add_argument("--gpustack-only", action="store_true", help="no comparison, for work on gpustack itself")
    chosen = parser.parse_args()
    reason = hosts.why_not() or (None if shutil.which("ansible-playbook") or chosen.gpustack_only else "needs the program ansible-playbook")
    if reason:
        raise SystemExit(f"bench: {reason}")
    count = chosen.hosts or (3 if chosen.quick else 10)
    repeats = chosen.repeats or (1 if chosen.quick else 3)
    names = [f"host{number:02}" for number in range(count)]
    engines = [(gpustack(chosen.binaries, chosen.forks), repeats)]
    if not chosen.gpustack_only:
        engines.insert(0, (ansible(chosen.forks), chosen.ansible_repeats))
    folder = pathlib.Path(tempfile.mkdtemp(prefix="gpustack-bench-"))
    print(f"{site_of_60_tasks.COUNT} tasks on {count} hosts, {chosen.forks} forks, {os.cpu_count()} cores", flush=True)
    measured, reference = {}, None
    bench = Bench(folder, names)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # hosts must not outlive the benchmark
    try:
        for engine, times in engines:
            for number in range(times):
                fleet, before, rows = bench.repeat(engine, number)
                measured.setdefault(engine.name, []).append(rows)
                if reference is None:
                    reference = (engine.name, fleet, before)
                    continue
                difference = end_state.difference(reference, (engine.name, fleet, before), names)
                if difference:
                    raise SystemExit(f"bench: no ratio, the end states differ: {difference}")
                bench.stop_hosts(fleet)
    finally:
        bench.stop_hosts(*bench.fleets)
        shutil.rmtree(folder, ignore_errors=True)
    if chosen.gpustack_only:
        return 0
    lines, figures = summary(measured)
    print("\n" + "\n".join(lines))
    print(f"end states: equal on all {count} hosts in every repeat")
    result = {"tasks": site_of_60_tasks.COUNT, "hosts": count, "forks": chosen.forks, "cores": os.cpu_count(), "kernel": platform.release(),
              "machine": platform.machine(), "ansible": version_of(["ansible-playbook", "--version"]),
              "gpustack": version_of([str(pathlib.Path(chosen.binaries) / "gpustack"), "--version"]), "end_states_equal": True, **figures}
    chosen.output.parent.mkdir(parents=True, exist_ok=True)
    chosen.output.write_text(json.dumps(result, indent=1) + "\n")
    print(f"written to {chosen.output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
