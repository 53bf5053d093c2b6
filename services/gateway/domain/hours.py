"""Recurring hours of an agenda cut into slots, without holidays and closures.

The public holidays are those of the département: Alsace and Moselle, and overseas, have their own.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import holidays

from contracts.events.gateway import AgendaHoursSet, Offer, Span, WeeklyHours

OPEN_AHEAD = timedelta(days=28)
"""How far ahead of today recurring hours are opened."""

# The subdivisions of the library `holidays`; elsewhere the national list holds.
_SUBDIVISIONS = {
    "57": "57",
    "67": "6AE",
    "68": "6AE",
    "971": "971",
    "972": "972",
    "973": "973",
    "974": "974",
    "976": "976",
    "975": "PM",
    "977": "BL",
    "978": "MF",
    "984": "TF",
    "986": "WF",
    "987": "PF",
    "988": "NC",
}


def is_possible(hours: WeeklyHours) -> bool:
    """Whether the hours hold one slot at least."""
    begins = datetime.combine(hours.from_on, hours.begins)
    ends = datetime.combine(hours.from_on, hours.ends)
    return begins + timedelta(minutes=hours.minutes) <= ends


def slots_of(
    told: AgendaHoursSet, *, departement: str, time_zone: str, from_on: date, to_on: date
) -> list[tuple[Offer, Span]]:
    """The slots of the hours on the days from one to another, both included, in order."""
    subdivision = _SUBDIVISIONS.get(departement)
    off = holidays.country_holidays("FR", subdiv=subdivision)
    zone = ZoneInfo(time_zone)
    found = []
    for day in _days(from_on, to_on):
        is_off = not told.is_open_on_holidays and day in off
        if is_off or any(one.from_on <= day <= one.to_on for one in told.closures):
            continue
        for hours in told.hours:
            is_begun = hours.from_on <= day and (hours.to_on is None or day <= hours.to_on)
            if is_begun and hours.weekday == day.isoweekday():
                found += [(hours.offer, span) for span in _spans(hours, day, zone)]
    return found


def _days(from_on: date, to_on: date) -> Iterator[date]:
    for offset in range((to_on - from_on).days + 1):
        yield from_on + timedelta(days=offset)


def _spans(hours: WeeklyHours, day: date, zone: ZoneInfo) -> Iterator[Span]:
    """One span after the other, by the clock on the wall; one that a change of hour swallows is not
    there.
    """
    length = timedelta(minutes=hours.minutes)
    begins, ends = datetime.combine(day, hours.begins), datetime.combine(day, hours.ends)
    while begins + length <= ends:
        start = begins.replace(tzinfo=zone).astimezone(UTC)
        end = (begins + length).replace(tzinfo=zone).astimezone(UTC)
        if end - start == length:
            yield Span(starts_at=start, ends_at=end)
        begins += length
