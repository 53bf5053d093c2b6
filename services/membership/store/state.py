"""How events become rows: the only writer of membership's own state, live, in rebuild and restore.

Each kind of event is one statement for the whole batch. An entry keeps its highest sequence, so
that an event applied again changes nothing.
"""

from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec

from contracts.communes import resolve
from contracts.events.membership import (
    AciSigned,
    CptsRegistered,
    FinessAssigned,
    MemberRecorded,
    ParticipationRecorded,
    TailleDetermined,
    TerritoryPlaceRecorded,
)
from contracts.recorded import Recorded
from contracts.rpps import has_right_check_digit
from services.membership.domain.calendar import local_day
from services.membership.domain.territory import place_key
from services.membership.store import entries, life
from services.messaging.database import Connection

E = TypeVar("E", bound=msgspec.Struct)

ADD_CPTS = """
    insert into cpts (cpts_id, cpts_name, seat_commune, departement, finess, sequence, emerged_on)
    select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[],
                         $7::date[])
    on conflict (cpts_id) do nothing
"""
GIVE_FINESS = """
    update cpts set finess = new.finess
    from unnest($1::text[], $2::text[]) as new (cpts_id, finess)
    where cpts.cpts_id = new.cpts_id
"""
MOVE_SEQUENCE = """
    update cpts set sequence = new.sequence
    from unnest($1::text[], $2::bigint[]) as new (cpts_id, sequence)
    where cpts.cpts_id = new.cpts_id and cpts.sequence < new.sequence
"""
KEEP_PLACES = """
    insert into territory_entry (cpts_id, entry_id, place, commune, part, population,
                                 from_on, to_on, is_withdrawn, first_sequence, sequence)
    select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::integer[],
                         $7::date[], $8::date[], $9::boolean[], $10::bigint[], $11::bigint[])
    on conflict (cpts_id, entry_id) do update
    set place = excluded.place, commune = excluded.commune, part = excluded.part,
        population = excluded.population, from_on = excluded.from_on, to_on = excluded.to_on,
        is_withdrawn = excluded.is_withdrawn, sequence = excluded.sequence
    where territory_entry.sequence < excluded.sequence
"""
KEEP_MEMBERS = """
    insert into member (cpts_id, member_id, rpps, profession, has_wrong_check_digit, structure_id,
                        from_on, to_on, is_withdrawn, first_sequence, sequence)
    select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::boolean[],
                         $6::text[], $7::date[], $8::date[], $9::boolean[], $10::bigint[],
                         $11::bigint[])
    on conflict (cpts_id, member_id) do update
    set rpps = excluded.rpps, profession = excluded.profession,
        has_wrong_check_digit = excluded.has_wrong_check_digit,
        structure_id = excluded.structure_id, from_on = excluded.from_on, to_on = excluded.to_on,
        is_withdrawn = excluded.is_withdrawn, sequence = excluded.sequence
    where member.sequence < excluded.sequence
"""
KEEP_PARTICIPATIONS = """
    insert into participation (cpts_id, participation_id, rpps, way, has_wrong_check_digit,
                               verified_by, from_on, to_on, is_withdrawn, first_sequence, sequence)
    select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::boolean[],
                         $6::text[], $7::date[], $8::date[], $9::boolean[], $10::bigint[],
                         $11::bigint[])
    on conflict (cpts_id, participation_id) do update
    set rpps = excluded.rpps, way = excluded.way,
        has_wrong_check_digit = excluded.has_wrong_check_digit, from_on = excluded.from_on,
        to_on = excluded.to_on, is_withdrawn = excluded.is_withdrawn,
        sequence = excluded.sequence
    where participation.sequence < excluded.sequence
"""
KEEP_ACI = """
    insert into aci (cpts_id, aci_id, signed_on, starts_on, ends_on, is_withdrawn,
                     first_sequence, sequence)
    select * from unnest($1::text[], $2::text[], $3::date[], $4::date[], $5::date[],
                         $6::boolean[], $7::bigint[], $8::bigint[])
    on conflict (cpts_id, aci_id) do update
    set signed_on = excluded.signed_on, starts_on = excluded.starts_on,
        ends_on = excluded.ends_on, is_withdrawn = excluded.is_withdrawn,
        sequence = excluded.sequence
    where aci.sequence < excluded.sequence
"""
KEEP_TAILLES = """
    insert into taille (cpts_id, contract_year_starts_on, taille, population, sequence)
    select * from unnest($1::text[], $2::date[], $3::integer[], $4::integer[], $5::bigint[])
    on conflict (cpts_id, contract_year_starts_on) do update
    set taille = excluded.taille, population = excluded.population, sequence = excluded.sequence
    where taille.sequence < excluded.sequence
"""


async def apply(connection: Connection, events: Sequence[Recorded[Any]]) -> None:
    """Apply membership's own events, in the order of each CPTS's sequence."""
    await _apply_cpts(connection, events)
    await _apply_places(connection, _last_of_each(events, TerritoryPlaceRecorded, "entry_id"))
    await _apply_members(connection, _last_of_each(events, MemberRecorded, "member_id"))
    await _apply_participations(
        connection, _last_of_each(events, ParticipationRecorded, "participation_id")
    )
    await _apply_contract(connection, events)
    await entries.keep(connection, events)
    await life.apply(connection, events)


