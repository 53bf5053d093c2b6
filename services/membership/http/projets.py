"""Orders on the projet de santé: sent by the CPTS, decided by the ARS alone."""

from typing import Any

from litestar import Request, Response, post, put
from litestar.params import JSONBody

from services.membership.domain import projet as rules
from services.membership.domain.calendar import local_day
from services.membership.domain.owners import OWNERS
from services.membership.domain.projet import Projet, ProjetAsked
from services.membership.domain.refusals import Reason, absent
from services.membership.http.bodies import BareOrder, ObjectionOrder, PathId, ProjetOrder
from services.membership.http.ordering import (
    announce_of,
    created,
    is_own_word,
    locked_cpts,
    unless_refused,
)
from services.membership.http.shown import ShownProjet, recorded, shown
from services.membership.store import life
from services.membership.store.parameters import load_parameters
from services.messaging.database import Connection
from services.messaging.orders import Answer, Order, carry_out
from services.messaging.problems import Refused

PATH = "/cpts/{cpts_id:str}/projets-de-sante/{projet_id:str}"


@put(PATH, responses=recorded(ShownProjet))
async def send_projet(
    request: Request[Any, Any, Any],
    cpts_id: PathId,
    projet_id: PathId,
    data: JSONBody[ProjetOrder],
) -> Response[ShownProjet]:
    """Records a projet de santé sent to the ARS; only the ARS may add what it decided."""

    async def body(order: Order) -> Answer:
        connection = order.unit.connection
        cpts = await locked_cpts(order, cpts_id)
        if (data.validated_on or data.objected_on) and order.role not in OWNERS["validate_projet"]:
            raise Refused(
                "role_not_allowed", "La décision sur un projet est celle de l'ARS.", status=403
            )
        events = unless_refused(
            rules.send(
                cpts_id,
                ProjetAsked(
                    projet_id=projet_id,
                    sent_on=data.sent_on,
                    document_sha256=data.document_sha256,
                    validated_on=data.validated_on,
                    objected_on=data.objected_on,
                    grounds=data.grounds,
                ),
                first_event=await life.first_projet(connection, cpts_id, projet_id),
                known=await life.projets_of(connection, cpts_id),
                silence=load_parameters().projet_de_sante_silence,
                today=local_day(order.instant),
                is_own_word=is_own_word(order),
            )
        )
        await announce_of(order, cpts, events)
        return created(
            shown(await _known(connection, cpts_id, projet_id), ShownProjet), is_new=bool(events)
        )

    return await carry_out(request, OWNERS["send_projet"], body)


@post(f"{PATH}/validation", status_code=200)
async def validate_projet(
    request: Request[Any, Any, Any],
    cpts_id: PathId,
    projet_id: PathId,
    data: JSONBody[BareOrder],  # noqa: ARG001 - the document says it
) -> Response[ShownProjet]:
    """Validates a projet de santé before the silence of the ARS does."""
    return await carry_out(
        request, OWNERS["validate_projet"], lambda order: _decide(order, cpts_id, projet_id, ())
    )


@post(f"{PATH}/objection", status_code=200)
async def object_to_projet(
    request: Request[Any, Any, Any],
    cpts_id: PathId,
    projet_id: PathId,
    data: JSONBody[ObjectionOrder],
) -> Response[ShownProjet]:
    """Objects to a projet de santé, on one of the two grounds that the law knows, or on both."""
    return await carry_out(
        request,
        OWNERS["object_to_projet"],
        lambda order: _decide(order, cpts_id, projet_id, data.grounds),
    )


@post(f"{PATH}/withdrawal", status_code=200)
async def withdraw_projet(
    request: Request[Any, Any, Any],
    cpts_id: PathId,
    projet_id: PathId,
    data: JSONBody[BareOrder],  # noqa: ARG001 - the document says it
) -> Response[ShownProjet]:
    """Withdraws a projet de santé that was recorded by mistake; a CPTS, while it is pending."""

    async def body(order: Order) -> Answer:
        connection = order.unit.connection
        cpts = await locked_cpts(order, cpts_id)
        event = unless_refused(
            rules.withdraw(
                await _known(connection, cpts_id, projet_id),
                today=local_day(order.instant),
                is_own_word=is_own_word(order),
            )
        )
        await announce_of(order, cpts, [event] if event else [])
        return Answer(body=shown(await _known(connection, cpts_id, projet_id), ShownProjet))

    return await carry_out(request, OWNERS["withdraw_projet"], body)


async def _decide(order: Order, cpts_id: str, projet_id: str, grounds: tuple[str, ...]) -> Answer:
    connection = order.unit.connection
    cpts = await locked_cpts(order, cpts_id)
    projet = await _known(connection, cpts_id, projet_id)
    today = local_day(order.instant)
    events = unless_refused(rules.decide(projet, grounds=grounds, today=today))
    await announce_of(order, cpts, events)
    return Answer(body=shown(await _known(connection, cpts_id, projet_id), ShownProjet))


async def _known(connection: Connection, cpts_id: str, projet_id: str) -> Projet:
    return unless_refused(
        await life.projet(connection, cpts_id, projet_id)
        or absent(Reason.UNKNOWN_PROJET, "Le projet de santé", projet_id)
    )


ROUTES = (send_projet, validate_projet, object_to_projet, withdraw_projet)
