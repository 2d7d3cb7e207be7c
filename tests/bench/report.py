"""What a benchmark has to say: rows (medians of what was measured), ratios of two rows, single figures; as text and as JSON."""
import json
import statistics


def median_of(runs, key):
    values = [getattr(run, key) for run in runs if getattr(run, key) is not None]
    return statistics.median(values) if values else None


def paired(above, below):
    """Runs that were made one after the other; where one side has fewer, its last one stands for those that are missing."""
    count = max(len(above), len(below))
    return [(above[min(i, len(above) - 1)], below[min(i, len(below) - 1)]) for i in range(count)]


def cell(value, digits, width):
    return f"{'' if value is None else f'{value:.{digits}f}':>{width}}"


class Report:
    """@param title  what is measured  @param machine  {what: text} of the circumstances"""

    def __init__(self, title, machine):
        self.title, self.machine = title, machine
        self.rows, self.ratios, self.figures = [], [], []

    def row(self, name, engine, runs, hosts, on):
        """@param runs  measure.Usage of each repeat  @param on  what it was measured on, in words"""
        row = {"name": name, "engine": engine, "on": on, "hosts": hosts, "repeats_wall_s": [round(run.wall_s, 4) for run in runs]}
        for key in ("wall_s", "cpu_s", "peak_mib", "hosts_cpu_s"):
            value = median_of(runs, key)
            if value is not None:
                row[key] = round(value, 4)
        row["cpu_ms_per_host"] = round(row["cpu_s"] * 1000 / hosts, 3)
        if "hosts_cpu_s" in row:
            row["target_cpu_ms_per_host"] = round(row.pop("hosts_cpu_s") * 1000 / hosts, 1)
        self.rows.append(row)
        return row

    def ratio(self, name, above, below, on):
        """The median of the ratios of runs made one after the other."""
        pairs = paired(above, below)
        ratio = {"name": name, "on": on}
        for key in ("wall_s", "cpu_s"):
            each = [getattr(one, key) / max(getattr(other, key), 1e-6) for one, other in pairs]
            ratio[key.removesuffix("_s")] = round(statistics.median(each), 2)
            ratio[f"repeats_{key.removesuffix('_s')}"] = [round(value, 2) for value in each]
        self.ratios.append(ratio)
        return ratio

    def figure(self, name, value, unit, on, each=None):
        """@param each  the values of the repeats, where `value` is their median"""
        self.figures.append({"name": name, "value": round(value, 3), "unit": unit, "on": on,
                             **({"repeats": [round(one, 3) for one in each]} if each else {})})

    def text(self):
        lines = []
        if self.rows:
            lines.append(f"{'':20}{'':10}{'wall s':>9}{'CPU s':>9}{'ms/host':>9}{'MiB':>7}{'target ms':>11}  measured on")
        for row in self.rows:
            lines.append(f"{row['name']:20}{row['engine']:10}{cell(row['wall_s'], 3, 9)}{cell(row['cpu_s'], 3, 9)}"
                         f"{cell(row['cpu_ms_per_host'], 2, 9)}{cell(row.get('peak_mib'), 0, 7)}"
                         f"{cell(row.get('target_cpu_ms_per_host'), 0, 11)}  {row['on']}, {len(row['repeats_wall_s'])} repeats")
        for ratio in self.ratios:
            lines.append(f"ratio {ratio['name']:44}{ratio['wall']:8.2f}x wall{ratio['cpu']:9.2f}x CPU  {ratio['on']}")
        for figure in self.figures:
            lines.append(f"{figure['name']:50}{figure['value']:10.2f} {figure['unit']}  {figure['on']}")
        return "\n".join(lines)

    def json(self):
        return json.dumps({"title": self.title, "machine": self.machine, "rows": self.rows, "ratios": self.ratios, "figures": self.figures},
                          indent=1) + "\n"
