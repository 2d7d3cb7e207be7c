#!/usr/bin/python3
"""Benchmarks on real hosts: sshd, address and root of their own, on this machine.

  bench.py BIN [VERB] [--quick] [OPTION...]      bench.py BIN VERB --help lists a verb's options

  (none)    first and second apply beside ansible-playbook and beside bare ssh
  tasks     240 tasks beside 15, second apply
  delay     round trips: a link of 50 ms beside one of 0, second apply of 15 and of 240 tasks
  many      500 hosts; and one in 50 of them stopped
  content   an unchanged file of 500 MB over 20 Mbit/s: seconds, and bytes on the wire
  facts     facts of a host, beside ansible-playbook
  transfers files on their way, large and small: seconds, bytes, memory
  warm      second apply over the connections that the first one has left

BIN is the folder with gpustack and its runners. Wall time is the median of the repeats, a ratio the median of the
repeats' ratios; CPU is the controller's, with its children. Writes VERB.json and VERB.svg; --quick: three hosts, one repeat.
"""
import argparse
import importlib.util
import os
import pathlib
import resource
import shutil
import signal
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import amounts  # noqa: E402
import chart  # noqa: E402
import fleet  # noqa: E402
import place  # noqa: E402

SOURCE = pathlib.Path(__file__).resolve().parents[2]
# The module of each verb: arguments(parser), run(place, given) -> Report.
VERBS = {"compare": "compare", "tasks": "tasks", "delay": "delay", "many": "many", "content": "content", "facts": "facts",
         "transfers": "transfers", "warm": "warm"}
HOSTS = {"many": 500, "content": 1, "facts": 1, "transfers": 1}  # 10 elsewhere


def parse(words):
    """@return the verb's name, its module, its options"""
    verb = words.pop(1) if len(words) > 1 and words[1] in VERBS else "compare"
    module = importlib.import_module(VERBS[verb])
    parser = argparse.ArgumentParser(prog="bench", description=module.__doc__ if verb != "compare" else __doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binaries")
    parser.add_argument("--quick", action="store_true", help="few hosts, one repeat")
    parser.add_argument("--hosts", type=amounts.count)
    parser.add_argument("--repeats", type=amounts.count)
    parser.add_argument("--forks", type=amounts.count, help="hosts worked on at once; all of them, and 50 at most, unless told")
    parser.add_argument("--limit", type=amounts.count, default=900, metavar="SECONDS", help="for each measurement (%(default)s)")
    parser.add_argument("--output", type=pathlib.Path, default=SOURCE / f"build/bench/{verb}.json")
    parser.add_argument("--chart", type=pathlib.Path, help="FILE.svg; beside the output unless told")
    module.arguments(parser)
    if len(words) > 1 and not words[1].startswith("-"):
        parser.error(f"expected one of {', '.join(sorted(set(VERBS) - {'compare'}))}, or an option; found '{words[1]}'")
    given = parser.parse_args(words)
    given.hosts = given.hosts or min(HOSTS.get(verb, 10), 3 if given.quick else 500)
    given.repeats = given.repeats or (1 if given.quick else 3)
    given.forks = given.forks or min(50, given.hosts)
    given.chart = given.chart or given.output.with_suffix(".svg")
    return module, given


def why_not(given):
    if (reason := fleet.hosts.why_not()) is not None:
        return reason
    if shutil.which("ansible-playbook") is None and not getattr(given, "gpustack_only", False):
        return "needs the program ansible-playbook"
    if "mitogen" in getattr(given, "beside", []) and importlib.util.find_spec("ansible_mitogen") is None:
        return "needs the package ansible-mitogen"
    return None


def main():
    module, given = parse(sys.argv[1:])
    if (reason := why_not(given)) is not None:
        raise SystemExit(f"bench: {reason}")
    # A connection is two of them in a relay, and some in gpustack.
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    # Hosts must not outlive the benchmark, nor where a shell has Ctrl-C ignored.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGINT, signal.default_int_handler)
    print(f"{given.hosts} hosts, {given.forks} forks, {os.cpu_count()} cores", flush=True)
    try:
        with place.Place(given.binaries, given.limit) as where:
            report = module.run(where, given)
    except KeyboardInterrupt:
        return 130
    print("\n" + report.text())
    given.output.parent.mkdir(parents=True, exist_ok=True)
    given.output.write_text(report.json())
    given.chart.write_text(chart.svg(report))
    print(f"written to {given.output} and {given.chart}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
