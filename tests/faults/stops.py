"""The points at which a fault can strike: between messaging's own steps, wrapped where they are
looked up. The product knows nothing of it.

Each point calls `act`, which may stop the process, hold the step, or do nothing. A step within a
transaction hands its connection over, so that the fault can be told from the database later.
Points that nobody `wants` cost nothing: the database is not asked about them.
"""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

from services.messaging import batch, replaying, unit
from services.messaging.relay import Relay

BEFORE_FENCE = "before-fence"  # a batch was polled, its transaction has begun, nothing moved
FENCE = "fence"  # the offsets moved, in an open transaction
OWN_FENCE = "own-fence"  # the same, for the own topic that is caught up with at a start
ANNOUNCE = "announce"  # events are in the history and the outbox, not yet applied
BEFORE_COMMIT = "before-commit"
AFTER_COMMIT = "after-commit"  # committed, and nobody knows it yet
SENT = "sent"  # the log has the rows, the outbox does not say so
POINTS = (BEFORE_FENCE, FENCE, OWN_FENCE, ANNOUNCE, BEFORE_COMMIT, AFTER_COMMIT, SENT)
OPEN_POINTS = (FENCE, OWN_FENCE, ANNOUNCE, BEFORE_COMMIT)  # what was done there can be rolled back

CURRENT = "select pg_current_xact_id_if_assigned()::text"

# Service, point, connection (None outside a transaction), id of the transaction if it wrote.
Act = Callable[[str, str, Any, str | None], Awaitable[None]]
Wants = Callable[[str], bool]  # whether anybody waits for a point now


def service_of(connection: Any) -> str:
    """The service whose session this is."""
    return str(connection.get_settings().application_name).removeprefix("cpts-")


def always(_point: str) -> bool:
    """Every point is waited for."""
    return True


@contextmanager
def points(act: Act, wants: Wants = always) -> Iterator[None]:
    """Every point that is wanted calls `act`, in this block."""
    with ExitStack() as stack:
        for where, name, wrapped in (
            (batch, "fence", _fenced(act, wants, vars(batch)["fence"], FENCE)),
            (replaying, "fence", _fenced(act, wants, vars(replaying)["fence"], OWN_FENCE)),
            (unit, "add_rows", _announced(act, wants, vars(unit)["add_rows"])),
            (unit, "commit", _committed(act, wants, unit.commit)),
            (Relay, "send", _sent(act, wants, Relay.send)),
        ):
            stack.enter_context(patch.object(where, name, wrapped))
        yield


async def _in(act: Act, wants: Wants, point: str, connection: Any) -> None:
    if wants(point):
        xid = await connection.fetchval(CURRENT)
        await act(service_of(connection), point, connection, xid)


def _fenced(act: Act, wants: Wants, step: Any, point: str) -> Any:
    async def fence_and_act(connection: Any, moves: Sequence[Any]) -> None:
        if point == FENCE:
            await _in(act, wants, BEFORE_FENCE, connection)
        await step(connection, moves)
        if moves:
            await _in(act, wants, point, connection)

    return fence_and_act


def _announced(act: Act, wants: Wants, step: Any) -> Any:
    async def add_and_act(connection: Any, rows: Sequence[Any], writer: Any) -> Any:
        added, has_others = await step(connection, rows, writer)
        if added:
            await _in(act, wants, ANNOUNCE, connection)
        return added, has_others

    return add_and_act


def _committed(act: Act, wants: Wants, step: Any) -> Any:
    async def commit(transaction: Any) -> None:
        if not (wants(BEFORE_COMMIT) or wants(AFTER_COMMIT)):
            await step(transaction)
            return
        connection = transaction._connection
        service, xid = service_of(connection), await connection.fetchval(CURRENT)
        if xid is not None:  # else it wrote nothing: a timer with nothing due, an answer repeated
            await act(service, BEFORE_COMMIT, connection, xid)
        await step(transaction)
        if xid is not None:
            await act(service, AFTER_COMMIT, connection, xid)

    return commit


def _sent(act: Act, wants: Wants, step: Any) -> Any:
    async def send(relay: Any, producer: Any, rows: Sequence[Any]) -> None:
        await step(relay, producer, rows)
        if rows and wants(SENT):
            await act(relay._settings.service, SENT, None, None)

    return send
