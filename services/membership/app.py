"""The wiring of the membership service."""

from pathlib import Path

from contracts.topics import MEMBERSHIP
from services.membership.handlers import let_fall_due
from services.membership.http import ROUTES
from services.membership.store.invariants import invariants
from services.membership.store.state import apply
from services.messaging.process import Service
from services.messaging.timers import Timer

SERVICE = Service(
    name="membership",
    topic=MEMBERSHIP,
    schema=Path(__file__).parent / "schema",
    apply=apply,
    hears=(),
    timers=(Timer(name="life", fire=let_fall_due),),
    routes=ROUTES,
    invariants=invariants,
    labels=Path(__file__).parent / "labels.toml",
    outside_log=(
        *("directory_extract", "directory_rejection", "directory_activity", "directory_structure"),
        *("platform_list", "platform_participant"),
    ),
)
