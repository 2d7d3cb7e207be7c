"""Where a benchmark takes place: its folder, and the hosts and links that it started, which all end with it."""
import contextlib
import os
import pathlib
import platform
import shutil
import signal
import subprocess
import tempfile

import fleet as fleets
import light_fleet

RELAY = pathlib.Path(__file__).resolve().parents[2] / "build/release/bin/bench_relay"


def version_of(command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[0]


class Place:
    def __init__(self, binaries, limit_s):
        self.binaries, self.limit_s = pathlib.Path(binaries).resolve(), limit_s
        self.fleets, self.ways = [], []
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="gpustack-bench-"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}  # a second Ctrl-C
        with contextlib.ExitStack() as last:  # goes on where one of them fails
            for number, handler in before.items():
                last.callback(signal.signal, number, handler)
            last.callback(shutil.rmtree, self.folder, ignore_errors=True)
            for one in self.fleets:
                last.callback(self.drop, one)

    def log(self, name):
        return self.folder / f"{name}.log"

    def fleet(self, name, count):
        """Fresh hosts."""
        one = fleets.Fleet(self.folder / name)
        self.fleets.append(one)
        return one.up([fleets.hosts.HostSpec(f"host{number:02}") for number in range(count)])

    def light_fleet(self, name, count):
        """Fresh hosts, by the hundred."""
        one = light_fleet.LightFleet(self.folder / name)
        self.fleets.append(one)
        return one.up([f"host{number:03}" for number in range(count)])

    def way(self, fleet, delay_ms=0, mbit=0):
        """To the hosts: at once, or over a link. @param delay_ms  one way"""
        return self.slow_way(fleet, delay_ms, mbit) if delay_ms or mbit else self.keep(fleets.Way(fleet))

    def slow_way(self, fleet, delay_ms, mbit=0):
        return self.keep(fleets.SlowWay(RELAY, fleet, delay_ms, mbit))

    def keep(self, way):
        self.ways.append(way)
        return way

    def drop(self, fleet):
        """Ends hosts and the ways to them."""
        for way in [way for way in self.ways if way.fleet is fleet]:
            self.ways.remove(way)
            way.close()
        fleet.down()
        self.fleets.remove(fleet)

    def machine(self, has_ansible):
        return {"cores": os.cpu_count(), "kernel": platform.release(), "machine": platform.machine(),
                "gpustack": version_of([str(self.binaries / "gpustack"), "--version"]),
                **({"ansible": version_of(["ansible-playbook", "--version"])} if has_ansible else {})}
