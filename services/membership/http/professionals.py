"""Orders on members and on their participation in the SAS."""

from collections.abc import Sequence
from typing import Any

from litestar import Request, Response, post, put
from litestar.params import JSONBody

from contracts.events.membership import StructureProfessionalRecorded
from services.membership.domain import Correction, professionals
from services.membership.domain.directory import Named
from services.membership.domain.owners import OWNERS
from services.membership.domain.professionals import MemberAsked, ParticipationAsked
from services.membership.domain.refusals import Reason, absent
from services.membership.http.bodies import (
    CorrectionOrder,
    MemberOrder,
    MembersOrder,
    MovedPathId,
    ParticipationOrder,
    PathId,
)
from services.membership.http.directory import warned
from services.membership.http.ordering import (
    announce_of,
    created,
    earliest_said,
    locked_cpts,
    unless_refused,
)
from services.membership.http.shown import (
    ShownMember,
    ShownMembers,
    ShownParticipation,
    already,
    shown,
)
from services.membership.store import entries, loading
from services.messaging.orders import Answer, Order, carry_out


@post("/cpts/{cpts_id:str}/members", responses=already(ShownMember))
async def add_member(
    request: Request[Any, Any, Any], cpts_id: PathId, data: JSONBody[MemberOrder]
) -> Response[ShownMember]:
    """Records a member."""

    async def body(order: Order) -> Answer:
        members, is_new = await _add_members(order, cpts_id, [data])
        return created(members[0], is_new=is_new)

    return await carry_out(request, OWNERS["add_member"], body)


@post("/cpts/{cpts_id:str}/members/batch", responses=already(ShownMembers))
async def add_members(
    request: Request[Any, Any, Any], cpts_id: PathId, data: JSONBody[MembersOrder]
) -> Response[ShownMembers]:
    """Records several members, all or none; the first refusal names its `member_id`."""

    async def body(order: Order) -> Answer:
        members, is_new = await _add_members(order, cpts_id, data.members)
        return created(ShownMembers(members=members), is_new=is_new)

    return await carry_out(request, OWNERS["add_members"], body)


@put("/cpts/{cpts_id:str}/members/{member_id:str}")
async def correct_member(
    request: Request[Any, Any, Any],
    cpts_id: PathId,
    member_id: MovedPathId,
    data: JSONBody[CorrectionOrder],
) -> Response[ShownMember]:
    """Gives a member other dates, or withdraws the entry."""

    async def body(order: Order) -> Answer:
        connection = order.unit.connection
        cpts = await locked_cpts(order, cpts_id)
        member = unless_refused(
            (await loading.members(connection, cpts_id, [member_id])).get(member_id)
            or absent(Reason.UNKNOWN_MEMBER, "Le membre", member_id)
        )
        event = unless_refused(
            professionals.correct_member(
                cpts,
                member,
                _correction(data),
                present=await loading.members_with_rpps(connection, cpts_id, [member.rpps]),
                earliest=earliest_said(order, cpts),
            )
        )
        if event is not None:
            await announce_of(order, cpts, [event])
        return Answer(body=shown(event or member, ShownMember))

    return await carry_out(request, OWNERS["correct_member"], body)


@post("/cpts/{cpts_id:str}/participations", responses=already(ShownParticipation))
async def add_participation(
    request: Request[Any, Any, Any], cpts_id: PathId, data: JSONBody[ParticipationOrder]
) -> Response[ShownParticipation]:
    """Records that a professional takes part in the SAS; they need not be a member yet."""

    async def body(order: Order) -> Answer:
        connection = order.unit.connection
        cpts = await locked_cpts(order, cpts_id)
        event = unless_refused(
            professionals.record_participation(
                cpts,
                ParticipationAsked(
                    participation_id=data.participation_id,
                    rpps=data.rpps,
                    way=data.way,
                    from_on=data.from_on,
                    to_on=data.to_on,
                    is_check_digit_overridden=data.is_check_digit_overridden,
                ),
                first_event=await loading.first_participation(
                    connection, cpts_id, data.participation_id
                ),
            )
        )
        if event is not None:
            await announce_of(order, cpts, [event])
        present = event or await loading.participation(connection, cpts_id, data.participation_id)
        assert present is not None, "it was recorded, now or before"
        (warnings,) = await warned(connection, [Named(rpps=present.rpps)])
        answer = shown(present, ShownParticipation, directory_warnings=warnings)
        return created(answer, is_new=event is not None)

    return await carry_out(request, OWNERS["add_participation"], body)


@put("/cpts/{cpts_id:str}/participations/{participation_id:str}")
async def correct_participation(
    request: Request[Any, Any, Any],
    cpts_id: PathId,
    participation_id: MovedPathId,
    data: JSONBody[CorrectionOrder],
) -> Response[ShownParticipation]:
    """Gives a participation other dates, or withdraws the entry."""

    async def body(order: Order) -> Answer:
        connection = order.unit.connection
        cpts = await locked_cpts(order, cpts_id)
        present = unless_refused(
            await loading.participation(connection, cpts_id, participation_id)
            or absent(Reason.UNKNOWN_PARTICIPATION, "La participation", participation_id)
        )
        event = unless_refused(professionals.correct_participation(present, _correction(data)))
        if event is not None:
            await announce_of(order, cpts, [event])
        return Answer(body=shown(event or present, ShownParticipation))

    return await carry_out(request, OWNERS["correct_participation"], body)


async def _add_members(
    order: Order, cpts_id: str, bodies: Sequence[MemberOrder]
) -> tuple[list[ShownMember], bool]:
    """The present state of the members asked for, and whether any is new."""
    connection = order.unit.connection
    cpts = await locked_cpts(order, cpts_id)
    member_ids = [one.member_id for one in bodies]
    events = unless_refused(
        professionals.record_members(
            cpts,
            [
                MemberAsked(
                    member_id=one.member_id,
                    rpps=one.rpps,
                    profession=one.profession,
                    from_on=one.from_on,
                    to_on=one.to_on,
                    is_check_digit_overridden=one.is_check_digit_overridden,
                )
                for one in bodies
            ],
            known=await loading.first_members(connection, cpts_id, member_ids),
            of_structures=await entries.known_ids(
                connection, StructureProfessionalRecorded, cpts_id, member_ids
            ),
            present=await loading.members_with_rpps(
                connection, cpts_id, {one.rpps for one in bodies}
            ),
            earliest=earliest_said(order, cpts),
        )
    )
    await announce_of(order, cpts, events)
    known = await loading.members(connection, cpts_id, member_ids)
    present = [known[member_id] for member_id in member_ids]
    named = [Named(rpps=one.rpps, profession=one.profession) for one in present]
    pairs = zip(present, await warned(connection, named), strict=True)
    members = [shown(one, ShownMember, directory_warnings=told) for one, told in pairs]
    return members, bool(events)


def _correction(data: CorrectionOrder) -> Correction:
    return Correction(from_on=data.from_on, to_on=data.to_on, is_withdrawn=data.is_withdrawn)


ROUTES = (add_member, add_members, correct_member, add_participation, correct_participation)
