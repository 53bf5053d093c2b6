"""What the platforms may ask or order: the doors, under `/fhir`."""

from services.gateway.http.metadata import show_metadata

ROUTES = (show_metadata,)
