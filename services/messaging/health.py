"""Whether the service can do its work, and why not."""

import asyncio
import logging
from collections import Counter  # noqa: TC003
from collections.abc import Coroutine
from typing import Any

import asyncpg
import msgspec
from aiokafka.errors import KafkaError

from services.messaging.database import is_not_now
from services.messaging.meters import Meters

log = logging.getLogger(__name__)

RESTART = "restart the service"


class Trouble(msgspec.Struct, frozen=True, kw_only=True):
    """Why a part of the service does not work now, and the command that mends it, if one does."""

    part: str
    reason: str
    command: str | None = None


def reason_of(error: BaseException) -> str:
    """A failure in a few words. Its own message stays in the log: addresses and names are in it."""
    match error:
        case KafkaError():
            why = "the broker is in trouble"
        case asyncpg.PostgresError() | asyncpg.InterfaceError() if is_not_now(error):
            why = "the database is in trouble"
        case _ if is_not_now(error):
            why = "a server does not answer"
        case _:
            why = "a failure of the service, told in its log"
    return f"{type(error).__name__}: {why}"


def supervised(work: Coroutine[Any, Any, None], part: str, health: "Health") -> asyncio.Task[None]:
    """A task that is to run as long as the process: when it fails, or is cut off by anything but
    its own cancellation, the service is no longer ready.
    """
    task = asyncio.create_task(work)

    def tell(done: asyncio.Task[None]) -> None:
        if done.cancelled():
            if not done.cancelling():
                health.is_ill(part, "cut off", RESTART)
        elif (error := done.exception()) is not None:
            log.error("%s ended", part, exc_info=error)
            health.is_ill(part, reason_of(error), RESTART)

    task.add_done_callback(tell)
    return task


class Health:
    """What each part of the process last said of itself, and the process's numbers."""

    def __init__(self, meters: Meters) -> None:
        self.meters = meters
        self.counters: Counter[str] = meters.counters
        self._troubles: dict[str, Trouble] = {}

    def starts(self, part: str) -> None:
        """A part that must become well before the service is ready."""
        self._troubles[part] = Trouble(part=part, reason="starting")

    def is_well(self, part: str) -> None:
        """A part works."""
        self._troubles.pop(part, None)

    def is_ill(self, part: str, reason: str, command: str | None = None) -> None:
        """A part does not work now."""
        self._troubles[part] = Trouble(part=part, reason=reason, command=command)

    def is_failing(self, part: str, error: Exception) -> None:
        """A part does not work now, for an error that its caller logs."""
        self.is_ill(part, reason_of(error))

    @property
    def troubles(self) -> list[Trouble]:
        """What keeps the service from being ready."""
        return list(self._troubles.values())

    @property
    def is_ready(self) -> bool:
        """Whether nothing does."""
        return not self._troubles