async def _apply_cpts(connection: Connection, events: Sequence[Recorded[Any]]) -> None:
    registered = _of(events, CptsRegistered)
    if registered:
        await connection.execute(
            ADD_CPTS,
            [one.event.cpts_id for one in registered],
            [one.event.cpts_name for one in registered],
            [one.event.seat_commune for one in registered],
            [one.departement for one in registered],
            [one.event.finess for one in registered],
            [one.sequence for one in registered],
            [one.event.emerged_on or local_day(one.occurred_at) for one in registered],
        )
    assigned = _of(events, FinessAssigned)
    if assigned:
        # A number is corrected by a later event, which a rebuild may apply in the same batch.
        latest = {one.event.cpts_id: one.event.finess for one in assigned}
        await connection.execute(
            GIVE_FINESS,
            list(latest),
            list(latest.values()),
        )
    highest: dict[str, int] = {}
    for one in events:
        highest[one.subject] = max(one.sequence, highest.get(one.subject, 0))
    await connection.execute(MOVE_SEQUENCE, list(highest), list(highest.values()))


async def _apply_places(
    connection: Connection, last: Sequence[tuple[int, Recorded[TerritoryPlaceRecorded]]]
) -> None:
    if not last:
        return
    recorded = [one.event for _, one in last]
    await connection.execute(
        KEEP_PLACES,
        [entry.cpts_id for entry in recorded],
        [entry.entry_id for entry in recorded],
        [_place_of(entry.commune) for entry in recorded],
        [entry.commune for entry in recorded],
        [entry.part for entry in recorded],
        [entry.population for entry in recorded],
        [entry.from_on for entry in recorded],
        [entry.to_on for entry in recorded],
        [entry.is_withdrawn for entry in recorded],
        [first for first, _ in last],
        [one.sequence for _, one in last],
    )


async def _apply_members(
    connection: Connection, last: Sequence[tuple[int, Recorded[MemberRecorded]]]
) -> None:
    if not last:
        return
    recorded = [one.event for _, one in last]
    await connection.execute(
        KEEP_MEMBERS,
        [entry.cpts_id for entry in recorded],
        [entry.member_id for entry in recorded],
        [entry.rpps for entry in recorded],
        [entry.profession for entry in recorded],
        [not has_right_check_digit(entry.rpps) for entry in recorded],
        [entry.structure_id for entry in recorded],
        [entry.from_on for entry in recorded],
        [entry.to_on for entry in recorded],
        [entry.is_withdrawn for entry in recorded],
        [first for first, _ in last],
        [one.sequence for _, one in last],
    )


async def _apply_participations(
    connection: Connection, last: Sequence[tuple[int, Recorded[ParticipationRecorded]]]
) -> None:
    if not last:
        return
    recorded = [one.event for _, one in last]
    await connection.execute(
        KEEP_PARTICIPATIONS,
        [entry.cpts_id for entry in recorded],
        [entry.participation_id for entry in recorded],
        [entry.rpps for entry in recorded],
        [entry.way for entry in recorded],
        [not has_right_check_digit(entry.rpps) for entry in recorded],
        [entry.verified_by for entry in recorded],
        [entry.from_on for entry in recorded],
        [entry.to_on for entry in recorded],
        [entry.is_withdrawn for entry in recorded],
        [first for first, _ in last],
        [one.sequence for _, one in last],
    )


async def _apply_contract(connection: Connection, events: Sequence[Recorded[Any]]) -> None:
    last = _last_of_each(events, AciSigned, "aci_id")
    if last:
        signed = [one.event for _, one in last]
        await connection.execute(
            KEEP_ACI,
            [aci.cpts_id for aci in signed],
            [aci.aci_id for aci in signed],
            [aci.signed_on for aci in signed],
            [aci.contract_years[0].starts_on if aci.contract_years else None for aci in signed],
            [aci.contract_years[-1].ends_on if aci.contract_years else None for aci in signed],
            [aci.is_withdrawn for aci in signed],
            [first for first, _ in last],
            [one.sequence for _, one in last],
        )
    determined = [
        one for _, one in _last_of_each(events, TailleDetermined, "contract_year_starts_on")
    ]
    if determined:
        await connection.execute(
            KEEP_TAILLES,
            [one.event.cpts_id for one in determined],
            [one.event.contract_year_starts_on for one in determined],
            [one.event.taille for one in determined],
            [one.event.population for one in determined],
            [one.sequence for one in determined],
        )


def _of(events: Sequence[Recorded[Any]], event_class: type[E]) -> list[Recorded[E]]:
    return [one for one in events if isinstance(one.event, event_class)]


def _last_of_each(
    events: Sequence[Recorded[Any]], event_class: type[E], id_field: str
) -> list[tuple[int, Recorded[E]]]:
    """Of each entry in a batch, its first sequence there and its last event."""
    found: dict[tuple[str, Any], tuple[int, Recorded[E]]] = {}
    for one in _of(events, event_class):
        key = (one.subject, getattr(one.event, id_field))
        first, last = found.get(key, (one.sequence, one))
        found[key] = (min(first, one.sequence), max(last, one, key=lambda each: each.sequence))
    return list(found.values())


def _place_of(code: str) -> str:
    commune = resolve(code)
    return code if commune is None else place_key(commune)
