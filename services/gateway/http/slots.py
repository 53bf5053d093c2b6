"""GET /fhir/Slot: free slots of professionals (INT_R01), of those of CPTS (INT_R04)."""

import asyncio
from dataclasses import dataclass
from typing import Any

import msgspec
from litestar import Request, Response, get
from litestar.openapi.spec import OpenAPIType, Operation, Parameter, Schema

from services.gateway.domain.faults import Fault
from services.gateway.domain.search import Asked, read_search
from services.gateway.domain.serving import bundle
from services.gateway.http.doors import door
from services.gateway.http.metadata import base_of
from services.gateway.http.ordering import ANSWER_WITHIN_SECONDS, told
from services.gateway.http.outcomes import DOORS, MEDIA_TYPE, Told
from services.gateway.http.querying import parameters_of, query_of
from services.gateway.store import agendas, slots
from services.messaging.orders import read_instant

AnyRequest = Request[Any, Any, Any]
SLOTS_MAX = 10_000
PARAMETERS = {
    "start": "Deux fois : ge et le début, le et la fin de la période",
    "schedule.actor:Practitioner.identifier": "De 1 à 25 RPPS, séparés par des virgules",
    "status": "free",
    "_include": "Slot:schedule, Slot:service-type-reference",
    "_include:iterate": "Schedule:actor, HealthcareService:organization",
}
_encode = msgspec.json.Encoder().encode


@dataclass
class SearchOperation(Operation):
    """The query is read as it comes, so that the document has to be told of it."""

    def __post_init__(self) -> None:
        """Add the parameters."""
        self.parameters = [
            *(self.parameters or ()),
            *(
                Parameter(
                    name=name,
                    param_in="query",
                    schema=Schema(type=OpenAPIType.STRING),
                    description=description,
                    required=name in ("start", "schedule.actor:Practitioner.identifier"),
                )
                for name, description in PARAMETERS.items()
            ),
        ]


@get(f"{DOORS}/Slot", operation_class=SearchOperation, **door((400, 413, 503)))
async def search_slots(request: AnyRequest) -> Response[bytes]:
    """The free slots of professionals in a period, with what the includes ask for."""
    asked = read_search(parameters_of(request))
    if isinstance(asked, Fault):
        raise told(asked)
    async with asyncio.timeout(ANSWER_WITHIN_SECONDS):
        body = await _answer(request, asked)
    return Response(body, media_type=MEDIA_TYPE)


async def _answer(request: AnyRequest, asked: Asked) -> bytes:
    base = base_of(request)
    found, shown, cpts, members = [], {}, {}, []
    from_at = max(asked.from_at, read_instant(request))  # what has begun is not free
    if asked.rpps and asked.is_free and from_at <= asked.to_at:
        async with request.app.state.pool.acquire() as connection:
            found = await slots.free(connection, asked.rpps, from_at, asked.to_at, SLOTS_MAX + 1)
            if len(found) > SLOTS_MAX:
                text = f"La réponse dépasse {SLOTS_MAX} créneaux ; la période est à réduire."
                raise Told(413, "too_many_slots", text)
            if found:
                shown = await agendas.shown_of(connection, asked.rpps)
            if found and asked.is_cpts:
                cpts = await agendas.cpts_of(connection, asked.rpps)
                members = await agendas.memberships(connection, asked.rpps)
    url = f"{base}/Slot?{query_of(request)}"
    return _encode(bundle(asked, found, shown, cpts, members, base=base, self_url=url))
