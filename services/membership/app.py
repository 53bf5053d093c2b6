"""The wiring of the membership service."""

from pathlib import Path

from contracts.topics import MEMBERSHIP
from services.membership.http import ROUTES
from services.membership.store.state import apply
from services.messaging.process import Service

SERVICE = Service(
    name="membership",
    topic=MEMBERSHIP,
    schema=Path(__file__).parent / "schema",
    apply=apply,
    hears=(),
    routes=ROUTES,
)
