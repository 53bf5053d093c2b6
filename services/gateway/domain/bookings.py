"""A place booked in a slot by a regulator, and given back."""

import hashlib
from datetime import datetime

import msgspec

from contracts.events.gateway import Offer, PlaceGivenBack, SlotBooked
from services.gateway.domain.appointments import Status
from services.gateway.domain.refusals import Refusal

CANCELLED = "cancelled"
MOVED = "moved"
REFUSED = "refused"


class OpenSlot(msgspec.Struct, frozen=True, kw_only=True):
    """A slot, locked, with how many places of it are taken and whose agenda it is in."""

    slot_id: str
    agenda_id: str
    departement: str
    agenda_cpts_id: str
    practitioner_rpps: str
    starts_at: datetime
    ends_at: datetime
    offer: Offer
    is_closed: bool
    taken: int


class Demand(msgspec.Struct, frozen=True, kw_only=True):
    """What the regulator asks. `cpts_id` is needed when the slot is of several."""

    regulator_id: str
    commune: str
    need: str
    urgency: str
    part: str | None = None
    cpts_id: str | None = None
    may_overbook: bool = False


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """A place that is held, and what referrals told of it: nothing, a refusal, an appointment."""

    booking_id: str
    sequence: int
    departement: str
    slot_id: str
    practitioner_rpps: str
    starts_at: datetime
    referral_id: str | None = None
    refusal: str | None = None
    status: str | None = None
    appointment_rpps: str | None = None
    appointment_starts_at: datetime | None = None


def booking_id(cause: str, slot_id: str) -> str:
    """The id of the booking that an order makes: the same when it is carried out again."""
    return f"b-{hashlib.sha256(f'{cause} {slot_id}'.encode()).hexdigest()[:32]}"


def book(
    slot: OpenSlot, demand: Demand, *, is_active: bool | None, as_booking: str, instant: datetime
) -> SlotBooked | Refusal:
    """The place that the regulator gets, or why not; of several reasons the first is told.

    `is_active`: whether the account may do anything; None when there is no such account.
    """
    if is_active is None:
        return Refusal.REGULATOR_UNKNOWN
    if not is_active:
        return Refusal.REGULATOR_DISABLED
    if slot.is_closed or slot.offer.is_walk_in:
        return Refusal.SLOT_CLOSED
    if slot.starts_at < instant:
        return Refusal.SLOT_IN_THE_PAST
    cpts_id = _cpts_of(slot, demand.cpts_id)
    if isinstance(cpts_id, Refusal):
        return cpts_id
    over = slot.offer.overbooking if demand.may_overbook else 0
    if slot.taken >= slot.offer.capacity + over:
        return Refusal.SLOT_FULL
    return SlotBooked(
        booking_id=as_booking,
        slot_id=slot.slot_id,
        agenda_id=slot.agenda_id,
        cpts_id=cpts_id,
        practitioner_rpps=slot.practitioner_rpps,
        starts_at=slot.starts_at,
        ends_at=slot.ends_at,
        regulator_id=demand.regulator_id,
        booked_at=instant,
        commune=demand.commune,
        need=demand.need,
        urgency="same_day" if demand.urgency == "same_day" else "within_48h",
        part=demand.part,
        is_overbooked=slot.taken >= slot.offer.capacity,
    )


def _cpts_of(slot: OpenSlot, said: str | None) -> str | Refusal:
    """The CPTS that takes the demand: the one said, the slot's only one, else the agenda's own."""
    own = slot.offer.cpts_ids or (slot.agenda_cpts_id,)
    if said is not None:
        return said if said in own else Refusal.NOT_A_CPTS_OF_THE_SLOT
    return own[0] if len(own) == 1 else Refusal.CPTS_NEEDED


def given_back(held: Held) -> PlaceGivenBack | None:
    """The event that frees a place which what referrals told no longer needs; None if it does."""
    if held.refusal is not None:
        reason = REFUSED
    elif held.status == Status.CANCELLED:
        reason = CANCELLED
    elif held.appointment_starts_at is not None and (
        held.appointment_rpps,
        held.appointment_starts_at,
    ) != (held.practitioner_rpps, held.starts_at):
        reason = MOVED
    else:
        return None
    return PlaceGivenBack(
        booking_id=held.booking_id, slot_id=held.slot_id, reason=reason, refusal=held.refusal
    )
