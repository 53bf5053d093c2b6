"""The oracle's half about the national counts: CPTS by stage, and what they cover of a département.

Written from the rules; shares no code with the services.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import date

from deploy.local.demo.oracle_contracts import Contracts
from deploy.local.demo.oracle_people import is_on


@dataclass
class Count:
    """Of a département: CPTS by stage, by their seat; communes that any CPTS holds, with the people
    there, also those under contract.
    """

    stages: Counter[str] = field(default_factory=Counter)
    communes: set[str] = field(default_factory=set)
    inhabitants: int = 0
    inhabitants_under_contract: int = 0


def counts_on(contracts: Contracts, day: date) -> dict[str, Count]:
    """The count of each département in which something is; all CPTS have emerged by that day."""
    found: dict[str, Count] = {}
    for cpts in contracts.cpts.values():
        stage = cpts.founding.stage_on(day, cpts.acis.values(), cpts.merged_on)
        found.setdefault(cpts.departement, Count()).stages[stage] += 1
        if stage == "merged":
            continue
        for place in cpts.places.values():
            if is_on(day, place.from_on, place.to_on):
                count = found.setdefault(place.commune.departement, Count())
                count.communes.add(place.commune.code)
                count.inhabitants += place.population
                count.inhabitants_under_contract += place.population if stage == "aci" else 0
    return found
