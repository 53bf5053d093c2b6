"""Sends the recorded orders over HTTP, in their order where they depend on each other.

The services' clock is a file that shows the instant before the first order still unanswered, so
that timers never run ahead of the orders. Answers are kept only to be compared.
"""

import asyncio
import math
import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import msgspec

from deploy.local.demo.chain import Chain
from deploy.local.demo.orders import Order

AT_ONCE = 16
CLOCK_EVERY_SECONDS = 0.05
RETRY_AFTER_SECONDS = 0.2
GIVE_UP_SECONDS = 90
BEFORE = timedelta(microseconds=1)


class OrderLostError(Exception):
    """An order got no answer within the time in which a service must come back."""


class ClockFile:
    """The file that the services read the time from."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._shown: datetime | None = None

    def show(self, instant: datetime) -> None:
        """Replace the instant, whole."""
        if instant == self._shown:
            return
        new = self.path.with_suffix(".new")
        new.write_text(instant.isoformat())
        new.replace(self.path)
        self._shown = instant


class Progress(msgspec.Struct, kw_only=True):
    """What the driver knows while it runs; the view reads it."""

    total: int
    answered: int = 0
    retries: int = 0
    instant: datetime | None = None
    outcomes: dict[int, str] = msgspec.field(default_factory=dict)
    lag_seconds: float = 0.0
    is_over: asyncio.Event = msgspec.field(default_factory=asyncio.Event)


class Driver:
    """Plays one list of orders against the services at `urls`."""

    lag_seconds_max = math.inf  # what it falls behind by more is not caught up with

    def __init__(
        self,
        orders: Sequence[Order],
        *,
        urls: Mapping[str, str],
        chain: Chain,
        clock: ClockFile,
        rate: float,
        ends_at: datetime,
    ) -> None:
        self._orders, self._chain, self._clock = orders, chain, clock
        self._rate, self._ends_at = rate, ends_at
        self._clients = {
            service: httpx.AsyncClient(base_url=url, timeout=30, trust_env=False)
            for service, url in urls.items()
        }
        self._lanes: dict[str, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._first_unanswered = 0
        self.progress = Progress(total=len(orders))
        self._watched: dict[int, asyncio.Event] = {}

    async def run(self) -> None:
        """Send every order and await every answer. The first failure ends it."""
        ticking = asyncio.create_task(self._tick())
        try:
            await self._play()
        finally:
            ticking.cancel()
            for task in self._tasks:
                task.cancel()
            for client in self._clients.values():
                await client.aclose()

    async def passed(self, share: float) -> None:
        """Wait until this share of the orders is answered."""
        number = int(len(self._orders) * share)
        if self.progress.answered < number:
            event = self._watched.setdefault(number, asyncio.Event())
            await event.wait()

    async def _play(self) -> None:
        next_at = time.monotonic()
        was_barrier = False
        for order in self._orders:
            if order.barrier != was_barrier:
                await self._settle()
                next_at = time.monotonic()
            if order.is_after_timers:
                await self._let_time_pass(order.at)
                next_at = time.monotonic()
            was_barrier = order.barrier
            next_at = max(next_at, time.monotonic() - self.lag_seconds_max) + 1 / self._rate
            pause_seconds = next_at - time.monotonic()
            self.progress.lag_seconds = max(0.0, -pause_seconds)
            if pause_seconds > 0:
                await asyncio.sleep(pause_seconds)
            await self._slots.acquire()
            self._raise_first_failure()
            task = asyncio.create_task(self._in_lane(order, self._lanes.get(order.lane)))
            self._lanes[order.lane] = task
            self._tasks.add(task)
            if order.barrier:
                await task
        await self._settle()

    def _raise_first_failure(self) -> None:
        for task in [task for task in self._tasks if task.done()]:
            self._tasks.discard(task)
            task.result()

    async def _settle(self) -> None:
        """Everything answered, and heard by those who must know before the next orders come."""
        while self._tasks:
            await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
            self._raise_first_failure()
        await self._chain.heard(["membership"])

    async def _let_time_pass(self, instant: datetime) -> None:
        """All that falls due by the instant is said; nothing else is under way then."""
        await self._settle()
        await self._chain.all_heard()
        self._clock.show(self._instant())
        await self._chain.all_due_said(instant)

    async def _in_lane(self, order: Order, before: asyncio.Task[None] | None) -> None:
        try:
            if before is not None:
                await asyncio.wait([before])
            self.progress.outcomes[order.n] = await self._answer(order)
            self.progress.answered += 1
            for number, event in self._watched.items():
                if self.progress.answered >= number:
                    event.set()
        finally:
            self._slots.release()

    async def _answer(self, order: Order) -> str:
        """The outcome of an order; the same order is sent again while its service is away."""
        headers = {
            "Acting-Role": order.role,
            "Idempotency-Key": order.key,
            "Order-Instant": order.at.isoformat(),
            "Content-Type": order.media_type,
        }
        if order.acting_cpts is not None:
            headers["Acting-Cpts"] = order.acting_cpts
        limit = time.monotonic() + GIVE_UP_SECONDS
        while True:
            try:
                answer = await self._clients[order.service].request(
                    order.method, order.path, content=order.content(), headers=headers
                )
                if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                    return outcome_of(answer)
            except httpx.TransportError:
                pass
            if time.monotonic() > limit:
                raise OrderLostError(f"order {order.n} ({order.method} {order.path}) got no answer")
            self.progress.retries += 1
            await asyncio.sleep(RETRY_AFTER_SECONDS)

    # -- the clock

    async def _tick(self) -> None:
        while True:
            self._clock.show(self._instant())
            await asyncio.sleep(CLOCK_EVERY_SECONDS)

    def _instant(self) -> datetime:
        """Just before the first order still unanswered."""
        outcomes = self.progress.outcomes
        while (
            self._first_unanswered < len(self._orders)
            and self._orders[self._first_unanswered].n in outcomes
        ):
            self._first_unanswered += 1
        if self._first_unanswered < len(self._orders):
            self.progress.instant = self._orders[self._first_unanswered].at - BEFORE
        else:
            self.progress.instant = self._ends_at
        return self.progress.instant


def outcome_of(answer: httpx.Response) -> str:
    """How an answer is named for the comparison: `ok`, a reason, a Hub code, or a status."""
    if answer.is_success:
        return "ok"
    try:
        problem: dict[str, Any] = answer.json()
    except ValueError:
        return f"http {answer.status_code}"
    if problem.get("hub_code") is not None:
        return f"hub {problem['hub_code']}"
    if answer.status_code in (httpx.codes.NOT_FOUND, httpx.codes.BAD_REQUEST):
        return str(answer.status_code)
    return str(problem.get("reason") or f"http {answer.status_code}")
