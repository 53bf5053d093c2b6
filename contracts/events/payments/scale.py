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


class RateConfirmed(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="payments.RateConfirmed.v1"
):
    """Somebody of the caisse read the amount of a rate in a text, and answers for it.

    What rested on the rate and was held is released. `confirmed_by` is the caisse's own id of the
    person, `text` where the amount was read, `read_on` when.
    """

    rate_id: str
    amount_cents: int
    text: str
    read_on: date
    confirmed_by: str
