"""Lists that grow with the years are answered page by page, with the sums of the whole on each."""

from datetime import date
from typing import Any

import pytest

from contracts import topics
from tests.payments.paying import (
    CAISSE_IBAN,
    IBANS,
    RPPS,
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

# What is said of the whole list beside each page of it.
TOTALS = {
    "/cpts/c1/dues": {"owed_cents": 6_00, "held_cents": 8_00},
    "/cpts/c1/open-dues": {"open_cents": 6_00},
    "/cpts/c1/open-indemnities": {"open_cents": 50_00},
    "/ledger/balances": {"sum_cents": 0},
}
LISTS = (
    *TOTALS,
    "/cpts/c1/payment-orders",
    "/cpts/c1/member-payment-orders",
    "/cpts/c1/bank-accounts",
    f"/cpts/c1/professionals/{RPPS}/bank-accounts",
    "/rates",
)


@pytest.fixture
async def grown(payments: Payments) -> Payments:
    """A CPTS with three of each: sums due, orders that were given again, versions of accounts."""
    await payments.hear(topics.MEMBERSHIP, without_taille("c1"))
    await confirm_account(payments, "caisse")
    for iban in (IBANS["c2"], CAISSE_IBAN, IBANS["c1"]):
        await confirm_account(payments, "c1", iban)
        await confirm_account(payments, "c1", iban, rpps=RPPS)
    await set_dues(
        payments.run.desk,
        due_set("b", 1_00),
        due_set("c", 3_00, due_on=date(2026, 4, 20)),
        due_set("a", 2_00),
        due_set("held", 8_00, is_held=True),
    )
    await owe(payments, "c1", "i", amount_cents=30_00)
    await owe(payments, "c1", "j", amount_cents=20_00)
    for number in range(3):
        for payer in ("caisse", "c1"):
            given = only_order(await make_batch(payments, f"b{number}", by=payer))
            refused = (given, "rejected", "AC04")
            assert (await send_answers(payments, f"b{number}", refused, by=payer)).is_success
    return payments


async def test_page_by_page_a_list_is_the_whole_of_it_in_its_order(grown: Payments) -> None:
    for path in LISTS:
        whole = await grown.get(f"{path}?limit=1000")
        assert len(whole["items"]) >= 2, path
        assert whole["next"] is None
        found: list[dict[str, Any]] = []
        size = max(len(whole["items"]) // 3, 1)
        asked = f"{path}?limit={size}"
        while page := await grown.get(asked):
            assert (len(page["items"]) == size) == (page["next"] is not None), path
            found += page["items"]
            totals = {name: one for name, one in page.items() if name not in ("items", "next")}
            assert totals == TOTALS.get(path, {}), path
            if page["next"] is None:
                break
            asked = f"{path}?limit={size}&after={page['next']}"
        assert found == whole["items"], path
    of_year = await grown.get("/cpts/c1/dues?starts_on=2027-04-15")
    assert of_year == {"items": [], "next": None, "owed_cents": 0, "held_cents": 0}
    named = [one["due_id"] for one in (await grown.get("/cpts/c1/dues"))["items"]]
    assert named == ["c", "a", "b", "held"], "by the day on which they are due"
