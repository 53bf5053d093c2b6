"""Orders of payment: each due sum once, whatever happens; what the bank says moves the ledger."""

import asyncio
from datetime import date
from typing import Any

import pytest

from contracts import topics
from services.messaging.replaying import rebuild
from services.messaging.unit import Unit
from services.payments.app import SERVICE
from tests.payments.paying import (
    amounts,
    balances,
    confirm_account,
    due_set,
    make_batch,
    only_order,
    send_answers,
    set_dues,
    without_taille,
)
from tests.payments.served import Payments


@pytest.fixture
async def paying(payments: Payments) -> Payments:
    """Two CPTS and the caisse with confirmed accounts."""
    await payments.hear(topics.MEMBERSHIP, without_taille("c1") + without_taille("c2"))
    for cpts_id in ("c1", "c2", "caisse"):
        await confirm_account(payments, cpts_id)
    return payments


async def test_what_is_due_is_ordered_and_what_is_held_or_due_later_is_not(
    paying: Payments,
) -> None:
    await set_dues(
        paying.run.desk,
        due_set("a", 100_00),
        due_set("b", 50_00),
        due_set("held", 70_00, is_held=True),
        due_set("later", 30_00, due_on=date(2026, 5, 5)),
        due_set("a", 10_00, cpts_id="c2"),
    )
    batch = await make_batch(paying, "b1")
    assert amounts(batch) == {"c1": 150_00, "c2": 10_00}
    assert amounts(await make_batch(paying, "b2")) == {}
    assert await make_batch(paying, "b1") == batch | {"waiting": []}


async def test_a_cpts_without_a_confirmed_account_waits(payments: Payments) -> None:
    await payments.hear(topics.MEMBERSHIP, without_taille("c1"))
    await confirm_account(payments, "caisse")
    await set_dues(payments.run.desk, due_set("a", 100_00))
    batch = await make_batch(payments, "b1")
    assert batch["waiting"] == [
        {"cpts_id": "c1", "rpps": None, "reason": "no_bank_account", "open_cents": 100_00}
    ]
    await confirm_account(payments, "c1")
    assert amounts(await make_batch(payments, "b1")) == {"c1": 100_00}


async def test_of_two_batches_at_once_one_orders_each_sum(paying: Payments) -> None:
    await set_dues(
        paying.run.desk,
        *(due_set(f"d{n}", 10_00, cpts_id=c) for n in range(5) for c in ("c1", "c2")),
    )
    batches = await asyncio.gather(*(make_batch(paying, f"b{number}") for number in range(4)))
    assert sum(batch["amount_cents"] for batch in batches) == 100_00
    assert len([batch for batch in batches if batch["orders"]]) == 1


