"""The only writer of the service's own state: orders, replays and restores all end here."""

from collections.abc import Sequence
from typing import Any

from contracts.events.gateway import RegulatorRecorded
from contracts.recorded import Recorded
from services.gateway.store import regulators
from services.messaging.database import Connection


async def apply(connection: Connection, recorded: Sequence[Recorded[Any]]) -> None:
    """Change the state by these events of the own topic, in their order."""
    accounts = [one for one in recorded if isinstance(one.event, RegulatorRecorded)]
    if accounts:
        await regulators.write(connection, accounts)
