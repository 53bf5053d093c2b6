"""What payments says of the sums that fall due: when an input changes, and when time passes."""

from collections.abc import Mapping, Sequence
from datetime import date

from contracts.events.payments import DueSet  # noqa: TC001
from contracts.recorded import Cause, Recorded, record
from services.messaging.timers import Due
from services.messaging.unit import Unit
from services.payments.domain.calendar import local_day, midnight
from services.payments.domain.dues import DueSum, Funded, differences, next_due_on
from services.payments.domain.dues_schedule import dues_of
from services.payments.handlers.locking import lock_dues
from services.payments.store import dues, dues_inputs
from services.payments.store.dues_rules import load_dues_rules


async def announce_dues(
    unit: Unit, causes: Mapping[str, Cause], *, is_dated_by_day: bool = False
) -> None:
    """Says what is due to CPTS by the day of their cause and was not said so; the caller holds
    their join rows.

    A sum that was due on a later day than the cause's stays: a message may come late.
    `is_dated_by_day`: each is dated by the midnight of the day on which it is due.
    """
    if not causes:
        return
    kept = await dues.sums_of(unit.connection, causes)
    accounts = await dues_inputs.accounts_of(unit.connection, causes)
    rates, rules = await dues_inputs.load_rates_of_dues(unit.connection), load_dues_rules()
    next_on: dict[str, date | None] = {}
    said: list[Recorded[DueSet]] = []
    for funded in await dues_inputs.load_funded(unit.connection, causes):
        cpts_id, cause = funded.cpts_id, causes[funded.cpts_id]
        today = _today(cause, kept[cpts_id], funded)
        planned = dues_of(funded, rates, rules)
        next_on[cpts_id] = next_due_on(planned, today)
        for event in differences(cpts_id, planned, kept[cpts_id], today):
            key = (cpts_id, event.contract_year_starts_on)
            departement, sequence = accounts[key]
            if departement is None:
                continue  # its key comes with its registration
            accounts[key] = (departement, sequence + 1)
            said += record(
                [event],
                subject=f"{cpts_id}/{event.contract_year_starts_on.isoformat()}",
                after_sequence=sequence,
                departement=departement,
                occurred_at=midnight(event.due_on) if is_dated_by_day else cause.recorded_at,
                cause=cause,
            )
    await unit.announce(said)
    await dues_inputs.put_next(unit.connection, next_on)


def _today(cause: Cause, kept: Sequence[DueSum], funded: Funded) -> date:
    """The cause's day, or a later one that is known to have come."""
    known = [due.due_on for due in kept if due.amount_cents]
    known += [one.settled_on for one in funded.settled]
    known += [one.adjusted_on for one in funded.adjusted]
    return max([local_day(cause.recorded_at), *known])


async def fall_due(unit: Unit, due: Due) -> int:
    """Says what has fallen due with time since the last look, each sum dated by its midnight."""
    cpts_ids = await dues_inputs.falling_due(
        unit.connection, local_day(due.now), due.limit, due.skip
    )
    await lock_dues(unit, cpts_ids)
    accounts = await dues_inputs.accounts_of(unit.connection, cpts_ids)
    told = dict.fromkeys(cpts_ids, 0)
    for (cpts_id, _), (_, sequence) in accounts.items():
        told[cpts_id] += sequence
    causes = {
        cpts_id: Cause(id=f"timer:dues:{cpts_id}:{count}", recorded_at=due.now)
        for cpts_id, count in told.items()
    }
    await announce_dues(unit, causes, is_dated_by_day=True)
    return len(cpts_ids)
