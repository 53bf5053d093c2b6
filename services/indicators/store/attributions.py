"""What attribution reads, and where each platform appointment counts."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any

import msgspec

from services.indicators.domain.appointments import (
    Attribution,
    Doubt,
    Merger,
    Outcome,
    State,
    Surroundings,
)
from services.indicators.domain.days import Period
from services.indicators.domain.doctors import Membership, Participation
from services.messaging.database import Connection


class AttributionChange(msgspec.Struct, frozen=True):
    """An appointment that counts elsewhere than before, or for another reason."""

    previous_cpts_id: str | None
    present: Attribution


async def surroundings(
    connection: Connection, rpps: Collection[str], finess: Collection[str]
) -> Surroundings:
    """The CPTS of these FINESS with what became of them, the memberships and participations of
    these professionals.
    """
    named = await cpts_by_finess(connection, finess) if finess else {}
    return Surroundings(
        cpts_by_finess=named,
        mergers=await mergers(connection, named.values()) if named else {},
        memberships=await memberships(connection, rpps) if rpps else {},
        participations=await participations(connection, rpps) if rpps else {},
    )


async def cpts_by_finess(connection: Connection, finess: Collection[str]) -> Mapping[str, str]:
    """The CPTS that bears each FINESS; membership gives a number to one CPTS only."""
    rows = await connection.fetch(
        "select finess, min(cpts_id) as cpts_id from cpts where finess = any ($1) group by finess",
        list(finess),
    )
    return {row["finess"]: row["cpts_id"] for row in rows}


async def mergers(connection: Connection, cpts_ids: Collection[str]) -> dict[str, Merger]:
    """The mergers of CPTS and of all that they became parts of, by the one that merged."""
    rows = await connection.fetch(
        """
        with recursive part as (
            select cpts_id, merged_on, into_cpts_id from cpts
            where cpts_id = any ($1) and merged_on is not null
            union
            select cpts.cpts_id, cpts.merged_on, cpts.into_cpts_id from cpts
            join part on cpts.cpts_id = part.into_cpts_id
            where cpts.merged_on is not null
        )
        select * from part
        """,
        list(cpts_ids),
    )
    return {row["cpts_id"]: Merger(row["merged_on"], row["into_cpts_id"]) for row in rows}


async def memberships(connection: Connection, rpps: Collection[str]) -> dict[str, list[Membership]]:
    """The memberships of professionals that were not withdrawn, by RPPS."""
    rows = await connection.fetch(
        """
        select cpts_id, rpps, profession, from_on, to_on from member
        where rpps = any ($1) and not is_withdrawn
        """,
        list(rpps),
    )
    found: dict[str, list[Membership]] = {}
    for row in rows:
        membership = Membership(
            cpts_id=row["cpts_id"],
            rpps=row["rpps"],
            profession=row["profession"],
            period=Period(row["from_on"], row["to_on"]),
        )
        found.setdefault(membership.rpps, []).append(membership)
    return found


async def participations(
    connection: Connection, rpps: Collection[str]
) -> dict[str, list[Participation]]:
    """The participations of professionals that were not withdrawn, by RPPS."""
    rows = await connection.fetch(
        """
        select cpts_id, rpps, way, from_on, to_on from participation
        where rpps = any ($1) and not is_withdrawn
        """,
        list(rpps),
    )
    found: dict[str, list[Participation]] = {}
    for row in rows:
        participation = Participation(
            cpts_id=row["cpts_id"],
            rpps=row["rpps"],
            way=row["way"],
            period=Period(row["from_on"], row["to_on"]),
        )
        found.setdefault(participation.rpps, []).append(participation)
    return found


async def put_attributions(
    connection: Connection, settled: Sequence[Attribution]
) -> list[AttributionChange]:
    """Keeps where appointments count; answers those that changed.

    Appointments of one practitioner are settled by whoever holds the practitioner's join row.
    """
    if not settled:
        return []
    rows = await connection.fetch(
        """
        insert into attribution as kept (appointment_id, outcome, booked_on, cpts_id, candidates,
                                         twin, reason, doubts, concerned, state)
        select * from unnest($1::text[], $2::text[], $3::date[], $4::text[], $5::jsonb[],
                             $6::text[], $7::text[], $8::jsonb[], $9::jsonb[], $10::text[])
        on conflict (appointment_id) do update
        set outcome = excluded.outcome, booked_on = excluded.booked_on,
            cpts_id = excluded.cpts_id, candidates = excluded.candidates,
            twin = excluded.twin, reason = excluded.reason, doubts = excluded.doubts,
            concerned = excluded.concerned, state = excluded.state
        where row (kept.*) is distinct from row (excluded.*)
        returning old.cpts_id as previous_cpts_id, new.*
        """,
        [one.appointment_id for one in settled],
        [one.outcome for one in settled],
        [one.booked_on for one in settled],
        [one.cpts_id for one in settled],
        [msgspec.json.encode(one.candidates).decode() for one in settled],
        [one.twin for one in settled],
        [one.reason for one in settled],
        [msgspec.json.encode(one.doubts).decode() for one in settled],
        [msgspec.json.encode(one.concerned).decode() for one in settled],
        [one.state for one in settled],
    )
    return [AttributionChange(row["previous_cpts_id"], _attribution(row)) for row in rows]


async def present(connection: Connection, appointment_id: str) -> Attribution | None:
    """Where an appointment counts; None when it is not known."""
    row = await connection.fetchrow(
        "select * from attribution where appointment_id = $1", appointment_id
    )
    return None if row is None else _attribution(row)


async def counted_attributions(
    connection: Connection, years: Collection[tuple[str, date, date]]
) -> list[Attribution]:
    """The appointments that count for each CPTS and were booked between two days, included."""
    rows = await connection.fetch(
        """
        select attribution.* from attribution
        join unnest($1::text[], $2::date[], $3::date[]) as year (cpts_id, first, last)
            on attribution.cpts_id = year.cpts_id and booked_on between first and last
        where outcome = 'counted'
        """,
        [cpts_id for cpts_id, _, _ in years],
        [first for _, first, _ in years],
        [last for _, _, last in years],
    )
    return [_attribution(row) for row in rows]


def _attribution(row: Any) -> Attribution:
    return Attribution(
        appointment_id=row["appointment_id"],
        outcome=Outcome(row["outcome"]),
        booked_on=row["booked_on"],
        cpts_id=row["cpts_id"],
        candidates=msgspec.json.decode(row["candidates"], type=tuple[str, ...]),
        twin=row["twin"],
        reason=row["reason"],
        doubts=msgspec.json.decode(row["doubts"], type=tuple[Doubt, ...]),
        concerned=msgspec.json.decode(row["concerned"], type=tuple[str, ...]),
        state=State(row["state"]),
    )
