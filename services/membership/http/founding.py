"""Orders on how a CPTS comes to be: its lettre d'intention, the association that it is."""

from collections.abc import Sequence
from typing import Any

import msgspec
from litestar import Request, Response, post, put
from litestar.params import JSONBody

from contracts.communes import resolve
from contracts.events.membership import (
    AssociationRecorded,
    LettreIntentionRecorded,
    MembershipEvent,
    MissionPlanned,
)
from services.membership.domain import Cpts, founding
from services.membership.domain.founding import SIREN_DIGITS
from services.membership.domain.owners import OWNERS
from services.membership.domain.refusals import Reason, Refusal, absent
from services.membership.http.bodies import (
    AssociationOrder,
    LettreOrder,
    PathId,
    ValidationOrder,
)
from services.membership.http.entries import put_entry
from services.membership.http.ordering import (
    announce_of,
    is_own_word,
    locked_cpts,
    unless_refused,
)
from services.membership.http.shown import ShownAssociation, ShownLettre, recorded, shown
from services.membership.store import entries
from services.membership.store.parameters import load_parameters
from services.messaging.orders import Answer, Order, carry_out


@put("/cpts/{cpts_id:str}/lettres-intention/{lettre_id:str}", responses=recorded(ShownLettre))
async def put_lettre(
    request: Request[Any, Any, Any],
    cpts_id: PathId,
    lettre_id: PathId,
    data: JSONBody[LettreOrder],
) -> Response[ShownLettre]:
    """Records a lettre d'intention, or replaces it; once validated it stays so.

    A CPTS no longer changes one that is validated.
    """

    async def body(order: Order) -> Answer:
        async def decide(
            _cpts: Cpts, asked: LettreIntentionRecorded, present: LettreIntentionRecorded | None
        ) -> Sequence[MembershipEvent] | Refusal:
            communes = {code: resolve(code) for code in asked.communes}
            missions = load_parameters().missions
            refusal = founding.check_lettre(asked, communes=communes, missions=missions)
            if refusal is None and is_own_word(order):
                refusal = founding.rewritten_refusal(present)
            return refusal or []

        await locked_cpts(order, cpts_id)
        present = await entries.present_one(
            order.unit.connection, LettreIntentionRecorded, cpts_id, lettre_id
        )
        asked = LettreIntentionRecorded(
            cpts_id=cpts_id,
            lettre_id=lettre_id,
            sent_on=data.sent_on,
            communes=data.communes,
            study_sha256=data.study_sha256,
            partners=data.partners,
            calendar=tuple(
                MissionPlanned(mission=one.mission, starts_on=one.starts_on)
                for one in data.calendar
            ),
            validated_on=None if present is None else present.validated_on,
            is_withdrawn=data.is_withdrawn,
        )
        return await put_entry(order, asked, cpts_id, lettre_id, decide, ShownLettre)

    return await carry_out(request, OWNERS["put_lettre"], body)


@post("/cpts/{cpts_id:str}/lettres-intention/{lettre_id:str}/validation", status_code=200)
async def validate_lettre(
    request: Request[Any, Any, Any],
    cpts_id: PathId,
    lettre_id: PathId,
    data: JSONBody[ValidationOrder],
) -> Response[ShownLettre]:
    """Validates a lettre d'intention on a day; again, on another day, corrects that day."""

    async def body(order: Order) -> Answer:
        cpts = await locked_cpts(order, cpts_id)
        present = unless_refused(
            await entries.present_one(
                order.unit.connection, LettreIntentionRecorded, cpts_id, lettre_id
            )
            or absent(Reason.UNKNOWN_LETTRE, "La lettre d'intention", lettre_id)
        )
        validated = msgspec.structs.replace(present, validated_on=data.validated_on)
        unless_refused(founding.validated_too_early(validated))
        await announce_of(order, cpts, [validated] if validated != present else [])
        return Answer(body=shown(validated, ShownLettre))

    return await carry_out(request, OWNERS["validate_lettre"], body)


@put("/cpts/{cpts_id:str}/associations/{association_id:str}", responses=recorded(ShownAssociation))
async def put_association(
    request: Request[Any, Any, Any],
    cpts_id: PathId,
    association_id: PathId,
    data: JSONBody[AssociationOrder],
) -> Response[ShownAssociation]:
    """Records the association that a CPTS is, or corrects it."""

    async def decide(
        cpts: Cpts, asked: AssociationRecorded, _present: AssociationRecorded | None
    ) -> Sequence[MembershipEvent] | Refusal:
        return founding.check_association(cpts, asked) or []

    async def body(order: Order) -> Answer:
        asked = AssociationRecorded(
            cpts_id=cpts_id,
            association_id=association_id,
            declared_on=data.declared_on,
            legal_form=data.legal_form,
            rna=data.rna,
            is_withdrawn=data.is_withdrawn,
            siren=data.siren or (data.siret and data.siret[:SIREN_DIGITS]),
            siret=data.siret,
        )
        return await put_entry(order, asked, cpts_id, association_id, decide, ShownAssociation)

    return await carry_out(request, OWNERS["put_association"], body)


ROUTES = (put_lettre, validate_lettre, put_association)
