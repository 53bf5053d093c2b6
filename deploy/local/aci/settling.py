"""Contract years whose dialogue is complete, settled one after the other in one run."""

import sys
from argparse import Namespace
from collections.abc import Sequence
from typing import Any

from deploy.local.aci.asking import Services
from deploy.local.aci.progress import for_each
from deploy.local.amounts import euros

Year = dict[str, Any]
YEAR_NOT_OVER = "year_not_over"
YEARS_OF_ORDER = 50
AGREED = ("cpts_id", "starts_on", "variable_cents")


def settle(services: Services, options: Namespace) -> int:
    """Settle what can be settled, once a person has seen the total; 0 only if no year is left."""
    over = [
        year
        for year in services.items(
            "payments",
            "/contract-years",
            cpts_id=options.cpts,
            year=options.year,
            is_settled=False,
        )
        if (year["obstacle"] or {}).get("reason") != YEAR_NOT_OVER
    ]
    ready = [year for year in over if year["obstacle"] is None]
    total = sum(year["variable_cents"] for year in ready)
    print(f"{len(ready)} année(s) de contrat à arrêter, {euros(total)}")
    refused: Sequence[tuple[Year, str]] = ()
    if ready:
        if not (options.yes or _is_agreed()):
            print("rien n'a changé")
            return 1
        refused = settle_all(services, ready)
        print(f"{len(ready) - len(refused)} arrêtée(s)")
    waiting = [(year, year["obstacle"]["detail"]) for year in over if year["obstacle"]]
    for year, why in [*refused, *waiting]:
        print(f"  {year['cpts_id']}, année du {year['starts_on']} : {why}", file=sys.stderr)
    return 1 if refused or waiting else 0


def settle_all(services: Services, years: Sequence[Year]) -> list[tuple[Year, str]]:
    """Settle each year at the sum that was shown of it; answers those that were not, and why.

    Years of one CPTS wait for each other in the service: they go in one order where they can.
    """
    by_cpts = sorted(years, key=lambda year: (year["cpts_id"], year["starts_on"]))
    orders = [
        by_cpts[first : first + YEARS_OF_ORDER] for first in range(0, len(by_cpts), YEARS_OF_ORDER)
    ]
    left: list[tuple[Year, str]] = []

    def settle_some(some: Sequence[Year]) -> None:
        agreed = [{name: year[name] for name in AGREED} for year in some]
        answer = services.ask("payments", "POST", "/settlements", json={"years": agreed}).json()
        left.extend(
            (year, outcome["obstacle"]["detail"])
            for year, outcome in zip(some, answer["years"], strict=True)
            if outcome["obstacle"]
        )

    for some, why in for_each(orders, settle_some, "arrêt des années", size=len):
        left.extend((year, str(why)) for year in some)
    return sorted(left, key=lambda one: (one[0]["cpts_id"], one[0]["starts_on"]))


def _is_agreed() -> bool:
    """Whether a person says yes; nobody is there to say it without an input."""
    try:
        return input("tapez oui pour les arrêter : ").strip() == "oui"
    except EOFError:
        print()
        return False
