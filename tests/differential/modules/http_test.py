"""get_url against Ansible's, over HTTP and HTTPS on loopback: the same files, `changed` and status."""

import base64
import email.utils
import hashlib
import http.server
import os
import pathlib
import shutil
import ssl
import subprocess
import sys
import tempfile
import threading
import unittest

sys.path.insert(0, os.path.dirname(__file__))
from oracle import DifferentialCase, placed, run_theirs, tree  # noqa: E402

BODY = b"hello\n" * 5000
MODIFIED = 1_600_000_000
R = "{root}/"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    seen = []

    def log_message(self, *arguments):
        pass

    def reply(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_GET(self):
        Handler.seen.append((self.command, self.path, dict(self.headers)))
        path = self.path.split("?")[0]
        if path == "/file.bin":
            since = self.headers.get("If-Modified-Since")
            if since and email.utils.parsedate_to_datetime(since).timestamp() >= MODIFIED and not self.headers.get("cache-control"):
                return self.reply(304)
            return self.reply(200, BODY)
        if path == "/chunked":
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            if self.command != "HEAD":
                for at in range(0, len(BODY), 777):
                    piece = BODY[at:at + 777]
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
                self.wfile.write(b"0\r\n\r\n")
            return None
        if path.startswith("/redirect/"):
            return self.reply(int(path.split("/")[2]), Location="/file.bin")
        if path == "/loop":
            return self.reply(302, Location="/loop")
        if path == "/auth":
            if self.headers.get("Authorization") != "Basic " + base64.b64encode(b"me:secret").decode():
                return self.reply(401, b"who?", WWW_Authenticate='Basic realm="r"')
            return self.reply(200, BODY)
        if path == "/named":
            return self.reply(200, BODY, Content_Disposition='attachment; filename="given.name"')
        if path == "/SHA256SUMS":
            return self.reply(200, (hashlib.sha256(BODY).hexdigest() + "  file.bin\n").encode())
        if path == "/header":
            return self.reply(200, self.headers.get("X-Test", "none").encode())
        return self.reply(404, b"nothing here")

    do_HEAD = do_GET


def serve(context=None):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


class GetUrl(DifferentialCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.secrets = pathlib.Path(tempfile.mkdtemp(prefix="gpustack-tls-"))
        for name in list(os.environ):
            if name.lower().endswith("_proxy"):
                del os.environ[name]
        config = cls.secrets / "cnf"
        config.write_text("[req]\ndistinguished_name=d\nx509_extensions=e\nprompt=no\n[d]\nCN=localhost\n"
                          "[e]\nsubjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:TRUE\n")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-config", config,
                        "-keyout", cls.secrets / "key", "-out", cls.secrets / "cert"], check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cls.secrets / "cert", cls.secrets / "key")
        cls.plain, cls.secure = serve(), serve(context)
        os.environ["SSL_CERT_FILE"] = str(cls.secrets / "cert")

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        for server in (cls.plain, cls.secure):
            server.shutdown()
            server.server_close()
        shutil.rmtree(cls.secrets)
        del os.environ["SSL_CERT_FILE"]

    def address(self, path):
        return "http://127.0.0.1:%d%s" % (self.plain.server_port, path)

    def both(self, arguments, files, runs=2, check=True, keys=("status_code", "checksum_src", "checksum_dest", "dest")):
        mine, theirs = self.twins(files)
        for root in (mine, theirs):
            for path in root.iterdir():
                os.utime(path, (MODIFIED - 100, MODIFIED - 100))
        for dry in [True] * check + [False] * runs:
            ours = self.ours.run("get_url", placed(arguments, mine), check=dry)
            oracle = run_theirs("get_url", placed(arguments, theirs), check=dry)
            self.assertEqual(bool(oracle.get("failed")), bool(ours.get("failed")), (oracle, ours))
            if not oracle.get("failed"):
                self.assertEqual(oracle["changed"], ours["changed"], (dry, oracle, ours))
                if not dry:
                    for key in keys:
                        self.assertEqual(str(oracle.get(key)).replace(str(theirs), "R"), str(ours.get(key)).replace(str(mine), "R"), key)
            self.assertEqual(tree(theirs), tree(mine))

    def test_files(self):
        sha = hashlib.sha256(BODY).hexdigest()
        files = {"old": {"text": "old", "mode": 0o600}, "d": {"folder": 0o755}, "right": BODY.decode()}
        rows = [({"url": self.address("/file.bin"), "dest": R + "new"}, {}),
                ({"url": self.address("/file.bin"), "dest": R + "new", "mode": "0600"}, {}),
                ({"url": self.address("/file.bin"), "dest": R + "old"}, {}),
                ({"url": self.address("/file.bin"), "dest": R + "old", "backup": True}, {}),
                ({"url": self.address("/file.bin"), "dest": R + "d"}, {}),
                ({"url": self.address("/named"), "dest": R + "d"}, {}),
                ({"url": self.address("/chunked"), "dest": R + "new"}, {}),
                ({"url": self.address("/file.bin"), "dest": R + "none/new"}, {"check": False}),
                ({"url": self.address("/file.bin"), "dest": R + "right", "checksum": "sha256:" + sha, "mode": "0640"}, {}),
                ({"url": self.address("/file.bin"), "dest": R + "new", "checksum": "sha256:" + sha}, {}),
                ({"url": self.address("/file.bin"), "dest": R + "old", "checksum": "sha256:" + sha}, {}),
                ({"url": self.address("/file.bin"), "dest": R + "new", "checksum": "sha256:" + self.address("/SHA256SUMS")}, {}),
                ({"url": self.address("/file.bin"), "dest": R + "new", "checksum": "sha1:" + "0" * 40}, {"check": False}),
                ({"url": self.address("/file.bin"), "dest": R + "new", "checksum": "nonsense"}, {}),
                ({"url": self.address("/file.bin"), "dest": R + "right", "force": True}, {}),
                ({"url": self.address("/missing"), "dest": R + "new"}, {}),
                ({"url": "http://127.0.0.1:1/", "dest": R + "new"}, {}),
                ({"url": "gopher://127.0.0.1/", "dest": R + "new"}, {})]
        for arguments, options in rows:
            with self.subTest(arguments=arguments):
                self.both(arguments, files, **options)

    def test_files_of_the_host(self):
        files = {"src": {"text": "new", "mode": 0o640}, "old": "old", "same": "new", "d": {"folder": 0o755}, "a b": "blank"}
        for row in ({"url": "file://" + R + "src", "dest": R + "new"}, {"url": "file:" + R + "src", "dest": R + "old", "backup": True},
                    {"url": "file://localhost" + R + "a%20b", "dest": R + "d"}, {"url": "file://" + R + "src", "dest": R + "same"},
                    {"url": "file://" + R + "src", "dest": R + "new", "mode": "0600"}, {"url": "file://" + R + "none", "dest": R + "new"},
                    {"url": "file://elsewhere" + R + "src", "dest": R + "new"},
                    {"url": "file://" + R + "src", "dest": R + "old", "checksum": "md5:" + hashlib.md5(b"new").hexdigest()}):
            with self.subTest(arguments=row):
                self.both(row, files)

    def test_netrc(self):
        netrc = self.folder / "netrc"
        netrc.write_text("machine 127.0.0.1 login me password secret\n")
        self.ours.close()
        type(self).ours = type(self.ours)()
        os.environ["NETRC"] = str(netrc)
        try:
            self.both({"url": self.address("/auth"), "dest": R + "new"}, {})
            self.both({"url": self.address("/auth"), "dest": R + "new", "use_netrc": False}, {})
        finally:
            del os.environ["NETRC"]
            self.ours.close()
            type(self).ours = type(self.ours)()

    def test_redirects_and_authentication(self):
        for status in (301, 302, 303, 307, 308):
            with self.subTest(status=status):
                self.both({"url": self.address("/redirect/%d" % status), "dest": R + "new"}, {})
        self.both({"url": self.address("/loop"), "dest": R + "new"}, {})
        for more in ({}, {"url_username": "me", "url_password": "secret"}, {"url_username": "me", "url_password": "wrong"},
                     {"username": "me", "password": "secret", "force_basic_auth": True}):
            with self.subTest(more=more):
                self.both({"url": self.address("/auth"), "dest": R + "new", **more}, {})
        self.both({"url": self.address("/header"), "dest": R + "new", "headers": {"X-Test": "sent"}}, {})

    def test_tls(self):
        port = self.secure.server_port
        self.both({"url": "https://localhost:%d/file.bin" % port, "dest": R + "new"}, {})
        self.both({"url": "https://127.0.0.1:%d/file.bin" % port, "dest": R + "new"}, {})
        self.both({"url": "https://127.0.0.2:%d/file.bin" % port, "dest": R + "new"}, {})
        self.both({"url": "https://127.0.0.1:%d/file.bin" % port, "dest": R + "new", "validate_certs": False}, {})

    def test_an_unknown_authority_is_refused(self):
        self.ours.close()
        type(self).ours = type(self.ours)()
        kept = os.environ.pop("SSL_CERT_FILE")
        try:
            self.both({"url": "https://localhost:%d/file.bin" % self.secure.server_port, "dest": R + "new"}, {})
        finally:
            os.environ["SSL_CERT_FILE"] = kept
            self.ours.close()
            type(self).ours = type(self.ours)()

    def test_proxy(self):
        self.ours.close()
        type(self).ours = type(self.ours)()
        os.environ["http_proxy"] = "http://127.0.0.1:%d" % self.plain.server_port
        try:
            Handler.seen.clear()
            root = self.twins({})[0]
            result = self.ours.run("get_url", {"url": "http://example.invalid/redirect/999", "dest": str(root / "f")})
            self.assertTrue(result["failed"])
            self.assertEqual(["http://example.invalid/redirect/999"], [path for _, path, _ in Handler.seen])
        finally:
            del os.environ["http_proxy"]
            self.ours.close()
            type(self).ours = type(self.ours)()

    def test_secrets_stay_with_their_host(self):
        other = serve()
        try:
            class Away(Handler):
                def do_GET(self):
                    return self.reply(302, Location="http://127.0.0.1:%d/header" % other.server_port)
            away = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Away)
            threading.Thread(target=away.serve_forever, daemon=True).start()
            Handler.seen.clear()
            root = self.twins({})[0]
            result = self.ours.run("get_url", {"url": "http://127.0.0.1:%d/" % away.server_port, "dest": str(root / "f"), "url_username": "me",
                                               "url_password": "secret", "force_basic_auth": True, "headers": {"Cookie": "a=b", "X-Test": "1"}})
            self.assertTrue(result["changed"], result)
            headers = Handler.seen[-1][2]
            self.assertNotIn("Authorization", headers)
            self.assertNotIn("Cookie", headers)
            self.assertIn("X-Test", headers)
            away.shutdown()
            away.server_close()
        finally:
            other.shutdown()
            other.server_close()


if __name__ == "__main__":
    unittest.main()
