"""A large file that is on the host already, over a slow link: seconds, and bytes on the wire, beside ansible-playbook.

A second task writes a small file, so that there is an end state to compare.
"""
import os
import shutil
import statistics

import amounts
import end_state
import engines
from report import Report

MIB = 1 << 20
PLAYBOOK = """- hosts: all
  gather_facts: false
  tasks:
    - name: Large
      copy: {src: large, dest: /opt/large, mode: "0644"}
    - name: Small
      copy: {content: "seen", dest: /opt/small, mode: "0644"}
"""


def arguments(parser):
    parser.add_argument("--size", type=amounts.count, default=500, metavar="MB", help="of the file (%(default)s)")
    parser.add_argument("--mbit", type=amounts.amount, default=20, help="rate of the link, each way (%(default)s)")
    parser.add_argument("--delay", type=amounts.amount, default=0, metavar="MS", help="of the link, each way")
    parser.add_argument("--gpustack-only", action="store_true")


def write_site(folder, size_mb):
    (folder / "files").mkdir(parents=True)
    block = os.urandom(MIB)
    with open(folder / "files/large", "wb") as large:
        for number in range(size_mb):
            large.write(number.to_bytes(8, "little") + block[:999_992])
    playbook = folder / "site.yml"
    playbook.write_text(PLAYBOOK)
    return playbook


class Wire:
    """One engine and its hosts, which have the large file; what it places there is there, too."""

    def __init__(self, place, given, engine, playbook):
        self.place, self.engine, self.playbook = place, engine, playbook
        self.fleet = place.fleet(engine.name, given.hosts)
        for host in self.fleet.names:
            target = self.fleet.state / host / "merged/opt/large"
            target.parent.mkdir(exist_ok=True)
            shutil.copyfile(playbook.parent / "files/large", target)
            target.chmod(0o644)
        self.before = {host: end_state.written(self.fleet, host) for host in self.fleet.names}
        self.way = place.slow_way(self.fleet, given.delay, given.mbit)
        self.runs, self.counts = [], []
        first = self.apply(place.way(self.fleet))
        if any(count != 1 for count in first.changed.values()):
            raise SystemExit(f"bench: {engine.name} changed {first.changed} where only the small file was to change")

    def apply(self, way):
        log = self.place.log(f"{self.engine.name}{len(self.runs)}")
        return engines.apply(self.engine, way, self.playbook, log, self.place.limit_s)

    def measure(self):
        before = self.way.counts()
        used = engines.expect_unchanged(self.engine, self.apply(self.way))
        after = self.way.counts()
        self.runs.append(used)
        self.counts.append({key: after[key] - before[key] for key in after})
        total = self.counts[-1]["to_hosts"] + self.counts[-1]["from_hosts"]
        print(f"  {self.engine.name:10}{used.wall_s:8.2f} s wall {used.cpu_s:8.2f} s CPU {total:10} bytes", flush=True)


def run(place, given):
    playbook = write_site(place.folder / "site", given.size)
    chosen = [engines.gpustack(place.binaries, given.forks)]
    if not given.gpustack_only:
        chosen.insert(0, engines.ansible(given.forks))
    reference, wires = end_state.Reference(), {}
    for engine in chosen:
        wire = wires[engine.name] = Wire(place, given, engine, playbook)
        reference.check(engine.name, wire.fleet, wire.before)
    for _ in range(given.repeats):
        for wire in wires.values():
            wire.measure()
    on = f"{given.hosts} hosts, {given.size} MB unchanged, {wire.way.title}"
    made = Report(f"A file of {given.size} MB that is there", place.machine(len(chosen) > 1))
    for name, wire in wires.items():
        made.row("second apply", name, wire.runs, given.hosts, on)
        for key, words in (("to_hosts", "to each host"), ("from_hosts", "from each host")):
            each = [counts[key] / given.hosts for counts in wire.counts]
            made.figure(f"{name}: bytes {words}", statistics.median(each), "bytes", on, each)
    if len(chosen) > 1:
        made.ratio("second apply: ansible / gpustack", wires["ansible"].runs, wires["gpustack"].runs, on)
    return made
