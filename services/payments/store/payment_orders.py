"""Orders of payment: kept from events, and what they leave open of what is to be paid."""

from collections.abc import Collection, Sequence
from datetime import date
from typing import Any

import msgspec

from contracts.events.payments import (
    MemberPaymentOrdered,
    PaymentExecuted,
    PaymentOrdered,
    PaymentRefunded,
    PaymentRejected,
)
from contracts.recorded import Recorded
from services.messaging.database import Connection
from services.payments.domain.orders_of_payment import (
    STANDING,
    OpenDue,
    OpenIndemnity,
    Order,
    Payee,
    payment_postings,
)
from services.payments.store import postings

JOURNAL = "payments"

KEEP_ORDER = """
    insert into payment_order (order_id, batch_id, payer, cpts_id, rpps, sequence, amount_cents,
                               account_id, account_version, payer_account_id,
                               payer_account_version, ordered_on, execute_on, state)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 'ordered')
"""
KEEP_DUES = """
    insert into payment_order_line (cpts_id, starts_on, due_id, tranche, order_id, amount_cents)
    select $1, starts_on, due_id, tranche, $2, amount_cents
    from unnest($3::date[], $4::text[], $5::integer[], $6::bigint[])
        as new (starts_on, due_id, tranche, amount_cents)
"""
KEEP_INDEMNITIES = """
    insert into payment_order_indemnity (cpts_id, rpps, order_id, indemnity_id, tranche,
                                         amount_cents)
    select $1, $2, $3, indemnity_id, tranche, amount_cents
    from unnest($4::text[], $5::integer[], $6::bigint[])
        as new (indemnity_id, tranche, amount_cents)
"""
ANSWERED = """
    update payment_order set state = $2, answered_on = $3, reason = $4 where order_id = $1
"""
OPEN_DUES = """
    select due.cpts_id, due.starts_on, due.due_id, due.amount_cents,
           coalesce(ordered.cents, 0) as ordered_cents, coalesce(ordered.tranches, 0) as tranches
    from due
    left join (
        select line.cpts_id, line.starts_on, line.due_id, max(line.tranche) as tranches,
               sum(line.amount_cents) filter (where state = any ($3))::bigint as cents
        from payment_order_line as line join payment_order using (order_id)
        group by line.cpts_id, line.starts_on, line.due_id
    ) as ordered using (cpts_id, starts_on, due_id)
    where not due.is_held and due.due_on <= $1 and ($2::text[] is null or due.cpts_id = any ($2))
      and due.amount_cents <> coalesce(ordered.cents, 0)
    order by due.cpts_id, due.starts_on, due.due_id
"""
# What was ordered and is owed no longer, or to another, is open too: less than nothing of it.
OPEN_INDEMNITIES = """
    select cpts_id, rpps, indemnity_id, coalesce(owed.cents, 0) as amount_cents,
           coalesce(ordered.cents, 0) as ordered_cents, coalesce(ordered.tranches, 0) as tranches
    from (
        select cpts_id, rpps, indemnity_id, amount_cents as cents, paid_on from indemnity
        where cpts_id = $1 and is_paid_by_batch and not is_withdrawn
    ) as owed
    full join (
        select line.cpts_id, line.rpps, line.indemnity_id, max(line.tranche) as tranches,
               sum(line.amount_cents) filter (where state = any ($3))::bigint as cents
        from payment_order_indemnity as line join payment_order using (order_id)
        where line.cpts_id = $1 group by line.cpts_id, line.rpps, line.indemnity_id
    ) as ordered using (cpts_id, rpps, indemnity_id)
    where coalesce(owed.cents, 0) < coalesce(ordered.cents, 0)
       or (coalesce(owed.cents, 0) > coalesce(ordered.cents, 0) and owed.paid_on <= $2)
    order by rpps, indemnity_id
"""
OF_BATCH = """
    select * from payment_order where payer = $1 and batch_id = $2 order by cpts_id, rpps
"""
OF_PAYEES = """
    select * from payment_order
    where cpts_id = $1 and (rpps is null) = $2 and sequence > $3 order by sequence limit $4
"""


class ShownOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An order as people read it; its accounts by id and version. `rpps` is None when the caisse
    pays the CPTS; `sequence` is among the orders to the CPTS, or to its members.
    """

    order_id: str
    batch_id: str
    cpts_id: str
    rpps: str | None
    sequence: int
    amount_cents: int
    account_id: str
    account_version: int
    payer_account_id: str | None
    payer_account_version: int | None
    ordered_on: date
    execute_on: date
    state: str
    answered_on: date | None
    reason: str | None

    @property
    def payee(self) -> Payee:
        """Whom it pays."""
        return Payee(cpts_id=self.cpts_id, rpps=self.rpps)


class ShownLine(msgspec.Struct, frozen=True, kw_only=True):
    """What an order takes from a due sum, with the words that explain the sum."""

    order_id: str
    cpts_id: str
    starts_on: date
    due_id: str
    tranche: int
    amount_cents: int
    kind: str | None
    mission: str | None


class ShownIndemnity(msgspec.Struct, frozen=True, kw_only=True):
    """What an order takes from an indemnity, with the function that the sum is for."""

    order_id: str
    rpps: str
    indemnity_id: str
    tranche: int
    amount_cents: int
    function: str | None


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """Orders as people read them, and what they take from due sums and from indemnities."""

    orders: list[ShownOrder]
    dues: list[ShownLine]
    indemnities: list[ShownIndemnity]


async def keep(connection: Connection, recorded: Sequence[Recorded[Any]]) -> None:
    """Keeps orders and what the bank said of them; posts the money that moved."""
    for one in recorded:
        match one.event:
            case PaymentOrdered():
                payee = Payee(cpts_id=one.event.cpts_id)
                await _keep_order(connection, one.event, payee, one.sequence)
                await _keep_dues(connection, one.event)
            case MemberPaymentOrdered():
                payee = Payee(cpts_id=one.event.cpts_id, rpps=one.event.rpps)
                await _keep_order(connection, one.event, payee, one.sequence)
                await _keep_indemnities(connection, one.event)
            case PaymentExecuted(order_id=order_id, executed_on=day):
                await connection.execute(ANSWERED, order_id, "executed", day, None)
                await _post(connection, one, day)
            case PaymentRejected(order_id=order_id, rejected_on=day, reason=reason):
                await connection.execute(ANSWERED, order_id, "rejected", day, reason)
            case PaymentRefunded(order_id=order_id, refunded_on=day, reason=reason):
                await connection.execute(ANSWERED, order_id, "refunded", day, reason)
                await _post(connection, one, day, is_refund=True)


async def _keep_order(
    connection: Connection,
    event: PaymentOrdered | MemberPaymentOrdered,
    payee: Payee,
    sequence: int,
) -> None:
    await connection.execute(
        KEEP_ORDER,
        event.order_id,
        event.batch_id,
        payee.payer,
        payee.cpts_id,
        payee.rpps,
        sequence,
        event.amount_cents,
        event.account_id,
        event.account_version,
        event.payer_account_id,
        event.payer_account_version,
        event.ordered_on,
        event.execute_on,
    )


async def _keep_dues(connection: Connection, event: PaymentOrdered) -> None:
    await connection.execute(
        KEEP_DUES,
        event.cpts_id,
        event.order_id,
        [due.contract_year_starts_on for due in event.dues],
        [due.due_id for due in event.dues],
        [due.tranche for due in event.dues],
        [due.amount_cents for due in event.dues],
    )


async def _keep_indemnities(connection: Connection, event: MemberPaymentOrdered) -> None:
    await connection.execute(
        KEEP_INDEMNITIES,
        event.cpts_id,
        event.rpps,
        event.order_id,
        [one.indemnity_id for one in event.indemnities],
        [one.tranche for one in event.indemnities],
        [one.amount_cents for one in event.indemnities],
    )


async def _post(
    connection: Connection, one: Recorded[Any], day: date, *, is_refund: bool = False
) -> None:
    rows = await connection.fetch(
        """
        select rpps, line.starts_on, sum(line.amount_cents)::bigint as cents
        from payment_order join (
            select order_id, starts_on, amount_cents from payment_order_line
            union all select order_id, null, amount_cents from payment_order_indemnity
        ) as line using (order_id)
        where order_id = $1 group by rpps, line.starts_on
        """,
        one.event.order_id,
    )
    payee = Payee(cpts_id=one.event.cpts_id, rpps=rows[0]["rpps"])
    cents_of_years = {row["starts_on"]: row["cents"] for row in rows}
    lines = payment_postings(payee, cents_of_years, is_refund=is_refund)
    await postings.add(
        connection,
        one,
        journal=JOURNAL,
        lines=[(account, starts_on, cents, day) for account, starts_on, cents in lines],
    )


async def open_dues(
    connection: Connection, day: date, cpts_ids: Collection[str] | None = None
) -> list[OpenDue]:
    """What the caisse may pay on a day and is not ordered as it stands: neither held nor due later.

    Of all CPTS, or of some.
    """
    rows = await connection.fetch(
        OPEN_DUES, day, None if cpts_ids is None else list(cpts_ids), list(STANDING)
    )
    return [OpenDue(**row) for row in rows]


async def open_indemnities(connection: Connection, day: date, cpts_id: str) -> list[OpenIndemnity]:
    """What a CPTS may pay its members on a day and is not ordered as it stands."""
    rows = await connection.fetch(OPEN_INDEMNITIES, cpts_id, day, list(STANDING))
    return [OpenIndemnity(**row) for row in rows]


async def departements(connection: Connection, cpts_ids: Collection[str]) -> dict[str, str]:
    """The key of each CPTS: its own, or that of its accounts while its registration is to come."""
    rows = await connection.fetch(
        """
        select distinct on (cpts_id) cpts_id, departement
        from (select cpts_id, departement, 1 as place from cpts
              union all select cpts_id, departement, 2 from account) as known
        where cpts_id = any ($1) order by cpts_id, place
        """,
        list(cpts_ids),
    )
    return {row["cpts_id"]: row["departement"] for row in rows}


async def orders_of_batch(connection: Connection, payer: str, batch_id: str) -> dict[str, Order]:
    """The orders of a payer's batch as they stand, by id."""
    rows = await connection.fetch(OF_BATCH, payer, batch_id)
    names = Order.__struct_fields__
    return {row["order_id"]: Order(**{name: row[name] for name in names}) for row in rows}


