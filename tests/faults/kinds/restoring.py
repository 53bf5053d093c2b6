"""A database that is lost and comes back from an older backup, while the others go on."""

import asyncio
from collections import Counter
from random import Random

from deploy.local import archive
from tests.faults.field import Evidence, Field, pause
from tests.faults.play import Wrong
from tests.faults.process import until
from tests.faults.restore_scenarios import HISTORY
from tests.faults.starting import OUTBOX_IS_EMPTY


async def restored_from_a_backup(field: Field, on: str, random: Random) -> Evidence:
    """The backup is taken under load; what was said since has left for the log.

    What had not would be lost with the database, which only a synchronous replica prevents.
    """
    world, driver = field.world, field.driver
    process = world.processes[on]
    url = world.database_urls[on]
    backup = (await asyncio.to_thread(archive.dump, on, url, world.folder)).file
    await pause(random, 1, 3)
    driver.is_free.clear()
    try:

        async def is_answered() -> bool:
            return driver.under_way == 0

        await until("all is answered", is_answered)
        await field.chain.all_heard()
        await until("all has left", lambda: field.ask(on, OUTBOX_IS_EMPTY))
        await process.killed()
        said = await field.ask(on, HISTORY)
        path = world.folder / backup.name
        await asyncio.to_thread(archive.load, path, world.admin_url, url)
        kept = await field.ask(on, HISTORY)
        field.start(process)
        await process.ready()
        back = await field.ask(on, HISTORY)
    finally:
        driver.is_free.set()
    if back < said:
        raise Wrong(f"{on} had said {said} events and says {back} once restored")
    return +Counter({"lost_with_the_database": said - kept})
