"""Days, months and shares of a contract year, as the calendar of payments counts them."""

import calendar
from datetime import date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec

from contracts.departements import PARIS_TIME
from services.payments.domain.words import french_day

MONTHS = 12
DAY = timedelta(days=1)
Convention = Literal["days", "months"]


def months_after(day: date, months: int) -> date:
    """The same day of the month, so many months later; the month's last day when it has none."""
    years, month = divmod(day.month - 1 + months, MONTHS)
    year, month = day.year + years, month + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def local_day(instant: datetime) -> date:
    """The day in Paris of an instant."""
    return instant.astimezone(ZoneInfo(PARIS_TIME)).date()


def midnight(day: date) -> datetime:
    """The instant at which a day begins in Paris."""
    return datetime.combine(day, time(), ZoneInfo(PARIS_TIME))


class YearPart(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a year, in days or months: `part` of `whole`."""

    part: int
    whole: int

    def of(self, amount_cents: int) -> int:
        """What it is of a yearly amount, rounded down to the cent."""
        return amount_cents * self.part // self.whole


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """The days from `first_on` to `last_on`, both included, as `part` of the year's `whole`.

    Of several stretches: from the first day of one to the last day of another.
    """

    part: int
    whole: int
    first_on: date
    last_on: date
    convention: Convention

    def of(self, amount_cents: int) -> int:
        """What it is of a yearly amount, rounded down to the cent."""
        return amount_cents * self.part // self.whole

    def words(self) -> str:
        """The share in French, empty for the whole year."""
        if self.part == self.whole:
            return ""
        unit = "jours" if self.convention == "days" else "mois"
        span = f"du {french_day(self.first_on)} au {french_day(self.last_on)}"
        return f" × {self.part}/{self.whole} ({unit} {span})"


def share_of_year(
    first_on: date, last_on: date, *, year_starts_on: date, year_ends_on: date, by: Convention
) -> Share:
    """The share of a whole year (anniversary to the eve of the next) that some days of it are.

    `days` counts them out of the real 365 or 366. `months` counts months from the anniversary, of
    which one that has begun is whole: a mission that starts six months after it has 6/12.
    """
    if by == "days":
        part = (last_on - first_on).days + 1
        whole = (year_ends_on - year_starts_on).days + 1
    else:
        part = _months_begun(year_starts_on, last_on) - _months_begun(year_starts_on, first_on) + 1
        whole = MONTHS
    return Share(part=part, whole=whole, first_on=first_on, last_on=last_on, convention=by)


def _months_begun(anniversary: date, day: date) -> int:
    """Which month of the year a day lies in, from 0 to 11.

    An anniversary of 29 February kept on 28 February has one day more in its last month.
    """
    return sum(months_after(anniversary, months) <= day for months in range(1, MONTHS))
