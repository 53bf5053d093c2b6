"""What is declared here: of each entry where its last event is found; its content is that event."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

import msgspec

from contracts.recorded import Recorded
from services.messaging.database import Connection

E = TypeVar("E", bound=msgspec.Struct)


class Known(NamedTuple):
    """An event of the history, and since when it is known."""

    recorded_at: datetime
    event: Any


async def keep(connection: Connection, recorded: Sequence[Recorded[Any]]) -> None:
    """Keep where the last event of each entry is found."""
    latest = {one.subject: one for one in sorted(recorded, key=lambda one: one.sequence)}
    await connection.execute(
        """
        insert into entry as kept (subject, kind, cpts_id, sequence)
        select * from unnest($1::text[], $2::text[], $3::text[], $4::bigint[])
        on conflict (subject) do update set sequence = excluded.sequence
        where kept.sequence < excluded.sequence
        """,
        list(latest),
        [type(one.event).__name__ for one in latest.values()],
        [getattr(one.event, "cpts_id", None) for one in latest.values()],
        [one.sequence for one in latest.values()],
    )


async def last_sequences(connection: Connection, subjects: Collection[str]) -> dict[str, int]:
    """The sequence of the last event of each entry that exists."""
    rows = await connection.fetch(
        "select subject, sequence from entry where subject = any ($1)", list(subjects)
    )
    return {row["subject"]: row["sequence"] for row in rows}


async def present(
    connection: Connection, event_class: type[E], subjects: Collection[str]
) -> dict[str, E]:
    """The entries among `subjects` as they stand, by subject."""
    found = await known(connection, event_class, subjects)
    return {subject: one.event for subject, one in found.items()}


async def known(
    connection: Connection, event_class: type[msgspec.Struct], subjects: Collection[str]
) -> dict[str, Known]:
    """The same, each with the instant at which it was recorded as it stands."""
    rows = await connection.fetch(
        """
        select entry.subject, recorded_at, event::text as event
        from entry join history using (subject, sequence)
        where entry.subject = any ($1) and kind = $2
        """,
        list(subjects),
        event_class.__name__,
    )
    return {row["subject"]: _known(row, event_class) for row in rows}


async def life(connection: Connection, event_class: type[E], subject: str) -> list[E]:
    """All that was said of one entry, in order."""
    rows = await connection.fetch(
        "select event::text as event from history where subject = $1 order by sequence", subject
    )
    return [_event(row, event_class) for row in rows]


async def of_cpts(
    connection: Connection, event_class: type[E], cpts_ids: Collection[str]
) -> list[E]:
    """All entries of a kind that these CPTS have, as they stand, withdrawn ones included."""
    rows = await connection.fetch(
        """
        select event::text as event from entry join history using (subject, sequence)
        where cpts_id = any ($1) and kind = $2
        order by entry.subject
        """,
        list(cpts_ids),
        event_class.__name__,
    )
    return [_event(row, event_class) for row in rows]


async def cpts_with(
    connection: Connection, event_class: type[msgspec.Struct], ending: str
) -> list[str]:
    """The CPTS that have an entry of a kind whose subject ends so."""
    rows = await connection.fetch(
        """
        select distinct cpts_id from entry
        where kind = $1 and right(subject, length($2)) = $2 order by cpts_id
        """,
        event_class.__name__,
        ending,
    )
    return [row["cpts_id"] for row in rows]


async def page(
    connection: Connection,
    event_class: type[msgspec.Struct],
    cpts_id: str | None,
    *,
    after: str,
    limit: int,
) -> list[Known]:
    """The next entries of a kind, of one CPTS or (None) of all, in order of their subject."""
    rows = await connection.fetch(
        """
        select recorded_at, event::text as event
        from entry join history using (subject, sequence)
        where ($1::text is null or cpts_id = $1) and kind = $2 and entry.subject > $3
        order by entry.subject limit $4
        """,
        cpts_id,
        event_class.__name__,
        after,
        limit,
    )
    return [_known(row, event_class) for row in rows]


def _known(row: Any, event_class: type[msgspec.Struct]) -> Known:
    return Known(row["recorded_at"], _event(row, event_class))


def _event(row: Any, event_class: type[E]) -> E:
    return msgspec.json.decode(row["event"], type=event_class)
