"""An indicator added to a platform that runs: it is counted in the contract years already open.

Method: its figures and what was said of them are taken away, as if the years had been opened
without it; then the recount that another value of the rule brings, at once or after a message.
"""

from datetime import date

import msgspec
import pytest

from services.indicators.domain.figures import INDICATOR_LABELS
from services.indicators.domain.rule import Name
from services.messaging.unit import Desk
from tests.indicators.hearing import figures, hear, invariants
from tests.indicators.model import expected_figures
from tests.indicators.story import Story
from tests.indicators.test_another_rule import apply, with_value
from tests.indicators.test_two_transactions import (
    accepted,
    member,
    recorded,
    registered,
    signed,
    taking_part,
    taking_part_by_b,
)

BEFORE = [*registered, signed, member, taking_part, accepted]
AFTER = [taking_part_by_b, msgspec.structs.replace(accepted, referral_id="r-2")]
GUARDED = ("figure_fact", "history")


async def lose(desk: Desk, indicator: str) -> None:
    """The tables as they would be if there had been no such indicator."""
    async with desk.pool.acquire() as connection, connection.transaction():
        for table in GUARDED:
            await connection.execute(f"alter table {table} disable trigger user")
        for table in ("figure_fact", "figure"):
            await connection.execute(f"delete from {table} where indicator = $1", indicator)
        for table in ("history", "outbox"):
            like = f"%/{indicator}/%"
            await connection.execute(f"delete from {table} where subject like $1", like)
        for table in GUARDED:
            await connection.execute(f"alter table {table} enable trigger user")


@pytest.mark.parametrize("is_message_first", [False, True])
@pytest.mark.parametrize("indicator", INDICATOR_LABELS)
async def test_it_is_counted_in_the_years_already_open(
    desk: Desk, indicator: str, is_message_first: bool
) -> None:
    known = Story(membership=[], referrals=[])
    told = recorded([*BEFORE, *AFTER])
    for topic, event in told:
        (known.membership if topic == "membership" else known.referrals).append(event)
    for topic, event in told[: len(BEFORE) if is_message_first else None]:
        await hear(desk, topic, [event])
    await lose(desk, indicator)
    if is_message_first:
        for topic, event in told[len(BEFORE) :]:
            await hear(desk, topic, [event])
    more = with_value(Name.PROFESSIONS, ("10", "99"), date(2030, 1, 1))
    assert await apply(desk, more) > 0
    assert await figures(desk) == expected_figures(known)
    assert await invariants(desk) == {True}
