"""How often a run waits for its hosts: the second apply over a slow link beside the same over one without delay, both through the
relay. The round trips are the added wall time divided by that of one."""
import statistics

import amounts
import second_applies
from report import Report


def arguments(parser):
    parser.add_argument("--tasks", type=amounts.count, nargs="+", default=(15, 240), metavar="COUNT")
    parser.add_argument("--delay", type=amounts.amount, default=25, metavar="MS", help="each way (%(default)s)")
    parser.set_defaults(gpustack_only=True)


def run(place, given):
    applies = second_applies.SecondApplies(place, given, given.tasks)
    delays = (0, given.delay)
    ways = [place.slow_way(applies.fleet, delay) for delay in delays]
    on = f"{given.hosts} hosts, {given.forks} forks, second apply"
    made = Report(f"A round trip of {2 * given.delay:g} ms", place.machine(False))
    for count in given.tasks:
        runs = {way: [] for way in ways}
        for _ in range(given.repeats):
            for way in ways:
                runs[way].append(applies.second(way, count))
        for delay, way in zip(delays, ways):
            made.row(f"{count} tasks, {2 * delay:g} ms", "gpustack", runs[way], given.hosts, f"{on}, through the relay")
        added = [slow.wall_s - fast.wall_s for fast, slow in zip(*runs.values())]
        trips = [seconds * 1000 / (2 * given.delay) for seconds in added]
        made.figure(f"{count} tasks: added wall time", statistics.median(added), "s", on, added)
        made.figure(f"{count} tasks: round trips", statistics.median(trips), "round trips", on, trips)
    return made
