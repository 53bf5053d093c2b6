"""Days and months as the texts count them."""

import calendar
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from contracts.departements import PARIS_TIME

MONTHS = 12


def months_after(day: date, months: int) -> date:
    """The same day of the month, so many months later; the month's last day when it has none.

    A period counted in months ends on that day (code de procédure civile, art. 641).
    """
    years, month = divmod(day.month - 1 + months, MONTHS)
    year, month = day.year + years, month + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def midnight(day: date) -> datetime:
    """The instant at which a day begins in Paris."""
    return datetime.combine(day, time(), ZoneInfo(PARIS_TIME)).astimezone(UTC)


def local_day(instant: datetime) -> date:
    """The day in Paris of an instant: contract years begin there."""
    return instant.astimezone(ZoneInfo(PARIS_TIME)).date()
