"""A link between two processes: a TCP proxy that can be cut, held, slowed and mended.

Kafka's clients go where the broker says that it is. What a broker answers names it by its address,
host and port in a row; a link to Kafka puts its own port there, of the same length.
"""

import asyncio
import contextlib
import socket
import struct
from collections import Counter, deque
from collections.abc import Callable
from typing import cast

HOST = "127.0.0.1"
CONNECT_SECONDS = 5
FRAME_HEAD = 4


class Way(asyncio.Protocol):
    """One direction's reading end: what it reads is written to the other end."""

    def __init__(self, link: "Link", rewrite: Callable[[bytes], bytes] | None = None) -> None:
        self._link, self._rewrite = link, rewrite
        self._transport: asyncio.Transport | None = None
        self.other: Way | None = None
        self._waiting: deque[tuple[float, bytes]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._frames = b""
        self._early: list[bytes] = []  # what came before the other end was there
        self._is_full = self._is_aborted = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by its class
        if self._is_aborted:
            self._transport.abort()
        self._link.ways.add(self)

    def data_received(self, data: bytes) -> None:
        if self._rewrite is not None:
            data = self._whole_frames(data, self._rewrite)
        if not data:
            return
        link = self._link
        if self.other is None:
            self._early.append(data)
        elif link.delay_seconds or self._waiting:
            link.counts["delayed"] += 1
            due = asyncio.get_running_loop().time() + link.delay_seconds
            self._waiting.append((due, data))
            self._deliver()
        else:
            self.other.write(data)

    def join(self, other: "Way") -> None:
        """The other end is there."""
        self.other = other
        for data in self._early:
            other.write(data)
        self._early.clear()
        self.look()

    def _whole_frames(self, data: bytes, rewrite: Callable[[bytes], bytes]) -> bytes:
        """The answers of the broker that have come whole, rewritten."""
        self._frames += data
        end = 0
        while len(self._frames) - end >= FRAME_HEAD:
            (length,) = struct.unpack_from(">i", self._frames, end)
            if len(self._frames) - end < FRAME_HEAD + length:
                break
            end += FRAME_HEAD + length
        whole, self._frames = self._frames[:end], self._frames[end:]
        return rewrite(whole)

    def _deliver(self) -> None:
        """Pass on what is due, in its order."""
        loop = asyncio.get_running_loop()
        while self._waiting and self._waiting[0][0] <= loop.time():
            _, data = self._waiting.popleft()
            if self.other is not None:
                self.other.write(data)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._waiting:
            self._timer = loop.call_at(self._waiting[0][0], self._deliver)

    def write(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def pause_writing(self) -> None:
        """This end takes no more: the other one is not read meanwhile."""
        if self.other is not None:
            self.other._is_full = True
            self.other.look()

    def resume_writing(self) -> None:
        if self.other is not None:
            self.other._is_full = False
            self.other.look()

    def look(self) -> None:
        """Read, or do not, as the link and the other end want it."""
        if self._transport is None or self._transport.is_closing():
            return
        if self._is_full or self._link.is_held:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def connection_lost(self, _error: Exception | None) -> None:
        self._link.ways.discard(self)
        if self._timer is not None:
            self._timer.cancel()
        other, self.other = self.other, None
        if other is not None:
            for _, data in self._waiting:
                other.write(data)
            other.other = None
            other.close()

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """End at once, as a network does that has forgotten the connection."""
        self._is_aborted = True
        if self._transport is not None:
            self._transport.abort()


class Link:
    """A port of its own that leads to a port, or to several in turn; `is_kafka` puts this port in
    what the broker says.

    `counts` tells what was done to it: connections `cut` and `refused`, chunks `delayed`.
    """

    def __init__(self, port_to: int, *, is_kafka: bool = False) -> None:
        self.ports_to, self._is_kafka = [port_to], is_kafka
        self._turn = 0
        self._socket = socket.create_server((HOST, 0), backlog=256)
        self.port: int = self._socket.getsockname()[1]
        self.ways: set[Way] = set()
        self.delay_seconds = 0.0
        self.is_held = self.is_cut = False
        self.counts: Counter[str] = Counter()
        self._connecting: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._starting = asyncio.get_running_loop().create_task(self._serve())

    @property
    def url(self) -> str:
        """The address as one of HTTP."""
        return f"http://{HOST}:{self.port}"

    async def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._accepted, sock=self._socket)

    def _accepted(self) -> Way:
        near = Way(self)
        task = asyncio.get_running_loop().create_task(self._connect(near))
        self._connecting.add(task)
        task.add_done_callback(self._connecting.discard)
        return near

    async def _connect(self, near: Way) -> None:
        """The other end of a connection that was accepted; without it, it is cut."""
        if self.is_cut:
            self.counts["refused"] += 1
            near.abort()
            return
        loop = asyncio.get_running_loop()
        rewrite = self._name_ourselves if self._is_kafka else None
        self._turn += 1
        port_to = self.ports_to[self._turn % len(self.ports_to)]
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                _, far = await loop.create_connection(lambda: Way(self, rewrite), HOST, port_to)
        except OSError:  # a timeout is one
            near.abort()
            return
        if near not in self.ways or self.is_cut:  # gone meanwhile
            near.abort()
            far.abort()
            return
        near.join(far)
        far.join(near)

    def _name_ourselves(self, said: bytes) -> bytes:
        theirs, ours = (
            HOST.encode() + struct.pack(">i", one) for one in (self.ports_to[0], self.port)
        )
        return said.replace(theirs, ours)

    def lead_to(self, *ports: int) -> None:
        """Lead there from now on; what is open is cut."""
        self.ports_to = list(ports)
        self.cut()
        self.is_cut = False

    def cut(self) -> int:
        """Cut what is open, and refuse all until `mend`; answers how many connections were cut."""
        self.is_cut = True
        ways = list(self.ways)
        for way in ways:
            way.abort()
        self.counts["cut"] += len(ways) // 2
        return len(ways) // 2

    def hold(self) -> int:
        """Let nothing through, and nobody know; answers how many connections are open."""
        self.is_held = True
        self._look()
        self.counts["held"] += len(self.ways) // 2
        return len(self.ways) // 2

    def slow(self, seconds: float) -> None:
        """Let each chunk through so much later."""
        self.delay_seconds = seconds

    def mend(self) -> None:
        """As if nothing had been."""
        self.is_held = self.is_cut = False
        self.delay_seconds = 0.0
        self._look()

    def _look(self) -> None:
        for way in list(self.ways):
            way.look()

    async def close(self) -> None:
        """The end of the link and of what goes over it."""
        for task in (self._starting, *self._connecting):
            task.cancel()
        if self._server is not None:
            self._server.close()
        with contextlib.suppress(OSError):
            self._socket.close()
        for way in list(self.ways):
            way.abort()
