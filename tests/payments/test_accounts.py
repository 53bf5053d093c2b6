"""The payments service on a real Kafka and PostgreSQL: inputs in any order, one result."""

import random
import time
from datetime import date
from typing import Any

import msgspec
import pytest

from contracts.events.membership import AciSigned, ContractYear, CptsRegistered
from contracts.recorded import Recorded
from contracts.topics import INDICATORS, MEMBERSHIP
from services.messaging.replaying import rebuild
from services.payments.app import RATES, SERVICE
from services.payments.store import inputs
from tests.payments.served import (
    DOCTORS,
    LINEAR,
    YEAR,
    Payments,
    contract,
    corrections,
    figure,
    line_path,
    told,
)


async def test_a_new_figure_writes_an_estimate_even_when_the_cents_do_not_change(
    payments: Payments,
) -> None:
    await payments.hear(MEMBERSHIP, contract("c1"))
    await payments.hear(INDICATORS, [figure("c1", 1, 1)])
    estimates = (await payments.get(f"/cpts/c1/contract-years/{YEAR.starts_on}/estimates"))["items"]
    assert [one["reason"] for one in estimates][-1] == "figure"
    assert {one["variable_cents"] for one in estimates} == {0}
    entries = (await payments.get("/ledger/entries?cpts_id=c1"))["items"]
    assert [one for one in entries if one["journal"] == "estimates"] == []


async def test_inputs_in_any_order_give_the_same_cents(payments: Payments) -> None:
    orders = [figure("x", 7, 1), figure("x", 9, 2), figure("x", 3, 1, DOCTORS)]
    shuffler = random.Random(20260504)
    for number in range(6):
        cpts_id = f"c{number}"
        steps: list[Any] = [
            *[
                figure(cpts_id, one.event.value, one.event.revision, one.event.indicator)
                for one in orders
            ],
            "contract",
            *corrections(cpts_id),
            "demands line",
            "doctors line",
            figure(cpts_id, 7, 1),
        ]
        shuffler.shuffle(steps)
        registered = told(
            CptsRegistered(cpts_id=cpts_id, cpts_name="CPTS", seat_commune="95018"), cpts_id, 1
        )
        await payments.hear(MEMBERSHIP, [registered])
        for step in steps:
            if step == "contract":
                await payments.hear(MEMBERSHIP, contract(cpts_id, taille=1)[1:])
            elif step == "demands line":
                assert (await payments.put(line_path(cpts_id), LINEAR)).is_success
            elif step == "doctors line":
                body = LINEAR | {"mode": "all_or_nothing", "target": 3, "max_cents": 30_000_00}
                assert (await payments.put(line_path(cpts_id, DOCTORS), body)).is_success
            elif isinstance(step.event, AciSigned):
                await payments.hear(MEMBERSHIP, [step])
            else:
                await payments.hear(INDICATORS, [step])
        # 9 demands bring 900 €, the doctors 30 000 €: above the envelope of taille 1, 25 000 €
        assert await payments.variable_cents(cpts_id) == 25_000_00, steps
        funding = await payments.get(f"/cpts/{cpts_id}/funding")
        assert [one["ends_on"] for one in funding["contract_years"] if one["ends_on"]] == [
            "2027-04-10"
        ]
    invariants = await payments.get("/invariants")
    assert invariants["ledger_sums_to_zero"]
    assert invariants["accounts_equal_postings"]


async def test_a_corrected_aci_takes_its_vanished_year_away_and_gives_it_back(
    payments: Payments,
) -> None:
    await payments.hear(MEMBERSHIP, contract("c1"))
    await payments.put(line_path("c1"), LINEAR)
    await payments.hear(INDICATORS, [figure("c1", 2, 2)])
    assert await payments.variable_cents("c1") == 200_00

    def signed(sequence: int, *years: ContractYear, is_withdrawn: bool = False) -> Recorded[Any]:
        event = AciSigned(
            cpts_id="c1",
            aci_id="a",
            signed_on=date(2026, 4, 1),
            contract_years=years,
            is_withdrawn=is_withdrawn,
        )
        return told(event, "c1", sequence)

    await payments.hear(MEMBERSHIP, [signed(4, is_withdrawn=True)])
    assert await payments.variable_cents("c1") == 0
    estimates = await payments.get(f"/cpts/c1/contract-years/{YEAR.starts_on}/estimates")
    assert estimates["items"][-1]["reason"] == "contract"
    await payments.hear(MEMBERSHIP, [signed(6, YEAR)])
    assert await payments.variable_cents("c1") == 200_00
    # a correction that comes late, after the one that replaced it, changes nothing
    await payments.hear(MEMBERSHIP, [signed(5, is_withdrawn=True)])
    assert await payments.variable_cents("c1") == 200_00
    assert (await payments.get("/invariants"))["accounts_equal_postings"]


