"""Orders of payment: kept from events, and what they leave open of the due sums."""

from collections.abc import Collection, Sequence
from datetime import date
from typing import Any

import msgspec

from contracts.events.payments import (
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
    Order,
    payment_postings,
)
from services.payments.store import postings

JOURNAL = "payments"

KEEP_ORDER = """
    insert into payment_order (order_id, batch_id, cpts_id, sequence, amount_cents, account_id,
                               account_version, payer_account_id, payer_account_version,
                               ordered_on, execute_on, state)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'ordered')
"""
KEEP_LINES = """
    insert into payment_order_line (cpts_id, starts_on, due_id, tranche, order_id, amount_cents)
    select $1, starts_on, due_id, tranche, $2, amount_cents
    from unnest($3::date[], $4::text[], $5::integer[], $6::bigint[])
        as new (starts_on, due_id, tranche, amount_cents)
"""
ANSWERED = """
    update payment_order set state = $2, answered_on = $3, reason = $4 where order_id = $1
"""
OPEN = """
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


class ShownOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An order as people read it; its accounts by id and version."""

    order_id: str
    batch_id: str
    cpts_id: str
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


async def keep(connection: Connection, recorded: Sequence[Recorded[Any]]) -> None:
    """Keeps orders and what the bank said of them; posts the money that moved."""
    for one in recorded:
        match one.event:
            case PaymentOrdered():
                await _keep_ordered(connection, one.event, one.sequence)
            case PaymentExecuted(order_id=order_id, executed_on=day):
                await connection.execute(ANSWERED, order_id, "executed", day, None)
                await _post(connection, one, day)
            case PaymentRejected(order_id=order_id, rejected_on=day, reason=reason):
                await connection.execute(ANSWERED, order_id, "rejected", day, reason)
            case PaymentRefunded(order_id=order_id, refunded_on=day, reason=reason):
                await connection.execute(ANSWERED, order_id, "refunded", day, reason)
                await _post(connection, one, day, is_refund=True)


async def _keep_ordered(connection: Connection, event: PaymentOrdered, sequence: int) -> None:
    await connection.execute(
        KEEP_ORDER,
        event.order_id,
        event.batch_id,
        event.cpts_id,
        sequence,
        event.amount_cents,
        event.account_id,
        event.account_version,
        event.payer_account_id,
        event.payer_account_version,
        event.ordered_on,
        event.execute_on,
    )
    await connection.execute(
        KEEP_LINES,
        event.cpts_id,
        event.order_id,
        [due.contract_year_starts_on for due in event.dues],
        [due.due_id for due in event.dues],
        [due.tranche for due in event.dues],
        [due.amount_cents for due in event.dues],
    )


async def _post(
    connection: Connection, one: Recorded[Any], day: date, *, is_refund: bool = False
) -> None:
    rows = await connection.fetch(
        """
        select starts_on, sum(amount_cents)::bigint as cents
        from payment_order_line where order_id = $1 group by starts_on
        """,
        one.event.order_id,
    )
    cents_of_years = {row["starts_on"]: row["cents"] for row in rows}
    lines = payment_postings(one.event.cpts_id, cents_of_years, is_refund=is_refund)
    await postings.add(
        connection,
        one,
        journal=JOURNAL,
        lines=[(account, starts_on, cents, day) for account, starts_on, cents in lines],
    )


async def open_dues(
    connection: Connection, day: date, cpts_ids: Collection[str] | None = None
) -> list[OpenDue]:
    """What may be paid on a day and is not ordered as it stands: neither held nor due later."""
    rows = await connection.fetch(
        OPEN, day, None if cpts_ids is None else list(cpts_ids), list(STANDING)
    )
    return [OpenDue(**row) for row in rows]


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


async def orders_of_batch(connection: Connection, batch_id: str) -> dict[str, Order]:
    """The orders of a batch as they stand, by id."""
    rows = await connection.fetch(
        """
        select order_id, batch_id, cpts_id, amount_cents, state
        from payment_order where batch_id = $1 order by cpts_id
        """,
        batch_id,
    )
    return {row["order_id"]: Order(**row) for row in rows}


async def shown_of_batch(
    connection: Connection, batch_id: str
) -> tuple[list[ShownOrder], list[ShownLine]]:
    """The orders of a batch with their lines, in order of their CPTS."""
    orders = await connection.fetch(
        "select * from payment_order where batch_id = $1 order by cpts_id", batch_id
    )
    return await _shown(connection, orders)


async def shown_of_cpts(
    connection: Connection, cpts_id: str
) -> tuple[list[ShownOrder], list[ShownLine]]:
    """The orders of a CPTS with their lines, oldest first."""
    orders = await connection.fetch(
        "select * from payment_order where cpts_id = $1 order by sequence", cpts_id
    )
    return await _shown(connection, orders)


async def _shown(
    connection: Connection, orders: Sequence[Any]
) -> tuple[list[ShownOrder], list[ShownLine]]:
    lines = await connection.fetch(
        """
        select line.order_id, line.cpts_id, line.starts_on, line.due_id, line.tranche,
               line.amount_cents, due.kind, due.mission
        from payment_order_line as line left join due using (cpts_id, starts_on, due_id)
        where line.order_id = any ($1) order by line.cpts_id, line.starts_on, line.due_id
        """,
        [row["order_id"] for row in orders],
    )
    names = ShownOrder.__struct_fields__
    return (
        [ShownOrder(**{name: row[name] for name in names}) for row in orders],
        [ShownLine(**row) for row in lines],
    )
