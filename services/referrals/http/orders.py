"""Orders about a referral: accept, decline, return, honoured, no-show, cancel, move."""

from collections.abc import Callable, Collection
from datetime import UTC
from typing import Any

from litestar import Request, Response, post
from litestar.exceptions import ValidationException
from litestar.params import FromPath, JSONBody

from contracts.recorded import record
from services.messaging.orders import Answer, Order, Role, carry_out
from services.messaging.problems import Refused, not_found
from services.referrals.domain import orders as domain
from services.referrals.domain import waiting
from services.referrals.domain.owners import OWNERS
from services.referrals.domain.referral import Events, Referral, evolve
from services.referrals.domain.refusal import Refusal
from services.referrals.domain.territory import local_day
from services.referrals.handlers import let_territories_begin
from services.referrals.http.bodies import (
    Acceptance,
    Cancelling,
    Locating,
    Moving,
    Refusing,
    Reporting,
    Returning,
)
from services.referrals.store import membership, referrals
from services.referrals.store.parameters import answer_within, move_within

AnyRequest = Request[Any, Any, Any]

# Who says one of the other side's would lay its own act at the other's door.
OF_THE_REGULATION = frozenset({domain.Side.REGULATION, domain.ReturnReason.BY_REGULATION})
OF_THE_CPTS = frozenset({domain.Side.CPTS, domain.ReturnReason.BY_CPTS})


@post("/referrals/{referral_id:str}/accept", status_code=200)
async def accept(
    request: AnyRequest, referral_id: FromPath[str], data: JSONBody[Acceptance]
) -> Response[Referral]:
    """Accept a demand with an appointment, given by a member of the CPTS."""

    def made(*, is_member: bool) -> domain.Accept:
        return domain.Accept(
            cpts_id=data.cpts_id,
            practitioner_rpps=data.practitioner_rpps,
            starts_at=data.starts_at.astimezone(UTC),
            is_member=is_member,
        )

    return await _order(
        request,
        OWNERS["accept"],
        referral_id,
        made,
        cpts_id=data.cpts_id,
        rpps=data.practitioner_rpps,
    )


@post("/referrals/{referral_id:str}/decline", status_code=200)
async def decline(
    request: AnyRequest, referral_id: FromPath[str], data: JSONBody[Refusing]
) -> Response[Referral]:
    """Decline a demand, with a coded reason."""
    order = domain.Decline(cpts_id=data.cpts_id, reason=data.reason)
    return await _order(
        request, OWNERS["decline"], referral_id, _always(order), cpts_id=data.cpts_id
    )


@post("/referrals/{referral_id:str}/return", status_code=200)
async def give_back(
    request: AnyRequest, referral_id: FromPath[str], data: JSONBody[Returning]
) -> Response[Referral]:
    """Give a demand back to the regulation; its appointment, if any, no longer stands."""
    order = domain.Return(reason=data.reason)
    return await _order(request, OWNERS["give_back"], referral_id, _always(order), says=data.reason)


@post("/referrals/{referral_id:str}/part", status_code=200)
async def locate(
    request: AnyRequest, referral_id: FromPath[str], data: JSONBody[Locating]
) -> Response[Referral]:
    """Tell the part of the commune, or the arrondissement of the city, that a held demand needs."""
    if (data.part is None) == (data.commune is None):
        raise ValidationException("part, commune : l'un des deux, et un seul")
    return await carry_out(
        request,
        OWNERS["locate"],
        lambda order: locate_in(order, referral_id, data),
    )


async def locate_in(order: Order, referral_id: str, body: Locating) -> Answer:
    """Locate a demand in an order's transaction; raises `Refused`, or a 404."""
    referral, _ = await _locked(order, referral_id)
    connection = order.unit.connection
    decided = waiting.locate(
        referral,
        await membership.entries_of(connection, [waiting.place_key_of(referral)]),
        commune=body.commune,
        part=body.part,
        instant=order.instant,
        answer_within=answer_within(),
    )
    return await _carried(order, referral, decided)


@post("/referrals/{referral_id:str}/honoured", status_code=200)
async def honoured(
    request: AnyRequest,
    referral_id: FromPath[str],
    data: JSONBody[Reporting],  # noqa: ARG001 - refuses unknown fields
) -> Response[Referral]:
    """Report that the appointment took place."""
    return await _order(request, OWNERS["honoured"], referral_id, _always(domain.ReportHonoured()))


