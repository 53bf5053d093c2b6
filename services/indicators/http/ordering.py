"""What orders on the entries of a CPTS share: it is locked, an entry is put, figures recounted."""

from typing import TypeVar

import msgspec
from litestar.openapi.datastructures import ResponseSpec

from contracts.events.indicators import IndicatorsEvent
from services.indicators.domain.refusals import Refusal
from services.indicators.domain.rule import CountingRule
from services.indicators.handlers.recording import Said, declare, lock_cpts
from services.indicators.http.asking import refused
from services.indicators.store import entries
from services.messaging.documents import also
from services.messaging.orders import Order

S = TypeVar("S", bound=msgspec.Struct)


def recorded(shape: type[S]) -> dict[int, ResponseSpec]:
    """For the document: the answer to an order that records what was not known."""
    return also(201, shape, "Enregistré pour la première fois")


async def locked_departement(order: Order, cpts_id: str) -> str:
    """The key of an order's CPTS, which is locked.

    Raises `Refused`: 403 when another CPTS gives the order, then 404 when unknown.
    """
    order.refuse_another_cpts(cpts_id)
    departement = (await lock_cpts(order.unit, [cpts_id])).get(cpts_id)
    if departement is None:
        raise refused(Refusal.UNKNOWN_CPTS)
    return departement


async def put_entry(
    rule: CountingRule,
    order: Order,
    *,
    cpts_id: str,
    subject: str,
    departement: str,
    event: IndicatorsEvent,
) -> int:
    """Records an entry of a locked CPTS as it is from now on; the status: 201 new, 200 known."""
    found = await entries.present(order.unit.connection, type(event), [subject])
    present = found.get(subject)
    if present != event:
        said = Said(subject=subject, departement=departement, event=event)
        await declare(rule, order.unit, [said], [cpts_id], order.cause)
    return 200 if present is not None else 201
