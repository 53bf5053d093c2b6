"""One transaction: what a handler, an order or a timer works in."""

import contextlib
import logging
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Sequence
from contextlib import asynccontextmanager
from enum import StrEnum
from typing import Any, Protocol
from uuid import UUID

import asyncpg

from contracts.recorded import Cause, Recorded
from services.messaging.database import Connection, Pool
from services.messaging.meters import Duration, Fate, Leaving, Meters
from services.messaging.outbox import Row, add_rows, each_once, keep_only, make_rows
from services.messaging.telemetry import transaction_span

ADD_JOINS = """
    insert into join_row (kind, key)
    select $1, key from unnest($2::text[]) with ordinality as new (key, place) order by place
    on conflict do nothing
"""
LOCK_JOINS = """
    select key from join_row where kind = $1 and key = any ($2) order by key for update
"""
log = logging.getLogger(__name__)


IS_HEARING = "select is_hearing from restore for share"


class Relaying(Protocol):
    """The relay, as seen by who has rows for it."""

    def hand_over(self, rows: Sequence[Row], *, has_others: bool) -> None:
        """Rows that have just been committed, in their order."""
        ...

    def expect(self, rows: Sequence[Row]) -> None:
        """Rows that are about to be committed."""
        ...

    def forget(self, rows: Sequence[Row]) -> None:
        """Expected rows of a commit whose outcome is not known: look into the table."""
        ...


class Mode(StrEnum):
    """Whether what is announced leaves for the log (`LIVE`), or was said before (`REBUILD`)."""

    LIVE = "live"
    REBUILD = "rebuild"


class NotLive(RuntimeError):  # noqa: N818
    """A live service announces before it can: what it says would be lost from the log."""


class Desk:
    """What the transactions of one process share: the pool, how own events apply, where they go.

    `relay` is None until a live service may announce, and always in a rebuild.
    `is_catching_up` tells that a live service hears its past again.
    """

    def __init__(
        self,
        pool: Pool,
        *,
        name: str,
        apply: Callable[[Connection, Sequence[Recorded[Any]]], Awaitable[None]],
        writer: UUID,
        partitions: int,
        relay: Relaying | None,
        mode: Mode = Mode.LIVE,
        meters: Meters | None = None,
    ) -> None:
        self.pool = pool
        self.name = name
        self.apply = apply
        self.writer = writer
        self.partitions = partitions
        self.relay = relay
        self.mode = mode
        self.is_catching_up = False
        self.meters = meters or Meters()
        self.counters: Counter[str] = self.meters.counters

    @property
    def is_open(self) -> bool:
        """Whether orders are taken: what they announce can leave, and the past is known."""
        return self.relay is not None and not self.is_catching_up


