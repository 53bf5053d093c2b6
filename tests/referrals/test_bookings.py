"""A place booked in the gateway becomes a demand accepted with its appointment, or is refused."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from contracts.events.gateway import SlotBooked
from contracts.events.referrals import (
    BookingRefused,
    DemandReceived,
    ReferralAccepted,
    ReferralOffered,
)
from contracts.recorded import Cause, Recorded, record
from contracts.topics import GATEWAY
from deploy.local import databases
from deploy.local.stack import Stack
from services.messaging.comparing import compare
from services.messaging.replaying import rebuild
from services.referrals.app import SERVICE
from services.referrals.domain.bookings import Booking, answer, known_as
from tests.publishing import publish
from tests.referrals.published import cpts, member, told
from tests.referrals.referral_cases import NOON, OTHER_RPPS, RPPS
from tests.referrals.served import Served, serving
from tests.stack_fixtures import fresh_name

WITHIN = timedelta(minutes=60)
FOUR_HOURS = timedelta(hours=4)


def booked(booking_id: str = "b-1", **changes: Any) -> SlotBooked:
    values: dict[str, Any] = {
        "booking_id": booking_id,
        "slot_id": "s-1",
        "agenda_id": "a-1",
        "cpts_id": "c1",
        "practitioner_rpps": RPPS,
        "starts_at": NOON + FOUR_HOURS,
        "ends_at": NOON + FOUR_HOURS + timedelta(minutes=20),
        "regulator_id": "regulator-1",
        "booked_at": NOON,
        "commune": "93066",
        "need": "consultation_generaliste",
        "urgency": "within_48h",
    }
    return SlotBooked(**values | changes)


def recorded(event: SlotBooked) -> Recorded[Any]:
    (one,) = record(
        [event],
        subject=event.booking_id,
        after_sequence=0,
        departement="93",
        occurred_at=event.booked_at,
        cause=Cause(id=f"order:{event.booking_id}", recorded_at=event.booked_at),
    )
    return one


def decided(event: SlotBooked, *, is_member: bool = True) -> list[Recorded[Any]]:
    booking = Booking(
        told=event,
        departement="93",
        recorded_at=NOON,
        event_id=str(recorded(event).id),
        is_member=is_member,
    )
    return answer(booking, answer_within=WITHIN)


def test_a_booking_is_a_demand_offered_and_accepted_at_once() -> None:
    said = decided(booked())
    assert [type(one.event) for one in said] == [
        *(DemandReceived, ReferralOffered, ReferralAccepted),
    ]
    assert [one.sequence for one in said] == [1, 2, 3]
    assert {(one.subject, one.departement, one.occurred_at) for one in said} == {
        (known_as("b-1"), "93", NOON)
    }
    accepted = said[2].event
    assert (accepted.booking_id, accepted.cpts_id) == ("b-1", "c1")
    assert accepted.received_at == accepted.accepted_at == NOON


def test_the_key_of_the_demand_is_that_of_its_commune() -> None:
    assert decided(booked(commune="97411"))[0].departement == "974"


REFUSED: list[tuple[dict[str, Any], bool, str]] = [
    ({"commune": "00000", "need": "x"}, False, "unknown_commune"),
    ({"need": "x"}, False, "unknown_need"),
    ({"starts_at": NOON - WITHIN}, False, "practitioner_not_a_member"),
    ({"starts_at": NOON - WITHIN}, True, "appointment_in_the_past"),
    ({"starts_at": NOON + timedelta(hours=49)}, True, "appointment_after_see_by"),
    (
        {"starts_at": NOON + timedelta(hours=11), "urgency": "same_day"},
        True,
        "appointment_after_see_by",
    ),
]


@pytest.mark.parametrize(("changes", "is_member", "reason"), REFUSED)
def test_of_several_refusals_the_first_is_told(
    changes: dict[str, Any], is_member: bool, reason: str
) -> None:
    (said,) = decided(booked(**changes), is_member=is_member)
    assert isinstance(said.event, BookingRefused)
    assert (said.event.reason, said.subject, said.departement) == (reason, "b-1", "93")


def test_the_same_booking_gives_the_same_events() -> None:
    assert [one.id for one in decided(booked())] == [one.id for one in decided(booked())]


@pytest_asyncio.fixture(scope="module")
async def served(stack: Stack) -> AsyncIterator[Served]:
    """Referrals with one CPTS and one member."""
    name = fresh_name(stack, "b")
    urls = databases.create_databases(stack.admin_url, f"_{name}")
    async with serving(stack.kafka, urls["referrals"], f"{name}-") as up:
        await up.hear(told(cpts(), at=NOON), told(member(RPPS), sequence=2, at=NOON))
        yield up
    databases.drop_databases(stack.admin_url, f"_{name}")


async def hear(served: Served, *events: SlotBooked) -> None:
    settings = served.run.settings
    await publish(
        settings.kafka,
        settings.namespace,
        GATEWAY,
        [recorded(one) for one in events],
        partitions=served.run.topics["gateway"].partitions,
    )
    await served.run.caught_up()


async def test_a_booking_that_is_heard_is_a_booked_referral(served: Served) -> None:
    await hear(served, booked("b-heard"))
    shown = await served.ask(f"/referrals/{known_as('b-heard')}")
    assert (shown["state"], shown["cpts_id"], shown["source"]) == ("booked", "c1", "gateway")
    assert [one["type"].split(".")[1] for one in shown["history"]] == [
        *("DemandReceived", "ReferralOffered", "ReferralAccepted"),
    ]


async def test_the_same_booking_twice_is_one_referral_whatever_is_known_since(
    served: Served,
) -> None:
    await hear(served, booked("b-twice", practitioner_rpps=OTHER_RPPS))
    said = await served.count_said()
    await served.hear(told(member(OTHER_RPPS), sequence=3, at=NOON))
    await hear(served, booked("b-twice", practitioner_rpps=OTHER_RPPS))
    assert await served.count_said() == said
    refusals = await served.run.pool.fetch(
        "select reason from booking_refusal where booking_id = 'b-twice'"
    )
    assert [row["reason"] for row in refusals] == ["practitioner_not_a_member"]


async def test_what_was_heard_and_not_answered_is_answered_after_a_restore(
    served: Served,
) -> None:
    await hear(served, booked("b-lost"))
    pool = served.run.pool
    lost = known_as("b-lost")
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("alter table history disable trigger user")
        await connection.execute("delete from history where subject = $1", lost)
        await connection.execute("alter table history enable trigger user")
        await connection.execute("delete from outbox where subject = $1", lost)
        await connection.execute("delete from referral where referral_id = $1", lost)
    from services.messaging.restoring import derive_again  # noqa: PLC0415

    await derive_again(served.run.desk, SERVICE.look_again, NOON)
    assert await served.state(lost) == "booked"


async def test_bookings_rebuilt_from_the_log_are_those_that_live(served: Served) -> None:
    await rebuild(served.run.service, served.run.settings, "shadow")
    compared = {one.table: one for one in await compare(SERVICE, served.run.settings, "shadow")}
    assert [one for one in compared.values() if not one.is_equal] == []
    assert compared["slot_booking"].live >= 3
    assert compared["booking_refusal"].live == 1
