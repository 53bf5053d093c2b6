"""The life of a referral: a demand of the SAS (service d'accès aux soins) and its appointment.

    held ──> offered ──> booked ──> honoured <──> missed
      │         ├──> declined  ├──> cancelled
      │         ├──> expired   │
      └─────────┴──> returned <┘

A demand is received, then offered or held; `fall_due` says what time alone makes of it, `evolve`
applies an event, and `orders.decide` answers what people order. All of it is pure: instants,
memberships and territories come in as arguments.
"""

import hashlib
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from contracts.events.referrals import (
    AppointmentCancelled,
    AppointmentHonoured,
    AppointmentMissed,
    AppointmentMoved,
    DemandHeld,
    DemandLocated,
    DemandReceived,
    PlatformUpdateReported,
    ReferralAccepted,
    ReferralDeclined,
    ReferralExpired,
    ReferralOffered,
    ReferralReturned,
    ReferralsEvent,
    Urgency,
)
from contracts.recorded import Recorded
from services.referrals.domain.territory import HeldReason
from services.referrals.domain.told import stamp_of_message, stamp_of_person

_SEE_WITHIN = timedelta(hours=48)


class Stage(StrEnum):
    """Where a referral stands."""

    HELD = "held"
    OFFERED = "offered"
    BOOKED = "booked"
    HONOURED = "honoured"
    MISSED = "missed"
    CANCELLED = "cancelled"
    DECLINED = "declined"
    EXPIRED = "expired"
    RETURNED = "returned"


MESSAGE_CAUSE = "message:"
NOT_OFFERED_IN_TIME = "not_offered_in_time"


class Demand(msgspec.Struct, frozen=True, kw_only=True):
    """What the SAS asks, under the present code of the commune."""

    source: str
    source_id: str
    commune: str
    part: str | None
    need: str
    urgency: Urgency
    received_at: datetime


class Referral(msgspec.Struct, frozen=True, kw_only=True):
    """The present state of a referral.

    `recorded_at` is when the demand reached us, `changed_at` when its last event became true.
    `cpts_id` is who was last offered it. `outcome` is the coded reason of the last held, declined,
    returned or cancelled state. `commune` and `part` are as asked, `located_commune` and
    `located_part` as told more precisely. `look_again_at` is when a territory known now lets a held
    demand be offered, or changes why it waits. The `…_told` are stamps (`told`): what was said
    before says nothing any more of the start, of the practitioner, of whether the person came.
    """

    referral_id: str
    departement: str
    sequence: int
    state: Stage
    source: str
    source_id: str
    commune: str
    part: str | None
    need: str
    urgency: Urgency
    received_at: datetime
    see_by: datetime
    recorded_at: datetime
    changed_at: datetime
    outcome: str | None = None
    cpts_id: str | None = None
    offered_at: datetime | None = None
    answer_by: datetime | None = None
    accepted_at: datetime | None = None
    practitioner_rpps: str | None = None
    starts_at: datetime | None = None
    located_commune: str | None = None
    located_part: str | None = None
    look_again_at: datetime | None = None
    starts_at_told: str = ""
    practitioner_told: str = ""
    attendance_told: str = ""

    @property
    def demand(self) -> Demand:
        """What was asked: equal for the same demand sent again."""
        return Demand(
            source=self.source,
            source_id=self.source_id,
            commune=self.commune,
            part=self.part,
            need=self.need,
            urgency=self.urgency,
            received_at=self.received_at,
        )


Events = tuple[ReferralsEvent, ...]


def referral_id(source: str, source_id: str) -> str:
    """The id of a demand, the same each time the source sends it."""
    digest = hashlib.sha256(f"{source}\n{source_id}".encode()).hexdigest()
    return f"r-{digest[:32]}"


def see_by_of(urgency: Urgency, received_at: datetime, time_zone: str) -> datetime:
    """Until when the person is to be seen: before the next local midnight at the commune, or within
    48 hours.
    """
    if urgency == "within_48h":
        return received_at + _SEE_WITHIN
    zone = ZoneInfo(time_zone)
    tomorrow = received_at.astimezone(zone).date() + timedelta(days=1)
    return datetime.combine(tomorrow, time.min, tzinfo=zone).astimezone(UTC)


