"""Facts that dues rest on, and their way into the service's transactions."""

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

from contracts.events.membership import (
    AciSigned,
    ContractYear,
    CptsRegistered,
    MissionRecorded,
    TailleDetermined,
)
from contracts.events.payments import RatePublished
from contracts.recorded import Cause, Recorded, record
from services.messaging.timers import Due
from services.messaging.unit import Desk, open_unit
from services.payments import handlers
from services.payments.domain.calendar import midnight, months_after

FIRST = date(2026, 4, 15)


def said_on(event: Any, sequence: int, day: date = date(2026, 4, 1)) -> Recorded[Any]:
    """What membership says of a CPTS on a day."""
    return record(
        [event],
        subject=event.cpts_id,
        after_sequence=sequence - 1,
        departement="95",
        occurred_at=midnight(day),
        cause=Cause(id=f"{event.cpts_id}-{sequence}", recorded_at=midnight(day)),
    )[0]


def registered(cpts_id: str = "c1") -> CptsRegistered:
    return CptsRegistered(cpts_id=cpts_id, cpts_name="CPTS", seat_commune="95018")


def aci(
    years: int = 5, *, first: date = FIRST, cpts_id: str = "c1", ended_on: date | None = None
) -> AciSigned:
    firsts = [months_after(first, 12 * place) for place in range(years + 1)]
    held = [
        ContractYear(
            starts_on=one, ends_on=min(following - timedelta(days=1), ended_on or following)
        )
        for one, following in pairwise(firsts)
        if ended_on is None or one <= ended_on
    ]
    return AciSigned(
        cpts_id=cpts_id,
        aci_id="a",
        signed_on=first - timedelta(days=14),
        contract_years=tuple(held),
        is_withdrawn=not held,
    )


def taille(of: int, starts_on: date = FIRST, cpts_id: str = "c1") -> TailleDetermined:
    return TailleDetermined(
        cpts_id=cpts_id, contract_year_starts_on=starts_on, taille=of, population=1
    )


def mission(
    started_on: date,
    name: str = "acces_aux_soins",
    *,
    cpts_id: str = "c1",
    ended_on: date | None = None,
    is_withdrawn: bool = False,
) -> MissionRecorded:
    return MissionRecorded(
        cpts_id=cpts_id,
        mission_id=name,
        mission=name,
        started_on=started_on,
        ended_on=ended_on,
        is_withdrawn=is_withdrawn,
    )


def rate(
    mission_or_fonctionnement: str, part: str, euros: int, taille: int = 3, version: int = 1
) -> RatePublished:
    return RatePublished(
        rate_id=f"{mission_or_fonctionnement}/{part}/T{taille}/{version}",
        from_on=date(2022, 4, version),
        taille=taille,
        mission=mission_or_fonctionnement,
        part=part,
        amount_cents=euros * 100,
        text="a test",
        status="hypothesis",
        is_verified=False,
    )


SCALE = (
    rate("fonctionnement", "fonctionnement", 75_000),
    rate("acces_aux_soins", "fixe", 90_000),
    rate("acces_aux_soins", "variable", 35_000),
)


async def hear(desk: Desk, *said: Recorded[Any]) -> None:
    async with open_unit(desk) as unit:
        await handlers.on_membership(unit, said)


async def publish(desk: Desk, rates: Sequence[RatePublished], day: date = FIRST) -> None:
    async with open_unit(desk) as unit:
        await handlers.lock_rates(unit)
        cause = Cause(id=f"rates-{rates[0].rate_id}", recorded_at=midnight(day))
        await handlers.publish_rates(unit, rates, cause)


async def let_time_pass(desk: Desk, to: date) -> int:
    """Look for what has fallen due, as the timer does on a day; answers for how many CPTS."""
    async with open_unit(desk) as unit:
        return await handlers.fall_due(unit, Due(now=midnight(to), limit=200))


async def dues(desk: Desk) -> list[tuple[date, str, int, bool]]:
    """The sums that are due: day, name, cents, whether held; those of 0 left out."""
    rows = await desk.pool.fetch(
        "select due_on, due_id, amount_cents, is_held from due where amount_cents <> 0"
        " order by due_on, starts_on, due_id"
    )
    return [tuple(row) for row in rows]


async def balances(desk: Desk) -> dict[str, int]:
    """The ledger's accounts that are not at 0."""
    rows = await desk.pool.fetch(
        "select account, sum(amount_cents)::bigint as cents from ledger_entry group by account"
    )
    return {row["account"]: row["cents"] for row in rows if row["cents"]}
