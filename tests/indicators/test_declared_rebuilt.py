"""What is declared, from the log alone; and an order that meets the ACI that it waits for."""

import asyncio
from datetime import date
from typing import Any

import pytest

from contracts.events.indicators import ActivityRecorded
from contracts.events.membership import AciSigned, ContractYear, CptsRegistered
from contracts.recorded import Cause
from services.indicators.app import RULE, SERVICE
from services.indicators.handlers.recording import Said, declare, lock_cpts
from services.indicators.store import invariants as stored
from services.messaging.database import open_pool
from services.messaging.replaying import rebuild
from services.messaging.unit import Desk, Unit
from tests.desks import has_stopped
from tests.indicators.hearing import HANDLERS, hear, invariants
from tests.indicators.ordering import FIRST, Office
from tests.indicators.story import told
from tests.indicators.test_declared_any_order import NOON
from tests.indicators.test_two_transactions import WithoutJoins

TABLES = {
    "figure": "cpts_id, indicator, starts_on",
    "figure_fact": "fact_id, cpts_id, indicator, starts_on, revision",
    "entry": "subject",
}


async def declare_of_everything(office: Office) -> str:
    """A CPTS with an entry of each kind, corrected and withdrawn ones among them."""
    cpts_id = await office.new_cpts()
    year = f"/cpts/{cpts_id}/contract-years/{FIRST.starts_on}"
    stage = {"kind": "stage", "held_on": "2025-06-10"}
    await office.done(f"/cpts/{cpts_id}/activities/a", stage)
    await office.done(f"/cpts/{cpts_id}/activities/a", stage | {"held_on": "2025-06-11"})
    await office.done(f"/cpts/{cpts_id}/activities/b", stage | {"is_withdrawn": True})
    await office.done(f"{year}/declarations/parcours_inclusions", {"value": 57})
    fixed = {"cpts_id": cpts_id, "contract_year_starts_on": FIRST.starts_on.isoformat()}
    rows = [fixed | {"indicator": "depistage_col", "value": 5500}]
    await office.done("/caisse-files", {"rows": rows}, "POST", "caisse")
    level = {"value": 1, "decided_on": "2026-05-01"}
    await office.done(f"{year}/figures/accompagnement_stages/validation", level, "POST", "caisse")
    crisis = {"departements": ["93"], "typology": "nrc", "from_on": "2026-01-10"}
    await office.done(f"/crises/of-{cpts_id}", crisis, "POST", "ars")
    response = {"professionals": ["810000000011"], "actions_count": 2}
    await office.done(f"/cpts/{cpts_id}/crises/of-{cpts_id}/response", response)
    five = ["agent_infectieux", "blesses", "malades", "nrc", "offre_de_soins"]
    plan = {"typologies": five, "written_on": "2025-06-01", "sent_to_ars_on": "2025-07-01"}
    plan |= {"updated_on": ["2025-09-01"]}
    await office.done(f"/cpts/{cpts_id}/crisis-plan", plan)
    return cpts_id


async def test_what_is_declared_is_the_same_built_anew_from_the_log(office: Office) -> None:
    cpts_id = await declare_of_everything(office)
    values = {
        "accompagnement_stages": 1,
        "parcours_inclusions": 57,
        "depistage_col": 5500,
        "crise_professionnels": 1,
        "crise_actions": 2,
        "crise_plan": 1,
        "crise_mise_a_jour": 1,
    }
    assert await office.values(cpts_id) == values
    await office.run.relayed()
    await rebuild(SERVICE, office.run.settings, "shadow")
    pool = await open_pool(office.run.settings, "shadow")
    try:
        for table, order in TABLES.items():
            every = f"select * from {table} order by {order}"
            assert await pool.fetch(every) == await office.run.pool.fetch(every), table
        async with pool.acquire() as connection:
            assert set((await stored.invariants(connection, RULE)).values()) == {True}
    finally:
        await pool.close()


async def test_the_invariant_finds_a_declared_fact_that_no_entry_gives(desk: Desk) -> None:
    assert await invariants(desk) == {True}
    await desk.pool.execute(
        "insert into figure_fact (cpts_id, indicator, starts_on, fact_id, revision, is_counted)"
        " values ('a', 'qualite_reunions', '2025-04-15', 'activity:a/x', 1, true)"
    )
    assert False in await invariants(desk)


ACTIVITY = ActivityRecorded(
    cpts_id="a",
    activity_id="x",
    kind="stage",
    mission="accompagnement",
    held_on=date(2025, 6, 10),
)
ACI = AciSigned(
    cpts_id="a",
    aci_id="aci",
    signed_on=date(2025, 4, 1),
    contract_years=(ContractYear(starts_on=FIRST.starts_on, ends_on=FIRST.ends_on),),
)


async def order(unit: Unit) -> None:
    departement = (await lock_cpts(unit, ["a"]))["a"]
    said = Said(subject="a/activities/x", departement=departement, event=ACTIVITY)
    await declare(RULE, unit, [said], ["a"], Cause(id="order:x", recorded_at=NOON))


async def sign(unit: Unit) -> None:
    await HANDLERS["membership"](unit, told([ACI], "a", "93", NOON, 1))


@pytest.mark.parametrize("is_reversed", [False, True], ids=["order-aci", "aci-order"])
@pytest.mark.parametrize("unit_class", [Unit, WithoutJoins])
async def test_an_order_and_the_aci_that_commit_at_once_see_each_other(
    desk: Desk, unit_class: type[Unit], *, is_reversed: bool
) -> None:
    cpts = CptsRegistered(cpts_id="a", cpts_name="a", seat_commune="93066")
    await hear(desk, "membership", told([cpts], "a", "93", NOON))
    one_does, other_does = (sign, order) if is_reversed else (order, sign)
    async with desk.pool.acquire() as one, desk.pool.acquire() as other:
        transaction = one.transaction()
        await transaction.start()
        await one_does(unit_class(one, desk))

        async def follow() -> None:
            async with other.transaction():
                await other_does(unit_class(other, desk))

        following = asyncio.create_task(follow())
        await has_stopped(desk, following, other.get_server_pid())
        await transaction.commit()
        await following
    rows: Any = await desk.pool.fetch("select value from figure where indicator like 'acc%'")
    is_right = [row["value"] for row in rows] == [1]
    assert is_right == (unit_class is Unit)
    assert (await invariants(desk) == {True}) == (unit_class is Unit)
