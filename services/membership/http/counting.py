"""How many CPTS stand where on a day, and what they cover: nation, régions, départements."""

from collections import defaultdict
from datetime import date
from typing import Any

import msgspec
from litestar import Request, get
from litestar.params import FromQuery

from contracts.communes import all_communes, resolve
from contracts.departements import by_code
from services.membership.domain.calendar import local_day
from services.membership.domain.stages import Count, Covered, add, count
from services.membership.store import counts


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A région or a département with its count."""

    code: str
    name: str
    count: Count


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """The counts on a day, as the events that are known now tell it."""

    on: date
    france: Count
    regions: list[Place]
    departements: list[Place]


@get("/counts")
async def show_counts(request: Request[Any, Any, Any], on: FromQuery[date | None] = None) -> Counts:
    """CPTS by stage, contracts, communes and inhabitants covered on a day (today in Paris)."""
    day = on or local_day(request.app.state.clock.now())
    async with request.app.state.pool.acquire() as connection:
        steps = await counts.steps(connection)
        places = await counts.places_on(connection, day)
    by_departement = count(steps, _covered(places), _populations(), day)
    regions: defaultdict[tuple[str, str], list[Count]] = defaultdict(list)
    for code, one in by_departement.items():
        region = by_code(code).region
        if region is not None:
            regions[region.code, region.name].append(one)
    return Counts(
        on=day,
        france=add(by_departement.values()),
        regions=[
            Place(code=code, name=name, count=add(parts))
            for (code, name), parts in sorted(regions.items())
        ],
        departements=[
            Place(code=code, name=by_code(code).name, count=one)
            for code, one in by_departement.items()
        ],
    )


def _populations() -> dict[str, int]:
    found: defaultdict[str, int] = defaultdict(int)
    for commune in all_communes().values():
        if commune.city is None:
            found[commune.departement] += commune.population or 0
    return dict(found)


def _covered(places: list[counts.HeldOn]) -> list[Covered]:
    """What each CPTS has of each département; an arrondissement is its city's."""
    communes: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    inhabitants: defaultdict[tuple[str, str], int] = defaultdict(int)
    for place in places:
        commune = resolve(place.commune)
        if commune is None:
            continue
        key = (commune.departement, place.cpts_id)
        communes[key].add(commune.city or commune.code)
        inhabitants[key] += place.population or 0
    return [
        Covered(
            departement=departement,
            cpts_id=cpts_id,
            communes=frozenset(communes[departement, cpts_id]),
            inhabitants=inhabitants[departement, cpts_id],
        )
        for departement, cpts_id in sorted(communes)
    ]


ROUTES = (show_counts,)