@post("/referrals/{referral_id:str}/no-show", status_code=200)
async def no_show(
    request: AnyRequest,
    referral_id: FromPath[str],
    data: JSONBody[Reporting],  # noqa: ARG001 - refuses unknown fields
) -> Response[Referral]:
    """Report that nobody came to the appointment."""
    return await _order(request, OWNERS["no_show"], referral_id, _always(domain.ReportMissed()))


@post("/referrals/{referral_id:str}/cancel", status_code=200)
async def cancel(
    request: AnyRequest, referral_id: FromPath[str], data: JSONBody[Cancelling]
) -> Response[Referral]:
    """Cancel the appointment; say which side does."""
    order = domain.Cancel(by=data.by)
    return await _order(request, OWNERS["cancel"], referral_id, _always(order), says=data.by)


@post("/referrals/{referral_id:str}/move", status_code=200)
async def move(
    request: AnyRequest, referral_id: FromPath[str], data: JSONBody[Moving]
) -> Response[Referral]:
    """Move the appointment to another time, another practitioner, or both."""

    async def moved(order: Order) -> Answer:
        def made(*, is_member: bool) -> domain.Move:
            return domain.Move(
                starts_at=data.starts_at and data.starts_at.astimezone(UTC),
                practitioner_rpps=data.practitioner_rpps,
                is_member=is_member or data.practitioner_rpps is None,
                within=move_within(local_day(order.instant)),
            )

        return await carried_order(order, referral_id, made, rpps=data.practitioner_rpps)

    return await carry_out(request, OWNERS["move"], moved)


ORDERS = (accept, decline, give_back, locate, honoured, no_show, cancel, move)


def _always(order: domain.Order) -> Callable[..., domain.Order]:
    def made(*, is_member: bool) -> domain.Order:  # noqa: ARG001 - nobody's membership matters
        return order

    return made


async def _order(
    request: AnyRequest,
    roles: Collection[Role],
    referral_id: str,
    made: Callable[..., domain.Order],
    *,
    cpts_id: str | None = None,
    rpps: str | None = None,
    says: str | None = None,
) -> Response[Referral]:
    return await carry_out(
        request,
        roles,
        lambda order: carried_order(
            order, referral_id, made, cpts_id=cpts_id, rpps=rpps, says=says
        ),
    )


async def carried_order(
    order: Order,
    referral_id: str,
    made: Callable[..., domain.Order],
    *,
    cpts_id: str | None = None,
    rpps: str | None = None,
    says: str | None = None,
) -> Answer:
    """Lock, decide, announce; the answer is the referral's new state.

    `made` gives the order once it is known whether `rpps` is a member that day of the CPTS (of
    the one that holds the referral when none is given). `says` is its reason or side, if it has
    one. Raises a 404, then `Refused` (403) by who may order this, then by what is so.
    """
    referral, is_member = await _locked(order, referral_id, cpts_id=cpts_id, rpps=rpps)
    if order.role is Role.CPTS and says in OF_THE_REGULATION:
        raise Refused(
            "not_the_acting_side", "Une CPTS ne parle pas au nom de la régulation.", status=403
        )
    if order.role is Role.REGULATION and says in OF_THE_CPTS:
        raise Refused(
            "not_the_acting_side", "La régulation ne parle pas au nom d'une CPTS.", status=403
        )
    return await _carried(
        order, referral, domain.decide(referral, made(is_member=is_member), order.instant)
    )


async def _locked(
    order: Order, referral_id: str, *, cpts_id: str | None = None, rpps: str | None = None
) -> tuple[Referral, bool]:
    """The referral, locked, as time has made it until the order's instant; and whether `rpps` is a
    member. Raises a 404, then `Refused` (403) when the order is of another CPTS.
    """
    referral, is_member = await referrals.lock(
        order.unit.connection,
        referral_id,
        cpts_id=cpts_id,
        rpps=rpps,
        day=local_day(order.instant),
    )
    if referral is None:
        raise not_found("La demande", referral_id)
    for begun in await let_territories_begin(order.unit, [referral], order.instant):
        referral = evolve(referral, begun)
    order.refuse_another_cpts(referral.cpts_id)
    if cpts_id is not None:
        order.refuse_another_cpts(cpts_id)
    return referral, is_member


async def _carried(order: Order, referral: Referral, decided: Events | Refusal) -> Answer:
    """Announce what was decided; raises `Refused`."""
    if isinstance(decided, Refusal):
        raise Refused(decided.value, decided.label)
    recorded = record(
        decided,
        subject=referral.referral_id,
        after_sequence=referral.sequence,
        departement=referral.departement,
        occurred_at=order.instant,
        cause=order.cause,
    )
    await order.unit.announce(recorded)
    for one in recorded:
        referral = evolve(referral, one)
    return Answer(body=referral)
