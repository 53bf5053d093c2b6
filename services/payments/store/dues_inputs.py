"""What dues rest on: the ACI, tailles and missions of CPTS, and the day of the next sum."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date

from contracts.events.indicators import CrisisRecognised
from contracts.events.membership import LettreIntentionRecorded, MissionRecorded
from contracts.recorded import Recorded
from services.messaging.database import Connection
from services.payments.domain.accounts import AccountKey
from services.payments.domain.dues import Aci, Crisis, Funded, Mission, years_of
from services.payments.domain.scale import Rate
from services.payments.store.confirmations import confirmed_rates
from services.payments.store.settlement import settlements_of

KEEP_MISSIONS = """
    insert into mission as kept (cpts_id, mission_id, sequence, mission, started_on, ended_on,
                                 is_withdrawn)
    select distinct on (cpts_id, mission_id) *
    from unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::date[], $6::date[],
                $7::boolean[])
        as new (cpts_id, mission_id, sequence, mission, started_on, ended_on, is_withdrawn)
    order by cpts_id, mission_id, sequence desc
    on conflict (cpts_id, mission_id) do update
    set sequence = excluded.sequence, mission = excluded.mission,
        started_on = excluded.started_on, ended_on = excluded.ended_on,
        is_withdrawn = excluded.is_withdrawn
    where kept.sequence < excluded.sequence
"""
ACIS = """
    select cpts_id, aci_id, signed_on, array_agg(starts_on order by starts_on) as firsts,
           array_agg(ends_on order by starts_on) as lasts
    from contract_year left join aci using (cpts_id, aci_id)
    where cpts_id = any ($1) group by cpts_id, aci_id, signed_on order by cpts_id, aci_id
"""
TAILLES = "select cpts_id, starts_on, taille from taille where cpts_id = any ($1)"
MISSIONS = """
    select cpts_id, mission_id, mission, started_on, ended_on from mission
    where cpts_id = any ($1) and not is_withdrawn order by cpts_id, mission_id
"""
KEEP_LETTRE = """
    insert into lettre_intention as kept values ($1, $2, $3, $4, $5)
    on conflict (cpts_id, lettre_id) do update
    set sequence = excluded.sequence, validated_on = excluded.validated_on,
        is_withdrawn = excluded.is_withdrawn
    where kept.sequence < excluded.sequence
"""
LETTRES = """
    select cpts_id, min(validated_on) as validated_on from lettre_intention
    where cpts_id = any ($1) and not is_withdrawn group by cpts_id
"""
KEEP_CRISIS = """
    insert into crisis as kept values ($1, $2, $3, $4, $5)
    on conflict (crisis_id) do update
    set sequence = excluded.sequence, departements = excluded.departements,
        from_on = excluded.from_on, is_withdrawn = excluded.is_withdrawn
    where kept.sequence < excluded.sequence
"""
CRISES = """
    select cpts_id, crisis_id, from_on from crisis
    join cpts on cpts.departement = any (crisis.departements)
    where cpts_id = any ($1) and not is_withdrawn order by cpts_id, from_on, crisis_id
"""
CPTS_OF_CRISES = """
    select cpts_id from due where kind = 'crise_reconnue' and amount_cents <> 0
    union
    select cpts_id from crisis join cpts on cpts.departement = any (crisis.departements)
    where crisis_id = any ($1)
"""
ACCOUNTS = """
    select key.cpts_id, key.starts_on,
           coalesce(account.departement, cpts.departement) as departement,
           coalesce(account.sequence, 0) as sequence
    from (select cpts_id, starts_on from contract_year where cpts_id = any ($1)
          union select cpts_id, starts_on from account where cpts_id = any ($1)) as key
    left join account using (cpts_id, starts_on)
    left join cpts on cpts.cpts_id = key.cpts_id
"""
PUT_NEXT = """
    insert into due_next (cpts_id, next_on) select * from unnest($1::text[], $2::date[])
    on conflict (cpts_id) do update set next_on = excluded.next_on
"""
FALLING_DUE = """
    select cpts_id from due_next where next_on <= $1 order by next_on, cpts_id limit $2 offset $3
"""


async def put_missions(connection: Connection, heard: Sequence[Recorded[MissionRecorded]]) -> None:
    """Keeps the highest sequence of each mission."""
    await connection.execute(
        KEEP_MISSIONS,
        [one.event.cpts_id for one in heard],
        [one.event.mission_id for one in heard],
        [one.sequence for one in heard],
        [one.event.mission for one in heard],
        [one.event.started_on for one in heard],
        [one.event.ended_on for one in heard],
        [one.event.is_withdrawn for one in heard],
    )


async def put_lettres(
    connection: Connection, heard: Sequence[Recorded[LettreIntentionRecorded]]
) -> None:
    """Keeps the highest sequence of each lettre d'intention."""
    rows = [
        (
            one.event.cpts_id,
            one.event.lettre_id,
            one.sequence,
            one.event.validated_on,
            one.event.is_withdrawn,
        )
        for one in heard
    ]
    await connection.executemany(KEEP_LETTRE, rows)


