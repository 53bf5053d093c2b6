"""What the orders about money that moves share: whose they are, refusals, events said."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from contracts.departements import PARIS_TIME
from contracts.recorded import record
from services.messaging.orders import Order
from services.messaging.problems import Refused
from services.payments.domain.money_refusals import ABSENCES, MONEY_REFUSAL_TEXTS, MoneyRefusal
from services.payments.store import inputs, postings


def paris_day(instant: datetime) -> date:
    """The day in Paris of an instant."""
    return instant.astimezone(ZoneInfo(PARIS_TIME)).date()


async def departement_of(order: Order, cpts_id: str) -> str:
    """The key of the CPTS that an order is about.

    Raises `Refused`: 403 when another CPTS gives the order, then 404 when unknown.
    """
    order.refuse_another_cpts(cpts_id)
    departement = await inputs.departement_of_cpts(order.unit.connection, cpts_id)
    if departement is None:
        raise refused(MoneyRefusal.UNKNOWN_CPTS)
    return departement


def refused(reason: MoneyRefusal, extension: Mapping[str, Any] | None = None) -> Refused:
    """The problem that answers a refused order: 404 for what is unknown, else 409."""
    status = 404 if reason in ABSENCES else 409
    return Refused(reason.value, MONEY_REFUSAL_TEXTS[reason], status=status, **(extension or {}))


async def announce(
    order: Order, events: Sequence[msgspec.Struct], *, subject: str, departement: str
) -> None:
    """Says the next events of an aggregate; its join row is held."""
    await order.unit.announce(
        record(
            events,
            subject=subject,
            after_sequence=await postings.last_sequence(order.unit.connection, subject),
            departement=departement,
            occurred_at=order.instant,
            cause=order.cause,
        )
    )
