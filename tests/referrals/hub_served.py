"""A running referrals service that the Hub Santé talks to, and the messages it gets."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import httpx

from contracts.events.membership import FinessAssigned
from deploy.local import databases
from deploy.local.stack import Stack
from tests.referrals.published import cpts, member, place, told
from tests.referrals.referral_cases import NOON, RPPS
from tests.referrals.served import Served, serving
from tests.stack_fixtures import fresh_name

NAMES = ("NOMFICTIF", "Prenomfictif", "adresse@example.org")


@asynccontextmanager
async def serving_the_hub(stack: Stack) -> AsyncIterator[Served]:
    """The service with one CPTS that has a FINESS, one place and one member."""
    name = fresh_name(stack, "h")
    urls = databases.create_databases(stack.admin_url, f"_{name}")
    async with serving(stack.kafka, urls["referrals"], f"{name}-") as up:
        await up.hear(
            told(cpts(), at=NOON),
            told(place("93001"), sequence=2, at=NOON),
            told(member(RPPS), sequence=3, at=NOON),
            told(FinessAssigned(cpts_id="c1", finess="1930000001"), sequence=4, at=NOON),
        )
        yield up
    databases.drop_databases(stack.admin_url, f"_{name}")


def hub_time(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%dT%H:%M:%S+00:00")


def envelope(number: str, *, sent_at: datetime = NOON, **told: Any) -> bytes:
    """An EDXL-DE envelope with an RS-SAS-RDV; the names in it are invented."""
    family, given, mail = NAMES
    appointment = {
        "appointmentId": f"platform-{number}",
        "method": "CreateAppointment",
        "created": hub_time(NOON),
        "start": hub_time(NOON + timedelta(hours=4)),
        "status": "booked",
        "orientationCategory": "CPTS",
        "practitioner": {"rppsId": RPPS, "lastName": family, "firstName": given},
        "regulator": {
            "regulatorName": family,
            "regulatorFirstname": given,
            "regulatorEmail": mail,
        },
    }
    appointment |= told
    distribution_id = f"fr.health.ptfsas_{number}"
    kind = "Report" if appointment["method"] == "CreateAppointment" else "Update"
    message = {
        "messageId": distribution_id,
        "sender": {"name": "ptfsas", "URI": "hubex:fr.health.ptfsas"},
        "sentAt": hub_time(sent_at),
        "kind": kind,
        "status": "Actual",
        "recipient": [{"name": "cpts", "URI": "hubex:fr.health.cpts"}],
        "appointment": {key: value for key, value in appointment.items() if value is not None},
    }
    outer = {
        "distributionID": distribution_id,
        "senderID": "fr.health.ptfsas",
        "dateTimeSent": hub_time(sent_at),
        "dateTimeExpires": hub_time(NOON + timedelta(days=9)),
        "distributionStatus": "Actual",
        "distributionKind": kind,
        "descriptor": {
            "language": "fr-FR",
            "explicitAddress": {
                "explicitAddressScheme": "hubex",
                "explicitAddressValue": "fr.health.cpts",
            },
        },
        "content": [{"jsonContent": {"embeddedJsonContent": {"message": message}}}],
    }
    return json.dumps(outer).encode()


def update(number: str, appointment: str, **told: Any) -> bytes:
    return envelope(number, method="UpdateAppointment", appointmentId=appointment, **told)


async def tell(served: Served, body: bytes, **options: Any) -> httpx.Response:
    return await served.order("/sas/messages", body, role="regulation", **options)


async def taken(served: Served, body: bytes, **options: Any) -> Any:
    answer = await tell(served, body, **options)
    assert answer.status_code == 200, answer.text
    return answer.json()


def content_of(body: bytes) -> bytes:
    """The appointment in an envelope."""
    embedded = json.loads(body)["content"][0]["jsonContent"]["embeddedJsonContent"]
    return json.dumps(embedded["message"]["appointment"]).encode()


async def all_messages(served: Served) -> list[Any]:
    return list((await served.ask("/sas/messages", limit=1000))["items"])
