"""Appointments that the SAS platform tells about (Hub Santé), and what corrections do to them."""

import json
from datetime import timedelta

from tests.journeys.hub import hub_time, message, tell
from tests.journeys.story import Platform, eventually

EURO_100 = 100_00
DOUBTFUL = "/worklists/attribution?limit=1000"


async def test_a_platform_appointment_becomes_euros_and_its_cancellation_takes_them_back(
    platform: Platform,
) -> None:
    story = await platform.new_story("95203", name="hub-ps").open()
    await story.add_participation(story.doctor)
    await platform.caught_up()
    booked = message(story, "hub-ps-1")
    assert (await tell(story, booked)).is_success
    await story.becomes_worth(1, EURO_100)
    assert (await tell(story, booked)).is_success
    await story.stays_worth(1, EURO_100)
    story.later(minutes=5)
    update = message(story, "hub-ps-1", method="UpdateAppointment", status="cancelled")
    assert (await tell(story, update)).is_success
    await story.becomes_worth(0, 0)


async def test_a_late_creation_after_its_update_is_refused_and_changes_nothing(
    platform: Platform,
) -> None:
    story = await platform.new_story("95210", name="hub-late").open()
    await story.add_participation(story.doctor)
    await platform.caught_up()
    update = message(story, "hub-late-1", method="UpdateAppointment")
    assert (await tell(story, update)).is_success
    await story.becomes_worth(1, EURO_100)
    late = await tell(story, message(story, "hub-late-1"))
    assert (late.status_code, late.json()["hub_code"]) == (409, 701)
    await story.stays_worth(1, EURO_100)


async def test_an_appointment_told_before_its_practitioner_was_a_member_counts_once_they_are(
    platform: Platform,
) -> None:
    story = platform.new_story("95219", name="hub-member-late")
    await story.register()
    await story.hold_place()
    await story.sign_aci()
    await story.set_line_when_known()
    body = message(story, "hub-member-1", orientationCategory="CPTS")
    assert (await tell(story, body)).is_success
    await story.stays_worth(0, 0)
    unattributed = await platform.get("indicators", f"{DOUBTFUL}&kind=no_cpts")
    assert "hub-member-1" in json.dumps(unattributed)
    await story.add_member(story.doctor)
    await story.becomes_worth(1, EURO_100)


async def test_a_corrected_membership_takes_the_platform_appointment_away_but_not_ours(
    platform: Platform,
) -> None:
    story = await platform.new_story("95229", name="hub-corrected").open()
    body = message(story, "hub-corrected-1", orientationCategory="CPTS")
    assert (await tell(story, body)).is_success
    ours = await story.demand()
    await story.accept(ours, story.doctor, starts_at=(story.now + timedelta(hours=7)).isoformat())
    await story.becomes_worth(2, 2 * EURO_100)
    story.later(days=20)
    correction = {
        "from_on": (story.now.date() - timedelta(days=5)).isoformat(),
        "is_withdrawn": False,
    }
    path = f"/cpts/{story.cpts_id}/members/{story.cpts_id}-{story.doctor}"
    await story.done("membership", "PUT", path, correction)
    await story.becomes_worth(1, EURO_100)


async def test_the_same_appointment_told_under_another_id_is_counted_once_and_listed(
    platform: Platform,
) -> None:
    story = await platform.new_story("95252", name="hub-twin").open()
    ours = await story.demand()
    starts_at = story.now + timedelta(hours=4)
    await story.accept(ours, story.doctor, starts_at=starts_at.isoformat())
    twin = message(story, "hub-twin-1", orientationCategory="CPTS")
    assert (await tell(story, twin)).is_success
    await story.stays_worth(1, EURO_100)
    duplicates = await platform.get("indicators", f"{DOUBTFUL}&kind=same_minute")
    assert "hub-twin-1" in json.dumps(duplicates)
    await story.referral(ours, "cancel", {"by": "practitioner"})
    await eventually(story.worth, (1, EURO_100))
    await story.stays_worth(1, EURO_100)


async def test_what_the_platform_says_of_our_appointment_is_said_of_our_referral(
    platform: Platform,
) -> None:
    story = await platform.new_story("95268", name="hub-ours").open()
    ours = await story.demand()
    starts_at = story.now + timedelta(hours=4)
    await story.accept(ours, story.doctor, starts_at=starts_at.isoformat())
    await story.becomes_worth(1, EURO_100)
    story.later(hours=5)
    created = hub_time(story.now)
    start = hub_time(starts_at)
    update = message(
        story, ours, method="UpdateAppointment", status="cancelled", start=start, created=created
    )
    assert (await tell(story, update)).is_success
    await story.becomes_worth(0, 0)
    assert await story.state(ours) == "cancelled"


async def test_a_valid_message_that_concerns_nobody_is_kept_and_listed(
    platform: Platform,
) -> None:
    story = platform.new_story("95277", name="hub-nobody")
    answer = await tell(story, message(story, "hub-nobody-1", orientationCategory="SOS"))
    assert answer.is_success
    messages = await platform.get("referrals", "/sas/messages?limit=1000")
    assert "hub-nobody-1" in json.dumps(messages)


async def test_a_decision_moves_the_euro_and_its_explanation_leads_to_who_decided(
    platform: Platform,
) -> None:
    story = await platform.new_story("95313", name="hub-decided").open()
    name = f"hub-decided-{story.cpts_id}"
    # category PS, of a member who does not take part: no CPTS counts it
    assert (await tell(story, message(story, name))).is_success
    await story.stays_worth(0, 0)
    path = f"{DOUBTFUL}&kind=no_cpts&cpts_id={story.cpts_id}&departement=95&state=open"
    (case,) = (await platform.get("indicators", path))["items"]
    assert (case["appointment_id"], case["reason"]) == (name, "not_taking_part")
    order = {"appointment_id": name, "acting_person": "agent-7"}
    counted = {"decision": "count_for", "for_cpts_id": story.cpts_id}
    counted |= {"reason": "confirmed_by_practitioner"}
    decisions = "/attribution/decisions"
    await story.done("indicators", "POST", decisions, order | counted, "caisse")
    await story.becomes_worth(1, EURO_100)
    explained = await platform.get(
        "payments", f"/cpts/{story.cpts_id}/contract-years/{story.year}/explanation"
    )
    (fact,) = explained["lines"][0]["facts"]["items"]
    behind = await platform.get(
        "indicators", f"/attribution?appointment_id={fact.removeprefix('appointment:')}"
    )
    (decided,) = behind["decisions"]
    assert (decided["by_role"], decided["decided_by"]) == ("caisse", "agent-7")
    assert decided["reason"] == "confirmed_by_practitioner"
    mistake = {"decision": "as_ruled", "reason": "decided_by_mistake"}
    await story.done("indicators", "POST", decisions, order | mistake, "caisse")
    await story.becomes_worth(0, 0)
