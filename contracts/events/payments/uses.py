"""What a CPTS does with its funds: sums to its members, and uses by category."""

from datetime import date
from typing import Literal

import msgspec

IndemnityKind = Literal["indemnite", "remuneration"]


class IndemnityRecorded(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="payments.IndemnityRecorded.v1"
):
    """A CPTS pays a professional for functions held (CSP D. 1434-44); a later one replaces it.

    `kind`: `indemnite` makes up for income lost, `remuneration` is for taking part in missions.
    `function` is a code of the service's list, which may grow. The civil year of `paid_on` is that
    of the ceiling. The CPTS paid it by itself on that day, or, when it `is_paid_by_batch`, owes it
    from that day on until a batch pays it. One that is withdrawn was neither paid nor owed.
    """

    cpts_id: str
    indemnity_id: str
    rpps: str
    kind: IndemnityKind
    function: str
    minutes: int
    amount_cents: int
    paid_on: date
    is_withdrawn: bool = False
    is_paid_by_batch: bool = False


class FundsUsed(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="payments.FundsUsed.v1"
):
    """A CPTS used funds of its ACI; a later one of the same id replaces it.

    `category` is a code of the service's list, which may grow. Nobody approves it.
    """

    cpts_id: str
    use_id: str
    category: str
    amount_cents: int
    used_on: date
    is_withdrawn: bool = False
