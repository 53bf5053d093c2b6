"""Each service rebuilt from the log into a shadow schema equals the live one.

Batch boundaries may change which intermediate figures and accruals exist, so what is compared is
the state: last figures and the facts they count, balances per account, everything a person sees.
"""

import pytest

from services.messaging.comparing import compare
from services.messaging.process import Service
from services.messaging.replaying import rebuild
from tests.journeys.hub import message, tell
from tests.journeys.story import SERVICES, Platform, Story, eventually

COUNTED = """
    select cpts_id, indicator, starts_on, fact_id
    from (select distinct on (cpts_id, indicator, starts_on, fact_id) *
          from {schema}.figure_fact
          order by cpts_id, indicator, starts_on, fact_id, revision desc) as fact
    where is_counted order by 1, 2, 3, 4
"""
VALUES = "select cpts_id, indicator, starts_on, value from {schema}.figure order by 1, 2, 3"

STATE = {
    "membership": {
        name: f"select * from {{schema}}.{name} order by 1, 2, 3"
        for name in (
            "cpts",
            "territory_entry",
            "member",
            "participation",
            "aci",
            "taille",
            "history",
        )
    },
    "referrals": {
        name: f"select * from {{schema}}.{name} order by 1, 2"
        for name in (
            "referral",
            "platform_appointment",
            "cpts",
            "territory_entry",
            "member",
            "history",
        )
    },
    "indicators": {
        "values": VALUES,
        "counted facts": COUNTED,
        "attributions": "select * from {schema}.attribution order by 1",
        "referrals": "select * from {schema}.referral order by 1",
        "appointments": "select * from {schema}.appointment order by 1",
        **{
            name: f"select * from {{schema}}.{name} order by 1, 2"
            for name in ("cpts", "aci", "member", "participation")
        },
        "contract years": "select * from {schema}.contract_year order by 1, 2, 3",
    },
    "payments": {
        "values": VALUES,
        "counted facts": COUNTED,
        **{
            name: f"select * from {{schema}}.{name} order by 1, 2"
            for name in ("cpts", "aci", "contract_year", "taille", "mission")
        },
        "accounts": "select cpts_id, starts_on, variable_cents from {schema}.account order by 1, 2",
        "balances": "select account, sum(amount_cents) from {schema}.ledger_entry "
        "group by 1 order by 1",
        "lines": "select * from {schema}.contract_line order by 1, 2, 3",
        "rates": "select * from {schema}.rate order by 1",
        "dues": "select cpts_id, starts_on, due_id, kind, mission, amount_cents, due_on, is_held,"
        " rate_ids, explanation from {schema}.due order by 1, 2, 3",
        "next dues": "select * from {schema}.due_next order by 1",
    },
    "gateway": {
        name: f"select * from {{schema}}.{name} order by 1, 2"
        for name in ("cpts", "member", "participation", "appointment")
    },
}
COMMUNES = {
    "membership": "95306",
    "referrals": "95607",
    "indicators": "95323",
    "payments": "95388",
    "gateway": "95500",
}


async def leave_by_mistake(story: Story) -> None:
    """Another doctor is recorded, counted, and corrected: never a member at all."""
    other = f"82{story.doctor[2:]}"
    member_id = await story.add_member(other)
    await story.add_participation(other)
    indicator = "sas_medecins_participants"
    await eventually(lambda: story.figure(indicator), 2)
    path = f"/cpts/{story.cpts_id}/members/{member_id}"
    withdrawn = {"from_on": story.year.isoformat(), "is_withdrawn": True}
    await story.done("membership", "PUT", path, withdrawn)
    await eventually(lambda: story.figure(indicator), 1)


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
async def test_a_service_rebuilt_from_the_log_equals_the_live_one(
    platform: Platform, service: Service
) -> None:
    story = await platform.new_story(COMMUNES[service.name], name="rebuilt").open()
    kept, cancelled, expired = [await story.demand() for _ in range(3)]
    await story.accept(kept, story.doctor)
    await story.accept(cancelled, story.doctor)
    await story.referral(cancelled, "cancel", {"by": "cpts"})
    await story.add_participation(story.doctor)
    await leave_by_mistake(story)
    started = {"mission": "acces_aux_soins", "started_on": story.year.isoformat()}
    await story.done("membership", "PUT", f"/cpts/{story.cpts_id}/missions/acces", started)
    await platform.caught_up()
    story.later(minutes=61)
    await eventually(lambda: story.state(expired), "expired")
    assert (await tell(story, message(story, f"rebuilt-{service.name}"))).is_success
    await story.becomes_worth(2, 200_00)
    await platform.caught_up()
    run = platform.services[service.name]
    await rebuild(run.service, run.settings, "shadow")
    for name, question in STATE[run.service.name].items():
        live = await run.pool.fetch(question.format(schema="public"))
        assert live, f"{name}: nothing to compare"
        shadow = await run.pool.fetch(question.format(schema="shadow"))
        assert shadow == live, name
    compared = await compare(run.service, run.settings, "shadow")
    assert [one for one in compared if not one.is_equal] == []
    assert sum(one.live for one in compared) > len(compared)
    await run.pool.execute("update shadow.cpts set departement = '00'")
    (cpts,) = (
        one for one in await compare(run.service, run.settings, "shadow") if not one.is_equal
    )
    assert (cpts.table, cpts.only_live) == ("cpts", cpts.only_rebuilt)
