"""The handlers on a real PostgreSQL: any order, repetition, loss and batches, the same figures."""

from datetime import date
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.messaging.unit import Desk
from tests.desks import empty
from tests.indicators.hearing import announced, figures, hear, invariants
from tests.indicators.model import expected_figures, in_contract
from tests.indicators.story import Story, arrivals, stories


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data(), story=stories())
async def test_figures_are_those_of_the_model_however_events_come(
    migrated: Desk, data: st.DataObject, story: Story
) -> None:
    await empty(migrated)
    known = Story(membership=[], referrals=[])
    for topic, batch in data.draw(arrivals(story)):
        await hear(migrated, topic, batch)
        # Right at every step, for what has been heard so far.
        (known.membership if topic == "membership" else known.referrals).extend(batch)
        expected = expected_figures(known)
        assert in_contract(await figures(migrated), expected) == expected
    expected = expected_figures(story)
    assert in_contract(await figures(migrated), expected) == expected
    assert await invariants(migrated) == {True}
    assert in_contract(announced_figures(await announced(migrated)), expected) == expected
    assert announced_ends(await announced(migrated)) == await kept_ends(migrated)


def announced_ends(said: list[Any]) -> dict[Any, date]:
    """The last day of each figure's contract year, as last announced."""
    return {
        (event.cpts_id, event.indicator, event.contract_year_starts_on): event.contract_year_ends_on
        for event in said
    }


async def kept_ends(desk: Desk) -> dict[Any, date]:
    """The same by the figures; a year that stands ends where the ACI says."""
    rows = await desk.pool.fetch(
        """
        select cpts_id, indicator, starts_on, figure.ends_on, max(year.ends_on) as right_one
        from figure left join contract_year as year using (cpts_id, starts_on)
        group by cpts_id, indicator, starts_on, figure.ends_on
        """
    )
    assert not [row for row in rows if row["ends_on"] != (row["right_one"] or row["ends_on"])]
    return {(row["cpts_id"], row["indicator"], row["starts_on"]): row["ends_on"] for row in rows}


def announced_figures(said: list[Any]) -> dict[Any, set[str]]:
    """The figures as a consumer keeps them, from the announcements alone."""
    kept: dict[Any, set[str]] = {}
    revisions: dict[Any, int] = {}
    for event in said:
        key = (event.cpts_id, event.indicator, event.contract_year_starts_on)
        facts = kept.setdefault(key, set())
        for change in event.facts:
            # A fact that is counted already may be told again, from another day on.
            assert change.is_counted or change.fact_id in facts
            (facts.add if change.is_counted else facts.remove)(change.fact_id)
        assert event.revision == revisions.get(key, 0) + len(event.facts)
        assert event.value == len(facts)
        revisions[key] = event.revision
    return kept
