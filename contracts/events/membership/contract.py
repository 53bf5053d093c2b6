"""The ACI (accord conventionnel interprofessionnel) of a CPTS: its years, tailles and missions."""

from datetime import date

import msgspec


class ContractYear(msgspec.Struct, frozen=True, kw_only=True):
    """A year of the ACI, from anniversary to the day before the next (both included)."""

    starts_on: date
    ends_on: date


class Termination(msgspec.Struct, frozen=True, kw_only=True):
    """The last day of an ACI that ended before its term, and why.

    `reason`: `deadlines_missed`, `missions_not_carried_out`, `at_the_request_of_the_cpts`,
    `merger`, `dissolution`.
    """

    ended_on: date
    reason: str


class Signature(msgspec.Struct, frozen=True, kw_only=True):
    """One of the three who sign an ACI (`cpts`, `caisse`, `ars`), and the day of it."""

    party: str
    signed_on: date


class AciSigned(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="membership.AciSigned.v1"
):
    """The CPTS, the caisse and the ARS signed the ACI (accord conventionnel interprofessionnel).

    Said again when its dates are corrected or it ends early: the ACI's highest sequence gives all
    its contract years, and those it no longer has never counted. `is_withdrawn`: it has none.
    `termination`, when it ended before its term: the last contract year then ends on that day.
    `signed_on` is the day of the last signature; `signatures` are all three, or none is known.
    """

    cpts_id: str
    aci_id: str
    signed_on: date
    contract_years: tuple[ContractYear, ...]
    is_withdrawn: bool = False
    termination: Termination | None = None
    signatures: tuple[Signature, ...] = ()


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


class MissionRecorded(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="membership.MissionRecorded.v1"
):
    """The CPTS started a mission of its ACI; `deployed_on` from when on it is fully deployed.

    `mission`: `acces_aux_soins`, `parcours_pluriprofessionnel`, `prevention`, `crise_sanitaire`,
    `qualite_et_pertinence`, `accompagnement`.
    """

    cpts_id: str
    mission_id: str
    mission: str
    started_on: date
    deployed_on: date | None = None
    ended_on: date | None = None
    is_withdrawn: bool = False


class MissionDeadline(msgspec.Struct, frozen=True, kw_only=True):
    """The last day, included, of a mission's `step`: `start` or `deployment`; met on a day, or not.

    It is met late when `met_on` comes after `due_on`.
    """

    mission: str
    step: str
    due_on: date
    met_on: date | None = None


class MissionDeadlinesSet(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    tag_field="type",
    tag="membership.MissionDeadlinesSet.v1",
):
    """All the deadlines of an ACI's missions as they stand; a later one replaces them."""

    cpts_id: str
    aci_id: str
    deadlines: tuple[MissionDeadline, ...]


class MissionDeadlineNear(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    tag_field="type",
    tag="membership.MissionDeadlineNear.v1",
):
    """A deadline comes near and is not met."""

    cpts_id: str
    aci_id: str
    mission: str
    step: str
    due_on: date


class MissionDeadlineMissed(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    tag_field="type",
    tag="membership.MissionDeadlineMissed.v1",
):
    """The last day of a deadline has passed and it was not met."""

    cpts_id: str
    aci_id: str
    mission: str
    step: str
    due_on: date
