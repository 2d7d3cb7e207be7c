#!/usr/bin/python3
"""`gpustack verify` asking recorded hosts: what needs more than facts, and images that are declared for them."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree

SOURCE = pathlib.Path(os.environ.get("GPUSTACK_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(SOURCE / "tests/functional/support"))
from recorded_run import ALL_HOSTS, BUILD, facts_of  # noqa: E402

SPARK = "dgx-spark"
CONFIG = {"architecture": "arm64", "os": "linux"}


class Verify(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="gpustack-verify-")
        cls.addClassCleanup(folder.cleanup)
        cls.top = pathlib.Path(folder.name)
        (cls.top / "runners").mkdir()
        (cls.top / "runners" / f"gpustack-runner-{os.uname().machine}").symlink_to(BUILD / "bin/fixture_runner")
        (cls.top / "gpustack.yml").write_text(f"runners: {cls.top}/runners\n")
        (cls.top / "hosts").write_text("host ansible_connection=local\n")

    def say(self, scene, *words):
        """Asks one recorded host. @return (exit code, what is printed)"""
        done = subprocess.run([str(BUILD / "bin/gpustack"), "verify", "host", "-i", "hosts", *words], cwd=self.top, text=True, timeout=120,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              env={"HOME": str(self.top), "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "NO_COLOR": "1",
                                   "GPUSTACK_PERSIST": "false", "GPUSTACK_FIXTURE": scene})
        return done.returncode, done.stdout

    def check(self, scene, name, *words):
        code, text = self.say(scene, "--format", "json", *words)
        checks = {one["id"]: one for one in json.loads(text)[0]["checks"]}
        return checks[name], code

    def layout(self, name, architecture):
        """A folder with an image that says it is for an architecture."""
        folder = self.top / name
        (folder / "blobs/sha256").mkdir(parents=True, exist_ok=True)
        (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [
            {"digest": "sha256:" + "1" * 64, "platform": {"os": "linux", "architecture": architecture}}]}))
        return f"./{name}"

    def test_every_recorded_host_is_gone_through(self):
        for host in ALL_HOSTS:
            with self.subTest(host):
                code, text = self.say(host, "--format", "json")
                self.assertIn(code, (0, 1), text)
                checks = json.loads(text)[0]["checks"]
                self.assertEqual([f"V{number:02}" for number in range(1, 24)], [one["id"] for one in checks])
                self.assertEqual(1 if any(one["status"] == "fail" for one in checks) else 0, code)
                for one in checks:
                    self.assertNotEqual("needs a look at the host", one["value"], one)

    def test_dgx_os_is_looked_at_as_one(self):
        found, _ = self.check(SPARK, "V18")
        self.assertEqual(("pass", "DGX OS 7.3.1, driver 580.95.05 with Ubuntu 24.04, kernel 6.11.0-1016-nvidia"), (found["status"], found["value"]))
        foreign, code = self.check(f"{SPARK}+text:/.recorded/packages=nvidia-driver-580-server-open 580.95.05-1\\n", "V18")
        self.assertEqual(("fail", 1), (foreign["status"], code))
        self.assertIn("nvidia-driver-580-server-open beside DGX OS's own driver", foreign["value"])
        torn, _ = self.check(f"{SPARK}+text:/.recorded/packages=nvidia-driver-580-open 580.126.09-1\\n", "V18")
        self.assertIn("package of driver 580.126.09, but 580.95.05 is loaded", torn["value"])
        self.assertEqual("warn", self.check("dgx-spark-oem", "V18")[0]["status"])

    def test_a_pending_upgrade_of_a_bsp_fails(self):
        orin = "jetson-agx-orin-jp62"
        self.assertEqual("warn", self.check(orin, "V15")[0]["status"])  # nothing is held
        self.assertEqual("pass", self.check(f"{orin}+held-nvidia-l4t-core", "V15")[0]["status"])
        pending, code = self.check(f"{orin}+upgrades-nvidia-l4t-kernel", "V15")
        self.assertEqual(("fail", 1), (pending["status"], code))
        self.assertIn("nvidia-l4t-kernel", pending["value"])

    def test_a_container_looks_for_the_gpu(self):
        docker = "+file:/usr/bin/docker"
        image = ("--container", "ubuntu:24.04")
        self.assertEqual("skip", self.check("x86-h100", "V20", *image)[0]["status"])
        self.assertEqual("warn", self.check(f"x86-h100{docker}", "V20", *image)[0]["status"])
        seen, code = self.check(f"{SPARK}{docker}+has-image-ubuntu:24.04", "V20", *image)
        self.assertEqual("pass", seen["status"], seen)
        self.assertEqual("a container of 'ubuntu:24.04' has it: GPU 0: NVIDIA recorded", seen["value"])
        blind, code = self.check(f"x86-h100{docker}+has-image-ubuntu:24.04+no-gpu-in-containers", "V20", *image)
        self.assertEqual(("fail", 1), (blind["status"], code))
        self.assertIn("could not select device driver", blind["value"])
        self.assertEqual("pass", self.check("rock5b-mainline+has-image-ubuntu:24.04", "V20", *image)[0]["status"])
        self.assertEqual("there is no GPU", self.check(f"graviton-c7g{docker}+has-image-ubuntu:24.04", "V20", *image)[0]["value"])

    def test_declared_images_have_to_run(self):
        arm, intel = self.layout("arm", "arm64"), self.layout("intel", "amd64")
        for host in ALL_HOSTS:
            runs = facts_of(host)["oci_platform"].startswith("linux/arm64")
            with self.subTest(host):
                self.assertEqual("pass" if runs else "fail", self.check(host, "V21", "--image", arm)[0]["status"])
        self.assertIn("ERR-IMAGE-ARCH", self.check(SPARK, "V21", "--image", arm, "--image", intel)[0]["value"])
        (self.top / "compose.yml").write_text(f"services:\n  web: {{image: '{arm}'}}\n  model: {{image: '{intel}'}}\n  built: {{build: .}}\n")
        self.assertEqual("fail", self.check(SPARK, "V21", "--compose", "compose.yml")[0]["status"])
        self.assertEqual("fail", self.check("x86-h100", "V21", "--compose", "compose.yml")[0]["status"])

    def test_junit_and_table_tell_the_same(self):
        code, text = self.say(SPARK, "--format", "junit")
        suite = xml.etree.ElementTree.fromstring(text).find("testsuite")
        self.assertEqual(23, len(suite.findall("testcase")))
        _, table = self.say(SPARK)
        self.assertIn(f"{suite.get('failures')} fail, {suite.get('skipped')} skip", table)

    def test_nothing_is_changed(self):
        """A host lives as long as its connection: a second look in the same one would find traces; modules refuse to act as well."""
        for scene in ("jetson-agx-orin-jp62+upgrades-htop", "gh200-no-driver"):
            _, text = self.say(scene, "-v")
            self.assertNotIn("changed", text)


if __name__ == "__main__":
    unittest.main()
