"""A service on its way up, as it is seen from outside."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import msgspec

from services.messaging.process import Service, running
from services.messaging.settings import Settings
from tests.messaging.raw import until


@asynccontextmanager
async def starting(service: Service, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A service that is still on its way up, as seen over HTTP; stopped at the end."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = msgspec.structs.replace(settings, http_port=port)
    stop = asyncio.Event()

    async def run() -> None:
        async with running(service, settings):
            await stop.wait()

    task = asyncio.create_task(run())
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=20) as web:

        async def serves() -> bool:
            try:
                return (await web.get("/health/live")).status_code == 200
            except httpx.ConnectError:
                return False

        try:
            await until(serves)
            yield web
        finally:
            stop.set()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def says(web: httpx.AsyncClient, why: str) -> bool:
    """Whether the service gives this reason for not being ready."""
    ready = await web.get("/health/ready")
    return any(why in one["reason"] for one in ready.json()["troubles"])
