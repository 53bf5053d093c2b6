"""The routes that every service has: its health, and its dead letters."""

import logging
from typing import Any

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath, FromQuery

from contracts.recorded import Recorded
from services.messaging.batch import Hearing
from services.messaging.codec import Breach, Codec, Record
from services.messaging.database import is_not_now
from services.messaging.dead_letters import list_dead_letters, lock_dead_letter, mark_replayed
from services.messaging.orders import Answer, Order, Role, carry_out
from services.messaging.pages import NUMBER_MAX, AfterNumber, Limit, Page, page
from services.messaging.problems import Refused, not_found, problem
from services.messaging.replays import REPLAYED, add_replay, list_replays
from services.messaging.telemetry import batch_span
from services.messaging.unit import Unit, open_unit

log = logging.getLogger(__name__)

OWNERS = {"replay_dead_letter": frozenset({Role.SYSTEM})}


@get("/health/live", tags=["health"])
async def show_live() -> dict[str, bool]:
    """Whether the process runs."""
    return {"is_live": True}


@get("/health/ready", tags=["health"])
async def show_ready(request: Request[Any, Any, Any]) -> Response[dict[str, Any]]:
    """Whether the service can do its work; if not, why, and the command that mends it."""
    health = request.app.state.health
    if health.is_ready:
        return Response({"is_ready": True, "troubles": [], "counters": dict(health.counters)})
    reasons = "; ".join(f"{one.part}: {one.reason}" for one in health.troubles)
    return problem(
        503,
        reasons,
        is_ready=False,
        troubles=msgspec.to_builtins(health.troubles),
        counters=dict(health.counters),
    )


@get("/metrics", include_in_schema=False)
async def show_metrics(request: Request[Any, Any, Any]) -> Response[bytes]:
    """What the service counts, in Prometheus' text format, or OpenMetrics when asked so."""
    text, media_type = await request.app.state.scraper.scrape(request.headers.get("accept", ""))
    return Response(text, media_type=media_type)


@get("/dead-letters", tags=["dead letters"])
async def show_dead_letters(
    request: Request[Any, Any, Any],
    with_replayed: FromQuery[bool] = False,  # noqa: FBT002 - a query parameter
    after: AfterNumber = NUMBER_MAX,
    limit: Limit = 100,
) -> Page:
    """The messages that could not be handled, newest first."""
    async with request.app.state.pool.acquire() as connection:
        items = await list_dead_letters(
            connection, with_replayed=with_replayed, after=after, limit=limit
        )
    return page(items, limit, lambda last: str(last["id"]))


@post("/dead-letters/{letter_id:int}/replay", tags=["dead letters"], status_code=200)
async def replay_dead_letter(
    request: Request[Any, Any, Any], letter_id: FromPath[int]
) -> Response[dict[str, Any]]:
    """Handle a dead letter again, in one transaction that also marks it as replayed.

    Who asked and what came of it is kept, also when it is refused: then in a transaction of its
    own, as the other is rolled back.
    """
    running = request.app.state.running
    refusals: list[tuple[str | None, str]] = []

    async def body(order: Order) -> Answer:
        try:
            await replay(order.unit, running.hearing, running.codec, letter_id)
        except Refused as refused:
            refusals.append((order.person, refused.reason))
            raise
        await add_replay(order.unit.connection, letter_id, order.person, REPLAYED)
        return Answer(body={"id": letter_id, "is_replayed": True})

    answer = await carry_out(request, OWNERS["replay_dead_letter"], body)
    if refusals:
        async with open_unit(running.desk) as unit:
            await add_replay(unit.connection, letter_id, *refusals[-1])
    return answer


@get("/dead-letters/replays", tags=["dead letters"])
async def show_replays(
    request: Request[Any, Any, Any],
    after: AfterNumber = NUMBER_MAX,
    limit: Limit = 100,
) -> Page:
    """The replays that were asked for: by whom, of what, and what came of it, newest first."""
    async with request.app.state.pool.acquire() as connection:
        items = await list_replays(connection, after, limit)
    return page(items, limit, lambda last: str(last["id"]))


async def replay(unit: Unit, hearing: Hearing, codec: Codec, letter_id: int) -> None:
    """Run the handler of a dead letter on it and mark it, in the unit's transaction.

    Raises `Refused` when it is replayed already or still cannot be handled; a 404 when there is
    none. What an exception says may quote the message: it goes into the service's log alone.
    """
    kafka_names = {name: kafka_name for kafka_name, name in hearing.names.items()}
    found = await lock_dead_letter(unit.connection, letter_id, kafka_names)
    if found is None:
        raise not_found("Le message", letter_id)
    record, is_replayed = found
    if record.topic not in hearing.names:
        raise Refused("topic_not_heard", "Le service n'écoute pas ce sujet ; voir son journal.")
    if is_replayed:
        raise Refused("already_replayed", "Ce message a déjà été rejoué.")
    ((_, said),) = codec.decode_records([record])
    if isinstance(said, Breach):
        log.warning("dead letter %d is still undecodable: %s", letter_id, said.reason)
        raise Refused("still_undecodable", "Ce message ne suit toujours pas le contrat.")
    if isinstance(said, Recorded):
        await handle_again(hearing, unit, record, said)
    await mark_replayed(unit.connection, letter_id)
    unit.count("replayed")


async def handle_again(hearing: Hearing, unit: Unit, record: Record, said: Recorded[Any]) -> None:
    """Give one event to its topic's handler. A bug that is still there is a refusal."""
    name = hearing.names[record.topic]
    handler = next(hears.handler for hears in hearing.hears if hears.topic.name == name)
    try:
        with batch_span([(record, said)], hearing.names) as items:
            await handler(unit, [one for _, one in items if isinstance(one, Recorded)])
    except Exception as error:
        if is_not_now(error):
            raise
        log.exception("a replayed %s still fails", said.type)
        raise Refused(
            "still_fails",
            f"Le traitement échoue encore ({type(error).__name__}) ; voir le journal du service.",
        ) from error


ROUTES = (
    show_live,
    show_ready,
    show_metrics,
    show_dead_letters,
    show_replays,
    replay_dead_letter,
)
