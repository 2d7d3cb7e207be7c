"""What a task costs: the second apply of a long site beside that of a short one, on the same hosts, one after the other."""
import statistics

import amounts
import second_applies
from report import Report


def arguments(parser):
    parser.add_argument("--tasks", type=amounts.count, nargs=2, default=(15, 240), metavar=("FEW", "MANY"))
    parser.set_defaults(gpustack_only=True)


def run(place, given):
    few, many = given.tasks
    applies = second_applies.SecondApplies(place, given, (few, many))
    way = place.way(applies.fleet)
    runs = {count: [] for count in (few, many)}
    for _ in range(given.repeats):
        for count in runs:
            runs[count].append(applies.second(way, count))
    on = f"{given.hosts} hosts, {given.forks} forks, second apply, direct"
    made = Report(f"{many} tasks beside {few}", place.machine(False))
    for count in runs:
        made.row(f"{count} tasks", "gpustack", runs[count], given.hosts, on)
    made.ratio(f"{many} tasks / {few} tasks", runs[many], runs[few], on)
    each = [(long.cpu_s - short.cpu_s) * 1e6 / ((many - few) * given.hosts) for long, short in zip(runs[many], runs[few])]
    made.figure("controller's CPU for a task on a host", statistics.median(each), "us", on, each)
    return made
