"""The explanation of an account: each amount down to its facts, read at one moment."""

from typing import Any

import msgspec
import pytest

from contracts.events.indicators import FactChange
from contracts.topics import INDICATORS, MEMBERSHIP
from services.payments.store import inputs
from tests.payments.served import (
    DEMANDS,
    DOCTORS,
    LINEAR,
    YEAR,
    Payments,
    contract,
    figure,
    line_path,
)
from tests.scraped import scraped


async def test_a_figure_becomes_an_estimate_a_posting_and_an_explanation(
    payments: Payments,
) -> None:
    await payments.hear(MEMBERSHIP, contract("c1"))
    assert (await payments.put(line_path("c1"), LINEAR)).status_code == 200
    await payments.hear(INDICATORS, [figure("c1", 1, 1), figure("c1", 2, 2)])
    assert await payments.variable_cents("c1") == 200_00
    items = (await payments.get(f"/cpts/c1/contract-years/{YEAR.starts_on}/estimates"))["items"]
    # heard in one batch or in two, each figure has its estimate
    assert [
        (one["figure_revision"], one["previous_cents"], one["variable_cents"])
        for one in items
        if one["reason"] == "figure"
    ] == [(1, 0, 100_00), (2, 100_00, 200_00)]
    explanation = await payments.get(f"/cpts/c1/contract-years/{YEAR.starts_on}/explanation")
    assert explanation["taille"] == 3
    assert explanation["missions"][0]["envelope_cents"] == 35_000_00
    assert explanation["missions"][0]["rate"]["is_verified"] is False
    (line,) = explanation["lines"]
    assert (line["rate_is_verified"], explanation["missions"][0]["unknown"]) == (False, None)
    assert line["figure"]["counting_rule"]
    assert line["facts"] == {"items": ["referral:1", "referral:2"], "next": None}
    balances = await payments.get("/ledger/balances")
    assert balances["sum_cents"] == 0
    assert {one["account"]: one["balance_cents"] for one in balances["items"]} == {
        "expense:aci:variable": 200_00,
        "expense:aci:fonctionnement": 75_000_00,
        f"held:c1:{YEAR.starts_on}": -75_000_00,
        f"payable:c1:{YEAR.starts_on}": -200_00,
    }


async def test_the_explanation_says_what_is_unknown_and_pages_the_facts_of_one_line(
    payments: Payments,
) -> None:
    await payments.hear(MEMBERSHIP, contract("c1")[:1])
    await payments.put(line_path("c1"), LINEAR)
    path = f"/cpts/c1/contract-years/{YEAR.starts_on}/explanation"
    (mission,) = (await payments.get(path))["missions"]
    assert (mission["rate_is_verified"], mission["amount_cents"]) == (False, 0)
    for known, unknown in (([], "contract_year"), (contract("c1")[1:2], "taille")):
        await payments.hear(MEMBERSHIP, known)
        (mission,) = (await payments.get(path))["missions"]
        assert mission["unknown"] == unknown
        (year,) = (await payments.get("/cpts/c1/funding"))["contract_years"]
        assert (year["variable_cents"], year["missions"][0]["unknown"]) == (0, unknown)
    await payments.hear(MEMBERSHIP, contract("c1")[2:])
    await payments.run.pool.execute("delete from rate where mission = 'prevention'")
    await payments.put(line_path("c1", DOCTORS), LINEAR | {"mission": "prevention"})
    missions = (await payments.get(path))["missions"]
    assert {one["mission"]: one["unknown"] for one in missions} == {
        "acces_aux_soins": None,
        "prevention": "rate",
    }
    await payments.hear(INDICATORS, [figure("c1", 1, 1), figure("c1", 2, 2), figure("c1", 3, 3)])
    assert (await payments.client.get(f"{path}?after=x")).status_code == 400
    seen: list[str] = []
    after: str | None = ""
    while after is not None:
        page = await payments.get(f"{path}?indicator={DEMANDS}&limit=2&after={after}")
        facts = page["lines"][0]["facts"]
        seen += facts["items"]
        after = facts["next"]
    assert seen == ["referral:1", "referral:2", "referral:3"]


async def test_all_of_an_explanation_is_read_at_one_moment(
    payments: Payments, monkeypatch: pytest.MonkeyPatch
) -> None:
    await payments.hear(MEMBERSHIP, contract("c1"))
    await payments.put(line_path("c1"), LINEAR)
    await payments.hear(INDICATORS, [figure("c1", 1, 1)])
    load = inputs.load_accounts

    async def load_then_hear(*arguments: Any) -> Any:
        accounts = await load(*arguments)
        monkeypatch.setattr(inputs, "load_accounts", load)
        await payments.hear(INDICATORS, [figure("c1", 2, 2)])
        return accounts

    monkeypatch.setattr(inputs, "load_accounts", load_then_hear)
    path = f"/cpts/c1/contract-years/{YEAR.starts_on}/explanation"
    for value in (1, 2):
        explanation = await payments.get(path)
        (line,) = explanation["lines"]
        assert explanation["variable_cents"] == line["amount_cents"] == value * 100_00
        assert line["figure"]["value"] == len(line["facts"]["items"]) == value


async def test_metrics_tell_how_long_an_accepted_demand_took_to_be_funded(
    payments: Payments,
) -> None:
    """Once, with its trace; neither a figure that was known nor a count of doctors."""
    payments.run.desk.meters.is_live = True
    traced = f"00-{'a' * 32}-{'b' * 16}-01"
    accepted = msgspec.structs.replace(figure("c1", 1, 1), traceparent=traced)
    counted = figure("c1", 1, 1, DOCTORS)
    doctor = FactChange(fact_id="rpps:810002345675", is_counted=True)
    doctors = msgspec.structs.replace(
        counted, event=msgspec.structs.replace(counted.event, facts=(doctor,))
    )
    await payments.hear(MEMBERSHIP, contract("c1"))
    for heard in (accepted, doctors, accepted):
        await payments.hear(INDICATORS, [heard])
    found = await scraped(payments.run)
    took = {one: n for one, n in found.items() if one.startswith("cpts_acceptance_to_funding")}
    assert took["cpts_acceptance_to_funding_seconds_count"] == {("95",): 1}
    told = found["cpts_events_in_total"]
    changed = "indicators.FigureChanged.v1"
    assert (told["95", "done", changed], told["95", "known", changed]) == (2, 1)
    held = {name for (name,), holds in found["cpts_invariant"].items() if holds}
    assert held >= {"ledger_sums_to_zero", "figures_equal_facts", "journals_sum_to_zero_per_cpts"}
    asked = {"accept": "application/openmetrics-text; version=1.0.0"}
    text = (await payments.client.get("/metrics", headers=asked)).text
    assert f'# {{trace_id="{"a" * 32}"}}' in text
