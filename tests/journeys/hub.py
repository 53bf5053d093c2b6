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


async def tell(story: Story, body: bytes) -> Any:
    return await story.order("referrals", "POST", "/sas/messages", body, "regulation")
