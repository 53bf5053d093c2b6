"""What comes in with membership's orders, checked at the door: unknown fields are refused."""

from datetime import date
from typing import Annotated

import msgspec
from litestar.params import PathParameter

from contracts.parts import PartName
from services.messaging.bodies import refuse_impossible_days

# `$` also matches before a last line feed; the look-ahead refuses it.
ID = r"^[A-Za-z0-9._:-]{1,64}$(?!\n)"
Id = Annotated[str, msgspec.Meta(pattern=ID)]
PathId = Annotated[str, PathParameter(pattern=r"^[A-Za-z0-9._:-]{1,256}$(?!\n)")]
# What has come from another CPTS has the ids of both, with a sign between them that no `Id` holds.
MOVED_ID = r"^[A-Za-z0-9._:~-]{1,256}$(?!\n)"
MovedId = Annotated[str, msgspec.Meta(pattern=MOVED_ID)]
MovedPathId = Annotated[str, PathParameter(pattern=MOVED_ID)]
Name = Annotated[str, msgspec.Meta(pattern=r"^[^\x00-\x1f\x7f]{1,200}$(?!\n)")]
CommuneCode = Annotated[str, msgspec.Meta(pattern=r"^[0-9][0-9AB][0-9]{3}$(?!\n)")]
Inhabitants = Annotated[int, msgspec.Meta(ge=1, le=10_000_000)]
Finess = Annotated[str, msgspec.Meta(pattern=r"^1(2[AB]|[0-9]{2})[0-9]{7}$(?!\n)")]
Rpps = Annotated[str, msgspec.Meta(pattern=r"^8[0-9]{11}$(?!\n)")]
Siren = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{9}$(?!\n)")]
Siret = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{14}$(?!\n)")]
Rna = Annotated[str, msgspec.Meta(pattern=r"^W[0-9]{9}$(?!\n)")]
Partner = Annotated[str, msgspec.Meta(pattern=r"^(1(2[AB]|[0-9]{2})[0-9]{7}|[0-9]{14})$(?!\n)")]
Sha256 = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$(?!\n)")]
Word = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9_]{1,64}$(?!\n)")]
Grounds = Annotated[tuple[Word, ...], msgspec.Meta(min_length=1, max_length=2)]
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
    emerged_on: date | None = None

    def __post_init__(self) -> None:
        """Refuse impossible days."""
        refuse_impossible_days(self)


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

    def __post_init__(self) -> None:
        """Refuse impossible days."""
        refuse_impossible_days(self)


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

    def __post_init__(self) -> None:
        """Refuse impossible days."""
        refuse_impossible_days(self)


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

    def __post_init__(self) -> None:
        """Refuse impossible days."""
        refuse_impossible_days(self)


class CorrectionOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The dates that an entry has from now on; `is_withdrawn`: it was recorded by mistake."""

    from_on: date
    to_on: date | None = None
    is_withdrawn: bool = False

    def __post_init__(self) -> None:
        """Refuse impossible days."""
        refuse_impossible_days(self)


class SignaturesOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The days on which the three parties signed an ACI."""

    cpts: date
    caisse: date
    ars: date

    def __post_init__(self) -> None:
        """Refuse impossible days."""
        refuse_impossible_days(self)


class AciOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Signs the ACI for `years` contract years from `starts_on`."""

    aci_id: Id
    signed_on: date
    starts_on: date
    years: Years = 5
    signatures: SignaturesOrder | None = None

    def __post_init__(self) -> None:
        """Refuse days that no ACI can have."""
        refuse_impossible_days(self)
        _refuse_impossible_aci(self.starts_on, self.signed_on, self.signatures)


class AciCorrectionOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The dates that an ACI has from now on; `is_withdrawn`: it was signed by mistake."""

    signed_on: date
    starts_on: date
    years: Years = 5
    is_withdrawn: bool = False
    signatures: SignaturesOrder | None = None

    def __post_init__(self) -> None:
        """Refuse days that no ACI can have."""
        refuse_impossible_days(self)
        _refuse_impossible_aci(self.starts_on, self.signed_on, self.signatures)


def _refuse_impossible_aci(
    starts_on: date, signed_on: date, signatures: SignaturesOrder | None
) -> None:
    """The first ACI is of 2019, the calendar also ends somewhere; the last signature makes it."""
    if signatures is not None and signed_on != max(
        signatures.cpts, signatures.caisse, signatures.ars
    ):
        raise ValueError("`signed_on` is the day of the last of the three signatures")
    if not ACI_STARTS_FROM_YEAR <= starts_on.year < ACI_STARTS_BEFORE_YEAR:
        raise ValueError("`starts_on` is the first day of an ACI, from 2019 on")


class TerminationOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Ends an ACI before its term: `ended_on` is its last day."""

    ended_on: date
    reason: Word

    def __post_init__(self) -> None:
        """Refuse impossible days."""
        refuse_impossible_days(self)


class PlannedOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A mission and the day on which it is planned to start."""

    mission: Word
    starts_on: date

    def __post_init__(self) -> None:
        """Refuse impossible days."""
        refuse_impossible_days(self)


class LettreOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a lettre d'intention says; `partners` are FINESS or SIRET numbers."""

    sent_on: date
    communes: Annotated[tuple[CommuneCode, ...], msgspec.Meta(min_length=1, max_length=1000)]
    study_sha256: Sha256 | None = None
    partners: Annotated[tuple[Partner, ...], msgspec.Meta(max_length=200)] = ()
    calendar: Annotated[tuple[PlannedOrder, ...], msgspec.Meta(max_length=6)] = ()
    is_withdrawn: bool = False

    def __post_init__(self) -> None:
        """Refuse impossible days."""
        refuse_impossible_days(self)


class ValidationOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The day on which the ARS and the caisse validated a lettre d'intention."""

    validated_on: date

    def __post_init__(self) -> None:
        """Refuse impossible days."""
        refuse_impossible_days(self)


class ProjetOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A projet de santé sent to the ARS, with what it decided if that is long known."""

    sent_on: date
    document_sha256: Sha256 | None = None
    validated_on: date | None = None
    objected_on: date | None = None
    grounds: Annotated[tuple[Word, ...], msgspec.Meta(max_length=2)] = ()

    def __post_init__(self) -> None:
        """Refuse two decisions, and an objection without its grounds."""
        refuse_impossible_days(self)
        if self.validated_on is not None and self.objected_on is not None:
            raise ValueError("a projet is validated or objected to, not both")
        if (self.objected_on is None) != (not self.grounds):
            raise ValueError("`grounds` are those of an objection, which has one or two")


class ObjectionOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The grounds on which the ARS objects to a projet de santé."""

    grounds: Grounds


class BareOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An order that says no more than its path: an empty object."""


class AssociationOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The association that a CPTS is; `rna` is its number in the national register of associations.

    `siren` is that of the INSEE; the `siret` of its seat says it, too.
    """

    declared_on: date
    legal_form: Word
    rna: Rna | None = None
    siren: Siren | None = None
    siret: Siret | None = None
    is_withdrawn: bool = False

    def __post_init__(self) -> None:
        """Refuse impossible days."""
        refuse_impossible_days(self)


class MissionOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A mission of the ACI from its start, with the day of its full deployment once known."""

    mission: Word
    started_on: date
    deployed_on: date | None = None
    ended_on: date | None = None
    is_withdrawn: bool = False

    def __post_init__(self) -> None:
        """Refuse impossible days."""
        refuse_impossible_days(self)


class StructureOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A structure of a CPTS, with the numbers that its kind has."""

    kind: Word
    structure_name: Name
    from_on: date
    to_on: date | None = None
    finess: Finess | None = None
    siret: Siret | None = None
    rna: Rna | None = None
    is_withdrawn: bool = False

    def __post_init__(self) -> None:
        """Refuse impossible days."""
        refuse_impossible_days(self)


class ProfessionalOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody who works in a structure; `profession` is a code of TRE_G15-ProfessionSante."""

    rpps: Rpps
    profession: Profession
    from_on: date
    to_on: date | None = None
    is_withdrawn: bool = False
    is_check_digit_overridden: bool = False

    def __post_init__(self) -> None:
        """Refuse impossible days."""
        refuse_impossible_days(self)


class ToolOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A digital tool, and what the CPTS declares it to be compatible with."""

    kind: Word
    tool_name: Name
    is_dmp_compatible: bool
    is_interoperable: bool
    from_on: date
    to_on: date | None = None
    is_withdrawn: bool = False

    def __post_init__(self) -> None:
        """Refuse impossible days."""
        refuse_impossible_days(self)


class MergerOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Makes the CPTS a part of another from a day on."""

    into_cpts_id: Id
    merged_on: date

    def __post_init__(self) -> None:
        """Refuse impossible days."""
        refuse_impossible_days(self)


class SplitOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Makes a part of the CPTS another one from a day on: these entries go, all else stays."""

    new_cpts_id: Id
    new_cpts_name: Name
    seat_commune: CommuneCode
    split_on: date
    entry_ids: Annotated[tuple[MovedId, ...], msgspec.Meta(min_length=1, max_length=1000)]
    member_ids: Annotated[tuple[MovedId, ...], msgspec.Meta(max_length=10_000)] = ()
    structure_ids: Annotated[tuple[MovedId, ...], msgspec.Meta(max_length=1000)] = ()

    def __post_init__(self) -> None:
        """Refuse impossible days."""
        refuse_impossible_days(self)
