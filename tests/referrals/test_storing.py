"""How referrals are kept, heard and aged, on a real PostgreSQL."""

from datetime import date, timedelta
from typing import Any

import asyncpg
import pytest

from contracts.events.membership import FinessAssigned
from contracts.events.referrals import (
    DemandHeld,
    DemandReceived,
    ReferralExpired,
    ReferralOffered,
    ReferralReturned,
)
from contracts.recorded import Cause, Recorded, record
from services.messaging.history import history_of
from services.messaging.timers import Due
from services.messaging.unit import Desk, Unit, open_unit
from services.referrals.domain.referral import Stage, receive, referral_id
from services.referrals.domain.territory import HeldReason
from services.referrals.handlers import let_fall_due, on_membership, remove_identities
from services.referrals.store import membership, platform, referrals
from tests.referrals.published import cpts, member, place, said, told
from tests.referrals.referral_cases import (
    ANSWER_WITHIN,
    DEMAND,
    NOON,
    OTHER_RPPS,
    RPPS,
    SEE_BY,
)

ID = referral_id(DEMAND.source, DEMAND.source_id)


def first_events(holder: Any, *, at: Any = NOON, cause: str = "order") -> list[Recorded[Any]]:
    return record(
        receive(DEMAND, see_by=SEE_BY, holder=holder, instant=at, answer_within=ANSWER_WITHIN),
        subject=ID,
        after_sequence=0,
        departement="93",
        occurred_at=at,
        cause=Cause(id=cause, recorded_at=at),
    )


async def announce(desk: Desk, events: list[Recorded[Any]]) -> None:
    async with open_unit(desk) as unit:
        await unit.announce(events)


async def hear(desk: Desk, *events: Recorded[Any]) -> None:
    async with open_unit(desk) as unit:
        await on_membership(unit, events)


async def stage_of(desk: Desk) -> tuple[str, str | None]:
    async with desk.pool.acquire() as connection:
        (state,) = await referrals.load(connection, [ID])
    return state.state, state.outcome


async def test_what_is_applied_is_read_back_whole(desk: Desk) -> None:
    await announce(desk, first_events("c1"))
    async with desk.pool.acquire() as connection:
        (state,) = await referrals.load(connection, [ID])
    assert state.demand == DEMAND
    assert (state.state, state.cpts_id, state.see_by) == (Stage.OFFERED, "c1", SEE_BY)
    kept = await history_of(desk.pool, ID)
    assert [row["sequence"] for row in kept] == [1, 2]
    assert kept[1]["event"]["answer_by"] == "2026-03-10T13:00:00Z"


async def test_events_applied_twice_change_nothing(desk: Desk) -> None:
    events = first_events("c1")
    await announce(desk, events)
    await announce(desk, [events[1], *events])
    assert len(await history_of(desk.pool, ID)) == 2
    assert (await stage_of(desk))[0] == Stage.OFFERED


async def test_known_events_before_a_new_one_in_a_batch_do_not_hide_the_state(desk: Desk) -> None:
    events = first_events("c1")
    await announce(desk, events[:1])
    await announce(desk, events)
    assert (await stage_of(desk))[0] == Stage.OFFERED


async def test_another_event_under_a_taken_sequence_asks_to_start_again(desk: Desk) -> None:
    await announce(desk, first_events("c1"))
    with pytest.raises(asyncpg.SerializationError):
        await announce(desk, first_events("c1", cause="another order"))


async def test_a_batch_of_several_aggregates_applies_in_order(desk: Desk) -> None:
    events = first_events(HeldReason.NO_CPTS_FOR_PLACE)
    await announce(desk, events[:1])
    await announce(desk, events[1:])
    assert await stage_of(desk) == (Stage.HELD, HeldReason.NO_CPTS_FOR_PLACE)


