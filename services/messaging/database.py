"""PostgreSQL: connections with their limits, and which of its errors will pass by themselves."""

from typing import TYPE_CHECKING, Any, TypeAlias

import asyncpg
from aiokafka.errors import KafkaError

from services.messaging.settings import Settings

if TYPE_CHECKING:
    Connection: TypeAlias = (
        asyncpg.Connection[asyncpg.Record] | asyncpg.pool.PoolConnectionProxy[asyncpg.Record]
    )
    Pool: TypeAlias = asyncpg.Pool[asyncpg.Record]
else:
    Connection: TypeAlias = asyncpg.Connection
    Pool: TypeAlias = asyncpg.Pool

POOL_SIZE_MAX = 10
READING_POOL_SIZE_MAX = 5

# Two transactions met: the same work, started again, goes through.
COLLISIONS = (
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.LockNotAvailableError,
)
# The database or the broker is away, full, or going down.
TROUBLES = (
    asyncpg.PostgresConnectionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.OperatorInterventionError,
    asyncpg.PostgresSystemError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InternalClientError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.ReadOnlySQLTransactionError,
    KafkaError,
    OSError,
    TimeoutError,
)


def is_collision(error: BaseException) -> bool:
    """Whether the same work will succeed when started again at once."""
    return isinstance(error, COLLISIONS)


def is_not_now(error: BaseException) -> bool:
    """Whether the failure is the database's or the broker's, and not the work's."""
    if isinstance(error, asyncpg.InterfaceError):
        # asyncpg also says so of a wrong argument, which no waiting mends.
        return "clos" in str(error) and not isinstance(error, asyncpg.DataError)
    return isinstance(error, (*TROUBLES, *COLLISIONS))


def session_settings(settings: Settings, schema: str) -> dict[str, str]:
    """What every connection sets, so that no session can hold the others up."""
    limits = settings.limits
    return {
        "application_name": f"cpts-{settings.service}",
        "search_path": schema,
        "timezone": "UTC",
        "lock_timeout": str(limits.lock_timeout_ms),
        "idle_in_transaction_session_timeout": str(limits.idle_in_transaction_ms),
    }


async def _keep(_connection: Any) -> None:
    """Nothing to reset between uses: sessions are never altered, so a round trip is saved."""


async def open_pool(settings: Settings, schema: str = "public") -> Pool:
    """A pool of connections whose statements see `schema`."""
    return await _open_pool(settings, POOL_SIZE_MAX, session_settings(settings, schema))


async def open_reading_pool(settings: Settings) -> Pool:
    """A pool for questions, apart: they may not write, and slow ones keep no order waiting."""
    reading = {
        "default_transaction_read_only": "on",
        "statement_timeout": str(settings.limits.question_ms_max),
    }
    sessions = session_settings(settings, "public") | reading
    return await _open_pool(settings, READING_POOL_SIZE_MAX, sessions)


async def _open_pool(settings: Settings, size_max: int, sessions: dict[str, str]) -> Pool:
    """A pool whose statements have an end, also where the network lost the connection silently."""
    return await asyncpg.create_pool(
        settings.database_url,
        min_size=0,  # none at first: the database may be away
        max_size=size_max,
        reset=_keep,
        command_timeout=settings.limits.statement_seconds_max,
        server_settings=sessions,
    )


async def connect(
    settings: Settings, schema: str = "public", *, statement_seconds_max: int | None = None
) -> Connection:
    """One connection outside the pool, for a task that holds it all its life."""
    return await asyncpg.connect(
        settings.database_url,
        command_timeout=statement_seconds_max,
        server_settings=session_settings(settings, schema),
    )
