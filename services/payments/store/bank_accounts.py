"""Where bank accounts are kept: tables that no event fills, read by what pays."""

from collections.abc import Collection
from datetime import datetime

from services.messaging.database import Connection
from services.payments.domain.bank_accounts import BankAccount

SELECT_VERSIONS = """
    select account.owner, account.account_id, account.version, iban, holder, from_on, to_on,
           account.proposed_by, confirmed_by
    from bank_account as account
    left join bank_account_confirmation using (owner, account_id, version)
"""
VERSIONS = f"""
    {SELECT_VERSIONS}
    where account.owner = any ($1) and ($2::text is null or account.account_id = $2)
    order by account.owner, account.account_id, account.version
"""
VERSION_DIGITS = 7
# The key is what `cursor` writes.
KEY = f"account.account_id || '/' || lpad(account.version::text, {VERSION_DIGITS}, '0')"
VERSIONS_PAGE = f"""
    {SELECT_VERSIONS}
    where account.owner = $1 and {KEY} > $2 order by {KEY} limit $3
"""

LAST_NAMED = """
    select coalesce(max(version), 0) from (
        select account_version as version from payment_order
        where account_id = $2
          and $1 = case when rpps is null then 'cpts:' || cpts_id
                        else 'professional:' || cpts_id || ':' || rpps end
        union all
        select payer_account_version from payment_order
        where payer_account_id = $2 and payer = $1) as named
"""


async def versions(
    connection: Connection, owners: Collection[str], account_id: str | None = None
) -> list[BankAccount]:
    """Every version of the accounts of some owners, or of one account of theirs, oldest first."""
    rows = await connection.fetch(VERSIONS, list(owners), account_id)
    return [BankAccount(**row) for row in rows]


async def page_of_versions(
    connection: Connection, owner: str, *, after: str, limit: int
) -> list[BankAccount]:
    """Versions of an owner's accounts that come after the cursor of one, so many of them."""
    rows = await connection.fetch(VERSIONS_PAGE, owner, after, limit)
    return [BankAccount(**row) for row in rows]


def cursor(account: BankAccount) -> str:
    """Where a version stands among those of its owner's accounts."""
    return f"{account.account_id}/{account.version:0{VERSION_DIGITS}}"


async def last_named(connection: Connection, owner: str, account_id: str) -> int:
    """The greatest version of an account that an order of payment names, 0 without one."""
    return int(await connection.fetchval(LAST_NAMED, owner, account_id))


async def add(connection: Connection, account: BankAccount, at: datetime) -> None:
    """Keeps a proposed version."""
    await connection.execute(
        """
        insert into bank_account (owner, account_id, version, iban, holder, from_on, to_on,
                                  proposed_by, proposed_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        """,
        account.owner,
        account.account_id,
        account.version,
        account.iban,
        account.holder,
        account.from_on,
        account.to_on,
        account.proposed_by,
        at,
    )


async def add_confirmation(connection: Connection, account: BankAccount, at: datetime) -> None:
    """Keeps that a version was confirmed; the first confirmation stands."""
    await connection.execute(
        """
        insert into bank_account_confirmation (owner, account_id, version, proposed_by,
                                               confirmed_by, confirmed_at)
        values ($1, $2, $3, $4, $5, $6)
        on conflict do nothing
        """,
        account.owner,
        account.account_id,
        account.version,
        account.proposed_by,
        account.confirmed_by,
        at,
    )
