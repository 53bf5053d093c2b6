"""A season under way: its orders leave at a rate, are held and go on, and end."""

import asyncio
import time
from collections.abc import AsyncIterator, Coroutine, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from aiokafka.errors import KafkaError

from deploy.local.demo.chain import Chain, NotHeardError
from deploy.local.demo.driver import Driver
from deploy.local.demo.orders import Order
from tests.faults.process import until
from tests.faults.season import Season
from tests.faults.world import World

RATE = 40.0
HEARD_WITHIN_SECONDS = 20.0


class Wrong(AssertionError):  # noqa: N818
    """At the end something is lost, twice, or not what was foreseen."""


class PatientChain(Chain):
    """The chain, looked at while the database or the broker may be away, or a service stopped."""

    patience_seconds = HEARD_WITHIN_SECONDS

    async def heard(self, producers: Iterable[str], *, within_seconds: float | None = None) -> None:
        within_seconds = self.patience_seconds if within_seconds is None else within_seconds
        limit = time.monotonic() + within_seconds
        asked = list(producers)
        while True:
            try:
                await super().heard(asked, within_seconds=limit - time.monotonic())
            except (asyncpg.PostgresError, asyncpg.InterfaceError, KafkaError, OSError) as error:
                if time.monotonic() > limit:
                    raise NotHeardError(repr(error)) from error
                await asyncio.sleep(0.05)
            else:
                return


class HeldDriver(Driver):
    """A driver that sends nothing more while it is held; what was sent is answered."""

    def __init__(self, orders: Sequence[Order], **more: Any) -> None:
        super().__init__(orders, **more)
        self.is_free = asyncio.Event()
        self.is_free.set()
        self.under_way = 0

    async def _answer(self, order: Order) -> str:
        await self.is_free.wait()
        self.under_way += 1
        try:
            return await super()._answer(order)
        finally:
            self.under_way -= 1


class Play:
    """A season under way."""

    def __init__(
        self, world: World, season: Season, driver: HeldDriver, chain: PatientChain
    ) -> None:
        self.world, self.season, self.driver, self.chain = world, season, driver, chain
        self.task = asyncio.create_task(driver.run())

    def hold(self) -> None:
        """Let no further order leave."""
        self.driver.is_free.clear()

    def go_on(self) -> None:
        """Let orders leave again."""
        self.driver.is_free.set()

    async def passed(self, share: float) -> None:
        """Wait until this share of the orders is answered; a failure of the play is raised."""
        waiting = asyncio.create_task(self.driver.passed(share))
        await asyncio.wait([self.task, waiting], return_when=asyncio.FIRST_COMPLETED)
        if self.task.done():
            self.task.result()
        else:
            await waiting
        waiting.cancel()

    async def answered(self) -> None:
        """Wait until what has left is answered."""

        async def is_answered() -> bool:
            return self.driver.under_way == 0

        await until("all is answered", is_answered)

    async def beside(self, fault: Coroutine[Any, Any, None]) -> None:
        """What a fault does, to its end; a failure of the play ends it."""
        task = asyncio.create_task(fault)
        try:
            await asyncio.wait([task, self.task], return_when=asyncio.FIRST_EXCEPTION)
            if not task.done():
                self.task.result()
            await task
        finally:
            task.cancel()

    async def over(self) -> None:
        """All orders answered, all limits passed, everything heard. `Wrong` if it never is."""
        within_seconds = self.world.patience_seconds
        try:
            await self.task
            self.world.clock.show(self.season.ends_at)
            await until("no demand is due any more", self._nothing_is_due, within_seconds)
            await self.chain.all_heard(within_seconds=within_seconds)
        except NotHeardError as error:
            raise Wrong(f"lost on the way: {error}") from error

    async def _nothing_is_due(self) -> bool:
        due = "select exists (select from referral where due_at is not null)"
        try:
            return not await self.chain.databases["referrals"].fetchval(due)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
            return False


@asynccontextmanager
async def playing(
    world: World,
    season: Season,
    *,
    rate: float = RATE,
) -> AsyncIterator[Play]:
    """Play the season beside the block, which must be over when the block ends."""
    async with PatientChain(world) as chain:  # type: ignore[arg-type]
        driver = HeldDriver(
            season.orders,
            urls=world.urls,
            chain=chain,
            clock=world.clock,
            rate=rate,
            ends_at=season.ends_at,
        )
        play = Play(world, season, driver, chain)
        try:
            yield play
        finally:
            play.task.cancel()
            await asyncio.wait([play.task])
