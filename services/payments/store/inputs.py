"""What payments knows from others, and all that pricing reads."""

from collections.abc import Collection, Sequence
from datetime import date
from typing import Any

import msgspec

from contracts.events.indicators import FigureChanged
from contracts.events.membership import AciSigned, CptsRegistered, TailleDetermined
from contracts.events.payments import YearSettled
from contracts.recorded import Recorded
from services.messaging.database import Connection
from services.payments.domain.accounts import Account, AccountKey, Figure
from services.payments.domain.levels import LevelSaid, standing_levels
from services.payments.domain.lines import Line
from services.payments.domain.scale import RATES_SUBJECT, TAILLES, VARIABLE_PART, Rate
from services.payments.store.part_years import load_parts_run


async def put_cpts(connection: Connection, heard: Sequence[Recorded[CptsRegistered]]) -> None:
    """Keeps each CPTS with its key and its name."""
    await connection.execute(
        """
        insert into cpts (cpts_id, departement, cpts_name)
        select distinct on (cpts_id) cpts_id, departement, cpts_name
        from unnest($1::text[], $2::text[], $3::text[]) as new (cpts_id, departement, cpts_name)
        on conflict do nothing
        """,
        [one.event.cpts_id for one in heard],
        [one.departement for one in heard],
        [one.event.cpts_name for one in heard],
    )


async def put_contract_years(
    connection: Connection, heard: Sequence[Recorded[AciSigned]]
) -> dict[AccountKey, Recorded[AciSigned]]:
    """Keeps each ACI's years as its highest sequence gives them; answers those that are new, have
    another end, or are no more, each with the event that made it so.
    """
    latest = {(one.event.cpts_id, one.event.aci_id): one for one in sorted(heard, key=_sequence)}
    rows = await connection.fetch(
        """
        insert into aci as kept (cpts_id, aci_id, sequence, signed_on)
        select * from unnest($1::text[], $2::text[], $3::bigint[], $4::date[])
        on conflict (cpts_id, aci_id) do update
        set sequence = excluded.sequence, signed_on = excluded.signed_on
        where kept.sequence < excluded.sequence
           or (kept.sequence = excluded.sequence and kept.signed_on is null)
        returning cpts_id, aci_id
        """,
        [cpts_id for cpts_id, _ in latest],
        [aci_id for _, aci_id in latest],
        [one.sequence for one in latest.values()],
        [one.event.signed_on for one in latest.values()],
    )
    fresh = [latest[row["cpts_id"], row["aci_id"]] for row in rows]
    years = [
        (one, year)
        for one in fresh
        if not one.event.is_withdrawn
        for year in one.event.contract_years
    ]
    columns = (
        [one.event.cpts_id for one, _ in years],
        [year.starts_on for _, year in years],
        [one.event.aci_id for one, _ in years],
    )
    gone = await connection.fetch(
        """
        delete from contract_year as kept
        using unnest($4::text[], $5::text[]) as fresh (cpts_id, aci_id)
        where kept.cpts_id = fresh.cpts_id and kept.aci_id = fresh.aci_id
          and not exists (
              select from unnest($1::text[], $2::date[], $3::text[])
                  as new (cpts_id, starts_on, aci_id)
              where (new.cpts_id, new.starts_on) = (kept.cpts_id, kept.starts_on))
        returning kept.cpts_id, kept.starts_on, kept.aci_id
        """,
        *columns,
        [one.event.cpts_id for one in fresh],
        [one.event.aci_id for one in fresh],
    )
    put = await connection.fetch(
        """
        insert into contract_year as kept (cpts_id, starts_on, aci_id, ends_on, sequence)
        select distinct on (cpts_id, starts_on) *
        from unnest($1::text[], $2::date[], $3::text[], $4::date[], $5::bigint[])
            as new (cpts_id, starts_on, aci_id, ends_on, sequence)
        order by cpts_id, starts_on, sequence desc
        on conflict (cpts_id, starts_on) do update
        set aci_id = excluded.aci_id, ends_on = excluded.ends_on, sequence = excluded.sequence
        where kept.sequence < excluded.sequence
        returning cpts_id, starts_on, aci_id
        """,
        *columns,
        [year.ends_on for _, year in years],
        [one.sequence for one, _ in years],
    )
    return {
        (row["cpts_id"], row["starts_on"]): latest[row["cpts_id"], row["aci_id"]]
        for row in (*gone, *put)
    }


def _sequence(one: Recorded[Any]) -> int:
    return one.sequence


