"""POST /demands: the SAS hands over a demand, which is offered or held at once."""

from collections.abc import Sequence
from datetime import UTC
from typing import Any

from litestar import Request, Response, post
from litestar.params import JSONBody

from contracts.communes import Commune, resolve
from contracts.departements import by_code
from contracts.recorded import record
from services.messaging.documents import also
from services.messaging.orders import Answer, Order, carry_out
from services.messaging.problems import Refused
from services.referrals.domain.orders import refuse_new_demand
from services.referrals.domain.owners import OWNERS
from services.referrals.domain.referral import (
    Demand,
    Referral,
    evolve,
    receive,
    referral_id,
    see_by_of,
)
from services.referrals.domain.refusal import Refusal
from services.referrals.domain.territory import (
    Place,
    TerritoryEntry,
    holder_of,
    local_day,
    next_look,
    place_of,
)
from services.referrals.http.bodies import NewDemand
from services.referrals.store import membership, referrals
from services.referrals.store.parameters import answer_within, clock_tolerance

ALREADY_KNOWN = also(200, Referral, "La même demande est déjà connue : son état présent")


@post("/demands", status_code=201, responses=ALREADY_KNOWN)
async def receive_demand(
    request: Request[Any, Any, Any], data: JSONBody[NewDemand]
) -> Response[Referral]:
    """Receive a demand of the SAS; the same one again gives its present state."""
    return await carry_out(request, OWNERS["receive_demand"], lambda order: receive_in(order, data))


async def receive_in(order: Order, body: NewDemand) -> Answer:
    """Receive a demand in an order's transaction; raises `Refused`."""
    commune = resolve(body.commune)
    demand = Demand(
        source=body.source,
        source_id=body.source_id,
        commune=commune.code if commune else body.commune,
        part=body.part,
        need=body.need,
        urgency=body.urgency,
        received_at=body.received_at.astimezone(UTC),
    )
    known_as = referral_id(demand.source, demand.source_id)
    refusal = refuse_new_demand(
        demand, commune=commune, instant=order.instant, tolerance=clock_tolerance()
    )
    connection = order.unit.connection
    if commune is None or refusal is not None:
        for known in await referrals.load(connection, [known_as]):
            return _known(known, demand)
        reason = refusal or Refusal.UNKNOWN_COMMUNE
        raise Refused(reason.value, reason.label)
    place = place_of(commune, demand.part)
    await order.unit.lock_joins("place", [place.key])
    entries, is_known = await membership.entries_for_demand(connection, place.key, known_as)
    if is_known:
        (known,) = await referrals.load(connection, [known_as])
        return _known(known, demand)
    return Answer(body=await _announce(order, demand, commune, place, entries), status=201)


def _known(referral: Referral, demand: Demand) -> Answer:
    if referral.demand != demand:
        reason = Refusal.DEMAND_ALREADY_KNOWN
        raise Refused(reason.value, reason.label)
    return Answer(body=referral, status=200)


async def _announce(
    order: Order,
    demand: Demand,
    commune: Commune,
    place: Place,
    entries: Sequence[TerritoryEntry],
) -> Referral:
    """The new referral, after its first events are said."""
    time_zone = by_code(commune.departement).time_zone
    see_by = see_by_of(demand.urgency, demand.received_at, time_zone)
    recorded = record(
        receive(
            demand,
            see_by=see_by,
            holder=holder_of(place, entries, local_day(order.instant)),
            look_again_at=next_look(place, entries, after=order.instant, before=see_by),
            instant=order.instant,
            answer_within=answer_within(),
        ),
        subject=referral_id(demand.source, demand.source_id),
        after_sequence=0,
        departement=commune.departement,
        occurred_at=order.instant,
        cause=order.cause,
    )
    await order.unit.announce(recorded)
    referral = evolve(None, recorded[0])
    for one in recorded[1:]:
        referral = evolve(referral, one)
    return referral
