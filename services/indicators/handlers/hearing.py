"""What indicators keeps of a batch, and what it counts again for it."""

from collections.abc import Iterable, Sequence
from typing import Any

from contracts.events.membership import (
    AciSigned,
    CptsMerged,
    CptsRegistered,
    FinessAssigned,
    MemberRecorded,
    ParticipationRecorded,
)
from contracts.events.referrals import PlatformAppointmentReported
from contracts.recorded import Recorded
from services.indicators.domain.appointments import TwinKey
from services.indicators.domain.figures import appointment_fact, doctor_fact, referral_fact
from services.indicators.domain.referrals import Referral, ReferralEvent, said_by, together
from services.indicators.domain.rule import CountingRule
from services.indicators.handlers.counting import (
    JOIN_FINESS,
    JOIN_MERGERS,
    JOIN_RPPS,
    MERGERS,
    Concerned,
    count_again,
    settle_appointments,
)
from services.indicators.handlers.origins import Origins
from services.indicators.store import membership_facts, referral_facts
from services.indicators.store.referral_facts import ReferralChange
from services.messaging.unit import Unit


async def on_referrals(rule: CountingRule, unit: Unit, heard: Sequence[Recorded[Any]]) -> None:
    """Keeps referrals and the platform's appointments; counts again those that changed."""
    origins = Origins.heard(heard)
    said: list[Referral] = []
    messages: list[Recorded[PlatformAppointmentReported]] = []
    for place, one in enumerate(heard):
        if isinstance(one.event, PlatformAppointmentReported):
            messages.append(one)
            origins.add(appointment_fact(one.event.appointment_id), place)
        else:
            event: ReferralEvent = one.event
            said.append(said_by(event, one.sequence))
            origins.add(referral_fact(event.referral_id), place)
    connection = unit.connection
    changed = await referral_facts.put_referrals(connection, together(said).values())
    told = await referral_facts.put_messages(connection, messages)
    if await unit.hears_the_past():
        return  # where appointments count, too, is looked at once all is heard

    concerned = Concerned(demands={}, doctors=set(), cpts_ids=set(), years=[])
    keys = _concern_referrals(rule, changed, concerned, origins)
    states = [state for change in told for state in (change.previous, change.present) if state]
    for state in states:
        key = state.twin_key()
        if key is not None:
            keys.add(key)
            fact_id = appointment_fact(state.appointment_id)
            origins.add(doctor_fact(key[0]), origins.place([fact_id]))

    await unit.lock_joins(JOIN_FINESS, {state.finess for state in states if state.finess})
    await unit.lock_joins(JOIN_RPPS, {rpps for rpps, _ in keys})
    alone = [change.present for change in told if change.present.rpps is None]
    await settle_appointments(rule, unit, alone, keys, concerned, origins)
    await count_again(rule, unit, concerned, origins)


def _concern_referrals(
    rule: CountingRule,
    changed: Iterable[ReferralChange],
    concerned: Concerned,
    origins: Origins,
) -> set[TwinKey]:
    """Adds the referrals that count elsewhere than before; answers where twins may be.

    A referral that was honoured or missed counts as it did, and costs nothing more.
    """
    keys: set[TwinKey] = set()
    for change in changed:
        previous, present = change.previous, change.present
        fact_id = referral_fact(present.referral_id)
        places = [present.counted_for(rule), previous.counted_for(rule) if previous else None]
        if places[0] != places[1]:
            concerned.demands[fact_id] = places[0]
            concerned.cpts_ids |= {place[0] for place in places if place is not None}
        twins = [
            one.slot if one is not None and place is not None else None
            for one, place in zip((present, previous), places, strict=True)
        ]
        if twins[0] != twins[1]:
            for twin in twins:
                if twin is not None:
                    keys.add(twin)
                    origins.add(doctor_fact(twin[0]), origins.place([fact_id]))
    return keys


async def on_membership(rule: CountingRule, unit: Unit, heard: Sequence[Recorded[Any]]) -> None:
    """Keeps CPTS, contract years, members and participations; counts again what they concern."""
    origins = Origins.heard(heard)
    for place, one in enumerate(heard):
        match one.event:
            case MemberRecorded() | ParticipationRecorded() as entry:
                origins.add(doctor_fact(entry.rpps), place)
            case CptsRegistered(finess=str(number)) | FinessAssigned(finess=str(number)):
                origins.add(f"finess:{number}", place)
            case AciSigned() as signed:
                origins.add(f"cpts:{signed.cpts_id}", place)
    connection = unit.connection
    numbers = await _finess_of_others(unit, heard, origins)
    changed_years = await membership_facts.put_contract_years(connection, _only(heard, AciSigned))
    entries = await membership_facts.put_members(connection, _only(heard, MemberRecorded))
    entries += await membership_facts.put_participations(
        connection, _only(heard, ParticipationRecorded)
    )
    rpps = {change.rpps for change in entries}

    await unit.lock_joins(JOIN_FINESS, numbers)
    naming = await referral_facts.appointments_of(connection, (), numbers) if numbers else []
    await unit.lock_joins(JOIN_RPPS, rpps | {one.rpps for one in naming if one.rpps is not None})
    concerned = Concerned(
        demands={},
        doctors=rpps,
        cpts_ids={change.cpts_id for change in entries} | {year.cpts_id for year in changed_years},
        years=changed_years,
    )
    if rpps or numbers:
        touched = await referral_facts.appointments_of(connection, rpps, numbers)
        keys = {key for key in (one.twin_key() for one in touched) if key is not None}
        alone = [one for one in touched if one.rpps is None]
        await settle_appointments(rule, unit, alone, keys, concerned, origins)
    if rpps:
        concerned.cpts_ids |= await membership_facts.cpts_of(connection, list(rpps))
    await count_again(rule, unit, concerned, origins)


async def _finess_of_others(
    unit: Unit, heard: Sequence[Recorded[Any]], origins: Origins
) -> set[str]:
    """Keeps each CPTS and what it became a part of; answers the FINESS that mean another than
    before. To what a FINESS leads is read once the join row of mergers is held.
    """
    connection = unit.connection
    assigned = await membership_facts.put_cpts(connection, heard)
    numbers = {number for changed in assigned.values() for number in changed}
    merged = await membership_facts.put_mergers(connection, _only(heard, CptsMerged))
    if not (numbers or merged):
        return numbers
    await unit.lock_joins(JOIN_MERGERS, MERGERS)
    of_parts = await membership_facts.finess_of_parts(connection, merged)
    for place, one in enumerate(heard):
        if isinstance(one.event, CptsMerged):
            for number in of_parts.get(one.subject, ()):
                origins.add(f"finess:{number}", place)
    return numbers.union(*of_parts.values())


def _only(heard: Sequence[Recorded[Any]], event_class: type[Any]) -> list[Recorded[Any]]:
    return [one for one in heard if isinstance(one.event, event_class)]
