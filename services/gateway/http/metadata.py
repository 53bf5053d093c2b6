"""GET /fhir/metadata: what the doors do, and nothing else."""

from typing import Any

import msgspec
from litestar import Request, Response, get

from services.gateway.domain.naming import (
    CPTS_SLOT_PROFILE,
    ORGANIZATION_PROFILE,
    PRACTITIONER_PROFILE,
    REGULATOR_PROFILE,
    ROLE_PROFILE,
    SCHEDULE_PROFILE,
    SERVICE_PROFILE,
    SLOT_PROFILE,
)
from services.gateway.domain.search import ACTOR, ORGANIZATION, SCHEDULE, SERVICE
from services.gateway.http.doors import door
from services.gateway.http.outcomes import DOORS, MEDIA_TYPE

GUIDE = "https://interop.esante.gouv.fr/ig/fhir/sas"
READ = [{"code": "read"}]
RESOURCES: list[dict[str, Any]] = [
    {
        "type": "Slot",
        "supportedProfile": [CPTS_SLOT_PROFILE, SLOT_PROFILE],
        "interaction": [*READ, {"code": "search-type"}],
        "searchInclude": [SCHEDULE, ACTOR, SERVICE, ORGANIZATION],
        "searchParam": [
            {
                "name": "start",
                "definition": f"{GUIDE}/SearchParameter/slot-sp-start",
                "type": "date",
                "documentation": "Deux fois, ge et le ; sans décalage, l'heure de Paris",
            },
            {
                "name": "status",
                "definition": "http://hl7.org/fhir/SearchParameter/Slot-status",
                "type": "token",
                "documentation": "Seuls les créneaux libres (free) sont servis",
            },
            {
                "name": "schedule",
                "definition": "http://hl7.org/fhir/SearchParameter/Slot-schedule",
                "type": "reference",
                "documentation": "Chaîné : schedule.actor:Practitioner.identifier, 1 à 25 RPPS",
            },
        ],
    },
    {"type": "Schedule", "supportedProfile": [SCHEDULE_PROFILE], "interaction": READ},
    {"type": "PractitionerRole", "supportedProfile": [ROLE_PROFILE], "interaction": READ},
    {"type": "HealthcareService", "supportedProfile": [SERVICE_PROFILE], "interaction": READ},
    {"type": "Organization", "supportedProfile": [ORGANIZATION_PROFILE], "interaction": READ},
    {
        "type": "Practitioner",
        "supportedProfile": [REGULATOR_PROFILE, PRACTITIONER_PROFILE],
        "interaction": [*READ, {"code": "create"}, {"code": "update"}],
        "versioning": "no-version",
        "updateCreate": True,
        "conditionalUpdate": True,
        "searchParam": [
            {
                "name": "identifier",
                "definition": "http://hl7.org/fhir/SearchParameter/Practitioner-identifier",
                "type": "token",
                "documentation": "Pour la mise à jour conditionnelle d'un compte de régulateur",
            }
        ],
    },
]


def base_of(request: Request[Any, Any, Any]) -> str:
    """The address of the doors as the caller wrote it."""
    return f"{request.base_url}".rstrip("/") + DOORS


def statement(base: str) -> dict[str, Any]:
    """The CapabilityStatement of the doors at an address."""
    return {
        "resourceType": "CapabilityStatement",
        "id": "sas-cpts",
        "status": "active",
        "date": "2026-11-27",
        "kind": "instance",
        "software": {"name": "sas-cpts"},
        "implementation": {"description": "Plateforme SAS–CPTS", "url": base},
        "fhirVersion": "4.0.1",
        "format": [MEDIA_TYPE],
        "implementationGuide": [GUIDE],
        "rest": [{"mode": "server", "resource": RESOURCES}],
    }


@get(f"{DOORS}/metadata", **door((503,)))
async def show_metadata(request: Request[Any, Any, Any]) -> Response[bytes]:
    """The CapabilityStatement of these doors."""
    body = msgspec.json.encode(statement(base_of(request)))
    return Response(body, media_type=MEDIA_TYPE)
