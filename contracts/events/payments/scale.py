"""The scale of amounts."""

from datetime import date

import msgspec


class RatePublished(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="payments.RatePublished.v1"
):
    """An amount of the scale, from a date on: taille (1 to 4), mission, part (`fixe`, `variable`).

    `text` is where it was read, `status` how sure that is (`confirmed`, `two_contracts`,
    `single_source`, `derived`, `hypothesis`); `is_verified` is False until a primary text was read.
    `unit` is what the amount is for, in French words.
    """

    rate_id: str
    from_on: date
    taille: int
    mission: str
    part: str
    amount_cents: int
    text: str
    status: str
    is_verified: bool
    to_on: date | None = None
    unit: str = ""
