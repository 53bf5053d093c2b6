"""The history and the outbox: what a transaction says is kept with what it did, and leaves for
the log after it.

`position` orders the rows of a partition. Rows are added after their aggregate's row is locked, so
an aggregate's events have rising positions and become visible in that order.
"""

from collections.abc import Awaitable, Collection, Mapping, Sequence
from enum import Enum
from typing import Any
from uuid import UUID

import asyncpg

from contracts.departements import partition_of
from contracts.recorded import Recorded
from services.messaging.codec import encode_body
from services.messaging.database import Connection

Row = Mapping[str, Any]

COLUMNS = (
    "position, id, partition, type, subject, sequence, departement, "
    "occurred_at, recorded_at, cause, traceparent, body"
)
SAID = """
    select * from unnest(
        $1::uuid[], $2::integer[], $3::text[], $4::text[], $5::bigint[], $6::text[],
        $7::timestamptz[], $8::timestamptz[], $9::text[], $10::text[], $11::bytea[]
    ) with ordinality as said (
        id, partition, type, subject, sequence, departement,
        occurred_at, recorded_at, cause, traceparent, body, place
    )
"""
KEEP = f"""
    with said as ({SAID})
    insert into history (
        id, subject, sequence, type, departement, occurred_at, recorded_at, cause, event
    )
    select id, subject, sequence, type, departement, occurred_at, recorded_at, cause,
        convert_from(body, 'UTF8')::jsonb
    from said order by place
    on conflict (id) do nothing
    returning id
"""  # noqa: S608 - a constant
ADD = f"""
    with said as ({SAID}), kept as (
        insert into history (
            id, subject, sequence, type, departement, occurred_at, recorded_at, cause, event
        )
        select id, subject, sequence, type, departement, occurred_at, recorded_at, cause,
            convert_from(body, 'UTF8')::jsonb
        from said order by place
        on conflict (id) do nothing
        returning id
    )
    insert into outbox (
        id, partition, type, subject, sequence, departement,
        occurred_at, recorded_at, cause, traceparent, body, writer
    )
    select id, partition, type, subject, sequence, departement,
        occurred_at, recorded_at, cause, traceparent, body, $12
    from said join kept using (id)
    order by place
    returning position, id,
        exists (
            select from outbox as other
            where other.sent_at is null and (other.writer < $12 or other.writer > $12)
        ) as has_others
"""  # noqa: S608 - a constant
TAKE = f"""
    select {COLUMNS}
    from generate_series(0, $1::integer - 1) as wanted (number),
        lateral (
            select * from outbox
            where outbox.partition = wanted.number and sent_at is null
                and position <> all ($2::bigint[])
            order by position
            limit $3
        ) as unsent
    order by position
"""  # noqa: S608 - a constant
MARK = """
    with lease as (
        select from relay_lease
        where id = 1 and holder = $1 and expires_at > clock_timestamp()
        for update
    ), marked as (
        update outbox set sent_at = clock_timestamp()
        where position = any ($2) and exists (select from lease)
        returning position
    ), relayed as (
        insert into stored_offset (topic, partition, topic_id, next_offset)
        select $3, partition, $4, next_offset
        from unnest($5::integer[], $6::bigint[]) as sent (partition, next_offset)
        where exists (select from lease)
        on conflict (topic, partition) do update
        set next_offset = greatest(stored_offset.next_offset, excluded.next_offset)
        where stored_offset.topic_id = excluded.topic_id
    )
    select exists (select from lease) as is_held, (select count(*) from marked) as marked
"""
TAKE_LEASE = """
    insert into relay_lease (id, holder, expires_at)
    values (1, $1, clock_timestamp() + make_interval(secs => $2))
    on conflict (id) do update set holder = excluded.holder, expires_at = excluded.expires_at
    where relay_lease.holder = excluded.holder or relay_lease.expires_at < clock_timestamp()
    returning coalesce(old.holder = $1 and old.expires_at > clock_timestamp(), false) as is_renewed
"""
LEAVE_LEASE = "update relay_lease set expires_at = '-infinity' where holder = $1"
MARK_SEEN = "update outbox set sent_at = clock_timestamp() where id = any ($1) and sent_at is null"
COUNT_UNSENT = "select count(*) from outbox where sent_at is null"
BODY_BYTES_MAX = 900_000
ONE_EVENT_A_SEQUENCE = "history_subject_sequence_key"


class SequenceTaken(asyncpg.SerializationError):
    """Another transaction said an aggregate's next event first."""


