"""GET /fhir/metadata: what the doors do, and nothing else."""

from typing import Any

import msgspec
from litestar import Request, Response, get

from services.gateway.domain.naming import REGULATOR_PROFILE
from services.gateway.http.doors import door
from services.gateway.http.outcomes import DOORS, MEDIA_TYPE

GUIDE = "https://interop.esante.gouv.fr/ig/fhir/sas"
RESOURCES: list[dict[str, Any]] = [
    {
        "type": "Practitioner",
        "supportedProfile": [REGULATOR_PROFILE],
        "interaction": [{"code": "read"}, {"code": "create"}, {"code": "update"}],
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
