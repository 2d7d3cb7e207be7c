"""Second apply of an unchanged site: with a login for each host (cold), and over the connections that the apply before it has left (warm)."""
import os
import subprocess
import time

import amounts
import bench_site
import engines
import floor
from report import Report

PAUSE_S = 1  # between two applies, for both kinds: the holder starts the next runners when a run is over


def arguments(parser):
    parser.add_argument("--tasks", type=amounts.count, default=15)
    parser.add_argument("--full-hosts", action="store_true", help="hosts with a network namespace of their own")
    parser.set_defaults(gpustack_only=True)


class Warm:
    def __init__(self, place, given):
        self.place, self.given = place, given
        self.fleet = place.fleet("warm", given.hosts) if given.full_hosts else place.light_fleet("warm", given.hosts)
        self.way = place.way(self.fleet)
        self.playbook = bench_site.write(place.folder / "site", given.tasks)[given.tasks]
        self.runs = {}
        self.folder = self.fleet.state / "run"
        self.folder.mkdir(mode=0o700)

    def engine(self, persist):
        engine = engines.gpustack(self.place.binaries, self.given.forks)
        engine.environment = {"GPUSTACK_PERSIST": persist, "XDG_RUNTIME_DIR": str(self.folder)}
        return engine

    def apply(self, row, persist, expect):
        time.sleep(PAUSE_S)
        engine = self.engine(persist)
        log = self.place.log(row.replace(" ", "-"))
        # What the hosts use is not counted: reading it of so many processes takes longer than a run.
        used = expect(engine, engines.apply(engine, self.way, self.playbook, log, self.place.limit_s, counts_hosts=False))
        self.runs.setdefault(row, []).append(used)
        print(f"  {row:24}{used.wall_s:8.3f} s wall {used.cpu_s:8.3f} s CPU", flush=True)

    def connections(self, *words):
        environment = dict(os.environ, **self.engine("60").environment)
        done = self.fleet.popen(str(self.place.binaries / "gpustack"), "connections", *words, env=environment, stdout=subprocess.PIPE, text=True)
        return done.communicate(timeout=60)[0]

    def expect_held(self):
        held = self.connections().count(" port ")
        if held != self.given.hosts:
            raise SystemExit(f"bench: {held} connections are held, expected {self.given.hosts}")

    def measure(self):
        self.apply("first apply", "false", engines.expect_first)
        try:
            for _ in range(self.given.repeats):
                self.apply("second apply, cold", "false", engines.expect_unchanged)
                self.apply("that leaves connections", "60", engines.expect_unchanged)
                self.expect_held()
                self.apply("second apply, warm", "60", engines.expect_unchanged)
                self.expect_held()
                self.connections("--close")
                self.runs.setdefault("bare connections", []).append(
                    floor.connections(self.way, self.given.forks, self.place.limit_s, self.place.log("connections")))
        finally:
            self.connections("--close")


def run(place, given):
    warm = Warm(place, given)
    print(f"  {given.hosts} hosts are up", flush=True)
    warm.measure()
    on = f"{given.hosts} hosts, {given.tasks} tasks, {given.forks} forks, direct"
    made = Report(f"warm connections, {given.hosts} hosts", place.machine(False))
    for row, runs in warm.runs.items():
        made.row(row, floor.NAME if row == "bare connections" else "gpustack", runs, given.hosts, on)
    made.ratio("warm / cold second apply", warm.runs["second apply, warm"], warm.runs["second apply, cold"], on)
    made.ratio("apply that leaves connections / one that closes them", warm.runs["that leaves connections"], warm.runs["second apply, cold"], on)
    return made
