"""The counting rule gets another value: everything is counted by it, whatever came before it.

Method: a story is heard under the rule as committed, then another rule is applied; the same story
heard under the other rule from its beginning must give the same figures.
"""

import tomllib
from datetime import UTC, date, datetime
from functools import partial
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.indicators.app import FOLDER, RULE
from services.indicators.domain.rule import CountingRule, DatedValue, Name
from services.indicators.handlers.hearing import on_membership, on_referrals
from services.indicators.handlers.recounting import apply_rule
from services.indicators.store import invariants as stored
from services.messaging.timers import Due
from services.messaging.unit import Desk, open_unit
from tests.contracts.compatibility import base_commit
from tests.desks import empty
from tests.edited import edits, files_at
from tests.indicators.hearing import figures, hear
from tests.indicators.story import DAYS, Story, arrivals, stories

PARAMETERS = FOLDER / "parameters.toml"
NOW = datetime(2026, 4, 1, 8, tzinfo=UTC)
WORDS = {
    Name.PARTICIPATION_WAYS: ("cpts", "own_office"),
    Name.PROFESSIONS: ("10", "60"),
    Name.REFERRAL_STATUSES: ("booked", "honoured", "missed", "cancelled"),
    Name.PLATFORM_STATUSES: ("booked", "fulfilled", "noshow", "pending"),
    Name.EXCLUDED_CATEGORIES: ("CPTS", "PS", "SOS"),
    Name.MEMBER_CATEGORIES: ("CPTS", "PS"),
    Name.PARTICIPANT_CATEGORIES: ("PS", "CPTS"),
}


def with_value(name: Name, words: tuple[str, ...], from_on: date) -> CountingRule:
    added = DatedValue(name=name, from_on=from_on, value=words, text="a test", is_verified=False)
    return with_values(*RULE.values, added)


def with_values(*values: DatedValue) -> CountingRule:
    return msgspec.structs.replace(RULE, values=values)


@st.composite
def rules(draw: Any) -> CountingRule:
    """The rule with one more value, in force from a day of the stories on, or from before them."""
    name = draw(st.sampled_from(list(WORDS)))
    words = draw(st.lists(st.sampled_from(WORDS[name]), unique=True))
    return with_value(name, tuple(words), draw(st.sampled_from([date(2020, 1, 1), *DAYS])))


async def apply(desk: Desk, rule: CountingRule) -> int:
    """Applies a rule to the end; answers in how many transactions."""
    due = Due(now=NOW, limit=200)
    for count in range(100):
        async with open_unit(desk) as unit:
            if await apply_rule(rule, unit, due) < due.limit:
                return count
    raise AssertionError("it has no end")


async def invariants(desk: Desk, rule: CountingRule) -> set[bool]:
    async with desk.pool.acquire() as connection:
        return set((await stored.invariants(connection, rule)).values())


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data(), story=stories(), other=rules())
async def test_another_rule_gives_what_it_would_have_given_from_the_beginning(
    migrated: Desk, data: st.DataObject, story: Story, other: CountingRule
) -> None:
    batches = data.draw(arrivals(story))
    await empty(migrated)
    for topic, batch in batches:
        await hear(migrated, topic, batch)
    await apply(migrated, other)
    found = await figures(migrated)
    assert await invariants(migrated, other) == {True}

    await empty(migrated)
    handlers = {"membership": on_membership, "referrals": on_referrals}
    for topic, batch in batches:
        async with open_unit(migrated) as unit:
            await partial(handlers[topic], other)(unit, batch)
    expected = await figures(migrated)
    assert {key: facts for key, facts in found.items() if facts} == {
        key: facts for key, facts in expected.items() if facts
    }


async def test_a_rule_is_applied_once_and_never_by_a_version_of_which_less_was_said(
    desk: Desk,
) -> None:
    later = with_value(Name.PROFESSIONS, ("10", "60"), date(2026, 6, 1))
    assert await apply(desk, RULE) > 0
    assert await apply(desk, RULE) == 0
    assert await apply(desk, later) > 0
    assert await apply(desk, RULE) == 0
    assert await apply(desk, later) == 0


@pytest.mark.parametrize("field", ["from_on", "value"])
def test_the_digest_is_another_one_when_what_counts_is(field: str) -> None:
    first = RULE.values[0]
    changes = {"from_on": date(2030, 1, 1), "value": (*first.value, "more")}
    changed = msgspec.structs.replace(first, **{field: changes[field]})
    assert with_values(changed, *RULE.values[1:]).digest() != RULE.digest()
    reworded = msgspec.structs.replace(first, text="the same, said better")
    assert with_values(reworded, *RULE.values[1:]).digest() == RULE.digest()


def values_of(texts: list[str]) -> dict[str, dict[str, Any]]:
    """What counts, by the parameter and the day from which it does; not how it is worded."""
    return {
        f"{one['name']} from {one['from_on']}": {"value": one["value"]}
        for text in texts
        for one in tomllib.loads(text)["parameter"]
    }


def test_no_value_of_the_rule_of_the_base_was_edited() -> None:
    base = base_commit()
    old = values_of([] if base is None else files_at(base, PARAMETERS))
    if not old:
        pytest.skip("this clone holds no older rule to compare with")
    assert edits(old, values_of([PARAMETERS.read_text("utf-8")])) == []