class Unit:
    """An open transaction of a service. `connection` is inside it; nothing here commits it."""

    def __init__(self, connection: Connection, desk: Desk) -> None:
        self.connection = connection
        self._desk = desk
        self._rows: list[Row] = []
        self._has_others = False
        self._counts: Counter[str] = Counter()
        self._told: list[tuple[Row, Leaving]] = []
        self._took: list[tuple[Duration, str, Cause]] = []
        self.fates: dict[str, Fate] = {}

    async def hears_the_past(self) -> bool:
        """Whether the past is heard again, in a rebuild or a restore.

        A handler then keeps what it hears and derives nothing: what it derived is in the own topic.
        The answer holds until the end of the transaction, in every process.
        """
        if self._desk.mode is Mode.REBUILD:
            return True
        if not self._desk.is_catching_up:
            return False
        return bool(await self.connection.fetchval(IS_HEARING))

    async def announce(self, events: Sequence[Recorded[Any]]) -> None:
        """Say the service's own events: keep them in the history, put them in the outbox and apply
        them, order kept.

        An event said before, known by its id, is neither said nor applied again. Raises `NotLive`
        in a live service that has no relay yet.
        """
        if not events:
            return
        desk, events = self._desk, each_once(events)
        rows = make_rows(events, desk.partitions)
        if desk.mode is Mode.REBUILD:
            new = await keep_only(self.connection, rows)
        elif desk.relay is None:
            raise NotLive(f"{desk.name} has no relay yet")
        else:
            added, has_others = await add_rows(self.connection, rows, desk.writer)
            self._rows += added
            self._has_others |= has_others
            new = {row["id"] for row in added}
            self._tell(rows, new)
        fresh = [event for event in events if event.id in new]
        if fresh:
            await desk.apply(self.connection, fresh)

    def _tell(self, rows: Sequence[Row], new: Collection[UUID]) -> None:
        """Note what is said, and of which causes all that follows was said before."""
        said = [(row, Leaving.SAID if row["id"] in new else Leaving.KNOWN) for row in rows]
        self._told += said
        if len(new) < len(rows):
            fresh = {row["cause"] for row, how in said if how is Leaving.SAID}
            self.tell(Fate.KNOWN, {row["cause"] for row, _ in said} - fresh)

    def tell(self, fate: Fate, ids: Iterable[str]) -> None:
        """What became of these messages of the batch, if they are not merely done: for metrics."""
        self.fates.update(dict.fromkeys(ids, fate))

    def took(self, duration: Duration, departement: str, cause: Cause) -> None:
        """Measure from the record of `cause` to the commit, if the transaction commits and the past
        is not being heard again.
        """
        if self._desk.mode is Mode.LIVE and not self._desk.is_catching_up:
            self._took.append((duration, departement, cause))

    async def lock_joins(self, kind: str, keys: Iterable[str]) -> None:
        """Lock the join rows of `keys`, made if absent, in their order.

        Where two streams meet, both handlers lock the same rows first and only then, in a new
        statement, read what the other has committed. A rebuild is alone in its schema: no locks.
        """
        ordered = sorted(set(keys))
        if not ordered or self._desk.mode is Mode.REBUILD:
            return
        locked = await self.connection.fetch(LOCK_JOINS, kind, ordered)
        if len(locked) < len(ordered):
            # The first time that a key is met. Rows locked above come before it out of order: two
            # such transactions may collide, and the one that PostgreSQL stops starts again.
            await self.connection.execute(ADD_JOINS, kind, ordered)
            await self.connection.execute(LOCK_JOINS, kind, ordered)

    def count(self, name: str, by: int = 1) -> None:
        """Add to a counter of the process, if the transaction commits."""
        self._counts[name] += by

    def before_commit(self) -> None:
        """Tell the relay what is about to be committed."""
        if self._rows and self._desk.relay is not None:
            self._desk.relay.expect(self._rows)

    def after_lost_commit(self) -> None:
        """Tell the relay that nobody knows whether the commit was one."""
        if self._desk.relay is not None:
            self._desk.relay.forget(self._rows)

    def after_commit(self) -> None:
        """Hand what was said to the relay; the transaction has just committed."""
        self._desk.counters.update(self._counts)
        for row, how in self._told:
            self._desk.meters.leaves(row, how)
        for duration, departement, cause in self._took:
            self._desk.meters.took(duration, departement, cause)
        if self._rows and self._desk.relay is not None:
            self._desk.relay.hand_over(self._rows, has_others=self._has_others)


async def commit(transaction: Any) -> None:
    """Commit. A function of its own, so that a fault test can stand between it and what follows."""
    await transaction.commit()


@asynccontextmanager
async def open_unit(desk: Desk) -> AsyncIterator[Unit]:
    """A unit in a transaction of its own: committed at the end of the block, then handed over;
    rolled back when the block raises.
    """
    meters, asked = desk.meters, time.perf_counter()
    with transaction_span():
        async with desk.pool.acquire() as connection:
            began = time.perf_counter()
            meters.pool_wait.observe(began - asked)
            transaction = connection.transaction()
            await transaction.start()
            unit = Unit(connection, desk)
            try:
                yield unit
            except BaseException:
                await roll_back(connection, transaction)
                meters.rolled_back.observe(time.perf_counter() - began)
                raise
            unit.before_commit()
            try:
                await commit(transaction)
            except BaseException:
                # Cut off here, the transaction may have committed all the same.
                unit.after_lost_commit()
                meters.rolled_back.observe(time.perf_counter() - began)
                raise
            meters.committed.observe(time.perf_counter() - began)
            unit.after_commit()


async def roll_back(connection: Any, transaction: Any) -> None:
    """Roll back; when even that fails the session is cut, which comes to the same."""
    try:
        await transaction.rollback()
    except Exception as error:  # noqa: BLE001 - the first failure is the one to report
        log.debug("rollback failed: %r", error)
        # A session that the server has cut is out of the pool already, and cannot be cut again.
        with contextlib.suppress(asyncpg.InterfaceError):
            connection.terminate()