async def put_tailles(
    connection: Connection, heard: Sequence[Recorded[TailleDetermined]]
) -> dict[AccountKey, Recorded[TailleDetermined]]:
    """Keeps the taille with the highest sequence; answers the years whose taille is another, each
    with the event that made it so.
    """
    rows = await connection.fetch(
        """
        insert into taille as kept (cpts_id, starts_on, sequence, taille, population)
        select distinct on (cpts_id, starts_on) cpts_id, starts_on, sequence, taille, population
        from unnest($1::text[], $2::date[], $3::bigint[], $4::smallint[], $5::bigint[])
            as new (cpts_id, starts_on, sequence, taille, population)
        order by cpts_id, starts_on, sequence desc
        on conflict (cpts_id, starts_on) do update
        set sequence = excluded.sequence, taille = excluded.taille,
            population = excluded.population
        where kept.sequence < excluded.sequence
        returning cpts_id, starts_on
        """,
        [one.event.cpts_id for one in heard],
        [one.event.contract_year_starts_on for one in heard],
        [one.sequence for one in heard],
        [one.event.taille for one in heard],
        [one.event.population for one in heard],
    )
    latest = {
        (one.event.cpts_id, one.event.contract_year_starts_on): one
        for one in sorted(heard, key=_sequence)
    }
    return {key: latest[key] for row in rows if (key := (row["cpts_id"], row["starts_on"]))}


async def put_figures(connection: Connection, heard: Sequence[Recorded[FigureChanged]]) -> None:
    """Keeps the highest revision of each figure, and what each revision says of its facts."""
    changes = [(one.event, change) for one in heard for change in one.event.facts]
    await connection.execute(
        _PUT_FIGURES,
        [event.cpts_id for event, _ in changes],
        [event.contract_year_starts_on for event, _ in changes],
        [event.indicator for event, _ in changes],
        [change.fact_id for _, change in changes],
        [event.revision for event, _ in changes],
        [change.is_counted for _, change in changes],
        [one.event.cpts_id for one in heard],
        [one.event.indicator for one in heard],
        [one.event.contract_year_starts_on for one in heard],
        [one.event.value for one in heard],
        [one.event.revision for one in heard],
    )


_PUT_FIGURES = """
    with facts as (
        insert into figure_fact (cpts_id, starts_on, indicator, fact_id, revision, is_counted)
        select * from unnest($1::text[], $2::date[], $3::text[], $4::text[], $5::bigint[],
                             $6::boolean[])
        on conflict do nothing
    )
    insert into figure as kept (cpts_id, indicator, starts_on, value, revision)
    select distinct on (cpts_id, starts_on, indicator)
           cpts_id, indicator, starts_on, value, revision
    from unnest($7::text[], $8::text[], $9::date[], $10::bigint[], $11::bigint[])
        as new (cpts_id, indicator, starts_on, value, revision)
    order by cpts_id, starts_on, indicator, revision desc
    on conflict (cpts_id, starts_on, indicator) do update
    set value = excluded.value, revision = excluded.revision
    where kept.revision < excluded.revision
"""


async def departement_of_cpts(connection: Connection, cpts_id: str) -> str | None:
    """The key of a CPTS, None while it is unknown here."""
    return (await departements_of(connection, [cpts_id])).get(cpts_id)


async def departements_of(connection: Connection, cpts_ids: Collection[str]) -> dict[str, str]:
    """The key of each CPTS that is known here."""
    rows = await connection.fetch(
        "select cpts_id, departement from cpts where cpts_id = any ($1)", list(cpts_ids)
    )
    return {row["cpts_id"]: row["departement"] for row in rows}


async def load_accounts(
    connection: Connection, departements: dict[AccountKey, str]
) -> list[Account]:
    """The accounts with all that pricing reads; `departements` gives the key of new ones."""
    keys = sorted(departements)
    parts_run = await load_parts_run(connection, keys)
    rows = await connection.fetch(
        _LOAD_ACCOUNTS, [cpts_id for cpts_id, _ in keys], [starts_on for _, starts_on in keys]
    )
    return [
        Account(
            cpts_id=row["cpts_id"],
            starts_on=row["starts_on"],
            departement=row["departement"] or departements[row["cpts_id"], row["starts_on"]],
            sequence=row["sequence"],
            variable_cents=row["variable_cents"],
            is_contract_year=row["is_contract_year"],
            taille=row["taille"],
            lines=_LINES.decode(row["lines"]),
            figures=_FIGURES.decode(row["figures"]),
            levels=standing_levels(_SAID.decode(row["said"])),
            parts_run=parts_run.get((row["cpts_id"], row["starts_on"])),
            settled=_SETTLED.decode(row["settled"]) if row["settled"] else None,
        )
        for row in rows
    ]


