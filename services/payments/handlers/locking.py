"""The locks of payments, in one order: the tables of what is heard, the join rows of accounts,
those of dues.
"""

from collections.abc import Collection

from services.messaging.unit import Unit
from services.payments.domain.accounts import AccountKey
from services.payments.store import dues_inputs

JOIN_ACCOUNT = "account"
JOIN_DUES = "dues"


async def lock_accounts(unit: Unit, keys: Collection[AccountKey]) -> None:
    """Locks the join rows of accounts; whoever changes an input of one takes them first."""
    await unit.lock_joins(
        JOIN_ACCOUNT, {f"{cpts_id}/{starts_on.isoformat()}" for cpts_id, starts_on in keys}
    )


async def lock_dues(
    unit: Unit, cpts_ids: Collection[str], others: Collection[AccountKey] = ()
) -> None:
    """Locks all accounts of these CPTS and some others, then the dues of the CPTS."""
    accounts = await dues_inputs.accounts_of(unit.connection, cpts_ids) if cpts_ids else {}
    await lock_accounts(unit, [*accounts, *others])
    await unit.lock_joins(JOIN_DUES, cpts_ids)
