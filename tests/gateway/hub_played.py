"""The Hub Santé as tests play it, over a real broker; a referrals whose answers they choose."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aio_pika
import msgspec
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage

from services.gateway.hub.bridge import keep_bridge
from services.gateway.hub.settings import CONNECTED, HubSettings
from services.messaging.process import Running
from tests.gateway.rabbit import CLIENT, INBOX, QUEUES, SENDER, Rabbit

WITHIN_SECONDS = 60
HUB = Path(__file__).parents[2].parent / "shared" / "interop" / "hub-sante"
MESSAGE, ACK, INFO = QUEUES


async def becomes(ask: Callable[[], Awaitable[Any]], expected: Any) -> None:
    """Waits until the answer is the expected one; fails with the last answer."""
    until = time.monotonic() + WITHIN_SECONDS
    while (found := await ask()) != expected:
        assert time.monotonic() < until, f"expected {expected!r}, last found {found!r}"
        await asyncio.sleep(0.02)


class Hub:
    """What the Hub puts into our queues, and what it gets from us."""

    def __init__(self, channel: AbstractChannel) -> None:
        self.channel = channel

    async def put(self, queue: str, *bodies: bytes) -> None:
        """Relay messages; they are on disk at the return."""
        for body in bodies:
            message = aio_pika.Message(body, delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
            await self.channel.default_exchange.publish(message, queue)

    async def got(self) -> AbstractIncomingMessage | None:
        """The next thing that we published, if it is there."""
        inbox = await self.channel.get_queue(INBOX, ensure=False)
        found = await inbox.get(fail=False)
        if found is not None:
            await found.ack()
        return found

    async def gets(self) -> AbstractIncomingMessage:
        """The next thing that we published; waits for it."""
        async with asyncio.timeout(WITHIN_SECONDS):
            while (found := await self.got()) is None:  # noqa: ASYNC110 - another connection's
                await asyncio.sleep(0.02)
        return found

    async def ready(self, queue: str) -> int:
        """How many messages wait in a queue, not counting those that a consumer holds."""
        declared = await self.channel.declare_queue(queue, passive=True)
        return int(declared.declaration_result.message_count or 0)

    async def empty(self) -> None:
        """Forget what earlier tests left."""
        for queue in (*QUEUES, INBOX):
            await (await self.channel.get_queue(queue, ensure=False)).purge()


@asynccontextmanager
async def hub_on(rabbit: Rabbit) -> AsyncIterator[Hub]:
    """The Hub's own connection to its broker."""
    connection = await aio_pika.connect(rabbit.url)
    try:
        yield Hub(await connection.channel())
    finally:
        with suppress(Exception):  # it may have been killed
            await connection.close()


@asynccontextmanager
async def bridging(run: Running, settings: HubSettings) -> AsyncIterator[asyncio.Task[None]]:
    """The bridge, with a session; stopped at the end as the service stops it."""
    limits = msgspec.structs.replace(run.settings.limits, wait_seconds_max=1)
    run.settings = msgspec.structs.replace(run.settings, limits=limits)
    task = asyncio.create_task(keep_bridge(run, settings))
    try:
        await becomes(lambda: connected(run), 1)
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def connected(run: Running) -> int:
    return run.counters[CONNECTED]


class StubReferrals:
    """Answers each message by what the test says of its `distributionID`, 200 otherwise."""

    def __init__(self) -> None:
        self.url = ""
        self.heard: list[str] = []
        self.answers: dict[str, list[tuple[int, dict[str, Any]]]] = {}
        self.is_held = asyncio.Event()
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    def will(self, number: str, *answers: tuple[int, dict[str, Any]]) -> None:
        """Answer a message so, one after the other, then 200."""
        self.answers[f"{SENDER}_{number}"] = list(answers)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
                length = int(head.partition("content-length: ")[2].partition("\r\n")[0])
                body = await reader.readexactly(length)
                known_as = json.loads(body)["distributionID"]
                self.heard.append(known_as)
                self.is_held.set()
                await self.may_answer.wait()
                planned = self.answers.get(known_as)
                status, told = planned.pop(0) if planned else (200, {"outcome": "taken"})
                content = json.dumps(told).encode()
                kind = "json" if status == 200 else "problem+json"
                writer.write(
                    f"HTTP/1.1 {status} x\r\ncontent-type: application/{kind}\r\n"
                    f"content-length: {len(content)}\r\n\r\n".encode()
                    + content
                )
                await writer.drain()
        writer.close()


@asynccontextmanager
async def stub_referrals() -> AsyncIterator[StubReferrals]:
    """A referrals that says what the test wants."""
    stub = StubReferrals()
    server = await asyncio.start_server(stub.answer, "127.0.0.1", 0)
    stub.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield stub
    finally:
        server.close()


def settings_of(rabbit: Rabbit, referrals_url: str, **changes: Any) -> HubSettings:
    told = {"url": rabbit.url, "client_id": CLIENT, "referrals_url": referrals_url}
    return HubSettings(**(told | changes))


def content_of(delivery: AbstractIncomingMessage, kind: str) -> dict[str, Any]:
    """The `reference` or `error` that we published, in an envelope that is all that it must be."""
    envelope = json.loads(delivery.body)
    assert delivery.routing_key == envelope["senderID"] == CLIENT
    assert delivery.delivery_mode == aio_pika.DeliveryMode.PERSISTENT
    assert delivery.content_type == "application/json"
    assert delivery.expiration == 24 * 3600
    assert envelope["distributionID"].startswith(f"{CLIENT}_")
    assert envelope["distributionKind"] == {"reference": "Ack", "error": "Error"}[kind]
    assert envelope["descriptor"]["explicitAddress"]["explicitAddressValue"] == SENDER
    message = envelope["content"][0]["jsonContent"]["embeddedJsonContent"]["message"]
    assert message["messageId"] == envelope["distributionID"]
    return dict(message[kind])
