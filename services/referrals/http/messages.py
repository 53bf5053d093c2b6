"""POST /sas/messages: what the SAS platform tells about appointments, as the Hub Santé sends it.

Answers carry the Hub's codes. The same `distributionID` gives the first answer exactly. Bodies hold
names of professionals: they are kept for a time in one table, and neither logged nor answered.
"""

from dataclasses import dataclass
from typing import Any

import msgspec
from litestar import Request, Response, post
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIType, RequestBody, Schema

from contracts.recorded import Recorded, record
from services.messaging.documents import OrderOperation
from services.messaging.orders import REPLAY_HEADER, Answer, Order, carry_out
from services.messaging.problems import MEDIA_TYPE, problem_body
from services.referrals.domain.hub_message import (
    HubCode,
    HubMessage,
    HubRefusal,
)
from services.referrals.domain.hub_reading import read_message
from services.referrals.domain.hub_schema import ENVELOPE_NAMES
from services.referrals.domain.owners import OWNERS
from services.referrals.domain.platform_appointment import (
    AlreadyKnown,
    PlatformAppointment,
    Taken,
    is_our_id,
    take,
)
from services.referrals.domain.referral import MESSAGE_CAUSE, Referral
from services.referrals.domain.territory import local_day
from services.referrals.store import membership, platform, referrals
from services.referrals.store.parameters import clock_tolerance

UNREADABLE_STATUS = 400
REFUSED_STATUS = 422
CONFLICT_STATUS = 409


class MessageAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of a valid message. `hub_code` is None, as the Hub's success has none."""

    outcome: str
    distribution_id: str
    appointment_id: str
    hub_code: int | None = None


@dataclass
class MessageOperation(OrderOperation):
    """The body is read as it comes, so that the document has to be told of it."""

    def __post_init__(self) -> None:
        """Add the two forms of a message."""
        super().__post_init__()
        forms = [
            Schema(
                type=OpenAPIType.OBJECT,
                title="EDXL-DE",
                description="L'enveloppe, avec un en-tête RC-DE et un contenu RS-SAS-RDV",
                required=sorted(ENVELOPE_NAMES),
            ),
            Schema(
                type=OpenAPIType.OBJECT,
                title="RS-SAS-RDV",
                description="Le rendez-vous seul ; l'émetteur est alors fr.health.ptfsas",
                required=["appointment"],
            ),
        ]
        content = {"application/json": OpenAPIMediaType(schema=Schema(one_of=forms))}
        self.request_body = RequestBody(content=content, required=True)


@post("/sas/messages", status_code=200, operation_class=MessageOperation)
async def hear_message(request: Request[Any, Any, Any]) -> Response[MessageAnswer]:
    """Take an EDXL-DE envelope with an RS-SAS-RDV content, or a bare `{"appointment": …}`."""
    body = await request.body()
    return await carry_out(request, OWNERS["hear_message"], lambda order: _hear(order, body))


async def _hear(order: Order, body: bytes) -> Answer:
    message = read_message(body, received_at=order.instant, tolerance=clock_tolerance())
    connection = order.unit.connection
    if isinstance(message, HubRefusal):
        # Whatever is wrong with it now: what the sender was told the first time still holds.
        if message.is_from_sender and message.distribution_id:
            first = await platform.find_message(connection, message.distribution_id)
            if first is not None:
                return _again(first)
        await platform.keep_message(
            connection,
            distribution_id=message.distribution_id,
            received_at=order.instant,
            outcome="invalid",
            hub_code=message.code,
            reasons=message.reasons,
        )
        return _refusal(message.code, message.distribution_id, list(message.reasons))
    appointment_id = message.appointment.appointment_id
    await order.unit.lock_joins("appointment", [appointment_id])
    if first := await platform.find_message(connection, message.distribution_id):
        return _again(first)
    referral = None
    if is_our_id(appointment_id):
        referral, _ = await referrals.lock(connection, appointment_id)
    known = await platform.load(connection, [appointment_id])
    taken = take(message, referral=referral, appointment=known[0] if known else None)
    is_refused = isinstance(taken, AlreadyKnown)
    await platform.keep_message(
        connection,
        distribution_id=message.distribution_id,
        received_at=order.instant,
        outcome="refused" if isinstance(taken, AlreadyKnown) else taken.outcome,
        hub_code=HubCode.CASE_ALREADY_EXISTS if is_refused else None,
        appointment_id=appointment_id,
        body=None if is_refused else body,
        notes=message.notes,
    )
    if isinstance(taken, AlreadyKnown):
        return _refusal(HubCode.CASE_ALREADY_EXISTS, message.distribution_id, [])
    appointment = known[0] if known else None
    await order.unit.announce(await _recorded(order, message, taken, referral, appointment))
    return _answer(taken.outcome, message.distribution_id, appointment_id)


async def _recorded(
    order: Order,
    message: HubMessage,
    taken: Taken,
    referral: Referral | None,
    appointment: PlatformAppointment | None,
) -> list[Recorded[Any]]:
    """The events of a message taken, dated by when it was sent and caused by it."""
    cause = msgspec.structs.replace(order.cause, id=f"{MESSAGE_CAUSE}{message.distribution_id}")
    if referral is not None:
        return record(
            taken.on_referral,
            subject=referral.referral_id,
            after_sequence=referral.sequence,
            departement=referral.departement,
            occurred_at=message.sent_at,
            cause=cause,
        )
    if taken.reported is None:
        return []
    return record(
        [taken.reported],
        subject=taken.reported.appointment_id,
        after_sequence=appointment.sequence if appointment else 0,
        departement=appointment.departement if appointment else await _key(order, message),
        occurred_at=message.sent_at,
        cause=cause,
    )


async def _key(order: Order, message: HubMessage) -> str:
    """The département that keeps a new appointment's events in order, for ever."""
    told = message.appointment
    return await membership.departement_of_organisation(
        order.unit.connection,
        finess=told.finess,
        rpps=told.rpps,
        day=local_day(told.created_at),
    )


def _answer(outcome: str, distribution_id: str | None, appointment_id: str | None) -> Answer:
    return Answer(
        body={
            "outcome": outcome,
            "hub_code": None,
            "distribution_id": distribution_id,
            "appointment_id": appointment_id,
        }
    )


def _again(first: platform.KeptMessage) -> Answer:
    """The first answer to the same message, and a header that says that it is one."""
    if first.hub_code is None:
        answer = _answer(first.outcome, first.distribution_id, first.appointment_id)
    else:
        answer = _refusal(HubCode(first.hub_code), first.distribution_id, first.reasons)
    return msgspec.structs.replace(
        answer, headers={**(answer.headers or {}), REPLAY_HEADER: "true"}
    )


def _refusal(code: HubCode, distribution_id: str | None, reasons: list[str]) -> Answer:
    """A problem (RFC 9457) that carries the Hub's code. An answer, so that the refusal is kept."""
    status = {
        HubCode.UNRECOGNIZED_MESSAGE_FORMAT: UNREADABLE_STATUS,
        HubCode.CASE_ALREADY_EXISTS: CONFLICT_STATUS,
    }.get(code, REFUSED_STATUS)
    told = {
        "hub_code": code.value,
        "hub_status": code.name,
        "reasons": reasons,
        "distribution_id": distribution_id,
    }
    return Answer(
        body=problem_body(status, code.label, reason=code.name.lower(), **told),
        status=status,
        headers={"Content-Type": MEDIA_TYPE},
    )
