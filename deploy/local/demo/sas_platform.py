"""The SAS platform of `just demo --sas`: it takes in the appointments that it is told (INT_R03),
over mutual TLS, and keeps what it heard. It stands in for the real one, and checks no profile.
"""

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import msgspec


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """A declaration as it came, how it was answered, and the name in the caller's certificate."""

    method: str
    target: str
    body: Any
    status: int
    client: str

    @property
    def appointment_id(self) -> str:
        """Our identifier of the appointment."""
        return str(self.body["identifier"][0]["value"])


class SasPlatform:
    """Where it listens, and what it heard, in order."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.heard: list[Heard] = []
        self._lock = threading.Lock()

    def take(self, method: str, target: str, body: Any, client: str) -> int:
        """Keep a declaration; its answer: 201 for a new one, 409 for a known one posted again."""
        with self._lock:
            known = {one.appointment_id for one in self.heard if one.status < 300}
            is_known = body["identifier"][0]["value"] in known
            status = 200 if method == "PUT" else 409 if is_known else 201
            self.heard.append(
                Heard(method=method, target=target, body=body, status=status, client=client)
            )
            return status


def _handler(platform: SasPlatform) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """One request of ours."""

        def do_POST(self) -> None:
            """An appointment, or its change."""
            length = int(self.headers.get("Content-Length", "0"))
            body = json.loads(self.rfile.read(length))
            status = platform.take(self.command, self.path, body, _name_of(self.connection))
            self.send_response(status)
            self.send_header(
                "Location", f"{platform.base}/Appointment/{body['identifier'][0]['value']}"
            )
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_PUT = do_POST  # noqa: N815

        def log_message(self, *_: object) -> None:
            """The tale tells it."""

    return Handler


def _name_of(connection: Any) -> str:
    subject = (connection.getpeercert() or {}).get("subject", ())
    return next((value for one in subject for key, value in one if key == "commonName"), "")


@contextmanager
def listening(authority: Path, certificate: Path, key: Path) -> Iterator[SasPlatform]:
    """A platform that asks its callers for a certificate of the authority."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=authority)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(certificate, key)
    platform = SasPlatform("")
    with ThreadingHTTPServer(("127.0.0.1", 0), _handler(platform)) as server:
        platform.base = f"https://127.0.0.1:{server.server_port}/fhir"
        server.socket = context.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield platform
        finally:
            server.shutdown()
            thread.join()
