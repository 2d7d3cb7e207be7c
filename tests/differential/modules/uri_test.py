"""uri against Ansible's, over HTTP, HTTPS and a Unix socket: the same requests reach the server, and the results agree."""

import base64
import gzip
import hashlib
import http.server
import json
import os
import pathlib
import re
import shutil
import socketserver
import ssl
import subprocess
import sys
import tempfile
import threading
import unittest

sys.path.insert(0, os.path.dirname(__file__))
from oracle import DifferentialCase, placed, run_theirs, tree  # noqa: E402

R = "{root}/"
KEYS = ("status", "redirected", "content", "json", "cookies", "cookies_string", "content_type", "x_answer", "set_cookie", "location", "path",
        "stdout", "content_length", "mode", "state", "size")
SENT = ("content-type", "content-length", "user-agent", "authorization", "x-test", "cookie", "accept", "cache-control", "host")


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    seen = []

    def log_message(self, *arguments):
        pass

    def address_string(self):
        return "client"

    def reply(self, status, body=b"", headers=()):
        self.send_response(status)
        names = [name.lower() for name, _ in headers]
        for name, value in headers:
            self.send_header(name, value)
        if "content-length" not in names:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        Handler.seen.append((self.command, self.path, {name.lower(): value for name, value in self.headers.items()}, body))
        path = self.path.split("?")[0]
        if path == "/json":
            return self.reply(200, b'{"a": [1, 2.5, null, "\xc3\xa9"], "b": true}', [("Content-Type", "application/json"), ("X-Answer", "yes")])
        if path == "/problem":
            return self.reply(409, b'{"title": "no"}', [("Content-Type", "application/problem+json; charset=utf-8")])
        if path == "/broken-json":
            return self.reply(200, b'{"a": ', [("Content-Type", "application/json")])
        if path == "/latin":
            return self.reply(200, b"caf\xe9", [("Content-Type", "text/plain; charset=iso-8859-1")])
        if path == "/gzip":
            return self.reply(200, gzip.compress(b'{"packed": "' + b"x" * 5000 + b'"}'), [("Content-Type", "application/json"), ("Content-Encoding", "gzip")])
        if path.startswith("/redirect/"):
            return self.reply(int(path.split("/")[2]), b"go", [("Location", "/echo?from=redirect"), ("Set-Cookie", "seen=1; Path=/")])
        if path == "/relative":
            return self.reply(302, b"", [("Location", "echo")])
        if path == "/cookies":
            return self.reply(200, b"", [("Set-Cookie", "a=1; Path=/"), ("Set-Cookie", 'b="two words"; HttpOnly'), ("Set-Cookie", "gone=1; Max-Age=0"),
                                         ("Set-Cookie", "old=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT"), ("Set-Cookie", "far=1; Domain=example.org")])
        if path == "/auth":
            if self.headers.get("Authorization") != "Basic " + base64.b64encode(b"me:secret").decode():
                return self.reply(401, b"who?", [("WWW-Authenticate", 'Basic realm="r"')])
            return self.reply(200, b"welcome")
        if path == "/digest":
            return self.digest()
        if path == "/named":
            return self.reply(200, b"file", [("Content-Disposition", 'attachment; filename="given.name"')])
        if path.startswith("/status/"):
            return self.reply(int(path.split("/")[2]), b"" if path.endswith("204") else b"text")
        return self.reply(200, json.dumps([self.command, body.decode("latin-1"), self.headers.get("Content-Type")]).encode(),
                          [("Content-Type", "text/plain")])

    def digest(self):
        given = self.headers.get("Authorization", "")
        fields = dict(re.findall(r'(\w+)="?([^",]*)"?', given))
        if given.startswith("Digest "):
            def h(text):
                return hashlib.md5(text.encode()).hexdigest()
            middle = ":".join([h("me:the realm:secret"), "abc", fields["nc"], fields["cnonce"], "auth", h(self.command + ":" + self.path)])
            if fields["response"] == h(middle) and fields["opaque"] == "xyz":
                return self.reply(200, b"welcome")
        return self.reply(401, b"who?", [("WWW-Authenticate", 'Digest realm="the realm", nonce="abc", qop="auth", opaque="xyz"')])

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = answer


class SocketServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


def start(server):
    server.handle_error = lambda *arguments: None  # whoever asked may be gone before the answer is sent
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


class Uri(DifferentialCase):
    @classmethod
    def setUpClass(cls):
        for name in list(os.environ):
            if name.lower().endswith("_proxy"):
                del os.environ[name]
        cls.secrets = pathlib.Path(tempfile.mkdtemp(prefix="gpustack-uri-"))
        config = cls.secrets / "cnf"
        config.write_text("[req]\ndistinguished_name=d\nx509_extensions=e\nprompt=no\n[d]\nCN=localhost\n"
                          "[e]\nsubjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:TRUE\n")
        for name in ("server", "client"):
            subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-config", config,
                            "-keyout", cls.secrets / (name + ".key"), "-out", cls.secrets / (name + ".pem")], check=True, capture_output=True)
        (cls.secrets / "both.pem").write_text((cls.secrets / "client.pem").read_text() + (cls.secrets / "client.key").read_text())
        cls.plain = start(http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler))
        cls.secure = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cls.secrets / "server.pem", cls.secrets / "server.key")
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(cls.secrets / "client.pem")
        cls.secure.socket = context.wrap_socket(cls.secure.socket, server_side=True)
        start(cls.secure)
        cls.socket = start(SocketServer(str(cls.secrets / "socket"), Handler))
        super().setUpClass()

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        for server in (cls.plain, cls.secure, cls.socket):
            server.shutdown()
            server.server_close()
        shutil.rmtree(cls.secrets)

    def address(self, path):
        return "http://127.0.0.1:%d%s" % (self.plain.server_port, path)

    def one_side(self, run, arguments, root):
        Handler.seen.clear()
        result = run("uri", placed(arguments, root))
        requests = [(method, path, {name: headers.get(name) for name in SENT}, body) for method, path, headers, body in Handler.seen]
        return result, requests

    def both(self, path="/echo", files=None, keys=KEYS, sent=True, message=False, **arguments):
        arguments.setdefault("url", self.address(path))
        with self.subTest(arguments=arguments):
            mine, theirs = self.twins(files or {})
            oracle, expected = self.one_side(run_theirs, arguments, theirs)
            ours, actual = self.one_side(self.ours.run, arguments, mine)
            what = (oracle, ours)
            self.assertEqual(bool(oracle.get("failed")), bool(ours.get("failed")), what)
            self.assertEqual(oracle.get("changed", False), ours.get("changed"), what)
            for key in keys:
                self.assertEqual(str(oracle.get(key)).replace(str(theirs), "R"), str(ours.get(key)).replace(str(mine), "R"), (key,) + what)
            if message:
                self.assertEqual(oracle.get("msg"), ours.get("msg"), what)
            if sent:
                self.assertEqual(expected, actual)
            self.assertEqual(tree(theirs), tree(mine))
            return ours

    def test_answers(self):
        for path in ("/json", "/latin", "/gzip", "/cookies", "/broken-json", "/status/204", "/echo"):
            self.both(path, return_content=True, message=True)
            self.both(path)
        self.both("/status/404", message=True)
        self.both("/status/404", return_content=True, status_code=[200, 404])
        self.both("/status/500", return_content=True, message=True)
        self.both("/problem", message=True)
        self.both("/status/201", status_code=201, method="POST", message=True)
        self.both("/echo", method="HEAD")
        self.both("/json", method="delete", status_code="200,202")

    def test_bodies(self):
        for body in ("text", "", '{"ready": "made"}'):
            for form in ("raw", "json", "form-urlencoded"):
                self.both(method="POST", body=body, body_format=form, return_content=True)
        data = {"name": "n\u00e9 1", "list": [1, 2, None], "flag": True, "nothing": None, "deep": {"a": 1}}
        self.both(method="PUT", body=data, body_format="json", return_content=True)
        self.both(method="PUT", body=data, body_format="form-urlencoded", return_content=True)
        self.both(method="POST", body=[["a", "1"], ["a", "x&y=z"], ["b", ["2", "3"]]], body_format="form-urlencoded", return_content=True)
        self.both(method="POST", body=[1, 2], body_format="json", headers={"Content-Type": "application/x-own", "X-Test": "1"})
        self.both(method="POST", body_format="json")
        self.both(method="POST")
        self.both(method="POST", body={"a": 1}, keys=(), sent=False)
        self.both(method="POST", src=R + "f", files={"f": "a file\n"}, return_content=True)
        self.both(method="POST", src=R + "f", body_format="json", files={"f": "[1]"}, return_content=True, remote_src=True)
        self.both(method="POST", src=R + "none")
        self.both(method="POST", src=R + "f", body="x", files={"f": "x"})

    def test_multipart(self):
        files = {"f.json": '{"a": 1}' * 30, "plain": "x"}
        body = {"text": "one\ntwo \u00e9", "up": {"filename": R + "f.json"}, "made": {"filename": "n\u00e4me.txt", "content": "c", "mime_type": "text/x-own"},
                "q\"uote": "v", "none": {"filename": R + "plain"}}
        mine, theirs = self.twins(files)
        arguments = {"url": self.address("/echo"), "method": "POST", "body_format": "form-multipart", "body": body}
        sides = []
        for run, root in ((run_theirs, theirs), (self.ours.run, mine)):
            result, requests = self.one_side(run, arguments, root)
            self.assertEqual(200, result["status"], result)
            kind, content = requests[0][2]["content-type"], requests[0][3]
            boundary = re.match(r'multipart/form-data; boundary="([^"]+)"$', kind).group(1)
            parts = content.split(b"--" + boundary.encode())
            self.assertEqual((b"", b"--\r\n"), (parts[0], parts[-1]))
            sides.append([(sorted(part.partition(b"\r\n\r\n")[0].split(b"\r\n")), part.partition(b"\r\n\r\n")[2]) for part in parts[1:-1]])
        self.assertEqual(sides[0], sides[1])
        for bad in ("text", {"a": 1}, {"a": {}}):
            self.both(method="POST", body=bad, body_format="form-multipart")

    def test_redirects(self):
        for follow in ("all", "yes", "safe", "none", "no", "urllib2"):
            for status in (301, 302, 303, 307, 308):
                for method in ("GET", "POST", "PUT"):
                    self.both("/redirect/%d" % status, follow_redirects=follow, method=method, body="x", return_content=True)
        self.both("/relative", follow_redirects="none")
        self.both("/redirect/302", headers={"X-Test": "1"}, unredirected_headers=["x-test"])

    def test_authentication(self):
        for path in ("/auth", "/digest"):
            for more in ({}, {"url_username": "me", "url_password": "secret"}, {"user": "me", "password": "secret", "force_basic_auth": True}):
                self.both(path, return_content=True, sent=path == "/auth", **more)
        self.both("/auth", url_username="me", url_password="wrong", sent=False)
        self.both("/digest", url_username="me", url_password="wrong", sent=False)

    def test_files(self):
        self.both("/echo", dest=R + "new", mode="0600")
        self.both("/echo", dest=R + "old", files={"old": {"text": "old", "mode": 0o640}}, sent=False)
        self.both("/named", dest=R + "d", files={"d": {"folder": 0o755}})
        self.both("/json", dest=R + "d", files={"d": {"folder": 0o755}}, return_content=True)
        self.both("/gzip", dest=R + "new")
        self.both("/gzip", dest=R + "new", decompress=False, keys=("status", "path"))
        self.both("/status/404", dest=R + "new")
        self.both("/echo", dest=R + "none/new")

    def test_conditions(self):
        for name in ("creates", "removes"):
            for path in ("there", "missing"):
                self.both(files={"there": "x"}, **{name: R + path})

    def test_check_mode_asks_nothing(self):
        Handler.seen.clear()
        for run in (run_theirs, self.ours.run):
            result = run("uri", {"url": self.address("/echo"), "method": "DELETE"}, check=True)
            self.assertTrue(result["skipped"])
            self.assertIn("does not support check mode", result["msg"])
        self.assertEqual([], Handler.seen)

    def test_connections(self):
        socket = str(self.secrets / "socket")
        self.both(url="http://localhost/echo", unix_socket=socket, return_content=True)
        self.both(url="http://localhost/echo", unix_socket=socket + "-none")
        self.both(url="http://127.0.0.1:1/")
        self.both(url="gopher://127.0.0.1/", keys=())
        secure = "https://localhost:%d/echo" % self.secure.server_port
        cert, key, both = (str(self.secrets / name) for name in ("client.pem", "client.key", "both.pem"))
        self.both(url=secure, ca_path=str(self.secrets / "server.pem"), client_cert=cert, client_key=key, return_content=True)
        self.both(url=secure, ca_path=str(self.secrets / "server.pem"), client_cert=both)
        self.both(url=secure, validate_certs=False, client_cert=both)
        self.both(url=secure, ca_path=str(self.secrets / "server.pem"))
        self.both(url=secure, client_cert=both)

    def test_a_silent_server_is_given_up(self):
        import socket as sockets
        with sockets.create_server(("127.0.0.1", 0)) as server:
            result = self.both(url="http://127.0.0.1:%d/" % server.getsockname()[1], timeout=1, sent=False)
        self.assertEqual(-1, result["status"])

    def test_bad_arguments(self):
        self.both(method="GET /")
        self.both(body_format="yaml")
        self.both(follow_redirects="maybe")
        self.both(status_code="good")
        self.both(no_such_argument=1)
        for refused in ({"use_gssapi": True}, {"ciphers": ["ECDH+AES"]}):
            result = self.ours.run("uri", dict(refused, url=self.address("/echo")))
            self.assertTrue(result["failed"])
            self.assertIn(next(iter(refused)), result["msg"])


if __name__ == "__main__":
    unittest.main()
