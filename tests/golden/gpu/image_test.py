#!/usr/bin/python3
"""`gpustack image check` against a registry on the loopback that this test serves."""
import hashlib
import http.server
import json
import os
import pathlib
import subprocess
import tempfile
import threading
import unittest

SOURCE = pathlib.Path(os.environ.get("GPUSTACK_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[3]))
BUILD = pathlib.Path(os.environ.get("GPUSTACK_BINARY_DIR", SOURCE / "build/dev"))
INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def platform(architecture, variant=None, os_name="linux"):
    out = {"os": os_name, "architecture": architecture}
    return {**out, "variant": variant} if variant else out


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def encoded(value):
    return json.dumps(value).encode()


CONFIG = encoded(platform("amd64"))
BOTH = encoded({"schemaVersion": 2, "mediaType": INDEX, "manifests": [
    {"mediaType": MANIFEST, "digest": "sha256:" + "1" * 64, "platform": platform("amd64")},
    {"mediaType": MANIFEST, "digest": "sha256:" + "2" * 64, "platform": platform("arm64", "v8")},
    {"mediaType": MANIFEST, "digest": "sha256:" + "3" * 64, "platform": platform("unknown", os_name="unknown")}]})
SINGLE = encoded({"schemaVersion": 2, "mediaType": MANIFEST, "config": {"digest": digest(CONFIG)}, "layers": []})


class Registry(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path.startswith("/v2/closed/") and self.headers.get("Authorization") != "Bearer opened":
            realm = f'http://{self.headers["Host"]}/token'
            return self.answer(401, b"{}", "application/json", {"WWW-Authenticate": f'Bearer realm="{realm}",service="test"'})
        found = {
            "/token?": (200, encoded({"token": "opened"}), "application/json"),
            "/v2/team/app/manifests/both": (200, BOTH, INDEX),
            "/v2/closed/app/manifests/both": (200, BOTH, INDEX),
            "/v2/team/app/manifests/single": (200, SINGLE, MANIFEST),
            f"/v2/team/app/blobs/{digest(CONFIG)}": (200, CONFIG, "application/octet-stream"),
            "/v2/team/app/manifests/busy": (429, b'{"errors": [{"code": "TOOMANYREQUESTS"}]}', "application/json"),
        }
        for start, (status, body, kind) in found.items():
            if self.path == start or (start.endswith("?") and self.path.startswith(start)):
                return self.answer(status, body, kind, {"Docker-Content-Digest": digest(body)})
        return self.answer(404, b'{"errors": [{"code": "MANIFEST_UNKNOWN"}]}', "application/json", {})

    def answer(self, status, body, kind, headers):
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


class ImageCheck(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Registry)
        threading.Thread(target=cls.server.serve_forever, daemon=True).start()
        cls.addClassCleanup(cls.server.server_close)
        cls.addClassCleanup(cls.server.shutdown)
        cls.home = tempfile.TemporaryDirectory(prefix="gpustack-image-")
        cls.addClassCleanup(cls.home.cleanup)
        cls.registry = f"127.0.0.1:{cls.server.server_address[1]}"

    def check(self, image, *more):
        done = subprocess.run([str(BUILD / "bin/gpustack"), "image", "check", *([f"{self.registry}/{image}"] if image else []), *more],
                              cwd=self.home.name, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60,
                              env={"HOME": self.home.name, "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "NO_COLOR": "1"})
        return done.returncode, done.stdout

    def of_registry(self, image, *more):
        return self.check(image, "--source", "registry", "--plain-http", *more)

    def test_an_index_runs_on_both(self):
        code, text = self.of_registry("team/app:both", "--platform", "linux/arm64,linux/amd64")

        self.assertEqual(0, code, text)
        self.assertIn("(registry, sha256:", text)
        self.assertIn("linux/amd64, linux/arm64/v8\n  ok    linux/arm64\n  ok    linux/amd64\n", text)

    def test_a_single_manifest_tells_in_its_configuration(self):
        code, text = self.of_registry("team/app:single", "--platform", "linux/arm64")

        self.assertEqual(1, code, text)
        self.assertIn("ERR-IMAGE-ARCH", text)
        self.assertIn("is made for linux/amd64, not for linux/arm64", text)
        self.assertIn("team/app:single-arm64", text)

    def test_hosts_are_asked_for_by_their_facts(self):
        facts = {name: json.loads((SOURCE / "tests/fixtures/hosts" / name / ".gpustack-fixture/expect.json").read_text())
                 for name in ("rpi4-32bit-userland", "dgx-spark")}
        path = pathlib.Path(self.home.name) / "facts.json"
        path.write_text(json.dumps(facts))

        code, text = self.of_registry("team/app:both", "--from", str(path), "--format", "json")

        self.assertEqual(1, code, text)
        said = {one["name"]: (one["platform"], one["status"]) for one in json.loads(text)["targets"]}
        self.assertEqual({"rpi4-32bit-userland": ("linux/arm/v7", "fail"), "dgx-spark": ("linux/arm64/v8", "ok")}, said)

    def test_a_token_is_fetched(self):
        self.assertEqual(0, self.of_registry("closed/app:both", "--platform", "linux/arm64")[0])

    def test_what_is_not_there(self):
        code, text = self.of_registry("team/app:none", "--platform", "linux/arm64")

        self.assertEqual(1, code)
        self.assertIn("there is no image", text)

    def test_a_registry_that_refuses(self):
        code, text = self.of_registry("team/app:busy", "--platform", "linux/arm64")

        self.assertEqual(1, code)
        self.assertIn("429", text)

    def test_a_folder(self):
        layout = pathlib.Path(self.home.name) / "layout"
        blobs = layout / "blobs/sha256"
        blobs.mkdir(parents=True)
        for data in (SINGLE, CONFIG):
            (blobs / digest(data).split(":")[1]).write_bytes(data)
        (layout / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
        (layout / "index.json").write_bytes(encoded({"schemaVersion": 2, "manifests": [{"mediaType": MANIFEST, "digest": digest(SINGLE)}]}))

        code, text = self.check(None, "--path", str(layout), "--platform", "linux/arm64")

        self.assertEqual(1, code, text)
        self.assertIn("(layout", text)
        self.assertEqual(0, self.check(None, "--path", str(layout), "--platform", "linux/amd64")[0])


if __name__ == "__main__":
    unittest.main()
