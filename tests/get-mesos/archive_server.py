"""Serves a folder on loopback as Apache's download site does, with the faults a download meets.

    archive_server.py FOLDER LOG

The first part of a request's path chooses how the rest of it is served: `whole` properly, with ranges; `cut` the same,
but the connection ends halfway unless a range was asked for; `no-range` always from the beginning; `error` with
status 500. Prints its port, then writes a line `METHOD PATH RANGE` to LOG for each request.
"""

import http.server
import os
import sys

folder, log_path = sys.argv[1:]


class Archive(http.server.BaseHTTPRequestHandler):
    def do_HEAD(self):
        self.answer(with_body=False)

    def do_GET(self):
        self.answer(with_body=True)

    def answer(self, with_body):
        wanted = self.headers.get("Range", "-")
        with open(log_path, "a", encoding="ascii") as log:
            log.write(f"{self.command} {self.path} {wanted}\n")
        manner, _, name = self.path.lstrip("/").partition("/")
        path = os.path.join(folder, name)
        if manner == "error":
            return self.send_error(500)
        if not os.path.isfile(path):
            return self.send_error(404)
        with open(path, "rb") as file:
            content = file.read()

        start = 0
        if wanted != "-" and manner != "no-range":
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
            if start >= len(content):
                return self.send_error(416)
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        else:
            self.send_response(200)
        body = content[start:]
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if manner == "cut" and wanted == "-" and not name.endswith(".sha512"):
            body = body[: len(body) // 2]
            self.close_connection = True
        if with_body:
            self.wfile.write(body)

    def log_message(self, *_):
        pass


with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Archive) as server:
    print(server.server_port, flush=True)
    server.serve_forever()
