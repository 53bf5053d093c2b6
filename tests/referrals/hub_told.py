"""Hub Santé messages as told by a test: an appointment, its envelope, and how each is read."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from services.referrals.domain.hub_message import (
    HubMessage,
    HubRefusal,
)
from services.referrals.domain.hub_reading import (
    read_message,
)

RECEIVED_AT = datetime(2026, 1, 15, 9, 0, tzinfo=UTC)
MESSAGE = "$.content[0].jsonContent.embeddedJsonContent.message"
UNKNOWN = "is not defined in the schema and the schema does not allow additional properties"
NAMES = ("SECRET-NOM", "SECRET-PRENOM", "SECRET-CABINET", "SECRET-REGUL", "SECRET-COURRIEL")


def appointment(**changes: Any) -> dict[str, Any]:
    told = {
        "appointmentId": "7f0c2f5e-rdv",
        "method": "CreateAppointment",
        "created": "2026-01-15T09:50:00+01:00",
        "start": "2026-01-15T14:00:00+01:00",
        "end": "2026-01-15T14:20:00+01:00",
        "status": "booked",
        "orientationCategory": "CPTS",
        "practitioner": {
            "rppsId": "810000000017",
            "lastName": "SECRET-NOM",
            "firstName": "SECRET-PRENOM",
            "specialityCode": "SM54",
            "professionCode": "10",
        },
        "organization": {"organizationId": "950047225", "name": "SECRET-CABINET"},
        "regulator": {
            "regulatorId": "3950000000/1",
            "regulatorName": "SECRET-REGUL",
            "regulatorFirstname": "SECRET-PRENOM",
            "regulatorEmail": "SECRET-COURRIEL",
        },
    }
    return {name: value for name, value in (told | changes).items() if value is not ...}


def header(**changes: Any) -> dict[str, Any]:
    told = {
        "messageId": "fr.health.ptfsas_1",
        "sender": {"name": "ptfsas", "URI": "hubex:fr.health.ptfsas"},
        "sentAt": "2026-01-15T09:55:00+01:00",
        "kind": "Report",
        "status": "Actual",
        "recipient": [{"name": "cpts", "URI": "hubex:fr.health.cpts"}],
        "appointment": appointment(),
    }
    return {name: value for name, value in (told | changes).items() if value is not ...}


def envelope(message: Any = None, **changes: Any) -> dict[str, Any]:
    item = {"jsonContent": {"embeddedJsonContent": {"message": message or header()}}}
    told = {
        "distributionID": "fr.health.ptfsas_1",
        "senderID": "fr.health.ptfsas",
        "dateTimeSent": "2026-01-15T09:55:00+01:00",
        "dateTimeExpires": "2026-01-16T09:55:00+01:00",
        "distributionStatus": "Actual",
        "distributionKind": "Report",
        "descriptor": {
            "language": "fr-FR",
            "explicitAddress": {
                "explicitAddressScheme": "hubex",
                "explicitAddressValue": "fr.health.cpts",
            },
        },
        "content": [item],
    }
    return {name: value for name, value in (told | changes).items() if value is not ...}


def read(told: Any, received_at: datetime = RECEIVED_AT) -> HubMessage | HubRefusal:
    body = told if isinstance(told, bytes) else json.dumps(told).encode()
    return read_message(body, received_at=received_at, tolerance=timedelta(minutes=5))


def taken(told: Any) -> HubMessage:
    answer = read(told)
    assert isinstance(answer, HubMessage), answer
    return answer


def refused(told: Any) -> HubRefusal:
    answer = read(told)
    assert isinstance(answer, HubRefusal), answer
    return answer
