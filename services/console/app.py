"""The wiring of the console: it asks, and it serves its page."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from litestar import Litestar
from litestar.datastructures import State

from services.console.http import FILES, HEADERS, ROUTES
from services.console.outside.asking import Asker
from services.console.outside.settings import Settings
from services.messaging import problems
from services.messaging.web import serving


@asynccontextmanager
async def console(settings: Settings) -> AsyncIterator[str]:
    """The console up; yields its address."""
    asker = Asker(settings)
    app = Litestar(
        [*ROUTES, FILES],
        openapi_config=None,
        exception_handlers=problems.HANDLERS,
        response_headers=HEADERS,
        logging_config=None,
        state=State({"asker": asker}),
    )
    async with serving(app, settings.http_host, settings.http_port) as address:
        asking = asyncio.create_task(asker.run())
        try:
            yield address
        finally:
            asking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await asking
            # Streams that are open would hold the server's end up.
            await asker.end()
