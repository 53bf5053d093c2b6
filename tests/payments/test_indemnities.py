"""Sums to professionals stay within the PASS of the civil year, over all CPTS, even at once."""

import asyncio
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts import topics
from contracts.events.payments import IndemnityRecorded
from services.payments.domain.indemnities import (
    Ceiling,
    PaidInYear,
    Posted,
    posted_by,
    record_indemnity,
    use_postings,
)
from services.payments.domain.money_refusals import MoneyRefusal, Refusal
from services.payments.store import tables
from tests.payments.paying import COLLEAGUE, RPPS, without_taille
from tests.payments.served import Payments

PASS_2026_CENTS = 48_060_00


def indemnity(**changes: Any) -> dict[str, Any]:
    body = {"rpps": RPPS, "kind": "indemnite", "function": "reunion", "minutes": 120}
    return body | {"amount_cents": 30_000_00, "paid_on": "2026-05-02"} | changes


async def give(payments: Payments, cpts_id: str, entry: str, **changes: Any) -> Any:
    return await payments.put(
        f"/cpts/{cpts_id}/indemnities/{entry}",
        indemnity(**changes),
        **{"Acting-Role": "cpts", "Acting-Cpts": cpts_id},
    )


@pytest.fixture
async def two_cpts(payments: Payments) -> Payments:
    await payments.hear(topics.MEMBERSHIP, without_taille("c1") + without_taille("c2"))
    return payments


async def paid_cents(payments: Payments) -> int:
    ceiling = await payments.get(f"/professionals/{RPPS}/ceilings/2026")
    return int(ceiling["paid_cents"])


async def test_of_two_orders_at_once_on_two_cpts_one_passes_and_the_other_is_told_what_remains(
    two_cpts: Payments,
) -> None:
    answers = await asyncio.gather(*(give(two_cpts, cpts, "a") for cpts in ("c1", "c2")))
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    refusal = max(answers, key=lambda answer: answer.status_code).json()
    assert refusal["reason"] == "pass_exceeded"
    assert refusal["remaining_cents"] == PASS_2026_CENTS - 30_000_00
    assert refusal["pass_is_verified"] is False
    assert await paid_cents(two_cpts) == 30_000_00


async def test_what_remains_can_be_given_to_the_cent_and_the_next_year_is_another(
    two_cpts: Payments,
) -> None:
    assert (await give(two_cpts, "c1", "a")).is_success
    rest = PASS_2026_CENTS - 30_000_00
    assert (await give(two_cpts, "c2", "b", amount_cents=rest + 1)).status_code == 409
    assert (await give(two_cpts, "c2", "b", amount_cents=rest)).is_success
    assert (await give(two_cpts, "c2", "c", amount_cents=1)).status_code == 409
    assert (await give(two_cpts, "c2", "d", paid_on="2025-12-31")).is_success
    unknown = await give(two_cpts, "c2", "e", paid_on="2031-01-01")
    assert unknown.json()["reason"] == "pass_unknown"


async def test_a_withdrawn_sum_makes_room_and_is_reversed_in_the_ledger(
    two_cpts: Payments,
) -> None:
    assert (await give(two_cpts, "c1", "a")).is_success
    assert (await give(two_cpts, "c1", "a", is_withdrawn=True)).is_success
    assert (await give(two_cpts, "c2", "b", amount_cents=PASS_2026_CENTS)).is_success
    assert (await two_cpts.get("/cpts/c1/uses-by-category/2026"))["categories"] == []
    used = await two_cpts.get("/cpts/c2/uses-by-category/2026")
    assert used["used_cents"] == PASS_2026_CENTS
    balances = await two_cpts.get("/ledger/balances")
    assert balances["sum_cents"] == 0
    entries = (await two_cpts.get("/ledger/entries?cpts_id=c1"))["items"]
    assert len(entries) == 4, "the ledger only grows"


async def test_the_same_sum_again_changes_nothing(two_cpts: Payments) -> None:
    for _ in range(2):
        assert (await give(two_cpts, "c1", "a")).is_success
    count = await two_cpts.run.pool.fetchval(
        "select count(*) from history where type like '%IndemnityRecorded%'"
    )
    assert count == 1


async def test_a_cpts_pays_in_its_own_name_only(two_cpts: Payments) -> None:
    answer = await two_cpts.put(
        "/cpts/c1/indemnities/a", indemnity(), **{"Acting-Role": "cpts", "Acting-Cpts": "c2"}
    )
    assert answer.status_code == 403
    assert (await two_cpts.put("/cpts/c1/indemnities/a", indemnity())).status_code == 403


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"function": "magie"}, "unknown_function"),
        ({"minutes": 0}, "minutes_needed"),
        ({"amount_cents": 0}, "amount_not_positive"),
    ],
)
async def test_a_sum_has_a_function_a_time_and_an_amount(
    two_cpts: Payments, changes: dict[str, Any], reason: str
) -> None:
    assert (await give(two_cpts, "c1", "a", **changes)).json()["reason"] == reason


