"""The oracle's half about contract lines: which orders are refused, and what lines bring.

Written from the rules; shares no code with the services.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from itertools import pairwise
from typing import Any

from deploy.local.demo.oracle_aci import MISSIONS

# The indicators of the season, and whether a lower value is better.
INDICATORS = {
    "sas_medecins_participants": False,
    "sas_demandes_avec_rdv": False,
    "depistage_sein": False,
    "prevention_participants": False,
    "qualite_reunions": False,
    "qualite_participants": False,
    "parcours_satisfaction": False,
    "medecin_traitant_ald_sans": True,
}
Line = dict[str, Any]
Lines = dict[tuple[str, date], dict[str, Line]]
"""The lines of each CPTS and contract year, by id, each with its `indicator`."""


def line_refusal(body: Line, indicator: str) -> str | None:
    """Why a line is refused, None when it is sound."""
    if indicator not in INDICATORS:
        return "unknown_indicator"
    if body["mission"] not in MISSIONS:
        return "unknown_mission"
    if body["mode"] != "steps":
        return None if body.get("target") else "target_needed"
    steps = [(one["threshold"], one["amount_cents"]) for one in body.get("steps", [])]
    if not steps:
        return "steps_needed"
    way = -1 if INDICATORS[indicator] else 1
    if any(way * a[0] >= way * b[0] or a[1] >= b[1] for a, b in pairwise(steps)):
        return "steps_not_increasing"
    return "amount_above_maximum" if steps[-1][1] > body["max_cents"] else None


def worth(
    lines: Iterable[Line], values: Mapping[str, int | None], envelopes: Mapping[str, int]
) -> int:
    """What lines bring by the values of their indicators, mission by mission, each mission capped
    at its envelope; a mission without one brings nothing.
    """
    totals: defaultdict[str, int] = defaultdict(int)
    for line in lines:
        value = values.get(line["indicator"])
        totals[line["mission"]] += 0 if value is None else _line_cents(line, value)
    return sum(min(total, envelopes.get(mission, 0)) for mission, total in totals.items())


def with_way(line: Line) -> Line:
    """A line that says which way is better: what it does not say is its indicator's."""
    said = line.get("is_lower_better")
    of_indicator = INDICATORS.get(line["indicator"], False)
    return line | {"is_lower_better": of_indicator if said is None else said}


def _line_cents(line: Line, value: int) -> int:
    """What a line brings, never above its maximum; a share is rounded down to the cent."""
    most: int = line["max_cents"]
    way = -1 if with_way(line)["is_lower_better"] else 1
    if line["mode"] == "all_or_nothing":
        return most if way * value >= way * line["target"] else 0
    if line["mode"] == "steps":
        return max(
            (one["amount_cents"] for one in line["steps"] if way * value >= way * one["threshold"]),
            default=0,
        )
    baseline: int = line.get("baseline") or 0
    target: int = line["target"]
    whole = way * (target - baseline)
    return most * min(max(way * (value - baseline), 0), whole) // whole
