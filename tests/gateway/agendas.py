"""Agendas as the tests keep them, and the questions that a platform asks about them."""

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from contracts.topics import MEMBERSHIP
from tests.gateway.published import ONE_PLACE, members
from tests.gateway.served import NOON, Served

PARIS = ZoneInfo("Europe/Paris")
SYSTEM = "urn:oid:1.2.250.1.71.4.2.1"
PS_INCLUDES = (("_include", "Slot:schedule"), ("_include:iterate", "Schedule:actor"))
CPTS_INCLUDES = (
    PS_INCLUDES[0],
    ("_include", "Slot:service-type-reference"),
    PS_INCLUDES[1],
    ("_include:iterate", "HealthcareService:organization"),
)


def at(hour: int, minute: int = 0, days: int = 1) -> datetime:
    """An hour of Paris, tomorrow unless it is said."""
    day = (NOON + timedelta(days=days)).astimezone(PARIS)
    return day.replace(hour=hour, minute=minute, second=0, microsecond=0)


def agenda_body(rpps: str = ONE_PLACE, **changes: Any) -> dict[str, Any]:
    """An agenda of c1 at one place."""
    body = {
        "cpts_id": "c1",
        "practitioner_rpps": rpps,
        "family_name": "Foret",
        "given_name": "Pierre",
        "address_line": "25 CHEMIN DE MOUNESTIE",
        "city": "Aussonne",
        "postal_code": "31840",
        "phone": "+33561855977",
        "booking_url": "https://exemple.com/rdv/com/",
        "structure_number": "412345678912345",
        "specialties": ["SM54"],
    }
    return body | changes


def offer(*types: str, **changes: Any) -> dict[str, Any]:
    """An offer; with the type CPTS it is of c1 unless it is said."""
    found: dict[str, Any] = {"slot_types": list(types or ("PUBLIC",))}
    if "CPTS" in types:
        found["cpts_ids"] = ["c1"]
    return found | changes


async def made(served: Served) -> Served:
    """The service that has heard of the members."""
    await served.hear(MEMBERSHIP, *members())
    return served


async def kept(served: Served, agenda_id: str, rpps: str = ONE_PLACE, **changes: Any) -> str:
    """An agenda, open."""
    answer = await served.order("PUT", f"/agendas/{agenda_id}", agenda_body(rpps, **changes))
    assert answer.status_code == 200, answer.text
    return agenda_id


async def opened(
    served: Served,
    agenda_id: str,
    *starts: datetime,
    minutes: int = 20,
    at_instant: datetime = NOON,
    **of: Any,
) -> None:
    """Slots typed in."""
    body = {
        "offer": of.get("offer") or offer("PUBLIC"),
        "slots": [
            {
                "starts_at": start.isoformat(),
                "ends_at": (start + timedelta(minutes=minutes)).isoformat(),
            }
            for start in starts
        ],
    }
    answer = await served.order("POST", f"/agendas/{agenda_id}/slots", body, at=at_instant)
    assert answer.status_code == 200, answer.text


def query(
    *rpps: str,
    includes: tuple[tuple[str, str], ...] = CPTS_INCLUDES,
    start: str = "ge2026-11-23T12:00:00.000",
    end: str = "le2026-11-25T23:59:59.000",
) -> str:
    """A search as the platform writes it."""
    tokens = ",".join(f"{SYSTEM}|{one}" for one in rpps)
    parts = [
        *includes,
        ("schedule.actor:Practitioner.identifier", quote(tokens, safe=":,")),
        ("start", start),
        ("start", end),
        ("status", "free"),
    ]
    return "&".join(f"{name}={value}" for name, value in parts)


async def bundle(served: Served, *rpps: str, **asked: Any) -> Any:
    """The Bundle of a search."""
    answer = await served.fhir("GET", f"/Slot?{query(*rpps, **asked)}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def resources(found: Any, kind: str) -> list[Any]:
    """The resources of a kind in a Bundle."""
    all_of = [one["resource"] for one in found.get("entry", [])]
    return [one for one in all_of if one["resourceType"] == kind]


async def starts(served: Served, *rpps: str, **asked: Any) -> list[datetime]:
    """When the free slots begin, as a search tells."""
    found = await bundle(served, *rpps, **asked)
    return [datetime.fromisoformat(one["start"]) for one in resources(found, "Slot")]
