"""Every command that the documents show, run as shown.

`./dev VERB` must be a verb that `./dev help` lists (CI runs the README's two). `gpustack …` runs in examples/edge-fleet; where it
needs hosts, a second inventory leads to test hosts. HELD_BACK names what does not run in full, and why.
"""

import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import unittest

SOURCE = pathlib.Path(os.environ.get("GPUSTACK_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[2]))
BUILD = pathlib.Path(os.environ.get("GPUSTACK_BINARY_DIR", SOURCE / "build/dev"))
sys.path.insert(0, str(SOURCE / "tests/tools"))
import hosts as test_hosts  # noqa: E402

DOCUMENTS = sorted({SOURCE / "README.md", SOURCE / "CONTRIBUTING.md", *SOURCE.glob("docs/*.md"), *SOURCE.glob("docs/platforms/*.md"), *SOURCE.glob("examples/*/README.md"),
                    *SOURCE.glob("roles/*/*/README.md")})
# What is not run whole: options are added that end it after the site has loaded and its hosts are known.
WHOLE = "changes five aarch64 hosts: ./dev demo runs it there"
HELD_BACK = {
    "gpustack apply site.yml -i inventory": (["--list-hosts", "--list-tasks"], WHOLE),
    "gpustack apply site.yml -i inventory --check --diff": (["--list-hosts", "--list-tasks"], WHOLE),
    "gpustack apply site.yml -i inventory --timings": (["--list-hosts", "--list-tasks"], WHOLE),
}
HOSTS = ("orin-01", "rock-01", "gh200-01", "spark-01", "rpi-01")
NEED_HOSTS = ("facts", "run", "env", "verify")
# Recorded facts, for what is shown with `--from facts.json`.
RECORDED = {"orin-01": "jetson-agx-orin-jp62", "rock-01": "rock5b-mainline", "gh200-01": "gh200-no-driver",
            "spark-01": "dgx-spark", "rpi-01": "rpi5"}
NEED_PASSWORD = ("vault",)


class Shown:
    """A command in a document, and the text shown below it as its output."""

    def __init__(self, path, line, text, output=""):
        self.place, self.text, self.output = f"{path.relative_to(SOURCE)}:{line}", text, output

    def __repr__(self):
        return f"{self.place}: {self.text}"


def code_lines(text):
    """(line number, text, language) of fenced and indented code; the language of indented code is None."""
    language, inside = None, False
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("```"):
            inside = not inside
            language = line[3:].strip() if inside else None
        elif inside:
            yield number, line, language
        elif line.startswith("    "):
            yield number, line[4:], None


def commands(path):
    """Every command of a document. A line of a shell block that is none of ours is one too: it must be dealt with."""
    text = path.read_text()
    found = []
    for number, line, language in code_lines(text):
        prompt = line.startswith("$ ")
        command = re.split(r"\s{3,}|\s+#", line.removeprefix("$ "))[0].rstrip()
        if prompt or re.match(r"(gpustack|\./dev)\s", command) or (language in ("sh", "console", "bash") and command):
            found.append(Shown(path, number, command))
        elif found and found[-1].text.startswith("gpustack") and language is None and line.strip():
            found[-1].output += line.strip() + " "
    for match in re.finditer(r"`((?:gpustack|\./dev)\s[^`]+)`", re.sub(r"```.*?```", lambda m: "\n" * m[0].count("\n"), text, flags=re.DOTALL)):
        found.append(Shown(path, text.count("\n", 0, match.start()) + 1, " ".join(match[1].split())))
    return found


SHOWN = [shown for path in DOCUMENTS for shown in commands(path)]


class Documents(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.top = pathlib.Path(tempfile.mkdtemp(prefix="gpustack-docs-"))
        cls.addClassCleanup(shutil.rmtree, cls.top, ignore_errors=True)
        cls.site = cls.top / "edge-fleet"
        shutil.copytree(SOURCE / "examples/edge-fleet", cls.site)
        recorded = {name: json.loads((SOURCE / "tests/fixtures/hosts" / host / ".gpustack-fixture/expect.json").read_text())
                    for name, host in RECORDED.items()}
        (cls.site / "facts.json").write_text(json.dumps(recorded))

    def environment(self):
        return {"HOME": str(self.top), "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "NO_COLOR": "1"}

    def command(self, shown, *more):
        words = shlex.split(shown.text)
        return [str(BUILD / "bin/gpustack"), *words[1:], *more]

    def assert_runs(self, shown, *more, run=subprocess.run, code=0, **environment):
        done = run(*([self.command(shown, *more)] if run is subprocess.run else self.command(shown, *more)), cwd=self.site,
                   capture_output=True, text=True, timeout=300, env={**self.environment(), **environment})
        self.assertEqual(code, done.returncode, f"{shown}\n{done.stdout}{done.stderr}")
        return done.stdout

    def connection(self, fleet, names):
        """An inventory on top of the example's: how its hosts are reached here."""
        path = self.top / "connection.ini"
        path.write_text("".join(f"{name} ansible_host={fleet.address(name)}\n" for name in names) +
                        f"[all:vars]\nansible_user=root\nansible_ssh_private_key_file={fleet.state}/id_ed25519\n"
                        f"ansible_ssh_common_args='-o UserKnownHostsFile={fleet.state}/known_hosts'\n")
        return path

    def ours(self):
        return [shown for shown in SHOWN if shown.text.startswith("gpustack ")]

    @staticmethod
    def needs_hosts(shown):
        return shown.text.split()[1] in NEED_HOSTS and not {"--from", "--list-profiles"} & set(shown.text.split())

    def test_the_documents_show_commands(self):
        self.assertGreaterEqual(len(self.ours()), 10)
        self.assertGreaterEqual(len([shown for shown in SHOWN if shown.text.startswith("./dev ")]), 5)

    def test_every_command_is_ours(self):
        strange = [shown for shown in SHOWN if not shown.text.startswith(("gpustack ", "./dev "))]

        self.assertEqual([], strange, "not run by any test")

    def test_what_is_held_back_is_shown(self):
        self.assertLessEqual(set(HELD_BACK), {shown.text for shown in SHOWN}, "HELD_BACK names commands that no document shows")

    def test_every_setting_is_listed(self):
        table = (SOURCE / "core/config/settings.cpp").read_text().split("kSettings[] = {")[1].split("};")[0]
        settings = re.findall(r'\{\s*"[A-Z0-9_]+",\s*"(\w+)",\s*"(\w*)",\s*"(\w*)"', table)
        listed = (SOURCE / "docs/configuration.md").read_text()

        self.assertGreater(len(settings), 40)
        for section, key, variable in settings:
            with self.subTest(key=key):
                self.assertRegex(listed, rf"(?m)^\| {section} \| {key} \| {'`' + variable + '`' if variable else ''} \|")

    def test_every_setting_of_ours_is_listed(self):
        table = (SOURCE / "core/config/site_config.cpp").read_text().split("kSiteSettings[] = {")[1].split("};")[0]
        entries = {re.search(r'\.name = "(\w+)"', entry).group(1): entry for entry in re.findall(r"\{(\.name[^}]*)\}", table)}
        listed = (SOURCE / "docs/configuration.md").read_text().split("## gpustack.yml")[1]
        rows = {row[0]: row[1:] for row in re.findall(r"(?m)^\| (\w+) \| ([^|]*) \|([^|]*)\|([^|]*)\|", listed) if row[0] != "Key"}

        self.assertEqual(entries.keys(), rows.keys())
        for name, (_, variable, fallback) in rows.items():
            with self.subTest(name=name):
                for field, cell in (("variable", variable), ("fallback", fallback)):
                    found = re.search(rf'\.{field} = "([^"]*)"', entries[name])
                    # A word without a fallback says in its own words what it is then.
                    if found or "`" in cell:
                        self.assertEqual(f"`{found.group(1) if found else ''}`", cell.strip())

    def test_every_dev_verb_exists(self):
        done = subprocess.run([str(SOURCE / "dev"), "help"], capture_output=True, text=True, check=True)
        verbs = set(re.findall(r"^  ([\w-]+)", done.stdout, re.MULTILINE))

        for shown in SHOWN:
            if shown.text.startswith("./dev "):
                with self.subTest(shown=shown):
                    self.assertIn(shown.text.split()[1], verbs)

    def test_commands_without_hosts(self):
        for shown in self.ours():
            if shown.text in HELD_BACK or self.needs_hosts(shown) or shown.text.split()[1] in NEED_PASSWORD or shown.output:
                continue
            with self.subTest(shown=shown):
                self.assertTrue(self.assert_runs(shown))

    def test_commands_with_a_vault_password(self):
        password, secrets = self.top / "password", self.site / "secrets.yml"
        password.write_text("swordfish\n")
        wanted = [shown for shown in self.ours() if shown.text.split()[1] in NEED_PASSWORD]
        self.assertTrue(wanted)
        for shown in wanted:
            with self.subTest(shown=shown):
                secrets.write_text("token: hunter2\n")
                self.assert_runs(shown, ANSIBLE_VAULT_PASSWORD_FILE=str(password))
                self.assertTrue(secrets.read_text().startswith("$ANSIBLE_VAULT;"))

    def test_commands_held_back(self):
        for shown in self.ours():
            if shown.text not in HELD_BACK:
                continue
            with self.subTest(shown=shown, reason=HELD_BACK[shown.text][1]):
                listed = self.assert_runs(shown, *HELD_BACK[shown.text][0])
                for name in HOSTS:
                    self.assertIn(name, listed)

    def test_commands_on_hosts(self):
        reason = test_hosts.why_not()
        if reason is not None:
            self.skipTest(reason)
        wanted = [shown for shown in self.ours() if self.needs_hosts(shown)]
        self.assertTrue(wanted)
        with test_hosts.Hosts(self.top / "fleet").up([test_hosts.HostSpec(name) for name in HOSTS]) as fleet:
            for shown in wanted:
                with self.subTest(shown=shown):
                    self.assertTrue(self.assert_runs(shown, "-i", str(self.connection(fleet, HOSTS)), run=fleet.exec))

    def test_commands_whose_output_is_shown(self):
        wanted = [shown for shown in self.ours() if shown.output]
        self.assertTrue(wanted)
        reason = test_hosts.why_not(("arm64",))
        if reason is not None:
            self.skipTest(reason)
        orin = test_hosts.HostSpec("orin-01", "arm64", SOURCE / "tests/fixtures/hosts/jetson-agx-orin-jp62")
        with test_hosts.Hosts(self.top / "orin").up([orin]) as fleet:
            for shown in wanted:
                with self.subTest(shown=shown):
                    said = self.assert_runs(shown, "-i", str(self.connection(fleet, ["orin-01"])), run=fleet.exec, code=2)
                    self.assertIn(" ".join(shown.output.split()), " ".join(said.replace("\\n", " ").split()))


if __name__ == "__main__":
    unittest.main()
