"""The orders that sign an ACI, and that correct or withdraw one."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from litestar import Request, Response, post, put
from litestar.params import JSONBody

from contracts.events.membership import AciSigned, Signature, TailleDetermined
from services.membership.domain import Cpts
from services.membership.domain.calendar import local_day
from services.membership.domain.contract import AciAsked, correct_aci, sign_aci, terminate
from services.membership.domain.owners import OWNERS
from services.membership.domain.refusals import Reason, absent
from services.membership.http.bodies import (
    AciCorrectionOrder,
    AciOrder,
    PathId,
    SignaturesOrder,
    TerminationOrder,
)
from services.membership.http.missions import deadlines_again
from services.membership.http.ordering import (
    announce_of,
    created,
    locked_cpts,
    unless_refused,
)
from services.membership.http.shown import ShownAci, ShownYear, already
from services.membership.store import life, loading
from services.membership.store.parameters import load_parameters
from services.messaging.database import Connection
from services.messaging.orders import Answer, Order, carry_out


@post("/cpts/{cpts_id:str}/aci", responses=already(ShownAci))
async def sign(
    request: Request[Any, Any, Any], cpts_id: PathId, data: JSONBody[AciOrder]
) -> Response[ShownAci]:
    """Signs the ACI and determines the taille of each contract year."""

    async def body(order: Order) -> Answer:
        connection = order.unit.connection
        cpts = await locked_cpts(order, cpts_id)
        events = unless_refused(
            sign_aci(
                cpts,
                AciAsked(
                    aci_id=data.aci_id,
                    signed_on=data.signed_on,
                    starts_on=data.starts_on,
                    years=data.years,
                    signatures=_signatures(data.signatures),
                ),
                first_event=await loading.first_aci(connection, cpts_id, data.aci_id),
                signed=await loading.signed_by(connection, cpts_id),
                territory=await loading.territory_of(connection, cpts_id),
                projets=await life.projets_of(connection, cpts_id),
                parameters=load_parameters(),
            )
        )
        await _announce(order, cpts, events)
        return created(await _present(connection, cpts_id, data.aci_id), is_new=bool(events))

    return await carry_out(request, OWNERS["sign"], body)


@put("/cpts/{cpts_id:str}/aci/{aci_id:str}")
async def correct(
    request: Request[Any, Any, Any],
    cpts_id: PathId,
    aci_id: PathId,
    data: JSONBody[AciCorrectionOrder],
) -> Response[ShownAci]:
    """Gives an ACI other dates, ends it early, or withdraws it."""

    async def body(order: Order) -> Answer:
        connection = order.unit.connection
        cpts = await locked_cpts(order, cpts_id)
        signed = {one.aci_id: one for one in await loading.signed_by(connection, cpts_id)}
        present = unless_refused(signed.get(aci_id) or absent(Reason.UNKNOWN_ACI, "L'ACI", aci_id))
        events = unless_refused(
            correct_aci(
                cpts,
                AciAsked(
                    aci_id=aci_id,
                    signed_on=data.signed_on,
                    starts_on=data.starts_on,
                    years=data.years,
                    signatures=_signatures(data.signatures),
                ),
                is_withdrawn=data.is_withdrawn,
                present=present,
                signed=signed.values(),
                determined=await loading.tailles_of(connection, cpts_id),
                territory=await loading.territory_of(connection, cpts_id),
                today=local_day(order.instant),
                parameters=load_parameters(),
            )
        )
        await _announce(order, cpts, events)
        return Answer(body=await _present(connection, cpts_id, aci_id))

    return await carry_out(request, OWNERS["correct"], body)


@post("/cpts/{cpts_id:str}/aci/{aci_id:str}/termination", status_code=200)
async def end(
    request: Request[Any, Any, Any],
    cpts_id: PathId,
    aci_id: PathId,
    data: JSONBody[TerminationOrder],
) -> Response[ShownAci]:
    """Ends an ACI before its term; to correct the ACI undoes it."""

    async def body(order: Order) -> Answer:
        connection = order.unit.connection
        cpts = await locked_cpts(order, cpts_id)
        signed = {one.aci_id: one for one in await loading.signed_by(connection, cpts_id)}
        present = unless_refused(signed.get(aci_id) or absent(Reason.UNKNOWN_ACI, "L'ACI", aci_id))
        event = unless_refused(terminate(present, data.ended_on, data.reason))
        await _announce(order, cpts, [event] if event else [])
        return Answer(body=await _present(connection, cpts_id, aci_id))

    return await carry_out(request, OWNERS["end"], body)


async def _announce(
    order: Order, cpts: Cpts, events: Sequence[AciSigned | TailleDetermined]
) -> None:
    """Say an ACI and its tailles, then the deadlines that they change."""
    signed = [event for event in events if isinstance(event, AciSigned)]
    deadlines = await deadlines_again(order.unit.connection, cpts.cpts_id, signed)
    await announce_of(order, cpts, [*events, *deadlines])


def _signatures(given: SignaturesOrder | None) -> tuple[Signature, ...]:
    if given is None:
        return ()
    days = (("cpts", given.cpts), ("caisse", given.caisse), ("ars", given.ars))
    return tuple(Signature(party=party, signed_on=signed_on) for party, signed_on in days)


async def _present(connection: Connection, cpts_id: str, aci_id: str) -> ShownAci:
    """The present state of an ACI, its contract years with their taille."""
    signed = await loading.signed_by(connection, cpts_id)
    (aci,) = (one for one in signed if one.aci_id == aci_id)
    tailles = await loading.tailles_of(connection, cpts_id)
    return ShownAci(
        cpts_id=aci.cpts_id,
        aci_id=aci.aci_id,
        signed_on=aci.signed_on,
        is_withdrawn=aci.is_withdrawn,
        termination=aci.termination,
        signatures=aci.signatures,
        renews=_renewed(aci, signed),
        contract_years=[
            ShownYear(
                starts_on=year.starts_on,
                ends_on=year.ends_on,
                taille=tailles[year.starts_on].taille,
                population=tailles[year.starts_on].population,
            )
            for year in aci.contract_years
        ],
    )


def _renewed(aci: AciSigned, signed: Sequence[AciSigned]) -> str | None:
    """The ACI whose last day is the eve of this one's first."""
    if not aci.contract_years:
        return None
    eve = aci.contract_years[0].starts_on - timedelta(days=1)
    ends = {one.contract_years[-1].ends_on: one.aci_id for one in signed if one.contract_years}
    return ends.get(eve)


ROUTES = (sign, correct, end)
