"""A service's database is lost and comes back from a backup that is older than what it answered."""

import asyncio
import os
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

from deploy.local import postgres
from tests.faults.judgement import judge
from tests.faults.play import Wrong, playing
from tests.faults.process import until
from tests.faults.scenarios import OUTBOX_IS_EMPTY, start_all
from tests.faults.season import Season
from tests.faults.tracing import Trace
from tests.faults.world import World
from tests.stack_fixtures import empty_database

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
        backup = await back_up(world, service)
        await play.passed(0.75)
        play.hold()
        await play.answered()
        await play.chain.all_heard()
        await until("all has left", lambda: world.ask(service, OUTBOX_IS_EMPTY))
        await process.killed()
        said = await world.ask(service, HISTORY)
        await restore(world, service, backup)
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


async def back_up(world: World, service: str) -> Path:
    """PostgreSQL's own backup of a service's database."""
    archive = world.folder / f"{service}.backup"
    await run(world, service, "pg_dump", "--format=custom", f"--file={archive}")
    return archive


async def restore(world: World, service: str, archive: Path) -> None:
    """The database as it was when the backup was taken, and nothing else."""
    url = world.admin_url_of(service)
    await asyncio.to_thread(empty_database, url)
    database = urlsplit(url).path.removeprefix("/")
    await run(world, service, "pg_restore", "--exit-on-error", f"--dbname={database}", str(archive))


async def run(world: World, service: str, program: str, *arguments: str) -> None:
    """Run one of PostgreSQL's programs as the administrator, on a service's database."""
    url = urlsplit(world.admin_url_of(service))
    where = {
        "PGHOST": url.hostname or "",
        "PGPORT": str(url.port),
        "PGUSER": url.username or "",
        "PGPASSWORD": url.password or "",
        "PGDATABASE": url.path.removeprefix("/"),
    }
    done = await asyncio.to_thread(
        subprocess.run,
        [str(postgres.programs() / program), *arguments],
        env={**os.environ, **where},
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
