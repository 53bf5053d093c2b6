"""The wiring of payments."""

from pathlib import Path

from contracts import topics
from contracts.recorded import Cause
from services.messaging.hearing import Hears
from services.messaging.process import Service
from services.messaging.timers import Due, Timer
from services.messaging.unit import Unit
from services.payments import events, handlers, http
from services.payments.domain.scale import says_the_same
from services.payments.store import inputs, rate_files, state
from services.payments.store.invariants import of_one_moment

RATES = {rate.rate_id: rate for rate in rate_files.read_rates()}


class EditedRate(ValueError):  # noqa: N818
    """A rate of the files has other values than those published under its id."""


async def publish_new_rates(unit: Unit, due: Due) -> int:
    """Publishes the rates of the data files that the log does not hold yet; 0 once it does.

    Raises `EditedRate`, and publishes nothing, when a published rate was edited in its file.
    """
    if not await _missing_rates(unit):
        return 0
    await handlers.lock_rates(unit)
    missing = sorted(await _missing_rates(unit))[: due.limit]
    if missing:
        cause = Cause(id=f"timer:rates:{missing[0]}", recorded_at=due.now)
        await handlers.publish_rates(unit, [RATES[rate_id] for rate_id in missing], cause)
    return len(missing)


async def _missing_rates(unit: Unit) -> set[str]:
    known = await inputs.known_rates(unit.connection, list(RATES))
    edited = sorted(
        rate_id for rate_id, rate in known.items() if not says_the_same(rate, RATES[rate_id])
    )
    if edited:
        raise EditedRate(
            f"published with other values: {', '.join(edited)}. Put them back; "
            "a correction is a new entry with its own rate_id and date"
        )
    return RATES.keys() - known.keys()


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
    timers=(
        Timer(name="rates", fire=publish_new_rates),
        Timer(name="dues", fire=handlers.fall_due),
    ),
    routes=http.ROUTES,
    invariants=of_one_moment,
    durations=(handlers.ACCEPTANCE_TO_FUNDING,),
    labels=Path(__file__).parent / "labels.toml",
    look_again=handlers.look_again,
    outside_log=("bank_account", "bank_account_confirmation", "ledger_entry.entered"),
)
