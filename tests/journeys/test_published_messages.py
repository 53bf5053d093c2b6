"""The Hub Santé's published examples, through the whole chain."""

from datetime import date
from pathlib import Path

import pytest

from tests.journeys.story import Platform

HUB = Path(__file__).parents[3] / "shared" / "interop" / "hub-sante"
PRACTITIONER = "810005681340"
EURO_100 = 100_00

pytestmark = pytest.mark.skipif(
    not HUB.is_dir(), reason="the published messages are not beside this checkout"
)

REFUSED_WITH = {
    "completely-missing-RC-DE": 300,
    "error-in-RC-DE": 300,
    "error-in-envelope": 300,
    "invalid-header": 300,
    "missing-EDXL-required-field": 300,
    "multiple-errors-in-content": 301,
    "no-schemas": 301,
    "unknown-property-at-root": 300,
}


async def test_the_published_appointment_gives_a_euro_and_its_update_takes_it(
    platform: Platform,
) -> None:
    story = platform.new_story("95424", name="published")
    story.year, story.doctor = date(2025, 6, 1), PRACTITIONER
    await story.open()
    await story.add_participation(PRACTITIONER)
    await platform.caught_up()
    for name, figure in (("PS.01", 1), ("PS.01-MAJ", 0)):
        body = (HUB / "examples" / f"RS-SAS-RDV_appointment_{name}.json").read_bytes()
        answer = await story.order("referrals", "POST", "/sas/messages", body, "regulation")
        assert answer.is_success, answer.text
        await story.becomes_worth(figure, figure * EURO_100)


@pytest.mark.parametrize("name", sorted(REFUSED_WITH))
async def test_a_published_failing_message_is_refused_and_changes_nothing(
    platform: Platform, name: str
) -> None:
    story = platform.new_story("95427", name="failing")
    pool = platform.services["referrals"].pool
    before = await pool.fetchval("select count(*) from history")
    body = (HUB / "failing" / f"{name}.json").read_bytes()
    answer = await story.order("referrals", "POST", "/sas/messages", body, "regulation")
    assert (answer.status_code, answer.json()["hub_code"]) == (422, REFUSED_WITH[name])
    assert answer.json()["reasons"]
    assert await pool.fetchval("select count(*) from history") == before
