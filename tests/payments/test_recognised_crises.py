"""A crisis that the ARS recognises opens its amount, whatever is heard first and whatever meets."""

import asyncio
from collections.abc import Iterable
from datetime import date
from itertools import permutations
from typing import Any

import pytest

from contracts.events.indicators import CrisisRecognised
from contracts.recorded import Cause, Recorded, record
from services.messaging.unit import Desk, open_unit
from services.payments import handlers
from services.payments.domain.calendar import midnight
from tests.desks import empty, has_stopped
from tests.payments import served
from tests.payments.owing import (
    FIRST,
    aci,
    dues,
    mission,
    publish,
    rate,
    registered,
    said_on,
    taille,
)

DAY = date(2026, 7, 14)
OPENED = (DAY, "crise_sanitaire:reconnue", 67_500_00, True)
SCALE = (rate("crise_sanitaire", "crise_reconnue", 67_500),)
FACTS = [
    said_on(event, place)
    for place, event in enumerate(
        (
            registered(),
            aci(2),
            taille(3),
            taille(3, date(2027, 4, 15)),
            mission(FIRST, "crise_sanitaire"),
        ),
        start=1,
    )
]


def crisis(sequence: int = 1, **fields: Any) -> Recorded[CrisisRecognised]:
    told: dict[str, Any] = {
        "departements": ("93", "95"),
        "typology": "malades",
        "from_on": DAY,
    } | fields
    return record(
        [CrisisRecognised(crisis_id="canicule", **told)],
        subject="crises/canicule",
        after_sequence=sequence - 1,
        departement="00",
        occurred_at=midnight(date(2026, 7, 15)),
        cause=Cause(id=f"canicule-{sequence}", recorded_at=midnight(date(2026, 7, 15))),
    )[0]


@pytest.fixture
async def desk(migrated: Desk) -> Desk:
    await empty(migrated)
    await publish(migrated, SCALE)
    return migrated


async def hear(desk: Desk, one: Recorded[Any]) -> None:
    async with open_unit(desk) as unit:
        if isinstance(one.event, CrisisRecognised):
            await handlers.on_indicators(unit, [one])
        else:
            await handlers.on_membership(unit, [one])


@pytest.mark.parametrize("place", range(6))
async def test_it_is_due_whatever_is_heard_first(desk: Desk, place: int) -> None:
    for one in [*FACTS[:place], crisis(), *FACTS[place:]]:
        await hear(desk, one)
    # membership's facts are of April: what they bring is said once the crisis's day has come
    async with open_unit(desk) as unit:
        causes = {"c1": Cause(id="later", recorded_at=midnight(date(2026, 7, 16)))}
        await handlers.lock_dues(unit, causes)
        await handlers.announce_dues(unit, causes)
    assert await dues(desk) == [OPENED]


async def test_a_crisis_and_figures_in_one_batch_take_accounts_before_dues(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As everybody does (ADR 0020): in another order two batches stop each other."""
    for one in FACTS:
        await hear(desk, one)
    locked: list[str] = []
    async with open_unit(desk) as unit:
        lock_joins = unit.lock_joins

        async def watched(kind: str, keys: Iterable[str]) -> None:
            locked.append(kind)
            await lock_joins(kind, keys)

        # Of this transaction alone: a timer's takes the same locks beside it.
        monkeypatch.setattr(unit, "lock_joins", watched)
        await handlers.on_indicators(unit, [crisis(), served.figure("c1", 3, 1)])
    assert locked == ["account", "dues"]
    assert await dues(desk) == [OPENED]
    assert await desk.pool.fetchval("select value from figure") == 3


async def test_it_is_taken_back_when_the_ars_corrects_the_crisis(desk: Desk) -> None:
    for one in (*FACTS, crisis()):
        await hear(desk, one)
    assert await dues(desk) == [OPENED]
    await hear(desk, crisis(2, departements=("93",)))
    assert await dues(desk) == []
    await hear(desk, crisis())
    assert await dues(desk) == [], "what is older than the correction changes nothing"
    await hear(desk, crisis(3))
    assert await dues(desk) == [OPENED]
    await hear(desk, crisis(4, is_withdrawn=True))
    assert await dues(desk) == []


@pytest.mark.parametrize("order", list(permutations((0, 1))))
async def test_a_crisis_and_a_registration_that_meet_miss_neither(
    desk: Desk, order: tuple[int, int]
) -> None:
    for one in FACTS[1:]:
        await hear(desk, one)
    late = said_on(registered(), 1, date(2026, 7, 16))
    first, second = [(late, crisis())[place] for place in order]
    async with open_unit(desk) as unit:
        if isinstance(first.event, CrisisRecognised):
            await handlers.on_indicators(unit, [first])
        else:
            await handlers.on_membership(unit, [first])
        async with desk.pool.acquire() as looking:
            task = asyncio.create_task(hear(desk, second))
            pid = await _waiting(looking)
            await has_stopped(desk, task, pid)
    await task
    assert await dues(desk) == [OPENED]


async def _waiting(looking: Any) -> int:
    """The session that waits for a lock of this database."""
    async with asyncio.timeout(10):
        while True:
            pid = await looking.fetchval(
                "select pid from pg_stat_activity"
                " where datname = current_database() and wait_event_type = 'Lock'"
            )
            if pid is not None:
                return int(pid)
            await asyncio.sleep(0.01)
