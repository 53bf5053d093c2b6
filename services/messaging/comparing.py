"""Whether the state built anew from the log is the live one: every row of every table, both ways.

What differs shows a row that something else than the events wrote, or an event that was applied
otherwise then than now. To be read while nothing is being said: a row that came after the rebuild
began is a difference too.
"""

import msgspec

from services.messaging.database import Connection, connect
from services.messaging.declared import Service
from services.messaging.settings import Settings

OWN_TABLES = (
    *("stored_offset", "outbox", "relay_lease", "dead_letter", "join_row", "order_answer"),
    *("restore", "dead_letter_replay"),
)
TABLES = """
    select table_name,
           string_agg(quote_ident(column_name), ', ' order by ordinal_position) as columns
    from information_schema.tables join information_schema.columns using (table_schema, table_name)
    where table_schema = $1 and table_type = 'BASE TABLE' and table_name !~ 'yoyo'
      and table_name <> all ($2) and table_name || '.' || column_name <> all ($2)
    group by table_name order by table_name
"""
# Rows are compared as text: types without an equality, such as json, compare too.
COUNTS = """
    with live as (select row({columns})::text as row from public.{table}),
         rebuilt as (select row({columns})::text as row from "{schema}".{table})
    select (select count(*) from live) as live,
           (select count(*) from rebuilt) as rebuilt,
           (select count(*) from (select row from live except all select row from rebuilt) as one)
               as only_live,
           (select count(*) from (select row from rebuilt except all select row from live) as one)
               as only_rebuilt
"""


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """A table, the rows it has live and rebuilt, and those that only one of them has."""

    table: str
    live: int
    rebuilt: int
    only_live: int
    only_rebuilt: int

    @property
    def is_equal(self) -> bool:
        """Whether both have the same rows."""
        return not self.only_live and not self.only_rebuilt


async def compare(service: Service, settings: Settings, schema: str) -> list[Compared]:
    """Each table of the service that its log gives, live and in the schema it was rebuilt in."""
    connection = await connect(settings)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            left_out = [*OWN_TABLES, *service.outside_log]
            tables = await connection.fetch(TABLES, "public", left_out)
            return [await _compare(connection, schema, *row) for row in tables]
    finally:
        await connection.close()


async def drop(settings: Settings, schema: str) -> None:
    """Drop a schema that a rebuild was made in."""
    connection = await connect(settings)
    try:
        await connection.execute(f'drop schema "{schema}" cascade')
    finally:
        await connection.close()


async def _compare(connection: Connection, schema: str, table: str, columns: str) -> Compared:
    row = await connection.fetchrow(COUNTS.format(table=table, columns=columns, schema=schema))
    return Compared(table=table, **dict(row or {}))
