"""`read`: one resource by its id."""

import asyncio
import re
from collections.abc import Awaitable
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import msgspec
from litestar import Request, Response, get
from litestar.params import FromPath

from services.gateway.domain import serving
from services.gateway.domain.agendas import SlotType, local_day
from services.gateway.http.doors import door
from services.gateway.http.ordering import ANSWER_WITHIN_SECONDS
from services.gateway.http.outcomes import DOORS, MEDIA_TYPE, Told
from services.gateway.http.regulators import practitioner
from services.gateway.store import agendas, regulators, slots
from services.messaging.orders import read_instant

AnyRequest = Request[Any, Any, Any]
T = TypeVar("T")
_RPPS = re.compile(r"8[0-9]{11}")


@get(f"{DOORS}/Slot/{{resource_id:str}}", **door())
async def read_slot(request: AnyRequest, resource_id: FromPath[str]) -> Response[bytes]:
    """A slot that is free; one that is not, or has begun, is not there."""
    pool = request.app.state.pool
    slot = _there(await _soon(slots.free_one(pool, resource_id, read_instant(request))))
    agenda = _there(await _soon(agendas.shown(pool, slot.agenda_id)))
    rpps = [agenda.practitioner_rpps]
    zone = ZoneInfo(agenda.time_zone)
    day = local_day(slot.starts_at, agenda.time_zone)
    own = serving.own_cpts(
        slot.offer,
        agenda.practitioner_rpps,
        day,
        await _soon(agendas.cpts_of(pool, rpps)),
        await _soon(agendas.memberships(pool, rpps)),
    )
    is_cpts = SlotType.CPTS in slot.offer.slot_types
    shape = _there(serving.shape_of(agenda, slot.offer, own, is_cpts=is_cpts))
    return _answer(serving.slot_in(shape, slot, zone))


@get(f"{DOORS}/Schedule/{{resource_id:str}}", **door())
async def read_schedule(request: AnyRequest, resource_id: FromPath[str]) -> Response[bytes]:
    """The agenda of a professional at a place."""
    found = await _soon(agendas.shown(request.app.state.pool, resource_id))
    return _answer(serving.schedule(_there(found)))


@get(f"{DOORS}/PractitionerRole/{{resource_id:str}}", **door())
async def read_role(request: AnyRequest, resource_id: FromPath[str]) -> Response[bytes]:
    """A professional at a place."""
    found = await _soon(agendas.shown(request.app.state.pool, resource_id))
    return _answer(serving.role(_there(found)))


@get(f"{DOORS}/Practitioner/{{resource_id:str}}", **door())
async def read_practitioner(request: AnyRequest, resource_id: FromPath[str]) -> Response[bytes]:
    """A professional who has an agenda, or the account of a regulator."""
    pool = request.app.state.pool
    if _RPPS.fullmatch(resource_id):
        shown = await _soon(agendas.shown_of(pool, [resource_id]))
        return _answer(serving.practitioner(_there(next(iter(shown.values()), None))))
    account = _there(await _soon(regulators.shown(pool, resource_id)))
    return _answer(practitioner(resource_id, account))


@get(f"{DOORS}/HealthcareService/{{resource_id:str}}", **door())
async def read_service(request: AnyRequest, resource_id: FromPath[str]) -> Response[bytes]:
    """That slots are of a CPTS, by its FINESS."""
    found = await _soon(agendas.cpts_by_finess(request.app.state.pool, resource_id))
    return _answer(serving.service(_there(found)))


@get(f"{DOORS}/Organization/{{resource_id:str}}", **door())
async def read_organization(request: AnyRequest, resource_id: FromPath[str]) -> Response[bytes]:
    """A CPTS, by its FINESS."""
    found = await _soon(agendas.cpts_by_finess(request.app.state.pool, resource_id))
    return _answer(serving.organization(_there(found)))


READS = (read_slot, read_schedule, read_role, read_practitioner, read_service, read_organization)


async def _soon(question: Awaitable[T]) -> T:
    """The answer to a question. TimeoutError when the database is slow."""
    async with asyncio.timeout(ANSWER_WITHIN_SECONDS):
        return await question


def _there(found: T | None) -> T:
    """What was found; raises a 404 otherwise."""
    if found is None:
        text = "Aucune ressource de ce type n'a cet identifiant technique."
        raise Told(404, "resource_unknown", text)
    return found


def _answer(resource: Any) -> Response[bytes]:
    return Response(msgspec.json.encode(resource), media_type=MEDIA_TYPE)
