"""Orders on the structures of a CPTS, on those who work in them, and on its digital tools."""

from collections.abc import Sequence
from typing import Any

from litestar import Request, Response, put
from litestar.params import JSONBody

from contracts.events.membership import (
    MembershipEvent,
    StructureProfessionalRecorded,
    StructureRecorded,
    ToolRecorded,
)
from services.membership.domain import Cpts, structures
from services.membership.domain.directory import Named, NamedStructure, place_in
from services.membership.domain.owners import OWNERS
from services.membership.domain.refusals import Reason, Refusal, absent
from services.membership.http.bodies import (
    MovedPathId,
    PathId,
    ProfessionalOrder,
    StructureOrder,
    ToolOrder,
)
from services.membership.http.directory import warned, warned_of_structure
from services.membership.http.entries import put_entry
from services.membership.http.ordering import (
    earliest_said,
    locked_cpts,
    unless_refused,
)
from services.membership.http.shown import (
    ShownProfessional,
    ShownStructure,
    ShownTool,
    recorded,
)
from services.membership.store import entries, loading
from services.messaging.orders import Answer, Order, carry_out


@put("/cpts/{cpts_id:str}/structures/{structure_id:str}", responses=recorded(ShownStructure))
async def put_structure(
    request: Request[Any, Any, Any],
    cpts_id: PathId,
    structure_id: MovedPathId,
    data: JSONBody[StructureOrder],
) -> Response[ShownStructure]:
    """Records a structure, or corrects it: those who work in it belong with it."""

    async def body(order: Order) -> Answer:
        connection = order.unit.connection

        async def decide(
            cpts: Cpts, asked: StructureRecorded, present: StructureRecorded | None
        ) -> Sequence[MembershipEvent] | Refusal:
            refusal = structures.check_structure(
                cpts, asked, present=present, earliest=earliest_said(order, cpts)
            )
            if refusal is not None:
                return refusal
            professionals = [
                one
                for one in await entries.present(connection, StructureProfessionalRecorded, cpts_id)
                if one.structure_id == structure_id
            ]
            ids = [structures.member_id_of(one) for one in professionals]
            members = await loading.members(connection, cpts_id, ids)
            return structures.belonging_again(professionals, asked, present=members.values())

        asked = StructureRecorded(
            cpts_id=cpts_id,
            structure_id=structure_id,
            kind=data.kind,
            structure_name=data.structure_name,
            from_on=data.from_on,
            to_on=data.to_on,
            finess=data.finess,
            siret=data.siret,
            rna=data.rna,
            is_withdrawn=data.is_withdrawn,
        )
        named = NamedStructure(kind=data.kind, finess=data.finess, siret=data.siret)
        told = await warned_of_structure(connection, named)
        return await put_entry(
            order,
            asked,
            cpts_id,
            structure_id,
            decide,
            ShownStructure,
            directory_warnings=told,
        )

    return await carry_out(request, OWNERS["put_structure"], body)


@put(
    "/cpts/{cpts_id:str}/structures/{structure_id:str}/professionals/{professional_id:str}",
    responses=recorded(ShownProfessional),
)
async def put_professional(
    request: Request[Any, Any, Any],
    cpts_id: PathId,
    structure_id: MovedPathId,
    professional_id: PathId,
    data: JSONBody[ProfessionalOrder],
) -> Response[ShownProfessional]:
    """Records that somebody works in a structure, or corrects it: they are a member through it."""

    async def body(order: Order) -> Answer:
        connection = order.unit.connection
        await locked_cpts(order, cpts_id)
        structure = unless_refused(
            await entries.present_one(connection, StructureRecorded, cpts_id, structure_id)
            or absent(Reason.UNKNOWN_STRUCTURE, "La structure", structure_id)
        )

        async def decide(
            cpts: Cpts,
            asked: StructureProfessionalRecorded,
            present: StructureProfessionalRecorded | None,
        ) -> Sequence[MembershipEvent] | Refusal:
            id_ = structures.member_id_of(asked)
            known = await loading.members(connection, cpts_id, [id_])
            refusal = structures.check_professional(
                cpts,
                asked,
                is_check_digit_overridden=data.is_check_digit_overridden,
                others=await loading.members_with_rpps(connection, cpts_id, [asked.rpps]),
                known=known.get(id_),
                present=present,
                earliest=earliest_said(order, cpts),
            )
            if refusal is not None:
                return refusal
            return structures.belonging_again([asked], structure, present=known.values())

        asked = StructureProfessionalRecorded(
            cpts_id=cpts_id,
            structure_id=structure_id,
            professional_id=professional_id,
            rpps=data.rpps,
            profession=data.profession,
            from_on=data.from_on,
            to_on=data.to_on,
            is_withdrawn=data.is_withdrawn,
        )
        id_ = structures.member_id_of(asked)
        place = place_in(structure.kind, structure.finess, structure.siret)
        named = Named(rpps=data.rpps, profession=data.profession, place=place)
        (told,) = await warned(connection, [named])
        return await put_entry(
            order, asked, cpts_id, id_, decide, ShownProfessional, directory_warnings=told
        )

    return await carry_out(request, OWNERS["put_professional"], body)


@put("/cpts/{cpts_id:str}/tools/{tool_id:str}", responses=recorded(ShownTool))
async def put_tool(
    request: Request[Any, Any, Any], cpts_id: PathId, tool_id: PathId, data: JSONBody[ToolOrder]
) -> Response[ShownTool]:
    """Records a digital tool that a CPTS chose, or corrects it."""

    async def decide(
        cpts: Cpts, asked: ToolRecorded, _present: ToolRecorded | None
    ) -> Sequence[MembershipEvent] | Refusal:
        return structures.check_tool(cpts, asked) or []

    async def body(order: Order) -> Answer:
        asked = ToolRecorded(
            cpts_id=cpts_id,
            tool_id=tool_id,
            kind=data.kind,
            tool_name=data.tool_name,
            is_dmp_compatible=data.is_dmp_compatible,
            is_interoperable=data.is_interoperable,
            from_on=data.from_on,
            to_on=data.to_on,
            is_withdrawn=data.is_withdrawn,
        )
        return await put_entry(order, asked, cpts_id, tool_id, decide, ShownTool)

    return await carry_out(request, OWNERS["put_tool"], body)


ROUTES = (put_structure, put_professional, put_tool)
