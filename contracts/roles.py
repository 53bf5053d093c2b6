"""On whose behalf callers act: one vocabulary for the orders of all services."""

from enum import StrEnum


class Role(StrEnum):
    """On whose behalf an order is given."""

    CPTS = "cpts"
    CAISSE = "caisse"
    ARS = "ars"
    REGULATION = "regulation"
    SYSTEM = "system"
