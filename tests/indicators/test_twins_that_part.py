"""Twins that meet and part, step by step on a real PostgreSQL: right after every single message."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contracts.events import membership, referrals
from services.messaging.unit import Desk
from tests.indicators.hearing import figures, hear
from tests.indicators.model import expected_figures
from tests.indicators.story import FINESS, RPPS, Story
from tests.indicators.test_two_transactions import SINCE, YEARS, recorded

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)

NAMES = {"referral_id": "r-1", "cpts_id": "cpts-a"}
KNOWN = [
    membership.CptsRegistered(
        cpts_id="cpts-a", cpts_name="A", seat_commune="93001", finess=FINESS[0]
    ),
    membership.AciSigned(cpts_id="cpts-a", aci_id="aci", signed_on=SINCE, contract_years=YEARS),
]


def accepted(at: datetime = NOON) -> Any:
    return referrals.ReferralAccepted(
        **NAMES,
        appointment_id="r-1",
        practitioner_rpps=RPPS[0],
        received_at=NOON,
        accepted_at=NOON,
        starts_at=at,
    )


def moved(at: datetime = LATER, rpps: str = RPPS[0]) -> Any:
    return referrals.AppointmentMoved(**NAMES, practitioner_rpps=rpps, starts_at=at)


def told(n: int, place: int, at: datetime = NOON, rpps: str = RPPS[0], **more: Any) -> Any:
    return referrals.PlatformAppointmentReported(
        appointment_id=f"platform-{n}",
        distribution_id=f"fr.health.ptfsas_{n}_{place}",
        sent_at=NOON + timedelta(minutes=place),
        status=more.pop("status", "booked"),
        created_at=NOON + timedelta(minutes=n),
        starts_at=at,
        finess=more.pop("finess", FINESS[0]),
        practitioner_rpps=rpps,
        **more,
    )


LIVES = {
    "ours is cancelled": [
        told(1, 1),
        accepted(),
        referrals.AppointmentCancelled(**NAMES, by="cpts"),
    ],
    "ours is returned": [
        accepted(),
        told(1, 1),
        referrals.ReferralReturned(**NAMES, reason="by_cpts", returned_at=NOON),
    ],
    "ours moves away in time": [accepted(), told(1, 1), moved()],
    "ours moves onto it": [accepted(), told(1, 1, LATER), moved()],
    "ours moves to another practitioner": [accepted(), told(1, 1), moved(NOON, RPPS[1])],
    "ours moves onto another practitioner's": [
        accepted(),
        told(1, 1, rpps=RPPS[1]),
        moved(NOON, RPPS[1]),
    ],
    "a no-show still counts": [
        accepted(),
        told(1, 1),
        referrals.AppointmentMissed(**NAMES),
        referrals.AppointmentHonoured(**NAMES),
    ],
    "the first of two is cancelled": [told(1, 1), told(2, 1), told(1, 2, status="cancelled")],
    "the first of two moves away in time": [told(1, 1), told(2, 1), told(1, 2, LATER)],
    "the first of two changes practitioner": [told(1, 1), told(2, 1), told(1, 2, rpps=RPPS[1])],
    "the first of two loses its CPTS": [told(1, 1), told(2, 1), told(1, 2, finess=None)],
    "the first of two is told last": [told(2, 1), told(1, 1)],
    "a late message changes nothing": [told(1, 3, LATER), told(2, 1), told(1, 2)],
    "three, and the first two go": [
        told(1, 1),
        told(2, 1),
        told(3, 1),
        told(2, 2, status="cancelled"),
        told(1, 2, status="cancelled"),
    ],
}


@pytest.mark.parametrize("life", LIVES)
async def test_the_figure_is_right_after_every_message(desk: Desk, life: str) -> None:
    known = Story(membership=[], referrals=[])
    for topic, event in recorded([*KNOWN, *LIVES[life]]):
        await hear(desk, topic, [event])
        (known.membership if topic == "membership" else known.referrals).append(event)
        assert await figures(desk) == expected_figures(known)
