"""Sanitary crises that the ARS recognised."""

from datetime import date

import msgspec


class CrisisRecorded(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="payments.CrisisRecorded.v1"
):
    """The ARS recognised a sanitary crisis on the territory of a CPTS, on a day of a contract year.

    It opens an amount of its own, outside the year's ceiling. A later one of the same `crisis_id`
    replaces it; `is_withdrawn`: it was recorded by mistake.
    """

    cpts_id: str
    contract_year_starts_on: date
    crisis_id: str
    recognised_on: date
    is_withdrawn: bool = False
