"""Small steps of messaging, each by itself: what is waited, counted, read of an order, expected."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast
from uuid import uuid4

import asyncpg
import pytest

from contracts.recorded import Cause
from services.messaging import batch, waiting
from services.messaging.meters import Duration, Meters
from services.messaging.orders import KEY_LENGTH_MAX, read_instant, read_key
from services.messaging.problems import NOT_READY, Refused
from services.messaging.relay import Relay
from services.messaging.unit import open_unit
from services.messaging.waiting import Backoff
from tests.messaging.raw import counted

NOW = datetime(2026, 5, 4, 10, tzinfo=UTC)
EARLIER = datetime(2026, 5, 4, 9, tzinfo=UTC)


async def test_each_failure_in_a_row_is_waited_out_twice_as_long_up_to_a_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr(waiting, "asyncio", SimpleNamespace(sleep=sleep))
    backoff = Backoff(6)
    for _ in range(5):
        await backoff.wait()
    backoff.succeeded()
    await backoff.wait()
    assert waited == [1, 2, 4, 6, 6, 1]


async def test_a_batch_that_collided_counts_each_of_its_events_as_redelivered(
    monkeypatch: pytest.MonkeyPatch, listener
) -> None:
    collisions = [asyncpg.DeadlockDetectedError("met"), asyncpg.SerializationError("met")]

    async def commit_batch(_hearing: Any, _items: Any) -> None:
        if collisions:
            raise collisions.pop()

    monkeypatch.setattr(batch, "commit_batch", commit_batch)
    before = listener.counters.copy()
    items = cast("Any", [(SimpleNamespace(key=b"93"), counted(name, 1)) for name in "abc"])
    await batch.commit_with_retries(listener.hearing, items)
    assert listener.counters["redelivered"] - before["redelivered"] == 6
    assert listener.counters["rolled_back"] - before["rolled_back"] == 2


def request(*, is_driven: bool = True, **headers: str) -> Any:
    clock = SimpleNamespace(is_driven=is_driven, now=lambda: NOW)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return SimpleNamespace(headers=named, app=SimpleNamespace(state=SimpleNamespace(clock=clock)))


def test_an_order_says_its_instant_only_where_the_clock_is_driven() -> None:
    said = EARLIER.isoformat()
    assert read_instant(request(Order_Instant=said)) == EARLIER
    assert read_instant(request(Order_Instant=said, is_driven=False)) == NOW
    assert read_instant(request()) == NOW
    for wrong in ("yesterday", "2026-05-04T10:00:00"):
        with pytest.raises(Refused) as refused:
            read_instant(request(Order_Instant=wrong))
        assert (refused.value.reason, refused.value.status) == ("instant_invalid", 400)


def test_a_key_is_of_a_caller_and_of_one_to_so_many_characters() -> None:
    keyed = request(Idempotency_Key="k" * KEY_LENGTH_MAX)
    assert read_key(keyed, "cpts a") == read_key(keyed, "cpts a")
    assert read_key(keyed, "cpts a") != read_key(keyed, "cpts b")
    assert read_key(request(), "cpts a") is None
    for wrong in ("", "k" * (KEY_LENGTH_MAX + 1)):
        with pytest.raises(Refused) as refused:
            read_key(request(Idempotency_Key=wrong), "cpts a")
        assert (refused.value.reason, refused.value.status) == ("idempotency_key_invalid", 400)


async def test_an_order_that_cannot_be_said_to_the_others_is_not_taken(
    speaker, web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(speaker.desk, "is_catching_up", True)
    answer = await web.post("/things", json={"subject": "a", "number": 1})
    assert (answer.status_code, answer.json()["reason"]) == (503, "not_ready")
    assert answer.json()["detail"] == NOT_READY


async def test_a_commit_waits_for_an_earlier_one_of_its_own_aggregate_only(speaker) -> None:
    relay = Relay(speaker.settings, topic=speaker.own_topic, writer=uuid4(), health=speaker.health)
    first = [{"subject": "a", "position": 1}, {"subject": "b", "position": 2}]
    second, third = [{"subject": "b", "position": 3}], [{"subject": "c", "position": 4}]
    for rows in (first, second, third):
        relay.expect(rows)
    assert relay._come(second), "the first one's row of b is still to come"
    assert not relay._come(third)
    assert not relay._come(first)


async def test_a_duration_is_measured_once_its_transaction_has_committed(
    speaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    duration = Duration(name="toy_seconds", help="How long a toy takes.")
    meters = Meters([duration])
    meters.is_live = True
    monkeypatch.setattr(speaker.desk, "meters", meters)

    def measured() -> float | None:
        return meters.registry.get_sample_value("toy_seconds_count", {"departement": "93"})

    async def take(broken: list[int]) -> None:
        async with open_unit(speaker.desk) as unit:
            unit.took(duration, "93", Cause(id="c", recorded_at=NOW))
            assert not broken

    with pytest.raises(AssertionError):
        await take([1])
    assert measured() is None
    await take([])
    assert measured() == 1
