"""What membership does when time passes; it hears nothing, for it is where the chain begins.

Its state changes by HTTP orders, see `http`, and by what falls due: the silence of the ARS
validates a projet de santé, a mission's deadline comes near or passes.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta

from contracts.events.membership import MembershipEvent
from contracts.recorded import Cause, record
from services.membership.domain import Cpts, missions, projet
from services.membership.domain.calendar import local_day, midnight
from services.membership.domain.missions import PendingDeadline
from services.membership.domain.parameters import Missions
from services.membership.domain.projet import Projet
from services.membership.store import life
from services.membership.store.parameters import load_parameters
from services.messaging.timers import Due
from services.messaging.unit import Unit


async def let_fall_due(unit: Unit, due: Due) -> int:
    """Say what the days that have passed since the last look made of projets and deadlines.

    Each is dated by the midnight at which it fell due, and said in the order of these.
    """
    today, rules = local_day(due.now), load_parameters().missions
    near = today + timedelta(days=rules.near_days)
    locked = await life.lock_due(unit.connection, due, today, near)
    ids = [cpts.cpts_id for cpts in locked]
    projets: defaultdict[str, list[Projet]] = defaultdict(list)
    deadlines: defaultdict[str, list[PendingDeadline]] = defaultdict(list)
    for one in await life.pending_projets(unit.connection, ids) if ids else ():
        projets[one.cpts_id].append(one)
    for pending in await life.pending_deadlines(unit.connection, ids) if ids else ():
        deadlines[pending.cpts_id].append(pending)
    for cpts in locked:
        said = fallen_due(projets[cpts.cpts_id], deadlines[cpts.cpts_id], today, rules)
        for ordinal, (day, event) in enumerate(said):
            await unit.announce(
                record(
                    [event],
                    subject=cpts.cpts_id,
                    after_sequence=cpts.sequence + ordinal,
                    departement=cpts.departement,
                    occurred_at=midnight(day),
                    cause=_timer(cpts, due),
                )
            )
    return len(locked)


def fallen_due(
    projets: Sequence[Projet],
    deadlines: Sequence[PendingDeadline],
    today: date,
    rules: Missions,
) -> list[tuple[date, MembershipEvent]]:
    """What has fallen due of one CPTS by today, each with its day, in order."""
    found: list[tuple[date, MembershipEvent]] = []
    for one in projets:
        if one.silence_ends_on < today:
            validated = projet.fall_due(one)
            found.append((validated.validated_on, validated))
    for deadline in deadlines:
        event = missions.fall_due(deadline, today, rules)
        if event is not None:
            found.append((missions.said_on(event, rules), event))
    return sorted(found, key=lambda one: one[0])


def _timer(cpts: Cpts, due: Due) -> Cause:
    return Cause(id=f"timer:{cpts.cpts_id}:{cpts.sequence}", recorded_at=due.now)
