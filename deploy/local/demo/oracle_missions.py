"""The oracle's part about activities and files of the caisse: every value that must come of them.

Written from the rules; shares no code with the services.
"""

from collections import defaultdict
from datetime import date
from typing import Any

from deploy.local.demo.oracle_contracts import Contracts, paris_day
from deploy.local.demo.orders import Order

KINDS = {"groupe_qualite", "soiree_thematique", "journee_prevention"}
OF_THE_CAISSE = {"depistage_sein", "medecin_traitant_ald_sans"}
GROUPS, PRESENT, PARTICIPANTS = (
    "qualite_reunions",
    "qualite_participants",
    "prevention_participants",
)
Value = tuple[str, str, date]


class Missions:
    """What CPTS and caisse told, the last of each."""

    def __init__(self) -> None:
        self._activities: dict[tuple[str, str], dict[str, Any]] = {}
        self._values: dict[Value, int] = {}

    def order(self, order: Order) -> str:
        """The outcome of an order to indicators."""
        if order.path == "/caisse-files":
            return self._file(order.body["rows"])
        _, _, cpts_id, _, activity_id = order.path.split("/")
        if order.body["kind"] not in KINDS:
            return "unknown_kind"
        if date.fromisoformat(order.body["held_on"]) > paris_day(order.at):
            return "not_yet_held"
        self._activities[cpts_id, activity_id] = order.body
        return "ok"

    def _file(self, rows: list[dict[str, Any]]) -> str:
        if any(row["indicator"] not in OF_THE_CAISSE for row in rows):
            return "rows_refused"
        for row in rows:
            year = date.fromisoformat(row["contract_year_starts_on"])
            self._values[row["cpts_id"], row["indicator"], year] = row["value"]
        return "ok"

    def values(self, contracts: Contracts) -> dict[Value, int]:
        """Every value, by CPTS, indicator and first day of the contract year."""
        sessions: defaultdict[Value, int] = defaultdict(int)
        present: defaultdict[Value, set[str]] = defaultdict(set)
        for (cpts_id, _), told in self._activities.items():
            held_on = date.fromisoformat(told["held_on"])
            for start, end in contracts.cpts[cpts_id].years:
                if told.get("is_withdrawn") or not start <= held_on <= end:
                    continue
                if told["kind"] == "groupe_qualite":
                    sessions[cpts_id, GROUPS, start] += 1
                if told["kind"] == "journee_prevention":
                    people = told["quantities"]["participants"]
                    sessions[cpts_id, PARTICIPANTS, start] += people
                else:
                    present[cpts_id, PRESENT, start] |= set(told.get("participants", ()))
        counted = {key: len(people) for key, people in present.items() if people}
        return {**sessions, **counted, **self._values}
