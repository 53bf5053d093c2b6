"""POST /agendas/{agenda_id}/import: slots from an iCalendar file or a CSV, whole or not at all."""

import asyncio
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, post
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIType, RequestBody, Schema
from litestar.params import FromQuery, QueryParameter

from contracts.events.gateway import Offer
from services.gateway.domain.agendas import Agenda, Origin, replaced
from services.gateway.domain.files import (
    FILE_BYTES_MAX,
    READ_AHEAD,
    Unreadable,
    read_calendar,
    read_csv,
)
from services.gateway.domain.owners import OWNERS
from services.gateway.domain.refusals import Refusal
from services.gateway.http.agenda_bodies import PathId
from services.gateway.http.agendas import (
    AGENDA,
    Done,
    announced,
    locked,
    refuse_wanted,
    refused,
)
from services.gateway.store import slots
from services.messaging.documents import OrderOperation
from services.messaging.orders import Answer, Order, carry_out, read_role
from services.messaging.problems import Refused

AnyRequest = Request[Any, Any, Any]
CALENDAR, CSV = "text/calendar", "text/csv"


@dataclass
class ImportOperation(OrderOperation):
    """The body is read as it comes, so that the document has to be told of it."""

    def __post_init__(self) -> None:
        """Add the two formats."""
        super().__post_init__()
        text = OpenAPIMediaType(schema=Schema(type=OpenAPIType.STRING))
        self.request_body = RequestBody(content={CALENDAR: text, CSV: text}, required=True)


@post(f"{AGENDA}/import", status_code=200, operation_class=ImportOperation)
async def import_slots(
    request: AnyRequest,
    agenda_id: PathId,
    slot_types: FromQuery[str] = "PUBLIC",
    consultations: FromQuery[str] = "AMB",
    cpts_ids: FromQuery[str] = "",
    capacity: Annotated[int, QueryParameter(ge=1, le=100)] = 1,
    overbooking: Annotated[int, QueryParameter(ge=0, le=100)] = 0,
    minutes: Annotated[int | None, QueryParameter(ge=5, le=480)] = None,
) -> Response[Done]:
    """Make the imported slots of an agenda, from now on, those of a file.

    What the file leaves out is as the parameters say. Slots of another origin stay.
    """
    read_role(request, OWNERS["import_slots"])
    content = await request.body()
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type not in (CALENDAR, CSV):
        text = f"Le fichier est en {CALENDAR} ou en {CSV}."
        raise Refused("format_not_supported", text, status=415)
    if len(content) > FILE_BYTES_MAX:
        text = f"Le fichier dépasse {FILE_BYTES_MAX} octets."
        raise Refused("file_too_large", text, status=413)
    offer = Offer(
        slot_types=_words(slot_types),
        consultations=_words(consultations),
        cpts_ids=_words(cpts_ids),
        capacity=capacity,
        overbooking=overbooking,
    )

    async def work(order: Order) -> Answer:
        agenda = await locked(order, agenda_id)
        wanted = await _read(media_type, content, offer, minutes, agenda, order)
        await refuse_wanted(order, agenda, wanted)
        known = await slots.open_from(order.unit.connection, agenda_id, order.instant)
        return await announced(order, agenda, replaced(agenda_id, Origin.FILE, wanted, known))

    return await carry_out(request, OWNERS["import_slots"], work)


async def _read(
    media_type: str, content: bytes, offer: Offer, minutes: int | None, agenda: Agenda, order: Order
) -> Any:
    """The slots of the file, read beside the requests under way. Raises `Refused`."""
    now = order.instant
    try:
        if media_type == CSV:
            return await asyncio.to_thread(read_csv, content, offer=offer, zone=agenda.time_zone)
        return await asyncio.to_thread(
            read_calendar,
            content,
            offer=offer,
            minutes=minutes,
            zone=agenda.time_zone,
            after=now,
            until=now + READ_AHEAD,
        )
    except Unreadable as error:
        faults = msgspec.to_builtins(error.faults)
        raise refused(Refusal.FILE_UNREADABLE, status=422, rows=faults) from error


def _words(text: str) -> tuple[str, ...]:
    return tuple(word for word in text.replace(",", " ").split() if word)
