"""GET /fhir/metadata: what the doors do, and nothing else."""

from typing import Any

import msgspec
from litestar import MediaType, Request, Response, get

from services.gateway.http.outcomes import DOORS, MEDIA_TYPE
from services.messaging.documents import DOCUMENTS_ITSELF

GUIDE = "https://interop.esante.gouv.fr/ig/fhir/sas"
RESOURCES: list[dict[str, Any]] = []


def base_of(request: Request[Any, Any, Any]) -> str:
    """The address of the doors as the caller wrote it."""
    return f"{request.base_url}".rstrip("/") + DOORS


def statement(base: str) -> dict[str, Any]:
    """The CapabilityStatement of the doors at an address."""
    rest: dict[str, Any] = {"mode": "server"}
    if RESOURCES:
        rest["resource"] = RESOURCES
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
        "rest": [rest],
    }


@get(
    f"{DOORS}/metadata",
    media_type=MediaType.JSON,
    opt={DOCUMENTS_ITSELF: True},
)
async def show_metadata(request: Request[Any, Any, Any]) -> Response[bytes]:
    """The CapabilityStatement of these doors."""
    body = msgspec.json.encode(statement(base_of(request)))
    return Response(body, media_type=MEDIA_TYPE)
