"""In what order things are told about one appointment, whatever the order in which they come.

By the instant at which they were said, then by status (cancelled > noshow > fulfilled > booked >
pending), then by distribution id. What a person orders comes after what the platform said at the
same instant.
"""

from datetime import UTC, datetime

STATUS_RANKS = {"pending": 0, "booked": 1, "fulfilled": 2, "noshow": 3, "cancelled": 4}
_PERSON = 9


def stamp_of_message(sent_at: datetime, status: str, distribution_id: str) -> str:
    """When a message was said: of two stamps, the greater is later."""
    return _stamp(sent_at, STATUS_RANKS[status], distribution_id)


def stamp_of_person(instant: datetime) -> str:
    """When a person gave an order: of two stamps, the greater is later."""
    return _stamp(instant, _PERSON, "")


def _stamp(instant: datetime, rank: int, distribution_id: str) -> str:
    return f"{instant.astimezone(UTC).isoformat(timespec='microseconds')} {rank} {distribution_id}"
