"""R1, our side: the outbox and the relay of messaging, in one process without a service.

    python -m tests.benchmarks.our_relay fill|relay URL KAFKA NAMESPACE EVENTS [RATE SEED]

`fill` leaves the events in the outbox. `relay` relays what is there; with a rate, it announces the
events too, each in a transaction of its own when it is due.
"""

import asyncio
import gc
import pickle
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

import uvloop

from contracts.topics import TOPICS
from services.messaging.database import open_pool
from services.messaging.health import Health
from services.messaging.log import ensure_topics, open_admin
from services.messaging.meters import Meters
from services.messaging.relay import Relay
from services.messaging.settings import Settings
from services.messaging.unit import Desk, open_unit
from tests.benchmarks.bare_loop import GC_THRESHOLD
from tests.benchmarks.measuring import PARTITIONS
from tests.benchmarks.pacing import all_when_due

AT_ONCE = 500


async def nothing(*_: Any) -> None:
    """No state is kept beside the history."""


async def main(settings: Settings, what: str, events: list[Any], *pace: int) -> None:
    """Fill the outbox, or relay until killed."""
    admin = await open_admin(settings)
    topic = (await ensure_topics(admin, settings, TOPICS))["referrals"]
    await admin.close()
    writer, pool = uuid4(), await open_pool(settings)
    relay = Relay(settings, topic=topic, writer=writer, health=Health(Meters()))
    if what == "relay":
        relay.start()
    desk = Desk(
        pool,
        name=settings.service,
        apply=nothing,
        writer=writer,
        partitions=PARTITIONS,
        relay=relay,
    )
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD)
    if what == "fill":
        for first in range(0, len(events), AT_ONCE):
            async with open_unit(desk) as unit:
                await unit.announce(events[first : first + AT_ONCE])
        await pool.execute("vacuum analyze")
        return

    async def announce(number: int, _due_at: float) -> None:
        async with open_unit(desk) as unit:
            await unit.announce([events[number]])

    if pace:
        rate, seed = pace
        await all_when_due(len(events), rate, seed, announce)
    await asyncio.Event().wait()


if __name__ == "__main__":
    what, url, kafka, namespace, path, *pace = sys.argv[1:]
    settings = Settings(
        service="referrals",
        database_url=url,
        kafka=kafka,
        namespace=namespace,
        partitions=PARTITIONS,
    )
    events = pickle.loads(Path(path).read_bytes())
    uvloop.run(main(settings, what, events, *(int(one) for one in pace)))
