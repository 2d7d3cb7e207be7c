"""Second applies of sites of several lengths, by gpustack alone, on one set of hosts: none of them changes anything."""
import bench_site
import engines


class SecondApplies:
    """The longest site is applied first; the others are its beginnings."""

    def __init__(self, place, given, counts):
        self.place, self.given = place, given
        self.engine = engines.gpustack(place.binaries, given.forks)
        self.playbooks = bench_site.write(place.folder / "site", *counts)
        self.fleet = place.fleet("gpustack", given.hosts)
        self.number = 0
        engines.expect_first(self.engine, self.apply(place.way(self.fleet), max(counts)))

    def apply(self, way, count):
        self.number += 1
        return engines.apply(self.engine, way, self.playbooks[count], self.place.log(f"apply{self.number}"), self.place.limit_s)

    def second(self, way, count):
        used = engines.expect_unchanged(self.engine, self.apply(way, count))
        print(f"  {count:4} tasks, {way.title:24}{used.wall_s:8.2f} s wall {used.cpu_s:8.2f} s CPU", flush=True)
        return used
