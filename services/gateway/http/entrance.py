"""What every call at a door passes: who it is, how often they call, and a line of what came of it.

The doors are served by a listener of their own over mutual TLS, and by the plain one only in an
insecure demonstration. Nothing but the doors is served there: orders beside them name a role, and
a platform has none of a CPTS.
"""

import http
import logging
import math
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import uvicorn.protocols.http.httptools_impl
from cryptography import x509
from cryptography.x509.oid import NameOID
from litestar import Response
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send
from litestar.utils.path import normalize_path

from services.gateway.domain.callers import Bucket, Caller, caller_of
from services.gateway.http.metadata import RESOURCES
from services.gateway.http.outcomes import DOORS, REASON, Told, is_door, outcome_of
from services.gateway.outside.certificates import Doubt
from services.gateway.outside.doors import INSECURE_VARIABLE, VARIABLE, Doors
from services.messaging.running import Running
from services.messaging.web import serving

log = logging.getLogger(__name__)
audit = logging.getLogger("services.gateway.audit")

CERTIFICATE = "client_certificate"
ANYBODY = "insecure-demo"
NOBODY = "unidentified"
KNOWN = ("metadata", *(one["type"] for one in RESOURCES))
NEEDS_TLS = "Les portes FHIR ne s'ouvrent qu'en TLS mutuel, à l'adresse qui leur est propre."
NOT_HERE = "Seules les portes FHIR sont servies à cette adresse."
NOT_KNOWN = "Le CN et l'OU de ce certificat ne sont pas ceux d'un appelant connu."
TOO_OFTEN = "Trop d'appels ; il faut attendre avant le prochain."
DOUBTS = {
    Doubt.NOT_VALID_NOW: (403, "Le certificat n'est pas, ou n'est plus, valable."),
    Doubt.ISSUER_UNKNOWN: (403, "Le certificat ne vient pas d'une autorité reconnue."),
    Doubt.REVOKED: (403, "Le certificat a été révoqué."),
    Doubt.LIST_MISSING: (503, "La liste de révocation de l'autorité n'est pas disponible."),
    Doubt.LIST_EXPIRED: (503, "La liste de révocation de l'autorité n'est plus à jour."),
}


class DoorProtocol(uvicorn.protocols.http.httptools_impl.HttpToolsProtocol):
    """uvicorn's own, which hands on the certificate that a client has shown (ADR 0028)."""

    def connection_made(self, transport: Any) -> None:
        """Keep the certificate where each request of the connection finds it."""
        super().connection_made(transport)
        shown = transport.get_extra_info("ssl_object").getpeercert(binary_form=True)
        self.app_state = {**self.app_state, CERTIFICATE: x509.load_der_x509_certificate(shown)}


