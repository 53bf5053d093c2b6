"""Samples of the evidence behind a figure: drawn by the caisse, kept with their seed, listed."""

import secrets
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Any

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath, JSONBody

from contracts.events.indicators import SampleDrawn
from services.indicators.domain.levels import draw_sample, samples_subject
from services.indicators.domain.owners import OWNERS
from services.indicators.domain.rule import CountingRule
from services.indicators.handlers.recording import Said, announce
from services.indicators.http.asking import HttpRequest, PathId
from services.indicators.http.levels import FIGURE, Size, evidence_behind, figure_asked
from services.indicators.http.ordering import locked_departement
from services.indicators.store import declarations, entries
from services.messaging.database import Connection
from services.messaging.history import history_of
from services.messaging.orders import Answer, Order, carry_out
from services.messaging.pages import AfterNumber, Limit, Page, page


class SampleOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many pieces of evidence to draw, fewer where there are fewer."""

    size: Size


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """A sample that was drawn: the pieces that its seed drew of all that were behind the figure
    then. `missing` are those of its pieces that name no file now.
    """

    number: int
    seed: int
    size: int
    evidence_ids: Sequence[str]
    evidence_count: int
    drawn_at: Annotated[datetime, msgspec.Meta(description="Quand il a été tiré")]
    by_role: str
    said_by: str | None
    missing: Sequence[str]


async def _shown(
    connection: Connection, cpts_id: str, drawn: Sequence[tuple[SampleDrawn, datetime]]
) -> list[Sample]:
    named = {one for event, _ in drawn for one in event.evidence_ids}
    missing = set(await declarations.missing_evidence(connection, cpts_id, sorted(named)))
    return [
        Sample(
            number=event.number,
            seed=event.seed,
            size=event.size,
            evidence_ids=event.evidence_ids,
            evidence_count=event.evidence_count,
            drawn_at=drawn_at,
            by_role=event.by_role,
            said_by=event.said_by,
            missing=[one for one in event.evidence_ids if one in missing],
        )
        for event, drawn_at in drawn
    ]


def _drawn(row: Mapping[str, Any]) -> tuple[SampleDrawn, datetime]:
    return msgspec.convert(row["event"], SampleDrawn), row["occurred_at"]


@get(FIGURE + "/samples")
async def list_samples(
    request: HttpRequest,
    cpts_id: PathId,
    starts_on: FromPath[date],
    indicator: FromPath[str],
    after: AfterNumber = 0,
    limit: Limit = 100,
) -> Page:
    """The samples that were drawn of the evidence behind a figure, in their order."""
    async with request.app.state.pool.acquire() as connection:
        key, _ = await figure_asked(connection, cpts_id, starts_on, indicator)
        rows = await history_of(connection, samples_subject(key), after=after, limit=limit)
        items = await _shown(connection, cpts_id, [_drawn(row) for row in rows])
    return page(items, limit, lambda last: str(last.number))


def make_routes(rule: CountingRule) -> tuple[Any, ...]:
    """The routes, of which the evidence follows what activities add."""

    @post(FIGURE + "/samples", status_code=201)
    async def take_sample(
        request: HttpRequest,
        cpts_id: PathId,
        starts_on: FromPath[date],
        indicator: FromPath[str],
        data: JSONBody[SampleOrder],
    ) -> Response[Sample]:
        """Draws a sample of the evidence behind a figure by a seed that nobody knew, and keeps it.

        A verification names it by its `number`.
        """

        async def body(order: Order) -> Answer:
            departement = await locked_departement(order, cpts_id)
            connection = order.unit.connection
            key, year = await figure_asked(connection, cpts_id, starts_on, indicator)
            evidence = await evidence_behind(connection, key, year, rule)
            subject = samples_subject(key)
            last = (await entries.last_sequences(connection, [subject])).get(subject, 0)
            # Drawn from the order a seed could be chosen after all: by trying keys of idempotency.
            seed = secrets.randbits(32)
            event = SampleDrawn(
                cpts_id=cpts_id,
                indicator=indicator,
                contract_year_starts_on=starts_on,
                number=last + 1,
                seed=seed,
                size=data.size,
                evidence_ids=draw_sample(evidence, seed=seed, size=data.size),
                evidence_count=len(evidence),
                by_role=order.role,
                said_by=order.person,
            )
            news = Said(subject=subject, departement=departement, event=event)
            (said,) = await announce(order.unit, [news], order.cause)
            (shown,) = await _shown(connection, cpts_id, [(event, said.occurred_at)])
            return Answer(body=shown, status=201)

        return await carry_out(request, OWNERS["take_sample"], body)

    return (list_samples, take_sample)