async def test_a_published_rate_prices_the_accounts_of_its_taille_again(
    payments: Payments,
) -> None:
    await payments.hear(MEMBERSHIP, contract("c1", taille=1))
    body = LINEAR | {"mode": "all_or_nothing", "target": 1, "max_cents": 40_000_00}
    await payments.put(line_path("c1"), body)
    await payments.hear(INDICATORS, [figure("c1", 1, 1)])
    assert await payments.variable_cents("c1") == 25_000_00
    rate = {
        "rate_id": "correction-1",
        "from_on": "2026-01-01",
        "taille": 1,
        "amount_cents": 28_000_00,
        "mission": "acces_aux_soins",
        "part": "variable",
        "text": "JO lu",
        "is_verified": True,
    }
    assert (await payments.post("/rates", rate)).status_code == 201
    assert await payments.variable_cents("c1") == 28_000_00
    assert (await payments.post("/rates", rate)).status_code == 200
    other = await payments.post("/rates", rate | {"amount_cents": 1})
    assert (other.status_code, other.json()["reason"]) == (409, "already_exists")


async def test_an_amount_edited_in_its_file_stops_the_publishing(
    payments: Payments, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = next(iter(RATES.values()))
    edited = msgspec.structs.replace(first, amount_cents=first.amount_cents + 1)
    new = msgspec.structs.replace(first, rate_id="new")
    monkeypatch.setitem(RATES, first.rate_id, edited)
    monkeypatch.setitem(RATES, "new", new)
    until = time.monotonic() + 20
    while "EditedRate" not in (answer := await payments.client.get("/health/ready")).text:
        assert time.monotonic() < until, "the service went on as if nothing were"
    assert not answer.is_success
    async with payments.run.pool.acquire() as connection:
        assert await inputs.find_rate(connection, "new") is None
        kept = await inputs.find_rate(connection, first.rate_id)
    assert kept is not None
    assert kept.amount_cents == first.amount_cents
    monkeypatch.setitem(RATES, first.rate_id, first)
    while await payments.run.pool.fetchval("select count(*) from rate") < len(RATES):
        assert time.monotonic() < until + 20, "put right, it publishes again"


async def test_amounts_that_no_sum_could_hold_are_refused_at_the_door(payments: Payments) -> None:
    await payments.hear(MEMBERSHIP, contract("c1"))
    huge = await payments.put(line_path("c1"), LINEAR | {"max_cents": 9 * 10**18})
    assert huge.status_code == 400
    odd = {
        "rate_id": "x1\n",
        "from_on": "2026-01-01",
        "taille": 1,
        "amount_cents": 1,
        "mission": "prevention",
        "part": "fixe",
        "text": "JO lu",
        "is_verified": True,
    }
    assert (await payments.post("/rates", odd)).status_code == 400


async def test_orders_are_refused_with_their_reason(payments: Payments) -> None:
    unknown = await payments.put(line_path("c1"), LINEAR)
    assert (unknown.status_code, unknown.json()["reason"]) == (404, "unknown_cpts")
    await payments.hear(MEMBERSHIP, contract("c1"))
    bad = await payments.put(line_path("c1"), LINEAR | {"target": None})
    assert (bad.status_code, bad.json()["reason"]) == (409, "target_needed")
    assert bad.headers["content-type"].startswith("application/problem+json")
    assert (await payments.put(line_path("c1"), LINEAR | {"surplus": 1})).status_code == 400
    wrong_role = await payments.put(line_path("c1"), LINEAR, **{"Acting-Role": "cpts"})
    assert wrong_role.status_code == 403
    assert (await payments.client.get("/cpts/nobody/funding")).status_code == 404


async def test_the_same_order_again_gives_the_first_answer_and_changes_nothing(
    payments: Payments,
) -> None:
    await payments.hear(MEMBERSHIP, contract("c1"))
    key = {"Idempotency-Key": "k1"}
    first = await payments.put(line_path("c1"), LINEAR, **key)
    again = await payments.put(line_path("c1"), LINEAR, **key)
    assert (again.status_code, again.json()) == (first.status_code, first.json())
    other = await payments.put(line_path("c1"), LINEAR | {"target": 5}, **key)
    assert other.status_code == 422
    unkeyed = await payments.put(line_path("c1"), LINEAR)
    assert unkeyed.status_code == first.status_code, "the line is so already"
    count = await payments.run.pool.fetchval(
        "select count(*) from history where type = 'payments.ContractLineSet.v1'"
    )
    assert count == 1


async def test_rebuilt_from_the_log_the_accounts_are_worth_the_same(payments: Payments) -> None:
    for cpts_id, taille in (("c1", 1), ("c2", 4)):
        await payments.hear(MEMBERSHIP, contract(cpts_id, taille))
        await payments.put(line_path(cpts_id), LINEAR)
        await payments.hear(INDICATORS, [figure(cpts_id, 3, 3), figure(cpts_id, 2, 4)])
    await payments.run.relayed()
    await rebuild(SERVICE, payments.run.settings, "shadow")
    for question in (
        "select cpts_id, starts_on, variable_cents from {}.account order by 1, 2",
        "select account, sum(amount_cents) from {}.ledger_entry group by 1 order by 1",
        "select cpts_id, indicator, starts_on, value from {}.figure order by 1, 2, 3",
        "select * from {}.contract_line order by 1, 2, 3",
        "select * from {}.rate order by rate_id",
    ):
        live = await payments.run.pool.fetch(question.format("public"))
        assert live
        assert await payments.run.pool.fetch(question.format("shadow")) == live
