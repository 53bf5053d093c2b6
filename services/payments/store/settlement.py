"""Dialogues de gestion, settlements and adjustments: kept from events, read by who decides."""

from collections.abc import Collection, Sequence
from datetime import date
from typing import Any

import msgspec

from contracts.events.payments import DialogueLineSet, DialogueOpened, YearAdjusted, YearSettled
from contracts.recorded import Recorded
from services.messaging.database import Connection
from services.payments.domain.accounts import AccountKey
from services.payments.domain.levels import DIALOGUE, LevelSaid
from services.payments.domain.settlement import Dialogue, reversal
from services.payments.store.levels import levels_of
from services.payments.store.postings import post

OPEN = "insert into dialogue values ($1, $2, $3) on conflict do nothing"
KEEP_LINE = """
    insert into dialogue_line as kept values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
    on conflict (cpts_id, starts_on, indicator) do update
    set sequence = excluded.sequence, validated_value = excluded.validated_value,
        cpts_stance = excluded.cpts_stance, caisse_stance = excluded.caisse_stance,
        said_at = excluded.said_at, by_role = excluded.by_role, said_by = excluded.said_by
    where kept.sequence < excluded.sequence
"""
SETTLE = "insert into settlement values ($1, $2, $3::jsonb)"
ADJUST = "insert into adjustment values ($1, $2, $3, $4::jsonb)"
LINES = """
    select cpts_id, starts_on as contract_year_starts_on, indicator, validated_value, cpts_stance,
           caisse_stance, said_at, by_role, said_by
    from dialogue_line where cpts_id = $1 and starts_on = $2 order by indicator
"""
OPENED = """
    select cpts_id, starts_on, opened_on from dialogue
    join unnest($1::text[], $2::date[]) as asked (cpts_id, starts_on) using (cpts_id, starts_on)
"""
OF_YEAR = """
    select (select ends_on from contract_year where (cpts_id, starts_on) = ($1, $2)) as ends_on,
           (select opened_on from dialogue where (cpts_id, starts_on) = ($1, $2)) as opened_on,
           (select event::text from settlement where (cpts_id, starts_on) = ($1, $2)) as settled
"""
ADJUSTMENTS = """
    select event::text as event from adjustment where cpts_id = $1 and starts_on = $2
    order by sequence
"""
YEARS_AFTER = """
    select cpts_id, starts_on, ends_on, opened_on
    from contract_year
    left join dialogue using (cpts_id, starts_on)
    left join settlement using (cpts_id, starts_on)
    where cpts_id || '/' || starts_on > $1
      and ($2::text is null or cpts_id = $2)
      and ($3::integer is null or extract(year from starts_on) = $3)
      and ($4::boolean is null or (event is not null) = $4)
    order by cpts_id || '/' || starts_on limit $5
"""
SETTLEMENTS = "select cpts_id, event::text as event from settlement where cpts_id = any ($1)"
ADJUSTMENTS_OF = """
    select cpts_id, event::text as event from adjustment where cpts_id = any ($1)
    order by cpts_id, starts_on, sequence
"""
_SETTLED = msgspec.json.Decoder(YearSettled)
_ADJUSTED = msgspec.json.Decoder(YearAdjusted)


class ListedYear(msgspec.Struct, frozen=True, kw_only=True):
    """A contract year, and the day on which its dialogue began, None before."""

    cpts_id: str
    starts_on: date
    ends_on: date
    opened_on: date | None


async def keep(connection: Connection, recorded: Sequence[Recorded[Any]]) -> None:
    """Keep what these events say of dialogues and settlements, in order."""
    for one in recorded:
        event = one.event
        if isinstance(event, DialogueOpened):
            await connection.execute(OPEN, *_key(event), event.opened_on)
        elif isinstance(event, DialogueLineSet):
            await connection.execute(
                KEEP_LINE,
                *_key(event),
                event.indicator,
                one.sequence,
                event.validated_value,
                event.cpts_stance,
                event.caisse_stance,
                one.recorded_at,
                event.by_role,
                event.said_by,
            )
        elif isinstance(event, YearSettled):
            await connection.execute(SETTLE, *_key(event), _json(event))
            lines = enumerate(reversal(event), start=1)
            entries = [
                (one.id, ordinal, account, *_key(event), cents, one.occurred_at, one.cause)
                for ordinal, (account, cents) in lines
            ]
            await post(connection, "estimates", entries)
        elif isinstance(event, YearAdjusted):
            await connection.execute(ADJUST, *_key(event), one.sequence, _json(event))


