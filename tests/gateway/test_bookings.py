"""A regulator books a place: who may, what is told when it is full, when it is given back."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio

from contracts.topics import REFERRALS
from services.messaging.comparing import compare
from services.messaging.replaying import rebuild
from tests.gateway.agendas import at, bundle, kept, made, offer, opened, resources, starts
from tests.gateway.published import (
    ONE_PLACE,
    OTHER,
    TWO_PLACES,
    accepted,
    cancelled,
    moved,
    refused,
)
from tests.gateway.served import NOON, Served
from tests.gateway.test_regulators import PLATFORM, internal, regulator
from tests.gateway.test_regulators import opened as opened_account


@pytest_asyncio.fixture(scope="module")
async def open_agendas(served: Served) -> AsyncIterator[Served]:
    """Three agendas, and the account of a regulator."""
    await made(served)
    for agenda_id, rpps in (("one", ONE_PLACE), ("two", TWO_PLACES), ("other", OTHER)):
        await kept(served, agenda_id, rpps)
    yield served


@pytest_asyncio.fixture(scope="module")
async def account(open_agendas: Served) -> str:
    return await opened_account(open_agendas, internal(str(uuid4())))


async def slot_at(served: Served, agenda_id: str, hour: int, minute: int = 0, **of: Any) -> str:
    """A new slot, and its id as a search tells it."""
    await opened(served, agenda_id, at(hour, minute), offer=offer(**of) if of else offer())
    rpps = {"one": ONE_PLACE, "two": TWO_PLACES, "other": OTHER}[agenda_id]
    found = resources(await bundle(served, rpps), "Slot")
    start = at(hour, minute).isoformat(timespec="milliseconds")
    return next(str(one["id"]) for one in found if one["start"] == start)


def demand(account: str, **changes: Any) -> dict[str, Any]:
    body = {"regulator_id": account, "commune": "95306", "need": "consultation_generaliste"}
    return body | changes


async def book(served: Served, slot: str, body: Any, **how: Any) -> Any:
    return await served.order(
        "POST", f"/slots/{slot}/bookings", body, **({"role": "regulation"} | how)
    )


async def shown(served: Served, booking_id: str) -> Any:
    answer = await served.client.get(f"/bookings/{booking_id}")
    assert answer.status_code == 200
    return answer.json()


async def test_a_booked_place_is_gone_at_once_and_accepted_when_referrals_says_so(
    open_agendas: Served, account: str
) -> None:
    slot = await slot_at(open_agendas, "one", 9)
    booked = await book(open_agendas, slot, demand(account))
    assert (booked.status_code, booked.json()["state"]) == (201, "pending")
    assert at(9) not in await starts(open_agendas, ONE_PLACE)
    booking_id = booked.json()["booking_id"]
    await open_agendas.hear(REFERRALS, accepted("r-b1", ONE_PLACE, at(9), booking_id))
    found = await shown(open_agendas, booking_id)
    assert (found["state"], found["referral_id"]) == ("accepted", "r-b1")
    assert at(9) not in await starts(open_agendas, ONE_PLACE)


async def test_of_many_regulators_on_the_last_place_one_wins_and_the_others_are_told(
    open_agendas: Served, account: str
) -> None:
    slot = await slot_at(open_agendas, "one", 10)
    answers = await asyncio.gather(*(book(open_agendas, slot, demand(account)) for _ in range(8)))
    assert sorted(one.status_code for one in answers) == [201, *[409] * 7]
    lost = {one.json()["reason"] for one in answers if one.status_code == 409}
    assert lost == {"slot_full"}
    sent = [one for one in await open_agendas.said() if one.endswith("SlotBooked.v1")]
    rows = await open_agendas.run.pool.fetchval(
        "select count(*) from booking where slot_id = $1", slot
    )
    assert rows == 1
    assert sent


async def test_an_order_sent_again_under_its_key_holds_one_place(
    open_agendas: Served, account: str
) -> None:
    slot = await slot_at(open_agendas, "one", 10, 30, slot_types=["PUBLIC"], capacity=2)
    key: Any = {"Idempotency_Key": "once"}
    first = await book(open_agendas, slot, demand(account), **key)
    again = await book(open_agendas, slot, demand(account), **key)
    assert first.json() == again.json()
    assert at(10, 30) in await starts(open_agendas, ONE_PLACE)


async def test_capacity_is_taken_then_overbooking_by_whoever_asks_for_it(
    open_agendas: Served, account: str
) -> None:
    slot = await slot_at(open_agendas, "one", 11, slot_types=["PUBLIC"], capacity=2, overbooking=1)
    for _ in range(2):
        assert (await book(open_agendas, slot, demand(account))).status_code == 201
    full = await book(open_agendas, slot, demand(account))
    assert full.json()["reason"] == "slot_full"
    over = await book(open_agendas, slot, demand(account, may_overbook=True))
    assert (over.status_code, over.json()["is_overbooked"]) == (201, True)
    none = await book(open_agendas, slot, demand(account, may_overbook=True))
    assert none.json()["reason"] == "slot_full"


async def test_a_disabled_account_can_do_nothing_from_that_moment(open_agendas: Served) -> None:
    uuid = str(uuid4())
    mine = await opened_account(open_agendas, internal(uuid))
    slot = await slot_at(open_agendas, "one", 12)
    asked = f"/Practitioner?identifier={PLATFORM}|{uuid}"
    await open_agendas.fhir("PUT", asked, regulator(internal(uuid), active=False))
    answer = await book(open_agendas, slot, demand(mine))
    assert (answer.status_code, answer.json()["reason"]) == (403, "regulator_disabled")
    await open_agendas.fhir("PUT", asked, regulator(internal(uuid)))
    assert (await book(open_agendas, slot, demand(mine))).status_code == 201


async def test_whoever_disables_first_wins_over_a_booking_under_way(open_agendas: Served) -> None:
    """The account is locked by an order that disables it: the booking waits, then is refused."""
    uuid = str(uuid4())
    mine = await opened_account(open_agendas, internal(uuid))
    slot = await slot_at(open_agendas, "one", 12, 30)
    async with open_agendas.run.pool.acquire() as connection, connection.transaction():
        await connection.execute(
            "update regulator set is_active = false where regulator_id = $1", mine
        )
        booking = asyncio.create_task(book(open_agendas, slot, demand(mine)))
        await asyncio.sleep(0.2)
        assert not booking.done()
    assert (await booking).json()["reason"] == "regulator_disabled"
    await open_agendas.run.pool.execute(
        "update regulator set is_active = true where regulator_id = $1", mine
    )  # no event has disabled it: a rebuild is compared below


REFUSALS: list[tuple[dict[str, Any], int, str]] = [
    ({"regulator_id": "nobody"}, 403, "regulator_unknown"),
    ({"cpts_id": "c9"}, 409, "not_a_cpts_of_the_slot"),
]


@pytest.mark.parametrize(("changes", "status", "reason"), REFUSALS)
async def test_a_booking_that_cannot_be_is_refused(
    open_agendas: Served, account: str, changes: dict[str, Any], status: int, reason: str
) -> None:
    slot = await slot_at(open_agendas, "one", 13)
    answer = await book(open_agendas, slot, demand(account) | changes)
    assert (answer.status_code, answer.json()["reason"]) == (status, reason)


async def test_a_slot_that_has_begun_or_is_closed_or_unknown_is_not_booked(
    open_agendas: Served, account: str
) -> None:
    slot = await slot_at(open_agendas, "one", 13, 30)
    late = await book(open_agendas, slot, demand(account), at=at(13, 31))
    assert late.json()["reason"] == "slot_in_the_past"
    body = {"starts_at": [at(13, 30).isoformat()]}
    await open_agendas.order("POST", "/agendas/one/slots/close", body)
    answer = await book(open_agendas, slot, demand(account))
    assert answer.json()["reason"] == "slot_closed"
    assert (await book(open_agendas, "s-nothing", demand(account))).status_code == 404
    walk_in = await slot_at(open_agendas, "one", 13, 45, slot_types=["PUBLIC"], is_walk_in=True)
    assert (await book(open_agendas, walk_in, demand(account))).json()["reason"] == "slot_closed"


async def test_a_slot_of_several_cpts_is_booked_for_one_of_them(
    open_agendas: Served, account: str
) -> None:
    slot = await slot_at(open_agendas, "two", 9, slot_types=["CPTS"], cpts_ids=["c1", "c2"])
    unsaid = await book(open_agendas, slot, demand(account))
    assert unsaid.json()["reason"] == "cpts_needed"
    said = await book(open_agendas, slot, demand(account, cpts_id="c2"))
    assert (said.status_code, said.json()["cpts_id"]) == (201, "c2")


async def test_only_the_regulation_books(open_agendas: Served, account: str) -> None:
    slot = await slot_at(open_agendas, "one", 14)
    for role in ("cpts", "caisse", "ars"):
        answer = await book(open_agendas, slot, demand(account), role=role)
        assert (answer.status_code, answer.json()["reason"]) == (403, "role_not_allowed")


async def test_a_place_is_given_back_when_referrals_refuses(
    open_agendas: Served, account: str
) -> None:
    slot = await slot_at(open_agendas, "two", 15)
    booking_id = (await book(open_agendas, slot, demand(account))).json()["booking_id"]
    await open_agendas.hear(REFERRALS, refused(booking_id))
    found = await shown(open_agendas, booking_id)
    assert (found["state"], found["reason"], found["refusal"]) == (
        *("given_back", "refused"),
        "practitioner_not_a_member",
    )
    assert at(15) in await starts(open_agendas, TWO_PLACES)


async def test_a_place_is_given_back_when_its_appointment_is_cancelled(
    open_agendas: Served, account: str
) -> None:
    slot = await slot_at(open_agendas, "two", 16)
    booking_id = (await book(open_agendas, slot, demand(account))).json()["booking_id"]
    told = accepted("r-b2", TWO_PLACES, at(16), booking_id)
    await open_agendas.hear(REFERRALS, told, cancelled("r-b2"))
    found = await shown(open_agendas, booking_id)
    assert (found["state"], found["reason"]) == ("given_back", "cancelled")
    assert at(16) in await starts(open_agendas, TWO_PLACES)


async def test_a_moved_appointment_leaves_its_place_and_takes_the_other(
    open_agendas: Served, account: str
) -> None:
    slot = await slot_at(open_agendas, "two", 17)
    await slot_at(open_agendas, "other", 17)
    booking_id = (await book(open_agendas, slot, demand(account))).json()["booking_id"]
    await open_agendas.hear(REFERRALS, accepted("r-b3", TWO_PLACES, at(17), booking_id))
    await open_agendas.hear(REFERRALS, moved("r-b3", OTHER, at(17)))
    assert (await shown(open_agendas, booking_id))["reason"] == "moved"
    assert at(17) in await starts(open_agendas, TWO_PLACES)
    assert at(17) not in await starts(open_agendas, OTHER)
    await open_agendas.hear(REFERRALS, moved("r-b3", TWO_PLACES, at(17), sequence=5))
    assert at(17) not in await starts(open_agendas, TWO_PLACES)
    assert at(17) in await starts(open_agendas, OTHER)


async def test_the_same_news_twice_gives_a_place_back_once(
    open_agendas: Served, account: str
) -> None:
    slot = await slot_at(open_agendas, "two", 18)
    booking_id = (await book(open_agendas, slot, demand(account))).json()["booking_id"]
    await open_agendas.hear(REFERRALS, refused(booking_id), refused(booking_id))
    rows = await open_agendas.run.pool.fetch(
        "select type from history where subject = $1 order by sequence", booking_id
    )
    assert [row["type"] for row in rows] == ["gateway.SlotBooked.v1", "gateway.PlaceGivenBack.v1"]


async def test_bookings_rebuilt_from_the_log_are_those_that_live(open_agendas: Served) -> None:
    await rebuild(open_agendas.run.service, open_agendas.run.settings, "shadow")
    compared = {
        one.table: one
        for one in await compare(open_agendas.run.service, open_agendas.run.settings, "shadow")
    }
    assert [one for one in compared.values() if not one.is_equal] == []
    assert compared["booking"].live > 5
    assert compared["refused_booking"].live > 0


def test_noon_is_before_every_slot_of_these_tests() -> None:
    assert at(9) - NOON > timedelta(hours=12)
