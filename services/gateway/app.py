"""The wiring of the gateway service."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from contracts.topics import GATEWAY, MEMBERSHIP, REFERRALS
from services.gateway.domain.declarations import Platform
from services.gateway.events import FROM_MEMBERSHIP, FROM_REFERRALS
from services.gateway.handlers import extend_hours, look_again, on_membership, on_referrals
from services.gateway.http import ROUTES
from services.gateway.http.entrance import Entrance
from services.gateway.http.outcomes import ON_ERRORS
from services.gateway.hub.bridge import run_bridge
from services.gateway.outside.declaring import Pace, declare
from services.gateway.outside.directory import check_agendas
from services.gateway.outside.doors import Doors
from services.gateway.outside.feeds import FeedPace, read_feeds
from services.gateway.outside.fetching import Fetcher, read_fetcher
from services.gateway.store.applying import apply
from services.messaging.declared import Service
from services.messaging.hearing import Hears
from services.messaging.timers import Timer

PACE = Pace()
FEED_PACE = FeedPace()


def gateway(
    platforms: Sequence[Platform] = (),
    pace: Pace = PACE,
    doors: Doors | None = None,
    fetcher: Fetcher | None = None,
    membership_url: str | None = None,
    *,
    is_insecure_demo: bool = False,
) -> Service:
    """The service that declares appointments to these SAS platforms, and opens the doors so.

    Without `fetcher` agendas are read from the public Internet alone, without `membership_url` they
    are not held against the national directory.

    Without `doors` they are closed, unless it is an insecure demonstration: then anybody passes.
    """
    entrance = Entrance(doors, is_insecure_demo=is_insecure_demo)
    return Service(
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
            Hears(
                topic=REFERRALS,
                understands=FROM_REFERRALS,
                handler=partial(on_referrals, platforms),
            ),
        ),
        timers=(Timer(name="hours", fire=extend_hours),),
        routes=ROUTES,
        labels=Path(__file__).parent / "labels.toml",
        look_again=partial(look_again, platforms),
        outside_log=(
            *("regulator_identity", "practitioner_card", "agenda_card", "cpts_card"),
            *("declaration", "hub_message", "agenda_feed", "agenda_check"),
        ),
        on_errors=ON_ERRORS,
        background=(
            run_bridge,
            partial(declare, platforms, pace),
            partial(read_feeds, fetcher or read_fetcher({}), FEED_PACE),
            partial(check_agendas, membership_url),
        ),
        around=entrance.around,
        listeners=(entrance.listen,),
    )


SERVICE = gateway()
