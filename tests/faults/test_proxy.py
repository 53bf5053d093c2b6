"""A link passes everything on, unless it is cut, held or slowed; a broker is found at its port."""

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.faults.proxy import Link

NOTHING_SECONDS = 0.2


@asynccontextmanager
async def echo() -> AsyncIterator[int]:
    """A server that says again what it is told; yields its port."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while said := await reader.read(65_536):
            writer.write(said)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()


async def test_a_link_passes_everything_on_in_its_order() -> None:
    async with echo() as port:
        link = Link(port)
        reader, writer = await asyncio.open_connection("127.0.0.1", link.port)
        said = bytes(range(256)) * 4_000
        writer.write(said)
        assert await reader.readexactly(len(said)) == said
        link.slow(0.01)
        writer.write(said)
        assert await reader.readexactly(len(said)) == said
        assert link.counts["delayed"] > 0
        await link.close()


async def test_a_held_link_says_nothing_and_forgets_nothing() -> None:
    async with echo() as port:
        link = Link(port)
        reader, writer = await asyncio.open_connection("127.0.0.1", link.port)
        writer.write(b"before")
        assert await reader.readexactly(6) == b"before"
        assert link.hold() == 1
        writer.write(b"meanwhile")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(reading := read(reader, 9)), NOTHING_SECONDS)
        link.mend()
        assert await reading == b"meanwhile"
        await link.close()


def read(reader: asyncio.StreamReader, count: int) -> asyncio.Task[bytes]:
    return asyncio.create_task(reader.readexactly(count))


async def test_a_cut_link_ends_what_is_open_and_refuses_until_it_is_mended() -> None:
    async with echo() as port:
        link = Link(port)
        reader, writer = await asyncio.open_connection("127.0.0.1", link.port)
        writer.write(b"before")
        assert await reader.readexactly(6) == b"before"
        assert link.cut() == 1
        assert await ended(reader)
        reader, _ = await asyncio.open_connection("127.0.0.1", link.port)
        assert await ended(reader)
        assert link.counts["refused"] == 1
        link.mend()
        reader, writer = await asyncio.open_connection("127.0.0.1", link.port)
        writer.write(b"after")
        assert await reader.readexactly(5) == b"after"
        await link.close()


async def ended(reader: asyncio.StreamReader) -> bool:
    try:
        return await reader.read() == b""
    except ConnectionResetError:
        return True


async def test_a_link_to_kafka_puts_its_own_port_in_what_the_broker_says_of_itself() -> None:
    async with echo() as port:
        link = Link(port, is_kafka=True)

        def told(of: int) -> bytes:
            body = b"\x00\x00\x00\x07" + b"127.0.0.1" + struct.pack(">i", of) + b"rest"
            return struct.pack(">i", len(body)) + body

        reader, writer = await asyncio.open_connection("127.0.0.1", link.port)
        frames = told(port) * 3
        writer.write(frames[:20])  # a part of the first
        await asyncio.sleep(0)
        writer.write(frames[20:])
        assert await reader.readexactly(len(frames)) == told(link.port) * 3
        await link.close()