def receive(
    demand: Demand,
    *,
    see_by: datetime,
    holder: str | HeldReason,
    instant: datetime,
    answer_within: timedelta,
    look_again_at: datetime | None = None,
) -> Events:
    """The first events of a demand: received, then offered to the holder of its place, or held.

    A demand that comes when it is too late is taken and held; the timer gives it back.
    """
    known_as = referral_id(demand.source, demand.source_id)
    received = DemandReceived(
        referral_id=known_as,
        source=demand.source,
        source_id=demand.source_id,
        commune=demand.commune,
        part=demand.part,
        need=demand.need,
        urgency=demand.urgency,
        received_at=demand.received_at,
        see_by=see_by,
    )
    if isinstance(holder, HeldReason):
        held = DemandHeld(referral_id=known_as, reason=holder.value, look_again_at=look_again_at)
        return received, held
    if instant >= see_by:
        return received, DemandHeld(referral_id=known_as, reason=HeldReason.SEE_BY_PASSED.value)
    return received, _offered(known_as, holder, instant, see_by, answer_within)


def look_again(
    referral: Referral,
    *,
    holder: str | HeldReason,
    instant: datetime,
    answer_within: timedelta,
    look_again_at: datetime | None = None,
) -> Events:
    """What is made at `instant` of a held demand whose place has this holder; nothing when too
    late, or when nothing is new.
    """
    if referral.state is not Stage.HELD or instant >= referral.see_by:
        return ()
    if not isinstance(holder, HeldReason):
        return (_offered(referral.referral_id, holder, instant, referral.see_by, answer_within),)
    if (referral.outcome, referral.look_again_at) == (holder.value, look_again_at):
        return ()
    held = DemandHeld(
        referral_id=referral.referral_id, reason=holder.value, look_again_at=look_again_at
    )
    return (held,)


def due_at(referral: Referral) -> datetime | None:
    """When the referral changes by itself: unanswered at `answer_by`, looked at again when a
    territory begins, not offered at `see_by`.

    A demand recorded after its `see_by` is due at once. None when nothing is awaited.
    """
    if referral.state is Stage.OFFERED:
        return referral.answer_by
    if referral.state is Stage.HELD:
        return referral.look_again_at or given_back_at(referral)
    return None


def given_back_at(referral: Referral) -> datetime:
    """When a demand that was not offered goes back to the regulation."""
    return max(referral.see_by, referral.recorded_at)


def fall_due(referral: Referral, now: datetime) -> Events:
    """What time alone makes of the referral, dated by its due time; nothing before it, nor as long
    as a territory that begins earlier is to be looked at (`waiting.look_at_begun`).
    """
    due = due_at(referral)
    if due is None or now < due or due == referral.look_again_at:
        return ()
    if referral.state is Stage.OFFERED:
        cpts_id = cpts_of(referral)
        return (ReferralExpired(referral_id=referral.referral_id, cpts_id=cpts_id, expired_at=due),)
    return (
        ReferralReturned(
            referral_id=referral.referral_id, reason=NOT_OFFERED_IN_TIME, returned_at=due
        ),
    )


def cpts_of(referral: Referral) -> str:
    """The CPTS to which the referral was offered; AssertionError before that."""
    assert referral.cpts_id is not None, f"{referral.referral_id} was never offered"
    return referral.cpts_id


def evolve(referral: Referral | None, recorded: Recorded[Any]) -> Referral:
    """The state after an event; ValueError when the event cannot be this referral's next.

    TypeError when it is no event of a referral at all.
    """
    event = recorded.event
    if isinstance(event, DemandReceived):
        if referral is not None:
            raise ValueError(f"{recorded.subject} was received twice")
        return Referral(
            referral_id=event.referral_id,
            departement=recorded.departement,
            sequence=recorded.sequence,
            state=Stage.HELD,
            source=event.source,
            source_id=event.source_id,
            commune=event.commune,
            part=event.part,
            need=event.need,
            urgency=event.urgency,
            received_at=event.received_at,
            see_by=event.see_by,
            recorded_at=recorded.recorded_at,
            changed_at=recorded.occurred_at,
        )
    if type(event) not in _STAGE_AFTER:
        raise TypeError(f"{type(event).__name__} is no event of a referral")
    if referral is None or recorded.sequence != referral.sequence + 1:
        raise ValueError(f"{recorded.subject} has no event before number {recorded.sequence}")
    return msgspec.structs.replace(
        referral,
        state=_STAGE_AFTER[type(event)] or referral.state,
        sequence=recorded.sequence,
        changed_at=recorded.occurred_at,
        **_changes(event),
        **_stamps(referral, recorded),
    )


