"""What files cost on their way: large ones, those that shrink and those that do not, folders of small ones, and fetched ones; with the
bytes on the wire and the peak memory of both sides."""
import os
import pathlib
import random
import shutil
import statistics
import threading

import amounts
import engines
import measure
from report import Report

MB = 1_000_000
LOOK_S = 0.05


def arguments(parser):
    parser.add_argument("--rows", nargs="+", default=list(ROWS), choices=list(ROWS), metavar="NAME", help="of: %(choices)s")
    parser.add_argument("--size", type=amounts.count, default=200, metavar="MB", help="of the large file (%(default)s)")
    parser.add_argument("--medium", type=amounts.count, default=50, metavar="MB", help="of the files on the slow link (%(default)s)")
    parser.add_argument("--files", type=amounts.count, default=10_000, metavar="COUNT", help="in the folder (%(default)s)")
    parser.add_argument("--mbit", type=amounts.amount, default=20, help="rate of the slow link, each way (%(default)s)")
    parser.set_defaults(gpustack_only=True)


def write_noise(path, size):
    """Bytes that do not shrink."""
    with open(path, "wb") as file:
        for _ in range(0, size, MB):
            file.write(os.urandom(MB))


def write_text(path, size):
    """A log: lines of words, numbers and times."""
    choose, words = random.Random(1), [f"word{number}" for number in range(500)]
    with open(path, "w") as file:
        while file.tell() < size:
            file.write("".join(f"2026-01-02T03:04:{choose.random() * 60:09.6f} {' '.join(choose.choices(words, k=9))} "
                               f"id={choose.getrandbits(32)}\n" for _ in range(5000)))
        file.truncate(size)


def write_folder(path, count):
    """Small files in folders of a hundred, each with bytes of its own."""
    choose = random.Random(2)
    for number in range(count):
        folder = path / f"d{number // 100:03}"
        folder.mkdir(parents=True, exist_ok=True)
        text = "".join(f"option_{choose.getrandbits(20)} = {choose.getrandbits(40)}\n" for _ in range(choose.randrange(5, 60)))
        (folder / f"file{number:05}.conf").write_text(text)


class Runners:
    """The most memory that a runner of these hosts has used."""

    def __init__(self, fleet):
        self.spaces = {os.readlink(f"/proc/{host['pid']}/ns/pid") for host in fleet.data["hosts"].values()}
        self.peak_mib, self.stopping = 0.0, threading.Event()
        self.thread = threading.Thread(target=self.look, daemon=True)

    def look(self):
        while not self.stopping.wait(LOOK_S):
            for entry in filter(str.isdigit, os.listdir("/proc")):
                try:
                    if b"\0serve\0" in pathlib.Path(f"/proc/{entry}/cmdline").read_bytes() and os.readlink(f"/proc/{entry}/ns/pid") in self.spaces:
                        self.peak_mib = max(self.peak_mib, measure.peak_mib(int(entry)) or 0)
                except OSError:
                    pass  # it has ended

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.thread.join()


