"""The verbs of the GPU stack on a host that wears recorded hardware: they see it, and leave it as it is."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree

SOURCE = pathlib.Path(os.environ.get("GPUSTACK_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[2]))
BUILD = pathlib.Path(os.environ.get("GPUSTACK_BINARY_DIR", SOURCE / "build/dev"))
sys.path.insert(0, str(SOURCE / "tests/tools"))
import hosts as test_hosts  # noqa: E402

REASON = test_hosts.why_not(("arm64",))


@unittest.skipIf(REASON is not None, REASON)
class GpuVerbs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        top = tempfile.TemporaryDirectory(prefix="gpustack-verbs-")
        cls.addClassCleanup(top.cleanup)
        cls.top = pathlib.Path(top.name)
        orin = test_hosts.HostSpec("orin-01", "arm64", SOURCE / "tests/fixtures/hosts/jetson-agx-orin-jp62")
        cls.fleet = test_hosts.Hosts(cls.top / "fleet").up([orin])
        cls.fleet.__enter__()
        cls.addClassCleanup(cls.fleet.__exit__, None, None, None)
        cls.inventory = cls.top / "hosts.ini"
        cls.inventory.write_text(
            f"orin-01 ansible_host={cls.fleet.address('orin-01')}\n[all:vars]\nansible_user=root\n"
            f"ansible_ssh_private_key_file={cls.fleet.state}/id_ed25519\n"
            f"ansible_ssh_common_args='-o UserKnownHostsFile={cls.fleet.state}/known_hosts'\n")
        cls.say("facts", "orin-01", "--gpu")  # the runner is placed now

    @classmethod
    def say(cls, *words, **environment):
        done = cls.fleet.exec(str(BUILD / "bin/gpustack"), *words, "-i", str(cls.inventory), cwd=cls.top, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=120,
                              env={"HOME": str(cls.top), "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "NO_COLOR": "1", **environment})
        return done.returncode, done.stdout, done.stderr

    def test_the_card_tells_the_board_and_its_system(self):
        code, text, errors = self.say("facts", "orin-01", "--gpu")

        self.assertEqual(0, code, errors)
        self.assertIn("orin-01\n  Platform    jetson/jetson_orin (D4: ", text)
        self.assertIn("  L4T         36.4.3 (/etc/nv_tegra_release), JetPack 6.2\n", text)
        self.assertIn("Ubuntu 22.04", text)

    def test_json_holds_the_facts(self):
        code, text, errors = self.say("facts", "orin-01", "--gpu", "--json")

        self.assertEqual(0, code, errors)
        self.assertEqual("jetson_orin", json.loads(text)["orin-01"]["subprofile"])

    def test_env_refuses_what_the_host_cannot(self):
        # The recorded files are there, the board's kernel is not: no GPU driver is loaded.
        self.assertIn("export GPUSTACK_SUBPROFILE=jetson_orin\n", self.say("env", "orin-01")[1])
        code, text, errors = self.say("env", "orin-01", OMNIPARSER_DEVICE="mps")
        self.assertEqual((12, ""), (code, text))
        self.assertIn("OMNIPARSER_DEVICE asks for 'mps', and 'orin-01' cannot", errors)

    def test_verify_looks_and_changes_nothing(self):
        before = self.fleet.digest("orin-01")

        code, text, errors = self.say("verify", "orin-01", "--file", "/etc/nv_tegra_release", "--file", "/nowhere", "--format", "json")

        self.assertEqual(1, code, errors)
        checks = {one["id"]: one for one in json.loads(text)[0]["checks"]}
        self.assertEqual("/nowhere missing", checks["V11"]["value"])
        self.assertEqual("pass", checks["V01"]["status"])
        self.assertIn("Ubuntu 22.04, kernel ", checks["V02"]["value"])
        # These need more than facts.
        self.assertNotEqual("needs a look at the host", checks["V07"]["value"])
        self.assertNotEqual("needs a look at the host", checks["V15"]["value"])
        self.assertEqual(before, self.fleet.digest("orin-01"))

    def test_verify_for_a_ci_server(self):
        code, text, errors = self.say("verify", "orin-01", "--format", "junit", "--profile", "jetson")

        self.assertIn(code, (0, 1), errors)
        suite = xml.etree.ElementTree.fromstring(text).find("testsuite")
        self.assertEqual("orin-01", suite.get("name"))
        self.assertEqual(int(suite.get("tests")), len(suite.findall("testcase")))

    def test_an_image_is_checked_for_the_host(self):
        (self.top / "index.json").write_text('[{"Os": "linux", "Architecture": "amd64"}]')

        code, text, errors = self.say("image", "check", "app:1", "--manifest", "index.json", "--host", "orin-01")

        self.assertEqual(1, code, errors)
        self.assertIn("fail  orin-01  linux/arm64/v8  ERR-IMAGE-ARCH: 'app:1' is made for linux/amd64", text)
        self.assertEqual((code, text), self.say("image", "check", "app:1", "--manifest", "index.json", "--limit", "orin-01")[:2])

    def test_who_does_not_answer_ends_it_with_4(self):
        away = self.top / "away.ini"
        away.write_text("away ansible_host=127.0.0.1 ansible_port=1\n")

        code, text, errors = self.say("verify", "away", "-i", str(away), "-T", "2")

        self.assertEqual(4, code, text + errors)


if __name__ == "__main__":
    unittest.main()
