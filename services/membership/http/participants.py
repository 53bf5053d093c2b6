"""The list of a SAS platform's participants comes in; where it and the CPTS differ."""

from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get, put
from litestar.params import FromQuery, JSONBody, PathParameter

from contracts.departements import departements_by_code
from services.membership.domain.calendar import local_day
from services.membership.domain.owners import OWNERS
from services.membership.domain.participants import (
    ListDiffers,
    Listed,
    PlatformList,
    differences,
    home_of,
    verified,
)
from services.membership.domain.professionals import Way
from services.membership.domain.refusals import Reason, Refusal
from services.membership.http.bodies import Finess, Rpps
from services.membership.http.differing import LOOKED_AT_ONCE, differing_page
from services.membership.http.ordering import announce_of, unless_refused
from services.membership.http.reading import Cursor
from services.membership.store import participants
from services.messaging.bodies import refuse_impossible_days
from services.messaging.orders import Answer, Order, carry_out
from services.messaging.pages import Limit
from services.messaging.problems import Refused

AnyRequest = Request[Any, Any, Any]
Platform = Annotated[str, PathParameter(pattern=r"^[a-z0-9-]{1,40}$(?!\n)")]
DepartementCode = Annotated[str, msgspec.Meta(pattern=r"^[0-9AB]{2,3}$(?!\n)")]


class ParticipantBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A participant, with the structure they take part with and since when, if the list says it."""

    rpps: Rpps
    way: Way
    structure_finess: Finess | None = None
    since_on: date | None = None

    def __post_init__(self) -> None:
        """Refuse impossible days."""
        refuse_impossible_days(self)


class ListOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All who take part in these départements on a day, as the platform lists them."""

    listed_on: date
    departements: Annotated[tuple[DepartementCode, ...], msgspec.Meta(min_length=1, max_length=110)]
    participants: Annotated[tuple[ParticipantBody, ...], msgspec.Meta(max_length=60_000)]

    def __post_init__(self) -> None:
        """Refuse impossible days."""
        refuse_impossible_days(self)


class ListTaken(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a list: participations recorded and ended; participants whom no CPTS has."""

    platform: str
    listed_on: date
    listed: int
    recorded: int
    ended: int
    without_cpts: int


class ListDifferences(msgspec.Struct, frozen=True, kw_only=True):
    """A page of differences; there are more when `next` is there, whatever this page holds."""

    items: Sequence[ListDiffers]
    next: str | None


@put("/sas-participants/{platform:str}", status_code=200, request_max_body_size=20 * 1024 * 1024)
async def put_participants(
    request: AnyRequest, platform: Platform, data: JSONBody[ListOrder]
) -> Response[ListTaken]:
    """Takes the whole list of a platform: who is on it takes part, verified; who no longer is ended
    the day before.
    """
    listed = [Listed(**msgspec.structs.asdict(one)) for one in data.participants]
    told = PlatformList(platform=platform, listed_on=data.listed_on, departements=data.departements)

    async def body(order: Order) -> Answer:
        connection = order.unit.connection
        _refuse_malformed(told, listed)
        await order.unit.lock_joins("platform", [platform])
        known = await participants.list_of(connection, platform)
        if known is not None and known.listed_on > told.listed_on:
            detail = f"Une liste du {known.listed_on} est déjà là."
            unless_refused(Refusal(reason=Reason.NEWER_LIST_KNOWN, detail=detail))
        rpps = {one.rpps for one in listed}
        cpts = await participants.lock_concerned(connection, platform, rpps)
        homes = await participants.homes(connection, rpps, told.listed_on, cpts)
        present = await participants.verified_by(connection, platform)
        events = verified(told, listed, homes, present)
        for cpts_id in sorted({one.cpts_id for one in events}):
            of_cpts = [one for one in events if one.cpts_id == cpts_id]
            await announce_of(order, cpts[cpts_id], of_cpts)
        await participants.keep(connection, told, listed)
        ended = sum(one.to_on is not None or one.is_withdrawn for one in events)
        taken = ListTaken(
            platform=platform,
            listed_on=told.listed_on,
            listed=len(listed),
            recorded=len(events) - ended,
            ended=ended,
            without_cpts=sum(home_of(one, homes.get(one.rpps, ())) is None for one in listed),
        )
        return Answer(body=taken)

    return await carry_out(request, OWNERS["put_participants"], body)


def _refuse_malformed(told: PlatformList, listed: Sequence[Listed]) -> None:
    """Raises `Refused` for a département that is none, and for who is listed twice."""
    unknown = [one for one in told.departements if one not in departements_by_code()]
    if unknown:
        text = f"Départements inconnus : {', '.join(unknown)}."
        raise Refused("unknown_departement", text, status=422)
    twice = [rpps for rpps, count in Counter(one.rpps for one in listed).items() if count > 1]
    if twice:
        detail = f"{len(twice)} professionnels sont deux fois dans la liste."
        extension = {"rpps": sorted(twice)[:20]}
        unless_refused(Refusal(reason=Reason.LISTED_TWICE, detail=detail, extension=extension))


@get("/sas-participants")
async def list_participant_lists(request: AnyRequest) -> list[PlatformList]:
    """The platforms' lists that are there: of which day and départements."""
    async with request.app.state.pool.acquire() as connection:
        return await participants.lists(connection)


@get("/sas-participants/differences")
async def list_participant_differences(
    request: AnyRequest,
    cpts_id: FromQuery[str | None] = None,
    after: Cursor = "",
    limit: Limit = 100,
) -> ListDifferences:
    """Where the platforms' lists and what CPTS declare differ today, with the words of both."""
    day = local_day(request.app.state.clock.now())
    async with request.app.state.pool.acquire() as connection:
        lists = await participants.lists(connection)

        async def read_after(rpps: str) -> list[tuple[str, list[ListDiffers]]]:
            followed, departements = await participants.followed_after(
                connection, day, rpps, cpts_id, LOOKED_AT_ONCE
            )
            return [
                (
                    one.rpps,
                    [
                        each
                        for told in lists
                        for each in differences(one, told, departements)
                        if cpts_id in {None, each.cpts_id}
                    ],
                )
                for one in followed
            ]

        found, last, is_end = await differing_page(read_after, after, limit)
    return ListDifferences(items=found, next=None if is_end else last)


ROUTES = (put_participants, list_participant_lists, list_participant_differences)