class Site:
    """One host, a fast and a slow way to it, and a report that fills up."""

    def __init__(self, place, given):
        self.place, self.given = place, given
        self.engine = engines.gpustack(place.binaries, given.forks)
        self.fleet = place.fleet("gpustack", 1)
        (self.host,) = self.fleet.names
        self.fast, self.slow = place.slow_way(self.fleet, 0), place.slow_way(self.fleet, 0, given.mbit)
        self.fast.title = "no limit"
        self.folder = place.folder / "site"
        (self.folder / "files").mkdir(parents=True)
        self.report = Report("Files on their way", place.machine(False))
        self.number = 0
        self.apply("ping:", self.fast)  # places the runner

    def apply(self, task, way):
        self.number += 1
        playbook = self.folder / f"site{self.number}.yml"
        playbook.write_text(f"- hosts: all\n  gather_facts: false\n  tasks:\n    - name: Task\n      {task}\n")
        before = way.counts()
        with Runners(self.fleet) as runners:
            used = engines.apply(self.engine, way, playbook, self.place.log(f"run{self.number}"), self.place.limit_s)
        used.runner_mib = runners.peak_mib
        used.bytes = {key: count - before[key] for key, count in way.counts().items()}
        return used

    def measure(self, name, task, way, prepare=None, changed=1):
        """Repeats one task. @param prepare  is called before each"""
        runs = []
        for _ in range(self.given.repeats):
            if prepare is not None:
                prepare()
            runs.append(used := self.apply(task, way))
            if used.changed[self.host] != changed:
                raise SystemExit(f"bench: {name} changed {used.changed}, expected {changed}\n{used.text[-2000:]}")
        on = way.title
        self.report.row(name, "gpustack", runs, 1, on)
        for key, words in (("to_hosts", "bytes to the host"), ("from_hosts", "bytes from the host")):
            each = [used.bytes[key] for used in runs]
            self.report.figure(f"{name}: {words}", statistics.median(each), "bytes", on, each)
        each = [used.runner_mib for used in runs]
        self.report.figure(f"{name}: runner's peak memory", max(each), "MiB", on, each)
        print(f"  {name:32}{runs[-1].wall_s:8.2f} s {runs[-1].cpu_s:7.2f} s CPU {runs[-1].peak_mib:6.0f} MiB, runner {runs[-1].runner_mib:5.0f} MiB, "
              f"{runs[-1].bytes['to_hosts']:11} + {runs[-1].bytes['from_hosts']} bytes", flush=True)

    def on_host(self, path):
        return self.fleet.state / self.host / "merged" / path.lstrip("/")

    def forget(self, path):
        target = self.on_host(path)
        if target.is_dir():
            shutil.rmtree(target)
        else:
            target.unlink(missing_ok=True)


def runner(site):
    """The runner itself: placed once."""
    site.measure("runner is missing", "ping:", site.slow, lambda: site.forget("/root/.cache/gpustack"), changed=0)
    site.measure("runner is there", "ping:", site.slow, changed=0)


def large(site):
    write_noise(site.folder / "files/large", site.given.size * MB)
    task = "copy: {src: large, dest: /opt/large}"
    site.measure(f"{site.given.size} MB, changed", task, site.fast, lambda: site.forget("/opt/large"))
    site.measure(f"{site.given.size} MB, unchanged", task, site.slow, changed=0)


def medium(site):
    for name, write in (("noise", write_noise), ("text", write_text)):
        write(site.folder / f"files/{name}", site.given.medium * MB)
        site.measure(f"{site.given.medium} MB of {name}", f"copy: {{src: {name}, dest: /opt/{name}}}", site.slow,
                     lambda name=name: site.forget(f"/opt/{name}"))


def fast_text(site):
    write_text(site.folder / "files/fast_text", site.given.size * MB)
    site.measure(f"{site.given.size} MB of text", "copy: {src: fast_text, dest: /opt/fast_text}", site.fast,
                 lambda: site.forget("/opt/fast_text"))


def folder(site):
    write_folder(site.folder / "files/tree", site.given.files)
    task = "copy: {src: tree/, dest: /opt/tree/}"
    name = f"{site.given.files} files"
    site.measure(f"{name}, first", task, site.fast, lambda: site.forget("/opt/tree"))
    site.measure(f"{name}, second", task, site.fast, changed=0)
    site.measure(f"{name}, second, slow", task, site.slow, changed=0)
    one = site.folder / "files/tree/d000/file00007.conf"
    site.measure(f"{name}, one differs", task, site.slow, lambda: one.write_text(f"{os.urandom(9).hex()}\n"))


def fetch(site):
    write_noise(site.on_host("/opt/fetched"), site.given.size * MB)
    task = "fetch: {src: /opt/fetched, dest: ./fetched, flat: true}"
    place = site.folder / "fetched"
    site.measure(f"fetch {site.given.size} MB, first", task, site.fast, lambda: place.unlink(missing_ok=True))
    site.measure(f"fetch {site.given.size} MB, second", task, site.fast, changed=0)
    write_text(site.on_host("/opt/log"), site.given.medium * MB)
    site.measure(f"fetch {site.given.medium} MB of text", "fetch: {src: /opt/log, dest: ./log, flat: true}", site.slow,
                 lambda: (site.folder / "log").unlink(missing_ok=True))


ROWS = {"runner": runner, "large": large, "medium": medium, "text": fast_text, "folder": folder, "fetch": fetch}


def run(place, given):
    site = Site(place, given)
    for name in given.rows:
        ROWS[name](site)
    return site.report
