"""What may be in the body of an order. There is no free text and no field for a patient.

A word of a code list is checked by the rules, which tell a reason; a malformed body is a 400.
"""

from datetime import datetime
from typing import Annotated

import msgspec

from contracts.events.referrals import Urgency
from contracts.parts import PartName
from services.messaging.bodies import refuse_impossible_days

Identifier = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9._:-]{1,64}\Z")]
Code = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_]{1,40}\Z")]
Rpps = Annotated[str, msgspec.Meta(pattern=r"^8[0-9]{11}\Z")]
Instant = Annotated[datetime, msgspec.Meta(tz=True)]


class NewDemand(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A demand of the SAS. `part` is the named part of a commune that several CPTS share."""

    source: Identifier
    source_id: Identifier
    commune: Code
    need: Code
    urgency: Urgency
    received_at: Instant
    part: PartName | None = None

    def __post_init__(self) -> None:
        """Refuse impossible days."""
        refuse_impossible_days(self)


class Acceptance(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The CPTS takes the demand, with an appointment."""

    cpts_id: Identifier
    practitioner_rpps: Rpps
    starts_at: Instant

    def __post_init__(self) -> None:
        """Refuse impossible days."""
        refuse_impossible_days(self)


class Refusing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The CPTS declines, with a coded reason."""

    cpts_id: Identifier
    reason: Code


class Returning(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The demand goes back to the regulation, with a coded reason."""

    reason: Code


class Locating(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where in a divided place the demand comes from: one of the two."""

    part: PartName | None = None
    commune: Code | None = None


class Cancelling(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The appointment no longer stands; `by` is a side."""

    by: Code


class Moving(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Another time, another practitioner, or both."""

    starts_at: Instant | None = None
    practitioner_rpps: Rpps | None = None

    def __post_init__(self) -> None:
        """Refuse impossible days."""
        refuse_impossible_days(self)


class Reporting(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Nothing to add: the route says it."""
