"""Which counting rule everything is counted by, and how far a recount by it has come."""

from services.messaging.database import Connection

BEGINNING = "appointments:"


async def lock(connection: Connection, digest: str, size: int) -> str | None:
    """Where the recount by this rule stands, locked for this transaction; None when it is done.

    A rule that is not the one kept begins anew, but not an earlier one, of which less was said: a
    process of the version before may still run.
    """
    await connection.execute(
        """
        insert into applied_rule as kept (id, digest, size, counted_up_to) values (1, $1, $2, $3)
        on conflict (id) do update
        set digest = excluded.digest, size = excluded.size, counted_up_to = excluded.counted_up_to
        where kept.digest <> excluded.digest and kept.size <= excluded.size
        """,
        digest,
        size,
        BEGINNING,
    )
    stands = await connection.fetchval(
        "select counted_up_to from applied_rule where digest = $1 for update", digest
    )
    return None if stands is None else str(stands)


async def reach(connection: Connection, up_to: str | None) -> None:
    """The recount has come so far; None: to its end."""
    await connection.execute("update applied_rule set counted_up_to = $1", up_to)
