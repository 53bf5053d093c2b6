"""The oracle's half about the association that a CPTS is, and the digital tools that it chose.

Written from the rules; shares no code with the services.
"""

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from deploy.local.demo.oracle_people import is_backwards

LEGAL_FORMS = {"loi_1901", "droit_local"}
# Where the local law of associations still holds: Moselle, Bas-Rhin, Haut-Rhin.
LOCAL_LAW = {"57", "67", "68"}
TOOLS = {
    *("shared_agenda", "professional_network", "secure_messaging", "coordination"),
    *("teleconsultation", "other"),
}
SIREN_DIGITS = 9
Body = dict[str, Any]


@dataclass
class Associations:
    """Associations and tools of a CPTS, by id, as they were last told."""

    told: dict[str, Body] = field(default_factory=dict)
    tools: dict[str, Body] = field(default_factory=dict)

    def tell(self, departement: str, id_: str, body: Body) -> str:
        """The outcome of an order on an association."""
        named = {**body, "siren": body.get("siren") or body.get("siret", "")[:SIREN_DIGITS]}
        if named == self.told.get(id_):
            return "ok"
        siren, siret = named["siren"], body.get("siret", "")
        if body["legal_form"] not in LEGAL_FORMS:
            return "unknown_legal_form"
        if body["legal_form"] == "droit_local" and departement not in LOCAL_LAW:
            return "legal_form_of_another_place"
        if not all(_has_right_digit(number) for number in (siret or siren, siret[:SIREN_DIGITS])):
            return "wrong_check_digit"
        if siret and siret[:SIREN_DIGITS] != siren:
            return "siret_of_another_siren"
        self.told[id_] = named
        return "ok"

    def choose(self, merged_on: date | None, id_: str, body: Body) -> str:
        """The outcome of an order on a tool; none runs on in a CPTS that is a part of another."""
        if body == self.tools.get(id_):
            return "ok"
        last = body.get("to_on", date.max.isoformat())
        if merged_on and not body.get("is_withdrawn") and last >= merged_on.isoformat():
            return "cpts_ended"
        if body["kind"] not in TOOLS:
            return "unknown_kind"
        if is_backwards(body):
            return "period_ends_before_it_starts"
        self.tools[id_] = body
        return "ok"


def _has_right_digit(number: str) -> bool:
    """Luhn over all digits, as SIREN and SIRET have it; of no number there is nothing to say."""
    digits = [int(digit) for digit in reversed(number)]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]
    return (sum(digits[0::2]) + sum(doubled)) % 10 == 0
