#!/usr/bin/python3
"""Records how modules talk to a real container engine.

  record_engine.py SOCKET RUN_MODULE FILE...

Each FILE is a story: steps with module, arguments, check, changed and expect. The steps are carried out against the engine
that listens at SOCKET, through RUN_MODULE (build/release/bin/run_module); what was said goes into the file, beside each
step, where tests/unit/modules/builtin/engine_stories_test.cpp plays it back. A step `shell` prepares or clears something.
A story needs an engine of its own: it may remove what it finds.
"""

import http.client
import http.server
import json
import os
import socket
import socketserver
import subprocess
import sys
import tempfile
import threading


class EngineConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost")
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)


class Proxy(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


def as_json(data):
    try:
        return json.loads(data)
    except ValueError:
        return None


def trimmed(value):
    """Without what is long and nobody reads."""
    if isinstance(value, dict):
        if "ApiVersion" in value:
            return {"ApiVersion": value["ApiVersion"]}
        dropped = ("GraphDriver", "MaskedPaths", "ReadonlyPaths", "ResolvConfPath", "HostnamePath", "HostsPath", "LogPath", "Ports")
        return {k: trimmed(v) for k, v in value.items() if k not in dropped}
    return value


def handler_of(engine, exchanges):
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *arguments):
            pass

        def address_string(self):
            return "engine"

        def relay(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            upstream = EngineConnection(engine)
            kept = ("content-type", "x-registry-auth")
            upstream.request(self.command, self.path, body or None,
                             {k: v for k, v in self.headers.items() if k.lower() in kept})
            answer = upstream.getresponse()
            data = answer.read()
            entry = {"method": self.command, "path": self.path}
            if body:
                entry["body"] = as_json(body) if as_json(body) is not None else len(body)
            entry["status"] = answer.status
            if data:
                said = as_json(data)
                entry["answer" if said is not None else "text"] = trimmed(said) if said is not None else data.decode("latin-1")
            exchanges.append(entry)
            self.send_response(answer.status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            if data:
                self.wfile.write(data)

        do_GET = do_POST = do_DELETE = do_PUT = do_HEAD = relay

    return Handler


def found(result, path):
    for part in path.split("/"):
        result = result.get(part) if isinstance(result, dict) else None
    return result


def carry_out(step, engine, program, folder):
    if "shell" in step:
        environment = dict(os.environ, DOCKER_HOST="unix://" + engine)
        subprocess.run(step["shell"], shell=True, check=True, env=environment, stdout=subprocess.DEVNULL)
        return True
    exchanges = []
    listener = os.path.join(folder, "s")
    if os.path.exists(listener):
        os.unlink(listener)
    proxy = Proxy(listener, handler_of(engine, exchanges))
    threading.Thread(target=proxy.serve_forever, daemon=True).start()
    command = [program, step["module"], json.dumps(step["arguments"]), "--diff"] + (["--check"] if step.get("check") else [])
    environment = dict(os.environ, DOCKER_HOST="unix://" + listener)
    environment.pop("DOCKER_API_VERSION", None)
    done = subprocess.run(command, stdout=subprocess.PIPE, env=environment)
    proxy.shutdown()
    proxy.server_close()
    result = json.loads(done.stdout)
    step["exchanges"] = exchanges
    good = bool(result.get("failed")) == bool(step.get("failed")) and result.get("changed") == step["changed"]
    for path, value in step.get("expect", {}).items():
        good = good and found(result, path) == value
    if not good:
        print("unexpected:", json.dumps(step["arguments"]), "\n  gave", json.dumps(result)[:3000])
    return good


def main():
    engine, program, *files = sys.argv[1:]
    good = True
    for name in files:
        with open(name) as text:
            story = json.load(text)
        with tempfile.TemporaryDirectory() as folder:
            for step in story["steps"]:
                good = carry_out(step, engine, program, folder) and good
        steps = story.pop("steps")
        with open(name, "w") as text:
            text.write(json.dumps(story)[:-1] + ', "steps": [\n')
            text.write(",\n".join(json.dumps(step) for step in steps) + "\n]}\n")
        print(name, "recorded")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
