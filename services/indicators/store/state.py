"""The own state of indicators, changed only by applying its own events."""

from collections.abc import Sequence
from typing import Any

from contracts.events.indicators import FigureChanged
from contracts.recorded import Recorded
from services.indicators.store import entries, figures
from services.messaging.database import Connection


async def apply(connection: Connection, recorded: Sequence[Recorded[Any]]) -> None:
    """Brings the state up to these events of the own topic; known ones change nothing."""
    changed = [one for one in recorded if isinstance(one.event, FigureChanged)]
    if changed:
        await figures.apply(connection, changed)
    if len(changed) < len(recorded):
        await entries.keep(
            connection, [one for one in recorded if not isinstance(one.event, FigureChanged)]
        )
