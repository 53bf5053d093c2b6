"""Local days and minutes: how an instant becomes the day or the minute that a rule compares."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

PARIS: Final = ZoneInfo("Europe/Paris")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MINUTE: Final = timedelta(minutes=1)


class Period(msgspec.Struct, frozen=True):
    """Days from `first` to `last`, both included; no end when `last` is None."""

    first: date
    last: date | None = None

    def holds(self, day: date) -> bool:
        """Whether `day` is one of the period's days."""
        return self.first <= day and (self.last is None or day <= self.last)

    def common(self, other: "Period") -> "Period | None":
        """The days that both periods hold, None when there is none."""
        first = max(self.first, other.first)
        ends = [last for last in (self.last, other.last) if last is not None]
        last = min(ends, default=None)
        if last is not None and last < first:
            return None
        return Period(first, last)


def common_periods(left: Iterable[Period], right: Iterable[Period]) -> list[Period]:
    """The periods common to one of `left` and one of `right`; they may overlap."""
    others = list(right)
    found = (one.common(other) for one in left for other in others)
    return [period for period in found if period is not None]


def local_day(instant: datetime) -> date:
    """The day of `instant` in Europe/Paris, by which contract years are counted.

    ValueError when the instant carries no offset.
    """
    if instant.tzinfo is None:
        raise ValueError("an instant carries its offset")
    return instant.astimezone(PARIS).date()


def start_minute(starts_at: datetime) -> int:
    """The whole minutes from 1970 (UTC) to `starts_at`: twins start in the same one."""
    return (starts_at - _EPOCH) // _MINUTE
