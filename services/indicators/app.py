"""The wiring of indicators."""

from functools import partial
from pathlib import Path

import msgspec

from contracts import topics
from services.indicators import events, http
from services.indicators.domain.activities import parse_activity_rule
from services.indicators.domain.rule import parse_rule
from services.indicators.handlers.hearing import on_membership, on_referrals
from services.indicators.handlers.recounting import apply_rule, look_again
from services.indicators.store.invariants import invariants
from services.indicators.store.state import apply
from services.messaging.hearing import Hears
from services.messaging.process import Service
from services.messaging.timers import Timer

FOLDER = Path(__file__).parent
RULE = msgspec.structs.replace(
    parse_rule((FOLDER / "parameters.toml").read_bytes()),
    activities=parse_activity_rule((FOLDER / "activities.toml").read_bytes()),
)

SERVICE = Service(
    name="indicators",
    topic=topics.INDICATORS,
    schema=FOLDER / "schema",
    apply=apply,
    hears=(
        Hears(
            topic=topics.MEMBERSHIP,
            understands=events.FROM_MEMBERSHIP,
            handler=partial(on_membership, RULE),
            is_read_in_full=True,
        ),
        Hears(
            topic=topics.REFERRALS,
            understands=events.FROM_REFERRALS,
            handler=partial(on_referrals, RULE),
        ),
    ),
    timers=(Timer(name="counting rule", fire=partial(apply_rule, RULE)),),
    routes=http.make_routes(RULE),
    invariants=partial(invariants, rule=RULE),
    labels=FOLDER / "labels.toml",
    look_again=partial(look_again, RULE),
    outside_log=("applied_rule",),
)
