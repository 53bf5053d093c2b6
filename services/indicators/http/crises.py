"""Crises: the plan of a CPTS, the crises that the ARS recognises, what CPTS did in them."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any

import msgspec
from litestar import Response, get, post, put
from litestar.params import JSONBody

from contracts.departements import NATIONAL
from contracts.events.indicators import (
    CrisisPlanRecorded,
    CrisisRecognised,
    CrisisResponseRecorded,
)
from services.indicators.domain.crises import (
    check_crisis,
    check_plan,
    check_response,
    crisis_subject,
    plan_subject,
    response_subject,
)
from services.indicators.domain.days import local_day
from services.indicators.domain.declared import Why, says_the_same
from services.indicators.domain.owners import OWNERS
from services.indicators.domain.rule import CountingRule
from services.indicators.handlers.recording import Said, declare, lock_cpts
from services.indicators.http.asking import (
    Count,
    Evidence,
    HttpRequest,
    PathId,
    Professionals,
    Word,
    refuse_impossible_days,
    refused,
)
from services.indicators.http.ordering import (
    SaidBy,
    as_said_in,
    locked_departement,
    order_of,
    put_entry,
    recorded,
    said_by,
)
from services.indicators.store import declarations, entries
from services.indicators.store.entries import Known
from services.messaging.database import Connection
from services.messaging.orders import Answer, Order, carry_out
from services.messaging.pages import After, Limit, Page, page
from services.messaging.problems import not_found

JOIN_CRISIS = "crisis"
Typologies = Annotated[tuple[Word, ...], msgspec.Meta(min_length=1, max_length=10)]
Code = Annotated[str, msgspec.Meta(pattern=r"^[0-9AB]{2,3}$(?!\n)")]
Codes = Annotated[tuple[Code, ...], msgspec.Meta(min_length=1, max_length=120)]
Days = Annotated[tuple[date, ...], msgspec.Meta(max_length=100)]


class PlanOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A plan as it is from now on; `updated_on` are the days of all its updates, `reason` why it is
    corrected or withdrawn.
    """

    typologies: Typologies
    written_on: date
    sent_to_ars_on: date | None = None
    updated_on: Days = ()
    evidence_ids: Evidence = ()
    is_withdrawn: bool = False
    reason: Why | None = None

    def __post_init__(self) -> None:
        """Refuse days that no ACI can have."""
        refuse_impossible_days(self.written_on, self.sent_to_ars_on, *self.updated_on)


class PlanAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A plan as it is declared; `missing` are the pieces of evidence that name no file."""

    cpts_id: str
    plan: PlanOrder
    said: SaidBy
    missing: Sequence[str]


class CrisisOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A crisis as the ARS recognises it; `departements` are codes."""

    departements: Codes
    typology: Word
    from_on: date
    to_on: date | None = None
    is_withdrawn: bool = False
    reason: Why | None = None

    def __post_init__(self) -> None:
        """Refuse days that no ACI can have."""
        refuse_impossible_days(self.from_on, self.to_on)


class CrisisAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A crisis as it is recognised."""

    crisis_id: str
    crisis: CrisisOrder
    said: SaidBy


class ResponseOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a CPTS did in a crisis; `professionals` are the RPPS that it mobilised."""

    professionals: Professionals = ()
    actions_count: Count = 0
    evidence_ids: Evidence = ()
    is_withdrawn: bool = False
    reason: Why | None = None


class ResponseAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A response as it is declared; `missing` are the pieces of evidence that name no file."""

    cpts_id: str
    crisis_id: str
    response: ResponseOrder
    said: SaidBy
    missing: Sequence[str]


def _crisis(known: Known) -> CrisisAnswer:
    return CrisisAnswer(
        crisis_id=known.event.crisis_id,
        crisis=order_of(known.event, CrisisOrder),
        said=said_by(known),
    )


async def _plan(connection: Connection, known: Known) -> PlanAnswer:
    event = known.event
    return PlanAnswer(
        cpts_id=event.cpts_id,
        plan=order_of(event, PlanOrder),
        said=said_by(known),
        missing=await declarations.missing_evidence(connection, event.cpts_id, event.evidence_ids),
    )


async def _response(connection: Connection, known: Known) -> ResponseAnswer:
    event = known.event
    return ResponseAnswer(
        cpts_id=event.cpts_id,
        crisis_id=event.crisis_id,
        response=order_of(event, ResponseOrder),
        said=said_by(known),
        missing=await declarations.missing_evidence(connection, event.cpts_id, event.evidence_ids),
    )


@get("/crises")
async def show_crises(request: HttpRequest, after: After = "", limit: Limit = 100) -> Page:
    """The crises that the ARS recognised, withdrawn ones included, in order of their id."""
    async with request.app.state.pool.acquire() as connection:
        found = await entries.page(
            connection,
            CrisisRecognised,
            None,
            after=crisis_subject(after) if after else "",
            limit=limit,
        )
    items = [_crisis(one) for one in found]
    return page(items, limit, lambda last: last.crisis_id)


@get("/cpts/{cpts_id:str}/crisis-plan")
async def show_plan(request: HttpRequest, cpts_id: PathId) -> PlanAnswer:
    """The plan of a CPTS as it declared it."""
    subject = plan_subject(cpts_id)
    async with request.app.state.pool.acquire() as connection:
        found = await entries.known(connection, CrisisPlanRecorded, [subject])
        if subject not in found:
            raise not_found("Le plan de la CPTS", cpts_id)
        return await _plan(connection, found[subject])


@get("/cpts/{cpts_id:str}/crises/{crisis_id:str}/response")
async def show_response(request: HttpRequest, cpts_id: PathId, crisis_id: PathId) -> ResponseAnswer:
    """What a CPTS did in a crisis, as it declared it."""
    subject = response_subject(cpts_id, crisis_id)
    async with request.app.state.pool.acquire() as connection:
        found = await entries.known(connection, CrisisResponseRecorded, [subject])
        if subject not in found:
            raise not_found("La réponse de la CPTS", f"{cpts_id}/{crisis_id}")
        return await _response(connection, found[subject])


async def _recognise(rule: CountingRule, order: Order, event: CrisisRecognised) -> Answer:
    """Recognises a crisis and counts again every CPTS that responded to it."""
    connection = order.unit.connection
    await order.unit.lock_joins(JOIN_CRISIS, [event.crisis_id])
    refusal = check_crisis(event, rule=rule)
    if refusal is not None:
        raise refused(refusal)
    subject = crisis_subject(event.crisis_id)
    present = (await entries.known(connection, CrisisRecognised, [subject])).get(subject)
    if present is not None and says_the_same(event, present.event):
        return Answer(body=_crisis(present))
    ending = response_subject("", event.crisis_id)
    cpts_ids = await entries.cpts_with(connection, CrisisResponseRecorded, ending)
    await lock_cpts(order.unit, cpts_ids)
    said = Said(subject=subject, departement=NATIONAL, event=event)
    await declare(rule, order.unit, [said], cpts_ids, order.cause)
    body = _crisis(Known(order.instant, event))
    return Answer(body=body, status=201 if present is None else 200)


def _plan_route(rule: CountingRule) -> Any:
    @put("/cpts/{cpts_id:str}/crisis-plan", responses=recorded(PlanAnswer))
    async def put_plan(
        request: HttpRequest, cpts_id: PathId, data: JSONBody[PlanOrder]
    ) -> Response[PlanAnswer]:
        """Declares the plan of a CPTS, or what it is from now on."""
        event = CrisisPlanRecorded(
            cpts_id=cpts_id,
            typologies=tuple(sorted(set(data.typologies))),
            written_on=data.written_on,
            sent_to_ars_on=data.sent_to_ars_on,
            updated_on=tuple(sorted(set(data.updated_on))),
            evidence_ids=tuple(sorted(set(data.evidence_ids))),
            is_withdrawn=data.is_withdrawn,
            reason=data.reason,
        )

        async def body(order: Order) -> Answer:
            departement = await locked_departement(order, cpts_id)
            refusal = check_plan(event, rule=rule, today=local_day(order.instant))
            if refusal is not None:
                raise refused(refusal)
            subject = plan_subject(cpts_id)
            known, status = await put_entry(
                rule,
                order,
                cpts_id=cpts_id,
                subject=subject,
                departement=departement,
                event=as_said_in(order, event),
            )
            return Answer(body=await _plan(order.unit.connection, known), status=status)

        return await carry_out(request, OWNERS["put_plan"], body)

    return put_plan


def _crisis_route(rule: CountingRule) -> Any:
    @post("/crises/{crisis_id:str}", responses=recorded(CrisisAnswer), status_code=200)
    async def recognise_crisis(
        request: HttpRequest, crisis_id: PathId, data: JSONBody[CrisisOrder]
    ) -> Response[CrisisAnswer]:
        """Recognises a crisis, or corrects what was recognised."""
        event = CrisisRecognised(
            crisis_id=crisis_id,
            departements=tuple(sorted(set(data.departements))),
            typology=data.typology,
            from_on=data.from_on,
            to_on=data.to_on,
            is_withdrawn=data.is_withdrawn,
            reason=data.reason,
        )

        async def body(order: Order) -> Answer:
            return await _recognise(rule, order, as_said_in(order, event))

        return await carry_out(request, OWNERS["recognise_crisis"], body)

    return recognise_crisis


def _response_route(rule: CountingRule) -> Any:
    @put("/cpts/{cpts_id:str}/crises/{crisis_id:str}/response", responses=recorded(ResponseAnswer))
    async def put_response(
        request: HttpRequest, cpts_id: PathId, crisis_id: PathId, data: JSONBody[ResponseOrder]
    ) -> Response[ResponseAnswer]:
        """Declares what a CPTS did in a recognised crisis, or what it is from now on."""
        event = CrisisResponseRecorded(
            cpts_id=cpts_id,
            crisis_id=crisis_id,
            professionals=tuple(sorted(set(data.professionals))),
            actions_count=data.actions_count,
            evidence_ids=tuple(sorted(set(data.evidence_ids))),
            is_withdrawn=data.is_withdrawn,
            reason=data.reason,
        )

        async def body(order: Order) -> Answer:
            order.refuse_another_cpts(cpts_id)
            # Whoever recognises the crisis anew holds its row first, then those of the CPTS.
            await order.unit.lock_joins(JOIN_CRISIS, [crisis_id])
            departement = await locked_departement(order, cpts_id)
            subject = crisis_subject(crisis_id)
            found = await entries.present(order.unit.connection, CrisisRecognised, [subject])
            refusal = check_response(
                found.get(subject),
                departement=departement,
                is_withdrawn=data.is_withdrawn,
                today=local_day(order.instant),
            )
            if refusal is not None:
                raise refused(refusal)
            known, status = await put_entry(
                rule,
                order,
                cpts_id=cpts_id,
                subject=response_subject(cpts_id, crisis_id),
                departement=departement,
                event=as_said_in(order, event),
            )
            return Answer(body=await _response(order.unit.connection, known), status=status)

        return await carry_out(request, OWNERS["put_response"], body)

    return put_response


def make_routes(rule: CountingRule) -> tuple[Any, ...]:
    """The routes, some of which count by the rule."""
    orders = (_plan_route(rule), _crisis_route(rule), _response_route(rule))
    return (show_crises, show_plan, show_response, *orders)
