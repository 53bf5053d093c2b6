"""Who may give each order of the service: roles by the name of the order's route.

Any other role is refused with `role_not_allowed`, before anything else is looked at.
The doors of the SAS platforms have none: a certificate says who calls there.
"""

from collections.abc import Mapping
from typing import Final

from contracts.roles import Role

THE_CPTS: Final = frozenset({Role.CPTS, Role.SYSTEM})
THE_REGULATION: Final = frozenset({Role.REGULATION, Role.SYSTEM})

OWNERS: Final[Mapping[str, frozenset[Role]]] = {
    "put_agenda": THE_CPTS,
    "set_hours": THE_CPTS,
    "open_slots": THE_CPTS,
    "close_slots": THE_CPTS,
    "import_slots": THE_CPTS,
    "put_phone": THE_CPTS,
    "set_feed": THE_CPTS,
    "stop_feed": THE_CPTS,
    "book_slot": THE_REGULATION,
    "resend_declaration": frozenset({Role.SYSTEM}),
}
