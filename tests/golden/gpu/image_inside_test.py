#!/usr/bin/python3
"""`gpustack image check`: what an image's first program is built for, credentials of registries, and emulation."""
import base64
import hashlib
import http.server
import io
import json
import os
import pathlib
import struct
import subprocess
import tarfile
import tempfile
import threading
import unittest

SOURCE = pathlib.Path(os.environ.get("GPUSTACK_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[3]))
BUILD = pathlib.Path(os.environ.get("GPUSTACK_BINARY_DIR", SOURCE / "build/dev"))
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
AMD64, ARM64 = 62, 183


def elf(machine):
    return b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HH", 2, machine) + bytes(44)


def layer(files, compression="gz"):
    """A layer: names with contents, `-> target` for links."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=f"w:{compression}") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            if isinstance(content, str):
                info.type, info.linkname = tarfile.SYMTYPE, content.removeprefix("-> ")
                archive.addfile(info)
            else:
                info.size, info.mode = len(content), 0o755
                archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


class Place(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="gpustack-image-")
        self.addCleanup(folder.cleanup)
        self.top = pathlib.Path(folder.name)

    def check(self, *words, code=None, text=None, **environment):
        done = subprocess.run([str(BUILD / "bin/gpustack"), "image", "check", *words], cwd=self.top, input=text, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=60,
                              env={"HOME": str(self.top), "PATH": f"{self.top}/bin:/usr/bin:/bin", "LC_ALL": "C.UTF-8", "NO_COLOR": "1", **environment})
        if code is not None:
            self.assertEqual(code, done.returncode, done.stdout)
        return done.stdout


class Layouts(Place):
    def layout(self, says, layers, **config):
        """An OCI layout of one image; `says` is the platform it claims, None for none."""
        blobs = self.top / "image/blobs/sha256"
        blobs.mkdir(parents=True, exist_ok=True)

        def blob(data):
            name = hashlib.sha256(data).hexdigest()
            (blobs / name).write_bytes(data)
            return {"digest": f"sha256:{name}", "size": len(data)}

        platform = {"os": "linux", "architecture": says} if says else {}
        document = {"layers": [blob(one) for one in layers], "config": blob(json.dumps({**platform, "config": config}).encode())}
        entry = {"mediaType": MANIFEST, **blob(json.dumps(document).encode())}
        (self.top / "image/index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [entry]}))
        return ("--path", "image", "--platform", "linux/arm64")

    def test_what_is_true_is_not_commented(self):
        words = self.layout("arm64", [layer({"app": elf(ARM64)})], Entrypoint=["/app"])
        self.assertNotIn("note", self.check(*words, code=0))

    def test_a_manifest_that_lies_is_found_out(self):
        words = self.layout("arm64", [layer({"app": elf(AMD64)})], Entrypoint=["/app"])

        said = self.check(*words, code=1)

        self.assertIn("note  it says linux/arm64, but /app is built for amd64\n", said)
        self.assertIn("ERR-IMAGE-ARCH: 'image' is made for linux/amd64", said)
        self.assertEqual(["it says linux/arm64, but /app is built for amd64"], json.loads(self.check(*words, "--format", "json"))["notes"])
        self.assertNotIn("note", self.check(*words, "--entrypoint", "no", code=0))

    def test_a_manifest_without_a_platform_gets_one(self):
        words = self.layout(None, [layer({"app": elf(ARM64)})], Cmd=["/app"])
        self.assertIn("it names no platform, but /app is built for arm64", self.check(*words, code=0))
        words = self.layout(None, [layer({"app": b"data"})], Cmd=["/app"])
        self.assertIn("is made for no platform that it tells of", self.check(*words, code=1))

    def test_the_uppermost_layer_counts(self):
        old, new = layer({"usr/bin/app": elf(ARM64)}), layer({"./usr/bin/app": elf(AMD64)}, "xz")
        self.check(*self.layout("arm64", [old, new], Cmd=["app"]), code=1)
        self.check(*self.layout("arm64", [new, old], Cmd=["app"]), code=0)
        gone = layer({"usr/bin/.wh.app": b""})
        self.assertNotIn("note", self.check(*self.layout("arm64", [new, gone], Cmd=["app"]), code=0))
        opaque = layer({"usr/.wh..wh..opq": b"", "usr/local/bin/app": elf(ARM64)})
        self.assertNotIn("note", self.check(*self.layout("arm64", [new, opaque], Cmd=["app"]), code=0))

    def test_links_and_scripts_are_followed(self):
        base = layer({"bin": "-> usr/bin", "usr/bin/sh": "-> busybox", "usr/bin/busybox": elf(AMD64), "start": "-> /opt/start.sh"})
        script = layer({"opt/start.sh": b"#!/bin/sh\nexec app\n"})
        said = self.check(*self.layout("arm64", [base, script], Entrypoint=["/start"]), code=1)
        self.assertIn("but /bin/sh is built for amd64", said)
        circle = layer({"a": "-> b", "b": "-> a"})
        self.assertNotIn("note", self.check(*self.layout("arm64", [circle], Entrypoint=["/a"]), code=0))

    def test_a_layer_that_cannot_be_read_is_told(self):
        words = self.layout("arm64", [b"no archive"], Cmd=["/app"])
        self.assertIn("note  its first program was not looked at: layer 'image/blobs/sha256/", self.check(*words, code=0))


class Engine(Place):
    def engine(self, built, makes=True):
        """A docker command with one image, and a record of what it was asked."""
        (self.top / "bin").mkdir(exist_ok=True)
        (self.top / "app.tar").write_bytes(layer({"app": elf(built)}, ""))
        (self.top / "inspect.json").write_text(json.dumps([{"Os": "linux", "Architecture": "arm64", "Config": {"Entrypoint": ["/app"]}}]))
        script = self.top / "bin/podman"
        script.write_text(f"""#!/bin/sh
echo "$@" >> {self.top}/asked
case "$1 $2" in
  "image inspect") cat {self.top}/inspect.json;;
  "create --pull") {'echo 0123' if makes else 'echo no space left >&2; exit 125'};;
  "cp 0123:/app") cat {self.top}/app.tar;;
  rm*) ;;
  *) exit 1;;
