"""What is true of a CPTS (communauté professionnelle territoriale de santé), and what may change.

`refusals` names why an order is refused, in order of precedence; `registration`, `founding` and
`projet` how a CPTS comes to be; `territory` says which place belongs to whom on which day;
`contract` the years of an ACI and their taille, `missions` what it asks for; `professionals` the
members and their participation in the SAS, `structures` those who belong through one; `transfer`
two that become one; `stages` where each stands; `parameters` the dated values that these rules
read, `calendar` how months are counted.
The present state of an entry is its last event. Nothing here does I/O or reads a clock.
"""

from datetime import date

import msgspec

CAME_FROM = "~"
"""Between the id of a CPTS and that of an entry which came from it: nobody may give such an id."""


class Cpts(msgspec.Struct, frozen=True, kw_only=True):
    """A registered CPTS as its row holds it; `sequence` is that of its last event.

    From `merged_on` on it is a part of `into_cpts_id`.
    """

    cpts_id: str
    cpts_name: str
    seat_commune: str
    departement: str
    finess: str | None
    sequence: int
    emerged_on: date | None = None
    merged_on: date | None = None
    into_cpts_id: str | None = None


class Correction(msgspec.Struct, frozen=True, kw_only=True):
    """The dates that an entry has from now on; `is_withdrawn`: it was recorded by mistake."""

    from_on: date
    to_on: date | None = None
    is_withdrawn: bool = False


def have_common_day(
    one_from: date, one_to: date | None, other_from: date, other_to: date | None
) -> bool:
    """Whether two periods share a day; the last day is included, None is without end."""
    return (other_to is None or one_from <= other_to) and (one_to is None or other_from <= one_to)


def is_on(day: date, from_on: date, to_on: date | None) -> bool:
    """Whether a day is in a period; the last day is included, None is without end."""
    return from_on <= day and (to_on is None or day <= to_on)
