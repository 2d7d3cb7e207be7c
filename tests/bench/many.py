"""Many hosts on one machine, which run their sshd and the tasks on the same cores as the controller; and one in fifty of them
stopped (SIGSTOP): it takes connections and says nothing."""
import os
import signal
import statistics

import amounts
import bench_site
import engines
import floor
from report import Report


def arguments(parser):
    parser.add_argument("--tasks", type=amounts.count, default=15)
    parser.add_argument("--stopped", type=amounts.count, metavar="HOSTS", help="how many are stopped (one in fifty)")
    parser.set_defaults(gpustack_only=True)


def stopped_hosts(names, count):
    """`count` of the names, spread over all of them."""
    return names[len(names) // count // 2::len(names) // count][:count] if count else []


class Many:
    def __init__(self, place, given):
        self.place, self.given = place, given
        self.fleet = place.light_fleet("many", given.hosts)
        self.way = place.way(self.fleet)
        self.engine = engines.gpustack(place.binaries, given.forks)
        self.playbook = bench_site.write(place.folder / "site", given.tasks)[given.tasks]
        self.with_events = engines.with_events(place.binaries, given.forks)
        self.runs, self.seconds = {}, {}

    def keep(self, row, used):
        self.runs.setdefault(row, []).append(used)
        print(f"  {row:20}{used.wall_s:8.2f} s wall {used.cpu_s:8.2f} s CPU", flush=True)

    def apply(self, row, expect, lost=()):
        log = self.place.log(row.replace(" ", "-"))
        # What the hosts use is not counted: reading it of so many processes takes longer than a run.
        used = engines.apply(self.engine, self.way, self.playbook, log, self.place.limit_s, lost=frozenset(lost), counts_hosts=False)
        if lost:
            used.changed = {host: count for host, count in used.changed.items() if host not in lost}
        self.keep(row, expect(self.engine, used))

    def time_of_others(self, row, lost):
        """How long the hosts need that are not lost, whatever the others do."""
        used = engines.start(self.with_events, self.way, self.playbook, self.place.log(row.replace(" ", "-")), self.place.limit_s)
        seconds = engines.seconds_of_hosts(used.text, set(self.fleet.names) - set(lost))
        self.seconds.setdefault(row, []).append(seconds)
        print(f"  {row:20}{seconds:8.2f} s", flush=True)

    def signal(self, names, number):
        for name in names:
            os.kill(self.fleet.data["hosts"][name]["pid"], number)

    def measure(self):
        stopped = stopped_hosts(self.fleet.names, max(1, self.given.hosts // 50) if self.given.stopped is None else self.given.stopped)
        self.apply("first apply", engines.expect_first)
        for _ in range(self.given.repeats):
            self.apply("second apply", engines.expect_unchanged)
            self.keep("connections", floor.connections(self.way, self.given.forks, self.place.limit_s, self.place.log("connections")))
            if stopped:
                self.time_of_others("others, none stopped", stopped)
                self.signal(stopped, signal.SIGSTOP)
                try:
                    self.time_of_others("others, some stopped", stopped)
                    self.apply("some stopped", engines.expect_unchanged, stopped)
                finally:
                    self.signal(stopped, signal.SIGCONT)
        return stopped


def run(place, given):
    many = Many(place, given)
    print(f"  {given.hosts} hosts are up", flush=True)
    stopped = many.measure()
    on = f"{given.hosts} hosts in one network namespace, {given.tasks} tasks, {given.forks} forks, direct"
    made = Report(f"{given.hosts} hosts", place.machine(False))
    for row, runs in many.runs.items():
        made.row(row, floor.NAME if row == "connections" else "gpustack", runs, given.hosts, on)
    second = many.runs["second apply"]
    made.ratio("second apply / bare connections", second, many.runs["connections"], on)
    made.figure("controller's peak memory", max(used.peak_mib for row in many.runs if row != "connections" for used in many.runs[row]), "MiB", on)
    if stopped:
        made.ratio("some stopped / none", many.runs["some stopped"], second, f"{len(stopped)} of {on}")
        none, some = many.seconds["others, none stopped"], many.seconds["others, some stopped"]
        ratios = [slow / fast for fast, slow in zip(none, some)]
        made.figure("time of the other hosts, some stopped / none", statistics.median(ratios), "x", f"{len(stopped)} of {on}", ratios)
        added = [slow.wall_s - fast.wall_s for fast, slow in zip(second, many.runs["some stopped"])]
        made.figure("wall time added by stopped hosts", statistics.median(added), "s", f"{len(stopped)} of {on}", added)
    return made
