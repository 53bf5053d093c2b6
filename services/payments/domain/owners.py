"""Who may give each order of the service: roles by the name of the order's route.

Any other role is refused with `role_not_allowed`, before anything else is looked at.
"""

from collections.abc import Mapping
from typing import Final

from contracts.roles import Role

ANYBODY_CONCERNED: Final = frozenset({Role.CPTS, Role.CAISSE, Role.ARS, Role.SYSTEM})
THE_CPTS: Final = frozenset({Role.CPTS})
THE_CPTS_OR_SYSTEM: Final = frozenset({Role.CPTS, Role.SYSTEM})
THE_CAISSE: Final = frozenset({Role.CAISSE})
THE_CAISSE_OR_SYSTEM: Final = frozenset({Role.CAISSE, Role.SYSTEM})
CPTS_AND_CAISSE: Final = frozenset({Role.CPTS, Role.CAISSE})
SIGNATORIES: Final = frozenset({Role.CAISSE, Role.ARS, Role.SYSTEM})

OWNERS: Final[Mapping[str, frozenset[Role]]] = {
    "set_line": SIGNATORIES,
    "import_lines": SIGNATORIES,
    "publish_rate": THE_CAISSE_OR_SYSTEM,
    "confirm_rate": THE_CAISSE,
    "open_dialogue": THE_CAISSE,
    "set_dialogue_line": THE_CAISSE,
    "settle_year": THE_CAISSE,
    "settle_years": THE_CAISSE,
    "simulation": ANYBODY_CONCERNED,
    "make_batch": THE_CAISSE,
    "take_answers": THE_CAISSE,
    "make_batch_of_cpts": THE_CPTS,
    "take_answers_of_cpts": THE_CPTS,
    "propose_of_cpts": CPTS_AND_CAISSE,
    "confirm_of_cpts": CPTS_AND_CAISSE,
    "propose_of_caisse": THE_CAISSE,
    "confirm_of_caisse": THE_CAISSE,
    "propose_of_professional": THE_CPTS,
    "confirm_of_professional": THE_CPTS,
    "put_indemnity": THE_CPTS_OR_SYSTEM,
    "put_use": THE_CPTS_OR_SYSTEM,
}
