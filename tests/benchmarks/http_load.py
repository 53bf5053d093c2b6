"""Orders over HTTP, at a rate or as fast as they are answered, with a client that costs little.

A rate is an open loop: orders are due at instants drawn beforehand (Poisson), whether or not the
earlier ones are answered, and their latency counts from those instants.
"""

import asyncio
import ssl
import time
from collections.abc import Sequence
from typing import Any

import msgspec

from tests.benchmarks.ground import BenchFailed
from tests.benchmarks.pacing import begin_when_due

CONNECTIONS = 64
OK = 200


class Answered(msgspec.Struct, frozen=True):
    """When an order was due and when it was answered, in epoch seconds."""

    due_at: float
    answered_at: float


class Caller(asyncio.Protocol):
    """One kept connection; one order at a time."""

    def __init__(self) -> None:
        self._transport: Any = None
        self._received = b""
        self._body = b""
        self._answer: asyncio.Future[int] | None = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(BenchFailed(f"the connection was closed: {exc}"))

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, body = self._received.partition(b"\r\n\r\n")
        if not found or self._answer is None:
            return
        length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
        if len(body) >= int(length or b"0"):
            self._received, self._body = b"", body
            self._answer.set_result(int(head[9:12]))

    @property
    def is_closed(self) -> bool:
        """Whether the other side, or we, have closed the connection."""
        return bool(self._transport.is_closing())

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        """Status and body of the answer. Raises `BenchFailed` when the connection is closed."""
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer, self._body

    async def give(self, request: bytes) -> None:
        """Send an order. Raises `BenchFailed` unless it is carried out."""
        status, body = await self.ask(request)
        if status != OK:
            raise BenchFailed(f"an order was answered {status}: {body.decode()}")

    def close(self) -> None:
        self._transport.close()


def order(path: str, body: Any, cpts_id: str) -> bytes:
    """An order of a CPTS as it is sent."""
    content = msgspec.json.encode(body)
    head = (
        f"POST {path} HTTP/1.1\r\nHost: bench\r\nActing-Role: cpts\r\n"
        f"Acting-Cpts: {cpts_id}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content


def question(path: str) -> bytes:
    """A question as it is sent."""
    return f"GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n".encode()


async def at_rate(
    port: int,
    requests: Sequence[bytes],
    rate: float,
    seed: int,
    context: ssl.SSLContext | None = None,
) -> list[Answered]:
    """Send each order when it is due; when each was answered. Raises `BenchFailed` if refused."""
    due: asyncio.Queue[tuple[float, int] | None] = asyncio.Queue()
    answered: dict[int, Answered] = {}

    async def send_due(caller: Caller) -> None:
        while (one := await due.get()) is not None:
            at, number = one
            await caller.give(requests[number])
            answered[number] = Answered(at, time.time())

    callers = await connected(port, CONNECTIONS, context)
    tasks = [asyncio.create_task(send_due(caller)) for caller in callers]
    await begin_when_due(len(requests), rate, seed, lambda number, at: due.put_nowait((at, number)))
    for _ in tasks:
        due.put_nowait(None)
    await asyncio.gather(*tasks)
    for caller in callers:
        caller.close()
    return [answered[number] for number in range(len(requests))]


async def saturating(port: int, requests: Sequence[bytes], concurrency: int) -> None:
    """Send every order, so many at once. Raises `BenchFailed` when one is refused."""
    left = iter(requests)

    async def send(caller: Caller) -> None:
        for request in left:
            await caller.give(request)

    callers = await connected(port, concurrency)
    await asyncio.gather(*(send(caller) for caller in callers))
    for caller in callers:
        caller.close()


async def connected(port: int, count: int, context: ssl.SSLContext | None = None) -> list[Caller]:
    """Open connections; over TLS with a context."""
    loop = asyncio.get_running_loop()
    return [
        (await loop.create_connection(Caller, "127.0.0.1", port, ssl=context))[1]
        for _ in range(count)
    ]
