"""What membership's orders share: the CPTS locked, events said, refusals."""

from collections.abc import Sequence
from datetime import date
from typing import Any, TypeVar

from contracts.events.membership import MembershipEvent
from contracts.recorded import record
from services.membership.domain import Cpts
from services.membership.domain.refusals import ABSENCES, Reason, Refusal, absent
from services.membership.store import loading
from services.messaging.orders import Answer, Order, Role
from services.messaging.problems import Refused

D = TypeVar("D")


def is_own_word(order: Order) -> bool:
    """Whether a CPTS says of itself what the caisse, the ARS or the system would have seen."""
    return order.role is Role.CPTS


def earliest_said(order: Order, cpts: Cpts) -> date | None:
    """The first day that an order may say of what a CPTS has; None for any.

    Of several CPTS the oldest membership counts (ADR 0009): none makes itself older alone.
    """
    return cpts.emerged_on if is_own_word(order) else None


async def locked_cpts(order: Order, cpts_id: str) -> Cpts:
    """The CPTS of an order, its row locked: sequences are given under it.

    Raises `Refused`: 403 when another CPTS gives the order, then 404 when unknown.
    """
    order.refuse_another_cpts(cpts_id)
    cpts = await loading.lock_cpts(order.unit.connection, cpts_id)
    return unless_refused(cpts or absent(Reason.UNKNOWN_CPTS, "La CPTS", cpts_id))


def unless_refused(decision: D | Refusal) -> D:
    """What was decided; raises `Refused` when it is a refusal: 404 for an absence, else 409."""
    if isinstance(decision, Refusal):
        status = 404 if decision.reason in ABSENCES else 409
        raise Refused(decision.reason.value, decision.detail, status=status, **decision.extension)
    return decision


async def announce(
    order: Order, events: Sequence[MembershipEvent], *, cpts_id: str, departement: str, after: int
) -> None:
    """Say the events of one CPTS, after its sequence `after`."""
    if events:
        await order.unit.announce(
            record(
                events,
                subject=cpts_id,
                after_sequence=after,
                departement=departement,
                occurred_at=order.instant,
                cause=order.cause,
            )
        )


async def announce_of(order: Order, cpts: Cpts, events: Sequence[MembershipEvent]) -> None:
    """Say the events of a locked CPTS."""
    await announce(
        order,
        events,
        cpts_id=cpts.cpts_id,
        departement=cpts.departement,
        after=cpts.sequence,
    )


def created(body: Any, *, is_new: bool) -> Answer:
    """The answer to an order that creates: 201, or 200 when nothing was left to do."""
    return Answer(body=body, status=201 if is_new else 200)