async def test_funds_are_used_by_category_without_approval(two_cpts: Payments) -> None:
    as_c1 = {"Acting-Role": "cpts", "Acting-Cpts": "c1"}
    use = {"category": "locaux", "amount_cents": 900_00, "used_on": "2026-05-02"}
    assert (await two_cpts.put("/cpts/c1/uses/u", use, **as_c1)).is_success
    less = use | {"amount_cents": 800_00, "category": "materiel"}
    assert (await two_cpts.put("/cpts/c1/uses/u", less, **as_c1)).is_success
    magic = await two_cpts.put("/cpts/c1/uses/u", use | {"category": "magie"}, **as_c1)
    assert magic.json()["reason"] == "unknown_category"
    assert (await two_cpts.put("/cpts/c1/uses/v", use | {"amount_cents": 1}, **as_c1)).is_success
    nothing = await two_cpts.put("/cpts/c1/uses/w", use | {"amount_cents": 0}, **as_c1)
    assert nothing.json()["reason"] == "amount_not_positive"
    used = await two_cpts.get("/cpts/c1/uses-by-category/2026")
    assert [(one["category"], one["used_cents"]) for one in used["categories"]] == [
        ("locaux", 1),
        ("materiel", 800_00),
    ]


def entry(
    amount_cents: int,
    *,
    is_withdrawn: bool = False,
    is_paid_by_batch: bool = False,
    rpps: str = RPPS,
) -> IndemnityRecorded:
    return IndemnityRecorded(
        cpts_id="c1",
        indemnity_id="a",
        rpps=rpps,
        kind="remuneration",
        function="bureau",
        minutes=60,
        amount_cents=amount_cents,
        paid_on=date(2026, 5, 2),
        is_withdrawn=is_withdrawn,
        is_paid_by_batch=is_paid_by_batch,
    )


cents = st.integers(min_value=1, max_value=200)


@given(others=st.integers(min_value=0, max_value=300), before=cents, after=cents)
def test_what_is_accepted_stays_within_the_ceiling_or_does_not_raise_it(
    others: int, before: int, after: int
) -> None:
    ceiling = Ceiling(year=2026, amount_cents=100, text="t", status="s", is_verified=False)
    paid = PaidInYear(ceiling=ceiling, others_cents=others)
    decision = record_indemnity(entry(after), entry(before), paid)
    if isinstance(decision, Refusal):
        assert decision.reason is MoneyRefusal.PASS_EXCEEDED
        assert after > decision.extension["remaining_cents"] == max(100 - others, 0)
        assert after > before
    else:
        assert others + after <= 100 or after <= before


entries = st.builds(
    entry,
    cents,
    is_withdrawn=st.booleans(),
    is_paid_by_batch=st.booleans(),
    rpps=st.sampled_from([RPPS, COLLEAGUE]),
)


@given(versions=st.lists(entries, min_size=1, max_size=6))
def test_however_often_a_sum_is_corrected_its_postings_add_up_to_what_stands(
    versions: list[IndemnityRecorded],
) -> None:
    before: Posted | None = None
    totals: dict[str, int] = {}
    for version in versions:
        after = posted_by(version)
        for account, posted_cents, _ in use_postings("c1", before, after):
            totals[account] = totals.get(account, 0) + posted_cents
        before = after
    last = versions[-1]
    credited = f"member:c1:{last.rpps}" if last.is_paid_by_batch else "bank:c1"
    expected = {} if last.is_withdrawn else {"use:c1:indemnites": last.amount_cents}
    expected |= {} if last.is_withdrawn else {credited: -last.amount_cents}
    assert {account: total for account, total in totals.items() if total} == expected


def test_each_ceiling_has_its_source_and_none_is_verified_before_its_text_was_read() -> None:
    ceilings = tables.ceilings()
    assert ceilings[2026].amount_cents == PASS_2026_CENTS
    assert {one.year: one.is_verified for one in ceilings.values()} == dict.fromkeys(
        range(2022, 2027), False
    )


@pytest.mark.parametrize(
    "path",
    ["/professionals/81000234567/ceilings/2026", f"/professionals/{RPPS}/ceilings/1026"],
)
async def test_a_question_about_nobody_or_no_year_is_refused(payments: Payments, path: str) -> None:
    assert (await payments.client.get(path)).status_code == 400


async def test_an_id_that_is_a_sentence_is_refused(two_cpts: Payments) -> None:
    assert (await give(two_cpts, "c1", "rappeler Mme Durand")).status_code == 400
