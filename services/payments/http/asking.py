"""What the questions and orders of payments share: how they name things, and how they refuse."""

from datetime import date
from typing import Annotated, Any

import msgspec
from litestar.params import FromPath, PathParameter

from services.messaging.database import Connection
from services.messaging.problems import Refused, not_found
from services.payments.domain.refusals import REFUSAL_TEXTS, Refusal
from services.payments.store import answers

# `$` also matches before a last line feed; the look-ahead refuses it.
PathId = Annotated[str, PathParameter(pattern=r"^[A-Za-z0-9._:-]{1,64}$(?!\n)")]
CptsId = PathId
Day = FromPath[date]
EntryId = Annotated[str, PathParameter(pattern=r"^[A-Za-z0-9._-]{1,64}$(?!\n)")]
PathRpps = Annotated[str, PathParameter(pattern=r"^8[0-9]{11}$(?!\n)")]
Year = Annotated[int, PathParameter(ge=2000, le=2999)]
Id = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9._:/-]{1,64}\Z")]
# No word and no address: an id of one of the caisse's own people.
PersonId = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{1,64}\Z")]
Rpps = Annotated[str, msgspec.Meta(pattern=r"^8[0-9]{11}\Z")]
Code = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9_]{1,60}\Z")]
Name = Annotated[str, msgspec.Meta(pattern=r"^[^\x00-\x1f\x7f]{0,200}\Z")]
Text = Annotated[str, msgspec.Meta(max_length=1000)]
# Ten thousand million euros, a thousand million demands: no sum of them leaves 64 bits.
Cents = Annotated[int, msgspec.Meta(ge=-(10**12), le=10**12)]
Count = Annotated[int, msgspec.Meta(ge=-(10**9), le=10**9)]


async def year_of(connection: Connection, cpts_id: str, starts_on: date) -> dict[str, Any]:
    """A contract year with its taille; 404 when the CPTS has none that begins on this day."""
    years = await answers.contract_years(connection, cpts_id)
    year = next((one for one in years if one["starts_on"] == starts_on), None)
    if year is None:
        raise not_found("L'année de contrat", f"{cpts_id}/{starts_on.isoformat()}")
    return year


UNKNOWN = (Refusal.UNKNOWN_CPTS, Refusal.UNKNOWN_RATE, Refusal.UNKNOWN_CONTRACT_YEAR)


class Obstacle(msgspec.Struct, frozen=True):
    """Why a contract year cannot be settled: a code of `Refusal`, and its French text."""

    reason: str
    detail: str


def obstacle_of(refusal: Refusal | None) -> Obstacle | None:
    """A refusal as an obstacle, where it is an answer and not the order's end."""
    return None if refusal is None else Obstacle(refusal.value, REFUSAL_TEXTS[refusal])


def refused(refusal: Refusal) -> Refused:
    """The problem that answers a refused order: 404 for what is not known, else 409."""
    status = 404 if refusal in UNKNOWN else 409
    return Refused(refusal.value, REFUSAL_TEXTS[refusal], status=status)
