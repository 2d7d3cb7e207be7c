"""What facts cost: a site that gathers them many times beside one that does so once. The difference is that of one gathering, with the
CPU that the host needs for it. Some of the facts are written to a file, so that there is an end state to compare."""
import statistics

import amounts
import end_state
import engines
from report import Report

WRITTEN = "{{ ansible_kernel }} {{ ansible_architecture }} {{ ansible_distribution }} {{ ansible_processor_vcpus }} {{ ansible_hostname }}"


def arguments(parser):
    parser.add_argument("--times", type=amounts.count, default=10, help="gatherings more in the longer site (%(default)s)")
    parser.add_argument("--gpustack-only", action="store_true")


def write_site(folder, times):
    folder.mkdir()
    gather = "    - {name: \"Facts\", setup: {}}\n"
    playbook = folder / f"site{times}.yml"
    playbook.write_text("- hosts: all\n  gather_facts: false\n  tasks:\n" + gather * times +
                        f"    - {{name: \"Write\", copy: {{content: \"{WRITTEN}\", dest: /opt/facts, mode: \"0644\"}}}}\n")
    return playbook


def run(place, given):
    sites = [write_site(place.folder / f"site-{name}", times) for name, times in (("once", 1), ("often", 1 + given.times))]
    chosen = [engines.gpustack(place.binaries, given.forks)]
    if not given.gpustack_only:
        chosen.insert(0, engines.ansible(given.forks))
    runs, reference = {}, end_state.Reference()
    for engine in chosen:  # the first apply writes the file and places what the engine needs
        fleet = place.fleet(engine.name, given.hosts)
        before = {host: end_state.written(fleet, host) for host in fleet.names}
        way = place.way(fleet)
        engines.expect_first(engine, engines.apply(engine, way, sites[0], place.log(f"{engine.name}-first"), place.limit_s))
        runs[engine.name] = (way, {site: [] for site in sites})
        reference.check(engine.name, fleet, before)
    for _ in range(given.repeats):
        for engine in chosen:
            way, measured = runs[engine.name]
            for site in sites:
                used = engines.apply(engine, way, site, place.log(f"{engine.name}-{site.stem}"), place.limit_s)
                measured[site].append(engines.expect_unchanged(engine, used))
    return report(place, given, sites, {name: measured for name, (_, measured) in runs.items()})


def report(place, given, sites, runs):
    on = f"{given.hosts} hosts, {given.forks} forks, direct"
    made = Report("Facts of a host", place.machine(len(runs) > 1))
    for name, measured in runs.items():
        for site, times in zip(sites, (1, 1 + given.times)):
            made.row(f"facts {times} times", name, measured[site], given.hosts, on)
        pairs = list(zip(*(measured[site] for site in sites)))
        for key, words, hosts in (("wall_s", "wall time", 1), ("hosts_cpu_s", "CPU of the host", given.hosts)):
            each = [(getattr(often, key) - getattr(once, key)) * 1000 / given.times / hosts for once, often in pairs]
            made.figure(f"{name}: facts once, {words}", statistics.median(each), "ms", on, each)
    if len(runs) > 1:
        made.ratio(f"facts {1 + given.times} times: ansible / gpustack", runs["ansible"][sites[1]], runs["gpustack"][sites[1]], on)
    return made
