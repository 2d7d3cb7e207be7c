#!/usr/bin/python3
"""docs/platforms: tables are those of the recorded hosts, every page is reached, and every error that roles raise is explained."""
import os
import pathlib
import re
import subprocess
import sys
import unittest

SOURCE = pathlib.Path(os.environ.get("GPUSTACK_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[2]))
PAGES = SOURCE / "docs/platforms"


class PlatformPages(unittest.TestCase):
    def test_tables_are_those_of_the_recorded_hosts(self):
        done = subprocess.run([sys.executable, str(SOURCE / "tests/tools/platform_docs.py"), "--check"], capture_output=True, text=True)

        self.assertEqual(0, done.returncode, done.stdout + done.stderr)

    def test_the_index_leads_to_every_page(self):
        linked = set(re.findall(r"\]\(([\w-]+\.md)\)", (PAGES / "README.md").read_text()))

        self.assertEqual({page.name for page in PAGES.glob("*.md")} - {"README.md"}, linked)

    def test_links_lead_somewhere(self):
        for page in PAGES.glob("*.md"):
            for link in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text()):
                self.assertTrue((page.parent / link).exists(), f"{page.name}: {link}")

    def test_every_error_of_the_roles_is_explained(self):
        raised = {error for path in (SOURCE / "roles").rglob("*.yml") for error in re.findall(r"\bERR-[A-Z]+(?:-[A-Z]+)*\b", path.read_text())}
        explained = {error for page in PAGES.glob("*.md") for error in re.findall(r"\bERR-[A-Z]+(?:-[A-Z]+)*\b", page.read_text())}

        self.assertGreater(len(raised), 20)
        self.assertEqual(set(), raised - explained)


if __name__ == "__main__":
    unittest.main()
