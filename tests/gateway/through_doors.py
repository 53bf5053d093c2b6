"""The doors over real TLS sockets, before an application that says who was let in."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx

from deploy.local import certs
from services.gateway.http.entrance import Entrance
from services.gateway.outside.doors import read_doors
from services.messaging.web import serving

LOCAL = "127.0.0.1"


def context_of(folder: Path, client: str | None = "platform") -> ssl.SSLContext:
    """What a client trusts, and the certificate that it shows."""
    context = ssl.create_default_context(cafile=folder / "authority.pem")
    if client is not None:
        context.load_cert_chain(folder / f"{client}.pem", folder / f"{client}.key")
    return context


async def greet(scope: Any, receive: Any, send: Any) -> None:
    """An application behind the entrance."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"inside"})


@asynccontextmanager
async def doors_in(folder: Path, app: Any = greet, **rate: float) -> AsyncIterator[Any]:
    """The doors, open at `more_addresses["doors"]`; the plain listener at `address`."""
    path = certs.make(folder, port=0)
    if rate:
        text = "".join(f"{name} = {value}\n" for name, value in rate.items())
        path.write_text(path.read_text("utf-8") + text, "utf-8")
    entrance = Entrance(read_doors({"CPTS_DOORS": str(path)}), is_insecure_demo=False)
    run: Any = SimpleNamespace(app=entrance.around(app), address="", more_addresses={})
    async with serving(run.app, LOCAL, 0) as run.address, entrance.listen(run):
        yield run


@asynccontextmanager
async def caller(
    run: Any, folder: Path, client: str | None = "platform", context: ssl.SSLContext | None = None
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the doors, over connections that stay open."""
    verify = context or context_of(folder, client)
    address = run.more_addresses["doors"]
    async with httpx.AsyncClient(base_url=address, verify=verify, trust_env=False) as one:
        yield one
