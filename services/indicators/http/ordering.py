"""What orders on the entries of a CPTS share: it is locked, an entry is put, figures recounted; and
how the answers tell who said an entry, and which of its evidence is missing.
"""

from collections.abc import Collection
from datetime import datetime
from typing import TypeVar

import msgspec
from litestar.openapi.datastructures import ResponseSpec

from contracts.events.indicators import IndicatorsEvent
from services.indicators.domain.declared import says_the_same
from services.indicators.domain.refusals import Refusal
from services.indicators.domain.rule import CountingRule
from services.indicators.handlers.recording import Said, declare, lock_cpts
from services.indicators.http.asking import refused
from services.indicators.store import entries
from services.indicators.store.entries import Known
from services.messaging.documents import also
from services.messaging.orders import Order

S = TypeVar("S", bound=msgspec.Struct)


class SaidBy(msgspec.Struct, frozen=True, kw_only=True):
    """Who said an entry as it stands, in which role, and when: null where it was not kept yet."""

    by_role: str | None
    said_by: str | None
    recorded_at: datetime


def said_by(known: Known) -> SaidBy:
    """Who said an entry, of an event that has its role."""
    event = known.event
    return SaidBy(by_role=event.by_role, said_by=event.said_by, recorded_at=known.recorded_at)


def as_said_in(order: Order, event: S) -> S:
    """An event that has its role, said by whoever gives the order."""
    return msgspec.structs.replace(event, by_role=order.role, said_by=order.person)


def order_of(event: msgspec.Struct, shape: type[S]) -> S:
    """An entry in the words of the order that recorded it."""
    told = msgspec.structs.asdict(event)
    return shape(**{name: told[name] for name in shape.__struct_fields__})


def missing_of(evidence_ids: Collection[str], missing: Collection[str]) -> tuple[str, ...]:
    """Those of an entry's pieces that are missing, in their order."""
    return tuple(one for one in evidence_ids if one in missing)


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
) -> tuple[Known, int]:
    """Records an entry of a locked CPTS as it is from now on. Answers it as it stands, said first
    by whoever said so, and the status: 201 new, 200 known.
    """
    found = await entries.known(order.unit.connection, type(event), [subject])
    present = found.get(subject)
    status = 201 if present is None else 200
    if present is not None and says_the_same(event, present.event):
        return present, status
    said = Said(subject=subject, departement=departement, event=event)
    await declare(rule, order.unit, [said], [cpts_id], order.cause)
    return Known(order.instant, event), status
