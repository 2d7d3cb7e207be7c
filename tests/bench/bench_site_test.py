"""A site has as many tasks as it was asked for, and a shorter one is the beginning of a longer one."""

import pathlib
import tempfile
import unittest

import yaml

import bench_site


class Site(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.playbooks = bench_site.write(pathlib.Path(folder.name) / "site", 15, 60, 240)

    def tasks(self, count):
        return yaml.safe_load(self.playbooks[count].read_text())[0]["tasks"]

    def test_it_has_as_many_tasks_as_asked_for(self):
        for count in (15, 60, 240):
            with self.subTest(count=count):
                self.assertEqual(count, len(self.tasks(count)))

    def test_a_shorter_site_is_the_beginning_of_a_longer_one(self):
        self.assertEqual(self.tasks(15), self.tasks(240)[:15])

    def test_programs_are_those_of_commands_that_nothing_skips(self):
        for count in (15, 240):
            with self.subTest(count=count):
                commands = [task for task in self.tasks(count) if "command" in task and "creates" not in task.get("args", {})]
                self.assertEqual(len(commands), bench_site.programs(count))

    def test_no_task_is_written_twice(self):
        names = [task["name"] for task in self.tasks(240)]

        self.assertEqual(len(names), len(set(names)))


if __name__ == "__main__":
    unittest.main()
