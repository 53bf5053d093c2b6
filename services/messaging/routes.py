"""The routes that every service has: its health, and its dead letters."""

from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath, FromQuery, QueryParameter

from contracts.recorded import Recorded
from services.messaging.batch import Hearing
from services.messaging.codec import Breach, Codec
from services.messaging.database import is_not_now
from services.messaging.dead_letters import list_dead_letters, lock_dead_letter, mark_replayed
from services.messaging.orders import Role, read_role
from services.messaging.problems import NOT_READY, Refused, not_found, problem
from services.messaging.unit import Unit, open_unit


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


@get("/dead-letters", tags=["dead letters"])
async def show_dead_letters(
    request: Request[Any, Any, Any],
    with_replayed: FromQuery[bool] = False,  # noqa: FBT002 - a query parameter
    limit: Annotated[int, QueryParameter(ge=1, le=1000)] = 100,
) -> list[dict[str, Any]]:
    """The messages that could not be handled, newest first."""
    async with request.app.state.pool.acquire() as connection:
        return await list_dead_letters(connection, with_replayed=with_replayed, limit=limit)


@post("/dead-letters/{letter_id:int}/replay", tags=["dead letters"], status_code=200)
async def replay_dead_letter(
    request: Request[Any, Any, Any], letter_id: FromPath[int]
) -> dict[str, Any]:
    """Handle a dead letter again, in one transaction that also marks it as replayed."""
    read_role(request, {Role.SYSTEM})
    running = request.app.state.running
    await replay(running.hearing, running.codec, letter_id)
    return {"id": letter_id, "is_replayed": True}


async def replay(hearing: Hearing, codec: Codec, letter_id: int) -> None:
    """Run the handler of a dead letter on it and mark it, in one transaction.

    Raises `Refused` when it is replayed already or still cannot be handled, or while the service
    catches up with the log; a 404 when there is none.
    """
    if not hearing.desk.is_open:
        raise Refused("not_ready", NOT_READY, status=503)
    kafka_names = {name: kafka_name for kafka_name, name in hearing.names.items()}
    async with open_unit(hearing.desk) as unit:
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
            raise Refused("still_undecodable", said.reason)
        if isinstance(said, Recorded):
            await handle_again(hearing, record.topic, unit, said)
        await mark_replayed(unit.connection, letter_id)
        unit.count("replayed")


async def handle_again(hearing: Hearing, kafka_topic: str, unit: Unit, said: Recorded[Any]) -> None:
    """Give one event to its topic's handler. A bug that is still there is a refusal."""
    name = hearing.names[kafka_topic]
    handler = next(hears.handler for hears in hearing.hears if hears.topic.name == name)
    try:
        await handler(unit, [said])
    except Exception as error:
        if is_not_now(error):
            raise
        raise Refused("still_fails", f"{type(error).__name__}: {error}") from error


ROUTES = (show_live, show_ready, show_dead_letters, replay_dead_letter)
