"""Two open transactions that each bring one input of an account, in both orders of commit.

Goal: whoever commits second prices with what the first one left. Method: the first has run and not
committed when the second starts; the first then commits. The same is done without the join rows:
then the second would price without the first, and the sequence of the account stops it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from datetime import date
from typing import Any

import asyncpg
import pytest

from contracts.events.indicators import FigureChanged
from contracts.events.membership import AciSigned, ContractYear, CptsRegistered, TailleDetermined
from contracts.events.payments import ContractLineSet, RatePublished
from contracts.recorded import Cause
from services.messaging.unit import Desk, Unit, open_unit
from services.payments import handlers
from tests.desks import has_stopped
from tests.payments.served import NOW, level, told

YEAR = ContractYear(starts_on=date(2026, 4, 15), ends_on=date(2027, 4, 14))
INDICATOR = "sas_demandes_avec_rdv"
CAUSE = Cause(id="order", recorded_at=NOW)
Work = Callable[[Unit], Awaitable[None]]


registered = told(CptsRegistered(cpts_id="c1", cpts_name="C1", seat_commune="95018"), "c1", 1)
signed = told(
    AciSigned(cpts_id="c1", aci_id="a", signed_on=YEAR.starts_on, contract_years=(YEAR,)), "c1", 2
)
withdrawn = told(
    AciSigned(
        cpts_id="c1", aci_id="a", signed_on=YEAR.starts_on, contract_years=(), is_withdrawn=True
    ),
    "c1",
    4,
)
signed_again = told(
    AciSigned(cpts_id="c1", aci_id="a", signed_on=YEAR.starts_on, contract_years=(YEAR,)), "c1", 5
)
determined = told(
    TailleDetermined(cpts_id="c1", contract_year_starts_on=YEAR.starts_on, taille=3, population=1),
    "c1",
    3,
)
changed = told(
    FigureChanged(
        cpts_id="c1",
        indicator=INDICATOR,
        contract_year_starts_on=YEAR.starts_on,
        contract_year_ends_on=YEAR.ends_on,
        value=1,
        revision=1,
    ),
    f"c1/{INDICATOR}/{YEAR.starts_on}",
    1,
)
line = ContractLineSet(
    cpts_id="c1",
    contract_year_starts_on=YEAR.starts_on,
    mission="acces_aux_soins",
    indicator=INDICATOR,
    mode="all_or_nothing",
    max_cents=1_000_00,
    target=1,
)
rate = RatePublished(
    rate_id="r",
    from_on=date(2026, 1, 1),
    taille=3,
    mission="acces_aux_soins",
    part="variable",
    amount_cents=35_000_00,
    text="avenant 2",
    status="two_contracts",
    is_verified=False,
)


async def hear_cpts(unit: Unit) -> None:
    await handlers.on_membership(unit, [registered])


async def hear_contract(unit: Unit) -> None:
    await handlers.on_membership(unit, [signed, determined])


async def hear_withdrawal(unit: Unit) -> None:
    await handlers.on_membership(unit, [withdrawn])


async def hear_contract_again(unit: Unit) -> None:
    await handlers.on_membership(unit, [signed_again])


async def hear_figure(unit: Unit) -> None:
    await handlers.on_indicators(unit, [changed])


async def hear_level(unit: Unit) -> None:
    await handlers.on_indicators(unit, [level("c1", "validated", 1, 1, indicator=INDICATOR)])


async def order_line(unit: Unit) -> None:
    await handlers.set_lines(
        unit, (line.cpts_id, line.contract_year_starts_on), "95", lambda _: [line], CAUSE
    )


async def order_rate(unit: Unit) -> None:
    await handlers.lock_rates(unit)
    await handlers.publish_rates(unit, [rate], CAUSE)


# What is known before, and the two whose transactions meet.
MEETINGS: dict[str, tuple[list[Work], Work, Work]] = {
    "line and figure": ([hear_contract, order_rate], order_line, hear_figure),
    "contract and figure": ([order_rate, order_line], hear_contract, hear_figure),
    "contract and line": ([order_rate, hear_figure], hear_contract, order_line),
    "corrected contract and figure": (
        [order_rate, order_line, hear_contract, hear_withdrawal],
        hear_contract_again,
        hear_figure,
    ),
    "rate and corrected contract": (
        [order_line, hear_figure, hear_contract, hear_withdrawal],
        order_rate,
        hear_contract_again,
    ),
    "rate and contract": ([order_line, hear_figure], order_rate, hear_contract),
    "rate and line": ([hear_contract, hear_figure], order_rate, order_line),
    "line and level": ([hear_contract, order_rate], order_line, hear_level),
    "contract and level": ([order_rate, order_line], hear_contract, hear_level),
    "rate and level": ([hear_contract, order_line], order_rate, hear_level),
    "figure and level": ([hear_contract, order_rate, order_line], hear_figure, hear_level),
    "rate and figure": ([hear_contract, order_line], order_rate, hear_figure),
}


async def meet(desk: Desk, first: Work, second: Work) -> None:
    """Runs `first`; `second` runs until it is done or waits for it; `first` commits before."""
    async with open_unit(desk) as unit:
        await first(unit)
        session: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        async def other() -> None:
            async with open_unit(desk) as unit:
                session.set_result(unit.connection.get_server_pid())
                await second(unit)

        task = asyncio.create_task(other())
        await has_stopped(desk, task, await session)
    await task


async def worth_cents(desk: Desk) -> int:
    return int(await desk.pool.fetchval("select coalesce(sum(variable_cents), 0) from account"))


async def prepare(desk: Desk, before: Iterable[Work]) -> None:
    for work in (hear_cpts, *before):
        async with open_unit(desk) as unit:
            await work(unit)


@pytest.mark.parametrize("is_swapped", [False, True], ids=["first", "second"])
async def test_a_withdrawn_contract_and_a_figure_that_meet_leave_nothing_due(
    desk: Desk, is_swapped: bool
) -> None:
    await prepare(desk, [hear_contract, order_rate, order_line])
    works = (hear_withdrawal, hear_figure)
    await meet(desk, *(reversed(works) if is_swapped else works))
    assert await worth_cents(desk) == 0


@pytest.mark.parametrize("is_swapped", [False, True], ids=["first", "second"])
@pytest.mark.parametrize("name", MEETINGS)
async def test_two_inputs_that_meet_are_both_priced(
    desk: Desk, name: str, is_swapped: bool
) -> None:
    before, one, other = MEETINGS[name]
    await prepare(desk, before)
    await meet(desk, *((other, one) if is_swapped else (one, other)))
    assert await worth_cents(desk) == 1_000_00


async def test_without_the_join_rows_the_second_must_start_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def no_lock(*_: Any) -> None:
        """Takes nothing."""

    monkeypatch.setattr(Unit, "lock_joins", no_lock)
    await prepare(desk, [hear_contract, order_rate])
    # Neither sees the other, and both say the account's next event: the history takes one only.
    with pytest.raises(asyncpg.SerializationError):
        await meet(desk, order_line, hear_figure)
    assert await worth_cents(desk) != 1_000_00
