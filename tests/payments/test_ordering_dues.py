"""Whatever falls due, changes, is ordered, rejected or comes back: nobody is paid a cent twice."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from contracts.events.payments import PaymentOrdered
from services.payments.domain.bank_accounts import BankAccount
from services.payments.domain.orders_of_payment import (
    Batch,
    OpenDue,
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
steps = st.lists(
    st.one_of(
        st.tuples(st.just("due"), st.sampled_from("abc"), st.integers(-100, 300)),
        st.tuples(st.just("batch"), st.just(""), st.just(0)),
        st.tuples(st.just("rejected"), st.just(""), st.integers(0, 20)),
    ),
    max_size=30,
)


@given(steps)
def test_standing_orders_together_never_exceed_what_is_due(
    story: list[tuple[str, str, int]],
) -> None:
    due: dict[str, int] = {}
    standing: list[PaymentOrdered] = []
    tranches: set[tuple[str, int]] = set()
    made = 0
    for step, name, number in story:
        if step == "due":
            due[name] = number
        elif step == "rejected" and standing:
            standing.pop(number % len(standing))
        elif step == "batch":
            made += 1
            order = order_payment("c1", _open(due, standing, tranches), ACCOUNT, _batch(made))
            if isinstance(order, PaymentOrdered):
                assert order.amount_cents == sum(one.amount_cents for one in order.dues) > 0
                taken = {(one.due_id, one.tranche) for one in order.dues}
                assert not taken & tranches, "no two orders have the same tranche"
                tranches |= taken
                standing.append(order)
                for due_id, amount_cents in due.items():
                    assert _ordered(standing, due_id) == amount_cents
            else:
                assert sum(due.values()) <= sum(one.amount_cents for one in standing)


def _ordered(standing: list[PaymentOrdered], due_id: str) -> int:
    return sum(one.amount_cents for order in standing for one in order.dues if one.due_id == due_id)


def _open(
    due: dict[str, int], standing: list[PaymentOrdered], tranches: set[tuple[str, int]]
) -> list[OpenDue]:
    return [
        OpenDue(
            cpts_id="c1",
            starts_on=DAY,
            due_id=due_id,
            amount_cents=amount_cents,
            ordered_cents=_ordered(standing, due_id),
            tranches=max((number for name, number in tranches if name == due_id), default=0),
        )
        for due_id, amount_cents in due.items()
    ]


def _batch(number: int) -> Batch:
    return Batch(batch_id=f"b{number}", payer=ACCOUNT, ordered_on=DAY, execute_on=DAY)


@given(st.dictionaries(st.dates(), st.integers(-(10**9), 10**9)), st.booleans())
def test_each_posting_of_a_payment_sums_to_zero_in_each_contract_year(
    years: dict[date, int], is_refund: bool
) -> None:
    totals: dict[date, int] = {}
    for _, starts_on, cents in payment_postings("c1", years, is_refund=is_refund):
        totals[starts_on] = totals.get(starts_on, 0) + cents
    assert set(totals.values()) <= {0}
