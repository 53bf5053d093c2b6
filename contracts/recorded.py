"""An event as the log knows it: what happened, and the envelope that every consumer can rely on.

On the wire the envelope travels as CloudEvents 1.0 headers (Kafka binding, binary mode) and the
event alone is the body; see `services/messaging/codec.py`. Nothing here does I/O or reads a clock.
"""

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Generic, TypeVar
from uuid import UUID

import msgspec

E = TypeVar("E", bound=msgspec.Struct)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


class Cause(msgspec.Struct, frozen=True, kw_only=True):
    """Why an event exists: the order, timer row or message that led to it.

    `recorded_at` is the instant at which the order was received, or the cause was recorded. An
    event derived from a message takes it over, so that handlers need no clock.
    """

    id: str
    recorded_at: datetime
    traceparent: str | None = None


class Recorded(msgspec.Struct, Generic[E], frozen=True, kw_only=True):
    """One event with its envelope.

    `subject` is the aggregate's id and `sequence` its place in that aggregate's life, from 1,
    given under the aggregate's row lock. `departement` is the aggregate's key, fixed at its first
    event. `occurred_at` is when it became true, `recorded_at` when we learnt of it.
    """

    id: UUID
    subject: str
    sequence: int
    departement: str
    occurred_at: datetime
    recorded_at: datetime
    cause: str
    event: E
    traceparent: str | None = None

    @property
    def type(self) -> str:
        """The event's type name, for example `referrals.ReferralAccepted.v1`."""
        return type_name(type(self.event))

    def as_cause(self) -> Cause:
        """The cause of whatever is derived from this event."""
        return Cause(id=str(self.id), recorded_at=self.recorded_at, traceparent=self.traceparent)


def type_name(event_class: type[msgspec.Struct]) -> str:
    """The type name under which a class of events travels (`<topic>.<PastTense>.v<N>`)."""
    tag = event_class.__struct_config__.tag
    if not isinstance(tag, str):
        raise TypeError(f"{event_class.__name__} is not an event: it has no tag")
    return tag


def event_id(*, occurred_at: datetime, cause: str, type_: str, subject: str, ordinal: int) -> UUID:
    """The id of a derived event: equal on every resend, and ordered by time.

    A UUID version 8 (RFC 9562 §5.8): 48 bits of Unix milliseconds of `occurred_at`, then 74 bits
    of SHA-256 over cause, type, subject and ordinal.
    """
    milliseconds = (occurred_at - _EPOCH) // _MILLISECOND & 0xFFFF_FFFF_FFFF
    digest = hashlib.sha256(f"{cause}\n{type_}\n{subject}\n{ordinal}".encode()).digest()
    bits = int.from_bytes(digest[:10], "big")
    value = milliseconds << 80 | 0x8 << 76 | (bits >> 68 & 0xFFF) << 64 | 0b10 << 62
    return UUID(int=value | bits & 0x3FFF_FFFF_FFFF_FFFF)


def record(
    events: Iterable[E],
    *,
    subject: str,
    after_sequence: int,
    departement: str,
    occurred_at: datetime,
    cause: Cause,
) -> list[Recorded[E]]:
    """The envelopes of what one decision about one aggregate produced, in order.

    `after_sequence` is the sequence of the aggregate's last event, 0 for a new one. Both instants
    must be aware. Calling it again with the same arguments gives the same ids.
    """
    if occurred_at.tzinfo is None or cause.recorded_at.tzinfo is None:
        raise ValueError("instants in events carry their offset")
    made = []
    for sequence, event in enumerate(events, start=after_sequence + 1):
        type_ = type_name(type(event))
        made.append(
            Recorded(
                id=event_id(
                    occurred_at=occurred_at,
                    cause=cause.id,
                    type_=type_,
                    subject=subject,
                    ordinal=sequence,
                ),
                subject=subject,
                sequence=sequence,
                departement=departement,
                occurred_at=occurred_at,
                recorded_at=cause.recorded_at,
                cause=cause.id,
                event=event,
                traceparent=cause.traceparent,
            )
        )
    return made
