"""The only writer of the service's own state: orders, timers, replays and restores all end here."""

from collections.abc import Mapping, Sequence
from typing import Any

import asyncpg
import msgspec

from contracts.events.referrals import PlatformAppointmentReported
from contracts.recorded import Recorded
from services.messaging.database import Connection
from services.referrals.domain import platform_appointment, referral
from services.referrals.store import platform, referrals

# One statement for what every order needs: its events written, the states they build on read.
INSERT_HISTORY = f"""
    with written as (
        insert into history (subject, sequence, id, type, occurred_at, recorded_at, event)
        select subject, sequence, id, type, occurred_at, recorded_at, event::jsonb
        from unnest(
            $1::text[], $2::bigint[], $3::uuid[], $4::text[],
            $5::timestamptz[], $6::timestamptz[], $7::text[]
        ) as new (subject, sequence, id, type, occurred_at, recorded_at, event)
        on conflict do nothing
        returning id
    )
    select array (select id from written) as written, {referrals.COLUMNS}
    from (values (1)) as one (row) left join referral on referral_id = any ($8)
"""  # noqa: S608 - constants
SELECT_KNOWN = "select id from history where id = any ($1) and subject = any ($2)"
SELECT_HISTORY = """
    select sequence, type, occurred_at, recorded_at, event::text
    from history where subject = $1 order by sequence
"""


async def apply(connection: Connection, recorded: Sequence[Recorded[Any]]) -> None:
    """Change the state by these events, in their order; one already applied changes nothing.

    asyncpg.SerializationError when another transaction wrote an aggregate's next event first: the
    same work, started again, sees it.
    """
    fresh, known = await _insert_history(connection, recorded)
    reported = [one for one in fresh if isinstance(one.event, PlatformAppointmentReported)]
    lived = [one for one in fresh if not isinstance(one.event, PlatformAppointmentReported)]
    if lived:
        states: dict[str, referral.Referral] = {one.referral_id: one for one in known}
        changed = dict.fromkeys(one.subject for one in lived)
        for one in lived:
            states[one.subject] = referral.evolve(states.get(one.subject), one)
        await referrals.write(connection, [states[subject] for subject in changed])
    if reported:
        appointments = {
            one.appointment_id: one
            for one in await platform.load(connection, _begun_before(reported))
        }
        for one in reported:
            appointments[one.subject] = platform_appointment.evolve(
                appointments.get(one.subject), one
            )
        await platform.write(connection, list(appointments.values()))


async def history(connection: Connection, subject: str) -> list[Mapping[str, Any]]:
    """What happened to a referral or a platform appointment, in order."""
    rows = await connection.fetch(SELECT_HISTORY, subject)
    return [{**row, "event": msgspec.json.decode(row["event"])} for row in rows]


async def _insert_history(
    connection: Connection, recorded: Sequence[Recorded[Any]]
) -> tuple[Sequence[Recorded[Any]], list[referral.Referral]]:
    """The events that were not known, now written, and the referrals that they go on with."""
    rows = await connection.fetch(
        INSERT_HISTORY,
        [one.subject for one in recorded],
        [one.sequence for one in recorded],
        [one.id for one in recorded],
        [one.type for one in recorded],
        [one.occurred_at for one in recorded],
        [one.recorded_at for one in recorded],
        [msgspec.json.encode(one.event).decode() for one in recorded],
        _begun_before(recorded),
    )
    states = [referrals.read(row) for row in rows if row["referral_id"] is not None]
    new = set(rows[0]["written"])
    if len(new) == len(recorded):
        return recorded, states
    others = {one.id for one in recorded} - new
    known = await connection.fetch(SELECT_KNOWN, list(others), [one.subject for one in recorded])
    if len(known) < len(others):
        raise asyncpg.SerializationError("an aggregate's next event was written by another")
    fresh = list({one.id: one for one in recorded if one.id in new}.values())
    return fresh, await referrals.load(connection, _begun_before(fresh))


def _begun_before(recorded: Sequence[Recorded[Any]]) -> list[str]:
    """The aggregates that have a state: whose first event is not among these."""
    subjects = dict.fromkeys(one.subject for one in recorded)
    begun_here = {one.subject for one in recorded if one.sequence == 1}
    return [subject for subject in subjects if subject not in begun_here]
