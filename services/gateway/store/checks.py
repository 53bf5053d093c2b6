"""What the national directory says otherwise of agendas: asked when due, or when one changed."""

from typing import Any

import msgspec

from services.messaging.database import Connection, Pool

_ASKED = "concat_ws(' ', practitioner_rpps, structure_number, array_to_string(specialties, ','))"
DUE = f"""
    select agenda_id, practitioner_rpps, structure_number, specialties, {_ASKED} as asked
    from agenda left join agenda_check using (agenda_id)
    where not is_closed and (
        agenda_check.asked is distinct from {_ASKED} or due_at <= clock_timestamp()
    )
    order by due_at nulls first, agenda_id limit $1
"""  # noqa: S608 - constants
KEEP = """
    insert into agenda_check (agenda_id, asked, due_at, checked_at, warnings)
    values (
        $1, $2, clock_timestamp() + make_interval(secs => $3), clock_timestamp(), $4::text::jsonb
    )
    on conflict (agenda_id) do update
    set asked = excluded.asked, due_at = excluded.due_at, checked_at = excluded.checked_at,
        warnings = excluded.warnings
"""
DIFFERING = f"""
    select agenda_id, cpts_id, practitioner_rpps, checked_at, warnings::text as warnings
    from agenda_check join agenda using (agenda_id)
    where warnings <> '[]' and not is_closed and asked = {_ASKED}
      and ($1::text is null or cpts_id = $1) and agenda_id > $2
    order by agenda_id limit $3
"""  # noqa: S608


class DirectoryWarning(msgspec.Struct, frozen=True, kw_only=True):
    """A difference as membership tells it: what the agenda says, what the directory does."""

    reason: str
    label: str
    said: str
    in_directory: tuple[str, ...] = ()


class ToCheck(msgspec.Struct, frozen=True, kw_only=True):
    """An agenda to ask about."""

    agenda_id: str
    practitioner_rpps: str
    structure_number: str | None
    specialties: tuple[str, ...]
    asked: str


async def due(pool: Pool, limit: int) -> list[ToCheck]:
    """The next agendas to ask about."""
    rows = await pool.fetch(DUE, limit)
    return [ToCheck(**dict(row) | {"specialties": tuple(row["specialties"])}) for row in rows]


async def keep(
    pool: Pool, checked: ToCheck, warnings: tuple[DirectoryWarning, ...], again_seconds: int
) -> None:
    """Keep what was answered, until it is asked again."""
    told = msgspec.json.encode(warnings).decode()
    await pool.execute(KEEP, checked.agenda_id, checked.asked, again_seconds, told)


async def differing(
    connection: Connection, cpts_id: str | None, after: str, limit: int
) -> list[dict[str, Any]]:
    """The agendas of which the directory says something otherwise, by id."""
    rows = await connection.fetch(DIFFERING, cpts_id, after, limit)
    return [dict(row) | {"warnings": msgspec.json.decode(row["warnings"])} for row in rows]
