"""What the OpenAPI document says of every door, and what they have in common."""

from collections.abc import Mapping
from typing import Any

import msgspec
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIType, RequestBody, Schema

from services.gateway.http.outcomes import MEDIA_TYPE, OperationOutcome
from services.messaging.documents import DOCUMENTS_ITSELF
from services.messaging.problems import TITLES

QUESTION = (400, 404, 503)
ORDER = (400, 413, 415, 422, 503)
ANY = (403, 429)
"""What a caller may be told at any door: that it may not pass, or not so often."""
BODY_BYTES_MAX = 64 * 1024


class Resource(msgspec.Struct, frozen=True, kw_only=True):
    """A resource; its profile says the rest."""

    resource_type: str = msgspec.field(name="resourceType")
    id: str = ""


ANSWERS = {200: "La ressource", 201: "La ressource créée"}


def door(
    statuses: tuple[int, ...] = QUESTION, *, answers: tuple[int, ...] = (200,)
) -> Mapping[str, Any]:
    """The arguments of a route that is a door: its errors, and its answers."""
    return {
        "opt": {DOCUMENTS_ITSELF: True},
        "tags": ["FHIR"],
        "request_max_body_size": BODY_BYTES_MAX,
        "responses": {
            **{status: _response(Resource, ANSWERS[status]) for status in answers},
            **{status: _response(OperationOutcome, TITLES[status]) for status in (*statuses, *ANY)},
        },
    }


def _response(shape: type[msgspec.Struct], description: str) -> ResponseSpec:
    return ResponseSpec(
        data_container=shape,
        description=description,
        media_type=MEDIA_TYPE,
        generate_examples=False,
    )


def body_of(resource: str, profile: str) -> RequestBody:
    """A body that is read as it comes, so that the document has to be told of it."""
    schema = Schema(
        type=OpenAPIType.OBJECT,
        title=resource,
        description=f"Profil {profile}",
        required=["resourceType"],
    )
    return RequestBody(content={MEDIA_TYPE: OpenAPIMediaType(schema=schema)}, required=True)
