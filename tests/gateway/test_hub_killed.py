"""The broker is killed in the middle of a series: every message has its effect, and has it once."""

import json
from collections.abc import AsyncIterator

import pytest_asyncio

from deploy.local.stack import Stack
from tests.gateway.hub_played import MESSAGE, bridging, content_of, hub_on, settings_of
from tests.gateway.rabbit import SENDER, Rabbit
from tests.gateway.served import Served
from tests.referrals.hub_served import envelope, serving_the_hub
from tests.referrals.served import Served as ServedReferrals

MESSAGES, KILLED_AFTER = 150, (20, 60)


@pytest_asyncio.fixture(scope="module")
async def referrals(stack: Stack) -> AsyncIterator[ServedReferrals]:
    async with serving_the_hub(stack) as up:
        yield up


async def test_killed_twice_each_message_has_its_effect_once_and_none_is_lost(
    rabbit: Rabbit, served: Served, referrals: ServedReferrals
) -> None:
    numbers = [f"kill-{number}" for number in range(MESSAGES)]
    async with hub_on(rabbit) as hub:
        for number in numbers:
            await hub.put(MESSAGE, envelope(number))
        await hub.put(MESSAGE, *(envelope(number) for number in numbers[:10]))  # resends
    answers: list[tuple[str, str]] = []

    async def answered() -> None:
        delivery = await hub.gets()
        referenced = content_of(delivery, "reference")["distributionID"]
        answers.append((referenced, json.loads(delivery.body)["distributionID"]))

    async with bridging(served.run, settings_of(rabbit, referrals.run.address)):
        for count in KILLED_AFTER:
            async with hub_on(rabbit) as hub:
                while len(answers) < count:
                    await answered()
                rabbit.kill()
                assert served.run.counters["hub_taken"] < MESSAGES, "it was not in the middle"
            await rabbit.start()
        async with hub_on(rabbit) as hub:
            while {one for one, _ in answers} != {f"{SENDER}_{number}" for number in numbers}:
                await answered()
            # They go in order: when the last is answered, all before it are off the queue.
            await hub.put(MESSAGE, envelope("kill-last"))
            while answers[-1][0] != f"{SENDER}_kill-last":
                await answered()
            assert await hub.ready(MESSAGE) == 0
    ids: dict[str, set[str]] = {}
    for referenced, own in answers:
        ids.setdefault(referenced, set()).add(own)
    assert all(len(own) == 1 for own in ids.values()), "a resend has its first identifier"
    rows = await referrals.run.pool.fetch(
        "select subject, count(*) from history where subject like 'platform-kill-%' group by 1"
    )
    effects = {row["subject"]: row["count"] for row in rows}
    everything = [*numbers, "kill-last"]
    assert effects == dict.fromkeys((f"platform-{number}" for number in everything), 1)
