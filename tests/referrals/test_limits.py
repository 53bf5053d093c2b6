"""The edges of a referral's limits: of the day it is to be seen in, and of a move."""

from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace

from services.referrals.domain.orders import Move, decide
from services.referrals.domain.referral import Stage
from services.referrals.domain.refusal import Refusal
from tests.referrals.referral_cases import ACCEPT, MOVE_WITHIN, NOON, SEE_BY, in_stage


@pytest.mark.parametrize(
    ("urgency", "seconds", "reason"),
    [
        ("same_day", -1, None),
        ("same_day", 0, "appointment_after_see_by"),
        ("within_48h", 0, None),
        ("within_48h", 1, "appointment_after_see_by"),
    ],
)
def test_the_midnight_that_ends_a_day_is_of_the_next_and_the_48th_hour_is_still_in_time(
    urgency: str, seconds: int, reason: str | None
) -> None:
    referral = replace(in_stage(Stage.OFFERED), urgency=urgency)
    order = replace(ACCEPT, starts_at=referral.see_by + timedelta(seconds=seconds))
    answer = decide(referral, order, NOON)
    assert (answer if isinstance(answer, Refusal) else None) == reason


@pytest.mark.parametrize(
    ("starts_at", "reason"),
    [
        (NOON + timedelta(minutes=4), "appointment_in_the_past"),
        (NOON + timedelta(minutes=5), None),
        (SEE_BY + MOVE_WITHIN, None),
        (SEE_BY + MOVE_WITHIN + timedelta(seconds=1), "appointment_too_late"),
    ],
)
def test_an_appointment_moves_no_earlier_than_its_acceptance_and_not_for_ever(
    starts_at: datetime, reason: str | None
) -> None:
    """Accepted at 12:05; whoever moves it may have a clock that is a little behind."""
    order = Move(starts_at=starts_at, is_member=True, within=MOVE_WITHIN)
    answer = decide(in_stage(Stage.BOOKED), order, NOON)
    assert (answer if isinstance(answer, Refusal) else None) == reason
