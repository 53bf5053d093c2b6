"""Two open transactions that each bring one input of what falls due, in both orders of commit.

Goal: whoever commits second says what both give. Method: as in `test_two_transactions`.
"""

from datetime import date

import pytest

from contracts.events.payments import RateConfirmed
from contracts.recorded import Cause
from services.messaging.timers import Due
from services.messaging.unit import Desk, Unit
from services.payments import handlers
from services.payments.domain.calendar import midnight
from tests.desks import empty
from tests.payments.owing import (
    FIRST,
    SCALE,
    aci,
    dues,
    hear,
    mission,
    publish,
    rate,
    registered,
    said_on,
    taille,
)
from tests.payments.test_two_transactions import Work, meet

SECOND = date(2027, 4, 15)
CAUSE = Cause(id="order", recorded_at=midnight(SECOND))


async def hear_mission(unit: Unit) -> None:
    await handlers.on_membership(unit, [said_on(mission(FIRST), 5, SECOND)])


async def confirm(unit: Unit) -> None:
    await handlers.lock_rates(unit)
    confirmed = RateConfirmed(
        rate_id="acces_aux_soins/fixe/T3/1",
        amount_cents=90_000_00,
        text="JO",
        read_on=FIRST,
        confirmed_by="agent-1",
    )
    await handlers.confirm_rate(unit, confirmed, 3, CAUSE)


async def let_time_pass(unit: Unit) -> None:
    await handlers.fall_due(unit, Due(now=midnight(SECOND), limit=200))


async def publish_another(unit: Unit) -> None:
    await handlers.lock_rates(unit)
    other = rate("fonctionnement", "fonctionnement", 80_000, version=2)
    await handlers.publish_rates(unit, [other], CAUSE)


SIGNATURE = (date(2026, 4, 1), "fonctionnement:signature", 75_000_00, True)
ADVANCE = (FIRST, "acces_aux_soins:fixe:advance", 67_500_00, True)
BALANCE = (SECOND, "acces_aux_soins:fixe:balance", 22_500_00, True)
NEXT = [
    (SECOND, "acces_aux_soins:fixe:advance", 67_500_00, True),
    (SECOND, "fonctionnement:advance", 56_250_00, True),
]
CONFIRMED = [
    SIGNATURE,
    (*ADVANCE[:3], False),
    (*BALANCE[:3], False),
    (*NEXT[0][:3], False),
    NEXT[1],
]
CORRECTED = [
    (date(2026, 4, 1), "fonctionnement:signature", 80_000_00, True),
    ADVANCE,
    BALANCE,
    NEXT[0],
    (SECOND, "fonctionnement:advance", 60_000_00, True),
]
MEETINGS: dict[str, tuple[Work, Work, list[tuple[date, str, int, bool]]]] = {
    "mission and confirmation": (hear_mission, confirm, CONFIRMED),
    "mission and time": (hear_mission, let_time_pass, [SIGNATURE, ADVANCE, BALANCE, *NEXT]),
    "mission and rate": (hear_mission, publish_another, CORRECTED),
}


@pytest.mark.parametrize("is_swapped", [False, True], ids=["first", "second"])
@pytest.mark.parametrize("name", MEETINGS)
async def test_two_inputs_that_meet_are_both_in_what_is_due(
    migrated: Desk, name: str, is_swapped: bool
) -> None:
    one, other, expected = MEETINGS[name]
    await empty(migrated)
    await publish(migrated, SCALE)
    events = [registered(), aci(2), taille(3), taille(3, SECOND)]
    said = [said_on(event, place, FIRST) for place, event in enumerate(events, start=1)]
    await hear(migrated, *said)
    await meet(migrated, *((other, one) if is_swapped else (one, other)))
    assert await dues(migrated) == expected
