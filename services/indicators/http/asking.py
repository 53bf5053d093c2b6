"""What the questions and orders of indicators share: how they name things, and how they refuse."""

from datetime import date
from typing import Annotated, Any, TypeVar

import msgspec
from litestar import Request
from litestar.params import PathParameter

from services.indicators.domain.refusals import REFUSAL_TEXTS, STATUSES, Refusal
from services.messaging.problems import Refused

HttpRequest = Request[Any, Any, Any]
# `$` also matches before a last line feed; the look-ahead refuses it.
ID = r"^[A-Za-z0-9._:-]{1,64}$(?!\n)"
Id = Annotated[str, msgspec.Meta(pattern=ID)]
PathId = Annotated[str, PathParameter(pattern=ID)]
Word = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9_]{1,64}$(?!\n)")]
Rpps = Annotated[str, msgspec.Meta(pattern=r"^8[0-9]{11}$(?!\n)")]
Count = Annotated[int, msgspec.Meta(ge=0, le=10**9)]
Evidence = Annotated[tuple[Id, ...], msgspec.Meta(max_length=100)]
Professionals = Annotated[tuple[Rpps, ...], msgspec.Meta(max_length=1000)]

FIRST_YEAR = 2019  # the first ACI CPTS is of 20 June 2019
LAST_YEAR = 2199

D = TypeVar("D")


def refuse_impossible_days(*days: date | None) -> None:
    """ValueError for a day that no ACI can have: the calendar also ends somewhere."""
    for day in days:
        if day is not None and not FIRST_YEAR <= day.year <= LAST_YEAR:
            raise ValueError(f"days lie between {FIRST_YEAR} and {LAST_YEAR}")


def refused(refusal: Refusal, **extension: Any) -> Refused:
    """The problem that answers a refused order: 409, where there is no better status."""
    status = STATUSES.get(refusal, 409)
    return Refused(refusal.value, REFUSAL_TEXTS[refusal], status=status, **extension)


def unless_refused(decision: D | Refusal) -> D:
    """What was decided; raises `Refused` when it is a refusal."""
    if isinstance(decision, Refusal):
        raise refused(decision)
    return decision
