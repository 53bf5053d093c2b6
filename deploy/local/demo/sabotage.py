"""Falsifies a service's database in mid-run, to show that the comparison would see it.

It is done by SQL with the administrator's right, behind the services' backs: the product has no
switch for it. Each one makes a figure or a cent wrong at the end.
"""

import asyncio
from collections.abc import Awaitable, Callable

import asyncpg

from deploy.local.demo.chain import Chain
from deploy.local.demo.driver import Driver
from deploy.local.demo.sabotage_dues import (
    LOOK_EVERY_SECONDS,
    SABOTAGES_OF_DUES,
    UNGUARDED,
    once_there,
)
from deploy.local.demo.sabotage_funds import SABOTAGES_OF_FUNDS
from deploy.local.demo.sabotage_levels import SABOTAGES_OF_LEVELS
from deploy.local.demo.sabotage_life import SABOTAGES_OF_LIFE

AFTER_SHARE = 0.6
FINDS_WITHIN_SECONDS = 30
CAPPED_CPTS = "95-trois-forets"
UNCAPPED_CPTS = "95-haut-val"


class NothingToFalsifyError(Exception):
    """The season is over and a sabotage has found nothing of its kind; the message says which."""


# A referral that ended well and that some figure counts, with the figure that counts it. Nobody
# says anything of it any more: what is said again would put right what is spoilt.
_COUNTED = """
    select fact.fact_id, fact.cpts_id, fact.indicator, fact.starts_on
    from figure_fact as fact
    join referral on fact.fact_id = 'referral:' || referral.referral_id
    where fact.is_counted and referral.status = 'honoured' and fact.cpts_id = referral.cpts_id
      and referral.answered_on < (select max(answered_on) - 5 from referral)
    order by referral.answered_on desc, fact.fact_id limit 1
"""
_MORE = """
    update figure set value = value + $4
    where cpts_id = $1 and indicator = $2 and starts_on = $3
"""
_FORGET_FACT = "delete from figure_fact where fact_id = $1"
_FORGET_REFERRAL = "delete from referral where referral_id = substr($1, length('referral:') + 1)"
_SAME_AGAIN = """
    insert into figure_fact (cpts_id, indicator, starts_on, fact_id, revision, is_counted)
    select cpts_id, indicator, starts_on, fact_id || ':bis', revision, true
    from figure_fact where fact_id = $1 and is_counted
"""
_CANCELLED = """
    select fact.fact_id, fact.cpts_id, fact.indicator, fact.starts_on
    from figure_fact as fact
    join referral on fact.fact_id = 'referral:' || referral.referral_id
    where not fact.is_counted and referral.status = 'cancelled'
    order by referral.answered_on desc, fact.fact_id limit 1
"""
_STANDS_AGAIN = """
    update referral set status = 'booked'
    where referral_id = substr($1, length('referral:') + 1)
"""
_NEVER_UNCOUNTED = "delete from figure_fact where fact_id = $1 and not is_counted"
_NO_CAP = """
    update rate set amount_cents = amount_cents * 10
    where part = 'variable' and mission = 'acces_aux_soins'
"""
_DAY_LATE = "update member set from_on = from_on + 1 where member_id = 'm-novembre'"
_FEWER_PEOPLE = "update figure set value = value - 1 where indicator = 'prevention_participants'"
_HIGHER_IS_BETTER = """
    update contract_line set is_lower_better = false where is_lower_better and cpts_id = $1
"""
_UNDECIDED = """
    update attribution set outcome = 'unattributed', cpts_id = null, state = 'open'
    where appointment_id = 'hub-day-before' and state = 'decided'
"""
_OTHER_TAILLE = "update taille set taille = 4 where cpts_id = $1"


async def _fact(database: "asyncpg.Pool[asyncpg.Record]", query: str) -> asyncpg.Record:
    while (row := await database.fetchrow(query)) is None:
        await asyncio.sleep(LOOK_EVERY_SECONDS)
    return row


