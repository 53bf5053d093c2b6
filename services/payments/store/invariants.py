"""What must always hold of accounts and ledger, as the rows tell by themselves."""

from services.messaging.database import Connection
from services.payments.store import answers, ledger


async def invariants(connection: Connection) -> dict[str, bool]:
    """Each invariant by its name, and whether it holds.

    In a transaction that is repeatable, all are told of the same rows.
    """
    return await answers.invariants(connection) | await ledger.invariants(connection)


async def of_one_moment(connection: Connection) -> dict[str, bool]:
    """The same, of the rows of one moment."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        return await invariants(connection)
