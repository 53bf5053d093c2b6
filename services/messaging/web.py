"""A service's HTTP application, and the server that it runs under."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, cast

import uvicorn
from litestar import Litestar
from litestar.datastructures import State
from litestar.openapi import OpenAPIConfig
from litestar.types import ASGIApp, Receive, Scope, Send

from services.messaging import problems
from services.messaging.clock import Clock
from services.messaging.database import Pool
from services.messaging.documents import documented, labels_of
from services.messaging.problems import NOT_READY, Refused
from services.messaging.routes import ROUTES
from services.messaging.scraping import Scraper
from services.messaging.telemetry import trace_requests

if TYPE_CHECKING:
    from services.messaging.running import Running


ALWAYS = ("/health/", "/metrics")


def hold_until_prepared(running: "Running") -> Callable[[ASGIApp], ASGIApp]:
    """Answers 503 to all but health and metrics until schema and topics are as they must be."""

    def hold(app: ASGIApp) -> ASGIApp:
        async def held(scope: Scope, receive: Receive, send: Send) -> None:
            if running.hearing is None and not scope["path"].startswith(ALWAYS):
                raise Refused("not_ready", NOT_READY, status=503)
            await app(scope, receive, send)

        return held

    return hold


def make_app(running: "Running", reading: Pool, clock: Clock) -> Litestar:
    """The service's HTTP application. Questions are asked over `reading`, the state's `pool`."""
    return Litestar(
        documented([*ROUTES, *running.service.routes], labels_of(running.service.labels)),
        openapi_config=OpenAPIConfig(title=running.service.name, version="1"),
        exception_handlers={**problems.HANDLERS, **running.service.on_errors},
        middleware=[trace_requests, hold_until_prepared(running)],
        logging_config=None,
        state=State(
            {
                "running": running,
                "pool": reading,
                "desk": running.desk,
                "health": running.health,
                "clock": clock,
                "scraper": Scraper(running, reading, clock),
            }
        ),
    )


@asynccontextmanager
async def serving(app: ASGIApp, host: str, port: int, **options: Any) -> AsyncIterator[str]:
    """HTTP up; yields its address. At the end, requests under way are finished.

    `options` are further ones of `uvicorn.Config`; with a context of TLS it is HTTPS.
    """
    listening = socket.create_server((host, port), backlog=1024)
    # asyncio sets it on sockets of its own only; the connections inherit it.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    config = uvicorn.Config(
        cast("Any", app),
        lifespan="off",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=10,
        **options,
    )
    server = uvicorn.Server(config)
    server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign,assignment]
    task = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        host, port = listening.getsockname()[:2]
        yield f"{'https' if config.is_ssl else 'http'}://{host}:{port}"
    finally:
        server.should_exit = True
        await task