# None where it stays what it was: the platform's messages come late, of what has ended too.
_STAGE_AFTER: dict[type[msgspec.Struct], Stage | None] = {
    DemandHeld: Stage.HELD,
    DemandLocated: Stage.HELD,
    ReferralOffered: Stage.OFFERED,
    ReferralAccepted: Stage.BOOKED,
    AppointmentMoved: None,
    PlatformUpdateReported: None,
    ReferralDeclined: Stage.DECLINED,
    ReferralExpired: Stage.EXPIRED,
    ReferralReturned: Stage.RETURNED,
    AppointmentHonoured: Stage.HONOURED,
    AppointmentMissed: Stage.MISSED,
    AppointmentCancelled: Stage.CANCELLED,
}


def _changes(event: Any) -> dict[str, Any]:
    """The fields that an event sets, beside the stage."""
    match event:
        case DemandHeld():
            return {"outcome": event.reason, "look_again_at": event.look_again_at}
        case DemandLocated():
            return {"located_commune": event.commune, "located_part": event.part}
        case ReferralDeclined():
            return {"outcome": event.reason}
        case ReferralReturned():
            return {"outcome": event.reason, "look_again_at": None}
        case ReferralOffered():
            return {
                "outcome": None,
                "look_again_at": None,
                "cpts_id": event.cpts_id,
                "offered_at": event.offered_at,
                "answer_by": event.answer_by,
            }
        case ReferralAccepted():
            return {
                "cpts_id": event.cpts_id,
                "accepted_at": event.accepted_at,
                "practitioner_rpps": event.practitioner_rpps,
                "starts_at": event.starts_at,
            }
        case AppointmentMoved():
            return {"practitioner_rpps": event.practitioner_rpps, "starts_at": event.starts_at}
        case AppointmentCancelled():
            return {"outcome": event.by}
        case _:
            return {}


def _stamps(referral: Referral, recorded: Recorded[Any]) -> dict[str, str]:
    """Which stamps an event moves on. The platform's are moved by what its messages report, not by
    the changes that these make.
    """
    event = recorded.event
    names: list[str] = []
    stamp = stamp_of_person(recorded.occurred_at)
    if isinstance(event, PlatformUpdateReported):
        stamp = stamp_of_message(event.sent_at, event.status, event.distribution_id)
        names = stamped_by(event.status, event.practitioner_rpps)
    elif not recorded.cause.startswith(MESSAGE_CAUSE):
        if isinstance(event, ReferralAccepted | AppointmentMoved):
            names = ["starts_at_told", "practitioner_told", "attendance_told"]
        elif isinstance(event, AppointmentHonoured | AppointmentMissed):
            names = ["attendance_told"]
    return {name: max(stamp, getattr(referral, name)) for name in names}


def stamped_by(status: str, rpps: str | None) -> list[str]:
    """The stamps of what a message tells: the start, the practitioner if it names one, whether the
    person came if it says so. A cancellation tells of none: it is final.
    """
    if status == "cancelled":
        return []
    names = ["starts_at_told"]
    if rpps is not None:
        names.append("practitioner_told")
    if status in ("fulfilled", "noshow"):
        names.append("attendance_told")
    return names


def _offered(
    known_as: str, cpts_id: str, instant: datetime, see_by: datetime, answer_within: timedelta
) -> ReferralOffered:
    return ReferralOffered(
        referral_id=known_as,
        cpts_id=cpts_id,
        offered_at=instant,
        answer_by=min(instant + answer_within, see_by),
    )
