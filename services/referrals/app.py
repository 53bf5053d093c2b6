"""The wiring of the referrals service."""

from pathlib import Path

from contracts.topics import GATEWAY, MEMBERSHIP, REFERRALS
from services.messaging.declared import Service
from services.messaging.hearing import Hears
from services.messaging.timers import Timer
from services.referrals.events import FROM_GATEWAY, FROM_MEMBERSHIP
from services.referrals.handlers import (
    let_fall_due,
    look_again,
    on_gateway,
    on_membership,
    remove_identities,
)
from services.referrals.http import ROUTES
from services.referrals.store.applying import apply
from services.referrals.store.offers import OFFERS_EXPIRING, OFFERS_OPEN

SERVICE = Service(
    name="referrals",
    topic=REFERRALS,
    schema=Path(__file__).parent / "schema",
    apply=apply,
    hears=(
        Hears(
            topic=MEMBERSHIP,
            understands=FROM_MEMBERSHIP,
            handler=on_membership,
            is_read_in_full=True,
        ),
        Hears(topic=GATEWAY, understands=FROM_GATEWAY, handler=on_gateway),
    ),
    timers=(
        Timer(name="deadlines", fire=let_fall_due),
        Timer(name="identities", fire=remove_identities),
    ),
    routes=ROUTES,
    labels=Path(__file__).parent / "labels.toml",
    look_again=look_again,
    gauges=(OFFERS_OPEN, OFFERS_EXPIRING),
    outside_log=("sas_message",),
)