async def test_without_the_join_rows_the_history_still_stops_the_second_batch(
    paying: Payments, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def no_lock(*_: Any) -> None:
        """Takes nothing."""

    monkeypatch.setattr(Unit, "lock_joins", no_lock)
    await set_dues(paying.run.desk, due_set("a", 10_00), due_set("a", 10_00, cpts_id="c2"))
    batches = await asyncio.gather(*(make_batch(paying, f"b{number}") for number in range(4)))
    assert sum(batch["amount_cents"] for batch in batches) == 20_00


async def test_a_sum_that_changes_after_it_was_ordered_leaves_its_difference(
    paying: Payments,
) -> None:
    await set_dues(paying.run.desk, due_set("a", 100_00))
    await make_batch(paying, "b1")
    await set_dues(paying.run.desk, due_set("a", 130_00))
    assert amounts(await make_batch(paying, "b2")) == {"c1": 30_00}


async def test_what_was_paid_too_much_is_recovered_from_the_next_sums(paying: Payments) -> None:
    await set_dues(paying.run.desk, due_set("a", 100_00))
    await make_batch(paying, "b1")
    await set_dues(paying.run.desk, due_set("a", 60_00), due_set("adjustment", -10_00))
    waiting = await make_batch(paying, "b2")
    assert waiting["waiting"] == [
        {"cpts_id": "c1", "rpps": None, "reason": "recovery", "open_cents": -50_00}
    ]
    await set_dues(paying.run.desk, due_set("b", 50_00))
    assert amounts(await make_batch(paying, "b2")) == {}
    await set_dues(paying.run.desk, due_set("c", 25_00))
    batch = await make_batch(paying, "b2")
    assert amounts(batch) == {"c1": 25_00}
    taken = {line["due_id"]: line["amount_cents"] for line in batch["orders"][0]["dues"]}
    assert taken == {"a": -40_00, "adjustment": -10_00, "b": 50_00, "c": 25_00}


async def test_money_that_leaves_is_posted_and_what_comes_back_is_due_again(
    paying: Payments,
) -> None:
    await set_dues(paying.run.desk, due_set("a", 100_00))
    first = only_order(await make_batch(paying, "b1"))
    assert await balances(paying) == {}
    assert (await send_answers(paying, "b1", (first, "executed", ""))).json()["changes"] == 1
    assert await balances(paying) == {"bank:caisse": -100_00, "owed:c1:2026-04-15": 100_00}
    assert (await send_answers(paying, "b1", (first, "refunded", "AC04"))).is_success
    assert await balances(paying) == {}
    assert amounts(await make_batch(paying, "b2")) == {"c1": 100_00}
    orders = (await paying.get("/cpts/c1/payment-orders"))["items"]
    assert [one["order"]["state"] for one in orders] == ["refunded", "ordered"]


async def test_a_rejected_order_frees_its_sums_and_moves_no_money(paying: Payments) -> None:
    await set_dues(paying.run.desk, due_set("a", 100_00))
    first = only_order(await make_batch(paying, "b1"))
    await send_answers(paying, "b1", (first, "rejected", "AC04"))
    assert await balances(paying) == {}
    assert (await paying.get("/cpts/c1/open-dues"))["open_cents"] == 100_00
    assert amounts(await make_batch(paying, "b2")) == {"c1": 100_00}


async def test_the_same_file_twice_changes_nothing(paying: Payments) -> None:
    await set_dues(paying.run.desk, due_set("a", 100_00), due_set("a", 1_00, cpts_id="c2"))
    batch = await make_batch(paying, "b1")
    first, second = (one["order"]["order_id"] for one in batch["orders"])
    file = [(first, "executed", ""), (second, "executed", ""), (second, "refunded", "MD07")]
    assert (await send_answers(paying, "b1", *file)).json() == {"lines": 3, "changes": 3}
    before = await balances(paying)
    assert (await send_answers(paying, "b1", *file)).json() == {"lines": 3, "changes": 0}
    assert await balances(paying) == before


async def test_impossible_lines_are_told_at_once_and_nothing_is_recorded(
    paying: Payments,
) -> None:
    await set_dues(paying.run.desk, due_set("a", 100_00), due_set("a", 1_00, cpts_id="c2"))
    batch = await make_batch(paying, "b1")
    first, second = (one["order"]["order_id"] for one in batch["orders"])
    assert (await send_answers(paying, "b1", (second, "rejected", ""))).is_success
    file = [(first, "executed", ""), ("vir-x", "executed", ""), (second, "executed", "")]
    refusal = (await send_answers(paying, "b1", *file)).json()
    assert refusal["reason"] == "answers_impossible"
    assert [(one["order_id"], one["reason"]) for one in refusal["lines"]] == [
        ("vir-x", "unknown_order"),
        (second, "contradicts"),
    ]
    assert await balances(paying) == {}
    garbled = b"order_id;outcome;day;reason\nvir-1;paid;2026-05-06;\nvir-2;executed;someday;\n"
    refusal = (await send_answers(paying, "b1", content=garbled)).json()
    assert (refusal["reason"], refusal["lines"]) == ("answers_unreadable", [2, 3])
    assert (await send_answers(paying, "none", (first, "executed", ""))).status_code == 404


async def test_the_log_alone_gives_orders_and_ledger_back(paying: Payments) -> None:
    await set_dues(paying.run.desk, due_set("a", 100_00), due_set("b", -30_00))
    first = only_order(await make_batch(paying, "b1"))
    await send_answers(paying, "b1", (first, "executed", ""))
    await make_batch(paying, "b2")
    run = paying.run
    await rebuild(SERVICE, run.settings, "shadow")
    # the dues are invented: a rebuild takes away what no calendar gives, and its postings
    for table, where in (
        ("payment_order", ""),
        ("payment_order_line", ""),
        ("ledger_entry", "where journal = 'payments'"),
    ):
        question = "select * from {}.{} {} order by 1, 2, 3"
        live = await run.pool.fetch(question.format("public", table, where))
        assert live
        assert await run.pool.fetch(question.format("shadow", table, where)) == live, table
    assert await run.pool.fetchval("select count(*) from shadow.bank_account") == 0