async def test_a_held_demand_is_offered_when_its_territory_becomes_known(desk: Desk) -> None:
    await announce(desk, first_events(HeldReason.NO_CPTS_FOR_PLACE))
    later = NOON + timedelta(hours=3)
    await hear(desk, told(cpts()), told(place(), sequence=2, at=later))
    assert (await said(desk))[-1] == ReferralOffered(
        referral_id=ID, cpts_id="c1", offered_at=later, answer_by=later + ANSWER_WITHIN
    )


async def test_a_demand_recorded_after_the_territory_was_is_offered_at_its_own_instant(
    desk: Desk,
) -> None:
    """The consumer lagged: the territory had been recorded before the demand came."""
    await announce(desk, first_events(HeldReason.NO_CPTS_FOR_PLACE))
    await hear(desk, told(place(), at=NOON - timedelta(hours=3)))
    offered = (await said(desk))[-1]
    assert isinstance(offered, ReferralOffered)
    assert offered.offered_at == NOON


async def test_a_redelivered_territory_changes_nothing(desk: Desk) -> None:
    await announce(desk, first_events(HeldReason.NO_CPTS_FOR_PLACE))
    event = told(place(), at=NOON)
    await hear(desk, event, event)
    await hear(desk, event)
    assert [type(one) for one in await said(desk)] == [DemandReceived, DemandHeld, ReferralOffered]


async def test_an_older_state_of_an_entry_never_replaces_a_later_one(desk: Desk) -> None:
    withdrawn = told(place(is_withdrawn=True), sequence=3, at=NOON)
    await hear(desk, withdrawn)
    await hear(desk, told(place(), sequence=2, at=NOON))
    async with desk.pool.acquire() as connection:
        (entry,) = await membership.entries_of(connection, ["93066"])
    assert (entry.sequence, entry.is_withdrawn) == (3, True)
    await hear(desk, told(member(), sequence=5))
    await hear(desk, told(member(OTHER_RPPS, member_id=f"c1-{RPPS}"), sequence=4))
    assert await desk.pool.fetchval("select rpps from member") == RPPS


async def test_a_batch_offers_as_its_messages_one_by_one_would(desk: Desk) -> None:
    """The first event that makes the demand offerable offers it, even if the batch undoes it."""
    await announce(desk, first_events(HeldReason.NO_CPTS_FOR_PLACE))
    first, second = NOON + timedelta(minutes=1), NOON + timedelta(minutes=2)
    await hear(
        desk,
        told(place(), sequence=2, at=first),
        told(place(is_withdrawn=True), sequence=3, at=second),
    )
    offered = (await said(desk))[-1]
    assert isinstance(offered, ReferralOffered)
    assert offered.offered_at == first


async def test_a_divided_commune_tells_that_the_part_is_needed(desk: Desk) -> None:
    await announce(desk, first_events(HeldReason.NO_CPTS_FOR_PLACE))
    await hear(desk, told(place(part="nord"), at=NOON))
    assert (await said(desk))[-1] == DemandHeld(referral_id=ID, reason="part_needed")
    assert await stage_of(desk) == (Stage.HELD, HeldReason.PART_NEEDED)


async def test_a_territory_that_begins_later_offers_nothing_yet(desk: Desk) -> None:
    await announce(desk, first_events(HeldReason.NO_CPTS_FOR_PLACE))
    await hear(desk, told(place(from_on=date(2026, 3, 11)), at=NOON))
    assert (await stage_of(desk))[0] == Stage.HELD


async def fire(desk: Desk, now: Any, limit: int = 200) -> int:
    async with open_unit(desk) as unit:
        return await let_fall_due(unit, Due(now=now, limit=limit))


async def test_the_timer_expires_what_was_not_answered_once(desk: Desk) -> None:
    await announce(desk, first_events("c1"))
    assert await fire(desk, NOON + timedelta(minutes=59)) == 0
    assert await fire(desk, NOON + timedelta(days=5)) == 1
    assert await fire(desk, NOON + timedelta(days=5)) == 0
    due = NOON + timedelta(minutes=60)
    assert (await said(desk))[-1] == ReferralExpired(referral_id=ID, cpts_id="c1", expired_at=due)
    occurred = await desk.pool.fetchval("select max(occurred_at) from history")
    assert occurred == due


