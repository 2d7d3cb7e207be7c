"""gpustack beside ansible-playbook and beside bare ssh: the same tasks on the same kind of hosts, in the same run.

Each repeat starts fresh hosts for each engine, applies the site once, which changes everything, and once more, which changes
nothing. No ratio is printed when the hosts of the engines differ in any path's kind, mode, owner or content.
"""
import argparse
import shutil

import amounts
import bench_site
import end_state
import engines
import floor
from report import Report

ROWS = ("first", "second", "floor")
ORDER = ("first", "second", "connections", "same writes")
NEEDS_ANSIBLE = {"first", "second"}


def names_of_others(text):
    names = text.split(",")
    if not set(names) <= set(engines.OTHERS):
        raise argparse.ArgumentTypeError(f"expected some of {', '.join(engines.OTHERS)} with commas between them, found '{text}'")
    return names


def arguments(parser):
    parser.add_argument("--rows", default=",".join(ROWS), help="some of first, second, floor; with floor alone ansible-playbook is left out")
    parser.add_argument("--gpustack-only", action="store_true", help="no comparison, for work on gpustack itself")
    parser.add_argument("--beside", type=names_of_others, default=["ansible"], metavar="ENGINES",
                        help="some of ansible (tuned), mitogen (its strategy, tuned), untuned (as it is installed, which takes several times as long)")
    parser.add_argument("--tasks", type=amounts.count, default=60)
    parser.add_argument("--delay", type=amounts.amount, default=0, metavar="MS", help="of the link to the hosts, each way")
    parser.add_argument("--mbit", type=amounts.amount, default=0, help="rate of the link to each host, each way")


class Comparison:
    def __init__(self, place, given):
        self.place, self.given = place, given
        self.rows = set(given.rows.split(","))
        if not self.rows <= set(ROWS):
            raise SystemExit(f"bench: --rows: expected some of {', '.join(ROWS)}, found '{given.rows}'")
        self.runs = {}  # {(row, engine): [Usage]}
        self.reference = end_state.Reference()
        self.playbook = bench_site.write(place.folder / "site", given.tasks)[given.tasks]

    def engines(self):
        ours = engines.gpustack(self.place.binaries, self.given.forks)
        if self.given.gpustack_only or not self.rows & NEEDS_ANSIBLE:
            return [ours]
        return [*(engines.OTHERS[name](self.given.forks) for name in self.given.beside), ours]

    def keep(self, row, engine, used):
        self.runs.setdefault((row, engine), []).append(used)
        print(f"  {row:14}{engine:10}{used.wall_s:8.2f} s wall {used.cpu_s:8.2f} s CPU", flush=True)

    def start(self, name):
        """@return fleet, way, {host: what was written before}"""
        fleet = self.place.fleet(name, self.given.hosts)
        return fleet, self.place.way(fleet, self.given.delay, self.given.mbit), {host: end_state.written(fleet, host) for host in fleet.names}

    def both_passes(self, engine, number):
        """On fresh hosts. @return their fleet and what was written on it before"""
        fleet, way, before = self.start(f"{engine.name}{number}")
        for row, expect in (("first", engines.expect_first), ("second", engines.expect_unchanged)):
            used = engines.apply(engine, way, self.playbook, self.place.log(f"{engine.name}{number}-{row}"), self.place.limit_s)
            self.keep(row, engine.name, expect(engine, used))
        if engine.name == "gpustack" and "floor" in self.rows:
            log = self.place.log(f"connections{number}")
            self.keep("connections", floor.NAME, floor.connections(way, self.given.forks, self.place.limit_s, log))
        return fleet, before

    def same_writes(self, number):
        """The files of the reference, made by one command on each of fresh hosts."""
        _, made, before = self.reference.first
        archives = floor.pack(made, before, self.place.folder / f"archives{number}")
        fleet, way, empty = self.start(f"writes{number}")
        self.keep("same writes", floor.NAME, floor.writes(way, archives, self.given.forks, self.place.limit_s, self.place.log(f"writes{number}")))
        shutil.rmtree(archives)
        return fleet, empty

    def check(self, name, fleet, before):
        if not self.reference.check(name, fleet, before):
            self.place.drop(fleet)

    def measure(self):
        for number in range(self.given.repeats):
            for engine in self.engines():
                self.check(engine.name, *self.both_passes(engine, number))
            if "floor" in self.rows:
                self.check(floor.NAME, *self.same_writes(number))

    def report(self):
        given, has_ansible = self.given, len(self.engines()) > 1
        link = f"round trip {2 * given.delay:g} ms" if given.delay or given.mbit else "direct"
        on = f"{given.hosts} hosts, {given.tasks} tasks, {given.forks} forks, {link}"
        made = Report("gpustack and ansible-playbook" if has_ansible else "gpustack", self.place.machine(has_ansible))
        for (row, engine), runs in sorted(self.runs.items(), key=lambda item: ORDER.index(item[0][0])):
            made.row(f"{row} apply" if row in ("first", "second") else row, engine, runs, given.hosts, on)
        for row in ("first", "second"):
            for name in given.beside:
                if (row, name) in self.runs:
                    made.ratio(f"{row} apply: {name} / gpustack", self.runs[row, name], self.runs[row, "gpustack"], on)
        if "floor" in self.rows:
            made.ratio("second apply / bare connections", self.runs["second", "gpustack"], self.runs["connections", floor.NAME], on)
            made.ratio("first apply / same writes over ssh", self.runs["first", "gpustack"], self.runs["same writes", floor.NAME], on)
        return made


def run(place, given):
    comparison = Comparison(place, given)
    comparison.measure()
    if comparison.reference.compared:
        print(f"end states: equal on all {given.hosts} hosts in every repeat", flush=True)
    return comparison.report()
