"""Orders to pay a CPTS what the caisse owes it, and what the bank answered.

The aggregate is the CPTS's payments (`<cpts_id>/payments`). No event holds an IBAN: the account is
named by its id and version in the database of payments.
"""

from datetime import date

import msgspec


class OrderedDue(msgspec.Struct, frozen=True, kw_only=True):
    """A sum, or a difference of one, that an order settles; negative when it is recovered.

    `tranche` counts the orders that took from the same sum, from 1: no two have the same.
    """

    contract_year_starts_on: date
    due_id: str
    tranche: int
    amount_cents: int


class PaymentOrdered(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="payments.PaymentOrdered.v1"
):
    """The caisse orders its bank to pay a CPTS, on `execute_on`, the sum of `dues`: positive.

    `account_id` is the CPTS's, `payer_account_id` the caisse's; None in orders that named none.
    """

    cpts_id: str
    order_id: str
    batch_id: str
    amount_cents: int
    dues: tuple[OrderedDue, ...]
    account_id: str
    account_version: int
    ordered_on: date
    execute_on: date
    payer_account_id: str | None = None
    payer_account_version: int | None = None


class PaymentExecuted(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="payments.PaymentExecuted.v1"
):
    """The bank says that it paid."""

    cpts_id: str
    order_id: str
    executed_on: date


class PaymentRejected(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="payments.PaymentRejected.v1"
):
    """The bank says that it did not pay; the sums are due as before.

    `reason` is an ISO 20022 code.
    """

    cpts_id: str
    order_id: str
    rejected_on: date
    reason: str | None = None


class PaymentRefunded(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="payments.PaymentRefunded.v1"
):
    """What was paid came back whole; the sums are due as before.

    `reason` is an ISO 20022 code.
    """

    cpts_id: str
    order_id: str
    refunded_on: date
    reason: str | None = None
