"""What indicators does when it hears a batch: keep its facts, look again at what they concern.

Every handler keeps the raw facts first, then locks join rows in one order everywhere (FINESS, RPPS,
then the CPTS whose contract years may count something), and only then reads, in new statements,
what others have committed. Whoever comes second therefore sees what the first one left.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import msgspec

from contracts.events.membership import (
    AciSigned,
    CptsRegistered,
    FinessAssigned,
    MemberRecorded,
    ParticipationRecorded,
)
from contracts.events.referrals import PlatformAppointmentReported
from contracts.recorded import Cause, Recorded, record
from services.indicators.domain.appointments import Appointment, attribute, drop_twins
from services.indicators.domain.doctors import doctor_figures
from services.indicators.domain.figures import (
    ContractYear,
    FigureKey,
    appointment_fact,
    demand_figures,
    doctor_fact,
    fact_changes,
    figure_changes,
    opened_figures,
    referral_fact,
    rpps_of,
)
from services.indicators.domain.referrals import Referral, ReferralEvent, said_by, together
from services.indicators.domain.rule import CountingRule
from services.indicators.store import attributions, figures, membership_facts, referral_facts
from services.indicators.store.referral_facts import ReferralChange, TwinKey
from services.messaging.unit import Unit

JOIN_FINESS, JOIN_RPPS, JOIN_CPTS_YEAR = "finess", "rpps", "cpts_year"
CPTS_AT_ONCE = 20

# The CPTS that counts a demand, and the booking day; None when it does not count.
Place = tuple[str, date] | None


class Origin(msgspec.Struct, frozen=True):
    """What is behind a change: when it became true, and its cause."""

    occurred_at: datetime
    cause: Cause


class Origins:
    """Which event of the batch is behind a change: the last one that concerns what changed.

    Keys are fact ids (so `rpps:<number>` too), `finess:<number>` and `cpts:<id>`.
    """

    def __init__(self, origins: Sequence[Origin]) -> None:
        self._origins = origins
        self._places: dict[str, int] = {}

    @classmethod
    def heard(cls, heard: Iterable[Recorded[Any]]) -> "Origins":
        """Those of a batch."""
        return cls([Origin(one.occurred_at, one.as_cause()) for one in heard])

    def add(self, key: str, place: int | None) -> None:
        """The event at `place` of the batch concerns `key`."""
        if place is not None:
            self._places[key] = max(place, self._places.get(key, place))

    def place(self, keys: Iterable[str]) -> int | None:
        """The place of the last event that concerns one of the keys."""
        return max((self._places[key] for key in keys if key in self._places), default=None)

    def of(self, keys: Iterable[str]) -> Origin:
        """The last event that concerns one of the keys, else the last of the batch."""
        place = self.place(keys)
        return self._origins[-1 if place is None else place]


class Concerned(msgspec.Struct, kw_only=True):
    """What a batch changed, for the figures to be counted again.

    `demands` gives, by fact id, where a demand or an appointment counts now; `doctors` are RPPS;
    `cpts_ids` are all the CPTS that count, or counted, one of them; `years` are the contract years
    that came, went, or have another last day.
    """

    demands: dict[str, Place]
    doctors: set[str]
    cpts_ids: set[str]
    years: list[ContractYear]


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
    await _settle_appointments(rule, unit, alone, keys, concerned, origins)
    await _count_again(rule, unit, concerned, origins)


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
        twins = [present.twin_key(rule), previous.twin_key(rule) if previous else None]
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
            case CptsRegistered() | FinessAssigned() as named:
                origins.add(f"finess:{named.finess}", place)
            case AciSigned() as signed:
                origins.add(f"cpts:{signed.cpts_id}", place)
    connection = unit.connection
    assigned = await membership_facts.put_cpts(connection, heard)
    changed_years = await membership_facts.put_contract_years(connection, _only(heard, AciSigned))
    entries = await membership_facts.put_members(connection, _only(heard, MemberRecorded))
    entries += await membership_facts.put_participations(
        connection, _only(heard, ParticipationRecorded)
    )
    rpps = {change.rpps for change in entries}
    numbers = {number for changed in assigned.values() for number in changed}

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
        await _settle_appointments(rule, unit, alone, keys, concerned, origins)
    if rpps:
        concerned.cpts_ids |= await membership_facts.cpts_of(connection, list(rpps))
    await _count_again(rule, unit, concerned, origins)


def _only(heard: Sequence[Recorded[Any]], event_class: type[Any]) -> list[Recorded[Any]]:
    return [one for one in heard if isinstance(one.event, event_class)]


async def _settle_appointments(
    rule: CountingRule,
    unit: Unit,
    alone: Sequence[Appointment],
    keys: Collection[TwinKey],
    concerned: Concerned,
    origins: Origins,
) -> None:
    """Attributes again the appointments at `keys`, and those `alone` that can have no twin.

    The join rows of the practitioners of `keys` are held. What changed is added to `concerned`.
    """
    appointments = list(alone)
    if keys:
        appointments += await referral_facts.appointments_at(unit.connection, keys)
    if not appointments:
        return
    rpps = {one.rpps for one in appointments if one.rpps is not None}
    known = await attributions.surroundings(
        unit.connection, rpps, {one.finess for one in appointments if one.finess is not None}
    )
    twins: dict[TwinKey, str] = {}
    for referral in await referral_facts.referrals_at(unit.connection, keys) if keys else ():
        key = referral.twin_key(rule)
        if key is not None:
            fact_id = referral_fact(referral.referral_id)
            twins[key] = min(fact_id, twins.get(key, fact_id))
    settled = drop_twins(
        {one.appointment_id: attribute(one, known, rule) for one in appointments},
        appointments,
        twins,
    )
    for appointment in appointments:
        fact_id = appointment_fact(appointment.appointment_id)
        behind = (f"rpps:{appointment.rpps}", f"finess:{appointment.finess}")
        origins.add(fact_id, origins.place([fact_id, *behind]))
    changes = await attributions.put_attributions(unit.connection, list(settled.values()))
    for change in changes:
        present = change.present
        concerned.demands[appointment_fact(present.appointment_id)] = present.counted_for()
        concerned.cpts_ids |= {one for one in (change.previous_cpts_id, present.cpts_id) if one}


async def _count_again(
    rule: CountingRule, unit: Unit, concerned: Concerned, origins: Origins
) -> None:
    """Brings the figures of what is concerned up to its facts, and announces those that changed."""
    cpts_ids = concerned.cpts_ids
    if not cpts_ids:
        return
    await unit.lock_joins(JOIN_CPTS_YEAR, cpts_ids)
    if await unit.hears_the_past():
        return
    await _count(rule, unit, concerned, origins)


async def count_all_again(rule: CountingRule, unit: Unit, cause: Cause, after: str) -> str | None:
    """Brings all figures of the next CPTS up to their facts, and announces those that differ.

    Answers where the next part begins, None after the last CPTS.
    """
    cpts_ids = await membership_facts.cpts_after(unit.connection, after, CPTS_AT_ONCE)
    await unit.lock_joins(JOIN_CPTS_YEAR, cpts_ids)
    concerned = Concerned(
        demands={},
        doctors=set(),
        cpts_ids=set(cpts_ids),
        years=await figures.years_of(unit.connection, cpts_ids),
    )
    # What is counted and should not be is nowhere else than in the figures.
    for fact_id in await figures.counted_by(unit.connection, cpts_ids):
        if (rpps := rpps_of(fact_id)) is not None:
            concerned.doctors.add(rpps)
        else:
            concerned.demands[fact_id] = None
    await _count(rule, unit, concerned, Origins([Origin(cause.recorded_at, cause)]))
    return cpts_ids[-1] if len(cpts_ids) == CPTS_AT_ONCE else None


async def _count(rule: CountingRule, unit: Unit, concerned: Concerned, origins: Origins) -> None:
    """The same, once the join rows of the CPTS are held."""
    cpts_ids = concerned.cpts_ids
    if concerned.years:
        await _concern_years(rule, unit, concerned)
    years = await membership_facts.contract_years(unit.connection, list(cpts_ids))
    wanted = {
        fact_id: demand_figures(*place, years) if place is not None else set()
        for fact_id, place in concerned.demands.items()
    }
    if concerned.doctors:
        wanted |= await _doctors(rule, unit, concerned.doctors, years)
    counted = await figures.counted_in(unit.connection, wanted)
    changes = fact_changes(wanted, counted, cpts_ids)
    changed_years = {(year.cpts_id, year.period.first) for year in concerned.years}
    standing = {}
    if changed_years:
        keys = await membership_facts.departements(unit.connection, list(cpts_ids))
        there = [
            year
            for cpts_id, first in changed_years
            for year in years.get(cpts_id, ())
            if year.period.first == first
        ]
        standing = {figure.key: figure for figure in opened_figures(there, keys)}
    present = await figures.lock_figures(unit.connection, changes.keys() | standing.keys())
    dated = {
        key
        for key, figure in standing.items()
        if key not in present or present[key].ends_on != figure.ends_on
    }
    announced = []
    for key in sorted(changes.keys() | dated):
        figure = present.get(key) or standing[key]
        if key in standing:
            figure = msgspec.structs.replace(figure, ends_on=standing[key].ends_on)
        facts = changes.get(key, [])
        behind = [fact.fact_id for fact in facts]
        if (key.cpts_id, key.starts_on) in changed_years:
            behind.append(f"cpts:{key.cpts_id}")
        origin = origins.of(behind)
        announced += record(
            figure_changes(figure, facts),
            subject=key.subject,
            after_sequence=figure.sequence,
            departement=figure.departement,
            occurred_at=origin.occurred_at,
            cause=origin.cause,
        )
    await unit.announce(announced)


async def _concern_years(rule: CountingRule, unit: Unit, concerned: Concerned) -> None:
    """Adds all that contract years which came or went count; the CPTS's join rows are held."""
    years = [
        (year.cpts_id, year.period.first, year.period.last or date.max) for year in concerned.years
    ]
    for referral in await referral_facts.referrals_accepted(unit.connection, years):
        concerned.demands[referral_fact(referral.referral_id)] = referral.counted_for(rule)
    for attribution in await attributions.counted_attributions(unit.connection, years):
        fact_id = appointment_fact(attribution.appointment_id)
        concerned.demands[fact_id] = attribution.counted_for()
    concerned.doctors |= await membership_facts.professionals_of(
        unit.connection, [year.cpts_id for year in concerned.years]
    )


async def _doctors(
    rule: CountingRule,
    unit: Unit,
    doctors: Collection[str],
    years: Mapping[str, Sequence[ContractYear]],
) -> dict[str, set[FigureKey]]:
    """The figures that should count each professional, by fact id."""
    memberships = await attributions.memberships(unit.connection, doctors)
    participations = await attributions.participations(unit.connection, doctors)
    return {
        doctor_fact(rpps): doctor_figures(
            memberships.get(rpps, ()), participations.get(rpps, ()), years, rule
        )
        for rpps in doctors
    }
