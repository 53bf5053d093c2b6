"""What payments does when it hears of contracts, tailles, missions, figures, levels and crises."""

from collections.abc import Sequence
from typing import Any

from contracts.events.indicators import CrisisRecognised, FigureChanged, FigureLevelSet
from contracts.events.membership import (
    AciSigned,
    AssociationRecorded,
    CptsRegistered,
    LettreIntentionRecorded,
    MissionRecorded,
    TailleDetermined,
)
from contracts.recorded import Cause, Recorded
from services.messaging.meters import Duration, Fate
from services.messaging.unit import Unit
from services.payments.domain.accounts import AccountKey, Touch, counts_acceptance, figure_touches
from services.payments.handlers.dues import announce_dues
from services.payments.handlers.locking import lock_dues
from services.payments.handlers.pricing import announce_prices, reprice
from services.payments.handlers.settling import take_levels
from services.payments.store import associations as associations_store
from services.payments.store import dues_inputs, inputs, part_years
from services.payments.store.levels import put_levels

# A figure bears the instant at which the order that changed it was received.
ACCEPTANCE_TO_FUNDING = Duration(
    name="cpts_acceptance_to_funding_seconds",
    help="From the order that accepts a demand to the commit of the funding that counts it.",
)


async def on_membership(unit: Unit, heard: Sequence[Recorded[Any]]) -> None:
    """Keeps keys, contract years, tailles and missions; prices the years concerned, and says what
    falls due.

    The tables are written before accounts are locked, as rates hold the tables first.
    """
    signed = [one for one in heard if isinstance(one.event, AciSigned)]
    determined = [one for one in heard if isinstance(one.event, TailleDetermined)]
    registered = [one for one in heard if isinstance(one.event, CptsRegistered)]
    missions = [one for one in heard if isinstance(one.event, MissionRecorded)]
    associations = [one for one in heard if isinstance(one.event, AssociationRecorded)]
    lettres = [one for one in heard if isinstance(one.event, LettreIntentionRecorded)]
    await inputs.put_cpts(unit.connection, registered)
    await associations_store.put_associations(unit.connection, associations)
    changed: dict[AccountKey, tuple[str, Recorded[Any]]] = {
        key: ("taille", one)
        for key, one in (await inputs.put_tailles(unit.connection, determined)).items()
    }
    contracts = await inputs.put_contract_years(unit.connection, signed)
    changed |= {key: ("contract", one) for key, one in contracts.items()}
    await dues_inputs.put_missions(unit.connection, missions)
    await dues_inputs.put_lettres(unit.connection, lettres)
    causes = {
        one.event.cpts_id: one.as_cause()
        for one in sorted(
            (*registered, *signed, *determined, *missions, *lettres), key=lambda one: one.sequence
        )
    }
    await lock_dues(unit, causes, changed)
    if await unit.hears_the_past():
        return
    changed = await _following(unit, missions) | changed
    await reprice(
        unit,
        [
            Touch(
                cpts_id=key[0],
                starts_on=key[1],
                departement=one.departement,
                reason=reason,
                cause=one.as_cause(),
            )
            for key, (reason, one) in sorted(changed.items(), key=lambda item: item[0])
        ],
    )
    await announce_dues(unit, causes)


async def _following(
    unit: Unit, missions: Sequence[Recorded[MissionRecorded]]
) -> dict[AccountKey, tuple[str, Recorded[Any]]]:
    """The accounts whose envelopes follow the time that these missions ran, each with the last."""
    last = {one.event.cpts_id: one for one in sorted(missions, key=lambda one: one.sequence)}
    accounts = await dues_inputs.accounts_of(unit.connection, last) if last else {}
    keys = part_years.following_time_run(accounts)
    return {key: ("mission", last[key[0]]) for key in keys}


async def on_indicators(unit: Unit, heard: Sequence[Recorded[Any]]) -> None:
    """Keeps figures and their facts, prices the accounts again for every figure that is newer;
    keeps crises, and says what they open; keeps levels of figures, and acts upon them.
    """
    crises = [one for one in heard if isinstance(one.event, CrisisRecognised)]
    figures = [one for one in heard if isinstance(one.event, FigureChanged)]
    levels = [one for one in heard if isinstance(one.event, FigureLevelSet)]
    opened = await _keep_crises(unit, crises) if crises else {}
    departements = {
        (one.event.cpts_id, one.event.contract_year_starts_on): one.departement for one in figures
    }
    leveled = {(one.event.cpts_id, one.event.contract_year_starts_on) for one in levels}
    # The accounts of all at once, and only then dues, as everybody else.
    await lock_dues(
        unit, {*opened, *(cpts_id for cpts_id, _ in leveled)}, {*departements, *leveled}
    )
    if await unit.hears_the_past():
        await put_levels(unit.connection, levels)
        await inputs.put_figures(unit.connection, figures)
        return
    await take_levels(unit, levels)
    accounts = await inputs.load_accounts(unit.connection, departements)
    await inputs.put_figures(unit.connection, figures)
    touches = figure_touches(accounts, figures)
    if touches:
        await announce_prices(unit, accounts, touches)
    _measure(unit, figures, touches)
    await announce_dues(unit, opened)


def _measure(
    unit: Unit, figures: Sequence[Recorded[FigureChanged]], touches: Sequence[Touch]
) -> None:
    """For metrics: which figures were known, and how long accepted demands took to get here."""
    new = {touch.cause.id for touch in touches}
    unit.tell(Fate.KNOWN, {str(one.id) for one in figures} - new)
    for one in figures:
        if str(one.id) in new and counts_acceptance(one.event):
            unit.took(ACCEPTANCE_TO_FUNDING, one.departement, one.as_cause())


async def _keep_crises(unit: Unit, heard: Sequence[Recorded[CrisisRecognised]]) -> dict[str, Cause]:
    """Keeps crises; answers the CPTS that they concern, each with the last one as its cause."""
    await dues_inputs.hold_cpts(unit.connection)
    await dues_inputs.put_crises(unit.connection, heard)
    crisis_ids = [one.event.crisis_id for one in heard]
    last = max(heard, key=lambda one: one.recorded_at)
    cpts_ids = await dues_inputs.cpts_of_crises(unit.connection, crisis_ids)
    return dict.fromkeys(cpts_ids, last.as_cause())
