"""The wiring of the gateway service."""

from pathlib import Path

from contracts.topics import GATEWAY, MEMBERSHIP, REFERRALS
from services.gateway.events import FROM_MEMBERSHIP, FROM_REFERRALS
from services.gateway.handlers import extend_hours, look_again, on_membership, on_referrals
from services.gateway.http import ROUTES
from services.gateway.http.outcomes import ON_ERRORS
from services.gateway.hub.bridge import run_bridge
from services.gateway.store.applying import apply
from services.messaging.declared import Service
from services.messaging.hearing import Hears
from services.messaging.timers import Timer

SERVICE = Service(
    name="gateway",
    topic=GATEWAY,
    schema=Path(__file__).parent / "schema",
    apply=apply,
    hears=(
        Hears(
            topic=MEMBERSHIP,
            understands=FROM_MEMBERSHIP,
            handler=on_membership,
            is_read_in_full=True,
        ),
        Hears(topic=REFERRALS, understands=FROM_REFERRALS, handler=on_referrals),
    ),
    timers=(Timer(name="hours", fire=extend_hours),),
    routes=ROUTES,
    labels=Path(__file__).parent / "labels.toml",
    look_again=look_again,
    outside_log=(
        "regulator_identity",
        "practitioner_card",
        "agenda_card",
        "cpts_card",
        "hub_message",
    ),
    on_errors=ON_ERRORS,
    background=(run_bridge,),
)
