"""Between which years the days and instants of events and orders lie."""

from datetime import date

FIRST_YEAR = 1970  # the ids of events are ordered by time from then on
LAST_YEAR = 2199


def is_possible(day: date) -> bool:
    """Whether a day or an instant lies between the two years."""
    return FIRST_YEAR <= day.year <= LAST_YEAR
