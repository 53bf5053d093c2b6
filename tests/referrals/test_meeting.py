"""Where membership and demands meet: two open transactions, one a side, in both commit orders.

Without the lock of the place each side would read before the other commits, both would commit, and
the demand would wait for ever. The last test takes the lock away and shows it.
"""

import asyncio
import itertools
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

import asyncpg
import msgspec
import pytest

from contracts.recorded import Cause
from services.messaging.orders import Answer, Order, Role
from services.messaging.problems import Refused
from services.messaging.timers import Due
from services.messaging.unit import Desk, Unit, open_unit
from services.referrals.domain import orders as domain
from services.referrals.domain.referral import Stage, referral_id
from services.referrals.handlers import let_fall_due, on_membership
from services.referrals.http.bodies import NewDemand
from services.referrals.http.demands import receive_in
from services.referrals.http.orders import carried_order
from services.referrals.store import referrals
from tests.referrals.published import cpts, member, place, said, told
from tests.referrals.referral_cases import DEMAND, NOON, RPPS, STARTS_AT

WITHIN_SECONDS = 10
BODY = msgspec.convert(msgspec.structs.asdict(DEMAND), NewDemand)
ID = referral_id(DEMAND.source, DEMAND.source_id)
CAUSES = itertools.count()
Work = Callable[[Unit], Coroutine[Any, Any, Any]]


async def demand(unit: Unit) -> Answer:
    return await receive_in(order_in(unit), BODY)


async def territory(unit: Unit) -> None:
    await on_membership(unit, [told(cpts()), told(place(), sequence=2), told(member(), sequence=3)])


async def accept(unit: Unit) -> Answer:
    def made(*, is_member: bool) -> domain.Accept:
        return domain.Accept(
            cpts_id="c1", practitioner_rpps=RPPS, starts_at=STARTS_AT, is_member=is_member
        )

    return await carried_order(order_in(unit), ID, made, cpts_id="c1", rpps=RPPS)


async def expiry(unit: Unit) -> int:
    return await let_fall_due(unit, Due(now=NOON + timedelta(minutes=60), limit=200))


def order_in(unit: Unit) -> Order:
    cause = Cause(id=f"order-{next(CAUSES)}", recorded_at=NOON)
    return Order(unit=unit, instant=NOON, role=Role.SYSTEM, cause=cause)


async def in_unit(desk: Desk, work: Work) -> Any:
    async with open_unit(desk) as unit:
        return await work(unit)


async def is_blocked(desk: Desk) -> None:
    """Waits until some session waits for a lock that another holds."""
    async with asyncio.timeout(WITHIN_SECONDS):
        while not await desk.pool.fetchval(  # noqa: ASYNC110 - another session blocks
            "select exists (select from pg_stat_activity where datname = current_database() "
            "and cardinality(pg_blocking_pids(pid)) > 0)"
        ):
            await asyncio.sleep(0.005)


async def overlapping(desk: Desk, first: Work, second: Work) -> None:
    """Both transactions are open at once; `first` commits while `second` waits for it."""
    async with AsyncExitStack() as stack:
        unit = await stack.enter_async_context(open_unit(desk))
        await first(unit)
        waiting = asyncio.create_task(in_unit(desk, second))
        await is_blocked(desk)
        assert not waiting.done()
    await waiting


async def state_of(desk: Desk) -> Stage:
    async with desk.pool.acquire() as connection:
        (found,) = await referrals.load(connection, [ID])
    return found.state


@pytest.mark.parametrize(
    ("first", "second"), [(demand, territory), (territory, demand)], ids=["demand", "territory"]
)
async def test_a_demand_that_meets_its_territory_ends_offered_whichever_commits_first(
    desk: Desk, first: Work, second: Work
) -> None:
    await overlapping(desk, first, second)
    assert await state_of(desk) is Stage.OFFERED
    assert [type(one).__name__ for one in await said(desk)].count("ReferralOffered") == 1


async def test_without_the_lock_of_the_place_the_demand_would_wait_for_ever(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def no_lock(_unit: Unit, _kind: str, _keys: Any) -> None:
        return None

    monkeypatch.setattr(Unit, "lock_joins", no_lock)
    async with open_unit(desk) as unit:
        await demand(unit)
        await in_unit(desk, territory)
    assert await state_of(desk) is Stage.HELD


async def test_of_two_acceptances_at_once_exactly_one_wins(desk: Desk) -> None:
    await in_unit(desk, territory)
    await in_unit(desk, demand)
    answers: list[str] = []

    async def tried(unit: Unit) -> None:
        try:
            await accept(unit)
        except Refused as refused:
            answers.append(refused.reason)
        else:
            answers.append("accepted")

    await overlapping(desk, tried, tried)
    assert answers == ["accepted", "not_awaiting_answer"]
    assert [type(one).__name__ for one in await said(desk)].count("ReferralAccepted") == 1


async def test_the_same_demand_sent_twice_at_once_is_one_referral(desk: Desk) -> None:
    answers: list[int] = []

    async def sent(unit: Unit) -> None:
        answers.append((await demand(unit)).status)

    await overlapping(desk, sent, sent)
    assert answers == [201, 200]
    assert [type(one).__name__ for one in await said(desk)] == ["DemandReceived", "DemandHeld"]


async def test_the_timer_passes_by_a_referral_that_is_being_accepted(desk: Desk) -> None:
    await in_unit(desk, territory)
    await in_unit(desk, demand)
    async with open_unit(desk) as unit:
        await accept(unit)
        assert await in_unit(desk, expiry) == 0
    assert await in_unit(desk, expiry) == 0
    assert await state_of(desk) is Stage.BOOKED


async def test_an_acceptance_that_meets_the_expiry_is_refused(desk: Desk) -> None:
    await in_unit(desk, territory)
    await in_unit(desk, demand)
    refusals: list[str] = []

    async def tried(unit: Unit) -> None:
        with pytest.raises(Refused) as refused:
            await accept(unit)
        refusals.append(refused.value.reason)

    await overlapping(desk, expiry, tried)
    assert refusals == ["answer_too_late"]
    assert await state_of(desk) is Stage.EXPIRED


async def test_two_contents_under_one_id_at_once_are_not_both_taken(desk: Desk) -> None:
    """Their places differ, so no lock makes them meet before the history does."""
    other = msgspec.structs.replace(BODY, commune="93001")

    async def sent(unit: Unit) -> None:
        with pytest.raises(asyncpg.SerializationError):
            await receive_in(order_in(unit), other)
        raise asyncpg.SerializationError("as the order does, to be started again")

    with pytest.raises(asyncpg.SerializationError):
        await overlapping(desk, demand, sent)
    with pytest.raises(Refused) as refused:
        await in_unit(desk, lambda unit: receive_in(order_in(unit), other))
    assert refused.value.reason == "demand_already_known"
