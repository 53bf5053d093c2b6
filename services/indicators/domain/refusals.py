"""Why indicators refuses an order: coded reasons in order of precedence, with what a user reads."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class Refusal(StrEnum):
    """Why an order is refused, in order of precedence."""

    UNKNOWN_CPTS = "unknown_cpts"
    UNKNOWN_KIND = "unknown_kind"
    NOT_YET_HELD = "not_yet_held"


# The reasons that say that something is not there.
ABSENCES: Final = frozenset((Refusal.UNKNOWN_CPTS,))

REFUSAL_TEXTS: Final[Mapping[Refusal, str]] = {
    Refusal.UNKNOWN_CPTS: "Cette CPTS n'est pas encore connue du service des indicateurs.",
    Refusal.UNKNOWN_KIND: "Ce genre d'activité n'existe pas (GET /activity-kinds les donne).",
    Refusal.NOT_YET_HELD: "Une activité se déclare à partir du jour où elle a lieu.",
}
