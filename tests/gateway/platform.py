"""A SAS platform for the tests: it keeps the appointments that it is told, and misbehaves on order.

Each request takes the next behaviour of a queue, and `otherwise` when none is left.
"""

import asyncio
import contextlib
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec

from tests.gateway.judge import hear

OUTCOME = {
    "resourceType": "OperationOutcome",
    "issue": [
        {
            "severity": "error",
            "code": "business-rule",
            "details": {"text": "Le professionnel Jean DURAND (810002909371) est inconnu."},
            "diagnostics": "Voir jean.durand@example.org, tél. 01 02 03 04 05",
            "expression": ["Appointment.participant[0].actor"],
        }
    ],
}


class Does(msgspec.Struct, frozen=True, kw_only=True):
    """What the platform does with a request: `keeps` is whether it takes the body in."""

    status: int | None = None  # None: it does well
    keeps: bool = False
    body: Any = None
    headers: dict[str, str] = {}
    cuts: bool = False
    waits: asyncio.Event | None = None


WELL = Does()
FAILS = Does(status=500)
FAILS_AFTER = Does(status=500, keeps=True)
CUTS = Does(cuts=True)
CUTS_AFTER = Does(cuts=True, keeps=True)
BUSY = Does(status=429, headers={"Retry-After": "0"})
REFUSES = Does(status=422, body=OUTCOME)


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A request as it came; `client` is the common name of the client's certificate."""

    method: str
    path: str
    identifier: str | None
    headers: dict[str, str]
    body: Any
    client: str | None = None


class Stub:
    """What was asked, what is kept, and how many requests of an appointment were under way."""

    def __init__(self) -> None:
        self.base = ""
        self.next: list[Does] = []
        self.otherwise = WELL
        self.asked: list[Asked] = []
        self.kept: dict[str, list[Any]] = {}
        self.under_way: dict[str, int] = {}
        self.most_at_once = 0
        self.most_of_one = 0
        self._changed = asyncio.Condition()

    def of(self, appointment_id: str) -> list[tuple[str, str]]:
        """Method and status of what was asked about an appointment, in order."""
        return [
            (one.method, one.body["status"])
            for one in self.asked
            if one.body["identifier"][0]["value"] == appointment_id
        ]

    async def until_asked(self, count: int) -> None:
        """Wait until so many requests have come."""
        async with asyncio.timeout(30), self._changed:
            await self._changed.wait_for(lambda: len(self.asked) >= count)

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request a connection."""
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            asked = await read(reader, writer)
            does = self.next.pop(0) if self.next else self.otherwise
            self.asked.append(asked)
            hear(asked.body)
            about = asked.body["identifier"][0]["value"]
            self.under_way[about] = self.under_way.get(about, 0) + 1
            self.most_of_one = max(self.most_of_one, self.under_way[about])
            self.most_at_once = max(self.most_at_once, sum(self.under_way.values()))
            await self._tell()
            try:
                if does.waits is not None:
                    await does.waits.wait()
                await self._respond(asked, about, does, writer)
            finally:
                self.under_way[about] -= 1
                writer.close()

    async def _respond(
        self, asked: Asked, about: str, does: Does, writer: asyncio.StreamWriter
    ) -> None:
        status = does.status
        if status is None and not does.cuts:
            is_known = about in self.kept
            status = (409 if is_known else 201) if asked.method == "POST" else 200
        if does.keeps or status in (200, 201):
            self.kept.setdefault(about, []).append(asked.body)
        if does.cuts:
            writer.transport.abort()
            return
        content = b"" if does.body is None else json.dumps(does.body).encode()
        headers = {"Content-Length": str(len(content)), "Connection": "close", **does.headers}
        head = f"HTTP/1.1 {status} .\r\n" + "".join(f"{k}: {v}\r\n" for k, v in headers.items())
        writer.write(head.encode() + b"\r\n" + content)
        await writer.drain()


async def read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Asked:
    """A request with its body."""
    first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
    method, target, _ = first.split(" ")
    pairs = (line.partition(":") for line in lines)
    headers = {name.lower(): value.strip() for name, _, value in pairs}
    body = await reader.readexactly(int(headers["content-length"]))
    url = urlsplit(target)
    peer = writer.get_extra_info("peercert") or {}
    names = [value for one in peer.get("subject", ()) for key, value in one if key == "commonName"]
    return Asked(
        method=method,
        path=url.path,
        identifier=parse_qs(url.query).get("identifier", [None])[0],
        headers=headers,
        body=json.loads(body),
        client=names[0] if names else None,
    )


@asynccontextmanager
async def a_platform(context: ssl.SSLContext | None = None) -> AsyncIterator[Stub]:
    """A platform that listens."""
    stub = Stub()
    server = await asyncio.start_server(stub.answer, "127.0.0.1", 0, ssl=context)
    scheme = "http" if context is None else "https"
    stub.base = f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}/fhir"
    async with server:
        yield stub
