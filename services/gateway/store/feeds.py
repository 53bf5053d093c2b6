"""The feeds of agendas: taken under a lease when they are due, by the database's time, marked."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from contracts.events.gateway import Offer
from services.gateway.domain.feeds import EVERY_SECONDS, WHOLE_EVERY_SECONDS, wait_seconds
from services.messaging.database import Connection, Pool

SET = """
    insert into agenda_feed (agenda_id, url, offer, minutes, due_at)
    values ($1, $2, $3::text::jsonb, $4, clock_timestamp())
    on conflict (agenda_id) do update
    set url = excluded.url, offer = excluded.offer, minutes = excluded.minutes,
        due_at = excluded.due_at, lease = null, etag = null, last_modified = null, failures = 0,
        problem = null, answer_status = null
"""
STOP = "delete from agenda_feed where agenda_id = $1"
TAKE = """
    with due as (
        select agenda_id from agenda_feed join agenda using (agenda_id)
        where due_at <= clock_timestamp() and not is_closed
        order by due_at limit $1 for update of agenda_feed skip locked
    )
    update agenda_feed
    set due_at = clock_timestamp() + make_interval(secs => $2), lease = $3,
        tried_at = clock_timestamp()
    from due, agenda
    where agenda_feed.agenda_id = due.agenda_id and agenda.agenda_id = due.agenda_id
    returning agenda_feed.agenda_id, url, offer::text as offer, minutes, time_zone, failures,
        case when whole_at > clock_timestamp() - make_interval(secs => $4) then etag end as etag,
        case when whole_at > clock_timestamp() - make_interval(secs => $4) then last_modified end
            as last_modified
"""
_HELD = "agenda_id = $1 and lease = $2"
_WELL = "read_at = clock_timestamp(), failures = 0, problem = null, answer_status = null"
_DUE = "due_at = clock_timestamp() + make_interval(secs => $3 * (0.9 + random() / 5)), lease = null"
UNCHANGED = f"update agenda_feed set {_WELL}, {_DUE} where {_HELD}"  # noqa: S608 - constants
READ = f"""
    update agenda_feed
    set {_WELL}, {_DUE}, etag = $4, last_modified = $5, whole_at = clock_timestamp()
    where {_HELD} returning agenda_id
"""  # noqa: S608
FAILED = f"""
    update agenda_feed
    set {_DUE}, failures = failures + 1, problem = $4, answer_status = $5 where {_HELD}
"""  # noqa: S608
SHOWN = """
    select agenda_id, url, minutes, read_at, tried_at, due_at, failures, problem, answer_status
    from agenda_feed where agenda_id = any ($1)
"""


class TakenFeed(msgspec.Struct, frozen=True, kw_only=True):
    """A feed to read now. Without validators (`etag`, `last_modified`) the whole calendar comes."""

    agenda_id: str
    url: str
    offer: Offer
    minutes: int | None
    time_zone: str
    failures: int
    etag: str | None
    last_modified: str | None


class KnownFeed(msgspec.Struct, frozen=True, kw_only=True):
    """A feed and what came of reading it; `read_at` is when it last went well."""

    agenda_id: str
    url: str
    minutes: int | None
    read_at: datetime | None
    tried_at: datetime | None
    due_at: datetime
    failures: int
    problem: str | None
    answer_status: int | None


async def set_feed(
    connection: Connection, agenda_id: str, url: str, offer: Offer, minutes: int | None
) -> None:
    """Keep from where an agenda is read, at once and from then on."""
    await connection.execute(SET, agenda_id, url, msgspec.json.encode(offer).decode(), minutes)


async def stop(connection: Connection, agenda_id: str) -> None:
    """Forget from where an agenda is read."""
    await connection.execute(STOP, agenda_id)


async def take(pool: Pool, limit: int, *, lease: UUID, lease_seconds: float) -> list[TakenFeed]:
    """Feeds that are due, and nobody else's until the lease ends."""
    rows = await pool.fetch(TAKE, limit, lease_seconds, lease, WHOLE_EVERY_SECONDS)
    return [
        TakenFeed(**dict(row) | {"offer": msgspec.json.decode(row["offer"], type=Offer)})
        for row in rows
    ]


async def unchanged(pool: Pool, agenda_id: str, lease: UUID) -> None:
    """Mark that a calendar is what it was."""
    await pool.execute(UNCHANGED, agenda_id, lease, EVERY_SECONDS)


async def read(
    connection: Connection,
    agenda_id: str,
    lease: UUID,
    etag: str | None,
    last_modified: str | None,
) -> bool:
    """Mark that a calendar was read; False when the feed is another's now, or another one."""
    values = (agenda_id, lease, EVERY_SECONDS, etag, last_modified)
    return await connection.fetchval(READ, *values) is not None


async def failed(
    pool: Pool, taken: TakenFeed, lease: UUID, problem: str, status: int | None
) -> None:
    """Mark why a calendar could not be read; what was read before stands."""
    wait = wait_seconds(taken.failures + 1)
    await pool.execute(FAILED, taken.agenda_id, lease, wait, problem, status)


async def known(connection: Connection, agenda_ids: list[str]) -> dict[str, KnownFeed]:
    """The feeds of agendas, by agenda; those without one are left out."""
    rows: list[Any] = await connection.fetch(SHOWN, agenda_ids)
    return {row["agenda_id"]: KnownFeed(**dict(row)) for row in rows}
