"""The services of a world started, and what they count, together."""

from deploy.local.services import SERVICES
from tests.faults.world import World

OUTBOX_IS_EMPTY = "select not exists (select from outbox where sent_at is null)"


def start_all(world: World) -> None:
    """Start one process of each service."""
    for service in SERVICES:
        world.process(service).start()


async def total(world: World, counter: str, service: str | None = None) -> int:
    """The sum of a counter over the processes that run, of one service or of all."""
    counters = [
        await process.counters()
        for process in world.processes.values()
        if not process.has_ended and service in {None, process.service}
    ]
    return sum(one[counter] for one in counters)
