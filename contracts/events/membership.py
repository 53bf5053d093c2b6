"""What the membership service says: CPTS (communauté professionnelle territoriale de santé), their
territories, members, participation in the SAS (service d'accès aux soins) and their ACI.

The aggregate is the CPTS: `subject` is its id, the key is the département of its seat at
registration. The `…Recorded` events carry the whole state of one entry: the entry's highest
sequence is its present state, and `is_withdrawn` says that it was recorded by mistake.
"""

from datetime import date

import msgspec


class CptsRegistered(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="membership.CptsRegistered.v1"
):
    """A CPTS exists; its seat gives its key for ever."""

    cpts_id: str
    cpts_name: str
    seat_commune: str
    finess: str | None = None


class FinessAssigned(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="membership.FinessAssigned.v1"
):
    """The CPTS's FINESS number is known: `1` and nine characters, as the SAS writes it.

    They are digits, but for the département of Corsica: `2A`, `2B`.
    """

    cpts_id: str
    finess: str


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

    `profession` is a code of TRE_G15-ProfessionSante; `10` is a physician.
    """

    cpts_id: str
    member_id: str
    rpps: str
    profession: str
    from_on: date
    to_on: date | None = None
    is_withdrawn: bool = False


class ParticipationRecorded(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    tag_field="type",
    tag="membership.ParticipationRecorded.v1",
):
    """A professional takes part in the SAS from a day to a day, as this CPTS declared it.

    `way`: `own_office`, `cpts`, `msp`, `sos`. Participation is the professional's: it counts in
    every CPTS of which they are a member that day.
    """

    cpts_id: str
    participation_id: str
    rpps: str
    way: str
    from_on: date
    to_on: date | None = None
    is_withdrawn: bool = False


class ContractYear(msgspec.Struct, frozen=True, kw_only=True):
    """A year of the ACI, from anniversary to the day before the next (both included)."""

    starts_on: date
    ends_on: date


class AciSigned(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="membership.AciSigned.v1"
):
    """The CPTS, the caisse and the ARS signed the ACI (accord conventionnel interprofessionnel).

    Said again when its dates are corrected or it ends early: the ACI's highest sequence gives all
    its contract years, and those it no longer has never counted. `is_withdrawn`: it has none.
    """

    cpts_id: str
    aci_id: str
    signed_on: date
    contract_years: tuple[ContractYear, ...]
    is_withdrawn: bool = False


class TailleDetermined(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    tag_field="type",
    tag="membership.TailleDetermined.v1",
):
    """The taille (1 to 4) of one contract year, from the territory's population at its start.

    Never retroactive: a later change of territory determines only years that have not begun.
    """

    cpts_id: str
    contract_year_starts_on: date
    taille: int
    population: int


MembershipEvent = (
    CptsRegistered
    | FinessAssigned
    | TerritoryPlaceRecorded
    | MemberRecorded
    | ParticipationRecorded
    | AciSigned
    | TailleDetermined
)
