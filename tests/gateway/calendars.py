"""A server of calendars on loopback, which misbehaves on order."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from services.messaging.web import serving


class Calendars:
    """What it answers next, and the headers of the requests that came."""

    def __init__(self) -> None:
        self.url = ""
        self.content = b""
        self.status = 200
        self.headers: dict[str, str] = {}
        self.is_stuck = False
        self.asked: list[dict[str, str]] = []

    async def __call__(self, scope: Any, _receive: Any, send: Any) -> None:
        """Answer one request."""
        self.asked.append({name.decode(): value.decode() for name, value in scope["headers"]})
        if self.is_stuck:
            await asyncio.Event().wait()
        etag = self.headers.get("etag")
        is_known = etag is not None and self.asked[-1].get("if-none-match") == etag
        status, content = (304, b"") if is_known else (self.status, self.content)
        headers = [(name.encode(), value.encode()) for name, value in self.headers.items()]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": content})


@asynccontextmanager
async def calendars() -> AsyncIterator[Calendars]:
    """The server, up."""
    server = Calendars()
    async with serving(server, "127.0.0.1", 0) as server.url:
        yield server


def calendar(*days: int, hour: int = 9) -> bytes:
    """An opening of an hour, by the clock of Paris, on these days of December 2026."""
    events = [
        f"BEGIN:VEVENT\r\nUID:{day}\r\nSUMMARY:Mme Durand\r\nDTSTAMP:20261101T000000Z\r\n"
        f"DTSTART:202612{day:02}T{hour:02}0000\r\nDTEND:202612{day:02}T{hour + 1:02}0000\r\n"
        "END:VEVENT\r\n"
        for day in days
    ]
    head = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//\r\n"
    return f"{head}{''.join(events)}END:VCALENDAR\r\n".encode()
