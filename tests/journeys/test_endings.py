"""One story for each way in which a demand can end, from the SAS to the cent."""

from datetime import timedelta

from tests.journeys.story import Platform, eventually

OTHER_DOCTOR = "830000000001"  # stories count their own from 810000000001
EURO_100 = 100_00


async def test_an_accepted_demand_becomes_euros(platform: Platform) -> None:
    story = await platform.new_story("95018", name="accepted").open()
    referral = await story.demand()
    story.later(minutes=10)
    await story.accept(referral, story.doctor)
    await story.becomes_worth(1, EURO_100)
    assert await story.state(referral) == "booked"


async def test_a_declined_demand_brings_nothing(platform: Platform) -> None:
    story = await platform.new_story("95028", name="declined").open()
    referral = await story.demand()
    body = {"cpts_id": story.cpts_id, "reason": "no_availability"}
    await story.referral(referral, "decline", body)
    await story.stays_worth(0, 0)
    assert await story.state(referral) == "declined"


async def test_a_demand_without_an_answer_expires_and_a_late_yes_is_refused(
    platform: Platform,
) -> None:
    story = await platform.new_story("95052", name="expired").open()
    referral = await story.demand()
    body = story.accept_body(story.doctor)
    story.now += timedelta(minutes=60)
    path = f"/referrals/{referral}/accept"
    late = await story.order("referrals", "POST", path, body, "cpts")
    assert (late.status_code, late.json()["reason"]) == (409, "answer_too_late")
    story.later(minutes=1)
    await eventually(lambda: story.state(referral), "expired")
    await story.stays_worth(0, 0)


async def test_a_returned_demand_gives_its_euros_back(platform: Platform) -> None:
    story = await platform.new_story("95058", name="returned").open()
    referral = await story.demand()
    await story.accept(referral, story.doctor)
    await story.becomes_worth(1, EURO_100)
    await story.referral(referral, "return", {"reason": "practitioner_unavailable"})
    await story.becomes_worth(0, 0)
    assert await story.state(referral) == "returned"


async def test_an_honoured_appointment_keeps_its_euros(platform: Platform) -> None:
    story = await platform.new_story("95063", name="honoured").open()
    referral = await story.demand()
    await story.accept(referral, story.doctor)
    story.later(hours=6)
    await story.referral(referral, "honoured")
    await story.becomes_worth(1, EURO_100)
    await story.stays_worth(1, EURO_100)


async def test_a_no_show_keeps_its_euros(platform: Platform) -> None:
    story = await platform.new_story("95088", name="missed").open()
    referral = await story.demand()
    await story.accept(referral, story.doctor)
    story.later(hours=6)
    await story.referral(referral, "no-show")
    await story.becomes_worth(1, EURO_100)
    assert await story.state(referral) == "missed"


async def test_a_cancelled_appointment_gives_its_euros_back(platform: Platform) -> None:
    story = await platform.new_story("95091", name="cancelled").open()
    kept, cancelled = await story.demand(), await story.demand()
    for referral in (kept, cancelled):
        await story.accept(referral, story.doctor)
    await story.becomes_worth(2, 2 * EURO_100)
    await story.referral(cancelled, "cancel", {"by": "patient"})
    await story.becomes_worth(1, EURO_100)
    assert await story.state(cancelled) == "cancelled"


async def test_a_moved_appointment_is_still_one_appointment(platform: Platform) -> None:
    story = await platform.new_story("95127", name="moved").open()
    await story.add_member(OTHER_DOCTOR)
    await platform.caught_up()
    referral = await story.demand()
    await story.accept(referral, story.doctor)
    starts_at = (story.now + timedelta(days=3)).isoformat()
    body = {"practitioner_rpps": OTHER_DOCTOR, "starts_at": starts_at}
    await story.referral(referral, "move", body)
    await story.becomes_worth(1, EURO_100)
    await story.stays_worth(1, EURO_100)


async def test_a_demand_for_an_unknown_place_waits_and_is_offered_when_it_can_be(
    platform: Platform,
) -> None:
    story = platform.new_story("95176", name="unknown-place")
    await story.register()
    await platform.caught_up()
    referral = await story.demand(expected_state="held")
    held = await platform.get("referrals", "/worklists/held")
    assert referral in {one["referral_id"] for one in held["items"]}
    story.later(minutes=30)
    await story.hold_place()
    await eventually(lambda: story.state(referral), "offered")


async def test_a_demand_that_nobody_could_be_offered_goes_back_to_the_regulation(
    platform: Platform,
) -> None:
    story = platform.new_story("95183", name="nobody")
    referral = await story.demand(expected_state="held")
    story.later(hours=49)
    await eventually(lambda: story.state(referral), "returned")


async def test_every_euro_is_explained_down_to_its_referral(platform: Platform) -> None:
    story = await platform.new_story("95199", name="explained").open()
    referral = await story.demand()
    await story.accept(referral, story.doctor)
    await story.becomes_worth(1, EURO_100)
    path = f"/cpts/{story.cpts_id}/contract-years/{story.year}/explanation"
    explanation = await platform.get("payments", path)
    line = explanation["lines"][0]
    assert line["amount_cents"] == EURO_100
    assert line["figure"]["value"] == 1
    assert line["facts"]["items"] == [f"referral:{referral}"]
    mission = explanation["missions"][0]
    assert mission["rate"]["is_verified"] is False
    assert "avenant 2" in mission["rate"]["text"]
    ledger = await platform.get("payments", "/ledger/balances")
    assert ledger["sum_cents"] == 0
