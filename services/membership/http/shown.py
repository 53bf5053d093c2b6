"""What membership's orders answer: the present state of what they are about."""

from collections.abc import Sequence
from datetime import date
from typing import TypeVar

import msgspec
from litestar.openapi.datastructures import ResponseSpec

from services.messaging.documents import also

S = TypeVar("S", bound=msgspec.Struct)


class ShownCpts(msgspec.Struct, frozen=True, kw_only=True):
    """A CPTS without its entries; `sequence` is that of its last event."""

    cpts_id: str
    cpts_name: str
    seat_commune: str
    departement: str
    finess: str | None
    sequence: int


class ShownPlace(msgspec.Struct, frozen=True, kw_only=True):
    """A place of a territory."""

    cpts_id: str
    entry_id: str
    commune: str
    part: str | None
    population: int | None
    from_on: date
    to_on: date | None
    is_withdrawn: bool


class ShownPlaces(msgspec.Struct, frozen=True, kw_only=True):
    """The places of one order, in its order."""

    entries: Sequence[ShownPlace]


class ShownMember(msgspec.Struct, frozen=True, kw_only=True):
    """A member."""

    cpts_id: str
    member_id: str
    rpps: str
    profession: str
    from_on: date
    to_on: date | None
    is_withdrawn: bool


class ShownMembers(msgspec.Struct, frozen=True, kw_only=True):
    """The members of one order, in its order."""

    members: Sequence[ShownMember]


class ShownParticipation(msgspec.Struct, frozen=True, kw_only=True):
    """A participation in the SAS."""

    cpts_id: str
    participation_id: str
    rpps: str
    way: str
    from_on: date
    to_on: date | None
    is_withdrawn: bool


class ShownYear(msgspec.Struct, frozen=True, kw_only=True):
    """A contract year with its taille."""

    starts_on: date
    ends_on: date
    taille: int
    population: int


class ShownAci(msgspec.Struct, frozen=True, kw_only=True):
    """An ACI with its contract years."""

    cpts_id: str
    aci_id: str
    signed_on: date
    contract_years: Sequence[ShownYear]
    is_withdrawn: bool


def shown(entry: msgspec.Struct, shape: type[S]) -> S:
    """An entry, of which its last event is the state, in the shape in which it is answered."""
    return shape(**msgspec.structs.asdict(entry))


def already(shape: type[msgspec.Struct]) -> dict[int, ResponseSpec]:
    """For the document: the answer to an order that left nothing to do."""
    return also(200, shape, "Rien à faire : l'état présent")