async def test_the_timer_gives_back_what_was_never_offered(desk: Desk) -> None:
    await announce(desk, first_events(HeldReason.NO_CPTS_FOR_PLACE))
    assert await fire(desk, SEE_BY + timedelta(days=1)) == 1
    assert (await said(desk))[-1] == ReferralReturned(
        referral_id=ID, reason="not_offered_in_time", returned_at=SEE_BY
    )


async def test_the_timer_leaves_a_row_that_an_order_holds(desk: Desk) -> None:
    await announce(desk, first_events("c1"))
    async with open_unit(desk) as unit:
        await referrals.lock(unit.connection, ID)
        assert await fire(desk, SEE_BY) == 0
    assert await fire(desk, SEE_BY) == 1


async def test_the_key_of_a_platform_appointment(desk: Desk) -> None:
    await hear(
        desk,
        told(cpts("c1")),
        told(FinessAssigned(cpts_id="c1", finess="1930000001"), sequence=2),
        told(cpts("c2")),
        told(member(RPPS, "c2", to_on=date(2026, 3, 10)), sequence=2),
    )

    async def key(finess: str | None, rpps: str | None, day: date) -> str:
        async with desk.pool.acquire() as connection:
            return await membership.departement_of_organisation(
                connection, finess=finess, rpps=rpps, day=day
            )

    day = date(2026, 3, 10)
    assert await key("1930000001", None, day) == "93"
    assert await key("1930000009", RPPS, day) == "93"
    assert await key(None, RPPS, date(2026, 3, 11)) == "00"
    assert await key(None, None, day) == "00"


async def test_names_are_removed_from_an_original_after_the_stated_time(desk: Desk) -> None:
    body = b'{"appointment": {"appointmentId": "1", "regulator": {"regulatorName": "MARTIN"}}}'
    async with open_unit(desk) as unit:
        await platform.keep_message(
            unit.connection,
            distribution_id="fr.health.ptfsas_1",
            received_at=NOON,
            outcome="taken",
            appointment_id="1",
            body=body,
        )

    async def remove(after: timedelta) -> int:
        async with open_unit(desk) as unit:
            return await remove_identities(unit, Due(now=NOON + after, limit=200))

    assert await remove(timedelta(days=29)) == 0
    assert await desk.pool.fetchval("select body from sas_message") == body
    assert await remove(timedelta(days=30)) == 1
    assert await remove(timedelta(days=31)) == 0
    assert b"MARTIN" not in await desk.pool.fetchval("select body from sas_message")


async def test_the_same_message_is_kept_once(desk: Desk) -> None:
    async def keep(unit: Unit, outcome: str) -> None:
        await platform.keep_message(
            unit.connection, distribution_id="x_1", received_at=NOON, outcome=outcome
        )

    async with open_unit(desk) as unit:
        await keep(unit, "invalid")
        await keep(unit, "invalid")
        await keep(unit, "taken")
    with pytest.raises(asyncpg.SerializationError):
        async with open_unit(desk) as unit:
            await keep(unit, "taken")


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
async def test_of_a_corrected_finess_the_latest_stands_in_any_order(
    desk: Desk, order: tuple[int, ...]
) -> None:
    heard = [
        told(cpts()),
        told(FinessAssigned(cpts_id="c1", finess="1930000009"), sequence=2),
        told(FinessAssigned(cpts_id="c1", finess="1930000001"), sequence=3),
    ]
    for place_ in order:
        await hear(desk, heard[place_])
    assert await desk.pool.fetchval("select finess from cpts where cpts_id = 'c1'") == "1930000001"
