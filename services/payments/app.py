"""The wiring of payments."""

from datetime import datetime
from pathlib import Path

from contracts import topics
from contracts.recorded import Cause
from services.messaging.hearing import Hears
from services.messaging.process import Service
from services.messaging.timers import Timer
from services.messaging.unit import Unit
from services.payments import events, handlers, http
from services.payments.store import inputs, rate_files, state

RATES = {rate.rate_id: rate for rate in rate_files.read_rates()}


async def publish_new_rates(unit: Unit, now: datetime, limit: int) -> int:
    """Publishes the rates of the data files that the log does not hold yet; 0 once it does."""
    if not await inputs.unknown_rates(unit.connection, list(RATES)):
        return 0
    await handlers.lock_rates(unit)
    missing = sorted(await inputs.unknown_rates(unit.connection, list(RATES)))[:limit]
    if missing:
        cause = Cause(id=f"timer:rates:{missing[0]}", recorded_at=now)
        await handlers.publish_rates(unit, [RATES[rate_id] for rate_id in missing], cause)
    return len(missing)


SERVICE = Service(
    name="payments",
    topic=topics.PAYMENTS,
    schema=Path(__file__).parent / "schema",
    apply=state.apply,
    hears=(
        Hears(
            topic=topics.MEMBERSHIP,
            understands=events.FROM_MEMBERSHIP,
            handler=handlers.on_membership,
            is_read_in_full=True,
        ),
        Hears(
            topic=topics.INDICATORS,
            understands=events.FROM_INDICATORS,
            handler=handlers.on_indicators,
        ),
    ),
    timers=(Timer(name="rates", fire=publish_new_rates),),
    routes=http.ROUTES,
)
