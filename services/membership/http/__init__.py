"""What people may ask of membership, or order."""

from services.membership.http import contract, professionals, reading, registration, territory

ROUTES = (
    *registration.ROUTES,
    *territory.ROUTES,
    *contract.ROUTES,
    *professionals.ROUTES,
    *reading.ROUTES,
)
