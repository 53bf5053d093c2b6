"""The wiring of indicators."""

from functools import partial
from pathlib import Path

from contracts import topics
from services.indicators import events, handlers, http
from services.indicators.domain.rule import parse_rule
from services.indicators.store import figures
from services.messaging.hearing import Hears
from services.messaging.process import Service

FOLDER = Path(__file__).parent
RULE = parse_rule((FOLDER / "parameters.toml").read_bytes())

SERVICE = Service(
    name="indicators",
    topic=topics.INDICATORS,
    schema=FOLDER / "schema",
    apply=figures.apply,
    hears=(
        Hears(
            topic=topics.MEMBERSHIP,
            understands=events.FROM_MEMBERSHIP,
            handler=partial(handlers.on_membership, RULE),
            is_read_in_full=True,
        ),
        Hears(
            topic=topics.REFERRALS,
            understands=events.FROM_REFERRALS,
            handler=partial(handlers.on_referrals, RULE),
        ),
    ),
    routes=http.make_routes(RULE),
    look_again=partial(handlers.count_all_again, RULE),
)
