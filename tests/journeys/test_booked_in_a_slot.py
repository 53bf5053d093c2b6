"""From a regulator's account and a CPTS's agenda to the euro: a slot that the SAS platform finds
and a regulator books is a referral accepted with its appointment, and it counts.
"""

from datetime import timedelta
from typing import Any

from tests.journeys.story import Platform, Story, eventually

NATIONAL = "urn:oid:1.2.250.1.71.4.2.1"
PLATFORM = "urn:oid:1.2.250.1.213.3.6"


async def account(story: Story, uuid: str) -> str:
    """The account that a platform opens; its id."""
    kind = {"system": "http://interopsante.org/fhir/CodeSystem/fr-v2-0203", "code": "INTRN"}
    body = {
        "resourceType": "Practitioner",
        "identifier": [{"type": {"coding": [kind]}, "system": PLATFORM, "value": uuid}],
        "active": True,
        "name": [{"family": "Loridon", "given": ["Anne"]}],
        "telecom": [{"system": "email", "value": "anne@example.org"}],
    }
    answer = await story.order("gateway", "POST", "/fhir/Practitioner", body)
    assert answer.status_code == 201, answer.text
    return answer.headers["location"].rpartition("/")[2]


async def open_slot(story: Story) -> None:
    """An agenda of the story's doctor with one slot of its CPTS, in five hours."""
    finess = f"106{story.doctor[-7:]}"
    await story.done("membership", "POST", f"/cpts/{story.cpts_id}/finess", {"finess": finess})
    await story.platform.caught_up()
    body: dict[str, Any] = {"cpts_id": story.cpts_id, "practitioner_rpps": story.doctor}
    body |= {"family_name": "Foret", "given_name": "Pierre", "address_line": "1 rue du Port"}
    body |= {"city": "Nice", "postal_code": "06000"}
    path = f"/agendas/{story.cpts_id}"
    await story.done("gateway", "PUT", path, body, "cpts")
    starts_at = story.now + timedelta(hours=5)
    span = {"starts_at": starts_at.isoformat()}
    span["ends_at"] = (starts_at + timedelta(minutes=20)).isoformat()
    offer = {"slot_types": ["CPTS"], "cpts_ids": [story.cpts_id]}
    await story.done("gateway", "POST", f"{path}/slots", {"offer": offer, "slots": [span]}, "cpts")


async def search(story: Story) -> list[Any]:
    """The slots that the SAS platform finds in the next two days."""
    end = (story.now + timedelta(days=2)).isoformat().replace("+00:00", "Z")
    asked = [
        *("_include=Slot:schedule", "_include=Slot:service-type-reference"),
        *("_include:iterate=Schedule:actor", "_include:iterate=HealthcareService:organization"),
        f"schedule.actor:Practitioner.identifier={NATIONAL}%7C{story.doctor}",
        f"start=ge{story.now.isoformat().replace('+00:00', 'Z')}",
        f"start=le{end}",
        "status=free",
    ]
    url = story.platform.url("gateway", f"/fhir/Slot?{'&'.join(asked)}")
    answer = await story.platform.client.get(url, headers={"Order-Instant": story.now.isoformat()})
    assert answer.status_code == 200, answer.text
    entries = answer.json().get("entry", [])
    return [one["resource"] for one in entries if one["search"]["mode"] == "match"]


async def book(story: Story, regulator_id: str, **changes: Any) -> Any:
    (slot,) = await search(story)
    body = {"regulator_id": regulator_id, "commune": story.commune, "need": "sage_femme"}
    return await story.done(
        "gateway", "POST", f"/slots/{slot['id']}/bookings", body | changes, "regulation"
    )


async def state(platform: Platform, booking_id: str) -> Any:
    return (await platform.get("gateway", f"/bookings/{booking_id}"))["state"]


async def test_a_slot_that_a_regulator_books_is_an_accepted_referral_that_counts(
    platform: Platform,
) -> None:
    story = await platform.new_story("06085", name="booked").open()
    regulator_id = await account(story, "0b7f7f0e-1d51-4c53-9f6f-2b7f5a1c9e42")
    await open_slot(story)
    booked = await book(story, regulator_id)
    booking_id = booked["booking_id"]
    assert await search(story) == []
    await eventually(lambda: state(platform, booking_id), "accepted")
    await story.becomes_worth(1, 100_00)
    referral_id = (await platform.get("gateway", f"/bookings/{booking_id}"))["referral_id"]
    assert await story.state(referral_id) == "booked"
    await story.referral(referral_id, "cancel", {"by": "patient"})
    await eventually(lambda: state(platform, booking_id), "given_back")
    assert len(await search(story)) == 1
    await story.becomes_worth(0, 0)


async def test_a_booking_that_referrals_refuses_gives_its_place_back_and_counts_nothing(
    platform: Platform,
) -> None:
    story = await platform.new_story("06090", name="refused").open()
    regulator_id = await account(story, "1b7f7f0e-1d51-4c53-9f6f-2b7f5a1c9e43")
    await open_slot(story)
    booked = await book(story, regulator_id, need="anything_else")
    await eventually(lambda: state(platform, booked["booking_id"]), "given_back")
    found = await platform.get("gateway", f"/bookings/{booked['booking_id']}")
    assert (found["reason"], found["refusal"]) == ("refused", "unknown_need")
    assert len(await search(story)) == 1
    await story.stays_worth(0, 0)
