"""`python -m services.console`."""

import asyncio
import logging
import signal

import uvloop

from services.console.app import console
from services.console.outside.settings import Settings, read_settings
from services.messaging.logs import set_up_logs

log = logging.getLogger(__name__)


async def serve(settings: Settings) -> None:
    """Run the console until SIGTERM or SIGINT."""
    stopped = asyncio.Event()
    for one in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(one, stopped.set)
    async with console(settings) as address:
        log.info("console serves at %s", address)
        await stopped.wait()


if __name__ == "__main__":
    set_up_logs("console")
    logging.getLogger("httpx").setLevel(logging.WARNING)  # a line a question
    uvloop.run(serve(read_settings()))
