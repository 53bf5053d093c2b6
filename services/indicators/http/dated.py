"""The question on all indicators of a contract year: live and by level, as known, as true."""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Any

import msgspec
from litestar import get
from litestar.params import FromPath, FromQuery

from contracts.indicators import Indicator, indicators
from services.indicators.domain.figures import FigureKey
from services.indicators.domain.levels import levels_subject, standing
from services.indicators.domain.rule import CountingRule
from services.indicators.domain.values import value_subject
from services.indicators.http.asking import HttpRequest, PathId
from services.indicators.http.ordering import missing_of
from services.indicators.store import answers, dated, declarations
from services.indicators.store.entries import Known
from services.messaging.problems import Refused, not_found


class ShownLive(msgspec.Struct, frozen=True, kw_only=True):
    """The live value of an indicator; `revision` tells how much was recorded behind it."""

    value: int
    revision: int


class ShownDeclared(msgspec.Struct, frozen=True, kw_only=True):
    """What the CPTS declares: a value of its own, or what its activities add up to (no day).

    `missing` are the pieces of evidence that name no file recorded until now.
    """

    value: int
    true_on: date | None = None
    recorded_at: datetime | None = None
    evidence_ids: Sequence[str] = ()
    missing: Sequence[str] = ()
    said_by: str | None = None
    reason: str | None = None


class ShownLevel(msgspec.Struct, frozen=True, kw_only=True):
    """Who set a level, when, and why; or the CPTS's word on a value."""

    value: int
    decided_on: date
    by_role: str
    recorded_at: datetime
    revision: int
    answer: str | None
    reason: str | None
    seed: int | None
    evidence_ids: Sequence[str]
    is_seed_chosen: bool
    ground: str | None
    stance_revision: int | None
    said_by: str | None
    missing: Sequence[str]


class ShownFigure(msgspec.Struct, frozen=True, kw_only=True):
    """An indicator with its live value and each level, null where there is none."""

    indicator: str
    libelle: str
    mission: str
    unit: str
    direction: str
    source: str
    is_verified: bool
    live: ShownLive | None
    declared: ShownDeclared | None
    verified: ShownLevel | None
    stance: ShownLevel | None
    validated: ShownLevel | None
    visa: ShownLevel | None


class ShownYear(msgspec.Struct, frozen=True, kw_only=True):
    """The indicators of a contract year, in the order of the catalogue."""

    cpts_id: str
    contract_year_starts_on: date
    contract_year_ends_on: date
    known_at: datetime
    true_on: date
    figures: Sequence[ShownFigure]


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What is read of a contract year, by the subject of each aggregate."""

    figures: dict[str, dated.LiveFigure]
    values: dict[str, Known]
    levels: dict[str, list[Known]]
    missing: Collection[str] = ()

    def evidence_ids(self) -> set[str]:
        """All the evidence that values and levels name."""
        said = [*self.values.values(), *(one for each in self.levels.values() for one in each)]
        return {evidence_id for one in said for evidence_id in one.event.evidence_ids}


@get("/cpts/{cpts_id:str}/contract-years/{starts_on:date}/figures")
async def show_year(
    request: HttpRequest,
    cpts_id: PathId,
    starts_on: FromPath[date],
    known_at: FromQuery[datetime | None] = None,
    true_on: FromQuery[date | None] = None,
) -> ShownYear:
    """Every indicator of a contract year, as known at an instant and as true on a day.

    Without `known_at`, as known now; without `true_on`, as true at the end of time.
    """
    if known_at is not None and known_at.tzinfo is None:
        raise Refused("instant_invalid", "known_at est un instant avec décalage.", status=400)
    at = known_at or request.app.state.clock.now()
    on = true_on or date.max
    there = [one for one in indicators().values() if one.holds(starts_on)]
    keys = [FigureKey(cpts_id, one.code, starts_on) for one in there]
    async with request.app.state.pool.acquire() as connection:
        ends_on = await answers.contract_year_end(connection, cpts_id, starts_on)
        if ends_on is None:
            raise not_found("L'année de contrat", f"{cpts_id}/{starts_on.isoformat()}")
        found = Found(
            figures=await dated.live_figures(
                connection, [key.subject for key in keys], known_at=at, true_on=on
            ),
            values=await dated.values(
                connection,
                [value_subject(cpts_id, key.indicator, starts_on) for key in keys],
                known_at=at,
                true_on=on,
            ),
            levels=await dated.levels(
                connection, [levels_subject(key) for key in keys], known_at=at, true_on=on
            ),
        )
        named = found.evidence_ids()
        missing = await declarations.missing_evidence(connection, cpts_id, named)
        found = msgspec.structs.replace(found, missing=set(missing))
    return ShownYear(
        cpts_id=cpts_id,
        contract_year_starts_on=starts_on,
        contract_year_ends_on=ends_on,
        known_at=at,
        true_on=on,
        figures=[_shown(one, key, found) for one, key in zip(there, keys, strict=True)],
    )


def _shown(indicator: Indicator, key: FigureKey, found: Found) -> ShownFigure:
    said = found.levels.get(levels_subject(key), [])
    known = {one.event.revision: one.recorded_at for one in said}
    stands = standing(one.event for one in said)
    live, declared = _values(indicator, key, found)

    def level(event: Any) -> ShownLevel | None:
        if event is None:
            return None
        told = msgspec.structs.asdict(event) | {"recorded_at": known[event.revision]}
        told["missing"] = missing_of(event.evidence_ids, found.missing)
        return ShownLevel(**{name: told[name] for name in ShownLevel.__struct_fields__})

    return ShownFigure(
        indicator=indicator.code,
        libelle=indicator.label,
        mission=indicator.mission,
        unit=indicator.unit,
        direction=indicator.direction,
        source=indicator.source,
        is_verified=indicator.is_verified,
        live=live,
        declared=declared,
        verified=level(stands.verified),
        stance=level(stands.stance),
        validated=level(stands.validated),
        visa=level(stands.visa),
    )


def _values(
    indicator: Indicator, key: FigureKey, found: Found
) -> tuple[ShownLive | None, ShownDeclared | None]:
    """The live value, and what the CPTS declares.

    A figure that is one value has but its last fact: what was true before is in the value's own
    history.
    """
    figure = found.figures.get(key.subject)
    live = None if figure is None else ShownLive(value=figure.value, revision=figure.revision)
    if indicator.source == "events":
        return live, None
    if indicator.source == "activities":
        return live, None if live is None else ShownDeclared(value=live.value)
    said = found.values.get(value_subject(key.cpts_id, key.indicator, key.starts_on))
    if said is None or said.event.is_withdrawn:
        return None, None
    live = ShownLive(value=said.event.value, revision=figure.revision if figure else 0)
    if indicator.source == "caisse":
        return live, None
    return live, ShownDeclared(
        value=said.event.value,
        true_on=said.event.true_on,
        recorded_at=said.recorded_at,
        evidence_ids=said.event.evidence_ids,
        missing=missing_of(said.event.evidence_ids, found.missing),
        said_by=said.event.said_by,
        reason=said.event.reason,
    )


def make_routes(_: CountingRule) -> tuple[Any, ...]:
    """The routes."""
    return (show_year,)
