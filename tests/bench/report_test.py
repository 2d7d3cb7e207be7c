"""Reports: medians, ratios of runs made one after the other, and a chart that is as wide as what it shows."""

import json
import unittest
from xml.etree import ElementTree

import chart
import measure
import report

SVG = "{http://www.w3.org/2000/svg}"


def runs(*walls):
    return [measure.Usage(wall, wall / 2, 30.0) for wall in walls]


class Reports(unittest.TestCase):
    def setUp(self):
        self.report = report.Report("Second apply", {"cores": 2})

    def test_a_row_has_the_medians(self):
        row = self.report.row("second", "gpustack", runs(3, 1, 2), 10, "10 hosts")

        self.assertEqual((2, 1, 100, [3, 1, 2]), (row["wall_s"], row["cpu_s"], row["cpu_ms_per_host"], row["repeats_wall_s"]))

    def test_what_was_not_measured_is_left_out(self):
        usage = measure.Usage(1, 1, None)

        self.assertNotIn("peak_mib", self.report.row("floor", "ssh", [usage], 1, "1 host"))
        self.assertIn("floor", self.report.text())

    def test_a_ratio_is_the_median_of_the_ratios_of_pairs(self):
        ratio = self.report.ratio("ansible / gpustack", runs(10, 40, 90), runs(10, 20, 30), "10 hosts")

        self.assertEqual((2, [1, 2, 3]), (ratio["wall"], ratio["repeats_wall"]))

    def test_the_last_run_stands_for_those_that_are_missing(self):
        self.assertEqual([(1, "a"), (2, "b"), (3, "b")], report.paired([1, 2, 3], ["a", "b"]))

    def test_json_holds_all_that_the_text_says(self):
        self.report.row("second", "gpustack", runs(1), 10, "10 hosts")
        self.report.ratio("one / other", runs(4), runs(2), "10 hosts")
        self.report.figure("round trips", 3.14159, "round trips", "10 hosts", [3, 3.14159])

        said = json.loads(self.report.json())

        self.assertEqual(["second", "one / other", "round trips"],
                         [said[kind][0]["name"] for kind in ("rows", "ratios", "figures")])
        for kind in ("rows", "ratios", "figures"):
            self.assertIn(said[kind][0]["name"], self.report.text())


class Charts(unittest.TestCase):
    def drawn(self, *walls):
        made = report.Report("First & second", {"cores": 2})
        for number, wall in enumerate(walls):
            made.row(f"row {number}", "gpustack", runs(wall), 1, "1 host")
        return ElementTree.fromstring(chart.svg(made))

    def test_bars_are_in_proportion(self):
        widths = [float(bar.get("width")) for bar in self.drawn(4, 1).iter(SVG + "rect")][1:]

        self.assertEqual([chart.BAR, chart.BAR / 4], widths)

    def test_words_are_escaped(self):
        self.assertIn("First & second: seconds, less is better", [text.text for text in self.drawn(1).iter(SVG + "text")])

    def test_no_bar_leaves_the_picture(self):
        picture = self.drawn(0.0, 5.0)

        for bar in picture.iter(SVG + "rect"):
            self.assertLessEqual(float(bar.get("x", 0)) + float(bar.get("width")), float(picture.get("width")))


if __name__ == "__main__":
    unittest.main()