class Entrance:
    """The entrance to the doors; `doors` is None where no caller is known."""

    def __init__(self, doors: Doors | None, *, is_insecure_demo: bool) -> None:
        self._doors, self._is_insecure_demo = doors, is_insecure_demo
        callers = doors.callers if doors else ()
        self._buckets = {one.name: Bucket(one) for one in callers}

    def around(self, app: ASGIApp) -> ASGIApp:
        """The application behind the entrance."""

        async def entered(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != ScopeType.HTTP or not self._concerns(scope):
                await app(scope, receive, send)
                return
            call = _Call(scope, send)
            try:
                self._admit(scope, call)
                await app(scope, receive, call.send)
            except Told as told:
                call.reason = told.reason
                await _tell(call.send, outcome_of(told))
            finally:
                call.write()

        return entered

    @asynccontextmanager
    async def listen(self, run: Running) -> AsyncIterator[None]:
        """The doors over mutual TLS, where a file says how; what is open is said in the log."""
        if self._is_insecure_demo:
            log.warning(
                "INSECURE DEMO (%s): the FHIR doors answer anybody, without a certificate, at %s%s",
                *(INSECURE_VARIABLE, run.address, DOORS),
            )
        if self._doors is None:
            if not self._is_insecure_demo:
                log.warning("the FHIR doors are closed: %s names no file", VARIABLE)
            yield
            return
        context = self._doors.context
        async with serving(
            run.app,
            self._doors.host,
            self._doors.port,
            http=DoorProtocol,
            ws="none",
            proxy_headers=False,
            ssl_context_factory=lambda *_: context,
        ) as address:
            run.more_addresses["doors"] = address
            log.info(
                "the FHIR doors are open over mutual TLS at %s%s to %s, %d certificates revoked",
                *(address, DOORS, ", ".join(one.name for one in self._doors.callers)),
                self._doors.register.revoked_count,
            )
            yield

    def _concerns(self, scope: Scope) -> bool:
        return CERTIFICATE in scope.get("state", {}) or is_door(scope["path"])

    def _admit(self, scope: Scope, call: "_Call") -> None:
        """Say in `call` who it is of. Raises `Told` when they may not call, or not now."""
        certificate = scope.get("state", {}).get(CERTIFICATE)
        if certificate is None:
            if not self._is_insecure_demo:
                raise Told(403, "mutual_tls_required", NEEDS_TLS)
            call.who = ANYBODY
            return
        caller = self._known(certificate)
        call.who = caller.name
        if not is_door(scope["path"]):
            raise Told(404, "no_door", NOT_HERE)
        wait_seconds = self._buckets[caller.name].wait_seconds(time.monotonic())
        if wait_seconds:
            raise Told(429, "too_many_calls", TOO_OFTEN, retry_after=math.ceil(wait_seconds))

    def _known(self, certificate: x509.Certificate) -> Caller:
        assert self._doors is not None, "a certificate comes through the doors' own listener"
        doubt = self._doors.register.doubt(certificate)
        if doubt is not None:
            status, text = DOUBTS[doubt]
            raise Told(status, doubt.value, text)
        names = _names(certificate, NameOID.COMMON_NAME)
        units = _names(certificate, NameOID.ORGANIZATIONAL_UNIT_NAME)
        caller = caller_of(self._doors.callers, names, units)
        if caller is None:
            raise Told(403, "caller_unknown", NOT_KNOWN)
        return caller


class _Call:
    """One call, until its line is written: no query, no body and no id of a resource is in it."""

    def __init__(self, scope: HTTPScope, send: Send) -> None:
        self._scope, self._send = scope, send
        self._began = time.monotonic()
        self._status = 0  # a caller who goes away gets no answer
        self.who = NOBODY
        self.reason = ""

    async def send(self, message: Message) -> None:
        """Hand on what is answered, and keep its status."""
        if message["type"] == "http.response.start":
            self._status = message["status"]
        await self._send(message)

    def _outcome(self) -> str:
        reason = self.reason or self._scope.get("state", {}).get(REASON, "")
        if reason:
            return str(reason)
        if not self._status:
            return "unanswered"
        return "served" if self._status < http.HTTPStatus.BAD_REQUEST else "refused"

    def write(self) -> None:
        """The line of the audit."""
        client = self._scope.get("client")
        certificate = self._scope.get("state", {}).get(CERTIFICATE)
        fields = {
            "who": self.who,
            "what": _what(self._scope),
            "outcome": self._outcome(),
            "status": self._status,
            "milliseconds": round((time.monotonic() - self._began) * 1000, 1),
            "address": client[0] if client else "",
            "certificate": f"{certificate.serial_number:x}" if certificate else "",
        }
        said = " ".join(f"{name}={value}" for name, value in fields.items() if value != "")
        audit.info("door: %s", said, extra={"fields": {"audit": fields}})


def _what(scope: HTTPScope) -> str:
    """Method and door; of what is no door nothing is repeated, for anything may stand there."""
    path = normalize_path(scope["path"]).removeprefix(f"{DOORS}/").split("/")
    if not is_door(scope["path"]) or path[0] not in KNOWN or len(path) > 2:  # noqa: PLR2004
        return f"{scope['method']} ?"
    return f"{scope['method']} {DOORS}/{path[0]}{'/{id}' if len(path) > 1 else ''}"


def _names(certificate: x509.Certificate, oid: x509.ObjectIdentifier) -> tuple[str, ...]:
    return tuple(str(one.value) for one in certificate.subject.get_attributes_for_oid(oid))


async def _tell(send: Send, response: Response[bytes]) -> None:
    """Answer before the application, as it would."""
    content = response.content
    headers = {"Content-Type": str(response.media_type), "Content-Length": str(len(content))}
    headers |= response.headers
    told = [(name.lower().encode(), str(value).encode()) for name, value in headers.items()]
    await send(
        cast(
            "Any",
            {"type": "http.response.start", "status": response.status_code, "headers": told},
        )
    )
    await send(cast("Any", {"type": "http.response.body", "body": content, "more_body": False}))