class TooLarge(ValueError):  # noqa: N818
    """An event is larger than the log takes."""


def each_once(events: Sequence[Recorded[Any]]) -> list[Recorded[Any]]:
    """These events without those that an earlier one of them repeats, known by their id."""
    return list({event.id: event for event in events}.values())


def make_rows(events: Sequence[Recorded[Any]], partitions: int) -> list[dict[str, Any]]:
    """The rows of these events, without their position. Raises `TooLarge`."""
    rows = []
    for event in events:
        body = encode_body(event)
        if len(body) > BODY_BYTES_MAX:
            raise TooLarge(f"{event.type} of {event.subject} has {len(body)} bytes")
        rows.append(
            {
                "id": event.id,
                "partition": partition_of(event.departement, partitions),
                "type": event.type,
                "subject": event.subject,
                "sequence": event.sequence,
                "departement": event.departement,
                "occurred_at": event.occurred_at,
                "recorded_at": event.recorded_at,
                "cause": event.cause,
                "traceparent": event.traceparent,
                "body": body,
            }
        )
    return rows


def _columns(rows: Sequence[dict[str, Any]]) -> list[list[Any]]:
    return [[row[name] for row in rows] for name in rows[0]]


async def add_rows(
    connection: Connection, rows: Sequence[dict[str, Any]], writer: UUID
) -> tuple[Sequence[Row], bool]:
    """Keep events in the history and put them in the outbox, in their order; answers the rows that
    are new, with their position, and whether other processes have unsent rows.

    No two of them have the same id. An event whose id the history knows is left out: it has been
    said before. Raises `SequenceTaken` when another transaction said an aggregate's next event
    first.
    """
    if not rows:
        return [], False
    added = await _first_of_its_sequence(connection.fetch(ADD, *_columns(rows), writer))
    has_others = any(row["has_others"] for row in added)
    if len(added) < len(rows):
        new = {row["id"] for row in added}
        rows = [row for row in rows if row["id"] in new]
    # Positions were given in the order of the rows, whatever order they come back in.
    for row, position in zip(rows, sorted(one["position"] for one in added), strict=True):
        row["position"] = position
    return rows, has_others


async def keep_only(connection: Connection, rows: Sequence[dict[str, Any]]) -> set[UUID]:
    """Keep events in the history without announcing them; answers the ids that are new."""
    if not rows:
        return set()
    kept = await _first_of_its_sequence(connection.fetch(KEEP, *_columns(rows)))
    return {row["id"] for row in kept}


async def _first_of_its_sequence(kept: Awaitable[list[Any]]) -> list[Any]:
    try:
        return await kept
    except asyncpg.UniqueViolationError as error:
        if error.constraint_name != ONE_EVENT_A_SEQUENCE:
            raise
        raise SequenceTaken("an aggregate's next event was said by another transaction") from error


async def take_rows(
    connection: Connection, partitions: int, in_flight: Collection[int], per_partition: int
) -> list[Row]:
    """The oldest unsent rows of every partition, at most so many of each, in order of position."""
    rows = await connection.fetch(TAKE, partitions, list(in_flight), per_partition)
    return [dict(row) for row in rows]


async def mark_rows(
    connection: Connection,
    *,
    holder: UUID,
    positions: Collection[int],
    topic: str,
    topic_id: UUID,
    relayed: Mapping[int, int],
) -> bool:
    """Mark rows as sent and remember how far the own topic goes; False, and nothing is marked,
    when the lease is no longer `holder`'s.
    """
    row = await connection.fetchrow(
        MARK, holder, list(positions), topic, topic_id, list(relayed), list(relayed.values())
    )
    return bool(row and row["is_held"])


class Lease(Enum):
    """What became of the lease that a process asked for."""

    RENEWED = "renewed"
    TAKEN = "taken"
    ANOTHERS = "another's"


async def take_lease(connection: Connection, holder: UUID, seconds: int) -> Lease:
    """Take the lease, or keep it, for so many seconds of the database's time.

    One that had run out is taken, not renewed: another process may have had it in between.
    """
    is_renewed = await connection.fetchval(TAKE_LEASE, holder, float(seconds))
    if is_renewed is None:
        return Lease.ANOTHERS
    return Lease.RENEWED if is_renewed else Lease.TAKEN


async def leave_lease(connection: Connection, holder: UUID) -> None:
    """Let another process take the lease at once."""
    await connection.execute(LEAVE_LEASE, holder)