async def dialogue_of(connection: Connection, cpts_id: str, starts_on: date) -> Dialogue:
    """All that is known of the dialogue of one contract year."""
    row = await connection.fetchrow(OF_YEAR, cpts_id, starts_on)
    assert row is not None, "a select without from answers one row"
    lines = await connection.fetch(LINES, cpts_id, starts_on)
    adjustments = await connection.fetch(ADJUSTMENTS, cpts_id, starts_on)
    return Dialogue(
        ends_on=row["ends_on"],
        opened_on=row["opened_on"],
        lines={line["indicator"]: _line(line) for line in lines},
        said=(*(_said(line) for line in lines), *await levels_of(connection, cpts_id, starts_on)),
        settled=_SETTLED.decode(row["settled"]) if row["settled"] else None,
        adjusted=tuple(_ADJUSTED.decode(one["event"]) for one in adjustments),
    )


async def openings_of(
    connection: Connection, keys: Collection[AccountKey]
) -> dict[AccountKey, date]:
    """The day on which each dialogue was opened, of those that were."""
    cpts_ids, firsts = [cpts_id for cpts_id, _ in keys], [starts_on for _, starts_on in keys]
    rows = await connection.fetch(OPENED, cpts_ids, firsts)
    return {(row["cpts_id"], row["starts_on"]): row["opened_on"] for row in rows}


async def settlements_of(
    connection: Connection, cpts_ids: Collection[str]
) -> tuple[list[YearSettled], list[YearAdjusted]]:
    """What was settled and adjusted of these CPTS, all years."""
    settled = await connection.fetch(SETTLEMENTS, list(cpts_ids))
    adjusted = await connection.fetch(ADJUSTMENTS_OF, list(cpts_ids))
    return (
        [_SETTLED.decode(row["event"]) for row in settled],
        [_ADJUSTED.decode(row["event"]) for row in adjusted],
    )


async def count_adjustments(connection: Connection, cpts_id: str, due_year: date) -> int:
    """How many adjustments are due in a contract year, of whichever settled years."""
    value = await connection.fetchval(
        """
        select count(*) from adjustment
        where cpts_id = $1 and (event->>'due_year_starts_on')::date = $2
        """,
        cpts_id,
        due_year,
    )
    return int(value)


async def years_after(
    connection: Connection,
    subject: str,
    limit: int,
    *,
    cpts_id: str | None,
    civil_year: int | None,
    is_settled: bool | None,
) -> list[ListedYear]:
    """The next contract years in order of their account's subject: of one CPTS, of those that begin
    in a civil year, settled or not; None: all.
    """
    rows = await connection.fetch(YEARS_AFTER, subject, cpts_id, civil_year, is_settled, limit)
    return [ListedYear(**row) for row in rows]


async def years_of(connection: Connection, cpts_id: str) -> list[tuple[date, date]]:
    """The first and last days of a CPTS's contract years."""
    rows = await connection.fetch(
        "select starts_on, ends_on from contract_year where cpts_id = $1", cpts_id
    )
    return [(row["starts_on"], row["ends_on"]) for row in rows]


def _line(row: Any) -> DialogueLineSet:
    return DialogueLineSet(**{name: row[name] for name in DialogueLineSet.__struct_fields__})


def _said(row: Any) -> LevelSaid:
    return LevelSaid(
        indicator=row["indicator"],
        level=DIALOGUE,
        value=row["validated_value"],
        said_at=row["said_at"],
        answer=row["caisse_stance"],
        by_role=row["by_role"],
        said_by=row["said_by"],
    )


def _key(event: Any) -> AccountKey:
    return event.cpts_id, event.contract_year_starts_on


def _json(event: msgspec.Struct) -> str:
    return msgspec.json.encode(event).decode()
