"""Falsifies what payments knows of missions, contract years, their lines, rates and settlements in
mid-run.

As in `sabotage`, by SQL behind the service's back. Payments then says what follows from it, and
ledger and invariants agree with what it says: only the comparison sees that it is wrong.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from deploy.local.demo.chain import Chain

LOOK_EVERY_SECONDS = 0.02
RUNNING_CPTS = "95-trois-forets"
ENDED_CPTS = "95-parisis-ouest"
SETTLED_CPTS = "95-plaine-vallee"
# As a hand with the administrator's right would: past the guards of the tables that only grow.
UNGUARDED = "set local session_replication_role = replica"

_LOOK_AGAIN = """
    insert into due_next values ($1, '2000-01-01')
    on conflict (cpts_id) do update set next_on = excluded.next_on
"""
_MISSION_AGAIN = """
    insert into mission
    select cpts_id, mission_id || '-bis', sequence, mission, started_on, ended_on, is_withdrawn
    from mission where cpts_id = $1 and mission = 'acces_aux_soins'
    on conflict do nothing
"""
_BALANCE = """
    delete from due where cpts_id = $1 and due_id = 'acces_aux_soins:fixe:balance'
    returning event_id
"""
_UNPOST = "delete from ledger_entry where posting_id = any ($1::uuid[])"
_RUNS_ON = """
    update contract_year set ends_on = (starts_on + interval '1 year')::date - 1
    where cpts_id = $1 and ends_on < starts_on + 360
"""
_CONFIRMED_BY_NOBODY = """
    insert into rate_confirmation
    select rate_id, 0, amount_cents, text, from_on, 'personne', now() from rate
    where part = 'fixe' and taille = 1
    on conflict do nothing
"""
_BY_ESTIMATE = """
    with estimated as (
        select cpts_id, starts_on, to_jsonb(estimate.variable_cents) as cents
        from estimate join settlement using (cpts_id, starts_on)
        where cpts_id = $1 and reason <> 'dialogue'
        order by sequence desc limit 1
    ), told as (
        update account set variable_cents = cents::bigint from estimated
        where (account.cpts_id, account.starts_on) = (estimated.cpts_id, estimated.starts_on)
    )
    update settlement set event = jsonb_set(event, '{variable_cents}', cents) from estimated
    where (settlement.cpts_id, settlement.starts_on) = (estimated.cpts_id, estimated.starts_on)
"""
_LINE_LOST = """
    delete from contract_line
    where cpts_id = $1 and line_id = 'groupes' and starts_on = '2025-09-15'
"""
_FORGET_ADJUSTMENT = "delete from adjustment where cpts_id = $1"


async def once_there(chain: Chain, query: str, *arguments: Any, service: str = "payments") -> None:
    """Repeat a query of a service until it finds something to change."""
    while True:
        async with (
            chain.databases[service].acquire() as connection,
            connection.transaction(),
        ):
            await connection.execute(UNGUARDED)
            done = await connection.execute(query, *arguments)
        if not done.endswith(" 0"):
            return
        await asyncio.sleep(LOOK_EVERY_SECONDS)


async def _look_again(chain: Chain, cpts_id: str) -> None:
    """Have payments say what is due to a CPTS by what it believes now."""
    await chain.databases["payments"].execute(_LOOK_AGAIN, cpts_id)


async def _pay_advance_twice(chain: Chain) -> None:
    await once_there(chain, _MISSION_AGAIN, RUNNING_CPTS)
    await _look_again(chain, RUNNING_CPTS)


async def _lose_balance(chain: Chain) -> None:
    """As soon as it has fallen due; nothing makes payments look at that CPTS again."""
    while True:
        async with (
            chain.databases["payments"].acquire() as connection,
            connection.transaction(),
        ):
            await connection.execute(UNGUARDED)
            lost = await connection.fetch(_BALANCE, RUNNING_CPTS)
            await connection.execute(_UNPOST, [row["event_id"] for row in lost])
        if lost:
            return
        await asyncio.sleep(LOOK_EVERY_SECONDS)


async def _forgive_recovery(chain: Chain) -> None:
    """As soon as an ACI has ended early: the year runs on to its anniversary."""
    await once_there(chain, _RUNS_ON, ENDED_CPTS)
    await _look_again(chain, ENDED_CPTS)


async def _lift_hold(chain: Chain) -> None:
    await once_there(chain, _CONFIRMED_BY_NOBODY)
    await _look_again(chain, RUNNING_CPTS)


async def _settle_by_estimate(chain: Chain) -> None:
    """As soon as a year is settled: at what was estimated before its values were validated."""
    await once_there(chain, _BY_ESTIMATE, SETTLED_CPTS)
    await _look_again(chain, SETTLED_CPTS)


async def _forget_adjustment(chain: Chain) -> None:
    await once_there(chain, _FORGET_ADJUSTMENT, SETTLED_CPTS)
    await _look_again(chain, SETTLED_CPTS)


async def _lose_line(chain: Chain) -> None:
    """As soon as the lines of a year have come from a file: one of them did not."""
    await once_there(chain, _LINE_LOST, SETTLED_CPTS)


SABOTAGES_OF_DUES: dict[str, Callable[[Chain], Awaitable[None]]] = {
    "advance-twice": _pay_advance_twice,
    "balance-lost": _lose_balance,
    "recovery-forgiven": _forgive_recovery,
    "hold-lifted": _lift_hold,
    "settled-by-estimate": _settle_by_estimate,
    "adjustment-forgotten": _forget_adjustment,
    "line-of-a-file-lost": _lose_line,
}
