"""What a task costs: the second apply of a long site beside that of a short one, on the same hosts, one after the other; and beside bare
ssh that starts as many programs on each host as the long site's commands do, which no engine can do without. The least ratio is what would
be left of a long site whose other tasks cost nothing."""
import statistics

import amounts
import bench_site
import floor
import second_applies
from report import Report


def arguments(parser):
    parser.add_argument("--tasks", type=amounts.count, nargs=2, default=(15, 240), metavar=("FEW", "MANY"))
    parser.set_defaults(gpustack_only=True)


def run(place, given):
    few, many = given.tasks
    started = bench_site.programs(many)
    applies = second_applies.SecondApplies(place, given, (few, many))
    way = place.way(applies.fleet)
    runs, bare, connections = {count: [] for count in (few, many)}, [], []
    for number in range(given.repeats):
        for count in runs:
            runs[count].append(applies.second(way, count))
        connections.append(floor.connections(way, given.forks, place.limit_s, place.log(f"connections{number}")))
        bare.append(floor.processes(way, started, given.forks, place.limit_s, place.log(f"processes{number}")))
    on = f"{given.hosts} hosts, {given.forks} forks, second apply, direct"
    made = Report(f"{many} tasks beside {few}", place.machine(False))
    for count in runs:
        made.row(f"{count} tasks", "gpustack", runs[count], given.hosts, on)
    made.row("connections", floor.NAME, connections, given.hosts, f"{given.hosts} hosts, {given.forks} forks, direct")
    made.row(f"{started} programs", floor.NAME, bare, given.hosts, f"{given.hosts} hosts, {given.forks} forks, direct")
    made.ratio(f"{many} tasks / {few} tasks", runs[many], runs[few], on)
    made.ratio(f"{many} tasks / {started} programs over ssh", runs[many], bare, on)
    least = [(runs[few][i].wall_s + max(bare[i].wall_s - connections[i].wall_s, 0)) / runs[few][i].wall_s for i in range(given.repeats)]
    made.figure(f"least ratio: {few} tasks and {started} programs / {few} tasks", statistics.median(least), "x wall", on, least)
    each = [(long.cpu_s - short.cpu_s) * 1e6 / ((many - few) * given.hosts) for long, short in zip(runs[many], runs[few])]
    made.figure("controller's CPU for a task on a host", statistics.median(each), "us", on, each)
    return made
