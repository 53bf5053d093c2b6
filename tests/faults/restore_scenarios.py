"""A service's database is lost and comes back from a backup that is older than what it answered."""

import asyncio

from deploy.local import archive
from tests.faults.judgement import judge
from tests.faults.play import Wrong, playing
from tests.faults.process import until
from tests.faults.season import Season
from tests.faults.starting import OUTBOX_IS_EMPTY, start_all
from tests.faults.tracing import Trace
from tests.faults.world import World

# What a timer had left to do when the service was killed it may do as soon as it is back.
HISTORY = "select count(*) from history where cause not like 'timer:%'"


async def restored(world: World, season: Season, trace: Trace, service: str) -> None:
    """Half of what the service said is younger than its backup; it left for the log all the same.

    The backup is taken under load. When the database is lost everything has left the outbox: what
    had not would be lost with it, which only a synchronous replica prevents.
    """
    start_all(world)
    process = world.processes[service]
    async with playing(world, season) as play:
        await play.passed(0.4)
        url = world.database_urls[service]
        kept = await asyncio.to_thread(archive.dump, service, url, world.folder)
        await play.passed(0.75)
        play.hold()
        await play.answered()
        await play.chain.all_heard()
        await until("all has left", lambda: world.ask(service, OUTBOX_IS_EMPTY))
        await process.killed()
        said = await world.ask(service, HISTORY)
        path = world.folder / kept.file.name
        await asyncio.to_thread(archive.load, path, world.admin_url, url)
        kept = await world.ask(service, HISTORY)
        process.start()
        await process.ready()
        back = await world.ask(service, HISTORY)
        play.go_on()
        await play.over()
        trace.struck(lost_with_the_database=said - kept)
        if back != said:
            raise Wrong(f"{service} had said {said} events and says {back} once restored")
        await judge(play)
