"""Orders of payment from a CPTS to its members: what it owes each, once, whatever happens."""

import asyncio
from typing import Any

import pytest

from contracts import topics
from services.messaging.replaying import rebuild
from services.messaging.unit import Unit
from services.payments.app import SERVICE
from tests.payments.paying import (
    COLLEAGUE,
    IBANS,
    RPPS,
    acting,
    amounts,
    balances,
    confirm_account,
    due_set,
    make_batch,
    only_order,
    owe,
    send_answers,
    set_dues,
    without_taille,
)
from tests.payments.served import Payments

DEBT = f"member:c1:{RPPS}"


@pytest.fixture
async def paying(payments: Payments) -> Payments:
    """Two CPTS with confirmed accounts; the first vouches for those of two professionals."""
    await payments.hear(topics.MEMBERSHIP, without_taille("c1") + without_taille("c2"))
    for cpts_id in ("c1", "c2"):
        await confirm_account(payments, cpts_id)
    for rpps in (RPPS, COLLEAGUE):
        await confirm_account(payments, "c1", rpps=rpps)
    return payments


async def still_open(payments: Payments) -> dict[str, int]:
    """What the CPTS owes of each indemnity and has not ordered."""
    found = await payments.get("/cpts/c1/open-indemnities")
    return {
        one["indemnity_id"]: one["amount_cents"] - one["ordered_cents"] for one in found["items"]
    }


async def invariants_hold(payments: Payments) -> bool:
    return all((await payments.get("/invariants")).values())


async def test_what_is_owed_is_ordered_and_what_the_cpts_paid_itself_or_owes_later_is_not(
    paying: Payments,
) -> None:
    await owe(paying, "c1", "a")
    await owe(paying, "c1", "b", amount_cents=20_00)
    await owe(paying, "c1", "c", rpps=COLLEAGUE, amount_cents=7_00)
    await owe(paying, "c1", "itself", is_paid_by_batch=False)
    await owe(paying, "c1", "withdrawn", is_withdrawn=True)
    await owe(paying, "c1", "later", paid_on="2026-05-05")
    batch = await make_batch(paying, "b1", by="c1")
    assert amounts(batch) == {RPPS: 120_00, COLLEAGUE: 7_00}
    assert [one["indemnity_id"] for one in batch["orders"][0]["indemnities"]] == ["a", "b"]
    assert amounts(await make_batch(paying, "b2", by="c1")) == {}
    assert await make_batch(paying, "b1", by="c1") == batch


async def test_a_professional_waits_for_an_account_that_this_cpts_vouched_for(
    paying: Payments,
) -> None:
    await owe(paying, "c2", "a")
    batch = await make_batch(paying, "b1", by="c2")
    assert batch["orders"] == []
    assert batch["waiting"] == [
        {"cpts_id": "c2", "rpps": RPPS, "reason": "no_bank_account", "open_cents": 100_00}
    ]
    await confirm_account(paying, "c2", rpps=RPPS)
    assert amounts(await make_batch(paying, "b1", by="c2")) == {RPPS: 100_00}


async def test_without_an_account_of_the_cpts_nothing_is_ordered(payments: Payments) -> None:
    await payments.hear(topics.MEMBERSHIP, without_taille("c1"))
    await confirm_account(payments, "c1", rpps=RPPS)
    await owe(payments, "c1", "a")
    order = {"batch_id": "b1"}
    answer = await payments.post("/cpts/c1/payment-batches", order, **acting("c1"))
    assert (answer.status_code, answer.json()["reason"]) == (404, "account_missing")


async def test_money_goes_both_ways_under_one_batch_id_and_each_bank_answers_for_its_own(
    paying: Payments,
) -> None:
    await confirm_account(paying, "caisse")
    await set_dues(paying.run.desk, due_set("a", 500_00))
    await owe(paying, "c1", "a")
    received = only_order(await make_batch(paying, "b1"))
    given = only_order(await make_batch(paying, "b1", by="c1"))
    crossed = await send_answers(paying, "b1", (received, "executed", ""), by="c1")
    assert crossed.json()["reason"] == "answers_impossible"
    assert (await send_answers(paying, "b1", (given, "executed", ""))).status_code == 409
    assert (await send_answers(paying, "b1", (given, "executed", ""), by="c2")).status_code == 404
    assert (await send_answers(paying, "b1", (received, "executed", ""))).is_success
    assert (await send_answers(paying, "b1", (given, "executed", ""), by="c1")).is_success
    assert await balances(paying) == {
        "bank:caisse": -500_00,
        "owed:c1:2026-04-15": 500_00,
        "bank:c1": -100_00,
        DEBT: 100_00,
    }
    orders = await paying.get("/cpts/c1/payment-orders")
    assert [one["order"]["order_id"] for one in orders["items"]] == [received]
    orders = await paying.get("/cpts/c1/member-payment-orders")
    assert [one["order"]["order_id"] for one in orders["items"]] == [given]
    assert await invariants_hold(paying)


