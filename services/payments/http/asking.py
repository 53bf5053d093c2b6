"""What the questions and orders of payments share: how they name things, and how they refuse."""

from datetime import date
from typing import Annotated

import msgspec
from litestar.params import FromPath, QueryParameter

from services.messaging.problems import Refused
from services.payments.domain.refusals import REFUSAL_TEXTS, Refusal

CptsId = FromPath[str]
Day = FromPath[date]
Limit = Annotated[int, QueryParameter(ge=1, le=1000)]
Id = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9._:/-]{1,64}\Z")]
# No word and no address: an id of one of the caisse's own people.
PersonId = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{1,64}\Z")]
Code = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9_]{1,60}\Z")]
Text = Annotated[str, msgspec.Meta(max_length=1000)]
# Ten thousand million euros, a thousand million demands: no sum of them leaves 64 bits.
Cents = Annotated[int, msgspec.Meta(ge=-(10**12), le=10**12)]
Count = Annotated[int, msgspec.Meta(ge=-(10**9), le=10**9)]


UNKNOWN = (Refusal.UNKNOWN_CPTS, Refusal.UNKNOWN_RATE, Refusal.UNKNOWN_CONTRACT_YEAR)


def refused(refusal: Refusal) -> Refused:
    """The problem that answers a refused order: 404 for what is not known, else 409."""
    status = 404 if refusal in UNKNOWN else 409
    return Refused(refusal.value, REFUSAL_TEXTS[refusal], status=status)
