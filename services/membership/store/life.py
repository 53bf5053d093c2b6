"""How projets de santé, missions' deadlines and the end of a CPTS are kept, read and fall due."""

from collections.abc import Sequence
from datetime import date
from typing import Any, get_args

import asyncpg
import msgspec

from contracts.events.membership import (
    CptsMerged,
    MissionDeadline,
    MissionDeadlineMissed,
    MissionDeadlineNear,
    MissionDeadlinesSet,
    ProjetDeSanteSent,
)
from contracts.recorded import Recorded
from services.membership.domain import Cpts
from services.membership.domain.missions import PendingDeadline
from services.membership.domain.projet import Outcome, Projet, ProjetEvent, evolve
from services.messaging.database import Connection
from services.messaging.timers import Due

PROJET_EVENTS = get_args(ProjetEvent)

PROJETS = """
    select * from projet_de_sante
    where cpts_id = any ($1) and ($2::text is null or projet_id = $2)
    order by cpts_id, sent_on, projet_id
"""
FIRST_PROJET = """
    select event::text as event from projet_de_sante
    join history on subject = cpts_id and history.sequence = first_sequence
    where cpts_id = $1 and projet_id = $2
"""
KEEP_PROJETS = """
    insert into projet_de_sante (cpts_id, projet_id, sent_on, silence_ends_on, document_sha256,
                                 outcome, decided_on, is_tacit, grounds, first_sequence, sequence)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
    on conflict (cpts_id, projet_id) do update
    set outcome = excluded.outcome, decided_on = excluded.decided_on,
        is_tacit = excluded.is_tacit, grounds = excluded.grounds, sequence = excluded.sequence
    where projet_de_sante.sequence < excluded.sequence
"""
END_CPTS = "update cpts set merged_on = $2, into_cpts_id = $3 where cpts_id = $1"
DROP_DEADLINES = """
    delete from mission_deadline
    where cpts_id = $1 and aci_id = $2
      and (mission, step) not in (select * from unnest($3::text[], $4::text[]))
"""
# What was said of a deadline was said of its day.
KEEP_DEADLINES = """
    insert into mission_deadline as kept (cpts_id, aci_id, mission, step, due_on, met_on,
                                          ordinal, is_near_said, is_missed_said)
    select $1, $2, mission, step, due_on, met_on, ordinal, false, false
    from unnest($3::text[], $4::text[], $5::date[], $6::date[])
        with ordinality as said (mission, step, due_on, met_on, ordinal)
    on conflict (cpts_id, aci_id, mission, step) do update
    set due_on = excluded.due_on, met_on = excluded.met_on, ordinal = excluded.ordinal,
        is_near_said = kept.is_near_said and kept.due_on = excluded.due_on,
        is_missed_said = kept.is_missed_said and kept.due_on = excluded.due_on
"""
SAY_DEADLINE = """
    update mission_deadline set is_near_said = true, is_missed_said = is_missed_said or $6
    where cpts_id = $1 and aci_id = $2 and mission = $3 and step = $4 and due_on = $5
"""
DEADLINES = """
    select aci_id, mission, step, due_on, met_on from mission_deadline
    where cpts_id = $1 order by aci_id, ordinal
"""
PENDING = """
    select cpts_id, aci_id, mission, step, due_on, is_near_said from mission_deadline
    where cpts_id = any ($1) and met_on is null and not is_missed_said
    order by due_on, mission, step
"""
# A CPTS that has become a part of another has nothing left to do.
LOCK_DUE = """
    select * from cpts where merged_on is null and cpts_id in (
        select cpts_id from projet_de_sante
        where outcome = 'pending' and silence_ends_on < $1
        union
        select cpts_id from mission_deadline
        where met_on is null and not is_missed_said
          and (due_on < $1 or (due_on <= $2 and not is_near_said))
    )
    order by cpts_id limit $3 offset $4 for update skip locked
"""


async def apply(connection: Connection, events: Sequence[Recorded[Any]]) -> None:
    """Apply what happened to projets, deadlines and CPTS that end, in order."""
    await _apply_projets(connection, events)
    for one in events:
        event = one.event
        if isinstance(event, MissionDeadlinesSet):
            await _keep_deadlines(connection, event)
        elif isinstance(event, MissionDeadlineNear | MissionDeadlineMissed):
            await connection.execute(
                SAY_DEADLINE,
                event.cpts_id,
                event.aci_id,
                event.mission,
                event.step,
                event.due_on,
                isinstance(event, MissionDeadlineMissed),
            )
        elif isinstance(event, CptsMerged):
            await connection.execute(END_CPTS, one.subject, event.merged_on, event.into_cpts_id)


