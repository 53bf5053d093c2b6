"""The activities that a CPTS declares: orders and questions."""

from collections.abc import Collection, Sequence
from datetime import date
from typing import Any

import msgspec
from litestar import Response, get, put
from litestar.params import JSONBody

from contracts.events.indicators import ActivityRecorded, Quantity
from services.indicators.domain.activities import ActivityRule, Kind, Unit
from services.indicators.domain.days import local_day
from services.indicators.domain.declared import Why
from services.indicators.domain.owners import OWNERS
from services.indicators.domain.refusals import Refusal
from services.indicators.domain.rule import CountingRule
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
    missing_of,
    put_entry,
    recorded,
    said_by,
)
from services.indicators.store import declarations, entries
from services.indicators.store.entries import Known
from services.messaging.orders import Answer, Order, carry_out
from services.messaging.pages import After, Limit, Page, page


class ActivityOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The body of an order that declares an activity, whole; `participants` are RPPS, `reason` why
    it is corrected or withdrawn.
    """

    kind: Word
    held_on: date
    participants: Professionals = ()
    quantities: dict[Unit, Count] = {}
    evidence_ids: Evidence = ()
    is_withdrawn: bool = False
    reason: Why | None = None

    def __post_init__(self) -> None:
        """Refuse a day that no ACI can have."""
        refuse_impossible_days(self.held_on)


class ActivityAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """An activity as it is declared, and the mission that it belongs to; `missing` are the pieces
    of evidence that name no file.
    """

    cpts_id: str
    activity_id: str
    mission: str
    activity: ActivityOrder
    said: SaidBy
    missing: Sequence[str]


def subject_of(cpts_id: str, activity_id: str) -> str:
    """The aggregate's id of an activity."""
    return f"{cpts_id}/activities/{activity_id}"


def shown(known: Known, missing: Collection[str]) -> ActivityAnswer:
    """An activity as its CPTS declared it; `missing` are pieces that are not there."""
    event = known.event
    return ActivityAnswer(
        cpts_id=event.cpts_id,
        activity_id=event.activity_id,
        mission=event.mission,
        activity=ActivityOrder(
            kind=event.kind,
            held_on=event.held_on,
            participants=event.participants,
            quantities={Unit(one.unit): one.count for one in event.quantities},
            evidence_ids=event.evidence_ids,
            is_withdrawn=event.is_withdrawn,
            reason=event.reason,
        ),
        said=said_by(known),
        missing=missing_of(event.evidence_ids, missing),
    )


def _asked(cpts_id: str, activity_id: str, data: ActivityOrder, kind: Kind) -> ActivityRecorded:
    """The event of an order: lists whose order says nothing are sorted."""
    return ActivityRecorded(
        cpts_id=cpts_id,
        activity_id=activity_id,
        kind=kind.code,
        mission=kind.mission,
        held_on=data.held_on,
        participants=tuple(sorted(set(data.participants))),
        quantities=tuple(
            Quantity(unit=unit.value, count=count)
            for unit, count in sorted(data.quantities.items())
        ),
        evidence_ids=tuple(sorted(set(data.evidence_ids))),
        is_withdrawn=data.is_withdrawn,
        reason=data.reason,
    )


@get("/cpts/{cpts_id:str}/activities")
async def show_activities(
    request: HttpRequest, cpts_id: PathId, after: After = "", limit: Limit = 100
) -> Page:
    """The activities that a CPTS declared, withdrawn ones included, in order of their id."""
    async with request.app.state.pool.acquire() as connection:
        found = await entries.page(
            connection,
            ActivityRecorded,
            cpts_id,
            after=subject_of(cpts_id, after) if after else "",
            limit=limit,
        )
        named = {evidence_id for one in found for evidence_id in one.event.evidence_ids}
        missing = set(await declarations.missing_evidence(connection, cpts_id, named))
    items = [shown(one, missing) for one in found]
    return page(items, limit, lambda last: last.activity_id)


def make_routes(rule: CountingRule) -> tuple[Any, ...]:
    """The routes that follow the counting rule."""

    @put("/cpts/{cpts_id:str}/activities/{activity_id:str}", responses=recorded(ActivityAnswer))
    async def put_activity(
        request: HttpRequest,
        cpts_id: PathId,
        activity_id: PathId,
        data: JSONBody[ActivityOrder],
    ) -> Response[ActivityAnswer]:
        """Declares an activity, or replaces what was declared of it, and counts it."""

        async def body(order: Order) -> Answer:
            departement = await locked_departement(order, cpts_id)
            kind = rule.activities.kind_of(data.kind)
            if kind is None:
                raise refused(Refusal.UNKNOWN_KIND)
            if data.held_on > local_day(order.instant):
                raise refused(Refusal.NOT_YET_HELD)
            event = as_said_in(order, _asked(cpts_id, activity_id, data, kind))
            known, status = await put_entry(
                rule,
                order,
                cpts_id=cpts_id,
                subject=subject_of(cpts_id, activity_id),
                departement=departement,
                event=event,
            )
            missing = await declarations.missing_evidence(
                order.unit.connection, cpts_id, event.evidence_ids
            )
            return Answer(body=shown(known, missing), status=status)

        return await carry_out(request, OWNERS["put_activity"], body)

    @get("/activity-kinds")
    async def show_kinds() -> ActivityRule:
        """The kinds of activities, and what each adds to which indicator, dated."""
        return rule.activities

    return (show_activities, put_activity, show_kinds)