async def shown_of_batch(connection: Connection, payer: str, batch_id: str) -> Shown:
    """The orders of a payer's batch with what they take, in order of who is paid."""
    return await _shown(connection, await connection.fetch(OF_BATCH, payer, batch_id))


async def shown_of_cpts(
    connection: Connection, cpts_id: str, *, is_paid: bool, after: int, limit: int
) -> Shown:
    """The orders by which a CPTS is paid, or pays its members, oldest first: so many of them, after
    a sequence.
    """
    orders = await connection.fetch(OF_PAYEES, cpts_id, is_paid, after, limit)
    return await _shown(connection, orders)


async def _shown(connection: Connection, orders: Sequence[Any]) -> Shown:
    order_ids = [row["order_id"] for row in orders]
    dues = await connection.fetch(
        """
        select line.order_id, line.cpts_id, line.starts_on, line.due_id, line.tranche,
               line.amount_cents, due.kind, due.mission
        from payment_order_line as line left join due using (cpts_id, starts_on, due_id)
        where line.order_id = any ($1) order by line.cpts_id, line.starts_on, line.due_id
        """,
        order_ids,
    )
    indemnities = await connection.fetch(
        """
        select line.order_id, line.rpps, line.indemnity_id, line.tranche, line.amount_cents,
               indemnity.function
        from payment_order_indemnity as line left join indemnity using (cpts_id, indemnity_id)
        where line.order_id = any ($1) order by line.rpps, line.indemnity_id
        """,
        order_ids,
    )
    names = ShownOrder.__struct_fields__
    return Shown(
        orders=[ShownOrder(**{name: row[name] for name in names}) for row in orders],
        dues=[ShownLine(**row) for row in dues],
        indemnities=[ShownIndemnity(**row) for row in indemnities],
    )