async def projets_of(connection: Connection, cpts_id: str) -> list[Projet]:
    """The projets de santé of a CPTS as they stand, in the order in which they were sent."""
    return [_projet(row) for row in await connection.fetch(PROJETS, [cpts_id], None)]


async def projet(connection: Connection, cpts_id: str, projet_id: str) -> Projet | None:
    """One projet de santé as it stands; None when there is none."""
    rows = await connection.fetch(PROJETS, [cpts_id], projet_id)
    return _projet(rows[0]) if rows else None


async def first_projet(
    connection: Connection, cpts_id: str, projet_id: str
) -> ProjetDeSanteSent | None:
    """The first event of a projet; None when there is none."""
    row = await connection.fetchrow(FIRST_PROJET, cpts_id, projet_id)
    return None if row is None else msgspec.json.decode(row["event"], type=ProjetDeSanteSent)


async def deadlines_of(connection: Connection, cpts_id: str) -> dict[str, list[MissionDeadline]]:
    """The deadlines of each ACI as they were last set, in their order."""
    found: dict[str, list[MissionDeadline]] = {}
    for row in await connection.fetch(DEADLINES, cpts_id):
        found.setdefault(row["aci_id"], []).append(
            MissionDeadline(
                mission=row["mission"],
                step=row["step"],
                due_on=row["due_on"],
                met_on=row["met_on"],
            )
        )
    return found


async def lock_due(connection: Connection, due: Due, today: date, near: date) -> list[Cpts]:
    """The CPTS for which something falls due, locked: `near` is the last day that is near today."""
    rows = await connection.fetch(LOCK_DUE, today, near, due.limit, due.skip)
    return [Cpts(**dict(row)) for row in rows]


async def pending_projets(connection: Connection, cpts_ids: Sequence[str]) -> list[Projet]:
    """The projets of these CPTS on which the ARS has not decided."""
    rows = await connection.fetch(PROJETS, list(cpts_ids), None)
    return [one for row in rows if (one := _projet(row)).outcome is Outcome.PENDING]


async def pending_deadlines(
    connection: Connection, cpts_ids: Sequence[str]
) -> list[PendingDeadline]:
    """The deadlines of these CPTS that are neither met nor said to be missed, oldest first."""
    return [PendingDeadline(**dict(row)) for row in await connection.fetch(PENDING, list(cpts_ids))]


async def _apply_projets(connection: Connection, events: Sequence[Recorded[Any]]) -> None:
    told = [one for one in events if isinstance(one.event, PROJET_EVENTS)]
    if not told:
        return
    rows = await connection.fetch(PROJETS, list({one.subject for one in told}), None)
    kept = {(row["cpts_id"], row["projet_id"]): row for row in rows}
    states = {key: _projet(row) for key, row in kept.items()}
    firsts = {key: row["first_sequence"] for key, row in kept.items()}
    lasts = {key: row["sequence"] for key, row in kept.items()}
    changed = {}
    for one in told:
        key = (one.subject, one.event.projet_id)
        if one.sequence <= lasts.get(key, 0):
            continue
        state = evolve(states.get(key), one.event)
        if state is not None:
            states[key] = changed[key] = state
            firsts.setdefault(key, one.sequence)
            lasts[key] = one.sequence
    await connection.executemany(
        KEEP_PROJETS,
        [
            (*msgspec.structs.astuple(state), firsts[key], lasts[key])
            for key, state in changed.items()
        ],
    )


async def _keep_deadlines(connection: Connection, event: MissionDeadlinesSet) -> None:
    missions = [one.mission for one in event.deadlines]
    steps = [one.step for one in event.deadlines]
    await connection.execute(DROP_DEADLINES, event.cpts_id, event.aci_id, missions, steps)
    await connection.execute(
        KEEP_DEADLINES,
        event.cpts_id,
        event.aci_id,
        missions,
        steps,
        [one.due_on for one in event.deadlines],
        [one.met_on for one in event.deadlines],
    )


def _projet(row: asyncpg.Record) -> Projet:
    return Projet(
        **{
            name: row[name]
            for name in Projet.__struct_fields__
            if name not in ("outcome", "grounds")
        },
        outcome=Outcome(row["outcome"]),
        grounds=tuple(row["grounds"]),
    )