async def _drop_fact(chain: Chain) -> None:
    database = chain.databases["indicators"]
    fact = await _fact(database, _COUNTED)
    async with database.acquire() as connection, connection.transaction():
        await connection.execute(UNGUARDED)
        await connection.execute(_MORE, *fact[1:], -1)
        await connection.execute(_FORGET_FACT, fact["fact_id"])
        await connection.execute(_FORGET_REFERRAL, fact["fact_id"])


async def _count_fact_twice(chain: Chain) -> None:
    database = chain.databases["indicators"]
    fact = await _fact(database, _COUNTED)
    async with database.acquire() as connection, connection.transaction():
        await connection.execute(_MORE, *fact[1:], 1)
        await connection.execute(_SAME_AGAIN, fact["fact_id"])


async def _ignore_cancellation(chain: Chain) -> None:
    database = chain.databases["indicators"]
    fact = await _fact(database, _CANCELLED)
    async with database.acquire() as connection, connection.transaction():
        await connection.execute(UNGUARDED)
        await connection.execute(_MORE, *fact[1:], 1)
        await connection.execute(_STANDS_AGAIN, fact["fact_id"])
        await connection.execute(_NEVER_UNCOUNTED, fact["fact_id"])


async def _forget_cap(chain: Chain) -> None:
    await chain.databases["payments"].execute(_NO_CAP)


async def _make_member_late(chain: Chain) -> None:
    """As soon as indicators has heard of the member, and before the appointment of that day."""
    while await chain.databases["indicators"].execute(_DAY_LATE) == "UPDATE 0":
        await asyncio.sleep(LOOK_EVERY_SECONDS)


async def _change_taille(chain: Chain) -> None:
    await chain.databases["payments"].execute(_OTHER_TAILLE, CAPPED_CPTS)


async def _forget_activity(chain: Chain) -> None:
    """As soon as a day of prevention is counted; its figure is told once."""
    while await chain.databases["indicators"].execute(_FEWER_PEOPLE) == "UPDATE 0":
        await asyncio.sleep(LOOK_EVERY_SECONDS)


async def _lose_direction(chain: Chain) -> None:
    """As soon as the line whose lower values are better is known, of a CPTS that is not capped."""
    while await chain.databases["payments"].execute(_HIGHER_IS_BETTER, UNCAPPED_CPTS) == "UPDATE 0":
        await asyncio.sleep(LOOK_EVERY_SECONDS)


async def _ignore_decision(chain: Chain) -> None:
    """As soon as the caisse has said who counts an appointment: nobody does."""
    await once_there(chain, _UNDECIDED, service="indicators")


SABOTAGES: dict[str, Callable[[Chain], Awaitable[None]]] = {
    "fact-dropped": _drop_fact,
    "fact-twice": _count_fact_twice,
    "cap-forgotten": _forget_cap,
    "member-late": _make_member_late,
    "wrong-taille": _change_taille,
    "cancellation-ignored": _ignore_cancellation,
    "activity-forgotten": _forget_activity,
    "direction-lost": _lose_direction,
    "decision-ignored": _ignore_decision,
    **SABOTAGES_OF_DUES,
    **SABOTAGES_OF_FUNDS,
    **SABOTAGES_OF_LIFE,
    **SABOTAGES_OF_LEVELS,
}


def saboteur(name: str) -> Callable[[Chain, Driver], "asyncio.Task[None]"]:
    """What starts a sabotage beside a run, in its second half; KeyError for an unknown name.

    The task raises `NothingToFalsifyError` when what it looks for does not come in time.
    """
    act = SABOTAGES[name]

    async def meddle(chain: Chain, driver: Driver) -> None:
        await driver.passed(AFTER_SHARE)
        acting = asyncio.ensure_future(act(chain))
        try:
            # However slow the rate, all that can come has come soon after the last order.
            await driver.passed(1)
            await asyncio.wait_for(acting, FINDS_WITHIN_SECONDS)
        except TimeoutError:
            raise NothingToFalsifyError(
                f"{name}: the season holds nothing to falsify in this way; more --demands may"
            ) from None
        finally:
            acting.cancel()

    return lambda chain, driver: asyncio.create_task(meddle(chain, driver))
