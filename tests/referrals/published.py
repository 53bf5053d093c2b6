"""What membership publishes, as the referrals service reads it, and what it says itself."""

from datetime import date, datetime
from pathlib import Path
from typing import Any

import msgspec

from contracts.events.membership import (
    CptsRegistered,
    MemberRecorded,
    TerritoryPlaceRecorded,
)
from contracts.events.referrals import ReferralsEvent
from contracts.recorded import Cause, Recorded, record
from services.messaging.unit import Desk
from tests.referrals.referral_cases import NOON, RPPS

SCHEMA = Path(__file__).parents[2] / "services" / "referrals" / "schema"
SINCE = date(2026, 1, 1)


def told(event: Any, *, sequence: int = 1, at: datetime = NOON) -> Recorded[Any]:
    """A membership event of a CPTS of département 93."""
    (recorded,) = record(
        [event],
        subject=event.cpts_id,
        after_sequence=sequence - 1,
        departement="93",
        occurred_at=at,
        cause=Cause(id=f"{event.cpts_id}-{sequence}", recorded_at=at),
    )
    return recorded


def cpts(cpts_id: str = "c1", **changes: Any) -> CptsRegistered:
    """A registered CPTS."""
    values = {"cpts_id": cpts_id, "cpts_name": cpts_id.upper(), "seat_commune": "93066"}
    return CptsRegistered(**{**values, **changes})


def place(commune: str = "93066", cpts_id: str = "c1", **changes: Any) -> TerritoryPlaceRecorded:
    """A place of a territory."""
    values = {"cpts_id": cpts_id, "entry_id": f"{cpts_id}-{commune}", "commune": commune}
    return TerritoryPlaceRecorded(**{**values, "from_on": SINCE, **changes})


def member(rpps: str = RPPS, cpts_id: str = "c1", **changes: Any) -> MemberRecorded:
    """A physician of a CPTS."""
    values = {"cpts_id": cpts_id, "member_id": f"{cpts_id}-{rpps}", "rpps": rpps}
    return MemberRecorded(**{**values, "profession": "10", "from_on": SINCE, **changes})


async def said(desk: Desk) -> list[ReferralsEvent]:
    """What the service has said, in order."""
    rows = await desk.pool.fetch("select body from outbox order by position")
    return [msgspec.json.decode(row["body"], type=ReferralsEvent) for row in rows]
