"""Referrals in every stage, made by the events that lead there, and text tables of cases."""

from datetime import UTC, datetime, timedelta
from typing import Any

from contracts.recorded import Cause, record
from services.referrals.domain import referral as life
from services.referrals.domain.orders import (
    Accept,
    Cancel,
    Decline,
    Order,
    ReportHonoured,
    ReportMissed,
    Return,
    decide,
)
from services.referrals.domain.referral import Demand, Referral, Stage
from services.referrals.domain.refusal import Refusal
from services.referrals.domain.territory import HeldReason

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
ANSWER_WITHIN = timedelta(minutes=60)
MOVE_WITHIN = timedelta(days=30)
TOLERANCE = timedelta(minutes=5)
RPPS = "810000000001"
OTHER_RPPS = "810000000002"
STARTS_AT = NOON + timedelta(hours=4)
DEMAND = Demand(
    source="sas93",
    source_id="1",
    commune="93066",
    part=None,
    need="consultation_generaliste",
    urgency="within_48h",
    received_at=NOON,
)
SEE_BY = NOON + timedelta(hours=48)
ACCEPT = Accept(cpts_id="c1", practitioner_rpps=RPPS, starts_at=STARTS_AT, is_member=True)

ROADS: dict[Stage, tuple[tuple[Order, timedelta], ...]] = {
    Stage.OFFERED: (),
    Stage.BOOKED: ((ACCEPT, timedelta(minutes=5)),),
    Stage.HONOURED: ((ACCEPT, timedelta(minutes=5)), (ReportHonoured(), timedelta(hours=5))),
    Stage.MISSED: ((ACCEPT, timedelta(minutes=5)), (ReportMissed(), timedelta(hours=5))),
    Stage.CANCELLED: ((ACCEPT, timedelta(minutes=5)), (Cancel(by="patient"), timedelta(hours=1))),
    Stage.DECLINED: ((Decline(cpts_id="c1", reason="no_availability"), timedelta(minutes=5)),),
    Stage.RETURNED: ((Return(reason="by_regulation"), timedelta(minutes=5)),),
}


def table(text: str) -> list[list[str]]:
    """The rows of an aligned text table, without its head and comments."""
    rows = [line.split() for line in text.strip().splitlines()]
    return [row for row in rows[1:] if row and row[0] != "#"]


def evolved(referral: Referral | None, events: Any, instant: datetime, cause: str) -> Referral:
    """The referral after events that became true at one instant."""
    state = referral
    for recorded in record(
        events,
        subject=referral.referral_id if referral else events[0].referral_id,
        after_sequence=referral.sequence if referral else 0,
        departement="93",
        occurred_at=instant,
        cause=Cause(id=cause, recorded_at=instant),
    ):
        state = life.evolve(state, recorded)
    assert state is not None
    return state


def received(holder: str | HeldReason = "c1", instant: datetime = NOON) -> Referral:
    """A demand just received: offered to the holder of its place, or held."""
    events = life.receive(
        DEMAND, see_by=SEE_BY, holder=holder, instant=instant, answer_within=ANSWER_WITHIN
    )
    return evolved(None, events, instant, "demand")


def in_stage(stage: Stage) -> Referral:
    """A referral brought to a stage by lawful events."""
    if stage is Stage.HELD:
        return received(HeldReason.NO_CPTS_FOR_PLACE)
    referral = received()
    if stage is Stage.EXPIRED:
        assert referral.answer_by is not None
        expired = life.fall_due(referral, referral.answer_by)
        return evolved(referral, expired, referral.answer_by, "timer")
    for order, after in ROADS[stage]:
        events = decide(referral, order, NOON + after)
        assert not isinstance(events, Refusal)
        referral = evolved(referral, events, NOON + after, repr(order))
    return referral
