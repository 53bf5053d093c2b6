"""What people may ask of membership, or order."""

from services.membership.http import (
    contract,
    counting,
    directory,
    founding,
    missions,
    participants,
    professionals,
    projets,
    reading,
    registration,
    structures,
    territory,
    transfer,
)

ROUTES = (
    *registration.ROUTES,
    *founding.ROUTES,
    *projets.ROUTES,
    *territory.ROUTES,
    *contract.ROUTES,
    *missions.ROUTES,
    *professionals.ROUTES,
    *participants.ROUTES,
    *structures.ROUTES,
    *transfer.ROUTES,
    *counting.ROUTES,
    *directory.ROUTES,
    *reading.ROUTES,
)
