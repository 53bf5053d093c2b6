"""Who may give each order of the service: roles by the name of the order's route.

Any other role is refused with `role_not_allowed`, before anything else is looked at.
"""

from collections.abc import Mapping
from typing import Final

from contracts.roles import Role

THE_REGULATION: Final = frozenset({Role.REGULATION, Role.SYSTEM})
THE_CPTS: Final = frozenset({Role.CPTS, Role.SYSTEM})
BOTH_SIDES: Final = frozenset({Role.CPTS, Role.REGULATION, Role.SYSTEM})

OWNERS: Final[Mapping[str, frozenset[Role]]] = {
    "receive_demand": THE_REGULATION,
    "hear_message": THE_REGULATION,
    "locate": THE_REGULATION,
    "accept": THE_CPTS,
    "decline": THE_CPTS,
    "give_back": BOTH_SIDES,
    "honoured": BOTH_SIDES,
    "no_show": BOTH_SIDES,
    "cancel": BOTH_SIDES,
    "move": BOTH_SIDES,
}
