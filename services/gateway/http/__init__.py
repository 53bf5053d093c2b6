"""What the platforms may ask or order: the doors, under `/fhir`."""

from services.gateway.http.metadata import show_metadata
from services.gateway.http.reading import read_practitioner
from services.gateway.http.regulators import change_account, open_account

ROUTES = (show_metadata, open_account, change_account, read_practitioner)
