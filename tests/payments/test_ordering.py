"""Whatever is owed, changes, is ordered, rejected or comes back: nobody is paid a cent twice, be it
a CPTS by the caisse or a professional by a CPTS.
"""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.events.payments import MemberPaymentOrdered, PaymentOrdered
from services.payments.domain.bank_accounts import BankAccount
from services.payments.domain.orders_of_payment import (
    Batch,
    OpenDue,
    OpenIndemnity,
    OpenSum,
    Payee,
    order_id_of,
    order_payment,
    payment_postings,
)

DAY = date(2026, 5, 4)
ACCOUNT = BankAccount(
    owner="cpts:c1",
    account_id="a",
    version=1,
    iban="FR1420041010050500013M02606",
    holder="CPTS",
    from_on=DAY,
    to_on=None,
    proposed_by="anne",
    confirmed_by="bruno",
)
RPPS = "810002345675"
CPTS, MEMBER = PAYEES = Payee(cpts_id="c1"), Payee(cpts_id="c1", rpps=RPPS)
Ordered = PaymentOrdered | MemberPaymentOrdered
steps = st.lists(
    st.one_of(
        st.tuples(st.just("owed"), st.sampled_from("abc"), st.integers(-100, 300)),
        st.tuples(st.just("batch"), st.just(""), st.just(0)),
        st.tuples(st.just("rejected"), st.just(""), st.integers(0, 20)),
    ),
    max_size=30,
)


@pytest.mark.parametrize("payee", PAYEES, ids=["cpts", "member"])
@given(story=steps)
def test_standing_orders_together_never_exceed_what_is_owed(
    payee: Payee, story: list[tuple[str, str, int]]
) -> None:
    owed: dict[str, int] = {}
    standing: list[Ordered] = []
    tranches: set[tuple[str, int]] = set()
    made = 0
    for step, name, number in story:
        if step == "owed":
            owed[name] = number
        elif step == "rejected" and standing:
            standing.pop(number % len(standing))
        elif step == "batch":
            made += 1
            sums = [_open(payee, *one, standing, tranches) for one in owed.items()]
            order = order_payment(payee, sums, ACCOUNT, _batch(made))
            if isinstance(order, Ordered):
                taken = _taken(order)
                assert order.amount_cents == sum(taken.values()) > 0
                assert not taken.keys() & tranches, "no two orders have the same tranche"
                tranches |= taken.keys()
                standing.append(order)
                for sum_id, amount_cents in owed.items():
                    assert _ordered(standing, sum_id) == amount_cents
            else:
                assert sum(owed.values()) <= sum(one.amount_cents for one in standing)


def _taken(order: Ordered) -> dict[tuple[str, int], int]:
    """What an order takes from each sum, by its id and tranche."""
    if isinstance(order, PaymentOrdered):
        return {(one.due_id, one.tranche): one.amount_cents for one in order.dues}
    return {(one.indemnity_id, one.tranche): one.amount_cents for one in order.indemnities}


def _ordered(standing: list[Ordered], sum_id: str) -> int:
    return sum(
        cents for order in standing for (name, _), cents in _taken(order).items() if name == sum_id
    )


def _open(
    payee: Payee,
    sum_id: str,
    amount_cents: int,
    standing: list[Ordered],
    tranches: set[tuple[str, int]],
) -> OpenSum:
    figures: dict[str, Any] = {
        "cpts_id": payee.cpts_id,
        "amount_cents": amount_cents,
        "ordered_cents": _ordered(standing, sum_id),
        "tranches": max((number for name, number in tranches if name == sum_id), default=0),
    }
    if payee.rpps is None:
        return OpenDue(starts_on=DAY, due_id=sum_id, **figures)
    return OpenIndemnity(rpps=payee.rpps, indemnity_id=sum_id, **figures)


def _batch(number: int) -> Batch:
    return Batch(batch_id=f"b{number}", payer=ACCOUNT, ordered_on=DAY, execute_on=DAY)


@given(st.dictionaries(st.dates(), st.integers(-(10**9), 10**9)), st.booleans())
def test_each_posting_of_a_payment_sums_to_zero_in_each_contract_year(
    years: dict[date | None, int], is_refund: bool
) -> None:
    totals: dict[date | None, int] = {}
    for _, starts_on, cents in payment_postings(CPTS, years, is_refund=is_refund):
        totals[starts_on] = totals.get(starts_on, 0) + cents
    assert set(totals.values()) <= {0}


def test_what_a_member_is_paid_settles_a_debt_to_them_and_leaves_the_bank_of_the_cpts() -> None:
    paid = list(payment_postings(MEMBER, {None: 100}))
    assert paid == [(f"member:c1:{RPPS}", None, 100), ("bank:c1", None, -100)]
    came_back = list(payment_postings(MEMBER, {None: 100}, is_refund=True))
    assert came_back == [(account, year, -cents) for account, year, cents in paid]


def test_orders_of_one_batch_id_have_ids_of_their_own_whoever_pays_and_is_paid() -> None:
    colleague = Payee(cpts_id="c1", rpps="810002345683")
    another = Payee(cpts_id="c2", rpps=RPPS)
    ids = {order_id_of("b1", payee) for payee in (CPTS, MEMBER, colleague, another)}
    assert len(ids) == 4
    # what was ordered before members were paid keeps the id that the bank knows
    assert order_id_of("b1", CPTS) == "vir-4ab5b75c17bfcfb4cc4fd28d"
