"""What the other missions bring: activities of the CPTS, files of the caisse, and their lines.

Told late in the season, when every ACI is signed and both services know it.
"""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from contracts.indicators import indicators
from deploy.local.demo.cast import Cpts
from deploy.local.demo.hub import PARIS
from deploy.local.demo.opening import Desk
from deploy.local.demo.orders import Draft

TOLD_AT = datetime(2025, 11, 20, 9, 0, tzinfo=PARIS)


def missions(cast: Sequence[Cpts]) -> Iterator[Draft]:
    """The orders about activities, files and lines, some of which must be refused."""
    desk = Desk(TOLD_AT, "missions")
    years = {cpts.cpts_id: _year(cpts) for cpts in cast}
    for n, cpts in enumerate(cast, start=1):
        yield from _activities(desk, cpts, n, years[cpts.cpts_id], is_first=n == 1)
    yield from _files(desk, cast, years)
    for n, cpts in enumerate(cast, start=1):
        yield from _lines(desk, cpts, n, years[cpts.cpts_id])


def _year(cpts: Cpts) -> date:
    """The first day of the contract year in which the chapter is told."""
    return max(year for year in cpts.aci_years_of_season if year <= TOLD_AT.date())


def _activities(desk: Desk, cpts: Cpts, n: int, year: date, *, is_first: bool) -> Iterator[Draft]:
    """Groups, an evening and a day of prevention; one corrected, one withdrawn, two refused."""
    people = [member.rpps for member in cpts.members]
    day = TOLD_AT.date() - timedelta(days=20)

    def declare(name: str, kind: str, **fields: Any) -> Draft:
        body = {"kind": kind, "held_on": day.isoformat(), "evidence_ids": evidence_of(name)}
        body |= fields
        path = f"/cpts/{cpts.cpts_id}/activities/{name}"
        return desk.order(
            "indicators",
            "PUT",
            path,
            body,
            role="cpts",
            lane=path,
            barrier=is_first and name == "g0",
        )

    yield declare("g0", "groupe_qualite", participants=people[:3])
    for i in range(n % 3):
        yield declare(f"g{i + 1}", "groupe_qualite", participants=people[i : i + 3])
    yield declare("g0", "groupe_qualite", participants=people[: 3 + n % 2])
    yield declare("avant", "groupe_qualite", held_on=(year - timedelta(days=1)).isoformat())
    yield declare("erreur", "groupe_qualite", participants=people[-2:])
    yield declare("erreur", "groupe_qualite", participants=people[-2:], is_withdrawn=True)
    yield declare("soiree", "soiree_thematique", participants=people[2:6])
    yield declare("journee", "journee_prevention", quantities={"participants": 90 * n})
    yield declare("inconnue", "tombola")
    tomorrow = (TOLD_AT + timedelta(days=1)).date().isoformat()
    yield declare("demain", "groupe_qualite", held_on=tomorrow)


def evidence_of(activity_id: str) -> list[str]:
    """The pieces of evidence that an activity of the season names."""
    return [f"{activity_id}-compte-rendu", f"{activity_id}-emargement"]


def _files(desk: Desk, cast: Sequence[Cpts], years: dict[str, date]) -> Iterator[Draft]:
    """A file of the caisse, sent twice; one with a wrong row; one that corrects the first."""

    def row(cpts: Cpts, indicator: str, value: int) -> dict[str, Any]:
        year = years[cpts.cpts_id].isoformat()
        named = {"cpts_id": cpts.cpts_id, "contract_year_starts_on": year}
        return named | {"indicator": indicator, "value": value}

    def send(rows: list[dict[str, Any]]) -> Draft:
        return desk.order(
            "indicators",
            "POST",
            "/caisse-files",
            {"rows": rows},
            role="caisse",
            lane="caisse-files",
        )

    first = [
        row(cpts, indicator, value)
        for n, cpts in enumerate(cast, start=1)
        for indicator, value in (
            ("depistage_sein", 6800 + 100 * n),
            ("medecin_traitant_ald_sans", 40 + 30 * n),
        )
    ]
    wrong = [row(cast[0], "depistage_sein", 7600), row(cast[0], "qualite_reunions", 9)]
    yield send(first)
    yield send(first)
    yield send(wrong)
    yield send([row(cast[0], "depistage_sein", 7600)])


def _lines(desk: Desk, cpts: Cpts, n: int, year: date) -> Iterator[Draft]:
    """Lines both ways, two on one indicator; at some CPTS they exceed the envelope."""
    steps = [(6970, 1_000_00), (7240, 2_500_00), (7500, 3_500_00)]
    down = [(219, 300_00), (100, 600_00), (50, 900_00)]
    lines: dict[str, tuple[str, dict[str, Any]]] = {
        "sein": ("depistage_sein", _steps(steps)),
        "ald": ("medecin_traitant_ald_sans", _steps(down)),
        "journees": ("prevention_participants", _linear(12_000_00, 800)),
        "reunions": ("qualite_reunions", _all_or_nothing(4_000_00, 2)),
        "presents": ("qualite_participants", _linear(3_000_00, 7)),
        "presents-dix": ("qualite_participants", _all_or_nothing(4_000_00, 5 + n % 3)),
    }
    for line_id, (indicator, body) in lines.items():
        path = f"/cpts/{cpts.cpts_id}/contract-years/{year.isoformat()}/lines/{line_id}"
        named = {"indicator": indicator, "mission": indicators()[indicator].mission}
        yield desk.payments("PUT", path, named | body)


def _steps(steps: list[tuple[int, int]]) -> dict[str, Any]:
    told = [{"threshold": threshold, "amount_cents": cents} for threshold, cents in steps]
    return {"mode": "steps", "max_cents": steps[-1][1], "steps": told}


def _linear(max_cents: int, target: int) -> dict[str, Any]:
    return {"mode": "linear", "max_cents": max_cents, "target": target}


def _all_or_nothing(max_cents: int, target: int) -> dict[str, Any]:
    return {"mode": "all_or_nothing", "max_cents": max_cents, "target": target}
