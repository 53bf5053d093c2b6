"""What the statement of a contract year shows beside its pricing: identity, sums, transfers."""

from datetime import date

from services.messaging.database import Connection
from services.payments.domain.statement import StatedDue, StatedTransfer, StatedYear


async def stated_year(connection: Connection, cpts_id: str, starts_on: date) -> StatedYear | None:
    """Whose year it is; None when nothing is known of it."""
    row = await connection.fetchrow(
        """
        select key.cpts_id, cpts.cpts_name, key.starts_on, contract_year.ends_on, taille.taille,
               taille.population,
               coalesce(cpts.departement, account.departement, '') as departement
        from (values ($1::text, $2::date)) as key (cpts_id, starts_on)
        left join cpts using (cpts_id)
        left join contract_year using (cpts_id, starts_on)
        left join account using (cpts_id, starts_on)
        left join taille using (cpts_id, starts_on)
        where contract_year.cpts_id is not null or account.cpts_id is not null
        """,
        cpts_id,
        starts_on,
    )
    return StatedYear(**row) if row else None


async def stated_dues(connection: Connection, cpts_id: str, starts_on: date) -> list[StatedDue]:
    """The due sums of a year with what was paid and what is under way of each.

    A sum is verified when it rests on rates that are, all of them known.
    """
    rows = await connection.fetch(
        """
        select kind, mission, amount_cents, due_on, is_held, explanation,
               cardinality(rate_ids) > 0 and cardinality(rate_ids) = (
                   select count(*) from rate where rate_id = any (rate_ids) and is_verified
               ) as is_verified,
               coalesce((
                   select sum(line.amount_cents) from payment_order_line as line
                   join payment_order using (order_id)
                   where (line.cpts_id, line.starts_on, line.due_id)
                       = (due.cpts_id, due.starts_on, due.due_id) and state = 'executed'
               ), 0)::bigint as paid_cents,
               coalesce((
                   select sum(line.amount_cents) from payment_order_line as line
                   join payment_order using (order_id)
                   where (line.cpts_id, line.starts_on, line.due_id)
                       = (due.cpts_id, due.starts_on, due.due_id) and state = 'ordered'
               ), 0)::bigint as ordered_cents
        from due where cpts_id = $1 and starts_on = $2 order by due_on, due_id
        """,
        cpts_id,
        starts_on,
    )
    return [StatedDue(**row) for row in rows]


async def stated_transfers(
    connection: Connection, cpts_id: str, starts_on: date
) -> list[StatedTransfer]:
    """What each order of payment holds, or held, of a year; oldest first."""
    rows = await connection.fetch(
        """
        select order_id, execute_on, state, sum(line.amount_cents)::bigint as amount_cents
        from payment_order join payment_order_line as line using (order_id, cpts_id)
        where cpts_id = $1 and line.starts_on = $2
        group by order_id, execute_on, state, payment_order.sequence
        order by payment_order.sequence
        """,
        cpts_id,
        starts_on,
    )
    return [StatedTransfer(**row) for row in rows]