async def test_of_two_batches_at_once_one_orders_each_sum(paying: Payments) -> None:
    for number in range(4):
        await owe(paying, "c1", f"i{number}", rpps=(RPPS, COLLEAGUE)[number % 2])
    batches = await asyncio.gather(
        *(make_batch(paying, f"b{number}", by="c1") for number in range(4))
    )
    assert sum(batch["amount_cents"] for batch in batches) == 400_00
    assert len([batch for batch in batches if batch["orders"]]) == 1


async def test_without_the_join_rows_the_history_still_stops_the_second_batch(
    paying: Payments, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def no_lock(*_: Any) -> None:
        """Takes nothing."""

    await owe(paying, "c1", "a")
    await owe(paying, "c1", "b", rpps=COLLEAGUE)
    monkeypatch.setattr(Unit, "lock_joins", no_lock)
    batches = await asyncio.gather(
        *(make_batch(paying, f"b{number}", by="c1") for number in range(4))
    )
    assert sum(batch["amount_cents"] for batch in batches) == 200_00


async def test_a_sum_that_changes_after_it_was_ordered_leaves_its_difference(
    paying: Payments,
) -> None:
    await owe(paying, "c1", "a")
    await make_batch(paying, "b1", by="c1")
    await owe(paying, "c1", "a", amount_cents=130_00)
    assert amounts(await make_batch(paying, "b2", by="c1")) == {RPPS: 30_00}


async def test_what_was_withdrawn_after_it_was_paid_is_recovered_from_the_next_sums(
    paying: Payments,
) -> None:
    await owe(paying, "c1", "a")
    first = only_order(await make_batch(paying, "b1", by="c1"))
    await send_answers(paying, "b1", (first, "executed", ""), by="c1")
    await owe(paying, "c1", "a", is_withdrawn=True)
    assert (await balances(paying, "uses"), await balances(paying)) == (
        {},
        {DEBT: 100_00, "bank:c1": -100_00},
    ), "the professional owes what they received"
    batch = await make_batch(paying, "b2", by="c1")
    assert [one["reason"] for one in batch["waiting"]] == ["recovery"]
    await owe(paying, "c1", "b", amount_cents=100_00)
    assert amounts(await make_batch(paying, "b2", by="c1")) == {}
    await owe(paying, "c1", "c", amount_cents=30_00)
    batch = await make_batch(paying, "b2", by="c1")
    assert amounts(batch) == {RPPS: 30_00}
    taken = {one["indemnity_id"]: one["amount_cents"] for one in batch["orders"][0]["indemnities"]}
    assert taken == {"a": -100_00, "b": 100_00, "c": 30_00}
    await send_answers(paying, "b2", (only_order(batch), "executed", ""), by="c1")
    assert (await paying.get("/ledger/balances"))["sum_cents"] == 0
    assert await invariants_hold(paying)


async def test_a_sum_that_becomes_anothers_is_recovered_from_who_was_paid_it(
    paying: Payments,
) -> None:
    await owe(paying, "c1", "a")
    first = only_order(await make_batch(paying, "b1", by="c1"))
    await send_answers(paying, "b1", (first, "executed", ""), by="c1")
    await owe(paying, "c1", "a", rpps=COLLEAGUE)
    batch = await make_batch(paying, "b2", by="c1")
    assert amounts(batch) == {COLLEAGUE: 100_00}
    assert [(one["rpps"], one["open_cents"]) for one in batch["waiting"]] == [(RPPS, -100_00)]
    await owe(paying, "c1", "a", rpps=RPPS)
    assert await still_open(paying) == {"a": -100_00}, "paid to one, and again to the other"
    assert await invariants_hold(paying)


async def test_what_the_cpts_says_that_it_paid_itself_after_all_is_recovered(
    paying: Payments,
) -> None:
    await owe(paying, "c1", "a")
    await make_batch(paying, "b1", by="c1")
    await owe(paying, "c1", "a", is_paid_by_batch=False)
    assert await still_open(paying) == {"a": -100_00}
    assert await balances(paying, "uses") == {"use:c1:indemnites": 100_00, "bank:c1": -100_00}
    assert await invariants_hold(paying)


async def test_a_debt_stands_until_the_bank_paid_and_again_after_a_return(
    paying: Payments,
) -> None:
    await owe(paying, "c1", "a")
    debt = {"use:c1:indemnites": 100_00, DEBT: -100_00}
    assert await balances(paying, "uses") == debt
    first = only_order(await make_batch(paying, "b1", by="c1"))
    assert await balances(paying) == {}
    await send_answers(paying, "b1", (first, "executed", ""), by="c1")
    assert await balances(paying) == {"bank:c1": -100_00, DEBT: 100_00}
    await send_answers(paying, "b1", (first, "refunded", "AC04"), by="c1")
    assert (await balances(paying), await balances(paying, "uses")) == ({}, debt)
    second = only_order(await make_batch(paying, "b2", by="c1"))
    await send_answers(paying, "b2", (second, "rejected", "AC04"), by="c1")
    assert await balances(paying) == {}
    assert await still_open(paying) == {"a": 100_00}
    assert amounts(await make_batch(paying, "b3", by="c1")) == {RPPS: 100_00}
    orders = (await paying.get("/cpts/c1/member-payment-orders"))["items"]
    assert [one["order"]["state"] for one in orders] == ["refunded", "rejected", "ordered"]
    used = await paying.get("/cpts/c1/uses-by-category/2026")
    assert used["used_cents"] == 100_00, "used once, however often it was ordered"
    assert await invariants_hold(paying)


async def test_the_same_file_twice_changes_nothing_and_an_impossible_one_is_not_taken(
    paying: Payments,
) -> None:
    await owe(paying, "c1", "a")
    await owe(paying, "c1", "b", rpps=COLLEAGUE, amount_cents=1_00)
    batch = await make_batch(paying, "b1", by="c1")
    first, second = (one["order"]["order_id"] for one in batch["orders"])
    refused = await send_answers(
        paying, "b1", (first, "executed", ""), (second, "refunded", ""), by="c1"
    )
    assert [one["reason"] for one in refused.json()["lines"]] == ["contradicts"]
    assert await balances(paying) == {}
    file = [(first, "executed", ""), (second, "executed", ""), (second, "refunded", "MD07")]
    for changes in (3, 0):
        answer = await send_answers(paying, "b1", *file, by="c1")
        assert answer.json() == {"lines": 3, "changes": changes}
        assert await balances(paying) == {"bank:c1": -100_00, DEBT: 100_00}


async def test_a_sum_owed_in_one_year_and_paid_in_the_next_counts_for_the_first(
    paying: Payments,
) -> None:
    await owe(paying, "c1", "a", paid_on="2025-12-31")
    first = only_order(await make_batch(paying, "b1", by="c1"))
    await send_answers(paying, "b1", (first, "executed", ""), by="c1")
    paid = [
        (await paying.get(f"/professionals/{RPPS}/ceilings/{year}"))["paid_cents"]
        for year in (2025, 2026)
    ]
    assert paid == [100_00, 0]


ORDERS = [
    ("PUT", f"/cpts/c1/professionals/{RPPS}/bank-accounts/a"),
    ("POST", f"/cpts/c1/professionals/{RPPS}/bank-accounts/a/confirmation"),
    ("POST", "/cpts/c1/payment-batches"),
    ("POST", "/cpts/c1/payment-batches/b1/answers"),
]
BODIES = {
    "a": {"iban": IBANS["c1"], "holder": "Dr X", "from_on": "2026-01-01", "acting_person": "a"},
    "confirmation": {"version": 1, "acting_person": "carole"},
    "payment-batches": {"batch_id": "b1"},
    "answers": {},
}


@pytest.mark.parametrize(("method", "path"), ORDERS)
async def test_a_cpts_and_nobody_else_pays_its_members(
    paying: Payments, method: str, path: str
) -> None:
    await owe(paying, "c1", "a")
    before = await paying.run.pool.fetchval("select count(*) from history")
    order = paying.put if method == "PUT" else paying.post
    body = BODIES[path.rpartition("/")[2]]
    for role in ("caisse", "ars", "regulation", "system"):
        answer = await order(path, body, **{"Acting-Role": role})
        assert (answer.status_code, answer.json()["reason"]) == (403, "role_not_allowed")
    answer = await order(path, body, **acting("c2"))
    assert (answer.status_code, answer.json()["reason"]) == (403, "not_the_acting_cpts")
    assert await paying.run.pool.fetchval("select count(*) from history") == before
    assert await paying.run.pool.fetchval("select max(version) from bank_account") == 1


async def test_the_log_alone_gives_orders_and_ledger_back(paying: Payments) -> None:
    await owe(paying, "c1", "a")
    await owe(paying, "c1", "b", rpps=COLLEAGUE)
    batch = await make_batch(paying, "b1", by="c1")
    first, second = (one["order"]["order_id"] for one in batch["orders"])
    file = [(first, "executed", ""), (first, "refunded", "AC04"), (second, "executed", "")]
    await send_answers(paying, "b1", *file, by="c1")
    await owe(paying, "c1", "b", rpps=RPPS, amount_cents=40_00)
    await make_batch(paying, "b2", by="c1")
    run = paying.run
    await rebuild(SERVICE, run.settings, "shadow")
    for table in ("indemnity", "payment_order", "payment_order_indemnity", "ledger_entry"):
        question = f"select to_jsonb(one) - 'entered' from {{}}.{table} as one order by 1"
        live = await run.pool.fetch(question.format("public"))
        assert live
        assert await run.pool.fetch(question.format("shadow")) == live, table
