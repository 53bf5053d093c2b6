"""What belongs to a CPTS: places, professionals, structures, tools; who takes part in the SAS."""

from datetime import date

import msgspec


class TerritoryPlaceRecorded(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    tag_field="type",
    tag="membership.TerritoryPlaceRecorded.v1",
):
    """A place belongs to the CPTS's territory from a day to a day.

    `commune` is an INSEE code of a commune or of an arrondissement municipal. `part` names a part
    of it, when several CPTS share it; `population` is then the declared one, else INSEE's, and
    None when unknown.
    """

    cpts_id: str
    entry_id: str
    commune: str
    from_on: date
    part: str | None = None
    population: int | None = None
    to_on: date | None = None
    is_withdrawn: bool = False


class MemberRecorded(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="membership.MemberRecorded.v1"
):
    """A professional (RPPS, 12 characters with the prefix 8) belongs to the CPTS.

    `profession` is a code of TRE_G15-ProfessionSante; `10` is a physician. `structure_id` is the
    structure through which they belong to it, None when they do themselves; both may hold on a day.
    """

    cpts_id: str
    member_id: str
    rpps: str
    profession: str
    from_on: date
    to_on: date | None = None
    is_withdrawn: bool = False
    structure_id: str | None = None


class ParticipationRecorded(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    tag_field="type",
    tag="membership.ParticipationRecorded.v1",
):
    """A professional takes part in the SAS from a day to a day, as this CPTS or a platform says.

    `way`: `own_office`, `cpts`, `msp`, `sos`. Participation is the professional's: it counts in
    every CPTS of which they are a member that day. `verified_by` is the SAS platform that lists
    them, None for what the CPTS says.
    """

    cpts_id: str
    participation_id: str
    rpps: str
    way: str
    from_on: date
    to_on: date | None = None
    is_withdrawn: bool = False
    verified_by: str | None = None


class StructureRecorded(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    tag_field="type",
    tag="membership.StructureRecorded.v1",
):
    """An organisation belongs to the CPTS from a day to a day.

    `kind`: `esp` and `ess` (équipes de soins primaires, spécialisés), `msp`, `cds`,
    `etablissement_de_sante`, `esms`, `structure_sociale`, `collectivite_territoriale`,
    `association_de_patients`. It has the numbers that its kind has.
    """

    cpts_id: str
    structure_id: str
    kind: str
    structure_name: str
    from_on: date
    finess: str | None = None
    siret: str | None = None
    rna: str | None = None
    to_on: date | None = None
    is_withdrawn: bool = False


class StructureProfessionalRecorded(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    tag_field="type",
    tag="membership.StructureProfessionalRecorded.v1",
):
    """A professional works in a structure of the CPTS from a day to a day.

    While the structure belongs to the CPTS they do too: a `MemberRecorded` says so.
    """

    cpts_id: str
    structure_id: str
    professional_id: str
    rpps: str
    profession: str
    from_on: date
    to_on: date | None = None
    is_withdrawn: bool = False


class ToolRecorded(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="membership.ToolRecorded.v1"
):
    """The CPTS chose a digital tool, of which it declares what it is compatible with.

    `kind`: `shared_agenda`, `professional_network`, `secure_messaging`, `coordination`,
    `teleconsultation`, `other`. `is_dmp_compatible`: with the dossier médical partagé.
    """

    cpts_id: str
    tool_id: str
    kind: str
    tool_name: str
    is_dmp_compatible: bool
    is_interoperable: bool
    from_on: date
    to_on: date | None = None
    is_withdrawn: bool = False
