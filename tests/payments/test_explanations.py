"""The explanation of an account: each amount down to its facts, read at one moment."""

from typing import Any

import pytest

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
