"""What a service hears: a topic, the types it understands and the handler of their batches."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec

from contracts.recorded import Recorded
from contracts.topics import Topic
from services.messaging.unit import Unit

Handler = Callable[[Unit, Sequence[Recorded[Any]]], Awaitable[None]]


class Hears(msgspec.Struct, frozen=True, kw_only=True):
    """A topic that a service hears, the types it understands and what it does with them.

    Records of other types are done without it. `is_read_in_full` topics are read whole whatever
    départements the process is restricted to.
    """

    topic: Topic
    understands: tuple[type[msgspec.Struct], ...]
    handler: Handler
    is_read_in_full: bool = False