async def put_crises(connection: Connection, heard: Sequence[Recorded[CrisisRecognised]]) -> None:
    """Keeps the highest sequence of each crisis."""
    await connection.executemany(
        KEEP_CRISIS,
        [
            (
                one.event.crisis_id,
                one.sequence,
                list(one.event.departements),
                one.event.from_on,
                one.event.is_withdrawn,
            )
            for one in heard
        ],
    )


async def hold_cpts(connection: Connection) -> None:
    """Waits for transactions that bring a CPTS, and lets no new one through.

    Without it a CPTS that commits while a crisis is being heard would not hear of it.
    """
    await connection.execute("lock table cpts in share mode")


async def cpts_of_crises(connection: Connection, crisis_ids: Collection[str]) -> list[str]:
    """The CPTS to which a sum of a crisis is due, and those of its départements as they are now."""
    rows = await connection.fetch(CPTS_OF_CRISES, list(crisis_ids))
    return [row["cpts_id"] for row in rows]


async def load_funded(connection: Connection, cpts_ids: Collection[str]) -> list[Funded]:
    """All that the dues of these CPTS rest on, but for the scale."""
    ids = sorted(cpts_ids)
    confirmed = await confirmed_rates(connection)
    acis: dict[str, list[Aci]] = {cpts_id: [] for cpts_id in ids}
    for row in await connection.fetch(ACIS, ids):
        years = tuple(zip(row["firsts"], row["lasts"], strict=True))
        aci = Aci(aci_id=row["aci_id"], signed_on=row["signed_on"], years=years)
        acis[row["cpts_id"]].append(aci)
    tailles: dict[str, dict[date, int]] = {cpts_id: {} for cpts_id in ids}
    for row in await connection.fetch(TAILLES, ids):
        tailles[row["cpts_id"]][row["starts_on"]] = row["taille"]
    missions: dict[str, list[Mission]] = {cpts_id: [] for cpts_id in ids}
    for row in await connection.fetch(MISSIONS, ids):
        values = {name: row[name] for name in Mission.__struct_fields__}
        missions[row["cpts_id"]].append(Mission(**values))
    crises: dict[str, list[Crisis]] = {cpts_id: [] for cpts_id in ids}
    for row in await connection.fetch(CRISES, ids):
        crisis = Crisis(crisis_id=row["crisis_id"], from_on=row["from_on"])
        crises[row["cpts_id"]].append(crisis)
    lettres = {row["cpts_id"]: row["validated_on"] for row in await connection.fetch(LETTRES, ids)}
    settled, adjusted = await settlements_of(connection, ids)
    return [
        Funded(
            cpts_id=cpts_id,
            years=years_of(acis[cpts_id], tailles[cpts_id]),
            missions=tuple(missions[cpts_id]),
            crises=tuple(crises[cpts_id]),
            lettre_validated_on=lettres.get(cpts_id),
            confirmed=confirmed,
            settled=tuple(one for one in settled if one.cpts_id == cpts_id),
            adjusted=tuple(one for one in adjusted if one.cpts_id == cpts_id),
        )
        for cpts_id in ids
    ]


async def load_rates_of_dues(connection: Connection) -> list[Rate]:
    """The whole scale, past values included."""
    rows = await connection.fetch("select * from rate")
    return [Rate(**row) for row in rows]


async def accounts_of(
    connection: Connection, cpts_ids: Collection[str]
) -> dict[AccountKey, tuple[str | None, int]]:
    """The accounts of these CPTS, each with its key (None: unknown) and its last sequence."""
    rows = await connection.fetch(ACCOUNTS, sorted(cpts_ids))
    return {
        (row["cpts_id"], row["starts_on"]): (row["departement"], row["sequence"]) for row in rows
    }


async def put_next(connection: Connection, next_on: Mapping[str, date | None]) -> None:
    """Keeps the day of each CPTS's next sum; None: nothing is to come."""
    coming = {cpts_id: day for cpts_id, day in next_on.items() if day is not None}
    over = [cpts_id for cpts_id, day in next_on.items() if day is None]
    await connection.execute("delete from due_next where cpts_id = any ($1)", over)
    await connection.execute(PUT_NEXT, list(coming), list(coming.values()))


async def falling_due(connection: Connection, today: date, limit: int, skip: int) -> list[str]:
    """The CPTS to which something falls due by a day, the longest due first."""
    rows = await connection.fetch(FALLING_DUE, today, limit, skip)
    return [row["cpts_id"] for row in rows]


async def cpts_of_tailles(connection: Connection, tailles: Collection[int]) -> list[str]:
    """The CPTS that have, or had, a contract year of one of these tailles."""
    rows = await connection.fetch(
        "select distinct cpts_id from taille where taille = any ($1)", list(tailles)
    )
    return [row["cpts_id"] for row in rows]


async def cpts_after(connection: Connection, cpts_id: str, limit: int) -> list[str]:
    """The next CPTS that have contract years or dues, in order of their id."""
    rows = await connection.fetch(
        """
        select cpts_id from contract_year where cpts_id > $1
        union select cpts_id from due where cpts_id > $1
        order by cpts_id limit $2
        """,
        cpts_id,
        limit,
    )
    return [row["cpts_id"] for row in rows]
