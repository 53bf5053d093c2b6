"""What the SAS platform tells of a story's appointments, as the Hub Santé sends it."""

import json
from datetime import datetime, timedelta
from typing import Any

from tests.journeys.story import Story


def hub_time(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%dT%H:%M:%S+00:00")


def message(story: Story, appointment_id: str, **changes: Any) -> bytes:
    """A bare RS-SAS-RDV of a booked appointment with the story's doctor, category PS."""
    appointment = {
        "appointmentId": appointment_id,
        "method": "CreateAppointment",
        "created": hub_time(story.now),
        "start": hub_time(story.now + timedelta(hours=4)),
        "status": "booked",
        "orientationCategory": "PS",
        "practitioner": {"rppsId": story.doctor, "lastName": "ESSAI", "firstName": "Essai"},
        "regulator": {
            "regulatorName": "ESSAI",
            "regulatorFirstname": "Essai",
            "regulatorEmail": "essai@example.org",
        },
    }
    return json.dumps({"appointment": appointment | changes}).encode()


def envelope(story: Story, appointment_id: str) -> dict[str, Any]:
    """The same in its envelope, with all that an envelope may hold."""
    sent_at, sender = hub_time(story.now), "fr.health.ptfsas"
    told = json.loads(message(story, appointment_id))["appointment"]
    told["end"] = told["start"]
    told["organization"] = {"organizationId": "1060000009", "name": "CABINET FICTIF"}
    told["practitioner"] |= {"professionCode": "10", "professionUrl": "https://example.org/G15"}
    told["practitioner"] |= {"specialityCode": "SM54", "specialityUrl": "https://example.org/R38"}
    told["regulator"]["regulatorId"] = "3620100057/70326SR"
    header = {
        "messageId": f"{sender}_{appointment_id}",
        "sender": {"name": "SAS fictif", "URI": f"hubex:{sender}"},
        "sentAt": sent_at,
        "kind": "Report",
        "status": "Actual",
        "recipient": [{"name": "Essai", "URI": "hubex:fr.health.essai"}],
        "appointment": told,
    }
    address = {"explicitAddressScheme": "hubex", "explicitAddressValue": "fr.health.essai"}
    return {
        "distributionID": f"{sender}_{appointment_id}",
        "senderID": sender,
        "dateTimeSent": sent_at,
        "dateTimeExpires": hub_time(story.now + timedelta(days=2)),
        "distributionStatus": "Actual",
        "distributionKind": "Report",
        "descriptor": {"language": "fr-FR", "explicitAddress": address},
        "content": [{"jsonContent": {"embeddedJsonContent": {"message": header}}}],
    }


async def tell(story: Story, body: bytes) -> Any:
    return await story.order("referrals", "POST", "/sas/messages", body, "regulation")
