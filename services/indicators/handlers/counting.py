"""From facts to figures: appointments are attributed, figures recounted, what changed announced."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date

import msgspec

from contracts.events.indicators import AttributionDecided
from contracts.recorded import record
from services.indicators.domain.appointments import Appointment, TwinKey
from services.indicators.domain.deciding import decision_subject, settle
from services.indicators.domain.declared import DECLARED, declared_facts
from services.indicators.domain.doctors import doctor_figures
from services.indicators.domain.figures import (
    INDICATOR_LABELS,
    Change,
    ContractYear,
    FigureKey,
    Places,
    appointment_fact,
    demand_figures,
    doctor_fact,
    fact_changes,
    figure_changes,
    last_days,
    opened_figures,
    referral_fact,
)
from services.indicators.domain.rule import CountingRule
from services.indicators.handlers.origins import Origins
from services.indicators.store import (
    attributions,
    declarations,
    entries,
    figures,
    membership_facts,
    referral_facts,
)
from services.messaging.unit import Unit

JOIN_FINESS, JOIN_RPPS, JOIN_CPTS_YEAR = "finess", "rpps", "cpts_year"
# One row for all: to whom a FINESS leads is said by several CPTS, and mergers are few.
JOIN_MERGERS, MERGERS = "mergers", ("all",)

# The CPTS that counts a demand, and the booking day; None when it does not count.
Place = tuple[str, date] | None


class Concerned(msgspec.Struct, kw_only=True):
    """What a batch changed, for the figures to be counted again.

    `demands` gives, by fact id, where a demand or an appointment counts now; `doctors` are RPPS;
    `cpts_ids` are all the CPTS that count, or counted, one of them; `years` are the contract years
    that came, went, or have another last day; `declaring` are the CPTS, among `cpts_ids`, of which
    something that was declared here is another. `are_demands_told`: `demands` has all that differ
    in these years, and no other needs to be looked at.
    """

    demands: dict[str, Place]
    doctors: set[str]
    cpts_ids: set[str]
    years: list[ContractYear]
    declaring: set[str] = set()
    are_demands_told: bool = False


async def settle_appointments(
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
    twins: defaultdict[TwinKey, list[str]] = defaultdict(list)
    for referral in await referral_facts.referrals_at(unit.connection, keys) if keys else ():
        key = referral.twin_key(rule)
        if key is not None:
            twins[key].append(referral_fact(referral.referral_id))
    settled = settle(
        appointments,
        known,
        rule,
        referrals=twins,
        decisions=await entries.present(
            unit.connection,
            AttributionDecided,
            [decision_subject(one.appointment_id) for one in appointments],
        ),
    )
    for appointment in appointments:
        fact_id = appointment_fact(appointment.appointment_id)
        behind = (f"rpps:{appointment.rpps}", f"finess:{appointment.finess}")
        origins.add(fact_id, origins.place([fact_id, *behind]))
    changes = await attributions.put_attributions(unit.connection, settled)
    for change in changes:
        present = change.present
        concerned.demands[appointment_fact(present.appointment_id)] = present.counted_for()
        concerned.cpts_ids |= {one for one in (change.previous_cpts_id, present.cpts_id) if one}


async def count_again(
    rule: CountingRule, unit: Unit, concerned: Concerned, origins: Origins
) -> None:
    """Brings the figures of what is concerned up to its facts, and announces those that changed."""
    cpts_ids = concerned.cpts_ids
    if not cpts_ids:
        return
    await unit.lock_joins(JOIN_CPTS_YEAR, cpts_ids)
    if await unit.hears_the_past():
        return
    await count(rule, unit, concerned, origins)


async def count(rule: CountingRule, unit: Unit, concerned: Concerned, origins: Origins) -> None:
    """The same, once the join rows of the CPTS are held."""
    cpts_ids = concerned.cpts_ids
    if concerned.years:
        await _concern_years(rule, unit, concerned)
    years = await membership_facts.contract_years(unit.connection, list(cpts_ids))
    wanted: dict[str, Places] = {
        fact_id: demand_figures(*place, years) if place is not None else {}
        for fact_id, place in concerned.demands.items()
    }
    if concerned.doctors:
        wanted |= await _doctors(rule, unit, concerned.doctors, years)
    counted = await figures.counted_in(unit.connection, wanted)
    declaring = concerned.declaring | {year.cpts_id for year in concerned.years}
    if declaring:
        stood = await figures.counted_of(unit.connection, declaring, DECLARED)
        # What is counted and no longer declared is nowhere else than in the figures.
        wanted |= {fact_id: {} for fact_id in stood}
        declared = await declarations.of_cpts(unit.connection, declaring)
        wanted |= declared_facts(declared, years, rule)
        counted |= stood
    changes = fact_changes(wanted, counted, cpts_ids)
    await _announce_changes(unit, changes, years, concerned, origins)


async def _announce_changes(
    unit: Unit,
    changes: Mapping[FigureKey, Sequence[Change]],
    years: Mapping[str, Sequence[ContractYear]],
    concerned: Concerned,
    origins: Origins,
) -> None:
    """Announces each figure that changes, opens, or ends on another day."""
    ends = last_days(years)
    changed_years = {(year.cpts_id, year.period.first) for year in concerned.years}
    keys = changes.keys() | {
        FigureKey(cpts_id, indicator, first)
        for cpts_id, first in changed_years & ends.keys()
        for indicator in INDICATOR_LABELS
    }
    if changed_years:
        keys |= await figures.keys_of_years(unit.connection, changed_years)
    present = await figures.lock_figures(unit.connection, keys)
    absent = keys - present.keys()
    if absent:
        departements = await membership_facts.departements(
            unit.connection, [key.cpts_id for key in absent]
        )
        present |= opened_figures(absent, ends, departements)
    announced = []
    for key in sorted(keys):
        last = ends.get((key.cpts_id, key.starts_on), present[key].ends_on)
        if key not in changes and key not in absent and last == present[key].ends_on:
            continue
        figure = msgspec.structs.replace(present[key], ends_on=last)
        told = changes.get(key, ())
        behind = [change.fact.fact_id for change in told]
        if (key.cpts_id, key.starts_on) in changed_years:
            behind.append(f"cpts:{key.cpts_id}")
        origin = origins.of(behind)
        announced += record(
            figure_changes(figure, told),
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
    if not concerned.are_demands_told:
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
) -> dict[str, Places]:
    """The figures that should count each professional, by fact id."""
    memberships = await attributions.memberships(unit.connection, doctors)
    participations = await attributions.participations(unit.connection, doctors)
    return {
        doctor_fact(rpps): doctor_figures(
            memberships.get(rpps, ()), participations.get(rpps, ()), years, rule
        )
        for rpps in doctors
    }
