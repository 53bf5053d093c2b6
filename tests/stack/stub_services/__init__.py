"""Stand-ins for the five services: they answer as the commands of the stack expect, no more."""

import json
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import psycopg

FAILING = "STUB_FAILING"


def serve(service: str) -> None:
    """Answer on HTTP_PORT until killed; end at once if this service is to fail."""
    if os.environ.get(FAILING) == service:
        sys.exit(f"{service} was told to fail")
    if "DATABASE_URL" in os.environ:  # the console has none
        psycopg.connect(os.environ["DATABASE_URL"]).close()
    handler = type("Handler", (_Handler,), {"service": service})
    address = (os.environ["HTTP_HOST"], int(os.environ["HTTP_PORT"]))
    ThreadingHTTPServer(address, handler).serve_forever()


class _Handler(BaseHTTPRequestHandler):
    service: str

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        if path == "/health/ready":
            self._answer(200, {"is_ready": True, "administrator": os.environ.get("POSTGRES_URL")})
        elif path == "/dead-letters":
            id_, next_ = (6, None) if "after=7" in query else (7, "7")
            letter = {"id": id_, "reason": f"breach {id_} in {self.service}"}
            self._answer(200, {"items": [letter], "next": next_})
        else:
            self._answer(404, {"title": "unknown"})

    def do_POST(self) -> None:
        assert self.headers["acting-role"] == "system"
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        if self.path == "/dead-letters/7/replay":
            self._answer(201, {})
        elif self.path == "/sas/messages":
            if body.startswith(b"{"):
                self._answer(201, {})
                return
            self._answer(400, {"hub_code": 102, "title": "unreadable", "reasons": ["no JSON"]})
        else:
            self._answer(404, {"title": "unknown", "detail": "no such dead letter"})

    def _answer(self, status: int, body: object) -> None:
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass
