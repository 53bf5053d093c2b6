"""The worklist of doubtful attributions, what each case rests on, and the decisions about it."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any

import msgspec
from litestar import Response, get, post
from litestar.params import FromQuery, JSONBody, QueryParameter

from contracts.events.indicators import AttributionDecided
from services.indicators.domain.appointments import Doubt, Outcome, State
from services.indicators.domain.deciding import Asked, Decision, Why, decide, decision_subject
from services.indicators.domain.owners import OWNERS
from services.indicators.domain.refusals import Refusal
from services.indicators.domain.rule import CountingRule
from services.indicators.handlers.deciding import carry_decision, lock_appointment
from services.indicators.http.asking import (
    HttpRequest,
    Id,
    refused,
    unless_refused,
)
from services.indicators.http.ordering import recorded
from services.indicators.store import attributions, entries, membership_facts, worklists
from services.messaging.bodies import Person
from services.messaging.database import Connection
from services.messaging.orders import Answer, Order, carry_out
from services.messaging.pages import After, Limit, Page, page
from services.messaging.problems import not_found

# As the platform gives them (`services/referrals/domain/hub_reading.py`).
AppointmentId = Annotated[str, msgspec.Meta(pattern=r"^[^\s@]{1,255}\Z")]


class DecisionOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `acting_person`, an opaque id, decides about an appointment, and why."""

    appointment_id: AppointmentId
    decision: Decision
    reason: Why
    acting_person: Person
    for_cpts_id: Id | None = None

    def __post_init__(self) -> None:
        """Refuse a CPTS where the decision has none, and its absence where it needs one."""
        if self.decision is Decision.COUNT_FOR and self.for_cpts_id is None:
            raise ValueError("`for_cpts_id` is the CPTS that counts it")
        if self.decision in {Decision.LEAVE_OUT, Decision.AS_RULED} and self.for_cpts_id:
            raise ValueError("`for_cpts_id` is that of `count_for` and `count_apart`")


class Decided(msgspec.Struct, frozen=True, kw_only=True):
    """A decision: what, why, by whom, and the candidates and twins that were looked at."""

    decided_at: datetime
    decision: str
    reason: str
    by_role: str
    decided_by: str
    by_cpts_id: str | None
    for_cpts_id: str | None
    candidates: Sequence[str]
    twins: Sequence[str]


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """Where an appointment counts, what is doubtful in it, and what that rests on.

    `cpts_id` counts it, or would if `twin` (a fact id) did not; `candidates` are all that the rule
    allows; `concerned` those whose matter it is. `reason` says why nobody counts it.
    """

    appointment_id: str
    kinds: Sequence[Doubt]
    state: State
    outcome: Outcome
    booked_on: date
    cpts_id: str | None
    candidates: Sequence[str]
    concerned: Sequence[str]
    twin: str | None
    reason: str | None
    status: str
    created_at: datetime
    starts_at: datetime
    category: str | None
    finess: str | None
    practitioner_rpps: str | None
    decision: Decided | None


class Since(msgspec.Struct, frozen=True, kw_only=True):
    """A membership of the practitioner, on which attribution rests."""

    cpts_id: str
    from_on: date
    to_on: date | None


class WholeCase(msgspec.Struct, frozen=True, kw_only=True):
    """A case with the memberships of its practitioner, and all that was decided, in order."""

    case: Case
    memberships: Sequence[Since]
    decisions: Sequence[Decided]


def _decided(instant: datetime, event: AttributionDecided) -> Decided:
    told = msgspec.structs.asdict(event)
    names = [name for name in Decided.__struct_fields__ if name != "decided_at"]
    return Decided(decided_at=instant, **{name: told[name] for name in names})


def _shown(row: worklists.Row, decisions: Sequence[Decided]) -> Case:
    told = {name: value for name, value in row.items() if name != "doubts"}
    return Case(kinds=row["doubts"], decision=decisions[-1] if decisions else None, **told)


async def _decisions(
    connection: Connection, rows: Sequence[worklists.Row]
) -> dict[str, list[Decided]]:
    """All that was decided about these appointments, by their id and in order."""
    subjects = [decision_subject(row["appointment_id"]) for row in rows]
    found = await worklists.decisions(connection, subjects)
    return {
        appointment_id: [_decided(*one) for one in said] for appointment_id, said in found.items()
    }


async def _case(connection: Connection, appointment_id: str) -> WholeCase | None:
    row = await worklists.case(connection, appointment_id)
    if row is None:
        return None
    decisions = (await _decisions(connection, [row])).get(appointment_id, [])
    rpps = row["practitioner_rpps"]
    known = await attributions.memberships(connection, [rpps]) if rpps else {}
    return WholeCase(
        case=_shown(row, decisions),
        memberships=[
            Since(cpts_id=one.cpts_id, from_on=one.period.first, to_on=one.period.last)
            for one in sorted(known.get(rpps, ()), key=lambda one: (one.period.first, one.cpts_id))
        ],
        decisions=decisions,
    )


@get("/worklists/attribution")
async def show_worklist(
    request: HttpRequest,
    kind: FromQuery[Doubt | None] = None,
    cpts_id: FromQuery[str | None] = None,
    departement: FromQuery[str | None] = None,
    with_state: Annotated[State | None, QueryParameter(name="state")] = None,
    after: After = "",
    limit: Limit = 100,
) -> Page:
    """The appointments of the platform whose attribution is doubtful, or was decided."""
    async with request.app.state.pool.acquire() as connection:
        rows = await worklists.cases(
            connection,
            kind=kind,
            cpts_id=cpts_id,
            departement=departement,
            state=with_state,
            after=after,
            limit=limit,
        )
        decisions = await _decisions(connection, rows)
    items = [_shown(row, decisions.get(row["appointment_id"], ())) for row in rows]
    return page(items, limit, lambda last: last.appointment_id)


@get("/attribution")
async def show_case(request: HttpRequest, appointment_id: FromQuery[str]) -> WholeCase:
    """Where one appointment counts, what that rests on, and all that was decided about it."""
    async with request.app.state.pool.acquire() as connection:
        found = await _case(connection, appointment_id)
    if found is None:
        raise not_found("Le rendez-vous", appointment_id)
    return found


async def _decide(rule: CountingRule, order: Order, data: DecisionOrder) -> Answer:
    """Decides about an appointment: 201 when it is news, 200 when it stood."""
    connection = order.unit.connection
    appointment = await lock_appointment(order.unit, data.appointment_id)
    present = await attributions.present(connection, data.appointment_id)
    if appointment is None or present is None:
        raise refused(Refusal.UNKNOWN_APPOINTMENT)
    order.refuse_another_cpts(present.cpts_id)
    named = [data.for_cpts_id] if data.for_cpts_id else []
    subject = decision_subject(data.appointment_id)
    event = unless_refused(
        decide(
            Asked(
                decision=data.decision,
                reason=data.reason,
                by_role=order.role,
                decided_by=data.acting_person,
                by_cpts_id=order.acting_cpts,
                for_cpts_id=data.for_cpts_id,
            ),
            present,
            standing=(await entries.present(connection, AttributionDecided, [subject])).get(
                subject
            ),
            known_cpts=await membership_facts.departements(connection, named),
            mergers=await attributions.mergers(connection, named),
        )
    )
    if event is not None:
        await carry_decision(rule, order.unit, appointment, event, order.cause)
    body = await _case(connection, data.appointment_id)
    return Answer(body=body, status=200 if event is None else 201)


def make_routes(rule: CountingRule) -> tuple[Any, ...]:
    """The routes, of which the order counts by the rule."""

    @post("/attribution/decisions", responses=recorded(WholeCase), status_code=200)
    async def decide_attribution(
        request: HttpRequest, data: JSONBody[DecisionOrder]
    ) -> Response[WholeCase]:
        """Decides where a doubtful appointment counts; a correction is one more decision."""

        async def body(order: Order) -> Answer:
            return await _decide(rule, order, data)

        return await carry_out(request, OWNERS["decide_attribution"], body)

    return (show_worklist, show_case, decide_attribution)
