"""Keeps what it is sent in /srv: a line for each request, without what differs from client to client."""
import email
import http.server
import json
import os


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *arguments):
        pass

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        kind = self.headers.get_content_type() if "Content-Type" in self.headers else None
        if kind == "multipart/form-data":
            parts = email.message_from_bytes(b"Content-Type: " + self.headers["Content-Type"].encode() + b"\n\n" + body).get_payload()
            sent = [[part.get_param("name", header="Content-Disposition"), part.get_filename(), part.get_content_type(),
                     part.get_payload(decode=True).decode()] for part in parts]
        else:
            sent = body.decode()
        with open("/srv/requests", "a") as log:
            log.write(json.dumps([self.command, self.path, kind, self.headers.get("Cookie"), sent]) + "\n")
        content = json.dumps({"path": self.path}).encode()
        self.send_response(404 if self.path == "/missing" else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Set-Cookie", "session=42")
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = answer


with open("/run/web-server.pid", "w") as file:
    file.write(str(os.getpid()))
http.server.HTTPServer(("127.0.0.1", 8123), Handler).serve_forever()