_LINES = msgspec.json.Decoder(tuple[Line, ...])
_FIGURES = msgspec.json.Decoder(dict[str, Figure])
_SAID = msgspec.json.Decoder(tuple[LevelSaid, ...])
_SETTLED = msgspec.json.Decoder(YearSettled)
_LOAD_ACCOUNTS = """
    select key.cpts_id, key.starts_on, account.departement,
           coalesce(account.sequence, 0) as sequence,
           coalesce(account.variable_cents, 0) as variable_cents,
           contract_year.cpts_id is not null as is_contract_year,
           case when contract_year.cpts_id is not null then taille.taille end as taille,
           (
               select coalesce(json_agg(json_build_object(
                   'mission', mission, 'indicator', indicator, 'mode', mode,
                   'max_cents', max_cents, 'target', target, 'steps', steps,
                   'line_id', line_id, 'line_label', line_label, 'baseline', baseline,
                   'is_lower_better', is_lower_better, 'documents', documents,
                   'carried_over_from_on', carried_over_from_on)), '[]')
               from contract_line
               where (cpts_id, starts_on) = (key.cpts_id, key.starts_on) and not is_withdrawn
           ) as lines,
           (
               select coalesce(json_object_agg(indicator, json_build_object(
                   'value', value, 'revision', revision)), '{}')
               from figure where (cpts_id, starts_on) = (key.cpts_id, key.starts_on)
           ) as figures,
           (
               select coalesce(json_agg(json_build_object(
                   'indicator', indicator, 'level', level, 'value', value, 'said_at', said_at,
                   'revision', revision, 'validated_revision', validated_revision,
                   'answer', answer)), '[]')
               from (
                   select indicator, 'dialogue' as level, validated_value as value, said_at,
                          0 as revision, null::bigint as validated_revision,
                          null::text as answer
                   from dialogue_line
                   where (cpts_id, starts_on) = (key.cpts_id, key.starts_on)
                   union all
                   (
                       select distinct on (indicator, level) indicator, level, value, said_at,
                              revision, validated_revision, answer
                       from figure_level
                       where (cpts_id, starts_on) = (key.cpts_id, key.starts_on)
                       order by indicator, level, revision desc
                   )
               ) as said
           ) as said,
           (
               select event::text from settlement
               where (cpts_id, starts_on) = (key.cpts_id, key.starts_on)
           ) as settled
    from unnest($1::text[], $2::date[]) as key (cpts_id, starts_on)
    left join account using (cpts_id, starts_on)
    left join contract_year using (cpts_id, starts_on)
    left join taille using (cpts_id, starts_on)
"""


async def accounts_after(connection: Connection, subject: str, limit: int) -> dict[AccountKey, str]:
    """The next accounts in order of their subject, with their département."""
    rows = await connection.fetch(
        """
        select cpts_id, starts_on, departement from account
        where cpts_id || '/' || starts_on > $1 order by cpts_id || '/' || starts_on limit $2
        """,
        subject,
        limit,
    )
    return {(row["cpts_id"], row["starts_on"]): row["departement"] for row in rows}


async def load_variable_rates(
    connection: Connection, tailles: Collection[int] = TAILLES
) -> list[Rate]:
    """The scale of variable parts for these tailles, past values included."""
    rows = await connection.fetch(
        "select * from rate where part = $1 and taille = any ($2)", VARIABLE_PART, list(tailles)
    )
    return [Rate(**row) for row in rows]


async def find_rate(connection: Connection, rate_id: str) -> Rate | None:
    """A rate by its id, None when unknown."""
    row = await connection.fetchrow("select * from rate where rate_id = $1", rate_id)
    return Rate(**row) if row else None


async def last_rate_sequence(connection: Connection) -> int:
    """The sequence of the scale's last event, 0 before the first."""
    value = await connection.fetchval(
        "select coalesce(max(sequence), 0) from history where subject = $1", RATES_SUBJECT
    )
    return int(value or 0)


async def known_rates(connection: Connection, rate_ids: Sequence[str]) -> dict[str, Rate]:
    """Those of these rates that are published, by id."""
    rows = await connection.fetch("select * from rate where rate_id = any($1)", rate_ids)
    return {row["rate_id"]: Rate(**row) for row in rows}


async def hold_tailles(connection: Connection) -> None:
    """Waits for transactions that bring a taille, a contract year or a mission, and lets no new one
    through.

    Without it a taille that commits while a rate is being published would be priced without it.
    """
    await connection.execute("lock table taille, contract_year, mission in share mode")


async def accounts_of_taille(
    connection: Connection, taille: int, from_on: date, to_on: date | None
) -> dict[AccountKey, str]:
    """The accounts of a taille whose contract year begins in a period, with their key.

    Of a CPTS whose registration is still to come, the account that its taille opened has the key.
    """
    rows = await connection.fetch(
        """
        select taille.cpts_id, taille.starts_on,
               coalesce(account.departement, cpts.departement) as departement
        from taille
        left join account using (cpts_id, starts_on)
        left join cpts using (cpts_id)
        where taille.taille = $1 and taille.starts_on >= $2
          and ($3::date is null or taille.starts_on <= $3)
          and coalesce(account.departement, cpts.departement) is not null
        """,
        taille,
        from_on,
        to_on,
    )
    return {(row["cpts_id"], row["starts_on"]): row["departement"] for row in rows}
