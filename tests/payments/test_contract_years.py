"""The list of contract years: what each is worth, and what keeps it from being settled."""

from datetime import date
from typing import Any

from contracts.events.membership import AciSigned, ContractYear, CptsRegistered, TailleDetermined
from contracts.topics import MEMBERSHIP
from tests.payments.served import DEMANDS, LINEAR, NOW, Payments, told

OVER = ContractYear(starts_on=date(2025, 3, 1), ends_on=date(2026, 2, 28))
RUNNING = ContractYear(starts_on=date(2026, 3, 1), ends_on=date(2027, 2, 28))
TODAY = str(NOW.date())


def contract(cpts_id: str) -> list[Any]:
    """A CPTS of taille 3 with a year that is over and one that runs."""
    events = [
        CptsRegistered(cpts_id=cpts_id, cpts_name="CPTS", seat_commune="95018"),
        AciSigned(
            cpts_id=cpts_id,
            aci_id="a",
            signed_on=date(2025, 2, 1),
            contract_years=(OVER, RUNNING),
        ),
        *(
            TailleDetermined(
                cpts_id=cpts_id, contract_year_starts_on=year.starts_on, taille=3, population=1
            )
            for year in (OVER, RUNNING)
        ),
    ]
    return [told(event, cpts_id, place) for place, event in enumerate(events, start=1)]


async def listed(payments: Payments, asked: str = "") -> list[tuple[str, str, str | None]]:
    """CPTS, first day and obstacle of each year of one page."""
    page = await payments.get(f"/contract-years?{asked}")
    return [
        (one["cpts_id"], one["starts_on"], (one["obstacle"] or {}).get("reason"))
        for one in page["items"]
    ]


async def test_each_year_says_what_keeps_it_from_being_settled(payments: Payments) -> None:
    await payments.hear(MEMBERSHIP, contract("c1"))
    path = f"/cpts/c1/contract-years/{OVER.starts_on}"
    over, running = ("c1", "2025-03-01"), ("c1", "2026-03-01", "year_not_over")
    assert await listed(payments) == [(*over, "dialogue_not_open"), running]
    assert (await payments.put(f"{path}/lines/{DEMANDS}", LINEAR)).is_success
    assert (await payments.post(f"{path}/dialogue", {"opened_on": TODAY})).is_success
    assert await listed(payments) == [(*over, "values_missing"), running]
    validated = {"validated_value": 30, "caisse_stance": "agrees"}
    assert (await payments.put(f"{path}/dialogue/lines/{DEMANDS}", validated)).is_success
    (year,) = (await payments.get("/contract-years?year=2025"))["items"]
    assert year == {
        "cpts_id": "c1",
        "starts_on": "2025-03-01",
        "ends_on": "2026-02-28",
        "opened_on": TODAY,
        "settled_on": None,
        "variable_cents": 3_000_00,
        "obstacle": None,
    }
    agreed = {"variable_cents": year["variable_cents"]}
    assert (await payments.post(f"{path}/settlement", agreed)).is_success
    (settled,) = (await payments.get("/contract-years?is_settled=true"))["items"]
    assert settled == year | {
        "settled_on": TODAY,
        "obstacle": {
            "reason": "already_settled",
            "detail": "Cette année est déjà arrêtée : une correction passe par ses valeurs.",
        },
    }
    assert await listed(payments, "is_settled=false") == [running]


async def test_the_years_come_page_by_page_each_once(payments: Payments) -> None:
    names = ["c1", "c1-bis", "c10", "c2"]
    await payments.hear(MEMBERSHIP, [one for name in names for one in contract(name)])
    found, after = [], ""
    while after is not None:
        page = await payments.get(f"/contract-years?limit=3&after={after}")
        found += [(one["cpts_id"], one["starts_on"]) for one in page["items"]]
        after = page["next"]
    assert len(found) == len(set(found)) == 2 * len(names)
    assert {cpts_id for cpts_id, _ in found} == set(names)
    assert await listed(payments, "cpts_id=c10&year=2026") == [
        ("c10", "2026-03-01", "year_not_over")
    ]
