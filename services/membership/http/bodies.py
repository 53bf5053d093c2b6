"""What comes in with membership's orders, checked at the door: unknown fields are refused."""

from datetime import date
from typing import Annotated

import msgspec
from litestar.params import PathParameter

from contracts.parts import PartName

# `$` also matches before a last line feed; the look-ahead refuses it.
ID = r"^[A-Za-z0-9._:-]{1,64}$(?!\n)"
Id = Annotated[str, msgspec.Meta(pattern=ID)]
PathId = Annotated[str, PathParameter(pattern=ID)]
Name = Annotated[str, msgspec.Meta(pattern=r"^[^\x00-\x1f\x7f]{1,200}$(?!\n)")]
CommuneCode = Annotated[str, msgspec.Meta(pattern=r"^[0-9][0-9AB][0-9]{3}$(?!\n)")]
Inhabitants = Annotated[int, msgspec.Meta(ge=1, le=10_000_000)]
Finess = Annotated[str, msgspec.Meta(pattern=r"^1(2[AB]|[0-9]{2})[0-9]{7}$(?!\n)")]
Rpps = Annotated[str, msgspec.Meta(pattern=r"^8[0-9]{11}$(?!\n)")]
Years = Annotated[int, msgspec.Meta(ge=1, le=10)]
Profession = Annotated[str, msgspec.Meta(pattern=r"^[0-9A-Z]{2}$(?!\n)")]

ACI_STARTS_FROM_YEAR = 2019  # the first ACI CPTS is of 20 June 2019
ACI_STARTS_BEFORE_YEAR = 2200


class RegisterOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Registers a CPTS; its seat gives its key for ever."""

    cpts_id: Id
    cpts_name: Name
    seat_commune: CommuneCode
    finess: Finess | None = None


class FinessOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The FINESS of a CPTS."""

    finess: Finess


class PlaceOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Attaches a commune, an arrondissement or a named part of one, to a territory."""

    entry_id: Id
    commune: CommuneCode
    from_on: date
    to_on: date | None = None
    part: PartName | None = None
    population: Inhabitants | None = None


class PlacesOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Attaches several places, all or none."""

    entries: Annotated[tuple[PlaceOrder, ...], msgspec.Meta(min_length=1, max_length=1000)]


class MemberOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Records a member; `profession` is a code of TRE_G15-ProfessionSante."""

    member_id: Id
    rpps: Rpps
    profession: Profession
    from_on: date
    to_on: date | None = None
    is_check_digit_overridden: bool = False


class MembersOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Records several members, all or none."""

    members: Annotated[tuple[MemberOrder, ...], msgspec.Meta(min_length=1, max_length=1000)]


class ParticipationOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Records that a professional takes part in the SAS."""

    participation_id: Id
    rpps: Rpps
    way: Id
    from_on: date
    to_on: date | None = None
    is_check_digit_overridden: bool = False


class CorrectionOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The dates that an entry has from now on; `is_withdrawn`: it was recorded by mistake."""

    from_on: date
    to_on: date | None = None
    is_withdrawn: bool = False


class AciOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Signs the ACI for `years` contract years from `starts_on`."""

    aci_id: Id
    signed_on: date
    starts_on: date
    years: Years = 5

    def __post_init__(self) -> None:
        """Refuse a first day that no ACI can have."""
        _refuse_impossible_start(self.starts_on)


class AciCorrectionOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The dates that an ACI has from now on; `is_withdrawn`: it was signed by mistake."""

    signed_on: date
    starts_on: date
    years: Years = 5
    is_withdrawn: bool = False

    def __post_init__(self) -> None:
        """Refuse a first day that no ACI can have."""
        _refuse_impossible_start(self.starts_on)


def _refuse_impossible_start(starts_on: date) -> None:
    """The first ACI is of 2019, and the calendar also ends somewhere."""
    if not ACI_STARTS_FROM_YEAR <= starts_on.year < ACI_STARTS_BEFORE_YEAR:
        raise ValueError("`starts_on` is the first day of an ACI, from 2019 on")
