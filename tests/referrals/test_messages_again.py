"""A Hub message sent again gets its first answer, exactly, and says that it is one."""

from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest
import pytest_asyncio

from deploy.local.stack import Stack
from tests.referrals.hub_served import envelope, serving_the_hub, taken, tell
from tests.referrals.referral_cases import NOON
from tests.referrals.served import Served

REPLAY = "Idempotent-Replay"


@pytest_asyncio.fixture(scope="module")
async def served(stack: Stack) -> AsyncIterator[Served]:
    """The service that the Hub talks to."""
    async with serving_the_hub(stack) as up:
        yield up


def is_again(first: httpx.Response, second: httpx.Response) -> bool:
    """Whether the second is the first, marked as given again."""
    assert REPLAY not in first.headers
    parts = [(one.status_code, one.content, one.headers["content-type"]) for one in (first, second)]
    return parts[0] == parts[1] and second.headers.get(REPLAY) == "true"


async def test_a_message_taken(served: Served) -> None:
    first = await tell(served, envelope("taken"))
    before = await served.count_said()
    again = await tell(served, envelope("taken", status="cancelled"))
    assert (first.status_code, first.json()["outcome"]) == (200, "taken")
    assert is_again(first, again)
    assert await served.count_said() == before


async def test_a_creation_refused_because_it_is_known(served: Served) -> None:
    await taken(served, envelope("known"))
    first = await tell(served, envelope("known-2", appointmentId="platform-known"))
    again = await tell(served, envelope("known-2", appointmentId="platform-known"))
    assert (first.status_code, first.json()["hub_code"]) == (409, 701)
    assert is_again(first, again)


async def test_a_message_whose_time_has_passed_since(served: Served) -> None:
    first = await tell(served, envelope("expiring"))
    again = await tell(served, envelope("expiring"), at=NOON + timedelta(days=400))
    assert is_again(first, again)


@pytest.mark.parametrize(
    ("written", "instead"),
    [
        (b'"appointment":', b'"other":'),
        (b'"booked"', b'"unheard-of"'),
        (b'"created": "2026', b'"created": "9999'),
    ],
)
async def test_a_message_whose_content_no_longer_obeys(
    served: Served, written: bytes, instead: bytes
) -> None:
    number = f"garbled-{instead.hex()}"
    first = await tell(served, envelope(number))
    garbled = envelope(number).replace(written, instead)
    assert garbled != envelope(number)
    assert is_again(first, await tell(served, garbled))


async def test_not_to_another_sender_nor_in_an_envelope_that_cannot_be_read(
    served: Served,
) -> None:
    await tell(served, envelope("mine"))
    stranger = envelope("mine").replace(b'"senderID": "fr.health.ptfsas"', b'"senderID": "other"')
    unreadable = envelope("mine").replace(b"dateTimeSent", b"dateTimeSaid")
    for body, code in ((stranger, 200), (unreadable, 300)):
        answer = await tell(served, body)
        assert (answer.json()["hub_code"], REPLAY in answer.headers) == (code, False)


async def test_a_message_refused_as_invalid_may_be_mended_under_its_identifier(
    served: Served,
) -> None:
    faulty = envelope("mended").replace(b'"booked"', b'"unheard-of"')
    assert (await tell(served, faulty)).json()["hub_code"] == 300
    assert (await taken(served, envelope("mended")))["outcome"] == "taken"