esac
""")
        script.chmod(0o755)
        return ("app:1", "--source", "podman", "--platform", "linux/arm64")

    def asked(self):
        return (self.top / "asked").read_text().splitlines()

    def test_it_is_looked_into_when_asked(self):
        words = self.engine(AMD64)
        self.check(*words, code=0)
        self.assertEqual(["image inspect app:1"], self.asked())

        said = self.check(*words, "--entrypoint", "yes", code=1)

        self.assertIn("it says linux/arm64, but /app is built for amd64", said)
        self.assertEqual("rm --force 0123", self.asked()[-1])
        self.assertNotIn("note", (self.engine(ARM64), self.check(*words, "--entrypoint", "yes", code=0))[1])

    def test_an_engine_that_refuses_is_told(self):
        said = self.check(*self.engine(ARM64, makes=False), "--entrypoint", "yes", code=0)
        self.assertIn("note  its first program was not looked at: podman create: no space left", said)


INDEX = json.dumps({"schemaVersion": 2, "manifests": [{"digest": "sha256:" + "1" * 64, "platform": {"os": "linux", "architecture": "arm64"}}]}).encode()


class Registry(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        word = base64.b64encode(b"reader:correct horse").decode()
        good = self.headers.get("Authorization") == f"Basic {word}"
        body = INDEX if good else b"{}"
        self.send_response(200 if good else 401)
        self.send_header("Content-Type", "application/vnd.oci.image.index.v1+json")
        self.send_header("Content-Length", str(len(body)))
        if not good:
            self.send_header("WWW-Authenticate", 'Basic realm="closed"')
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


class Credentials(Place):
    def setUp(self):
        super().setUp()
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Registry)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        self.registry = f"127.0.0.1:{server.server_address[1]}"
        self.words = (f"{self.registry}/team/app:1", "--source", "registry", "--plain-http", "--platform", "linux/arm64")

    def test_without_any_the_registry_refuses(self):
        self.assertIn("401", self.check(*self.words, code=1))

    def test_they_come_from_a_file_stdin_or_the_environment(self):
        (self.top / "secret").write_text("correct horse\n")
        self.check(*self.words, "--username", "reader", "--password-file", "secret", code=0)
        self.check(*self.words, "--username", "reader", "--password-file", "-", text="correct horse\n", code=0)
        self.check(*self.words, "--username", "reader", code=0, GPUSTACK_REGISTRY_PASSWORD="correct horse")
        said = self.check(*self.words, "--username", "reader", code=1, GPUSTACK_REGISTRY_PASSWORD="wrong horse")
        self.assertNotIn("wrong horse", said)

    def test_what_is_missing_is_named(self):
        self.assertIn("--username needs a password", self.check(*self.words, "--username", "reader", code=5))
        self.assertIn("--password-file: 'nowhere' is not there", self.check(*self.words, "--username", "reader", "--password-file", "nowhere", code=5))
        self.assertIn("--username", self.check(*self.words, "--password-file", "x", code=5))
        self.assertIn("--docker-config: 'nowhere.json' is not there", self.check(*self.words, "--docker-config", "nowhere.json", code=5))

    def test_dockers_file_is_read(self):
        auth = base64.b64encode(b"reader:correct horse").decode()
        (self.top / "config.json").write_text(json.dumps({"auths": {self.registry: {"auth": auth}}}))
        self.check(*self.words, "--docker-config", "config.json", code=0)
        (self.top / ".docker").mkdir()
        (self.top / "config.json").rename(self.top / ".docker/config.json")
        self.check(*self.words, code=0)
        self.check(*self.words, code=0, DOCKER_CONFIG=str(self.top / ".docker"))

    def test_a_helper_is_asked(self):
        (self.top / "bin").mkdir()
        helper = self.top / "bin/docker-credential-safe"
        helper.write_text('#!/bin/sh\nread registry\necho "{\\"Username\\": \\"reader\\", \\"Secret\\": \\"correct horse\\"}"\n')
        helper.chmod(0o755)
        (self.top / "config.json").write_text(json.dumps({"credHelpers": {self.registry: "safe"}}))
        self.check(*self.words, "--docker-config", "config.json", code=0)
        helper.write_text("#!/bin/sh\necho locked >&2\nexit 1\n")
        self.assertIn("docker-credential-safe get failed: locked", self.check(*self.words, "--docker-config", "config.json", code=1))


if __name__ == "__main__":
    unittest.main()
