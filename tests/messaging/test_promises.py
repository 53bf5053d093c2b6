"""The small promises that the guarantees rest on: locks, counts, causes, and what stops at once."""

import asyncio
import hashlib
from datetime import datetime
from typing import Any, cast
from zoneinfo import ZoneInfo

import asyncpg
import msgspec
import pytest
from msgspec.structs import replace

from contracts.recorded import Cause
from services.messaging import unit as units
from services.messaging.batch import Hearing, until_too_many
from services.messaging.clock import DrivenClock
from services.messaging.codec import Breach, Decoder, Unknown
from services.messaging.dead_letters import KeptRecord
from services.messaging.orders import Order, Refused, Role
from services.messaging.timers import Due, Timer, fire_due
from services.messaging.unit import Unit, open_unit
from tests.desks import has_stopped
from tests.messaging.raw import AT, counted, headers_of
from tests.messaging.toy import THINGS, Counted

BAD, GOOD = Breach("bad"), Unknown("x")


class Standing:
    """As much of a hearing as counting breaches reads."""

    def __init__(self, in_a_row: int) -> None:
        self.breaches_in_a_row, self.breaches_max = in_a_row, 2


@pytest.mark.parametrize(
    ("before", "said", "taken", "in_a_row"),
    [
        (0, [BAD, BAD, GOOD, BAD, BAD], 5, 2),
        (0, [GOOD, BAD, GOOD], 3, 0),
        (0, [BAD, BAD, BAD, BAD], 3, 3),
        (2, [BAD, GOOD], 1, 3),
        (2, [GOOD, BAD], 2, 1),
        (1, [], 0, 1),
    ],
)
def test_breaches_in_a_row_are_counted_from_the_last_that_was_none(
    before: int, said: list[Any], taken: int, in_a_row: int
) -> None:
    items = cast("Any", [(None, one) for one in said])
    found, at_the_end = until_too_many(cast("Hearing", Standing(before)), items)
    assert (len(found), at_the_end) == (taken, in_a_row)


async def test_a_join_row_that_somebody_else_has_just_made_is_locked_too(speaker) -> None:
    async with speaker.pool.acquire() as other, speaker.pool.acquire() as looking:
        making = other.transaction()
        await making.start()
        await other.execute("insert into join_row (kind, key) values ('place', 'x')")
        async with open_unit(speaker.desk) as unit:
            pid = await unit.connection.fetchval("select pg_backend_pid()")
            locking = asyncio.create_task(unit.lock_joins("place", ["x"]))
            await has_stopped(speaker.desk, locking, pid)
            await making.commit()
            await locking
            free = await looking.fetch(
                "select key from join_row where kind = 'place' for update skip locked"
            )
            assert free == []


async def test_the_events_of_an_order_name_its_key_and_those_without_one_differ(
    speaker, web
) -> None:
    body = {"subject": "a", "number": 1}
    await web.post("/things", json=body, headers={"Idempotency-Key": "k"})
    await web.post("/things", json=body)
    await web.post("/things", json=body)
    rows = await speaker.pool.fetch("select cause from history order by sequence")
    keyed, *others = (row["cause"] for row in rows)
    digest = hashlib.sha256(b"cpts c1\nk").hexdigest()[:32]
    assert keyed == f"order:speaker:{digest}"
    assert len(set(others)) == 2
    assert all(one.startswith("order:") and len(one) == len("order:") + 36 for one in others)


async def test_orders_and_their_refusals_are_counted(speaker, web) -> None:
    await web.post("/things", json={"subject": "a", "number": 1})
    for _ in range(2):
        await web.post("/things", json={"subject": "a", "number": -1})
    assert (speaker.desk.counters["orders"], speaker.desk.counters["orders_refused"]) == (1, 2)


