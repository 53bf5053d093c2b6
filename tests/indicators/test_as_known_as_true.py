"""Figures as known at an instant and as true on a day, against the entries as they stood then."""

from datetime import date, timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.events.indicators import ActivityRecorded
from contracts.events.membership import AciSigned, ContractYear, CptsRegistered
from services.indicators.store import dated
from services.messaging.unit import Desk
from tests.desks import empty
from tests.indicators.hearing import hear
from tests.indicators.story import told
from tests.indicators.test_declared_any_order import (
    DAYS,
    NOON,
    activities,
    expected,
    put,
    subject_of,
)

FIRST = date(2025, 1, 1)
ACI = AciSigned(
    cpts_id="a",
    aci_id="aci",
    signed_on=FIRST,
    contract_years=(ContractYear(starts_on=FIRST, ends_on=date(2025, 12, 31)),),
)
CODES = (
    *("qualite_reunions", "qualite_participants", "prevention_journees"),
    *("prevention_participants", "prevention_orientations"),
)


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(story=st.lists(activities(), min_size=1, max_size=6))
async def test_what_was_known_then_of_what_was_true_by_then(
    migrated: Desk, story: list[ActivityRecorded]
) -> None:
    await empty(migrated)
    cpts: Any = CptsRegistered(cpts_id="a", cpts_name="a", seat_commune="93066")
    await hear(migrated, "membership", told([cpts, ACI], "a", "93", NOON))
    for place, event in enumerate(story):
        await put(migrated, event, place)
    subjects = {f"a/{code}/{FIRST}": code for code in CODES}
    for place in range(-1, len(story)):
        known = {subject_of(one): one for one in story[: place + 1]}
        for day in DAYS:
            async with migrated.pool.acquire() as connection:
                found = await dated.live_figures(
                    connection,
                    list(subjects),
                    known_at=NOON + timedelta(minutes=place),
                    true_on=day,
                )
            then = expected(ACI, [one for one in known.values() if one.held_on <= day])
            values = {
                (subjects[subject], FIRST): figure.value
                for subject, figure in found.items()
                if figure.value
            }
            assert values == then, (place, day)
