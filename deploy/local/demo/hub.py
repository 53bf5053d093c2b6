"""Hub Santé messages (RS-SAS-RDV) of the demo. Every name and address in them is fictitious."""

import hashlib
import json
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from deploy.local.demo.orders import Draft

PARIS = ZoneInfo("Europe/Paris")
SENDER = "fr.health.ptfsas"
RECIPIENT = "fr.health.demonstration"
GOOD_FOR = timedelta(days=4)
EXAMPLE_APPOINTMENT_ID = "2d2db05f-e2b0-4169-be8f-891806da2c74"
_NOS = "https://mos.esante.gouv.fr/NOS"


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What a message tells about an appointment."""

    appointment_id: str
    created_at: datetime
    starts_at: datetime
    status: str = "booked"
    method: str = "CreateAppointment"
    rpps: str | None = None
    category: str | None = None
    organisation_id: str | None = None


def _text(instant: datetime) -> str:
    """An instant as the Hub writes it: whole seconds and an offset."""
    return instant.astimezone(PARIS).isoformat(timespec="seconds")


def appointment(told: Told) -> dict[str, Any]:
    """The `appointment` of a message."""
    body: dict[str, Any] = {
        "appointmentId": told.appointment_id,
        "method": told.method,
        "created": _text(told.created_at),
        "status": told.status,
        "start": _text(told.starts_at),
        "end": _text(told.starts_at + timedelta(minutes=20)),
        "regulator": {
            "regulatorName": "FICTIF",
            "regulatorFirstname": "Camille",
            "regulatorEmail": "camille.fictif@example.invalid",
        },
    }
    if told.category is not None:
        body["orientationCategory"] = told.category
    if told.rpps is not None:
        body["practitioner"] = {
            "rppsId": told.rpps,
            "lastName": "INVENTE",
            "firstName": "Dominique",
            "specialityCode": "SM54",
            "specialityUrl": f"{_NOS}/TRE_R38-SpecialiteOrdinale/FHIR/TRE-R38-SpecialiteOrdinale",
            "professionCode": "10",
            "professionUrl": f"{_NOS}/TRE_G15-ProfessionSante/FHIR/TRE-G15-ProfessionSante",
        }
    if told.organisation_id is not None:
        body["organization"] = {
            "organizationId": told.organisation_id,
            "name": "STRUCTURE DE DEMONSTRATION",
        }
    return body


def envelope(
    told: Told, *, sent_at: datetime, name: str, is_exercise: bool = False
) -> dict[str, Any]:
    """A whole EDXL-DE message; `name` makes its `distributionID` its own."""
    status = "Exercise" if is_exercise else "Actual"
    distribution_id = f"{SENDER}_{name}"
    kind = "Report" if told.method == "CreateAppointment" else "Update"
    return {
        "distributionID": distribution_id,
        "senderID": SENDER,
        "dateTimeSent": _text(sent_at),
        "dateTimeExpires": _text(sent_at + GOOD_FOR),
        "distributionStatus": status,
        "distributionKind": kind,
        "descriptor": {
            "language": "fr-FR",
            "explicitAddress": {
                "explicitAddressScheme": "hubex",
                "explicitAddressValue": RECIPIENT,
            },
        },
        "content": [
            {
                "jsonContent": {
                    "embeddedJsonContent": {
                        "message": {
                            "messageId": distribution_id,
                            "sender": {"name": "SAS fictif", "URI": f"hubex:{SENDER}"},
                            "sentAt": _text(sent_at),
                            "kind": kind,
                            "status": status,
                            "recipient": [{"name": "Demo", "URI": f"hubex:{RECIPIENT}"}],
                            "appointment": appointment(told),
                        }
                    }
                }
            }
        ],
    }


def message(
    told: Told,
    *,
    at: datetime,
    name: str,
    sent_at: datetime | None = None,
    lane: str | None = None,
    is_exercise: bool = False,
) -> Draft:
    """The order that brings a message in its envelope; `sent_at` is a few seconds before `at`."""
    sent_at = sent_at or at - timedelta(seconds=3)
    body = envelope(told, sent_at=sent_at, name=name, is_exercise=is_exercise)
    return raw_message(json.dumps(body), at=at, lane=lane or told.appointment_id, name=name)


def bare(told: Told, *, at: datetime, name: str) -> Draft:
    """The order that brings an appointment without envelope, as the public examples are."""
    text = json.dumps({"appointment": appointment(told)}, indent=2)
    return raw_message(text, at=at, lane=told.appointment_id, name=name)


def raw_message(text: str, *, at: datetime, lane: str, name: str) -> Draft:
    """The order that brings any text as a message."""
    digest = hashlib.sha256(f"{name}\n{at.isoformat()}".encode()).hexdigest()[:16]
    return Draft(
        at=at,
        service="referrals",
        path="/sas/messages",
        role="regulation",
        key=f"hub-{digest}",
        lane=lane,
        raw=text,
    )


def refused_messages(at: datetime) -> list[Draft]:
    """One message for each fault that the Hub's codes name (102, 300, 301, 200, 400)."""
    told = Told(
        appointment_id="refuse-1", created_at=at, starts_at=at + timedelta(hours=2), category="CPTS"
    )

    def body(name: str) -> dict[str, Any]:
        return envelope(told, sent_at=at, name=name)

    without_sender = body("fault-300")
    del without_sender["senderID"]
    invalid_content = body("fault-300b")
    content = invalid_content["content"][0]["jsonContent"]["embeddedJsonContent"]["message"]
    del content["appointment"]["created"]
    unknown_type = body("fault-301")
    message_ = unknown_type["content"][0]["jsonContent"]["embeddedJsonContent"]["message"]
    del message_["appointment"]
    wrong_sender = body("fault-200") | {"senderID": "fr.health.quelqu-un-d-autre"}
    expired = body("fault-400") | {
        "dateTimeSent": _text(at - timedelta(days=9)),
        "dateTimeExpires": _text(at - timedelta(days=2)),
    }
    texts = (
        "ceci n'est pas du JSON",
        json.dumps(without_sender),
        json.dumps(invalid_content),
        json.dumps(unknown_type),
        json.dumps(wrong_sender),
        json.dumps(expired),
    )
    return [
        raw_message(
            text, at=at + timedelta(seconds=i), lane=f"hub-refused-{i}", name=f"refused-{i}"
        )
        for i, text in enumerate(texts)
    ]
