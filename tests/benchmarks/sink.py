"""`python -m tests.benchmarks.sink PORT`: takes spans as a collector does, and forgets them.

Any `GET` answers how many times it was sent some.
"""

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Sink(BaseHTTPRequestHandler):
    """One connection of an exporter."""

    protocol_version = "HTTP/1.1"
    taken = 0

    def do_POST(self) -> None:
        """Take what an exporter sends."""
        self.rfile.read(int(self.headers["Content-Length"]))
        Sink.taken += 1
        self._answer(b"")

    def do_GET(self) -> None:
        """How many times something was sent."""
        self._answer(str(Sink.taken).encode())

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing of each request."""


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Sink).serve_forever()
