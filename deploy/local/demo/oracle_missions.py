"""The oracle's part about activities, files of the caisse and crises: every value that must come
of them.

Written from the rules; shares no code with the services.
"""

from collections import defaultdict
from datetime import date
from typing import Any

from deploy.local.demo.oracle_contracts import Contracts, paris_day
from deploy.local.demo.oracle_registers import departements
from deploy.local.demo.orders import Order

OF_THE_CAISSE = {"depistage_sein", "medecin_traitant_ald_sans"}
GROUPS, PRESENT, PARTICIPANTS = (
    "qualite_reunions",
    "qualite_participants",
    "prevention_participants",
)
# What an activity of each kind proves.
PROVEN = {
    "groupe_qualite": {GROUPS, PRESENT},
    "soiree_thematique": {"qualite_soirees", PRESENT},
    "journee_prevention": {"prevention_journees", PARTICIPANTS, "prevention_orientations"},
}
TYPOLOGIES = {"blesses", "malades", "agent_infectieux", "nrc", "offre_de_soins"}
PLAN, UPDATE = "crise_plan", "crise_mise_a_jour"
CRISES_FROM = date(2022, 9, 3)
Value = tuple[str, str, date]


class Missions:
    """What CPTS, caisse and ARS told, the last of each."""

    def __init__(self) -> None:
        self._crises: dict[str, dict[str, Any]] = {}
        self._plans: dict[str, dict[str, Any]] = {}
        self._activities: dict[tuple[str, str], dict[str, Any]] = {}
        self._values: dict[Value, int] = {}

    def order(self, order: Order) -> str:
        """The outcome of an order to indicators."""
        if order.path == "/caisse-files":
            return self._file(order.body["rows"])
        if order.path.startswith("/crises/"):
            return self._crisis(order.path.split("/")[2], order.body)
        if order.path.endswith("/crisis-plan"):
            return self._plan(order.path.split("/")[2], order.body, paris_day(order.at))
        _, _, cpts_id, _, activity_id = order.path.split("/")
        if order.body["kind"] not in PROVEN:
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

    def _crisis(self, crisis_id: str, body: dict[str, Any]) -> str:
        if body["typology"] not in TYPOLOGIES:
            return "unknown_typology"
        if not departements() >= {*body["departements"]}:
            return "unknown_departement"
        if body.get("to_on", body["from_on"]) < body["from_on"]:
            return "days_out_of_order"
        self._crises[crisis_id] = body
        return "ok"

    def crises_in(self, departement: str) -> list[tuple[date, str]]:
        """The crises that the ARS recognised in a département: the day from which, and the id."""
        return [
            (date.fromisoformat(body["from_on"]), crisis_id)
            for crisis_id, body in self._crises.items()
            if departement in body["departements"] and not body.get("is_withdrawn")
        ]

    def _plan(self, cpts_id: str, body: dict[str, Any], today: date) -> str:
        if not {*body["typologies"]} <= TYPOLOGIES:
            return "unknown_typology"
        later = [*body.get("updated_on", ()), body.get("sent_to_ars_on", body["written_on"])]
        if min(later) < body["written_on"]:
            return "days_out_of_order"
        if date.fromisoformat(max(later)) > today:
            return "day_to_come"
        self._plans[cpts_id] = body
        return "ok"

    def _plan_values(self, contracts: Contracts) -> dict[Value, int]:
        """1 where a plan on everything is with the ARS in the year, and where such a plan was
        updated.
        """
        values: dict[Value, int] = {}
        for cpts_id, plan in self._plans.items():
            sent_on = plan.get("sent_to_ars_on", "9999-12-31")
            is_conform = {*plan["typologies"]} == TYPOLOGIES
            for start, end in contracts.cpts[cpts_id].years:
                if is_conform and start >= CRISES_FROM and date.fromisoformat(sent_on) <= end:
                    values[cpts_id, PLAN, start] = 1
                updates = [date.fromisoformat(day) for day in plan.get("updated_on", ())]
                is_updated = any(start <= day <= end for day in updates)
                if is_conform and "sent_to_ars_on" in plan and start >= CRISES_FROM and is_updated:
                    values[cpts_id, UPDATE, start] = 1
        return values

    def evidence(self, cpts_id: str, indicator: str, start: date, end: date) -> set[str]:
        """The evidence behind a figure of a contract year: that of the activities it counts."""
        return {
            piece
            for (whose, _), told in self._activities.items()
            if whose == cpts_id
            and indicator in PROVEN[told["kind"]]
            and not told.get("is_withdrawn")
            and start <= date.fromisoformat(told["held_on"]) <= end
            for piece in told.get("evidence_ids", ())
        }

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
        return {**sessions, **counted, **self._values, **self._plan_values(contracts)}
