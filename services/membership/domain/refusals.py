"""Why membership refuses an order: coded reasons in order of precedence, with what a user reads."""

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import Any

import msgspec

from services.membership.domain import Cpts


class Reason(StrEnum):
    """The reasons, in order of precedence: where several hold, the first is given."""

    UNKNOWN_CPTS = "unknown_cpts"
    UNKNOWN_ENTRY = "unknown_entry"
    UNKNOWN_MEMBER = "unknown_member"
    UNKNOWN_PARTICIPATION = "unknown_participation"
    UNKNOWN_ACI = "unknown_aci"
    UNKNOWN_LETTRE = "unknown_lettre"
    UNKNOWN_PROJET = "unknown_projet"
    UNKNOWN_STRUCTURE = "unknown_structure"
    CPTS_ENDED = "cpts_ended"
    ALREADY_EXISTS = "already_exists"
    UNKNOWN_COMMUNE = "unknown_commune"
    FINESS_ALREADY_KNOWN = "finess_already_known"
    FINESS_TAKEN = "finess_taken"
    UNKNOWN_PROFESSION = "unknown_profession"
    UNKNOWN_WAY = "unknown_way"
    UNKNOWN_KIND = "unknown_kind"
    NUMBER_NEEDED = "number_needed"
    NOT_A_MISSION = "not_a_mission"
    UNKNOWN_LEGAL_FORM = "unknown_legal_form"
    LEGAL_FORM_OF_ANOTHER_PLACE = "legal_form_of_another_place"
    UNKNOWN_GROUND = "unknown_ground"
    UNKNOWN_TERMINATION_REASON = "unknown_termination_reason"
    PERIOD_ENDS_BEFORE_IT_STARTS = "period_ends_before_it_starts"
    BEFORE_IT_EMERGED = "before_it_emerged"
    WRONG_CHECK_DIGIT = "wrong_check_digit"
    SIRET_OF_ANOTHER_SIREN = "siret_of_another_siren"
    BELONGS_THROUGH_STRUCTURE = "belongs_through_structure"
    VERIFIED_BY_PLATFORM = "verified_by_platform"
    MEMBER_OVERLAP = "member_overlap"
    POPULATION_NEEDED = "population_needed"
    POPULATION_NOT_ALLOWED = "population_not_allowed"
    CITY_AND_ARRONDISSEMENT = "city_and_arrondissement"
    PLACE_TAKEN = "place_taken"
    PARTS_EXCEED_COMMUNE = "parts_exceed_commune"
    ACI_IN_FORCE = "aci_in_force"
    TERRITORY_EMPTY = "territory_empty"
    POPULATION_UNKNOWN = "population_unknown"
    DAY_BEFORE_IT_WAS_SENT = "day_before_it_was_sent"
    LETTRE_VALIDATED = "lettre_validated"
    PROJET_PENDING = "projet_pending"
    PROJET_DECIDED = "projet_decided"
    PROJET_NOT_VALIDATED = "projet_not_validated"
    SILENCE_ELAPSED = "silence_elapsed"
    SILENCE_OF_THE_PAST = "silence_of_the_past"
    NO_ACI_IN_FORCE = "no_aci_in_force"
    MISSION_UNDER_WAY = "mission_under_way"
    DEPLOYED_BEFORE_IT_STARTED = "deployed_before_it_started"
    NOT_WITHIN_THE_ACI = "not_within_the_aci"
    INTO_ITSELF = "into_itself"
    NOTHING_TO_TAKE = "nothing_to_take"
    LISTED_TWICE = "listed_twice"
    NEWER_LIST_KNOWN = "newer_list_known"


ABSENCES = frozenset(
    {
        Reason.UNKNOWN_CPTS,
        Reason.UNKNOWN_ENTRY,
        Reason.UNKNOWN_MEMBER,
        Reason.UNKNOWN_PARTICIPATION,
        Reason.UNKNOWN_ACI,
        Reason.UNKNOWN_LETTRE,
        Reason.UNKNOWN_PROJET,
        Reason.UNKNOWN_STRUCTURE,
    }
)
"""What an order is about does not exist: not a rule's refusal."""


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """An order refused: the reason, a French sentence, and members added to the problem."""

    reason: Reason
    detail: str
    extension: Mapping[str, Any] = msgspec.field(default_factory=dict)

    def about(self, **names: str) -> "Refusal":
        """The same refusal, naming the entry of the order that it is about."""
        return msgspec.structs.replace(self, extension={**self.extension, **names})


def absent(reason: Reason, what: str, id_: str) -> Refusal:
    """Nothing has this id; `what` is French with its article."""
    return Refusal(reason=reason, detail=f"{what} {id_} n'existe pas.")


def already_exists(what: str, id_: str) -> Refusal:
    """The id is known with another content; `what` is French with its article."""
    return Refusal(
        reason=Reason.ALREADY_EXISTS,
        detail=f"{what} {id_} existe déjà avec un autre contenu.",
    )


def ended_refusal(cpts: Cpts) -> Refusal:
    """What is asked of a CPTS that is a part of another."""
    return Refusal(
        reason=Reason.CPTS_ENDED,
        detail=f"{cpts.cpts_name} fait partie d'une autre CPTS depuis le {cpts.merged_on}.",
        extension={"into_cpts_id": cpts.into_cpts_id},
    )


def runs_on_refusal(cpts: Cpts, to_on: date | None) -> Refusal | None:
    """The refusal of what would run on in a CPTS that is a part of another by then."""
    if cpts.merged_on is None or (to_on is not None and to_on < cpts.merged_on):
        return None
    return ended_refusal(cpts)


def period_refusal(
    from_on: date, to_on: date | None, *, earliest: date | None = None
) -> Refusal | None:
    """The refusal of a period whose last day comes before its first; None when it is sound.

    `earliest` is the first day that who says it may say, None for any.
    """
    if to_on is not None and to_on < from_on:
        return Refusal(
            reason=Reason.PERIOD_ENDS_BEFORE_IT_STARTS,
            detail=f"La période finit le {to_on}, avant de commencer le {from_on}.",
        )
    if earliest is not None and from_on < earliest:
        return Refusal(
            reason=Reason.BEFORE_IT_EMERGED,
            detail=f"La CPTS est née le {earliest} : seules la caisse ou l'ARS disent un jour "
            "antérieur.",
            extension={"emerged_on": str(earliest)},
        )
    return None


def earliest_again(earliest: date | None, present_from_on: date) -> date | None:
    """The first day that a correction may say: a day that is already recorded may stay."""
    return None if earliest is None else min(earliest, present_from_on)
