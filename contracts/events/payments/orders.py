"""Orders of payment, from the caisse to a CPTS or from a CPTS to a professional, and what the bank
of the one that pays answered.

The aggregates are what a CPTS is paid (`<cpts_id>/payments`) and what it pays its members
(`<cpts_id>/member-payments`). No event holds an IBAN: an account is named by its id and version in
the database of payments.
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


class OrderedIndemnity(msgspec.Struct, frozen=True, kw_only=True):
    """An indemnité or rémunération, or a difference of one, that an order settles; negative when it
    is recovered. `tranche` counts the orders that took from it for the same professional, from 1.
    """

    indemnity_id: str
    tranche: int
    amount_cents: int


class MemberPaymentOrdered(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    tag_field="type",
    tag="payments.MemberPaymentOrdered.v1",
):
    """A CPTS orders its bank to pay a professional, on `execute_on`, the sum of `indemnities`:
    positive.

    `account_id` is the professional's as this CPTS knows it, `payer_account_id` the CPTS's.
    """

    cpts_id: str
    rpps: str
    order_id: str
    batch_id: str
    amount_cents: int
    indemnities: tuple[OrderedIndemnity, ...]
    account_id: str
    account_version: int
    payer_account_id: str
    payer_account_version: int
    ordered_on: date
    execute_on: date


class PaymentExecuted(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="payments.PaymentExecuted.v1"
):
    """The bank says that it paid the order, of whichever kind it is."""

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
