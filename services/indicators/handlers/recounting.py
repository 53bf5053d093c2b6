"""Counting all there is again: after a restore or a rebuild, and by another counting rule."""

from contracts.recorded import Cause
from services.indicators.domain.appointments import Appointment
from services.indicators.domain.rule import CountingRule
from services.indicators.handlers.counting import (
    JOIN_CPTS_YEAR,
    JOIN_FINESS,
    JOIN_RPPS,
    Concerned,
    count,
    count_again,
    settle_appointments,
)
from services.indicators.handlers.origins import Origin, Origins
from services.indicators.store import (
    applied_rule,
    differing,
    figures,
    membership_facts,
    referral_facts,
)
from services.indicators.store.applied_rule import BEGINNING
from services.messaging.timers import Due
from services.messaging.unit import Unit

CPTS_AT_ONCE = 20
APPOINTMENTS_AT_ONCE = 500


async def count_all_again(rule: CountingRule, unit: Unit, cause: Cause, after: str) -> str | None:
    """Brings all figures of the next CPTS up to their facts, and announces those that differ.

    Answers where the next part begins, None after the last CPTS.
    """
    cpts_ids = await membership_facts.cpts_after(unit.connection, after, CPTS_AT_ONCE)
    await unit.lock_joins(JOIN_CPTS_YEAR, cpts_ids)
    concerned = Concerned(
        demands=dict(await differing.demands(unit.connection, cpts_ids, rule)),
        doctors=await differing.counted_doctors(unit.connection, cpts_ids),
        cpts_ids=set(cpts_ids),
        years=await figures.years_of(unit.connection, cpts_ids),
        declaring=set(cpts_ids),
        are_demands_told=True,
    )
    await count(rule, unit, concerned, Origins([Origin(cause.recorded_at, cause)]))
    return cpts_ids[-1] if len(cpts_ids) == CPTS_AT_ONCE else None


async def _locked_appointments(unit: Unit, after: str) -> list[Appointment]:
    """The next appointments, read once the join rows that they name are held.

    Until then another transaction may give one another state, or other names: it is read again.
    """
    held: set[str] | None = None
    while True:
        appointments = await referral_facts.appointments_after(
            unit.connection, after, APPOINTMENTS_AT_ONCE
        )
        finess = {one.finess for one in appointments if one.finess}
        rpps = {one.rpps for one in appointments if one.rpps}
        if held is not None and finess | rpps <= held:
            return appointments
        await unit.lock_joins(JOIN_FINESS, finess)
        await unit.lock_joins(JOIN_RPPS, rpps)
        held = finess | rpps | (held or set())


async def attribute_all_again(
    rule: CountingRule, unit: Unit, cause: Cause, after: str
) -> str | None:
    """Attributes the next platform appointments by the rule, and counts those that changed.

    Answers where the next part begins, None after the last appointment.
    """
    appointments = await _locked_appointments(unit, after)
    keys = {key for key in (one.twin_key() for one in appointments) if key is not None}
    alone = [one for one in appointments if one.rpps is None]
    concerned = Concerned(demands={}, doctors=set(), cpts_ids=set(), years=[])
    origins = Origins([Origin(cause.recorded_at, cause)])
    await settle_appointments(rule, unit, alone, keys, concerned, origins)
    await count_again(rule, unit, concerned, origins)
    is_last = len(appointments) < APPOINTMENTS_AT_ONCE
    return None if is_last else appointments[-1].appointment_id


PARTS = {"appointments": attribute_all_again, "figures": count_all_again}


async def look_again(rule: CountingRule, unit: Unit, cause: Cause, after: str) -> str | None:
    """Attributes the next appointments, or after the last one counts the next CPTS again.

    Answers where the next part begins, None after the last CPTS. Appointments come first: what was
    decided of one is heard back with the figures, but where it counts is derived.
    """
    name, _, reached = (after or BEGINNING).partition(":")
    up_to = await PARTS[name](rule, unit, cause, reached)
    if up_to is not None:
        return f"{name}:{up_to}"
    following = list(PARTS)[list(PARTS).index(name) + 1 :]
    return f"{following[0]}:" if following else None


async def apply_rule(rule: CountingRule, unit: Unit, due: Due) -> int:
    """Counts everything again by a rule that is not the one applied last, a part a transaction.

    Answers `due.limit` while there is more to do, 0 once all is counted by the rule.
    """
    digest = rule.digest()
    begun = await applied_rule.lock(unit.connection, digest, rule.size)
    if begun is None:
        return 0
    cause = Cause(id=f"rule:{digest}:{begun}", recorded_at=due.now)
    await applied_rule.reach(unit.connection, await look_again(rule, unit, cause, begun))
    return due.limit
