"""What payments does when it hears of others, when rates or lines change, and when time passes."""

from contracts.recorded import Cause
from services.messaging.unit import Unit
from services.payments.handlers.dues import announce_dues, fall_due
from services.payments.handlers.hearing import ACCEPTANCE_TO_FUNDING, on_indicators, on_membership
from services.payments.handlers.locking import lock_accounts, lock_dues
from services.payments.handlers.pricing import (
    confirm_rate,
    lock_rates,
    price_again,
    publish_rates,
    set_lines,
)
from services.payments.handlers.settling import (
    look_at_dues,
    open_dialogue,
    set_dialogue_line,
    settle_year,
    settle_years,
)

__all__ = [
    "ACCEPTANCE_TO_FUNDING",
    "announce_dues",
    "confirm_rate",
    "fall_due",
    "lock_accounts",
    "lock_dues",
    "lock_rates",
    "look_again",
    "on_indicators",
    "on_membership",
    "open_dialogue",
    "price_again",
    "publish_rates",
    "set_dialogue_line",
    "set_lines",
    "settle_year",
    "settle_years",
]

LOOK_AT_DUES = " dues "
"""Where the look at accounts ends and that at dues begins; no id holds a blank."""


async def look_again(unit: Unit, cause: Cause, after: str) -> str | None:
    """Prices accounts again, then says what is due: a part a transaction, None after the last."""
    if not after.startswith(LOOK_AT_DUES):
        return await price_again(unit, cause, after) or LOOK_AT_DUES
    last = await look_at_dues(unit, cause, after.removeprefix(LOOK_AT_DUES))
    return None if last is None else f"{LOOK_AT_DUES}{last}"
