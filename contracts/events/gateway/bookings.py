"""Places that regulators book in slots."""

from datetime import datetime
from typing import Literal

import msgspec


class SlotBooked(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="gateway.SlotBooked.v1"
):
    """A regulator booked a place for a demand: a place, a coded need, a delay, and nobody's name.

    Referrals records the demand as accepted by the CPTS with this appointment, or says why not.
    """

    booking_id: str
    slot_id: str
    agenda_id: str
    cpts_id: str
    practitioner_rpps: str
    starts_at: datetime
    ends_at: datetime
    regulator_id: str
    booked_at: datetime
    commune: str
    need: str
    urgency: Literal["same_day", "within_48h"]
    part: str | None = None
    is_overbooked: bool = False


class PlaceGivenBack(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="gateway.PlaceGivenBack.v1"
):
    """The place is free again.

    `reason`: `refused` (`refusal` is referrals' own reason), `cancelled` (or given back to the
    regulation), `moved` (to another time or practitioner).
    """

    booking_id: str
    slot_id: str
    reason: str
    refusal: str | None = None