def test_a_cpts_orders_about_itself_and_others_about_any() -> None:
    def order(acting_cpts: str | None) -> Order:
        cause = Cause(id="c", recorded_at=AT)
        unit = cast("Unit", None)
        return Order(unit=unit, instant=AT, role=Role.CPTS, cause=cause, acting_cpts=acting_cpts)

    order("a").refuse_another_cpts("a")
    order(None).refuse_another_cpts("a")
    order(None).refuse_another_cpts(None)
    for another in ("b", None):
        with pytest.raises(Refused) as refused:
            order("a").refuse_another_cpts(another)
        assert (refused.value.reason, refused.value.status) == ("not_the_acting_cpts", 403)
        assert "Acting-Cpts" in refused.value.detail


async def test_a_timer_that_meets_a_database_in_trouble_stops_at_once(speaker) -> None:
    asked: list[Due] = []

    async def fire(_unit: Unit, due: Due) -> int:
        asked.append(due)
        raise asyncpg.TooManyConnectionsError("later")

    with pytest.raises(asyncpg.TooManyConnectionsError):
        await fire_due(speaker.desk, Timer(name="things", fire=fire), DrivenClock(AT))
    assert len(asked) == 1


class Recorder:
    """A relay that notes what it is told of a commit."""

    def __init__(self) -> None:
        self.expected: list[int] = []
        self.forgotten: list[int] = []
        self.handed: list[int] = []

    def expect(self, rows: Any) -> None:
        self.expected.append(len(rows))

    def forget(self, rows: Any) -> None:
        self.forgotten.append(len(rows))

    def hand_over(self, rows: Any, *, has_others: bool) -> None:
        assert not has_others
        self.handed.append(len(rows))


async def test_the_relay_is_told_of_each_commit_and_of_one_that_nobody_knows(
    speaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = Recorder()
    monkeypatch.setattr(speaker.desk, "relay", recorder)
    async with open_unit(speaker.desk) as unit:
        await unit.announce([counted("a", 1), counted("a", 2, 2)])
    assert (recorder.expected, recorder.handed, recorder.forgotten) == ([2], [2], [])

    async def cut_off(transaction: Any) -> None:
        await transaction.commit()
        raise asyncio.CancelledError

    monkeypatch.setattr(units, "commit", cut_off)
    with pytest.raises(asyncio.CancelledError):
        async with open_unit(speaker.desk) as unit:
            await unit.announce([counted("b", 1)])
    assert (recorder.expected, recorder.handed, recorder.forgotten) == ([2, 1], [2], [1])


def test_an_instant_of_before_1911_in_paris_is_read_again() -> None:
    """Its offset had seconds, nine minutes and twenty-one, which RFC 3339 cannot write."""
    then = datetime(1900, 3, 1, tzinfo=ZoneInfo("Europe/Paris"))
    said = msgspec.structs.replace(counted("a", 1), occurred_at=then)
    record = KeptRecord(
        topic="things",
        partition=0,
        offset=0,
        key=b"93",
        value=msgspec.json.encode(said.event),
        headers=tuple(headers_of(said)),
    )
    assert Decoder(THINGS, (Counted,)).decode(record) == said


def test_a_breach_is_told_with_its_type_once_that_is_known() -> None:
    decoder = Decoder(THINGS, (Counted,))
    said = counted("a", 1)
    body = msgspec.json.encode(said.event)

    def decoded(key: bytes = b"93", **changes: bytes | None) -> Any:
        headers = tuple(headers_of(said, **changes))
        return decoder.decode(
            KeptRecord(topic="things", partition=0, offset=0, key=key, value=body, headers=headers)
        )

    assert decoded() == said
    # In Paris an offset had seconds before 1911: no reader takes it.
    before = datetime(1900, 3, 1, tzinfo=ZoneInfo("Europe/Paris"))
    said = replace(said, occurred_at=before, recorded_at=before)
    assert decoded() == said
    for wrong in (decoded(b"nowhere"), decoded(ce_subject=None), decoded(ce_time=b"\xff")):
        assert isinstance(wrong, Breach)
        assert (wrong.type, bool(wrong.reason)) == ("things.Counted.v1", True)
    nameless = decoded(ce_type=None)
    assert isinstance(nameless, Breach)
    assert nameless.type is None
