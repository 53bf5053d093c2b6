"""`read`: one resource by its id."""

import asyncio
from typing import Any

import msgspec
from litestar import Request, Response, get
from litestar.params import FromPath

from services.gateway.http.doors import door
from services.gateway.http.ordering import ANSWER_WITHIN_SECONDS
from services.gateway.http.outcomes import DOORS, MEDIA_TYPE, Told
from services.gateway.http.regulators import practitioner
from services.gateway.store import regulators

AnyRequest = Request[Any, Any, Any]


@get(f"{DOORS}/Practitioner/{{resource_id:str}}", **door())
async def read_practitioner(request: AnyRequest, resource_id: FromPath[str]) -> Response[bytes]:
    """The account of a regulator."""
    async with asyncio.timeout(ANSWER_WITHIN_SECONDS):
        account = await regulators.shown(request.app.state.pool, resource_id)
    if account is None:
        raise Told(404, "practitioner_unknown", "Aucun Practitioner n'a cet identifiant technique.")
    return Response(msgspec.json.encode(practitioner(resource_id, account)), media_type=MEDIA_TYPE)
